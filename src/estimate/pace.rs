//! How fast each run was as a whole.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::half_life::HalfLives;
use super::measured::{median, times_of};
use super::{SCATTER_WEIGHT, USUAL_PACE_DEVIATION};
use crate::history::{Observed, TestHistory};
use crate::ids::{IxVec, LaneName, RunIx};

/// How many tests are looked at together. Fixed, because sums of floating-point numbers depend on their order.
const TESTS_AT_ONCE: usize = 1024;

/// So many tests must share a session before it has a pace: one alone can't tell a slow machine from its own
/// change.
const ENOUGH_TESTS: u32 = 2;

/// The pace of every run: its times against the usual times of the same tests. What one machine ran of a run, in
/// however many reports, has one pace.
pub(super) struct Pace {
    session_of: IxVec<RunIx, usize>,
    sessions: Vec<Session>,
}

/// What one machine ran in one attempt.
struct Session {
    lane: Option<LaneName>,
    age: u32,
    sums: Sums,
    pace: f64,
}

/// What the tests of a session took, and what they usually take.
#[derive(Clone, Copy, Default)]
struct Sums {
    time: f64,
    usual: f64,
    tests: u32,
}

impl Sums {
    fn pace(&self) -> Option<f64> {
        (self.tests >= ENOUGH_TESTS && self.usual > 0.0 && self.time > 0.0).then(|| self.time / self.usual)
    }

    fn add(&mut self, other: &Self) {
        self.time += other.time;
        self.usual += other.usual;
        self.tests += other.tests;
    }
}

impl Pace {
    pub(super) fn of(observed: &Observed) -> Self {
        let (session_of, mut sessions) = sessions(observed);
        let partial: Vec<Vec<Sums>> = observed
            .tests
            .par_chunks(TESTS_AT_ONCE)
            .map(|tests| sums_of(tests, observed, &session_of, sessions.len()))
            .collect();
        for partial in partial {
            for (session, partial) in sessions.iter_mut().zip(partial) {
                session.sums.add(&partial);
            }
        }
        // Where a machine ran too little, the other machines of its run say how fast that was.
        let mut of_run: BTreeMap<(Option<LaneName>, u32), Sums> = BTreeMap::new();
        for session in &sessions {
            of_run.entry((session.lane.clone(), session.age)).or_default().add(&session.sums);
        }
        for session in &mut sessions {
            let of_run = || of_run[&(session.lane.clone(), session.age)].pace();
            session.pace = session.sums.pace().or_else(of_run).unwrap_or(1.0);
        }
        Self { session_of, sessions }
    }

    pub(super) fn of_run(&self, run: RunIx) -> f64 {
        self.sessions[self.session_of[run]].pace
    }

    /// Returns the pace that is expected of the next run of every lane: recent runs count more, so that a suite that
    /// became faster as a whole is foretold as fast as it is now.
    pub(super) fn next(&self, half_lives: &HalfLives, at: usize) -> BTreeMap<Option<LaneName>, f64> {
        let mut lanes: BTreeMap<Option<LaneName>, (f64, f64)> = BTreeMap::new();
        for session in self.known() {
            let weight = half_lives.weight(at, session.age) * session.sums.usual;
            let (time, usual) = lanes.entry(session.lane.clone()).or_default();
            // Times were divided by this pace, whoever told it.
            *time += weight * session.pace;
            *usual += weight;
        }
        // Runs that are so old that they are worth nothing say nothing.
        let pace = |(time, usual): (f64, f64)| if usual > 0.0 && time > 0.0 { time / usual } else { 1.0 };
        lanes.into_iter().map(|(lane, sums)| (lane, pace(sums))).collect()
    }

    /// Returns by how much the pace of a session differs from what the runs before it foretold, as a share.
    pub(super) fn deviation(&self, half_lives: &HalfLives, at: usize) -> f64 {
        let mut sessions: Vec<&Session> = self.known().collect();
        sessions.sort_by(|one, other| one.lane.cmp(&other.lane).then(other.age.cmp(&one.age)));
        let (mut squares, mut count) = (0.0, 0.0);
        for lane in sessions.chunk_by(|one, other| one.lane == other.lane) {
            let (mut time, mut usual, mut last_age) = (0.0, 0.0, lane[0].age);
            for run in lane.chunk_by(|one, other| one.age == other.age) {
                let decay = half_lives.weight(at, last_age - run[0].age);
                (time, usual, last_age) = (time * decay, usual * decay, run[0].age);
                if time > 0.0 && usual > 0.0 {
                    let foretold = time / usual;
                    for session in run.iter().filter(|session| session.sums.pace().is_some()) {
                        squares += (session.pace / foretold - 1.0).powi(2);
                        count += 1.0;
                    }
                }
                for session in run {
                    time += session.sums.usual * session.pace;
                    usual += session.sums.usual;
                }
            }
        }
        ((SCATTER_WEIGHT * USUAL_PACE_DEVIATION.powi(2) + squares) / (SCATTER_WEIGHT + count)).sqrt()
    }

    /// Returns the sessions that ran a test whose usual time is known.
    fn known(&self) -> impl Iterator<Item = &Session> {
        self.sessions.iter().filter(|session| session.sums.usual > 0.0)
    }
}

/// Returns the session of every part of a run, and the sessions: what one machine ran in one attempt.
fn sessions(observed: &Observed) -> (IxVec<RunIx, usize>, Vec<Session>) {
    let mut known = BTreeMap::new();
    let mut sessions = Vec::new();
    let session_of = observed
        .runs
        .iter()
        .map(|run| {
            let session = (run.whole, run.facts.attempt.unwrap_or(1), &run.facts.lane, run.place());
            *known.entry(session).or_insert_with(|| {
                let lane = run.facts.lane.clone();
                sessions.push(Session { lane, age: run.age, sums: Sums::default(), pace: 1.0 });
                sessions.len() - 1
            })
        })
        .collect();
    (session_of, sessions)
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
