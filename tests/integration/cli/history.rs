//! `shardplan history`.

use std::fmt::Write as _;
use std::fs;

use insta::assert_snapshot;

use super::Project;

fn with_observations() -> Project {
    let project = Project::new();
    project.add_fixture("observations.csv");
    project.add_fixture("github-jobs.json");
    let said = project.shardplan("ingest observations.csv github-jobs.json");
    assert_eq!(said.code, 0, "{said}");
    project
}

#[test]
fn an_empty_history_says_what_to_do() {
    let project = Project::new();
    assert_snapshot!(project.shardplan("history"), @"
    exit: 0
    --- stderr
           Empty the history holds no run yet
    hint: `shardplan ingest FILE…` reads test reports into it
    ");
    assert_snapshot!(project.shardplan("history export test-durations"), @"
    exit: 0
    --- stdout
    {}
    --- stderr
           Empty the history holds no run yet
    hint: `shardplan ingest FILE…` reads test reports into it
    ");
}

#[test]
fn the_overview_counts_and_names_the_slowest() {
    assert_snapshot!(with_observations().shardplan("history"), @"
    exit: 0
    --- stdout
    2 runs (3 reports: 3 CSV) from 2026-06-16 to 2026-06-17: 5 observations of 4 tests in 3 files; 2 CI jobs

     lane   runs  tests  test time  last run
     heavy     2      1       3.2s  2026-06-17T08:00:00Z
     unit      1      1      250ms  2026-06-17T08:00:00Z

     slowest tests            expected   share  median  seen
     tests/a.py::test_x           3.2s  80.9 %    3.0s     2
     tests/a.py::test_y[a,b]     500ms  12.8 %   500ms     1
     tests/unit.py::test_u       250ms   6.4 %   250ms     1
    ");
}

#[test]
fn the_overview_is_a_table_in_markdown() {
    let project = Project::new();
    project.write("a.csv", "test,seconds,at\na.py::t[`x|y`],1.5,2026-06-16T08:00:00Z\n");
    project.shardplan("ingest a.csv");
    assert_snapshot!(project.shardplan("history --format markdown"), @r"
    exit: 0
    --- stdout
    1 run (1 report: 1 CSV) on 2026-06-16: 1 observation of 1 test in 1 file; 0 CI jobs

    | lane | runs | tests | test time | last run |
    |---|--:|--:|--:|---|
    | (none) | 1 | 1 | 1.5s | 2026-06-16T08:00:00Z |

    | slowest tests | expected | share | median | seen |
    |---|--:|--:|--:|--:|
    | `` a.py::t[`x\|y`] `` | 1.5s | 100.0 % | 1.5s | 1 |
    ");
}

#[test]
fn the_overview_is_versioned_json() {
    assert_snapshot!(with_observations().shardplan("history --format json"), @r#"
    exit: 0
    --- stdout
    {
      "version": 1,
      "runs": 2,
      "reports": 3,
      "tests": 4,
      "files": 3,
      "observations": 5,
      "jobs": 2,
      "first": "2026-06-16T08:00:00Z",
      "last": "2026-06-17T08:00:00Z",
      "formats": [
        {
          "format": "csv",
          "reports": 3
        }
      ],
      "lanes": [
        {
          "lane": "heavy",
          "runs": 2,
          "tests_of_last": 1,
          "typical_seconds": 3.25,
          "last": "2026-06-17T08:00:00Z"
        },
        {
          "lane": "unit",
          "runs": 1,
          "tests_of_last": 1,
          "typical_seconds": 0.25,
          "last": "2026-06-17T08:00:00Z"
        }
      ],
      "slowest": [
        {
          "test": "tests/a.py::test_x",
          "expected_seconds": 3.166667,
          "share": 0.808510654594838,
          "median_seconds": 3.0,
          "seen": 2
        },
        {
          "test": "tests/a.py::test_y[a,b]",
          "expected_seconds": 0.5,
          "share": 0.12765956360344138,
          "median_seconds": 0.5,
          "seen": 1
        },
        {
          "test": "tests/unit.py::test_u",
          "expected_seconds": 0.25,
          "share": 0.06382978180172069,
          "median_seconds": 0.25,
          "seen": 1
        }
      ]
    }
    "#);
}

#[test]
fn an_export_is_read_back_without_a_loss() {
    let project = with_observations();
    let exported = project.shardplan("history export csv");
    assert_snapshot!(exported, @r#"
    exit: 0
    --- stdout
    test,seconds,file,outcome,lane,shard,run,attempt,branch,commit,at,machine,services,extent,setup_seconds,call_seconds,teardown_seconds,reason,unit,retries,worker,project
    tests/a.py::test_x,2.5,tests/a.py,passed,heavy,,41,,main,,2026-06-16T08:00:00Z,,postgres redis,unknown,1.5,0.75,0.25,,,,,
    "tests/a.py::test_y[a,b]",0.5,tests/a.py,failed,heavy,,41,,main,,2026-06-16T08:00:00Z,,postgres redis,unknown,,,,assert 1 == 2,,,,
    tests/b.py::test_z,0,tests/b.py,skipped,heavy,,41,,main,,2026-06-16T08:00:00Z,,postgres redis,unknown,,,,no solr,,,,
    tests/a.py::test_x,3.5,tests/a.py,passed,heavy,,42,,main,,2026-06-17T08:00:00Z,,postgres redis,unknown,,,,,,,,
    tests/unit.py::test_u,0.25,tests/unit.py,passed,unit,,42,,main,,2026-06-17T08:00:00Z,,-,unknown,,,,,,,,
    "#);
    let second = Project::new();
    second.write("export.csv", &exported.stdout);
    second.shardplan("ingest export.csv");
    assert_eq!(second.shardplan("history export csv").stdout, exported.stdout);
}

#[test]
fn durations_are_what_is_expected_and_nothing_for_what_never_ran() {
    assert_snapshot!(with_observations().shardplan("history export test-durations"), @r#"
    exit: 0
    --- stdout
    {
        "tests/a.py::test_x": 3.166667,
        "tests/a.py::test_y[a,b]": 0.5,
        "tests/b.py::test_z": 0.0,
        "tests/unit.py::test_u": 0.25
    }
    "#);
}

#[test]
fn an_export_goes_to_a_file_on_demand() {
    let project = with_observations();
    let said = project.shardplan("history export csv -o out.csv");
    assert_eq!((said.code, said.stdout.as_str()), (0, ""));
    let written = fs::read_to_string(project.path("out.csv")).unwrap();
    assert_eq!(written, project.shardplan("history export csv").stdout);
}

#[test]
fn a_file_of_the_store_that_was_damaged_is_named() {
    let project = Project::new();
    project.add_fixture("observations.csv");
    project.shardplan("ingest observations.csv");
    let name = project.stored_files().remove(0);
    fs::write(project.path(".shardplan/history").join(name), "PAR1 and no more").unwrap();
    assert_snapshot!(project.shardplan("history"), @"
    exit: 3
    --- stderr
    error: the history file `.shardplan/history/tests/branch=main/month=2026-06/[DIGEST].parquet` can't be read: parquet: File out of specification: The file must end with PAR1
    hint: delete that file and ingest its report again; every other file of the history is untouched
    ");
}

#[test]
fn what_a_crash_left_behind_is_not_read() {
    let project = with_observations();
    let before = project.shardplan("history").stdout;
    project.write(".shardplan/history/tmp/0123456789ab.tmp", "half a file");
    project.write(".shardplan/history/tests/branch=main/month=2026-06/.nfs0001", "x");
    project.write(".shardplan/history/tests/readme.txt", "x");
    assert_eq!(project.shardplan("history").stdout, before);
}

/// Returns a project with four runs of two lanes: shards, a re-run of what failed, a test that is gone, one that
/// fails now and then, skips, and one that became slow.
fn with_four_runs() -> Project {
    let project = Project::new();
    let mut csv = "test,seconds,outcome,reason,run,attempt,commit,branch,lane,shard,extent,at\n".to_owned();
    let mut row = |run: u32,
                   attempt: u32,
                   shard: &str,
                   extent: &str,
                   test: &str,
                   seconds: f64,
                   outcome: &str,
                   reason: &str| {
        let branch = if run == 3 { "next" } else { "main" };
        writeln!(
            csv,
            "{test},{seconds},{outcome},{reason},{run},{attempt},c{run},{branch},heavy,{shard},{extent},2026-06-{:02}T08:0{attempt}:00Z",
            10 + run
        )
        .unwrap();
    };
    for run in 1..5 {
        if run < 3 {
            row(run, 1, "1", "full", "t/a.py::gone", 1.0, "passed", "");
        }
        row(run, 1, "1", "full", "t/a.py::slower", if run < 3 { 2.0 } else { 4.0 }, "passed", "");
        row(run, 1, "1", "full", "t/a.py::never", 0.0, "skipped", "no solr");
        let lately = if run < 3 { "passed" } else { "skipped" };
        row(run, 1, "2", "full", "t/b.py::lately", 0.5, lately, if run < 3 { "" } else { "too slow" });
        let outcome = if run == 2 { "failed" } else { "passed" };
        row(run, 1, "2", "full", "t/b.py::flaky", 3.0, outcome, if run == 2 { "timeout" } else { "" });
    }
    row(2, 2, "2", "only-failed", "t/b.py::flaky", 3.5, "passed", "");
    project.write("runs.csv", csv);
    let said = project.shardplan("ingest runs.csv");
    assert_eq!(said.code, 0, "{said}");
    project
}

#[test]
fn the_slowest_tests_have_their_share() {
    assert_snapshot!(with_four_runs().shardplan("history slowest -n 2"), @"
    exit: 0
    --- stdout
    The 2 tests that take longest: 6.6s together, 76 % of all test time

     test            expected   share  median  seen
     t/a.py::slower      3.6s  41.5 %    3.0s     4
     t/b.py::flaky       3.0s  34.9 %    3.0s     5
    ");
}

#[test]
fn a_trend_shows_the_runs_of_each_lane_and_the_tests_that_moved() {
    assert_snapshot!(with_four_runs().shardplan("history trend"), @"
    exit: 0
    --- stdout
    1 test became slower or faster by 20 % and 100 ms or more

     lane   run  began                 ran  failed  skipped  test time   change
     heavy  4    2026-06-14T08:01:00Z    2       0        2       7.5s   +0.0 %
     heavy  3    2026-06-13T08:01:00Z    2       0        2       7.5s   -9.1 %
     heavy  2    2026-06-12T08:01:00Z    4       1        1        10s  +53.8 %
     heavy  1    2026-06-11T08:01:00Z    4       0        1       6.5s

     test that moved  before   now    change
     t/a.py::slower     2.0s  4.0s  +100.0 %
    ");
}

#[test]
fn a_test_that_passed_and_failed_on_one_commit_is_flaky() {
    assert_snapshot!(with_four_runs().shardplan("history flaky"), @"
    exit: 0
    --- stdout
    1 test passed and failed on one commit or in one run; 0 went back and forth between runs

     test           proofs  changes  failed  ran  last failure          reason
     t/b.py::flaky       1        2       1    5  2026-06-12T08:01:00Z  timeout
    ");
}

#[test]
fn skipped_tests_are_told_by_whether_they_ever_ran() {
    assert_snapshot!(with_four_runs().shardplan("history skipped"), @"
    exit: 0
    --- stdout
    1 test never ran; 1 skipped lately

     test            skipped  in a row  since                 last ran              reason
     t/a.py::never   always          4  2026-06-11T08:01:00Z                        no solr
     t/b.py::lately  lately          2  2026-06-13T08:01:00Z  2026-06-12T08:01:00Z  too slow
    ");
}

#[test]
fn a_test_is_gone_when_a_full_run_went_without_it() {
    assert_snapshot!(with_four_runs().shardplan("history stale"), @"
    exit: 0
    --- stdout
    1 test gone (a full run went without), 0 more not seen lately

     test          lane   last seen             runs since  it is
     t/a.py::gone  heavy  2026-06-12T08:01:00Z           2  gone

     lane   last run              days behind
     heavy  2026-06-14T08:01:00Z            0
    ");
}

#[test]
fn runs_are_listed_with_their_attempts_lanes_and_shards() {
    assert_snapshot!(with_four_runs().shardplan("history runs"), @"
    exit: 0
    --- stdout
    4 runs

     run  began                 branch  commit  attempts  lanes     reports  observations  extent
     4    2026-06-14T08:01:00Z  main    c4      1         heavy ×2        2             4  full
     3    2026-06-13T08:01:00Z  next    c3      1         heavy ×2        2             4  full
     2    2026-06-12T08:01:00Z  main    c2      1 2       heavy ×2        3             6  full
     1    2026-06-11T08:01:00Z  main    c1      1         heavy ×2        2             5  full
    ");
}

#[test]
fn a_test_is_shown_with_every_execution() {
    assert_snapshot!(with_four_runs().shardplan("history show t/b.py::flaky"), @"
    exit: 0
    --- stdout
    t/b.py::flaky
    expected 3.0s; ran 5×, 1× failed, 0× skipped; median 3.0s, 3.0s to 3.5s

     began                 run  lane   shard  machine  outcome  time  reason
     2026-06-14T08:01:00Z  4#1  heavy  2               passed   3.0s
     2026-06-13T08:01:00Z  3#1  heavy  2               passed   3.0s
     2026-06-12T08:02:00Z  2#2  heavy  2               passed   3.5s
     2026-06-12T08:01:00Z  2#1  heavy  2               failed   3.0s  timeout
     2026-06-11T08:01:00Z  1#1  heavy  2               passed   3.0s
    ");
    assert_snapshot!(with_observations().shardplan("history show tests/a.py::test_x --format markdown"), @"
    exit: 0
    --- stdout
    `tests/a.py::test_x`

    expected 3.2s; ran 2×, 0× failed, 0× skipped; median 3.0s, 2.5s to 3.5s

    | began | run | lane | shard | machine | outcome | time | setup | call | teardown | reason |
    |---|---|---|---|---|---|--:|---|---|---|---|
    | 2026-06-17T08:00:00Z | `42` | heavy |  |  | passed | 3.5s |  |  |  |  |
    | 2026-06-16T08:00:00Z | `41` | heavy |  |  | passed | 2.5s | 1.5s | 750ms | 250ms |  |
    ");
}

#[test]
fn a_test_that_nobody_knows_has_neighbours() {
    let project = with_four_runs();
    assert_snapshot!(project.shardplan("history show t/a.py"), @"
    exit: 3
    --- stderr
    error: the history knows no test `t/a.py`
    hint: there is `t/a.py::gone`
    hint: there is `t/a.py::never`
    hint: there is `t/a.py::slower`
    ");
    assert_snapshot!(project.shardplan("history show t/b.py::flakey"), @"
    exit: 3
    --- stderr
    error: the history knows no test `t/b.py::flakey`
    hint: did you mean `t/b.py::flaky`?
    ");
    assert_snapshot!(project.shardplan("history show something::else"), @"
    exit: 3
    --- stderr
    error: the history knows no test `something::else`
    hint: `shardplan history export csv` writes every test that is known
    ");
}

#[test]
fn filters_choose_runs() {
    let project = with_four_runs();
    let runs = |words: &str| {
        let listed = project.shardplan(&format!("history runs --format json {words}")).json();
        let runs = listed["runs"].as_array().unwrap().clone();
        runs.iter().map(|run| run["run"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(runs(""), ["4", "3", "2", "1"]);
    assert_eq!(runs("--branch next"), ["3"]);
    assert_eq!(runs("--since 2026-06-13"), ["4", "3"]);
    assert_eq!(runs("--since 2026-06-12T08:01:00Z --branch main"), ["4", "2"]);
    assert_eq!(runs("--lane heavy -n 1"), ["4"]);
    assert_eq!(runs("--lane unit"), [""; 0]);
    assert_eq!(runs("--since 1d"), [""; 0]);
    assert_snapshot!(project.shardplan("history slowest --branch nowhere"), @"
    exit: 0
    --- stderr
           Empty none of the 4 runs in the history fits the options
    hint: `shardplan history runs` lists them with their branches and lanes
    ");
    assert_snapshot!(project.shardplan("history runs --since yesterday"), @"
    exit: 2
    --- stderr
    error: `--since`: `yesterday` is no time: use `2026-06-16`, `2026-06-16T08:00:00Z`, `30d` or `8w`
    ");
    assert_snapshot!(project.shardplan("history runs --lane a/b"), @"
    exit: 2
    --- stderr
    error: `--lane`: `a/b` is not a lane name: use 1 to 64 letters, digits, `-` and `_`, starting with a letter or digit
    ");
}

#[test]
fn every_view_speaks_every_format() {
    let project = with_four_runs();
    for view in ["", "slowest", "trend", "flaky", "skipped", "stale", "runs", "show t/a.py::slower"] {
        let json = project.shardplan(&format!("history {view} --format json")).json();
        assert_eq!(json["version"], 1, "{view}");
        let csv = project.shardplan(&format!("history {view} --format csv")).stdout;
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let columns = reader.headers().unwrap().len();
        assert!(columns > 2 && reader.records().all(|row| row.unwrap().len() == columns), "{view}");
        let markdown = project.shardplan(&format!("history {view} --format markdown")).stdout;
        assert!(markdown.contains("|---|"), "{view}: {markdown}");
    }
}

#[test]
fn a_compacted_history_says_the_same_and_takes_no_report_again() {
    let project = with_observations();
    project
        .write("more.csv", "test,seconds,run,branch,at\ntests/a.py::test_x,4,43,main,2026-06-18T08:00:00Z\n");
    project.shardplan("ingest more.csv");
    let before = project.shardplan("history export csv").stdout;
    assert_snapshot!(project.shardplan("history compact --dry-run"), @"
    exit: 0
    --- stderr
     Would merge 3 files to 2
    ");
    let compacted = project.shardplan("history compact --format json");
    assert_eq!(
        (compacted.json()["files_before"].as_u64(), compacted.json()["files_after"].as_u64()),
        (Some(3), Some(2))
    );
    assert_eq!(project.shardplan("history export csv").stdout, before);
    assert_snapshot!(project.shardplan("history compact"), @"
    exit: 0
    --- stderr
            Kept 2 files: there is nothing to merge
    ");
    let again = project.shardplan("ingest more.csv observations.csv");
    assert!(again.stderr.contains("2 files already in the history"), "{again}");
    assert_snapshot!(project.shardplan("history compact --branch main"), @"
    exit: 2
    --- stderr
    error: the store is compacted as a whole
    hint: leave `--lane`, `--branch` and `--since` out
    ");
}

#[test]
fn an_export_that_comes_back_to_its_history_changes_nothing() {
    let project = with_four_runs();
    let exported = ["csv", "test-durations", "json"]
        .map(|format| project.shardplan(&format!("history export {format}")).stdout);
    project.write("again.csv", &exported[0]);
    assert_eq!(project.shardplan("ingest again.csv").code, 0);
    assert_eq!(project.shardplan("history export csv").stdout, exported[0]);
    assert_eq!(project.shardplan("history export test-durations").stdout, exported[1]);
}

#[test]
fn an_export_as_parquet_is_a_history_for_another_project() {
    let project = with_four_runs();
    assert_snapshot!(project.shardplan("history export parquet"), @"
    exit: 2
    --- stderr
    error: Parquet is no text: it needs a file to go to
    hint: name it with `--output history.parquet`
    ");
    assert_eq!(project.shardplan("history export parquet -o all.parquet").code, 0);
    let other = Project::new();
    other.write("all.parquet", fs::read(project.path("all.parquet")).unwrap());
    assert_eq!(other.shardplan("ingest all.parquet").code, 0);
    assert_eq!(other.shardplan("history export csv").stdout, project.shardplan("history export csv").stdout);
}

#[test]
fn an_export_as_json_has_every_observation_under_its_report() {
    let json = with_four_runs().shardplan("history export json").json();
    let reports = json["reports"].as_array().unwrap();
    let tests: usize = reports.iter().map(|report| report["tests"].as_array().unwrap().len()).sum();
    assert_eq!((json["version"].as_u64(), reports.len(), tests), (Some(1), 9, 19));
}

#[test]
fn runs_are_forgotten_by_age_and_by_number() {
    let project = with_four_runs();
    assert_snapshot!(project.shardplan("history prune"), @"
    exit: 2
    --- stderr
    error: the following required arguments were not provided:
      <--before <TIME>|--keep <N>>

    Usage: shardplan history prune <--before <TIME>|--keep <N>>

    For more information, try '--help'.
    ");
    assert_snapshot!(project.shardplan("history prune --before 2026-06-12 --dry-run"), @"
    exit: 0
    --- stderr
    Would forget 1 run, 5 observations; 0 files deleted, 1 written anew
    ");
    assert_snapshot!(project.shardplan("history prune --keep 2"), @"
    exit: 0
    --- stderr
          Forgot 2 runs, 11 observations; 0 files deleted, 1 written anew
    ");
    assert_snapshot!(project.shardplan("history runs --format csv"), @"
    exit: 0
    --- stdout
    run,began,branch,commit,attempts,lanes,reports,observations,extent
    4,2026-06-14T08:01:00Z,main,c4,1,heavy ×2,2,4,full
    3,2026-06-13T08:01:00Z,next,c3,1,heavy ×2,2,4,full
    ");
    let none = project.shardplan("history prune --before 2026-06-01 --format json");
    assert_eq!(none.json()["runs_forgotten"], 0);
    assert_eq!(project.shardplan("history prune --before 2027-01-01").code, 0);
    assert!(project.stored_files().iter().all(|file| file.starts_with("tmp/")));
    assert_snapshot!(project.shardplan("history prune --keep 1 --since 2026-06-01"), @"
    exit: 2
    --- stderr
    error: `--since` names what a view reads, not what is forgotten
    hint: `history prune --before TIME` forgets what is older
    ");
}

#[test]
fn a_store_of_the_first_version_is_read_and_compacted() {
    let project = Project::new();
    let old = super::fixture("history-v1");
    for file in ["tests/branch=main", "jobs/branch=feature%2Fsplit"] {
        let month = old.join(file).join("month=2026-06");
        let path = fs::read_dir(month).unwrap().next().unwrap().unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        project.write(&format!(".shardplan/history/{file}/month=2026-06/{name}"), fs::read(&path).unwrap());
    }
    let now = with_observations();
    for words in
        ["history export csv", "history runs", "history show tests/a.py::test_x", "history --format json"]
    {
        assert_eq!(project.shardplan(words).stdout, now.shardplan(words).stdout, "{words}");
    }
    project.add_fixture("observations.csv");
    let again = project.shardplan("ingest observations.csv");
    assert!(again.stderr.contains("already in the history"), "{again}");
}

#[test]
fn tests_that_are_gone_leave_the_plan_and_tests_of_unknown_fate_stay() {
    let project = with_four_runs();
    let said = project.shardplan("suggest --budget 0");
    assert!(said.stderr.contains("1 test of the history was not in the latest full run of the lane and was left out: `t/a.py::gone`"), "{said}");
    assert!(said.stderr.contains("Read 4 tests and 4 runs"), "{said}");
    // A later run of which nobody says that it was a full one proves nothing.
    project.write("more.csv", "test,seconds,run,lane,at\nt/a.py::slower,4,5,heavy,2026-06-20T08:00:00Z\n");
    project.shardplan("ingest more.csv");
    let said = project.shardplan("suggest --budget 0");
    assert!(
        said.stderr.contains(
            "3 tests of the history were not in the latest run of the lane and planned all the same"
        ),
        "{said}"
    );
    assert!(said.stderr.contains("Read 4 tests and 5 runs"), "{said}");
}

#[test]
fn tests_that_the_inventory_lacks_are_named() {
    let project = with_four_runs();
    project.write("inventory.csv", "test\nt/a.py::slower\nt/b.py::flaky\nt/b.py::lately\n");
    let said = project.shardplan("suggest --budget 0 --inventory inventory.csv");
    assert!(
        said.stderr.contains(
            "1 test of the latest run is not in the inventory, and so not in the plan: `t/a.py::never`"
        ),
        "{said}"
    );
}

#[test]
fn runs_that_the_branch_leaves_out_are_counted() {
    let project = with_four_runs();
    project.write("shardplan.toml", "history.branch = \"release\"\n");
    project.write("inventory.csv", "test\nt/a.py::slower\n");
    let said = project.shardplan("suggest --budget 0 --inventory inventory.csv");
    assert!(said.stderr.contains("warning: no duration is known, for `[history] branch` keeps runs of `release` only: 3 runs of `main`, 1 run of `next` left out"), "{said}");
    project.write("shardplan.toml", "history.branch = \"next\"\n");
    let said = project.shardplan("suggest --budget 0 --inventory inventory.csv");
    assert!(said.stderr.contains("1 run in 1 lane; runs of other branches are left out"), "{said}");
}
