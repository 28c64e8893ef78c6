//! More jobs are ready at once than a free organisation has runners.
//!
//! # What it checks
//!
//! The jobs that wait for equally many others in a row, each as often as its matrix has rows, on GitHub's own Linux
//! and Windows runners (20 at once) and macOS runners (5 at once), the limits of the free plan.
//!
//! # Why it matters
//!
//! The jobs above the limit wait for a runner. More shards then make the workflow longer, not shorter.
//!
//! # Example
//!
//! ```yaml
//! strategy:
//!   matrix:
//!     shard: [1, 2, 3, …, 30]
//! ```
//!
//! # Remedy
//!
//! Use fewer shards (`shardplan tradeoff` shows what each step buys), or a plan with more runners.

use std::collections::BTreeMap;

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::MORE_JOBS_THAN_RUNNERS;
use crate::audit::workflows::found;
use crate::workflow::github::{Context as Known, WorkflowFile, WorkflowJob, render};

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in context.workflow_files() {
        let mut waves: BTreeMap<(usize, bool), Vec<(&WorkflowJob, usize)>> = BTreeMap::new();
        for job in file.jobs.iter().filter(|job| job.calls.is_none()) {
            let rows = job.contexts();
            for (apple, count) in [true, false]
                .map(|apple| (apple, rows.iter().filter(|row| hosted(job, row) == Some(apple)).count()))
            {
                if count > 0 {
                    waves.entry((depth(file, job, 0), apple)).or_default().push((job, count));
                }
            }
        }
        for ((_, apple), jobs) in waves {
            let (limit, system) = if apple { (5, "macOS") } else { (20, "Linux and Windows") };
            let total: usize = jobs.iter().map(|(_, count)| count).sum();
            let Some((most, _)) =
                jobs.iter().max_by_key(|(job, count)| (*count, std::cmp::Reverse(job.line)))
            else {
                continue;
            };
            if total > limit {
                let message = format!(
                    "{total} jobs are ready at once, and the free plan has {limit} {system} runners: {} wait",
                    total - limit
                );
                findings.push(found(&MORE_JOBS_THAN_RUNNERS, file, most.line, &most.id, message));
            }
        }
    }
    findings
}

/// Returns whether a row of a job runs on macOS, where GitHub's own runners run it.
fn hosted(job: &WorkflowJob, row: &Known) -> Option<bool> {
    let label = render(&job.runs_on, row)?.to_ascii_lowercase();
    if label.contains("self-hosted") {
        return None;
    }
    let starts = |name: &str| label.starts_with(name);
    (starts("ubuntu") || starts("windows") || starts("macos")).then(|| starts("macos"))
}

/// Returns how many jobs a job waits for in a row.
fn depth(file: &WorkflowFile, job: &WorkflowJob, above: usize) -> usize {
    if above > file.jobs.len() {
        return 0;
    }
    let needs = job.needs.iter().filter_map(|need| file.job(need));
    needs.map(|need| depth(file, need, above + 1) + 1).max().unwrap_or(0)
}
