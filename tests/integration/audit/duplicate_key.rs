use super::Case;

#[test]
fn a_key_that_stands_twice_is_found() {
    let found = Case::new("SP501").workflow("on: push\njobs:\n  unit:\n    runs-on: x\n    steps:\n      - run: pytest\n        env: {A: 1}\n        env: {B: 2}\n").found();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("`env` stands twice in one mapping"), "{found:?}");
    assert!(found[0].starts_with(".github/workflows/ci.yml:"), "{found:?}");
}

#[test]
fn a_file_without_one_has_no_finding() {
    let found = Case::new("SP501")
        .workflow("on: push\njobs:\n  unit:\n    steps:\n      - run: pytest\n        env: {A: 1, B: 2}\n")
        .found();
    assert!(found.is_empty(), "{found:?}");
}
