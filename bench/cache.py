"""The page cache, seen and emptied for single files. Root only."""
import ctypes
import mmap
import os

_libc = ctypes.CDLL(None, use_errno=True)
_SYS_CACHESTAT = 451  # Linux 6.5
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
TOUCHED_BYTES = 2 << 30


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
        return False
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)
    return True


def can_forget(device):
    """Can the blocks of a device be evicted? Some machines let nobody open theirs."""
    return os.access(device, os.R_OK) and _forget(device)


def _drop(what):
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as control:
        control.write(what)


def _touch_memory():
    """What a virtual machine gave back to its host is fetched again now, and not by the program that is measured."""
    mmap.mmap(-1, TOUCHED_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()


def evict(paths, devices):
    """
    Takes the files out of memory, all directory entries and inodes, and the blocks of the devices that
    hold metadata, as far as the devices can be opened. Nothing else: to drop every page would make a virtual
    machine give gigabytes back to its host and the next program pay for fetching them. Pages that a running
    process has mapped stay.
    """
    os.sync()
    for path in paths:
        _forget(path)
    for _ in range(2):  # an inode can go only after its directory entry
        _drop("2")
    for path in devices:
        _forget(path)


def evict_everything(paths):
    """The same and everything else, also the blocks that hold metadata, whoever may open the device."""
    os.sync()
    for path in paths:
        _forget(path)
    _drop("3")
    _touch_memory()


def device_of(path):
    """The block device of a file's filesystem, as "MAJOR:MINOR" and as a path in /dev."""
    number = os.stat(path).st_dev
    name = f"{os.major(number)}:{os.minor(number)}"
    with open(f"/sys/dev/block/{name}/uevent", encoding="ascii") as uevent:
        fields = dict(line.strip().split("=", 1) for line in uevent)
    return name, "/dev/" + fields["DEVNAME"]
