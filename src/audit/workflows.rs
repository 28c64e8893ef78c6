//! The workflow files as rules look at them: which jobs measure coverage, which combine it, what a job's tests are.

use crate::config::{KeywordExpr, MarkerExpr};
use crate::inventory::python::TestFunction;
use crate::workflow::github::{PytestCommand, Step, Via, WorkflowError, WorkflowFile, WorkflowJob};

use super::context::Context;
use super::finding::{Finding, Spot};
use super::registry::Rule;

/// A workflow file of the project.
#[derive(Debug)]
pub struct AuditedWorkflow {
    /// Its path, relative to the project.
    pub path: String,
    /// Its text.
    pub text: String,
    /// What it says, or why it can't be read.
    pub parsed: Result<WorkflowFile, WorkflowError>,
}

impl AuditedWorkflow {
    /// Reads a workflow file; `path` is relative to the project.
    #[must_use]
    pub fn new(path: String, text: String) -> Self {
        let parsed = WorkflowFile::parse(&text, &path);
        Self { path, text, parsed }
    }
}

impl<'c> Context<'c> {
    /// Returns the workflow files that can be read.
    pub(super) fn workflow_files(&self) -> impl Iterator<Item = &'c WorkflowFile> {
        self.workflows.iter().filter_map(|workflow| workflow.parsed.as_ref().ok())
    }
}

/// Returns a finding in a line of a workflow file; `about` says what it is about, without the line.
pub(super) fn found(
    rule: &'static Rule,
    file: &WorkflowFile,
    line: usize,
    about: impl std::fmt::Display,
    message: impl Into<String>,
) -> Finding {
    let spot = Spot::Line { file: file.path.clone(), line };
    Finding::new(rule, spot, format!("{} {about}", file.path), message)
}

/// Returns the jobs that measure coverage, with the step and the command that do.
pub(super) fn measuring(file: &WorkflowFile) -> Vec<(&WorkflowJob, &Step, PytestCommand)> {
    let mut found = Vec::new();
    for job in &file.jobs {
        for runner in job.runners() {
            if let (Via::Pytest(command), Some(step)) = (runner.via, job.steps.get(runner.step))
                && !command.cov.is_empty()
            {
                found.push((job, step, *command));
            }
        }
    }
    found
}

/// Returns the jobs that combine the coverage of others, each with the step that does. A job that measures by itself
/// and waits for nobody combines only what is its own.
pub(super) fn gates(file: &WorkflowFile) -> Vec<(&WorkflowJob, &Step)> {
    let measures = measuring(file);
    let gate = |job: &'_ WorkflowJob| {
        !job.needs.is_empty() || !measures.iter().any(|(measuring, ..)| measuring.id == job.id)
    };
    let combines = |step: &&Step| step.run.as_deref().is_some_and(|run| run.contains("coverage combine"));
    file.jobs
        .iter()
        .filter(|job| gate(job))
        .filter_map(|job| job.steps.iter().find(combines).map(|step| (job, step)))
        .collect()
}

/// Returns whether a job runs although one that it needs failed.
pub(super) fn runs_always(job: &WorkflowJob) -> bool {
    job.condition
        .as_deref()
        .is_some_and(|condition| condition.contains("always()") || condition.contains("!cancelled()"))
}

/// The tests that a pytest command runs.
pub(super) struct Selected<'c> {
    /// Those in its files and folders.
    pub(super) in_paths: Vec<&'c TestFunction>,
    /// Those among them that its expressions select.
    pub(super) chosen: Vec<&'c TestFunction>,
}

/// Returns the tests that a command runs; nothing where only the run knows them.
pub(super) fn selected<'c>(
    context: &Context<'c>,
    job: &WorkflowJob,
    step: &Step,
    command: &PytestCommand,
) -> Option<Selected<'c>> {
    let known = |text: &str| !text.contains(['$', '*', '`']);
    let texts = command.paths.iter().chain(&command.ignored).chain(&command.markers).chain(&command.keyword);
    if command.elsewhere
        || command.lists_only
        || command.shard.is_some()
        || !texts.clone().all(|text| known(text))
    {
        return None;
    }
    let folder = step.working_directory.as_ref().or(job.defaults.working_directory.as_ref());
    let folder = folder.map_or("", String::as_str);
    if !known(folder) {
        return None;
    }
    let below = |path: &str| {
        let whole = format!("{}/{}", folder.trim_matches('/'), path);
        let parts: Vec<&str> = whole.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        (!parts.contains(&"..")).then(|| parts.join("/"))
    };
    let inside = |function: &TestFunction, path: &str| {
        let file = path.split("::").next().unwrap_or(path);
        let here = file.is_empty()
            || *function.file == *file
            || function.file.strip_prefix(file).is_some_and(|rest| rest.starts_with('/'));
        here && (file == path || format!("{}::", function.id).starts_with(&format!("{path}::")))
    };
    let paths: Vec<String> = command.paths.iter().map(|path| below(path)).collect::<Option<_>>()?;
    let paths = if paths.is_empty() { vec![below("")?] } else { paths };
    let ignored: Vec<String> = command.ignored.iter().map(|path| below(path)).collect::<Option<_>>()?;
    let in_paths: Vec<&TestFunction> = context
        .sources
        .functions
        .iter()
        .filter(|function| paths.iter().any(|path| inside(function, path)))
        .filter(|function| !ignored.iter().any(|path| inside(function, path)))
        .collect();
    let markers = command.markers.as_deref().filter(|text| !text.is_empty());
    let markers: Option<MarkerExpr> = markers.map(str::parse).transpose().ok()?;
    let keyword = command.keyword.as_deref().filter(|text| !text.is_empty());
    let keyword: Option<KeywordExpr> = keyword.map(str::parse).transpose().ok()?;
    // A mark that a hook adds may be on any test.
    let by_hook = markers.as_ref().is_some_and(|markers| {
        markers.names().iter().any(|name| context.sources.marks_by_hooks.contains(*name))
    });
    if by_hook {
        return None;
    }
    let chosen = in_paths.iter().copied().filter(|function| {
        context.items(function).iter().any(|item| {
            markers.as_ref().is_none_or(|markers| markers.selects_marks(&context.marks(function, item)))
                && keyword.as_ref().is_none_or(|keyword| {
                    let mut names: Vec<&str> = function.file.split('/').collect();
                    names.extend(function.classes.iter().map(String::as_str));
                    let whole = format!("{}[{}]", function.name, item.parameters);
                    names.push(&whole);
                    names.extend(context.marks(function, item).iter().map(|(name, _)| *name));
                    keyword.selects(&names)
                })
        })
    });
    Some(Selected { chosen: chosen.collect(), in_paths })
}
