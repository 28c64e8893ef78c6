//! The workflow files as rules look at them: which jobs measure coverage, which combine it, what a job's tests are.

use std::collections::BTreeSet;

use crate::config::{KeywordExpr, MarkerExpr};
use crate::inventory::python::TestFunction;
use crate::workflow::github::{PytestCommand, Step, Via, WorkflowError, WorkflowFile, WorkflowJob};

use super::context::Context;
use super::finding::{Finding, Spot};
use super::registry::Rule;
use crate::ids::Printable;

/// A workflow file of the project.
#[derive(Debug)]
pub struct AuditedWorkflow {
    /// Its path, relative to the project.
    pub path: String,
    /// Its text.
    pub text: String,
    /// What it says, or why it can't be read.
    pub parsed: Result<WorkflowFile, WorkflowError>,
    /// Files and folders that pytest commands are given and that are not there, relative to the project.
    pub absent: BTreeSet<String>,
}

impl AuditedWorkflow {
    /// Reads a workflow file; `path` is relative to the project, and so is what `exists` is asked for.
    #[must_use]
    pub fn new(path: String, text: String, exists: impl Fn(&str) -> bool) -> Self {
        let parsed = WorkflowFile::parse(&text, &path);
        let mut absent = BTreeSet::new();
        for job in parsed.iter().flat_map(|file| &file.jobs).filter(|job| has_the_project_alone(job)) {
            for runner in job.runners() {
                let (Via::Pytest(command), Some(step)) = (runner.via, job.steps.get(runner.step)) else {
                    continue;
                };
                let script = step.run.as_deref().unwrap_or_default();
                let goes = ["cd ", "pushd ", "--pyargs"].iter().any(|word| script.contains(word));
                if goes && command.folder.is_none() {
                    continue;
                }
                let given: Vec<String> =
                    command.paths.iter().filter(|path| is_for_sure_a_path(path, script)).cloned().collect();
                let paths = below_project(job, step, &command, &given).unwrap_or_default();
                let files = paths.iter().map(|path| file_of(path)).filter(|path| !path.is_empty());
                absent.extend(files.filter(|path| !exists(path)).map(str::to_owned));
            }
        }
        Self { path, text, parsed, absent }
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

/// Returns whether a text of a command is what the run sees: nothing is put in its place there.
fn is_told(text: &str) -> bool {
    !text.contains(['$', '*', '`', '?', '{'])
}

/// Returns the file or folder of what pytest is given.
fn file_of(path: &str) -> &str {
    path.split("::").next().unwrap_or(path)
}

/// Returns whether a word of a script is a file or a folder of tests, and no value of an option that nobody knows here.
fn is_for_sure_a_path(word: &str, script: &str) -> bool {
    let file = file_of(word);
    let words: Vec<&str> = script.split_whitespace().collect();
    let behind_option =
        words.windows(2).any(|pair| pair[1] == word && pair[0].starts_with("--") && !pair[0].contains('='));
    std::path::Path::new(file).extension().is_some_and(|extension| extension == "py")
        || !behind_option && file.split('/').any(|part| part.starts_with("test"))
}

/// Returns the paths of a command, relative to the project; nothing where only the run knows them.
fn below_project(
    job: &WorkflowJob,
    step: &Step,
    command: &PytestCommand,
    paths: &[String],
) -> Option<Vec<String>> {
    let folder = step.working_directory.as_ref().or(job.defaults.working_directory.as_ref());
    let folders = [folder, command.folder.as_ref()];
    if command.elsewhere {
        return None;
    }
    let below = |path: &String| {
        let parts = folders.into_iter().flatten().chain([path]);
        if !parts.clone().all(|part| is_told(file_of(part)) && !part.starts_with(['/', '~'])) {
            return None;
        }
        let (file, names) = path.split_at(file_of(path).len());
        let whole = folders.into_iter().flatten().map(String::as_str).chain([file]);
        let parts: Vec<&str> =
            whole.flat_map(|part| part.split('/')).filter(|part| !matches!(*part, "" | ".")).collect();
        (!parts.contains(&"..")).then(|| parts.join("/") + names)
    };
    paths.iter().map(below).collect()
}

/// Returns whether a job has the files of the project where they are, and no others: it checks out nothing else, and no
/// step before its tests seems to make or fetch any.
fn has_the_project_alone(job: &WorkflowJob) -> bool {
    const MAKES: [&str; 14] = [
        "git ", "curl", "wget", "tar ", "unzip", "cp ", "mv ", "mkdir", "touch", "rsync", "download",
        "generate", "clone", "ln ",
    ];
    let makes =
        |step: &Step| step.run.as_deref().is_some_and(|run| MAKES.iter().any(|word| run.contains(word)));
    let fetches = |step: &Step| {
        step.uses.as_deref().is_some_and(|uses| {
            let elsewhere = step.with.iter().any(|(key, _)| matches!(key.as_str(), "path" | "repository"));
            uses.starts_with("actions/checkout") && elsewhere
                || uses.contains("download")
                || uses.starts_with("./")
        })
    };
    let checks_out =
        |step: &Step| step.uses.as_deref().is_some_and(|uses| uses.starts_with("actions/checkout"));
    job.steps.iter().any(checks_out) && !job.steps.iter().any(|step| makes(step) || fetches(step))
}

/// The tests that a pytest command runs.
pub(super) struct Selected<'c> {
    /// Those in its files and folders.
    pub(super) in_paths: Vec<&'c TestFunction>,
    /// Those among them that its expressions select.
    pub(super) chosen: Vec<&'c TestFunction>,
}

/// Returns why pytest refuses a command: an expression of it is none, or a file is not there. pytest ends with code 4 then.
pub(super) fn refused(
    workflow: &AuditedWorkflow,
    job: &WorkflowJob,
    step: &Step,
    command: &PytestCommand,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let told = |text: &&String| is_told(text) && !text.is_empty();
    if let Some(text) = command.markers.as_ref().filter(told)
        && let Err(error) = text.parse::<MarkerExpr>()
    {
        found.push((format!("-m {text}"), error.to_string()));
    }
    if let Some(text) = command.keyword.as_ref().filter(told)
        && let Err(error) = text.parse::<KeywordExpr>()
    {
        found.push((format!("-k {text}"), error.to_string()));
    }
    for path in below_project(job, step, command, &command.paths).unwrap_or_default() {
        if workflow.absent.contains(file_of(&path)) {
            let message = format!("there is no `{}`", Printable(file_of(&path)));
            found.push((path, message));
        }
    }
    found
}

/// Returns the tests that a command runs; nothing where only the run knows them.
pub(super) fn selected<'c>(
    context: &Context<'c>,
    job: &WorkflowJob,
    step: &Step,
    command: &PytestCommand,
) -> Option<Selected<'c>> {
    let mut texts = command.markers.iter().chain(&command.keyword);
    if command.lists_only || command.shard.is_some() || !texts.all(|text| is_told(text)) {
        return None;
    }
    let inside = |function: &TestFunction, path: &str| {
        let file = file_of(path);
        let here = file.is_empty()
            || *function.file == *file
            || function.file.strip_prefix(file).is_some_and(|rest| rest.starts_with('/'));
        let names =
            |id: &'_ str| id.split_once("::").map_or(String::new(), |(_, names)| format!("{names}::"));
        here && names(&function.id).starts_with(&names(path))
    };
    let whole = [String::new()];
    let given = if command.paths.is_empty() { &whole[..] } else { &command.paths };
    let paths = below_project(job, step, command, given)?;
    let ignored = below_project(job, step, command, &command.ignored)?;
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
    let by_hook = markers
        .as_ref()
        .is_some_and(|markers| markers.names().iter().any(|name| context.sources.is_added_by_hooks(name)));
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
