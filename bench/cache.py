"""The page cache, seen and emptied for single files. Root only."""
import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)
_SYS_CACHESTAT = 451  # Linux 6.5
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


class _Cachestat(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in
                ("cached", "dirty", "writeback", "evicted", "recently_evicted")]


def resident_bytes(path):
    """What of a file is in memory; 0 for one that is not there."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOATIME)
    except OSError:
        return 0
    whole = (ctypes.c_uint64 * 2)(0, 0)
    result = _Cachestat()
    failed = _libc.syscall(_SYS_CACHESTAT, fd, whole, ctypes.byref(result), 0)
    os.close(fd)
    if failed:
        raise OSError(ctypes.get_errno(), "cachestat(2), which needs Linux 6.5")
    return result.cached * PAGE_SIZE


def _forget(path):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def evict(paths, devices):
    """
    Takes the files out of memory, all directory entries and inodes, and the blocks of the devices that
    hold metadata. Nothing else: to drop every page would make a virtual machine give gigabytes back to its
    host and the next program pay for fetching them. Pages that a running process has mapped stay.
    """
    os.sync()
    for path in paths:
        _forget(path)
    for _ in range(2):  # an inode can go only after its directory entry
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as control:
            control.write("2")
    for path in devices:
        _forget(path)


def device_of(path):
    """The block device of a file's filesystem, as "MAJOR:MINOR" and as a path in /dev."""
    number = os.stat(path).st_dev
    name = f"{os.major(number)}:{os.minor(number)}"
    with open(f"/sys/dev/block/{name}/uevent", encoding="ascii") as uevent:
        fields = dict(line.strip().split("=", 1) for line in uevent)
    return name, "/dev/" + fields["DEVNAME"]
