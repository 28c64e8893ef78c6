import os

import psycopg
import pytest
import redis

PG = dict(host="127.0.0.1", port=int(os.environ["SAMPLE_PG_PORT"]), user="postgres", dbname="postgres")
REDIS_PORT = int(os.environ["SAMPLE_REDIS_PORT"])


@pytest.fixture(scope="session")
def database():
    """Set up once, by the first test that asks for it."""
    with psycopg.connect(**PG, connect_timeout=5) as connection:
        yield connection


@pytest.fixture
def store():
    client = redis.Redis(host="127.0.0.1", port=REDIS_PORT, socket_connect_timeout=5)
    yield client
    client.close()


@pytest.fixture(scope="module")
def counter():
    """A fixture of the module that nobody declares to need Redis."""
    client = redis.Redis(host="127.0.0.1", port=REDIS_PORT)
    client.set("counter", 0)
    yield lambda: client.incr("counter")
    client.delete("counter")
    client.close()
