"""The compact report of a run: what `shardplan verify` and `shardplan ingest` read, with the phases apart."""

from __future__ import annotations

import os
import socket
import time
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional

import pytest

from . import __version__
from .collect import compact_json, last_line, write_whole
from .plugin import below_root, is_worker
from .rule import plain
from .shard import ShardRun, skip_reason

# Taken now: a library that freezes the time for a test freezes it here else.
_clock = time.perf_counter
_now = datetime.now

PHASES = {"setup": 0, "call": 1, "teardown": 2}


class Test:
    __slots__ = ("outcome", "micros", "reason")

    def __init__(self) -> None:
        self.outcome = "passed"
        self.micros = [0, 0, 0]
        self.reason = ""


class Results:
    def __init__(self, config: Any, run: Optional[ShardRun]):
        self.config = config
        self.run = run
        self.tests: Dict[str, Test] = {}
        self.errors: List[Dict[str, str]] = []
        self.skipped_files: List[Dict[str, str]] = []
        self.collected: List[str] = []
        self.began = _clock()
        self.first: Optional[float] = None
        self.last: Optional[float] = None
        self.at = _now(timezone.utc)
        attempt = os.environ.get("GITHUB_RUN_ATTEMPT", "")
        self.attempt = int(attempt) if attempt.isdigit() else 1
        self.path = below_root(config, config.option.shardplan_report or self.default_path())
        if not is_worker(config):
            # What an earlier run left must not stand for this one if it is killed.
            try:
                if self.path.is_file():
                    self.path.unlink()
            except OSError:
                pass

    def default_path(self) -> str:
        assert self.run is not None
        suffix = ".attempt-%d" % self.attempt if self.attempt > 1 else ""
        return os.path.join("shardplan-results", "%s%s.json" % (self.run.shard.name, suffix))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        now = _clock()
        if self.first is None:
            self.first = now - report.duration
        self.last = now
        phase = PHASES.get(report.when)
        if phase is None:
            return
        id = plain(report.nodeid)
        test = self.tests.get(id)
        if test is None or phase == 0:
            # A test that is run again (pytest-rerunfailures): the last run counts.
            test = self.tests[id] = Test()
        test.micros[phase] = max(0, round(report.duration * 1e6))
        if report.passed:
            return
        if report.failed:
            if report.when == "call":
                test.outcome = "failed"
            elif test.outcome != "failed" or report.when == "teardown":
                test.outcome = "error"
            test.reason = test.reason or reason_of(report)
        elif report.skipped:
            if hasattr(report, "wasxfail"):
                # It ran and failed as expected.
                test.reason = plain(str(report.wasxfail))[:200]
            else:
                test.outcome = "skipped"
                test.reason = plain(one_line(skip_reason(report)))[:200]

    def without_groups(self, wanted: Any) -> Dict[str, Test]:
        """Returns the tests by their own ids: xdist's loadgroup appends the group to them.

        What the shard selected is known only once its workers have ended.
        """
        if getattr(self.config.option, "dist", None) != "loadgroup":
            return self.tests
        known = set(wanted)

        def own(id: str) -> str:
            bare = id.rpartition("@")[0]
            return bare if id not in known and bare in known else id

        return {own(id): test for id, test in self.tests.items()}

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.errors.append({"at": plain(report.nodeid), "message": last_line(report.longrepr)})
        elif report.skipped:
            self.skipped_files.append({"at": plain(report.nodeid), "reason": plain(one_line(skip_reason(report)))[:200]})

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: Any) -> None:
        self.collected = [plain(item.nodeid) for item in session.items]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: Any, exitstatus: int) -> None:
        if is_worker(self.config):
            self.config.workeroutput["shardplan-skipped-files"] = self.skipped_files
            return
        if self.config.option.collectonly:
            return
        write_whole(self.path, compact_json(self.document(int(getattr(session, "exitstatus", exitstatus)))))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        found = getattr(node, "workeroutput", {}).get("shardplan-skipped-files")
        if found and not self.skipped_files:
            self.skipped_files = found

    def document(self, exit: int) -> Dict[str, Any]:
        environment = os.environ
        run = self.run
        wanted = run.selected if run is not None else self.collected
        self.tests = self.without_groups(wanted)
        missing = [id for id in wanted if id not in self.tests]
        document: Dict[str, Any] = {
            "shardplan_report": 1,
            "made_by": "pytest-shardplan %s" % __version__,
            "at": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "attempt": self.attempt,
            "exit": exit,
            # Interrupted, an internal error or a wrong command line: then tests are missing.
            "complete": exit in (0, 1, 5) and not self.errors,
            "session_ms": round((_clock() - self.began) * 1000),
            "tests_ms": round(((self.last or 0.0) - (self.first or 0.0)) * 1000),
            "machine": socket.gethostname(),
        }
        if run is not None:
            document.update(
                lock=run.lock.digest,
                lane=run.shard.lane,
                shard=run.shard.name,
                services=sorted(run.shard.services),
                collected=run.seen,
            )
        for name, variable in (("run", "GITHUB_RUN_ID"), ("commit", "GITHUB_SHA"), ("branch", "GITHUB_REF_NAME")):
            if environment.get(variable):
                document[name] = environment[variable]
        document["tests"] = [entry(id, test) for id, test in self.tests.items()]
        if missing:
            document["not_run"] = missing
        if run is not None:
            if run.adopted:
                document["adopted"] = sorted(run.adopted)
            if run.unassigned:
                document["unassigned"] = sorted(run.unassigned)
            if run.uncovered:
                document["uncovered"] = [
                    {"test": id, "services": names} for id, names in sorted(run.uncovered.items())
                ]
        if self.errors:
            document["errors"] = self.errors
        if self.skipped_files:
            document["skipped_files"] = self.skipped_files
        return document


def entry(id: str, test: Test) -> List[Any]:
    return [id, test.outcome, *test.micros, test.reason]


def reason_of(report: Any) -> str:
    crash = getattr(getattr(report, "longrepr", None), "reprcrash", None)
    return plain(one_line(str(crash.message)) if crash is not None else last_line(report.longrepr))[:200]


def one_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
