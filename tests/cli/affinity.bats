#!/usr/bin/env bats
# packages: procps python3
# No thread sanitizer: it does not know of the watchdog, a child made by clone(2) beside threads, which may find its locks held.
# A program that is trained shares a CPU with the observer between its stops; if the observer is killed, not for good.

load common

@test "a killed observer leaves the program all its CPUs" {
  (($(nproc) > 1)) || skip "needs two CPUs"
  for i in $(seq 12); do
    # Nothing but system calls, with something new in each round, until nobody traces it.
    "$PBRUN" -r train /usr/bin/python3 -c '
import os, time
before = os.sched_getaffinity(0)
open("started", "w").close()
end = time.monotonic() + 20
n = 0
while time.monotonic() < end and int(open("/proc/self/status").read().split("TracerPid:")[1].split()[0]):
    for i in range(1000): os.path.exists("/etc/hostname")
    os.path.exists(f"/nowhere/{n}")
    n += 1
while time.monotonic() < end + 10 and os.sched_getaffinity(0) != before: time.sleep(0.01)
assert os.sched_getaffinity(0) == before, os.sched_getaffinity(0)' &
    program=$!
    eventually test -e started
    observer=$(tracer_of "$program")
    # One by one, or all that belong to it. Whoever kills all that is called pbrun does not mean the watchdog.
    eventually pgrep -x -P "$observer" restorewatchdog >/dev/null
    if ((i % 2)); then
      kill -KILL "$observer"
    else
      pkill -KILL -x -s "$(ps -o sid= -p "$observer" | tr -d ' ')" pbrun
    fi
    wait "$program"
    rm started
  done
}
