use super::Case;

const TEXT: &str = "jobs:\n  unit:\n    steps:\n      - run: pytest --cov\n  gate:\n    needs: [unit]\n    if: always()\n    steps:\n      - run: coverage combine\n";

#[test]
fn a_gate_that_looks_at_no_result_is_found() {
    let found = Case::new("SP509").workflow(TEXT).found();
    assert_eq!(
        found,
        [
            ".github/workflows/ci.yml:9 gate `gate` runs whatever its lanes did, and combines without a look at their results: a part is taken for the whole"
        ]
    );
}

#[test]
fn a_gate_that_looks_first_is_no_fault() {
    for before in ["shardplan verify results/*.xml", "test '${{ needs.unit.result }}' = success"] {
        let text = TEXT.replace(
            "      - run: coverage combine",
            &format!("      - run: {before}\n      - run: coverage combine"),
        );
        assert!(Case::new("SP509").workflow(&text).found().is_empty(), "{before}");
    }
    let after = TEXT.replace("combine\n", "combine\n      - run: shardplan verify results/*.xml\n");
    assert_eq!(Case::new("SP509").workflow(&after).found().len(), 1);
    let plain = TEXT.replace("    if: always()\n", "");
    assert!(Case::new("SP509").workflow(&plain).found().is_empty(), "it is skipped where a lane failed");
}
