//! A pytest command of the workflow selects no test.
//!
//! # What it checks
//!
//! `-m` and `-k` of every pytest command in the workflow files, against the tests in the files and folders that it is
//! given; whether they are expressions at all; and whether those files and folders are there, in jobs that make or fetch
//! none. Marks that a hook adds are left alone: only running tells who bears them.
//!
//! # Why it matters
//!
//! pytest ends with code 5, or 4 where it can't read what it is given, or the job forgives that and is green: a whole
//! suite runs nowhere.
//!
//! # Example
//!
//! ```yaml
//! - run: pytest tests -m integraton || [ $? -eq 5 ]
//! ```
//!
//! # Remedy
//!
//! Correct the expression or the path, or mark the tests.

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::SELECTS_NOTHING;
use crate::audit::workflows::{found, refused, selected};
use crate::ids::Printable;
use crate::report::plural;
use crate::workflow::github::Via;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for workflow in context.workflows {
        let Ok(file) = &workflow.parsed else { continue };
        for job in &file.jobs {
            for runner in job.runners() {
                let (Via::Pytest(command), Some(step)) = (runner.via, job.steps.get(runner.step)) else {
                    continue;
                };
                let refused = refused(workflow, job, step, &command);
                if !refused.is_empty() {
                    for (about, why) in refused {
                        let message =
                            format!("pytest refuses its command in job `{}`: {why}", Printable(&job.id));
                        findings.push(found(
                            &SELECTS_NOTHING,
                            file,
                            step.line,
                            format!("{} {about}", job.id),
                            message,
                        ));
                    }
                    continue;
                }
                let Some(tests) = selected(context, job, step, &command) else { continue };
                if tests.in_paths.is_empty() || !tests.chosen.is_empty() {
                    continue;
                }
                let mut words = Vec::new();
                words.extend(command.markers.as_ref().map(|text| format!("`-m {}`", Printable(text))));
                words.extend(command.keyword.as_ref().map(|text| format!("`-k {}`", Printable(text))));
                let message = format!(
                    "{} of job `{}` selects none of {}",
                    words.join(" with "),
                    Printable(&job.id),
                    plural(tests.in_paths.len(), "test function")
                );
                let about = format!("{} {}", job.id, words.join(" "));
                findings.push(found(&SELECTS_NOTHING, file, step.line, about, message));
            }
        }
    }
    findings
}
