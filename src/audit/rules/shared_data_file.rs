//! Two lanes write coverage data files of one name.
//!
//! # What it checks
//!
//! The name of the data file (`COVERAGE_FILE`, else `.coverage`) of every job that measures coverage, where a job
//! combines it.
//!
//! # Why it matters
//!
//! Where the files come together one overwrites the other, and its lines count as not covered.
//!
//! # Example
//!
//! ```yaml
//! unit:
//!   steps:
//!     - run: pytest tests/unit --cov
//! heavy:
//!   steps:
//!     - run: pytest tests/heavy --cov  # `.coverage` as well
//! ```
//!
//! # Remedy
//!
//! Set `COVERAGE_FILE: .coverage.unit` in the one and `.coverage.heavy` in the other.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::SHARED_DATA_FILE;
use crate::audit::workflows::{found, gates, measuring};
use crate::ids::Printable;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in context.workflow_files().filter(|file| !gates(file).is_empty()) {
        let mut owners: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for (job, step, _) in measuring(file) {
            let levels = [&step.env, &job.env, &file.env];
            let named = levels.into_iter().flatten().find(|(name, _)| name == "COVERAGE_FILE");
            let data = named.map_or_else(|| ".coverage".to_owned(), |(_, value)| value.clone());
            let jobs = owners.entry(data.clone()).or_default();
            let others: Vec<&str> = jobs.iter().copied().filter(|other| *other != job.id).collect();
            if let Some(other) = others.first() {
                let message = format!(
                    "jobs `{}` and `{}` both write `{}`: set COVERAGE_FILE to a name of each job's own",
                    Printable(other),
                    Printable(&job.id),
                    Printable(&data)
                );
                findings.push(found(&SHARED_DATA_FILE, file, step.line, &job.id, message));
            }
            jobs.insert(&job.id);
        }
    }
    findings
}
