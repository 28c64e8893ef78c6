//! The machine formats, version 1. Fields are only ever added; what is removed or changes its meaning makes a
//! new version. Times are whole milliseconds, `gap` is a share of the bound.

use schemars::JsonSchema;
use serde::Serialize;

use super::explanation::Explanation;
use super::summary::{FrontierSummary, OtherPlan, PlanSummary};

/// `shardplan suggest --format json`
#[derive(Debug, Serialize, JsonSchema)]
pub struct SuggestV1 {
    version: u32,
    end_ms: u64,
    p50_ms: u64,
    p90_ms: u64,
    bound_ms: u64,
    /// What binds: `other-jobs`, `unit`, `containers`, `shards`, `minutes`, `slots` or `exhausted`.
    bound_reason: String,
    gap: f64,
    billed_minutes: u64,
    containers: u32,
    critical_path: Vec<String>,
    shards: Vec<ShardV1>,
    others: Vec<OtherV1>,
    steps: Vec<StepV1>,
    moved: Option<usize>,
    notes: Vec<String>,
}

/// A shard.
#[derive(Debug, Serialize, JsonSchema)]
struct ShardV1 {
    name: String,
    lane: String,
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
    knee: bool,
    lanes: String,
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
            moved: summary.moved,
            notes: summary.notes.clone(),
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
        let points = summary.points.iter().map(|point| PointV1 {
            containers: point.containers,
            shards: point.shards,
            billed_minutes: point.minutes,
            end_ms: point.end.0,
            gap: point.gap,
            knee: point.knee,
            lanes: point.shape.clone(),
        });
        Self {
            version: 1,
            points: points.collect(),
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
