#!/usr/bin/env python3
"""Is every option and command of pbrun --help --json in the help text and in the manual?

usage: options.py PBRUN SOURCE_DIRECTORY
"""
import json
import pathlib
import re
import subprocess
import sys


def help_of(pbrun, *arguments):
    return subprocess.run([pbrun, "--help", *arguments], check=True, capture_output=True, text=True).stdout


def rows_of_text(text):
    """(name, letter) of the lines of the help that describe an option."""
    return {(name, letter) for letter, name in re.findall(r"^ {2}(?:-(\w), | {4})--([\w-]+)", text, re.M)}


def rows_of_manual(text):
    r"""(name, letter) of the list items: .It Fl d , Fl -dir Ar dir"""
    letters = {}
    for item in re.findall(r"^\.It (Fl .*)$", text, re.M):
        letter = re.findall(r"Fl (\w)\b", item)
        for name in re.findall(r"Fl -([\w-]+)", item):
            letters[name] = letter[0] if letter else letters.get(name, "")
    return set(letters.items())


def faults(rows, found, where):
    return ([f"{where} lacks --{name}" for name, letter in sorted(rows - found)]
            + [f"{where} has --{name} -{letter}, which is no option" for name, letter in sorted(found - rows)])


def main():
    pbrun, source = sys.argv[1], pathlib.Path(sys.argv[2])
    table = json.loads(help_of(pbrun, "--json"))
    rows = {(row["name"], row.get("letter", "")) for row in table["commands"] + table["options"]}
    text = help_of(pbrun)
    result = faults(rows, rows_of_text(text), "--help")
    result += [f"--help: longer than 80 characters: {line}" for line in text.splitlines() if len(line) > 80]
    result += faults(rows, rows_of_manual((source / "man/pbrun.1").read_text()), "the manual")
    print("\n".join(result))
    return bool(result)


sys.exit(main())
