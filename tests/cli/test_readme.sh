#!/bin/sh
# The landing page tells the truth: its script is the shipped one, its table is what the program prints, its picture and links exist.
# builds: release
passed=0 failed=0
check() { # SENTENCE: the status of what ran before decides
  if [ $? = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $1"; fi
}

# block LANGUAGE [N]: the first (Nth) fenced block of that language
block() { awk -v open="\`\`\`$1" -v n="${2:-1}" '$0 == open { inside = ++count == n; next } inside && /^```/ { exit } inside' "$TW_ROOT/README.md"; }

block lua >"$TMPDIR/script"
diff "$TMPDIR/script" "$TW_ROOT/experiments/digits_lr_decay.lua"
check "the script in the README is the shipped one"

block text >"$TMPDIR/expected"
cd "$TMPDIR" && "$THALWEG" run "$TW_ROOT/experiments/digits_lr_decay.lua" >"$TMPDIR/printed" 2>/dev/null </dev/null
diff "$TMPDIR/expected" "$TMPDIR/printed"
check "the README shows what the program prints"

block text 2 >"$TMPDIR/expected"
"$THALWEG" verify "$TW_ROOT/experiments/digits_lr_decay.lua" >"$TMPDIR/printed" 2>/dev/null </dev/null
diff "$TMPDIR/expected" "$TMPDIR/printed"
check "the README shows what the program's claims come to"

grep -o '](\([^)]*\))' "$TW_ROOT/README.md" | sed 's/](\(.*\))/\1/' | while read -r link; do
  [ -e "$TW_ROOT/$link" ] || { echo "  no such file: $link"; exit 1; }
done
check "the README's links lead somewhere"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
