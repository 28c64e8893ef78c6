//! The log of pytest-reportlog: a JSON object a line, one for each phase of each test.
//!
//! The best source there is: the phases are apart, and under pytest-xdist each line names its worker. Tests of
//! several workers are mixed; a test is whole when its tear-down was reported.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::framework::Framework;
use super::input::Lines;
use super::json::without_nan;
use super::observation::{Extent, Observation, Outcome, Phases, Report, first_line};
use super::pytest_json::{broken_exit, timestamp};
use super::python_modules::without_group;
use super::tests::Tests;
use super::warning::WarningKind;
use super::{Batches, IngestErrorKind, encoding, seconds};
use crate::ids::NodeId;

/// One line.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "$report_type")]
    kind: Option<String>,
    #[serde(default)]
    nodeid: String,
    outcome: Option<String>,
    when: Option<String>,
    duration: Option<f64>,
    longrepr: Option<Reason>,
    /// The reason of an expected failure.
    wasxfail: Option<String>,
    worker_id: Option<String>,
    start: Option<f64>,
    stop: Option<f64>,
    exitstatus: Option<i64>,
}

/// A test whose tear-down was not reported yet.
#[derive(Default)]
struct Running {
    phases: Phases,
    outcome: Option<Outcome>,
    reason: Option<String>,
    retries: u32,
    worker: Option<String>,
    has_odd_time: bool,
}

struct Log<'a, 'b> {
    tests: Tests<'a, 'b>,
    running: BTreeMap<String, Running>,
    first_start: f64,
    last_stop: f64,
    has_end: bool,
}

/// Reads the file.
pub(super) fn read(
    input: impl Read,
    batches: Option<&mut Batches<'_>>,
) -> Result<(Report, u64), IngestErrorKind> {
    let mut lines = Lines::new(input);
    let mut log = Log {
        tests: Tests::new(batches),
        running: BTreeMap::new(),
        first_start: f64::INFINITY,
        last_stop: f64::NEG_INFINITY,
        has_end: false,
    };
    let mut number = 0;
    while let Some((line, is_whole)) = lines.next()? {
        number += 1;
        if line.is_empty() {
            continue;
        }
        match parse(line) {
            Some(line) => log.take(line, number),
            None if !is_whole => log.tests.warnings.add(WarningKind::CutShort, Some(number), ""),
            None => {
                let start = String::from_utf8_lossy(&line[..line.len().min(80)]);
                log.tests.warnings.add(WarningKind::OddLine, Some(number), start);
            }
        }
    }
    Ok(log.finish(number))
}

fn parse(line: &[u8]) -> Option<Line> {
    let text = encoding::text(line).ok()?;
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&without_nan(text)?).ok())
}

impl Log<'_, '_> {
    fn take(&mut self, line: Line, number: u64) {
        match line.kind.as_deref() {
            Some("SessionStart") => self.has_end = false,
            Some("TestReport") => self.take_phase(line, number),
            Some("CollectReport") if line.outcome.as_deref() == Some("failed") => {
                self.tests.run.extent = Extent::Partial;
                self.tests.warnings.add(WarningKind::NotCollected, Some(number), line.nodeid);
            }
            Some("SessionFinish") => {
                self.has_end = true;
                if let Some(word) = line.exitstatus.and_then(broken_exit) {
                    self.tests.run.extent = Extent::Partial;
                    self.tests.warnings.add(WarningKind::Interrupted, Some(number), word);
                }
            }
            Some(_) => {}
            None => self.tests.warnings.add(WarningKind::OddLine, Some(number), line.nodeid),
        }
    }

    fn take_phase(&mut self, line: Line, number: u64) {
        self.first_start = line.start.map_or(self.first_start, |start| self.first_start.min(start));
        self.last_stop = line.stop.map_or(self.last_stop, |stop| self.last_stop.max(stop));
        let running = self.running.entry(line.nodeid.clone()).or_default();
        running.worker = line.worker_id.or(running.worker.take());
        let duration = line.duration.and_then(seconds::micros);
        running.has_odd_time |= duration.is_none();
        let duration = duration.unwrap_or_default();
        let when = line.when.as_deref().unwrap_or_default();
        let reason = line.longrepr.and_then(|reason| reason.0);
        match line.outcome.as_deref() {
            Some("rerun") => {
                // The try is over, and no tear-down of it will be reported.
                *running = Running {
                    retries: running.retries + 1,
                    worker: running.worker.take(),
                    ..Running::default()
                };
                return;
            }
            Some("failed") => {
                let outcome = if when == "call" { Outcome::Failed } else { Outcome::Error };
                // A test can fail and then break in its tear-down: the graver of the two stands.
                running.outcome = match running.outcome {
                    Some(Outcome::Error) => Some(Outcome::Error),
                    _ => Some(outcome),
                };
                running.reason = running.reason.take().or(reason);
            }
            // A test that fails as expected did run, and nothing is wrong with it.
            Some("skipped") if line.wasxfail.is_some() => {
                running.outcome.get_or_insert(Outcome::Passed);
            }
            Some("skipped") => {
                running.outcome.get_or_insert(Outcome::Skipped);
                running.reason = running.reason.take().or(reason);
            }
            _ => {}
        }
        match when {
            "setup" => running.phases.setup = duration,
            "call" => running.phases.call = duration,
            "teardown" => running.phases.teardown = duration,
            // pytest-xdist reports a test whose worker died without a phase.
            _ => {
                running.has_odd_time = true;
                running.outcome = Some(Outcome::Error);
            }
        }
        if !matches!(when, "setup" | "call")
            && let Some(running) = self.running.remove(&line.nodeid)
        {
            self.keep(&line.nodeid, running, number);
        }
    }

    fn keep(&mut self, id: &str, running: Running, number: u64) {
        let line = Some(number);
        let Ok(test) = without_group(id).parse::<NodeId>() else {
            return self.tests.warnings.add(WarningKind::NoName, line, id);
        };
        let outcome = running.outcome.unwrap_or(Outcome::Passed);
        if running.has_odd_time {
            self.tests.warnings.add(WarningKind::ImpossibleTime, line, id);
            return self.tests.keep_untimed(test, outcome);
        }
        let Phases { setup, call, teardown } = running.phases;
        self.tests.add(
            Observation {
                phases: Some(running.phases),
                reason: running.reason,
                retries: running.retries,
                worker: running.worker,
                ..Observation::new(test, outcome, setup + call + teardown)
            },
            line,
        );
    }

    fn finish(mut self, last_line: u64) -> (Report, u64) {
        for (id, running) in std::mem::take(&mut self.running) {
            self.tests.run.extent = Extent::Partial;
            self.tests.warnings.add(WarningKind::Interrupted, Some(last_line), id.as_str());
            if let Ok(test) = without_group(&id).parse() {
                self.tests.keep_untimed(test, running.outcome.unwrap_or(Outcome::Unknown));
            }
        }
        if !self.has_end {
            self.tests.run.extent = Extent::Partial;
            if self.tests.warnings.count(WarningKind::CutShort) == 0 {
                self.tests.warnings.add(WarningKind::CutShort, Some(last_line), "the session has no end");
            }
        }
        let run = &mut self.tests.run;
        run.framework = Some(Framework::Pytest);
        run.at = timestamp(self.first_start).filter(|_| self.first_start.is_finite());
        run.session = seconds::micros(self.last_stop - self.first_start);
        self.tests.finish()
    }
}

/// Why a test was skipped or failed, in the shapes that pytest has for it: a text, a place with a text, or
/// a traceback.
pub(super) struct Reason(pub(super) Option<String>);

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReasonVisitor)
    }
}

struct ReasonVisitor;

impl ReasonVisitor {
    fn text(text: &str) -> Reason {
        // pytest-json-report prints the place and the text as Python would.
        let text = match text.split_once("'Skipped: ") {
            Some((place, rest)) if place.starts_with('(') => {
                rest.trim_end_matches(')').trim_end_matches('\'')
            }
            _ => text.strip_prefix("Skipped: ").unwrap_or(text),
        };
        Reason(first_line(text))
    }
}

impl<'de> Visitor<'de> for ReasonVisitor {
    type Value = Reason;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a place with a text, or a traceback")
    }

    fn visit_unit<E>(self) -> Result<Reason, E> {
        Ok(Reason(None))
    }

    fn visit_str<E>(self, text: &str) -> Result<Reason, E> {
        Ok(Self::text(text))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Reason, E> {
        Ok(Reason(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Reason, E> {
        Ok(Reason(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Reason, E> {
        Ok(Reason(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Reason, E> {
        Ok(Reason(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Reason, A::Error> {
        let mut last = Reason(None);
        while let Some(item) = items.next_element::<Self::Value>()? {
            last = item;
        }
        Ok(last)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Reason, A::Error> {
        let mut reason = Reason(None);
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "reprcrash" => reason = entries.next_value()?,
                "message" => {
                    reason = Self::text(&entries.next_value::<Option<String>>()?.unwrap_or_default());
                }
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(reason)
    }
}

#[cfg(test)]
mod checks {
    use super::*;
    use crate::time::Micros;

    fn read(text: &str) -> Report {
        super::read(text.as_bytes(), None).unwrap().0
    }

    const LOG: &str = r#"{"pytest_version": "8.3.0", "$report_type": "SessionStart"}
{"nodeid": "", "outcome": "passed", "result": null, "longrepr": null, "sections": [], "$report_type": "CollectReport"}
{"nodeid": "a.py::t", "location": ["a.py", 1, "t"], "keywords": {"t": 1, "slow": 1}, "outcome": "passed", "longrepr": null, "when": "setup", "user_properties": [], "sections": [], "duration": 0.5, "start": 1750000000.0, "stop": 1750000000.5, "worker_id": "gw0", "testrun_uid": "x", "$report_type": "TestReport"}
{"nodeid": "a.py::u", "outcome": "skipped", "longrepr": ["a.py", 9, "Skipped: no redis"], "when": "setup", "duration": 0.001, "worker_id": "gw1", "$report_type": "TestReport"}
{"nodeid": "a.py::t", "outcome": "failed", "longrepr": {"reprcrash": {"path": "a.py", "lineno": 3, "message": "assert 1 == 2\nmore"}, "reprtraceback": {"style": "long"}}, "when": "call", "duration": 1.0, "worker_id": "gw0", "$report_type": "TestReport"}
{"nodeid": "a.py::u", "outcome": "passed", "longrepr": null, "when": "teardown", "duration": 0.002, "worker_id": "gw1", "$report_type": "TestReport"}
{"nodeid": "a.py::t", "outcome": "passed", "longrepr": null, "when": "teardown", "duration": 0.25, "start": 1750000001.5, "stop": 1750000001.75, "worker_id": "gw0", "$report_type": "TestReport"}
{"exitstatus": 1, "$report_type": "SessionFinish"}
"#;

    #[test]
    fn tests_of_several_workers_are_put_together() {
        let report = read(LOG);
        let seen: Vec<_> = report
            .observations
            .iter()
            .map(|seen| {
                (
                    seen.test.as_str(),
                    seen.total.0,
                    seen.outcome,
                    seen.reason.as_deref(),
                    seen.worker.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("a.py::u", 3_000, Outcome::Skipped, Some("no redis"), Some("gw1")),
                ("a.py::t", 1_750_000, Outcome::Failed, Some("assert 1 == 2"), Some("gw0")),
            ]
        );
        assert_eq!(report.observations[1].phases.map(|phases| phases.call), Some(Micros(1_000_000)));
        assert_eq!(report.run.session, Some(Micros(1_750_000)));
        assert_eq!(report.run.extent, Extent::Unknown);
        assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    }

    #[test]
    fn a_log_without_an_end_is_a_partial_run() {
        let lines: Vec<&str> = LOG.lines().collect();
        let report = read(&lines[..6].join("\n"));
        assert_eq!(report.run.extent, Extent::Partial);
        assert_eq!(report.observations.len(), 1);
        assert_eq!(report.untimed.len(), 1, "the test that was running");
        assert_eq!(report.warnings.count(WarningKind::CutShort), 1);
        assert_eq!(report.warnings.count(WarningKind::Interrupted), 1);
    }

    #[test]
    fn a_cut_line_and_an_odd_one_cost_only_themselves() {
        let report = read(&(LOG.replace("{\"nodeid\": \"\", ", "oops {") + "{\"nodei"));
        assert_eq!(report.observations.len(), 2);
        assert_eq!(report.warnings.count(WarningKind::OddLine), 1);
        assert_eq!(report.warnings.count(WarningKind::CutShort), 1);
    }

    #[test]
    fn tries_in_vain_are_counted_and_their_time_is_not() {
        let phase = |when: &str, outcome: &str, duration: &str| {
            format!(
                r#"{{"nodeid": "a.py::t", "outcome": "{outcome}", "when": "{when}", "duration": {duration}, "$report_type": "TestReport"}}"#
            )
        };
        let report = read(
            &[
                phase("setup", "passed", "0.1"),
                phase("call", "rerun", "9"),
                phase("setup", "passed", "0.1"),
                phase("call", "passed", "1"),
                phase("teardown", "passed", "0.1"),
                phase("???", "failed", "0"),
                phase("setup", "passed", "NaN"),
                phase("teardown", "passed", "0"),
            ]
            .join("\n"),
        );
        let seen = &report.observations[0];
        assert_eq!((seen.total, seen.retries), (Micros(1_200_000), 1));
        assert_eq!(report.untimed.len(), 2, "a worker that died, and a time that is none");
        assert_eq!(report.observations.len(), 1);
    }

    #[test]
    fn an_expected_failure_is_no_skip() {
        let report = read(
            r#"{"nodeid": "a.py::t", "outcome": "skipped", "wasxfail": "bug 7", "when": "call", "duration": 2, "$report_type": "TestReport"}
{"nodeid": "a.py::t", "outcome": "passed", "when": "teardown", "duration": 0, "$report_type": "TestReport"}"#,
        );
        assert_eq!(report.observations[0].outcome, Outcome::Passed);
    }
}
