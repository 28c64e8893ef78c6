"""Runs two builds of the program on the same input and compares what they print, byte by byte.

    python tests/oracle/same_bytes.py target/unoptimised/shardplan target/debug/shardplan

A plan must not depend on how the program was compiled, on how many threads read the history and the sources, nor on the
order in which a saved model lists its units. The first build plans everything on one thread; each difference is printed,
and the exit code is 1 where there is one. Apart-groups and order name units by position: models with them keep their order.
"""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The questions about the worked example: estimates, inventory from sources, plan, frontier, forecasts.
EXAMPLE = [
    ["suggest", "--budget", "5", "--format", "json"],
    ["tradeoff", "--format", "json"],
    ["audit", "--format", "json"],
    ["history", "slowest", "--format", "json"],
    ["backtest", "--format", "json"],
]

# With more services a plan takes minutes in a build that is not optimised.
MOST_SERVICES = 8


def printed(program, arguments, threads):
    """Returns the exit code of a command and what it prints; a refusal with its reasons is an answer as well."""
    environment = {**os.environ, "RAYON_NUM_THREADS": str(threads), "POLARS_MAX_THREADS": str(threads)}
    done = subprocess.run([program, *arguments], cwd=ROOT, env=environment, capture_output=True)
    if done.returncode not in (0, 1, 4):
        sys.exit(f"{program} {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr.decode()}")
    return done.returncode, done.stdout


def shuffled(path, folder):
    """Writes a model with its units in another order; returns nothing where others name them by position."""
    model = json.loads(path.read_text())
    if "apart" in model or any("order" in lane for lane in model["lanes"]):
        return None
    random.Random(path.name).shuffle(model["units"])
    other = folder / path.name
    other.write_text(json.dumps(model))
    return other


def main(one, other):
    one, other = (str(pathlib.Path(program).resolve()) for program in (one, other))
    asked = [(["-C", "data/relyloop", *question], None) for question in EXAMPLE]
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted((ROOT / "models/instances").glob("*.json")):
            if len(json.loads(path.read_text())["services"]) > MOST_SERVICES:
                continue
            plan = ["suggest", "--format", "json", "--from-model"]
            mixed = shuffled(path, pathlib.Path(folder))
            asked.append(([*plan, str(path)], mixed and [*plan, str(mixed)]))

        def differs(question):
            arguments, mixed = question
            first = printed(one, arguments, 1)
            if printed(other, arguments, 2) != first:
                return f"other bytes from the other build, on two threads: {' '.join(arguments)}"
            if mixed and printed(other, mixed, 2) != first:
                return f"other bytes with the units in another order: {' '.join(arguments)}"
            return None

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            differences = [difference for difference in pool.map(differs, asked) if difference]
    for difference in differences:
        print(difference)
    print(f"{len(asked)} questions, {len(differences)} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
