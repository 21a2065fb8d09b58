#!/usr/bin/env python3
"""Launches a program again and again with its shadow damaged, each time in another way.

usage: mutate_shadows.py PBRUN SHADOW N MAX_SECONDS DIRECTORY... -- PROGRAM [ARG]...

Puts the damaged shadow into each DIRECTORY in turn (the user's, the system's), three times out of four with its
checksum made right. Each launch must give what the program gives by itself, and take no longer than MAX_SECONDS.
The random numbers are the same each time. Prints how long the longest launch took.
"""
import os
import random
import subprocess
import sys
import time
import zlib

NUMBERS = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0xffffffff, 0x7fffffffffffffff, 0xffffffffffffffff]


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def damage_once(data, chance):
    at = chance.randrange(len(data) + 1)
    size = chance.choice([1, 1, 2, 4, 8, 30, 300])
    number = chance.choice(NUMBERS)
    kind = chance.randrange(7)
    if kind == 0 and at < len(data):
        data[at] ^= 1 << chance.randrange(8)
    elif kind == 1:
        data[at:at + size] = chance.randbytes(size)
    elif kind == 2:
        del data[at:at + size]
    elif kind == 3:
        data[at:at] = data[at:at + size]
    elif kind == 4:
        data[at:at + size] = (number & (1 << 8 * min(size, 8)) - 1).to_bytes(min(size, 8), "little")
    elif kind == 5:
        data[at:at + 1] = varint(number)
    else:
        # A field of the header.
        field = chance.choice([8, 12, 20, 36, 72, 80, 84, 86, 92])
        data[field:field + 4] = (number & 0xffffffff).to_bytes(4, "little")


def damaged(whole, chance):
    data = bytearray(whole[:-4])
    for _ in range(chance.choice([1, 1, 1, 2, 3, 8])):
        damage_once(data, chance)
    if chance.randrange(20) == 0:
        del data[chance.randrange(len(data) + 1):]
    checksum = zlib.crc32(data).to_bytes(4, "little") if chance.randrange(4) else whole[-4:]
    return bytes(data) + checksum


def main():
    pbrun, shadow, n, max_seconds = sys.argv[1:5]
    end = sys.argv.index("--")
    directories, program = sys.argv[5:end], sys.argv[end + 1:]
    with open(shadow, "rb") as file:
        whole = file.read()
    expected = subprocess.run(program, capture_output=True, check=False)
    chance = random.Random(1)
    longest = 0
    for i in range(int(n)):
        data = damaged(whole, chance)
        path = os.path.join(directories[i % len(directories)], os.path.basename(shadow))
        for directory in directories:
            if os.path.exists(os.path.join(directory, os.path.basename(shadow))):
                os.unlink(os.path.join(directory, os.path.basename(shadow)))
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
        mode = "auto" if i % 10 == 0 else "none"
        began = time.monotonic()
        run = subprocess.run([pbrun, "-r", mode, *program], capture_output=True, timeout=60, check=False)
        seconds = time.monotonic() - began
        longest = max(longest, seconds)
        if run.returncode != expected.returncode or run.stdout != expected.stdout or seconds > float(max_seconds):
            with open("mutant", "wb") as file:
                file.write(data)
            sys.exit(f"mutant {i} ({path}): status {run.returncode}, {seconds:.1f} s, {run.stdout!r}, {run.stderr!r}")
        if any(not line.startswith(b"pbrun: warning: ") for line in run.stderr.splitlines()):
            sys.exit(f"mutant {i}: {run.stderr!r}")
    print(f"{n} launches, the longest {longest:.2f} s")


main()
