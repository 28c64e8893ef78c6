"""Looks for Redis when it is imported, and skips itself where it is away."""

import os
import socket

import pytest


def reachable(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not reachable(int(os.environ["SAMPLE_REDIS_PORT"])), reason="redis not reachable")


def test_after_the_probe():
    pass


def test_after_the_probe_too():
    pass
