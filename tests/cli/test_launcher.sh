#!/bin/sh
# builds: release
# The launcher on a small tree of its own: installing, building, finding its way. What it would install comes from stand-ins on PATH.
set -u
passed=0 failed=0
top=$TMPDIR/"a tree"
bin=$TMPDIR/bin
mkdir -p "$top/src" "$top/lua" "$top/cmake" "$bin" "$TMPDIR/elsewhere"
cp "$TW_ROOT/thalweg" "$TW_ROOT/CMakePresets.json" "$top"
cat >"$top/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.20)
project(small C)
add_executable(thalweg src/main.c)
END
write_main() { # write_main GREETING
  printf '#include <stdio.h>\nint main(int n, char **v) { printf("%s %%d <%%s>\\n", n - 1, n > 1 ? v[1] : ""); return n > 2; }\n' "$1" >"$top/src/main.c"
}

# is NAME GOT WANT
is() {
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAIL %s\n  expected %s\n  got %s\n' "$1" "$3" "$2"
  fi
}
has() { # has NAME TEXT PART
  case $2 in *"$3"*) is "$1" yes yes ;; *) is "$1" "$2" "... $3 ..." ;; esac
}
stand_in() { # stand_in NAME: the body comes from standard input
  { echo '#!/bin/sh'; cat; } >"$bin/$1"
  chmod +x "$bin/$1"
}

# What is installed is what stands in the file `have`; nobody has the right to install.
stand_in dpkg-query <<END
shift 3
for p; do grep -qx "\$p" "$TMPDIR/have" && printf 'installed:%s ' "\$p"; done
END
packages=$(sed -n '/^build_packages="/,/"$/{s/^build_packages="//;s/ *[\\"]$//;p}' "$top/thalweg" | paste -s -d ' ' -)
printf '%s\n' $packages $(sed -n 's/^test_packages="\(.*\)"$/\1/p' "$top/thalweg") >"$TMPDIR/have"
stand_in apt-get <<END
exit 1
END
stand_in sudo <<END
exit 1
END
stand_in id <<END
echo 1000
END
PATH=$bin:$PATH

write_main hello
cd "$TMPDIR/elsewhere" || exit 1
got=$("$top/thalweg" "two words" 2>"$TMPDIR/err")
is "builds and runs from another directory, below a path with a blank" "$got" "hello 1 <two words>"
is "says one line when it builds for the first time" "$(grep -c . "$TMPDIR/err")" 1
"$top/thalweg" a b >"$TMPDIR/out"
is "hands on the exit status" "$?" 1
ln -s "../a tree/thalweg" link
is "works through a symbolic link" "$(./link x 2>&1)" "hello 1 <x>"

stand_in ninja <<END
echo "ninja was called" >&2
exit 1
END
is "leaves a build that is up to date alone" "$("$top/thalweg" x 2>&1)" "hello 1 <x>"
# Processor time, which a busy machine does not stretch: `times` prints it for the children as 0m0.060000s 0m0.020000s.
cost=$(
  for _ in 1 2 3 4 5 6 7 8 9 10; do "$top/thalweg" x >"$TMPDIR/out"; done
  times >"$TMPDIR/times"
  sed -n 2p "$TMPDIR/times" | tr 'ms' '  ' | awk '{ printf "%d", 100 * ($1 * 60 + $2 + $3 * 60 + $4) }'
)
is "costs less than 100 ms when all is up to date ($cost ms, mean of 10)" "$([ "$cost" -lt 100 ] && echo yes || echo "$cost ms")" yes
rm "$bin/ninja"

write_main changed
is "builds what changed, without a word" "$("$top/thalweg" x 2>&1)" "changed 1 <x>"
echo 'int main(void) { return oops; }' >"$top/src/main.c"
got=$("$top/thalweg" x 2>&1 >"$TMPDIR/out")
is "leaves with 2 when the build fails" "$?" 2
has "shows the end of the log when the build fails" "$got" "oops"
is "keeps standard output for the command" "$(cat "$TMPDIR/out")" ""
got=$("$top/thalweg" test --help)
is "tells what test takes" "$?: ${got%% *}" "0: usage:"
"$top/thalweg" test --fast >/dev/null
is "refuses an option of test" "$?" 2
got=$("$top/thalweg" test 2>&1)
is "leaves with 1 when the build of the tests fails" "$?" 1
is "closes with a count when the tests cannot be built" "$(printf '%s\n' "$got" | tail -n 1)" "0 passed, 1 failed"
write_main healed
is "builds again once the fault is mended" "$("$top/thalweg" x 2>&1)" "healed 1 <x>"

mv "$top" "$TMPDIR/moved tree"
top=$TMPDIR/"moved tree"
is "builds a tree anew that was moved" "$("$top/thalweg" x 2>"$TMPDIR/err")" "healed 1 <x>"
is "configures a moved tree again" "$(grep -c building "$TMPDIR/err")" 1

rm -rf "$top/build"
for i in 1 2 3 4 5 6; do "$top/thalweg" "$i" >"$TMPDIR/out.$i" 2>"$TMPDIR/err.$i" & done
wait
is "six launchers at once on a fresh tree agree" "$(cat "$TMPDIR"/out.? | sort | tr '\n' ' ')" \
  "healed 1 <1> healed 1 <2> healed 1 <3> healed 1 <4> healed 1 <5> healed 1 <6> "
is "six launchers at once build once" "$(cat "$TMPDIR"/err.? | grep -c building)" 1

# Packages: cmake and lua-argparse are missing.
lose() {
  rm -rf "$top/build"
  printf '%s\n' $packages | grep -vxE 'cmake|lua-argparse' >"$TMPDIR/have"
  : >"$TMPDIR/apt"
}
stand_in apt-get <<END
echo "\$*" >>"$TMPDIR/apt"
case "\$*" in
  *install*) [ ! -f "$TMPDIR/stale" ] || exit 100
    for word; do echo "\$word"; done >>"$TMPDIR/have" ;;
  *update*) rm -f "$TMPDIR/stale" ;;
esac
END
stand_in sudo <<END
echo "sudo \$*" >>"$TMPDIR/sudo"
[ "\$1" = -n ] && exit 0
exec "\$@"
END

stand_in id <<END
echo 0
END
lose
is "installs what is missing, then builds and runs" "$("$top/thalweg" x 2>"$TMPDIR/err")" "healed 1 <x>"
has "installs exactly what is missing" "$(cat "$TMPDIR/apt")" "install cmake lua-argparse"
has "says what it installs" "$(cat "$TMPDIR/err")" "installing cmake lua-argparse"
is "asks for no update when the lists are good" "$(grep -c update "$TMPDIR/apt")" 0
lose
: >"$TMPDIR/stale"
is "updates lists that are missing or stale" "$("$top/thalweg" x 2>"$TMPDIR/err") $(wc -l <"$TMPDIR/apt")" "healed 1 <x> 3"

stand_in id <<END
echo 1000
END
lose
: >"$TMPDIR/sudo"
is "installs through sudo when it is not root" "$("$top/thalweg" x 2>"$TMPDIR/err") $(grep -c apt-get "$TMPDIR/sudo")" "healed 1 <x> 1"
stand_in sudo <<END
exit 1
END
lose
got=$("$top/thalweg" x 2>&1)
is "leaves with 2 when it has no right to install" "$?" 2
has "names the packages and the command when it has no right to install" "$got" "apt-get install --no-install-recommends cmake lua-argparse"
is "installs nothing without the right to" "$(cat "$TMPDIR/apt")" ""

# A system with little on it.
mkdir "$TMPDIR/other"
for tool in sh readlink find mkdir flock grep sed cat env; do ln -s "$(command -v $tool)" "$TMPDIR/other/$tool"; done

# Drawing: gnuplot is missing, the rest is built.
stand_in id <<END
echo 0
END
lose
"$top/thalweg" x >/dev/null 2>&1
: >"$TMPDIR/apt"
PATH=$bin:$TMPDIR/other "$top/thalweg" plot --print-script >/dev/null 2>&1
is "installs nothing for a script that is not drawn" "$(cat "$TMPDIR/apt")" ""
got=$(PATH=$bin:$TMPDIR/other "$top/thalweg" plot 2>"$TMPDIR/err")
is "installs gnuplot before it draws" "$got $(grep -c 'install gnuplot-nox$' "$TMPDIR/apt")" "healed 1 <plot> 1"
lose

# Another system: neither dpkg-query nor apt-get.
got=$(PATH=$TMPDIR/other "$top/thalweg" x 2>&1)
is "leaves with 2 on another system" "$?" 2
has "names every package on another system" "$got" "$packages"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
