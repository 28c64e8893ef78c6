"""Which test, fixture and module import reaches which address.

A session or module fixture is set up once, by the first test that needs it, and charged to every test that uses
it. What a module looks for when it is imported is charged to its tests, what a conftest looks for to the tests
of its folder.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

import pytest

from . import recorder
from .plugin import below_root, is_worker
from .rule import plain
from .services import AddressBook

#: A touch as it is passed on: address, driver, reached, place.
Touch = Tuple[str, str, Optional[bool], str]


class Observer:
    def __init__(self, config: Any):
        self.config = config
        self.root = str(config.rootpath)
        #: What each context stands for: ("test", id), ("fixture", name), ("module", id), ("conftest", folder).
        self.contexts: List[Tuple[str, str]] = [("nobody", "")]
        self._ids: Dict[Tuple[str, str], int] = {}
        self._fixtures: Dict[Tuple[int, Any], int] = {}
        #: Fixture definitions are kept alive, so that no other gets their id.
        self._definitions: List[Any] = []
        #: The fixtures that each test used, by context.
        self.used: Dict[str, Set[int]] = {}
        self.outcomes: Dict[str, str] = {}
        #: What workers of xdist found, test by test.
        self.merged: Dict[str, Dict[Tuple[str, str], Touch]] = {}
        self.stray: Dict[Tuple[str, str], Touch] = {}
        state = recorder.state
        state.root = self.root
        state.find_reason = self.reason
        self._conftests: Dict[str, Optional[int]] = {}
        self._folder = tempfile.mkdtemp(prefix="shardplan-observe-")
        self._environment = {name: os.environ.get(name) for name in (recorder.FOLDER, recorder.CONTEXT, "PYTHONPATH")}
        os.environ[recorder.FOLDER] = state.folder = self._folder
        os.environ["PYTHONPATH"] = recorder.child_path(os.environ.get("PYTHONPATH", ""))
        recorder.start()

    def context(self, kind: str, name: str) -> int:
        key = (kind, name)
        known = self._ids.get(key)
        if known is None:
            known = self._ids[key] = len(self.contexts)
            self.contexts.append(key)
        return known

    def reason(self, context: int) -> int:
        """Returns for whom something is done: while modules are collected or nothing runs, a conftest on the
        stack is a better reason than what is being collected."""
        if self.contexts[context][0] not in ("nobody", "module"):
            return context
        frame: Any = sys._getframe(1)
        while frame is not None:
            name = frame.f_code.co_filename
            if name.endswith("conftest.py"):
                known = self._conftests.get(name, -1)
                if known == -1:
                    folder = os.path.dirname(os.path.abspath(name))
                    inside = folder == self.root or folder.startswith(self.root + os.sep)
                    below = plain(os.path.relpath(folder, self.root).replace(os.sep, "/")) if inside else None
                    known = self.context("conftest", below) if below is not None else None
                    self._conftests[name] = known
                if known is not None:
                    return known
            frame = frame.f_back
        return context

    # Whose turn it is.

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: Any) -> Any:
        before = recorder.enter(self.context("module", plain(collector.nodeid)))
        yield
        recorder.enter(before)

    # A test begins and ends with these two, and a hook that wraps nothing costs a fraction of one that does.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        recorder.enter(self.context("test", plain(nodeid)))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        recorder.enter(0)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Any:
        if fixturedef.scope == "function":
            # It is set up for one test alone, so what it reaches is the test's own.
            yield
            return
        context = self.fixture(fixturedef, getattr(request, "param_index", 0))
        before = recorder.enter(context)
        yield
        recorder.enter(before)
        # The last finalizer that is added is the first that runs: the tear-down is the fixture's as well.
        fixturedef.addfinalizer(lambda: recorder.enter(context))

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_post_finalizer(self, fixturedef: Any, request: Any) -> None:
        if fixturedef.scope != "function" and self.contexts[recorder.state.current][0] == "fixture":
            item = getattr(request, "_pyfuncitem", None)
            recorder.enter(self.context("test", plain(item.nodeid)) if item is not None else 0)

    def fixture(self, definition: Any, parameter: Any) -> int:
        key = (id(definition), parameter if isinstance(parameter, int) else 0)
        known = self._fixtures.get(key)
        if known is None:
            self._definitions.append(definition)
            known = self._fixtures[key] = len(self.contexts)
            self.contexts.append(("fixture", plain(str(definition.argname))))
        return known

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: Any) -> None:
        # Before the tear-down the request still knows every fixture, those asked for at run time included.
        request = getattr(item, "_request", None)
        definitions = getattr(request, "_fixture_defs", None) or {}
        if not self._fixtures:
            return
        indices = getattr(getattr(item, "callspec", None), "indices", {})
        info = getattr(item, "_fixtureinfo", None)
        named = getattr(info, "name2fixturedefs", None) or {}
        asked_for = getattr(request, "_arg2fixturedefs", None) or {}
        # Of a set-up that failed half-way, what the names lead to.
        failed = ((name, found[-1]) for name, found in named.items() if found and name not in definitions)
        used = set()
        for name, last in (*definitions.items(), *failed):
            for definition in asked(last, named.get(name) or asked_for.get(name) or ()):
                if definition.scope == "function":
                    continue
                known = self._fixtures.get((id(definition), indices.get(name, 0)))
                if known is None:
                    known = self._fixtures.get((id(definition), 0))
                if known is not None:
                    used.add(known)
        if used:
            self.used.setdefault(plain(item.nodeid), set()).update(used)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        id = plain(report.nodeid)
        if report.failed or (report.skipped and not hasattr(report, "wasxfail")):
            self.outcomes[id] = report.outcome
        elif report.when == "call":
            self.outcomes.setdefault(id, "passed")

    # What came of it.

    def _all(self) -> Dict[int, Dict[Tuple[str, str], Touch]]:
        """Returns what this process and its children touched, by context."""
        found: Dict[int, Dict[Tuple[str, str], Touch]] = {}
        for context, touches in recorder.state.touches.items():
            for (address, driver), touch in touches.items():
                add(found.setdefault(context, {}), (address, driver, touch.reached, touch.place))
        for path in sorted(Path(self._folder).glob("*.jsonl")):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    context, address, driver, reached, place = json.loads(line)
                except ValueError:
                    continue  # A child that was killed while it wrote.
                add(found.setdefault(int(context), {}), (address, driver, reached, place))
        return found

    def charged(self, ids: List[str]) -> Dict[str, Dict[Tuple[str, str], Touch]]:
        """Returns the touches of every test: its own, its fixtures', its module's, its conftests'."""
        found = self._all()
        by_folder = {name: found[ix] for ix, (kind, name) in enumerate(self.contexts) if kind == "conftest" and ix in found}
        charged: Dict[str, Dict[Tuple[str, str], Touch]] = {}
        for id in ids:
            touches: Dict[Tuple[str, str], Touch] = {}
            sources = [self._ids.get(("test", id))]
            sources += sorted(self.used.get(id, ()))
            sources += [self._ids.get(("module", prefix)) for prefix in prefixes(id)]
            for source in sources:
                if source is not None:
                    for (address, driver, reached, place) in found.get(source, {}).values():
                        kind, name = self.contexts[source]
                        shown = place if kind != "fixture" else ("%s (fixture %s)" % (place, name)).strip()
                        add(touches, (address, driver, reached, shown))
            file = id.split("::", 1)[0]
            for folder, here in by_folder.items():
                if folder == "." or file.startswith(folder + "/"):
                    for touch in here.values():
                        add(touches, touch)
            if touches:
                charged[id] = touches
        for ix, (kind, name) in enumerate(self.contexts):
            is_stray = kind == "nobody" or (kind == "module" and "::" not in name and not name.endswith(".py"))
            if is_stray:
                for touch in found.get(ix, {}).values():
                    add(self.stray, touch)
        return charged

    def export(self, ids: List[str]) -> dict:
        """Returns what a worker of xdist found, for the controller."""
        touches = {id: sorted(map(list, found.values())) for id, found in self.charged(ids).items()}
        return {"touches": touches, "stray": [list(touch) for touch in self.stray.values()]}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        found = getattr(node, "workeroutput", {}).get("shardplan-observe")
        if found:
            for id, touches in found["touches"].items():
                for touch in touches:
                    add(self.merged.setdefault(id, {}), tuple(touch))
            for touch in found["stray"]:
                add(self.stray, tuple(touch))

    def finish(self, ids: List[str]) -> Dict[str, Dict[Tuple[str, str], Touch]]:
        """Returns the touches of every test, those of workers included, and stops."""
        for id, touches in self.charged(ids).items():
            for touch in touches.values():
                add(self.merged.setdefault(id, {}), touch)
        return self.merged

    def close(self) -> None:
        recorder.stop()
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(self._folder, ignore_errors=True)

    def address_book(self) -> AddressBook:
        named = self.config.option.shardplan_manifest
        if named:
            return AddressBook.read(below_root(self.config, named))
        root = self.config.rootpath
        for folder in (root, *root.parents):
            path = folder / "shardplan.toml"
            if path.is_file():
                return AddressBook.read(path)
        return AddressBook(None)


def asked(definition: Any, visible: Sequence[Any]) -> List[Any]:
    """Returns a definition of a fixture and those that it overrides and asks for by the same name, one behind the other;
    `visible` are the definitions of the name, the one that holds last."""
    found = [definition]
    for overridden in reversed(visible[: visible.index(definition)] if definition in visible else ()):
        if definition.argname not in definition.argnames:
            break
        found.append(overridden)
        definition = overridden
    return found


def add(touches: Dict[Tuple[str, str], Touch], touch: Touch) -> None:
    """Adds a touch to those of one test: one answer counts more than any failure."""
    key = (touch[0], touch[1])
    known = touches.get(key)
    if known is None or (known[2] is not True and touch[2] is not None):
        touches[key] = touch if known is None else (touch[0], touch[1], touch[2], known[3] or touch[3])


def prefixes(id: str) -> List[str]:
    """Returns the file and the classes of an id."""
    head = id.split("[", 1)[0]
    parts = head.split("::")
    return ["::".join(parts[:end]) for end in range(1, len(parts))]


def needs_of(
    touches: Dict[Tuple[str, str], Touch], book: AddressBook, unmapped: Dict[str, int]
) -> List[Dict[str, Any]]:
    """Returns the services behind the touches of one test, sorted; what belongs to none is counted."""
    services: Dict[str, Dict[str, Any]] = {}
    for address, driver, reached, place in sorted(touches.values(), key=lambda touch: (touch[0], touch[1])):
        names = book.services(address, driver or None)
        if not names:
            unmapped[address] = unmapped.get(address, 0) + 1
        for name in names:
            at = "%s reaches for %s" % (place, address) if place else "reaches for %s" % address
            need = services.setdefault(name, {"service": name, "evidence": "observed", "at": at, "reached": None})
            if reached is True or need["reached"] is None:
                need["reached"] = reached
    for need in services.values():
        if need["reached"] is None:
            del need["reached"]
    return [services[name] for name in sorted(services)]


__all__ = ["Observer", "needs_of", "is_worker"]
