#!/usr/bin/env python3
"""Keeps the documents true to the tree: links lead somewhere, files that they name exist, docs/ has an index.

usage: documents.py SOURCE_DIRECTORY
"""
import pathlib
import re
import sys

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|<img src=\"([^\"]+)\"")
# `tests/rules.py`, but not `tests/unit/check_x.c` or `tests/fuzz/corpus/PARSER/`, which stand for others.
NAMED = re.compile(r"`((?:bench|cmd|completions|docs|lib|man|tests|tools|\.ci)/[\w./-]+)`")
STANDS_FOR_OTHERS = re.compile(r"[A-Z]{3}|(?<![a-z])x\.[ch]$|_x\.[ch]$")


def faults_of(root, path):
    text = path.read_text()
    for link in LINK.findall(text):
        target = link[0] or link[1]
        if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
            yield f"a link to {target}, which is not there"
    for name in NAMED.findall(text):
        if not STANDS_FOR_OTHERS.search(name) and not (root / name).exists():
            yield f"names {name}, which is not there"


def main():
    root = pathlib.Path(sys.argv[1])
    paths = sorted({*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("lib/*/README.md")})
    faults = [f"{path.relative_to(root)}: {fault}" for path in paths for fault in faults_of(root, path)]
    index = (root / "docs/README.md").read_text()
    faults += [f"docs/README.md: does not mention {path.name}"
               for path in sorted((root / "docs").iterdir())
               if path.suffix in (".md", ".json") and path.name != "README.md" and path.name not in index]
    print("\n".join(faults))
    return bool(faults) or not paths


sys.exit(main())
