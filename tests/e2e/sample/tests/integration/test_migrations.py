import os
import subprocess
import sys

MIGRATE = """
import os, psycopg
port = int(os.environ["SAMPLE_PG_PORT"])
with psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres") as connection:
    connection.execute("create table if not exists migrated (id int)")
"""


def test_migrate_in_a_child():
    subprocess.run([sys.executable, "-c", MIGRATE], check=True)


def test_migrate_in_a_child_with_its_own_environment():
    environment = {name: os.environ[name] for name in ("PATH", "SAMPLE_PG_PORT")}
    subprocess.run([sys.executable, "-c", MIGRATE], check=True, env=environment)


def test_a_child_that_needs_nothing():
    subprocess.run([sys.executable, "-c", "print(1)"], check=True)
