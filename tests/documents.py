#!/usr/bin/env python3
"""Keeps the documents true to the tree: links lead somewhere, files that they name exist, docs/ has an index, the manual has each
field of the JSON Schemas.

usage: documents.py SOURCE_DIRECTORY
"""
import json
import pathlib
import re
import sys

LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)]*))?\)|<img src=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.*)$", re.M)
# `tests/rules.py`, but not `tests/unit/check_x.c` or `tests/fuzz/corpus/PARSER/`, which stand for others.
NAMED = re.compile(r"`((?:bench|cmd|completions|docs|lib|man|tests|tools|\.ci)/[\w./-]+)`")
STANDS_FOR_OTHERS = re.compile(r"[A-Z]{3}|(?<![a-z])x\.[ch]$|_x\.[ch]$")


def anchors(text):
    """As those who show Markdown make them of headings."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


def fields(schema):
    """All names of properties, but those of bytes, which the manual describes once."""
    if isinstance(schema, list):
        return set().union(*map(fields, schema))
    if not isinstance(schema, dict):
        return set()
    own = {name for name in schema.get("properties", {}) if not name.endswith("_hex")}
    return own.union(*map(fields, schema.values()))


def faults_of_manual(root):
    manual = (root / "man/pbrun.1").read_text()
    for path in sorted((root / "docs").glob("*.schema.json")):
        for name in sorted(fields(json.loads(path.read_text()))):
            if f'"{name}"' not in manual and f".Dq {name}" not in manual:
                yield f"man/pbrun.1: lacks the field {name} of docs/{path.name}"


def faults_of(root, path):
    text = path.read_text()
    for link, anchor, image in LINK.findall(text):
        target = path.parent / (link or image or path.name)
        if re.match(r"[a-z]+:", link):
            continue
        if not target.exists():
            yield f"a link to {link or image}, which is not there"
        elif anchor and anchor not in anchors(target.read_text()):
            yield f"a link to {link}#{anchor}, which is no heading there"
    for name in NAMED.findall(text):
        if not STANDS_FOR_OTHERS.search(name) and not (root / name).exists():
            yield f"names {name}, which is not there"


def main():
    root = pathlib.Path(sys.argv[1])
    paths = sorted({*root.glob("*.md"), *root.glob("docs/*.md"), *(readme for folder in ("lib", "cmd", "agent") for readme in (root / folder).rglob("README.md"))})
    faults = [f"{path.relative_to(root)}: {fault}" for path in paths for fault in faults_of(root, path)]
    faults += faults_of_manual(root)
    index = (root / "docs/README.md").read_text()
    faults += [f"docs/README.md: does not mention {path.name}"
               for path in sorted((root / "docs").iterdir())
               if path.suffix in (".md", ".json") and path.name != "README.md" and path.name not in index]
    print("\n".join(faults))
    return bool(faults) or not paths


sys.exit(main())
