//! A gate writes its report after the threshold was held.
//!
//! # What it checks
//!
//! The order of `coverage report` and `coverage xml`, `html`, `json` or `lcov` in the steps of a combining job.
//!
//! # Why it matters
//!
//! Where the threshold fails the job ends, and the report that would say why is never written.
//!
//! # Example
//!
//! ```yaml
//! - run: coverage combine
//! - run: coverage report --fail-under=80
//! - run: coverage xml
//! ```
//!
//! # Remedy
//!
//! Write the report first, or let its step run `if: always()`.

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::REPORT_AFTER_THRESHOLD;
use crate::audit::workflows::{found, gates};
use crate::ids::Printable;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in context.workflow_files() {
        for (gate, _) in gates(file) {
            let lines = |words: &[&str]| {
                gate.steps.iter().find_map(|step| {
                    let run = step.run.as_deref()?;
                    let line = run.lines().position(|line| words.iter().any(|word| line.contains(word)))?;
                    Some((step.index, line))
                })
            };
            let threshold = lines(&["coverage report"]);
            let report = lines(&["coverage xml", "coverage html", "coverage json", "coverage lcov"]);
            let (Some(threshold), Some(report)) = (threshold, report) else { continue };
            let step = gate.steps.iter().find(|step| step.index == report.0);
            let Some(step) = step.filter(|_| threshold < report) else { continue };
            let always = step.condition.as_deref().is_some_and(|condition| condition.contains("always()"));
            if !always || threshold.0 == report.0 {
                let message = format!(
                    "gate `{}` writes its report after the threshold: where that fails, nobody sees why",
                    Printable(&gate.id)
                );
                findings.push(found(&REPORT_AFTER_THRESHOLD, file, step.line, &gate.id, message));
            }
        }
    }
    findings
}
