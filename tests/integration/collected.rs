//! What is collected, held against what pytest collects.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::run::python_with;

/// Returns a project of these files.
fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Returns the ids of the tests that the audit finds, sorted.
fn found(folder: &Path) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_shardplan"))
        .args(["audit", "--select", "SP305", "--write-inventory", "inventory.csv"])
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut table = csv::Reader::from_path(folder.join("inventory.csv")).unwrap();
    let mut ids: Vec<String> = table.records().map(|row| row.unwrap()[0].to_owned()).collect();
    ids.sort();
    ids
}

/// Returns the ids of the tests that pytest collects, sorted.
fn collected(python: &Path, folder: &Path) -> Vec<String> {
    let output = Command::new(python)
        .args(["-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"])
        .current_dir(folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut ids: Vec<String> = text.lines().filter(|line| line.contains("::")).map(str::to_owned).collect();
    ids.sort();
    ids
}

const TEST: &str = "def test_a(): pass\n";

#[test]
fn what_conftest_files_keep_from_being_collected_is_left_out_as_pytest_leaves_it_out() {
    let Some(python) = python_with("collected", &["pytest"]) else { return };
    let names = [
        "tests/test_kept.py",
        "tests/test_assigned.py",
        "tests/test_added.py",
        "tests/test_appended.py",
        "tests/test_extended.py",
        "tests/test_looped.py",
        "tests/test_by_choice.py",
        "tests/test_joined.py",
        "tests/test_of_old_python.py",
        "tests/test_of_new_python.py",
        "tests/test_of_windows.py",
        "tests/test_of_linux.py",
        "tests/test_glob_1.py",
        "tests/test_glob_2.py",
        "tests/old/test_in_folder.py",
        "tests/inner/test_glob_of_outer.py",
        "tests/inner/test_ignored_by_inner.py",
        "tests/inner/test_ignored_by_outer_alone.py",
        "tests/none/test_none.py",
    ];
    let conftest = "import os, sys\nfrom pathlib import Path\n\nHERE = Path(__file__).parent\nMORE = ['old']\ncollect_ignore = ['test_assigned.py', 'inner/test_ignored_by_outer_alone.py'] + MORE\ncollect_ignore += ['test_added.py']\ncollect_ignore.append('test_appended.py')\ncollect_ignore.extend(('test_extended.py',))\nfor name in ('test_looped.py', 'test_other.py'):\n    collect_ignore.append(name)\ncollect_ignore.append(str(HERE / 'test_joined.py'))\ncollect_ignore.append(os.path.join(os.path.dirname(__file__), 'none'))\nif sys.version_info < (3, 8):\n    collect_ignore.append('test_of_old_python.py')\nelse:\n    collect_ignore.append('test_of_new_python.py')\nif sys.platform == 'win32' or os.name == 'nt':\n    collect_ignore.append('test_of_windows.py')\nif sys.platform.startswith('linux'):\n    collect_ignore.append('test_of_linux.py')\ncollect_ignore += ['test_by_choice.py'] if sys.version_info[:2] >= (3, 5) else ['test_kept.py']\ntry:\n    import os\nexcept ImportError:\n    collect_ignore.append('test_kept.py')\ncollect_ignore_glob = []\ncollect_ignore_glob += ['*_glob_1.py']\ncollect_ignore_glob.append('*_glob_[23].py')\n";
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (*name, TEST)).collect();
    files.push(("tests/conftest.py", conftest));
    files.push(("tests/inner/conftest.py", "collect_ignore = ['test_ignored_by_inner.py']\n"));
    // A file for another Python is none that can not be read.
    files.push(("tests/old/test_of_python_2.py", "print 'hello'\n"));
    let folder = project(&files);
    let kept = [
        "tests/inner/test_glob_of_outer.py::test_a",
        "tests/inner/test_ignored_by_outer_alone.py::test_a",
        "tests/test_kept.py::test_a",
        "tests/test_of_old_python.py::test_a",
        "tests/test_of_windows.py::test_a",
    ];
    assert_eq!(found(folder.path()), kept);
    assert_eq!(collected(&python, folder.path()), kept);
}

#[test]
fn a_class_whose_only_test_is_run_test_is_collected() {
    let Some(python) = python_with("collected", &["pytest"]) else { return };
    let text = "import unittest\n\nclass Whole(unittest.TestCase):\n    def runTest(self): pass\n\nclass Parts(unittest.TestCase):\n    def runTest(self): pass\n    def test_a(self): pass\n\nclass Inherits(Whole):\n    pass\n\nclass TestPlain:\n    def runTest(self): pass\n";
    let folder = project(&[("tests/test_a.py", text)]);
    let ids = [
        "tests/test_a.py::Inherits::runTest",
        "tests/test_a.py::Parts::test_a",
        "tests/test_a.py::Whole::runTest",
    ];
    assert_eq!(collected(&python, folder.path()), ids);
    assert_eq!(found(folder.path()), ids);
}

#[test]
fn a_class_that_only_a_type_checker_takes_for_a_test_case_is_none() {
    let Some(python) = python_with("collected", &["pytest"]) else { return };
    let support = "import unittest\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    Typed = unittest.TestCase\nelse:\n    Typed = object\n\nclass StoreTest(Typed):\n    def test_a(self): pass\n";
    let text = "import unittest\nfrom support import StoreTest\n\nclass MemoryTest(StoreTest, unittest.TestCase): pass\n\nclass Further(MemoryTest): pass\n\nclass Case(unittest.TestCase):\n    def __class_getitem__(cls, kind): return cls\n\nclass Generic(Case[int]):\n    def test_b(self): pass\n";
    let folder = project(&[("tests/support.py", support), ("tests/test_a.py", text)]);
    let ids = [
        "tests/test_a.py::Further::test_a",
        "tests/test_a.py::Generic::test_b",
        "tests/test_a.py::MemoryTest::test_a",
    ];
    assert_eq!(collected(&python, folder.path()), ids);
    assert_eq!(found(folder.path()), ids);
}

#[test]
fn tests_beside_the_one_configured_folder_are_collected_and_its_ids_stay_those_of_pytest_there() {
    let Some(python) = python_with("collected", &["pytest"]) else { return };
    let folder = project(&[
        ("api/pytest.ini", "[pytest]\npython_files = check_*.py\n"),
        ("api/tests/check_a.py", TEST),
        ("api/tests/test_none.py", TEST),
        ("worker/tests/test_b.py", TEST),
        ("worker/tests/conftest.py", "collect_ignore = ['test_c.py']\n"),
        ("worker/tests/test_c.py", TEST),
        ("tools/pyproject.toml", "[project]\nname = 'tools'\n"),
        ("tools/test_d.py", TEST),
    ]);
    assert_eq!(
        found(folder.path()),
        ["tests/check_a.py::test_a", "tools/test_d.py::test_a", "worker/tests/test_b.py::test_a"]
    );
    assert_eq!(collected(&python, &folder.path().join("api")), ["tests/check_a.py::test_a"]);
    assert_eq!(collected(&python, &folder.path().join("worker")), ["tests/test_b.py::test_a"]);
    // Where two tests would bear one id, each begins in the project's folder.
    fs::create_dir_all(folder.path().join("tests")).unwrap();
    fs::rename(folder.path().join("worker/tests/test_b.py"), folder.path().join("tests/check_a_test.py"))
        .unwrap();
    fs::write(folder.path().join("api/tests/check_a_test.py"), TEST).unwrap();
    assert_eq!(
        found(folder.path()),
        [
            "api/tests/check_a.py::test_a",
            "api/tests/check_a_test.py::test_a",
            "tests/check_a_test.py::test_a",
            "tools/test_d.py::test_a"
        ]
    );
}

#[test]
fn a_folder_that_the_configuration_above_does_not_come_to_is_left_out_and_named() {
    let folder = project(&[
        ("pytest.ini", "[pytest]\ntestpaths = tests\n"),
        ("tests/test_a.py", TEST),
        ("tests/inner/pytest.ini", "[pytest]\n"),
        ("tests/inner/test_b.py", TEST),
        ("more/pyproject.toml", "[tool.pytest.ini_options]\n"),
        ("more/test_c.py", TEST),
        ("empty/pytest.ini", ""),
    ]);
    assert_eq!(found(folder.path()), ["tests/inner/test_b.py::test_a", "tests/test_a.py::test_a"]);
    let output = Command::new(env!("CARGO_BIN_EXE_shardplan"))
        .args(["audit"])
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(
            "Left out `more` (1 test file): pytest that is started here does not collect what is configured there; `shardplan audit -C more` does"
        ),
        "{said}"
    );
}

#[test]
fn files_that_only_djangos_runner_finds_are_said_to_be_left_out() {
    let said = |files: &[(&str, &str)]| {
        let folder = project(files);
        let output = Command::new(env!("CARGO_BIN_EXE_shardplan"))
            .args(["audit", "--select", "SP305"])
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        said.contains("pytest collects no file called `tests.py` by itself: there is 1")
    };
    let app = ("app/tests.py", TEST);
    assert!(said(&[("manage.py", ""), app, ("app/test_b.py", TEST)]));
    let named = ("pytest.ini", "[pytest]\npython_files = tests.py test_*.py\n");
    assert!(!said(&[("manage.py", ""), app, named]));
    assert!(!said(&[app]), "without Django it is a module like others");
}
