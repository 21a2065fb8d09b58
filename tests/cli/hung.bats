#!/usr/bin/env bats
# packages: e2fsprogs python3 strace util-linux
# Remembered files on a file system that does not answer any more: the program neither waits for it nor misses
# anything else.

load common

setup() {
  ((EUID == 0)) || skip "needs root"
  make_work
  mkdir "$WORK/mnt" "$WORK/mnt/dir" "$WORK/mnt/sub" "$WORK/near"
  # What a run uses of it, unless it is told not to. Not by arguments: those are of one start only.
  export PLACE=$WORK/mnt NEAR=$WORK/near SKIP=
  cat >"$WORK/use" <<'USE'
[ -n "$SKIP" ] || cat "$PLACE"/f* "$PLACE"/sub/g >/dev/null
[ -n "$SKIP" ] || ls "$PLACE" "$PLACE/dir" >/dev/null
[ -n "$SKIP" ] || ! [ -e "$PLACE/missing" ]
cat "$NEAR"/* >/dev/null
echo ran
USE
}

teardown() {
  release
  cd / || return
  # Observers that were waiting for it still write.
  [ -z "${WORK:-}" ] || remove_work
}

fill() { # N-FILES
  for i in $(seq "$1"); do head -c 9000 /dev/zero >"$WORK/mnt/f$i"; done
  for i in 1 2 3; do head -c 300000 /dev/urandom >"$WORK/near/n$i"; done
  echo x >"$WORK/mnt/sub/g"
  "$PBRUN" -r train sh "$WORK/use"
  settled
  export SKIP=1
}

# The file system comes to lie over what was recorded.
hang() {
  mkfifo "$WORK/hold" "$WORK/said"
  "$PBRUN_HELPERS/hang_mount" "$WORK/mnt" <"$WORK/hold" >"$WORK/said" 3>&- &
  exec 8>"$WORK/hold"
  read -r line <"$WORK/said" || skip "no FUSE to be had"
  [ "$line" = ready ]
}

release() {
  { exec 8>&-; } 2>/dev/null
  wait
}

# Each of these would wait for ever.
start() { # OPTION...
  timeout 60 "$PBRUN" "$@" sh "$WORK/use" >"$WORK/out" 2>"$WORK/err" 8>&- 3>&-
  [ "$(cat "$WORK/out")" = ran ]
}

@test "files on a hung file system stop no start, in no mode" {
  fill 1
  hang
  for mode in none sample train auto; do
    start -r "$mode"
    start -v -r "$mode"
    start -R "$WORK/report" -r "$mode"
  done
}

n_unanswered() { # N
  start -R "$WORK/report" -r none
  [ "$(json "$WORK/report" 'j["prefetch"]["unanswered_files"]')" -ge "$1" ]
}

# What the shadow has marked: only then it is no longer found out by asking.
n_marked() { # N
  [ "$(/usr/bin/python3 "$BATS_TEST_DIRNAME/../helpers/read_shadow.py" "$PBRUN_DIR"/*.shadow |
    grep -c 'unanswered=1')" -ge "$1" ]
}

@test "what did not answer is told, and left out at the next starts" {
  fill 3
  hang
  for mode in none train; do
    start -r "$mode"
    # Remembered when the observer has waited long enough.
    for _ in $(seq 100); do
      ! n_marked 5 || break
      sleep 0.2
      start -r none
    done
    n_unanswered 5
  done
  start -v -r none
  grep -q "did not answer" "$WORK/err"
  # Asked for nothing there any more, it has nobody to wait for.
  timeout 60 strace -f -qq -e trace=openat,openat2,newfstatat,statx -o "$WORK/log" \
    "$PBRUN" -r none sh "$WORK/use" 8>&- 3>&-
  [ "$(grep -cF "$WORK/mnt" "$WORK/log")" = 0 ]
}

@test "forty files on it keep nobody from the others" {
  fill 40
  hang
  for mode in sample none; do
    for i in 1 2 3; do
      dd if="$WORK/near/n$i" iflag=nocache count=0 status=none
    done
    start -R "$WORK/report" -r "$mode"
    [ "$(json "$WORK/report" 'j["prefetch"]["bytes"] + j["prefetch"]["resident_bytes"] >= 900000')" = true ]
  done
}

@test "what is remembered of a hung file system is neither waited for at the end, nor forgotten" {
  fill 3
  before=$("$PBRUN" --show sh --profile "$WORK/use" --json | json - 'sum("/mnt/f" in f["path"] for f in j["files"])')
  [ "$before" -eq 3 ]
  hang
  start -r train
  for _ in $(seq 100); do
    [ "$("$PBRUN" --show sh --profile "$WORK/use" --json | json - 'j["runs"]')" -eq 2 ] && break
    sleep 0.1
  done
  [ "$("$PBRUN" --show sh --profile "$WORK/use" --json | json - 'j["runs"]')" -eq 2 ]
  [ "$("$PBRUN" --show sh --profile "$WORK/use" --json | json - 'sum("/mnt/f" in f["path"] for f in j["files"])')" -eq 3 ]
}

@test "a report on a hung file system is not waited for" {
  fill 1
  hang
  start -R "$WORK/mnt/report"
  grep -q 'mnt/report: the report was not written: its file system does not answer' "$WORK/err"
}

@test "shadows on a hung file system are not waited for" {
  fill 1
  mkdir "$WORK/mnt/shadows"
  hang
  for mode in none sample train auto; do
    start -d "$WORK/mnt/shadows" -r "$mode"
    start -d "$WORK/mnt/shadows" -v -r "$mode"
  done
  grep -q "mnt/shadows: its file system does not answer: nothing is recorded or prefetched" "$WORK/err"
}

@test "a home, settings and profiles on a hung file system are not waited for" {
  fill 1
  unset PBRUN_DIR XDG_CACHE_HOME XDG_CONFIG_HOME
  hang
  export HOME=$WORK/mnt/home
  for mode in none sample train auto; do
    start -r "$mode"
    start -v -r "$mode"
  done
  grep -q "mnt/home.*: its file system does not answer: nothing is recorded or prefetched" "$WORK/err"
  start -r none -n
  export HOME=$WORK XDG_CONFIG_HOME=$WORK/mnt/settings
  start
  grep -q "mnt/settings/pbrun/config: its file system does not answer" "$WORK/err"
  # The program itself is found there: by pbrun as without.
  PATH=$PATH:$WORK/mnt start
}

# In a namespace of mounts in which COMMAND has made one more file system hang.
hang_system() { # PLACE
  mkdir "$WORK/etc" && cp -a /etc/. "$WORK/etc"
  # shellcheck disable=SC2016
  HUNG_PLACE=$1 unshare --mount --propagation private timeout 120 bash -c '
    set -e
    mount --bind "$WORK/etc" /etc
    [ -d "$HUNG_PLACE" ] || { mkdir "$WORK/hung"; ln -s "$WORK/hung/conf" "$HUNG_PLACE"; HUNG_PLACE=$WORK/hung; }
    mkfifo "$WORK/in" "$WORK/ready"
    "$PBRUN_HELPERS/hang_mount" "$HUNG_PLACE" <"$WORK/in" >"$WORK/ready" &
    exec 7>"$WORK/in"
    read -r line <"$WORK/ready"
    for mode in none sample train auto; do
      timeout 60 "$PBRUN" -r "$mode" sh "$WORK/use" >>"$WORK/out" 2>>"$WORK/err" 7>&-
    done' 3>&-
  [ "$(grep -c ran "$WORK/out")" -eq 4 ]
  grep -q "$1: its file system does not answer: nothing is recorded or prefetched" "$WORK/err"
}

@test "/etc/pbrun.conf on a hung file system is not waited for" {
  fill 1
  export WORK
  hang_system /etc/pbrun.conf
}

@test "a hung directory of the system's shadows is not waited for" {
  fill 1
  export WORK
  [ -d /var/cache/pbrun ] || skip "there is no such directory"
  hang_system /var/cache/pbrun
}

# Starts a program that waits for the hung file system, sends it SIGTERM when it has done so for a while, and tells how
# it ended. Without pbrun that is by SIGTERM, at once: 143.
end_by_signal() { # OPTION... -- COMMAND...
  timeout -k 1 60 "$PBRUN" "$@" >"$WORK/out" 2>"$WORK/err" 8>&- 3>&- &
  local timeout_pid=$! pid=
  for _ in $(seq 200); do
    pid=$(pgrep -P "$timeout_pid" || true)
    [[ -z $pid || $(cat "/proc/$pid/comm") != @(cat|env) || $(cut -d ' ' -f 3 "/proc/$pid/stat") != D ]] || break
    sleep 0.05
  done
  sleep "$DELAY"
  kill -TERM "$pid"
  local status=0
  wait "$timeout_pid" || status=$?
  echo "$*: $status"
  [[ " $EXPECTED " == *" $status "* ]]
}

@test "a signal ends a program that waits for a hung file system" {
  echo x >"$WORK/mnt/given"
  ln -s mnt/given "$WORK/link"
  cd "$WORK"
  # Once remembered as an operand, once as the program's own.
  "$PBRUN" -r train cat mnt/given
  # shellcheck disable=SC2016
  "$PBRUN" -r train sh -c 'exec cat "$PLACE/given"'
  settled
  hang
  DELAY=1 EXPECTED=143
  for mode in none sample train auto; do
    end_by_signal -r "$mode" cat mnt/given
    end_by_signal -r "$mode" cat link
    # Executed there it would be.
    end_by_signal -r "$mode" env "PATH=mnt:$PATH" cat /dev/null
    # shellcheck disable=SC2016
    end_by_signal -r "$mode" sh -c 'exec cat "$PLACE/given"'
  done
  # At once, while it is followed, it cannot be ended otherwise than by SIGKILL.
  DELAY=0 EXPECTED="143 137"
  for mode in sample train; do
    # shellcheck disable=SC2016
    end_by_signal -r "$mode" sh -c 'exec cat "$PLACE/given"'
  done
}

@test "nothing is mounted for what is remembered or named, also by a link" {
  ln -s mnt "$WORK/way"
  export WAY=$WORK/way
  # shellcheck disable=SC2016
  echo '[ -n "$SKIP" ] || cat "$WAY/f1" "$WAY/sub/g" "$@" >/dev/null; [ -n "$SKIP" ] || ls "$WAY/dir"' >>"$WORK/use"
  fill 3
  # Who still looks there from before knows nothing of the trap.
  SKIP='' "$PBRUN_HELPERS/await_all" "$PBRUN" -r train sh "$WORK/use" "$WORK/way/f2"
  settled
  mkfifo "$WORK/hold"
  python3 "$BATS_TEST_DIRNAME/../helpers/trap_mount.py" "$WORK/mnt" <"$WORK/hold" >"$WORK/said" 3>&- &
  exec 8>"$WORK/hold"
  eventually grep -q ready "$WORK/said" || skip "no autofs"
  for mode in none sample train auto; do
    start -r "$mode"
    run timeout 60 "$PBRUN" -r "$mode" sh "$WORK/use" "$WORK/way/f2" "$WORK/mnt/f3" 8>&- 3>&-
    [ "$output" = ran ]
    timeout 60 "$PBRUN" --dry-run sh "$WORK/use" "$WORK/way/f2" "$WORK/mnt/f3" >/dev/null 8>&- 3>&-
    # It waits for observers that write.
    "$PBRUN" --list >"$WORK/list"
  done
  [ "$(cat "$WORK/said")" = ready ]
  # The record of one that goes on is written when nobody follows it any more.
  # shellcheck disable=SC2016
  echo '[ -z "$NAP" ] || until grep -q "TracerPid:.0" /proc/$$/status; do sleep 0.1; done' >>"$WORK/use"
  run env NAP=1 timeout 60 "$PBRUN" -r train -w 0.3 sh "$WORK/use" 8>&- 3>&-
  [ "$output" = ran ]
  settled
  "$PBRUN" --list >"$WORK/list"
  [ "$(cat "$WORK/said")" = ready ]
  # What is not to be had is not gone.
  "$PBRUN" --show sh --profile "$WORK/use" --json >"$WORK/shown"
  [ "$(json "$WORK/shown" 'sum("/mnt/f" in f["path"] for f in j["files"]) >= 3')" = true ]
  run cat "$WORK/way/f1" 8>&-
  [ "$status" -ne 0 ]
  eventually grep -q asked "$WORK/said"
}

@test "who serves a file system to its own children is not traced" {
  mkfifo "$WORK/hold" "$WORK/said"
  export SERVER=$BATS_TEST_DIRNAME/../helpers/slow_mount.py HOLD=$WORK/hold SAID=$WORK/said
  cat >"$WORK/serve" <<'SERVE'
/usr/bin/python3 "$SERVER" "$PLACE" 0 <"$HOLD" >"$SAID" &
exec 8>"$HOLD" 7<"$SAID"
read -r line <&7
[ "$line" = ready ] || exit 77
for i in 1 2 3 4 5; do : <"$PLACE/f$i"; cat "$NEAR/n" >/dev/null; done
exec 8>&-
wait
echo served
SERVE
  echo x >"$WORK/near/n"
  for mode in train auto; do
    run "$PBRUN" -r "$mode" sh "$WORK/serve" 3>&-
    ((status != 77)) || skip "no FUSE to be had"
    [ "$status" -eq 0 ]
    [ "$output" = served ]
  done
  # Whoever had waited for what it holds itself would have been ended without a record.
  settled
  "$PBRUN" --show sh --profile "$WORK/serve" --json >"$WORK/shown"
  [ "$(json "$WORK/shown" 'any("near/n" in f["path"] for f in j["files"])')" = true ]
}

@test "shadows on a frozen disk are not waited for" {
  fill 1
  truncate -s 32M "$WORK/disk"
  mkfs.ext4 -q "$WORK/disk"
  mkdir "$WORK/frozen"
  mount -o loop "$WORK/disk" "$WORK/frozen" || skip "no loop device to be had"
  cp -a "$PBRUN_DIR" "$WORK/frozen/shadows"
  fsfreeze -f "$WORK/frozen"
  local failed=
  for directory in shadows new; do
    for mode in none sample train auto; do
      start -d "$WORK/frozen/$directory" -r "$mode" || failed=1
    done
  done
  fsfreeze -u "$WORK/frozen"
  # Its observers write now.
  eventually umount "$WORK/frozen" 2>/dev/null
  [ -z "$failed" ]
}

@test "a prefetch ends with the program, also where nobody watches that" {
  fill 40
  # shellcheck disable=SC2094
  mkfifo "$WORK/hold"
  /usr/bin/python3 "$BATS_TEST_DIRNAME/../helpers/slow_mount.py" "$WORK/mnt" 0.3 <"$WORK/hold" >"$WORK/said" 3>&- &
  exec 8>"$WORK/hold"
  eventually grep -q ready "$WORK/said" || skip "no FUSE to be had"
  start -d "$PBRUN_DIR" -r none
  # The observer ends; all forty would have taken it seconds.
  settled
  echo "$(grep -c lookup "$WORK/said") lookups"
  [ "$(grep -c lookup "$WORK/said")" -lt 30 ]
}
