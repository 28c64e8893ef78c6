//! The whole way of a Python project with real servers: collected, observed, audited, planned, run shard by shard,
//! verified, planned again; then one fault at a time, each of which `verify` must find.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::servers::Servers;
use super::{Workshop, copy, python_with, root};

/// A shard of the lock: its name and its services.
fn shards(workshop: &Workshop) -> Vec<(String, Vec<String>)> {
    let lock: toml::Value = toml::from_str(&workshop.read("shardplan.lock")).unwrap();
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    let shard = |shard: &toml::Value| {
        (text(&shard["name"]), shard["services"].as_array().unwrap().iter().map(text).collect())
    };
    lock["shard"].as_array().unwrap().iter().map(shard).collect()
}

/// Sets the ports: of a service that is not in `up`, one where nobody listens.
fn let_reach(workshop: &mut Workshop, servers: &Servers, up: &[String]) {
    let port = |name: &str| {
        let is_up = up.iter().any(|service| service == name);
        if is_up { servers.ports[name].to_string() } else { "9".to_owned() }
    };
    workshop.environment = vec![
        ("SAMPLE_PG_PORT".to_owned(), port("postgres")),
        ("SAMPLE_REDIS_PORT".to_owned(), port("redis")),
    ];
}

/// Runs every shard with nothing but its own services within reach.
fn run_all(workshop: &mut Workshop, servers: &Servers, options: &[&str]) {
    let _ = fs::remove_dir_all(workshop.path("shardplan-results"));
    for (name, services) in shards(workshop) {
        let_reach(workshop, servers, &services);
        let mut args = vec!["--shardplan", &name];
        args.extend(options);
        let _ = workshop.pytest(&args);
    }
}

fn needs(inventory: &Value) -> BTreeMap<String, Vec<String>> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |test: &Value| {
        let needs = test["needs"].as_array().map(Vec::as_slice).unwrap_or_default();
        (text(&test["id"]), needs.iter().map(|need| text(&need["service"])).collect())
    };
    inventory["tests"].as_array().unwrap().iter().map(of).collect()
}

const PACKAGES: [&str; 5] = ["pytest", "xdist", "psycopg", "asyncpg", "redis"];

fn sample(test: &str) -> Option<(Workshop, Servers)> {
    let python = python_with(test, &PACKAGES)?;
    let servers = Servers::start(test, &python)?;
    let mut workshop = Workshop::new(python);
    copy(&root().join("tests/e2e/sample"), workshop.folder.path());
    let manifest = workshop.read("shardplan.toml.in");
    let manifest = manifest.replace("{pg}", &servers.ports["postgres"].to_string());
    workshop.write("shardplan.toml", manifest.replace("{redis}", &servers.ports["redis"].to_string()));
    let_reach(&mut workshop, &servers, &["postgres".to_owned(), "redis".to_owned()]);
    Some((workshop, servers))
}

#[test]
fn a_project_with_real_servers_goes_the_whole_way() {
    let Some((mut workshop, mut servers)) = sample("a_project_with_real_servers_goes_the_whole_way") else {
        return;
    };
    let truth: BTreeMap<String, Vec<String>> = serde_json::from_str(&workshop.read("truth.json")).unwrap();

    workshop.pytest_ends(0, &["--shardplan-collect", "inventory.json"]);
    let collected = needs(&workshop.json("inventory.json"));
    assert_eq!(collected.keys().collect::<Vec<_>>(), truth.keys().collect::<Vec<_>>());

    let observe = ["--shardplan-observe", "inventory.json", "--shardplan-report", "first.json"];
    workshop.pytest_ends(0, &observe);
    assert_eq!(needs(&workshop.json("inventory.json")), truth);
    // Workers share session fixtures between the tests that each of them runs.
    let parallel = ["--shardplan-observe", "parallel.json", "-n", "2", "--dist", "loadfile"];
    workshop.pytest_ends(0, &parallel);
    assert_eq!(needs(&workshop.json("parallel.json")), truth);

    // The audit has nothing to say, and much where the lane starts too little.
    workshop.shardplan_ends(0, "audit");
    let manifest = workshop.read("shardplan.toml");
    workshop.write("shardplan.toml", manifest.replace("[\"postgres\", \"redis\"]", "[\"postgres\"]"));
    let findings = workshop.shardplan_ends(1, "audit");
    assert!(findings.contains("lane `integration` starts no redis today"), "{findings}");
    workshop.write("shardplan.toml", manifest);

    workshop.shardplan_ends(0, "ingest first.json");
    workshop.shardplan_ends(0, "suggest --budget 3 --write");
    assert!(shards(&workshop).len() > 2, "{}", workshop.read("shardplan.lock"));
    run_all(&mut workshop, &servers, &["--shardplan-require-services"]);
    let none: [&str; 0] = [];
    assert_eq!(workshop.findings("shardplan-results --inventory inventory.json --ingest"), none);
    let runs = workshop.shardplan_ends(0, "history export csv");
    for (shard, _) in shards(&workshop) {
        assert!(runs.contains(&shard), "{shard} is not in the history");
    }
    workshop.shardplan_ends(0, "suggest --budget 3 --write");

    every_fault_is_found(&mut workshop, &mut servers);
}

/// Makes one fault after the other, each in a run that is well otherwise.
fn every_fault_is_found(workshop: &mut Workshop, servers: &mut Servers) {
    let verify = |workshop: &Workshop| workshop.findings("shardplan-results --inventory inventory.json");
    let shard_of = |workshop: &Workshop, test: &str| -> String {
        let (name, _) = shards(workshop)
            .into_iter()
            .find(|(name, _)| workshop.read(&format!("shardplan-results/{name}.json")).contains(test))
            .unwrap();
        name
    };
    run_all(workshop, servers, &[]);
    assert_eq!(verify(workshop), [""; 0]);
    let orders = shard_of(workshop, "test_no_order");
    let result = format!("shardplan-results/{orders}.json");
    let well = workshop.read(&result);

    // The result of a shard is dropped.
    fs::remove_file(workshop.path(&result)).unwrap();
    assert_eq!(verify(workshop), ["shard-missing"]);

    // A report is cut on its way: it is refused as a whole.
    workshop.write(&result, &well[..well.len() / 2]);
    workshop.shardplan_ends(3, "verify shardplan-results");
    workshop.write(&result, &well);

    // A test skips that ran before.
    let file = "tests/integration/test_orders.py";
    let source = workshop.read(file);
    let skipping =
        source.replace("def test_no_order", "@pytest.mark.skip(reason='later')\ndef test_no_order");
    workshop.write(file, skipping);
    run_all(workshop, servers, &[]);
    assert_eq!(verify(workshop), ["newly-skipped"]);

    // A file can not be collected.
    workshop.write(file, format!("import nothing_of_that_name\n{source}"));
    run_all(workshop, servers, &[]);
    let found = verify(workshop);
    assert!(found.contains(&"collection-error".to_owned()), "{found:?}");
    workshop.write(file, source);

    // The session stops at the first failure.
    workshop.write("tests/integration/test_orders_2.py", "def test_fails(): assert 0\n");
    workshop.write("tests/integration/test_zzz.py", "def test_after(): pass\n");
    run_all(workshop, servers, &["-x", "-p", "no:randomly"]);
    let found = workshop.findings("shardplan-results");
    assert!(found.contains(&"failed".to_owned()), "{found:?}");
    fs::remove_file(workshop.path("tests/integration/test_orders_2.py")).unwrap();
    fs::remove_file(workshop.path("tests/integration/test_zzz.py")).unwrap();

    // A test runs on two shards.
    run_all(workshop, servers, &[]);
    let unit = shard_of(workshop, "test_upper");
    let twice = format!("shardplan-results/again-{unit}.xml");
    workshop.pytest_ends(0, &["tests/integration/test_tolerant.py", "--junitxml", &twice]);
    assert_eq!(verify(workshop), ["ran-twice"]);
    fs::remove_file(workshop.path(&twice)).unwrap();

    // JUnit reports of all shards, and one of them cut.
    let _ = fs::remove_dir_all(workshop.path("junit"));
    for (name, services) in shards(workshop) {
        let_reach(workshop, servers, &services);
        workshop.pytest_ends(0, &["--shardplan", &name, "--junitxml", &format!("junit/{name}.xml")]);
    }
    assert_eq!(workshop.findings("junit --inventory inventory.json"), [""; 0]);
    let xml = workshop.read(&format!("junit/{orders}.xml"));
    let last = xml.rfind("<testcase").unwrap();
    workshop.write(&format!("junit/{orders}.xml"), &xml[..last]);
    assert_eq!(workshop.findings("junit --inventory inventory.json"), ["cut-short", "not-run"]);

    // A service stops: its tests fail, or skip by themselves, and never in silence.
    servers.stop("redis");
    run_all(workshop, servers, &[]);
    let found = verify(workshop);
    assert!(found.contains(&"skipped-for-service".to_owned()), "{found:?}");
    assert!(found.contains(&"failed".to_owned()), "{found:?}");
    run_all(workshop, servers, &["--shardplan-require-services"]);
    let found = verify(workshop);
    assert!(found.iter().all(|kind| kind == "failed"), "{found:?}");
}

#[test]
fn a_service_that_is_away_was_wanted_all_the_same() {
    let Some((mut workshop, servers)) = sample("a_service_that_is_away_was_wanted_all_the_same") else {
        return;
    };
    let manifest = workshop.read("shardplan.toml");
    workshop.write("shardplan.toml", manifest.replace(&servers.ports["redis"].to_string(), "9"));
    let_reach(&mut workshop, &servers, &["postgres".to_owned()]);
    let _ = workshop.pytest(&["--shardplan-observe", "inventory.json"]);
    let inventory = workshop.json("inventory.json");
    let truth: BTreeMap<String, Vec<String>> = serde_json::from_str(&workshop.read("truth.json")).unwrap();
    let mut expected = truth.clone();
    // It tries the port where Redis should be.
    expected
        .insert("tests/integration/test_tolerant.py::test_falls_back".to_owned(), vec!["redis".to_owned()]);
    assert_eq!(needs(&inventory), expected);
    let tests = inventory["tests"].as_array().unwrap().iter();
    for test in tests.filter(|test| !test["needs"].is_null()) {
        for need in test["needs"].as_array().unwrap() {
            assert_eq!(need["reached"], need["service"] == "postgres", "{test}");
        }
        let passes = test["id"].as_str().unwrap().ends_with("test_falls_back");
        let redis = test["needs"].as_array().unwrap().iter().any(|need| need["service"] == "redis");
        assert_eq!(test["outcome"] == "passed", !redis || passes, "{test}");
    }
}
