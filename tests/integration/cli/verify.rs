//! `shardplan verify`: every fault that a run can have, one at a time.

use std::fmt::Write as _;

use super::{Project, Said};
use insta::assert_snapshot;

const LOCK: &str = r#"version = 1
inputs = "blake3:0"
limits = {}
predicted = {}

[[lane]]
name = "all"

[[service]]
name = "postgres"
fixtures = ["db"]

[[service]]
name = "solr"

[[shard]]
name = "all-1"
lane = "all"
services = ["postgres"]
wall_ms = 90000
p90_ms = 100000
run_ms = 60000
load_ms = 60000
tests = 2
units = ["tests/test_a.py", "tests/test_b.py::TestSlow"]

[[shard]]
name = "all-2"
lane = "all"
services = []
without = ["solr"]
wall_ms = 90000
p90_ms = 100000
run_ms = 60000
load_ms = 60000
tests = 2
units = ["tests/test_b.py"]
"#;

/// A report of the plugin in the making.
struct Report {
    shard: &'static str,
    attempt: u32,
    lock: String,
    tests: Vec<(&'static str, &'static str, &'static str)>,
    rest: String,
}

fn digest(lock: &str) -> String {
    shardplan::plan::identity(lock)
}

fn first() -> Report {
    let tests =
        vec![("tests/test_a.py::test_x", "passed", ""), ("tests/test_b.py::TestSlow::test_y", "passed", "")];
    Report {
        shard: "all-1",
        attempt: 1,
        lock: digest(LOCK),
        tests,
        rest: "\"complete\": true, \"exit\": 0".into(),
    }
}

fn second() -> Report {
    let tests = vec![("tests/test_b.py::test_z", "passed", "")];
    Report { shard: "all-2", tests, ..first() }
}

impl Report {
    fn with(mut self, test: &'static str, outcome: &'static str, reason: &'static str) -> Self {
        self.tests.retain(|(known, _, _)| *known != test);
        self.tests.push((test, outcome, reason));
        self
    }

    fn text(&self) -> String {
        let mut tests = String::new();
        for (test, outcome, reason) in &self.tests {
            let comma = if tests.is_empty() { "" } else { "," };
            write!(tests, r#"{comma}["{test}","{outcome}",0,30000000,0,"{reason}"]"#).unwrap();
        }
        format!(
            r#"{{"shardplan_report":1,"at":"2026-06-16T08:00:00Z","attempt":{},"session_ms":62000,"tests_ms":61000,
            "lock":"{}","lane":"all","shard":"{}","services":[],"tests":[{tests}],{}}}"#,
            self.attempt, self.lock, self.shard, self.rest
        )
    }
}

/// Returns a project with the lock and these reports, each in a file of its own.
fn ran(reports: &[Report]) -> Project {
    let project = Project::new();
    project.write("shardplan.lock", LOCK);
    for file in ["tests/test_a.py", "tests/test_b.py"] {
        project.write(file, "");
    }
    for (number, report) in reports.iter().enumerate() {
        project.write(&format!("results/{number}.json"), report.text());
    }
    project
}

/// Returns what is found in these reports, one `kind subject` a line.
fn findings(reports: &[Report]) -> String {
    shown_findings(&ran(reports).shardplan("-q verify results --format json"))
}

fn shown_findings(said: &Said) -> String {
    let json = said.json();
    let shown = json["findings"].as_array().unwrap().iter().map(|finding| {
        let text = |key: &str| finding[key].as_str().unwrap_or("-").to_owned();
        format!("{} {}: {}", text("kind"), text("subject"), text("detail"))
    });
    let lines: Vec<String> = shown.collect();
    assert_eq!(said.code, i32::from(!lines.is_empty()), "{said}");
    assert_eq!(json["holds"].as_bool(), Some(lines.is_empty()), "{said}");
    lines.join("\n")
}

#[test]
fn a_run_of_every_test_once_holds() {
    let project = ran(&[first(), second()]);
    assert_snapshot!(project.shardplan("verify results"), @"
    exit: 0
    --- stdout
    Every test ran exactly once: 3 tests on 2 shards, 0 skipped.

      shard  attempts  tests  skipped  expected   took
      all-1         1      2        0     1m00s  1m01s  in band
      all-2         1      1        0     1m00s  1m01s  in band
    --- stderr
        Verified 2 results against 2 shards
    ");
}

#[test]
fn a_summary_is_markdown() {
    let failed = second().with("tests/test_b.py::test_z", "failed", "<b>a|b</b>");
    assert_snapshot!(ran(&[first(), failed]).shardplan("-q verify results --format markdown"), @r"
    exit: 1
    --- stdout
    ### Shards verified

    The run fails the check: 1 finding (3 tests with a result on 2 shards).

    | shard | attempts | tests | skipped | expected | took |  |
    | --- | ---: | ---: | ---: | ---: | ---: | --- |
    | all-1 | 1 | 2 | 0 | 1m00s | 1m01s | in band |
    | all-2 | 1 | 1 | 0 | 1m00s | 1m01s | in band |

    #### 1 test that failed

    - tests/test\_b.py::test\_z (all-2): &lt;b&gt;a\|b&lt;/b&gt;
    ");
}

#[test]
fn a_missing_shard_is_found() {
    assert_snapshot!(findings(&[first()]), @"shard-missing all-2: no result of it: `tests/test_b.py` and more did not run");
}

#[test]
fn a_shard_that_was_interrupted_is_found() {
    let cut = Report { rest: "\"complete\": false, \"exit\": 2".into(), ..second() };
    assert_snapshot!(findings(&[first(), cut]), @"cut-short all-2: the session was interrupted");
}

#[test]
fn a_test_that_was_left_out_is_found() {
    let rest = r#""complete": true, "exit": 1, "not_run": ["tests/test_b.py::test_left"]"#;
    assert_snapshot!(findings(&[first(), Report { rest: rest.into(), ..second() }]), @"cut-short all-2: it left out `tests/test_b.py::test_left` and 1 in all");
}

#[test]
fn a_file_that_could_not_be_collected_is_found() {
    let rest =
        r#""complete": false, "exit": 2, "errors": [{"at": "tests/test_b.py", "message": "NameError: x"}]"#;
    assert_snapshot!(findings(&[first(), Report { rest: rest.into(), ..second() }]), @"collection-error tests/test_b.py: NameError: x");
}

#[test]
fn a_test_that_ran_on_two_shards_is_found() {
    assert_snapshot!(findings(&[first(), second().with("tests/test_a.py::test_x", "passed", "")]), @"ran-twice tests/test_a.py::test_x: on all-1 and all-2");
}

#[test]
fn a_test_on_the_wrong_shard_is_found() {
    assert_snapshot!(findings(&[first(), second().with("tests/test_a.py::test_other", "passed", "")]), @"wrong-shard tests/test_a.py::test_other: on all-2, and the lock has it on all-1");
}

#[test]
fn a_test_that_no_lane_selects_is_found() {
    let rest = r#""complete": true, "exit": 0, "unassigned": ["elsewhere/test_c.py::t"]"#;
    let reports = [first(), Report { rest: rest.into(), ..second() }];
    assert_snapshot!(findings(&reports), @"in-no-lane elsewhere/test_c.py::t: no lane selects it");
    let project = ran(&reports);
    project.write("shardplan.toml", "project.unassigned = \"ignore\"");
    assert_eq!(shown_findings(&project.shardplan("-q verify results --format json")), "");
}

#[test]
fn a_skip_for_a_service_is_found_where_the_shard_should_have_it() {
    let skip = |report: Report, test, reason| report.with(test, "skipped", reason);
    let (a, b) = ("tests/test_a.py::test_x", "tests/test_b.py::test_z");
    assert_snapshot!(findings(&[skip(first(), a, "PostgreSQL is not reachable"), second()]), @"skipped-for-service tests/test_a.py::test_x: PostgreSQL is not reachable (postgres is started there)");
    assert_snapshot!(findings(&[first(), skip(second(), b, "postgres not reachable")]), @"skipped-for-service tests/test_b.py::test_z: postgres not reachable (postgres is not started there)");
    assert_snapshot!(findings(&[first(), skip(second(), b, "connection refused")]), @"skipped-for-service tests/test_b.py::test_z: connection refused");
    // The plan knows that nobody starts Solr for it.
    assert_eq!(findings(&[first(), skip(second(), b, "solr not reachable")]), "");
    assert_eq!(findings(&[first(), skip(second(), b, "only on Windows")]), "");
}

#[test]
fn a_test_that_ran_before_and_skips_now_is_found() {
    let project = ran(&[first(), second().with("tests/test_b.py::test_z", "skipped", "only on Windows")]);
    project.write("before.csv", "test,seconds,outcome\ntests/test_b.py::test_z,1,passed\n");
    assert_eq!(project.shardplan("ingest before.csv --at 2026-06-15T08:00:00Z").code, 0);
    let said = project.shardplan("-q verify results --format json --ingest");
    assert_snapshot!(shown_findings(&said), @"newly-skipped tests/test_b.py::test_z: only on Windows");
    // It is in the history now: the next run is not told again.
    assert_eq!(shown_findings(&project.shardplan("-q verify results --format json")), "");
}

#[test]
fn a_failed_test_is_found_until_another_attempt_passes_it() {
    let test = "tests/test_a.py::test_x";
    let failed = || first().with(test, "failed", "assert 1 == 2");
    assert_snapshot!(findings(&[failed(), second()]), @"failed tests/test_a.py::test_x: assert 1 == 2");
    // "Re-run failed jobs", and within it only what failed: the rest ran in the first attempt.
    let rest = r#""complete": true, "exit": 0, "not_run": ["tests/test_b.py::TestSlow::test_y"]"#;
    let again = Report { attempt: 2, tests: vec![(test, "passed", "")], rest: rest.into(), ..first() };
    assert_eq!(findings(&[failed(), second(), again]), "");
    // The attempts' own numbers count, not the order of the files.
    let again = Report { attempt: 2, ..failed() };
    assert!(findings(&[again, first(), second()]).starts_with("failed tests/test_a.py::test_x"));
}

#[test]
fn results_of_another_lock_are_refused() {
    let stale = Report { lock: digest(&LOCK.replace("test_a", "test_c")), ..first() };
    assert_snapshot!(ran(&[stale, second()]).shardplan("verify results"), @"
    exit: 1
    --- stdout
    The run fails the check: 1 finding (1 test with a result on 2 shards).

      shard  attempts  tests  skipped  expected   took
      all-1         0      0        0     1m00s      —
      all-2         1      1        0     1m00s  1m01s  in band

    1 result of another lock, refused
      all-1: results/0.json is of another lock: run the shard again with this one
    --- stderr
        Verified 2 results against 2 shards
    hint: results must come from the lock that is checked out here: run those shards again
    ");
}

#[test]
fn what_git_does_to_line_ends_makes_no_other_lock() {
    let project = ran(&[first(), second()]);
    project.write("shardplan.lock", LOCK.replace('\n', "\r\n"));
    assert_eq!(project.shardplan("verify results").code, 0);
}

#[test]
fn an_inventory_says_what_did_not_run_and_what_is_new() {
    let project = ran(&[first(), second().with("tests/test_new.py::t", "passed", "")]);
    let listed =
        ["tests/test_a.py::test_x", "tests/test_a.py::test_left", "tests/test_b.py::TestSlow::test_y"];
    project.write("inventory.csv", format!("test\n{}\ntests/test_new.py::t\n", listed.join("\n")));
    let said = project.shardplan("-q verify results --inventory inventory.csv --format json");
    assert_snapshot!(shown_findings(&said), @"
    not-run tests/test_a.py::test_left: it has no result
    wrong-shard tests/test_new.py::t: on all-2, and the lock has it on all-1
    ");
    let notes = said.json()["notes"].to_string();
    assert_snapshot!(notes, @r#"[{"detail":"all-1","kind":"adopted","subject":"tests/test_new.py::t"},{"detail":"collect the inventory again","kind":"not-listed","subject":"tests/test_b.py::test_z"}]"#);
}

#[test]
fn junit_reports_say_their_shard_by_their_path() {
    let project = ran(&[]);
    let suite =
        |cases: &str| format!("<testsuites><testsuite name=\"pytest\">{cases}</testsuite></testsuites>");
    let case =
        |class: &str, name: &str| format!("<testcase classname=\"{class}\" name=\"{name}\" time=\"30\"/>");
    let one = case("tests.test_a", "test_x") + &case("tests.test_b.TestSlow", "test_y");
    project.write("junit/all-1/report.xml", suite(&one));
    project.write("junit/report-all-2.xml", suite(&case("tests.test_b", "test_z")));
    assert_eq!(shown_findings(&project.shardplan("-q verify junit --format json")), "");

    project.write("other.xml", suite(&case("tests.test_b", "test_z")));
    assert_snapshot!(project.shardplan("-q verify junit/all-1 other.xml"), @"
    exit: 3
    --- stderr
    error: `other.xml` does not say which shard it is of
    hint: put the shard's name into the file's or the folder's name, or write `SHARD=FILE`; the reports of `pytest --shardplan SHARD` say it themselves
    ");
    assert_eq!(project.shardplan("-q verify junit/all-1 all-2=other.xml").code, 0);

    // A report that was cut, one of nothing, and a file of the lock of which nothing ran.
    let whole = suite(&one);
    project.write("junit/all-1/report.xml", &whole[..whole.len() - 40]);
    assert_snapshot!(shown_findings(&project.shardplan("-q verify junit --format json")), @"
    cut-short all-1: junit/all-1/report.xml is cut short
    not-run tests/test_b.py::TestSlow: no test of it has a result
    ");
    project.write("junit/all-1/report.xml", suite(&case("tests.test_a", "test_x")));
    assert_snapshot!(shown_findings(&project.shardplan("-q verify junit --format json")), @"not-run tests/test_b.py::TestSlow: no test of it has a result");
    project.write("junit/all-1/report.xml", "");
    assert_snapshot!(project.shardplan("-q verify junit"), @"
    exit: 3
    --- stderr
    error: `junit/all-1/report.xml` is empty
    hint: a test run that was killed leaves an empty file; take the report of a run that ended
    ");
}

/// As unittest-xml-reporting writes them: the sub-tests that failed, then the rest of the test.
#[test]
fn the_rest_of_a_test_does_not_make_up_for_its_sub_test() {
    let project = ran(&[]);
    let report = |cases: &str| {
        format!("<testsuites><testsuite name=\"tests.test_b.T\">{cases}</testsuite></testsuites>")
    };
    let entry = |name: &str, ending: &str| {
        format!(
            "<testcase classname=\"tests.test_b.T\" name=\"{name}\" file=\"tests/test_b.py\" time=\"15\">{ending}</testcase>"
        )
    };
    let part = entry("test_z (number=1)", "<failure message=\"no\"/>");
    let other = "<testsuites><testsuite name=\"pytest\">\
        <testcase classname=\"tests.test_a\" name=\"test_x\" time=\"30\"/>\
        <testcase classname=\"tests.test_b.TestSlow\" name=\"test_y\" time=\"30\"/></testsuite></testsuites>";
    project.write("junit/all-1.xml", other);
    project.write("junit/all-2.xml", report(&(part + &entry("test_z", "<skipped/>"))));
    assert_snapshot!(shown_findings(&project.shardplan("-q verify junit --format json")), @"failed tests/test_b.py::T::test_z: no");
    // Another try of the whole test that passed does.
    let tries = entry("test_z", "<failure message=\"no\"/>") + &entry("test_z", "");
    project.write("junit/all-2.xml", report(&tries));
    assert_eq!(shown_findings(&project.shardplan("-q verify junit --format json")), "");
}

#[test]
fn a_cut_report_of_the_plugin_is_no_report() {
    let project = ran(&[first()]);
    let text = second().text();
    project.write("results/1.json", &text[..text.len() - 20]);
    assert_snapshot!(project.shardplan("-q verify results"), @"
    exit: 3
    --- stderr
    error: `results/1.json:2:207` is not valid JSON: EOF while parsing a string
    hint: a merge conflict or a run that was killed leaves such a file; write the report again
    ");
}

#[test]
fn nothing_proves_nothing() {
    let project = ran(&[]);
    project.write("results/readme.txt", "no report");
    assert_snapshot!(project.shardplan("verify results"), @"
    exit: 3
    --- stderr
    error: there is no result in what was named: no shard can be shown to have run
    hint: name the reports of the shards, or the folder that they were downloaded to
    ");
    assert_eq!(project.shardplan("verify gone").code, 3);
    std::fs::remove_file(project.path("shardplan.lock")).unwrap();
    assert_snapshot!(project.shardplan("verify results"), @"
    exit: 3
    --- stderr
    error: there is no shardplan.lock: no plan is pinned
    hint: `shardplan suggest --write` pins one
    ");
}

fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in members {
        archive.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut archive, text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn artifacts_are_read_as_they_come_in_archives() {
    let project = ran(&[]);
    let inner = zip(&[("all-2.json", &second().text()), ("notes.txt", "no report")]);
    project.write("results/all-1.zip", zip(&[("0.json", &first().text())]));
    project.write("results/rest.zip", inner);
    let said = project.shardplan("verify results --ingest");
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(project.shardplan("history export csv").stdout.contains("tests/test_b.py::test_z"));
    // What can't be opened proves nothing.
    project.write("results/rest.zip", &zip(&[("all-2.json", &second().text())])[..40]);
    assert_eq!(project.shardplan("verify results").code, 3);
}

#[test]
fn junit_reports_in_one_archive_are_told_apart_by_their_names_and_not_ingested_as_one() {
    let project = ran(&[]);
    let report = |file: &str, class: &str, name: &str| {
        format!(
            r#"<testsuite name="pytest"><testcase classname="tests.{file}{class}" name="{name}" time="1"/></testsuite>"#
        )
    };
    let (a, b) = (report("test_a", "", "test_x"), report("test_b", "", "test_z"));
    let slow = report("test_b", ".TestSlow", "test_y");
    let members = [("all-1/a.xml", &*a), ("all-1/slow.xml", &*slow), ("all-2/b.xml", &*b)];
    project.write("results.zip", zip(&members));
    assert_eq!(project.shardplan("verify results.zip").code, 0);
    assert_snapshot!(project.shardplan("verify results.zip --ingest --format json").stderr, @"
        Verified 3 results against 2 shards
    error: `--ingest`: `results.zip` holds results that belong apart
    hint: unpack it and name the folder
    ");
    assert_eq!(project.stored_files().len(), 0);
    project.write("all-1.zip", zip(&members[..2]));
    project.write("all-2.zip", zip(&[("b.xml", &*b)]));
    assert_eq!(project.shardplan("verify all-1.zip all-2.zip --ingest").code, 0);
    assert_eq!(project.stored_files().len(), 3);
}
