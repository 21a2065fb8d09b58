#!/usr/bin/env bats
# Once: the calls that fail are those of the source.
# No coverage: who is stopped while it writes its counters keeps them locked for everybody.
# No address sanitizer: its look for leaks needs the calls that fail.
# No thread sanitizer: it cannot do without the calls that fail.
# packages: python3
# A system call of pbrun fails, or is never answered: the program has its output and its exit status. How far this goes is
# said by PBRUN_FAULTS, how many calls of each kind, and PBRUN_ERRORS, the errors to try (docs/reliability.md).

load common

setup() {
  make_work
  errors=(EPERM)
  max_each=3
  hang="hang-files"
  if [ -n "${PBRUN_FAULTS:-}" ]; then
    read -ra errors <<<"${PBRUN_ERRORS:-EPERM ENOSYS EINTR EAGAIN ENOMEM EIO ENOENT EMFILE}"
    max_each=$PBRUN_FAULTS
    hang="hang"
  fi
}

inject() { # MODE MAX-EACH ERROR...
  /usr/bin/python3 "$BATS_TEST_DIRNAME/../helpers/inject_faults.py" "$PBRUN_HELPERS/fail_nth" "$PBRUN" "$WORK" "$@" >out ||
    status=$?
  cat out
  echo "# $(tail -n 1 out)" >&3
  [ "${status:-0}" -eq 0 ]
}

@test "a system call fails: in training" { inject train "$max_each" "${errors[@]}"; }
@test "a system call fails: in a sampled start" { inject sample "$max_each" "${errors[@]}"; }
@test "a system call fails: where nothing is recorded" { inject none "$max_each" "${errors[@]}"; }
@test "a system call of the observer is never answered" { inject train 1 "$hang"; }
