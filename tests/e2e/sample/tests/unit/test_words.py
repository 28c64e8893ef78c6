class TestWords:
    def test_upper(self):
        assert "ä".upper() == "Ä"

    def test_split(self):
        assert "a b".split() == ["a", "b"]
