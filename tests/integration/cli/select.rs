//! `shardplan select`: a shard's tests in the words of a runner.

use insta::assert_snapshot;

use super::Project;

const LOCK: &str = r#"version = 1
inputs = ""
limits = {}
predicted = {}
shard = [
    { name = "all-1", lane = "all", units = ["tests/test_a.py", "tests/test_b.py::TestSlow"] },
    { name = "all-2", lane = "all", services = ["db"], units = ["tests/test_b.py", "-odd.py", "@at.py"] },
    { name = "all-3", lane = "all", services = ["db"], units = ["tests/gone.py"] },
    { name = "fast-1", lane = "fast", units = ["tests/test_a.py"] },
]
lane = [{ name = "all", markers = "not fast" }, { name = "fast", markers = "fast" }]
"#;

fn pinned(lock: &str) -> Project {
    let project = Project::new();
    project.write("shardplan.lock", lock);
    project
}

#[test]
fn the_lock_alone_says_files_and_classes() {
    let project = pinned(LOCK);
    assert_snapshot!(project.shardplan("select --shard all-1"), @r"");
    assert_snapshot!(project.shardplan("select --shard all-1 --format pytest"), @r"");
    assert_snapshot!(project.shardplan("select --shard all-1 --format json"), @r"");
}

#[test]
fn a_file_of_which_another_shard_runs_a_part_needs_a_collection() {
    assert_snapshot!(pinned(LOCK).shardplan("select --shard all-2 --format pytest"), @r"");
}

#[test]
fn a_collection_is_divided_with_what_the_lock_does_not_know() {
    let project = pinned(LOCK);
    let tests = [
        "tests/test_a.py::test_x,",
        "tests/test_a.py::test_f,fast",
        "tests/test_b.py::TestSlow::test_y,",
        "tests/test_b.py::test_z,",
        "-odd.py::t,",
        "@at.py::t,",
        "tests/new_1.py::t,",
        "tests/new_2.py::t,",
        "tests/new_3.py::t,",
        "tests/new_4.py::t,fast",
    ];
    project.write("collected.csv", format!("test,markers\n{}\n", tests.join("\n")));
    let mut all = Vec::new();
    for shard in ["all-1", "all-2", "all-3", "fast-1"] {
        let said = project.shardplan(&format!("select --shard {shard} --against collected.csv"));
        all.extend(said.stdout.lines().map(str::to_owned));
    }
    all.sort();
    let mut expected: Vec<String> = tests.map(|test| test.split(',').next().unwrap().to_owned()).to_vec();
    expected.sort();
    assert_eq!(all, expected, "every test is on one shard");
    assert_snapshot!(project.shardplan("select --shard all-2 --against collected.csv --format pytest"), @r"");
    assert_snapshot!(project.shardplan("select --shard fast-1 --against collected.csv --format json"), @r"");
}

#[test]
fn a_shard_without_a_test_lets_pytest_run_nothing() {
    let project = pinned(LOCK);
    project.write("collected.csv", "test\ntests/test_a.py::t\n");
    let said = project.shardplan("select --shard all-2 --against collected.csv --format pytest");
    // An empty file of arguments would run everything.
    assert_eq!(said.stdout, "--version\n");
    let said = project.shardplan("select --shard all-2 --against collected.csv --format nextest");
    assert_eq!(said.stdout, "none()\n");
}

#[test]
fn a_line_break_in_a_name_is_refused() {
    let project = pinned(&LOCK.replace("tests/gone.py", "a\\nb.py"));
    assert_snapshot!(project.shardplan("select --shard all-3 --format pytest"), @r"");
    assert_eq!(project.shardplan("select --shard all-3 --format json").code, 0);
}

#[test]
fn a_shard_that_is_not_there_is_named() {
    assert_snapshot!(pinned(LOCK).shardplan("select --shard all-9"), @r"");
    assert_snapshot!(Project::new().shardplan("select --shard all-9"), @r"");
}

#[test]
fn nextest_gets_a_filterset() {
    let project = pinned(
        r#"version = 1
inputs = ""
limits = {}
predicted = {}
shard = [
    { name = "all-1", lane = "all", units = ["app", "app::cli::slow::one"] },
    { name = "all-2", lane = "all", units = ["app::cli"] },
]
"#,
    );
    let case = r#"{"kind": "test", "ignored": false, "filter-match": {"status": "matches"}}"#;
    let ignored =
        r#"{"kind": "test", "ignored": true, "filter-match": {"status": "mismatch", "reason": "ignored"}}"#;
    project.write(
        "list.json",
        format!(
            r#"{{"rust-build-meta": {{}}, "test-count": 4, "rust-suites": {{
            "app": {{"testcases": {{"tests::a": {case}, "tests::b": {ignored}}}}},
            "app::cli": {{"testcases": {{"slow::one": {case}, "two": {case}, "odd name (a), b": {case}}}}}}}}}"#
        ),
    );
    assert_snapshot!(project.shardplan("select --shard all-1 --format nextest --against list.json"), @r"");
    assert_snapshot!(project.shardplan("select --shard all-2 --format nextest --against list.json"), @r"");
    assert_snapshot!(project.shardplan("select --shard all-2 --format nextest"), @r"");
}
