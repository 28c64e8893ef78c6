//! The runs of the CI: answered from the footers of the store alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Observed, StoredRun};
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
    /// How much of the suite it ran: of each shard the report that ran most counts, so that a re-run of what failed
    /// takes nothing away.
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
                extent: extent_of(&parts),
            }
        })
        .collect()
}

fn extent_of(parts: &[&StoredRun]) -> Extent {
    let mut of_shards: BTreeMap<_, Extent> = BTreeMap::new();
    for part in parts {
        let shard = (part.facts.lane.as_ref(), part.facts.shard.as_deref());
        let known = of_shards.entry(shard).or_insert(part.facts.extent);
        if rank(part.facts.extent) > rank(*known) {
            *known = part.facts.extent;
        }
    }
    of_shards.into_values().min_by_key(|extent| rank(*extent)).unwrap_or_default()
}

/// Returns how much a report ran, in comparison.
const fn rank(extent: Extent) -> u8 {
    match extent {
        Extent::OnlyFailed => 0,
        Extent::Selected => 1,
        Extent::Partial => 2,
        Extent::Unknown => 3,
        Extent::Full => 4,
    }
}
