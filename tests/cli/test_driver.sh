#!/bin/sh
# builds: release
# The test driver on a small tree of its own: what it finds, what it counts, what it shows.
set -u
passed=0 failed=0
top=$TMPDIR/"a tree"
mkdir -p "$top/tests/c" "$top/tests/lua" "$top/tests/cli" "$top/tests/readers" "$top/tests/style" "$top/build/dev"
cp "$TW_ROOT/tests/run" "$top/tests/run"

is() { # is NAME GOT WANT
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAIL %s\n  expected %s\n  got %s\n' "$1" "$3" "$2" | sed 's/^\([0-9]\)/ \1/'
  fi
}
add() { # add FILE: the body comes from standard input
  cat >"$top/$1"
  chmod +x "$top/$1"
}
run() {
  sh "$top/tests/run" "$@" >"$TMPDIR/out" 2>&1
  status=$?
  last=$(tail -n 1 "$TMPDIR/out")
}

run
is "finding no test is a failure" "$last $status" "0 passed, 1 failed, 0 skipped 1"

for build in build build/dev; do
  add $build/thalweg <<'END'
#!/bin/sh
echo "command $*"; echo '2 passed, 0 failed, 1 skipped'
END
  add $build/test_math <<'END'
#!/bin/sh
echo '3 passed, 0 failed'
END
done
echo >"$top/tests/c/test_math.c"
echo >"$top/tests/lua/some_spec.lua"
echo >"$top/tests/lua/spec.lua"
add tests/cli/test_once.sh <<'END'
# builds: release
touch "$TMPDIR/mine"
echo '1 passed, 0 failed'
END
run
is "runs each test in both builds and sums the closing lines" "$last $status" "11 passed, 0 failed, 2 skipped 0"
run math
is "runs a subset by name" "$last" "6 passed, 0 failed, 0 skipped"
run math once
is "takes several names" "$last" "7 passed, 0 failed, 0 skipped"

add tests/cli/test_dies.sh <<'END'
# builds: release
echo "before the end"
kill -9 $$
END
run dies
is "counts a test that dies" "$last $status" "0 passed, 1 failed, 0 skipped 1"
is "shows the output of a test that failed" "$(grep -c '^  before the end' "$TMPDIR/out")" 1
add tests/cli/test_dies.sh <<'END'
# builds: release
echo '4 passed, 0 failed'
echo 'ERROR: LeakSanitizer: detected memory leaks'
exit 23
END
run dies
is "counts a test that dies after its closing line" "$last $status" "4 passed, 1 failed, 0 skipped 1"
add tests/cli/test_dies.sh <<'END'
# builds: release
echo '0 passed, 0 failed'
END
run dies
is "counts a program without tests" "$last $status" "0 passed, 1 failed, 0 skipped 1"
add tests/cli/test_dies.sh <<'END'
# builds: release
echo 'FAIL adds'; echo '4 passed, 2 failed'
exit 1
END
run
is "goes on after a failure" "$last $status" "15 passed, 2 failed, 2 skipped 1"
add tests/cli/test_dies.sh <<'END'
# builds: release
sleep 60
END
TW_TEST_LIMIT=1 run dies
is "stops a test that hangs" "$last $status" "0 passed, 1 failed, 0 skipped 1"
add tests/cli/test_dies.sh <<'END'
# builds: release
kill -INT $$
sleep 1
echo '1 passed, 0 failed'
END
run dies
is "leaves SIGINT at its default" "$last" "0 passed, 1 failed, 0 skipped"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
