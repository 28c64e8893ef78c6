//! `shardplan suggest` where a plan is pinned: what moves, how far that may be from the best, and why; and the cheapest
//! plan near the fastest.

use insta::assert_snapshot;
use serde_json::Value;

use super::Project;

const MANIFEST: &str = r#"
[services.db]
[services.mail]
[lanes.all]
base = "10s"
tail = "0s"
[budget]
containers = 3
shards = 3
"#;

/// Returns twelve files of tests, the second half on the database, one changed.
fn tests(changed: &str) -> String {
    let line = |file: u32| {
        let name = format!("tests/test_{file:02}.py::test_it");
        let seconds = 10 + (file * 7) % 11;
        match changed.split_once(' ') {
            Some((test, rest)) if test == name => format!("{name} {rest}\n"),
            _ => format!("{name} {seconds} {}\n", if file < 6 { "" } else { "db" }),
        }
    };
    (0..12).map(line).collect()
}

/// Returns a project whose plan is pinned, before these tests take its place.
fn pinned(then: &str) -> Project {
    let project = Project::planned(MANIFEST, &tests(""));
    assert_eq!(project.shardplan("suggest --write").code, 0);
    project.add_tests(then);
    project
}

fn reasons(plan: &Value) -> Vec<&str> {
    plan["moves"].as_array().unwrap().iter().map(|moved| moved["reason"].as_str().unwrap()).collect()
}

#[test]
fn what_moves_is_shown_with_its_reason() {
    let project = pinned(&tests("tests/test_00.py::test_it 60"));
    assert_snapshot!(project.shardplan("-q suggest"), @r#"
    exit: 0
    --- stdout
    The workflow ends in 1m28s; in nine of ten runs within 2m03s.
    2 containers in 3 shards, 6 billed minutes.

      shard  services  tests  base  boot  tests run    job    p90  slack
      all-1  —             4   10s    0s      1m14s  1m24s  1m57s   3.8s  ░░████████████████████
      all-2  db            4   10s   19s        59s  1m28s  1m47s      —  ░░░░░░░█████████████████
      all-3  db            4   10s   19s        59s  1m28s  1m47s    1ms  ░░░░░░░████████████████

      Critical path  all-2
      Proof          no plan within these limits ends before 1m28s; gap < 0.01 %
                     Every way to put the units on shards was tried.
      Against lock   4 units moved: 4 tests, 49s; moving more would end it 1ms earlier (`--tolerance 0s`; 1% is allowed)

    Moved against the lock

      unit              from   to     tests  time  why
      tests/test_07.py  all-3  all-2      1   15s  balances +15s of tests on `all-1`
      tests/test_05.py  all-1  all-2      1   12s  balances +15s of tests on `all-1`
      tests/test_08.py  all-2  all-3      1   11s  balances +15s of tests on `all-1`
      tests/test_11.py  all-2  all-3      1   10s  balances +15s of tests on `all-1`

    Notes

      · No test is known to need `mail` (shardplan.toml:4): no shard starts it.
    "#);
}

#[test]
fn fewer_move_the_later_the_end_may_be() {
    let project = pinned(&tests("tests/test_00.py::test_it 19"));
    let mut before = u64::MAX;
    let strict = project.shardplan("-q suggest --tolerance 0s --format json").json();
    for tolerance in ["0s", "1%", "3%", "10%", "60s"] {
        let plan = project.shardplan(&format!("-q suggest --tolerance {tolerance} --format json")).json();
        let moved = plan["moved"].as_u64().unwrap();
        assert!(moved <= before, "{moved} move within {tolerance}, {before} within less");
        assert_eq!(moved, plan["moves"].as_array().unwrap().len() as u64);
        let later = plan["end_ms"].as_u64().unwrap() - strict["end_ms"].as_u64().unwrap();
        assert_eq!(plan["later_by_ms"].as_u64(), Some(later));
        before = moved;
    }
    assert_eq!(before, 0);
    assert!(strict["moved"].as_u64() > Some(0), "{strict}");
}

#[test]
fn the_manifest_and_the_lock_remember_the_tolerance() {
    let project = pinned(&tests("tests/test_00.py::test_it 19"));
    let manifest = std::fs::read_to_string(project.path("shardplan.toml")).unwrap();
    project.write("shardplan.toml", format!("{manifest}tolerance = \"60s\"\n"));
    let plan = project.shardplan("-q suggest --write --format json").json();
    assert_eq!(plan["moved"], 0);
    let lock = std::fs::read_to_string(project.path("shardplan.lock")).unwrap();
    assert!(lock.contains("tolerance = \"60s\""), "{lock}");
    // A manifest that became stricter does not make the lock wrong.
    project.write("shardplan.toml", manifest);
    assert_eq!(project.shardplan("suggest --locked").code, 0);
    assert_eq!(project.shardplan("suggest --locked --tolerance 0s").code, 5);
    project.write("shardplan.lock", lock.replace("\"60s\"", "\"a while\""));
    assert_snapshot!(project.shardplan("-q suggest"), @"
    exit: 3
    --- stderr
    error: shardplan.lock:1: this is no lock: `a while` is not a tolerance: write a share from `0%` to `100%`, such as `2%`, or a time such as `5s`
    hint: `shardplan suggest --write` writes it anew
    ");
}

#[test]
fn each_kind_of_change_is_named() {
    let needs = pinned(&tests("tests/test_00.py::test_it 10 mail"));
    let plan = needs.shardplan("-q suggest --budget 3 --format json").json();
    for moved in plan["moves"].as_array().unwrap().iter().filter(|moved| moved["unit"] == "tests/test_00.py")
    {
        assert_eq!(moved["reason"], "need", "{plan}");
        assert!(moved["why"].as_str().unwrap().starts_with("needs `mail`, which"), "{plan}");
    }

    let fewer = pinned(&tests(""));
    let plan = fewer.shardplan("-q suggest --max-shards 2 --format json").json();
    assert!(reasons(&plan).iter().all(|reason| *reason == "shard-gone"), "{plan}");
    let why = plan["moves"][0]["why"].as_str().unwrap();
    assert!(why.ends_with("is no more: at most 2 shards now, 3 before"), "{why}");

    let shorter = pinned(&tests("tests/test_11.py::test_it 1 db"));
    let plan = shorter.shardplan("-q suggest --tolerance 0s --format json").json();
    assert!(reasons(&plan).contains(&"shrank"), "{plan}");

    let new = pinned(&format!("{}tests/test_new.py::test_it 1\n", tests("")));
    let plan = new.shardplan("-q suggest --tolerance 5% --format json").json();
    assert_eq!((plan["moved"].as_u64(), plan["new_units"].as_u64()), (Some(0), Some(1)), "{plan}");
}

#[test]
fn moves_are_no_markup_and_not_more_than_can_be_read() {
    let line = |at: u32| format!("tests/test_<b>{at:02}.py::t {}\n", 5 + (at * 7) % 17);
    let project = Project::planned(MANIFEST, &(0..60).map(line).collect::<String>());
    assert_eq!(project.shardplan("suggest --write").code, 0);
    project.write(
        "shardplan.toml",
        "project.inventory = \"inventory.csv\"\n[lanes.all]\n[budget]\nshards = 20\n",
    );
    let said = project.shardplan("-q suggest --tolerance 0s --format markdown");
    assert!(said.stdout.contains("#### Moved against the lock"), "{said}");
    assert!(said.stdout.contains("&lt;b&gt;") && !said.stdout.contains("<b>"), "{said}");
    let rows = said.stdout.lines().filter(|line| line.starts_with("| tests/test")).count();
    assert_eq!(rows, 20, "{said}");
    assert!(
        said.stdout.lines().any(|line| line.starts_with("And ") && line.ends_with(" units more.")),
        "{said}"
    );
}

#[test]
fn the_cheapest_plan_near_the_fastest_bills_less_and_says_what_is_proven() {
    let project = Project::planned(MANIFEST, &tests(""));
    let fastest = project.shardplan("-q suggest --format json").json();
    let cheapest = project.shardplan("-q suggest --cheapest-within 60% --format json").json();
    let of = |plan: &Value, key: &str| plan[key].as_u64().unwrap();
    assert!(of(&cheapest, "billed_minutes") < of(&fastest, "billed_minutes"), "{fastest} {cheapest}");
    assert!(of(&cheapest, "end_ms") <= of(&fastest, "end_ms") * 160 / 100);
    assert_eq!(of(&cheapest["cheapest"], "fastest_ms"), of(&fastest, "end_ms"));
    assert!(of(&cheapest["cheapest"], "least_minutes") <= of(&cheapest, "billed_minutes"));
    assert_snapshot!(project.shardplan("-q suggest --cheapest-within 60%"), @r#"
    exit: 0
    --- stdout
    The workflow ends in 1m56s; in nine of ten runs within 2m17s.
    1 container in 2 shards, 4 billed minutes.

      shard  services  tests  base  boot  tests run    job    p90  slack
      all-1  —             6   10s    0s      1m28s  1m38s  1m58s    18s  ░░██████████████████
      all-2  db            6   10s   19s      1m27s  1m56s  2m16s      —  ░░░░░░██████████████████

      Critical path  all-2
      Proof          no plan within these limits ends before 1m21s; gap 43.21 %
                     The limit of 3 shards (shardplan.toml:10) binds: more would end it earlier.
      Cheapest       bills the fewest minutes of the plans that end by 2m10s, 60% after the fastest (1m21s)

    Notes

      · One run is known: how much times vary is assumed, not measured.
      · No test is known to need `mail` (shardplan.toml:4): no shard starts it.
    "#);
    let said = project.shardplan("suggest --cheapest-within 60% --target 2m");
    assert_eq!(said.code, 2, "{said}");
    // It is pinned like a limit, and kept without being typed again.
    assert_eq!(project.shardplan("suggest --cheapest-within 60% --write").code, 0);
    assert_eq!(project.shardplan("suggest --locked").code, 0);
    // A saved problem has no lock; it can be planned cheaply all the same.
    project.shardplan("-q suggest --save-model problem.json");
    let saved =
        project.shardplan("-q suggest --from-model problem.json --cheapest-within 60% --format json").json();
    assert_eq!(saved["billed_minutes"], cheapest["billed_minutes"]);
    assert_eq!(saved["moved"], Value::Null);
}

#[test]
fn a_tolerance_that_is_none_is_refused() {
    let project = Project::planned(MANIFEST, &tests(""));
    assert_snapshot!(project.shardplan("suggest --tolerance much"), @"
    exit: 2
    --- stderr
    error: invalid value 'much' for '--tolerance <SHARE|TIME>': `much` is not a tolerance: write a share from `0%` to `100%`, such as `2%`, or a time such as `5s`

    For more information, try '--help'.
    ");
    project.write("shardplan.toml", format!("{MANIFEST}tolerance = \"2\"\n"));
    assert_snapshot!(project.shardplan("suggest"), @r#"
    exit: 3
    --- stderr
    error: `tolerance` is not valid: `2` is not a tolerance: write a share from `0%` to `100%`, such as `2%`, or a time such as `5s`
      --> shardplan.toml:10:13
       |
    10 | tolerance = "2"
       |             ^^^
    "#);
}
