//! What past runs took, against what the runs before them would have foretold.
//!
//! Every run is forecast from earlier runs alone, by the very code that plans rest on, and for the tests that it
//! ran: so it says how good the durations are, not whether somebody ran a selection.

use std::collections::BTreeMap;

use crate::config::HalfLife;
use crate::estimate::Estimates;
use crate::history::{Observed, Sample, TestHistory};
use crate::ids::{Ix, LaneName, WholeRunIx};
use crate::time::{Millis, Timestamp};

/// How many runs are looked back at: each is a forecast of the whole suite.
const MOST: usize = 12;

/// How far from the mean of a normal distribution the outer tenths begin, in standard deviations.
const NINE_OF_TEN: f64 = 1.2816;

/// A lane in a past run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunForecast {
    /// The lane; nothing where the run does not name one.
    pub lane: Option<String>,
    /// The run.
    pub run: String,
    /// When it began.
    pub at: Option<Timestamp>,
    /// How many tests it ran.
    pub tests: usize,
    /// What they took, one after the other.
    pub actual: Millis,
    /// What they were to be expected to take.
    pub forecast: Millis,
    /// One of ten runs was to be expected to take less.
    pub p10: Millis,
    /// Nine of ten runs were to be expected to take no more.
    pub p90: Millis,
}

impl RunForecast {
    /// Returns how far the run was from its forecast, as a share of the forecast: 0.1 took a tenth longer.
    #[must_use]
    pub fn error(&self) -> f64 {
        if self.forecast == Millis::ZERO {
            return 0.0;
        }
        self.actual.as_f64() / self.forecast.as_f64() - 1.0
    }

    /// Returns whether it took what eight of ten runs were to be expected to take.
    #[must_use]
    pub fn in_band(&self) -> bool {
        (self.p10..=self.p90).contains(&self.actual)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    tests: usize,
    actual: f64,
    forecast: f64,
    variance: f64,
}

/// Returns the last runs with their forecasts, oldest first. The first run of a lane has none.
pub(super) fn forecasts(observed: &Observed, half_life: HalfLife) -> Vec<RunForecast> {
    let all = observed.whole_runs.len();
    let mut found = Vec::new();
    for at in all.saturating_sub(MOST).max(1)..all {
        found.extend(of_run(observed, WholeRunIx::from_position(at), half_life));
    }
    found
}

fn of_run(observed: &Observed, run: WholeRunIx, half_life: HalfLife) -> Vec<RunForecast> {
    let before = observed.before(run);
    let estimates = Estimates::from_history(&before, half_life);
    let lane_of = |sample: &Sample| observed.runs[sample.run].facts.lane.as_ref();
    let seen: std::collections::BTreeSet<Option<&LaneName>> =
        before.tests.iter().flat_map(|test| &test.samples).map(lane_of).collect();
    let mut lanes: BTreeMap<Option<&LaneName>, Sums> = BTreeMap::new();
    for test in &observed.tests {
        // Of several attempts the last one stands for the test.
        let mut last: BTreeMap<Option<&LaneName>, &Sample> = BTreeMap::new();
        for sample in of_whole_run(observed, test, run).filter(|sample| sample.ran()) {
            last.insert(lane_of(sample), sample);
        }
        for (lane, sample) in last {
            if !seen.contains(&lane) {
                continue;
            }
            let estimate = estimates.of(&test.test, &test.file);
            let sums = lanes.entry(lane).or_default();
            sums.tests += 1;
            sums.actual += sample.total.as_millis_f64();
            sums.forecast += estimate.mean;
            sums.variance += estimate.deviation.powi(2);
        }
    }
    let whole = &observed.whole_runs[run];
    let line = |(lane, sums): (Option<&LaneName>, Sums)| {
        let pace = sums.forecast * estimates.pace_deviation;
        let spread = NINE_OF_TEN * (sums.variance + pace * pace).sqrt();
        RunForecast {
            lane: lane.map(ToString::to_string),
            run: whole.run.clone(),
            at: whole.at,
            tests: sums.tests,
            actual: Millis::from_f64(sums.actual),
            forecast: Millis::from_f64(sums.forecast),
            p10: Millis::from_f64(sums.forecast - spread),
            p90: Millis::from_f64(sums.forecast + spread),
        }
    };
    lanes.into_iter().map(line).collect()
}

fn of_whole_run<'o>(
    observed: &'o Observed,
    test: &'o TestHistory,
    run: WholeRunIx,
) -> impl Iterator<Item = &'o Sample> {
    test.samples.iter().filter(move |sample| observed.runs[sample.run].whole == run)
}
