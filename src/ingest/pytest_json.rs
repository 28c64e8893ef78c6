//! The report of pytest-json-report: phases apart, and what was not collected.

use serde::Deserialize;

use super::framework::Framework;
use super::json::malformed;
use super::observation::{Extent, Observation, Outcome, Phases, Report, first_line};
use super::python_modules::without_group;
use super::reportlog::Reason;
use super::tests::Tests;
use super::warning::WarningKind;
use super::{IngestErrorKind, seconds};
use crate::ids::NodeId;
use crate::time::{Micros, Timestamp};

#[derive(Deserialize)]
struct Document {
    /// Seconds since 1970, at the end of the run.
    created: Option<f64>,
    duration: Option<f64>,
    exitcode: Option<i64>,
    #[serde(default)]
    summary: Summary,
    #[serde(default)]
    collectors: Vec<Collector>,
    #[serde(default)]
    tests: Vec<Test>,
}

#[derive(Default, Deserialize)]
struct Summary {
    deselected: Option<u64>,
    total: Option<u64>,
}

#[derive(Deserialize)]
struct Collector {
    #[serde(default)]
    nodeid: String,
    outcome: Option<String>,
}

#[derive(Deserialize)]
struct Test {
    nodeid: String,
    outcome: Option<String>,
    setup: Option<Phase>,
    call: Option<Phase>,
    teardown: Option<Phase>,
}

#[derive(Deserialize)]
struct Phase {
    duration: Option<f64>,
    crash: Option<Crash>,
    longrepr: Option<Reason>,
}

#[derive(Deserialize)]
struct Crash {
    message: Option<String>,
}

/// Reads the file.
pub(super) fn read(text: &str) -> Result<Report, IngestErrorKind> {
    let document: Document = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let mut tests = Tests::new(None);
    tests.run.framework = Some(Framework::Pytest);
    tests.run.session = document.duration.and_then(seconds::micros);
    tests.run.at = document.created.and_then(|created| timestamp(created - document.duration.unwrap_or(0.0)));
    if document.summary.deselected.is_some_and(|number| number > 0) {
        tests.run.extent = Extent::Selected;
    }
    for collector in document.collectors.iter().filter(|one| one.outcome.as_deref() == Some("failed")) {
        tests.run.extent = Extent::Partial;
        tests.warnings.add(WarningKind::NotCollected, None, &*collector.nodeid);
    }
    if let Some(word) = document.exitcode.and_then(broken_exit) {
        tests.run.extent = Extent::Partial;
        tests.warnings.add(WarningKind::Interrupted, None, word);
    }
    if document.tests.is_empty() && document.summary.total.is_some_and(|total| total > 0) {
        let remedy = "only a summary; leave `--json-report-summary` out";
        tests.warnings.add(WarningKind::EmptySuite, None, remedy);
    }
    for test in document.tests {
        keep(&mut tests, test);
    }
    Ok(tests.finish().0)
}

/// Returns what an exit code of pytest means where it means that tests are missing.
pub(super) fn broken_exit(code: i64) -> Option<&'static str> {
    match code {
        2 => Some("pytest was interrupted"),
        3 => Some("pytest had an internal error"),
        4 => Some("pytest was called wrongly"),
        _ => None,
    }
}

/// Returns a time in seconds since 1970.
#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, and no time of a run is near the end of time"
)]
pub(super) fn timestamp(seconds: f64) -> Option<Timestamp> {
    (seconds > 0.0).then_some(Timestamp((seconds * 1000.0).round() as i64))
}

fn keep(tests: &mut Tests<'_, '_>, test: Test) {
    let Ok(id) = without_group(&test.nodeid).parse::<NodeId>() else {
        tests.warnings.add(WarningKind::NoName, None, test.nodeid);
        return;
    };
    let outcome = match test.outcome.as_deref() {
        // A test that fails as expected did run, and nothing is wrong with it.
        Some("passed" | "xpassed" | "xfailed") => Outcome::Passed,
        Some("failed") => Outcome::Failed,
        Some("error") => Outcome::Error,
        Some("skipped") => Outcome::Skipped,
        _ => Outcome::Unknown,
    };
    let phases = [&test.setup, &test.call, &test.teardown];
    let mut durations = [Micros(0); 3];
    for (phase, duration) in phases.iter().zip(&mut durations) {
        match phase.as_ref().map(|phase| phase.duration.and_then(seconds::micros)) {
            Some(Some(known)) => *duration = known,
            Some(None) => {
                tests.warnings.add(WarningKind::ImpossibleTime, None, id.as_str());
                tests.keep_untimed(id, outcome);
                return;
            }
            None => {}
        }
    }
    let [setup, call, teardown] = durations;
    let mut seen = Observation::new(id, outcome, setup + call + teardown);
    seen.phases = phases.iter().any(|phase| phase.is_some()).then_some(Phases { setup, call, teardown });
    if outcome != Outcome::Passed {
        seen.reason = phases.into_iter().flatten().find_map(|phase| {
            let crash = phase.crash.as_ref().and_then(|crash| crash.message.as_deref());
            crash.and_then(first_line).or_else(|| phase.longrepr.as_ref()?.0.clone())
        });
    }
    tests.add(seen, None);
}

#[cfg(test)]
mod checks {
    use super::*;

    #[test]
    fn phases_and_gaps_are_kept() {
        let report = read(
            r#"{"created": 1750000010.5, "duration": 10.5, "exitcode": 2, "root": "/x", "environment": {},
            "summary": {"passed": 1, "total": 3, "deselected": 4},
            "collectors": [{"nodeid": "", "outcome": "passed", "result": []}, {"nodeid": "tests/test_b.py", "outcome": "failed", "longrepr": "E"}],
            "tests": [
                {"nodeid": "a.py::t", "lineno": 1, "outcome": "passed", "keywords": ["t"], "setup": {"duration": 0.5, "outcome": "passed"},
                    "call": {"duration": 1.0, "outcome": "passed"}, "teardown": {"duration": 0.25, "outcome": "passed"}},
                {"nodeid": "a.py::u", "outcome": "skipped", "setup": {"duration": 0.001, "outcome": "skipped", "longrepr": "('a.py', 3, 'Skipped: no redis')"},
                    "teardown": {"duration": 0.0, "outcome": "passed"}},
                {"nodeid": "a.py::v", "outcome": "failed", "setup": {"duration": 0.0, "outcome": "passed"},
                    "call": {"duration": -1.0, "outcome": "failed", "crash": {"message": "assert False"}}}]}"#,
        )
        .unwrap();
        assert_eq!(report.observations.len(), 2);
        let first = &report.observations[0];
        assert_eq!(first.total, Micros(1_750_000));
        assert_eq!(first.phases.map(|phases| phases.setup), Some(Micros(500_000)));
        assert_eq!(report.observations[1].reason.as_deref(), Some("no redis"));
        assert_eq!(report.run.at, Some(Timestamp(1_750_000_000_000)));
        assert_eq!(report.run.extent, Extent::Partial);
        assert_eq!(report.warnings.count(WarningKind::ImpossibleTime), 1);
        assert_eq!(report.warnings.count(WarningKind::NotCollected), 1);
        assert_eq!(report.warnings.count(WarningKind::Interrupted), 1);
    }
}
