//! Coverage of different runners is combined, and nothing says that their paths are the same files.
//!
//! # What it checks
//!
//! The runners of the jobs whose coverage a gate combines (system, own container), against `[tool.coverage.paths]` and
//! `relative_files`.
//!
//! # Why it matters
//!
//! A file that lies in two places counts as two files, each half covered, or its part is dropped.
//!
//! # Example
//!
//! ```yaml
//! unit:
//!   runs-on: macos-latest
//! heavy:
//!   runs-on: ubuntu-latest
//!   container: python:3.13
//! ```
//!
//! # Remedy
//!
//! Set `relative_files = true` in `[tool.coverage.run]`, or list the places in `[tool.coverage.paths]`.

use std::collections::BTreeSet;

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::PATHS_NOT_MAPPED;
use crate::audit::workflows::{found, gates, measuring};
use crate::ids::Printable;
use crate::workflow::github::render;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if context.coverage.maps_paths {
        return findings;
    }
    for file in context.workflow_files() {
        let measuring = measuring(file);
        for (gate, step) in gates(file) {
            let before = file.ancestors(&gate.id);
            let mut runners: BTreeSet<String> = BTreeSet::new();
            for (job, ..) in measuring.iter().filter(|(job, ..)| before.contains(job.id.as_str())) {
                for row in job.contexts() {
                    let system = render(&job.runs_on, &row).unwrap_or_else(|| job.runs_on.clone());
                    let system =
                        system.split(['-', ',', ' ']).next().unwrap_or_default().to_ascii_lowercase();
                    runners.insert(if job.in_container { "a container".to_owned() } else { system });
                }
            }
            if runners.len() > 1 {
                let listed: Vec<String> =
                    runners.iter().map(|runner| Printable(runner).to_string()).collect();
                let message = format!(
                    "gate `{}` combines coverage of {}, where the project lies in different places",
                    Printable(&gate.id),
                    listed.join(" and ")
                );
                findings.push(found(&PATHS_NOT_MAPPED, file, step.line, &gate.id, message));
            }
        }
    }
    findings
}
