//! The machine formats, version 1. Fields are only ever added; what is removed or changes its meaning makes a
//! new version. Times are whole milliseconds, `gap` is a share of the bound.

use schemars::JsonSchema;
use serde::Serialize;

use super::explanation::Explanation;
use super::moves::MoveLine;
use super::summary::{FrontierLine, FrontierSummary, OtherPlan, PlanSummary};
use crate::plan::RunnerChange;

/// `shardplan suggest --format json`
#[derive(Debug, Serialize, JsonSchema)]
pub struct SuggestV1 {
    version: u32,
    end_ms: u64,
    p50_ms: u64,
    p90_ms: u64,
    bound_ms: u64,
    /// What binds: `other-jobs`, `unit`, `containers`, `shards`, `lane-shards`, `minutes`, `slots`, `limits` (several that
    /// would all have to give way) or `exhausted`.
    bound_reason: String,
    gap: f64,
    /// Each job's rounded up and at the price of its runner; their sum rounded up.
    billed_minutes: u64,
    containers: u32,
    critical_path: Vec<String>,
    shards: Vec<ShardV1>,
    others: Vec<OtherV1>,
    steps: Vec<StepV1>,
    /// How many units are on another shard than the lock has them on; null without a lock.
    moved: Option<usize>,
    /// These units, those that take longest first.
    moves: Vec<MoveV1>,
    /// The lanes that go to another runner than the lock has them on, where they may take several.
    runner_changes: Vec<RunnerChangeV1>,
    /// How many units the lock does not know; null without a lock.
    new_units: Option<usize>,
    /// How much later the workflow ends than it could, so that fewer units move; null without a lock.
    later_by_ms: Option<u64>,
    /// With `--cheapest-within`: what the cheapest plan had to keep, and what is proven of it.
    cheapest: Option<CheapestV1>,
    notes: Vec<String>,
}

/// A unit that is on another shard than the lock has it on.
#[derive(Debug, Serialize, JsonSchema)]
struct MoveV1 {
    unit: String,
    /// The shard that the lock has it on.
    from: String,
    /// The shard that it is on now.
    to: String,
    tests: usize,
    load_ms: u64,
    /// Why: `need`, `shard-gone`, `new-shard`, `grew`, `shrank`, `limit` or `balance`.
    reason: String,
    /// The reason as a sentence.
    why: String,
}

/// A lane that goes to another runner.
#[derive(Debug, Serialize, JsonSchema)]
struct RunnerChangeV1 {
    lane: String,
    /// The runner that the lock has it on.
    from: String,
    /// The runner that it is on now.
    to: String,
}

/// The cheapest plan near the fastest.
#[derive(Debug, Serialize, JsonSchema)]
struct CheapestV1 {
    /// When the fastest plan ends.
    fastest_ms: u64,
    /// When the plan had to end.
    latest_ms: u64,
    /// No plan that ends by then bills fewer minutes.
    least_minutes: u64,
}

/// A shard.
#[derive(Debug, Serialize, JsonSchema)]
struct ShardV1 {
    name: String,
    lane: String,
    /// The runner that it is on, where its lane has a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    runner: Option<String>,
    /// What a minute on it is billed, in minutes of the usual price.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<f64>,
    /// What the shard is billed, in such minutes, where its lane has a choice of runners.
    #[serde(skip_serializing_if = "Option::is_none")]
    billed_minutes: Option<f64>,
    services: Vec<String>,
    /// What its tests set up once for several of them; part of `run_ms`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    setups: Vec<SetupV1>,
    tests: usize,
    units: usize,
    /// How long it waits for a runner, where runners are limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_ms: Option<u64>,
    base_ms: u64,
    boot_ms: u64,
    run_ms: u64,
    tail_ms: u64,
    wall_ms: u64,
    p90_ms: u64,
    slack_ms: u64,
    /// What its tests and services take of its runner's memory, where that is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    /// What its runner has.
    #[serde(skip_serializing_if = "Option::is_none")]
    runner_memory_bytes: Option<u64>,
}

/// What a session or module fixture does once.
#[derive(Debug, Serialize, JsonSchema)]
struct SetupV1 {
    name: String,
    time_ms: u64,
}

/// Another plan on the same estimates: today's jobs, or one made by hand.
#[derive(Debug, Serialize, JsonSchema)]
struct OtherV1 {
    name: String,
    end_ms: u64,
    billed_minutes: u64,
    containers: u32,
    shards: usize,
    faults: Vec<String>,
}

/// What a larger budget would give.
#[derive(Debug, Serialize, JsonSchema)]
struct StepV1 {
    containers: u32,
    end_ms: u64,
    gain_ms: u64,
    billed_minutes: u64,
    shards: usize,
}

/// `shardplan tradeoff --format json`
#[derive(Debug, Serialize, JsonSchema)]
pub struct TradeoffV1 {
    version: u32,
    points: Vec<PointV1>,
    /// Plans beside these that no plan with as few shards beats.
    fewer_shards: Vec<PointV1>,
    today: Option<OtherV1>,
    /// Nothing ends the workflow earlier, whatever the containers.
    floor_ms: u64,
    advice: Vec<String>,
}

/// A plan on the frontier.
#[derive(Debug, Serialize, JsonSchema)]
struct PointV1 {
    containers: u32,
    shards: usize,
    billed_minutes: u64,
    end_ms: u64,
    gap: f64,
    /// How much earlier it ends than every plan before it in the list; null where one ends as early.
    gain_ms: Option<u64>,
    /// What it costs beyond the plan before it that ends earliest; null where it does not end earlier.
    price: Option<PriceV1>,
    knee: bool,
    lanes: String,
}

/// What a plan costs beyond another; less than that is negative.
#[derive(Debug, Serialize, JsonSchema)]
struct PriceV1 {
    containers: i64,
    billed_minutes: i64,
    shards: i64,
}

/// `shardplan explain --format json`
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplainV1 {
    version: u32,
    title: String,
    sections: Vec<SectionV1>,
}

/// A part of an explanation.
#[derive(Debug, Serialize, JsonSchema)]
struct SectionV1 {
    title: String,
    lines: Vec<String>,
}

impl From<&PlanSummary> for SuggestV1 {
    fn from(summary: &PlanSummary) -> Self {
        let shards = summary.shards.iter().map(|shard| ShardV1 {
            name: shard.name.clone(),
            lane: shard.lane.clone(),
            runner: shard.runner.as_ref().map(|runner| runner.name.clone()),
            price: shard.runner.as_ref().map(|runner| runner.price),
            billed_minutes: shard.runner.as_ref().map(|runner| runner.billed),
            services: shard.services.iter().map(ToString::to_string).collect(),
            setups: shard
                .setups
                .iter()
                .map(|(name, time)| SetupV1 { name: name.clone(), time_ms: time.0 })
                .collect(),
            tests: shard.tests,
            units: shard.units,
            queue_ms: shard.queue.map(|queue| queue.0),
            base_ms: shard.base.0,
            boot_ms: shard.boot.0,
            run_ms: shard.run.0,
            tail_ms: shard.tail.0,
            wall_ms: shard.wall.0,
            p90_ms: shard.p90.0,
            slack_ms: shard.slack.0,
            memory_bytes: shard.memory.map(|(taken, _)| taken.0),
            runner_memory_bytes: shard.memory.map(|(_, limit)| limit.0),
        });
        let steps = summary.steps.iter().map(|step| StepV1 {
            containers: step.containers,
            end_ms: step.end.0,
            gain_ms: step.gain.0,
            billed_minutes: step.minutes,
            shards: step.shards,
        });
        Self {
            version: 1,
            end_ms: summary.end.0,
            p50_ms: summary.p50.0,
            p90_ms: summary.p90.0,
            bound_ms: summary.bound.0,
            bound_reason: summary.bound_reason.to_owned(),
            gap: summary.gap,
            billed_minutes: summary.minutes,
            containers: summary.containers,
            critical_path: summary.critical_path.clone(),
            shards: shards.collect(),
            others: summary.others.iter().map(OtherV1::from).collect(),
            steps: steps.collect(),
            moved: summary.moves.as_ref().map(|moves| moves.lines.len()),
            moves: summary.moves.iter().flat_map(|moves| &moves.lines).map(MoveV1::from).collect(),
            runner_changes: summary
                .moves
                .iter()
                .flat_map(|moves| &moves.runners)
                .map(|RunnerChange { lane, from, to }| RunnerChangeV1 {
                    lane: lane.to_string(),
                    from: from.to_string(),
                    to: to.to_string(),
                })
                .collect(),
            new_units: summary.moves.as_ref().map(|moves| moves.newcomers),
            later_by_ms: summary.moves.as_ref().map(|moves| moves.later.0),
            cheapest: summary.saving.as_ref().map(|saving| CheapestV1 {
                fastest_ms: summary.fastest.0,
                latest_ms: saving.latest.0,
                least_minutes: saving.least_minutes,
            }),
            notes: summary.notes.clone(),
        }
    }
}

impl From<&FrontierLine> for PointV1 {
    fn from(point: &FrontierLine) -> Self {
        Self {
            containers: point.containers,
            shards: point.shards,
            billed_minutes: point.minutes,
            end_ms: point.end.0,
            gap: point.gap,
            gain_ms: point.gain.map(|gain| gain.0),
            price: point.price.map(|price| PriceV1 {
                containers: price.containers,
                billed_minutes: price.minutes,
                shards: price.shards,
            }),
            knee: point.knee,
            lanes: point.shape.clone(),
        }
    }
}

impl From<&MoveLine> for MoveV1 {
    fn from(line: &MoveLine) -> Self {
        Self {
            unit: line.unit.clone(),
            from: line.from.clone(),
            to: line.to.clone(),
            tests: line.tests,
            load_ms: line.load.0,
            reason: line.reason.to_owned(),
            why: line.why.clone(),
        }
    }
}

impl From<&OtherPlan> for OtherV1 {
    fn from(other: &OtherPlan) -> Self {
        Self {
            name: other.name.clone(),
            end_ms: other.end.0,
            billed_minutes: other.minutes,
            containers: other.containers,
            shards: other.shards,
            faults: other.faults.clone(),
        }
    }
}

impl From<&FrontierSummary> for TradeoffV1 {
    fn from(summary: &FrontierSummary) -> Self {
        Self {
            version: 1,
            points: summary.points.iter().map(PointV1::from).collect(),
            fewer_shards: summary.fewer_shards.iter().map(PointV1::from).collect(),
            today: summary.today.as_ref().map(OtherV1::from),
            floor_ms: summary.floor.0,
            advice: summary.advice.clone(),
        }
    }
}

impl From<&Explanation> for ExplainV1 {
    fn from(explanation: &Explanation) -> Self {
        let section = |section: &super::explanation::Section| SectionV1 {
            title: section.title.clone(),
            lines: section.lines.clone(),
        };
        Self {
            version: 1,
            title: explanation.title.clone(),
            sections: explanation.sections.iter().map(section).collect(),
        }
    }
}

/// Returns a machine format as text.
#[must_use]
pub fn to_string(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("the machine formats hold no map but structs");
    text.push('\n');
    text
}
