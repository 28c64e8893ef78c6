//! Everything that the report page shows, worked out once: the page, its charts and its data only format it.

mod runs;
mod services;
mod timeline;
mod units;
mod verdict;

pub use runs::RunForecast;
pub use services::ServiceCost;
pub use timeline::{Part, PartKind, Row, Timeline};
pub use units::{SlowUnit, SlowUnits};

use std::collections::BTreeMap;

use super::summary::{FrontierSummary, PlanSummary};
use crate::config::Config;
use crate::estimate::Estimates;
use crate::history::Observed;
use crate::model::Model;
use crate::plan::Plan;
use crate::workflow::JobTimes;

/// What a decision about a test job rests on.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the project is called.
    pub project: String,
    /// The answer in one sentence, and what it costs in the next.
    pub verdict: Vec<String>,
    /// The chosen plan, with what it is compared with.
    pub plan: PlanSummary,
    /// Every plan that is worth a thought.
    pub frontier: FrontierSummary,
    /// When every job of the workflow runs.
    pub timeline: Timeline,
    /// What every service costs, and for whom.
    pub services: Vec<ServiceCost>,
    /// The units that take longest.
    pub units: SlowUnits,
    /// What past runs took, against what was to be expected of them.
    pub runs: Vec<RunForecast>,
    /// What the audit found; nothing where there are no sources to look at.
    pub audit: Option<AuditSummary>,
}

/// What the report is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Known<'k> {
    /// The manifest.
    pub config: &'k Config,
    /// What tests are expected to take.
    pub estimates: &'k Estimates,
    /// What was measured.
    pub observed: &'k Observed,
    /// What was measured of the workflow's jobs, by name; those of lanes by the name of the lane.
    pub jobs: &'k BTreeMap<String, JobTimes>,
    /// The model of the plan.
    pub model: &'k Model,
    /// The plan.
    pub plan: &'k Plan,
}

/// What an audit found, in numbers and in its gravest findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditSummary {
    /// How many test functions it looked at.
    pub functions: usize,
    /// How many errors.
    pub errors: usize,
    /// How many warnings.
    pub warnings: usize,
    /// How many notes.
    pub notes: usize,
    /// How many findings were asked to be left alone.
    pub suppressed: usize,
    /// The rules that found something, the gravest first.
    pub rules: Vec<AuditRule>,
}

/// A rule that found something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRule {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// How often it found something.
    pub findings: usize,
    /// The first of its findings, in words and with its place.
    pub example: String,
}

impl Report {
    /// Returns the report of a plan.
    #[must_use]
    pub fn new(
        project: String,
        known: Known<'_>,
        plan: PlanSummary,
        frontier: FrontierSummary,
        audit: Option<AuditSummary>,
    ) -> Self {
        Self {
            project,
            verdict: verdict::verdict(&plan),
            timeline: timeline::timeline(known, &plan),
            services: services::services(known),
            units: units::slowest(known),
            runs: runs::forecasts(known.observed, known.config.history.half_life),
            plan,
            frontier,
            audit,
        }
    }
}
