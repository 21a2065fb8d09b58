#!/usr/bin/env bats
# packages: python3 util-linux
# Launches with damaged shadows, 200 of them, or as many as PBRUN_MUTANTS says: each is right.

load common

setup() {
  make_work
  mkdir -m 755 system
  N=${PBRUN_MUTANTS:-200}
  # On a machine that does other things as well, the time says little.
  MAX_SECONDS=$([ -n "${PBRUN_MUTANTS:-}" ] && echo 2 || echo 50)
  printf '#!/bin/sh\ncat /etc/passwd\nexit 5\n' >script
  chmod +x script
  "$PBRUN" -r train ./script >out || true
  settled
  cp shadows/script-*.shadow .
}

@test "the user's shadow is damaged" {
  run /usr/bin/python3 "$BATS_TEST_DIRNAME/../helpers/mutate_shadows.py" "$PBRUN" script-*.shadow "$N" "$MAX_SECONDS" \
    shadows -- ./script
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "the system's shadow is damaged" {
  ((EUID == 0)) || skip "needs root"
  rm shadows/*.shadow
  # shellcheck disable=SC2016
  run unshare -m sh -c 'mkdir -p /var/cache/pbrun && mount --bind system /var/cache/pbrun && exec "$@"' sh \
    /usr/bin/python3 "$BATS_TEST_DIRNAME/../helpers/mutate_shadows.py" "$PBRUN" script-*.shadow "$N" "$MAX_SECONDS" \
    /var/cache/pbrun shadows -- ./script
  echo "$output"
  [ "$status" -eq 0 ]
}
