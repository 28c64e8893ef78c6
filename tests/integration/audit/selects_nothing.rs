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

#[test]
fn what_pytest_refuses_is_found() {
    assert_eq!(
        case("pytest tests -m 'integration or'").found(),
        [
            ".github/workflows/ci.yml:4 pytest refuses its command in job `unit`: `integration or` is not a marker expression: expected not OR left parenthesis OR identifier; got end of input at column 15"
        ]
    );
    assert_eq!(case("pytest -k 'cart)'").found().len(), 1);
    let checked_out = |steps: &str| {
        Case::new("SP516")
            .workflow(&format!("jobs:\n  unit:\n    steps:\n      - uses: actions/checkout@v5\n{steps}"))
            .file("tests/test_a.py", "def test_cart(): pass\n")
            .file("api/tests/test_b.py", "def test_cart(): pass\n")
    };
    assert_eq!(
        checked_out("      - run: pytest tests test/test_a.py::test_cart\n").found(),
        [".github/workflows/ci.yml:5 pytest refuses its command in job `unit`: there is no `test/test_a.py`"]
    );
    for steps in [
        "      - run: pytest tests/test_a.py::test_cart\n",
        "      - run: cd api && pytest tests/test_b.py\n",
        "      - run: pytest tests/test_b.py\n        working-directory: api\n",
        "      - run: pytest --unknown tests/none.txt\n",
        "      - run: pytest --pyargs tests.none\n",
        "      - run: pytest tests/none_*.py $WHERE/tests\n",
        "      - run: |\n          curl -O https://example.org/test_none.py\n          pytest test_none.py\n",
        "      - uses: actions/checkout@v5\n        with:\n          path: other\n      - run: pytest other/tests\n",
    ] {
        assert!(checked_out(steps).found().is_empty(), "{steps}");
    }
}
