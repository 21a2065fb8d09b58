#!/usr/bin/env bats
# packages: procps
bats_require_minimum_version 1.5.0
# Storms of processes, threads, signals and launches: nobody hangs, no exit status is lost, nothing remains.

load common

setup() {
  make_work
  cp "$PBRUN" "$WORK/pbrun"
  cd "$WORK" || return
}

# The observers' command lines are those of the launches.
observers_end() {
  ! settled || return 0
  pgrep -af "^$WORK/pbrun "
  return 1
}

storm() { # MODE N: trained, sampled, and while the launch window ends in the middle of it
  timeout 60 "$PBRUN_HELPERS/storm" "$@"
  for options in '-r train' '-r train' '-r sample' '-r auto' '-r train -w 0.02'; do
    echo "$options"
    # shellcheck disable=SC2086
    timeout 60 "$WORK/pbrun" $options "$PBRUN_HELPERS/storm" "$@"
  done
  observers_end
}

@test "200 processes forked in a burst" {
  storm fork 200
}

@test "processes that fork one another" {
  storm chain 30
}

@test "vfork storm" {
  storm vfork 60
}

@test "processes that share an address space" {
  storm clone-vm 50
}

@test "children of no signal" {
  storm clone-silent 50
}

@test "children given to the grandparent" {
  storm clone-parent 20
}

@test "threads that execute a program while others run" {
  storm thread-exec 8
}

@test "300 threads" {
  storm threads 300
}

@test "processes killed at any moment" {
  storm kill 60
}

@test "stopped and continued again and again" {
  storm stop 50
}

@test "signals to a process that forks" {
  storm signal 50
}

@test "a program that executes itself again and again" {
  storm exec 50
}

@test "300 launches, six at a time" {
  loop() {
    local i status
    for i in $(seq 50); do
      status=0
      "$WORK/pbrun" -r "$2" "$PBRUN_HELPERS/storm" exit "$i" || status=$?
      ((status == i)) || echo "$i gave $status"
    done >"wrong.$1"
  }
  modes=(train sample auto auto none train)
  for n in 0 1 2 3 4 5; do
    loop "$n" "${modes[n]}" 3>&- &
  done
  wait
  cat wrong.*
  [ -z "$(cat wrong.*)" ]
  observers_end
}

@test "launches killed at any moment" {
  for i in $(seq 40); do
    "$WORK/pbrun" -r train "$PBRUN_HELPERS/storm" fork 10 3>&- &
    program=$!
    sleep "0.0$((i % 10))$((i % 7))"
    kill -KILL "$program" 2>/dev/null || true
    status=0
    wait "$program" || status=$?
    ((status == 137 || status == 0))
  done
  observers_end
  # Nobody is left in a stop of ours, and what is remembered is whole.
  run ps -eo stat=,args=
  run ! grep -E "^[tZ].*$PBRUN_HELPERS/storm" <<<"$output"
  "$WORK/pbrun" "$PBRUN_HELPERS/storm" exit 0
  "$WORK/pbrun" --show "$PBRUN_HELPERS/storm" >/dev/null
}
