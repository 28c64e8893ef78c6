use super::Case;

#[test]
fn the_first_of_two_tests_of_one_name_is_found() {
    let found = Case::new("SP304")
        .file("tests/test_a.py", "def test_a(): pass\n\ndef test_a(): pass\n\nclass TestA:\n    def test_b(self): pass\n    def test_b(self): pass\n")
        .found();
    assert_eq!(
        found,
        [
            "tests/test_a.py:1 `test_a` never runs: another of its name follows in line 3",
            "tests/test_a.py:6 `TestA.test_b` never runs: another of its name follows in line 7"
        ]
    );
}
