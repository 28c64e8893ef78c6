//! `shardplan tradeoff`.

use insta::assert_snapshot;
use serde_json::Value;

use super::Project;

const MANIFEST: &str = r#"
[services.db]
pull = "3s"
ready = "6s"
attach = "1s"

[lanes.all]
base = "10s"
tail = "0s"
today = { services = ["db"], shards = 1 }
"#;

const TESTS: &str = "
t/test_a.py::a 60 db
t/test_b.py::b 50 db
t/test_c.py::c 40 db
t/test_d.py::d 30 db
t/test_e.py::e 35
t/test_f.py::f 25
";

#[test]
fn every_step_is_shown_with_what_it_buys() {
    let project = Project::planned(MANIFEST, TESTS);
    assert_snapshot!(project.shardplan("tradeoff"), @"
    exit: 0
    --- stdout
      containers  shards  billed min  ends in  earlier by  for           gap          lanes
               1       1           5    4m20s                            0 %          all
               1       2           6    3m20s       1m00s  +1 min        0 %          all ×2
               2       3           6    1m50s       1m30s  +1 container  0 %  ← knee  all ×3
               3       3           6    1m45s        5.0s  +1 container  0 %          all ×3
               3       4           8    1m30s         15s  +2 min        0 %          all ×4
               4       5           8    1m20s         10s  +1 container  0 %          all ×5

    Today, on the same estimates: 1 container, 1 shard, 5 billed minutes, ends in 4m20s.
    Choose 2 containers (`--budget 2`): the workflow ends in 1m50s, −2m30s against today's 4m20s, for 6 billed minutes.
    Beyond that, 2 containers more buy another 30s; nothing ends it before 1m20s.
    2 further plans are not shown: with fewer shards, but no cheaper and later. `--format json` has them, `--max-shards N` asks for one.
    --- stderr
            Read 6 tests and 1 run in 1 lane
    ");
}

#[test]
fn more_containers_never_end_later_and_one_plan_is_the_knee() {
    let project = Project::planned(MANIFEST, TESTS);
    let json = project.shardplan("-q tradeoff --format json").json();
    let points = json["points"].as_array().unwrap();
    let of = |point: &Value, key: &str| point[key].as_u64().unwrap();
    for point in points {
        let with_no_more = points.iter().filter(|other| of(other, "containers") <= of(point, "containers"));
        let best = with_no_more.map(|other| of(other, "end_ms")).min().unwrap();
        let with_more = points.iter().filter(|other| of(other, "containers") > of(point, "containers"));
        for other in with_more {
            let dearer = of(other, "shards") < of(point, "shards")
                || of(other, "billed_minutes") < of(point, "billed_minutes");
            assert!(of(other, "end_ms") < best || dearer, "{other} is no better than {point}");
        }
    }
    assert_eq!(points.iter().filter(|point| point["knee"] == true).count(), 1, "{json}");
}

#[test]
fn limits_end_the_frontier() {
    let project = Project::planned(MANIFEST, TESTS);
    let json = project.shardplan("-q tradeoff --budget 2 --max-shards 3 --format json").json();
    for point in json["points"].as_array().unwrap() {
        assert!(point["containers"].as_u64() <= Some(2) && point["shards"].as_u64() <= Some(3), "{point}");
    }
    assert_snapshot!(project.shardplan("tradeoff --budget 0"), @r#"
    exit: 4
    --- stderr
            Read 6 tests and 1 run in 1 lane
    error: no plan can keep these constraints together
      · at most 0 containers (`--budget`)
      · lane `all` needs `db` (1 container) for `t/test_a.py` and 3 more
    hint: allow 1 container: `--budget 1`
    hint: do without `db`, needed by 4 units: `provision = "never"` in `[services.db]`
    "#);
}

#[test]
fn the_manifests_budget_does_not_end_the_frontier() {
    let project = Project::planned(&format!("{MANIFEST}[budget]\ncontainers = 1\n"), TESTS);
    let json = project.shardplan("-q tradeoff --format json").json();
    assert!(json["points"].as_array().unwrap().len() > 1, "{json}");
}

#[test]
fn a_hostile_name_is_no_markup() {
    let project = Project::planned("", "");
    project.write("shardplan.toml", "[workflow.jobs.\"<img src=x>|`a`\"]\nwall = \"9m\"\n[lanes.all]\n");
    project.write("inventory.csv", "test\n\"<script>*|@all.py::t\"\n");
    let suggested = project.shardplan("-q suggest --inventory inventory.csv --format markdown");
    assert_eq!(suggested.code, 0, "{suggested}");
    assert!(suggested.stdout.contains("&lt;img src=x&gt;\\|\\`a\\`"), "{suggested}");
    let explained = project.shardplan("-q explain all-1 --inventory inventory.csv --format markdown");
    assert!(explained.stdout.contains("&lt;script&gt;\\*\\|\\@all.py"), "{explained}");
    let traded = project.shardplan("-q tradeoff --inventory inventory.csv --format markdown");
    for said in [&suggested, &explained, &traded] {
        assert_eq!(said.code, 0, "{said}");
        assert!(!said.stdout.contains("<img") && !said.stdout.contains("<script"), "{said}");
    }
}

#[test]
fn a_saved_problem_is_planned_the_same_without_its_project() {
    let project = Project::planned(MANIFEST, TESTS);
    let saved = project.shardplan("-q suggest --budget 3 --save-model problem.json --format json").json();
    let planned = project.shardplan("-q suggest --from-model problem.json --format json").json();
    for figure in ["end_ms", "bound_ms", "billed_minutes", "containers"] {
        assert_eq!(saved[figure], planned[figure], "{figure}");
    }
    let limited = project.shardplan("-q suggest --from-model problem.json --budget 1 --format json").json();
    assert!(limited["end_ms"].as_u64() > planned["end_ms"].as_u64());
    let of_project = project.shardplan("-q tradeoff --format json").json();
    let of_saved = project.shardplan("-q tradeoff --from-model problem.json --format json").json();
    assert_eq!(of_project["points"], of_saved["points"]);
}

#[test]
fn a_file_that_is_no_saved_problem_is_bad_input() {
    let project = Project::planned(MANIFEST, TESTS);
    project.write("problem.json", "{\"version\": 1, \"units\": []}");
    let said = project.shardplan("suggest --from-model problem.json").to_string();
    assert!(said.contains("exit: 3") && said.contains("this is no saved model"), "{said}");
}
