"""The disk: its settings, its rate, and how to make it slower."""
import contextlib
import mmap
import os
import re
import statistics
import subprocess
import time

SLOW_IOPS, SLOW_BYTES_PER_S = 2000, 100_000_000


def _queue_of(device):
    queue = f"/sys/dev/block/{device}/queue"
    return queue if os.path.isdir(queue) else f"/sys/dev/block/{device}/../queue"


@contextlib.contextmanager
def readahead_kib(device, kib):
    """As a stock system has it (128), and not as some cloud has (8192)."""
    path = _queue_of(device) + "/read_ahead_kb"
    with open(path, encoding="ascii") as setting:
        before = setting.read().strip()
    _write(path, kib)
    try:
        yield
    finally:
        _write(path, before)


def sequential_rate(directory, size_mib=256):
    """Bytes per second of a long read past the page cache, in 4 MiB pieces; the median of three."""
    path = os.path.join(directory, "rate")
    subprocess.run(["dd", "if=/dev/urandom", f"of={path}", "bs=1M", f"count={size_mib}", "conv=fsync",
                    "status=none"], check=True)
    rates = []
    for _ in range(3):
        said = subprocess.run(["dd", f"if={path}", "of=/dev/null", "bs=4M", "iflag=direct"],
                              env={"LC_ALL": "C", "PATH": os.environ["PATH"]}, check=True,
                              stderr=subprocess.PIPE, text=True).stderr
        n_bytes, seconds = re.search(r"(\d+) bytes .* copied, ([0-9.e-]+) s", said).groups()
        rates.append(int(n_bytes) / float(seconds))
    os.unlink(path)
    return statistics.median(rates)


def rate_of_files(paths, most_bytes=64 << 20):
    """
    Bytes per second of files where they lie, the largest first, past the page cache in pieces of 1 MiB; None: no file
    system here can do so. A disk made of layers, as a virtual machine's often is, may be slower there than in a new file.
    """
    buffer = mmap.mmap(-1, 1 << 20)
    n_bytes, began = 0, time.perf_counter()
    for path in sorted(paths, key=os.path.getsize, reverse=True):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
        except OSError:
            continue
        offset, n = 0, len(buffer)
        while n == len(buffer) and n_bytes < most_bytes:
            n = os.preadv(fd, [buffer], offset)
            offset, n_bytes = offset + n, n_bytes + n
        os.close(fd)
    return n_bytes / (time.perf_counter() - began) if n_bytes else None


def _write(path, text):
    with open(path, "w", encoding="ascii") as control:
        control.write(f"{text}\n")


class Throttle:
    """A control group in which the device does 2,000 requests and 100 MB a second: an eMMC, a network disk."""

    def __init__(self, device):
        blkio, unified = "/sys/fs/cgroup/blkio", "/sys/fs/cgroup"
        self._is_v1 = os.path.isdir(blkio)
        self._root = blkio if self._is_v1 else unified
        self._group = f"{self._root}/pbrun-bench-{os.getpid()}"
        if not self._is_v1:
            _write(f"{unified}/cgroup.subtree_control", "+io")
        os.mkdir(self._group)
        if self._is_v1:
            _write(f"{self._group}/blkio.throttle.read_iops_device", f"{device} {SLOW_IOPS}")
            _write(f"{self._group}/blkio.throttle.read_bps_device", f"{device} {SLOW_BYTES_PER_S}")
        else:
            _write(f"{self._group}/io.max", f"{device} riops={SLOW_IOPS} rbps={SLOW_BYTES_PER_S}")
        with open("/proc/self/cgroup", encoding="ascii") as groups:
            mine = [line.strip().split(":", 2) for line in groups]
        self._home = self._root + next(path for _, controllers, path in mine
                                       if ("blkio" in controllers.split(",") if self._is_v1 else not controllers))

    def __enter__(self):
        _write(f"{self._group}/cgroup.procs", os.getpid())

    def __exit__(self, *_):
        _write(f"{self._home}/cgroup.procs", os.getpid())

    def remove(self):
        with contextlib.suppress(OSError):  # something is still running in it
            os.rmdir(self._group)
