use super::Case;

fn case(command: &str) -> Case {
    Case::new("SP516")
        .workflow(&format!("jobs:\n  unit:\n    steps:\n      - run: {command}\n"))
        .file("tests/test_a.py", "import pytest\n\n@pytest.mark.integration\ndef test_cart(): pass\n")
}

#[test]
fn an_expression_that_selects_nothing_is_found() {
    let found = case("pytest tests -m integraton").found();
    assert_eq!(
        found,
        [".github/workflows/ci.yml:4 `-m integraton` of job `unit` selects none of 1 test function"]
    );
    assert_eq!(case("pytest -k basket").found().len(), 1);
}

#[test]
fn an_expression_that_selects_or_that_only_the_run_knows_is_no_fault() {
    for command in [
        "pytest -m integration",
        "pytest -k cart",
        "pytest -m '${{ matrix.lane }}'",
        "pytest other -m x",
        "pytest",
    ] {
        assert!(case(command).found().is_empty(), "{command}");
    }
    let by_hook = case("pytest -m slow").file(
        "tests/conftest.py",
        "import pytest\n\ndef pytest_collection_modifyitems(items):\n    for item in items:\n        item.add_marker(pytest.mark.slow)\n",
    );
    assert!(by_hook.found().is_empty(), "a hook may mark any test");
}
