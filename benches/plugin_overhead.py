"""What the pytest plugin costs: the same suite without it, with it loaded and unused, running a shard, and observing.

    python benches/plugin_overhead.py [--rounds 9] [--tests 1000] [--work 1.0] [--profile observe]

It needs pytest and redis-py, and a redis-server for the tests that talk to one. Every round runs all ways one after
the other, so that a change of the machine's pace meets them alike; what is compared is the processor time of the
whole process (user and system, children included) within a round, and the median over the rounds is told. The first
round only warms the caches.
"""

import argparse
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

CONFTEST = '''
import os
import pytest

WORK = float(os.environ["BENCH_WORK"])


def work(milliseconds):
    """Works for about that long: counted and not timed, so that every run does the same."""
    total = 0
    for number in range(int(milliseconds * WORK * 12_000)):
        total += number & 7
    return total


@pytest.fixture(scope="session")
def redis_client():
    import redis

    return redis.Redis(port=int(os.environ["BENCH_REDIS"]))


@pytest.fixture(scope="module")
def table():
    return {number: str(number) for number in range(100)}


@pytest.fixture
def row(table):
    return table[7]


@pytest.fixture
def clean(redis_client):
    redis_client.delete("row")
    yield redis_client
    redis_client.delete("row")
'''

PLAIN = '''
from tests.conftest import work


class TestRows{file}:
'''
ONE = '''
    def test_{number}(self, row):
        assert row == "7" and work(1) >= 0
'''
WITH_REDIS = '''
    def test_{number}(self, clean, row):
        clean.set("row", row)
        assert clean.get("row") == b"7" and work(1) >= 0
'''


def suite(folder, tests):
    """Writes the suite: 50 tests a file, every tenth of them with a server."""
    (folder / "tests").mkdir()
    (folder / "tests/__init__.py").touch()
    (folder / "tests/conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text("[pytest]\n")
    files = []
    for file in range(0, tests, 50):
        name = f"tests/test_{file // 50:03}.py"
        files.append(name)
        body = PLAIN.format(file=file // 50)
        for number in range(min(50, tests - file)):
            body += (WITH_REDIS if number % 10 == 0 else ONE).format(number=number)
        (folder / name).write_text(body)
    units = ", ".join(f"'{name}'" for name in files)
    (folder / "shardplan.lock").write_text(
        "version = 1\ninputs = ''\nlimits = {}\npredicted = {}\n"
        "[[service]]\nname = 'redis'\nfixtures = ['redis_client']\n"
        f"[[shard]]\nname = 'all'\nlane = 'l'\nservices = ['redis']\nunits = [{units}]\n"
    )
    (folder / "shardplan.toml").write_text("[services.redis]\n[lanes.l]\n")


def run(folder, python, options, environment):
    """Returns the processor time and the wall-clock of one run, in seconds."""
    # The modules' bytecode is kept: compiling is no part of what is measured.
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(said.decode(errors="replace"))
    return usage.ru_utime + usage.ru_stime, wall


def redis_server(folder):
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        sys.exit("redis-server is not installed")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
        time.sleep(0.05)
    sys.exit("redis-server did not start")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--tests", type=int, default=1000)
    parser.add_argument("--work", type=float, default=1.0, help="times the usual work of a test, 0 for empty tests")
    parser.add_argument("--plugin", default=str(ROOT / "plugin"), help="the folder of the plugin")
    parser.add_argument("--profile", choices=("inactive", "shard", "observe"), help="print a profile instead")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="shardplan-bench-"))
    suite(folder, options.tests)
    server, port = redis_server(folder)
    environment = {
        **os.environ,
        "PYTHONPATH": options.plugin,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "BENCH_WORK": str(options.work),
        "BENCH_REDIS": str(port),
    }
    load = ["-p", "pytest_shardplan.plugin"]
    ways = {
        "without": [],
        "inactive": load,
        "shard": [*load, "--shardplan", "all"],
        "observe": [*load, "--shardplan-observe", "inventory.json"],
    }
    try:
        if options.profile:
            profile = "import cProfile, pstats, pytest, sys; p = cProfile.Profile(); p.enable(); c = pytest.main(sys.argv[1:]); p.disable(); pstats.Stats(p).sort_stats('tottime').print_stats('shardplan|meth', 30)"
            arguments = ["-q", "-p", "no:cacheprovider", *ways[options.profile]]
            subprocess.run([sys.executable, "-c", profile, *arguments], cwd=folder, env=environment, check=True)
            return
        ratios = {name: ([], []) for name in ways}
        for round in range(options.rounds + 1):
            # Every other round goes backwards: what a run leaves behind meets no way more often than another.
            order = list(ways.items())[:: -1 if round % 2 else 1]
            times = {name: run(folder, sys.executable, arguments, environment) for name, arguments in order}
            if round == 0:
                continue
            for name, both in times.items():
                for of, mine, base in zip(ratios[name], both, times["without"]):
                    of.append(mine / base)
            seconds = "  ".join(f"{name} {cpu:.2f} s" for name, (cpu, _) in times.items())
            print(f"round {round}: {seconds}", flush=True)
        print(f"\n{options.tests} tests, median of {options.rounds} rounds (lowest to highest)")
        for name in list(ways)[1:]:
            for what, of in zip(("processor time", "wall-clock"), ratios[name]):
                percent = [100 * (ratio - 1) for ratio in sorted(of)]
                middle = statistics.median(percent)
                print(f"{name:10} {what:15} {middle:+6.1f} %  ({percent[0]:+.1f} to {percent[-1]:+.1f})")
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


main()
