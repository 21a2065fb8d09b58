#!/usr/bin/env python3
"""trap_mount.py DIRECTORY: makes it one where a look mounts something (autofs(5)), says "ready", then "asked" for each
time that something is to be mounted, which fails; ends with standard input. Exit status 77: it cannot be done."""
import ctypes
import fcntl
import os
import select
import struct
import sys

AUTOFS_IOC_FAIL = 0x9361


def main():
    directory = os.fsencode(sys.argv[1])
    os.setpgid(0, 0)  # who is of this group is let through
    requests, end = os.pipe()
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={end},pgrp={os.getpgid(0)},minproto=5,maxproto=5,direct".encode()
    if libc.mount(b"trap", directory, b"autofs", 0, options) != 0:
        return 77
    root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    print("ready", flush=True)
    while 0 not in select.select([requests, 0], [], [])[0]:
        _, kind, token = struct.unpack_from("=iiI", os.read(requests, 304))
        if kind == 5:  # autofs_ptype_missing_direct
            print("asked", flush=True)
            fcntl.ioctl(root, AUTOFS_IOC_FAIL, token)
    os.close(root)
    return libc.umount2(directory, 2) != 0


if __name__ == "__main__":
    sys.exit(main())
