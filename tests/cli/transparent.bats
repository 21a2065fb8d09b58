#!/usr/bin/env bats
# packages: python3 util-linux
# What a program, its parent and its terminal see is what they see without pbrun.

load common

# Runs a command without pbrun, then with it while it is trained, while it is sampled, and while nothing is
# recorded but prefetched: the same output each time. COMMAND holds the word PBRUN where pbrun goes.
same_output() { # COMMAND (shell)
  local command=$1 mode
  bash -c "${command//PBRUN/}" >expected
  for mode in train train sample auto none; do
    bash -c "${command//PBRUN/\"$PBRUN\" --record=$mode}" >actual
    diff <(sed 's/^fd 1 [^ ]*/fd 1/' expected) <(sed 's/^fd 1 [^ ]*/fd 1/' actual)
  done
}

same_status() { # STATUS COMMAND...
  local expected=$1 mode
  shift
  for mode in train sample none; do
    run "$PBRUN" --record="$mode" "$@"
    echo "$mode: $status: $output"
    [ "$status" -eq "$expected" ]
  done
}

@test "the program has the process id that the shell started" {
  for mode in train sample none; do
    run sh -c "\"$PBRUN\" --record=$mode sh -c 'echo \$\$' & echo \$!; wait"
    [ "${#lines[@]}" -eq 2 ]
    [ "${lines[0]}" = "${lines[1]}" ]
  done
}

@test "exit statuses and deaths pass through" {
  same_status 0 true
  same_status 42 sh -c 'exit 42'
  same_status 143 sh -c 'kill -TERM $$'
  same_status 139 sh -c 'kill -SEGV $$'
  same_status 137 sh -c 'kill -KILL $$'
  for signal in 15 11 9; do
    run /usr/bin/python3 -c "import subprocess, sys
print(subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL).returncode)" "$PBRUN" sh -c "kill -$signal \$\$"
    [ "$output" = "-$signal" ]
  done
}

@test "everything inherited passes through" {
  same_output "PBRUN $PBRUN_HELPERS/show_state one 'two words' '' 3"
}

@test "descriptors, umask, limits, nice value and directory pass through" {
  mkdir inner
  same_output "cd inner; exec 5<>file 7</dev/null 9>>file; umask 027; ulimit -n 100; ulimit -s 4096; ulimit -c 0
    exec nice -n 5 PBRUN $PBRUN_HELPERS/show_state </dev/null 2>/dev/null"
}

@test "closed standard descriptors stay closed" {
  same_output "exec PBRUN $PBRUN_HELPERS/show_state <&-"
  same_output "PBRUN $PBRUN_HELPERS/show_state 2>&-"
  "$PBRUN" sh -c 'test ! -e /proc/self/fd/1' >&-
  # What is recorded does not suffer.
  "$PBRUN" -d "$WORK/other" /bin/true <&- >&- 2>&-
  settled
  [ "$(find other -name '*.shadow' | wc -l)" -eq 1 ]
}

@test "blocked and ignored signals pass through" {
  same_output "/usr/bin/python3 -c \"
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.signal(signal.SIGALRM, signal.SIG_IGN)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGCHLD, signal.SIGALRM, signal.SIGUSR1, signal.SIGTERM])
os.execvp(sys.argv[1], sys.argv[1:])\" PBRUN $PBRUN_HELPERS/show_state"
}

@test "a program that asks for any child meets no stranger" {
  for mode in train sample none auto; do
    "$PBRUN" --record=$mode "$PBRUN_HELPERS/wait_any"
  done
}

@test "a pipe ends when the program ends" {
  # It leaves at once, though what it started runs on, elsewhere.
  run timeout 60 sh -c "\"$PBRUN\" -r train sh -c 'echo x; sleep 5 >/dev/null 2>&1 </dev/null 3>&- &' | cat"
  [ "$status" -eq 0 ]
  [ "$output" = x ]
}

@test "standard input is the program's" {
  run sh -c "printf 'a\nb\n' | \"$PBRUN\" cat"
  [ "$output" = $'a\nb' ]
}

@test "Ctrl-Z, fg and Ctrl-C in an interactive shell" {
  /usr/bin/python3 "$BATS_TEST_DIRNAME/../helpers/job_control.py" "$PBRUN_HELPERS/ready_and_sleep"
  for mode in train sample none; do
    /usr/bin/python3 "$BATS_TEST_DIRNAME/../helpers/job_control.py" "$PBRUN" -r "$mode" \
      "$PBRUN_HELPERS/ready_and_sleep"
  done
}

@test "a killed observer leaves the program unharmed" {
  for mode in train sample; do
    touch going
    "$PBRUN" -r "$mode" sh -c 'while [ -e going ]; do sleep 0.1; /bin/true; done; exit 9' &
    program=$!
    eventually is_traced "$program"
    kill -KILL "$(tracer_of "$program")"
    eventually is_untraced "$program"
    rm going
    status=0
    wait "$program" || status=$?
    [ "$status" -eq 9 ]
  done
}

@test "a program that is trained may run on all CPUs, as it sees and hands it on" {
  (($(nproc) > 1)) || skip "needs two CPUs"
  "$PBRUN" -r train /usr/bin/python3 -c '
import os, subprocess
before = set(range(os.cpu_count()))
for i in range(300):
    for j in range(20): os.path.exists("/etc/hostname")
    kind = i % 4
    if kind == 0: seen = os.sched_getaffinity(0)
    elif kind == 1: seen = eval("{" + [l for l in open("/proc/self/status") if l.startswith("Cpus_allowed_list")][0].split(":")[1].strip().replace("0-1", "0,1") + "}")
    elif kind == 2:
        r, w = os.pipe(); pid = os.fork()
        if pid == 0: os.write(w, repr(os.sched_getaffinity(0)).encode()); os._exit(0)
        os.waitpid(pid, 0); seen = eval(os.read(r, 1000)); os.close(r); os.close(w)
    else:
        os.sched_setaffinity(0, {i % 2}); 
        for j in range(20): os.path.exists("/etc/hostname")
        assert os.sched_getaffinity(0) == {i % 2}
        os.sched_setaffinity(0, before); seen = os.sched_getaffinity(0)
    assert seen == before or os.cpu_count() > 2, (kind, seen)'
}

@test "a program that is resumed without syscall stops may run on all CPUs" {
  (($(nproc) > 1)) || skip "needs two CPUs"
  "$PBRUN" -r train /usr/bin/python3 -c '
import os, signal
before = os.sched_getaffinity(0)
company = os.fork()
for i in range(30000): os.getpid()
if company == 0: os._exit(0)
os.waitpid(company, 0)
for i in range(40):
    os.kill(os.getpid(), signal.SIGURG) # which brings it back
    for j in range(i): os.getpid()
    for j in range(300):
        os.getpid()
        seen = os.sched_getaffinity(0)
        assert seen == before, seen'
}

@test "the observer holds no descriptor, directory or terminal of the program" {
  mkfifo go
  # shellcheck disable=SC2094
  "$PBRUN" -r train -w 60 sh -c 'read -r line <go; :' 7<"$PBRUN" &
  program=$!
  eventually is_traced "$program"
  observer=$(tracer_of "$program")
  [ "$(readlink "/proc/$observer/cwd")" = / ]
  [ "$(ps -o sid= -p "$observer")" -ne "$(ps -o sid= -p "$program")" ]
  [ "$(ps -o tty= -p "$observer" | tr -d ' ')" = "?" ]
  for fd in 0 1 2; do
    [ "$(readlink "/proc/$observer/fd/$fd")" = /dev/null ]
  done
  run find "/proc/$observer/fd" -lname "$PBRUN"
  [ -z "$output" ]
  echo >go
  wait "$program"
}

@test "the observer is gone soon after the program" {
  "$PBRUN" -r train /bin/true
  no_observer() { ! pgrep -f "^$PBRUN -r train /bin/true\$" >/dev/null; }
  eventually no_observer
}

@test "a long-running program is detached from at the end of the launch window" {
  mkfifo go
  "$PBRUN" -r train -w 1.5 sh -c 'read -r line <go; exit 4' &
  program=$!
  eventually is_traced "$program"
  eventually is_untraced "$program"
  eventually "$PBRUN" --show sh >/dev/null
  echo >go
  status=0
  wait "$program" || status=$?
  [ "$status" -eq 4 ]
}

@test "at the end of the launch window the program is detached from before anything is written" {
  "$PBRUN" -r train true
  /usr/bin/python3 -c '
import fcntl, os, sys, time
fcntl.lockf(os.open(sys.argv[1], os.O_RDWR), fcntl.LOCK_EX, 1 << 62) # but for that by which records are announced
print("locked", flush=True)
time.sleep(200)' "$PBRUN_DIR/.lock" >holder &
  holder=$!
  until grep -qs locked holder; do sleep 0.05; done
  "$PBRUN" -r train -w 1.5 sleep 100 &
  program=$!
  eventually is_traced "$program"
  for _ in $(seq 150); do # less than the observer waits for the lock
    ! is_untraced "$program" || break
    sleep 0.05
  done
  is_untraced "$program"
  run "$PBRUN" --show sleep
  [ "$status" -ne 0 ]
  kill "$holder"
  eventually "$PBRUN" --show sleep
  kill "$program"
}

@test "the end of the launch window interrupts no system call" {
  expected=$("$PBRUN_HELPERS/wait_for_long")
  [[ $expected == "epoll_wait: 0 Success"* ]]
  for mode in train sample; do
    actual=$("$PBRUN" -r $mode -w 0.5 "$PBRUN_HELPERS/wait_for_long")
    diff <(echo "$expected") <(echo "$actual")
  done
}

# What became of each call, while signals arrived; all at once.
waits_with_signals() { # ignored|handled COMMAND...
  local kind=$1 call
  shift
  for call in epoll_wait semtimedop sigtimedwait recv; do
    "$@" "$PBRUN_HELPERS/wait_for_long" $call "$kind" >"$call" &
  done
  wait
  cat epoll_wait semtimedop sigtimedwait recv
}

@test "a signal interrupts the system calls that it interrupts without pbrun" {
  [ "$(uname -m)" = x86_64 ] || skip "only on x86_64 (docs/recording.md)"
  for kind in ignored handled; do
    expected=$(waits_with_signals $kind env)
    [ "$(grep -c Interrupted <<<"$expected")" -eq "$([ $kind = ignored ] && echo 0 || echo 4)" ]
    for mode in train sample; do
      actual=$(waits_with_signals $kind "$PBRUN" -r $mode -p "$mode")
      diff <(echo "$expected") <(echo "$actual")
    done
  done
}

# Becomes a subreaper, with a child that lives on if asked for, and then the command.
as_subreaper() { # alone|with-child COMMAND...
  /usr/bin/python3 -c "
import ctypes, os, sys, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
if sys.argv[1] == 'with-child' and os.fork() == 0:
    os.execvp('sleep', ['sleep', '0.6'])
os.execvp(sys.argv[2], sys.argv[2:])" "$@"
}

@test "one that adopts orphans itself is recorded, and meets no stranger" {
  for mode in train sample none; do
    as_subreaper alone "$PBRUN" --record=$mode -R report "$PBRUN_HELPERS/wait_any"
    [ "$(json report 'j["record"]["mode"]')" = $mode ]
  done
  settled
  [ "$("$PBRUN" --show "$PBRUN_HELPERS/wait_any" --json | json - 'j["runs"]')" -eq 2 ]
  # It still does adopt them.
  run as_subreaper alone "$PBRUN" /usr/bin/python3 -c "
import ctypes
flag = ctypes.c_int()
ctypes.CDLL(None).prctl(37, ctypes.byref(flag), 0, 0, 0)
print(flag.value)"
  [ "$output" = 1 ]
}

@test "one that adopts orphans and has children has just these; what it needs is prefetched before" {
  "$PBRUN" /usr/bin/python3 -c 'import json'
  settled
  for mode in train auto none; do
    run as_subreaper with-child "$PBRUN" --record=$mode -R report /usr/bin/python3 -c "
import json, os
n = 0
try:
    while True:
        os.waitpid(-1, 0x40000000)
        n += 1
except ChildProcessError:
    print(n)"
    [ "$output" = 1 ]
    [ "$(json report 'j["record"]["mode"]')" = none ]
    [ "$(json report 'j["prefetch"]["bytes"] + j["prefetch"]["resident_bytes"] > 0')" = true ]
  done
}

as_first_process() {
  unshare -pf --mount-proc --kill-child "$@"
}

@test "the first process of a container is recorded, and prefetched for" {
  ((EUID == 0)) || skip "needs root"
  # A child that wait(2) does not show is all that there is of pbrun.
  program='import os
assert os.getpid() == 1
pid = os.fork()
if pid == 0: os._exit(7)
assert os.waitpid(-1, 0) == (pid, 7 << 8)
try: print(os.wait())
except ChildProcessError: print("alone")'
  for mode in train sample; do
    run as_first_process "$PBRUN" --record=$mode -R report /usr/bin/python3 -c "$program"
    [ "$status" -eq 0 ]
    [ "$output" = alone ]
    [ "$(json report 'j["record"]["mode"]')" = $mode ]
  done
  settled
  [ "$("$PBRUN" --show /usr/bin/python3 --json | json - 'j["runs"]')" -eq 2 ]
  # Where nothing is to be recorded there is not even that.
  "$PBRUN" "$PBRUN_HELPERS/wait_any"
  settled
  as_first_process "$PBRUN" --record=none -R report "$PBRUN_HELPERS/wait_any"
  [ "$(json report 'j["prefetch"]["bytes"] + j["prefetch"]["resident_bytes"] > 0')" = true ]
}
