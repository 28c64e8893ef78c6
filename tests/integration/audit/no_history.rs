use super::Case;

#[test]
fn tests_without_a_history_are_counted() {
    let case = Case::new("SP403")
        .file("tests/test_a.py", "def test_a(): pass\n\ndef test_new(): pass\n")
        .ran("tests/test_a.py::test_a,1,passed\n");
    assert_eq!(
        case.found(),
        ["1 of 2 tests have no history, `tests/test_a.py::test_new` for one: their times are guessed"]
    );
}
