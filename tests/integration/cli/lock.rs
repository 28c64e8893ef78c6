//! `shardplan.lock`: what it pins, and what it refuses.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use shardplan::config::{Config, HalfLife};
use shardplan::estimate::{Estimates, fit_overheads};
use shardplan::history::Observed;
use shardplan::ids::{MarkerName, NodeId};
use shardplan::inventory::{Inventory, Test};
use shardplan::model::{Inputs, Limits};
use shardplan::plan::{self, Lock, Route, Router};

use super::Project;

const MANIFEST: &str = r#"
[services.db]
[lanes.all]
base = "10s"
tail = "0s"
[budget]
containers = 2
shards = 3
"#;

/// Returns twelve files of tests, the second half on the database; `stretch` makes the first test longer.
fn tests(stretch: u32) -> String {
    let line = |file: u32| {
        let seconds = 10 + (file * 7) % 11 + if file == 0 { stretch } else { 0 };
        format!("tests/test_{file:02}.py::test_it {seconds} {}\n", if file < 6 { "" } else { "db" })
    };
    (0..12).map(line).collect()
}

fn lock_of(project: &Project) -> String {
    fs::read_to_string(project.path("shardplan.lock")).unwrap()
}

fn parsed(text: &str) -> Lock {
    Lock::parse(text, Path::new("shardplan.lock")).unwrap()
}

/// Returns how many selectors two locks have on shards of different names.
fn moved(before: &Lock, after: &Lock) -> usize {
    let pairs = |lock: &Lock| -> BTreeSet<(String, String)> {
        let shards = lock.shards.iter();
        shards.flat_map(|s| s.units.iter().map(|unit| (unit.clone(), s.name.to_string()))).collect()
    };
    pairs(before).difference(&pairs(after)).count()
}

#[test]
fn a_lock_reads_well_in_a_review() {
    let tests = "t/test_a.py::a 30 db\nt/test_b.py::b 20\nt/test_b.py::c 5\n";
    let project = Project::planned(MANIFEST, tests);
    assert_snapshot!(project.shardplan("suggest --write --format json").stderr, @"
       Read 3 tests and 1 run in 1 lane
    Planned 2 units on 2 shards, checked
      Wrote shardplan.lock
    ");
    assert_snapshot!(project.redacted(lock_of(&project).into_bytes()), @r#"
    # The plan of `shardplan suggest --write`. Commit it: runs and re-runs follow it until it is written anew.

    version = 1
    inputs = "blake3:[DIGEST]"

    [limits]
    containers = 2
    shards = 3

    [predicted]
    end_ms = 59000
    p90_ms = 74404
    bound_ms = 59000
    minutes = 2
    containers = 1

    [[lane]]
    name = "all"
    unit = "file"

    [[service]]
    name = "db"

    [[shard]]
    name = "all-1"
    lane = "all"
    services = []
    wall_ms = 35000
    p90_ms = 45140
    run_ms = 25000
    load_ms = 25000
    tests = 2
    units = ["t/test_b.py"]

    [[shard]]
    name = "all-2"
    lane = "all"
    services = ["db"]
    wall_ms = 59000
    p90_ms = 74404
    run_ms = 30000
    load_ms = 30000
    tests = 1
    units = ["t/test_a.py"]
    "#);
}

#[test]
fn what_was_written_is_up_to_date_and_written_the_same_again() {
    let project = Project::planned(MANIFEST, &tests(0));
    let said = project.shardplan("suggest --locked");
    assert_eq!(said.code, 5, "{said}");
    assert!(said.stderr.contains("error: there is no shardplan.lock"), "{said}");
    assert_eq!(project.shardplan("suggest --write").code, 0);
    let first = lock_of(&project);
    assert_eq!(project.shardplan("suggest --locked").code, 0);
    let again = project.shardplan("suggest --write");
    assert!(again.stderr.contains("Fresh shardplan.lock"), "{again}");
    assert_eq!(lock_of(&project), first);
}

#[test]
fn a_lock_that_is_out_of_date_fails_and_stays_as_it_is() {
    let project = Project::planned(MANIFEST, &tests(0));
    project.shardplan("suggest --write");
    let before = lock_of(&project);
    project.add_tests(&tests(60));
    assert_snapshot!(project.shardplan("suggest --locked --format json").stderr, @"
            Read 12 tests and 2 runs in 1 lane
         Planned 12 units on 3 shards, checked
    error: shardplan.lock is out of date
    hint: `shardplan suggest --write` writes it anew
    ");
    assert_eq!(project.shardplan("suggest --locked").code, 5);
    assert_eq!(lock_of(&project), before);
    assert_eq!(project.shardplan("suggest --locked --write").code, 2, "either, not both");
}

#[test]
fn the_order_of_rows_is_of_no_matter() {
    let lines: Vec<String> = tests(0).lines().map(str::to_owned).collect();
    let mut locks = BTreeSet::new();
    for step in [1, 5, 7, 11] {
        let shuffled: Vec<&str> = (0..12).map(|at| lines[(at * step + step) % 12].as_str()).collect();
        let project = Project::planned(MANIFEST, &shuffled.join("\n"));
        assert_eq!(project.shardplan("suggest --write").code, 0);
        locks.insert(lock_of(&project));
    }
    assert_eq!(locks.len(), 1);
}

#[test]
fn a_small_change_moves_few_units() {
    let project = Project::planned(MANIFEST, &tests(0));
    project.shardplan("suggest --write");
    let before = parsed(&lock_of(&project));
    project.add_tests(&tests(3));
    let plan = project.shardplan("suggest --write --format json").json();
    let after = parsed(&lock_of(&project));
    let count = moved(&before, &after);
    assert!(count <= 3, "{count} of 12 units moved for three seconds");
    assert_eq!(plan["moved"], count);
}

#[test]
fn a_lock_that_is_none_is_named() {
    let project = Project::planned(MANIFEST, &tests(0));
    let shard =
        |name: &str, units: &str| format!("[[shard]]\nname = \"{name}\"\nlane = \"all\"\nunits = {units}\n");
    let head = "version = 1\ninputs = \"\"\n[limits]\n[predicted]\n";
    let mut answers = String::new();
    for lock in [
        "version = ".to_owned(),
        "version = 99\nfuture = true\n".to_owned(),
        "version = \"1\"\n".to_owned(),
        "inputs = \"\"\n".to_owned(),
        format!("{head}{}{}", shard("a", "[\"t.py\"]"), shard("b", "[\"t.py\"]")),
        format!("{head}{}", shard("a", "[\"t.py\", \"t.py\"]")),
        format!("{head}{}{}", shard("a", "[]"), shard("a", "[]")),
        format!("{head}{}", shard("a", "[]").replace("\"all\"", "\"a b\"")),
    ] {
        project.write("shardplan.lock", &lock);
        let said = project.shardplan("suggest");
        assert_eq!((said.code, said.stdout.as_str()), (3, ""), "{said}");
        answers.push_str(&said.stderr);
    }
    assert_snapshot!(answers, @r#"
            Read 12 tests and 1 run in 1 lane
    error: shardplan.lock:1: this is no lock: string values must be quoted, expected literal string
    hint: `shardplan suggest --write` writes it anew
            Read 12 tests and 1 run in 1 lane
    error: shardplan.lock: lock version 99 is not known here: this program reads version 1
    hint: `shardplan suggest --write` writes it anew
            Read 12 tests and 1 run in 1 lane
    error: shardplan.lock:1: this is no lock: invalid type: string "1", expected u32
    hint: `shardplan suggest --write` writes it anew
            Read 12 tests and 1 run in 1 lane
    error: shardplan.lock:1: this is no lock: missing field `version`
    hint: `shardplan suggest --write` writes it anew
            Read 12 tests and 1 run in 1 lane
    error: shardplan.lock: `t.py` stands twice, in shard `a` and in shard `b`
    hint: `shardplan suggest --write` writes it anew
            Read 12 tests and 1 run in 1 lane
    error: shardplan.lock: `t.py` stands twice, in shard `a` and in shard `a`
    hint: `shardplan suggest --write` writes it anew
            Read 12 tests and 1 run in 1 lane
    error: shardplan.lock: two shards are called `a`
    hint: `shardplan suggest --write` writes it anew
            Read 12 tests and 1 run in 1 lane
    error: shardplan.lock:7: this is no lock: `a b` is not a lane name: use 1 to 64 letters, digits, `-` and `_`, starting with a letter or digit
    hint: `shardplan suggest --write` writes it anew
    "#);
    project.write("shardplan.lock", b"version = 1 # \xFF\n");
    assert_snapshot!(project.shardplan("suggest"), @"
    exit: 3
    --- stderr
            Read 12 tests and 1 run in 1 lane
    error: shardplan.lock:1: this is not UTF-8
    hint: save the file as UTF-8
    hint: `shardplan suggest --write` writes it anew
    ");
}

#[test]
fn a_broken_lock_can_be_written_anew() {
    let project = Project::planned(MANIFEST, &tests(0));
    project.write("shardplan.lock", "<<<<<<< HEAD\n");
    let said = project.shardplan("suggest --write");
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stderr.contains("warning: shardplan.lock:1: this is no lock"), "{said}");
    assert_eq!(project.shardplan("suggest --locked").code, 0);
}

#[test]
fn what_is_rendered_is_read_back() {
    let config = Config::parse("[services.db]\n[lanes.all]\nunit = \"test\"\n", "shardplan.toml").unwrap();
    let rows = "test,needs\nt.py::a[\"x\\y]'],db\nt.py::b,\nt.py::ü\u{7f},\n";
    let inventory = Inventory::parse(rows.as_bytes(), "inventory.csv").unwrap();
    let observed = Observed::default();
    let inputs = Inputs {
        config: &config,
        inventory: &inventory,
        estimates: &Estimates::from_history(&observed, HalfLife::default()),
        overheads: &fit_overheads(&config, &observed),
    };
    let (model, plan) = plan::suggest(inputs, &Limits::default(), None).unwrap();
    let text = Lock::render(&config, &model, &plan);
    let lock = parsed(&text);
    assert_eq!(lock.shards.len(), plan.shards.len());
    for (locked, planned) in lock.shards.iter().zip(plan.shards.iter()) {
        let mut selectors: Vec<String> =
            planned.units.iter().flat_map(|unit| model.units[*unit].selectors.clone()).collect();
        selectors.sort();
        assert_eq!((&locked.name, &locked.units), (&planned.name, &selectors));
    }
    let (model, again) = plan::suggest(inputs, &Limits::default(), Some(&lock)).unwrap();
    assert!(again.moves.as_ref().is_some_and(|moves| moves.moves.is_empty()));
    assert_eq!(Lock::render(&config, &model, &again), text);
}

const THREE_SHARDS: &str = r#"
version = 1
inputs = ""
limits = {}
predicted = {}
shard = [
    { name = "all-1", lane = "all", services = ["db"], units = ["t/a.py", "t/b.py::Test::x[1]"] },
    { name = "all-2", lane = "all", services = ["db", "mail"], units = ["t/a.py::Test", "t"] },
    { name = "all-3", lane = "all", units = ["t/a.py::Test::y"] },
    { name = "other-1", lane = "other", services = ["db", "mail"], units = [] },
]
"#;

/// Returns a test of a file of its own that needs these services, each by a mark of its name.
fn new_test(number: usize, needs: &[&str]) -> Test {
    let id: NodeId = format!("new/test_{number}.py::t").parse().unwrap();
    let mut markers: Vec<MarkerName> = needs.iter().map(|name| name.parse().unwrap()).collect();
    markers.sort();
    Test { file: id.file().to_owned(), markers, fixtures: Vec::new(), needs: Vec::new(), id }
}

#[test]
fn a_new_test_is_adopted_by_one_shard_that_has_what_it_needs() {
    let services =
        ["db", "mail", "solr"].map(|name| format!("{{ name = \"{name}\", markers = [\"{name}\"] }}"));
    let lock = parsed(&format!("{THREE_SHARDS}service = [{}]\n", services.join(", ")));
    let router = Router::new(&lock);
    let shard_of = |number: usize, needs: &[&str]| match router.route(&new_test(number, needs)) {
        Route::Adopted(shard) => shard,
        other => panic!("{other:?}"),
    };
    let mut adopted = BTreeSet::new();
    for number in 0..200 {
        let anywhere = shard_of(number, &[]);
        assert_eq!(lock.shards[anywhere].lane.as_str(), "all", "the first lane that selects it has it");
        adopted.insert(anywhere);
        let on_db = shard_of(number, &["db"]);
        assert!(on_db < 2);
        // A shard keeps its own where a need leaves it able: that is what rendezvous hashing is for.
        assert!(anywhere == 2 || on_db == anywhere);
        assert_eq!(shard_of(number, &["mail", "db"]), 1);
        // What no shard starts decides nothing: the test still runs once.
        assert_eq!(shard_of(number, &["solr"]), anywhere);
        assert_eq!(shard_of(number, &["mail", "solr"]), 1);
    }
    assert_eq!(adopted.len(), 3, "some shard adopts none of 200 tests");
}

#[test]
fn tests_that_a_lane_moves_as_one_are_adopted_together() {
    let lane = |unit: &str| format!("{THREE_SHARDS}lane = [{{ name = \"all\", unit = \"{unit}\" }}]\n");
    let shards_of_a_file = |unit: &str| -> BTreeSet<Route> {
        let lock = parsed(&lane(unit));
        let router = Router::new(&lock);
        let test = |number: usize| {
            let id: NodeId = format!("new/test_new.py::Test{}::t{number}", number % 2).parse().unwrap();
            Test { id, ..new_test(0, &[]) }
        };
        (0..50)
            .map(|number| Test { file: "new/test_new.py".to_owned(), ..test(number) })
            .map(|test| router.route(&test))
            .collect()
    };
    assert_eq!(shards_of_a_file("file").len(), 1);
    assert!(shards_of_a_file("class").len() <= 2);
    assert_eq!(shards_of_a_file("test").len(), 3);
}

#[test]
fn a_test_of_a_file_that_two_lanes_share_goes_by_its_marks() {
    let lock = parsed(
        r#"
version = 1
inputs = ""
limits = {}
predicted = {}
lane = [{ name = "db", markers = "db" }, { name = "plain", markers = "not db" }, { name = "none", paths = ["z"] }]
shard = [
    { name = "db-1", lane = "db", units = ["t/a.py"] },
    { name = "plain-1", lane = "plain", units = ["t/a.py"] },
]
"#,
    );
    let router = Router::new(&lock);
    let test = |id: &str, marks: &[&str]| {
        let id: NodeId = id.parse().unwrap();
        Test { file: id.file().to_owned(), id, ..new_test(0, marks) }
    };
    assert_eq!(router.route(&test("t/a.py::x", &["db"])), Route::Planned(0));
    assert_eq!(router.route(&test("t/a.py::x", &[])), Route::Planned(1));
    assert_eq!(router.route(&test("t/b.py::x", &["db"])), Route::Adopted(0));
    assert_eq!(router.route(&test("t/b.py::x", &[])), Route::Adopted(1));
}

#[test]
fn a_test_belongs_to_the_longest_selector_that_fits() {
    let lock = parsed(THREE_SHARDS);
    let owners = lock.owners();
    let lane = &lock.shards[0].lane;
    for (test, shard) in [
        ("t/a.py::x", Some(0)),
        ("t/a.py::Test::x", Some(1)),
        ("t/a.py::Test::y", Some(2)),
        ("t/a.py::Test::y[a::b/c]", Some(2)),
        ("t/a.py::Test::yy", Some(1)),
        ("t/a.py::Test2::x", Some(0)),
        ("t/b.py::Test::x[1]", Some(0)),
        ("t/[slug]/a.py::x[1]", Some(1)),
        ("t/b.py::Test::x[2]", Some(1)),
        ("t/b.py", Some(1)),
        ("tt/b.py::x", None),
        ("other.py::x", None),
    ] {
        assert_eq!(owners.of(lane, test), shard, "{test}");
    }
}

#[test]
fn a_lock_means_the_same_however_its_lists_are_written() {
    let quick = "version = 1\ninputs = ''\n[limits]\n[predicted]\n[[shard]]\nname = 'a'\nlane = 'l'\nunits = [\n    \"t/a.py\",\n    \"t/ü.py::K\",\n]\n";
    let plain = parsed(&quick.replace("[\n    ", "[").replace(",\n    ", ", ").replace(",\n]", "]"));
    assert_eq!(plain.shards[0].units, ["t/a.py", "t/ü.py::K"]);
    for same in [
        quick.to_owned(),
        quick.replace('\n', "\r\n"),
        quick.replace("\"t/a.py\",", "\"t/\\u0061.py\","),
        quick.replace("\"t/a.py\",", "'t/a.py', # a remark"),
        quick.replace("units = [", "units=["),
        quick.replace("units = [", "\"units\" = ["),
    ] {
        assert_eq!(parsed(&same), plain, "{same}");
    }
    // What looks like a list inside of a text is none.
    let odd = quick.replace("inputs = ''", "inputs = \"\"\"\nunits = [\n]\n\"\"\"");
    assert_eq!(parsed(&odd).shards, plain.shards);
    let broken = quick.replace("t/a.py\",", "t/a.py,");
    assert!(Lock::parse(&broken, Path::new("shardplan.lock")).is_err());
}
