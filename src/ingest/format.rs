//! Which format a file is in, by its content alone.
//!
//! First its shape, from its beginning: markup, a log of JSON lines, a JSON document, a table. Of a document the
//! outline tells the rest. Formats that are known and not read are called by their names.

use super::json::Outline;
use super::words::words;
use super::{Context, IngestErrorKind, csv};

words! {
    /// The formats that are read.
    Format, "a format of a report";

    /// JUnit XML, as pytest and many others write it.
    JUnit "junit" "JUnit XML";
    /// pytest-split's `.test_durations`.
    TestDurations "test-durations" "pytest-split durations";
    /// The log of pytest-reportlog.
    ReportLog "pytest-reportlog" "pytest-reportlog";
    /// The report of pytest-json-report.
    PytestJson "pytest-json-report" "pytest-json-report";
    /// The log of pytest-balance.
    PytestBalance "pytest-balance" "pytest-balance log";
    /// The events of libtest, as nextest and `cargo test` write them.
    LibtestJson "libtest-json" "libtest JSON";
    /// The JSON report of Jest and of Vitest.
    JestJson "jest-json" "Jest JSON";
    /// The JSON report of Playwright Test.
    PlaywrightJson "playwright-json" "Playwright JSON";
    /// Seconds by file, as Knapsack keeps them.
    Knapsack "knapsack" "Knapsack report";
    /// The timings of cypress-split.
    CypressSplit "cypress-split" "cypress-split timings";
    /// A plan of Buildkite's test engine client.
    BktecPlan "bktec-plan" "bktec plan";
    /// `results.json` as `CircleCI` keeps it.
    CircleCi "circleci-results" "CircleCI results";
    /// The answer of GitHub's REST API to "list jobs for a workflow run".
    GitHubJobs "github-jobs" "GitHub Actions jobs";
    /// shardplan's own CSV, or a table whose columns the manifest names.
    Csv "csv" "CSV";
    /// The report of the pytest plugin.
    ShardReport "shard-report" "shard report";
    /// A file of another history.
    Parquet "parquet" "history file";
}

const KNOWN: &str = "give JUnit XML (`pytest --junitxml=report.xml`), pytest-split's `.test_durations`, the jobs \
                     JSON of GitHub Actions or another of the formats in docs/formats.md; a CSV needs the columns \
                     `test` and `seconds`, or `[ingest.columns]` in the manifest";
const FETCH_JOBS: &str =
    "`gh api repos/OWNER/REPO/actions/runs/RUN_ID/jobs` lists the jobs of a run with their steps";
const AS_JUNIT: &str = "this tool, or a converter for it, can write JUnit XML, which is read";
const UNPACK: &str = "unpack it and ingest the files inside";

/// How a file is built, as far as its beginning shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Xml,
    /// A log with a JSON object in each line.
    Lines(Format),
    /// A JSON document.
    Document,
    Table,
    Parquet,
}

impl Shape {
    /// Returns the shape of a file that is no text.
    pub(super) fn of_bytes(head: &[u8]) -> Result<Option<Self>, IngestErrorKind> {
        let binary = |found: &str, remedy| Err(unrecognised_with(found, remedy));
        match head {
            [] => Err(IngestErrorKind::Empty),
            [b'P', b'A', b'R', b'1', ..] => Ok(Some(Self::Parquet)),
            // Archives are opened before a reader sees them; these lie in one that is nested too deep.
            [0x1F, 0x8B, ..] => binary("a gzip archive", UNPACK),
            [b'P', b'K', 3, 4, ..] => binary("a zip archive", UNPACK),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => binary("a zstd archive", UNPACK),
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => binary("an xz archive", UNPACK),
            [b'7', b'z', 0xBC, 0xAF, ..] => binary("a 7z archive", UNPACK),
            [b'R', b'a', b'r', b'!', ..] => binary("a rar archive", UNPACK),
            [b'S', b'Q', b'L', b'i', b't', b'e', b' ', ..] => binary("an SQLite database", KNOWN),
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [b'<', 0, ..] | [0, b'<', ..] => Ok(None),
            _ if head.contains(&0) => binary("a binary file", KNOWN),
            _ => Ok(None),
        }
    }

    /// Returns the shape of a text by its beginning.
    pub(super) fn of_text(head: &[u8], context: &Context) -> Result<Self, IngestErrorKind> {
        let start = head.trim_ascii_start();
        match start.first() {
            None => Err(IngestErrorKind::Empty),
            Some(b'<') => Ok(Self::Xml),
            Some(b'{' | b'[') if !begins_json(start) => Err(describe_text(start)),
            Some(b'{' | b'[') => Ok(of_first_line(start)?.map_or(Self::Document, Self::Lines)),
            Some(_) if csv::has_header(head, context.columns()) => Ok(Self::Table),
            Some(_) => Err(describe_text(start)),
        }
    }
}

/// Returns whether JSON can begin so. Brackets begin much else: `[project]` in settings, `{{ … }}` in templates,
/// comments of an editor's JSON.
fn begins_json(start: &[u8]) -> bool {
    const VALUES: [&[u8]; 5] = [b"true", b"false", b"null", b"NaN", b"Infinity"];
    let inside = start.get(1..).unwrap_or_default().trim_ascii_start();
    match (start.first(), inside.first()) {
        (_, None)
        | (Some(b'{'), Some(b'"' | b'}'))
        | (Some(b'['), Some(b'[' | b']' | b'{' | b'"' | b'-' | b'0'..=b'9')) => true,
        (Some(b'['), Some(_)) => VALUES.iter().any(|value| {
            let rest = inside.strip_prefix(*value);
            rest.is_some_and(|rest| rest.first().is_none_or(|byte| !byte.is_ascii_alphanumeric()))
        }),
        _ => false,
    }
}

/// Returns the format of a log, where the first line of a text is an event of one.
fn of_first_line(start: &[u8]) -> Result<Option<Format>, IngestErrorKind> {
    let end = memchr::memchr(b'\n', start).unwrap_or(start.len());
    let Some(line) = std::str::from_utf8(&start[..end]).ok().and_then(|line| Outline::of(line).ok()) else {
        return Ok(None);
    };
    let has = |keys: &[&str]| keys.iter().all(|key| line.get(key).is_some());
    if has(&["$report_type"]) {
        Ok(Some(Format::ReportLog))
    } else if has(&["type", "event"]) {
        Ok(Some(Format::LibtestJson))
    } else if has(&["test_id", "duration"]) {
        Ok(Some(Format::PytestBalance))
    } else if has(&["protocolVersion"]) || has(&["suite", "type", "time"]) {
        Err(unrecognised_with("a log of `dart test` or `flutter test`", AS_JUNIT))
    } else if has(&["Action", "Package"]) || has(&["Action", "Time"]) {
        Err(unrecognised_with(
            "a log of `go test -json`",
            "`gotestsum --junitfile report.xml` writes JUnit XML",
        ))
    } else {
        Ok(None)
    }
}

/// Returns the format of a JSON document.
pub(super) fn of_document(text: &str) -> Result<Format, IngestErrorKind> {
    recognise_json(&Outline::of(text)?)
}

fn recognise_json(outline: &Outline) -> Result<Format, IngestErrorKind> {
    let is_list = |key| matches!(outline.get(key), Some(Outline::List(_)));
    let first_of = |key| match outline.get(key) {
        Some(Outline::List(items)) => items.first(),
        _ => None,
    };
    let has = |keys: &[&str]| keys.iter().all(|key| outline.get(key).is_some());
    match outline {
        Outline::Object(entries) => {
            if has(&["shardplan_report"]) {
                Ok(Format::ShardReport)
            } else if is_job(outline) || has(&["workflow_job"]) || is_list("jobs") {
                Ok(Format::GitHubJobs)
            } else if has(&["workflow_runs"]) {
                Err(unrecognised_with("a list of workflow runs, without their jobs", FETCH_JOBS))
            } else if has(&["workflow_id"]) || has(&["workflow_run"]) || has(&["run_number", "head_sha"]) {
                Err(unrecognised_with("a workflow run, without its jobs", FETCH_JOBS))
            } else if has(&["documentation_url"]) {
                Err(unrecognised_with("an error message of GitHub's API", FETCH_JOBS))
            } else if has(&["check_run"]) || has(&["check_suite"]) || has(&["check_suite", "head_sha"]) {
                Err(unrecognised_with("a check of GitHub, without its jobs", FETCH_JOBS))
            } else if has(&["exitcode"]) && (has(&["tests"]) || has(&["summary"]) || has(&["collectors"])) {
                Ok(Format::PytestJson)
            } else if is_list("testResults") {
                Ok(Format::JestJson)
            } else if is_list("suites") && (has(&["config"]) || has(&["stats"])) {
                Ok(Format::PlaywrightJson)
            } else if first_of("durations").is_some_and(|item| item.get("spec").is_some()) {
                Ok(Format::CypressSplit)
            } else if has(&["tasks", "parallelism"]) {
                Ok(Format::BktecPlan)
            } else if first_of("tests").is_some_and(|item| item.get("run_time").is_some()) {
                Ok(Format::CircleCi)
            } else if has(&["stats", "tests", "passes"]) {
                Err(unrecognised_with("a report of Mocha's `json` reporter", AS_JUNIT))
            } else if entries.is_empty() || is_table(entries, |key| key.contains("::")) {
                // An empty object is what pytest-split starts from.
                Ok(Format::TestDurations)
            } else if is_table(entries, is_path) {
                Ok(Format::Knapsack)
            } else {
                Err(unrecognised_with(&outline.describe(), KNOWN))
            }
        }
        Outline::List(items) => match items.first() {
            Some(Outline::List(pair)) if *pair == [Outline::Text, Outline::Number] => {
                Ok(Format::TestDurations)
            }
            Some(item) if is_job(item) || matches!(item.get("jobs"), Some(Outline::List(_))) => {
                Ok(Format::GitHubJobs)
            }
            Some(item) if item.get("path").is_some() && item.get("time_execution").is_some() => {
                Ok(Format::Knapsack)
            }
            _ => Err(unrecognised_with(&outline.describe(), KNOWN)),
        },
        _ => Err(unrecognised_with(&outline.describe(), KNOWN)),
    }
}

/// Returns whether a value is a job of GitHub's, in the words of its API or of its command line program.
fn is_job(value: &Outline) -> bool {
    let has = |keys: &[&str]| keys.iter().all(|key| value.get(key).is_some());
    has(&["run_id", "status"]) || has(&["databaseId", "startedAt", "name"])
}

/// Returns whether an object maps ids to numbers. A few values of another kind are a fault in it, not another
/// format.
fn is_table(entries: &[(String, Outline)], is_id: impl Fn(&str) -> bool) -> bool {
    let numbers = entries.iter().filter(|(_, value)| *value == Outline::Number).count();
    let has_id = entries.iter().any(|(key, value)| is_id(key) && *value == Outline::Number);
    has_id && 2 * numbers >= entries.len()
}

fn is_path(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key);
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && (1..=8).contains(&extension.len())
            && extension.bytes().all(|c| c.is_ascii_alphabetic())
    })
}

/// Returns the error that XML with another first element is no report.
pub(super) fn other_xml(root: &str) -> IngestErrorKind {
    let found = match root {
        "test-run" | "test-results" => "an NUnit report".to_owned(),
        "TestRun" => "a Visual Studio test report (trx)".to_owned(),
        "assemblies" | "assembly" => "an xUnit.net report".to_owned(),
        "testng-results" => "a TestNG report".to_owned(),
        "robot" => "a Robot Framework report".to_owned(),
        "Site" => "a CTest dashboard file".to_owned(),
        _ => return unrecognised(&format!("XML with the root element `<{root}>`")),
    };
    unrecognised_with(&found, AS_JUNIT)
}

/// Returns the error that a file is something else.
pub(super) fn unrecognised(found: &str) -> IngestErrorKind {
    unrecognised_with(found, KNOWN)
}

fn unrecognised_with(found: &str, remedy: &'static str) -> IngestErrorKind {
    IngestErrorKind::Unrecognised { found: found.to_owned(), remedy }
}

fn describe_text(start: &[u8]) -> IngestErrorKind {
    const SHOWN: usize = 40;
    let line = start.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let text = match std::str::from_utf8(line) {
        Ok(text) => text,
        // A text that was cut in the middle of a character is one all the same.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&line[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(error) => return super::encoding::wrong_byte(line[error.valid_up_to()], 1),
    };
    let shown: String = text.chars().take(SHOWN).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    unrecognised(&format!("text that starts with `{shown}{more}`"))
}

#[cfg(test)]
mod checks {
    use super::*;

    fn recognise(text: &str) -> Result<Format, IngestErrorKind> {
        match Shape::of_text(text.as_bytes(), &Context::default())? {
            Shape::Xml => Ok(Format::JUnit),
            Shape::Table => Ok(Format::Csv),
            Shape::Lines(format) => Ok(format),
            Shape::Document => of_document(text),
            Shape::Parquet => Ok(Format::Parquet),
        }
    }

    #[test]
    fn every_format_is_known_by_its_content() {
        for (text, format) in [
            ("<?xml version=\"1.0\"?>\n<!-- x --><testsuites/>", Format::JUnit),
            ("\n<testsuite name='a'>", Format::JUnit),
            (r#"{"shardplan_report": 1, "tests": []}"#, Format::ShardReport),
            ("{}", Format::TestDurations),
            (r#"{"a.py::t": 1.5, ".sentinel": "x"}"#, Format::TestDurations),
            (r#"[["a.py::t", 1]]"#, Format::TestDurations),
            (r#"{"spec/a_spec.rb": 1.5}"#, Format::Knapsack),
            (r#"[{"path": "spec/a_spec.rb", "time_execution": 1.5}]"#, Format::Knapsack),
            (r#"{"total_count": 0, "jobs": []}"#, Format::GitHubJobs),
            (r#"[{"total_count": 0, "jobs": []}]"#, Format::GitHubJobs),
            (r#"[{"id": 1, "run_id": 2, "status": "completed"}]"#, Format::GitHubJobs),
            (r#"{"id": 1, "run_id": 2, "status": "queued"}"#, Format::GitHubJobs),
            (r#"{"action": "completed", "workflow_job": {"id": 1}}"#, Format::GitHubJobs),
            (r#"{"exitcode": 0, "tests": []}"#, Format::PytestJson),
            (r#"{"$report_type": "SessionStart"}"#, Format::ReportLog),
            (r#"{ "type": "suite", "event": "started", "test_count": 2 }"#, Format::LibtestJson),
            (r#"{"test_id": "a.py::t", "duration": 1, "phase": "call"}"#, Format::PytestBalance),
            (r#"{"numTotalTests": 0, "testResults": []}"#, Format::JestJson),
            (r#"{"config": {}, "suites": [], "stats": {}}"#, Format::PlaywrightJson),
            (r#"{"durations": [{"spec": "a.cy.js", "duration": 5}]}"#, Format::CypressSplit),
            (r#"{"parallelism": 2, "tasks": {}}"#, Format::BktecPlan),
            (r#"{"tests": [{"name": "t", "run_time": 1}]}"#, Format::CircleCi),
            ("test,seconds\n", Format::Csv),
            ("\"node_id\",file,\"seconds\"\n", Format::Csv),
        ] {
            assert_eq!(recognise(text), Ok(format), "{text}");
        }
    }

    #[test]
    fn what_is_something_else_is_named() {
        for (text, found) in [
            ("[]", "an empty JSON list"),
            (r#"{"total_count": 1, "workflow_runs": []}"#, "a list of workflow runs, without their jobs"),
            ("{\"a\": 1}\n{\"a\": 2}\n", "a JSON object with the keys `a`"),
            (
                r#"{"protocolVersion":"0.1.1","type":"start","time":0}"#,
                "a log of `dart test` or `flutter test`",
            ),
            ("{\"Action\":\"run\",\"Package\":\"a\"}\n", "a log of `go test -json`"),
            (r#"{"stats": {}, "tests": [], "passes": []}"#, "a report of Mocha's `json` reporter"),
            ("a,b\n1,2\n", "text that starts with `a,b`"),
            ("[project]\nname = 1\n", "text that starts with `[project]`"),
            ("[tool.x]\n", "text that starts with `[tool.x]`"),
            ("{\n  // a comment\n}", "text that starts with `{`"),
            ("test", "text that starts with `test`"),
            ("hello", "text that starts with `hello`"),
        ] {
            match recognise(text) {
                Err(IngestErrorKind::Unrecognised { found: said, .. }) => assert_eq!(said, found),
                other => panic!("{text}: {other:?}"),
            }
        }
        for (bytes, found) in [
            (&b"\x1F\x8B\x08\x00"[..], "a gzip archive"),
            (b"PK\x03\x04", "a zip archive"),
            (b"a\0b", "a binary file"),
        ] {
            match Shape::of_bytes(bytes) {
                Err(IngestErrorKind::Unrecognised { found: said, .. }) => assert_eq!(said, found),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn every_format_has_its_section_in_the_documentation() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md");
        let docs = std::fs::read_to_string(path).unwrap();
        for format in Format::ALL {
            assert!(docs.contains(format.title()), "docs/formats.md says nothing of {format}");
        }
    }
}
