//! How the times move: lane by lane and run by run, and which tests made them move.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::median;
use crate::history::{Observed, TestHistory};
use crate::ids::{LaneName, NodeId, WholeRunIx};
use crate::time::{Micros, Timestamp};

/// The latest executions of a test that are held against those before.
const LATEST: usize = 5;

/// Of those before, so many.
const BEFORE: usize = 20;

/// A test must have moved by at least this share of what it took …
const LEAST_SHARE: f64 = 0.2;

/// … and by at least this long.
const LEAST: Micros = Micros(100_000);

/// How the times move.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trend {
    /// What every lane took in its last runs, the latest first.
    pub runs: Vec<LaneRun>,
    /// The tests that became slower or faster, those that moved most first.
    pub changes: Vec<Change>,
}

/// A lane in one run.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneRun {
    /// The lane.
    pub lane: Option<LaneName>,
    /// The run.
    pub run: String,
    /// When it began.
    pub at: Option<Timestamp>,
    /// How many tests ran.
    pub ran: usize,
    /// How many of them failed at least once.
    pub failed: usize,
    /// How many were skipped.
    pub skipped: usize,
    /// All test time, attempts included.
    pub total: Micros,
    /// Against the median of the lane's runs before it, as a share: 0.1 is a tenth longer. Nothing for the first.
    pub change: Option<f64>,
}

/// A test that takes longer or shorter than it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The test.
    pub test: NodeId,
    /// The median of the executions before.
    pub before: Micros,
    /// The median of the latest.
    pub now: Micros,
    /// How many the latest are.
    pub latest: usize,
}

/// Returns the last `most` runs of every lane, and at most as many tests that moved.
#[must_use]
pub fn trend(observed: &Observed, most: usize) -> Trend {
    let mut changes: Vec<Change> = observed.tests.iter().filter_map(change_of).collect();
    // The sort is stable: equal changes stay in the order of their tests.
    changes.sort_by_key(|change| Reverse(change.now.0.abs_diff(change.before.0)));
    changes.truncate(most);
    Trend { runs: lane_runs(observed, most), changes }
}

#[derive(Clone, Copy, Default)]
struct Sums {
    ran: usize,
    failed: usize,
    skipped: usize,
    total: Micros,
}

fn lane_runs(observed: &Observed, most: usize) -> Vec<LaneRun> {
    let mut sums: BTreeMap<(Option<&LaneName>, WholeRunIx), Sums> =
        observed.runs.iter().map(|run| ((run.facts.lane.as_ref(), run.whole), Sums::default())).collect();
    for test in &observed.tests {
        let key = |sample: &crate::history::Sample| {
            let run = &observed.runs[sample.run];
            (run.facts.lane.as_ref(), run.whole)
        };
        // Of one run the lanes may stand in turns; each test counts once in each.
        let mut of_run: BTreeMap<Option<&LaneName>, (Sums, bool)> = BTreeMap::new();
        for in_run in test.samples.chunk_by(|one, other| key(one).1 == key(other).1) {
            of_run.clear();
            for sample in in_run {
                let (of_lane, ran) = of_run.entry(key(sample).0).or_default();
                *ran |= sample.ran();
                of_lane.failed = of_lane.failed.max(usize::from(sample.failed()));
                of_lane.total = of_lane.total + sample.total;
            }
            for (lane, (of_lane, ran)) in &of_run {
                let Some(sum) = sums.get_mut(&(*lane, key(&in_run[0]).1)) else { continue };
                sum.ran += usize::from(*ran);
                sum.skipped += usize::from(!ran);
                sum.failed += of_lane.failed;
                sum.total = sum.total + of_lane.total;
            }
        }
    }
    let mut lines = Vec::new();
    let all: Vec<_> = sums.into_iter().collect();
    for of_lane in all.chunk_by(|((one, _), _), ((other, _), _)| one == other) {
        let totals: Vec<Micros> = of_lane.iter().map(|(_, sums)| sums.total).collect();
        for (at, ((lane, whole), sums)) in of_lane.iter().enumerate().rev().take(most) {
            let before = median(totals[at.saturating_sub(BEFORE)..at].iter().copied());
            let whole = &observed.whole_runs[*whole];
            lines.push(LaneRun {
                lane: lane.cloned(),
                run: whole.run.clone(),
                at: whole.at,
                ran: sums.ran,
                failed: sums.failed,
                skipped: sums.skipped,
                total: sums.total,
                change: before
                    .filter(|before| before.0 > 0)
                    .map(|before| sums.total.0 as f64 / before.0 as f64 - 1.0),
            });
        }
    }
    lines
}

fn change_of(test: &TestHistory) -> Option<Change> {
    let times: Vec<Micros> =
        test.samples.iter().filter(|sample| sample.ran()).map(|sample| sample.total).collect();
    // Half of few are the latest, so that a change shows from the fourth execution on.
    let latest = LATEST.min(times.len() / 2);
    if latest < 2 {
        return None;
    }
    let (earlier, late) = times.split_at(times.len() - latest);
    let before = median(earlier[earlier.len().saturating_sub(BEFORE)..].iter().copied())?;
    let now = median(late.iter().copied())?;
    let moved = now.0.abs_diff(before.0);
    let enough = moved >= LEAST.0 && moved as f64 >= LEAST_SHARE * before.0 as f64;
    enough.then(|| Change { test: test.test.clone(), before, now, latest })
}
