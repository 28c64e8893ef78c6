#!/usr/bin/env python3
"""Makes the problem instances of models/instances, each from its name and a seed.

    python3 models/generate.py                    # writes the committed ones anew
    python3 models/generate.py --all DIR          # all of them, the large ones too
    python3 models/generate.py --random N DIR     # N small random ones of every kind, for a comparison with an oracle

Needs nothing beyond Python 3.9. The same seed gives the same bytes on every machine: only `random()` of
Python's generator is used, which the language promises to keep.
"""

import json
import math
import sys
from pathlib import Path
from random import Random

HERE = Path(__file__).parent
# Larger ones are made when they are needed.
COMMITTED_UNITS = 2_000


class Dice:
    """Random numbers from `random()` alone."""

    def __init__(self, seed):
        self.random = Random(seed).random

    def whole(self, low, high):
        """A whole number from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def pick(self, items):
        return items[self.whole(0, len(items) - 1)]

    def sample(self, items, count):
        items = list(items)
        return [items.pop(self.whole(0, len(items) - 1)) for _ in range(min(count, len(items)))]

    def normal(self):
        return math.sqrt(-2 * math.log(1 - self.random())) * math.cos(2 * math.pi * self.random())

    def log_normal(self, median, sigma):
        return max(1, round(median * math.exp(sigma * self.normal())))


def services(dice, count, prefix="s"):
    """Like those of the catalogue: most are quick, every third is an engine."""
    made = []
    for at in range(count):
        slow = at % 3 == 2
        made.append({
            "name": f"{prefix}{at:02}",
            "containers": 1,
            "pull_ms": dice.whole(8_000, 25_000) if slow else dice.whole(1_000, 6_000),
            "ready_ms": dice.whole(12_000, 40_000) if slow else dice.whole(1_000, 8_000),
            "attach_ms": dice.whole(0, 3_000),
        })
    return made


def requirements(dice, count, of):
    """Distinct sets of services; small ones are more frequent, and the first service is in most."""
    made = []
    while len(made) < min(count, 2 ** of):
        size = min(of, dice.pick([0, 1, 1, 2, 2, 2, 3, 3, 4]) if of > 1 else dice.whole(0, 1))
        needs = dice.sample(range(of), size)
        if needs and dice.random() < 0.4:
            needs[0] = 0
        needs = sorted(set(needs))
        if needs not in made:
            made.append(needs)
    return made


def lane(name, base, speed=1000, **more):
    return {"name": name, "base_ms": base, "tail_ms": 2_000, "speed": speed, **more}


def units(dice, count, sets, load, lane=0, prefix="tests/test_", weights=None):
    made = []
    for at in range(count):
        if weights:
            point, at_set = dice.random() * sum(weights), 0
            while at_set + 1 < len(weights) and point >= weights[at_set]:
                point -= weights[at_set]
                at_set += 1
            needs = sets[at_set]
        else:
            needs = dice.pick(sets)
        unit = {"name": f"{prefix}{at:06}.py", "load_ms": load(), "needs": needs}
        if lane:
            unit["lane"] = lane
        made.append({key: unit[key] for key in ("name", "lane", "load_ms", "piece_ms", "needs") if key in unit})
    return made


def model(services, lanes, units, limits, **more):
    return {"version": 1, "services": services, "lanes": lanes, "units": units, **more, "limits": limits}


def least_containers(problem):
    """Every lane in one shard."""
    total = 0
    for at, lane in enumerate(problem["lanes"]):
        needed = set(lane.get("services", []))
        for unit in problem["units"]:
            if unit.get("lane", 0) == at:
                needed |= set(unit.get("needs", []))
        total += sum(problem["services"][service]["containers"] for service in needed)
    return total


def plain(seed, count, service_count, set_count, budget, median=2_000, sigma=1.2, shards=20, base=30_000):
    """One serial lane; `budget` multiplies the fewest containers."""
    dice = Dice(seed)
    made = services(dice, service_count)
    sets = requirements(dice, set_count, service_count)
    weights = [dice.log_normal(100, 0.8) for _ in sets]
    problem = model(made, [lane("integration", base)],
                    units(dice, count, sets, lambda: dice.log_normal(median, sigma), weights=weights), {})
    fewest = least_containers(problem)
    problem["limits"] = {"shards": shards}
    if fewest:
        problem["limits"]["containers"] = max(fewest, round(fewest * budget))
    return problem


def giants(seed, count, service_count, budget, giant_count, shards=8):
    """Few giant units, such as end-to-end files, among many small ones."""
    dice = Dice(seed)
    sets = requirements(dice, max(2, service_count + 1), service_count)
    problem = model(services(dice, service_count), [lane("end-to-end", 40_000)],
                    units(dice, giant_count, sets, lambda: dice.whole(60_000, 240_000), prefix="e2e/test_")
                    + units(dice, count - giant_count, sets, lambda: dice.log_normal(800, 0.8)), {})
    problem["limits"] = {"shards": shards, "containers": max(least_containers(problem),
                                                               round(least_containers(problem) * budget))}
    return problem


def chunks(seed, count, shards, low, high):
    """Only big units: the fluid bound is weak, as in bin packing."""
    dice = Dice(seed)
    sets = [[0], [0, 1]]
    problem = model(services(dice, 2), [lane("acceptance", 20_000)],
                    units(dice, count, sets, lambda: dice.whole(low, high)), {})
    problem["limits"] = {"shards": shards, "containers": shards + shards // 2}
    return problem


def lanes(seed, count, service_count, budget):
    """Unit tests on several workers, integration tests one by one, end-to-end tests behind another job."""
    dice = Dice(seed)
    sets = requirements(dice, service_count + 2, service_count)
    parts = units(dice, count // 2, [[]], lambda: dice.log_normal(150, 1.0), 2, "tests/unit/test_")
    for unit in parts:
        unit["piece_ms"] = unit["load_ms"] * dice.whole(10, 100) // 100
    parts = [{key: unit[key] for key in ("name", "lane", "load_ms", "piece_ms", "needs")} for unit in parts]
    problem = model(
        services(dice, service_count),
        [lane("end-to-end", 50_000, head_ms=60_000, after_ms=15_000),
         lane("integration", 40_000, services=[0], after_ms=15_000),
         lane("unit", 25_000, 3_200, after_ms=15_000)],
        units(dice, count // 10, sets, lambda: dice.log_normal(6_000, 0.8), 0, "tests/e2e/test_")
        + units(dice, count - count // 2 - count // 10, sets, lambda: dice.log_normal(2_000, 1.1), 1,
                "tests/integration/test_")
        + parts,
        {}, floor_ms=150_000, other_minutes=7)
    problem["limits"] = {"shards": 20, "containers": round(least_containers(problem) * budget)}
    return problem


def groups(seed, count):
    """Units that must be apart, and a limit on the shards of a lane."""
    dice = Dice(seed)
    problem = plain(seed, count, 3, 5, 2.0)
    problem["lanes"][0]["max_shards"] = 6
    positions = list(range(count))
    problem["apart"] = [{"name": f"group-{at}", "units": sorted(dice.sample(positions, dice.whole(2, 5)))}
                        for at in range(max(1, count // 20))]
    limits = problem.pop("limits")
    return {**problem, "limits": limits}


def minutes(seed, count, service_count, share):
    """A limit on billed minutes beside the one on containers."""
    problem = plain(seed, count, service_count, service_count + 2, 2.5)
    work = sum(unit["load_ms"] for unit in problem["units"])
    problem["limits"]["minutes"] = math.ceil(work / 60_000 * share) + 2 * service_count
    return problem


def from_durations(path, service_count, budget, seed):
    """A published `.test_durations` file: files are units, services are drawn per folder."""
    dice = Dice(seed)
    seconds = json.loads(Path(path).read_text())
    by_file = {}
    for node, time in seconds.items():
        by_file[node.split("::")[0]] = by_file.get(node.split("::")[0], 0) + time
    sets = requirements(dice, service_count + 2, service_count)
    made = [{"name": f"file-{at:04}", "load_ms": max(0, round(time * 1000)), "needs": dice.pick(sets)}
            for at, (_, time) in enumerate(sorted(by_file.items()))]
    problem = model(services(dice, service_count), [lane("tests", 30_000)], made, {})
    problem["limits"] = {"shards": 20, "containers": max(1, round(least_containers(problem) * budget))}
    return problem


def instances():
    """Every instance: its name and how to make it."""
    yield "one-unit", lambda: plain(1, 1, 1, 1, 1)
    yield "one-service-tight", lambda: plain(2, 50, 1, 2, 2)
    yield "one-service-loose", lambda: plain(3, 400, 1, 2, 15)
    yield "no-service-8-shards", lambda: plain(4, 300, 0, 1, 1, shards=8)
    yield "3-services-tight", lambda: plain(5, 120, 3, 5, 1)
    yield "3-services-loose", lambda: plain(6, 600, 3, 5, 4)
    yield "4-services-double", lambda: plain(7, 1_000, 4, 8, 2)
    yield "4-services-quadruple", lambda: plain(8, 2_000, 4, 8, 4)
    yield "5-services-300-files", lambda: plain(9, 300, 5, 20, 2.4)
    yield "8-services-12-sets-tight", lambda: plain(10, 500, 8, 12, 1.25)
    yield "8-services-12-sets-double", lambda: plain(11, 500, 8, 12, 2)
    yield "8-services-12-sets-loose", lambda: plain(12, 500, 8, 12, 4)
    yield "8-services-60-sets", lambda: plain(13, 2_000, 8, 60, 2.5)
    yield "12-services-20-sets-tight", lambda: plain(14, 1_000, 12, 20, 1.3)
    yield "12-services-20-sets-double", lambda: plain(15, 1_000, 12, 20, 2)
    yield "12-services-20-sets-loose", lambda: plain(16, 1_000, 12, 20, 3.5)
    yield "16-services-30-sets-double", lambda: plain(17, 1_500, 16, 30, 2)
    yield "16-services-24-sets-loose", lambda: plain(18, 1_500, 16, 24, 3)
    yield "giants-2-services", lambda: giants(19, 60, 2, 3, 12)
    yield "giants-4-services", lambda: giants(20, 200, 4, 2.5, 20)
    yield "giants-only", lambda: chunks(21, 24, 8, 60_000, 200_000)
    yield "giants-only-even", lambda: chunks(22, 30, 10, 90_000, 130_000)
    yield "giants-only-many", lambda: chunks(23, 60, 12, 30_000, 200_000)
    yield "three-lanes-small", lambda: lanes(24, 120, 4, 1.5)
    yield "three-lanes-middle", lambda: lanes(25, 1_000, 5, 1.6)
    yield "three-lanes-loose", lambda: lanes(26, 1_500, 6, 3)
    yield "apart-groups-small", lambda: groups(27, 60)
    yield "apart-groups-middle", lambda: groups(28, 400)
    yield "minutes-tight", lambda: minutes(29, 200, 3, 1.5)
    yield "minutes-loose", lambda: minutes(30, 400, 4, 2.5)
    yield "long-tailed", lambda: plain(31, 800, 4, 6, 3, median=500, sigma=2.2)
    yield "equal-units", lambda: plain(32, 97, 2, 3, 4, median=3_000, sigma=0.0)
    yield "10000-units", lambda: plain(33, 10_000, 4, 10, 3)
    yield "10000-units-8-services", lambda: plain(34, 10_000, 8, 30, 3)
    yield "100000-units", lambda: plain(35, 100_000, 4, 10, 3)
    yield "100000-units-lanes", lambda: lanes(36, 100_000, 4, 2)
    yield "1000000-units", lambda: plain(37, 1_000_000, 4, 10, 3)


def small(seed):
    """A small problem of any kind."""
    dice = Dice(seed)
    service_count = dice.whole(0, 4)
    lane_count = dice.whole(1, 2)
    count = dice.whole(1, 9)
    made = services(dice, service_count)
    for service in made:
        service["containers"] = dice.pick([0, 1, 1, 1, 1, 2])
        if dice.random() < 0.5:
            service.update(pull_ms=dice.whole(0, 9_000), ready_ms=dice.whole(0, 9_000))
    made_lanes = []
    for at in range(lane_count):
        one = lane(f"lane{at}", dice.pick([0, dice.whole(0, 30_000)]), dice.pick([1000, 1000, 2500]))
        one["services"] = dice.sample(range(service_count), dice.pick([0, 0, 1]))
        if dice.random() < 0.3:
            one["max_shards"] = dice.whole(1, 4)
        if dice.random() < 0.3:
            one["head_ms"] = dice.whole(0, 40_000)
        made_lanes.append(one)
    made_units = []
    for at in range(max(count, lane_count)):
        load = dice.pick([dice.whole(0, 60_000), dice.whole(1, 20), dice.whole(20_000, 200_000)])
        made_units.append({"name": f"u{at}", "lane": at if at < lane_count else dice.whole(0, lane_count - 1),
                           "load_ms": load, "piece_ms": load * dice.pick([1, 2, 2]) // 2,
                           "needs": sorted(dice.sample(range(service_count), dice.pick([0, 1, 1, 2])))})
    made_units.sort(key=lambda unit: unit["lane"])
    problem = model(made, made_lanes, made_units, {}, floor_ms=dice.pick([0, 0, dice.whole(0, 150_000)]),
                    other_minutes=dice.whole(0, 2))
    fewest = least_containers(problem)
    if dice.random() < 0.8:
        problem["limits"]["containers"] = max(0, fewest + dice.whole(-1, 6))
    if dice.random() < 0.5:
        problem["limits"]["shards"] = dice.whole(1, 6)
    if dice.random() < 0.25:
        work = sum(unit["load_ms"] for unit in made_units)
        problem["limits"]["minutes"] = work // 60_000 + dice.whole(1, 8)
    return problem


def text_of(problem):
    """A service, a lane and a unit a line, as `shardplan suggest --save-model` writes them."""
    parts = []
    for key, value in problem.items():
        if key in ("services", "lanes", "units", "apart") and value:
            rows = ",\n".join("    " + json.dumps(row, separators=(",", ":")) for row in value)
            parts.append(f'  "{key}": [\n{rows}\n  ]')
        else:
            parts.append(f'  "{key}": {json.dumps(value, separators=(",", ":"))}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(arguments):
    if arguments[:1] == ["--random"]:
        folder = Path(arguments[2])
        folder.mkdir(parents=True, exist_ok=True)
        for seed in range(int(arguments[1])):
            (folder / f"random-{seed:05}.json").write_text(text_of(small(1_000_000 + seed)))
        return
    everything = arguments[:1] == ["--all"]
    folder = Path(arguments[1]) if everything else HERE / "instances"
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in instances():
        problem = make()
        if everything or len(problem["units"]) <= COMMITTED_UNITS:
            (folder / f"{name}.json").write_text(text_of(problem))
    for path in arguments[2:]:
        problem = from_durations(path, 4, 2.5, 99)
        (folder / f"durations-{Path(path).stem.strip('.')}.json").write_text(text_of(problem))


if __name__ == "__main__":
    main(sys.argv[1:])
