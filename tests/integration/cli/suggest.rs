//! `shardplan suggest`.

use std::path::Path;

use insta::assert_snapshot;

use super::{Project, Said, strings};

/// Two lanes, one of them with a database: what most of these tests change one thing of.
const TWO_LANES: &str = r#"
[services.db]
pull = "3s"
ready = "6s"
attach = "1s"

[lanes.unit]
paths = ["tests/unit"]
base = "10s"
tail = "0s"

[lanes.heavy]
paths = ["tests/db"]
base = "10s"
tail = "0s"
"#;

const TWO_LANES_TESTS: &str = "
tests/unit/test_a.py::test_one    5
tests/unit/test_b.py::test_two    7
tests/db/test_c.py::test_three   60  db
tests/db/test_d.py::test_four    50  db
tests/db/test_e.py::test_five    40
";

/// Runs a command on the worked example, which stays as it is.
fn relyloop(words: &str) -> Said {
    let project = Project::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/relyloop");
    project.shardplan(&format!("-C {} {words}", example.display()))
}

#[test]
fn the_worked_example_starts_from_what_its_team_has() {
    let said = relyloop("suggest --budget 4 --format json");
    assert_eq!(
        said.shards(),
        ["heavy-1: elasticsearch opensearch postgres redis: 1353", "unit-1: : 2842"],
        "{said}"
    );
    assert_snapshot!(relyloop("-q suggest --budget 4"), @r#"
    exit: 0
    --- stdout
    The workflow ends in 8m38s (±0s against today); in nine of ten runs within 9m25s.
    4 containers in 2 shards, 33 billed minutes.

      shard    services             tests  base  boot  tests run    job    p90  slack
      heavy-1  elasticsearch         1353   30s   49s      6m50s  8m14s  9m01s      —  ░░░████████████████████░
               opensearch postgres
               redis
      unit-1   —                     2842   30s    0s        21s    56s  1m03s  7m18s  ░█

      Critical path  heavy-1 → coverage-gate
      Proof          no plan within these limits ends before 8m38s; gap 0 %
                     The limit of 4 containers (`--budget`) binds: more would end it earlier.

    Compared, on the same estimates

                 ends in  change  containers  shards  billed min  faults
      this plan    8m38s                   4       2          33       0
      today        8m38s     ±0s           4       2          33       0

    What the next steps buy

      containers  ends in  earlier by  billed min  shards
               5    4m53s       3m44s          34  heavy ×2 + unit
               6    3m44s       1m09s          36  heavy ×3 + unit
               7    3m39s        5.0s          36  heavy ×3 + unit

    Notes

      · 108 tests of 4195 never ran in the history: they are taken to be like their file (22) or folder (86).
      · `api` is not started for 2 tests of `heavy`: always skipped, and today's job does not start it either.
      · `solr` is not started for 6 tests of `heavy`: always skipped, and today's job does not start it either.
      · `solr` is not started for 1 test of `heavy`: passed without it, and today's job does not start it either.
      · `postgres` is not started for 1 test of `unit`: today's job does not start it either. If it should, set `provision = "always"`.
      · `solr` is not started for 6 tests of `unit`: passed without it, and today's job does not start it either.
      · Test times of `heavy` are taken 0.752 times what the history says (shardplan.toml:59).
      · Test times of `unit` are taken 4.67 times what the history says (shardplan.toml:48).
    "#);
}

#[test]
fn the_worked_example_ends_earlier_with_every_container_and_proves_it() {
    let mut before = u64::MAX;
    for budget in 4..=8 {
        let plan = relyloop(&format!("-q suggest --budget {budget} --format json")).json();
        let end = plan["end_ms"].as_u64().unwrap();
        assert!(end < before, "{budget} containers end after {end} ms, {before} before");
        assert!(plan["gap"].as_f64().unwrap() <= 0.001, "{budget} containers: {plan}");
        assert!(plan["containers"].as_u64().unwrap() <= budget);
        before = end;
    }
}

#[test]
fn a_plan_made_by_hand_is_scored_and_its_faults_are_shown() {
    let said = relyloop("-q suggest --budget 11 --compare win3-by-mentions.toml --format json");
    let plan = said.json();
    let others = plan["others"].as_array().unwrap();
    let by_hand = others.iter().find(|other| other["name"] == "win3-by-mentions").unwrap();
    assert!(!strings(&by_hand["faults"]).is_empty(), "{said}");
    assert!(by_hand["end_ms"].as_u64() > plan["end_ms"].as_u64(), "{said}");
}

#[test]
fn a_plan_made_by_hand_may_forget_units_and_start_too_little() {
    let project = Project::planned(TWO_LANES, TWO_LANES_TESTS);
    project.write(
        "mine.toml",
        r#"
version = 1
inputs = ""
limits = {}
predicted = {}
shard = [
    { name = "first", lane = "heavy", units = ["tests/db/test_c.py", "tests/db/test_e.py"] },
    { name = "second", lane = "heavy", services = ["db"], units = ["tests/db/test_d.py"] },
]
"#,
    );
    let said = project.shardplan("-q suggest --budget 2 --compare mine.toml");
    assert_snapshot!(said, @"
    exit: 0
    --- stdout
    The workflow ends in 1m20s; in nine of ten runs within 1m54s.
    2 containers in 4 shards, 6 billed minutes.

      shard    services  tests  base  boot  tests run    job    p90  slack
      heavy-1  —             1   10s    0s        40s    50s  1m09s    30s  ░░░████████████
      heavy-2  db            1   10s   10s      1m00s  1m20s  1m49s      —  ░░░░░░██████████████████
      heavy-3  db            1   10s   10s        50s  1m10s  1m34s    10s  ░░░░░░███████████████
      unit-1   —             2   10s    0s        12s    22s    27s    58s  ░░░███

      Critical path  heavy-2
      Proof          no plan within these limits ends before 1m20s; gap 0 %
                     `tests/db/test_c.py` alone takes 1m00s of tests on a shard of its own: make that test faster to end earlier.

    Compared, on the same estimates

                 ends in  change  containers  shards  billed min  faults
      this plan    1m20s                   2       4           6       0
      mine         1m50s    +30s           1       2           4       3
      mine: `tests/unit/test_a.py` runs nowhere
      mine: `tests/unit/test_b.py` runs nowhere
      mine: `tests/db/test_c.py` needs `db`, which `first` does not start

    Notes

      · One run is known: how much times vary is assumed, not measured.
    ");
}

#[test]
fn a_plan_made_by_hand_is_told_of_names_that_nobody_declared_and_of_files_that_it_tears() {
    let tests = "
tests/unit/test_a.py::test_one    5
tests/db/test_c.py::TestC::test_three   60  db
tests/db/test_c.py::test_more[a::b]     60  db
";
    let project = Project::planned(TWO_LANES, tests);
    project.write(
        "mine.toml",
        r#"
version = 1
inputs = ""
limits = {}
predicted = {}
shard = [
    { name = "first", lane = "heavy", services = ["db", "dbb"], units = ["tests/db/test_c.py::TestC"] },
    { name = "second", lane = "heavy", services = ["db"], units = ["tests/db/test_c.py"] },
    { name = "third", lane = "unti", units = ["tests/unit/test_a.py", "tests/unit/test_gone.py"] },
]
"#,
    );
    let said = project.shardplan("-q suggest --budget 2 --compare mine.toml --format json");
    let plan = said.json();
    let others = plan["others"].as_array().unwrap();
    let faults = strings(&others.iter().find(|other| other["name"] == "mine").unwrap()["faults"]).join("\n");
    assert_snapshot!(faults, @"
    `first` starts `dbb`, which is not declared; did you mean `db`?
    `third` is of lane `unti`, which is not declared; did you mean `unit`?
    `tests/unit/test_gone.py` of `third` is no test
    `tests/db/test_c.py` is moved as a whole, but `first` and `second` share it
    `tests/unit/test_a.py` runs nowhere
    ");
}

#[test]
fn a_shard_of_a_lock_has_a_plain_name() {
    let project = Project::planned(TWO_LANES, TWO_LANES_TESTS);
    let shard = r#"{ name = "a; curl x | sh", lane = "heavy", units = [] }"#;
    project.write(
        "mine.toml",
        format!("version = 1\ninputs = ''\nlimits = {{}}\npredicted = {{}}\nshard = [{shard}]"),
    );
    assert_snapshot!(project.shardplan("-q suggest --compare mine.toml"), @"
    exit: 3
    --- stderr
    error: mine.toml:5: this is no lock: `a; curl x | sh` is not a shard name: use 1 to 80 letters, digits, `-` and `_`, starting with a letter or digit
    ");
}

#[test]
fn the_inventory_that_an_audit_writes_is_read_again_with_how_each_need_is_known() {
    let project = Project::empty();
    project.write(
        "conftest.py",
        "import pytest, redis\n\n@pytest.fixture\ndef cache():\n    return redis.Redis()\n",
    );
    project.write("test_a.py", "def test_cache(cache):\n    pass\n\ndef test_plain():\n    pass\n");
    project.shardplan("audit --write-inventory written.csv --select SP305");
    let written = std::fs::read_to_string(project.path("written.csv")).unwrap();
    assert!(
        written.contains("test_a.py::test_cache,test_a.py,,cache,redis,fixture:conftest.py:5"),
        "{written}"
    );
    let said = project.shardplan("explain test_a.py::test_cache --inventory written.csv");
    assert!(said.stdout.contains("has a fixture that opens `redis` (conftest.py:5)"), "{said}");
    project.write("short.csv", "test,needs,evidence\ntest_a.py::test_cache,redis postgres,guard:a.py:1\n");
    let said = project.shardplan("suggest --inventory short.csv");
    assert!(said.stderr.contains("short.csv:2: `evidence` has 1 and `needs` 2"), "{said}");
}

#[test]
fn an_inventory_table_has_no_column_that_nobody_knows() {
    let project = Project::new();
    for (header, said) in [
        ("test,markrs", "inventory.csv:1: column `markrs` is not known; did you mean `markers`?"),
        ("test,colour", "inventory.csv:1: column `colour` is not known; the columns are `test`"),
        ("test,node_id", "inventory.csv:1: column `node_id` stands twice"),
        ("test,file,file", "inventory.csv:1: column `file` stands twice"),
    ] {
        project.write("inventory.csv", format!("{header}\nt/test_a.py::test_it,x,y\n"));
        let refused = project.shardplan("suggest --inventory inventory.csv");
        assert_eq!(refused.code, 3, "{refused}");
        assert!(refused.stderr.contains(said), "{refused}");
    }
}

#[test]
fn a_budget_that_is_too_small_names_what_clashes_and_the_cure() {
    let project = Project::planned(TWO_LANES, TWO_LANES_TESTS);
    assert_snapshot!(project.shardplan("suggest --budget 0"), @r#"
    exit: 4
    --- stderr
            Read 5 tests and 1 run in 2 lanes
    error: no plan can keep these constraints together
      · at most 0 containers (`--budget`)
      · lane `heavy` needs `db` (1 container) for `tests/db/test_c.py` and 1 more
    hint: allow 1 container: `--budget 1`
    hint: do without `db`, needed by 2 units: `provision = "never"` in `[services.db]`
    "#);
    let project = Project::planned(&format!("{TWO_LANES}[budget]\ncontainers = 0\n"), TWO_LANES_TESTS);
    let said = project.shardplan("suggest");
    assert_eq!(said.code, 4, "{said}");
    assert!(said.stderr.contains("at most 0 containers (shardplan.toml:18)"), "{said}");
}

#[test]
fn where_two_limits_clash_each_by_itself_both_are_named_with_what_helps() {
    let project = Project::planned(TWO_LANES, TWO_LANES_TESTS);
    assert_snapshot!(project.shardplan("-q suggest --max-shards 1 --max-minutes 1"), @"
    exit: 4
    --- stderr
    error: no plan can keep these constraints together
      · at most 1 shard (`--max-shards`), for 2 lanes
      · at most 1 billed minute (`--max-minutes`)
    hint: allow 2 shards: `--max-shards 2`, and allow 4 billed minutes: `--max-minutes 4`
    ");
    let loosened = project.shardplan("-q suggest --max-shards 2 --max-minutes 4");
    assert_eq!(loosened.code, 0, "{loosened}");
}

#[test]
fn a_service_that_a_lane_starts_everywhere_is_given_up_in_both_places() {
    let manifest = TWO_LANES.replace("paths = [\"tests/db\"]", "paths = [\"tests/db\"]\nservices = [\"db\"]");
    let project = Project::planned(&manifest, TWO_LANES_TESTS);
    assert_snapshot!(project.shardplan("-q suggest --budget 0"), @r#"
    exit: 4
    --- stderr
    error: no plan can keep these constraints together
      · at most 0 containers (`--budget`)
      · lane `heavy` needs `db` (1 container) for `tests/db/test_c.py` and 2 more
    hint: allow 1 container: `--budget 1`
    hint: do without `db`, needed by 3 units: `provision = "never"` in `[services.db]`, and out of `services` of `heavy`
    "#);
}

#[test]
fn a_target_that_a_unit_can_not_reach_names_the_unit() {
    let project = Project::planned(TWO_LANES, TWO_LANES_TESTS);
    assert_snapshot!(project.shardplan("suggest --target 1m"), @"
    exit: 4
    --- stderr
            Read 5 tests and 1 run in 2 lanes
    error: no plan can keep these constraints together
      · the workflow ends within 1m00s (`--target`)
      · `tests/db/test_c.py` alone ends the workflow after 1m20s
    hint: allow 1m20s: `--target 80s`
    ");
}

#[test]
fn a_target_that_the_other_jobs_can_not_reach_names_them() {
    let manifest = format!("{TWO_LANES}\n[workflow.jobs.docs]\nwall = \"4m\"\n");
    let project = Project::planned(&manifest, TWO_LANES_TESTS);
    assert_snapshot!(project.shardplan("suggest --target 3m"), @"
    exit: 4
    --- stderr
            Read 5 tests and 1 run in 2 lanes
    error: no plan can keep these constraints together
      · the workflow ends within 3m00s (`--target`)
      · the other jobs (docs) take 4m00s by themselves
    hint: allow 4m00s: `--target 240s`
    ");
}

#[test]
fn a_target_is_reached_with_the_fewest_containers_that_can() {
    let project = Project::planned(TWO_LANES, TWO_LANES_TESTS);
    let slow = project.shardplan("-q suggest --target 3m --format json").json();
    assert_eq!(slow["containers"], 1);
    let fast = project.shardplan("-q suggest --target 85s --format json").json();
    assert_eq!(fast["containers"], 2);
    assert!(fast["end_ms"].as_u64().unwrap() <= 85_000);
}

#[test]
fn limits_on_shards_and_minutes_are_kept() {
    let project = Project::planned(TWO_LANES, TWO_LANES_TESTS);
    let free = project.shardplan("-q suggest --budget 9 --format json").json();
    assert_eq!(free["shards"].as_array().unwrap().len(), 4);
    let few = project.shardplan("-q suggest --budget 9 --max-shards 3 --format json").json();
    assert_eq!(few["shards"].as_array().unwrap().len(), 3);
    let cheap = project.shardplan("-q suggest --budget 9 --max-minutes 4 --format json").json();
    assert!(cheap["billed_minutes"].as_u64().unwrap() <= 4, "{cheap}");
    let said = project.shardplan("suggest --max-shards 1");
    assert_eq!(said.code, 4, "{said}");
    assert!(said.stderr.contains("at most 1 shard (`--max-shards`)"), "{said}");
    assert!(said.stderr.contains("hint: allow 2 shards: `--max-shards 2`"), "{said}");
}

#[test]
fn without_a_history_tests_are_counted_and_the_plan_says_so() {
    let tests = "
tests/unit/test_a.py::test_one    -
tests/db/test_c.py::test_three    -  db
tests/db/test_d.py::test_four     -  db
";
    let project = Project::planned(TWO_LANES, tests);
    assert_snapshot!(project.shardplan("suggest --budget 2"), @"
    exit: 0
    --- stdout
    No duration is known. If every test took a second, the workflow would end in 21s.
    2 containers in 3 shards, 3 billed minutes.

      shard    services  tests  base  boot  tests run  job  p90  slack
      heavy-1  db            1   10s   10s       1.0s  21s  25s      —  ░░░░░░░░░░░░░░░░░░░░░░██
      heavy-2  db            1   10s   10s       1.0s  21s  25s      —  ░░░░░░░░░░░░░░░░░░░░░░██
      unit-1   —             1   10s    0s       1.0s  11s  13s    10s  ░░░░░░░░░░░█

      Critical path  heavy-1
      Proof          no plan within these limits ends before 21s; gap 0 %
                     `tests/db/test_c.py` alone takes 1.0s of tests on a shard of its own: make that test faster to end earlier.

    Notes

      · There are no durations: 3 tests count as a second each, so the times are only proportions. `shardplan ingest REPORT` makes them real.
    --- stderr
            Read 3 tests and 0 runs in 2 lanes
         Planned 3 units on 3 shards, checked
    hint: `--write` pins this plan in shardplan.lock; `shardplan explain NAME` says why something is where it is
    ");
}

#[test]
fn an_inventory_that_can_not_be_read_is_named_with_its_line() {
    let project = Project::planned(TWO_LANES, TWO_LANES_TESTS);
    let mut answers = String::new();
    for content in [
        b"".as_slice(),
        b"test,markers\n",
        b"name,file\na,b\n",
        b"test,markers\nt.py::a,x\nt.py::b,not-a-mark\n",
        b"test\nt.py::a\nt.py::caf\xE9\n",
        b"{\"version\": 2, \"tests\": []}",
        b"{\"version\": 2, \"suites\": {}}",
        b"{\"version\": 1,\n\"tests\": [{\"id\": \"t.py::a\", \"mark\": []}]}",
        b"{\"version\": 1, \"tests\": []}",
        b"{\"version\": 1,\n\"tests\": [",
        b"{\"version\": 1, \"tests\": [{\"id\": \"t.py::a\", \"needs\": [{\"service\": \"a b\"}]}]}",
    ] {
        project.write("inventory.csv", content);
        let said = project.shardplan("suggest --budget 2");
        assert_eq!((said.code, said.stdout.as_str()), (3, ""), "{said}");
        answers.push_str(&said.stderr);
    }
    assert_snapshot!(answers, @"
    error: inventory.csv: the inventory is empty: it needs at least one test
    hint: docs/formats.md shows both forms, JSON and CSV
    error: inventory.csv: the inventory lists no test
    hint: docs/formats.md shows both forms, JSON and CSV
    error: inventory.csv:1: this is no inventory: its first line has neither a column `test` nor `node_id`
    hint: docs/formats.md shows both forms, JSON and CSV
    error: inventory.csv:3: `not-a-mark` is not a marker name: a pytest mark is a Python identifier
    hint: docs/formats.md shows both forms, JSON and CSV
    error: inventory.csv:3: this is not UTF-8: save the inventory as UTF-8
    hint: docs/formats.md shows both forms, JSON and CSV
    error: inventory.csv: inventory version 2 is not known here: this program reads version 1
    hint: docs/formats.md shows both forms, JSON and CSV
    error: inventory.csv: inventory version 2 is not known here: this program reads version 1
    hint: docs/formats.md shows both forms, JSON and CSV
    error: inventory.csv:2: this is no inventory of version 1: unknown field `mark`, expected one of `id`, `file`, `class`, `outcome`, `marks`, `markers`, `fixtures`, `needs`
    hint: docs/formats.md shows both forms, JSON and CSV
    error: inventory.csv: the inventory lists no test
    hint: docs/formats.md shows both forms, JSON and CSV
    error: inventory.csv:2: this is no inventory of version 1: EOF while parsing a list
    hint: docs/formats.md shows both forms, JSON and CSV
    error: inventory.csv: test `t.py::a`: `a b` is not a service name: use 1 to 64 letters, digits, `-` and `_`, starting with a letter or digit
    hint: docs/formats.md shows both forms, JSON and CSV
    ");
    assert_snapshot!(project.shardplan("suggest --inventory nowhere.json"), @"
    exit: 3
    --- stderr
    error: could not read the inventory `nowhere.json`: No such file or directory (os error 2)
    ");
}

#[test]
fn a_service_that_only_the_inventory_knows_is_named_with_the_nearest() {
    let tests = "tests/unit/test_a.py::test_one 5 dbb\ntests/db/test_b.py::test_two 5 kafka\n";
    let project = Project::planned(TWO_LANES, tests);
    assert_snapshot!(project.shardplan("suggest"), @"
    exit: 3
    --- stderr
            Read 2 tests and 1 run in 2 lanes
    error: tests/unit/test_a.py::test_one needs service `dbb`, which the manifest does not declare (inventory.csv:2)
    hint: did you mean `db`? Else declare it with `[services.dbb]`
    ");
}

#[test]
fn a_test_may_not_run_twice() {
    let manifest = "[lanes.all]\n[lanes.db]\npaths = [\"tests/db\"]\n";
    let project = Project::planned(manifest, TWO_LANES_TESTS.replace("db\n", "\n").as_str());
    assert_snapshot!(project.shardplan("suggest"), @"
    exit: 3
    --- stderr
            Read 5 tests and 1 run in 2 lanes
    error: tests/db/test_c.py::test_three is selected by two lanes, `all` (shardplan.toml:2) and `db` (shardplan.toml:3): it would run twice (3 such tests)
    hint: narrow `paths`, `exclude` or `markers` of one of the two
    ");
}

#[test]
fn a_test_may_run_nowhere_only_where_that_is_allowed() {
    let tests = format!("{TWO_LANES_TESTS}tests/e2e/test_x.py::test_page 9\n");
    let project = Project::planned(TWO_LANES, &tests);
    assert_snapshot!(project.shardplan("suggest"), @r#"
    exit: 3
    --- stderr
            Read 6 tests and 1 run in 2 lanes
    error: tests/e2e/test_x.py::test_page is selected by no lane: it would run nowhere (1 such test)
    hint: widen a lane's `paths` or `markers`, or leave such tests out with `unassigned = "ignore"` in `[project]`
    "#);
    let project = Project::planned(&format!("project.unassigned = \"ignore\"\n{TWO_LANES}"), &tests);
    let said = project.shardplan("suggest --budget 2");
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stdout.contains("1 test is selected by no lane"), "{said}");
}

#[test]
fn a_unit_that_outlasts_all_others_is_named_and_split_where_that_is_allowed() {
    let tests = "
tests/test_long.py::test_a  40
tests/test_long.py::test_b  40
tests/test_long.py::test_c  40
tests/test_short.py::test_d  5
";
    let whole = Project::planned("[lanes.all]\nbase = \"10s\"\ntail = \"0s\"\n", tests);
    let text = whole.shardplan("-q suggest").stdout;
    assert!(text.contains("`tests/test_long.py` alone takes 2m00s of tests"), "{text}");
    let split = Project::planned("[lanes.all]\nbase = \"10s\"\ntail = \"0s\"\nunit = \"auto\"\n", tests);
    let said = split.shardplan("-q suggest --format json");
    assert_eq!(said.json()["end_ms"], 50_000, "{said}");
    let text = split.shardplan("-q suggest").stdout;
    assert!(text.contains("alone takes 40s of tests on a shard of its own: make that test faster"), "{text}");
}

#[test]
fn a_container_is_started_for_a_test_that_will_use_it() {
    let manifest = "[services.db]\n[services.mail]\n[services.cache]\n[lanes.all]\n";
    let tests = "
t/test_a.py::test_uses     9     db
t/test_b.py::test_skipped  skip  mail
t/test_c.py::test_new      -     cache
";
    let project = Project::planned(manifest, tests);
    let said = project.shardplan("-q suggest --max-shards 1 --format json");
    assert_eq!(said.shards(), ["all-1: cache db: 3"], "{said}");
    let notes = said.json()["notes"].to_string();
    assert!(notes.contains("`mail` is not started for 1 test of `all`: skipped in every run."), "{notes}");
}

#[test]
fn together_and_apart_contradict_each_other() {
    let groups = r#"
[groups.ledger]
rule = "together"
members = ["tests/db/test_c.py", "tests/db/test_d.py"]

[groups.locks]
rule = "apart"
members = ["tests/db/*.py"]
"#;
    let project = Project::planned(&format!("{TWO_LANES}{groups}"), TWO_LANES_TESTS);
    assert_snapshot!(project.shardplan("suggest"), @"
    exit: 4
    --- stderr
            Read 5 tests and 1 run in 2 lanes
    error: group `locks` (shardplan.toml:22) wants `tests/db/test_c.py` and `tests/db/test_d.py` apart, but group `ledger` (shardplan.toml:18) wants them together
    hint: take one of the two out of a group, or use a finer `unit`
    ");
}

#[test]
fn a_class_and_the_file_around_it_are_no_two_things_to_keep_apart() {
    let groups = r#"
[groups.locks]
rule = "apart"
members = ["tests/db/test_c.py::TestC", "tests/db/test_c.py", "tests/db/test_d.py"]
"#;
    let tests = "
tests/db/test_c.py::TestC::test_three   60  db
tests/db/test_c.py::test_more           60  db
tests/db/test_d.py::test_four           50  db
tests/unit/test_a.py::test_one           5
";
    let project = Project::planned(&format!("{TWO_LANES}{groups}"), tests);
    let said = project.shardplan("-q suggest --budget 2 --format json");
    assert_eq!(said.shards(), ["heavy-1: db: 2", "heavy-2: db: 1", "unit-1: : 1"], "{said}");
}

#[test]
fn tests_whose_ids_are_no_paths_can_be_together_and_apart() {
    let groups = r#"
[lanes.heavy]
base = "1s"
[groups.ledger]
rule = "together"
members = ["crate-a", "crate-b"]
[groups.locks]
rule = "apart"
members = ["crate-b", "crate-a"]
"#;
    let project = Project::new();
    project.write("shardplan.toml", format!("project.inventory = \"inventory.csv\"{groups}"));
    project.write("inventory.csv", "test,file\none::works,crate-a\ntwo::works,crate-b\n");
    assert_snapshot!(project.shardplan("-q suggest"), @"
    exit: 4
    --- stderr
    error: group `locks` (shardplan.toml:7) wants `crate-a` and `crate-b` apart, but group `ledger` (shardplan.toml:4) wants them together
    hint: take one of the two out of a group, or use a finer `unit`
    ");
}

#[test]
fn what_no_test_is_concerned_by_is_said() {
    let manifest = r#"
project.inventory = "inventory.csv"
[services.db]
markers = ["database", "databse"]
fixtures = ["db", "connection"]
paths = ["t", "tests"]
[services.mail]
[services.queue]
[lanes.all]
exclude = ["t/nothing"]
today = { services = ["db", "queue"] }
[lanes.slow]
paths = ["slow"]
[groups.alone]
rule = "together"
members = ["t/test_a.py"]
"#;
    let project = Project::new();
    project.write("shardplan.toml", manifest);
    project.add_tests("t/test_a.py::test_one 5 @database db()\nt/test_b.py::test_two 5");
    assert_snapshot!(project.shardplan("-q suggest --format json").notes(), @"
    One run is known: how much times vary is assumed, not measured.
    Lane `slow` (shardplan.toml:12) selects no test.
    No test bears the mark `databse`, which stands for `db` (shardplan.toml:4).
    No test uses the fixture `connection`, which stands for `db` (shardplan.toml:5).
    `tests`, which stands for `db` (shardplan.toml:6), holds no test.
    No test is known to need `mail` (shardplan.toml:7): no shard starts it.
    No test is known to need `queue` (shardplan.toml:8): no shard starts it.
    Today's job of `all` starts `queue` (shardplan.toml:11), which none of its tests is known to need.
    What `all` takes before tests is the default: set `base`, or name the CI job with `job` and ingest its times.
    Group `alone` matches too few tests to have an effect.
    ");
    project.write("inventory.csv", "test\nt/test_a.py::test_one\n");
    assert_snapshot!(project.shardplan("-q suggest --format json").notes(), @"
    One run is known: how much times vary is assumed, not measured.
    Lane `slow` (shardplan.toml:12) selects no test.
    The tests are known without marks and fixtures, so 4 rules on these in the manifest can't match: name an inventory that has them with `--inventory`.
    `tests`, which stands for `db` (shardplan.toml:6), holds no test.
    No test is known to need `mail` (shardplan.toml:7): no shard starts it.
    No test is known to need `queue` (shardplan.toml:8): no shard starts it.
    Today's job of `all` starts `queue` (shardplan.toml:11), which none of its tests is known to need.
    What `all` takes before tests is the default: set `base`, or name the CI job with `job` and ingest its times.
    Group `alone` matches too few tests to have an effect.
    ");
}

#[test]
fn together_can_not_reach_across_lanes() {
    let group = r#"
[groups.all]
rule = "together"
members = ["tests"]
"#;
    let project = Project::planned(&format!("{TWO_LANES}{group}"), TWO_LANES_TESTS);
    assert_snapshot!(project.shardplan("suggest"), @"
    exit: 4
    --- stderr
            Read 5 tests and 1 run in 2 lanes
    error: group `all` (shardplan.toml:18) wants `tests/db/test_c.py` and `tests/unit/test_a.py` in one shard, but they are of lanes `heavy` and `unit`
    hint: a shard belongs to one lane: take the members of one lane
    ");
}

#[test]
fn tests_that_are_to_be_apart_are_apart() {
    let group =
        "[groups.locks]\nrule = \"apart\"\nmembers = [\"tests/db/test_c.py\", \"tests/db/test_d.py\"]\n";
    let project = Project::planned(&format!("{TWO_LANES}{group}"), TWO_LANES_TESTS);
    let said = project.shardplan("-q suggest --max-shards 3 --format json");
    assert_eq!(said.json()["containers"], 2, "{said}");
    assert_snapshot!(project.shardplan("suggest --budget 1"), @r#"
    exit: 4
    --- stderr
            Read 5 tests and 1 run in 2 lanes
    error: no plan can keep these constraints together
      · at most 1 container (`--budget`)
      · lane `heavy` needs `db` (1 container) for `tests/db/test_c.py` and 1 more
      · group `locks` keeps 2 units apart (shardplan.toml:17)
    hint: allow 2 containers: `--budget 2`
    hint: do without `db`, needed by 2 units: `provision = "never"` in `[services.db]`
    "#);
}

#[test]
fn tests_that_are_to_be_together_are_together() {
    let group = "[groups.one]\nrule = \"together\"\nmembers = [\"tests/db\"]\n";
    let project = Project::planned(&format!("{TWO_LANES}{group}"), TWO_LANES_TESTS);
    let said = project.shardplan("-q suggest --budget 9 --format json");
    assert_eq!(said.shards(), ["heavy-1: db: 3", "unit-1: : 2"], "{said}");
}

#[test]
fn a_command_that_is_not_there_is_answered_with_the_nearest() {
    let said = Project::new().shardplan("sugest");
    assert_eq!(said.code, 2, "{said}");
    assert!(said.stderr.contains("'suggest'"), "{said}");
    let said = Project::new().shardplan("suggest --budgt 4");
    assert_eq!(said.code, 2, "{said}");
    assert!(said.stderr.contains("'--budget'"), "{said}");
    assert_eq!(Project::new().shardplan("suggest --target soon").code, 2);
}

#[test]
fn a_project_without_a_manifest_is_one_lane() {
    let project = Project::planned("", "t/test_a.py::a 5 postgres\nt/test_b.py::b 4\n");
    std::fs::remove_file(project.path("shardplan.toml")).unwrap();
    let said = project.shardplan("suggest --budget 1 --inventory inventory.csv --format json");
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(said.json()["containers"], 1, "{said}");
    assert_snapshot!(said.stderr, @"
    warning: there is no shardplan.toml: all tests are taken as one lane, and only services that the inventory names are known
            Read 2 tests and 1 run in 1 lane
         Planned 2 units on 2 shards, checked
    ");
    assert_eq!(project.shardplan("suggest").code, 0);
}

#[test]
fn a_project_without_tests_has_nothing_to_plan() {
    assert_snapshot!(Project::new().shardplan("suggest"), @"
    exit: 3
    --- stderr
            Read 0 tests and 0 runs in 1 lane
    error: there are no tests to plan
    hint: ingest a test report, or name an inventory with `--inventory`
    ");
}

#[test]
fn data_goes_to_stdout_and_talk_to_stderr() {
    let project = Project::planned(TWO_LANES, TWO_LANES_TESTS);
    let loud = project.shardplan("-v suggest --budget 2 --format json");
    assert_eq!(loud.json()["version"], 1);
    assert!(loud.stderr.contains("Planned"), "{loud}");
    let quiet = project.shardplan("-q suggest --budget 2 --format json");
    assert_eq!(quiet.stderr, "");
    assert_eq!(quiet.stdout, loud.stdout);
    assert_eq!(project.shardplan("-q suggest --budget 2 --write").stderr, "");
}

#[test]
fn colours_are_a_matter_of_taste() {
    let project = Project::planned(TWO_LANES, TWO_LANES_TESTS);
    let coloured = project.shardplan("suggest --budget 2 --color always").stderr;
    assert!(coloured.contains("\u{1b}[1m\u{1b}[32m     Planned\u{1b}[0m"), "{coloured:?}");
    for plain in ["suggest --budget 2", "suggest --budget 2 --color never"] {
        let plain = project.shardplan(plain);
        assert!(!plain.to_string().contains('\u{1b}'), "{plain}");
    }
    let broken = project.shardplan("suggest --budget 0 --color always").stderr;
    assert!(broken.contains("\u{1b}["), "{broken:?}");
}

#[test]
fn markdown_holds_the_same_plan() {
    let project = Project::planned(TWO_LANES, TWO_LANES_TESTS);
    assert_snapshot!(project.shardplan("-q suggest --budget 2 --format markdown"), @r#"
    exit: 0
    --- stdout
    ### Plan

    The workflow ends in 1m20s; in nine of ten runs within 1m54s.
    2 containers in 4 shards, 6 billed minutes.

    | shard | services | tests | base | boot | tests run | job | p90 |
    | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
    | heavy-1 | — | 1 | 10s | 0s | 40s | 50s | 1m09s |
    | heavy-2 | db | 1 | 10s | 10s | 1m00s | 1m20s | 1m49s |
    | heavy-3 | db | 1 | 10s | 10s | 50s | 1m10s | 1m34s |
    | unit-1 | — | 2 | 10s | 0s | 12s | 22s | 27s |

    **Critical path:** heavy-2  
    **Proof:** no plan within these limits ends before 1m20s; gap 0 %. \`tests/db/test\_c.py\` alone takes 1m00s of tests on a shard of its own: make that test faster to end earlier.

    - One run is known: how much times vary is assumed, not measured.
    "#);
}
