use super::Case;

#[test]
fn a_mark_that_no_test_bears_is_found() {
    let found = Case::new("SP104")
        .file("pytest.ini", "[pytest]\nmarkers =\n    elastic: needs it\n    slow\n")
        .file("tests/test_a.py", "import pytest\n\npytestmark = pytest.mark.slow\n\ndef test_a(): pass\n")
        .found();
    assert_eq!(found, ["pytest.ini:3 the mark `elastic` is registered and no test bears it"]);
}

#[test]
fn a_mark_that_a_hook_adds_is_used() {
    let found = Case::new("SP104")
        .file("pytest.ini", "[pytest]\nmarkers =\n    slow\n")
        .file("tests/conftest.py", "def pytest_collection_modifyitems(items):\n    for item in items:\n        item.add_marker('slow')\n")
        .file("tests/test_a.py", "def test_a(): pass\n")
        .found();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn the_line_of_the_configuration_is_shown() {
    let case = Case::new("SP104")
        .file("pytest.ini", "[pytest]\nmarkers =\n    elastic: needs it\n")
        .file("tests/test_a.py", "def test_a(): pass\n");
    let shown = case.program(&["audit", "--select", "SP104"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("3 |     elastic: needs it"), "{shown}");
}

#[test]
fn a_mark_that_only_the_tests_of_another_folder_bear_is_unused_in_its_own() {
    let ini = "[pytest]\nmarkers =\n    slow\n";
    let found = Case::new("SP104")
        .file("api/pytest.ini", ini)
        .file("api/tests/test_a.py", "def test_a(): pass\n")
        .file("worker/pytest.ini", ini)
        .file("worker/tests/test_b.py", "import pytest\n\n@pytest.mark.slow\ndef test_b(): pass\n")
        .found();
    assert_eq!(found, ["api/pytest.ini:3 the mark `slow` is registered and no test bears it"]);
}
