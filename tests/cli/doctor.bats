#!/usr/bin/env bats
# No address sanitizer: its look for leaks needs the calls that are refused.
# packages: python3 util-linux
# --doctor: what works here, and what does not.

load common

setup() {
  make_work
  unset COLUMNS NO_COLOR
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
  settled
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

agent_is() { # VERDICT FOUND COMMAND...
  "${@:3}" --doctor --json >"$WORK/json" || true
  json "$WORK/json" "next(c['found'] for c in j['checks'] if c['id'] == 'agent')" >&2
  [ "$(verdict_of agent)" = "$1" ]
  [[ $(json "$WORK/json" "next(c['found'] for c in j['checks'] if c['id'] == 'agent')") == *$2* ]]
}

@test "the agent: there and usable, or what is in its way" {
  cd "$WORK" || return
  mkdir -m 755 bin home home/pbrun
  cp "$PBRUN" bin/pbrun
  cp "$(dirname "$PBRUN")/libpbrun-agent.so" bin/
  chmod 755 bin/libpbrun-agent.so
  agent_is ok 'libpbrun-agent.so works' bin/pbrun
  chmod 757 bin
  agent_is ok 'no use: it or its directory can be written by others' bin/pbrun
  chmod 755 bin
  LD_AUDIT='' agent_is ok 'no use: variables for the dynamic loader' bin/pbrun
  echo "agent = no" >home/pbrun/config
  XDG_CONFIG_HOME=$WORK/home agent_is ok 'switched off' bin/pbrun
  mkdir 'a b'
  cp -p bin/* 'a b'
  agent_is ok 'no use: LD_PRELOAD cannot name' 'a b/pbrun'
  # No library, and one that is not ours.
  echo garbage >bin/libpbrun-agent.so
  agent_is ok 'no use: a program that was to load it told nothing' bin/pbrun
  rm bin/libpbrun-agent.so
  agent_is ok 'no use: it is not there' bin/pbrun
  [[ $(advice_of agent) == *lib/pbrun* ]]
}

@test "the agent matters where ptrace is refused" {
  deny=$PBRUN_HELPERS/deny
  "$deny" prctl=0 true 2>/dev/null || skip "no seccomp filters"
  mkdir -m 755 "$WORK/bin"
  cp "$PBRUN" "$WORK/bin/pbrun"
  agent_is limited 'it is not there' "$deny" ptrace "$WORK/bin/pbrun"
  cp "$(dirname "$PBRUN")/libpbrun-agent.so" "$WORK/bin/"
  chmod 755 "$WORK/bin/libpbrun-agent.so"
  agent_is ok works "$deny" ptrace "$WORK/bin/pbrun"
}
