//! Which services the shards start for which tests.

use super::Project;

/// A lane whose job starts a cache today, and a chain of services: `api` needs `db`, `index` needs `zoo`.
fn chain(extra: &str) -> String {
    format!(
        r#"
[lanes.all]
today = {{ services = ["cache"] }}
[services.cache]
[services.db]
[services.zoo]
[services.api]
needs = ["db"]
[services.index]
needs = ["zoo"]
{extra}"#
    )
}

#[test]
fn what_an_insisted_service_needs_is_started_with_it() {
    let manifest = chain("").replace("[services.api]", "[services.api]\nprovision = \"always\"");
    let said = Project::planned(&manifest, "t/test_a.py::test_it 3 api")
        .shardplan("-q suggest --budget 9 --format json");
    assert_eq!(said.shards(), ["all-1: api db: 1"], "{said}");
}

#[test]
fn what_a_service_needs_is_not_started_without_it() {
    let manifest = chain("").replace("[services.zoo]", "[services.zoo]\nprovision = \"always\"");
    let project = Project::planned(&manifest, "t/test_a.py::test_it 3 index");
    let said = project.shardplan("-q suggest --budget 9 --format json");
    assert_eq!(said.shards(), ["all-1: : 1"], "{said}");
    let notes = said.notes();
    assert!(notes.contains("`index` is not started for 1 test of `all`"), "{notes}");
    assert!(!notes.contains("`zoo` is not started for"), "{notes}");
}

#[test]
fn never_is_never_even_where_another_service_wants_it() {
    let manifest = chain("").replace("[services.zoo]", "[services.zoo]\nprovision = \"never\"");
    let project = Project::planned(&manifest, "t/test_a.py::test_it - index\nt/test_b.py::test_it 1");
    let said = project.shardplan("-q suggest --budget 9 --max-shards 1 --format json");
    assert_eq!(said.shards(), ["all-1: index: 2"], "{said}");
    assert!(
        said.notes().contains("`zoo` is not started for 1 test of `all`: the manifest says never."),
        "{said}"
    );
}

#[test]
fn a_skipped_test_whose_service_is_insisted_on_is_expected_to_run() {
    let tests = "t/test_a.py::test_it skip db\nt/test_a.py::test_slow 8\nt/test_a.py::test_quick 8\nt/test_a.py::test_usual 8";
    let run = |manifest: &str| {
        let said = Project::planned(manifest, tests).shardplan("-q suggest --budget 9 --format json");
        said.json()["shards"][0]["run_ms"].as_u64().unwrap()
    };
    let insisted = chain("").replace("[services.db]", "[services.db]\nprovision = \"always\"");
    assert_eq!(run(&chain("")), 24_000);
    assert_eq!(run(&insisted), 32_000);
}

#[test]
fn a_service_that_the_lane_starts_everywhere_is_not_said_to_be_missing() {
    let manifest = chain("").replace("[lanes.all]", "[lanes.all]\nservices = [\"db\"]");
    let said = Project::planned(&manifest, "t/test_a.py::test_it 3 db")
        .shardplan("-q suggest --budget 9 --format json");
    assert_eq!(said.shards(), ["all-1: db: 1"], "{said}");
    assert!(!said.notes().contains("not started"), "{said}");
}

#[test]
fn without_any_history_the_tests_of_a_lane_get_what_its_job_starts_today() {
    let project = Project::planned(&chain(""), "t/test_a.py::test_it - db\nt/test_b.py::test_it - cache");
    let said = project.shardplan("-q suggest --budget 9 --max-shards 1 --format json");
    assert_eq!(said.shards(), ["all-1: cache: 2"], "{said}");
    assert!(said.notes().contains("`db` is not started for 1 test of `all`: today's job does not"), "{said}");
}
