//! Tests that are there and do not run.

use crate::history::{Observed, TestHistory};
use crate::ids::NodeId;
use crate::ingest::Extent;
use crate::time::Timestamp;

/// Skipped in one run alone is a day's accident: from so many on, a test that ran before is skipped lately.
const LATELY: usize = 2;

/// A test that is skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedTest {
    /// The test.
    pub test: NodeId,
    /// When it ran last; nothing where it never did.
    pub last_ran: Option<Timestamp>,
    /// Whether it ran at any time.
    pub ever_ran: bool,
    /// In how many of the latest executions it was skipped, without one in between that ran.
    pub in_a_row: usize,
    /// When that began.
    pub since: Option<Timestamp>,
    /// The last reason.
    pub reason: Option<String>,
    /// Whether the services that were up are known of every run that skipped it.
    pub services_known: bool,
}

/// Returns the tests that never ran, and then those that ran before and are skipped lately. A test that ran on
/// any shard of a run was not skipped in it.
#[must_use]
pub fn skipped(observed: &Observed) -> Vec<SkippedTest> {
    let mut found: Vec<SkippedTest> =
        observed.tests.iter().filter_map(|test| of_test(observed, test)).collect();
    // The sort is stable: the tests stay in order.
    found.sort_by_key(|test| test.ever_ran);
    found
}

fn of_test(observed: &Observed, test: &TestHistory) -> Option<SkippedTest> {
    let ran = |whole| test.samples.iter().any(|other| other.ran() && observed.runs[other.run].whole == whole);
    let row: Vec<_> = test
        .samples
        .iter()
        .rev()
        .map(|sample| (sample, &observed.runs[sample.run]))
        // A re-run of what failed says nothing about what it left out.
        .filter(|(sample, run)| {
            sample.ran() || matches!(run.facts.extent, Extent::Full | Extent::Unknown) || !ran(run.whole)
        })
        .take_while(|(sample, run)| !sample.ran() && !ran(run.whole))
        .collect();
    let ever_ran = test.samples.iter().any(crate::history::Sample::ran);
    let (last, _) = row.first()?;
    let (_, first_run) = row.last()?;
    if ever_ran && row.len() < LATELY {
        return None;
    }
    let last_ran = test.samples.iter().rev().find(|sample| sample.ran());
    Some(SkippedTest {
        test: test.test.clone(),
        last_ran: last_ran.and_then(|sample| observed.runs[sample.run].facts.at),
        ever_ran,
        in_a_row: row.len(),
        since: first_run.facts.at,
        reason: last.reason.as_deref().map(str::to_owned),
        services_known: row.iter().all(|(_, run)| run.facts.services.is_some()),
    })
}
