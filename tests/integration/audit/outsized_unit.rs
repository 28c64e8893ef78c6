use super::Case;

#[test]
fn a_file_that_takes_most_of_its_lane_is_found() {
    let case = Case::new("SP404")
        .manifest("[lanes.all]\n")
        .file("tests/test_long.py", "def test_a(): pass\n")
        .file("tests/test_short.py", "def test_b(): pass\n")
        .ran("tests/test_long.py::test_a,100,passed\ntests/test_short.py::test_b,20,passed\n");
    let found = case.found();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("tests/test_long.py:1 this file takes 1m40s of the 2m"), "{found:?}");
}
