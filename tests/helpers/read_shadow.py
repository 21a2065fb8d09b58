#!/usr/bin/env python3
"""Prints a shadow file as text. Written from docs/shadow-format.md alone, to keep that honest.

usage: read_shadow.py FILE

    program /usr/bin/x
    ...
    file /usr/lib/a.so use=1 exact=1 age=0 size=123 mtime=1700000000000000000 build_id=c0ffee first_use=10
    extent 0+3 time=10 age=0
"""
import struct
import sys
import zlib

HEADER = struct.Struct("<8sIIIIIIIIqQQQQIHH")
NAMES = ("magic", "format", "header_size", "page_size", "flags", "runs", "trained_runs", "stable_runs",
         "n_files", "updated_s", "prefetched_bytes", "wasted_bytes", "missed_bytes", "n_pages", "n_extents",
         "program_size", "profile_size")
START = struct.Struct("<qQQQII")
SHOWN = ("page_size", "flags", "runs", "trained_runs", "stable_runs", "updated_s", "prefetched_bytes",
         "wasted_bytes", "missed_bytes")
HISTORY_SIZE = 8 + 8 * START.size


class Corrupt(Exception):
    pass


def require(condition, what):
    if not condition:
        raise Corrupt(what)


class Reader:
    def __init__(self, data, at):
        self.data, self.at = data, at

    def bytes(self, size):
        require(size <= len(self.data) - self.at, "ends early")
        self.at += size
        return self.data[self.at - size:self.at]

    def byte(self):
        return self.bytes(1)[0]

    def varint(self):
        value = 0
        for shift in range(0, 70, 7):
            byte = self.byte()
            value |= (byte & 0x7f) << shift
            if byte < 0x80:
                require(value < 1 << 64, "varint too large")
                return value
        raise Corrupt("varint too long")

    def zigzag(self):
        value = self.varint()
        return -(value + 1 >> 1) if value & 1 else value >> 1


def is_text(data, limit=4095):
    return len(data) <= limit and b"\0" not in data


def read_extents(reader, n_extents, time, age):
    end = 0
    for _ in range(n_extents):
        head = reader.varint()
        first = end + (head >> 2)
        end = first + reader.varint() + 1
        require(end <= 1 << 32, "page number too large")
        if head & 1:
            time += reader.zigzag()
            require(0 <= time < 1 << 32, "time out of range")
        if head & 2:
            age = reader.byte()
        yield first, end - first, time, age


def read_file(reader, previous_path):
    n_shared = reader.varint()
    require(n_shared <= len(previous_path), "shares more than there is")
    path = previous_path[:n_shared] + reader.bytes(reader.varint())
    require(path.startswith(b"/") and is_text(path) and path > previous_path, "bad path")
    use, age, size = reader.byte() | reader.byte() << 8, reader.byte(), reader.varint()
    mtime, = struct.unpack("<q", reader.bytes(8))
    build_id_size = reader.byte()
    require(build_id_size <= 32, "build-id too long")
    build_id = reader.bytes(build_id_size)
    first_use = reader.varint()
    require(first_use < 1 << 32, "time out of range")
    extents = list(read_extents(reader, reader.varint(), first_use, age))
    line = (f" use={use & 0xff} exact={use >> 15} unanswered={use >> 8 & 1} operand={use >> 9 & 31}"
            f" age={age} size={size} mtime={mtime} build_id={build_id.hex()} first_use={first_use}")
    return path, line, extents


def read_history(data, header_size):
    """The number of faults at the first start, and the last starts."""
    if header_size < HEADER.size + HISTORY_SIZE:
        return 0, []
    first_faults, n_starts = struct.unpack_from("<II", data, HEADER.size)
    require(n_starts <= 8, "too many starts")
    return first_faults, [START.unpack_from(data, HEADER.size + 8 + START.size * i) for i in range(n_starts)]


def print_bytes(*parts):
    sys.stdout.buffer.write(b"".join(p if isinstance(p, bytes) else p.encode() for p in parts) + b"\n")


def main(name):
    with open(name, "rb") as stream:
        data = stream.read()
    require(len(data) >= 12 and data[:8] == b"\x89pbrun\r\n", "not a shadow")
    require(data[8:12] == b"\1\0\0\0", "another format")
    require(HEADER.size + 4 <= len(data) <= 64 << 20, "bad size")
    require(zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little"), "bad checksum")
    header = dict(zip(NAMES, HEADER.unpack_from(data)))
    require(header["header_size"] >= HEADER.size, "header too short")
    require(header["n_files"] <= 100_000 and header["n_extents"] <= 4_000_000, "too large")

    reader = Reader(data[:-4], 0)
    reader.bytes(header["header_size"])
    program, profile = reader.bytes(header["program_size"]), reader.bytes(header["profile_size"])
    require(program.startswith(b"/") and is_text(program) and is_text(profile), "bad program or profile")
    first_faults, starts = read_history(data, header["header_size"])
    files, path = [], b""
    for _ in range(header["n_files"]):
        files.append(read_file(reader, path))
        path = files[-1][0]
    extents = [extent for _, _, of_file in files for extent in of_file]
    require(reader.at == len(reader.data), "bytes left over")
    require(len(extents) == header["n_extents"], "wrong number of extents")
    require(sum(extent[1] for extent in extents) == header["n_pages"], "wrong number of pages")
    require(sum(len(path) for path, _, _ in files) <= 32 * len(data), "paths too long")

    print_bytes("program ", program)
    print_bytes("profile ", profile)
    for field in SHOWN:
        print_bytes(f"{field} {header[field]}")
    print_bytes(f"first_faults {first_faults}")
    for start in starts:
        print_bytes("start ", " ".join(str(number) for number in start))
    for path, line, of_file in files:
        print_bytes("file ", path, line)
        for first, n_pages, time, age in of_file:
            print_bytes(f"extent {first}+{n_pages} time={time} age={age}")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Corrupt as fault:
        sys.exit(f"{sys.argv[1]}: {fault}")
