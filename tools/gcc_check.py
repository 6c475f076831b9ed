#!/usr/bin/env python3
"""The second compiler: g++ 12 reads every source with the build's own options, and every header alone.

Needs a built build/dev (compile_commands.json, generated files). Prints what fails and the number of files."""
import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WARNINGS = ["-Wall", "-Wextra", "-Wno-missing-field-initializers", "-std=gnu++20", "-fsyntax-only"]


def options(command):
    """Include paths and definitions of a compile command."""
    words = shlex.split(command)
    kept = []
    for i, word in enumerate(words):
        if word.startswith(("-I", "-D")) and len(word) > 2:
            kept.append(word)
        elif word == "-isystem":
            kept += [word, words[i + 1]]
    return kept


def check(job):
    name, arguments = job
    done = subprocess.run(["g++", *WARNINGS, *arguments], capture_output=True, text=True, cwd=ROOT)
    return name, done.returncode, done.stderr


def main():
    jobs, everything = [], set()
    for entry in json.loads((ROOT / "build/dev/compile_commands.json").read_text()):
        file = pathlib.Path(entry["file"])
        if file.suffix != ".cc" or file.name.endswith("_fuzz.cc"):
            continue
        flags = options(entry["command"])
        everything.update(flags)
        jobs.append((str(file), [*flags, str(file)]))
    include = sorted(f for f in everything if f.startswith("-I"))
    for folder in ("src", "sdk", "examples"):
        for header in sorted((ROOT / folder).rglob("*.h")):
            jobs.append((str(header), [*include, "-x", "c++", "-include", str(header), "/dev/null"]))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, status, text in pool.map(check, jobs):
            if status != 0:
                failed += 1
                print(f"g++: {name}\n" + "\n".join(text.splitlines()[:8]))
    print(f"{len(jobs)} files, {failed} failed")
    return 1 if failed or not jobs else 0


sys.exit(main())
