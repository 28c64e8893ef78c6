//! The data of the report page, version 1: what the page shows, for those who want to work with it. Fields are only ever
//! added. Times are whole milliseconds, shares are parts of one.

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::json_v1::{SuggestV1, TradeoffV1};
use crate::report::page::{AuditRule, AuditSummary, Report, Row, RunForecast, ServiceCost, SlowUnit};

/// The data that `shardplan suggest --html` and `shardplan tradeoff --html` embed in their page, as the text of
/// the element `shardplan-report`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "shardplan report, version 1")]
pub struct ReportV1 {
    /// The version of the format: 1.
    #[schemars(range(min = 1, max = 1))]
    version: u32,
    project: String,
    /// The answer in words: what it buys, what it costs, how good it is proven to be.
    verdict: Vec<String>,
    plan: SuggestV1,
    frontier: TradeoffV1,
    timeline: TimelineV1,
    services: Vec<ServiceCostV1>,
    units: SlowUnitsV1,
    /// The last runs of every lane, oldest first, each forecast from those before it.
    runs: Vec<RunForecastV1>,
    /// Nothing where there are no Python sources.
    audit: Option<AuditV1>,
}

/// When every job of the workflow runs.
#[derive(Debug, Serialize, JsonSchema)]
struct TimelineV1 {
    end_ms: u64,
    p50_ms: u64,
    p90_ms: u64,
    /// The jobs that decide the end, in order.
    critical_path: Vec<String>,
    jobs: Vec<JobV1>,
    /// How many jobs are not listed: they decide nothing.
    left_out: usize,
}

/// A job.
#[derive(Debug, Serialize, JsonSchema)]
struct JobV1 {
    name: String,
    /// The lane that it is a shard of; nothing for another job.
    lane: Option<String>,
    services: Vec<String>,
    /// What it usually waits for a runner; the other times do not count it.
    queue_ms: Option<u64>,
    start_ms: u64,
    end_ms: u64,
    parts: Vec<PartV1>,
    /// How long the job takes in one of two runs.
    p50_ms: Option<u64>,
    /// How long the job takes in nine of ten runs.
    p90_ms: Option<u64>,
    critical: bool,
    slack_ms: u64,
}

/// A part of a job's time.
#[derive(Debug, Serialize, JsonSchema)]
struct PartV1 {
    /// `set-up`, `services boot`, `first contact`, `tests`, `clean-up` or `other job`.
    kind: &'static str,
    takes_ms: u64,
}

/// What a service costs.
#[derive(Debug, Serialize, JsonSchema)]
struct ServiceCostV1 {
    name: String,
    shards: usize,
    containers: u32,
    /// In one shard that starts nothing else.
    boot_ms: u64,
    /// By how much less all shards together would take without it.
    added_ms: u64,
    /// By how much less the shard that ends last would take without it.
    added_to_end_ms: u64,
    /// How many tests need it.
    tests: usize,
    /// How many tests run in the shards that start it.
    tests_beside: usize,
    /// How long the units with tests that need it take.
    load_ms: u64,
    notes: Vec<String>,
}

/// The units that take longest.
#[derive(Debug, Serialize, JsonSchema)]
struct SlowUnitsV1 {
    /// How many units there are; the list holds the slowest of them.
    all: usize,
    tests: usize,
    load_ms: u64,
    slowest: Vec<SlowUnitV1>,
}

/// A unit that takes long.
#[derive(Debug, Serialize, JsonSchema)]
struct SlowUnitV1 {
    name: String,
    shard: String,
    tests: usize,
    load_ms: u64,
    /// The longest piece of it that one worker takes.
    piece_ms: u64,
    share: f64,
    services: Vec<String>,
    /// Whether its lane lets it be split.
    divisible: bool,
}

/// A lane in a past run.
#[derive(Debug, Serialize, JsonSchema)]
struct RunForecastV1 {
    lane: Option<String>,
    run: String,
    at: Option<String>,
    tests: usize,
    actual_ms: u64,
    forecast_ms: u64,
    p10_ms: u64,
    p90_ms: u64,
}

/// What the audit found.
#[derive(Debug, Serialize, JsonSchema)]
struct AuditV1 {
    functions: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    suppressed: usize,
    rules: Vec<AuditRuleV1>,
}

/// A rule that found something.
#[derive(Debug, Serialize, JsonSchema)]
struct AuditRuleV1 {
    code: String,
    rule: String,
    severity: String,
    findings: usize,
    example: String,
}

impl From<&Report> for ReportV1 {
    fn from(report: &Report) -> Self {
        let timeline = &report.timeline;
        let units = &report.units;
        Self {
            version: 1,
            project: report.project.clone(),
            verdict: report.verdict.clone(),
            plan: SuggestV1::from(&report.plan),
            frontier: TradeoffV1::from(&report.frontier),
            timeline: TimelineV1 {
                end_ms: timeline.end.0,
                p50_ms: timeline.p50.0,
                p90_ms: timeline.p90.0,
                critical_path: timeline.path.clone(),
                jobs: timeline.rows.iter().map(JobV1::from).collect(),
                left_out: timeline.left_out,
            },
            services: report.services.iter().map(ServiceCostV1::from).collect(),
            units: SlowUnitsV1 {
                all: units.all,
                tests: units.tests,
                load_ms: units.load.0,
                slowest: units.units.iter().map(SlowUnitV1::from).collect(),
            },
            runs: report.runs.iter().map(RunForecastV1::from).collect(),
            audit: report.audit.as_ref().map(AuditV1::from),
        }
    }
}

impl From<&Row> for JobV1 {
    fn from(row: &Row) -> Self {
        let part =
            |part: &crate::report::page::Part| PartV1 { kind: part.kind.as_str(), takes_ms: part.takes.0 };
        Self {
            name: row.name.clone(),
            lane: row.lane.clone(),
            services: row.services.clone(),
            queue_ms: row.queue.map(|queue| queue.0),
            start_ms: row.start.0,
            end_ms: row.end.0,
            parts: row.parts.iter().map(part).collect(),
            p50_ms: row.p50.map(|p50| p50.0),
            p90_ms: row.p90.map(|p90| p90.0),
            critical: row.critical,
            slack_ms: row.slack.0,
        }
    }
}

impl From<&ServiceCost> for ServiceCostV1 {
    fn from(cost: &ServiceCost) -> Self {
        Self {
            name: cost.name.clone(),
            shards: cost.shards,
            containers: cost.containers,
            boot_ms: cost.boot.0,
            added_ms: cost.added.0,
            added_to_end_ms: cost.added_to_end.0,
            tests: cost.tests,
            tests_beside: cost.tests_beside,
            load_ms: cost.load.0,
            notes: cost.notes.clone(),
        }
    }
}

impl From<&SlowUnit> for SlowUnitV1 {
    fn from(unit: &SlowUnit) -> Self {
        Self {
            name: unit.name.clone(),
            shard: unit.shard.clone(),
            tests: unit.tests,
            load_ms: unit.load.0,
            piece_ms: unit.piece.0,
            share: unit.share,
            services: unit.services.clone(),
            divisible: unit.divisible,
        }
    }
}

impl From<&RunForecast> for RunForecastV1 {
    fn from(run: &RunForecast) -> Self {
        Self {
            lane: run.lane.clone(),
            run: run.run.clone(),
            at: run.at.map(|at| at.to_string()),
            tests: run.tests,
            actual_ms: run.actual.0,
            forecast_ms: run.forecast.0,
            p10_ms: run.p10.0,
            p90_ms: run.p90.0,
        }
    }
}

impl From<&AuditSummary> for AuditV1 {
    fn from(audit: &AuditSummary) -> Self {
        let rule = |rule: &AuditRule| AuditRuleV1 {
            code: rule.code.clone(),
            rule: rule.name.clone(),
            severity: rule.severity.clone(),
            findings: rule.findings,
            example: rule.example.clone(),
        };
        Self {
            functions: audit.functions,
            errors: audit.errors,
            warnings: audit.warnings,
            notes: audit.notes,
            suppressed: audit.suppressed,
            rules: audit.rules.iter().map(rule).collect(),
        }
    }
}
