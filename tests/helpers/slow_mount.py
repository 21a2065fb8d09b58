#!/usr/bin/env python3
"""slow_mount.py DIRECTORY SECONDS: mounts a FUSE file system there on which each name is a file of 9000 bytes, and to
look one up takes SECONDS; says "ready", then "lookup" for each; ends with standard input. Exit status 77: it cannot be
mounted."""
import ctypes
import os
import select
import struct
import sys
import time

LOOKUP, FORGET, GETATTR, INIT, BATCH_FORGET = 1, 2, 3, 26, 42


def attributes(node):
    mode = 0o40755 if node == 1 else 0o100644
    return struct.pack("<QQQQQQIIIIIIIIII", node, 9000, 18, 1, 1, 1, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(operation, node, seconds):
    """(errno, body), or None: none is expected."""
    if operation == INIT:
        return 0, struct.pack("<IIIIHHIIHHI", 7, 31, 65536, 0, 12, 10, 65536, 1, 0, 0, 0) + bytes(24)
    if operation == LOOKUP:
        print("lookup", flush=True)
        time.sleep(seconds)
        return 0, struct.pack("<QQQQII", 2, 0, 0, 0, 0, 0) + attributes(2)
    if operation == GETATTR:
        return 0, struct.pack("<QII", 0, 0, 0) + attributes(node)
    return None if operation in (FORGET, BATCH_FORGET) else (-38, b"")


def main():
    directory, seconds = os.fsencode(sys.argv[1]), float(sys.argv[2])
    fd = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"slow", directory, b"fuse", 0, b"fd=%d,rootmode=40000,user_id=0,group_id=0" % fd) != 0:
        return 77
    print("ready", flush=True)
    while 0 not in select.select([fd, 0], [], [])[0]:
        _, operation, unique, node = struct.unpack_from("<IIQQ", os.read(fd, 1 << 20))
        reply = answer(operation, node, seconds)
        if reply:
            os.write(fd, struct.pack("<IiQ", 16 + len(reply[1]), reply[0], unique) + reply[1])
    return libc.umount2(directory, 2) != 0


if __name__ == "__main__":
    sys.exit(main())
