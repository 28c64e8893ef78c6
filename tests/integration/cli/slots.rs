//! Runners that are fewer than the jobs.

use super::Project;

const MANIFEST: &str = r#"
[lanes.all]
base = "10s"
tail = "0s"

[workflow.jobs.docs]
wall = "90s"

[workflow.jobs.gate]
wall = "5s"
needs = ["all"]
"#;

const TESTS: &str = "
tests/test_a.py::test_a    30
tests/test_b.py::test_b    30
tests/test_c.py::test_c    30
tests/test_d.py::test_d    30
";

#[test]
fn shards_that_wait_for_a_runner_end_no_earlier_and_the_plan_says_how_long_they_wait() {
    let project = Project::planned(MANIFEST, TESTS);
    // With a runner for each: 10 + 30 + 5 seconds, less than the docs.
    let free = project.shardplan("-q suggest --format json").json();
    assert_eq!(free["end_ms"], 90_000);
    assert!(free["shards"][0].get("queue_ms").is_none(), "without a limit nothing is said of a queue");
    // Docs takes one of two runners: the shards follow one another on the other, and fewer of them are as good.
    let said = project.shardplan("-q suggest --slots 2 --format json");
    let json = said.json();
    assert_eq!(json["end_ms"], 135_000, "{said}");
    assert_eq!(json["gap"], 0.0, "{said}");
    assert_eq!(json["shards"].as_array().unwrap().len(), 1, "{said}");
    let text = project.shardplan("-q suggest --slots 2").stdout;
    assert!(text.contains("queue"), "{text}");
    // A limit on minutes and one runner more.
    let three = project.shardplan("-q suggest --slots 3 --format json").json();
    assert_eq!((&three["end_ms"], &three["shards"].as_array().unwrap().len()), (&90_000.into(), &2));
}

#[test]
fn the_manifest_may_say_how_many_jobs_run_at_once_and_the_lock_remembers() {
    let project = Project::planned(&format!("{MANIFEST}\n[budget]\nslots = 2\n"), TESTS);
    assert_eq!(project.shardplan("-q suggest --format json").json()["end_ms"], 135_000);
    assert_eq!(project.shardplan("suggest --slots 3 --write").code, 0);
    let lock = std::fs::read_to_string(project.path("shardplan.lock")).unwrap();
    assert!(lock.contains("slots = 3"), "{lock}");
    let said = project.shardplan("suggest --locked");
    assert_eq!(said.code, 0, "{said}");
}

#[test]
fn a_target_that_so_few_runners_can_not_reach_names_them() {
    let project = Project::planned(MANIFEST, TESTS);
    let said = project.shardplan("suggest --slots 2 --target 100s");
    assert_eq!(said.code, 4, "{said}");
    assert!(said.stderr.contains("at most 2 jobs of the workflow at once (`--slots`)"), "{said}");
    assert!(said.stderr.contains("hint: let 3 jobs run at once: `--slots 3`"), "{said}");
}

#[test]
fn a_saved_model_keeps_its_runners() {
    let project = Project::planned(MANIFEST, TESTS);
    assert_eq!(project.shardplan("suggest --slots 2 --save-model m.json").code, 0);
    let said = project.shardplan("-q suggest --from-model m.json --format json");
    assert_eq!(said.json()["end_ms"], 135_000, "{said}");
    let free = project.shardplan("-q suggest --from-model m.json --slots 9 --format json");
    assert_eq!(free.json()["end_ms"], 90_000, "{free}");
}
