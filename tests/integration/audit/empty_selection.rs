use super::Case;

#[test]
fn an_expression_that_nothing_meets_is_told_from_one_that_nothing_met() {
    let found = Case::new("SP206")
        .manifest("[lanes.a]\nmarkers = \"unit and not unit\"\n[lanes.b]\nmarkers = \"dbb\"\n[lanes.c]\n")
        .file("tests/test_a.py", "def test_a(): pass\n")
        .found();
    assert_eq!(
        found,
        [
            "shardplan.toml:1 lane `a` selects `unit and not unit`, which no test can ever meet",
            "shardplan.toml:3 lane `b` selects no test"
        ]
    );
}
