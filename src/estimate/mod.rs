//! From what was measured to what is expected: one distribution per test, and the overheads of every lane.
//!
//! Runs differ as a whole (another machine, a busy host), so every run has a *pace*: its times against the usual
//! times of the same tests. Tests are compared after the pace is taken out, and the pace's own spread is kept,
//! because it does not average out within a shard.
//!
//! What a test takes is the mean of its times, far-off ones pulled in (Winsor's rule), recent runs counting more: how
//! much more is measured (`half_life.rs`). It is not drawn towards its file: tests of one file differ by factors, and
//! on every history that we measured (`docs/estimates.md`) drawing made no forecast better. A test that was never
//! measured gets the mean of its file, or of the nearest folder above that has enough measured tests, or of all.

mod backtest;
mod half_life;
mod least_squares;
mod measured;
mod overheads;
mod pace;
mod setups;
mod skips;

use std::collections::BTreeMap;

pub use backtest::{Backtest, Errors, Forecaster, Foretold, Question, Split};
pub use overheads::{LaneOverhead, Overheads, fit_overheads};
use rayon::prelude::*;
use setups::take_out_setups;
pub use setups::{SetupTime, uses};
pub use skips::SkipRecord;

use crate::config::{Config, HalfLife};
use crate::history::{Observed, TestHistory};
use crate::ids::NodeId;
use crate::inventory::Inventory;
use crate::time::Micros;
use half_life::HalfLives;
use measured::{Measured, pooled_log_variance};
use pace::Pace;
use skips::ServicesUp;

/// What a test is expected to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The expected time in milliseconds; finite, 0 or more.
    pub mean: f64,
    /// The standard deviation around it in milliseconds, the run's pace aside.
    pub deviation: f64,
    /// How many measurements it rests on.
    pub samples: u32,
    /// What it was taken from.
    pub level: Level,
}

/// What an estimate was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The test's own times.
    Test,
    /// The tests of its file.
    File,
    /// The tests of a folder above it.
    Folder,
    /// All tests.
    Suite,
    /// Nothing was ever measured: every test counts the same.
    Count,
}

/// What is expected of every test.
#[derive(Clone, Debug, Default)]
pub struct Estimates {
    tests: BTreeMap<NodeId, (Estimate, SkipRecord)>,
    files: BTreeMap<String, Pool>,
    folders: BTreeMap<String, Pool>,
    suite: Pool,
    /// The standard deviation of a run's pace, as a share: 0.1 means that two of three runs are within 10 % of
    /// the usual.
    pub pace_deviation: f64,
    /// How many runs it takes until a run counts half: stated, or the one that foretold the last runs best.
    pub half_life: f64,
    /// How many runs were measured.
    pub runs: usize,
    /// What set-ups take that all tests here are without.
    pub setups: Vec<SetupTime>,
}

/// The measured tests of a file or a folder: their times in milliseconds, shortest first once settled.
#[derive(Clone, Debug, Default)]
struct Pool(Vec<f64>);

/// What one test is taken to be where nothing was ever measured, in milliseconds. Only its being the same for
/// all matters.
const COUNT_ONLY: f64 = 1000.0;

/// How many measured tests a file or folder must have before it speaks for one that was never measured.
const ENOUGH: usize = 3;

/// The scatter of one test's times that is assumed before any is known, as a share of its mean.
const USUAL_SCATTER: f64 = 0.25;

/// How many measurements that assumption is worth.
const SCATTER_WEIGHT: f64 = 3.0;

/// The spread of a run's pace that is assumed before enough runs are known.
const USUAL_PACE_DEVIATION: f64 = 0.08;

/// Times further from the median than this many median deviations are pulled in to there.
const FAR_OFF: f64 = 4.0;

/// As long as they are at most this share of all, by weight.
const MOST_OFF: f64 = 0.2;

impl Estimates {
    /// Returns what the history says about every test that it knows. A run `half_life` runs of its lane older
    /// than another counts half as much; attempts and shards of one run are of one age.
    #[must_use]
    pub fn from_history(observed: &Observed, half_life: HalfLife) -> Self {
        let pace = Pace::of(observed);
        let oldest = observed.runs.iter().map(|run| run.age).max().unwrap_or(0);
        let half_lives = HalfLives::new(half_life, oldest);
        let of_test = |(at, test)| Some((at, Measured::of(test, observed, &pace, &half_lives)?));
        let measured: Vec<(usize, Measured)> =
            observed.tests.par_iter().enumerate().filter_map(of_test).collect();
        let services = ServicesUp::of(observed);
        let records: Vec<SkipRecord> =
            observed.tests.par_iter().map(|test| SkipRecord::of(test, &services)).collect();

        let best = half_lives.best(measured.iter().map(|(_, measured)| measured));
        let next_pace = pace.next(&half_lives, best);
        let within = pooled_log_variance(measured.iter().map(|(_, measured)| &measured.under[best]));
        let mut estimates = Self {
            pace_deviation: pace.deviation(&half_lives, best),
            half_life: half_lives.runs(best),
            runs: observed.whole_runs.len(),
            ..Self::default()
        };
        let mut by_test: BTreeMap<usize, Estimate> = BTreeMap::new();
        for (at, measured) in &measured {
            let file = &observed.tests[*at].file;
            let under = &measured.under[best];
            let mean = under.mean * next_pace.get(&measured.lane).copied().unwrap_or(1.0);
            estimates.files.entry(file.clone()).or_default().0.push(mean);
            for folder in folders_above(file) {
                estimates.folders.entry(folder.to_owned()).or_default().0.push(mean);
            }
            estimates.suite.0.push(mean);
            let scatter = ((SCATTER_WEIGHT * within + under.log_squares)
                / (SCATTER_WEIGHT + f64::from(under.foretold)))
            .sqrt();
            // A time that was never foretold may be as far off as the next one.
            let scatter = if under.foretold == 0 { scatter * std::f64::consts::SQRT_2 } else { scatter };
            let (deviation, level) = (mean * scatter, Level::Test);
            by_test.insert(*at, Estimate { mean, deviation, samples: measured.samples, level });
        }
        let pools = estimates.files.values_mut().chain(estimates.folders.values_mut());
        pools.chain((!estimates.suite.0.is_empty()).then_some(&mut estimates.suite)).for_each(Pool::settle);
        for ((at, test), record) in observed.tests.iter().enumerate().zip(records) {
            let own = by_test.get(&at).copied();
            let estimate = own.unwrap_or_else(|| estimates.for_file(&test.file));
            estimates.tests.insert(test.test.clone(), (estimate, record));
        }
        estimates
    }

    /// Returns what the history says about every test, its set-ups of sessions and modules apart: the manifest names
    /// their fixtures, the inventory the tests that use them. Takes them out of the history.
    #[must_use]
    pub fn apart_from_setups(config: &Config, inventory: &Inventory, observed: &mut Observed) -> Self {
        let setups = take_out_setups(config, inventory, observed);
        Self { setups, ..Self::from_history(observed, config.history.half_life) }
    }

    /// Returns what is expected of a test of this file.
    #[must_use]
    pub fn of(&self, test: &NodeId, file: &str) -> Estimate {
        self.tests.get(test).map_or_else(|| self.for_file(file), |(estimate, _)| *estimate)
    }

    /// Returns what a run spends on a test that the history knows: nothing where it never ran.
    #[must_use]
    pub fn expected(&self, test: &TestHistory) -> Micros {
        let skipped = self.skips(&test.test).is_some_and(SkipRecord::always_skipped);
        let millis = if skipped { 0.0 } else { self.of(&test.test, &test.file).mean };
        Micros::from_secs_f64(millis / 1000.0).unwrap_or_default()
    }

    /// Returns what the history says about whether the test runs at all, where it knows it.
    #[must_use]
    pub fn skips(&self, test: &NodeId) -> Option<&SkipRecord> {
        self.tests.get(test).map(|(_, record)| record)
    }

    /// Returns how many tests of the inventory were measured, and how many not.
    #[must_use]
    pub fn coverage(&self, inventory: &Inventory) -> (usize, usize) {
        let measured = inventory
            .tests
            .iter()
            .filter(|test| {
                self.tests.get(&test.id).is_some_and(|(estimate, _)| estimate.level == Level::Test)
            })
            .count();
        (measured, inventory.tests.len() - measured)
    }

    /// Returns what is expected of a test of this file that was never measured.
    fn for_file(&self, file: &str) -> Estimate {
        if let Some(pool) = self.files.get(file).filter(|pool| pool.has_enough()) {
            return pool.estimate(Level::File);
        }
        for folder in folders_above(file) {
            if let Some(pool) = self.folders.get(folder).filter(|pool| pool.has_enough()) {
                return pool.estimate(Level::Folder);
            }
        }
        if !self.suite.0.is_empty() {
            return self.suite.estimate(Level::Suite);
        }
        Estimate { mean: COUNT_ONLY, deviation: COUNT_ONLY, samples: 0, level: Level::Count }
    }
}

impl Pool {
    /// Sorts the times and pulls the longest twentieth in to the one below it: a few giants of a folder say
    /// little about a test that nobody has measured.
    fn settle(&mut self) {
        self.0.sort_by(f64::total_cmp);
        let last = self.0.len() - 1;
        let longest = self.0[last - self.0.len() / 20];
        for time in &mut self.0 {
            *time = time.min(longest);
        }
    }

    fn has_enough(&self) -> bool {
        self.0.len() >= ENOUGH
    }

    fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    fn estimate(&self, level: Level) -> Estimate {
        let mean = self.mean();
        let variance = self.0.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / self.0.len() as f64;
        Estimate { mean, deviation: variance.sqrt(), samples: 0, level }
    }
}

/// Returns the folders that hold a file, nearest first.
fn folders_above(file: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(file.rsplit_once('/').map(|(folder, _)| folder), |folder| {
        folder.rsplit_once('/').map(|(above, _)| above)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Sample, StoredRun, WholeRun};
    use crate::ids::{Ix, RunIx, WholeRunIx};
    use crate::ingest::{Outcome, RunFacts, UnitKind};

    /// Returns a history: for every test its seconds in each run, `-` where it was not seen, `s` where skipped.
    fn history(tests: &[(&str, &str)]) -> Observed {
        let runs = tests.iter().map(|(_, cells)| cells.split_whitespace().count()).max().unwrap_or(0);
        let runs = u32::try_from(runs).unwrap();
        let run = |at| StoredRun {
            digest: crate::history::Digest::of(b"report"),
            report: at,
            format: "csv".into(),
            source: "report".into(),
            facts: RunFacts { services: Some(vec!["postgres".parse().unwrap()]), ..RunFacts::default() },
            whole: WholeRunIx(at),
            age: runs - 1 - at,
            observations: tests.len(),
        };
        let whole = |at: u32| WholeRun { run: at.to_string(), commit: None, parts: at..at + 1, at: None };
        let test = |(id, cells): &(&str, &str)| {
            let id: NodeId = id.parse().unwrap();
            let sample = |(run, cell): (usize, &str)| {
                let outcome = if cell == "s" { Outcome::Skipped } else { Outcome::Passed };
                let total = Micros::from_secs_f64(cell.parse().unwrap_or(0.0)).unwrap();
                let run = RunIx::from_position(run);
                (cell != "-").then_some(Sample {
                    run,
                    total,
                    outcome,
                    more: None,
                    reason: None,
                    unit: UnitKind::Test,
                    retries: 0,
                })
            };
            TestHistory {
                file: id.file().to_owned(),
                test: id,
                samples: cells.split_whitespace().enumerate().filter_map(sample).collect(),
            }
        };
        let mut tests: Vec<TestHistory> = tests.iter().map(test).collect();
        tests.sort_by(|a, b| a.test.cmp(&b.test));
        let whole_runs = (0..runs).map(whole).collect();
        Observed { runs: (0..runs).map(run).collect(), whole_runs, tests, jobs: Vec::new() }
    }

    fn seconds(estimates: &Estimates, id: &str) -> f64 {
        let id: NodeId = id.parse().unwrap();
        estimates.of(&id, id.file()).mean / 1000.0
    }

    #[test]
    fn one_run_in_many_that_went_wrong_moves_an_estimate_little() {
        let steady = [("a.py::x", "2 2 2 2 2 2 2 60 2 2"), ("a.py::y", "3 3 3 3 3 3 3 3 3 3")];
        let estimates = Estimates::from_history(&history(&steady), HalfLife::Runs(10.0));
        assert!((1.8..2.3).contains(&seconds(&estimates, "a.py::x")), "{}", seconds(&estimates, "a.py::x"));
    }

    #[test]
    fn recent_runs_count_more() {
        let tests = [("a.py::x", "1 1 1 1 1 4 4 4 4 4"), ("b.py::y", "9 9 9 9 9 9 9 9 9 9")];
        let quick = seconds(&Estimates::from_history(&history(&tests), HalfLife::Runs(1.0)), "a.py::x");
        let slow = seconds(&Estimates::from_history(&history(&tests), HalfLife::Runs(1000.0)), "a.py::x");
        assert!(quick > slow + 0.5, "{quick} and {slow}");
    }

    #[test]
    fn the_half_life_is_the_one_that_foretold_the_last_runs_best() {
        let measured = |tests: &[(&str, &str)]| Estimates::from_history(&history(tests), HalfLife::Measured);
        let noisy = [
            ("a.py::x", "10 14 9 13 8 12 15 7 11 10"),
            ("a.py::y", "40 30 44 36 28 45 31 42 35 39"),
            ("b.py::z", "70 90 66 82 94 71 88 69 77 85"),
        ];
        let changing = [
            ("a.py::x", "10 10 20 20 20 5 5 5 30 30"),
            ("a.py::y", "40 20 20 20 60 60 60 60 25 25"),
            ("b.py::z", "70 70 70 30 30 30 90 90 90 45"),
        ];
        assert!(measured(&noisy).half_life >= 4.0, "{}", measured(&noisy).half_life);
        assert!(measured(&changing).half_life < 1.0, "{}", measured(&changing).half_life);
        // Two runs can't tell the one from the other.
        let short = measured(&[("a.py::x", "10 20"), ("a.py::y", "30 10")]);
        assert!((short.half_life - 1.0).abs() < f64::EPSILON, "{}", short.half_life);
    }

    #[test]
    fn a_suite_that_became_faster_as_a_whole_is_foretold_as_fast_as_it_is() {
        let tests = [
            ("a.py::x", "10 10 10 10 10 5 5 5"),
            ("b.py::y", "40 40 40 40 40 20 20 20"),
            ("c.py::z", "30 30 30 30 30 15 15 15"),
        ];
        let estimates = Estimates::from_history(&history(&tests), HalfLife::Measured);
        let whole: f64 = tests.iter().map(|(id, _)| seconds(&estimates, id)).sum();
        assert!((38.0..46.0).contains(&whole), "{whole}");
    }

    #[test]
    fn a_session_of_one_test_does_not_move_another() {
        // Lately `y` runs alone on its machine, as nothing else of its file is left; `x` became slower meanwhile.
        let tests = [("a.py::x", "2 2 4 4"), ("b.py::y", "3 3 3 3"), ("b.py::z", "1 1 - -")];
        let estimates = Estimates::from_history(&history(&tests), HalfLife::Measured);
        assert!((2.8..3.2).contains(&seconds(&estimates, "b.py::y")), "{}", seconds(&estimates, "b.py::y"));
    }

    #[test]
    fn a_test_is_not_drawn_towards_its_file() {
        let tests = [("a.py::x", "60"), ("a.py::y", "1"), ("a.py::z", "1")];
        let estimates = Estimates::from_history(&history(&tests), HalfLife::Measured);
        assert!((seconds(&estimates, "a.py::x") - 60.0).abs() < 1e-9);
    }

    #[test]
    fn a_slow_machine_is_told_from_slow_tests() {
        let tests = [("a.py::x", "1 2 1"), ("a.py::y", "3 6 3"), ("a.py::z", "- 8 -")];
        let estimates = Estimates::from_history(&history(&tests), HalfLife::Runs(1000.0));
        // The third test was only seen in the run that was twice as slow as the others.
        let ratio = seconds(&estimates, "a.py::z") / seconds(&estimates, "a.py::x");
        assert!((3.5..4.5).contains(&ratio), "{ratio}");
        assert!(estimates.pace_deviation > 0.2);
    }

    #[test]
    fn what_was_never_measured_is_like_its_file_else_its_folder_else_all() {
        let tests = [
            ("t/a.py::x", "1"),
            ("t/a.py::y", "1"),
            ("t/a.py::z", "1"),
            ("t/b.py::x", "4"),
            ("u/c.py::x", "8"),
        ];
        let estimates = Estimates::from_history(&history(&tests), HalfLife::Runs(10.0));
        let level = |id: &str| {
            let id: NodeId = id.parse().unwrap();
            estimates.of(&id, id.file()).level
        };
        assert_eq!(level("t/a.py::new"), Level::File);
        assert_eq!(level("t/b.py::new"), Level::Folder);
        assert_eq!(level("v/d.py::new"), Level::Suite);
        assert!((0.9..1.1).contains(&seconds(&estimates, "t/a.py::new")));
        let nothing = Estimates::from_history(&Observed::default(), HalfLife::Runs(10.0));
        assert_eq!(nothing.of(&"a.py::x".parse().unwrap(), "a.py").level, Level::Count);
    }

    #[test]
    fn a_skip_without_its_service_says_nothing_about_the_test() {
        let observed = history(&[("a.py::x", "s s"), ("a.py::y", "s 2")]);
        let estimates = Estimates::from_history(&observed, HalfLife::Runs(10.0));
        let skips = estimates.skips(&"a.py::x".parse().unwrap()).unwrap();
        let (postgres, solr) = ("postgres".parse().unwrap(), "solr".parse().unwrap());
        assert!(skips.always_skipped());
        assert!(skips.skips_even_with(&[&postgres]));
        assert!(!skips.skips_even_with(&[&postgres, &solr]));
        let sometimes = estimates.skips(&"a.py::y".parse().unwrap()).unwrap();
        assert!(
            !sometimes.always_skipped()
                && sometimes.passes_without(&solr)
                && !sometimes.passes_without(&postgres)
        );
    }
}
