//! A gate is skipped when a lane fails, and a skipped check passes.
//!
//! # What it checks
//!
//! Jobs that combine coverage and need lanes, without `if: always()`, where no job that always runs needs them.
//!
//! # Why it matters
//!
//! A required check that was skipped counts as passed: the merge goes through although a lane was red or cancelled.
//!
//! # Example
//!
//! ```yaml
//! coverage:
//!   needs: [unit, heavy]  # skipped where one of them fails
//!   steps:
//!     - run: coverage combine
//! ```
//!
//! # Remedy
//!
//! Run the gate `if: always()` and let it fail unless every result is `success`, or require one aggregate job that does.

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::GATE_THAT_SKIPS;
use crate::audit::workflows::{found, gates, runs_always};
use crate::ids::Printable;
use crate::workflow::github::WorkflowJob;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in context.workflow_files() {
        let covered =
            |gate: &WorkflowJob| file.jobs.iter().any(|job| runs_always(job) && job.needs.contains(&gate.id));
        for (gate, _) in gates(file) {
            if gate.needs.is_empty() || runs_always(gate) || covered(gate) {
                continue;
            }
            let message = format!(
                "gate `{}` is skipped when a job that it needs fails, and a skipped check passes: let it run `if: always()` and fail unless every result is `success`",
                Printable(&gate.id)
            );
            findings.push(found(&GATE_THAT_SKIPS, file, gate.line, &gate.id, message));
        }
    }
    findings
}
