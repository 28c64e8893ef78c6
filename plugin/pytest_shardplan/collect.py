"""The inventory as pytest itself sees it, with what was observed where that was asked for."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from . import __version__
from .plugin import below_root, is_worker
from .rule import class_of, plain
from .shard import collected, count, first, printable, ungrouped

#: The longest an argument of a mark is kept.
MOST_CHARACTERS = 200
#: Marks whose arguments are about the test alone, and large.
WITHOUT_ARGUMENTS = ("parametrize", "usefixtures")


class Collection:
    def __init__(self, config: Any, observer: Optional[Any]):
        self.config = config
        self.observer = observer
        self.path = below_root(config, config.option.shardplan_observe or config.option.shardplan_collect)
        self.tests: List[Dict[str, Any]] = []
        self.fixtures: Dict[str, Dict[str, Any]] = {}
        self.errors: List[Dict[str, str]] = []
        self.skipped_files: List[Dict[str, str]] = []
        self.unmapped: Dict[str, int] = {}
        self.written = False
        #: The definitions that were looked at, by identity: pytest keeps them for the whole session.
        self._looked_at: set = set()

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.errors.append({"at": plain(report.nodeid), "message": last_line(report.longrepr)})
        elif report.skipped:
            from .shard import skip_reason

            self.skipped_files.append({"at": plain(report.nodeid), "reason": plain(skip_reason(report))[:200]})

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: Any) -> None:
        for item in session.items:
            self.tests.append(self.entry(item))
        if is_worker(self.config):
            self.config.workeroutput["shardplan-collect"] = {
                "tests": self.tests,
                "fixtures": self.fixtures,
                "skipped_files": self.skipped_files,
            }

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        found = getattr(node, "workeroutput", {}).get("shardplan-collect")
        if found and not self.tests:
            self.tests, self.fixtures, self.skipped_files = found["tests"], found["fixtures"], found["skipped_files"]

    def entry(self, item: Any) -> Dict[str, Any]:
        test = ungrouped(item, collected(item))
        entry: Dict[str, Any] = {"id": test.id}
        class_name = class_of(test.id)
        if class_name != test.file:
            entry["class"] = class_name
        names, marks = set(), []
        for mark in item.iter_markers():
            # `-m` can ask for nothing but an identifier.
            if mark.name.isidentifier():
                names.add(mark.name)
            if (mark.args or mark.kwargs) and mark.name not in WITHOUT_ARGUMENTS:
                marks.append(
                    {
                        "name": plain(mark.name),
                        "args": [shown(arg) for arg in mark.args],
                        "kwargs": {plain(str(name)): shown(value) for name, value in sorted(mark.kwargs.items())},
                    }
                )
        if names:
            entry["markers"] = sorted(names)
        if marks:
            entry["marks"] = marks
        if test.fixtures:
            entry["fixtures"] = sorted(plain(name) for name in test.fixtures)
        for name, definitions in getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {}).items():
            for definition in definitions:
                if id(definition) not in self._looked_at:
                    self._looked_at.add(id(definition))
                    self.add_fixture(name, definition)
        return entry

    def add_fixture(self, name: str, definition: Any) -> None:
        code = getattr(unwrapped(definition.func), "__code__", None)
        at = ""
        if code is not None:
            path = code.co_filename
            root = str(self.config.rootpath) + os.sep
            # Outside of the project the path says where the environment lies, and differs from machine to machine.
            file = path[len(root):].replace(os.sep, "/") if path.startswith(root) and "site-packages" not in path else ""
            at = "%s:%d" % (plain(file), code.co_firstlineno) if file else ""
        key = "%s %s" % (name, at or definition.baseid)
        if key not in self.fixtures:
            entry = {"name": plain(name), "scope": str(definition.scope)}
            if at:
                entry["at"] = at
            self.fixtures[key] = entry

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: Any, exitstatus: int) -> None:
        ids = [test["id"] for test in self.tests]
        if is_worker(self.config):
            if self.observer is not None:
                self.config.workeroutput["shardplan-observe"] = self.observer.export(ids)
                self.observer.close()
            return
        if self.observer is not None:
            self.add_observations(ids)
            self.observer.close()
        self.write()
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self.tests:
            session.exitstatus = pytest.ExitCode.OK

    def add_observations(self, ids: List[str]) -> None:
        from .observe import needs_of

        book = self.observer.address_book()
        touches = self.observer.finish(ids)
        for test in self.tests:
            needs = needs_of(touches.get(test["id"], {}), book, self.unmapped)
            if needs:
                test["needs"] = needs
            outcome = self.observer.outcomes.get(test["id"])
            if outcome:
                test["outcome"] = outcome
        needs_of(self.observer.stray, book, self.unmapped)

    def write(self) -> None:
        document: Dict[str, Any] = {
            "version": 1,
            "made_by": "pytest-shardplan %s" % __version__,
            "tests": sorted(self.tests, key=lambda test: test["id"]),
            "fixtures": sorted(
                self.fixtures.values(), key=lambda entry: (entry["name"], entry.get("at", ""), entry["scope"])
            ),
        }
        if self.skipped_files:
            document["skipped_files"] = sorted(self.skipped_files, key=lambda entry: entry["at"])
        if self.errors:
            document["errors"] = sorted(self.errors, key=lambda entry: entry["at"])
        if self.unmapped:
            document["unmapped"] = sorted(plain(address) for address in self.unmapped)
        write_whole(self.path, compact_json(document))
        self.written = True

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self.written:
            return
        terminalreporter.section("shardplan")
        line = "wrote %s: %s" % (self.path, count(self.tests, "test", "tests"))
        if self.observer is not None:
            reaching = sum("needs" in test for test in self.tests)
            away = sum(
                any(need.get("reached") is False for need in test.get("needs", ())) and test.get("outcome") == "passed"
                for test in self.tests
            )
            line += ", %d of them reach for a service" % reaching
            if away:
                line += ", %d pass though it is away" % away
        terminalreporter.write_line(line)
        if self.errors:
            terminalreporter.write_line("the inventory is not whole: %s" % count(self.errors, "file", "files"))
            terminalreporter.write_line("could not be collected, and `shardplan` refuses it until they can")
        if self.unmapped:
            terminalreporter.write_line("addresses that belong to no service of the manifest (`addresses` names them):")
            for address in first(sorted(self.unmapped)):
                terminalreporter.write_line("  %s" % printable(address))


def unwrapped(function: Any) -> Any:
    seen = 0
    while hasattr(function, "__wrapped__") and seen < 10:
        function = function.__wrapped__
        seen += 1
    return getattr(function, "__func__", function)


def shown(value: Any) -> str:
    """Returns an argument as Python writes it, without addresses in memory: they differ from run to run."""
    try:
        text = repr(value)
    except Exception as error:
        text = "<%s without a repr>" % type(error).__name__
    return plain(re.sub(r" at 0x[0-9a-fA-F]+", "", text)[:MOST_CHARACTERS])


def last_line(longrepr: Any) -> str:
    lines = [line for line in str(longrepr or "").splitlines() if line.strip()]
    return plain(lines[-1].strip()[:MOST_CHARACTERS]) if lines else ""


def compact_json(document: Dict[str, Any]) -> str:
    """Returns JSON with an entry a line where there are many: small, and a difference is readable."""
    parts = []
    for name, value in document.items():
        if isinstance(value, list) and value:
            body = ",\n".join("  " + json.dumps(entry, ensure_ascii=False) for entry in value)
            parts.append('%s: [\n%s\n]' % (json.dumps(name), body))
        else:
            parts.append("%s: %s" % (json.dumps(name), json.dumps(value, ensure_ascii=False)))
    return "{\n" + ",\n".join(parts) + "\n}\n"


def write_whole(path: Path, text: str) -> None:
    """Writes a file beside its place and renames it into it, so that no reader finds half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        # A device or a pipe is written to: renaming would put a file in the place of /dev/null.
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        return
    handle, name = tempfile.mkstemp(dir=str(path.parent), prefix=path.name + ".")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, str(path))
    except BaseException:
        os.unlink(name)
        raise
