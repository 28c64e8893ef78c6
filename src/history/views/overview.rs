//! What the history holds, counted once for every way to print it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Expected, SlowTest, median, slowest};
use crate::history::Observed;
use crate::ids::{IxVec, LaneName, WholeRunIx};
use crate::time::{Micros, Timestamp};

/// How many of the slowest tests are named.
const SLOWEST: usize = 10;

/// What the history holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// How many runs of the CI, attempts and shards together.
    pub runs: usize,
    /// How many reports told of them.
    pub reports: usize,
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
    /// How many reports came in each format.
    pub formats: Vec<(String, usize)>,
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

impl Overview {
    /// Returns what the history holds.
    #[must_use]
    pub fn of(observed: &Observed, expected: Expected<'_>) -> Self {
        let times = || observed.runs.iter().filter_map(|run| run.facts.at);
        let mut formats: BTreeMap<&str, usize> = BTreeMap::new();
        for run in &observed.runs {
            *formats.entry(&run.format).or_default() += 1;
        }
        Self {
            runs: observed.whole_runs.len(),
            reports: observed.runs.len(),
            tests: observed.tests.len(),
            files: observed.tests.iter().map(|test| test.file.as_str()).collect::<BTreeSet<_>>().len(),
            observations: observed.observations(),
            jobs: observed.jobs.len(),
            first: times().min(),
            last: times().max(),
            formats: formats.into_iter().map(|(format, count)| (format.to_owned(), count)).collect(),
            lanes: lanes(observed),
            slowest: slowest(observed, expected, SLOWEST),
        }
    }
}

/// What a lane took in one run.
#[derive(Clone, Copy, Default)]
struct InOneRun {
    tests: usize,
    total: Micros,
    at: Option<Timestamp>,
}

fn lanes(observed: &Observed) -> Vec<RunsOfLane> {
    let mut by_lane: BTreeMap<Option<&LaneName>, IxVec<WholeRunIx, Option<InOneRun>>> = BTreeMap::new();
    let of_none =
        || observed.whole_runs.iter().map(|_| None).collect::<IxVec<WholeRunIx, Option<InOneRun>>>();
    for run in &observed.runs {
        let lane = by_lane.entry(run.facts.lane.as_ref()).or_insert_with(of_none);
        let of_run = lane[run.whole].get_or_insert_default();
        of_run.at = of_run.at.max(run.facts.at);
    }
    for test in &observed.tests {
        let mut last = None;
        for sample in &test.samples {
            let run = &observed.runs[sample.run];
            let of_lane = by_lane.get_mut(&run.facts.lane.as_ref());
            let Some(of_run) = of_lane.and_then(|lane| lane[run.whole].as_mut()) else { continue };
            of_run.total = of_run.total + sample.total;
            // Retries and shards of one run are one test of it.
            of_run.tests += usize::from(last != Some((run.whole, &run.facts.lane)));
            last = Some((run.whole, &run.facts.lane));
        }
    }
    by_lane
        .into_iter()
        .map(|(lane, runs)| {
            // Runs are sorted by time.
            let runs: Vec<InOneRun> = runs.iter().flatten().copied().collect();
            let last = runs.last().copied().unwrap_or_default();
            RunsOfLane {
                lane: lane.cloned(),
                runs: runs.len(),
                tests_of_last: last.tests,
                typical_total: median(runs.iter().map(|run| run.total)).unwrap_or_default(),
                last: last.at,
            }
        })
        .collect()
}
