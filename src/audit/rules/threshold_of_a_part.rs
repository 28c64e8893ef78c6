//! A lane holds its part of the coverage against the threshold of the whole.
//!
//! # What it checks
//!
//! Jobs that measure coverage with pytest-cov beside a job that combines it: `--cov-fail-under` in the command, or
//! `fail_under` in the coverage settings where the command says nothing.
//!
//! # Why it matters
//!
//! A lane covers a part of the code. It fails for no reason, or the threshold is lowered until it holds nothing.
//!
//! # Example
//!
//! ```yaml
//! unit:
//!   steps:
//!     - run: pytest tests/unit --cov=app --cov-fail-under=80
//! coverage:
//!   needs: [unit, heavy]
//!   steps:
//!     - run: coverage combine
//! ```
//!
//! # Remedy
//!
//! Pass `--cov-fail-under=0` in the lanes and hold the threshold in the gate: `coverage report --fail-under=80`.

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::THRESHOLD_OF_A_PART;
use crate::audit::workflows::{found, gates, measuring};
use crate::ids::Printable;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in context.workflow_files().filter(|file| !gates(file).is_empty()) {
        for (job, step, command) in measuring(file) {
            let by_file = || {
                let (_, threshold) = context.coverage.fail_under.clone()?;
                Some((threshold, format!(" of `{}`", context.coverage.file)))
            };
            let held = match command.cov_fail_under {
                Some(threshold) => Some((threshold, String::new())),
                None => by_file(),
            };
            let Some((threshold, of)) =
                held.filter(|(threshold, _)| !threshold.trim_matches(['0', '.']).is_empty())
            else {
                continue;
            };
            let message = format!(
                "job `{}` holds its part of the coverage against {}{of}: the threshold is for the sum, in the gate",
                Printable(&job.id),
                Printable(&threshold)
            );
            findings.push(found(&THRESHOLD_OF_A_PART, file, step.line, &job.id, message));
        }
    }
    findings
}
