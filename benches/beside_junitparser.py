"""Reads one generated JUnit report with shardplan and with junitparser, and prints the ratio of their processor times.

    python benches/beside_junitparser.py target/release/shardplan [MEGABYTES]

Both run in this one script, on one core, after one another and three times; the least of each counts. What is measured
is the whole process, start-up included: shardplan reads, counts and digests (`ingest --dry-run`), junitparser gives
every test's time and result.
"""

import os
import pathlib
import resource
import subprocess
import sys
import tempfile

PARSER = """
import sys, junitparser
tests, seconds = 0, 0.0
for suite in junitparser.JUnitXml.fromfile(sys.argv[1]):
    for case in suite:
        tests, seconds = tests + 1, seconds + (case.time or 0)
        case.result
print(tests)
"""


def write_report(path, megabytes, lines):
    """Writes a pytest report: twenty tests a class, every fiftieth fails, with so many lines of output each."""
    size, number = 0, 0
    with open(path, "w", encoding="utf-8") as report:
        report.write('<testsuites name="pytest tests"><testsuite name="pytest" time="99999">')
        while size < megabytes << 20:
            group = number // 20
            body = "/>"
            if number % 50 == 0:
                body = '><failure message="assert 1 == 2">def test():\n    assert &lt;x&gt;</failure></testcase>'
            elif lines:
                body = f"><system-out>{'a line of captured output &amp; more' * lines}</system-out></testcase>"
            size += report.write(
                f'<testcase classname="tests.integration.pkg{group % 97}.test_module_{group}.TestClass" '
                f'name="test_case_{number}[{number % 31}]" time="{number % 1000 / 997:.3f}"{body}'
            )
            number += 1
        report.write("</testsuite></testsuites>")
    return number


def seconds_of(command, folder):
    """Returns the processor seconds of a command, the least of three."""
    best = float("inf")
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env={**os.environ, "RAYON_NUM_THREADS": "1"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def main(program, megabytes=50):
    program = str(pathlib.Path(program).resolve())
    print("report                      MB     tests   shardplan  MB/s   junitparser  ratio")
    for name, lines in [("tests alone", 0), ("20 lines of output each", 20)]:
        with tempfile.TemporaryDirectory() as folder:
            path = str(pathlib.Path(folder) / "report.xml")
            tests = write_report(path, megabytes, lines)
            mine = seconds_of([program, "ingest", "--dry-run", path], folder)
            other = seconds_of([sys.executable, "-c", PARSER, path], folder)
            size = os.path.getsize(path) / 1e6
            print(f"{name:24} {size:6.0f} {tests:9} {mine:9.2f} s {size / mine:5.0f} {other:11.2f} s {other / mine:6.1f}")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
