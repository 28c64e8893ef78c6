//! `shardplan explain`.

use insta::assert_snapshot;

use super::Project;

const MANIFEST: &str = r#"
[services.postgres]
image = "postgres:17"
markers = ["db"]
fixtures = ["session"]
needs = ["dns"]

[services.search]
pull = "10s"
ready = "20s"
attach = "1s"
paths = ["tests/search"]

[services.dns]
containers = 0

[services.mail]

[lanes.all]
base = "10s"
tail = "1s"
unit = "class"

[workflow.jobs.gate]
wall = "20s"
needs = ["all"]

[budget]
containers = 3
"#;

const TESTS: &str = "
tests/test_a.py::TestMarked::test_mark   30  @db
tests/test_a.py::TestPlain::test_plain   10
tests/test_b.py::test_fixture[1]         20  session()
tests/test_b.py::test_fixture[2]         22  session()
tests/search/test_c.py::test_path        40
tests/test_d.py::test_seen               15  postgres
tests/test_e.py::test_off                skip mail
tests/test_a.py::TestPlain::test_new     -
";

fn explained(name: &str) -> String {
    let project = Project::planned(MANIFEST, TESTS);
    let said = project.shardplan(&format!("-q explain {name}"));
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
    said.stdout
}

#[test]
fn the_way_from_a_test_to_a_service_is_shown_with_its_origins() {
    assert_snapshot!(explained("tests/test_a.py::TestMarked::test_mark"), @"
    Test tests/test_a.py::TestMarked::test_mark

    How long

      30s expected, ± 11s, from 1 measurement

    What it needs, and how that is known

      dns: has the mark `db` (tests/test_a.py), which stands for `postgres` (shardplan.toml:5), which needs `dns` (shardplan.toml:7)
      postgres: has the mark `db` (tests/test_a.py), which stands for `postgres` (shardplan.toml:5)

    Where it runs

      on all-2, with 1 other unit
      all-3 could run it too: the loads are evened out
      that shard ends last, after 1m42s: it decides when the workflow ends
    ");
    assert_snapshot!(explained("tests/test_b.py::test_fixture[1]"), @"
    Test tests/test_b.py::test_fixture[1]

    How long

      20s expected, ± 7.1s, from 1 measurement

    What it needs, and how that is known

      dns: uses the fixture `session` (tests/test_b.py), which stands for `postgres` (shardplan.toml:6), which needs `dns` (shardplan.toml:7)
      postgres: uses the fixture `session` (tests/test_b.py), which stands for `postgres` (shardplan.toml:6)

    Where it runs

      on all-3, alone
      all-2 could run it too: the loads are evened out
      that shard is done after 1m39s, 3.0s before the workflow ends
    ");
    assert_snapshot!(explained("tests/search/test_c.py::test_path"), @"
    Test tests/search/test_c.py::test_path

    How long

      40s expected, ± 14s, from 1 measurement

    What it needs, and how that is known

      search: stands in a place that needs `search` (shardplan.toml:13)

    Where it runs

      on all-4, alone
      it is the only one of 4 shards that starts what it needs
      that shard ends last, after 1m42s: it decides when the workflow ends
    ");
    assert_snapshot!(explained("tests/test_d.py::test_seen"), @"
    Test tests/test_d.py::test_seen

    How long

      15s expected, ± 5.3s, from 1 measurement

    What it needs, and how that is known

      dns: tried to reach `postgres` (inventory.csv:7), which needs `dns` (shardplan.toml:7)
      postgres: tried to reach `postgres` (inventory.csv:7)

    Where it runs

      on all-2, with 1 other unit
      all-3 could run it too: the loads are evened out
      that shard ends last, after 1m42s: it decides when the workflow ends
    ");
}

#[test]
fn a_declared_need_is_told_from_an_observed_one() {
    let project = Project::planned(MANIFEST, TESTS);
    let inventory = r#"{
        "version": 1,
        "tests": [
            {
                "id": "t.py::a",
                "needs": [
                    { "service": "mail", "at": "t.py:7" },
                    { "service": "search", "evidence": "observed", "at": "conftest.py:12" }
                ]
            }
        ]
    }"#;
    project.write("inventory.json", inventory);
    let said = project.shardplan("-q explain t.py::a --inventory inventory.json");
    assert_snapshot!(said.stdout, @"
    Test t.py::a

    How long

      23s expected: never measured, taken to be like all tests

    What it needs, and how that is known

      mail: is declared to need `mail` (t.py:7)
      search: tried to reach `search` (conftest.py:12)

    Where it runs

      on all-1, alone
      it is the only shard of lane `all`
      that shard ends last, after 1m34s: it decides when the workflow ends
    ");
}

#[test]
fn a_test_that_never_ran_and_one_that_is_always_skipped_say_so() {
    assert_snapshot!(explained("tests/test_a.py::TestPlain::test_new"), @"
    Test tests/test_a.py::TestPlain::test_new

    How long

      23s expected: never measured, taken to be like its folder

    What it needs, and how that is known

      no service that anybody knows of

    Where it runs

      on all-1, with 1 other unit
      all-2, all-3 and all-4 could run it too: the loads are evened out
      that shard is done after 1m04s, 38s before the workflow ends
    ");
    assert_snapshot!(explained("tests/test_e.py::test_off"), @"
    Test tests/test_e.py::test_off

    How long

      0s expected: it will be skipped
      skipped in 1 of 1 run

    What it needs, and how that is known

      mail: tried to reach `mail` (inventory.csv:8)
      `mail` is not started for 1 test of `all`: skipped in every run.

    Where it runs

      on all-1, with 1 other unit
      all-2, all-3 and all-4 could run it too: the loads are evened out
      that shard is done after 1m04s, 38s before the workflow ends
    ");
}

#[test]
fn a_class_is_a_unit() {
    assert_snapshot!(explained("tests/test_a.py::TestPlain"), @"
    Unit tests/test_a.py::TestPlain

    How long

      33s in 2 tests

    What it needs, and how that is known

      nothing beyond what its lane starts everywhere

    Where it runs

      on all-1, with 1 other unit
      all-2, all-3 and all-4 could run it too: the loads are evened out
      that shard is done after 1m04s, 38s before the workflow ends
    ");
}

#[test]
fn a_file_whose_classes_are_units_is_explained_as_a_whole() {
    assert_snapshot!(explained("tests/test_a.py"), @"
    tests/test_a.py is in 2 units

    Where they run

          30s  tests/test_a.py::TestMarked on all-2
          33s  tests/test_a.py::TestPlain on all-1
    ");
}

#[test]
fn a_shard_says_what_its_time_goes_into() {
    assert_snapshot!(explained("all-1"), @"
    Shard all-1

    Its time

      10s before the tests: checkout, installation, collection
      0s for its services
      33s for 3 tests
      1.0s after the tests
      44s in all; 58s in nine of ten runs

    Its services

      none

    Its longest units

          33s  tests/test_a.py::TestPlain
           0s  tests/test_e.py

    What binds

      `tests/search/test_c.py` alone takes 40s of tests on a shard of its own: make that test faster to end earlier.
    ");
}

#[test]
fn a_service_says_what_it_costs_and_who_needs_it() {
    assert_snapshot!(explained("postgres"), @"
    Service postgres

    What it costs

      1 container each time it is started
      5.0s to download, 6.0s to become ready, 2.0s for the first test on it (from the catalogue)
      started by all-2 and all-3

    What needs it

      3 units with 1m27s of tests
          42s  tests/test_b.py
          30s  tests/test_a.py::TestMarked
          15s  tests/test_d.py
    ");
    assert_snapshot!(explained("mail"), @"
    Service mail

    What it costs

      1 container each time it is started
      8.0s to download, 10s to become ready, 1.0s for the first test on it (from the default)
      no shard starts it

    What needs it

      no test that will run
      `mail` is not started for 1 test of `all`: skipped in every run.
    ");
}

#[test]
fn a_lane_says_what_it_is() {
    assert_snapshot!(explained("all"), @"
    Lane all

    What it is

      6 units with 2m40s of tests in all
      10s before and 1.0s after the tests in every shard
      one test at a time
      declared at shardplan.toml:20
      0s of other jobs before it and 20s after it

    Its shards

      all-1: —, job 44s
      all-2: dns postgres, job 1m22s
      all-3: dns postgres, job 1m19s
      all-4: search, job 1m22s
    ");
}

#[test]
fn a_name_that_nothing_bears_is_answered_with_the_nearest() {
    let project = Project::planned(MANIFEST, TESTS);
    assert_snapshot!(project.shardplan("-q explain postgers"), @"
    exit: 3
    --- stderr
    error: no test, file, shard, service, lane or runner is called `postgers`
    hint: did you mean `postgres`?
    ");
    assert_snapshot!(project.shardplan("-q explain test_fixture"), @"
    exit: 3
    --- stderr
    error: no test, file, shard, service, lane or runner is called `test_fixture`
    hint: did you mean `tests/test_b.py::test_fixture[1]`?
    hint: did you mean `tests/test_b.py::test_fixture[2]`?
    ");
    assert_snapshot!(project.shardplan("-q explain tests/test_f.py"), @"
    exit: 3
    --- stderr
    error: no test, file, shard, service, lane or runner is called `tests/test_f.py`
    hint: did you mean `tests/test_b.py`?
    ");
    assert_snapshot!(project.shardplan("-q explain qqqqqqqqqqqqqqqqqqqqqqqqqq"), @"
    exit: 3
    --- stderr
    error: no test, file, shard, service, lane or runner is called `qqqqqqqqqqqqqqqqqqqqqqqqqq`
    ");
}

#[test]
fn machines_and_pull_requests_read_the_same() {
    let project = Project::planned(MANIFEST, TESTS);
    let json = project.shardplan("-q explain mail --format json").json();
    assert_eq!((&json["version"], &json["title"]), (&1.into(), &"Service mail".into()));
    assert_snapshot!(project.shardplan("-q explain mail --format markdown").stdout, @r#"
    ### Service mail

    **What it costs**

    - 1 container each time it is started
    - 8.0s to download, 10s to become ready, 1.0s for the first test on it (from the default)
    - no shard starts it

    **What needs it**

    - no test that will run
    - \`mail\` is not started for 1 test of \`all\`: skipped in every run.
    "#);
}

#[test]
fn what_is_pinned_is_explained_as_it_stands() {
    let project = Project::planned(MANIFEST, TESTS);
    let lock = |shards: &str| {
        format!("version = 1\ninputs = ''\nlimits = {{}}\npredicted = {{}}\nshard = [{shards}]\n")
    };
    project.write(
        "shardplan.lock",
        lock(
            r#"
    { name = "all-1", lane = "all", services = ["postgres", "dns", "search"], units = ["tests/test_a.py", "tests/test_b.py", "tests/search"] },
    { name = "all-7", lane = "all", services = ["postgres", "dns"], units = ["tests/test_d.py"] },
"#,
        ),
    );
    assert_snapshot!(project.shardplan("explain tests/test_d.py"), @"
    exit: 0
    --- stdout
    Unit tests/test_d.py

    How long

      15s in 1 test

    What it needs, and how that is known

      dns: 1 of 1 test, such as tests/test_d.py::test_seen, which tried to reach `postgres` (inventory.csv:7), which needs `dns` (shardplan.toml:7)
      postgres: 1 of 1 test, such as tests/test_d.py::test_seen, which tried to reach `postgres` (inventory.csv:7)

    Where it runs

      on all-7, alone
      all-1 could run it too: the loads are evened out
      that shard is done after 1m12s, 2m31s before the workflow ends
    --- stderr
            Read 8 tests and 1 run in 1 lane
    warning: shardplan.lock has 1 fault: `tests/test_e.py` runs nowhere
    hint: `shardplan suggest --write` writes it anew
    ");
    assert_snapshot!(project.shardplan("-q explain tests/test_e.py"), @"
    exit: 0
    --- stdout
    Unit tests/test_e.py

    How long

      0s in 1 test

    What it needs, and how that is known

      `mail` is not started for 1 test of `all`: skipped in every run.

    Where it runs

      no shard of the plan names it
    ");
}

#[test]
fn the_way_through_the_sources_is_shown_step_by_step_each_with_its_line() {
    let project = Project::new();
    project.write("shardplan.toml", "[services.postgres]\n[lanes.all]\n[budget]\ncontainers = 1\n");
    project.write("app/__init__.py", "");
    project.write(
        "app/store.py",
        "import psycopg\n\n\ndef opened():\n    return psycopg.connect('dbname=shop')\n\n\nclass Cart:\n    def total(self):\n        return opened().execute('select 1')\n",
    );
    project.write(
        "tests/conftest.py",
        "import pytest\n\nfrom app.store import Cart\n\n\n@pytest.fixture\ndef total():\n    return Cart().total()\n",
    );
    project.write(
        "tests/test_cart.py",
        "def test_total(total):\n    assert total\n\n\ndef test_nothing():\n    pass\n",
    );
    let said = project.shardplan("-q explain tests/test_cart.py::test_total");
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
    let way: Vec<&str> = said
        .stdout
        .lines()
        .skip_while(|line| *line != "The way to postgres")
        .skip(1)
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take_while(|line| *line != "Where it runs")
        .collect();
    assert_eq!(
        way,
        [
            "the fixture `total` leads on (tests/conftest.py:8)",
            "the function `Cart.total` leads on (app/store.py:10)",
            "the function `opened` comes to psycopg.connect (app/store.py:5)",
        ]
    );
    let said = project.shardplan("-q explain tests/test_cart.py::test_nothing");
    assert_eq!(said.code, 0, "{said}");
    assert!(!said.stdout.contains("The way to"), "{said}");
    assert!(said.stdout.contains("no service that anybody knows of"), "{said}");
}

#[test]
fn a_test_is_explained_while_another_is_in_no_lane() {
    let project = Project::new();
    project.write("shardplan.toml", "[lanes.unit]\nmarkers = \"not slow\"\n");
    project.write(
        "tests/test_a.py",
        "import pytest\n\n\ndef test_fast():\n    pass\n\n\n@pytest.mark.slow\ndef test_slow():\n    pass\n",
    );
    let said = project.shardplan("explain tests/test_a.py::test_fast");
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stdout.contains("on unit-1, alone"), "{said}");
    assert!(said.stderr.contains("no lane selects 1 test: `shardplan suggest` refuses to plan"), "{said}");
    let said = project.shardplan("-q explain tests/test_a.py::test_slow");
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stdout.contains("no lane selects it: it will not run"), "{said}");
}
