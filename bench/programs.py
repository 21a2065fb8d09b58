"""The programs that are measured: real ones, of different kinds."""
import os
import random
import shutil
import subprocess
from dataclasses import dataclass, field

_C_SOURCE = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <pthread.h>
int main(void) { printf("%f\\n", sqrt(2)); return 0; }
"""
_SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300">
<linearGradient id="g"><stop offset="0" stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient>
<rect width="400" height="300" fill="url(#g)"/><circle cx="200" cy="150" r="90" fill="white"/>
<text x="120" y="160" font-size="32" font-family="sans-serif">prefetch</text></svg>
"""
_IMPORTS = ("argparse asyncio concurrent.futures csv ctypes datetime decimal email.message hashlib "
            "http.client json logging multiprocessing pathlib random re sqlite3 ssl subprocess "
            "tempfile unittest urllib.request uuid xml.etree.ElementTree zipfile").split()


@dataclass
class Program:
    name: str
    argv: list
    environment: dict = field(default_factory=dict)


def _write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _python(directory):
    return ["/usr/bin/python3", "-c", "import " + ", ".join(_IMPORTS)]


def _git(directory):
    repository = os.path.join(directory, "repository")
    numbers = random.Random(1)
    for i in range(5000):
        folder = os.path.join(repository, f"part{i % 25:02}", f"section{i // 25 % 20:02}")
        os.makedirs(folder, exist_ok=True)
        file = _write(os.path.join(folder, f"file{i:04}.txt"), f"{numbers.random()}\n" * numbers.randint(1, 200))
        os.utime(file, (1e9, 1e9))  # else git would have to read what may have changed since it was added
    git = ["git", "-C", repository, "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"], ["gc", "-q"]):
        subprocess.run(git + command, check=True)
    os.sync()
    return ["git", "--no-optional-locks", "-C", repository, "status", "--short"]


def _clang(directory):
    source = _write(os.path.join(directory, "in.c"), _C_SOURCE)
    return ["clang", "-c", "-O1", "-o", os.path.join(directory, "out.o"), source]


def _inkscape(directory):
    picture = _write(os.path.join(directory, "in.svg"), _SVG)
    return ["inkscape", picture, "--export-type=png", f"--export-filename={directory}/out.png"]


def _libreoffice(directory):
    text = _write(os.path.join(directory, "in.txt"), "The quick brown fox.\n" * 200)
    return ["soffice", "--headless", f"-env:UserInstallation=file://{directory}/office", "--convert-to", "pdf",
            "--outdir", directory, text]


def _emacs(directory):
    return ["emacs", "--batch", "--eval", "(progn (require 'org) (require 'gnus) (with-temp-buffer (org-mode)))"]


def _node(directory):
    return ["node", "-e", "require('crypto'); require('http'); require('zlib'); console.log(1)"]


def _java(directory):
    source = _write(os.path.join(directory, "Hello.java"),
                    'public class Hello { public static void main(String[] a) { System.out.println("hello"); } }')
    subprocess.run(["javac", source], check=True)
    return ["java", "-cp", directory, "Hello"]


def _chromium(directory):
    return ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={directory}/profile",
            "--dump-dom", "about:blank"]


def _gimp(directory):
    return ["gimp", "--no-interface", "--no-data", "--batch", "(gimp-quit 0)"]


def _firefox(directory):
    os.makedirs(f"{directory}/profile")
    return ["firefox-esr", "--headless", "--no-remote", "--profile", f"{directory}/profile", "--screenshot",
            f"{directory}/shot.png", "about:blank"]


def _perl(directory):
    return ["/usr/bin/perl", "-e", "use POSIX; use Data::Dumper; use File::Find; use IO::Socket; print Dumper([1])"]


def _gdb(directory):
    return ["gdb", "-nx", "--batch", "/bin/true"]


def _vim(directory):
    return ["vim", "-u", "NONE", "-es", "-c", "quit", _write(os.path.join(directory, "notes"), "notes\n")]


def _sqlite3(directory):
    return ["sqlite3", os.path.join(directory, "base"), "create table if not exists t (a); select count(*) from t;"]


_MAKERS = {"python3": _python, "git": _git, "clang": _clang, "inkscape": _inkscape,
           "libreoffice": _libreoffice, "emacs": _emacs}
_OTHERS = {"node": _node, "java": _java, "chromium": _chromium, "gimp": _gimp, "firefox": _firefox,
           "perl": _perl, "gdb": _gdb, "vim": _vim, "sqlite3": _sqlite3}
_BINARIES = {"libreoffice": "soffice", "firefox": "firefox-esr"}
NAMES = list(_MAKERS)
ALL_NAMES = [*_MAKERS, *_OTHERS]


def make(name, directory):
    """The program of that name with all that it reads, in a new directory; None if it is not installed."""
    os.makedirs(directory)
    if not shutil.which(_BINARIES.get(name, name)):
        return None
    return Program(name, {**_MAKERS, **_OTHERS}[name](directory))
