#!/usr/bin/env bats
# packages: python3
# Where ptrace(2) is refused, what a program uses is recorded all the same.

load common

setup() {
  make_work
  # With the agent: agent.bats.
  mkdir -p home/pbrun
  echo "agent = no" >home/pbrun/config
  export XDG_CONFIG_HOME=$WORK/home
  deny=$PBRUN_HELPERS/deny
  "$deny" prctl=0 true 2>/dev/null || skip "no seccomp filters"
}

# The shadow of a program, as JSON, has a value that is true.
shadow_has() { # EXPRESSION PROGRAM...
  "$PBRUN" --show "${@:2}" --json 2>/dev/null >shown && [ "$(json shown "$1")" = true ]
}

@test "a program that lasts a while is seen from outside, and its next start is prefetched" {
  run "$deny" ptrace "$PBRUN" -R report sleep 0.3
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  eventually shadow_has 'any("libc" in f["path"] and f["extents"] for f in j["files"])' sleep
  shadow_has 'j["trained_runs"] == 1 and not j["exact"]' sleep
  eventually [ -s report ]
  [ "$(json report 'j["record"]["recorded_by"]')" = looking ]
  [ "$(json report 'j["launch"].get("exit_status", "unknown")')" = unknown ]
  "$deny" ptrace "$PBRUN" -r none -R report sleep 0.3
  eventually [ -s report ]
  [ "$(json report 'j["shadow"]')" = fresh ]
  [ "$(json report 'j["prefetch"]["bytes"] + j["prefetch"]["resident_bytes"] > 0')" = true ]
}

@test "children, and what a process executes, are seen" {
  "$deny" ptrace "$PBRUN" sh -c 'sleep 0.3 & wait; exec tail --pid=$$ -s 0.05 -f /dev/null & sleep 0.1'
  eventually shadow_has 'any(f["path"].endswith("/sleep") and f["extents"] for f in j["files"])' sh
}

@test "what was traced before keeps its exactness" {
  "$PBRUN" -r train sleep 0.3
  settled
  "$PBRUN" --show sleep --json >before
  for mode in train sample; do
    "$deny" ptrace "$PBRUN" -r $mode sleep 0.3
  done
  eventually shadow_has 'j["runs"] == 3' sleep
  [ "$(json shown 'j["exact"]')" = "$(json before 'j["exact"]')" ]
  # What was not seen is not taken for unused.
  [ "$(json shown 'max(f["age"] for f in j["files"])')" = 0 ]
}
