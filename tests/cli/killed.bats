#!/usr/bin/env bats
# packages: python3
# No coverage: who is stopped while it writes its counters keeps them locked for everybody.
# Whatever is killed or stopped of pbrun: the program goes on as if alone, and nobody of pbrun is left. HITS=200 tries more moments.

load common

setup() {
  make_work
  hits=${HITS:-12}
  hit=("$PBRUN_HELPERS/await_all" python3 "$BATS_TEST_DIRNAME/../helpers/hit.py" "$hits")
  hit_slowly=("$PBRUN_HELPERS/await_all" python3 "$BATS_TEST_DIRNAME/../helpers/hit.py" "$(((hits + 1) / 2))")
  # shellcheck disable=SC2016
  many_execs=(/bin/sh -c '
    for i in 1 2 3 4 5 6; do grep ^SigBlk: /proc/self/status; ls /proc/self/fd; done
    while read -r key value; do case $key in SigBlk:) echo "$value";; esac; done </proc/self/status
    exit 7')
  many_forks=(/usr/bin/python3 -S -E -c '
import os
def tell():
    print([line for line in open("/proc/self/status") if line.startswith("SigBlk")], os.listdir("/proc/self/fd"), flush=True)
for i in range(13):
    pid = os.fork()
    if pid == 0: tell(); os._exit(i)
    assert os.waitpid(pid, 0)[1] == i << 8
tell()
os._exit(7)')
}

@test "a killed observer: execs" {
  "${hit[@]}" KILL observer 8 train "${many_execs[@]}"
}

@test "a killed observer: forks" {
  "${hit[@]}" KILL observer 60 train "${many_forks[@]}"
}

@test "a killed observer that takes samples, or waits for the end" {
  "${hit[@]}" KILL observer 8 sample "${many_execs[@]}"
  "${hit[@]}" KILL observer 8 none "${many_execs[@]}"
}

@test "a stopped observer: execs" {
  "${hit_slowly[@]}" STOP observer 8 train "${many_execs[@]}"
}

@test "a stopped observer: forks" {
  "${hit_slowly[@]}" STOP observer 60 train "${many_forks[@]}"
}

@test "a stopped observer that takes samples, or waits for the end" {
  "${hit_slowly[@]}" STOP observer 8 sample "${many_execs[@]}"
  "${hit_slowly[@]}" STOP observer 8 none "${many_execs[@]}"
}

@test "a killed or stopped restore watchdog" {
  (($(nproc) > 1)) || skip "needs two CPUs"
  "${hit[@]}" KILL watchdog 8 train "${many_execs[@]}"
  "${hit_slowly[@]}" STOP watchdog 8 train "${many_execs[@]}"
}

@test "a killed or stopped launcher" {
  for mode in train sample none; do
    "${hit[@]}" KILL launcher 8 "$mode" "${many_execs[@]}"
    "${hit[@]}" STOP launcher 8 "$mode" "${many_execs[@]}"
  done
}

@test "a killed or stopped process between launcher and observer" {
  # Most are hit: it is there for less than a millisecond. COMMAND has no children, which would be taken for it.
  for mode in train none; do
    "${hit[@]}" KILL middle 0 "$mode" /bin/sh -c 'echo out; exit 7'
    "${hit_slowly[@]}" STOP middle 0 "$mode" /bin/sh -c 'echo out; exit 7'
  done
}

@test "nobody is left of a launch" {
  for mode in train sample none; do
    run "$PBRUN_HELPERS/await_all" "$PBRUN" -v -r "$mode" "${many_execs[@]}"
    [ "$status" -eq 7 ]
  done
}

@test "without close_range(2) nobody is left, and a reader sees the end of the program's output" {
  for mode in train sample none; do
    run "$PBRUN_HELPERS/await_all" --without-close-range "$PBRUN" -v -r "$mode" "${many_execs[@]}"
    ((status != 77)) || skip "seccomp filters are not allowed"
    [ "$status" -eq 7 ]
  done
  # The observer follows the child, but it has no end of the pipe.
  "$PBRUN_HELPERS/await_all" --without-close-range "$PBRUN" -r train sh -c '
    (sleep 5; touch over) >/dev/null & echo done' | {
    cat >output
    [ ! -e over ]
  }
  [ "$(cat output)" = "done" ]
}
