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
