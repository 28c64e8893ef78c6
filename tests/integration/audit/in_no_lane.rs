use super::Case;

#[test]
fn a_test_that_no_lane_selects_is_found() {
    let found = Case::new("SP201")
        .manifest("[lanes.unit]\nmarkers = \"not db and not slow\"\n[lanes.db]\nmarkers = \"db(fast=True)\"\n")
        .file("tests/test_a.py", "import pytest\n\ndef test_a(): pass\n\n@pytest.mark.slow\ndef test_b(): pass\n\n@pytest.mark.db(fast=True)\ndef test_c(): pass\n\n@pytest.mark.db(fast=False)\ndef test_d(): pass\n")
        .found();
    assert_eq!(
        found,
        [
            "tests/test_a.py:6 no lane selects `test_b`: it runs nowhere",
            "tests/test_a.py:12 no lane selects `test_d`: it runs nowhere"
        ]
    );
}
