#!/usr/bin/env python3
"""Has each system call of pbrun fail, one at a time, and looks whether the program notices.

usage: inject_faults.py FAIL_NTH PBRUN DIRECTORY MODE MAX_EACH ERRNO|manual|hang|hang-files...

Starts a small program through pbrun again and again in DIRECTORY. In each start one system call fails with an errno, or
is never answered (hang-files: of those on files): of each kind of call up to MAX_EACH (the first, the last and
some between). manual: with each errno that the call's manual page names (manual_errors.txt). The program has to have its
output and exit status, in bounded time. Prints one line for each start in which it has not, and a summary.
"""
import collections
import errno
import os
import shutil
import subprocess
import sys
import time

# What the kernel does not refuse (exit, exit_group, rt_sigreturn), or not to a thread if the process was granted it (rseq),
# and the exec of the program itself.
NOT_TRIED = {15, 59, 60, 231, 334}
# read, pread64, fcntl, fsync, readahead, getdents64, openat, newfstatat, unlinkat, renameat, preadv2, statx, openat2
FILE_CALLS = {0, 17, 72, 74, 187, 217, 257, 262, 263, 264, 327, 332, 437}
# What the launcher's first thread, which becomes the program, may call by itself: of these no file system, and nobody who
# is asked before a file is opened, makes it wait, but where the program's own exec waits for the same.
OF_ITSELF = {
    0, 3, 7, 9, 10, 11, 12, 13, 14, 28,  # read (of a pipe, after poll), close, poll, memory, signals
    24, 35, 39, 56, 57, 61, 62, 202, 230, 293, 435,  # sched_yield, nanosleep, getpid, clone, wait4, kill, futex, pipe2, clone3
    1, 72, 79, 102, 104, 107, 108, 125, 126, 157, 302, 318,  # write, fcntl, getcwd, IDs, capabilities, prctl, getrandom
    4, 5, 6, 21, 89, 257, 262,  # stat, access, readlink on the way to the program; open of /dev/null and in /proc
}
PROGRAM = ["sh", "-c", "echo out; read line; echo $line; cat /etc/hostname >/dev/null; exit 5"]
EXPECTED = (5, b"out\nword\n")
# The launcher's patience and the hold at the end are 1 s each; the machine may be busy.
MAX_SECONDS = 20


def read_manual():
    """{number: errnos}"""
    errors = {}
    with open(f"{os.path.dirname(os.path.abspath(__file__))}/manual_errors.txt", encoding="ascii") as file:
        for line in file:
            if not line.startswith("#"):
                number, _, *names = line.split()
                errors[int(number)] = [getattr(errno, name) for name in names]
    return errors


def run(command, **options):
    return subprocess.run(command, input=b"word\n", stdout=subprocess.PIPE, timeout=MAX_SECONDS,
                          **{"stderr": subprocess.DEVNULL, **options})


def count(fail_nth, command, option="--count"):
    """{number: calls} of one start."""
    read_fd, write_fd = os.pipe()
    shell = ["sh", "-c", f'exec "$@" 9>&{write_fd}', "sh", fail_nth, option, *command]
    run(shell, pass_fds=[write_fd])
    os.close(write_fd)
    with os.fdopen(read_fd) as lines:
        return {int(nr): int(n) for nr, n in (line.split() for line in lines)}


def some_of(first, last, max_each):
    """Numbers from first to last, both among them, max_each at most."""
    n = last - first + 1
    if max_each == 1:
        return [first + n // 2]
    if n <= max_each:
        return range(first, last + 1)
    return sorted({first + i * (n - 1) // (max_each - 1) for i in range(max_each)})


class Trial:
    def __init__(self, fail_nth, pbrun, directory, mode):
        self.fail_nth, self.pbrun, self.mode = fail_nth, pbrun, mode
        self.directory, self.kept = directory, f"{directory}/kept"
        self.n_starts = 0
        shutil.rmtree(self.kept, ignore_errors=True)
        os.mkdir(self.kept, 0o700)
        if mode != "train":
            run([pbrun, "-d", self.kept, "-r", "train", *PROGRAM])
            # Waits for what is still to be written.
            run([pbrun, "-d", self.kept, "--list"])

    def command(self):
        """A start with a store of its own: the observer of the one before may still write."""
        self.n_starts += 1
        store = f"{self.directory}/store{self.n_starts}"
        shutil.copytree(self.kept, store)
        return [self.pbrun, "-d", store, "-r", self.mode, *PROGRAM]

    def fault(self, nr, nth, error):
        """None, or what is wrong."""
        command = self.command()
        began = time.monotonic()
        try:
            done = run([self.fail_nth, str(nr), str(nth), str(error), *command])
        except subprocess.TimeoutExpired:
            return f"not over after {MAX_SECONDS} s"
        if done.returncode == 99:
            return None
        if (done.returncode, done.stdout) != EXPECTED:
            return f"status {done.returncode}, output {done.stdout!r}"
        self.slowest = max(self.slowest, time.monotonic() - began)
        return None

    def own_faults(self, loader):
        own = count(self.fail_nth, self.command(), "--count-own")
        return [f"{self.mode}: the launcher itself makes call {nr}" for nr in sorted(own)
                if own[nr] > loader.get(nr, 0) and nr not in OF_ITSELF | NOT_TRIED]

    def try_all(self, max_each, errors):
        total = count(self.fail_nth, self.command())
        # The dynamic loader's own calls come first: without its libraries there is no pbrun.
        loader = count(self.fail_nth, [self.pbrun, "--version"])
        manual = read_manual()
        n_tried, faults, kinds = 0, self.own_faults(loader), collections.Counter()
        self.slowest = 0.0
        for nr in sorted(set(total) - NOT_TRIED):
            first = loader.get(nr, 0) + 1
            for nth in some_of(first, total[nr], max_each) if total[nr] >= first else []:
                for error in manual.get(nr, []) if errors == ["manual"] else errors:
                    if error == "hang-files" and nr not in FILE_CALLS:
                        continue
                    fault = self.fault(nr, nth, "hang" if error == "hang-files" else error)
                    n_tried += 1
                    kinds[nr] += 1
                    if fault:
                        name = errno.errorcode.get(error, error)
                        faults.append(f"{self.mode}: call {nr}, number {nth} of {total[nr]}, {name}: {fault}")
        print(*faults, sep="\n", end="\n" if faults else "")
        print(f"{self.mode}: {n_tried} starts, {len(kinds)} kinds of calls, {len(faults)} faults, "
              f"slowest {self.slowest:.1f} s")
        return faults


def main():
    fail_nth, pbrun, directory, mode, max_each, *errors = sys.argv[1:]
    trial = Trial(fail_nth, pbrun, directory, mode)
    errors = [error if error in ("manual", "hang", "hang-files") else int(error) if error.isdigit() else getattr(errno, error)
              for error in errors]
    return bool(trial.try_all(int(max_each), errors))


if __name__ == "__main__":
    sys.exit(main())
