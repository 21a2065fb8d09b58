#!/usr/bin/env bats
# Once: the calls that fail are those of the source.
# No coverage: the counters are written with memory, too.
# No address sanitizer: it has an allocator of its own.
# No thread sanitizer: it has an allocator of its own.
# packages: python3
# One allocation of pbrun fails, of its own or of a library's: the program has its output and its exit status, a command says
# that it failed or does all, and nothing that was recorded is lost. PBRUN_FAULTS=all: each allocation, not some of them
# (docs/reliability.md).

load common

setup() {
  make_work
  max_each=8
  case ${PBRUN_FAULTS:-} in
    "") ;;
    all) max_each=0 ;;
    *) max_each=$PBRUN_FAULTS ;;
  esac
}

fail_in() { # SCENARIO...
  /usr/bin/python3 "$BATS_TEST_DIRNAME/../helpers/fail_allocations.py" "$PBRUN_HELPERS/fail_allocation.so" "$PBRUN" \
    "$WORK" "$max_each" "$@" >out || status=$?
  cat out
  grep "allocations failed" out | sed 's/^/# /' >&3
  [ "${status:-0}" -eq 0 ]
}

@test "an allocation fails: in starts" {
  fail_in first train sample none operands another-profile predicted by-name
}

@test "an allocation fails: what is excluded stays so" {
  fail_in excluded private private-option
}

@test "an allocation fails: in commands that show" {
  fail_in list list-json show show-json show-svg dry-run dry-run-json dry-run-unknown embedded wrapped alias
}

@test "an allocation fails: in commands that write" {
  fail_in export export-ranges export-shadow import merge forget embed desktop unit undo
}

@test "an allocation fails: in commands that start programs" {
  fail_in doctor benchmark
}
