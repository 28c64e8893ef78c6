import pytest


@pytest.mark.database
def test_first_order(database):
    assert database.execute("select 1").fetchone() == (1,)


@pytest.mark.database
def test_second_order(database):
    # It connects to nothing itself: the fixture is charged to it all the same.
    assert database.execute("select 2").fetchone() == (2,)


def test_no_order():
    pass
