//! A gate combines the coverage of some lanes and does not wait for another.
//!
//! # What it checks
//!
//! The jobs that a combining job needs, directly or not, against the jobs that measure coverage.
//!
//! # Why it matters
//!
//! The part of the lane that nobody waits for is missing, or there by luck: the figure moves from run to run.
//!
//! # Example
//!
//! ```yaml
//! coverage:
//!   needs: [unit]  # and `heavy` measures as well
//!   steps:
//!     - run: coverage combine
//! ```
//!
//! # Remedy
//!
//! Add the lane to the `needs` of the gate.

use std::collections::BTreeSet;

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::GATE_WITHOUT_A_LANE;
use crate::audit::workflows::{found, gates, measuring};
use crate::ids::Printable;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in context.workflow_files() {
        let measuring = measuring(file);
        for (gate, step) in gates(file) {
            let before = file.ancestors(&gate.id);
            if !measuring.iter().any(|(job, ..)| before.contains(job.id.as_str())) {
                continue;
            }
            let missing: BTreeSet<&str> = measuring
                .iter()
                .map(|(job, ..)| job.id.as_str())
                .filter(|id| *id != gate.id && !before.contains(id))
                .collect();
            findings.extend(missing.into_iter().map(|missing| {
                let message = format!(
                    "gate `{}` does not wait for `{}`, which measures coverage too: its part may be missing",
                    Printable(&gate.id),
                    Printable(missing)
                );
                let about = format!("{} {missing}", gate.id);
                found(&GATE_WITHOUT_A_LANE, file, step.line, about, message)
            }));
        }
    }
    findings
}
