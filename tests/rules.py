#!/usr/bin/env python3
"""Keeps what no other tool keeps of the style in HACKING.md.

No C file of more than 500 lines, and no structure with more than three booleans. In lib/, cmd/ and agent/ also no function of more than 80
lines or 7 parameters, no boolean parameter, and each .c file opens with a comment that says what it is.

usage: rules.py SOURCE_DIRECTORY
"""
import pathlib
import re
import sys

# Of these all is kept, of the others what makes a reader lose his way.
PRODUCT = ("lib", "cmd", "agent")
OTHERS = ("tests", "bench")
MAX_LINES = 500
MAX_BOOLEANS = 3
MAX_FUNCTION_LINES = 80
MAX_PARAMETERS = 7
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
STRUCTURE = re.compile(r"\bstruct\s+(\w+)?\s*\{")
BOOLEAN_MEMBER = re.compile(r"^\s*(?:const\s+)?(?:bool|_Bool)\s+([^;()]+);", re.M)
BOOLEAN_PARAMETER = re.compile(r"[(,]\s*(?:const\s+)?(?:bool|_Bool)(?:\s+(\w+)\s*[,)]|\s*,)")
FUNCTION = re.compile(r"(\w+)\s*\(")
DEFINITION = re.compile(r"^\w[^;{}#=]*?\b(\w+)\(([^;{}]*)\)\n\{\n", re.M)


def block_at(text, start):
    """From a brace to the one that closes it."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return text[start:i]
    return text[start:]


def n_parameters(text):
    """Commas that stand in no parentheses: a parameter may be a pointer to a function."""
    while text != (text := re.sub(r"\([^()]*\)", "", text)):
        pass
    return text.count(",") + 1


def faults_of_functions(code):
    for function in DEFINITION.finditer(code):
        n_lines = code.count("\n", function.end(), code.index("\n}", function.end() - 1)) + 1
        if n_lines > MAX_FUNCTION_LINES:
            yield f"{function[1]}() has {n_lines} lines, of at most {MAX_FUNCTION_LINES}"
        if n_parameters(function[2]) > MAX_PARAMETERS:
            yield f"{function[1]}() has {n_parameters(function[2])} parameters, of at most {MAX_PARAMETERS}"


def opens_with_sentence(path, text):
    """"/* name.c - what it is", and not only where to look."""
    opening = re.match(rf"/\*[\s*]*{path.stem}(?:\.c)? - (?!see )(\S+\s+){{2}}", text)
    return bool(opening)


def faults_of(path, text, is_product):
    n_lines = text.count("\n")
    if n_lines > MAX_LINES:
        yield f"{n_lines // 100 * 100} lines and more, of at most {MAX_LINES}"
    if is_product and path.suffix == ".c" and not opens_with_sentence(path, text):
        yield f'does not open with "/* {path.name} - what it is. */"'
    code = COMMENT.sub("", text)
    for structure in STRUCTURE.finditer(code):
        members = BOOLEAN_MEMBER.findall(block_at(code, structure.end() - 1))
        n = sum(len(member.split(",")) for member in members)
        if n > MAX_BOOLEANS:
            yield f"struct {structure[1] or ''} has {n} booleans, of at most {MAX_BOOLEANS}"
    yield from faults_of_functions(COMMENT.sub(lambda comment: re.sub(".", "", comment[0]), text)) if is_product else ()
    for parameter in BOOLEAN_PARAMETER.finditer(code) if is_product else ():
        functions = FUNCTION.findall(code[:parameter.start() + 1].rpartition(";")[2].rpartition("}")[2])
        yield f"a boolean parameter{' ' + parameter[1] if parameter[1] else ''} of {functions[-1] if functions else '?'}()"


def main():
    root = pathlib.Path(sys.argv[1])
    paths = [path for folder in PRODUCT + OTHERS for path in sorted((root / folder).rglob("*.[ch]"))]
    faults = [f"{path.relative_to(root)}: {fault}" for path in paths
              for fault in faults_of(path, path.read_text(), path.relative_to(root).parts[0] in PRODUCT)]
    print("\n".join(faults))
    return bool(faults) or not paths


sys.exit(main())
