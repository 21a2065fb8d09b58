#!/usr/bin/env bats
# packages: python3 util-linux
# Whatever goes wrong: the program runs, its status is its own, and there is one clear warning.

load common

teardown() {
  cd /
  ! mountpoint -q "$WORK/full" || unmount "$WORK/full"
  remove_work
}

needs_root() {
  ((EUID == 0)) || skip "needs root"
}

as_ordinary_user() {
  if ((EUID == 0)); then
    setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"
  else
    "$@"
  fi
}

# One warning, and the program's own output and status.
warns_and_runs() { # PATTERN PBRUN-COMMAND-PREFIX...
  local pattern=$1
  shift
  run "$@" sh -c 'echo out; exit 5'
  echo "$status: $output"
  [ "$status" -eq 5 ]
  # Sanitizers have something to say about a missing /proc, too.
  mapfile -t lines < <(grep -vE '^(==[0-9]+==|False positive|For details)' <<<"$output")
  [ "${#lines[@]}" -eq 2 ]
  [[ ${lines[0]} == "pbrun: warning: "*$pattern* ]]
  [ "${lines[1]}" = out ]
}

@test "a shadow directory that cannot be written" {
  cp "$PBRUN" pbrun
  mkdir -m 755 closed
  if ((EUID == 0)); then
    warns_and_runs "$WORK/closed" as_ordinary_user ./pbrun -d "$WORK/closed"
  else
    chmod 555 closed
    warns_and_runs "$WORK/closed" ./pbrun -d "$WORK/closed"
  fi
}

@test "a shadow directory that cannot be made, or is none" {
  touch file
  warns_and_runs "$WORK/file" "$PBRUN" -d "$WORK/file"
  warns_and_runs "$WORK/file/below" "$PBRUN" -d "$WORK/file/below"
  warns_and_runs "/proc/none" "$PBRUN" -d /proc/none
}

@test "no place for shadows" {
  warns_and_runs "HOME" env -u PBRUN_DIR -u XDG_CACHE_HOME -u HOME "$PBRUN"
}

@test "a full filesystem" {
  needs_root
  mkdir full
  mount -t tmpfs -o size=64k none full
  dd if=/dev/zero of=full/filler bs=1k count=64 2>/dev/null || true
  warns_and_runs "$WORK/full" "$PBRUN" -d "$WORK/full"
  rm full/filler
  "$PBRUN" -r train true
}

@test "a corrupt shadow is told of once, and made anew" {
  "$PBRUN" sh -c 'exit 5' || true
  settled
  shadow=$(ls "$PBRUN_DIR"/*.shadow)
  printf 'x' | dd of="$shadow" bs=1 seek=100 conv=notrunc 2>/dev/null
  warns_and_runs "$shadow" "$PBRUN"
  settled
  run "$PBRUN" sh -c 'echo out; exit 5'
  [ "$output" = out ]
  settled
  head -c 30 "$shadow" >part && cat part >"$shadow"
  warns_and_runs "$shadow" "$PBRUN"
  settled
  head -c 5000 /dev/urandom >"$shadow"
  warns_and_runs "$shadow" "$PBRUN"
  settled
  rm "$shadow" && mkdir "$shadow"
  run "$PBRUN" sh -c 'echo out; exit 5'
  [ "$status" -eq 5 ]
}

@test "a shadow that is a link or a FIFO is neither followed nor waited for" {
  "$PBRUN" true
  settled
  shadow=$(ls "$PBRUN_DIR"/*.shadow)
  mv "$shadow" kept && ln -s "$WORK/kept" "$shadow"
  before=$(md5sum <kept)
  run timeout 60 "$PBRUN" true
  [ "$status" -eq 0 ]
  settled
  [ "$before" = "$(md5sum <kept)" ]
  rm "$shadow" && mkfifo "$shadow"
  run timeout 60 "$PBRUN" true
  [ "$status" -eq 0 ]
}

@test "a program that its user may run but not read: nothing of it is known, least of all exactly" {
  cp "$(readlink -f /bin/sh)" secret && chmod 711 secret
  cp "$PBRUN" pbrun
  for _ in 1 2 3; do
    run as_ordinary_user ./pbrun -d "$WORK/shadows" -R "$WORK/report" ./secret -c 'exit 5'
    echo "$output"
    [ "$status" -eq 5 ]
    [ "$(json report 'j["record"]["exact"]')" = false ]
    [ "$(json report 'j["record"]["mode"]')" = none ]
    [[ $(json report 'j["record"]["reason"]') == *"may not be read"* ]]
  done
}

@test "no /proc" {
  needs_root
  warns_and_runs "/proc" unshare -m sh -c 'mount -t tmpfs none /proc; exec "$@"' sh "$PBRUN"
}

@test "a /proc that shows other processes" {
  needs_root
  warns_and_runs "/proc" unshare -pf sh -c '"$@"' sh "$PBRUN" -r train
}

@test "a report that cannot be written" {
  warns_and_runs "/nowhere/report" "$PBRUN" -R /nowhere/report
  mkfifo unread
  warns_and_runs "unread" timeout 60 "$PBRUN" -R unread
}

@test "a report that was not written" {
  run "$PBRUN" -R /dev/full sh -c 'echo out; exit 5'
  [ "$status" -eq 5 ]
  [ "$output" = $'out\npbrun: warning: /dev/full: the report was not written: No space left on device (make room there)' ]
}

@test "a report on standard error, or on a descriptor that the program keeps" {
  "$PBRUN" -R - true 2>err
  [ "$(json err 'j["program"]')" = "$(readlink -f "$(type -P true)")" ]
  "$PBRUN" -R fd:7 sh -c 'echo out >&7' 7>seven
  settled
  [ "$(head -n 1 seven)" = out ]
  tail -n 1 seven >report
  [ "$(json report 'j["profile"]')" = sh ]
  warns_and_runs "fd:55: no report" "$PBRUN" -R fd:55
}

@test "messages that nobody reads" {
  mkfifo unread
  exec 7<>unread
  /usr/bin/python3 -c 'import os
os.set_blocking(7, False)
try:
  while True: os.write(7, b"x" * 4096)
except BlockingIOError: os.set_blocking(7, True)'
  for mode in train sample none; do
    # shellcheck disable=SC2016
    run timeout 60 bash -c '"$1" -v -r "$2" sh -c "exit 5" 2>&7' bash "$PBRUN" "$mode"
    [ "$status" -eq 5 ]
  done
}

@test "no process to be had, no descriptor, no memory" {
  cp "$PBRUN" pbrun
  run as_ordinary_user prlimit --nproc=1 ./pbrun -d "$WORK/theirs" sh -c 'exit 5'
  [ "$status" -eq 5 ]
  run prlimit --nofile=9 "$PBRUN" sh -c 'exit 5'
  [ "$status" -eq 5 ]
  # The thread sanitizer keeps its notes in files, coverage its counters.
  if [[ -z ${PBRUN_WRITES_ABOUT_ITSELF:-} ]]; then
    run prlimit --fsize=0 "$PBRUN" sh -c 'exit 5'
    [ "$status" -eq 5 ]
  fi
}

@test "fifty launches at once leave one whole shadow" {
  for _ in $(seq 50); do
    "$PBRUN" -r train true &
  done
  wait
  settled
  run "$PBRUN" --json --show true
  [ "$status" -eq 0 ]
  [ "$(json - 'j["runs"]' <<<"$output")" = 50 ]
  [ "$(find "$PBRUN_DIR" -name '*.shadow' | wc -l)" -eq 1 ]
  [ -z "$(find "$PBRUN_DIR" -name '*.tmp')" ]
}

@test "a recorded file that became a FIFO, a device or a directory is left alone" {
  cp /bin/true tool
  echo data >data
  printf '#!/bin/sh\ncat %s/data\n' "$WORK" >script && chmod +x script
  "$PBRUN" ./script
  settled
  rm data && mkfifo data
  run timeout 60 "$PBRUN" -r none -R report ./no-such-thing
  [ "$status" -eq 127 ]
  printf '#!/bin/sh\nexit 0\n' >new && chmod +x new && touch -r script new
  run timeout 60 sh -c "(sleep 0.2; echo late >\"$WORK/data\") & \"$PBRUN\" -r none ./script"
  [ "$output" = late ]
}
