//! Which parts make a run, and which samples are one execution told twice.
//!
//! A run of the CI has attempts, lanes and shards; each comes as a report of its own, some come twice: as JUnit
//! and as JSON, or as an export that was ingested again. The digest of a file can't tell, for their bytes
//! differ. So an execution has an identity of its own: run and commit, attempt, lane, place and test. Two parts
//! that agree in these, in the outcome and, to the millisecond that JUnit rounds to, in the time, tell of one
//! execution. Two that differ are two, for a job may run a test again; nothing is lost.

use std::collections::BTreeMap;

use super::catalogue::Placed;
use super::{Sample, StoredRun, WholeRun};
use crate::ids::{Ix as _, IxVec, LaneName, NodeId, RunIx, WholeRunIx};
use crate::ingest::Outcome;

/// JUnit writes times with three digits.
const ROUNDED_MICROS: u64 = 1_000;

/// Puts parts in an order that depends on what they say, not on how they came; those of one run together, the
/// oldest run first. Returns the runs, and tells every part which is its own and how old that is.
pub(super) fn arrange(parts: &mut Vec<Placed>) -> IxVec<WholeRunIx, WholeRun> {
    let mut by_run: BTreeMap<(String, Option<String>), Vec<Placed>> = BTreeMap::new();
    for part in parts.drain(..) {
        let run = &part.run;
        let id = run.facts.run.clone().unwrap_or_else(|| format!("{}.{}", run.digest.short(), run.report));
        by_run.entry((id, run.facts.commit.clone())).or_default().push(part);
    }
    let mut runs: Vec<_> = by_run.into_iter().collect();
    let first = |of_run: &[Placed]| of_run.iter().filter_map(|part| part.run.facts.at).min();
    // The sort is stable: runs of one time keep the order of their ids.
    runs.sort_by_cached_key(|(_, of_run)| first(of_run));
    let mut whole_runs = IxVec::default();
    for ((run, commit), mut of_run) in runs {
        of_run.sort_by(|one, other| order_within_a_run(&one.run).cmp(&order_within_a_run(&other.run)));
        let start = u32::try_from(parts.len()).expect("fewer than 2^32 parts");
        let length = u32::try_from(of_run.len()).expect("fewer than 2^32 parts");
        let at = first(&of_run);
        let whole = whole_runs.push(WholeRun { run, commit, parts: start..start + length, at });
        parts.extend(of_run.into_iter().map(|mut part| {
            part.run.whole = whole;
            part
        }));
    }
    set_ages(parts, &whole_runs);
    whole_runs
}

fn order_within_a_run(run: &StoredRun) -> impl Ord + '_ {
    let facts = &run.facts;
    let place = (&facts.lane, &facts.shard, &facts.machine, &facts.branch, &facts.services, facts.extent);
    (facts.attempt, facts.at, place, &run.digest, run.report)
}

/// Counts for every part the newer runs of its lane: shards and attempts of one run are of one age.
fn set_ages(parts: &mut [Placed], whole_runs: &IxVec<WholeRunIx, WholeRun>) {
    let mut newer: BTreeMap<Option<LaneName>, u32> = BTreeMap::new();
    for whole in whole_runs.iter().rev() {
        let of_run = &mut parts[whole.parts.start as usize..whole.parts.end as usize];
        for part in of_run.iter_mut() {
            part.run.age = newer.get(&part.run.facts.lane).copied().unwrap_or(0);
        }
        let mut lanes: Vec<_> = of_run.iter().map(|part| &part.run.facts.lane).collect();
        lanes.sort_unstable();
        lanes.dedup();
        for lane in lanes {
            *newer.entry(lane.clone()).or_default() += 1;
        }
    }
}

/// Drops what tells of an execution that another sample of the test tells of already. The samples stand in the
/// order of their runs, and do so afterwards.
pub(super) fn drop_retold(samples: &mut Vec<Sample>, runs: &IxVec<RunIx, StoredRun>) {
    let may_be_retold = |pair: &[Sample]| runs[pair[0].run].whole == runs[pair[1].run].whole;
    if !samples.windows(2).any(may_be_retold) {
        return;
    }
    let mut kept: Vec<Sample> = Vec::with_capacity(samples.len());
    for sample in samples.drain(..) {
        let of_run = kept.iter().rposition(|other| runs[other.run].whole != runs[sample.run].whole);
        let of_run = of_run.map_or(0, |before| before + 1);
        match kept[of_run..].iter_mut().find(|other| tell_of_one(other, &sample, runs)) {
            // The one with more to say stays; its run keeps its place in the order.
            Some(other) if other.phases.is_none() && sample.phases.is_some() => {
                let run = other.run;
                *other = Sample { run, ..sample };
            }
            Some(_) => {}
            None => kept.push(sample),
        }
    }
    kept.shrink_to_fit();
    *samples = kept;
}

/// Adds up what the shards of one run took for a file that was split over them. A single test runs in one shard only;
/// where two tell of one, both ran it.
pub(super) fn add_up_shards(test: &NodeId, samples: &mut Vec<Sample>, runs: &IxVec<RunIx, StoredRun>) {
    if samples.len() < 2 || !is_file(test) {
        return;
    }
    samples.dedup_by(|later, first| {
        let (run, other) = (&runs[later.run], &runs[first.run]);
        let is_split = run.whole == other.whole
            && run.facts.lane == other.facts.lane
            && run.facts.attempt == other.facts.attempt
            && run.facts.shard.is_some()
            && other.facts.shard.is_some()
            && run.facts.shard != other.facts.shard;
        if is_split {
            first.total = first.total + later.total;
            first.phases = None;
            if matches!(later.outcome, Outcome::Failed | Outcome::Error) || first.outcome == Outcome::Skipped
            {
                first.outcome = later.outcome;
            }
        }
        is_split
    });
}

/// Returns whether the id is that of a whole file: it ends as a path does, and no test follows.
fn is_file(test: &NodeId) -> bool {
    let extension = test.as_str().rsplit_once('.').map_or("", |(_, extension)| extension);
    (1..=5).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphabetic())
        && !test.as_str().contains("::")
}

fn tell_of_one(one: &Sample, other: &Sample, runs: &IxVec<RunIx, StoredRun>) -> bool {
    let (run, other_run) = (&runs[one.run], &runs[other.run]);
    let attempt = |run: &StoredRun| run.facts.attempt.unwrap_or(1);
    one.run.position() != other.run.position()
        && one.outcome == other.outcome
        && one.total.0.abs_diff(other.total.0) <= ROUNDED_MICROS
        && run.facts.lane == other_run.facts.lane
        && attempt(run) == attempt(other_run)
        && run.place() == other_run.place()
}
