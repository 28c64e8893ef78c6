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
