"""Starts a PostgreSQL and a Redis of its own on free loopback ports and says where; stops them when its standard
input ends, so that no server outlives the test that started it.

Says `missing: WHAT` and ends where a program is not installed.
"""

import glob
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(port, process, log):
    deadline = time.monotonic() + 60
    while not answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit("a server did not start:\n" + open(log, errors="replace").read()[-2000:])
        time.sleep(0.05)


def postgres_program(name):
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/" + name)) or [shutil.which(name)]
    return found[-1]


def main():
    initdb, postgres = postgres_program("initdb"), postgres_program("postgres")
    redis = shutil.which("redis-server") or shutil.which("valkey-server")
    missing = [name for name, found in (("postgresql", initdb and postgres), ("redis-server", redis)) if not found]
    if missing:
        print("missing: " + ", ".join(missing), flush=True)
        return
    folder = tempfile.mkdtemp(prefix="shardplan-servers-")
    os.chmod(folder, 0o755)
    # PostgreSQL does not run as root.
    options = {}
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        os.chown(folder, user.pw_uid, user.pw_gid)
    started = []
    try:
        data = os.path.join(folder, "pg")
        subprocess.run(
            [initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"],
            check=True, stdout=subprocess.DEVNULL, cwd=folder, **options,
        )
        ports = {"postgres": free_port(), "redis": free_port()}
        commands = {
            "postgres": [postgres, "-D", data, "-h", "127.0.0.1", "-p", str(ports["postgres"]), "-k", folder, "-F"],
            "redis": [redis, "--port", str(ports["redis"]), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
        }
        for name, command in commands.items():
            log = os.path.join(folder, name + ".log")
            with open(log, "w") as out:
                as_user = options if name == "postgres" else {}
                process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=folder, **as_user)
            started.append(process)
            wait_for(ports[name], process, log)
        print(json.dumps({"ports": ports, "pids": dict(zip(commands, (process.pid for process in started)))}), flush=True)
        # One line stops one server; the end of the input stops all.
        for line in sys.stdin:
            process = started[list(commands).index(line.strip())]
            process.terminate()
            process.wait()
            print("stopped", flush=True)
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


main()
