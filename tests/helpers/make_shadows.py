#!/usr/bin/env python3
"""Makes the samples of shadow files in tests/fuzz/corpus/shadow, by docs/shadow-format.md.

usage: make_shadows.py DIRECTORY

The first word of a sample's name says what a decoder makes of it: valid, broken, newer, stale.
"""
import pathlib
import struct
import sys
import zlib

MTIME = 1_700_000_000_123_456_789


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def zigzag(value):
    return varint(value * 2 if value >= 0 else -value * 2 - 1)


def extent(gap, length, time=None, age=None):
    head = varint(gap << 2 | (age is not None) << 1 | (time is not None))
    return (head + varint(length - 1) + (zigzag(time) if time is not None else b"")
            + (bytes([age]) if age is not None else b""))


def file(shared, suffix, extents=(), use=0x8001, age=0, size=1 << 20, build_id=b"", first_use=0, n_extents=None):
    return (varint(shared) + varint(len(suffix)) + suffix + struct.pack("<HB", use, age) + varint(size)
            + struct.pack("<q", MTIME) + bytes([len(build_id)]) + build_id + varint(first_use)
            + varint(len(extents) if n_extents is None else n_extents) + b"".join(extents))


def shadow(files=(), n_pages=0, n_extents=0, n_files=None, magic=b"\x89pbrun\r\n", version=1, page_size=4096,
           program=b"/usr/bin/x", profile=b"", extra=b"", header_size=None, flags=0, tail=b""):
    data = struct.pack("<8sIIIIIIIIqQQQQIHH", magic, version,
                       88 + len(extra) if header_size is None else header_size, page_size, flags, 7, 3, 2,
                       len(files) if n_files is None else n_files, 1_700_000_001, 4096, 8192, 12288, n_pages,
                       n_extents, len(program), len(profile))
    data += extra + program + profile + b"".join(files) + tail
    return data + struct.pack("<I", zlib.crc32(data))


LIBC = file(0, b"/usr/lib/libc.so.6", [extent(0, 3), extent(4, 1, time=500), extent(0, 200, time=-300, age=2)],
            build_id=bytes(range(20)), first_use=1000)
LIBM = file(12, b"m.so.6", [extent(7, 2)], use=0x0001)
TRUE = file(0, b"/a", [extent(0, 1)])
FULL = shadow([LIBC, LIBM, file(5, b"share/x", use=0x80a0, size=0)], 206, 4, profile=b"p", flags=3)


def one(data, n_pages=1, n_extents=1, **more):
    return shadow([data], n_pages, n_extents, **more)




def history(n_starts, n_held=8):
    """What follows the header of 88 bytes: the last starts."""
    starts = [struct.pack("<qQQQII", 1_700_000_000 + i, 1 << 20, 4096, (1 << 64) - 1, 12 + i, 0xffffffff >> i)
              for i in range(n_held)]
    return struct.pack("<II", 1380, n_starts) + b"".join(starts)


SAMPLES = {
    "valid-empty": shadow(),
    "valid-full": FULL,
    "valid-longer-header": shadow([TRUE], 1, 1, extra=b"from the future"),
    "valid-history": shadow([TRUE], 1, 1, extra=history(8)),
    "valid-history-of-three": shadow([TRUE], 1, 1, extra=history(3)),
    "valid-history-and-more": shadow([TRUE], 1, 1, extra=history(2) + b"from the future"),
    "valid-history-cut": shadow([TRUE], 1, 1, extra=history(9, 7)),
    "broken-history-of-nine": shadow([TRUE], 1, 1, extra=history(9)),
    "valid-unknown-flags": shadow([file(0, b"/a", use=0x4000)], flags=0xfffffff0),
    "valid-largest-page": one(file(0, b"/a", [extent((1 << 32) - 1, 1)])),
    "valid-longest-run": one(file(0, b"/a", [extent(0, 1 << 32)]), 1 << 32),
    "valid-time-range": shadow([file(0, b"/a", [extent(0, 1, time=(1 << 32) - 1),
                                                extent(0, 1, time=1 - (1 << 32), age=255)])], 2, 2),
    "valid-any-bytes": shadow([file(0, bytes([47, *range(1, 256)]))], program=b"/\xff \n", profile=b"\x01"),
    "valid-long-path": shadow([file(0, b"/" + b"x" * 4094)]),
    "newer-format": shadow(version=2),
    "newer-format-cut": shadow(version=2)[:12],
    "stale-page-size": shadow([TRUE], 1, 1, page_size=512),
    "broken-nothing": b"",
    "broken-magic": shadow(magic=b"\x89pbrun\n\n\n"),
    "broken-older-format": shadow(version=0),
    "broken-cut": FULL[:-20],
    "broken-header-cut": FULL[:50],
    "broken-checksum": FULL[:-1] + bytes([FULL[-1] ^ 1]),
    "broken-header-size-small": shadow(header_size=87),
    "broken-header-size-large": shadow(header_size=0xffffffff),
    "broken-program-relative": shadow(program=b"x"),
    "broken-program-empty": shadow(program=b""),
    "broken-program-nul": shadow(program=b"/a\0b"),
    "broken-program-long": shadow(program=b"/" + b"x" * 4095),
    "broken-profile-nul": shadow(profile=b"\0"),
    "broken-profile-long": shadow(profile=b"x" * 4096),
    "broken-n-files-huge": shadow([TRUE], 1, 1, n_files=0xffffffff),
    "broken-n-files-more": shadow([TRUE], 1, 1, n_files=2),
    "broken-n-files-less": shadow([TRUE], 1, 1, n_files=0),
    "broken-left-over": shadow([TRUE], 1, 1, tail=b"\0"),
    "broken-n-pages": one(TRUE, 2),
    "broken-n-extents-more": one(TRUE, 1, 2),
    "broken-n-extents-less": one(TRUE, 1, 0),
    "broken-n-extents-huge": one(TRUE, 1, 0xffffffff),
    "broken-file-n-extents": one(file(0, b"/a", [extent(0, 1)], n_extents=4_000_000), 1, 4_000_000),
    "broken-path-relative": shadow([file(0, b"a" * 20)]),
    "broken-path-empty": shadow([file(0, b""), TRUE], 1, 1),
    "broken-path-nul": shadow([file(0, b"/a\0b")]),
    "broken-path-long": shadow([file(0, b"/" + b"x" * 4095)]),
    "broken-path-shared": shadow([file(0, b"/a"), file(3, b"b")]),
    "broken-path-shared-first": shadow([file(1, b"/a")]),
    "broken-path-twice": shadow([file(0, b"/a"), file(0, b"/a")]),
    "broken-path-twice-shared": shadow([file(0, b"/a"), file(2, b"")]),
    "broken-path-order": shadow([file(0, b"/b"), file(0, b"/a")]),
    "broken-path-prefix-after": shadow([file(0, b"/ab"), file(0, b"/a")]),
    "broken-path-growth": shadow([file(0, b"/" + b"x" * 4000)]
                                 + [file(4000, bytes([121 + i])) for i in range(100)]),
    "broken-build-id-long": shadow([file(0, b"/a", build_id=bytes(33))]),
    "broken-file-cut": shadow(n_files=1, tail=LIBC[:30]),
    "broken-first-use": shadow([file(0, b"/a", first_use=1 << 32)]),
    "broken-page-range": one(file(0, b"/a", [extent(1 << 32, 1)])),
    "broken-page-range-end": one(file(0, b"/a", [extent(1, 1 << 32)]), 1 << 32),
    "broken-page-range-second": one(file(0, b"/a", [extent(0, 1 << 32), extent(0, 1)]), (1 << 32) + 1, 2),
    "broken-page-overflow": one(file(0, b"/a", [extent(5, 1 << 64)]), 0),
    "broken-time-negative": one(file(0, b"/a", [extent(0, 1, time=-1)])),
    "broken-time-large": one(file(0, b"/a", [extent(0, 1, time=1)], first_use=(1 << 32) - 1)),
    "broken-varint-long": shadow(n_files=1, tail=b"\x80" * 11 + TRUE),
    "broken-varint-large": shadow([file(0, b"/a", size=1 << 64)]),
}

for name, sample in SAMPLES.items():
    (pathlib.Path(sys.argv[1]) / name).write_bytes(sample)
