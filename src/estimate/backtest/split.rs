//! Ways to split a lane into shards, each by what was known before the run, and the longest shard of each in the run.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::{Actual, Forecaster};
use crate::history::TestHistory;

/// A way to split a lane into shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Split {
    /// Whole units by our forecast, the longest first, each to the shard that has least.
    Shardplan,
    /// The same by the mean of earlier times.
    Mean,
    /// The same by their median.
    Median,
    /// The same by the time of the last run.
    Last,
    /// The same by what the units really took: no forecast can do better.
    Afterwards,
    /// pytest-split's default: tests in their order, a new shard begins where one is full. The last run's times.
    PytestSplitChunks,
    /// pytest-split's `least_duration`: tests, the longest first. The last run's times.
    PytestSplitLeast,
    /// The same number of tests in every shard, in their order.
    EqualCounts,
}

impl Split {
    /// All of them, ours first.
    pub const ALL: [Self; 8] = [
        Self::Shardplan,
        Self::Mean,
        Self::Median,
        Self::Last,
        Self::Afterwards,
        Self::PytestSplitChunks,
        Self::PytestSplitLeast,
        Self::EqualCounts,
    ];

    /// Returns what it is called.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shardplan => "shardplan",
            Self::Mean => "mean",
            Self::Median => "median",
            Self::Last => "last value",
            Self::Afterwards => "known afterwards",
            Self::PytestSplitChunks => "pytest-split",
            Self::PytestSplitLeast => "pytest-split, least duration",
            Self::EqualCounts => "equal numbers of tests",
        }
    }

    /// Returns whether units stay whole.
    #[must_use]
    pub fn keeps_units(self) -> bool {
        !matches!(self, Self::PytestSplitChunks | Self::PytestSplitLeast | Self::EqualCounts)
    }
}

/// What came of the ways to split.
pub(super) struct Splits<'t, 'o> {
    /// The longest shard of each, in milliseconds.
    pub(super) longest: BTreeMap<Split, f64>,
    /// The shards of our own way.
    pub(super) ours: Vec<Vec<&'t Actual<'o>>>,
}

/// Splits the tests in every way. Where a test was never measured, our forecast takes it from its file or folder, all
/// others take the mean of the tests that were.
pub(super) fn longest<'t, 'o>(
    tests: &'t [Actual<'o>],
    shards: usize,
    unit_of: &dyn Fn(&TestHistory) -> String,
) -> Splits<'t, 'o> {
    let mut units: BTreeMap<String, Vec<&Actual<'o>>> = BTreeMap::new();
    for test in tests {
        units.entry(unit_of(test.test)).or_default().push(test);
    }
    let units: Vec<Vec<&Actual<'o>>> = units.into_values().collect();
    let singles: Vec<Vec<&Actual<'o>>> = tests.iter().map(|test| vec![test]).collect();
    let mut longest_of = BTreeMap::new();
    let mut ours = Vec::new();
    for split in Split::ALL {
        let placed = match split {
            Split::Shardplan => least_first(&units, shards, |test| test.expected),
            Split::Mean => least_first(&units, shards, by(tests, Forecaster::Mean)),
            Split::Median => least_first(&units, shards, by(tests, Forecaster::Median)),
            Split::Last => least_first(&units, shards, by(tests, Forecaster::Last)),
            Split::Afterwards => least_first(&units, shards, |test| test.took),
            Split::PytestSplitLeast => least_first(&singles, shards, by(tests, Forecaster::Last)),
            Split::PytestSplitChunks => chunks(tests, shards, by(tests, Forecaster::Last)),
            Split::EqualCounts => chunks(tests, shards, |_| 1.0),
        };
        let took = |shard: &Vec<&Actual<'_>>| shard.iter().map(|test| test.took).sum::<f64>();
        longest_of.insert(split, placed.iter().map(took).fold(0.0, f64::max));
        if split == Split::Shardplan {
            ours = placed;
        }
    }
    Splits { longest: longest_of, ours }
}

/// Returns what a simple way says of every test.
fn by<'a>(tests: &[Actual<'_>], way: Forecaster) -> impl Fn(&Actual<'_>) -> f64 + use<'a> {
    let at = Forecaster::ALL.iter().position(|one| *one == way).unwrap_or_default();
    let known: Vec<f64> = tests.iter().filter_map(|test| Some(test.forecasts?[at])).collect();
    let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
    move |test| test.forecasts.map_or(mean, |forecasts| forecasts[at])
}

/// Places the longest first, each on the shard that has least; of equal ones the first counts.
fn least_first<'t, 'o>(
    units: &[Vec<&'t Actual<'o>>],
    shards: usize,
    time: impl Fn(&Actual<'_>) -> f64,
) -> Vec<Vec<&'t Actual<'o>>> {
    let mut order: Vec<(f64, &Vec<&Actual<'o>>)> =
        units.iter().map(|unit| (unit.iter().map(|test| time(test)).sum(), unit)).collect();
    order.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut placed = vec![(0.0, Vec::new()); shards];
    for (time, unit) in order {
        let least =
            |one: &&mut (f64, Vec<_>), other: &&mut (f64, Vec<_>)| -> Ordering { one.0.total_cmp(&other.0) };
        if let Some((sum, shard)) = placed.iter_mut().min_by(least) {
            *sum += time;
            shard.extend(unit.iter().copied());
        }
    }
    placed.into_iter().map(|(_, shard)| shard).collect()
}

/// Fills one shard after the other, as pytest-split does: the next begins as soon as one has its share.
fn chunks<'t, 'o>(
    tests: &'t [Actual<'o>],
    shards: usize,
    time: impl Fn(&Actual<'_>) -> f64,
) -> Vec<Vec<&'t Actual<'o>>> {
    let share = tests.iter().map(&time).sum::<f64>() / shards as f64;
    let mut placed = vec![Vec::new(); shards];
    let (mut at, mut filled) = (0, 0.0);
    for test in tests {
        if filled >= share && at + 1 < shards {
            (at, filled) = (at + 1, 0.0);
        }
        placed[at].push(test);
        filled += time(test);
    }
    placed
}
