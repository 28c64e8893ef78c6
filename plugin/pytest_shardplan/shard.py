"""One shard of the lock: what of the collection it runs, and what it need not even import."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Set, Tuple

import pytest

from .plugin import below_root, is_worker
from .rule import Collected, Lock, LockError, Shard, find_lock, plain

#: What people write when a service can not be reached, beside its name. The program has the same words.
AWAY = (
    "unreachable",
    "not reachable",
    "unavailable",
    "not available",
    "cannot connect",
    "can not connect",
    "can't connect",
    "could not connect",
    "couldn't connect",
    "unable to connect",
    "failed to connect",
    "cannot reach",
    "can not reach",
    "can't reach",
    "could not reach",
    "couldn't reach",
    "unable to reach",
    "connection refused",
    "connection failed",
    "connection error",
    "not running",
    "isn't running",
    "is down",
    "not up",
    "no server",
    "no connection",
    "not started",
    "not responding",
    "not accessible",
    "timed out",
)


def lock_of(config: Any) -> Tuple[Lock, Shard]:
    """Returns the lock and the shard that the options name."""
    if config.option.shardplan_lock:
        path: Optional[Path] = below_root(config, config.option.shardplan_lock)
    else:
        path = find_lock(config.rootpath)
    try:
        if path is None:
            raise LockError(
                "there is no shardplan.lock in %s or above: `shardplan suggest --write` writes it, "
                "--shardplan-lock names one elsewhere" % config.rootpath
            )
        lock = Lock.read(path)
        return lock, lock.shard(config.option.shardplan)
    except LockError as error:
        raise pytest.UsageError("shardplan: %s" % error) from error


def collected(item: Any) -> Collected:
    """Returns what the rule needs to know of an item."""
    id = plain(item.nodeid)
    return Collected(
        id,
        id.split("::", 1)[0],
        (mark.name for mark in item.iter_markers()),
        getattr(item, "fixturenames", ()),
    )


class ShardRun:
    def __init__(self, config: Any, lock: Lock, shard: Shard):
        self.config = config
        self.lock = lock
        self.shard = shard
        self.root = str(config.rootpath)
        self.seen = 0
        self.selected: List[str] = []
        #: Tests that the lock does not know and this shard runs.
        self.adopted: List[str] = []
        #: Tests of no lane.
        self.unassigned: List[str] = []
        #: Tests of this shard, with services that they need and it does not start.
        self.uncovered: Dict[str, List[str]] = {}
        #: Names of services, to find them in the reason of a skip.
        names = {service.name for service in lock.services}
        names.update(name for other in lock.shards for name in other.services | other.without)
        self.service_names = {name: any_of(service_words(name)) for name in sorted(names)}
        self.says_away = any_of(AWAY)
        self._may_run: Dict[str, bool] = {}

    def pytest_ignore_collect(self, collection_path: Path) -> Optional[bool]:
        path = str(collection_path)
        if not path.endswith(".py") or not path.startswith(self.root + os.sep):
            return None
        name = os.path.basename(path)
        if name in ("conftest.py", "__init__.py"):
            return None
        file = plain(path[len(self.root) + 1:].replace(os.sep, "/"))
        # None leaves the question to the other plugins; True ends it.
        return None if self.may_run(file) else True

    def may_run(self, file: str) -> bool:
        known = self._may_run.get(file)
        if known is None:
            known = self._may_run[file] = self.lock.may_run(self.shard, file)
        return known

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config: Any, items: List[Any]) -> Any:
        # What belongs here is settled before `-k`, `-m` and other plugins take something away: a test of this
        # shard that they leave out is one that did not run.
        mine: Dict[int, bool] = {}
        # Items are kept alive, so that no other gets the id of one.
        alive = list(items)
        for item in alive:
            mine[id(item)] = self.take(item)
        yield
        kept, dropped = [], []
        for item in items:
            is_mine = mine.get(id(item))
            if is_mine is None:
                is_mine = self.take(item)
            (kept if is_mine else dropped).append(item)
        if config.option.shardplan_longest_first:
            kept = self.longest_first(kept)
        items[:] = kept
        if dropped:
            config.hook.pytest_deselected(items=dropped)
        if is_worker(config):
            config.workeroutput["shardplan"] = self.facts()

    def take(self, item: Any) -> bool:
        """Returns whether an item belongs to this shard, and notes what should be known of it."""
        self.seen += 1
        test = ungrouped(item, collected(item))
        route = self.lock.route(test)
        if route.shard is None:
            self.unassigned.append(test.id)
        if route.shard is not self.shard:
            return False
        self.selected.append(test.id)
        if not route.known:
            self.adopted.append(test.id)
        lacking = self.lock.requirement(test) - self.shard.services - self.shard.without
        if lacking:
            self.uncovered[test.id] = sorted(lacking)
        return True

    def facts(self) -> dict:
        return {
            "seen": self.seen,
            "selected": self.selected,
            "adopted": self.adopted,
            "unassigned": self.unassigned,
            "uncovered": self.uncovered,
        }

    def take_facts(self, facts: dict) -> None:
        """Takes over what a worker of xdist found: every worker collects the same."""
        if not self.selected:
            for name, value in facts.items():
                setattr(self, name, value)

    def longest_first(self, items: List[Any]) -> List[Any]:
        path = below_root(self.config, self.config.option.shardplan_longest_first)
        try:
            seconds = json.loads(path.read_text(encoding="utf-8"))
            known = {str(id): float(value) for id, value in dict(seconds).items()}
        except (OSError, ValueError, TypeError) as error:
            raise pytest.UsageError("shardplan: could not read the durations %s: %s" % (path, error)) from error
        # A file's tests stay together and in order, so that its fixtures are set up once.
        totals: Dict[str, float] = {}
        for item in items:
            file = item.nodeid.split("::", 1)[0]
            totals[file] = totals.get(file, 0.0) + known.get(item.nodeid, 0.0)
        return sorted(items, key=lambda item: -totals[item.nodeid.split("::", 1)[0]])

    def away(self, reason: str) -> Optional[str]:
        """Returns why a skip of this reason is for want of a service, or nothing."""
        named = [name for name, words in self.service_names.items() if words.search(reason)]
        here = [name for name in named if name in self.shard.services]
        if here:
            return "skipped for %s, which shard %s starts" % (", ".join(here), self.shard.name)
        absent = [name for name in named if name not in self.shard.without]
        if absent and self.says_away.search(reason):
            return "skipped for %s, which shard %s does not start" % (", ".join(absent), self.shard.name)
        if not named and self.says_away.search(reason):
            return "skipped because something is away"
        return None

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        facts = getattr(node, "workeroutput", {}).get("shardplan")
        if facts:
            self.take_facts(facts)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: Any, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self.may_be_empty():
            session.exitstatus = pytest.ExitCode.OK

    def may_be_empty(self) -> bool:
        """Returns whether it is right that nothing ran: none of the shard's files is there, or what was
        collected belongs elsewhere. A wrong folder or selection is no success."""
        if self.selected:
            return False
        files = {unit.split("::", 1)[0] for unit in self.shard.units}
        return self.seen > 0 or not any((self.config.rootpath / file).exists() for file in files)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if is_worker(self.config):
            return
        lines = []
        if self.adopted:
            lines.append("%s the lock does not know ran here:" % count(self.adopted, "test that", "tests that"))
            lines += ["  %s" % printable(id) for id in first(self.adopted)]
        if self.uncovered:
            lines.append("need a service that %s does not start (plan again):" % self.shard.name)
            shown = ("%s: %s" % (id, ", ".join(names)) for id, names in sorted(self.uncovered.items()))
            lines += ["  %s" % printable(line) for line in first(list(shown))]
        if self.unassigned:
            lines.append("selected by no lane, so they run in no shard:")
            lines += ["  %s" % printable(id) for id in first(self.unassigned)]
        if lines:
            terminalreporter.section("shardplan")
            for line in lines:
                terminalreporter.write_line(line)


class RequiredServices:
    """Makes a skip for want of a service a failure. It is there only where that is asked for: hooks that wrap every
    report cost something."""

    def __init__(self, run: ShardRun):
        self.run = run

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self) -> Any:
        outcome = yield
        report = outcome.get_result()
        if report.skipped and not hasattr(report, "wasxfail"):
            self.fail_if_away(report)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_make_collect_report(self) -> Any:
        outcome = yield
        report = outcome.get_result()
        if report.skipped:
            self.fail_if_away(report)

    def fail_if_away(self, report: Any) -> None:
        why = self.run.away(skip_reason(report))
        if why:
            report.outcome = "failed"
            report.longrepr = "%s (--shardplan-require-services): %s" % (why, skip_reason(report))


def ungrouped(item: Any, test: Collected) -> Collected:
    """Returns the test without the group that xdist's loadgroup appends to its id in the workers."""
    if "@" not in test.id or getattr(item.config.option, "dist", None) != "loadgroup":
        return test
    group = item.get_closest_marker("xdist_group")
    if group is not None:
        name = group.args[0] if group.args else group.kwargs.get("name", "default")
        suffix = "@%s" % name
        if test.id.endswith(suffix):
            id = test.id[: -len(suffix)]
            return Collected(id, id.split("::", 1)[0], test.markers, test.fixtures)
    return test


def service_words(name: str) -> Set[str]:
    """Returns the words that stand for a service: its name, and where it is of a known kind the others of the kind."""
    from .services import KINDS

    words: Set[str] = {name}
    for kind in KINDS:
        if name.lower() in kind.names:
            words.update(kind.names)
    # One- and two-letter names would be found in every sentence.
    return {word for word in words if len(word) > 2 or word == name}


def any_of(words: Iterable[str]) -> "re.Pattern[str]":
    """Returns what finds one of the words, not as a part of a longer one."""
    return re.compile(r"(?<![^\W_])(?:%s)(?![^\W\d_])" % "|".join(map(re.escape, sorted(words))), re.IGNORECASE)


def skip_reason(report: Any) -> str:
    longrepr = report.longrepr
    if isinstance(longrepr, tuple) and len(longrepr) == 3:
        reason = str(longrepr[2])
    else:
        reason = str(longrepr or "")
    return reason[len("Skipped: "):] if reason.startswith("Skipped: ") else reason


def first(lines: List[str], shown: int = 20) -> List[str]:
    more = len(lines) - shown
    return lines if more <= 0 else lines[:shown] + ["… and %d more" % more]


def count(things: List[str], one: str, many: str) -> str:
    return "%d %s" % (len(things), one if len(things) == 1 else many)


def printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
