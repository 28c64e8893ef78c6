//! The JSON report of Jest (`--json`), which Vitest's `json` reporter writes as well.

use serde::Deserialize;

use super::framework::Framework;
use super::json::malformed;
use super::observation::{Extent, Observation, Outcome, Report, first_line};
use super::tests::{Repeats, Tests};
use super::warning::WarningKind;
use super::{Context, IngestErrorKind, seconds};
use crate::ids::NodeId;
use crate::time::{Micros, Timestamp};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    test_results: Vec<TestFile>,
    /// Milliseconds since 1970.
    start_time: Option<f64>,
    #[serde(default)]
    was_interrupted: bool,
    /// Only Jest counts these.
    num_runtime_error_test_suites: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestFile {
    #[serde(alias = "testFilePath")]
    name: String,
    status: Option<String>,
    end_time: Option<f64>,
    #[serde(default)]
    message: String,
    #[serde(default, alias = "testResults")]
    assertion_results: Vec<Assertion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assertion {
    #[serde(default)]
    ancestor_titles: Vec<String>,
    title: String,
    status: String,
    /// Milliseconds.
    duration: Option<f64>,
    #[serde(default)]
    failure_messages: Option<Vec<String>>,
    /// How often it was run: more than once where `jest.retryTimes` is set.
    invocations: Option<u32>,
}

/// Reads the file.
pub(super) fn read(text: &str, context: &Context) -> Result<Report, IngestErrorKind> {
    let document: Document = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let mut tests = Tests::new(None);
    tests.repeats = Repeats::AddUp;
    let is_jest = document.num_runtime_error_test_suites.is_some();
    tests.run.framework = Some(if is_jest { Framework::Jest } else { Framework::Vitest });
    tests.run.at = document.start_time.and_then(timestamp);
    let end = document.test_results.iter().filter_map(|file| file.end_time).fold(f64::NAN, f64::max);
    tests.run.session = document.start_time.and_then(|start| seconds::micros((end - start) / 1000.0));
    if document.was_interrupted {
        tests.run.extent = Extent::Partial;
        tests.warnings.add(WarningKind::Interrupted, None, "");
    }
    for file in document.test_results {
        let path = context.relative(&file.name);
        if file.assertion_results.is_empty() && file.status.as_deref() == Some("failed") {
            // The file could not be loaded: nobody knows its tests.
            tests.run.extent = Extent::Partial;
            let reason = first_line(&file.message).unwrap_or_default();
            tests.warnings.add(WarningKind::NotCollected, None, format!("{path}: {reason}"));
        }
        for assertion in file.assertion_results {
            keep(&mut tests, &path, assertion);
        }
    }
    Ok(tests.finish().0)
}

fn keep(tests: &mut Tests<'_, '_>, path: &str, assertion: Assertion) {
    let mut titles = assertion.ancestor_titles;
    titles.push(assertion.title);
    let Ok(test) = format!("{path}::{}", titles.join(" > ")).parse::<NodeId>() else { return };
    let outcome = match assertion.status.as_str() {
        "passed" => Outcome::Passed,
        "failed" => Outcome::Failed,
        "pending" | "skipped" | "todo" | "disabled" => Outcome::Skipped,
        _ => Outcome::Unknown,
    };
    let total = match assertion.duration {
        _ if outcome == Outcome::Skipped => Ok(Micros(0)),
        Some(millis) => seconds::micros(millis / 1000.0).ok_or(WarningKind::ImpossibleTime),
        None => Err(WarningKind::NoTime),
    };
    match total {
        Ok(total) => {
            let mut seen = Observation::new(test, outcome, total);
            seen.reason =
                assertion.failure_messages.iter().flatten().next().and_then(|message| first_line(message));
            seen.retries = assertion.invocations.unwrap_or(1).saturating_sub(1);
            tests.add(seen, None);
        }
        Err(kind) => {
            tests.warnings.add(kind, None, test.as_str());
            tests.keep_untimed(test, outcome);
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, and no time of a run is near the end of time"
)]
fn timestamp(millis: f64) -> Option<Timestamp> {
    (millis > 0.0).then_some(Timestamp(millis as i64))
}

#[cfg(test)]
mod checks {
    use super::*;

    const REPORT: &str = r#"{"numTotalTests": 4, "numRuntimeErrorTestSuites": 1, "startTime": 1750000000000, "success": false,
        "testResults": [
            {"name": "/ci/x/src/a.test.js", "status": "failed", "startTime": 1750000000100, "endTime": 1750000004000, "message": "", "assertionResults": [
                {"ancestorTitles": ["cart", "empty"], "fullName": "cart empty adds", "title": "adds", "status": "passed", "duration": 12.5, "failureMessages": [], "invocations": 2},
                {"ancestorTitles": [], "title": "breaks", "status": "failed", "duration": 3, "failureMessages": ["Error: no\n  at x"]},
                {"ancestorTitles": [], "title": "waits", "status": "pending", "duration": null},
                {"ancestorTitles": [], "title": "odd", "status": "passed", "duration": null}]},
            {"name": "/ci/x/src/b.test.js", "status": "failed", "startTime": 0, "endTime": 0, "message": "SyntaxError: b\n", "assertionResults": []}]}"#;

    #[test]
    fn a_test_is_its_file_and_its_titles() {
        let report = read(REPORT, &Context::new(|| vec!["src/a.test.js".to_owned()])).unwrap();
        let seen: Vec<_> = report
            .observations
            .iter()
            .map(|seen| (seen.test.as_str(), seen.total.0, seen.outcome, seen.retries))
            .collect();
        assert_eq!(
            seen,
            [
                ("src/a.test.js::cart > empty > adds", 12_500, Outcome::Passed, 1),
                ("src/a.test.js::breaks", 3_000, Outcome::Failed, 0),
                ("src/a.test.js::waits", 0, Outcome::Skipped, 0),
            ]
        );
        assert_eq!(report.run.session, Some(Micros(4_000_000)));
        assert_eq!(report.run.at, Some(Timestamp(1_750_000_000_000)));
        assert_eq!(report.run.extent, Extent::Partial, "a file could not be loaded");
        assert_eq!(report.warnings.count(WarningKind::NotCollected), 1);
        assert_eq!(report.warnings.count(WarningKind::NoTime), 1);
    }

    #[test]
    fn vitest_writes_the_same() {
        let report =
            read(&REPORT.replace(r#""numRuntimeErrorTestSuites": 1, "#, ""), &Context::default()).unwrap();
        assert_eq!(report.run.framework, Some(Framework::Vitest));
        assert_eq!(report.observations.len(), 3);
    }
}
