#!/usr/bin/env python3
"""Plans every instance with shardplan, CP-SAT, HiGHS and the simple methods, and writes docs/benchmarks.md.

    cargo build --release
    python3 benches/compare.py                      # everything; CP-SAT and HiGHS for 60 s an instance
    python3 benches/compare.py --seconds 0          # without these two
    python3 benches/compare.py --random 10000       # small random ones against CP-SAT's optimum; prints, writes nothing

CP-SAT and HiGHS stop as soon as they reach our end. What they came to is kept in the temporary folder, by instance and
end, so that a run that was stopped goes on where it was. Both are installed with pip into a virtual environment there,
never into the repository.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("SHARDPLAN", ROOT / "target/release/shardplan"))
LARGEST_FOR_CP_SAT = 60_000  # unit-shard pairs
LARGEST_FOR_HIGHS = 12_000
KEPT = Path(tempfile.gettempdir()) / "shardplan-compare.json"
VENV = Path(tempfile.gettempdir()) / "shardplan-compare-venv"


def in_venv():
    """Runs this script again where OR-tools is installed."""
    try:
        import highspy  # noqa: F401
        import ortools  # noqa: F401
        return
    except ImportError:
        pass
    if not (VENV / "bin/python").exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin/pip", "install", "--quiet", "ortools>=9.10,<10", "highspy>=1.8,<2"], check=True)
    if Path(sys.prefix) == VENV:
        sys.exit("OR-tools or highspy can not be imported")
    os.execv(VENV / "bin/python", [str(VENV / "bin/python"), *sys.argv])


# What a shard takes: the formulas of models/formulation.md once more.

def needed(problem, unit):
    lane = problem["lanes"][unit.get("lane", 0)]
    return frozenset(unit.get("needs", [])) | frozenset(lane.get("services", []))


def boot(problem, services):
    chosen = [problem["services"][service] for service in services]
    return sum(s["pull_ms"] + s["attach_ms"] for s in chosen) + max((s["ready_ms"] for s in chosen), default=0)


def containers(problem, services):
    return sum(problem["services"][service]["containers"] for service in services)


def end_of(problem, lane, services, units):
    model = problem["lanes"][lane]
    load = sum(unit["load_ms"] for unit in units)
    piece = max((unit.get("piece_ms", unit["load_ms"]) for unit in units), default=0)
    run = max(piece, -(-load * 1000 // model["speed"]))
    wall = model["base_ms"] + boot(problem, services) + run + model.get("tail_ms", 0)
    return model.get("head_ms", 0) + wall + model.get("after_ms", 0), wall


class Broken(Exception):
    pass


def measured(problem, shards):
    """The end and the containers of shards, each (lane, services, units)."""
    end, used = problem.get("floor_ms", 0), 0
    for lane, services, units in shards:
        end = max(end, end_of(problem, lane, services, units)[0])
        used += containers(problem, services)
    return end, used


# The simple methods: each deals the units of one lane to a number of shards.

def longest_first(units, count, _):
    heap = [(0, at, []) for at in range(count)]
    for unit in sorted(units, key=lambda unit: -unit["load_ms"]):
        load, at, members = min(heap)[:3] if count < 1 else min(heap, key=lambda slot: slot[:2])
        members.append(unit)
        heap[at] = (load + unit["load_ms"], at, members)
    return [members for _, _, members in heap]


def least_duration(units, count, _):
    """pytest-split's `least_duration`: longest first to the group with the least time, ties by name."""
    groups = [[0.0, []] for _ in range(count)]
    for unit in sorted(units, key=lambda unit: (-unit["load_ms"], unit["name"])):
        group = min(groups, key=lambda group: group[0])
        group[0] += unit["load_ms"]
        group[1].append(unit)
    return [members for _, members in groups]


def duration_based_chunks(units, count, _):
    """pytest-split's default: in order, a group is full once it has its share of the time."""
    share = sum(unit["load_ms"] for unit in units) / count
    groups, at, filled = [[] for _ in range(count)], 0, 0
    for unit in units:
        if filled >= share and at + 1 < count:
            at, filled = at + 1, 0
        groups[at].append(unit)
        filled += unit["load_ms"]
    return groups


def simple(problem, deal, trim):
    """Lanes get one shard each, then whichever ends last gets one more as long as the limits allow it."""
    lanes = range(len(problem["lanes"]))
    of_lane = [[u for u in problem["units"] if u.get("lane", 0) == lane] for lane in lanes]
    everything = [frozenset().union(*(needed(problem, u) for u in of_lane[lane])) for lane in lanes]
    limits = problem["limits"]

    def shards_of(lane, count):
        made = []
        for units in deal(of_lane[lane], count, problem):
            if units:
                services = frozenset().union(*(needed(problem, u) for u in units)) if trim else everything[lane]
                made.append((lane, services | frozenset(problem["lanes"][lane].get("services", [])), units))
        return made

    counts, best = [1 for _ in lanes], None
    current = [shards_of(lane, 1) for lane in lanes]
    while True:
        shards = [shard for lane in current for shard in lane]
        end, used = measured(problem, shards)
        if used > limits.get("containers", math.inf) or len(shards) > limits.get("shards", math.inf):
            break
        if best is None or end < best:
            best = end
        last = max(lanes, key=lambda lane: max(end_of(problem, *shard)[0] for shard in current[lane]))
        most = min(len(of_lane[last]), problem["lanes"][last].get("max_shards", math.inf))
        if counts[last] >= most:
            break
        counts[last] += 1
        current[last] = shards_of(last, counts[last])
    return best


def two_tiers(problem):
    """Some shards with few services, the others with all: the best of every split by one requirement."""
    if len(problem["lanes"]) > 1:
        return None
    units, limits = problem["units"], problem["limits"]
    everything = frozenset().union(*(needed(problem, u) for u in units))
    best = simple(problem, longest_first, False)
    sets = sorted({needed(problem, u) for u in units}, key=sorted)
    for low in sets:
        light = [u for u in units if needed(problem, u) <= low]
        heavy = [u for u in units if not needed(problem, u) <= low]
        if not heavy or not light:
            continue
        for first in range(1, 16):
            for second in range(1, 16):
                used = first * containers(problem, low) + second * containers(problem, everything)
                if used > limits.get("containers", math.inf) or first + second > limits.get("shards", math.inf):
                    continue
                shards = [(0, low, g) for g in longest_first(light, first, None) if g]
                shards += [(0, everything, g) for g in longest_first(heavy, second, None) if g]
                end, _ = measured(problem, shards)
                best = end if best is None else min(best, end)
    return best


def slots_of(problem, largest):
    """The lane of every shard that could make sense, and the positions of each lane's units; nothing where units and
    shards make more pairs than `largest`."""
    limits, units = problem["limits"], problem["units"]
    lanes = range(len(problem["lanes"]))
    of_lane = [[at for at, u in enumerate(units) if u.get("lane", 0) == lane] for lane in lanes]
    most = limits.get("shards", 20) - (len(problem["lanes"]) - 1)
    slots = []
    for lane in lanes:
        count = min(most, len(of_lane[lane]), problem["lanes"][lane].get("max_shards", most))
        cheapest = min(containers(problem, needed(problem, units[at])) for at in of_lane[lane])
        if cheapest and "containers" in limits:
            count = min(count, limits["containers"] // cheapest)
        slots += [lane] * max(count, 0)
    return None if sum(len(of_lane[lane]) for lane in slots) > largest else (slots, of_lane)


def latest_end(problem):
    return sum(u["load_ms"] for u in problem["units"]) \
        + sum(boot(problem, [s]) for s in range(len(problem["services"]))) \
        + sum(l["base_ms"] + l.get("tail_ms", 0) + l.get("head_ms", 0) + l.get("after_ms", 0) for l in problem["lanes"]) \
        + problem.get("floor_ms", 0)


def cp_sat(problem, seconds, stop=None):
    """The whole problem as CP-SAT sees it: units on shards, services on shards. Returns the end, whether it is
    optimal, and when each better end was found; nothing where the problem is too large. An end of `stop` is enough."""
    from ortools.sat.python import cp_model

    limits, units = problem["limits"], problem["units"]
    stated = slots_of(problem, LARGEST_FOR_CP_SAT)
    if stated is None:
        return None
    slots, of_lane = stated
    model = cp_model.CpModel()
    horizon = latest_end(problem)
    end = model.new_int_var(problem.get("floor_ms", 0), horizon, "end")
    on = {at: [] for at in range(len(units))}
    used_containers, used_shards, minutes = [], [], []
    previous = None
    for lane in slots:
        spec = problem["lanes"][lane]
        used = model.new_bool_var("")
        starts = [model.new_bool_var("") for _ in problem["services"]]
        members = {at: model.new_bool_var("") for at in of_lane[lane]}
        for at, here in members.items():
            on[at].append(here)
            model.add_implication(here, used)
            for service in needed(problem, units[at]):
                model.add_implication(here, starts[service])
        for service in spec.get("services", []):
            model.add_implication(used, starts[service])
        ready = model.new_int_var(0, max((s["ready_ms"] for s in problem["services"]), default=0), "")
        for service, start in enumerate(starts):
            model.add(ready >= problem["services"][service]["ready_ms"] * start)
        load = sum(units[at]["load_ms"] * here for at, here in members.items())
        if spec["speed"] == 1000:
            run = load
        else:
            run = model.new_int_var(0, horizon, "")
            model.add(run * spec["speed"] >= load * 1000)
            for at, here in members.items():
                model.add(run >= units[at].get("piece_ms", units[at]["load_ms"]) * here)
        wall = (spec["base_ms"] + spec.get("tail_ms", 0)) * used + ready + run + sum(
            (s["pull_ms"] + s["attach_ms"]) * start for s, start in zip(problem["services"], starts))
        model.add(end >= wall + (spec.get("head_ms", 0) + spec.get("after_ms", 0)) * used)
        if "minutes" in limits:
            billed = model.new_int_var(0, horizon // 60_000 + 1, "")
            model.add(billed * 60_000 >= wall)
            minutes.append(billed)
        used_containers.append(sum(s["containers"] * start for s, start in zip(problem["services"], starts)))
        used_shards.append(used)
        if previous is not None and previous[0] == lane:
            model.add(previous[1] >= load)
        previous = (lane, load)
        for group in problem.get("apart", []):
            model.add_at_most_one(members[at] for at in group["units"] if at in members)
    for places in on.values():
        model.add_exactly_one(places)
    if "containers" in limits:
        model.add(sum(used_containers) <= limits["containers"])
    if "shards" in limits:
        model.add(sum(used_shards) <= limits["shards"])
    if "minutes" in limits:
        model.add(sum(minutes) + problem.get("other_minutes", 0) <= limits["minutes"])
    model.minimize(end)

    class Times(cp_model.CpSolverSolutionCallback):
        def __init__(self):
            super().__init__()
            self.found = []

        def on_solution_callback(self):
            self.found.append((self.wall_time, int(self.objective_value)))
            if stop is not None and self.objective_value <= stop:
                self.stop_search()

    solver, times = cp_model.CpSolver(), Times()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 2
    status = solver.solve(model, times)
    if status == cp_model.INFEASIBLE:
        return {"end": None, "optimal": True, "found": [], "seconds": solver.wall_time}
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return {"end": None, "optimal": False, "found": [], "seconds": solver.wall_time}
    return {"end": int(solver.objective_value), "optimal": status == cp_model.OPTIMAL, "found": times.found,
            "seconds": solver.wall_time}


def highs(problem, seconds, stop=None):
    """The same as a plain mixed-integer program for HiGHS. Returns the end and the seconds; nothing where the problem is
    too large."""
    import highspy

    limits, units = problem["limits"], problem["units"]
    stated = slots_of(problem, LARGEST_FOR_HIGHS)
    if stated is None:
        return None
    slots, of_lane = stated
    scale = 1000.0  # seconds keep the numbers near one
    solver = highspy.Highs()
    solver.silent()
    end = solver.addVariable(lb=problem.get("floor_ms", 0) / scale, ub=latest_end(problem) / scale, obj=1)
    on = {at: [] for at in range(len(units))}
    used_containers, used_shards, minutes = [], [], []
    for lane in slots:
        spec = problem["lanes"][lane]
        used = solver.addBinary()
        starts = [solver.addBinary() for _ in problem["services"]]
        members = {at: solver.addBinary() for at in of_lane[lane]}
        for at, here in members.items():
            on[at].append(here)
            solver.addConstr(here <= used)
            for service in needed(problem, units[at]):
                solver.addConstr(here <= starts[service])
        for service in spec.get("services", []):
            solver.addConstr(used <= starts[service])
        ready = solver.addVariable(lb=0)
        for service, start in enumerate(starts):
            solver.addConstr(ready >= problem["services"][service]["ready_ms"] / scale * start)
        run = solver.addVariable(lb=0)
        solver.addConstr(run >= solver.qsum(
            units[at]["load_ms"] / scale * 1000 / spec["speed"] * here for at, here in members.items()))
        if spec["speed"] != 1000:
            for at, here in members.items():
                solver.addConstr(run >= units[at].get("piece_ms", units[at]["load_ms"]) / scale * here)
        wall = (spec["base_ms"] + spec.get("tail_ms", 0)) / scale * used + ready + run
        for service, start in zip(problem["services"], starts):
            wall = wall + (service["pull_ms"] + service["attach_ms"]) / scale * start
        solver.addConstr(end >= wall + (spec.get("head_ms", 0) + spec.get("after_ms", 0)) / scale * used)
        if "minutes" in limits:
            billed = solver.addIntegral(lb=0)
            solver.addConstr(billed * 60 >= wall)
            minutes.append(billed)
        used_containers += [s["containers"] * start for s, start in zip(problem["services"], starts)]
        used_shards.append(used)
        for group in problem.get("apart", []):
            together = [members[at] for at in group["units"] if at in members]
            if len(together) > 1:
                solver.addConstr(solver.qsum(together) <= 1)
    for places in on.values():
        solver.addConstr(solver.qsum(places) == 1)
    if "containers" in limits and used_containers:
        solver.addConstr(solver.qsum(used_containers) <= limits["containers"])
    if "shards" in limits:
        solver.addConstr(solver.qsum(used_shards) <= limits["shards"])
    if "minutes" in limits:
        solver.addConstr(solver.qsum(minutes) + problem.get("other_minutes", 0) <= limits["minutes"])
    solver.setOptionValue("time_limit", float(seconds))
    solver.setOptionValue("threads", 2)
    if stop is not None:
        solver.setOptionValue("objective_target", stop / scale + 1e-6)
    begin = time.perf_counter()
    solver.setMinimize()
    solver.run()
    info = solver.getInfo()
    found = info.primal_solution_status == 2 and math.isfinite(info.objective_function_value)
    return {"end": round(info.objective_function_value * scale) if found else None,
            "seconds": time.perf_counter() - begin}


def kept(name, end, method, ask, *arguments):
    """What a method came to for an instance and the end that it was to reach; asked only once.

    It is asked in a process of its own: what this one has in memory would count as that of every program it starts."""
    answers = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    key = f"{name} {end} {method}"
    if key not in answers:
        with ProcessPoolExecutor(1) as aside:
            answers[key] = aside.submit(ask, *arguments).result()
        KEPT.write_text(json.dumps(answers))
    return answers[key]


def shardplan(path):
    """Runs the program as a user would. Returns its answer, the wall-clock in seconds and the memory in megabytes."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [PROGRAM, "--quiet", "suggest", "--from-model", path, "--format", "json"], stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - begin
        out.seek(0)
        text = out.read()
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 4):
        raise Broken(f"{path}: exit code {code}")
    return (json.loads(text) if code == 0 else None), took, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


def reaches(found, value):
    return next((at for at, end in found if end <= value), None)


def compare(path, seconds):
    problem = json.loads(Path(path).read_text())
    answer, took, memory, cpu = shardplan(path)
    row = {"name": Path(path).stem, "units": len(problem["units"]), "services": len(problem["services"]),
           "sets": len({(u.get("lane", 0), tuple(u.get("needs", []))) for u in problem["units"]}),
           "lanes": len(problem["lanes"]), "seconds": took, "cpu": cpu, "memory": memory, "answer": answer,
           "cp": None, "highs": None, "peers": {}}
    if seconds and len(problem["units"]) * 2 <= LARGEST_FOR_CP_SAT:
        end = answer and answer["end_ms"]
        # Where nothing better can be found, only the time to our end is of interest.
        limit = seconds / 2 if answer and answer["gap"] <= 0.000_1 else seconds
        row["cp"] = kept(row["name"], end, "CP-SAT", cp_sat, problem, limit, end)
        row["highs"] = kept(row["name"], end, "HiGHS", highs, problem, limit, end)
    if len(problem["units"]) <= 20_000 and not problem.get("apart") and "minutes" not in problem["limits"]:
        row["peers"] = {
            "longest-first, all services": simple(problem, longest_first, False),
            "longest-first, trimmed": simple(problem, longest_first, True),
            "best two tiers": two_tiers(problem),
            "pytest-split least_duration": simple(problem, least_duration, False),
            "pytest-split chunks": simple(problem, duration_based_chunks, False),
        }
    return row


def span(millis):
    return "—" if millis is None else f"{millis / 1000:.1f}"


def share(end, ours):
    return "—" if end is None else f"{end / ours:.3f}"


def faster(row):
    """How many times longer CP-SAT took to reach our end than the whole command's CPU time; nothing where it did not."""
    at = reaches(row["cp"]["found"], row["answer"]["end_ms"]) if row["cp"] and row["answer"] else None
    return None if at is None else at / max(row["cpu"], 0.001)


def report(rows, seconds, beside):
    planned = [row for row in rows if row["answer"]]
    tight = [row for row in planned if row["answer"]["gap"] <= 0.001]
    near = [row for row in planned if row["answer"]["gap"] <= 0.01]
    lines = [
        "# Benchmarks", "",
        "Written by `python3 benches/compare.py`; the instances are made by `models/generate.py`. Times are those of",
        "the whole command `shardplan suggest --from-model` in a release build, reading and the further steps included;",
        "memory is its largest resident set (less than what this script itself takes, some 36 MB, can't be told apart). Ends are",
        "seconds.", "",
        f"Run on {os.cpu_count()} cores that were not idle: wall-clock is an upper bound, CPU time is what it cost.",
        *([beside] if beside else []), "",
        f"- {len(planned)} of {len(rows)} instances have a plan; {len(rows) - len(planned)} are infeasible.",
        f"- Gap at most 0.1 %: {len(tight)} of {len(planned)}. At most 1 %: {len(near)} of {len(planned)}.",
    ]
    for method, key in (("CP-SAT", "cp"), ("HiGHS", "highs")):
        compared = [row for row in planned if row[key]]
        earlier = [row for row in compared if row[key]["end"] is not None and row[key]["end"] < row["answer"]["end_ms"]]
        reached = [row for row in compared if row[key]["end"] is not None and row[key]["end"] <= row["answer"]["end_ms"]]
        if compared:
            lines.append(
                f"- {method} was given 2 workers on {len(compared)} of them (the others are too large to state) until it "
                f"reached our end, for at most {seconds:g} s, {seconds / 2:g} s where our gap is at most 0.01 %. It reached "
                f"our end on {len(reached)}, and an earlier one on {len(earlier)}"
                + (" (" + ", ".join(row["name"] for row in earlier) + ")." if earlier else "."))
    lines += ["", "| instance | units | services | needs | lanes | end | gap | bound by | wall s | CPU s | MB | CP-SAT end "
              "| CP-SAT s to our end | times our CPU | HiGHS end | HiGHS s |",
              "|---|--:|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for row in rows:
        answer, cp, milp = row["answer"], row["cp"], row["highs"]
        cp_end = cp_time = times = milp_end = milp_time = "—"
        if cp:
            cp_end = span(cp["end"]) if cp["end"] is not None else "none"
            cp_end += "*" if cp["optimal"] else ""
            at = reaches(cp["found"], answer["end_ms"]) if answer else None
            cp_time = f"{at:.2f}" if at is not None else "not reached" if answer else "—"
            times = f"{faster(row):.0f}" if faster(row) is not None else "—"
        if milp:
            milp_end = span(milp["end"]) if milp["end"] is not None else "none"
            milp_time = f"{milp['seconds']:.1f}"
        shown = [span(answer["end_ms"]), f"{100 * answer['gap']:.3f} %", answer["bound_reason"]] if answer \
            else ["infeasible", "—", "—"]
        lines.append("| " + " | ".join([row["name"], str(row["units"]), str(row["services"]), str(row["sets"]),
                                          str(row["lanes"]), *shown, f"{row['seconds']:.2f}", f"{row['cpu']:.2f}",
                                          f"{row['memory']:.0f}", cp_end, cp_time, times, milp_end, milp_time]) + " |")
    lines += ["", "`*`: proven optimal, or infeasible, by CP-SAT; `none`: no plan found in time; `—`: not asked.", "",
              "## The simple methods", "",
              "Their ends as multiples of ours, within the same limits (units of a lane dealt to as many shards as the",
              "limits allow; the shard that ends last gets one more as long as it helps).", ""]
    names = ["longest-first, all services", "longest-first, trimmed", "best two tiers", "pytest-split least_duration",
             "pytest-split chunks"]
    lines += ["| instance | " + " | ".join(names) + " |", "|---|" + "--:|" * len(names)]
    for row in planned:
        if row["peers"]:
            lines.append(f"| {row['name']} | " + " | ".join(
                share(row["peers"][name], row["answer"]["end_ms"]) for name in names) + " |")
    lines += ["", "## Cost against size", "", "![CPU seconds against units](benchmarks.svg)", ""]
    (ROOT / "docs/benchmarks.md").write_text("\n".join(lines))
    (ROOT / "docs/benchmarks.svg").write_text(plot(rows))


def plot(rows):
    """Both axes logarithmic; a dot an instance."""
    width, height, edge = 640, 400, 50

    def place(row):
        x = edge + math.log10(max(1, row["units"])) / 6 * (width - 2 * edge)
        y = height - edge - (math.log10(max(0.001, row["cpu"])) + 3) / 5 * (height - 2 * edge)
        return x, y

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for power in range(7):
        x = edge + power / 6 * (width - 2 * edge)
        parts.append(f'<line x1="{x:.0f}" y1="{edge}" x2="{x:.0f}" y2="{height - edge}" stroke="#ddd"/>'
                     f'<text x="{x:.0f}" y="{height - edge + 16}" text-anchor="middle">{10 ** power}</text>')
    for power in range(-3, 3):
        y = height - edge - (power + 3) / 5 * (height - 2 * edge)
        parts.append(f'<line x1="{edge}" y1="{y:.0f}" x2="{width - edge}" y2="{y:.0f}" stroke="#ddd"/>'
                     f'<text x="{edge - 6}" y="{y + 4:.0f}" text-anchor="end">{10.0 ** power:g}</text>')
    for row in rows:
        x, y = place(row)
        open_gap = row["answer"] and row["answer"]["gap"] > 0.001
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{"#d55e00" if open_gap else "#0072b2"}">'
                     f'<title>{row["name"]}</title></circle>')
    parts.append(f'<text x="{width / 2:.0f}" y="{height - 12}" text-anchor="middle">units</text>'
                 f'<text x="14" y="{height / 2:.0f}" transform="rotate(-90 14 {height / 2:.0f})" '
                 f'text-anchor="middle">CPU seconds (orange: gap over 0.1 %)</text></svg>')
    return "\n".join(parts) + "\n"


def against_random(count):
    """Small random instances: the same end as CP-SAT's optimum, bound not above it, the same infeasible ones."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, ROOT / "models/generate.py", "--random", str(count), folder], check=True)
        wrong = 0
        for path in sorted(Path(folder).iterdir()):
            problem = json.loads(path.read_text())
            answer, *_ = shardplan(path)
            best = cp_sat(problem, 60)
            end = answer["end_ms"] if answer else None
            sound = end == best["end"] and (answer is None or answer["bound_ms"] <= best["end"])
            if not sound or not best["optimal"]:
                wrong += 1
                print(f"{path.name}: shardplan {end} (bound {answer and answer['bound_ms']}), CP-SAT {best}")
        print(f"{count} random instances, {wrong} differ")
        return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="for CP-SAT and HiGHS, an instance")
    parser.add_argument("--beside", default="", help="a sentence about what else ran on the machine")
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--durations", nargs="*", default=[], help="further `.test_durations` files to plan")
    options = parser.parse_args()
    if options.seconds or options.random:
        in_venv()
    if not PROGRAM.exists():
        sys.exit("build it first: cargo build --release")
    if options.random:
        sys.exit(1 if against_random(options.random) else 0)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, ROOT / "models/generate.py", "--all", folder, *options.durations], check=True)
        for path in sorted(Path(folder).iterdir(), key=lambda path: (path.stat().st_size, path.name)):
            row = compare(path, options.seconds)
            rows.append(row)
            gap = f"{100 * row['answer']['gap']:.3f} %" if row["answer"] else "infeasible"
            cp = row["cp"] and (row["cp"]["end"], row["cp"]["optimal"])
            print(f"{row['name']}: {row['seconds']:.2f} s, gap {gap}, end {row['answer'] and row['answer']['end_ms']}, CP-SAT {cp}", flush=True)
    report(rows, options.seconds, options.beside)


if __name__ == "__main__":
    main()
