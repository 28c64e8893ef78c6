//! A job is stopped after a time that its runs often need.
//!
//! # What it checks
//!
//! `timeout-minutes` of every job against the time that nine of ten of its runs in the history keep.
//!
//! # Why it matters
//!
//! One run in ten is cancelled for nothing, shows as cancelled and not as failed, and skips what waits for it.
//!
//! # Example
//!
//! ```yaml
//! heavy:
//!   timeout-minutes: 9  # one of ten runs takes 9m20s
//! ```
//!
//! # Remedy
//!
//! Raise the limit well above the slowest usual run, or make the job shorter.

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::TIMEOUT_BELOW_USUAL;
use crate::audit::workflows::found;
use crate::ids::Printable;
use crate::time::Millis;
use crate::workflow::times_of;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in context.workflow_files() {
        for job in &file.jobs {
            let Some(minutes) = job.timeout_minutes else { continue };
            let timeout = Millis::from_f64(minutes * 60_000.0);
            let times = times_of(job, &context.observed.jobs);
            if let Some(times) = times.filter(|times| times.p90 >= timeout) {
                let message = format!(
                    "job `{}` is stopped after {timeout}, and one of ten runs takes {} or more",
                    Printable(&job.id),
                    times.p90
                );
                findings.push(found(&TIMEOUT_BELOW_USUAL, file, job.line, &job.id, message));
            }
        }
    }
    findings
}
