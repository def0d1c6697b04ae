#!/bin/sh
# builds: release
# What `cmake --install` leaves: a command that works away from the tree, and a module for a stock lua5.4.
set -u
passed=0 failed=0
usr="$TMPDIR/in stalled"

is() { # is NAME GOT WANT
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAIL %s\n  expected %s\n  got %s\n' "$1" "$3" "$2"
  fi
}

cmake --install "$TW_BUILD" --prefix "$usr" >"$TMPDIR/log" 2>&1 || cat "$TMPDIR/log"
unset LUA_PATH THALWEG
mkdir "$TMPDIR/elsewhere"
cd "$TMPDIR/elsewhere" || exit 1
cat >bowl.lua <<'END'
local tw = require "thalweg"
return tw.experiment {
  name = "bowl",
  params = { lr = tw.space.choice{ 0.1, 0.3 } },
  run = function(run)
    local x = tw.tensor{ 1.0, -2.0 }
    local opt = tw.optim.sgd(x, { lr = run.params.lr })
    for _ = 1, 20 do run:log{ loss = opt:step(function(p) return (p * p):sum() end) } end
  end,
}
END

version=$("$usr/bin/thalweg" --version 2>&1)
is "the installed command runs" "$?" 0
is "the installed command says the version it was built from" "$(echo "$version" | grep -o '[0-9]*\.[0-9]*\.[0-9]*')" \
  "$(sed -n 's/^project(thalweg VERSION \([0-9.]*\).*/\1/p' "$TW_ROOT/CMakeLists.txt")"
"$usr/bin/thalweg" run bowl.lua --quiet >"$TMPDIR/log" 2>&1
is "the installed command runs a sweep" "$? $(cat "$TMPDIR/log")" "0 "
is "the sweep is where the manual says" "$(ls runs)" "bowl.h5"
is "the example experiments are installed" "$([ -f "$usr/share/thalweg/experiments/digits_lr_decay.lua" ] && echo yes)" yes
(PATH=$usr/bin:$PATH && "$usr/share/thalweg/experiments/digits_lr_decay.lua" --dry-run) >"$TMPDIR/log" 2>&1
is "an installed experiment is a program and finds its data" "$? $(grep -ci error "$TMPDIR/log")" "0 0"

stock() { # stock CODE
  LUA_CPATH="$usr/lib/lua/5.4/?.so" lua5.4 -e "$1" 2>&1
}
is "a stock lua5.4 requires the module" "$(stock 'local tw = require "thalweg"; print(tw.tensor{1, 2, 3}:sum():item())')" "6.0"
is "a stock lua5.4 differentiates" "$(stock 'local tw = require "thalweg"
  print(tw.grad(function(x) return (x * x):sum() end)(tw.tensor{3}):table()[1])')" "6.0"
is "the module brings all its Lua files" "$(stock 'require "thalweg"; require "thalweg.space"; require "thalweg.plan"; print "ok"')" ok

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
