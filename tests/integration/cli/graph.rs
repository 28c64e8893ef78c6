//! `shardplan graph`.

use insta::assert_snapshot;

use super::Project;

const MANIFEST: &str = r#"
[services.db]
markers = ["db"]
fixtures = ["session"]
needs = ["dns"]

[services.dns]

[services.search]
paths = ["t/search"]

[lanes.all]
services = ["dns"]
needs = ["build"]

[workflow.jobs.build]
wall = "30s"

[workflow.jobs."say \"hi\""]
wall = "1m"
needs = ["all"]
"#;

const TESTS: &str = "
t/test_a.py::a 60 @db
t/test_b.py::b 50 session()
t/search/test_c.py::c 40
t/test_d.py::d 30 db
";

#[test]
fn the_constraint_graph_says_why_one_thing_needs_another() {
    let project = Project::planned(MANIFEST, TESTS);
    assert_snapshot!(project.shardplan("-q graph").stdout, @r#"
    digraph needs {
      rankdir=LR;
      node [fontname="sans-serif"];
      "@db" [shape=ellipse];
      "db" [shape=cylinder];
      "dns" [shape=cylinder];
      "lane all" [shape=box];
      "search" [shape=cylinder];
      "session()" [shape=component];
      "t/search/test_c.py" [shape=plaintext];
      "t/test_a.py" [shape=plaintext];
      "t/test_b.py" [shape=plaintext];
      "t/test_d.py" [shape=plaintext];
      "@db" -> "db" [label="which stands for"];
      "db" -> "dns" [label="which needs"];
      "lane all" -> "dns" [label="starts everywhere"];
      "session()" -> "db" [label="which stands for"];
      "t/search/test_c.py" -> "search" [label="stands in a place that needs"];
      "t/test_a.py" -> "@db" [label="has the mark"];
      "t/test_b.py" -> "session()" [label="uses the fixture"];
      "t/test_d.py" -> "db" [label="tried to reach"];
    }
    "#);
}

#[test]
fn a_part_of_the_graph_is_drawn_around_a_name() {
    let project = Project::planned(MANIFEST, TESTS);
    assert_snapshot!(project.shardplan("-q graph --around search").stdout, @r#"
    digraph needs {
      rankdir=LR;
      node [fontname="sans-serif"];
      "search" [shape=cylinder];
      "t/search/test_c.py" [shape=plaintext];
      "t/search/test_c.py" -> "search" [label="stands in a place that needs"];
    }
    "#);
    assert_snapshot!(project.shardplan("-q graph --around nothing"), @"
    exit: 3
    --- stderr
    error: nothing in the graph has `nothing` in its name
    hint: tests without needs are not drawn; `shardplan explain NAME` knows every test
    ");
}

#[test]
fn the_job_graph_has_the_lanes_among_the_jobs() {
    let project = Project::planned(MANIFEST, TESTS);
    assert_snapshot!(project.shardplan("-q graph --kind jobs").stdout, @r#"
    digraph jobs {
      rankdir=LR;
      node [fontname="sans-serif", shape=box];
      "build" [label="build\n30s"];
      "all" [label="all\n3m00s of tests", style=bold];
      "say \"hi\"" [label="say \"hi\"\n1m00s"];
      "build" -> "all";
      "all" -> "say \"hi\"";
    }
    "#);
}

#[test]
fn a_hostile_name_stays_within_its_quotes() {
    let project = Project::planned("[services.db]\n[lanes.all]\n", "");
    project.write("inventory.csv", "test,needs\n\"t/x\"\"];evil[\\.py::t\",db\n");
    let said = project.shardplan("-q graph");
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stdout.contains(r#""t/x\"];evil[\\.py""#), "{said}");
}

const JOBS: &str = "
[lanes.unit]
paths = [\"unit\"]
base = \"30s\"
tail = \"0s\"
today = { services = [] }
[lanes.heavy]
paths = [\"heavy\"]
base = \"30s\"
tail = \"0s\"
today = { services = [] }
[workflow.jobs.lint]
wall = \"90s\"
[workflow.jobs.\"gate|<b>=\"]
wall = \"20s\"
needs = [\"unit\", \"heavy\"]
";

fn timed() -> Project {
    let project = Project::empty();
    project.write("shardplan.toml", JOBS);
    project.write(
        "report.csv",
        "test,seconds,outcome\nunit/test_a.py::a,10,passed\nheavy/test_b.py::b,100,passed\nheavy/test_c.py::c,50,passed\n",
    );
    assert_eq!(project.shardplan("-q ingest report.csv").code, 0);
    project
}

#[test]
fn the_critical_path_is_told_as_a_table() {
    let project = timed();
    assert_snapshot!(project.shardplan("-q graph --critical-path --format text").stdout, @"
    The workflow ends in 3m20s.

      job        starts  takes   ends  slack  without it
      heavy-1        0s  3m00s  3m00s      —      −1m50s
      lint           0s  1m30s  1m30s  1m50s           —
      unit-1         0s    40s    40s  2m20s           —
      gate|<b>=   3m00s    20s  3m20s      —        −20s

      Critical path  heavy-1 → gate|<b>=
      heavy-1: set-up 30s, containers 0s, tests 2m30s, after 0s
    ");
    assert_snapshot!(project.shardplan("-q graph --critical-path --format markdown").stdout, @r"
    ### Critical path

    The workflow ends in 3m20s.

    | job | starts | takes | ends | slack | without it |
    | --- | ---: | ---: | ---: | ---: | ---: |
    | heavy-1 | 0s | 3m00s | 3m00s | 0s | −1m50s |
    | lint | 0s | 1m30s | 1m30s | 1m50s | — |
    | unit-1 | 0s | 40s | 40s | 2m20s | — |
    | gate\|&lt;b&gt;= | 3m00s | 20s | 3m20s | 0s | −20s |

    **Critical path:** heavy-1 → gate\|&lt;b&gt;=
    ");
    let json = project.shardplan("-q graph --critical-path --format json").stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["version"], &json["end_ms"]), (&1.into(), &200_000.into()), "{json}");
    assert!(project.shardplan("-q graph --critical-path").stdout.starts_with("digraph critical_path"));
}

#[test]
fn what_a_faster_job_would_buy_is_told_before_anybody_works_on_it() {
    let project = timed();
    let said = project
        .shardplan("-q graph --critical-path --format text --what-if heavy-1=60s --what-if gate|<b>==0s");
    assert_snapshot!(said, @"
    exit: 0
    --- stdout
    If heavy-1 took 1m00s and gate|<b>= took 0s, the workflow would end in 1m30s (−1m50s against 3m20s).

      job        starts  takes   ends  slack  without it
      heavy-1        0s  1m00s  1m00s    30s           —
      lint           0s  1m30s  1m30s      —        −30s
      unit-1         0s    40s    40s    50s           —
      gate|<b>=   1m00s     0s  1m00s    30s           —

      Critical path  lint
    ");
    assert_snapshot!(project.shardplan("-q graph --critical-path --what-if heavi-1=60s"), @"
    exit: 2
    --- stderr
    error: there is no job `heavi-1`
    hint: did you mean `heavy-1`?
    ");
    assert_snapshot!(project.shardplan("-q graph --critical-path --what-if heavy-1=soon"), @"
    exit: 2
    --- stderr
    error: `soon` is not a duration: write it as `45s`, `1m30s`, `2h` or `250ms`
    ");
    assert_snapshot!(project.shardplan("-q graph --critical-path --what-if heavy-1"), @"
    exit: 2
    --- stderr
    error: `heavy-1` is not of the form JOB=TIME
    hint: such as `--what-if lint=30s`
    ");
}
