//! When every job of the workflow runs, and what its time goes into.

use std::cmp::Reverse;

use super::Known;
use crate::plan::PlannedShard;
use crate::report::summary::PlanSummary;
use crate::time::Millis;
use crate::workflow::Activity;

/// How many jobs beside the shards are drawn; those of the critical path always are.
const MOST_JOBS: usize = 16;

/// How many shards are drawn; those that end last.
const MOST_SHARDS: usize = 60;

/// When every job runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// When the workflow ends.
    pub end: Millis,
    /// When it ends in one of two runs.
    pub p50: Millis,
    /// When it ends in nine of ten runs.
    pub p90: Millis,
    /// The jobs that decide the end, in order.
    pub path: Vec<String>,
    /// The shards, then the other jobs.
    pub rows: Vec<Row>,
    /// How many shards and jobs are left out, none of which is on the critical path.
    pub left_out: usize,
    /// When the last of those that are left out ends.
    pub left_out_end: Millis,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// The lane that it is a shard of; nothing for another job.
    pub lane: Option<String>,
    /// The services that it starts.
    pub services: Vec<String>,
    /// What it usually waits for a runner, where that was measured. The model does not count it.
    pub queue: Option<Millis>,
    /// When it starts.
    pub start: Millis,
    /// What its time goes into, in order.
    pub parts: Vec<Part>,
    /// When it ends.
    pub end: Millis,
    /// How long it takes in one of two runs, where that is known.
    pub p50: Option<Millis>,
    /// How long it takes in nine of ten runs, where that is known.
    pub p90: Option<Millis>,
    /// Whether the workflow ends later if it does. Several paths may be the longest.
    pub critical: bool,
    /// How much longer it could take without the workflow ending later.
    pub slack: Millis,
}

/// A part of a job's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// How long it takes.
    pub takes: Millis,
}

/// What a job's time goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKind {
    /// Checkout, install, collection.
    SetUp,
    /// Images are downloaded, services become ready.
    Boot,
    /// What the first test on every service pays.
    Attach,
    /// The tests.
    Tests,
    /// Uploads and clean-up.
    Tail,
    /// All of a job that runs no planned test.
    Job,
}

impl PartKind {
    /// Every kind, in the order in which a job goes through them.
    pub const ALL: [Self; 6] = [Self::SetUp, Self::Boot, Self::Attach, Self::Tests, Self::Tail, Self::Job];

    /// Returns what it is called.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SetUp => "set-up",
            Self::Boot => "services boot",
            Self::Attach => "first contact",
            Self::Tests => "tests",
            Self::Tail => "clean-up",
            Self::Job => "other job",
        }
    }
}

/// Returns when every job of the plan runs.
pub(super) fn timeline(known: Known<'_>, summary: &PlanSummary) -> Timeline {
    let schedule = known.plan.network(known.model).schedule();
    let shard_of = |name: &str| known.plan.shards.iter().find(|shard| shard.name.as_str() == name);
    let row = |activity: &Activity| match shard_of(&activity.name) {
        Some(shard) => shard_row(known, shard, activity),
        None => job_row(known, activity),
    };
    let (mut shards, mut jobs): (Vec<Row>, Vec<Row>) =
        schedule.jobs.iter().map(row).partition(|row| row.lane.is_some());
    let place =
        |row: &Row| known.plan.shards.iter().position(|shard| shard.name.as_str() == row.name.as_str());
    jobs.sort_by_key(|row| (!row.critical, Reverse(row.end)));
    let left_out_jobs = jobs.split_off(jobs.len().min(MOST_JOBS));
    shards.sort_by_key(|row| (!row.critical, Reverse(row.end)));
    let left_out_shards = shards.split_off(shards.len().min(MOST_SHARDS));
    shards.sort_by_key(place);
    jobs.sort_by_key(|row| (row.start, Reverse(row.end)));
    let left_out = || left_out_jobs.iter().chain(&left_out_shards);
    Timeline {
        end: schedule.end.max(known.plan.end),
        p50: summary.p50,
        p90: summary.p90,
        path: schedule.critical.clone(),
        left_out: left_out().count(),
        left_out_end: left_out().map(|row| row.end).max().unwrap_or_default(),
        rows: shards.into_iter().chain(jobs).collect(),
    }
}

fn shard_row(known: Known<'_>, shard: &PlannedShard, activity: &Activity) -> Row {
    let problem = &known.model.problem;
    let attach: Millis = shard.services.iter().map(|service| problem.services[service].attach).sum();
    let attach = attach.min(shard.times.boot);
    let parts = [
        (PartKind::SetUp, shard.times.base),
        (PartKind::Boot, shard.times.boot - attach),
        (PartKind::Attach, attach),
        (PartKind::Tests, shard.times.run),
        (PartKind::Tail, shard.times.tail),
    ];
    let lane = problem.lanes[shard.lane].name.to_string();
    Row {
        name: activity.name.clone(),
        services: shard.services.iter().map(|ix| problem.services[ix].name.to_string()).collect(),
        queue: known.jobs.get(&lane).map(|times| times.queue),
        lane: Some(lane),
        // Until then it waits for a runner.
        start: activity.start + shard.times.queue,
        parts: parts.map(|(kind, takes)| Part { kind, takes }).into(),
        end: activity.end,
        p50: Some(shard.forecast.p50),
        p90: Some(shard.forecast.p90),
        critical: activity.slack == Millis::ZERO,
        slack: activity.slack,
    }
}

fn job_row(known: Known<'_>, activity: &Activity) -> Row {
    let times = known.jobs.get(&activity.name);
    Row {
        name: activity.name.clone(),
        lane: None,
        services: Vec::new(),
        queue: times.map(|times| times.queue),
        start: activity.start,
        parts: vec![Part { kind: PartKind::Job, takes: activity.takes }],
        end: activity.end,
        p50: times.map(|times| times.wall),
        p90: times.map(|times| times.p90),
        critical: activity.slack == Millis::ZERO,
        slack: activity.slack,
    }
}
