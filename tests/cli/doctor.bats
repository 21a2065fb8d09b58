#!/usr/bin/env bats
# No address sanitizer: its look for leaks needs the calls that are refused.
# packages: python3 util-linux
# --doctor: what works here, and what does not.

load common

setup() {
  make_work
  unset COLUMNS NO_COLOR
}

teardown() {
  remove_work
}

verdict_of() { # ID
  json "$WORK/json" "next(c['verdict'] for c in j['checks'] if c['id'] == '$1')"
}

advice_of() { # ID
  json "$WORK/json" "next(c['advice'] for c in j['checks'] if c['id'] == '$1')"
}

@test "here it works, and nothing is left behind" {
  TMPDIR=$WORK run "$PBRUN" --doctor
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *kernel*ptrace*userfaultfd*pagemap*store*trial* ]]
  [ -z "$(find "$WORK" -name 'pbrun-doctor*')" ]
  [ ! -e "$PBRUN_DIR" ]
}

@test "a place where nothing can be kept" {
  touch "$WORK/file"
  run "$PBRUN" -d "$WORK/file" --doctor --json
  [ "$status" -eq 1 ]
  echo "$output" >"$WORK/json"
  [ "$(verdict_of store)" = broken ]
  [[ $(advice_of store) == *PBRUN_DIR* ]]
  [ "$(json "$WORK/json" 'j["verdict"]')" = broken ]

  run env -u PBRUN_DIR -u HOME -u XDG_CACHE_HOME "$PBRUN" --doctor --json
  [ "$status" -eq 1 ]
  echo "$output" >"$WORK/json"
  [[ $(advice_of store) == *HOME* ]]
}

@test "PBRUN_DISABLE is told" {
  run env PBRUN_DISABLE=1 "$PBRUN" --doctor
  [ "$status" -eq 1 ]
  [[ $output == *"X environment"*"PBRUN_DISABLE is 1"*"to do"*"unset PBRUN_DISABLE"* ]]
}

@test "a damaged recording and few descriptors are limits" {
  "$PBRUN" true
  echo garbage >"$(echo "$PBRUN_DIR"/*.shadow)"
  (ulimit -n 64 && "$PBRUN" --doctor --json >"$WORK/json")
  [ "$(verdict_of store)" = limited ]
  [ "$(verdict_of descriptors)" = limited ]
  [ "$(json "$WORK/json" 'j["verdict"]')" = limited ]
}

@test "another PID namespace's /proc records nothing" {
  unshare --pid --fork true || skip "no PID namespaces"
  run unshare --pid --fork "$PBRUN" --doctor --json
  [ "$status" -eq 1 ]
  echo "$output" >"$WORK/json"
  [ "$(verdict_of proc)" = broken ]
  [[ $(advice_of proc) == *"mount -t proc"* ]]
}

@test "ptrace, userfaultfd or what it takes to hand it over are refused" {
  deny=$PBRUN_HELPERS/deny
  "$deny" prctl=0 true 2>/dev/null || skip "no seccomp filters"
  run "$deny" ptrace "$PBRUN" --doctor --json
  [ "$status" -eq 0 ]
  echo "$output" >"$WORK/json"
  [ "$(verdict_of ptrace)" = limited ]
  [ "$(verdict_of trial)" = limited ]
  [ "$(verdict_of seccomp)" = limited ]
  [[ $(advice_of ptrace) == *ptrace_scope* ]]

  run "$deny" userfaultfd "$PBRUN" --doctor --json
  [ "$status" -eq 0 ]
  echo "$output" >"$WORK/json"
  [ "$(verdict_of userfaultfd)" = limited ]
  [ "$(verdict_of trial)" = limited ]
  [[ $(advice_of userfaultfd) == *userfaultfd* ]]
}
