//! The program and the plugin give every test to the same shard.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use shardplan::inventory::Test;
use shardplan::plan::{Lock, Router};

use super::{Workshop, plugin, python_with, skip};

/// How many locks are compared, with [`TESTS`] tests each.
const LOCKS: usize = 1000;
const TESTS: usize = 12;

const MARKS: [&str; 4] = ["db", "slow", "a_b", "x"];
const FIXTURES: [&str; 3] = ["session", "db", "client"];
const SERVICES: [&str; 4] = ["postgres", "redis", "solr", "mail"];

/// Returns pieces of file names, odd ones among them.
fn file() -> impl Strategy<Value = String> {
    let folder = prop::sample::select(vec!["t", "t/a", "t/[x]", "t/a.b", "-t", "@t", "t/ü", "t/a b"]);
    let name = prop::sample::select(vec!["a.py", "b.py", "test_a.py", "new.py", "a[1].py", "é.py", "x,y.py"]);
    (folder, name).prop_map(|(folder, name)| format!("{folder}/{name}"))
}

fn id() -> impl Strategy<Value = String> {
    let class = prop::sample::select(vec!["", "::K", "::K2", "::K::L"]);
    let name = prop::sample::select(vec![
        "::t",
        "::tt",
        "::t[1]",
        "::t[a::b]",
        "::t[x/y]",
        "::t[é\u{7f}]",
        "::t[[]",
        "::t$u",
    ]);
    (file(), class, name).prop_map(|(file, class, name)| format!("{file}{class}{name}"))
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        file(),
        id(),
        prop::sample::select(vec![
            ".",
            "t",
            "t/a",
            "./t/",
            "**/test_*.py",
            "t/**",
            "t/**/a.py",
            "**",
            "t/*.py",
            "t/?.py",
            "t/{a,b}.py",
            "**/**/a.py",
            "t/*/*.py",
            "t**/a.py",
            "*/a.py",
            "t/[ab]*.py",
            "t/[!a]*.py",
            "**/{new,a*}.py",
            "t/a/**/*",
        ])
        .prop_map(str::to_owned),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    let name = prop::sample::select(MARKS.to_vec()).prop_map(str::to_owned);
    name.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("not {one}")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("{one} and {other}")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("{one} or {other}")),
            inner.prop_map(|one| format!("({one})")),
        ]
    })
}

fn some(all: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    prop::sample::subsequence(all, 0..=all.len())
        .prop_map(|some| some.into_iter().map(str::to_owned).collect())
}

fn list(texts: &[String]) -> String {
    let quoted: Vec<String> =
        texts.iter().map(|text| toml::Value::String(text.clone()).to_string()).collect();
    format!("[{}]", quoted.join(", "))
}

fn lock() -> impl Strategy<Value = String> {
    let lane = (
        prop::collection::vec(pattern(), 0..3),
        prop::collection::vec(pattern(), 0..2),
        prop::option::of(expression()),
        prop::sample::select(vec!["file", "class", "test"]),
    );
    let service = (some(&MARKS), some(&FIXTURES), prop::collection::vec(pattern(), 0..2), some(&SERVICES));
    let unit = prop_oneof![file(), id(), id().prop_map(|id| id.rsplit_once("::").unwrap().0.to_owned())];
    let shard = (0..3_usize, some(&SERVICES), prop::collection::btree_set(unit, 0..16));
    let parts = (
        prop::collection::vec(lane, 0..3),
        prop::collection::vec(service, 0..4),
        prop::collection::vec(shard, 1..8),
    );
    parts.prop_map(|(lanes, services, shards)| {
        let mut text = "version = 1\ninputs = ''\nlimits = {}\npredicted = {}\n".to_owned();
        for (at, (paths, exclude, markers, unit)) in lanes.iter().enumerate() {
            writeln!(text, "[[lane]]\nname = 'l{at}'\nunit = '{unit}'").unwrap();
            writeln!(text, "paths = {}\nexclude = {}", list(paths), list(exclude)).unwrap();
            if let Some(markers) = markers {
                writeln!(text, "markers = '{markers}'").unwrap();
            }
        }
        for (name, (markers, fixtures, paths, needs)) in SERVICES.iter().zip(&services) {
            writeln!(text, "[[service]]\nname = '{name}'\nmarkers = {}", list(markers)).unwrap();
            writeln!(text, "fixtures = {}\npaths = {}", list(fixtures), list(paths)).unwrap();
            writeln!(text, "needs = {}", list(needs)).unwrap();
        }
        let mut owned = std::collections::BTreeSet::new();
        for (at, (lane, services, units)) in shards.iter().enumerate() {
            let units: Vec<String> =
                units.iter().filter(|unit| owned.insert((*lane, (*unit).clone()))).cloned().collect();
            writeln!(text, "[[shard]]\nname = 's{at}'\nlane = 'l{lane}'").unwrap();
            writeln!(text, "services = {}\nunits = {}", list(services), list(&units)).unwrap();
        }
        text
    })
}

fn test() -> impl Strategy<Value = Test> {
    (id(), some(&MARKS), some(&FIXTURES)).prop_map(|(id, markers, fixtures)| {
        let id: shardplan::ids::NodeId = id.parse().unwrap();
        let mut markers: Vec<shardplan::ids::MarkerName> =
            markers.iter().map(|mark| mark.parse().unwrap()).collect();
        markers.sort();
        Test { file: id.file().to_owned(), id, markers, fixtures, needs: Vec::new() }
    })
}

const SCRIPT: &str = r#"
import json, sys
from pytest_shardplan.rule import Collected, Lock
for line in sys.stdin:
    case = json.loads(line)
    lock = Lock.parse(case["lock"].encode("utf-8"))
    answers = []
    for test in case["tests"]:
        test = Collected(test["id"], test["id"].split("::", 1)[0], test["markers"], test["fixtures"])
        route = lock.route(test)
        shard = route.shard and route.shard.name
        # A file that holds a test of a shard must be imported there.
        assert route.shard is None or lock.may_run(route.shard, test.file), (test.id, shard)
        answers.append([shard, route.known, sorted(lock.requirement(test))])
    print(json.dumps([lock.digest, answers]))
"#;

#[test]
fn the_plugin_gives_every_test_to_the_same_shard_as_the_program() {
    // Python 3.11 and later read TOML themselves.
    let named = "the_plugin_gives_every_test_to_the_same_shard_as_the_program";
    let able = Command::new("python3").args(["-c", "import tomllib"]).output();
    if !able.is_ok_and(|output| output.status.success()) {
        return skip(named, "python3 of version 3.11 or later");
    }
    let mut runner = TestRunner::deterministic();
    let (locks, tests) = (lock(), prop::collection::vec(test(), TESTS));
    let (mut cases, mut input) = (Vec::new(), String::new());
    while cases.len() < LOCKS {
        let text = locks.new_tree(&mut runner).unwrap().current();
        let tests = tests.new_tree(&mut runner).unwrap().current();
        let lock =
            Lock::parse(&text, Path::new("shardplan.lock")).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let listed: Vec<_> = tests
            .iter()
            .map(|test| {
                let markers: Vec<&str> =
                    test.markers.iter().map(shardplan::ids::MarkerName::as_str).collect();
                serde_json::json!({"id": test.id.as_str(), "markers": markers, "fixtures": test.fixtures})
            })
            .collect();
        writeln!(input, "{}", serde_json::json!({"lock": text, "tests": listed})).unwrap();
        cases.push((text, lock, tests));
    }
    let workshop = Workshop::new("python3".into());
    workshop.write("script.py", SCRIPT);
    let output = assert_cmd::Command::new("python3")
        .arg(workshop.path("script.py"))
        .env("PYTHONPATH", plugin())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .write_stdin(input)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.lines().count(), LOCKS);
    let mut seen = [0_usize; 3];
    for (line, (text, lock, tests)) in stdout.lines().zip(&cases) {
        let router = Router::new(lock);
        let answers: Vec<_> = tests
            .iter()
            .map(|test| {
                let route = router.route(test);
                let known = matches!(route, shardplan::plan::Route::Planned(_));
                seen[if known { 0 } else { usize::from(route.shard().is_none()) + 1 }] += 1;
                let shard = route.shard().map(|shard| lock.shards[shard].name.to_string());
                let needs: Vec<&str> =
                    router.requirement(test).into_iter().map(shardplan::ids::ServiceName::as_str).collect();
                serde_json::json!([shard, known, needs])
            })
            .collect();
        let answers = serde_json::json!([shardplan::plan::identity(text), answers]);
        let theirs: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(answers, theirs, "{text}\n{tests:#?}");
    }
    assert!(seen.iter().all(|number| *number > LOCKS / 2), "planned, adopted and homeless tests: {seen:?}");
}

const TABLES: &str = r#"
import sys, tomllib
from pytest_shardplan import recorder, rule, services, __version__
entries = tomllib.load(open(sys.argv[1], "rb"))["service"]
catalogue = [tuple(entry["names"]) for entry in entries]
known = [kind.names for kind in services.KINDS]
assert sorted(known) == sorted(catalogue), set(known) ^ set(catalogue)
hosted = {tuple(entry["names"]) for entry in entries if entry.get("emulated")}
assert {kind.names for kind in services.KINDS if kind.hosted} == hosted, hosted
programs = {program: kind.names[0] for kind in services.KINDS for program in kind.programs}
assert programs == recorder.PROGRAMS, programs
assert __version__ == sys.argv[2], __version__

book = services.AddressBook({"services": {
    "main": {"image": "docker.io/library/postgres:17@sha256:0"}, "cache": {"addresses": ["cache.local:7000", "/run/c"]},
    "es": {}, "opensearch": {}, "web": {"addresses": [":8080"]},
}})
for address, driver, expected in [
    ("127.0.0.1:5432", None, ["main"]), ("db:1", "postgres", ["main"]), ("/var/run/postgresql/.s.PGSQL.5432", None, ["main"]),
    ("cache.local:7000", None, ["cache"]), ("/run/c/sock", None, ["cache"]), ("cache.local:7001", None, []),
    ("localhost:9200", None, ["es", "opensearch"]), ("[::1]:8080", None, ["web"]), ("x:6379", None, ["redis"]), ("x:1", None, []),
]:
    assert book.services(address, driver) == expected, (address, book.services(address, driver))
assert services.AddressBook(None).services("x:3306", None) == ["mysql"]
assert services.AddressBook(None).services("x:10000", None) == []
assert services.AddressBook({"services": {"azurite": {}}}).services("x:10000", None) == ["azurite"]
"#;

#[test]
fn the_plugin_knows_the_services_of_the_catalogue() {
    let named = "the_plugin_knows_the_services_of_the_catalogue";
    let able = Command::new("python3").args(["-c", "import tomllib"]).output();
    if !able.is_ok_and(|output| output.status.success()) {
        return skip(named, "python3 of version 3.11 or later");
    }
    let output = Command::new("python3")
        .args(["-c", TABLES, "models/services.toml", env!("CARGO_PKG_VERSION")])
        .current_dir(super::root())
        .env("PYTHONPATH", plugin())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

const WORDS: &str = r#"
import json, sys
from pytest_shardplan import services, shard
asked = json.load(sys.stdin)
away = shard.any_of(shard.AWAY)
named = [name for kind in services.KINDS for name in kind.names]
print(json.dumps({
    "away": shard.AWAY,
    "names": sorted(named),
    "words": {name: sorted(shard.service_words(name)) for name in named},
    "answers": [bool(away.search(reason)) for reason in asked],
}))
"#;

#[test]
fn the_plugin_and_the_program_know_a_skip_for_a_service_by_the_same_words() {
    let named = "the_plugin_and_the_program_know_a_skip_for_a_service_by_the_same_words";
    let Some(python) = python_with(named, &["pytest"]) else { return };
    let asked =
        ["Redis is DOWN.", "it is downloaded", "Connection refused: 6379", "un-unavailable2", "later"];
    let output = assert_cmd::Command::new(python)
        .args(["-c", WORDS])
        .env("PYTHONPATH", plugin())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .write_stdin(serde_json::json!(asked).to_string())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(theirs["away"], serde_json::json!(shardplan::plan::verify::AWAY));
    assert_eq!(theirs["answers"], serde_json::json!([true, false, true, true, false]));
    for kind in shardplan::config::Catalogue::embedded().services() {
        for name in &kind.names {
            let mut words: Vec<&String> =
                kind.names.iter().filter(|word| word.len() > 2 || *word == name).collect();
            words.sort();
            assert_eq!(theirs["words"][name], serde_json::json!(words));
        }
    }
}
