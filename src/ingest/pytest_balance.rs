//! The log of pytest-balance: a JSON object a line, one for each phase of each test of each run.
//!
//! One file gathers many runs. A phase that stands twice in one run counts once, as the tool merges it.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use serde::Deserialize;
use serde_json::Value;

use super::framework::Framework;
use super::input::Lines;
use super::json::without_nan;
use super::observation::{Observation, Outcome, Phases, Report};
use super::pytest_json::timestamp;
use super::python_modules::without_group;
use super::warning::{WarningKind, Warnings};
use super::{IngestErrorKind, encoding, seconds};
use crate::ids::NodeId;
use crate::time::{Micros, Timestamp};

#[derive(Deserialize)]
struct Line {
    test_id: Option<String>,
    duration: Option<f64>,
    timestamp: Option<Value>,
    run_id: Option<String>,
    worker: Option<String>,
    phase: Option<String>,
    outcome: Option<String>,
}

/// A run while the file is read.
#[derive(Default)]
struct Run {
    report: Report,
    /// Where each test stands, and its phases.
    positions: HashMap<NodeId, usize>,
    phases: Vec<BTreeMap<String, Micros>>,
}

/// Reads the file: a report for each run, in the order of their first lines.
pub(super) fn read(input: impl Read) -> Result<Vec<Report>, IngestErrorKind> {
    let mut lines = Lines::new(input);
    let mut runs: Vec<Run> = Vec::new();
    let mut by_id: HashMap<Option<String>, usize> = HashMap::new();
    let mut stray = Warnings::default();
    let mut number = 0;
    while let Some((text, is_whole)) = lines.next()? {
        number += 1;
        if text.is_empty() {
            continue;
        }
        let parsed = encoding::text(text).ok().and_then(|text| {
            serde_json::from_str::<Line>(text).ok().or_else(|| serde_json::from_str(&without_nan(text)?).ok())
        });
        match parsed {
            Some(line) => {
                let position = *by_id.entry(line.run_id.clone()).or_insert_with(|| {
                    runs.push(Run::default());
                    runs.len() - 1
                });
                runs[position].take(line, number);
            }
            None if is_whole => stray.add(WarningKind::OddLine, Some(number), ""),
            None => stray.add(WarningKind::CutShort, Some(number), ""),
        }
    }
    let mut reports: Vec<Report> = runs.into_iter().map(Run::finish).collect();
    if reports.is_empty() {
        reports.push(Report::default());
    }
    reports[0].warnings.extend(stray);
    Ok(reports)
}

impl Run {
    fn take(&mut self, line: Line, number: u64) {
        let place = Some(number);
        let run = &mut self.report.run;
        run.run = line.run_id;
        run.framework = Some(Framework::Pytest);
        run.at = [run.at, line.timestamp.as_ref().and_then(time_of)].into_iter().flatten().min();
        let id = line.test_id.unwrap_or_default();
        let Ok(test) = without_group(&id).parse::<NodeId>() else {
            return self.report.warnings.add(WarningKind::NoName, place, id);
        };
        let Some(duration) = line.duration.and_then(seconds::micros) else {
            return self.report.warnings.add(WarningKind::ImpossibleTime, place, id);
        };
        let position = *self.positions.entry(test.clone()).or_insert_with(|| {
            self.report.observations.push(Observation::new(test, Outcome::Unknown, Micros(0)));
            self.phases.push(BTreeMap::new());
            self.phases.len() - 1
        });
        let phase = line.phase.unwrap_or_else(|| "call".to_owned());
        let seen = &mut self.report.observations[position];
        let outcome = match line.outcome.as_deref() {
            Some("passed") => Outcome::Passed,
            Some("failed") if phase == "call" => Outcome::Failed,
            Some("failed" | "error") => Outcome::Error,
            Some("skipped") => Outcome::Skipped,
            _ => Outcome::Unknown,
        };
        // A phase that passed says nothing against one that did not.
        if seen.outcome == Outcome::Unknown || seen.outcome == Outcome::Passed && outcome != Outcome::Unknown
        {
            seen.outcome = outcome;
        }
        seen.worker = line.worker.or(seen.worker.take());
        if self.phases[position].insert(phase, duration).is_some() {
            self.report.warnings.add(WarningKind::Duplicate, place, id);
        }
    }

    fn finish(mut self) -> Report {
        for (seen, phases) in self.report.observations.iter_mut().zip(&self.phases) {
            seen.total = phases.values().copied().sum();
            if let [Some(&setup), Some(&call), Some(&teardown)] =
                ["setup", "call", "teardown"].map(|name| phases.get(name))
            {
                seen.phases = Some(Phases { setup, call, teardown });
            }
        }
        self.report
    }
}

fn time_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => Timestamp::parse(text),
        Value::Number(number) => timestamp(number.as_f64()?),
        _ => None,
    }
}

#[cfg(test)]
mod checks {
    use super::*;

    #[test]
    fn phases_are_added_within_their_run() {
        let reports = read(
            &br#"{"test_id": "a.py::t", "duration": 0.5, "timestamp": "2026-06-16T08:00:00Z", "run_id": "r1", "worker": "gw0", "phase": "setup", "outcome": "passed"}
{"test_id": "a.py::t", "duration": 1.0, "timestamp": "2026-06-16T08:00:01Z", "run_id": "r1", "worker": "gw0", "phase": "call", "outcome": "failed"}
{"test_id": "a.py::t", "duration": 0.25, "timestamp": "2026-06-16T08:00:02Z", "run_id": "r1", "worker": "gw0", "phase": "teardown", "outcome": "passed"}
{"test_id": "a.py::t", "duration": 9, "timestamp": 1750000000, "run_id": "r2", "worker": "main", "phase": "call", "outcome": "passed"}
{"test_id": "a.py::t", "duration": 8, "timestamp": 1750000000, "run_id": "r2", "worker": "main", "phase": "call", "outcome": "passed"}
{"test_id": "a.py::t", "dur"#[..],
        )
        .unwrap();
        let seen: Vec<_> = reports
            .iter()
            .map(|report| {
                let seen = &report.observations[0];
                (report.run.run.as_deref(), seen.total.0, seen.outcome, seen.phases.is_some())
            })
            .collect();
        assert_eq!(
            seen,
            [(Some("r1"), 1_750_000, Outcome::Failed, true), (Some("r2"), 8_000_000, Outcome::Passed, false)]
        );
        assert_eq!(reports[0].run.at, Timestamp::parse("2026-06-16T08:00:00Z"));
        assert_eq!(reports[0].warnings.count(WarningKind::CutShort), 1);
        assert_eq!(reports[1].warnings.count(WarningKind::Duplicate), 1);
    }
}
