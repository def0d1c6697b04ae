#!/bin/sh
# builds: release
# The core is a C library of its own: neither it nor anything it needs comes from Lua or HDF5. Only the recorder needs HDF5, only the binding Lua.
set -u
passed=0 failed=0

# stays_free LIBRARY WHAT PATTERN: no symbol that LIBRARY leaves undefined matches PATTERN.
stays_free() {
  found=$(nm --undefined-only "$TW_BUILD/$1" 2>/dev/null | awk '{ print $NF }' | grep -E "$3" | sort -u)
  if [ -f "$TW_BUILD/$1" ] && [ -z "$found" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAIL %s needs no %s\n  expected no such symbol, got: %s\n' "$1" "$2" "${found:-no library}" | tr '\n' ' '
    echo
  fi
}

stays_free libthalweg_core.a Lua '^lua(L)?_'
stays_free libthalweg_core.a HDF5 '^H5'
stays_free libthalweg_core.a journal '^tw_(journal|record|run|bind)_'
stays_free libthalweg_record.a Lua '^lua(L)?_'
stays_free libthalweg_run.a Lua '^lua(L)?_'
stays_free libthalweg_run.a HDF5 '^H5'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
