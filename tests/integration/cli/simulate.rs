//! `shardplan simulate`.

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

[workflow.jobs.lint]
wall = "1m50s"
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
fn many_runs_are_told_as_a_distribution_with_the_shards_that_decide_it() {
    let project = Project::planned(MANIFEST, TESTS);
    assert_snapshot!(project.shardplan("simulate --budget 2 --by 2m"), @r"
    exit: 0
    --- stdout
    The workflow ends within 2m01s in one of two runs, within 2m34s in nine of ten, within 3m09s in 99 of 100.
    48 of 100 runs end within 2m00s.
    A queue that deals out tests while shards run, without any loss, would end within 2m10s in nine of ten runs: 24s sooner than this plan.

      ends from     to  of 100 runs
          1m50s  2m00s           48  ████████████████████████████████
          2m00s  2m10s           17  ████████████
          2m10s  2m20s           13  █████████
          2m20s  2m30s            9  ███████
          2m30s  2m40s            6  ████
          2m40s  2m50s            3  ███
          2m50s  3m00s            2  ██
          3m00s  3m10s          < 1  █
          3m10s  3m20s          < 1  █
          3m20s  3m30s          < 1  █
          3m30s  3m40s          < 1  █
          3m40s  3m50s          < 1  █
          3m50s  4m00s          < 1  █
          4m00s  4m10s          < 1  █
          4m10s  4m20s          < 1  █

      shard         p50    p90    p99  ends last in, of 100
      all-1       1m08s  1m31s  1m55s                   < 1
      all-2       1m47s  2m23s  3m01s                    35
      all-3       1m47s  2m22s  2m57s                    35
      other jobs      —      —      —                    29
    --- stderr
            Read 6 tests and 1 run in 1 lane
            Drew 10000 runs of 3 shards
    ");
}

#[test]
fn the_same_project_gives_the_same_bytes_and_the_forecast_of_its_plan() {
    let project = Project::planned(MANIFEST, TESTS);
    let simulated = project.shardplan("-q simulate --budget 3 --format json");
    assert_eq!(simulated.stdout, project.shardplan("-q simulate --budget 3 --format json").stdout);
    let simulated = simulated.json();
    let suggested = project.shardplan("-q suggest --budget 3 --format json").json();
    let near = |one: &Value, other: &Value| {
        let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
        assert!((one - other).abs() <= other * 0.01, "{one} against {other}");
    };
    let within = |share: f64| {
        let shares = simulated["shares"].as_array().unwrap();
        shares.iter().find(|entry| entry["share"].as_f64() == Some(share)).unwrap()["end_ms"].clone()
    };
    near(&within(0.5), &suggested["p50_ms"]);
    near(&within(0.9), &suggested["p90_ms"]);
    for (odds, shard) in
        simulated["shards"].as_array().unwrap().iter().zip(suggested["shards"].as_array().unwrap())
    {
        assert_eq!(odds["name"], shard["name"]);
        near(&odds["p90_ms"], &shard["p90_ms"]);
    }
}

#[test]
fn every_run_is_decided_by_one_job_and_no_queue_is_slower_than_the_plan() {
    let project = Project::planned(MANIFEST, TESTS);
    for budget in 1..=6 {
        let told = project.shardplan(&format!("-q simulate --budget {budget} --format json")).json();
        let last: f64 = told["shards"].as_array().unwrap().iter().map(|s| s["last"].as_f64().unwrap()).sum();
        assert!((last + told["last_elsewhere"].as_f64().unwrap() - 1.0).abs() < 1e-9, "{told}");
        let runs: u64 =
            told["bars"].as_array().unwrap().iter().map(|bar| bar["runs"].as_u64().unwrap()).sum();
        assert_eq!(Some(runs), told["runs"].as_u64());
        let ends: Vec<u64> =
            told["shares"].as_array().unwrap().iter().map(|s| s["end_ms"].as_u64().unwrap()).collect();
        assert!(ends.is_sorted(), "{ends:?}");
        if let Some(queue) = told["queue"].as_object() {
            assert!(queue["p50_ms"].as_u64().unwrap() <= ends[3], "{told}");
            assert!(queue["p90_ms"].as_u64().unwrap() <= ends[5], "{told}");
        }
    }
}

#[test]
fn what_is_pinned_is_what_is_drawn() {
    let project = Project::planned(MANIFEST, TESTS);
    assert_eq!(project.shardplan("-q suggest --budget 1 --write").code, 0);
    let shards = |command: &str| project.shardplan(command).json()["shards"].as_array().unwrap().len();
    let pinned = project.shardplan("-q suggest --budget 1 --format json").json();
    assert_eq!(shards("-q simulate --format json"), pinned["shards"].as_array().unwrap().len());
    assert_ne!(shards("-q simulate --format json"), shards("-q simulate --budget 6 --format json"));
}

#[test]
fn the_distribution_fits_a_comment() {
    let project = Project::planned(MANIFEST, TESTS);
    assert_snapshot!(project.shardplan("-q simulate --budget 2 --format markdown").stdout, @r"
    ### Distribution of the end

    The workflow ends within 2m01s in one of two runs, within 2m34s in nine of ten, within 3m09s in 99 of 100.  
    A queue that deals out tests while shards run, without any loss, would end within 2m10s in nine of ten runs: 24s sooner than this plan.

    | of 100 runs | end within |
    | ---: | ---: |
    | 5 | 1m50s |
    | 10 | 1m50s |
    | 25 | 1m50s |
    | 50 | 2m01s |
    | 75 | 2m17s |
    | 90 | 2m34s |
    | 99 | 3m09s |

    | shard | p50 | p90 | p99 | ends last in, of 100 |
    | --- | ---: | ---: | ---: | ---: |
    | all-1 | 1m08s | 1m31s | 1m55s | &lt; 1 |
    | all-2 | 1m47s | 2m23s | 3m01s | 35 |
    | all-3 | 1m47s | 2m22s | 2m57s | 35 |
    | other jobs | — | — | — | 29 |
    ");
}
