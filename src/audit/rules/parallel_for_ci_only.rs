//! `parallel = true` is set for every run, and only CI has parts to combine.
//!
//! # What it checks
//!
//! `parallel` in the coverage settings, where every measuring job of the workflow uses pytest-cov, which combines its own
//! parts, and a gate combines those of the jobs.
//!
//! # Why it matters
//!
//! Everybody who measures at home finds files named after the machine and the process, and reports that show nothing
//! until they are combined.
//!
//! # Example
//!
//! ```toml
//! [tool.coverage.run]
//! parallel = true
//! ```
//!
//! # Remedy
//!
//! Remove it, and name the parts in the jobs: `COVERAGE_FILE: .coverage.unit`.

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::PARALLEL_FOR_CI_ONLY;
use crate::audit::workflows::{gates, measuring};
use crate::workflow::github::WorkflowFile;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(line) = context.coverage.parallel else { return Vec::new() };
    let by_pytest = |file: &&WorkflowFile| {
        let measuring = measuring(file);
        let by_coverage = file
            .jobs
            .iter()
            .flat_map(|job| &job.steps)
            .any(|step| step.run.as_deref().is_some_and(|run| run.contains("coverage run")));
        !measuring.is_empty() && !by_coverage && !gates(file).is_empty()
    };
    if !context.workflow_files().any(|file| by_pytest(&file)) {
        return Vec::new();
    }
    let spot = Spot::Line { file: context.coverage.file.clone(), line };
    let message = "`parallel` is on for every run on every machine, and only the jobs of CI have parts to combine: name these by COVERAGE_FILE";
    vec![Finding::new(&PARALLEL_FOR_CI_ONLY, spot, context.coverage.file.clone(), message)]
}
