//! What the CI service measured of a job: its queue, set-up, containers, tests and the rest.

use std::collections::BTreeMap;

use super::github::WorkflowJob;
use crate::ingest::{JobObservation, StepObservation};
use crate::time::{Millis, Timestamp};

/// What a job's time goes into: medians over its runs. Where a matrix makes it several jobs, the longest of a
/// run counts, as it is the one that others wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobTimes {
    /// How many runs were seen.
    pub runs: usize,
    /// How many jobs it is in one run, at the most.
    pub jobs: usize,
    /// From being ready to having a runner.
    pub queue: Millis,
    /// Before the tests, the containers aside.
    pub setup: Millis,
    /// The step in which its service containers are pulled and started.
    pub containers: Millis,
    /// The test steps; where none is known the longest step.
    pub tests: Millis,
    /// After the tests.
    pub rest: Millis,
    /// From its start to its end.
    pub wall: Millis,
    /// The time from its start to its end that nine of ten runs keep.
    pub p90: Millis,
}

/// The step in which GitHub pulls and starts the service containers.
pub const CONTAINER_STEP: &str = "Initialize containers";

/// One job as it was measured, in milliseconds.
struct Measured {
    queue: Millis,
    setup: Millis,
    containers: Millis,
    tests: Millis,
    rest: Millis,
    wall: Millis,
}

/// Returns what was measured of a job; nothing where no successful run of it is known.
#[must_use]
pub fn times_of(job: &WorkflowJob, observed: &[JobObservation]) -> Option<JobTimes> {
    let mut runs: BTreeMap<(&Option<String>, Option<u32>), Vec<Measured>> = BTreeMap::new();
    let test_steps: Vec<String> =
        job.runners().iter().filter_map(|runner| job.steps.get(runner.step)).map(step_name).collect();
    for seen in observed {
        let succeeded = seen.conclusion.as_deref().is_none_or(|conclusion| conclusion == "success");
        if succeeded
            && job.is_shown_as(&seen.name)
            && let Some(measured) = measured(seen, &test_steps)
        {
            runs.entry((&seen.run, seen.attempt)).or_default().push(measured);
        }
    }
    let jobs = runs.values().map(Vec::len).max()?;
    let longest: Vec<Measured> =
        runs.into_values().filter_map(|run| run.into_iter().max_by_key(|job| job.wall)).collect();
    let middle = |part: fn(&Measured) -> Millis| quantile(longest.iter().map(part).collect(), 50);
    Some(JobTimes {
        runs: longest.len(),
        jobs,
        queue: middle(|job| job.queue),
        setup: middle(|job| job.setup),
        containers: middle(|job| job.containers),
        tests: middle(|job| job.tests),
        rest: middle(|job| job.rest),
        wall: middle(|job| job.wall),
        p90: quantile(longest.iter().map(|job| job.wall).collect(), 90),
    })
}

/// Returns the name that the CI shows for a step.
fn step_name(step: &super::github::Step) -> String {
    let first_line = |script: &str| format!("Run {}", script.lines().next().unwrap_or_default().trim());
    step.name.clone().or_else(|| step.run.as_deref().map(first_line)).unwrap_or_default()
}

fn measured(job: &JobObservation, test_steps: &[String]) -> Option<Measured> {
    let wall = between(job.started, job.completed)?;
    let length = |step: &StepObservation| between(step.started, step.completed).unwrap_or_default();
    let containers = job.steps.iter().filter(|step| step.name == CONTAINER_STEP).map(length).sum();
    let mut tests: Vec<&StepObservation> =
        job.steps.iter().filter(|step| test_steps.contains(&step.name)).collect();
    if tests.is_empty() {
        tests.extend(
            job.steps.iter().filter(|step| step.name != CONTAINER_STEP).max_by_key(|step| length(step)),
        );
    }
    let test_time: Millis = tests.iter().map(|step| length(step)).sum();
    let rest = tests.last().and_then(|step| between(step.completed, job.completed)).unwrap_or_default();
    Some(Measured {
        queue: between(job.created, job.started).unwrap_or_default(),
        setup: wall.saturating_sub(containers + test_time + rest),
        containers,
        tests: test_time,
        rest,
        wall,
    })
}

fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<Millis> {
    u64::try_from(to?.0.checked_sub(from?.0)?).ok().map(Millis)
}

/// Returns the value that so many in a hundred do not exceed.
fn quantile(mut values: Vec<Millis>, hundredths: usize) -> Millis {
    values.sort_unstable();
    let at = (values.len() * hundredths).div_ceil(100).saturating_sub(1);
    values.get(at).copied().unwrap_or_default()
}
