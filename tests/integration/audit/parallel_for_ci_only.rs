use super::Case;

const TEXT: &str = "jobs:\n  unit:\n    steps:\n      - run: pytest --cov\n  gate:\n    needs: unit\n    steps:\n      - run: coverage combine\n";

#[test]
fn a_setting_for_everybody_that_only_ci_needs_is_found() {
    let case = Case::new("SP511")
        .workflow(TEXT)
        .file("pyproject.toml", "[tool.coverage.run]\nbranch = true\nparallel = true\n");
    let found = case.found();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("pyproject.toml:3 `parallel` is on for every run on every machine"),
        "{found:?}"
    );
}

#[test]
fn who_runs_coverage_itself_may_need_it() {
    let settings = "[run]\nparallel = true\n";
    let run = TEXT.replace("pytest --cov", "coverage run -m pytest");
    assert!(Case::new("SP511").workflow(&run).file(".coveragerc", settings).found().is_empty());
    assert!(Case::new("SP511").file(".coveragerc", settings).found().is_empty());
    assert!(Case::new("SP511").workflow(TEXT).found().is_empty());
}
