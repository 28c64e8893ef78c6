use super::Case;

const TEXT: &str = "jobs:\n  unit:\n    steps:\n      - run: pytest tests/unit --cov\n  heavy:\n    steps:\n      - run: pytest tests/heavy --cov\n  gate:\n    needs: [unit, heavy]\n    steps:\n      - run: coverage combine\n";

#[test]
fn two_jobs_that_write_one_file_are_found() {
    let found = Case::new("SP503").workflow(TEXT).found();
    assert_eq!(
        found,
        [
            ".github/workflows/ci.yml:7 jobs `unit` and `heavy` both write `.coverage`: set COVERAGE_FILE to a name of each job's own"
        ]
    );
}

#[test]
fn files_of_their_own_are_no_fault() {
    let text = TEXT.replace("heavy --cov\n", "heavy --cov\n        env: {COVERAGE_FILE: .coverage.heavy}\n");
    assert!(Case::new("SP503").workflow(&text).found().is_empty());
}
