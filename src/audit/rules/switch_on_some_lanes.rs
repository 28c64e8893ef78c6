//! A switch turns off some of the lanes of a gate and not the others.
//!
//! # What it checks
//!
//! `if: vars.…` on the jobs that a combining job needs.
//!
//! # Why it matters
//!
//! With the switch off, what is left is taken for the whole: its coverage, and its green check.
//!
//! # Example
//!
//! ```yaml
//! unit:
//!   if: vars.RUN_TESTS != 'no'
//! heavy:
//!   steps: []  # runs always
//! coverage:
//!   needs: [unit, heavy]
//! ```
//!
//! # Remedy
//!
//! Give every lane of the gate the same condition.

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::SWITCH_ON_SOME_LANES;
use crate::audit::workflows::{found, gates};
use crate::ids::Printable;
use crate::workflow::github::WorkflowJob;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let switch =
        |job: &WorkflowJob| job.condition.as_deref().is_some_and(|condition| condition.contains("vars."));
    for file in context.workflow_files() {
        for (gate, _) in gates(file) {
            let needed = gate.needs.iter().filter_map(|need| file.job(need));
            let lanes: Vec<&WorkflowJob> = needed.filter(|job| !job.runners().is_empty()).collect();
            let on: Vec<&WorkflowJob> = lanes.iter().copied().filter(|job| switch(job)).collect();
            if let Some(first) = on.first()
                && on.len() < lanes.len()
            {
                let message = format!(
                    "a variable turns off `{}`, but not all lanes of gate `{}`: what is left is taken for the whole",
                    Printable(&first.id),
                    Printable(&gate.id)
                );
                findings.push(found(&SWITCH_ON_SOME_LANES, file, first.line, &gate.id, message));
            }
        }
    }
    findings
}
