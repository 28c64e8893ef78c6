//! `shardplan backtest`: past runs foretold from the runs before them.

use std::fmt::Write as _;

use insta::assert_snapshot;

use super::Project;

/// Returns a project with a run for every column of times; tests are rows, `-` where one did not run.
fn with_runs(tests: &[(&str, &str)], facts: &str) -> Project {
    let project = Project::new();
    let runs = tests.iter().map(|(_, times)| times.split_whitespace().count()).max().unwrap();
    for run in 0..runs {
        // The run stands in the file: the same bytes would be the same file.
        let mut csv = "test,seconds,outcome,run\n".to_owned();
        for (test, times) in tests {
            if let Some(time) = times.split_whitespace().nth(run).filter(|time| *time != "-") {
                writeln!(csv, "{test},{time},passed,{run}").unwrap();
            }
        }
        project.write(&format!("{run}.csv"), csv);
        let said =
            project.shardplan(&format!("ingest {run}.csv --at 2026-06-{:02}T00:00:00Z {facts}", run + 1));
        assert_eq!(said.code, 0, "{said}");
    }
    project
}

#[test]
fn a_suite_that_changes_for_good_is_foretold_by_its_last_run() {
    let tests =
        [("a.py::x", "8 8 8 8 2 2 2 2"), ("b.py::y", "2 2 2 2 2 2 2 2"), ("c.py::z", "4 4 4 4 4 4 4 4")];
    let project = with_runs(&tests, "--lane heavy");
    let said = project.shardplan("backtest --shards 2");
    assert_snapshot!(said, @"
    exit: 0
    --- stdout
    7 runs, each foretold from the runs before it. 14 of 14 shards took no longer than their p90. Half-life: none: the last run alone counts.

     foretold by  error of tests  of files  of the run
     shardplan            15.9 %    15.9 %      15.9 %
     mean                 32.6 %    32.6 %      32.6 %
     median               42.9 %    42.9 %      42.9 %
     last value           10.7 %    10.7 %      10.7 %

     split by                      moves  longest shard  over equal shards
     shardplan                     units           6.3s            +20.4 %
     mean                          units           6.9s            +34.7 %
     median                        units           6.9s            +34.7 %
     last value                    units           6.0s            +13.3 %
     known afterwards              units           5.7s             +6.1 %
     pytest-split                  tests           6.0s            +13.3 %
     pytest-split, least duration  tests           6.0s            +13.3 %
     equal numbers of tests        tests           6.6s            +18.4 %
    ");
    let json = project.shardplan("backtest --shards 2 --format json").json();
    let tests = |name: &str| {
        let forecasts = json["forecasts"].as_array().unwrap();
        forecasts.iter().find(|way| way["name"] == name).unwrap()["tests"].as_f64().unwrap()
    };
    assert!(tests("shardplan") < tests("mean"), "{json}");
    assert_eq!(json["runs"].as_array().unwrap().len(), 7);
}

#[test]
fn what_could_not_have_been_planned_is_passed_over() {
    let project = with_runs(&[("a.py::x", "1 1"), ("b.py::y", "2 2"), ("c.py::z", "3 3")], "--lane heavy");
    let report = |seconds: u32| format!("test,seconds,outcome\na.py::x,{seconds},passed\n");
    for (run, extent) in [("7", "selected"), ("8", "only-failed"), ("9", "partial"), ("10", "unknown")] {
        project.write("part.csv", report(run.parse().unwrap()));
        let said = project.shardplan(&format!("ingest part.csv --run {run} --lane heavy --extent {extent}"));
        assert_eq!(said.code, 0, "{said}");
    }
    let json = project.shardplan("backtest --format json").json();
    let runs: Vec<&str> =
        json["runs"].as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap()).collect();
    assert_eq!(runs, ["1"]);
    assert_eq!(json["passed_over"], 5);
}

#[test]
fn without_a_second_run_there_is_nothing_to_foretell() {
    let project = Project::empty();
    assert_snapshot!(project.shardplan("backtest"), @"
    exit: 0
    --- stderr
           Empty the history holds no run yet
    hint: `shardplan ingest FILE…` reads test reports into it
    ");
    let project = with_runs(&[("a.py::x", "1"), ("b.py::y", "2")], "");
    assert_snapshot!(project.shardplan("backtest"), @"
    exit: 0
    --- stdout
    No run was foretold
    --- stderr
         Nothing can be foretold: 1 run, and a lane needs two that were neither selected nor cut short
    hint: `shardplan history runs` lists them with their lanes and extents
    ");
    assert_snapshot!(project.shardplan("backtest --format csv"), @"
    exit: 0
    --- stdout
    foretold_by,error_of_tests,of_files,of_the_run
    --- stderr
         Nothing can be foretold: 1 run, and a lane needs two that were neither selected nor cut short
    hint: `shardplan history runs` lists them with their lanes and extents
    ");
    assert_snapshot!(project.shardplan("backtest --shards 0"), @"
    exit: 2
    --- stderr
    error: invalid value '0' for '--shards <N>': 0 is not in 1..=1000

    For more information, try '--help'.
    ");
}

#[test]
fn a_run_of_two_lanes_is_foretold_in_each() {
    let project = with_runs(&[("a.py::x", "1 1 1"), ("b.py::y", "2 2 2")], "--lane heavy");
    for run in 0..3 {
        project.write("unit.csv", format!("test,seconds,outcome\nu.py::u,{}.5,passed\n", run + 1));
        let said = project.shardplan(&format!(
            "ingest unit.csv --run {run} --at 2026-06-{:02}T00:00:00Z --lane unit",
            run + 1
        ));
        assert_eq!(said.code, 0, "{said}");
    }
    assert_snapshot!(project.shardplan("backtest --format csv --shards 2"), @"
    exit: 0
    --- stdout
    foretold_by,error_of_tests,of_files,of_the_run
    shardplan,0.19523809523809527,0.19523809523809527,0.19523809523809527
    mean,0.20714285714285713,0.20714285714285713,0.20714285714285713
    median,0.20714285714285713,0.20714285714285713,0.20714285714285713
    last value,0.17142857142857143,0.17142857142857143,0.17142857142857143
    ");
    let json = project.shardplan("backtest --lane unit --format json").json();
    assert_eq!(json["runs"].as_array().unwrap().len(), 2);
    assert_eq!(json["runs"][0]["lane"], "unit");
}
