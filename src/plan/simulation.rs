//! How long a plan takes, as a distribution: the end is the latest of many uncertain ends.
//!
//! Every shard's tests take their expected time, times the pace of its machine in that run, plus what single
//! tests vary; its overheads vary too. All of it is drawn from log-normal distributions by Latin hypercube
//! sampling (M. D. `McKay` and others, 1979): every shard goes through the same evenly spread quantiles, each in
//! an order of its own, so few draws give steady quantiles and the same plan always gives the same forecast.

use std::collections::BTreeMap;

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

/// How many runs a forecast is drawn from.
const DRAWS: usize = 512;

/// Many runs of a plan, drawn from what is known of its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// When the workflow ended, the earliest run first.
    pub ends: Vec<Millis>,
    /// How long the job of every shard took, the shortest first, in the order of the shards.
    pub walls: Vec<Vec<Millis>>,
    /// In how many runs every shard was the last to end, in the order of the shards; in the others it was a job that
    /// no shard is on the path of.
    pub last: Vec<usize>,
    /// When the workflow would have ended, the earliest first, if shards of one lane with the same services had drawn
    /// their tests from a common queue, without any loss: what no queue can beat. Nothing where no two shards could.
    pub queued: Option<Vec<Millis>>,
}

/// What one shard took in every run, in milliseconds.
struct Drawn {
    /// Its job.
    walls: Vec<f64>,
    /// The jobs before and after it.
    around: f64,
    /// The part of its job that is no test, by its mean.
    overhead: f64,
    /// Its tests, by their mean.
    run: f64,
}

impl Simulation {
    /// Returns when the workflow ended in this share of the runs, from 0 to 1.
    #[must_use]
    pub fn within(&self, share: f64) -> Millis {
        quantile(&self.ends, share)
    }

    /// Returns the share of the runs that ended no later than this.
    #[must_use]
    pub fn share_within(&self, end: Millis) -> f64 {
        let in_time = self.ends.partition_point(|at| *at <= end);
        in_time as f64 / self.ends.len().max(1) as f64
    }

    /// Returns in how many runs no shard was the last to end.
    #[must_use]
    pub fn last_elsewhere(&self) -> usize {
        self.ends.len() - self.last.iter().sum::<usize>()
    }
}

/// Returns the value in a sorted list that this share of it, from 0 to 1, does not exceed.
#[must_use]
pub fn quantile(sorted: &[Millis], share: f64) -> Millis {
    let last = sorted.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the product is within the list"
    )]
    let at = (share.clamp(0.0, 1.0) * sorted.len() as f64) as usize;
    sorted.get(at.min(last)).copied().unwrap_or_default()
}

/// Returns the forecast of the end of the workflow, and of the job of every shard. `pace_deviation` is how much
/// runs differ as a whole, as a share.
#[must_use]
pub fn forecast(model: &Model, shards: &[PlannedShard], pace_deviation: f64) -> (Forecast, Vec<Forecast>) {
    let simulation = simulate(model, shards, pace_deviation, DRAWS);
    (of(&simulation.ends), simulation.walls.iter().map(|walls| of(walls)).collect())
}

/// Returns so many runs of these shards. `pace_deviation` is how much runs differ as a whole, as a share.
#[must_use]
pub fn simulate(model: &Model, shards: &[PlannedShard], pace_deviation: f64, runs: usize) -> Simulation {
    let Ok(normal) = Normal::new(0.0, 1.0) else { unreachable!("the standard normal distribution exists") };
    let quantiles: Vec<f64> =
        (0..runs).map(|draw| normal.inverse_cdf((draw as f64 + 0.5) / runs as f64)).collect();
    let drawn: Vec<Drawn> = shards
        .iter()
        .enumerate()
        .map(|(at, shard)| {
            let times = &shard.times;
            let run = times.run.as_f64();
            let single: f64 = shard.units.iter().map(|unit| model.units[*unit].deviation.powi(2)).sum();
            // With several workers the load is shared, and so is what single tests vary.
            let speed = model.problem.lanes[shard.lane].speed_on_runner() as f64 / 1000.0;
            let overhead = (times.base + times.boot + times.tail).as_f64();
            let variance = (run * pace_deviation).powi(2)
                + single / (speed * speed)
                + (overhead * model.overhead_deviation[shard.lane]).powi(2);
            let (location, scale) = log_normal(run + overhead, variance);
            let wall = |draw: usize| (location + scale * quantiles[draw]).exp();
            let walls = shuffled(at as u64, runs).into_iter().map(wall).collect();
            // Waits are taken as they are in the mean.
            Drawn { walls, around: (times.head + times.queue + times.after).as_f64(), overhead, run }
        })
        .collect();

    let floor = model.problem.floor.at.as_f64();
    let mut ends = Vec::with_capacity(runs);
    let mut last = vec![0; shards.len()];
    for run in 0..runs {
        let mut end = floor;
        let mut by = None;
        for (at, shard) in drawn.iter().enumerate() {
            let ends = shard.around + shard.walls[run];
            if ends > end {
                end = ends;
                by = Some(at);
            }
        }
        ends.push(end);
        if let Some(at) = by {
            last[at] += 1;
        }
    }
    let queued = queued(shards, &drawn, floor, runs).map(sorted);
    let walls = drawn.into_iter().map(|shard| sorted(shard.walls)).collect();
    Simulation { ends: sorted(ends), walls, last, queued }
}

/// Returns when every run would have ended if shards that can run each other's tests shared a queue of them.
///
/// The machines of a group of shards begin with their tests when their overheads are over, each works at the pace that
/// was drawn for it, and all stop at once: the time by which they have worked off the sum of their tests.
fn queued(shards: &[PlannedShard], drawn: &[Drawn], floor: f64, runs: usize) -> Option<Vec<f64>> {
    let mut groups: BTreeMap<_, Vec<&Drawn>> = BTreeMap::new();
    for (shard, drawn) in shards.iter().zip(drawn) {
        groups.entry((shard.lane, shard.services)).or_default().push(drawn);
    }
    let groups: Vec<Vec<&Drawn>> = groups.into_values().collect();
    if groups.iter().all(|group| group.len() < 2) {
        return None;
    }
    let end_of = |group: &Vec<&Drawn>, run: usize| {
        let work: f64 = group.iter().map(|shard| shard.run).sum();
        // How much of the work a machine does in a unit of time, as it was drawn for its shard.
        let pace = |shard: &Drawn| {
            let took = shard.walls[run] - shard.overhead;
            if took > 0.0 { shard.run / took } else { 0.0 }
        };
        let paces: f64 = group.iter().map(|shard| pace(shard)).sum();
        let behind: f64 = group.iter().map(|shard| pace(shard) * shard.overhead).sum();
        let fixed = group.iter().map(|shard| shard.around + shard.walls[run]).fold(0.0, f64::max);
        let around = group.first().map_or(0.0, |shard| shard.around);
        if paces > 0.0 { ((work + behind) / paces + around).min(fixed) } else { fixed }
    };
    Some((0..runs).map(|run| groups.iter().map(|group| end_of(group, run)).fold(floor, f64::max)).collect())
}

/// Returns the parameters of the log-normal distribution with this mean and variance.
fn log_normal(mean: f64, variance: f64) -> (f64, f64) {
    if mean <= 0.0 {
        return (f64::NEG_INFINITY, 0.0);
    }
    let scale = (1.0 + variance / (mean * mean)).ln();
    (mean.ln() - scale / 2.0, scale.sqrt())
}

fn sorted(mut draws: Vec<f64>) -> Vec<Millis> {
    draws.sort_by(f64::total_cmp);
    draws.into_iter().map(Millis::from_f64).collect()
}

fn of(draws: &[Millis]) -> Forecast {
    Forecast { p50: quantile(draws, 0.5), p90: quantile(draws, 0.9) }
}

/// Returns the draws in an order that depends on nothing but `seed`: a Fisher-Yates shuffle over `SplitMix64`.
fn shuffled(seed: u64, draws: usize) -> Vec<usize> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let mut order: Vec<usize> = (0..draws).collect();
    for at in (1..draws).rev() {
        let other = usize::try_from(next() % (at as u64 + 1)).unwrap_or(at);
        order.swap(at, other);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(values: &[u64]) -> Vec<Millis> {
        values.iter().copied().map(Millis).collect()
    }

    #[test]
    fn a_quantile_is_a_value_of_the_list_and_no_share_leaves_it() {
        let list = millis(&[1, 2, 3, 4]);
        for (share, value) in [(-1.0, 1), (0.0, 1), (0.5, 3), (0.99, 4), (1.0, 4), (7.0, 4)] {
            assert_eq!(quantile(&list, share), Millis(value), "{share}");
        }
        assert_eq!(quantile(&[], 0.5), Millis::ZERO);
    }

    #[test]
    fn every_draw_is_in_the_order_once() {
        for seed in 0..20 {
            let mut order = shuffled(seed, 100);
            order.sort_unstable();
            assert_eq!(order, (0..100).collect::<Vec<_>>(), "{seed}");
        }
    }
}
