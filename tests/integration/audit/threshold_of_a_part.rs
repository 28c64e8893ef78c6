use super::Case;

#[test]
fn a_threshold_in_the_command_or_in_the_settings_is_found() {
    let text = "jobs:\n  unit:\n    steps:\n      - run: pytest --cov --cov-fail-under=80\n  gate:\n    needs: unit\n    steps:\n      - run: coverage combine\n";
    let found = Case::new("SP502").workflow(text).found();
    assert_eq!(
        found,
        [
            ".github/workflows/ci.yml:4 job `unit` holds its part of the coverage against 80: the threshold is for the sum, in the gate"
        ]
    );
    let by_file = Case::new("SP502")
        .workflow(&text.replace(" --cov-fail-under=80", ""))
        .file("pyproject.toml", "[tool.coverage.report]\nfail_under = 75\n");
    assert_eq!(
        by_file.found(),
        [
            ".github/workflows/ci.yml:4 job `unit` holds its part of the coverage against 75 of `pyproject.toml`: the threshold is for the sum, in the gate"
        ]
    );
    let zero = by_file.workflow(&text.replace("under=80", "under=0"));
    assert!(zero.found().is_empty());
}

#[test]
fn a_job_that_combines_its_own_parts_may_hold_its_threshold() {
    let text = "jobs:\n  unit:\n    steps:\n      - run: pytest --cov --cov-fail-under=80\n      - run: coverage combine\n";
    assert!(Case::new("SP502").workflow(text).found().is_empty());
}
