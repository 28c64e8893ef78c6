use super::Case;

#[test]
fn tests_of_the_history_that_are_gone_are_counted() {
    let case = Case::new("SP402")
        .file("tests/test_a.py", "def test_a(): pass\n")
        .ran("tests/test_a.py::test_a,1,passed\ntests/test_a.py::test_old,1,passed\n");
    assert_eq!(
        case.found(),
        ["1 of the 2 tests of the history are gone, `tests/test_a.py::test_old` for one"]
    );
}
