use super::Case;

#[test]
fn a_comment_that_names_no_rule_or_one_that_is_none_is_found() {
    let found = Case::new("SP307")
        .file(
            "tests/test_a.py",
            "def test_a(): pass  # shardplan: ignore\n\n# shardplan: ignore[SP110, SP101]\ndef test_b(): pass\n\n# shardplan: ignore-file[]\nSTORY = '# shardplan: ignore'  # shardplan: is spoken of here\n",
        )
        .workflow("on: push\njobs:\n  a:\n    steps:\n      - run: pytest  # shardplan: ignore[SP599]\n")
        .found();
    assert_eq!(
        found,
        [
            ".github/workflows/ci.yml:5 `shardplan: ignore` leaves nothing alone: no rule is called `SP599`; did you mean `SP509`?",
            "tests/test_a.py:1 `shardplan: ignore` names no rule and leaves nothing alone: write `shardplan: ignore[CODE]`",
            "tests/test_a.py:3 `shardplan: ignore` leaves nothing alone: no rule is called `SP110`; did you mean `SP101`?",
            "tests/test_a.py:6 `shardplan: ignore-file` names no rule and leaves nothing alone: write `shardplan: ignore-file[CODE]`",
        ]
    );
}

#[test]
fn a_comment_that_names_rules_is_none() {
    let case = Case::new("SP307").file(
        "tests/test_a.py",
        "# shardplan: ignore-file[SP3]\ndef test_a(): pass  #shardplan:ignore[SP101,unstable-ids]\n",
    );
    assert!(case.found().is_empty());
}
