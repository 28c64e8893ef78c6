//! `shardplan ingest`.

use std::io::{Read as _, Write as _};

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
    assert_snapshot!(old.shardplan("ingest pytest-xunit1.xml"), @"
    exit: 0
    --- stderr
        Ingested pytest-xunit1.xml: 10 tests, 3.2s (JUnit XML, pytest)
    warning: pytest-xunit1.xml:10: tear-down broke, times added: tests/api/test_user.py::test_teardown_after_failure
    warning: pytest-xunit1.xml:3: module not collected, kept as a partial run: tests.test_broken
        Finished 1 file ingested, 2 warnings
    ");
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
fn without_a_tree_class_names_are_matched_with_the_inventory_and_then_with_the_history() {
    let report = |class: &str| {
        format!(
            r#"<testsuite name="pytest"><testcase classname="{class}" name="test_x" time="1"/></testsuite>"#
        )
    };
    let project = Project::new();
    project.write("shardplan.toml", "[project]\ninventory = \"tests.csv\"\n\n[lanes.all]\n");
    project.write("tests.csv", "test\ntests/v1.2/test_a.py::describe_it::test_x\n");
    project.write("a.xml", report("tests.v1.2.test_a.describe_it"));
    project.write("b.csv", "test,seconds,run\ntests/v3.4/test_b.py::describe_it::test_x,2,1\n");
    project.write("b.xml", report("tests.v3.4.test_b.describe_it"));
    project.shardplan("ingest b.csv");
    project.shardplan("ingest a.xml b.xml");
    assert_snapshot!(durations(&project), @r#"
    {
        "tests/v1.2/test_a.py::describe_it::test_x": 1.0,
        "tests/v3.4/test_b.py::describe_it::test_x": 1.0
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
        Ingested test_durations.json: 3 tests, 2.4s, 1 without a time (pytest-split durations)
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
    test,seconds,file,outcome,lane,shard,run,attempt,branch,commit,at,machine,services,extent,setup_seconds,call_seconds,teardown_seconds,reason,unit,retries,worker,project
    t.py::a,1,t.py,unknown,heavy,2,77,3,next,abc,2026-06-16T08:00:00Z,,postgres redis,partial,,,,,,,,
    ");
}

#[test]
fn options_that_make_no_sense_are_refused_before_anything_is_read() {
    let project = Project::new();
    project.add_fixture("observations.csv");
    for (options, option) in [
        ("--lane a/b", "--lane"),
        ("--at noon", "--at"),
        ("--services a,${{x}}", "--services"),
        ("--extent most", "--extent"),
        ("--extent full --partial", "--partial"),
        ("--ci", "--ci"),
    ] {
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
    hint: write the report again as UTF-8; UTF-16 with a byte order mark, ISO-8859-1 and Windows-1252 are read as well
    error: `odd.xml` is no report that can be read: it is XML with the root element `<coverage>`
    hint: give JUnit XML (`pytest --junitxml=report.xml`), pytest-split's `.test_durations`, the jobs JSON of GitHub Actions or another of the formats in docs/formats.md; a CSV needs the columns `test` and `seconds`, or `[ingest.columns]` in the manifest
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
        Ingested cut.xml: 3 tests, 517ms (JUnit XML, pytest)
    warning: cut.xml:7: file cut short, kept as a partial run
    warning: cut.xml:3: module not collected, kept as a partial run: tests.test_broken
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
    Would ingest a.csv: 1 test, 1.0s, 2 without a time (CSV)
    warning: a.csv:2: impossible time, passed over: a.py::t: -1 (and 1 more)
    warning: a.csv:5: test without a name, passed over
    warning: a.csv:1: unknown column, not read: colour
        Finished 1 file ingested, 4 warnings
    ");
    assert_snapshot!(project.shardplan("ingest a.csv --dry-run -v"), @"
    exit: 0
    --- stderr
    Would ingest a.csv: 1 test, 1.0s, 2 without a time (CSV)
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

/// Returns a gzip of a text.
fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Returns a zip of these members.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Returns a tar of these members.
fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        // `Header::set_path` would refuse what an attacker writes by hand.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

const REPORT: &[u8] = b"<testsuite name='pytest'><testcase classname='t' name='a' time='1'/></testsuite>";

#[test]
fn archives_are_opened_and_what_lies_in_them_is_called_by_its_place() {
    let project = Project::new();
    let other = String::from_utf8_lossy(REPORT).replace("'a'", "'b'");
    let inner = tar(&[("./unit/report.xml", REPORT), ("unit/notes.txt", b"hello")]);
    project
        .write("artifacts.zip", zip(&[("deep/all.tar.gz", &gzip(&inner)), ("heavy.xml", other.as_bytes())]));
    project.write("alone.xml.gz", gzip(REPORT));
    assert_snapshot!(project.shardplan("ingest artifacts.zip alone.xml.gz -v"), @"
    exit: 0
    --- stderr
        Ingested artifacts.zip/deep/all.tar.gz/unit/report.xml: 1 test, 1.0s (JUnit XML, pytest)
     Passed over artifacts.zip/deep/all.tar.gz/unit/notes.txt: text that starts with `hello`
        Ingested artifacts.zip/heavy.xml: 1 test, 1.0s (JUnit XML, pytest)
         Skipped alone.xml.gz: already in the history
        Finished 2 files ingested, 1 file already in the history, 1 file passed over
    ");
    assert_eq!(project.stored_files().len(), 2, "the report alone is one of those in the archive");
}

#[test]
fn every_way_to_pack_gives_the_same_report() {
    let project = Project::new();
    let zstd = zstd::encode_all(REPORT, 3).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(REPORT).unwrap();
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    xz.write_all(REPORT).unwrap();
    project.write("a.gz", gzip(REPORT));
    project.write("b.bz2", bzip2.finish().unwrap());
    project.write("c.xz", xz.finish().unwrap());
    project.write("d.zst", zstd);
    project.write("e.zip", zip(&[("r.xml", REPORT)]));
    project.write("f.tar", tar(&[("r.xml", REPORT)]));
    assert_snapshot!(project.shardplan("ingest a.gz b.bz2 c.xz d.zst e.zip f.tar"), @"
    exit: 0
    --- stderr
        Ingested a.gz: 1 test, 1.0s (JUnit XML, pytest)
         Skipped b.bz2: already in the history
         Skipped c.xz: already in the history
         Skipped d.zst: already in the history
         Skipped e.zip/r.xml: already in the history
         Skipped f.tar/r.xml: already in the history
        Finished 1 file ingested, 5 files already in the history
    ");
    assert_eq!(project.stored_files().len(), 1);
}

#[test]
fn what_could_do_harm_in_an_archive_is_refused_and_the_rest_is_read() {
    let project = Project::new();
    let mut links = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    links.append_link(&mut header, "link.xml", "/etc/passwd").unwrap();
    project.write("links.tar", links.into_inner().unwrap());
    project.write(
        "paths.tar",
        tar(&[("../../escape.xml", REPORT), ("/root.xml", REPORT), ("good.xml", REPORT)]),
    );
    project.write("cut.tar.gz", &gzip(&tar(&[("r.xml", REPORT)]))[..60]);
    project.write("bomb.xml.zst", zstd::encode_all(std::io::repeat(b'x').take(80 << 20), 1).unwrap());
    project.write("nested.gz", (0..8).fold(REPORT.to_vec(), |inner, _| gzip(&inner)));
    assert_snapshot!(project.shardplan("ingest links.tar paths.tar cut.tar.gz bomb.xml.zst nested.gz"), @"
    exit: 3
    --- stderr
    warning: passed over: `links.tar/link.xml` is a link
    warning: passed over: `paths.tar/../../escape.xml` has a path that leads out of the archive
    warning: passed over: `paths.tar//root.xml` has a path that leads out of the archive
        Ingested paths.tar/good.xml: 1 test, 1.0s (JUnit XML, pytest)
    error: `cut.tar.gz` can't be read: it ends too early or was damaged on its way
    hint: download or pack it again
    error: `bomb.xml.zst` is too large: it has more than 64 MiB unpacked, from 3 KiB
    hint: no test tool writes such a file; if this one is right, ingest it in parts
    error: `nested.gz` is too large: it has archives more than 5 deep in one another
    hint: no test tool writes such a file; if this one is right, ingest it in parts
        Finished 1 file ingested, 3 files passed over
    ");
    assert_eq!(project.stored_files().len(), 1);
    assert!(!project.path("../../escape.xml").exists());
}

#[test]
fn links_in_a_folder_are_not_followed() {
    let project = Project::new();
    project.write("secret.xml", REPORT);
    project.write("out/report.csv", "test,seconds\na.py::t,1\n");
    std::os::unix::fs::symlink(project.path("secret.xml"), project.path("out/link.xml")).unwrap();
    assert_snapshot!(project.shardplan("ingest out -v"), @"
    exit: 0
    --- stderr
        Ingested out/report.csv: 1 test, 1.0s (CSV)
     Passed over out/link.xml: a symbolic link
        Finished 1 file ingested, 1 symbolic link not followed
    ");
}

#[test]
fn globs_and_standard_input_are_read() {
    let project = Project::new();
    project.write("out/a/one.xml", REPORT);
    project.write("out/b/two.csv", "test,seconds\na.py::t,1\n");
    assert_snapshot!(project.shardplan("ingest out/*/*.xml out/*.xml"), @"
    exit: 3
    --- stderr
        Ingested out/a/one.xml: 1 test, 1.0s (JUnit XML, pytest)
    error: `out/*.xml` fits no file
    hint: `**` stands for folders, `*` for a part of a name
    ");
    let said = project.shardplan_with("ingest -", REPORT, &[]);
    assert_snapshot!(said, @"
    exit: 0
    --- stderr
         Skipped standard input: already in the history
    ");
}

#[test]
fn the_path_says_what_the_manifest_reads_from_it() {
    let project = Project::new();
    project.write("shardplan.toml", "[ingest]\npaths = [\"artifacts/{run}/{lane}-{shard}/**/*.xml\"]\n");
    project.write("artifacts/77/unit-fast-2/deep/report.xml", REPORT);
    project.write("artifacts/78.zip", zip(&[("unit-1/r.xml", REPORT)]));
    project.write("artifacts/77/a b-1/report.xml", "<testsuite><testcase name='x' time='1'/></testsuite>");
    project.write("shardplan.toml", "[ingest]\npaths = [\"artifacts/{run}.zip/{lane}-{shard}/*.xml\", \"artifacts/{run}/{lane}-{shard}/**/*.xml\"]\n");
    assert_snapshot!(project.shardplan("ingest artifacts --at 2026-06-16T08:00:00Z"), @"
    exit: 0
    --- stderr
    warning: passed over: `artifacts/77/a b-1/report.xml` fits the pattern `artifacts/{run}/{lane}-{shard}/**/*.xml`, but `a b` is not a lane name: use 1 to 64 letters, digits, `-` and `_`, starting with a letter or digit
        Ingested artifacts/77/unit-fast-2/deep/report.xml: 1 test, 1.0s (JUnit XML, pytest)
         Skipped artifacts/78.zip/unit-1/r.xml: already in the history
        Finished 1 file ingested, 1 file already in the history, 1 file passed over
    ");
    assert_snapshot!(project.shardplan("history export csv").stdout, @"
    test,seconds,file,outcome,lane,shard,run,attempt,branch,commit,at,machine,services,extent,setup_seconds,call_seconds,teardown_seconds,reason,unit,retries,worker,project
    t.py::a,1,t.py,passed,unit-fast,2,77,,,,2026-06-16T08:00:00Z,,,unknown,,,,,,,,
    ");
}

#[test]
fn the_manifest_names_the_columns_of_a_foreign_table() {
    let project = Project::new();
    project.write("shardplan.toml", "[ingest.columns]\ntest = \"Full Name\"\nmilliseconds = \"Duration\"\n");
    project.write("table.csv", "Full Name;Duration;Colour\na.py::t;1500,5;red\n");
    assert_snapshot!(project.shardplan("ingest table.csv"), @"
    exit: 0
    --- stderr
        Ingested table.csv: 1 test, 1.5s (CSV)
    warning: table.csv:1: unknown column, not read: Colour
        Finished 1 file ingested, 1 warning
    ");
    project.write("shardplan.toml", "[ingest]\npaths = [\"a/{runn}\"]\n[ingest.columns]\ntesst = \"x\"\n");
    assert_snapshot!(project.shardplan("ingest table.csv"), @r#"
    exit: 3
    --- stderr
    error: in `paths`: `{runn}` is nothing that a path can say; use {run}, {attempt}, {commit}, {branch}, {lane}, {shard} or {machine}
     --> shardplan.toml:2:10
      |
    2 | paths = ["a/{runn}"]
      |          ^^^^^^^^^^

    error: unknown key `tesst` in `[ingest.columns]`
     --> shardplan.toml:4:1
      |
    4 | tesst = "x"
      | ^^^^^
      |
      = help: did you mean `test`?
    "#);
}

#[test]
fn the_environment_fills_what_nobody_says() {
    let project = Project::new();
    project.write("report.xml", REPORT);
    let job = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_RUN_ID", "4711"),
        ("GITHUB_RUN_ATTEMPT", "2"),
        ("GITHUB_SHA", "abc"),
        ("GITHUB_HEAD_REF", ""),
        ("GITHUB_REF_NAME", "main"),
        ("RUNNER_NAME", "box"),
    ];
    assert_snapshot!(project.shardplan_with("ingest report.xml --dry-run", b"", &job), @"
    exit: 0
    --- stderr
    Would ingest report.xml: 1 test, 1.0s (JUnit XML, pytest)
    hint: this is a job of GitHub Actions: with `--ci` its run, commit and branch are filed too
    ");
    let said =
        project.shardplan_with("ingest report.xml --ci --branch mine --at 2026-06-16T08:00:00Z", b"", &job);
    assert_eq!(said.code, 0, "{said}");
    assert_snapshot!(project.shardplan("history export csv").stdout, @"
    test,seconds,file,outcome,lane,shard,run,attempt,branch,commit,at,machine,services,extent,setup_seconds,call_seconds,teardown_seconds,reason,unit,retries,worker,project
    t.py::a,1,t.py,passed,,,4711,2,mine,abc,2026-06-16T08:00:00Z,box,,unknown,,,,,,,,
    ");
}

#[test]
fn a_run_that_is_not_full_says_so() {
    let project = Project::new();
    project.write("failed.csv", "test,seconds\na.py::t,1\n");
    project.write("cut.xml", &REPORT[..REPORT.len() - 4]);
    project.shardplan("ingest failed.csv --extent only-failed --at 2026-06-16T08:00:00Z");
    project.shardplan("ingest cut.xml --extent full --at 2026-06-16T08:00:00Z");
    let csv = project.shardplan("history export csv").stdout;
    assert_eq!((csv.matches(",only-failed,").count(), csv.matches(",partial,").count()), (1, 1), "{csv}");
}

#[test]
fn the_same_files_give_the_same_words_however_many_read_them() {
    let project = Project::new();
    for number in 0..150 {
        // Some are equal, so that the first of them must always be the one that counts.
        project.write(&format!("out/{number:03}.csv"), format!("test,seconds\na.py::t{},1\n", number % 40));
    }
    let first = project.shardplan("ingest out --dry-run").to_string();
    for _ in 0..3 {
        assert_eq!(project.shardplan("ingest out --dry-run").to_string(), first);
    }
    project.shardplan("ingest out");
    assert_eq!(project.stored_files().len(), 40);
}

#[test]
fn a_file_that_is_split_over_the_shards_of_a_run_takes_what_all_of_them_took() {
    let project = Project::new();
    project.write("1.json", r#"{"spec/a_spec.rb": 1.5, "spec/b_spec.rb": 4}"#);
    project.write("2.json", r#"{"spec/a_spec.rb": 2.25}"#);
    for (run, at) in [("7", "2026-06-16T08:00:00Z"), ("8", "2026-06-17T08:00:00Z")] {
        for shard in ["1", "2"] {
            // Each run has files of its own, as every run has.
            let text = std::fs::read_to_string(project.path(format!("{shard}.json"))).unwrap();
            project.write(
                &format!("{run}-{shard}.json"),
                text.replace('}', &" ".repeat(run.parse().unwrap())) + "}",
            );
            let said = project.shardplan(&format!(
                "ingest {run}-{shard}.json --run {run} --lane unit --shard {shard} --at {at}"
            ));
            assert_eq!(said.code, 0, "{said}");
        }
    }
    // The history keeps what each shard said; what is expected of the file is what they took together.
    let csv = project.shardplan("history export csv").stdout;
    assert_eq!(csv.lines().count(), 1 + 6, "{csv}");
    let expected = project.shardplan("history export test-durations").json();
    assert_eq!(expected, serde_json::json!({"spec/a_spec.rb": 3.75, "spec/b_spec.rb": 4.0}));
}

#[test]
fn a_table_of_more_tests_than_are_held_is_stored_run_by_run_whatever_the_order_of_its_rows() {
    let project = Project::new();
    let mut csv = "test,seconds,run,lane,at,worker\n".to_owned();
    for row in 0..130_000 {
        let (test, run) = (row / 2, row % 2);
        csv += &format!(
            "t/f{}.py::t{test},{}.25,r{run},heavy,2026-06-1{run}T00:00:00Z,gw{run}\n",
            test % 40,
            test % 9
        );
    }
    project.write("huge.csv", csv);
    let said = project.shardplan("ingest huge.csv");
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stderr.contains("130000 tests"), "{said}");
    let runs = project.shardplan("history runs --format json").json();
    let seen: Vec<(&str, u64)> = runs["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| (run["run"].as_str().unwrap(), run["observations"].as_u64().unwrap()))
        .collect();
    assert_eq!(seen, [("r1", 65_000), ("r0", 65_000)]);
    // Two files for two batches, not one for each run of each.
    assert_eq!(project.stored_files().iter().filter(|file| file.starts_with("tests/")).count(), 2);
    assert!(project.shardplan("ingest huge.csv").stderr.contains("already in the history"));
    let shown = project.shardplan("history export csv --lane heavy");
    assert!(shown.stdout.lines().next().unwrap().ends_with(",worker,project"), "{shown}");
    assert!(shown.stdout.contains(",gw1,"), "the worker is exported");
}

#[test]
fn a_folder_without_a_file_is_worth_a_word() {
    let project = Project::new();
    std::fs::create_dir(project.path("artifacts")).unwrap();
    let said = project.shardplan("ingest artifacts");
    assert_eq!(said.code, 0);
    assert!(said.stderr.contains("there is no file in what was named"), "{said}");
}

#[test]
fn settings_and_empty_files_of_a_tree_are_passed_over_in_silence() {
    let project = Project::new();
    project.write("tree/Cargo.toml", "[package]\nname = \"x\"\n");
    project.write("tree/pkg/__init__.py", "");
    project.write("tree/.vscode/settings.json", "{\n  // a comment\n  \"a\": 1\n}\n");
    project.write("tree/report.json", "{\"a.py::t\": 1.5}");
    let said = project.shardplan("ingest tree");
    assert!(!said.stderr.contains("warning"), "{said}");
    project.write("tree/cut.xml", "");
    assert!(
        project.shardplan("ingest tree").stderr.contains("warning: passed over: `tree/cut.xml` is empty")
    );
}
