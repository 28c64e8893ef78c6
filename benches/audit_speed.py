#!/usr/bin/env python3
"""Times `shardplan audit` on a generated tree beside `pytest --collect-only -q` and `ruff check --select PT`.

Usage: audit_speed.py SHARDPLAN [FILES …]

pytest, redis and ruff are installed into a virtual environment of its own. Every figure is processor time, user and
system, over all threads: the best of three runs. Other work on the machine changes it little.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

MODULE = '''\
import json

import pytest
import redis

from app.service_{app} import Service

pytestmark = pytest.mark.group_{group}


@pytest.fixture
def service(cache):
    return Service(cache, name="{name}")


class TestService{name}:
    def setup_method(self):
        self.values = list(range({name}))

    @pytest.mark.parametrize(("value", "expected"), [(1, "1"), (2, "2"), (3, "3")])
    def test_text(self, value, expected):
        assert str(value) == expected

    def test_sum(self):
        assert sum(self.values) == {name} * ({name} - 1) // 2


@pytest.mark.parametrize("key", ["a", "b", pytest.param("c", id="last")])
def test_store(service, key):
    service.store(key, json.dumps({{"key": key}}))
    assert service.load(key) is not None


def test_plain(tmp_path):
    path = tmp_path / "file"
    path.write_text("x")
    assert path.read_text() == "x"
'''

APP = '''\
import redis


class Service:
    def __init__(self, cache, name):
        self.cache = cache
        self.name = name

    def store(self, key, value):
        self.cache.set(f"{{self.name}}:{{key}}", value)

    def load(self, key):
        return self.cache.get(f"{{self.name}}:{{key}}")
'''

CONFTEST = '''\
import pytest
import redis


@pytest.fixture(scope="session")
def cache():
    return redis.Redis(host="localhost")
'''


def write(root: Path, files: int) -> None:
    """Writes a project with so many test files, and a twentieth as many of an application."""
    (root / "pytest.ini").write_text("[pytest]\npythonpath = .\nmarkers =\n" + "".join(f"    group_{at}\n" for at in range(10)))
    (root / "app").mkdir()
    (root / "app/__init__.py").write_text("")
    for at in range(max(1, files // 20)):
        (root / f"app/service_{at}.py").write_text(APP.format())
    for at in range(files):
        folder = root / "tests" / f"part_{at % 25}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").write_text("")
        text = MODULE.format(app=at % max(1, files // 20), group=at % 10, name=at)
        (folder / f"test_m{at}.py").write_text(text)
    (root / "tests/__init__.py").write_text("")
    (root / "tests/conftest.py").write_text(CONFTEST)


def spent() -> float:
    """Returns the processor time of all programs that were run, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def best(command: list, folder: Path) -> float:
    """Returns the shortest of three runs in seconds; exit code 1 is that of findings."""
    times = []
    for _ in range(3):
        start = spent()
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        times.append(spent() - start)
        if done.returncode not in (0, 1):
            sys.exit(f"{command}: {done.stdout.decode()[-500:]}")
    return min(times)


def main() -> None:
    program = str(Path(sys.argv[1]).resolve())
    sizes = [int(size) for size in sys.argv[2:]] or [250, 500, 1000, 2000]
    with tempfile.TemporaryDirectory() as scratch:
        venv = Path(scratch) / "venv"
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin/pip", "install", "-q", "pytest", "redis", "ruff"], check=True)
        print("| test files | audit | pytest --collect-only -q | ruff check --select PT | × pytest | ÷ ruff |")
        print("|---|---|---|---|---|---|")
        for size in sizes:
            root = Path(scratch) / str(size)
            root.mkdir()
            write(root, size)
            audit = best([program, "audit", "-q"], root)
            pytest = best([str(venv / "bin/python"), "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"], root)
            ruff = best([str(venv / "bin/ruff"), "check", "--select", "PT", "--no-cache"], root)
            print(f"| {size} | {audit:.3f} s | {pytest:.2f} s | {ruff:.3f} s | {pytest / audit:.0f} | {audit / ruff:.1f} |", flush=True)


if __name__ == "__main__":
    main()
