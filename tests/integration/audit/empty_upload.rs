use super::Case;

const TEXT: &str = "jobs:\n  unit:\n    steps:\n      - run: pytest --cov=app -n 4\n      - uses: actions/upload-artifact@v4\n        with: {path: '.coverage.*', include-hidden-files: true}\n";

#[test]
fn a_glob_for_parts_that_pytest_cov_has_combined_is_found() {
    let found = Case::new("SP505").workflow(TEXT).found();
    assert_eq!(
        found,
        [
            ".github/workflows/ci.yml:5 job `unit` uploads `.coverage.*`, and pytest-cov has combined such files into `.coverage`: nothing is there"
        ]
    );
}

#[test]
fn a_glob_that_a_name_of_its_own_matches_is_no_fault() {
    let named = TEXT.replace("-n 4\n", "-n 4\n        env: {COVERAGE_FILE: .coverage.unit}\n");
    assert!(Case::new("SP505").workflow(&named).found().is_empty());
    let run = TEXT.replace("pytest --cov=app -n 4", "coverage run -p -m pytest");
    assert!(Case::new("SP505").workflow(&run).found().is_empty());
    let moved = TEXT.replace("-n 4\n", "-n 4\n      - run: mv .coverage .coverage.unit\n");
    assert!(Case::new("SP505").workflow(&moved).found().is_empty());
}
