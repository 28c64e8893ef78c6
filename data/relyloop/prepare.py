"""Makes this example's inventory, run reports and the two hand-made plans from what was measured.

Run it from this folder; it needs Python 3.9 or later and nothing else. README.md says how to ingest the reports.
"""

import csv
import pathlib
from collections import defaultdict

HERE = pathlib.Path(__file__).parent
ENGINES = ("elasticsearch", "opensearch", "solr")

with open(HERE / "measured" / "tests.csv", newline="") as source:
    TESTS = list(csv.DictReader(source))
with open(HERE / "measured" / "files.csv", newline="") as source:
    FILES = list(csv.DictReader(source))


def needs(test):
    """The services that the test, its fixtures or its module tried to reach, and those for want of which it
    skipped. Migrations run in a child process, which connects to Postgres where the recorder did not look."""
    found = set(test["observed"].split()) | set(test["at_import"].split()) | set(test["skip_names"].split())
    if test["child_process"] == "true":
        found.add("postgres")
    return sorted(found)


def write_inventory(path, services_of):
    with open(path, "w", newline="") as target:
        rows = csv.writer(target, lineterminator="\n")
        rows.writerow(["test", "file", "markers", "fixtures", "observed"])
        for test in TESTS:
            fixtures = " ".join(sorted(set(test["fixtures"].split())))
            rows.writerow([test["node_id"], test["file"], test["markers"], fixtures, " ".join(services_of(test))])


def write_run(lane, column, name):
    """One run as a report. Only the first run's outcomes were kept; a test that was skipped there was skipped in
    the others, for the same engines were away."""
    with open(HERE / "reports" / f"{name}.csv", "w", newline="") as target:
        rows = csv.writer(target, lineterminator="\n")
        rows.writerow(["test", "file", "seconds", "outcome", "lane", "run", "services"])
        for test in TESTS:
            if test["lane"] == lane and test[column]:
                cells = [test["node_id"], test["file"], test[column], test["outcome"], lane, name, "postgres redis"]
                rows.writerow(cells)


def write_plan(path, comment, shards):
    lines = [f"# {comment}", "version = 1", 'inputs = "by hand"', "", "[limits]", "", "[predicted]"]
    for name, lane, services, files in shards:
        quoted = ", ".join(f'"{service}"' for service in services)
        lines += ["", "[[shard]]", f'name = "{name}"', f'lane = "{lane}"', f"services = [{quoted}]", "units = ["]
        lines += [f'    "{file}",' for file in sorted(files)]
        lines += ["]"]
    path.write_text("\n".join(lines) + "\n")


def mentioned_engine(row):
    """The shard that a grep over the file would send it to: the rarest engine that it mentions."""
    if "/contract/" in row["file"]:
        return "postgres"
    for engine in ("solr", "opensearch", "elasticsearch"):
        if engine in row["grep"].split():
            return engine
    return "postgres"


unit_files = [row["file"] for row in FILES if row["lane"] == "unit"]
heavy_files = [row["file"] for row in FILES if row["lane"] == "heavy"]

(HERE / "reports").mkdir(exist_ok=True)
write_inventory(HERE / "inventory.csv", needs)
for number in (1, 2, 3):
    write_run("heavy", f"seconds_{number}", f"heavy-{number}")
write_run("unit", "seconds_1", "unit-1")

by_engine = defaultdict(list)
for row in FILES:
    if row["lane"] == "heavy":
        by_engine[mentioned_engine(row)].append(row["file"])
unit = ("unit-1", "unit", [], unit_files)
write_plan(
    HERE / "win3-by-mentions.toml",
    "Win 3 as it was proposed: the heavy lane split by the engine that a file mentions.",
    [unit]
    + [
        (f"heavy-{engine}", "heavy", sorted({"postgres", "redis"} | {engine}), by_engine[engine])
        for engine in ("postgres", *ENGINES)
    ],
)
