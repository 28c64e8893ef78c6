//! How fast each run was as a whole.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::measured::{median, times_of};
use super::{SCATTER_WEIGHT, USUAL_PACE_DEVIATION};
use crate::history::{Observed, TestHistory};
use crate::ids::{IxVec, RunIx};

/// How many tests are looked at together. Fixed, because sums of floating-point numbers depend on their order.
const TESTS_AT_ONCE: usize = 1024;

/// So many tests must share a session before it has a pace: one alone can't tell a slow machine from its own
/// change.
const ENOUGH_TESTS: u32 = 2;

/// The pace of every run: its times against the usual times of the same tests. What one machine ran of a run, in
/// however many reports, has one pace.
pub(super) struct Pace {
    session_of: IxVec<RunIx, usize>,
    of_session: Vec<f64>,
    /// The pace that is expected of the next run: the mean is 1 by construction.
    pub(super) deviation: f64,
}

/// What the tests of a session took, and what they usually take.
#[derive(Clone, Copy, Default)]
struct Sums {
    time: f64,
    usual: f64,
    tests: u32,
}

impl Pace {
    pub(super) fn of(observed: &Observed) -> Self {
        let (session_of, sessions) = sessions(observed);
        let partial: Vec<Vec<Sums>> = observed
            .tests
            .par_chunks(TESTS_AT_ONCE)
            .map(|tests| sums_of(tests, observed, &session_of, sessions))
            .collect();
        let mut sums = vec![Sums::default(); sessions];
        for partial in partial {
            for (sum, partial) in sums.iter_mut().zip(partial) {
                sum.time += partial.time;
                sum.usual += partial.usual;
                sum.tests += partial.tests;
            }
        }
        let pace = |sum: &Sums| {
            (sum.tests >= ENOUGH_TESTS && sum.usual > 0.0 && sum.time > 0.0).then(|| sum.time / sum.usual)
        };
        let shared: Vec<f64> = sums.iter().filter_map(pace).collect();
        let count = shared.len() as f64;
        let mean = if shared.is_empty() { 1.0 } else { shared.iter().sum::<f64>() / count };
        let variance: f64 = shared.iter().map(|pace| (pace / mean - 1.0).powi(2)).sum();
        let known = (count - 1.0).max(0.0);
        let deviation =
            ((SCATTER_WEIGHT * USUAL_PACE_DEVIATION.powi(2) + variance) / (SCATTER_WEIGHT + known)).sqrt();
        let of_session = sums.iter().map(|sum| pace(sum).map_or(1.0, |pace| pace / mean)).collect();
        Self { session_of, of_session, deviation }
    }

    pub(super) fn of_run(&self, run: RunIx) -> f64 {
        self.of_session[self.session_of[run]]
    }
}

/// Returns the session of every part of a run, and how many there are: what one machine ran in one attempt.
fn sessions(observed: &Observed) -> (IxVec<RunIx, usize>, usize) {
    let mut known = BTreeMap::new();
    let session_of = observed
        .runs
        .iter()
        .map(|run| {
            let next = known.len();
            let session = (run.whole, run.facts.attempt.unwrap_or(1), &run.facts.lane, run.place());
            *known.entry(session).or_insert(next)
        })
        .collect();
    let count = known.len();
    (session_of, count)
}

fn sums_of(
    tests: &[TestHistory],
    observed: &Observed,
    session_of: &IxVec<RunIx, usize>,
    sessions: usize,
) -> Vec<Sums> {
    let mut sums = vec![Sums::default(); sessions];
    for test in tests {
        let times = times_of(test, observed);
        if times.len() < 2 {
            continue;
        }
        let usual = median(times.iter().map(|(_, time)| *time).collect());
        for (run, time) in times {
            let sum = &mut sums[session_of[run]];
            // One test that went wrong must not set the pace of its run.
            sum.time += time.min(3.0 * usual);
            sum.usual += usual;
            sum.tests += 1;
        }
    }
    sums
}
