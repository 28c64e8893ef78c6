//! What the history still remembers and the suite may have forgotten.

use std::collections::BTreeSet;

use super::{gone, latest_runs};
use crate::history::Observed;
use crate::ids::{LaneName, NodeId};
use crate::time::Timestamp;

/// What is old.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stale {
    /// The tests, those longest unseen first.
    pub tests: Vec<StaleTest>,
    /// Every lane with its last run.
    pub lanes: Vec<StaleLane>,
}

/// A test that was not seen lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleTest {
    /// The test.
    pub test: NodeId,
    /// Its lane, the last time.
    pub lane: Option<LaneName>,
    /// When that was.
    pub last_seen: Option<Timestamp>,
    /// How many runs its lane has had since.
    pub runs_since: u32,
    /// Whether one of these ran everything: the test is gone.
    pub is_gone: bool,
}

/// A lane and its last run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleLane {
    /// The lane.
    pub lane: Option<LaneName>,
    /// When it ran last.
    pub last: Option<Timestamp>,
    /// Days from that to the latest run of any lane.
    pub days_behind: Option<i64>,
}

/// Returns the tests that a full run shows to be gone, and those that the last `runs` runs of their lane did
/// not see. The history is compared with itself: no clock says what is old.
#[must_use]
pub fn stale(observed: &Observed, runs: u32) -> Stale {
    let gone: BTreeSet<usize> = gone(observed).into_iter().collect();
    let mut tests: Vec<StaleTest> = Vec::new();
    for (at, test) in observed.tests.iter().enumerate() {
        let Some(last) = test.samples.last().map(|sample| &observed.runs[sample.run]) else { continue };
        let is_gone = gone.contains(&at);
        if is_gone || last.age >= runs.max(1) {
            tests.push(StaleTest {
                test: test.test.clone(),
                lane: last.facts.lane.clone(),
                last_seen: last.facts.at,
                runs_since: last.age,
                is_gone,
            });
        }
    }
    // The sort is stable: tests of one time stay in order.
    tests.sort_by_key(|test| test.last_seen);
    let newest = observed.runs.iter().filter_map(|run| run.facts.at).max();
    let last_of = |whole| {
        let of_run = observed.parts(&observed.whole_runs[whole]);
        of_run.filter_map(|(_, part)| part.facts.at).max()
    };
    let lanes = latest_runs(observed)
        .into_iter()
        .map(|(lane, whole)| {
            let last = last_of(whole);
            let behind = newest.zip(last).map(|(newest, last)| (newest.0 - last.0) / 86_400_000);
            StaleLane { lane: lane.cloned(), last, days_behind: behind }
        })
        .collect();
    Stale { tests, lanes }
}
