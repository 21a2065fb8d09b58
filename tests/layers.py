#!/usr/bin/env python3
"""Keeps the layers of lib/: who may include whom, and what is used where.

usage: layers.py SOURCE_DIRECTORY
"""
import pathlib
import re
import sys

# From low to high. A module includes lower ones only, not its neighbours. tracee_x.c and tracee.c are
# one module. cmd/ stands on top.
LAYERS = [
    ["cleanup", "clock", "fdtable"],
    ["bitmap"],
    ["elfinfo", "privs", "procmaps", "pagemap", "lookup", "meminfo", "medium"],
    ["fileid"],
    ["pageset"],
    ["shadow", "procstat"],
    ["merge", "shadowdb", "plan", "residency"],
    ["pace", "physical", "filecall", "metadata"],
    ["readahead"],
    ["policy"],
    ["tracee"],
    ["uffd", "onecpu"],
    ["addrspace", "descriptors"],
    ["proctree"],
    ["procpath"],
    ["fileuse", "courtesy"],
    ["collect"],
    ["report"],
    ["observer"],
]
# Header: the one module that includes it, in its .c files only.
OWNERS = {
    "sys/ptrace.h": "tracee",
    "linux/userfaultfd.h": "uffd",
    "libelf.h": "elfinfo",
    "gelf.h": "elfinfo",
    "sys/capability.h": "privs",
    "jansson.h": "report",
}
NOT_IN_HEADERS = {*OWNERS, "zlib.h", "check.h"}
# A library does not print, exit, read the environment or parse options.
FORBIDDEN_CALLS = re.compile(
    r"\b(printf|fprintf|vprintf|vfprintf|dprintf|puts|fputs|putchar|perror|errx?|warnx?|syslog"
    r"|exit|abort|getenv|secure_getenv|getopt|getopt_long)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)

LEVEL = {module: level for level, modules in enumerate(LAYERS) for module in modules}


def module_of(path):
    return pathlib.PurePath(path).stem.split("_")[0]


def faults_of(path):
    text = path.read_text()
    module = module_of(path)
    if module not in LEVEL:
        yield f"no layer for module {module}: add it to LAYERS in {sys.argv[0]}"
        return
    for kind, header in INCLUDE.findall(text):
        if header in NOT_IN_HEADERS and path.suffix == ".h":
            yield f"a header shows <{header}>"
        elif OWNERS.get(header, module) != module:
            yield f"<{header}> belongs to {OWNERS[header]}"
        elif kind == '"' and module_of(header) != module and (
                LEVEL.get(module_of(header), len(LAYERS)) >= LEVEL[module]):
            yield f'"{header}" is not of a lower layer'
    for call in FORBIDDEN_CALLS.findall(COMMENT_OR_STRING.sub("", text)):
        yield f"calls {call}()"


def main():
    files = sorted(pathlib.Path(sys.argv[1], "lib").glob("*.[ch]"))
    faults = [f"{path}: {fault}" for path in files for fault in faults_of(path)]
    print("\n".join(faults))
    return bool(faults) or not files


sys.exit(main())
