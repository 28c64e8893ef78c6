"""Holds a table of what shardplan read against junitparser, a reader that shares no code with it.

    python tests/oracle/published_reports.py FOLDER TABLE

TABLE names the files in FOLDER, as tests/integration/ingest/published.rs writes it. Every difference must have one of
the explanations below, each a rule of docs/formats.md; one without ends the script with 1.
"""

import csv
import math
import pathlib
import re
import sys
from collections import Counter

import junitparser


def cases_of(path):
    """Returns the test cases of a file, however deep their suites lie; junitparser gives suite by suite."""
    parsed = junitparser.JUnitXml.fromfile(str(path))
    tops = [parsed] if isinstance(parsed, junitparser.TestSuite) else list(parsed)

    def walk(suite):
        yield from suite.iterchildren(junitparser.TestCase)
        for inner in suite.iterchildren(junitparser.TestSuite):
            yield from walk(inner)

    return [case for suite in tops for case in walk(suite)]


def seconds_of(case):
    """Returns the attribute as it stands; junitparser's own property raises where it is no float."""
    return case._elem.get("time")


def is_plain(text):
    try:
        return math.isfinite(float(text)) and 0 <= float(text) <= 7 * 86400
    except (TypeError, ValueError):
        return False


def main(folder, table):
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    explained, unexplained, equal = Counter(), [], 0
    for row in rows:
        path = folder / row["file"]
        if path.suffix != ".xml" or not path.is_file():
            continue
        warnings = {kind: int(number) for kind, number in re.findall(r"(\w+) (\d+)", row["warnings"] or "")}
        try:
            cases = cases_of(path)
        except Exception as error:  # whatever junitparser has to say against a file
            if row["format"] == "refused":
                explained["both refuse it"] += 1
            else:
                reason = type(error).__name__
                what = {
                    "CutShort": "cut short: what is whole is kept, junitparser refuses the file",
                }
                known = next((words for kind, words in what.items() if kind in warnings), None)
                explained[known or f"junitparser refuses it ({reason}), shardplan reads it"] += 1
            continue
        if row["format"] == "refused":
            unexplained.append(f"{row['file']}: refused ({row['warnings']}), junitparser finds {len(cases)} tests")
            continue
        tests, seconds = int(row["tests"]), float(row["seconds"])
        times = [seconds_of(case) for case in cases]
        expected = sum(float(text) for text in times if is_plain(text))
        number = len(cases)
        reasons = []
        for kind, words in {
            "NoTime": "tests without a time are listed apart",
            "ImpossibleTime": "impossible times are not added",
            "AmbiguousTime": "ambiguous times are not added",
            "LocaleTime": "times in a local notation are read",
            "NoName": "tests without a name are passed over",
            "NotATest": "entries that are no tests are passed over",
            "NotCollected": "modules that were not collected are no tests",
            "TeardownError": "a broken tear-down is part of its test",
            "Retried": "of several tries the last counts",
            "SameName": "cases of one name are one test",
            "Subtest": "sub-tests are their test",
            "Duplicate": "a test listed twice counts once",
            "SuiteTimeOnly": "a suite without times in its tests is kept as a whole",
            "ClockJump": "a time longer than its session is not added",
        }.items():
            if kind in warnings:
                reasons.append(words)
        same = tests == number and abs(seconds - expected) < 0.0015 * max(1, number)
        if same:
            equal += 1
            continue
        if not reasons:
            unexplained.append(
                f"{row['file']}: {tests} tests and {seconds} s, junitparser {number} and {expected:.3f} s"
            )
            continue
        # The number must come out even when what the warnings count is taken away.
        merged = sum(warnings.get(kind, 0) for kind in ("TeardownError", "Retried", "SameName", "Subtest", "Duplicate"))
        left_out = sum(warnings.get(kind, 0) for kind in ("NoName", "NotATest", "NotCollected"))
        whole = warnings.get("SuiteTimeOnly", 0)
        if tests + int(row["untimed"]) - whole + merged + left_out != number:
            unexplained.append(
                f"{row['file']}: {tests} tests, {row['untimed']} without a time and {row['warnings']} do not make "
                f"junitparser's {number}"
            )
            continue
        for reason in reasons:
            explained[reason] += 1
    print(f"{equal} files say the same: as many tests, as many seconds")
    for reason, number in explained.most_common():
        print(f"{number:4} {reason}")
    for line in unexplained:
        print("unexplained:", line)
    return 1 if unexplained or equal == 0 else 0


if __name__ == "__main__":
    sys.exit(main(*map(pathlib.Path, sys.argv[1:])))
