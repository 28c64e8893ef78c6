//! How good past forecasts would have been: every run is foretold from the runs before it, by the very code that
//! plans rest on and by the simple ways beside it, and held against what it took.
//!
//! Only a run that could have been planned is foretold: a selection, a re-run of what failed and a run that was cut
//! short are passed over, and so is one that ran less than half of what its lane had run before.

mod split;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::Estimates;
use super::measured::{median, times_of};
use crate::config::HalfLife;
use crate::history::{Observed, Sample, TestHistory, WholeRun};
use crate::ids::{Ix, LaneName, WholeRunIx};
use crate::ingest::Extent;
use crate::time::Timestamp;
pub use split::Split;

/// How far from the mean of a normal distribution its uppermost tenth begins, in standard deviations.
const NINE_OF_TEN: f64 = 1.2816;

/// What a run is foretold by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Forecaster {
    /// What plans rest on.
    Shardplan,
    /// The mean of all earlier times.
    Mean,
    /// The median of all earlier times.
    Median,
    /// The time of the last run.
    Last,
}

/// What to look back at.
pub struct Question<'a> {
    /// How many of the last runs are foretold.
    pub runs: usize,
    /// Into how many shards each lane is split.
    pub shards: usize,
    /// How fast runs lose their worth.
    pub half_life: HalfLife,
    /// The unit of a lane that a test belongs to.
    pub unit_of: &'a (dyn Fn(Option<&LaneName>, &TestHistory) -> String + Sync),
}

/// How good the forecasts of the last runs would have been.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backtest {
    /// The runs that were foretold, oldest first; a run of two lanes stands here twice.
    pub runs: Vec<Foretold>,
    /// How many lanes of runs were passed over: parts of a suite, and the first run of a lane.
    pub passed_over: usize,
    /// How many runs it takes until a run counts half, as the last forecast had it.
    pub half_life: f64,
}

/// One lane of one run, and how far the forecasts were from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Foretold {
    /// The lane; nothing where the run does not name one.
    pub lane: Option<LaneName>,
    /// The CI's id of the run.
    pub run: String,
    /// When it began.
    pub at: Option<Timestamp>,
    /// How many tests it ran.
    pub tests: usize,
    /// How many of them no earlier run had measured. Forecasts are not held against these, splits are.
    pub new_tests: usize,
    /// What the tests took, in milliseconds.
    pub took: f64,
    /// How far off every way was.
    pub errors: BTreeMap<Forecaster, Errors>,
    /// The longest shard of every way to split, in milliseconds.
    pub longest: BTreeMap<Split, f64>,
    /// How many shards took no longer than nine of ten were foretold to take.
    pub within_p90: usize,
}

/// How far a forecast was off, as shares of what the tests took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// Over all tests: the errors without their signs.
    pub tests: f64,
    /// Over all files: within one, errors of its tests cancel out.
    pub files: f64,
    /// The run as a whole.
    pub whole: f64,
}

impl Forecaster {
    /// All of them, ours first.
    pub const ALL: [Self; 4] = [Self::Shardplan, Self::Mean, Self::Median, Self::Last];

    /// Returns what it is called.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shardplan => "shardplan",
            Self::Mean => "mean",
            Self::Median => "median",
            Self::Last => "last value",
        }
    }
}

impl Backtest {
    /// Looks back at the last runs of the history.
    #[must_use]
    pub fn of(observed: &Observed, question: &Question<'_>) -> Self {
        let first = observed.whole_runs.len().saturating_sub(question.runs);
        let sizes = sizes(observed);
        let mut backtest = Self::default();
        for at in first..observed.whole_runs.len() {
            let run = WholeRunIx::from_position(at);
            let lanes = sizes.range((run, None)..).take_while(|((of_run, _), _)| *of_run == run);
            let before = observed.before(run);
            let estimates = Estimates::from_history(&before, question.half_life);
            backtest.half_life = estimates.half_life;
            for ((_, lane), tests) in lanes {
                let of_lane = |((of_run, other), _): &(&(WholeRunIx, _), _)| *of_run < run && other == lane;
                let most = sizes.iter().filter(of_lane).map(|(_, tests)| *tests).max();
                let is_part = most.is_none_or(|most| tests * 2 < most);
                let foretold = || foretold(observed, (run, lane.as_ref()), (&before, &estimates), question);
                match (!is_part).then(foretold).flatten() {
                    Some(foretold) => backtest.runs.push(foretold),
                    None => backtest.passed_over += 1,
                }
            }
        }
        backtest
    }

    /// Returns the mean errors of a way over all runs.
    #[must_use]
    pub fn errors(&self, forecaster: Forecaster) -> Errors {
        let mean = |of: fn(&Errors) -> f64| {
            let sum: f64 = self.runs.iter().map(|run| of(&run.errors[&forecaster])).sum();
            sum / self.runs.len().max(1) as f64
        };
        Errors {
            tests: mean(|errors| errors.tests),
            files: mean(|errors| errors.files),
            whole: mean(|errors| errors.whole),
        }
    }

    /// Returns the longest shard of a way to split, as a mean over all runs in milliseconds, and by which share it is
    /// longer than shards of equal length would be.
    #[must_use]
    pub fn longest(&self, split: Split, shards: usize) -> (f64, f64) {
        let count = self.runs.len().max(1) as f64;
        let longest: f64 = self.runs.iter().map(|run| run.longest[&split]).sum();
        let over = |run: &Foretold| run.longest[&split] * shards as f64 / run.took - 1.0;
        (longest / count, self.runs.iter().map(over).sum::<f64>() / count)
    }
}

/// Returns how many tests every run had in every lane.
fn sizes(observed: &Observed) -> BTreeMap<(WholeRunIx, Option<LaneName>), usize> {
    let mut sizes = BTreeMap::new();
    for test in &observed.tests {
        let place = |sample: &Sample| {
            let part = &observed.runs[sample.run];
            (part.whole, part.facts.lane.clone())
        };
        let places: BTreeSet<_> = test.samples.iter().filter(|sample| sample.ran()).map(place).collect();
        for place in places {
            *sizes.entry(place).or_default() += 1;
        }
    }
    sizes
}

/// A test of the run that is foretold.
struct Actual<'o> {
    test: &'o TestHistory,
    took: f64,
    /// What every way had foretold; nothing where no earlier run measured it.
    forecasts: Option<[f64; 4]>,
    /// What is expected of it in any case, and how far off that may be.
    expected: f64,
    deviation: f64,
}

fn foretold(
    observed: &Observed,
    (run, lane): (WholeRunIx, Option<&LaneName>),
    (before, estimates): (&Observed, &Estimates),
    question: &Question<'_>,
) -> Option<Foretold> {
    let whole: &WholeRun = &observed.whole_runs[run];
    let is_of_lane = |facts: &crate::ingest::RunFacts| facts.lane.as_ref() == lane;
    let is_plannable = observed
        .parts(whole)
        .filter(|(_, part)| is_of_lane(&part.facts) && part.facts.attempt.is_none_or(|attempt| attempt == 1))
        .all(|(_, part)| matches!(part.facts.extent, Extent::Full | Extent::Unknown));
    if !is_plannable {
        return None;
    }
    let is_of_it = |sample: &&Sample| {
        observed.runs[sample.run].whole == run && is_of_lane(&observed.runs[sample.run].facts)
    };
    let ran = |test: &TestHistory| test.samples.iter().any(|sample| is_of_it(&sample) && sample.ran());
    let tests: Vec<Actual<'_>> = observed
        .tests
        .par_iter()
        .filter(|test| ran(test))
        .filter_map(|test| {
            let samples = test.samples.iter().filter(is_of_it).cloned().collect();
            let of_run = TestHistory { test: test.test.clone(), file: test.file.clone(), samples };
            let took = times_of(&of_run, observed).last()?.1;
            let estimate = estimates.of(&test.test, &test.file);
            let known = before.test(&test.test).map(|known| times_of(known, before));
            let forecasts = known.filter(|times| !times.is_empty()).map(|times| {
                let times: Vec<f64> = times.into_iter().map(|(_, time)| time).collect();
                let mean = times.iter().sum::<f64>() / times.len() as f64;
                let last = times.last().copied().unwrap_or_default();
                [estimate.mean, mean, median(times), last]
            });
            let (expected, deviation) = (estimate.mean, estimate.deviation);
            Some(Actual { test, took, forecasts, expected, deviation })
        })
        .collect();
    let took: f64 = tests.iter().map(|test| test.took).sum();
    let known = tests.iter().filter(|test| test.forecasts.is_some()).count();
    if known == 0 || took <= 0.0 {
        return None;
    }
    let unit_of = |test: &TestHistory| (question.unit_of)(lane, test);
    let split = split::longest(&tests, question.shards, &unit_of);
    let within = |shard: &&Vec<&Actual<'_>>| {
        let sum = |of: fn(&Actual<'_>) -> f64| shard.iter().map(|test| of(test)).sum::<f64>();
        let expected = sum(|test| test.expected);
        let pace = expected * estimates.pace_deviation;
        let deviation = (sum(|test| test.deviation.powi(2)) + pace * pace).sqrt();
        sum(|test| test.took) <= expected + NINE_OF_TEN * deviation
    };
    Some(Foretold {
        lane: lane.cloned(),
        run: whole.run.clone(),
        at: whole.at,
        tests: tests.len(),
        new_tests: tests.len() - known,
        took,
        errors: (0..).zip(Forecaster::ALL).map(|(at, way)| (way, errors(&tests, at))).collect(),
        within_p90: split.ours.iter().filter(within).count(),
        longest: split.longest,
    })
}

/// Returns how far the way at this place was off, over the tests that were measured before.
fn errors(tests: &[Actual<'_>], at: usize) -> Errors {
    let mut files: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let mut of_tests = 0.0;
    for test in tests {
        let Some(forecasts) = &test.forecasts else { continue };
        let (took, foretold) = files.entry(&test.test.file).or_default();
        *took += test.took;
        *foretold += forecasts[at];
        of_tests += (test.took - forecasts[at]).abs();
    }
    let took: f64 = files.values().map(|(took, _)| took).sum();
    let foretold: f64 = files.values().map(|(_, foretold)| foretold).sum();
    let of_files: f64 = files.values().map(|(took, foretold)| (took - foretold).abs()).sum();
    let share = |error: f64| if took > 0.0 { error / took } else { 0.0 };
    Errors { tests: share(of_tests), files: share(of_files), whole: share((took - foretold).abs()) }
}
