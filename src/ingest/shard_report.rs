//! The report of the pytest plugin: one run of one shard, with the phases of every test apart.
//!
//! It says what no other report does: which lock it followed, which tests it should have run and did not, which
//! files could not be collected. `shardplan verify` reads these ([`parse`]), the history keeps the rest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::framework::Framework;
use super::json::malformed;
use super::observation::{Extent, Observation, Outcome, Phases, Report, RunFacts, first_line};
use super::tests::Tests;
use super::warning::WarningKind;
use super::{IngestErrorKind, seconds};
use crate::ids::{NodeId, ServiceName};
use crate::time::{Micros, Timestamp};

/// The version that is read.
const VERSION: u32 = 1;

/// The report file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "shardplan's report of a shard, version 1")]
pub struct ShardReportV1 {
    /// The version of the format: 1.
    pub shardplan_report: u32,
    /// The program that wrote it.
    #[serde(default)]
    pub made_by: String,
    /// When the session began, in ISO 8601.
    pub at: String,
    /// The CI's id of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The attempt within the run, from 1.
    pub attempt: u32,
    /// The commit that was tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The branch that was tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// pytest's exit code.
    pub exit: i32,
    /// Whether the session came to its end with every file collected.
    pub complete: bool,
    /// The whole session, in milliseconds.
    pub session_ms: u64,
    /// From the first test's begin to the last one's end, in milliseconds.
    pub tests_ms: u64,
    /// The machine.
    #[serde(default)]
    pub machine: String,
    /// The identity of the lock that it followed; without one, so with the next three, it ran no shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// The lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// The shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// The services that the shard starts.
    #[serde(default)]
    pub services: Vec<String>,
    /// How many tests were collected, those of other shards included.
    #[serde(default)]
    pub collected: u64,
    /// The tests that ran, in order.
    pub tests: Vec<TestV1>,
    /// Tests that it should have run and did not.
    #[serde(default)]
    pub not_run: Vec<String>,
    /// Tests that the lock does not know.
    #[serde(default)]
    pub adopted: Vec<String>,
    /// Tests that no lane selects.
    #[serde(default)]
    pub unassigned: Vec<String>,
    /// Tests that need services which the shard does not start.
    #[serde(default)]
    pub uncovered: Vec<UncoveredV1>,
    /// Files that could not be collected.
    #[serde(default)]
    pub errors: Vec<CollectionErrorV1>,
    /// Files that skip themselves as a whole.
    #[serde(default)]
    pub skipped_files: Vec<SkippedFileV1>,
}

/// A test: its id; `passed`, `failed`, `error` or `skipped`; the microseconds of its set-up, call and tear-down;
/// why it was skipped or failed, or nothing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TestV1(pub String, pub String, pub u64, pub u64, pub u64, pub String);

/// A test that needs services which its shard does not start.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct UncoveredV1 {
    /// The test.
    pub test: String,
    /// The services.
    pub services: Vec<String>,
}

/// A file that could not be collected.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct CollectionErrorV1 {
    /// The file.
    pub at: String,
    /// The last line of what went wrong.
    pub message: String,
}

/// A file that skips itself as a whole.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SkippedFileV1 {
    /// The file.
    pub at: String,
    /// Why.
    pub reason: String,
}

/// What every version of the format has.
#[derive(Deserialize)]
struct Versioned {
    shardplan_report: u32,
}

/// Returns the report as it was written.
pub fn parse(text: &str) -> Result<ShardReportV1, IngestErrorKind> {
    // The version comes first: a later one may have any other key.
    if let Ok(Versioned { shardplan_report: version }) = serde_json::from_str(text)
        && version != VERSION
    {
        return Err(IngestErrorKind::Unrecognised {
            found: format!("a shard's report of version {version}; this program reads version {VERSION}"),
            remedy: "take the shardplan that is as new as the plugin that wrote the report",
        });
    }
    serde_json::from_str(text).map_err(|error| malformed(&error))
}

/// Reads the file.
pub(super) fn read(text: &str) -> Result<Report, IngestErrorKind> {
    let file = parse(text)?;
    let mut tests = Tests::new(None);
    let whole = file.complete && file.not_run.is_empty();
    for TestV1(id, outcome, setup, call, teardown, reason) in file.tests {
        let Ok(node) = id.parse::<NodeId>() else {
            tests.warnings.add(WarningKind::NoName, None, id);
            continue;
        };
        let Ok(outcome) = outcome.parse::<Outcome>() else {
            tests.warnings.add(WarningKind::NotATest, None, format!("{id}: {outcome}"));
            continue;
        };
        let [Some(setup), Some(call), Some(teardown)] = [setup, call, teardown].map(plausible) else {
            tests.warnings.add(WarningKind::ImpossibleTime, None, id);
            tests.keep_untimed(node, outcome);
            continue;
        };
        let mut seen = Observation::new(node, outcome, [setup, call, teardown].into_iter().sum());
        seen.phases = Some(Phases { setup, call, teardown });
        seen.reason = first_line(&reason);
        tests.add(seen, None);
    }
    for error in file.errors {
        tests.warnings.add(WarningKind::NotCollected, None, error.at);
    }
    let services: Option<Vec<ServiceName>> =
        file.shard.as_ref().and_then(|_| file.services.iter().map(|name| name.parse().ok()).collect());
    tests.run = RunFacts {
        run: file.run,
        attempt: Some(file.attempt),
        commit: file.commit,
        branch: file.branch,
        at: Timestamp::parse(&file.at),
        lane: file.lane.and_then(|lane| lane.parse().ok()),
        shard: file.shard,
        machine: Some(file.machine).filter(|machine| !machine.is_empty()),
        services,
        extent: if whole { Extent::Full } else { Extent::Partial },
        framework: Some(Framework::Pytest),
        session: plausible(file.session_ms.saturating_mul(1000)),
    };
    Ok(tests.finish().0)
}

/// Returns the time, unless it is one that no test takes.
fn plausible(micros: u64) -> Option<Micros> {
    #[expect(clippy::cast_precision_loss, reason = "what is beyond 2^53 microseconds is refused")]
    seconds::micros(micros as f64 / 1e6).map(|_| Micros(micros))
}

#[cfg(test)]
mod checks {
    use super::*;

    const REPORT: &str = r#"{"shardplan_report": 1, "at": "2026-06-16T08:00:00.000Z", "attempt": 2, "exit": 1,
        "complete": true, "session_ms": 900, "tests_ms": 700, "machine": "m", "run": "7", "lane": "unit",
        "shard": "unit-1", "services": ["db"], "a key of a later program": null,
        "tests": [["a.py::t", "passed", 1, 20, 300, ""], ["a.py::u", "skipped", 5, 0, 0, "no db"],
                  ["", "passed", 0, 0, 0, ""], ["a.py::v", "perhaps", 0, 0, 0, ""],
                  ["a.py::w", "passed", 0, 18446744073709551615, 0, ""]]}"#;

    #[test]
    fn phases_outcomes_and_the_run_are_kept() {
        let report = read(REPORT).unwrap();
        let seen: Vec<_> =
            report.observations.iter().map(|seen| (seen.test.as_str(), seen.outcome, seen.total.0)).collect();
        assert_eq!(seen, [("a.py::t", Outcome::Passed, 321), ("a.py::u", Outcome::Skipped, 5)]);
        assert_eq!(report.observations[1].reason.as_deref(), Some("no db"));
        assert_eq!(report.run.attempt, Some(2));
        assert_eq!(report.run.shard.as_deref(), Some("unit-1"));
        assert_eq!(report.run.extent, Extent::Full);
        assert_eq!(report.warnings.len(), 3);
        assert_eq!(report.untimed.len(), 1);
    }

    #[test]
    fn a_run_that_left_tests_out_is_partial() {
        let report = read(&REPORT.replace("\"run\": \"7\"", "\"not_run\": [\"a.py::x\"]")).unwrap();
        assert_eq!(report.run.extent, Extent::Partial);
    }

    #[test]
    fn a_later_version_is_said_to_be_one() {
        let later = r#"{"shardplan_report": 2, "tests": 5}"#;
        assert!(matches!(read(later), Err(IngestErrorKind::Unrecognised { .. })));
    }

    #[test]
    fn a_report_that_was_cut_is_broken() {
        assert!(matches!(read(&REPORT[..300]), Err(IngestErrorKind::Malformed { .. })));
    }
}
