//! `shardplan history`.

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
     tests/a.py::test_x           3.0s  78.5 %    3.0s     2
     tests/a.py::test_y[a,b]     566ms  14.9 %   500ms     1
     tests/unit.py::test_u       250ms   6.6 %   250ms     1
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
          "expected_seconds": 2.984574,
          "share": 0.7852945564346906,
          "median_seconds": 3.0,
          "seen": 2
        },
        {
          "test": "tests/a.py::test_y[a,b]",
          "expected_seconds": 0.566005,
          "share": 0.14892599259218134,
          "median_seconds": 0.5,
          "seen": 1
        },
        {
          "test": "tests/unit.py::test_u",
          "expected_seconds": 0.25,
          "share": 0.06577945097312804,
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
    test,seconds,file,outcome,lane,shard,run,attempt,branch,commit,at,machine,services,extent,setup_seconds,call_seconds,teardown_seconds,reason
    tests/a.py::test_x,2.5,tests/a.py,passed,heavy,,41,,main,,2026-06-16T08:00:00Z,,postgres redis,unknown,1.5,0.75,0.25,
    "tests/a.py::test_y[a,b]",0.5,tests/a.py,failed,heavy,,41,,main,,2026-06-16T08:00:00Z,,postgres redis,unknown,,,,assert 1 == 2
    tests/b.py::test_z,0,tests/b.py,skipped,heavy,,41,,main,,2026-06-16T08:00:00Z,,postgres redis,unknown,,,,no solr
    tests/a.py::test_x,3.5,tests/a.py,passed,heavy,,42,,main,,2026-06-17T08:00:00Z,,postgres redis,unknown,,,,
    tests/unit.py::test_u,0.25,tests/unit.py,passed,unit,,42,,main,,2026-06-17T08:00:00Z,,-,unknown,,,,
    "#);
    let second = Project::new();
    second.write("export.csv", &exported.stdout);
    second.shardplan("ingest export.csv");
    assert_eq!(second.shardplan("history export csv").stdout, exported.stdout);
}

#[test]
fn durations_are_medians_of_the_runs_that_ran() {
    assert_snapshot!(with_observations().shardplan("history export test-durations"), @r#"
    exit: 0
    --- stdout
    {
        "tests/a.py::test_x": 2.984574,
        "tests/a.py::test_y[a,b]": 0.566005,
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
