#!/usr/bin/env bats
# No coverage: who is stopped while it writes its counters keeps them locked for everybody.
# packages: python3
# Somebody is asked before files are opened, as a virus scanner is (fanotify(7)), and does not answer. A program that
# opens none of them runs as it does without pbrun.

load common

setup() {
  ((EUID == 0)) || skip "needs root"
  make_work
  mkdir "$WORK/near" "$WORK/config" "$WORK/config/pbrun" "$WORK/watched"
  export XDG_CONFIG_HOME=$WORK/config
  echo 'exclude = /nowhere' >"$WORK/config/pbrun/config"
  head -c 300000 /dev/urandom >"$WORK/near/n"
  head -c 300000 /dev/urandom >"$WORK/watched/w"
  cat >"$WORK/use" <<'USE'
cat "$WORK/near/n" >/dev/null
[ -n "$SKIP" ] || cat "$WORK/watched/w" >/dev/null
echo ran
exit 5
USE
  "$PBRUN" -r train sh "$WORK/use" || [ $? -eq 5 ]
  settled
  export SKIP=1
  "$PBRUN_HELPERS/mute_scanner" "$WORK/watched" -- true || skip "no fanotify to be had"
}

teardown() {
  cd / || return
  [ -z "${WORK:-}" ] || remove_work
}

# Each of these would wait for ever.
starts_beside() { # WATCHED [COMMAND...]
  local watched=$1 options status
  shift
  for options in "-r none" "-r sample" "-r train" "-r auto" "-v" "-R $WORK/report"; do
    status=0
    # shellcheck disable=SC2086 # an option may have a value
    timeout 60 "$PBRUN_HELPERS/mute_scanner" "$watched" -- "$@" "$PBRUN" $options sh "$WORK/use" >"$WORK/out" 2>"$WORK/err" 3>&- ||
      status=$?
    [ "$status" -eq 5 ]
    [ "$(cat "$WORK/out")" = ran ]
  done
}

@test "a scanner that does not answer: of the recordings" { starts_beside "$PBRUN_DIR"; }
@test "a scanner that does not answer: of the recordings' directory alone" { starts_beside "$PBRUN_DIR/."; }
@test "a scanner that does not answer: of the configuration" { starts_beside "$WORK/config/pbrun"; }
@test "a scanner that does not answer: of a remembered file" { starts_beside "$WORK/watched"; }

@test "a scanner that does not answer: of pbrun's own directory" {
  starts_beside "$(dirname "$PBRUN")/."
  # Where ptrace(2) is refused the agent is looked for there.
  starts_beside "$(dirname "$PBRUN")/." "$PBRUN_HELPERS/deny" ptrace
}

# Later than the program's start waits for it.
report_comes_late() {
  : >"$WORK/watched/report"
  ANSWER_AFTER_MS=300 "$PBRUN_HELPERS/mute_scanner" "$WORK/watched/report" -- "$PBRUN" -R "$WORK/watched/report" sh "$WORK/use" \
    >"$WORK/out" 2>"$WORK/err" || [ $? -eq 5 ]
  [ "$(cat "$WORK/out")" = ran ]
  settled
  [ ! -s "$WORK/err" ] && [ "$(json "$WORK/watched/report" 'j["launch"]["exit_status"]')" = 5 ]
}

@test "a report whose file takes its time to be opened is written" {
  eventually report_comes_late
}
