use super::Case;

const TEXT: &str = "jobs:\n  unit:\n    steps:\n      - run: pytest --cov\n  gate:\n    needs: unit\n    steps:\n      - run: coverage combine\n";

#[test]
fn a_gate_that_is_skipped_with_its_lane_is_found() {
    let found = Case::new("SP507").workflow(TEXT).found();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0]
            .starts_with(".github/workflows/ci.yml:5 gate `gate` is skipped when a job that it needs fails"),
        "{found:?}"
    );
}

#[test]
fn a_gate_that_always_runs_or_is_needed_by_one_that_does_is_no_fault() {
    let always = TEXT.replace("needs: unit", "needs: unit\n    if: always()");
    assert!(Case::new("SP507").workflow(&always).found().is_empty());
    let covered =
        format!("{TEXT}  all:\n    needs: [gate]\n    if: always()\n    steps:\n      - run: exit 1\n");
    assert!(Case::new("SP507").workflow(&covered).found().is_empty());
}
