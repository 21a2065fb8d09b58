#!/usr/bin/env python3
"""Hits pbrun's processes with a signal at random moments: a program must go on as if alone.

usage: hit.py RUNS SIGNAL observer|watchdog|middle|launcher MAX_MS MODE COMMAND...

Each time, COMMAND is started by $PBRUN -r MODE, and the process is sent SIGNAL within MAX_MS of its attach, or
the launcher of its start, or the process that leaves the observer behind (middle) of its first sight. The output and the exit status must be those of COMMAND alone; but a launcher is what
becomes the program: one that is stopped is continued, and one that is killed ends so.
"""
import os
import random
import signal
import subprocess
import sys
import time


def status_of(pid, key):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            return dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)[key]
    except (FileNotFoundError, ProcessLookupError, KeyError):
        return ""


def find_tracer(program):
    """0: it has ended, or nobody attaches."""
    end = time.monotonic() + 10
    while time.monotonic() < end and program.poll() is None:
        tracer = int(status_of(program.pid, "TracerPid") or 0)
        if tracer:
            return tracer
    return 0


def find_child(pid):
    """0: it has none (yet)."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return int((file.read().split() or ["0"])[0])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def find_middle(program):
    """It is there for a moment. 0: it was missed."""
    end = time.monotonic() + 10
    while time.monotonic() < end and program.poll() is None:
        child = find_child(program.pid)
        if child:
            return child
    return 0


def hit(program, victim, name, max_ms):
    """The process that was hit. 0: none."""
    pid = program.pid if victim in ("launcher", "middle") else find_tracer(program)
    if pid and victim == "watchdog":
        pid = find_child(pid)
    if victim == "middle":
        pid = find_middle(program)
    end = time.monotonic() + random.random() * max_ms / 1000
    while time.monotonic() < end:
        pass
    try:
        if pid:
            os.kill(pid, signal.Signals["SIG" + name])
        if victim == "launcher" and name == "STOP":
            time.sleep(random.random() * max_ms / 1000)
            os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return 0
    return pid


def main():
    n_runs, name, victim, max_ms, mode = sys.argv[1:6]
    command = sys.argv[6:]
    alone = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    n_hits = 0
    longest_s = 0
    for _ in range(int(n_runs)):
        began = time.monotonic()
        with subprocess.Popen([os.environ["PBRUN"], "-v", "-r", mode, *command], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as program:
            pid = hit(program, victim, name, float(max_ms))
            n_hits += pid > 0
            try:
                output = program.communicate(timeout=60)[0]
            except subprocess.TimeoutExpired:
                print("it does not end")
                os.kill(pid or program.pid, signal.SIGKILL)
                program.kill()
                return 1
        longest_s = max(longest_s, time.monotonic() - began)
        if victim == "launcher" and name == "KILL" and program.returncode == -signal.SIGKILL:
            continue
        if (program.returncode, output) != (alone.returncode, alone.stdout):
            print(f"{alone.returncode}, {alone.stdout!r} became {program.returncode}, {output!r}")
            return 1
    print(f"{n_hits} hits in {n_runs} runs, the longest took {longest_s:.2f} s")
    return n_hits == 0 and victim != "middle"


sys.exit(main())
