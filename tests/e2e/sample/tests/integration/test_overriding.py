import pytest


@pytest.fixture(scope="module")
def counter(counter):
    """Puts something around the fixture that it overrides, and connects to nothing itself."""
    return counter


class TestOfItsOwn:
    @pytest.fixture
    def counter(self):
        """Overrides both and asks for neither."""
        return lambda: 1

    def test_none(self, counter):
        assert counter() == 1


class TestFurtherDown:
    @pytest.fixture
    def counter(self, counter):
        return counter

    def test_count_below(self, counter):
        assert counter() >= 1


def test_count(counter):
    assert counter() >= 1
