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

#[test]
fn a_mark_that_an_expression_names_twice_is_noted_once() {
    let case = Case::new("SP206")
        .manifest("[lanes.b]\nmarkers = \"dbb or (dbb and slow)\"\n")
        .file("tests/test_a.py", "def test_a(): pass\n");
    let output = case.program(&["audit", "--select", "SP206"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.matches("no test bears the mark `dbb`").count(), 1, "{text}");
    assert_eq!(text.matches("no test bears the mark `slow`").count(), 1, "{text}");
}
