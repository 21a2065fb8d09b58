#!/usr/bin/env python3
"""Keeps docs/architecture.md true to the code.

Each line of its walk of a stop is called by the line above it that stands further left, and calls none of
those. Each function that the page names exists. Each file of lib/ that makes a thread or a process has a
function of its own in the map of those who run.

usage: architecture.py SOURCE_DIRECTORY
"""
import pathlib
import re
import sys
from collections import defaultdict, namedtuple

PAGE = "docs/architecture.md"
WALK, MAP = "## A stop, down to the page set", "## Who runs"
# "    follow_stop() next_step()   lib/trace/follow_stops.c: the first calls the second".
STEP = re.compile(r"^ {4}( *)((?:\w+\(\) ?)+)(.*)$", re.M)
FILE = re.compile(r"\blib/[\w/]+\.c\b")
NAMED = re.compile(r"`(\w+)\(\)`")
# What may have the name of a function, and is none.
OTHERS = re.compile(r"/\*.*?\*/|//[^\n]*|\b(?<=enum )\w+|\b(?<=struct )\w+", re.S)
# By which others make threads.
THREADS = ("lib/sys/threads.c", "lib/sys/threads.h")
FUNCTION = re.compile(r"^([a-z_][^;{}#=]*?)\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", re.M | re.S)
# A function that others call by a member of a structure: ".emit = take".
POINTER = re.compile(r"\.(\w+) = (\w+)\b")
MAKES_OTHERS = re.compile(r"pthread_create\(|\bthreads_start(?:_detached)?\(|\bfork\(\)|syscall\(SYS_clone")

Function = namedtuple("Function", "file name is_static body")


class Code:
    def __init__(self, root):
        self.functions, self.pointers, self.makers = defaultdict(list), defaultdict(set), set()
        for path in sorted(path for folder in ("lib", "cmd", "agent") for path in (root / folder).rglob("*.[ch]")):
            file, text = str(path.relative_to(root)), OTHERS.sub("", path.read_text())
            for kind, name, body in FUNCTION.findall(text):
                self.functions[name].append(Function(file, name, "static" in kind.split(), body))
            for member, name in POINTER.findall(text):
                self.pointers[name].add((file, member))
            if file.startswith("lib/") and file not in THREADS and MAKES_OTHERS.search(text):
                self.makers.add(file)

    def calls(self, caller, callee):
        """By its name, which is also how it is handed to others, or by a member that it was put into."""
        if not callee.is_static or callee.file == caller.file:
            if re.search(rf"\b{callee.name}\b", caller.body):
                return True
        return any(re.search(rf"(?:\.|->){member}\(", caller.body)
                   for file, member in self.pointers[callee.name] if file == callee.file or not callee.is_static)


def section(text, title):
    return text.partition(title)[2].partition("\n## ")[0]


def faults_of_walk(code, walk):
    above = []  # (indentation, functions that may be meant)
    for indent, names, comment in STEP.findall(walk):
        above = [step for step in above if step[0] < len(indent)]
        file = FILE.search(comment)
        for i, name in enumerate(re.findall(r"\w+", names)):
            found = [function for function in code.functions[name] if not above or
                     any(code.calls(caller, function) for caller in above[-1][1])]
            if i == 0 and file:
                found = [function for function in found if function.file == file[0]]
            caller = above[-1][1][0].name if above else "the first step"
            if not found:
                yield f"{caller}() does not call {name}(){' of ' + file[0] if i == 0 and file else ''}"
                return
            for _, functions in above[:-1]:
                if any(code.calls(function, up) for function in found for up in functions):
                    yield f"{name}() calls {functions[0].name}(), which stands above it"
            above.append((len(indent) + i / 100, found))
    if not above:
        yield "has no walk"


def main():
    root = pathlib.Path(sys.argv[1])
    code, text = Code(root), (root / PAGE).read_text()
    faults = list(faults_of_walk(code, section(text, WALK)))
    faults += [f"names {name}(), which is not there" for name in sorted(set(NAMED.findall(text)))
               if name not in code.functions]
    named = set(re.findall(r"(\w+)\(\)", section(text, MAP)))
    faults += [f"{file} makes a thread or a process, and none of its functions is in the map"
               for file in sorted(code.makers)
               if not any(function.file == file for name in named for function in code.functions[name])]
    print("\n".join(f"{PAGE}: {fault}" for fault in faults))
    return bool(faults)


sys.exit(main())
