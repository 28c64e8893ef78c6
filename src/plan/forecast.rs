//! How long a plan takes, as a distribution: the end is the latest of many uncertain ends.
//!
//! Every shard's tests take their expected time, times the pace of its machine in that run, plus what single
//! tests vary; its overheads vary too. All of it is drawn from log-normal distributions by Latin hypercube
//! sampling (M. D. `McKay` and others, 1979): every shard goes through the same evenly spread quantiles, each in
//! an order of its own, so few draws give steady quantiles and the same plan always gives the same forecast.

use statrs::distribution::{ContinuousCDF, Normal};

use super::PlannedShard;
use crate::model::Model;
use crate::time::Millis;

/// Two quantiles of a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// One of two runs takes no longer.
    pub p50: Millis,
    /// Nine of ten runs take no longer.
    pub p90: Millis,
}

const DRAWS: usize = 512;

/// Returns the forecast of the end of the workflow, and of the job of every shard. `pace_deviation` is how much
/// runs differ as a whole, as a share.
#[must_use]
pub fn forecast(model: &Model, shards: &[PlannedShard], pace_deviation: f64) -> (Forecast, Vec<Forecast>) {
    let Ok(normal) = Normal::new(0.0, 1.0) else { unreachable!("the standard normal distribution exists") };
    let quantiles: Vec<f64> =
        (0..DRAWS).map(|draw| normal.inverse_cdf((draw as f64 + 0.5) / DRAWS as f64)).collect();
    let mut ends = vec![model.problem.floor.at.as_f64(); DRAWS];
    let mut walls = Vec::with_capacity(shards.len());
    for (at, shard) in shards.iter().enumerate() {
        let times = &shard.times;
        let run = times.run.as_f64();
        let single: f64 = shard.units.iter().map(|unit| model.units[*unit].deviation.powi(2)).sum();
        // With several workers the load is shared, and so is what single tests vary.
        let speed = model.problem.lanes[shard.lane].speed as f64 / 1000.0;
        let overhead = (times.base + times.boot + times.tail).as_f64();
        let variance = (run * pace_deviation).powi(2)
            + single / (speed * speed)
            + (overhead * model.overhead_deviation[shard.lane]).powi(2);
        let mean = run + overhead;
        let (location, scale) = log_normal(mean, variance);
        let order = shuffled(at as u64);
        // Waits are taken as they are in the mean.
        let around = (times.head + times.queue + times.after).as_f64();
        let mut draws: Vec<f64> = Vec::with_capacity(DRAWS);
        for (end, draw) in ends.iter_mut().zip(order) {
            let wall = (location + scale * quantiles[draw]).exp();
            draws.push(wall);
            *end = end.max(around + wall);
        }
        walls.push(of(draws));
    }
    (of(ends), walls)
}

/// Returns the parameters of the log-normal distribution with this mean and variance.
fn log_normal(mean: f64, variance: f64) -> (f64, f64) {
    if mean <= 0.0 {
        return (f64::NEG_INFINITY, 0.0);
    }
    let scale = (1.0 + variance / (mean * mean)).ln();
    (mean.ln() - scale / 2.0, scale.sqrt())
}

fn of(mut draws: Vec<f64>) -> Forecast {
    draws.sort_by(f64::total_cmp);
    let at = |share: usize| draws.get(draws.len() * share / 100).copied().unwrap_or(0.0);
    Forecast { p50: Millis::from_f64(at(50)), p90: Millis::from_f64(at(90)) }
}

/// Returns the draws in an order that depends on nothing but `seed`: a Fisher-Yates shuffle over `SplitMix64`.
fn shuffled(seed: u64) -> Vec<usize> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let mut order: Vec<usize> = (0..DRAWS).collect();
    for at in (1..DRAWS).rev() {
        let other = usize::try_from(next() % (at as u64 + 1)).unwrap_or(at);
        order.swap(at, other);
    }
    order
}
