//! A test job starts a service that no test in it needs.
//!
//! # What it checks
//!
//! Every job with `services` whose tests pytest runs with arguments that are understood: what these tests need, by their
//! sources, a run or the manifest, against what the job starts. A job with a test that can't be followed, or with another
//! step that may use the service (a migration), is left alone.
//!
//! # Why it matters
//!
//! Every run pulls and boots the container, and it holds memory, for nothing.
//!
//! # Example
//!
//! ```yaml
//! unit:
//!   services:
//!     elasticsearch: { image: "elasticsearch:8.15.0" }
//!   steps:
//!     - run: pytest tests/unit
//! ```
//!
//! # Remedy
//!
//! Take the service out of the job.

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::IDLE_JOB_SERVICE;
use crate::audit::workflows::{found, selected};
use crate::config::Catalogue;
use crate::ids::Printable;
use crate::inventory::python::{SoughtService, TestFunction};
use crate::report::plural;
use crate::workflow::github::{ServiceContainer, Via, WorkflowJob};

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in context.workflow_files() {
        for job in file.jobs.iter().filter(|job| !job.services.is_empty()) {
            let Some(tests) = tests_of(context, job) else { continue };
            if tests.is_empty() || tests.iter().any(|function| function.opaque) {
                continue;
            }
            for container in &job.services {
                let Some(service) = meant(context, container) else { continue };
                let by_test = tests.iter().any(|function| {
                    function.needs.iter().any(|need| need.service == service.name)
                        || context.seen_to_need(function, &service.name)
                });
                // That nobody in the whole project needs what it depends on is hardly so: SP306 says that.
                let not_followed = context
                    .sources
                    .unfollowed
                    .iter()
                    .any(|found| found.service.as_ref() == Some(&service.name));
                if by_test || not_followed || in_other_step(job, service) {
                    continue;
                }
                let message = format!(
                    "job `{}` starts {}, and none of its {} needs it",
                    Printable(&job.id),
                    Printable(&container.id),
                    plural(tests.len(), "test function")
                );
                let about = format!("{} {}", job.id, container.id);
                findings.push(found(&IDLE_JOB_SERVICE, file, container.line, about, message));
            }
        }
    }
    findings
}

/// Returns the tests of a job; nothing where they are not known.
fn tests_of<'c>(context: &Context<'c>, job: &WorkflowJob) -> Option<Vec<&'c TestFunction>> {
    let mut tests = Vec::new();
    for runner in job.runners() {
        let Via::Pytest(command) = runner.via else { return None };
        let step = job.steps.get(runner.step)?;
        tests.extend(selected(context, job, step, &command)?.chosen);
    }
    Some(tests)
}

/// Returns the service that a container is.
fn meant<'c>(context: &Context<'c>, container: &ServiceContainer) -> Option<&'c SoughtService> {
    let services = &context.sources.services;
    services.iter().find(|service| service.name.as_str() == container.id).or_else(|| {
        let known = Catalogue::embedded().find(&container.id, Some(&container.image))?;
        services.iter().find(|service| service.words.contains(&known.names[0].to_ascii_lowercase()))
    })
}

/// Returns whether a step that runs no tests may use the service.
fn in_other_step(job: &WorkflowJob, service: &SoughtService) -> bool {
    let runners = job.runners();
    let others = job.steps.iter().filter(|step| !runners.iter().any(|runner| runner.step == step.index));
    others.filter_map(|step| step.run.as_deref()).any(|run| {
        let run = run.to_ascii_lowercase();
        run.contains("migrat")
            || run.contains("alembic")
            || service.words.iter().any(|word| run.contains(word))
    })
}
