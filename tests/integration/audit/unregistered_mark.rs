use super::Case;

#[test]
fn a_mark_within_an_edit_of_a_registered_one_is_misspelt() {
    let found = Case::new("SP103")
        .file("pytest.ini", "[pytest]\nmarkers =\n    integration\n")
        .file("tests/test_a.py", "import pytest\n\n@pytest.mark.integraton\ndef test_a(): pass\n\n@pytest.mark.parametrize('x', [1])\ndef test_b(x): pass\n")
        .found();
    assert_eq!(
        found,
        [
            "tests/test_a.py:3 the mark `integraton` (1 test) is not registered; `integration` is: one of the two is misspelt"
        ]
    );
}

#[test]
fn the_repair_registers_it() {
    for (name, before, after) in [
        ("pytest.ini", "[pytest]\nmarkers =\n    db\n", "[pytest]\nmarkers =\n    db\n    slow\n"),
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\nmarkers = [\"db\"]\n",
            "[tool.pytest.ini_options]\nmarkers = [\"db\", \"slow\"]\n",
        ),
        ("setup.cfg", "[tool:pytest]\nmarkers =\n    db\n", "[tool:pytest]\nmarkers =\n    db\n    slow\n"),
    ] {
        let case = Case::new("SP103")
            .file(name, before)
            .file("tests/test_a.py", "import pytest\n\n@pytest.mark.slow\ndef test_a(): pass\n");
        assert_eq!(case.found(), ["tests/test_a.py:3 the mark `slow` (1 test) is not registered"], "{name}");
        let fixed = case.fixed();
        assert_eq!(fixed.text(name), after);
        assert!(fixed.found().is_empty());
    }
}

#[test]
fn the_tests_of_each_folder_are_judged_by_and_registered_in_its_own_configuration() {
    let text = |mark: &str| format!("import pytest\n\n@pytest.mark.{mark}\ndef test_a(): pass\n");
    let case = Case::new("SP103")
        .file("api/pytest.ini", "[pytest]\nmarkers =\n    redis\n")
        .file("api/tests/test_a.py", &text("slow"))
        .file("worker/pyproject.toml", "[tool.pytest.ini_options]\nmarkers = [\"slow\"]\n")
        .file("worker/tests/test_a.py", &text("redis"))
        .file("worker/tests/test_b.py", &text("slow"));
    assert_eq!(
        case.found(),
        [
            "api/tests/test_a.py:3 the mark `slow` (1 test) is not registered in `api/pytest.ini`",
            "worker/tests/test_a.py:3 the mark `redis` (1 test) is not registered in `worker/pyproject.toml`",
        ]
    );
    let fixed = case.fixed();
    assert_eq!(fixed.text("api/pytest.ini"), "[pytest]\nmarkers =\n    redis\n    slow\n");
    assert_eq!(
        fixed.text("worker/pyproject.toml"),
        "[tool.pytest.ini_options]\nmarkers = [\"slow\", \"redis\"]\n"
    );
    assert!(fixed.found().is_empty());
}

#[test]
fn what_a_conftest_file_of_one_folder_registers_is_not_registered_in_another() {
    let conftest =
        "def pytest_configure(config):\n    config.addinivalue_line('markers', 'slow: takes long')\n";
    let test = "import pytest\n\n@pytest.mark.slow\ndef test_a(): pass\n";
    let found = Case::new("SP103")
        .file("api/pytest.ini", "[pytest]\nmarkers =\n    redis\n")
        .file("api/conftest.py", conftest)
        .file("api/tests/test_a.py", test)
        .file("worker/pytest.ini", "[pytest]\nmarkers =\n    redis\n")
        .file("worker/tests/test_b.py", test)
        .found();
    assert_eq!(
        found,
        ["worker/tests/test_b.py:3 the mark `slow` (1 test) is not registered in `worker/pytest.ini`"]
    );
}

#[test]
fn a_configuration_that_demands_registration_gets_it_where_it_registers_nothing_yet() {
    let case = Case::new("SP103")
        .file("pytest.ini", "[pytest]\naddopts = --strict-markers\n")
        .file("tests/test_a.py", "import pytest\n\n@pytest.mark.slow\ndef test_a(): pass\n");
    assert_eq!(case.found(), ["tests/test_a.py:3 the mark `slow` (1 test) is not registered"]);
    assert_eq!(
        case.fixed().text("pytest.ini"),
        "[pytest]\nmarkers =\n    slow\naddopts = --strict-markers\n"
    );
    let silent = Case::new("SP103")
        .file("pytest.ini", "[pytest]\naddopts = -ra\n")
        .file("tests/test_a.py", "import pytest\n\n@pytest.mark.slow\ndef test_a(): pass\n");
    assert!(silent.found().is_empty(), "whoever registers nothing has chosen not to");
}
