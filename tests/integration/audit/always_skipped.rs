use super::Case;

#[test]
fn a_test_that_is_skipped_in_every_run_is_found() {
    let case = Case::new("SP401")
        .file("tests/test_a.py", "def test_a(): pass\n\ndef test_b(): pass\n")
        .ran("tests/test_a.py::test_a,1,passed\ntests/test_a.py::test_b,0,skipped\n")
        .ran("tests/test_a.py::test_a,2,passed\ntests/test_a.py::test_b,0,skipped\n");
    assert_eq!(case.found(), ["tests/test_a.py:3 `test_b` is skipped in every run"]);
}
