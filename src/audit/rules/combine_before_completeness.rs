//! A gate combines whatever parts are there, although a lane may be missing.
//!
//! # What it checks
//!
//! Combining jobs that run although a lane failed or was cancelled (`if: always()`), without a look at the results of
//! what they need before they combine.
//!
//! # Why it matters
//!
//! A part of the shards gives a part of the coverage. It is held against the threshold of the whole, or passes it.
//!
//! # Example
//!
//! ```yaml
//! coverage:
//!   if: always()
//!   needs: [unit, heavy]
//!   steps:
//!     - uses: actions/download-artifact@v4
//!     - run: coverage combine
//! ```
//!
//! # Remedy
//!
//! Look at `needs.*.result` first, or prove that every test ran: `shardplan verify` before `coverage combine`.

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::COMBINE_BEFORE_COMPLETENESS;
use crate::audit::workflows::{found, gates, runs_always};
use crate::ids::Printable;
use crate::workflow::github::Step;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in context.workflow_files() {
        for (gate, step) in gates(file) {
            if gate.needs.is_empty() || !runs_always(gate) {
                continue;
            }
            let looks = |text: &str| {
                (text.contains("needs.") && text.contains("result"))
                    || text.contains("toJSON(needs)")
                    || text.contains("shardplan verify")
            };
            let in_step = |other: &Step| {
                let texts =
                    other.condition.iter().chain(&other.run).chain(other.env.iter().map(|(_, value)| value));
                let given = other.with.iter().map(|(_, value)| value);
                texts.chain(given).any(|text| looks(text))
            };
            let looked = gate.condition.as_deref().is_some_and(looks)
                || gate.steps.iter().take_while(|other| other.index <= step.index).any(in_step);
            if !looked {
                let message = format!(
                    "gate `{}` runs whatever its lanes did, and combines without a look at their results: a part is taken for the whole",
                    Printable(&gate.id)
                );
                findings.push(found(&COMBINE_BEFORE_COMPLETENESS, file, step.line, &gate.id, message));
            }
        }
    }
    findings
}
