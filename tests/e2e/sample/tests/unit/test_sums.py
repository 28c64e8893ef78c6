import pytest


@pytest.mark.parametrize("n", [1, 2, 3])
def test_sum(n):
    assert sum(range(n + 1)) == n * (n + 1) // 2
