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
use crate::ids::{Ix as _, IxVec, LaneName, RunIx, WholeRunIx};

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
            Some(other) => join(other, sample),
            None => kept.push(sample),
        }
    }
    kept.shrink_to_fit();
    *samples = kept;
}

/// Adds to a sample what another report knows of the same execution. Its run keeps its place in the order.
fn join(sample: &mut Sample, other: Sample) {
    if sample.phases().is_none() && other.phases().is_some() {
        // Who knows the phases did not round their sum.
        sample.total = other.total;
    }
    if let Some(other) = other.more {
        let more = sample.more.get_or_insert_default();
        more.phases = more.phases.or(other.phases);
        more.worker = more.worker.take().or(other.worker);
        more.project = more.project.take().or(other.project);
    }
    sample.unit = sample.unit.max(other.unit);
    sample.retries = sample.retries.max(other.retries);
    if sample.reason.is_none() {
        sample.reason = other.reason;
    }
}

fn tell_of_one(one: &Sample, other: &Sample, runs: &IxVec<RunIx, StoredRun>) -> bool {
    let (run, other_run) = (&runs[one.run], &runs[other.run]);
    let attempt = |run: &StoredRun| run.facts.attempt.unwrap_or(1);
    one.run.position() != other.run.position()
        && one.outcome == other.outcome
        && one.total.0.abs_diff(other.total.0) <= ROUNDED_MICROS
        && run.facts.lane == other_run.facts.lane
        && attempt(run) == attempt(other_run)
        && (run.place() == other_run.place() || run.place().is_none() || other_run.place().is_none())
}
