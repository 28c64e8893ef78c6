//! An upload of coverage parts matches nothing: pytest-cov has combined them.
//!
//! # What it checks
//!
//! Uploads of `.coverage.*` in jobs that measure with pytest-cov alone: it combines its parts when it ends and leaves
//! `.coverage`, unless `COVERAGE_FILE` names another file.
//!
//! # Why it matters
//!
//! The artifact is empty or missing, the upload is green, and the gate combines the other lanes.
//!
//! # Example
//!
//! ```yaml
//! - run: pytest --cov=app -n 4
//! - uses: actions/upload-artifact@v4
//!   with: { path: .coverage.*, include-hidden-files: true }
//! ```
//!
//! # Remedy
//!
//! Set `COVERAGE_FILE: .coverage.unit` for the tests and upload that file; set `if-no-files-found: error`.

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::EMPTY_UPLOAD;
use crate::audit::workflows::{found, measuring};
use crate::ids::Printable;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in context.workflow_files() {
        for (job, step, command) in measuring(file) {
            let renamed = [&step.env, &job.env, &file.env]
                .into_iter()
                .flatten()
                .any(|(name, value)| name == "COVERAGE_FILE" && value.contains(".coverage."));
            let by_coverage = command.launcher.iter().any(|word| word == "coverage");
            // Whoever moves the file, or runs `coverage` beside it, may well write such a name.
            let touched = job.steps.iter().any(|other| {
                other.run.as_deref().is_some_and(|run| {
                    run.contains("coverage run") || run.contains(".coverage") || run.contains("COVERAGE_FILE")
                })
            });
            if renamed || by_coverage || touched {
                continue;
            }
            let upload = job.steps.iter().skip(step.index + 1).find(|other| {
                let paths = other.input("path").unwrap_or_default();
                let mut paths =
                    paths.lines().map(str::trim).filter(|path| !path.is_empty() && !path.starts_with('!'));
                other.action().as_deref() == Some("actions/upload-artifact")
                    && paths.all(|path| path.rsplit('/').next() == Some(".coverage.*"))
                    && other.input("path").is_some()
            });
            if let Some(upload) = upload {
                let message = format!(
                    "job `{}` uploads `.coverage.*`, and pytest-cov has combined such files into `.coverage`: nothing is there",
                    Printable(&job.id)
                );
                findings.push(found(&EMPTY_UPLOAD, file, upload.line, &job.id, message));
            }
        }
    }
    findings
}
