//! A manifest that is wrong, and what its author reads.

use insta::assert_snapshot;

use super::Project;

/// Returns what is said of a broken manifest.
fn said_of(manifest: impl AsRef<[u8]>) -> String {
    let project = Project::new();
    project.write("shardplan.toml", manifest);
    let said = project.shardplan("suggest");
    assert_eq!(said.code, 3, "{said}");
    assert_eq!(said.stdout, "", "{said}");
    said.stderr
}

#[test]
fn a_mistyped_key_is_pointed_at_and_the_nearest_is_named() {
    assert_snapshot!(said_of("[lanes.unit]\nworkres = 4\n"), @"
    error: unknown key `workres` in `[lanes.unit]`
     --> shardplan.toml:2:1
      |
    2 | workres = 4
      | ^^^^^^^
      |
      = help: did you mean `workers`?
    ");
}

#[test]
fn a_key_that_is_near_to_none_is_answered_with_the_known_ones() {
    assert_snapshot!(said_of("[budget]\nmoney = 4\n"), @"
    error: unknown key `money` in `[budget]`
     --> shardplan.toml:2:1
      |
    2 | money = 4
      | ^^^^^
      |
      = help: the keys here are: containers, minutes, shards, tolerance
    ");
}

#[test]
fn every_problem_is_shown_at_once_in_the_order_of_the_file() {
    let manifest = r#"
[workflow.jobs.gate]
wall = "soon"

[lanes.unit]
base = 30
workers = 0

[history]
half_life = "long"

[groups.db]
members = ["tests/a.py"]
"#;
    assert_snapshot!(said_of(manifest), @r#"
    error: `wall` must be a duration: `soon` is not a duration: write it as `45s`, `1m30s`, `2h` or `250ms`
     --> shardplan.toml:3:8
      |
    3 | wall = "soon"
      |        ^^^^^^

    error: `base` must be a duration in quotes, such as "45s" or "1m30s"
     --> shardplan.toml:6:8
      |
    6 | base = 30
      |        ^^

    error: `workers` must be a whole number from 1 to 1024 or "auto"
     --> shardplan.toml:7:11
      |
    7 | workers = 0
      |           ^

    error: `half_life` must be a number from 1 to 1000000
      --> shardplan.toml:10:13
       |
    10 | half_life = "long"
       |             ^^^^^^

    error: group `db` has no rule
      --> shardplan.toml:12:9
       |
    12 | [groups.db]
       |         ^^
       |
       = help: write `rule = "together"` or `rule = "apart"`
    "#);
}

#[test]
fn problems_of_names_do_not_wait_for_those_of_values() {
    let manifest = r#"
[lanes.unit]
base = 30
services = ["postgres"]
"#;
    let said = said_of(manifest);
    assert!(said.contains("`base` must be a duration"), "{said}");
    assert!(said.contains("no service is called `postgres`"), "{said}");
}

#[test]
fn a_service_that_nobody_declares_is_named_wherever_it_stands() {
    let manifest = r#"
[services.postgres]
needs = ["dns"]

[lanes.unit]
services = ["postgers"]
today = { services = ["postgres", "rabbitmq"] }
"#;
    assert_snapshot!(said_of(manifest), @r#"
    error: no service is called `dns`
     --> shardplan.toml:3:10
      |
    3 | needs = ["dns"]
      |          ^^^^^
      |
      = help: declare it with `[services.dns]`

    error: no service is called `postgers`
     --> shardplan.toml:6:13
      |
    6 | services = ["postgers"]
      |             ^^^^^^^^^^
      |
      = help: did you mean `postgres`?

    error: no service is called `rabbitmq`
     --> shardplan.toml:7:35
      |
    7 | today = { services = ["postgres", "rabbitmq"] }
      |                                   ^^^^^^^^^^
      |
      = help: declare it with `[services.rabbitmq]`
    "#);
}

#[test]
fn today_without_services_is_no_answer() {
    assert_snapshot!(said_of("[lanes.unit]\ntoday = { shards = 2 }\n"), @"
    error: `today` does not say which services its job starts
     --> shardplan.toml:2:1
      |
    2 | today = { shards = 2 }
      | ^^^^^
      |
      = help: write `services = []` if its job starts none
    ");
}

#[test]
fn groups_may_not_include_each_other() {
    let manifest = r#"
[groups.a]
rule = "together"
members = ["@b"]

[groups.b]
rule = "together"
members = ["@c", "tests/b.py"]

[groups.c]
rule = "apart"
members = ["@a"]
"#;
    assert_snapshot!(said_of(manifest), @r#"
    error: groups include each other in a circle: a, b, c
     --> shardplan.toml:4:12
      |
    4 | members = ["@b"]
      |            ^^^^
      |
      = help: let one group hold the members and the others include it
    "#);
}

#[test]
fn a_group_may_not_include_one_that_is_not_there() {
    let manifest = "[groups.slow]\nrule = \"apart\"\nmembers = [\"@slwo\", \"../up.py\"]\n";
    assert_snapshot!(said_of(manifest), @r#"
    error: no group is called `slwo`
     --> shardplan.toml:3:12
      |
    3 | members = ["@slwo", "../up.py"]
      |            ^^^^^^^
      |
      = help: did you mean `@slow`?

    error: `../up.py` must be a path inside the project, written with `/`
     --> shardplan.toml:3:21
      |
    3 | members = ["@slwo", "../up.py"]
      |                     ^^^^^^^^^^
    "#);
    assert_snapshot!(said_of("[groups.slow]\nrule = \"apart\"\nmembers = [\"@solw\"]\n"), @r#"
    error: no group is called `solw`
     --> shardplan.toml:3:12
      |
    3 | members = ["@solw"]
      |            ^^^^^^^
      |
      = help: did you mean `@slow`?
    "#);
}

#[test]
fn jobs_may_not_wait_for_each_other() {
    let manifest = r#"
[workflow.jobs.build]
wall = "1m"
needs = ["deploy"]

[workflow.jobs.deploy]
wall = "1m"
needs = ["build"]
"#;
    assert_snapshot!(said_of(manifest), @r#"
    error: jobs wait for each other in a circle: build, deploy
     --> shardplan.toml:4:10
      |
    4 | needs = ["deploy"]
      |          ^^^^^^^^
      |
      = help: remove one of these `needs`
    "#);
}

#[test]
fn a_lane_may_not_wait_for_a_lane() {
    let manifest = r#"
[lanes.unit]
paths = ["tests/unit"]

[lanes.heavy]
paths = ["tests/heavy"]
needs = ["unit"]
"#;
    assert_snapshot!(said_of(manifest), @r#"
    error: lane `heavy` can not wait for lane `unit`: lanes run side by side
     --> shardplan.toml:7:10
      |
    7 | needs = ["unit"]
      |          ^^^^^^
      |
      = help: remove it from `needs`, or make the two one lane
    "#);
    let through_a_job = r#"
[lanes.unit]
paths = ["tests/unit"]

[workflow.jobs.image]
wall = "1m"
needs = ["unit"]

[lanes.heavy]
paths = ["tests/heavy"]
needs = ["image"]
"#;
    assert_snapshot!(said_of(through_a_job), @r#"
    error: lane `heavy` waits for lane `unit` through other jobs
      --> shardplan.toml:11:10
       |
    11 | needs = ["image"]
       |          ^^^^^^^
       |
       = help: lanes run side by side: no job may stand between two of them
    "#);
}

#[test]
fn a_lane_is_a_job_and_needs_no_second_one() {
    assert_snapshot!(said_of("[lanes.unit]\n[workflow.jobs.unit]\nwall = \"1m\"\nneeds = [\"biuld\"]\n"), @r#"
    error: `unit` is both a lane and a job
     --> shardplan.toml:2:16
      |
    2 | [workflow.jobs.unit]
      |                ^^^^
      |
      = help: a lane is a job already: remove it from `[workflow.jobs]`

    error: no job or lane is called `biuld`
     --> shardplan.toml:4:10
      |
    4 | needs = ["biuld"]
      |          ^^^^^^^
      |
      = help: declare it with `[workflow.jobs.biuld]`
    "#);
}

#[test]
fn values_of_the_wrong_kind_are_told_what_they_should_be() {
    let manifest = r#"
[services.postgres]
pull = 4.5
provision = "allways"
markers = "db"

[lanes.unit]
paths = "tests/unit"
workers = "many"
time_scale = 1000
dist = 3
today = "2 shards"

[budget]
containers = -1
shards = 0
"#;
    assert_snapshot!(said_of(manifest), @r#"
    error: `pull` must be a duration in quotes, such as "45s" or "1m30s"
     --> shardplan.toml:3:8
      |
    3 | pull = 4.5
      |        ^^^

    error: `provision` must be one of "auto", "always", "never"; did you mean `always`?
     --> shardplan.toml:4:13
      |
    4 | provision = "allways"
      |             ^^^^^^^^^

    error: `markers` must be a list of strings, not a string
     --> shardplan.toml:5:11
      |
    5 | markers = "db"
      |           ^^^^

    error: `paths` must be a list of strings, not a string
     --> shardplan.toml:8:9
      |
    8 | paths = "tests/unit"
      |         ^^^^^^^^^^^^

    error: `workers` must be a whole number from 1 to 1024 or "auto"
     --> shardplan.toml:9:11
      |
    9 | workers = "many"
      |           ^^^^^^

    error: `time_scale` must be a number from 0.01 to 100
      --> shardplan.toml:10:14
       |
    10 | time_scale = 1000
       |              ^^^^

    error: `dist` must be a string, not a number
      --> shardplan.toml:11:8
       |
    11 | dist = 3
       |        ^

    error: `today` must be a table, `[lanes.unit.today]`
      --> shardplan.toml:12:9
       |
    12 | today = "2 shards"
       |         ^^^^^^^^^^

    error: `containers` must be a whole number from 0 to 100000
      --> shardplan.toml:15:14
       |
    15 | containers = -1
       |              ^^

    error: `shards` must be a whole number from 1 to 100000
      --> shardplan.toml:16:10
       |
    16 | shards = 0
       |          ^
    "#);
}

#[test]
fn a_marker_expression_is_read_as_pytest_reads_it() {
    assert_snapshot!(said_of("[lanes.unit]\nmarkers = \"slow and (db or\"\n"), @r#"
    error: `markers` is not valid: `slow and (db or` is not a marker expression: expected not OR left parenthesis OR identifier; got end of input at column 16
     --> shardplan.toml:2:11
      |
    2 | markers = "slow and (db or"
      |           ^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn efficiency_means_nothing_for_one_worker() {
    assert_snapshot!(said_of("[lanes.unit]\nefficiency = 0.9\n"), @"
    error: `efficiency` means nothing for one worker
     --> shardplan.toml:2:14
      |
    2 | efficiency = 0.9
      |              ^^^
      |
      = help: remove it, or set `workers`
    ");
}

#[test]
fn text_that_is_no_toml_is_shown_where_it_breaks() {
    assert_snapshot!(said_of("[lanes.unit\npaths = [\"tests\"]\n"), @"
    error: unclosed table, expected `]`
     --> shardplan.toml:1:12
      |
    1 | [lanes.unit
      |            ^
    ");
    assert_snapshot!(said_of("[lanes.unit]\n[lanes.unit]\n"), @"
    error: duplicate key
     --> shardplan.toml:2:8
      |
    2 | [lanes.unit]
      |        ^^^^
    ");
    assert_snapshot!(said_of("[lanes.\"a b\"]\n"), @r#"
    error: `a b` is not a lane name: use 1 to 64 letters, digits, `-` and `_`, starting with a letter or digit
     --> shardplan.toml:1:8
      |
    1 | [lanes."a b"]
      |        ^^^^^
    "#);
}

#[test]
fn bytes_that_are_no_text_are_named_by_their_line() {
    assert_snapshot!(said_of(b"[lanes.unit]\npaths = [\"caf\xE9\"]\n"), @"
    error: shardplan.toml:2: this is not UTF-8
    hint: save the file as UTF-8
    ");
}

#[test]
fn a_manifest_that_is_named_must_be_there() {
    let project = Project::new();
    let said = project.shardplan("suggest --manifest-path plans/other.toml");
    assert_snapshot!(said, @"
    exit: 3
    --- stderr
    error: there is no manifest `plans/other.toml`
    ");
    assert_snapshot!(project.shardplan("-C nowhere suggest"), @"
    exit: 3
    --- stderr
    error: `nowhere` is not a folder
    hint: `-C DIR` names the folder to work in
    ");
}

#[test]
fn the_manifest_above_is_found_from_a_folder_below() {
    let project = Project::planned("[lanes.unit]\nbase = \"10s\"", "t.py::a 5");
    project.write("deep/down/file", "");
    let said = project.shardplan("-C deep/down suggest --budget 0 --format json");
    assert_eq!(said.json()["shards"][0]["base_ms"], 10_000, "{said}");
}
