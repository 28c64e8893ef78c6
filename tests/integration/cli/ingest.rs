//! `shardplan ingest`.

use insta::assert_snapshot;

use super::Project;

/// Returns the node ids that the history knows, with their last seconds.
fn durations(project: &Project) -> String {
    let exported = project.shardplan("history export json").json();
    let reports = exported["reports"].as_array().unwrap().iter();
    let tests = reports.flat_map(|report| report["tests"].as_array().unwrap());
    let seconds: std::collections::BTreeMap<&str, f64> =
        tests.map(|test| (test["test"].as_str().unwrap(), test["seconds"].as_f64().unwrap())).collect();
    serde_json::to_string_pretty(&seconds).unwrap().replace("\n  ", "\n    ") + "\n"
}

#[test]
fn both_families_of_pytest_reports_give_the_same_ids() {
    let (old, new) = (Project::new(), Project::new());
    old.add_fixture("pytest-xunit1.xml");
    new.add_fixture("pytest-xunit2.xml");
    assert_snapshot!(old.shardplan("ingest pytest-xunit1.xml"), @r#"
    {
        "tests/api/test_user.py::TestLogin::TestNested::test_deep": 0.249844,
        "tests/api/test_user.py::TestLogin::test_name[a::b]": 0.016023,
        "tests/api/test_user.py::TestLogin::test_name[ann]": 0.498874,
        "tests/api/test_user.py::TestLogin::test_name[sp ace/\\xe9]": 0.013171,
        "tests/api/test_user.py::TestLogin::test_wrong_password": 0.136736,
        "tests/api/test_user.py::test_teardown": 0.325884,
        "tests/api/test_user.py::test_teardown_after_failure": 0.487468,
        "tests/test_search.py::TestSearch::test_inherited": 1.463366,
        "tests/test_search.py::test_known_fault": 0.056634,
        "tests/test_search.py::test_query": 0.0
    }
    "#);
    new.shardplan("ingest pytest-xunit2.xml");
    assert_eq!(durations(&old), durations(&new));
    assert_snapshot!(durations(&new), @r#"
    {
        "tests/api/test_user.py::TestLogin::TestNested::test_deep": 0.25,
        "tests/api/test_user.py::TestLogin::test_name[a::b]": 0.004,
        "tests/api/test_user.py::TestLogin::test_name[ann]": 0.512,
        "tests/api/test_user.py::TestLogin::test_name[sp ace/\\xe9]": 0.001,
        "tests/api/test_user.py::TestLogin::test_wrong_password": 0.131,
        "tests/api/test_user.py::test_teardown": 0.33,
        "tests/api/test_user.py::test_teardown_after_failure": 0.5,
        "tests/test_search.py::TestSearch::test_inherited": 1.5,
        "tests/test_search.py::test_known_fault": 0.02,
        "tests/test_search.py::test_query": 0.0
    }
    "#);
}

#[test]
fn class_names_are_matched_with_the_files_of_the_project() {
    let project = Project::new();
    project.write("api/tests/v1.2/test_a.py", "");
    project.write(
        "report.xml",
        r#"<testsuite name="pytest"><testcase classname="tests.v1.2.test_a.describe_it" name="test_x" time="1"/></testsuite>"#,
    );
    project.shardplan("ingest report.xml");
    assert_snapshot!(durations(&project), @r#"
    {
        "tests/v1.2/test_a.py::describe_it::test_x": 1.0
    }
    "#);
}

#[test]
fn a_second_ingest_of_a_file_adds_nothing() {
    let project = Project::new();
    project.add_fixture("observations.csv");
    assert_snapshot!(project.shardplan("ingest observations.csv"), @"
    exit: 0
    --- stderr
        Ingested observations.csv: 5 tests, 3 runs, 6.8s (CSV)
    ");
    let before = project.shardplan("history export csv").stdout;
    project.write("renamed.txt", std::fs::read(super::fixture("observations.csv")).unwrap());
    assert_snapshot!(project.shardplan("ingest observations.csv renamed.txt"), @"
    exit: 0
    --- stderr
         Skipped observations.csv: already in the history
         Skipped renamed.txt: already in the history
        Finished 2 files already in the history
    ");
    assert_eq!(project.shardplan("history export csv").stdout, before);
    assert_eq!(project.stored_files().len(), 1);
}

#[test]
fn every_format_lands_in_its_folder() {
    let project = Project::new();
    project.add_fixture("test_durations.json");
    project.add_fixture("github-jobs.json");
    project.add_fixture("observations.csv");
    let said = project.shardplan(
        "ingest test_durations.json github-jobs.json observations.csv --branch feature/x=../y --at 2026-06-16T08:00:00Z",
    );
    assert_snapshot!(said, @"
    exit: 0
    --- stderr
        Ingested test_durations.json: 3 tests, 2.4s (pytest-split durations)
    warning: test_durations.json: impossible time, passed over: tests/test_search.py::test_query: -0.5
    warning: test_durations.json: not a test id, passed over: .scaled
        Ingested github-jobs.json: 2 jobs (GitHub Actions jobs)
    warning: github-jobs.json: job not finished, passed over: deploy
        Ingested observations.csv: 5 tests, 3 runs, 6.8s (CSV)
        Finished 3 files ingested, 3 warnings
    ");
    let folders: Vec<_> =
        project.stored_files().iter().map(|file| file.rsplit_once('/').unwrap().0.to_owned()).collect();
    assert_snapshot!(folders.join("\n"), @"
    jobs/branch=feature%2Fsplit/month=2026-06
    tests/branch=feature%2Fx%3D..%2Fy/month=2026-06
    tests/branch=feature%2Fx%3D..%2Fy/month=2026-06
    ");
}

#[test]
fn the_command_line_overrides_what_the_file_says() {
    let project = Project::new();
    project.write("a.csv", "test,seconds,lane,branch,at\nt.py::a,1,old,main,2026-01-01T00:00:00Z\n");
    let said = project.shardplan(
        "ingest a.csv --lane heavy --shard 2 --run 77 --attempt 3 --branch next --commit abc \
         --at 2026-06-16T10:00:00+02:00 --services postgres,redis --partial",
    );
    assert_eq!(said.code, 0, "{said}");
    assert_snapshot!(project.shardplan("history export csv").stdout, @"
    test,seconds,file,outcome,lane,shard,run,attempt,branch,commit,at,machine,services,extent,setup_seconds,call_seconds,teardown_seconds,reason
    t.py::a,1,t.py,unknown,heavy,2,77,3,next,abc,2026-06-16T08:00:00Z,,postgres redis,partial,,,,
    ");
}

#[test]
fn options_that_make_no_sense_are_refused_before_anything_is_read() {
    let project = Project::new();
    project.add_fixture("observations.csv");
    for (options, option) in
        [("--lane a/b", "--lane"), ("--at noon", "--at"), ("--services a,${{x}}", "--services")]
    {
        let said = project.shardplan(&format!("ingest observations.csv {options}"));
        assert_eq!(said.code, 2, "{said}");
        assert!(said.stderr.contains(option), "{said}");
    }
    assert_eq!(project.stored_files(), [""; 0]);
}

#[test]
fn one_broken_file_does_not_cost_the_others() {
    let project = Project::new();
    project.write("empty.xml", "");
    project.write("cut.xml", "<testsuite name=\"pytest\">\n<testcase classname=\"t\" na");
    project.write("latin.xml", b"<testsuite>\n<testcase name='caf\xE9' time='1'/></testsuite>");
    project.write("odd.xml", "<coverage line-rate=\"1\"/>");
    project.write("conflict.json", "{\n\"a.py::t\": 1,\n<<<<<<< HEAD\n}");
    project.write("runs.json", r#"{"total_count": 0, "workflow_runs": []}"#);
    project.write("short.csv", "test,seconds,lane\na.py::t,1\na.py::u,1,x\n");
    project.write("good.csv", "test,seconds,at\na.py::t,1,2026-06-16T08:00:00Z\n");
    let said = project.shardplan(
        "ingest gone.xml empty.xml cut.xml latin.xml odd.xml conflict.json runs.json short.csv good.csv",
    );
    assert_snapshot!(said, @"
    exit: 3
    --- stderr
        Ingested good.csv: 1 test, 1.0s (CSV)
    error: `gone.xml` can't be read: No such file or directory (os error 2)
    hint: give the reports that a test run left, or a folder of them; `pytest --junitxml=report.xml` writes one
    error: `empty.xml` is empty
    hint: a test run that was killed leaves an empty file; take the report of a run that ended
    error: `cut.xml:2` is cut short: it ends before its first test
    hint: take the report of a run that ended, or upload it again
    error: `latin.xml:2` is not UTF-8 text: byte 0xE9 does not belong there
    hint: write the report again as UTF-8; UTF-16 with a byte order mark and ISO-8859-1 are read as well
    error: `odd.xml` is no report that can be read: it is XML with the root element `<coverage>`
    hint: give JUnit XML (`pytest --junitxml=report.xml`), pytest-split's `.test_durations`, the jobs JSON of GitHub Actions or CSV with the columns `test` and `seconds`
    error: `conflict.json:3:1` is not valid JSON: key must be a string
    hint: a merge conflict or a run that was killed leaves such a file; write the report again
    error: `runs.json` is no report that can be read: it is a list of workflow runs, without their jobs
    hint: `gh api repos/OWNER/REPO/actions/runs/RUN_ID/jobs` lists the jobs of a run with their steps
    error: `short.csv:2` is not valid CSV: the row has 2 cells and the header 3
    hint: the columns are described in docs/formats.md; `shardplan history export csv` writes a file to compare with
    ");
    assert_eq!(project.stored_files().len(), 1);
}

#[test]
fn a_report_that_was_cut_is_kept_as_a_partial_run() {
    let project = Project::new();
    let whole = std::fs::read_to_string(super::fixture("pytest-xunit1.xml")).unwrap();
    let end = whole.find("test_wrong_password").unwrap();
    project.write("cut.xml", &whole[..end]);
    assert_snapshot!(project.shardplan("ingest cut.xml"), @"
    exit: 0
    --- stderr
        Ingested cut.xml: 3 tests, 517ms (JUnit XML)
    warning: cut.xml:7: file cut short, kept as a partial run
    warning: cut.xml:3: not a test id, passed over: tests.test_broken
        Finished 1 file ingested, 2 warnings
    ");
    let csv = project.shardplan("history export csv").stdout;
    assert!(csv.lines().skip(1).all(|row| row.contains(",partial,")), "{csv}");
}

#[test]
fn a_folder_is_searched_and_what_is_no_report_passed_over() {
    let project = Project::new();
    project.write("out/deep/report.xml", "<testsuite><testcase name='a' time='1'/></testsuite>");
    project.write("out/.test_durations", r#"{"a.py::t": 1}"#);
    project.write("out/notes.txt", "hello");
    project.write("out/node_modules/report.xml", "<testsuite><testcase name='b' time='1'/></testsuite>");
    project.write("out/broken.json", "{\"a.py::t\": 1");
    assert_snapshot!(project.shardplan("ingest out -v"), @"
    exit: 0
    --- stderr
        Ingested out/.test_durations: 1 test, 1.0s (pytest-split durations)
    warning: passed over: `out/broken.json:1:13` is not valid JSON: EOF while parsing an object
        Ingested out/deep/report.xml: 1 test, 1.0s (JUnit XML)
     Passed over out/notes.txt: text that starts with `hello`
        Finished 2 files ingested, 2 files passed over
    ");
}

#[test]
fn warnings_are_counted_and_told_one_by_one_on_demand() {
    let project = Project::new();
    project.write("a.csv", "test,seconds,colour\na.py::t,-1,red\na.py::u,nan,red\na.py::v,1,red\n,1,red\n");
    assert_snapshot!(project.shardplan("ingest a.csv --dry-run"), @"
    exit: 0
    --- stderr
    Would ingest a.csv: 1 test, 1.0s (CSV)
    warning: a.csv:2: impossible time, passed over: a.py::t: -1 (and 1 more)
    warning: a.csv:5: test without a name, passed over
    warning: a.csv:1: unknown column, not read: colour
        Finished 1 file ingested, 4 warnings
    ");
    assert_snapshot!(project.shardplan("ingest a.csv --dry-run -v"), @"
    exit: 0
    --- stderr
    Would ingest a.csv: 1 test, 1.0s (CSV)
    warning: a.csv:2: impossible time, passed over: a.py::t: -1 (and 1 more)
          Warned a.csv:3: impossible time, passed over: a.py::u: nan
    warning: a.csv:5: test without a name, passed over
    warning: a.csv:1: unknown column, not read: colour
        Finished 1 file ingested, 4 warnings
    ");
    assert_snapshot!(project.shardplan("ingest a.csv --dry-run -q"), @"exit: 0");
}

#[test]
fn a_dry_run_stores_nothing() {
    let project = Project::new();
    project.add_fixture("observations.csv");
    assert_snapshot!(project.shardplan("ingest observations.csv --dry-run"), @"
    exit: 0
    --- stderr
    Would ingest observations.csv: 5 tests, 3 runs, 6.8s (CSV)
    ");
    assert_eq!(project.stored_files(), [""; 0]);
}

#[test]
fn no_test_id_drives_the_terminal() {
    let project = Project::new();
    project.write("a.csv", "test,seconds\n\u{1b}[2Ja.py::t,-1\n");
    assert!(!project.shardplan("ingest a.csv -v").stderr.contains("\u{1b}[2J"));
}

#[test]
fn a_hundred_ingests_at_once_all_land() {
    let project = Project::new();
    for number in 0..25 {
        project.write(&format!("{number}.csv"), format!("test,seconds\na.py::t{number},1\n"));
    }
    // Each file four times: of equal ones, one lands.
    std::thread::scope(|scope| {
        for number in (0..100).map(|number| number % 25) {
            let project = &project;
            scope.spawn(move || {
                let said = project.shardplan(&format!("ingest {number}.csv"));
                assert_eq!(said.code, 0, "{said}");
            });
        }
    });
    let lines = durations(&project).lines().count();
    assert_eq!(lines, 25 + 2, "one a test, and the braces");
    assert_eq!(project.stored_files().len(), 25);
}
