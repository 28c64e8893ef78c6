//! An upload leaves coverage data files out, because they are hidden.
//!
//! # What it checks
//!
//! Steps with `actions/upload-artifact` whose `path` names files that begin with `.coverage`.
//!
//! # Why it matters
//!
//! The action leaves hidden files out unless it is told otherwise; it warns and goes on. The gate then combines what is
//! left.
//!
//! # Example
//!
//! ```yaml
//! - uses: actions/upload-artifact@v4
//!   with:
//!     path: .coverage.unit
//! ```
//!
//! # Remedy
//!
//! Set `include-hidden-files: true`.

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::HIDDEN_FILE_NOT_UPLOADED;
use crate::audit::workflows::found;
use crate::ids::Printable;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in context.workflow_files() {
        for job in &file.jobs {
            let uploads =
                job.steps.iter().filter(|step| step.action().as_deref() == Some("actions/upload-artifact"));
            let hidden = uploads.filter(|step| {
                let paths = step.input("path").unwrap_or_default();
                let named = paths.lines().any(|path| {
                    path.trim().rsplit('/').next().is_some_and(|name| name.starts_with(".coverage"))
                });
                named && step.input("include-hidden-files") != Some("true")
            });
            findings.extend(hidden.map(|step| {
                let message = format!(
                    "job `{}` uploads `.coverage` files, but hidden files are left out: set `include-hidden-files: true`",
                    Printable(&job.id)
                );
                found(&HIDDEN_FILE_NOT_UPLOADED, file, step.line, &job.id, message)
            }));
        }
    }
    findings
}
