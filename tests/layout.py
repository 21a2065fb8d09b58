#!/usr/bin/env python3
"""Does what a launch runs before its first request for data stand together in the program (cmake/launch.ld)?

usage: layout.py PBRUN SOURCE_DIRECTORY
"""
import pathlib
import re
import subprocess
import sys

# Of each step of a launch one function, and some that none needs so early.
EARLY = """main launch target_find shadowdb_load_partial shadow_decode_partial residency_is_complete observer_fork observer_run
    launch_start_prefetch plan_build readahead_start readahead_work detach_grants_privilege trust_open_directory
    mounts_read config_read policy_choose elfinfo_build_id""".split()
LATE = "cmd_show cmd_help recorder_run follow_stop merge_train report_format_launch launch_identify".split()
# A page fault has 128 KiB read around it, from 16 KiB on where the beginning is there.
MAX_END_BYTES = (128 + 16) * 1024


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout


def patterns_without_file(source):
    text = (source / "cmake/launch.ld").read_text(encoding="utf-8")
    found = re.findall(r"^\t\t\*/(\S+)\.o\(", text, re.M)
    return [f"cmake/launch.ld: there is no {pattern}" for pattern in found if not list(source.glob(pattern))]


def misplaced(pbrun, begin, size):
    """A stripped program has no names."""
    listed = run("nm", "--defined-only", pbrun)
    at = {name: int(address, 16) for address, name in re.findall(r"^([0-9a-f]+) [tT] (\w+)$", listed, re.M)}
    faults = []
    for name in [*EARLY, *LATE] if at else []:
        is_early = begin <= at.get(name, -1) < begin + size
        if name not in at:
            faults.append(f"there is no function {name}: name another in layout.py")
        elif is_early != (name in EARLY):
            faults.append(f"{name} stands {'among' if is_early else 'behind'} what a launch runs")
    return faults


def main():
    pbrun, source = sys.argv[1], pathlib.Path(sys.argv[2])
    sections = {name: tuple(int(field, 16) for field in fields) for name, *fields in
                re.findall(r"^ *\[ *\d+\] (\S+) +\S+ +([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)", run("readelf", "-SW", pbrun), re.M)}
    if ".text.launch" not in sections:
        print("skipped: the linker knows no INSERT")
        sys.exit(77)
    address, offset, size = sections[".text.launch"]
    faults = patterns_without_file(source) + misplaced(pbrun, address, size)
    if ".symtab" not in sections and offset + size > MAX_END_BYTES:
        faults.append(f"what a launch runs ends at {offset + size} bytes of the program, later than {MAX_END_BYTES}")
    print("\n".join(faults))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
