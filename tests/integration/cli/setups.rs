//! What session and module fixtures do once, paid by every shard that holds a user.

use super::Project;

const MANIFEST: &str = r#"
[setups.corpus]
fixtures = ["corpus"]

[lanes.all]
base = "10s"
tail = "0s"
"#;

/// Four files that use a corpus, and one that does not.
const TESTS: &str = "
tests/test_a.py::test_a    -  corpus()
tests/test_b.py::test_b    -  corpus()
tests/test_c.py::test_c    -  corpus()
tests/test_d.py::test_d    -  corpus()
tests/test_e.py::test_e    -
";

/// Two runs; the corpus takes 30 seconds, and whoever comes first pays.
const WITH_PHASES: [&str; 2] = [
    "test,seconds,setup_seconds,call_seconds,teardown_seconds\n\
     tests/test_a.py::test_a,70.2,30.2,40,0\ntests/test_b.py::test_b,40.2,0.2,40,0\n\
     tests/test_c.py::test_c,40.2,0.2,40,0\ntests/test_d.py::test_d,40.2,0.2,40,0\ntests/test_e.py::test_e,20,0,20,0\n",
    "test,seconds,setup_seconds,call_seconds,teardown_seconds\n\
     tests/test_a.py::test_a,40.2,0.2,40,0\ntests/test_b.py::test_b,40.2,0.2,40,0\n\
     tests/test_c.py::test_c,70.2,30.2,40,0\ntests/test_d.py::test_d,40.2,0.2,40,0\ntests/test_e.py::test_e,20,0,20,0\n",
];

fn project(manifest: &str, reports: &[&str]) -> Project {
    let project = Project::planned(manifest, TESTS);
    for (at, report) in reports.iter().enumerate() {
        project.write("report.csv", report);
        let said = project.shardplan(&format!("ingest report.csv --run r{at} --at 2026-06-1{at}T08:00:00Z"));
        assert_eq!(said.code, 0, "{said}");
    }
    project
}

/// Returns what every shard's tests take, in seconds, and what they set up.
fn runs(project: &Project) -> Vec<(u64, String)> {
    let said = project.shardplan("-q suggest --max-shards 2 --format json");
    let json = said.json();
    assert_eq!(json["containers"], 0, "{said}");
    let shard = |shard: &serde_json::Value| {
        assert_eq!(shard["services"].as_array().unwrap().len(), 0, "a set-up is no service: {said}");
        (shard["run_ms"].as_u64().unwrap() / 1000, shard["setups"].to_string())
    };
    json["shards"].as_array().unwrap().iter().map(shard).collect()
}

#[test]
fn a_set_up_is_learned_from_phases_and_paid_by_every_shard_with_a_user() {
    let project = project(MANIFEST, &WITH_PHASES);
    // 160.8 seconds of users and 20 of another: 30 of set-up in each shard.
    let corpus = r#"[{"name":"corpus","time_ms":30000}]"#.to_owned();
    let mut found = runs(&project);
    found.sort();
    assert_eq!(found, [(110, corpus.clone()), (130, corpus)]);
    let text = project.shardplan("-q suggest --max-shards 2").stdout;
    assert!(text.contains("Set up         corpus (30s) in all-1 and all-2"), "{text}");
}

#[test]
fn a_set_up_keeps_its_users_together_where_that_is_quicker() {
    let project = project(MANIFEST, &WITH_PHASES);
    let said = project.shardplan("-q suggest --max-shards 5 --format json");
    let json = said.json();
    let with: Vec<u64> =
        json["shards"].as_array().unwrap().iter().map(|shard| shard["run_ms"].as_u64().unwrap()).collect();
    // Alone each user takes 70 seconds; no shard is longer than that.
    assert!(with.iter().all(|run| *run <= 70_200), "{said}");
    assert_eq!(json["gap"], 0.0, "{said}");
}

#[test]
fn what_is_stated_needs_no_phases() {
    let plain = "test,seconds\ntests/test_a.py::test_a,70\ntests/test_b.py::test_b,40\n\
                 tests/test_c.py::test_c,40\ntests/test_d.py::test_d,40\ntests/test_e.py::test_e,20\n";
    let stated = MANIFEST.replace("[\"corpus\"]\n", "[\"corpus\"]\ntime = \"30s\"\n");
    let mut found = runs(&project(&stated, &[plain]));
    found.sort();
    let corpus = r#"[{"name":"corpus","time_ms":30000}]"#.to_owned();
    assert_eq!(found, [(110, corpus.clone()), (130, corpus)]);
    // Without a time nothing is known of it, and the plan says so.
    let unknown = project(MANIFEST, &[plain]);
    assert!(runs(&unknown).iter().all(|(_, setups)| setups == "null"));
    let notes = unknown.shardplan("-q suggest --format json").notes();
    assert!(notes.contains("How long the set-up `corpus` takes is not known (shardplan.toml:3)"), "{notes}");
}

#[test]
fn a_set_up_is_pinned_and_emitted_as_no_service() {
    let project = project(MANIFEST, &WITH_PHASES);
    assert_eq!(project.shardplan("-q suggest --max-shards 2 --write").code, 0);
    let lock = std::fs::read_to_string(project.path("shardplan.lock")).unwrap();
    assert!(!lock.contains("corpus"), "{lock}");
    let said = project.shardplan("suggest --max-shards 2 --locked");
    assert_eq!(said.code, 0, "{said}");
    let said = project.shardplan("emit matrix");
    assert!(!said.stdout.contains("corpus"), "{said}");
    let said = project.shardplan("explain all-1");
    assert!(said.stdout.contains("30s of the tests' time to set up corpus for"), "{said}");
}

#[test]
fn a_set_up_without_a_fixture_or_with_the_name_of_a_service_is_refused() {
    let project = Project::new();
    project.write(
        "shardplan.toml",
        "[services.db]\n[setups.db]\nfixtures = [\"db\"]\n[setups.none]\n[lanes.all]\n",
    );
    let said = project.shardplan("suggest");
    assert_eq!(said.code, 3, "{said}");
    assert!(said.stderr.contains("`db` is both a service and a set-up"), "{said}");
    assert!(said.stderr.contains("set-up `none` has no fixture"), "{said}");
}
