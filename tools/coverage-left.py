#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What no test runs, each with its reason.

coverage-left.py [--strict] COVERAGE.json REASONS
coverage-left.py --stale REASONS

REASONS has paragraphs: one or more lines "FILE: TEXT", then their reason, indented. TEXT is a line of
FILE as it is there, without its indentation, or "name()" for all that is left of one function. An
entry whose line or function is not there any more is stale, and an error. What is left without a
reason is listed, and an error with --strict.
"""

import json
import os
import sys


def read_reasons(path):
    """{(file, text): reason}"""
    reasons, keys, words = {}, [], []

    def close():
        for key in keys:
            reasons[key] = " ".join(words)

    with open(path, encoding="utf-8") as source:
        for line in source:
            if line.startswith("#") or not line.strip():
                continue
            if line[0].isspace():
                words.append(line.strip())
                continue
            if words:
                close()
                keys, words = [], []
            file, _, text = line.strip().partition(": ")
            keys.append((file, text))
    close()
    return reasons


def read_left(path):
    """(file, number, text, function, kind) of each line that is not run, or not in every way."""
    left = []
    with open(path, encoding="utf-8") as source:
        report = json.load(source)
    for entry in report["files"]:
        with open(entry["file"], encoding="utf-8") as source:
            texts = [line.strip() for line in source]
        functions = sorted((f["lineno"], f["name"] + "()") for f in entry["functions"])
        for line in entry["lines"]:
            number = line["line_number"]
            if line.get("gcovr/noncode"):
                continue
            inside = [name for start, name in functions if start <= number]
            ways = line.get("branches", [])
            taken = sum(1 for way in ways if way["count"])
            if not line["count"]:
                kind = "not run"
            elif taken < len(ways):
                kind = f"{taken} of {len(ways)} ways"
            else:
                continue
            left.append((entry["file"], number, texts[number - 1], inside[-1] if inside else "",
                         kind))
    return left


def is_there(file, text):
    if not os.path.exists(file):
        return False
    with open(file, encoding="utf-8") as source:
        if text.endswith("()"):
            return text[:-1] in source.read()
        return any(line.strip() == text for line in source)


def tell_stale(reasons):
    stale = [key for key in reasons if not is_there(*key)]
    for file, text in stale:
        print(f"tools/coverage-left.txt: stale, {file} has no line or function: {text}")
    return stale


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    reasons = read_reasons(arguments[-1])
    if "--stale" in sys.argv:
        return 1 if tell_stale(reasons) else 0

    left = read_left(arguments[0])
    unexplained = 0
    print("Left, and why (tools/coverage-left.txt):")
    for file, number, text, function, kind in left:
        reason = reasons.get((file, text)) or reasons.get((file, function))
        unexplained += not reason
        print(f"{file}:{number}: {kind}: {text}\n\t{reason or 'NO REASON GIVEN'}")
    stale = tell_stale(reasons)
    print(f"{len(left)} lines are left, {unexplained} of them without a reason")
    return 1 if stale or ("--strict" in sys.argv and unexplained) else 0


sys.exit(main())
