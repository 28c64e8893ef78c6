//! Tests that pass and fail without a reason.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::history::{Observed, Sample, TestHistory};
use crate::ids::{NodeId, WholeRunIx};
use crate::ingest::Outcome;
use crate::time::Timestamp;

/// So many changes between passing and failing make a test suspect where no two runs of one commit prove it.
const SUSPECT_CHANGES: usize = 3;

/// A test that passes and fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlakyTest {
    /// The test.
    pub test: NodeId,
    /// In how many commits, or runs of an unknown commit, it both passed and failed: what was tested was the
    /// same. At 0 it is only suspect.
    pub proofs: usize,
    /// How often its outcome changed from one execution to the next.
    pub changes: usize,
    /// How often it ran.
    pub ran: usize,
    /// How often it failed.
    pub failed: usize,
    /// When it failed last.
    pub last_failure: Option<Timestamp>,
    /// Why, the last time.
    pub reason: Option<String>,
}

/// Returns the tests that passed and failed on one commit or in one run, and those that go back and forth
/// between runs, the proven ones first.
#[must_use]
pub fn flaky(observed: &Observed) -> Vec<FlakyTest> {
    let mut found: Vec<FlakyTest> =
        observed.tests.iter().filter_map(|test| of_test(observed, test)).collect();
    found.sort_by_key(|test| (Reverse(test.proofs), Reverse(test.changes)));
    found
}

/// What was tested: a commit, or where it is unknown, what one run tested.
type Tested<'o> = Result<&'o str, WholeRunIx>;

fn of_test(observed: &Observed, test: &TestHistory) -> Option<FlakyTest> {
    let ran = || {
        let known = test.samples.iter().filter(|sample| sample.ran() && sample.outcome != Outcome::Unknown);
        known.map(|sample| (sample, &observed.runs[sample.run]))
    };
    // A retry within a job is a failure of which only the number is known.
    let retried = |sample: &Sample| sample.retries > 0 && !sample.failed();
    if !ran().any(|(sample, _)| sample.failed() || retried(sample)) {
        return None;
    }
    let mut seen: BTreeMap<Tested<'_>, [bool; 2]> = BTreeMap::new();
    let (mut changes, mut last) = (0, None);
    for (sample, run) in ran() {
        let tested = run.facts.commit.as_deref().ok_or(run.whole);
        let outcomes = seen.entry(tested).or_default();
        outcomes[usize::from(sample.failed())] = true;
        outcomes[1] |= retried(sample);
        changes += usize::from(last.is_some_and(|last| last != sample.failed()));
        last = Some(sample.failed());
    }
    let proofs = seen.values().filter(|seen| **seen == [true, true]).count();
    if proofs == 0 && changes < SUSPECT_CHANGES {
        return None;
    }
    let failures: Vec<_> = ran().filter(|(sample, _)| sample.failed() || retried(sample)).collect();
    let (last, run) = failures.last()?;
    Some(FlakyTest {
        test: test.test.clone(),
        proofs,
        changes,
        ran: ran().count(),
        failed: failures.len(),
        last_failure: run.facts.at,
        reason: last.reason.as_deref().map(str::to_owned),
    })
}
