#!/usr/bin/env python3
"""Validates a JSON document on standard input, and asks whether each of its fields is described.

usage: validate.py SCHEMA
"""
import json
import sys

import jsonschema


def undescribed(value, schema, path="$"):
    if isinstance(value, dict) and schema.get("type") == "object":
        for key, inner in value.items():
            if key in schema["properties"]:
                yield from undescribed(inner, schema["properties"][key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(value, list) and schema.get("type") == "array":
        for inner in value:
            yield from undescribed(inner, schema["items"], f"{path}[]")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.load(sys.stdin)
    jsonschema.Draft202012Validator(schema).validate(document)
    faults = sorted(set(undescribed(document, schema)))
    print("\n".join(f"{sys.argv[1]} does not describe {fault}" for fault in faults))
    return bool(faults)


sys.exit(main())
