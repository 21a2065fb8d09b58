"""A benchmark's own interpreter."""
import contextlib
import glob
import os
import shutil
import subprocess
import sys
import tempfile

import scratch


@contextlib.contextmanager
def directory(parent):
    """
    A directory to work in, where the benchmark goes on in a copy of its interpreter: pages that are mapped by a running
    process cannot be evicted, and python3 itself is measured. All before it is done a second time.
    """
    path = os.environ.get("PBRUN_BENCH_DIRECTORY")
    if not path:
        _go_on_in_copy(tempfile.mkdtemp(prefix="pbrun-bench.", dir=parent))
    try:
        yield path
    finally:
        scratch.remove(path)


def _go_on_in_copy(directory):
    home = os.path.join(directory, "interpreter")
    standard = os.path.dirname(os.__file__)
    ignored = shutil.ignore_patterns("dist-packages", "site-packages", "test", "idlelib", "config-*")
    shutil.copytree(standard, f"{home}/lib/{os.path.basename(standard)}", ignore=ignored)
    os.mkdir(f"{home}/libraries")
    binary = shutil.copy(os.path.realpath(sys.executable), f"{home}/python3")
    modules = glob.glob(f"{standard}/lib-dynload/*.so")
    libraries = {word for line in subprocess.run(["ldd", binary, *modules], capture_output=True, text=True,
                                                 check=True).stdout.splitlines()
                 for word in line.split() if word.startswith("/lib") and not word.endswith(":")}
    loader = next(path for path in libraries if "/ld-" in path)
    for path in libraries:
        shutil.copy(path, f"{home}/libraries")
    environment = dict(os.environ, PYTHONHOME=home, PBRUN_BENCH_DIRECTORY=directory, PYTHONDONTWRITEBYTECODE="1")
    copied_loader = f"{home}/libraries/{os.path.basename(loader)}"
    os.execve(copied_loader, [copied_loader, "--library-path", f"{home}/libraries", binary, *sys.argv], environment)
