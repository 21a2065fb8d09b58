#!/usr/bin/env bats
# packages: python3 strace
# A start of which nothing is remembered.

load common

setup() {
  make_work
  cp /bin/sleep program
}

# Whether a first start of the program predicts anything. The longer it runs, the surer is the account.
predicts() { # OPTION...
  local seconds
  for seconds in ${durations:-0.2 1 5}; do
    "$PBRUN" "$@" -R report ./program "$seconds"
    if [ "$(json report 'j["prefetch"]["predicted_bytes"] + j["prefetch"]["predicted_resident_bytes"]')" -gt 0 ]; then
      return
    fi
  done
  return 1
}

@test "a first start prefetches what its libraries are sure to be needed for" {
  predicts -r none
  [ "$(json report 'j["shadow"]')" = none ]
  [ "$(json report 'j["prefetch"]["bytes"]')" = 0 ]
}

starts_at_once() {
  strace -f -qq -e trace=clone,clone3,fork,vfork -o log "$PBRUN" -r none ./program 0 && ! forks_in log
}

@test "a program that is in memory has nothing to gain, and is started at once" {
  eventually starts_at_once
}

@test "not where it is told not to prefetch, nor with a shadow" {
  durations="0.2 1"
  run predicts -r none -n
  [ "$status" -eq 1 ]
  "$PBRUN" ./program 0
  settled
  run predicts -r none
  [ "$status" -eq 1 ]
}

@test "nothing that is excluded" {
  durations="0.2 1"
  run predicts -r none -x '*/program' -x '*.so*'
  [ "$status" -eq 1 ]
}

@test "training leaves an index for the first starts of others, which is not listed" {
  for name in program second third; do
    cp -n program $name
    "$PBRUN" ./$name 0
  done
  settled
  compgen -G 'shadows/.all-*.index'
  [ "$("$PBRUN" --list --json | json - 'len(j["shadows"])')" = 3 ]
  cp program other
  run "$PBRUN" -r none ./other 0
  [ "$status" -eq 0 ]
}

@test "a script, a text without interpreter and what is no program start as they do without" {
  printf '#!/bin/sh\nexit 3\n' >script
  printf 'no program' >text
  chmod +x script text
  run "$PBRUN" -r none ./script
  [ "$status" -eq 3 ]
  run "$PBRUN" -r none /bin/sh text
  [ "$status" -eq 127 ]
  run "$PBRUN" -r none ./missing
  [ "$status" -eq 127 ]
}
