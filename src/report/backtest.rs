//! What `shardplan backtest` found, as a machine format and as a sentence.

use schemars::JsonSchema;
use serde::Serialize;

use crate::estimate::{Backtest, Errors, Forecaster, Foretold, Split};
use crate::ids::LaneName;

/// How good the forecasts of the last runs would have been. Errors are shares of what the tests took, times are
/// seconds.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "shardplan backtest, version 1")]
pub struct BacktestV1 {
    version: u32,
    /// Into how many shards each lane was split.
    shards: usize,
    /// How many runs it takes until a run counts half, as the last forecast had it.
    half_life: f64,
    /// How many lanes of runs were passed over: parts of a suite, and the first run of a lane.
    passed_over: usize,
    /// How many shards were foretold, and how many took no longer than nine of ten were to.
    shards_foretold: usize,
    shards_within_p90: usize,
    forecasts: Vec<ForecastV1>,
    splits: Vec<SplitV1>,
    runs: Vec<RunV1>,
}

/// A way to foretell, and how far off it was.
#[derive(Debug, Serialize, JsonSchema)]
struct ForecastV1 {
    name: String,
    /// The errors of all tests without their signs.
    tests: f64,
    /// The same over files.
    files: f64,
    /// The run as a whole.
    whole: f64,
}

/// A way to split, and its longest shard.
#[derive(Debug, Serialize, JsonSchema)]
struct SplitV1 {
    name: String,
    /// Whether units stay whole.
    keeps_units: bool,
    longest_seconds: f64,
    /// By which share the longest shard took longer than shards of equal length would.
    over_equal: f64,
}

/// One lane of one run.
#[derive(Debug, Serialize, JsonSchema)]
struct RunV1 {
    lane: Option<String>,
    run: String,
    at: Option<String>,
    tests: usize,
    new_tests: usize,
    seconds: f64,
    shards_within_p90: usize,
    forecasts: Vec<ForecastV1>,
    splits: Vec<SplitV1>,
}

impl BacktestV1 {
    /// Returns the machine format of a look back over this many shards.
    #[must_use]
    pub fn new(backtest: &Backtest, shards: usize) -> Self {
        let summary = BacktestSummary::new(backtest, shards);
        Self {
            version: 1,
            shards,
            half_life: backtest.half_life,
            passed_over: backtest.passed_over,
            shards_foretold: summary.shards_foretold,
            shards_within_p90: summary.shards_within_p90,
            forecasts: summary.forecasts.iter().map(|(way, errors)| ForecastV1::new(*way, *errors)).collect(),
            splits: summary
                .splits
                .iter()
                .map(|(split, longest, over)| SplitV1::new(*split, *longest, *over))
                .collect(),
            runs: backtest.runs.iter().map(|run| RunV1::new(run, shards)).collect(),
        }
    }
}

impl ForecastV1 {
    fn new(way: Forecaster, errors: Errors) -> Self {
        let Errors { tests, files, whole } = errors;
        Self { name: way.as_str().to_owned(), tests, files, whole }
    }
}

impl SplitV1 {
    fn new(split: Split, longest: f64, over_equal: f64) -> Self {
        Self {
            name: split.as_str().to_owned(),
            keeps_units: split.keeps_units(),
            longest_seconds: longest / 1000.0,
            over_equal,
        }
    }
}

impl RunV1 {
    fn new(run: &Foretold, shards: usize) -> Self {
        let split = |(split, longest): (&Split, &f64)| {
            SplitV1::new(*split, *longest, longest * shards as f64 / run.took - 1.0)
        };
        Self {
            lane: run.lane.as_ref().map(LaneName::to_string),
            run: run.run.clone(),
            at: run.at.map(|at| at.to_string()),
            tests: run.tests,
            new_tests: run.new_tests,
            seconds: run.took / 1000.0,
            shards_within_p90: run.within_p90,
            forecasts: run.errors.iter().map(|(way, errors)| ForecastV1::new(*way, *errors)).collect(),
            splits: run.longest.iter().map(split).collect(),
        }
    }
}

/// The figures of a look back, over all runs.
#[derive(Clone, Debug, PartialEq)]
pub struct BacktestSummary {
    /// The mean errors of every way to foretell, ours first.
    pub forecasts: Vec<(Forecaster, Errors)>,
    /// The longest shard of every way to split in milliseconds, and by which share it is over equal shards.
    pub splits: Vec<(Split, f64, f64)>,
    /// How many shards were foretold.
    pub shards_foretold: usize,
    /// How many of them took no longer than nine of ten were to take.
    pub shards_within_p90: usize,
}

impl BacktestSummary {
    /// Returns the figures over all runs.
    #[must_use]
    pub fn new(backtest: &Backtest, shards: usize) -> Self {
        let split = |split| {
            let (longest, over) = backtest.longest(split, shards);
            (split, longest, over)
        };
        Self {
            forecasts: Forecaster::ALL.map(|way| (way, backtest.errors(way))).to_vec(),
            splits: Split::ALL.map(split).to_vec(),
            shards_foretold: backtest.runs.len() * shards,
            shards_within_p90: backtest.runs.iter().map(|run| run.within_p90).sum(),
        }
    }
}
