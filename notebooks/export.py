#!/usr/bin/env python3
"""Writes what the notebooks read, with the program alone: JSON and Parquet in notebooks/exported.

    cargo build
    python3 notebooks/export.py             # or SHARDPLAN=path/to/shardplan python3 notebooks/export.py
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("SHARDPLAN", ROOT / "target/debug/shardplan")).resolve()
EXPORTED = ROOT / "notebooks/exported"
INSTANCES = [
    "3-services-tight",
    "5-services-300-files",
    "apart-groups-small",
    "equal-units",
    "giants-2-services",
    "giants-4-services",
    "giants-only-even",
    "minutes-loose",
    "no-service-8-shards",
    "one-service-loose",
    "one-service-tight",
    "three-lanes-small",
]


def shardplan(*words, into, inside=ROOT):
    """Runs the program and writes what it prints."""
    into.parent.mkdir(parents=True, exist_ok=True)
    with open(into, "wb") as file:
        subprocess.run([PROGRAM, "--quiet", *map(str, words)], cwd=inside, stdout=file, check=True)


def trade_off():
    example = ROOT / "data/relyloop"
    shardplan("tradeoff", "--format", "json", inside=example, into=EXPORTED / "relyloop/tradeoff.json")
    for budget in range(4, 9):
        into = EXPORTED / f"relyloop/plan-{budget}.json"
        shardplan("suggest", "--budget", budget, "--format", "json", inside=example, into=into)


def forecasts():
    """Plays the history of data/rq: after each run, what is expected of the next."""
    with tempfile.TemporaryDirectory() as folder:
        for number, run in enumerate(sorted((ROOT / "data/rq/runs").glob("*.csv.gz")), start=1):
            subprocess.run([PROGRAM, "--quiet", "ingest", run], cwd=folder, check=True)
            into = EXPORTED / f"rq/expected-after-{number:02}.json"
            shardplan("history", "export", "test-durations", inside=folder, into=into)
        observations = EXPORTED / "rq/history.parquet"
        subprocess.run([PROGRAM, "--quiet", "history", "export", "parquet", "-o", observations], cwd=folder, check=True)


def solver():
    """Plans some of the saved instances: a debug build takes minutes for the large ones."""
    for name in INSTANCES:
        instance = ROOT / f"models/instances/{name}.json"
        words = [PROGRAM, "--quiet", "suggest", "--from-model", instance, "--format", "json"]
        ended = subprocess.run(words, stdout=subprocess.PIPE, check=True)
        (EXPORTED / "solver" / f"{instance.stem}.plan.json").write_bytes(ended.stdout)
        shutil.copyfile(instance, EXPORTED / "solver" / f"{instance.stem}.problem.json")


if __name__ == "__main__":
    shutil.rmtree(EXPORTED, ignore_errors=True)
    (EXPORTED / "solver").mkdir(parents=True)
    trade_off()
    forecasts()
    solver()
