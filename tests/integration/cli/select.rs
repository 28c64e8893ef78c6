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
    assert_snapshot!(project.shardplan("select --shard all-1"), @"
    exit: 0
    --- stdout
    tests/test_a.py
    tests/test_b.py::TestSlow
    ");
    assert_snapshot!(project.shardplan("select --shard all-1 --format pytest"), @"
    exit: 0
    --- stdout
    -m
    not fast
    tests/test_a.py
    tests/test_b.py::TestSlow
    ");
    assert_snapshot!(project.shardplan("select --shard all-1 --format json"), @r#"
    exit: 0
    --- stdout
    {
      "version": 1,
      "lock": "sha256:[DIGEST]",
      "shard": "all-1",
      "lane": "all",
      "services": [],
      "units": [
        "tests/test_a.py",
        "tests/test_b.py::TestSlow"
      ],
      "markers": "not fast",
      "tests": null,
      "adopted": null
    }
    "#);
}

#[test]
fn a_file_of_which_another_shard_runs_a_part_needs_a_collection() {
    assert_snapshot!(pinned(LOCK).shardplan("select --shard all-2 --format pytest"), @"
    exit: 3
    --- stderr
    error: `tests/test_b.py::TestSlow` of shard `all-1` lies in a file of shard `all-2`, so the lock alone can not be written for pytest
    hint: name what was collected with `--against FILE`: `pytest --shardplan-collect FILE` or `cargo nextest list --message-format json`; the plugin (`pytest --shardplan SHARD`) needs no list
    ");
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
    assert_snapshot!(project.shardplan("select --shard all-2 --against collected.csv --format pytest"), @"
    exit: 0
    --- stdout
    ./-odd.py
    ./@at.py
    tests/test_b.py::test_z
    ");
    assert_snapshot!(project.shardplan("select --shard fast-1 --against collected.csv --format json"), @r#"
    exit: 0
    --- stdout
    {
      "version": 1,
      "lock": "sha256:[DIGEST]",
      "shard": "fast-1",
      "lane": "fast",
      "services": [],
      "units": [
        "tests/test_a.py"
      ],
      "markers": "fast",
      "tests": [
        "tests/new_4.py::t",
        "tests/test_a.py::test_f"
      ],
      "adopted": [
        "tests/new_4.py::t"
      ]
    }
    "#);
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
    assert_snapshot!(project.shardplan("select --shard all-3 --format pytest"), @r"
    exit: 3
    --- stderr
    error: `a\nb.py` has a line break in it: no line can hold it
    hint: use `--format json`, or the plugin (`pytest --shardplan SHARD`)
    ");
    assert_eq!(project.shardplan("select --shard all-3 --format json").code, 0);
}

#[test]
fn a_shard_that_is_not_there_is_named() {
    assert_snapshot!(pinned(LOCK).shardplan("select --shard all-9"), @"
    exit: 3
    --- stderr
    error: the lock has no shard `all-9`; its shards are all-1, all-2, all-3, fast-1
    hint: `shardplan.lock` names the shards, a `[[shard]]` each
    ");
    assert_snapshot!(Project::new().shardplan("select --shard all-9"), @"
    exit: 3
    --- stderr
    error: there is no shardplan.lock: no plan is pinned
    hint: `shardplan suggest --write` pins one
    ");
}

#[test]
fn nextest_gets_a_filterset() {
    let project = pinned(
        r#"version = 1
inputs = ""
limits = {}
predicted = {}
shard = [
    { name = "all-1", lane = "all", units = ["app", "app::cli$slow::one"] },
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
    assert_snapshot!(project.shardplan("select --shard all-1 --format nextest --against list.json"), @"
    exit: 0
    --- stdout
    binary_id(=app) | (binary_id(=app::cli) & (test(=slow::one)))
    ");
    assert_snapshot!(project.shardplan("select --shard all-2 --format nextest --against list.json"), @r"
    exit: 0
    --- stdout
    (binary_id(=app::cli) & (test(=odd\u{20}name\u{20}(a\)\,\u{20}b) | test(=two)))
    ");
    assert_snapshot!(project.shardplan("select --shard all-2 --format nextest"), @"
    exit: 3
    --- stderr
    error: a selector does not say where the binary's id ends, so the lock alone can not be written for nextest
    hint: name what was collected with `--against FILE`: `pytest --shardplan-collect FILE` or `cargo nextest list --message-format json`; the plugin (`pytest --shardplan SHARD`) needs no list
    ");
}
