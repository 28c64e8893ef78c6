//! Lanes that have no job of their own yet: what parting them from the job that runs their tests today would buy.

use insta::assert_snapshot;

use super::Project;

const PARTED: &str = r#"
[services.db]
pull = "0s"
ready = "10s"
attach = "0s"
[lanes.unit]
paths = ["unit"]
base = "20s"
tail = "0s"
today = { inside = "heavy" }
[lanes.heavy]
paths = ["heavy"]
services = ["db"]
base = "20s"
tail = "0s"
today = { services = ["db"] }
[workflow.jobs.gate]
wall = "15s"
today = "0s"
needs = ["unit", "heavy"]
"#;

fn project(manifest: &str) -> Project {
    let project = Project::empty();
    project.write("shardplan.toml", manifest);
    project.write(
        "report.csv",
        "test,seconds,outcome\nunit/test_a.py::a,40,passed\nheavy/test_b.py::b,100,passed\nheavy/test_c.py::c,50,passed\n",
    );
    project
}

#[test]
fn what_parting_a_lane_from_another_buys_is_told_with_what_takes_it_back() {
    let project = project(PARTED);
    assert_eq!(project.shardplan("-q ingest report.csv").code, 0);
    // Today: 20 s, 10 s for the service, 190 s of tests. Parted: 40 s fewer, and the gate's 15 s.
    let said = project.shardplan("-q suggest --budget 1").stdout;
    assert!(said.contains("The workflow ends in 3m15s (−25s against today)"), "{said}");
    let mut lines = said.lines();
    assert!(lines.any(|line| line.trim().starts_with("today") && line.contains(" 3m40s ")), "{said}");
    let note = said.lines().find(|line| line.contains("in the job of")).unwrap();
    assert_snapshot!(note.trim(), @"· Today the tests of `unit` take 40s in the job of `heavy`: parting the two saves no more than that. The jobs behind it take 15s longer than today, which comes off that. A job of their own pays 20s around them, beside the other.");
    // Without a budget it is the containers of today's one job that count.
    assert!(project.shardplan("-q suggest").stdout.contains("1 container in 2 shards"), "{said}");
}

#[test]
fn a_lane_can_only_be_inside_one_that_has_a_job() {
    let project = project(
        "[lanes.unit]\ntoday = { inside = \"heavi\", shards = 2 }\n[lanes.heavy]\ntoday = { inside = \"unit\" }\n",
    );
    assert_snapshot!(project.shardplan("-q suggest"), @r#"
    exit: 3
    --- stderr
    error: no lane is called `heavi`
     --> shardplan.toml:2:20
      |
    2 | today = { inside = "heavi", shards = 2 }
      |                    ^^^^^^^
      |
      = help: did you mean `heavy`?

    error: `shards` of today are those of the lane that `inside` names
     --> shardplan.toml:2:38
      |
    2 | today = { inside = "heavi", shards = 2 }
      |                                      ^
      |
      = help: say it of `heavi`

    error: lane `unit` has no job of its own today, so `heavy` can not be inside it
     --> shardplan.toml:4:20
      |
    4 | today = { inside = "unit" }
      |                    ^^^^^^
      |
      = help: write `today = { services = […] }` in `[lanes.unit]`
    "#);
}
