//! The distribution of the end of a plan, over many runs that were drawn.

use std::fmt::Write as _;

use comfy_table::Cell;
use schemars::JsonSchema;
use serde::Serialize;

use super::markdown;
use super::text::{table, trimmed};
use crate::model::Model;
use crate::plan::{Plan, Simulation, quantile};
use crate::time::Millis;

/// The shares of all runs by whose end a distribution is told.
const SHARES: [f64; 7] = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99];

/// How many bars a histogram has at most.
const BARS: u64 = 16;

/// How many columns the longest bar takes.
const BAR: usize = 32;

/// How long the widths of bars are, in seconds, so that their ends are round times.
const WIDTHS: [u64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];

/// The distribution of the end of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulationSummary {
    /// How many runs were drawn.
    pub runs: usize,
    /// Whether nothing was ever measured, so that only proportions are known.
    pub by_count: bool,
    /// Shares of the runs, each with the time within which so many end.
    pub shares: Vec<(f64, Millis)>,
    /// The runs by when they end: from, to (the first moment that is not counted), how many.
    pub bars: Vec<(Millis, Millis, usize)>,
    /// A time that was asked for, and the share of the runs that end by then.
    pub target: Option<(Millis, f64)>,
    /// The shards.
    pub shards: Vec<ShardOdds>,
    /// The share of the runs in which a job that no shard is on the path of ended last.
    pub last_elsewhere: f64,
    /// Half and nine tenths of the runs with a queue of tests instead of the plan; nothing where none could be.
    pub queue: Option<(Millis, Millis)>,
}

/// A shard over many runs.
#[derive(Clone, Debug, PartialEq)]
pub struct ShardOdds {
    /// Its name.
    pub name: String,
    /// How long its job takes in one of two runs.
    pub p50: Millis,
    /// The same in nine of ten.
    pub p90: Millis,
    /// The same in 99 of 100.
    pub p99: Millis,
    /// The share of the runs that it decides, because it ends last.
    pub last: f64,
}

impl SimulationSummary {
    /// Returns the summary of the runs that were drawn of a plan.
    #[must_use]
    pub fn new(model: &Model, plan: &Plan, simulation: &Simulation, target: Option<Millis>) -> Self {
        let runs = simulation.ends.len();
        let share = |count: usize| count as f64 / runs.max(1) as f64;
        let shards = plan.shards.iter().zip(&simulation.walls).zip(&simulation.last);
        let shards = shards.map(|((shard, walls), last)| ShardOdds {
            name: shard.name.to_string(),
            p50: quantile(walls, 0.5),
            p90: quantile(walls, 0.9),
            p99: quantile(walls, 0.99),
            last: share(*last),
        });
        Self {
            runs,
            by_count: super::summary::by_count(model),
            shares: SHARES.iter().map(|share| (*share, simulation.within(*share))).collect(),
            bars: bars(&simulation.ends),
            target: target.map(|at| (at, simulation.share_within(at))),
            shards: shards.collect(),
            last_elsewhere: share(simulation.last_elsewhere()),
            queue: simulation.queued.as_ref().map(|ends| (quantile(ends, 0.5), quantile(ends, 0.9))),
        }
    }

    fn at(&self, share: f64) -> Millis {
        let found = self.shares.iter().find(|(at, _)| (at - share).abs() < 1e-9);
        found.map_or(Millis::ZERO, |(_, end)| *end)
    }

    /// Returns what the distribution says, a sentence each.
    fn sentences(&self) -> Vec<String> {
        let mut sentences = vec![format!(
            "The workflow ends within {} in one of two runs, within {} in nine of ten, within {} in 99 of 100.",
            self.at(0.5),
            self.at(0.9),
            self.at(0.99)
        )];
        if self.by_count {
            sentences.push(
                "No duration is known: these are proportions, as if every test took a second.".to_owned(),
            );
        }
        if let Some((at, share)) = self.target {
            sentences.push(format!("{} of 100 runs end within {at}.", hundredths(share)));
        }
        if let Some((_, p90)) = self.queue {
            let planned = self.at(0.9);
            let gain = planned.saturating_sub(p90);
            sentences.push(if gain.0 * 20 < planned.0 {
                format!(
                    "A queue that deals out tests while shards run would gain little: {gain} at the most in nine of ten runs."
                )
            } else {
                format!(
                    "A queue that deals out tests while shards run, without any loss, would end within {p90} in nine of ten runs: {gain} sooner than this plan."
                )
            });
        }
        sentences
    }

    /// Returns the distribution for a terminal of this width.
    #[must_use]
    pub fn text(&self, width: Option<u16>) -> String {
        let mut text = self.sentences().join("\n");
        text.push_str("\n\n");
        let mut bars = table(&["ends from", "to", "of 100 runs", ""], &[0, 1, 2], width);
        let most = self.bars.iter().map(|(_, _, count)| *count).max().unwrap_or(1).max(1);
        for (from, to, count) in &self.bars {
            bars.add_row([
                Cell::new(from),
                Cell::new(to),
                Cell::new(hundredths(*count as f64 / self.runs.max(1) as f64)),
                Cell::new("█".repeat((count * BAR).div_ceil(most))),
            ]);
        }
        let _ = writeln!(text, "{}\n", trimmed(&bars));
        let mut shards = table(&["shard", "p50", "p90", "p99", "ends last in, of 100"], &[1, 2, 3, 4], width);
        for row in self.rows() {
            shards.add_row(row);
        }
        let _ = writeln!(text, "{}", trimmed(&shards));
        text
    }

    /// Returns the distribution as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("### Distribution of the end\n\n{}\n\n", self.sentences().join("  \n"));
        let rows = self.shares.iter().map(|(share, end)| vec![hundredths(*share), end.to_string()]);
        markdown::table(&mut text, &["of 100 runs:", "end within:"], rows);
        text.push('\n');
        let headings = ["shard", "p50:", "p90:", "p99:", "ends last in, of 100:"];
        markdown::table(&mut text, &headings, self.rows().into_iter());
        text
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows: Vec<Vec<String>> = self
            .shards
            .iter()
            .map(|shard| {
                vec![
                    shard.name.clone(),
                    shard.p50.to_string(),
                    shard.p90.to_string(),
                    shard.p99.to_string(),
                    hundredths(shard.last),
                ]
            })
            .collect();
        if self.last_elsewhere > 0.0 {
            let none = || "—".to_owned();
            rows.push(vec!["other jobs".to_owned(), none(), none(), none(), hundredths(self.last_elsewhere)]);
        }
        rows
    }
}

/// Returns a share as so many of a hundred; one that is tiny does not read as none, nor one that is not quite all as all.
fn hundredths(share: f64) -> String {
    let of_hundred = share * 100.0;
    if share > 0.0 && of_hundred < 1.0 {
        "< 1".to_owned()
    } else if share < 1.0 && of_hundred > 99.0 {
        "> 99".to_owned()
    } else {
        format!("{of_hundred:.0}")
    }
}

/// Returns the runs by when they end, in steps of a round length.
fn bars(ends: &[Millis]) -> Vec<(Millis, Millis, usize)> {
    let (Some(first), Some(last)) = (ends.first(), ends.last()) else { return Vec::new() };
    let span = last.0 - first.0;
    let step = WIDTHS.iter().map(|seconds| seconds * 1000).find(|step| span / step < BARS);
    let step = step.unwrap_or_else(|| (span / BARS / 3_600_000 + 1) * 3_600_000);
    let mut bars = Vec::new();
    let mut from = first.0 / step * step;
    let mut counted = 0;
    while counted < ends.len() {
        let until = ends.partition_point(|end| end.0 < from + step);
        bars.push((Millis(from), Millis(from + step), until - counted));
        counted = until;
        from += step;
    }
    bars
}

/// `shardplan simulate --format json`, version 1. Times are whole milliseconds, shares go from 0 to 1.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SimulationV1 {
    version: u32,
    /// How many runs were drawn.
    runs: usize,
    /// Whether no duration is known, so that times are proportions.
    by_count: bool,
    /// Shares of the runs with the time within which so many end.
    shares: Vec<ShareV1>,
    /// The runs by when they end.
    bars: Vec<BarV1>,
    /// The time that was asked for.
    target: Option<ShareV1>,
    shards: Vec<ShardOddsV1>,
    /// The share of the runs in which a job that no shard is on the path of ended last.
    last_elsewhere: f64,
    /// The same plan with a queue of tests among shards of one lane with the same services, without any loss.
    queue: Option<QueueV1>,
}

/// A share of the runs.
#[derive(Debug, Serialize, JsonSchema)]
struct ShareV1 {
    share: f64,
    end_ms: u64,
}

/// Runs that end in one span.
#[derive(Debug, Serialize, JsonSchema)]
struct BarV1 {
    from_ms: u64,
    /// The first moment that is not counted.
    to_ms: u64,
    runs: usize,
}

/// A shard over many runs.
#[derive(Debug, Serialize, JsonSchema)]
struct ShardOddsV1 {
    name: String,
    p50_ms: u64,
    p90_ms: u64,
    p99_ms: u64,
    /// The share of the runs in which it ended last.
    last: f64,
}

/// What no queue can beat.
#[derive(Debug, Serialize, JsonSchema)]
struct QueueV1 {
    p50_ms: u64,
    p90_ms: u64,
}

impl From<&SimulationSummary> for SimulationV1 {
    fn from(summary: &SimulationSummary) -> Self {
        let part = |(share, end): &(f64, Millis)| ShareV1 { share: *share, end_ms: end.0 };
        let bar =
            |(from, to, runs): &(Millis, Millis, usize)| BarV1 { from_ms: from.0, to_ms: to.0, runs: *runs };
        let odds = |shard: &ShardOdds| ShardOddsV1 {
            name: shard.name.clone(),
            p50_ms: shard.p50.0,
            p90_ms: shard.p90.0,
            p99_ms: shard.p99.0,
            last: shard.last,
        };
        Self {
            version: 1,
            runs: summary.runs,
            by_count: summary.by_count,
            shares: summary.shares.iter().map(part).collect(),
            bars: summary.bars.iter().map(bar).collect(),
            target: summary.target.map(|(at, reached)| ShareV1 { share: reached, end_ms: at.0 }),
            shards: summary.shards.iter().map(odds).collect(),
            last_elsewhere: summary.last_elsewhere,
            queue: summary.queue.map(|(p50, p90)| QueueV1 { p50_ms: p50.0, p90_ms: p90.0 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_is_in_one_bar_and_bars_follow_each_other() {
        for spread in [0, 1, 999, 14_000, 200_000, 5_000_000, 90_000_000] {
            let ends: Vec<Millis> = (0..1000).map(|at| Millis(61_500 + at * spread / 1000)).collect();
            let bars = bars(&ends);
            assert_eq!(bars.iter().map(|(_, _, count)| count).sum::<usize>(), 1000, "{spread}");
            assert!(bars.windows(2).all(|pair| pair[0].1 == pair[1].0), "{bars:?}");
            assert!(bars.len() as u64 <= BARS + 1, "{spread}: {}", bars.len());
        }
        assert_eq!(bars(&[]), []);
    }

    #[test]
    fn a_share_that_is_not_quite_none_or_all_says_so() {
        let told = [0.0, 0.001, 0.254, 0.995, 1.0].map(hundredths);
        assert_eq!(told, ["0", "< 1", "25", "> 99", "100"]);
    }
}
