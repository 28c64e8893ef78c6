//! The runs of the CI: answered from the footers of the store alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::Observed;
use crate::ids::LaneName;
use crate::ingest::Extent;
use crate::time::Timestamp;

/// A run in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLine {
    /// The CI's id of it.
    pub run: String,
    /// When it began.
    pub at: Option<Timestamp>,
    /// The branch, where all its reports agree on one.
    pub branch: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// The attempts that are known.
    pub attempts: Vec<u32>,
    /// Its lanes, each with the shards that are known.
    pub lanes: Vec<(Option<LaneName>, Vec<String>)>,
    /// The reports that told of it.
    pub reports: usize,
    /// The observations in these, also of tests that ran twice.
    pub observations: usize,
    /// How much of the suite it ran: full where every report says so.
    pub extent: Extent,
}

/// Returns the runs, the latest first.
#[must_use]
pub fn runs(observed: &Observed) -> Vec<RunLine> {
    observed
        .whole_runs
        .iter()
        .rev()
        .map(|whole| {
            let parts: Vec<_> = observed.parts(whole).map(|(_, part)| part).collect();
            let mut lanes: BTreeMap<Option<&LaneName>, BTreeSet<&str>> = BTreeMap::new();
            for part in &parts {
                lanes.entry(part.facts.lane.as_ref()).or_default().extend(part.facts.shard.as_deref());
            }
            let branches: BTreeSet<_> = parts.iter().map(|part| part.facts.branch.as_deref()).collect();
            let attempts: BTreeSet<u32> = parts.iter().filter_map(|part| part.facts.attempt).collect();
            RunLine {
                run: whole.run.clone(),
                at: whole.at,
                branch: branches
                    .first()
                    .copied()
                    .flatten()
                    .filter(|_| branches.len() == 1)
                    .map(str::to_owned),
                commit: whole.commit.clone(),
                attempts: attempts.into_iter().collect(),
                lanes: lanes
                    .into_iter()
                    .map(|(lane, shards)| (lane.cloned(), shards.into_iter().map(str::to_owned).collect()))
                    .collect(),
                reports: parts.len(),
                observations: parts.iter().map(|part| part.observations).sum(),
                extent: parts.iter().map(|part| part.facts.extent).fold(Extent::Full, less_of),
            }
        })
        .collect()
}

/// Returns what two reports of one run make it: a part of it is partial, whatever the rest is.
fn less_of(one: Extent, other: Extent) -> Extent {
    let whole = |extent| matches!(extent, Extent::Full | Extent::Unknown);
    match (one, other) {
        (one, other) if one == other => one,
        (one, other) if whole(one) && whole(other) => Extent::Unknown,
        (one, other) if whole(one) => other,
        (one, other) if whole(other) => one,
        _ => Extent::Partial,
    }
}
