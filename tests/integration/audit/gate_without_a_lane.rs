use super::Case;

const TEXT: &str = "jobs:\n  unit:\n    steps:\n      - run: pytest tests/unit --cov\n  heavy:\n    steps:\n      - run: pytest tests/heavy --cov\n  gate:\n    needs: [unit]\n    steps:\n      - run: coverage combine\n";

#[test]
fn a_lane_that_nobody_waits_for_is_found() {
    let found = Case::new("SP506").workflow(TEXT).found();
    assert_eq!(
        found,
        [
            ".github/workflows/ci.yml:11 gate `gate` does not wait for `heavy`, which measures coverage too: its part may be missing"
        ]
    );
}

#[test]
fn a_gate_that_waits_for_all_is_no_fault() {
    let text = TEXT.replace("needs: [unit]", "needs: [unit, heavy]");
    assert!(Case::new("SP506").workflow(&text).found().is_empty());
}
