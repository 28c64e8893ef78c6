use super::Case;

const TEXT: &str = "jobs:\n  unit:\n    if: vars.RUN != 'no'\n    steps:\n      - run: pytest tests/unit --cov\n  heavy:\n    steps:\n      - run: pytest tests/heavy --cov\n  gate:\n    needs: [unit, heavy]\n    steps:\n      - run: coverage combine\n";

#[test]
fn a_switch_on_one_of_two_lanes_is_found() {
    let found = Case::new("SP510").workflow(TEXT).found();
    assert_eq!(
        found,
        [
            ".github/workflows/ci.yml:2 a variable turns off `unit`, but not all lanes of gate `gate`: what is left is taken for the whole"
        ]
    );
}

#[test]
fn a_switch_on_both_is_no_fault() {
    let text = TEXT.replace("  heavy:\n", "  heavy:\n    if: vars.RUN != 'no'\n");
    assert!(Case::new("SP510").workflow(&text).found().is_empty());
}
