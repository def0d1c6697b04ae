/* The command: all of it lives behind the binding. */
int tw_lua_main(int argc, char **argv);

int main(int argc, char **argv) { return tw_lua_main(argc, argv); }
