#!/usr/bin/env bats
# packages: python3
# What is remembered does not grow by being prefetched.

load common

setup() {
  make_work
  "$PBRUN_HELPERS/touch_pages" "$WORK/data"
}

pages() { # PROGRAM
  settled
  "$PBRUN" --json --show "$1" | json - 'sum(e[1] for f in j["files"] for e in f["extents"])'
}

# Ten more runs, with all that the shadow names prefetched: within 5 % of the first, at each of them.
stays() { # COMMAND...
  "$PBRUN" -r train "$@"
  first=$(pages "$1")
  for mode in train auto train sample train auto train auto sample train; do
    "$PBRUN" -r "$mode" "$@"
    now=$(pages "$1")
    echo "$mode: $now of $first pages"
    ((now * 20 >= first * 19 && now * 20 <= first * 21))
  done
}

@test "mapped pages stay those that are touched" {
  stays "$PBRUN_HELPERS/touch_pages" "$WORK/data" 0 7 100 101 102 300 512 900
  "$PBRUN" --json --show "$PBRUN_HELPERS/touch_pages" >shown
  [ "$(json shown "[f['extents'] for f in j['files'] if f['path'] == '$WORK/data'][0]")" = \
    "[[0, 1], [7, 1], [100, 3], [300, 1], [512, 1], [900, 1]]" ]
}

@test "a program with many libraries and files" {
  stays /usr/bin/python3 -I -c 'import asyncio, ctypes, json, sqlite3, unittest.mock, xml.dom.minidom'
}

@test "a tree of processes" {
  # shellcheck disable=SC2016
  stays sh -c 'for i in 1 2 3; do expr $i + 1; done | sort | cat >/dev/null'
}
