#!/usr/bin/env python3
"""Checks that every folder under src/ includes only what tools/layers.txt allows, and that services handle no wire format."""
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
# Wire formats belong to model/: a handler that parses or prints one is refused. http/message.h is model/service.h's own.
BANNED_IN_SERVICES = re.compile(r'base/json\.h|rapidjson|pugixml|http/(?!message\.h)')
EXCEPTIONS = {
    "services/lambda/policy_document.cc": "base/json.h",  # a policy's text is itself a JSON document
    "services/s3/event_document.cc": "base/json.h",       # so is the event that a function gets
    "services/s3/bucket_policy.cc": "base/json.h",        # and a bucket's policy
    "services/iam/policy_document.cc": "base/json.h",     # as are IAM's
    "services/sts/trust_policy.cc": "base/json.h",
    "services/iam/records.cc": "base/json.h",             # rows are stored as JSON
    "services/s3/document_rows.cc": "base/json.h",        # configuration documents are stored as JSON
}


def allowed():
    table = {}
    for line in open(os.path.join(ROOT, "tools/layers.txt")):
        line = line.split("#")[0].strip()
        if line:
            folder, _, rest = line.partition(":")
            table[folder.strip()] = set(rest.split())
    return table


def folder_of(path, table):
    parts = path.split("/")
    two = "/".join(parts[:2])
    return two if two in table else parts[0]


def check(table):
    bad, seen = [], 0
    src = os.path.join(ROOT, "src")
    for directory, _, names in os.walk(src):
        for name in sorted(names):
            if not name.endswith((".h", ".cc", ".c")):
                continue
            path = os.path.relpath(os.path.join(directory, name), src)
            folder = folder_of(path, table)
            seen += 1
            if folder not in table:
                bad.append(f"src/{path}: folder {folder} is not in tools/layers.txt")
                continue
            test = re.search(r"_(test|fuzz|bench_main)\.cc$", name)
            for number, line in enumerate(open(os.path.join(src, path), errors="replace"), 1):
                match = re.match(r'\s*#\s*include\s+[<"]([^>"]+)[>"]', line)
                if not match:
                    continue
                include = match.group(1)
                target = folder_of(include, table)
                if "/" in include and os.path.exists(os.path.join(src, include)) and target != folder:
                    if "*" not in table[folder] and target not in table[folder] and not test:
                        bad.append(f"src/{path}:{number}: {folder} may not include {include}")
                if folder.startswith("services/") and not test and BANNED_IN_SERVICES.search(include):
                    if EXCEPTIONS.get(path) != include:
                        bad.append(f"src/{path}:{number}: a service handles no wire format: {include}")
    return bad, seen


def main():
    bad, seen = check(allowed())
    print("\n".join(bad) if bad else f"{seen} files keep the layers")
    return 1 if bad or not seen else 0


sys.exit(main())
