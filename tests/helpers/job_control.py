#!/usr/bin/env python3
"""Drives an interactive bash in a pseudo-terminal: Ctrl-Z, fg, Ctrl-C on a program and its launcher.

Usage: job_control.py PROGRAM... (the command line to be run; it prints "ready" and then sleeps)
"""
import os
import pty
import select
import sys
import time


def main():
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["PS1"] = "prompt> "
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    seen = b""

    def expect(text, since=0):
        nonlocal seen
        deadline = time.monotonic() + 20
        while text not in seen[since:]:
            readable, _, _ = select.select([fd], [], [], deadline - time.monotonic())
            if not readable:
                sys.exit(f"no {text!r} in {seen[since:]!r}")
            seen += os.read(fd, 4096)
        return seen.index(text, since) + len(text)

    def send(text):
        os.write(fd, text)

    command = " ".join(sys.argv[1:]).encode()
    at = expect(b"prompt> ")
    send(command + b"\n")
    at = expect(b"ready", expect(b"\n", at))
    send(b"\x1a")
    at = expect(b"Stopped", at)
    send(b"jobs -l; echo jobs=$?\n")
    at = expect(b"jobs=0", at)
    send(b"fg\n")
    at = expect(b"continued", at)
    send(b"\x03")
    at = expect(b"prompt> ", at)
    send(b"echo status=$?\n")
    at = expect(b"status=130", expect(b"\n", at))
    send(b"exit\n")
    print("ok")


main()
