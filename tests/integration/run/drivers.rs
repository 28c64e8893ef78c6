//! Drivers that open their sockets outside of Python are seen all the same, with the address that they were given.

use std::collections::{BTreeMap, BTreeSet};

use super::{Workshop, copy, python_with, root};

#[test]
fn drivers_that_connect_in_c_are_observed_with_their_address() {
    let named = "drivers_that_connect_in_c_are_observed_with_their_address";
    let Some(python) = python_with(named, &["pytest"]) else { return };
    let workshop = Workshop::new(python);
    copy(&root().join("tests/e2e/drivers"), workshop.folder.path());
    workshop.write("pytest.ini", "[pytest]\npythonpath = stand_ins\n");
    workshop
        .pytest_ends(0, &["--shardplan-observe", "inventory.json", "-p", "no:randomly", "test_drivers.py"]);
    let inventory = workshop.json("inventory.json");

    // What each test's first line says that must be seen.
    let source = workshop.read("test_drivers.py");
    let mut expected = BTreeMap::new();
    for (head, body) in source.split("\ndef test_").skip(1).filter_map(|part| part.split_once('\n')) {
        let name = format!("test_{}", head.trim_end_matches("():"));
        let said =
            body.split("\"\"\"").nth(1).unwrap_or_else(|| panic!("{name} does not say what to expect"));
        expected.insert(name, said.split_once(' ').unwrap());
    }
    let unmapped: BTreeSet<&str> =
        inventory["unmapped"].as_array().into_iter().flatten().map(|one| one.as_str().unwrap()).collect();
    let mut seen = 0;
    for test in inventory["tests"].as_array().unwrap() {
        let name = test["id"].as_str().unwrap().rsplit("::").next().unwrap();
        let (service, address) = expected[name];
        if test["outcome"] == "skipped" {
            super::skip(&format!("{named}, {name}"), "its driver");
            continue;
        }
        seen += 1;
        if service == "-" {
            assert!(unmapped.contains(address), "{name}: {address} is not among {unmapped:?}");
            continue;
        }
        let needs = test["needs"].as_array().unwrap_or_else(|| panic!("{name} reached nothing"));
        assert_eq!(needs.len(), 1, "{name}: {needs:?}");
        assert_eq!(needs[0]["service"], service, "{name}");
        let at = needs[0]["at"].as_str().unwrap();
        assert!(at.ends_with(&format!("reaches for {address}")), "{name}: {at}");
        assert_ne!(needs[0]["reached"], true, "{name} was answered where nobody listens");
    }
    assert!(seen >= 6, "the stand-ins alone are six, and {seen} tests ran");
}
