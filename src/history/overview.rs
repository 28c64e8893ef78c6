//! What the history holds, counted once for every way to print it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Observed, TestHistory, median};
use crate::ids::{IxVec, LaneName, NodeId, RunIx};
use crate::ingest::Format;
use crate::time::{Micros, Timestamp};

/// How many of the slowest tests are named.
const SLOWEST: usize = 10;

/// What the history holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// How many runs of tests.
    pub runs: usize,
    /// How many different tests were seen.
    pub tests: usize,
    /// How many files those tests are in.
    pub files: usize,
    /// How many executions of tests.
    pub observations: usize,
    /// How many CI jobs.
    pub jobs: usize,
    /// When the first run was.
    pub first: Option<Timestamp>,
    /// When the last run was.
    pub last: Option<Timestamp>,
    /// How many runs came from each format.
    pub formats: Vec<(Format, usize)>,
    /// The runs of each lane; those without one come first.
    pub lanes: Vec<RunsOfLane>,
    /// The tests that take longest, slowest first.
    pub slowest: Vec<SlowTest>,
}

/// The runs of one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunsOfLane {
    /// The lane; nothing where a run does not name one.
    pub lane: Option<LaneName>,
    /// How many.
    pub runs: usize,
    /// How many tests the last of them observed.
    pub tests_of_last: usize,
    /// All test time of a run: the median over the runs.
    pub typical_total: Micros,
    /// When the last of them was.
    pub last: Option<Timestamp>,
}

/// A test and what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowTest {
    /// The test.
    pub test: NodeId,
    /// What it typically takes.
    pub typical: Micros,
    /// In how many runs it was seen.
    pub seen: usize,
}

impl Overview {
    /// Returns what the history holds.
    #[must_use]
    pub fn of(observed: &Observed) -> Self {
        let times = || observed.runs.iter().filter_map(|run| run.facts.at);
        let mut formats: BTreeMap<Format, usize> = BTreeMap::new();
        for run in &observed.runs {
            *formats.entry(run.format).or_default() += 1;
        }
        Self {
            runs: observed.runs.len(),
            tests: observed.tests.len(),
            files: observed.tests.iter().map(|test| test.file.as_str()).collect::<BTreeSet<_>>().len(),
            observations: observed.tests.iter().map(|test| test.samples.len()).sum(),
            jobs: observed.jobs.len(),
            first: times().min(),
            last: times().max(),
            formats: formats.into_iter().collect(),
            lanes: lanes(observed),
            slowest: slowest(observed),
        }
    }
}

fn lanes(observed: &Observed) -> Vec<RunsOfLane> {
    let mut totals: IxVec<RunIx, Micros> = observed.runs.iter().map(|_| Micros(0)).collect();
    for sample in observed.tests.iter().flat_map(|test| &test.samples) {
        totals[sample.run] = totals[sample.run] + sample.total;
    }
    let mut by_lane: BTreeMap<Option<&LaneName>, Vec<RunIx>> = BTreeMap::new();
    for (run, stored) in observed.runs.iter_enumerated() {
        by_lane.entry(stored.facts.lane.as_ref()).or_default().push(run);
    }
    by_lane
        .into_iter()
        .map(|(lane, runs)| {
            // Runs are sorted by time.
            let last = runs.last().map(|&run| &observed.runs[run]);
            RunsOfLane {
                lane: lane.cloned(),
                runs: runs.len(),
                tests_of_last: last.map_or(0, |run| run.observations),
                typical_total: median(runs.iter().map(|&run| totals[run])).unwrap_or_default(),
                last: last.and_then(|run| run.facts.at),
            }
        })
        .collect()
}

fn slowest(observed: &Observed) -> Vec<SlowTest> {
    let mut tests: Vec<(Micros, usize)> =
        observed.tests.iter().map(TestHistory::typical_time).zip(0..).collect();
    // Equal times keep the order of their ids.
    tests.sort_unstable_by_key(|&(typical, position)| (std::cmp::Reverse(typical), position));
    tests
        .into_iter()
        .take(SLOWEST)
        .map(|(typical, position)| {
            let test = &observed.tests[position];
            SlowTest { test: test.test.clone(), typical, seen: test.samples.len() }
        })
        .collect()
}
