"""Wants a server that is never there, and passes without."""

import socket

import pytest


def test_falls_back():
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", 9), timeout=2)
