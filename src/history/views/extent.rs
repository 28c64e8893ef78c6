//! Which runs were full ones, and what may be concluded from that a test is not in one.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Observed, WholeRun};
use crate::ids::{LaneName, WholeRunIx};
use crate::ingest::Extent;

/// A lane that was sharded otherwise until lately may lack a shard for good; until so many runs have passed, a
/// run without that shard is not taken for a full one.
const SHARDS_REMEMBERED: u32 = 20;

/// Returns for every lane the latest run that ran it at all.
#[must_use]
pub fn latest_runs(observed: &Observed) -> BTreeMap<Option<&LaneName>, WholeRunIx> {
    observed.runs.iter().map(|run| (run.facts.lane.as_ref(), run.whole)).collect()
}

/// Returns for every lane the latest run that ran all of it.
///
/// A run ran all of a lane where somebody said so of every shard, and no shard is missing that the lane had
/// lately. A re-run of what failed adds to its run and takes nothing away: of each shard one full report is
/// enough. What nobody said anything about is never taken for full, and neither is a run without a name of its
/// own: the other shards may have come as runs of their own.
#[must_use]
pub fn latest_full_runs(observed: &Observed) -> BTreeMap<Option<&LaneName>, WholeRunIx> {
    let mut known_shards: BTreeMap<Option<&LaneName>, BTreeSet<&str>> = BTreeMap::new();
    for run in observed.runs.iter().filter(|run| run.age < SHARDS_REMEMBERED) {
        known_shards.entry(run.facts.lane.as_ref()).or_default().extend(run.facts.shard.as_deref());
    }
    let mut latest = BTreeMap::new();
    for (whole_ix, whole) in observed.whole_runs.iter_enumerated() {
        for lane in lanes_of(observed, whole) {
            if is_full(observed, whole, lane, &known_shards[&lane]) {
                latest.insert(lane, whole_ix);
            }
        }
    }
    latest
}

fn lanes_of<'o>(observed: &'o Observed, whole: &WholeRun) -> BTreeSet<Option<&'o LaneName>> {
    whole.parts.clone().map(|part| observed.runs[crate::ids::RunIx(part)].facts.lane.as_ref()).collect()
}

fn is_full(
    observed: &Observed,
    whole: &WholeRun,
    lane: Option<&LaneName>,
    known_shards: &BTreeSet<&str>,
) -> bool {
    if !is_named(observed, whole) {
        return false;
    }
    let mut full: BTreeMap<Option<&str>, bool> = BTreeMap::new();
    for (_, part) in observed.parts(whole).filter(|(_, part)| part.facts.lane.as_ref() == lane) {
        *full.entry(part.facts.shard.as_deref()).or_default() |= part.facts.extent == Extent::Full;
    }
    // A report of the whole lane speaks for every shard.
    full.get(&None).copied().unwrap_or(false)
        || (full.values().all(|full| *full)
            && known_shards.iter().all(|shard| full.contains_key(&Some(*shard))))
}

/// Returns whether somebody said which run it was. Else it is one report, called by its digest.
#[must_use]
pub fn is_named(observed: &Observed, whole: &WholeRun) -> bool {
    observed.parts(whole).all(|(_, part)| !whole.run.starts_with(part.digest.short()))
}

/// Returns the positions of the tests that are gone: the lane in which they were seen last has had a full run
/// since, without them.
#[must_use]
pub fn gone(observed: &Observed) -> Vec<usize> {
    let full = latest_full_runs(observed);
    let is_gone = |test: &crate::history::TestHistory| {
        let last = test.samples.last().map(|sample| &observed.runs[sample.run]);
        last.is_some_and(|last| full.get(&last.facts.lane.as_ref()).is_some_and(|full| last.whole < *full))
    };
    (0..observed.tests.len()).filter(|&at| is_gone(&observed.tests[at])).collect()
}
