"""The options, and which of them calls for what. Without one of them nothing else is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from . import __version__


def pytest_addoption(parser: Any) -> None:
    group = parser.getgroup("shardplan", "shardplan: plan, run and prove the shards of a test job")
    group.addoption(
        "--shardplan",
        metavar="SHARD",
        dest="shardplan",
        help="run the tests of this shard of shardplan.lock",
    )
    group.addoption(
        "--shardplan-lock",
        metavar="FILE",
        dest="shardplan_lock",
        help="the lock, instead of the nearest shardplan.lock at or above pytest's rootdir",
    )
    group.addoption(
        "--shardplan-report",
        metavar="FILE",
        dest="shardplan_report",
        help="where to write the results that `shardplan verify` and `ingest` read; "
        "shardplan-results/SHARD.json where --shardplan is given",
    )
    group.addoption(
        "--shardplan-require-services",
        action="store_true",
        dest="shardplan_require_services",
        help="a test that skips because a service is not there fails",
    )
    group.addoption(
        "--shardplan-longest-first",
        metavar="FILE",
        dest="shardplan_longest_first",
        help="run the shard's files by time, longest first; FILE is what "
        "`shardplan history export test-durations` writes",
    )
    group.addoption(
        "--shardplan-collect",
        metavar="FILE",
        dest="shardplan_collect",
        help="write the inventory of all tests and run none",
    )
    group.addoption(
        "--shardplan-observe",
        metavar="FILE",
        dest="shardplan_observe",
        help="run the tests and write the inventory with the services that each tried to reach",
    )
    group.addoption(
        "--shardplan-manifest",
        metavar="FILE",
        dest="shardplan_manifest",
        help="where to read which address is which service, instead of the nearest shardplan.toml",
    )


def is_worker(config: Any) -> bool:
    return hasattr(config, "workerinput")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> None:
    options = early_config.known_args_namespace
    if getattr(options, "shardplan_observe", None):
        # Before the first conftest is imported: it may look for a service.
        from . import recorder

        recorder.start()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: Any) -> None:
    option = config.option
    if option.shardplan_collect and not option.shardplan_observe:
        option.collectonly = True


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    option = config.option
    manager = config.pluginmanager
    if option.shardplan_observe or option.shardplan_collect:
        if option.shardplan:
            raise pytest.UsageError("--shardplan runs a part of the tests: collect and observe all of them")
        from .collect import Collection

        observer = None
        if option.shardplan_observe:
            from .observe import Observer

            observer = Observer(config)
            manager.register(observer, "shardplan-observe")
        manager.register(Collection(config, observer), "shardplan-collect")
    if option.shardplan or option.shardplan_report:
        from .results import Results
        from .shard import RequiredServices, ShardRun, lock_of

        run = None
        if option.shardplan:
            run = ShardRun(config, *lock_of(config))
            manager.register(run, "shardplan-run")
            if option.shardplan_require_services:
                manager.register(RequiredServices(run), "shardplan-required-services")
        manager.register(Results(config, run), "shardplan-results")


def pytest_report_header(config: Any) -> Any:
    if config.option.shardplan:
        return "shardplan: %s, shard %s" % (__version__, config.option.shardplan)
    return None


def below_root(config: Any, path: str) -> Path:
    """Returns a path that was typed, as seen from where pytest was started."""
    start = getattr(config, "invocation_params", None)
    folder = Path(start.dir) if start is not None else Path.cwd()
    return folder / path
