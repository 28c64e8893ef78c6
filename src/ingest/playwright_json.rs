//! The JSON report of Playwright Test.
//!
//! A test runs under one or more projects (browsers), and each of them is a test of its own here, called as
//! Playwright prints it: `[chromium] › title`. Of several tries the last one counts.

use serde::Deserialize;

use super::IngestErrorKind;
use super::address::in_project;
use super::framework::Framework;
use super::json::malformed;
use super::observation::{Extent, Observation, Outcome, Report, first_line};
use super::seconds;
use super::tests::Tests;
use super::warning::WarningKind;
use crate::ids::NodeId;
use crate::time::{Micros, Timestamp};

#[derive(Deserialize)]
struct Document {
    config: Option<Config>,
    suites: Vec<Suite>,
    stats: Option<Stats>,
    #[serde(default)]
    errors: Vec<Fault>,
}

#[derive(Deserialize)]
struct Config {
    shard: Option<Shard>,
}

#[derive(Deserialize)]
struct Shard {
    current: u32,
    total: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    start_time: Option<String>,
    /// Milliseconds.
    duration: Option<f64>,
}

#[derive(Deserialize)]
struct Suite {
    #[serde(default)]
    title: String,
    #[serde(default)]
    file: String,
    #[serde(default)]
    specs: Vec<Spec>,
    #[serde(default)]
    suites: Vec<Self>,
}

#[derive(Deserialize)]
struct Spec {
    title: String,
    #[serde(default)]
    file: String,
    #[serde(default)]
    tests: Vec<ProjectTest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProjectTest {
    #[serde(default)]
    project_name: String,
    status: Option<String>,
    #[serde(default)]
    results: Vec<Try>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Try {
    worker_index: Option<i64>,
    parallel_index: Option<i64>,
    /// Milliseconds.
    duration: Option<f64>,
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    message: String,
}

/// Reads the file.
pub(super) fn read(text: &str) -> Result<Report, IngestErrorKind> {
    let document: Document = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let mut tests = Tests::new(None);
    tests.run.framework = Some(Framework::Playwright);
    if let Some(stats) = document.stats {
        tests.run.at = stats.start_time.as_deref().and_then(Timestamp::parse);
        tests.run.session = stats.duration.and_then(|millis| seconds::micros(millis / 1000.0));
    }
    if let Some(Shard { current, total }) = document.config.and_then(|config| config.shard) {
        tests.run.shard = Some(format!("{current}/{total}"));
    }
    // An error outside of every test: a file that can't be loaded, a set-up that broke.
    if let Some(fault) = document.errors.first() {
        tests.run.extent = Extent::Partial;
        tests.warnings.add(WarningKind::Interrupted, None, first_line(&fault.message).unwrap_or_default());
    }
    for suite in document.suites {
        // The outermost suites are files.
        walk(&mut tests, suite, &mut Vec::new());
    }
    Ok(tests.finish().0)
}

fn walk(tests: &mut Tests<'_, '_>, suite: Suite, titles: &mut Vec<String>) {
    for spec in suite.specs {
        let file = if spec.file.is_empty() { &suite.file } else { &spec.file };
        titles.push(spec.title);
        for test in spec.tests {
            keep(tests, file, titles, test);
        }
        titles.pop();
    }
    for inner in suite.suites {
        titles.push(inner.title.clone());
        walk(tests, inner, titles);
        titles.pop();
    }
}

fn keep(tests: &mut Tests<'_, '_>, file: &str, titles: &[String], test: ProjectTest) {
    let project = Some(test.project_name).filter(|project| !project.is_empty());
    let id = format!("{file}::{}", in_project(project.as_deref(), &titles.join(" \u{203a} ")));
    let Ok(id) = id.parse::<NodeId>() else { return };
    let outcome = match test.status.as_deref() {
        Some("expected" | "flaky") => Outcome::Passed,
        Some("unexpected") => Outcome::Failed,
        Some("skipped") => Outcome::Skipped,
        _ => Outcome::Unknown,
    };
    let last = test.results.last();
    let total = match last.and_then(|last| last.duration) {
        Some(millis) => seconds::micros(millis / 1000.0).ok_or(WarningKind::ImpossibleTime),
        None if outcome == Outcome::Skipped => Ok(Micros(0)),
        None => Err(WarningKind::NoTime),
    };
    match total {
        Ok(total) => {
            let mut seen = Observation::new(id, outcome, total);
            let fault = test.results.iter().rev().find_map(|attempt| attempt.error.as_ref());
            seen.reason = fault.and_then(|fault| first_line(&fault.message));
            seen.retries = u32::try_from(test.results.len().saturating_sub(1)).unwrap_or(u32::MAX);
            // A worker that broke is replaced by one with a new number at the same place.
            let worker = last.and_then(|last| last.parallel_index.or(last.worker_index));
            seen.worker = worker.filter(|worker| *worker >= 0).map(|worker| worker.to_string());
            seen.project = project;
            tests.add(seen, None);
        }
        Err(kind) => {
            tests.warnings.add(kind, None, id.as_str());
            tests.keep_untimed(id, outcome);
        }
    }
}

#[cfg(test)]
mod checks {
    use super::*;

    #[test]
    fn each_project_is_a_test_and_the_last_try_counts() {
        let report = read(
            r#"{"config": {"shard": {"current": 2, "total": 3}}, "errors": [], "stats": {"startTime": "2026-06-16T08:00:00.000Z", "duration": 5000.5},
            "suites": [{"title": "cart.spec.ts", "file": "cart.spec.ts", "specs": [],
                "suites": [{"title": "cart", "file": "cart.spec.ts", "specs": [{"title": "adds", "file": "cart.spec.ts", "tests": [
                    {"projectName": "chromium", "status": "flaky", "results": [
                        {"workerIndex": 0, "parallelIndex": 0, "status": "failed", "duration": 900, "retry": 0, "error": {"message": "no\nmore"}},
                        {"workerIndex": 1, "parallelIndex": 0, "status": "passed", "duration": 400, "retry": 1}]},
                    {"projectName": "firefox", "status": "skipped", "results": []}]}]}]}]}"#,
        )
        .unwrap();
        let seen: Vec<_> = report
            .observations
            .iter()
            .map(|seen| {
                (seen.test.as_str(), seen.total.0, seen.outcome, seen.retries, seen.worker.as_deref())
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("cart.spec.ts::[chromium] › cart › adds", 400_000, Outcome::Passed, 1, Some("0")),
                ("cart.spec.ts::[firefox] › cart › adds", 0, Outcome::Skipped, 0, None),
            ]
        );
        assert_eq!(report.run.shard.as_deref(), Some("2/3"));
        assert_eq!(report.run.session, Some(Micros(5_000_500)));
    }
}
