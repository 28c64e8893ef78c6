//! A key stands twice in one mapping of a workflow file.
//!
//! # What it checks
//!
//! Every workflow file, as YAML.
//!
//! # Why it matters
//!
//! YAML forbids it and GitHub refuses the file; a tool that takes the last one loses the first without a word.
//!
//! # Example
//!
//! ```yaml
//! - run: pytest
//!   env: { DATABASE_URL: postgres://db/test }
//!   env: { COVERAGE_FILE: .coverage.unit }
//! ```
//!
//! # Remedy
//!
//! Put both into one mapping.

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::DUPLICATE_KEY;
use crate::ids::Printable;
use crate::workflow::github::WorkflowError;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let twice = context.workflows.iter().filter_map(|workflow| match &workflow.parsed {
        Err(WorkflowError::DuplicateKey { line, key, .. }) => Some(Finding::new(
            &DUPLICATE_KEY,
            Spot::Line { file: workflow.path.clone(), line: *line },
            format!("{} {key}", workflow.path),
            format!("{} stands twice in one mapping: the file can not be read", Printable(key)),
        )),
        _ => None,
    });
    twice.collect()
}
