#!/usr/bin/env python3
"""Has each allocation of pbrun fail, one at a time, in launches and in commands, and looks what comes of it.

usage: fail_allocations.py PRELOAD PBRUN DIRECTORY MAX_EACH SCENARIO...

PRELOAD is the library preload/fail_allocation. Each scenario is tried in DIRECTORY with up to MAX_EACH of its
allocations (0: each one), spread evenly. A launch has to have the program's own output and exit status; a command ends as
without a fault, or says on standard error that it did not do what it was to do and fails. No process may crash, and
what was recorded before is still there and whole. Prints one line for each start in which that does not hold, and a summary.
"""
import ctypes
import os
import shutil
import signal
import struct
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
MAX_SECONDS = 30
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE, signal.SIGSYS}
SHELL = ["sh", "-c", 'echo out; read line; echo $line; cat "$@" >/dev/null; (ls / >/dev/null); exit 5', "sh"]
OUTPUT = b"out\nword\n"


def launch(*options, operands=("/etc/hostname",)):
    return [*options, *SHELL, *operands]


# What is recorded before, by starts of their own; the arguments of the start that is tried; its expected status, or None for a command.
TRAINED = [launch("-r", "train")]
OWN_SH = [["-r", "train", "./sh", "-c", "true"]]
SCENARIOS = {
    "first": ([], launch("-r", "auto"), 5),
    "train": (TRAINED, launch("-r", "train", "-R", "report"), 5),
    "sample": (TRAINED, launch("-r", "sample", "-v"), 5),
    "none": (TRAINED, launch("-r", "none", "-R", "report", "-v"), 5),
    "operands": (TRAINED, launch("-r", "none", "-R", "report", operands=("other", "dir/below", "/etc/passwd")), 5),
    "another-profile": (TRAINED, launch("-r", "none", "-p", "another", "-R", "report"), 5),
    "predicted": ([["-r", "train", "cat", "other"]], launch("-r", "auto", "-R", "report"), 5),
    "by-name": (TRAINED, launch()[1:], 5),
    "excluded": (TRAINED, launch("-r", "train", "-x", "/etc/*", "-x", "*.so"), 5),
    "private": ([], launch("-r", "train", operands=("private-name/file",)), 5),
    "private-option": ([], launch("-r", "train", "-x", "private-name", operands=("private-name/file",)), 5),
    "list": (TRAINED, ["--list"], None),
    "list-json": (TRAINED, ["--list", "--json"], None),
    "show": (TRAINED, ["--show", "sh"], None),
    "show-json": (TRAINED, ["--show", "sh", "--json"], None),
    "show-svg": (TRAINED, ["--show", "sh", "--svg", "picture"], None),
    "dry-run": (TRAINED, ["--dry-run", "sh", "-c", "true", "other"], None),
    "dry-run-unknown": (TRAINED, ["--dry-run", "cat", "other"], None),
    "dry-run-json": (TRAINED, ["--dry-run", "--json", "sh", "-c", "true", "other"], None),
    "embedded": ([*OWN_SH, ["--embed", "./sh"]], ["--embedded", "./sh"], None),
    "export-shadow": (TRAINED, ["--export", "--format", "shadow", "sh", "exported"], None),
    "export": (TRAINED, ["--export", "sh", "exported"], None),
    "export-ranges": (TRAINED, ["--export", "--format", "ranges", "sh", "exported"], None),
    "import": (TRAINED, ["--import", "kept.pbrun"], None),
    "merge": (TRAINED, ["--merge", "kept.pbrun", "kept.pbrun", "-o", "merged"], None),
    "forget": ([*TRAINED, ["true"]], ["--forget", "true"], None),
    "embed": (OWN_SH, ["--embed", "./sh"], None),
    "unit": ([], ["--unit", "x"], None),
    "undo": ([["--desktop", "x.desktop"]], ["--undo", "x.desktop"], None),
    "alias": ([], ["--alias", "sh", "ls"], None),
    "wrapped": ([], ["--wrapped"], None),
    "desktop": ([], ["--desktop", "x.desktop"], None),
    "doctor": (TRAINED, ["--doctor"], None),
    "benchmark": (TRAINED, ["--benchmark", "-n", "1", "true"], None),
}

# Those say what differs each time.
VARYING = {"doctor", "benchmark", "dry-run", "dry-run-json"}


def reap():
    """Everybody that a start left behind, and whether one of them crashed."""
    until, crash = time.monotonic() + MAX_SECONDS, None
    while time.monotonic() < until:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return crash
        if pid == 0:
            time.sleep(0.0005)
        elif os.WIFSIGNALED(status) and os.WTERMSIG(status) in CRASHES:
            crash = f"a process left behind ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"somebody is left after {MAX_SECONDS} s"


class Trial:
    def __init__(self, preload, pbrun, directory, name):
        self.preload, self.pbrun, self.name = preload, pbrun, name
        self.before, self.arguments, self.status = SCENARIOS[name]
        self.kept, self.work = f"{directory}/kept-{name}", f"{directory}/work-{name}"
        self.shared = f"{directory}/allocations-{name}"
        for below in ("dir", "private-name", "links", "home/.config/pbrun", "home/.config/systemd/user", "data/applications"):
            os.makedirs(f"{self.work}/{below}")
        for file in ("other", "dir/below", "private-name/file"):
            self.write(file, 50000 * "x")
        self.write("data/applications/x.desktop", "[Desktop Entry]\nType=Application\nName=x\nExec=sh -c true\n")
        self.write("home/.config/systemd/user/x.service", "[Service]\nExecStart=/bin/sh -c true\n")
        if name == "private":
            self.write("home/.config/pbrun/config", "exclude = private-name\n")
        shutil.copy(shutil.which("sh"), f"{self.work}/sh")
        os.symlink(pbrun, f"{self.work}/links/sh")
        for arguments in self.before:
            self.run(arguments, 0)
        self.is_recorded = self.is_shown()
        if self.is_recorded:
            self.run(["--export", "sh", "kept.pbrun"], 0)
        shutil.copytree(self.work, self.kept, symlinks=True)

    def write(self, file, text):
        with open(f"{self.work}/{file}", "w", encoding="ascii") as out:
            out.write(text)

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": f"{self.work}/home", "PBRUN_DIR": f"{self.work}/shadows",
                "XDG_DATA_HOME": f"{self.work}/data", "LC_ALL": "C"}

    def run(self, arguments, failing):
        """(status, output, errors, crash, number of allocations)"""
        with open(self.shared, "wb") as shared:
            shared.write(struct.pack("QQ", 0, failing))
        pbrun = f"{self.work}/links/sh" if self.name == "by-name" else self.pbrun
        done = subprocess.run([pbrun, *arguments], input=b"word\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              cwd=self.work, timeout=MAX_SECONDS, check=False,
                              env={**self.environment(), "LD_PRELOAD": self.preload, "FAIL_ALLOCATION": self.shared})
        crash = reap()
        with open(self.shared, "rb") as shared:
            return done.returncode, done.stdout, done.stderr, crash, struct.unpack("QQ", shared.read())[0]

    def renew(self):
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.kept, self.work, symlinks=True)

    def is_told(self):
        """Is a name recorded that must not be?"""
        if not self.name.startswith("private") or not os.path.isdir(f"{self.work}/shadows"):
            return False
        for name in os.listdir(f"{self.work}/shadows"):
            with open(f"{self.work}/shadows/{name}", "rb") as file:
                if b"private-name" in file.read():
                    return True
        return False

    def is_shown(self):
        done = subprocess.run([self.pbrun, "--show", "sh"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              cwd=self.work, check=False, env=self.environment())
        return done.returncode == 0

    def fault(self, failing, usual):
        """None, or what is wrong."""
        self.renew()
        try:
            status, output, errors, crash, _ = self.run(self.arguments, failing)
        except subprocess.TimeoutExpired:
            return f"not over after {MAX_SECONDS} s"
        if crash:
            return crash
        if self.is_told():
            return "what is excluded was recorded"
        if self.is_recorded and not self.is_shown():
            return "what was recorded is lost"
        if any(not line.startswith(b"pbrun: ") for line in errors.splitlines()) and errors != usual[2]:
            return f"on standard error: {errors!r}"
        if self.status is not None:
            return None if (status, output) == (self.status, OUTPUT) else f"status {status}, output {output!r}, {errors!r}"
        if status < 0:
            return f"ended by signal {-status}"
        if status == usual[0]:
            is_same = output == usual[1] or self.name in VARYING
            return None if is_same else f"status {status}, but another output: {output!r}, {errors!r}"
        # The doctor says on standard output what is broken.
        return None if errors or self.name == "doctor" else f"status {status}, and says nothing"

    def try_all(self, max_each):
        self.renew()
        usual = self.run(self.arguments, 0)
        n, faults, n_tried = usual[4], [], 0
        if self.status is not None and usual[:2] != (self.status, OUTPUT):
            faults.append(f"{self.name}: without a fault: {usual}")
        step = 1 if max_each == 0 else max(1, n / max_each)
        for i in range(n if max_each == 0 else min(n, max_each)):
            failing = 1 + int(i * step)
            fault = self.fault(failing, usual)
            n_tried += 1
            if fault:
                faults.append(f"{self.name}: allocation {failing} of {n}: {fault}")
        print(*faults, sep="\n", end="\n" if faults else "")
        print(f"{self.name}: {n_tried} of {n} allocations failed, {len(faults)} faults", flush=True)
        return faults


def main():
    preload, pbrun, directory, max_each, *names = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    faults = [fault for name in names or SCENARIOS
              for fault in Trial(preload, pbrun, directory, name).try_all(int(max_each))]
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
