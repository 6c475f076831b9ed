#!/usr/bin/env python3
"""Prints 'PASSED FAILED' of a test report: GoogleTest's JSON or JUnit's XML. '0 1' where there is none: it died first."""
import json
import sys
import xml.etree.ElementTree


def count(path):
    if path.endswith(".json"):
        with open(path) as file:
            report = json.load(file)
        skipped = sum(t.get("result") == "SKIPPED" for s in report["testsuites"] for t in s["testsuite"])
        return report["tests"] - report["failures"] - report.get("disabled", 0) - skipped, report["failures"]
    root = xml.etree.ElementTree.parse(path).getroot()
    suite = root if root.tag == "testsuite" else root.find("testsuite")
    bad = int(suite.get("failures")) + int(suite.get("errors"))
    return int(suite.get("tests")) - bad - int(suite.get("skipped")), bad


try:
    print(*count(sys.argv[1]))
except Exception:
    print(0, 1)
