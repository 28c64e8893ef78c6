import pytest


def test_set(store):
    store.set("a", 1)
    assert store.get("a") == b"1"


class TestCounter:
    def test_one(self, counter):
        assert counter() >= 1

    @pytest.mark.parametrize("times", [2, 3])
    def test_many(self, counter, times):
        assert [counter() for _ in range(times)]


def test_without():
    pass
