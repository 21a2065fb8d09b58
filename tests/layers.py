#!/usr/bin/env python3
"""Keeps the graph of folders in lib/: which may include which, and what is used where.

usage: layers.py SOURCE_DIRECTORY
"""
import pathlib
import re
import sys

# Folder of lib/: the folders that it includes. "" is lib/ itself: the front doors, which data passes
# through. No folder is reachable from itself, nor is a header; cmd/ stands on top.
FOLDERS = {
    "sys": [],
    "shadow": ["sys", ""],
    "prefetch": ["sys", ""],
    "trace": ["sys"],
    "record": ["sys", "trace", ""],
    "": ["sys", "shadow", "prefetch", "trace", "record"],
}
# What folders may include of lib/ itself.
COMMON = {"bitmap.h", "pageset.h"}
# Folder: what it includes of another one, where that is not all.
ONLY = {("record", "trace"): {"trace/event.h"}}
# Header: the one module that includes it, in its .c files only.
OWNERS = {
    "sys/ptrace.h": "trace/tracee",
    "linux/userfaultfd.h": "trace/uffd",
    "libelf.h": "sys/elfinfo",
    "gelf.h": "sys/elfinfo",
    "sys/capability.h": "sys/privs",
    "dlfcn.h": "sys/unpack",
    "jansson.h": "report",
}
NOT_IN_HEADERS = {*OWNERS, "zlib.h", "check.h"}
# A library does not print, exit, read the environment or parse options.
FORBIDDEN_CALLS = re.compile(
    r"\b(printf|fprintf|vprintf|vfprintf|dprintf|puts|fputs|putchar|perror|errx?|warnx?|syslog"
    r"|exit|abort|getenv|secure_getenv|getopt|getopt_long)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


def folder_of(name):
    return name.rpartition("/")[0]


def is_owner(name, owner):
    """tracee.c and tracee_x.c are of the module tracee."""
    stem = name.rpartition(".")[0]
    return stem == owner or stem.startswith(owner + "_")


def faults_of(name, text):
    folder = folder_of(name)
    if folder not in FOLDERS:
        yield f"the folder {folder} is not in FOLDERS"
        return
    for kind, header in INCLUDE.findall(text):
        if kind == "<":
            if header in NOT_IN_HEADERS and name.endswith(".h"):
                yield f"a header shows <{header}>"
            if header in OWNERS and not is_owner(name, OWNERS[header]):
                yield f"<{header}> belongs to {OWNERS[header]}"
            continue
        of = folder_of(header)
        if of != folder and of not in FOLDERS[folder]:
            yield f'"{header}": {folder or "lib"}/ does not include {of}/'
        if header not in ONLY.get((folder, of), {header}):
            yield f'"{header}": of {of}/ {folder}/ includes {", ".join(sorted(ONLY[folder, of]))} only'
        if of == "" and folder != "" and header not in COMMON:
            yield f'"{header}": of lib/ itself a folder includes {", ".join(sorted(COMMON))} only'
    for call in FORBIDDEN_CALLS.findall(COMMENT_OR_STRING.sub("", text)):
        yield f"calls {call}()"


def circles(headers):
    """Headers that include each other."""
    done, path = set(), []

    def visit(name):
        if name in path:
            yield " -> ".join([*path[path.index(name):], name])
        elif name not in done:
            path.append(name)
            for kind, header in INCLUDE.findall(headers.get(name, "")):
                if kind == '"':
                    yield from visit(header)
            path.pop()
            done.add(name)

    for name in headers:
        yield from visit(name)


def main():
    lib = pathlib.Path(sys.argv[1], "lib")
    texts = {str(path.relative_to(lib)): path.read_text() for path in sorted(lib.rglob("*.[ch]"))}
    faults = [f"lib/{name}: {fault}" for name, text in texts.items() for fault in faults_of(name, text)]
    faults += [f"a circle: {circle}"
               for circle in circles({name: text for name, text in texts.items() if name.endswith(".h")})]
    print("\n".join(faults))
    return bool(faults) or not texts


sys.exit(main())
