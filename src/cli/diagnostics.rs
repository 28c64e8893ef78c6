//! Errors of the stages as the user sees them: what is wrong, where, and what to do.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::console::{Console, Failure, chain};
use super::exit_status::ExitStatus;
use crate::config::ConfigError;
use crate::model::ModelError;
use crate::plan::PlanError;
use crate::report;

/// Returns a broken manifest as every problem drawn in its place.
pub(super) fn config_failure(error: &ConfigError, console: &Console) -> Failure {
    let renderer = if console.colors_stderr() { Renderer::styled() } else { Renderer::plain() };
    let mut drawn = Vec::new();
    for problem in &error.problems {
        let snippet = Snippet::source(&error.source_text)
            .path(&error.path)
            .annotation(AnnotationKind::Primary.span(problem.span.clone()));
        let mut group = Group::with_title(Level::ERROR.primary_title(&problem.message)).element(snippet);
        if let Some(hint) = &problem.hint {
            group = group.element(Level::HELP.message(hint));
        }
        drawn.push(renderer.render(&[group]));
    }
    Failure::bad_input(chain(error)).with_excerpt(drawn.join("\n\n"))
}

/// Returns why there is no plan.
pub(super) fn plan_failure(error: &PlanError) -> Failure {
    match error {
        PlanError::Model(error) => model_failure(error),
        PlanError::Infeasible { conflict, model } => {
            let mut message = report::conflict_title(conflict);
            for clash in conflict.clashes.iter().chain(&conflict.further) {
                message.push_str("\n  · ");
                message.push_str(&report::clash(model, clash));
            }
            let failure = Failure::new(ExitStatus::Infeasible, message);
            let cures = conflict.cures.iter().map(|cure| report::cure(model, cure));
            if conflict.jointly {
                failure.with_hint(cures.collect::<Vec<_>>().join(", and "))
            } else {
                cures.fold(failure, Failure::with_hint)
            }
        }
        PlanError::Wrong(_) => Failure::new(ExitStatus::Internal, chain(error))
            .with_hint("this is a fault of shardplan: please report it with the manifest and the history"),
    }
}

fn model_failure(error: &ModelError) -> Failure {
    let status = if error.is_conflict() { ExitStatus::Infeasible } else { ExitStatus::BadInput };
    Failure::new(status, chain(error)).with_hint(error.hint())
}
