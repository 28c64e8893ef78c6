use super::Case;

#[test]
fn a_test_in_two_lanes_is_found_with_both() {
    let found = Case::new("SP202")
        .manifest("[lanes.db]\nmarkers = \"db\"\n[lanes.slow]\nmarkers = \"slow\"\n")
        .file("tests/test_a.py", "import pytest\n\n@pytest.mark.db\n@pytest.mark.slow\ndef test_a(): pass\n\n@pytest.mark.db\ndef test_b(): pass\n")
        .found();
    assert_eq!(found, ["shardplan.toml:3 lanes `db` and `slow` both select 1 test function: they run twice"]);
}
