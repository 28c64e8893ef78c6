//! A GitHub Actions workflow file: its jobs, what they wait for, their services, their matrices, their steps
//! and the tests that these run.
//!
//! The file is read as plain YAML, not into the types of `github-actions-models`: those do not keep a service's
//! ports, and one unusual job would make the whole file unreadable. What can not be known before the run (a
//! matrix that another job computes, a reusable workflow) is named as such and never guessed.

mod containers;
mod expression;
mod matrix;
mod pytest;
mod read;
mod shell;

pub use containers::{ContainerStart, container_starts};
pub use expression::{Context, evaluate, render, template_parts, truthy};
pub use matrix::{MOST_ROWS, Matrix, Row};
pub use pytest::{PytestCommand, TestRunner, Via, find_runners};
pub(super) use read::nests_too_deep;
pub use read::{WorkflowError, line_of};

use yaml_serde::Value;

/// A workflow file.
#[derive(Clone, Debug)]
pub struct WorkflowFile {
    /// Its path as it was given.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Its `name`.
    pub name: Option<String>,
    /// The events that start it.
    pub events: Vec<String>,
    /// Its `env`.
    pub env: Vec<(String, String)>,
    /// Its jobs in the order of the file.
    pub jobs: Vec<WorkflowJob>,
    /// The whole file, for those who look for more.
    pub document: Value,
}

/// A job of a workflow file.
#[derive(Clone, Debug)]
pub struct WorkflowJob {
    /// Its key.
    pub id: String,
    /// The line of its key, from 1.
    pub line: usize,
    /// Its `name`, expressions included.
    pub name: Option<String>,
    /// The ids of the jobs that it waits for.
    pub needs: Vec<String>,
    /// Its `if`.
    pub condition: Option<String>,
    /// Its `runs-on`, as it is written.
    pub runs_on: String,
    /// The workflow that it calls, where it is no job of steps: what happens there is not known here.
    pub calls: Option<String>,
    /// Whether its steps run inside a container of its own.
    pub in_container: bool,
    /// Its `env`.
    pub env: Vec<(String, String)>,
    /// Its `timeout-minutes`, where it is a number.
    pub timeout_minutes: Option<f64>,
    /// Its service containers in the order of the file.
    pub services: Vec<ServiceContainer>,
    /// Its matrix.
    pub matrix: Option<Matrix>,
    /// The folder and the shell that its steps run in, unless they say otherwise.
    pub defaults: RunDefaults,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// `defaults.run`.
#[derive(Clone, Debug, Default)]
pub struct RunDefaults {
    /// The folder.
    pub working_directory: Option<String>,
    /// The shell.
    pub shell: Option<String>,
}

/// A service container of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceContainer {
    /// Its key.
    pub id: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its image, expressions included.
    pub image: String,
    /// Its ports as they are written.
    pub ports: Vec<String>,
    /// Its options: health checks and more.
    pub options: String,
}

/// A step of a job.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its position in the job.
    pub index: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its `id`.
    pub id: Option<String>,
    /// Its `name`.
    pub name: Option<String>,
    /// Its `if`.
    pub condition: Option<String>,
    /// The action that it uses.
    pub uses: Option<String>,
    /// What it gives to the action.
    pub with: Vec<(String, String)>,
    /// Its script.
    pub run: Option<String>,
    /// Its `env`.
    pub env: Vec<(String, String)>,
    /// The folder that it runs in.
    pub working_directory: Option<String>,
    /// Its shell.
    pub shell: Option<String>,
}

impl WorkflowFile {
    /// Returns the job of an id.
    #[must_use]
    pub fn job(&self, id: &str) -> Option<&WorkflowJob> {
        self.jobs.iter().find(|job| job.id == id)
    }

    /// Returns the job that is called so: by its id, else by the name that the CI shows, one of its matrix
    /// rows included.
    #[must_use]
    pub fn job_called(&self, name: &str) -> Option<&WorkflowJob> {
        self.job(name).or_else(|| self.jobs.iter().find(|job| job.is_shown_as(name)))
    }

    /// Returns the ids of the jobs that a job waits for, directly or not, sorted.
    #[must_use]
    pub fn ancestors(&self, id: &str) -> std::collections::BTreeSet<&str> {
        let mut found = std::collections::BTreeSet::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            for need in self.job(id).into_iter().flat_map(|job| &job.needs) {
                if found.insert(need.as_str()) {
                    open.push(need);
                }
            }
        }
        found
    }
}

impl WorkflowJob {
    /// Returns the rows of its matrix; one empty row where it has none, nothing where only the run knows them.
    #[must_use]
    pub fn rows(&self) -> Option<Vec<Row>> {
        self.matrix.as_ref().map_or_else(|| Some(vec![Row::default()]), Matrix::rows)
    }

    /// Returns what is known of each of its rows before the run; once nothing where only the run knows them.
    #[must_use]
    pub fn contexts(&self) -> Vec<Context> {
        let Some(matrix) = &self.matrix else { return vec![Row::default().context()] };
        matrix.contexts().unwrap_or_else(|| vec![Context::default()])
    }

    /// Returns the dimensions of its matrix that number the groups of pytest-split, whether `--group` names them
    /// itself or through a variable of the environment.
    #[must_use]
    pub fn split_dimensions(&self) -> Vec<String> {
        let Some(Matrix::Written { dimensions, .. }) = &self.matrix else { return Vec::new() };
        let dimension = |runner: TestRunner| {
            let Via::Pytest(command) = runner.via else { return None };
            let group = command.group?;
            let variable = group.strip_prefix('$').filter(|name| !name.starts_with("{{"));
            let variable = variable.map(|name| name.trim_start_matches('{').trim_end_matches('}'));
            let group = match variable {
                Some(name) => {
                    let mut env = self.steps[runner.step].env.iter().chain(&self.env);
                    env.find(|(known, _)| known == name).map(|(_, value)| value.clone())?
                }
                None => group,
            };
            let inner =
                group.trim().strip_prefix("${{")?.strip_suffix("}}")?.trim().strip_prefix("matrix.")?;
            dimensions.iter().map(|(name, _)| name).find(|name| *name == inner).cloned()
        };
        let mut found: Vec<String> = self.runners().into_iter().filter_map(dimension).collect();
        found.sort();
        found.dedup();
        found
    }

    /// Returns the name that the CI shows for one row of its matrix; nothing where only the run knows it.
    #[must_use]
    pub fn shown_name(&self, row: &Row) -> Option<String> {
        match &self.name {
            Some(name) => render(name, &row.context()),
            None => Some(row.appended_to(&self.id)),
        }
    }

    /// Returns the beginning of the name that the CI shows for all its rows: up to the first expression.
    #[must_use]
    pub fn stem(&self) -> &str {
        let name = self.name.as_deref().unwrap_or(&self.id);
        name.find("${{").map_or(name, |at| name[..at].trim_end())
    }

    /// Returns whether the CI shows this job, or one row of its matrix, under this name.
    #[must_use]
    pub fn is_shown_as(&self, shown: &str) -> bool {
        if let Some(rows) = self.rows() {
            let mut names = rows.iter().filter_map(|row| self.shown_name(row));
            if names.any(|name| name == shown) {
                return true;
            }
        }
        let stem = self.stem();
        if self.name.as_deref().unwrap_or(&self.id) == stem {
            // GitHub adds the row in brackets, and the job of a called workflow behind a slash.
            let rest = shown.strip_prefix(stem);
            return rest.is_some_and(|rest| {
                rest.is_empty()
                    || (self.matrix.is_some() && rest.starts_with(" ("))
                    || (self.calls.is_some() && rest.starts_with(" / "))
            });
        }
        let template = self.name.as_deref().unwrap_or_default();
        !stem.is_empty() && expression::fits(template, shown)
    }

    /// Returns the folder in which a step runs, below it the one that its script went to; nothing where that is the
    /// repository's own.
    #[must_use]
    pub fn folder_of(&self, step: usize, gone_to: Option<&str>) -> Option<String> {
        let own = self.steps.get(step).and_then(|step| step.working_directory.as_ref());
        let own = own.or(self.defaults.working_directory.as_ref());
        let own = own.map(|folder| folder.trim_start_matches("./").trim_end_matches('/'));
        let parts =
            [own, gone_to].into_iter().flatten().filter(|folder| !folder.is_empty() && *folder != ".");
        let folder = parts.collect::<Vec<_>>().join("/");
        (!folder.is_empty()).then_some(folder)
    }

    /// Returns the test runners in its steps. Where the matrix decides what a script runs, it is read once for each
    /// row: what runs tests in none of them is no runner, and one that only a row shows can't be edited, so that it
    /// counts as wrapped.
    #[must_use]
    pub fn runners(&self) -> Vec<TestRunner> {
        self.steps.iter().flat_map(|step| self.runners_of(step)).collect()
    }

    fn runners_of(&self, step: &Step) -> Vec<TestRunner> {
        let found = pytest::find_runners(step);
        let script = step.run.as_deref().unwrap_or_default();
        let wrapped = |runner: &TestRunner| matches!(runner.via, Via::Wrapped(_));
        if !script.contains("matrix.") || !found.iter().all(wrapped) {
            return found;
        }
        let contexts = self.contexts();
        let mut runners = contexts.iter().flat_map(|context| {
            let script = expression::render_known(script, context);
            pytest::find_runners(&Step { run: Some(script), ..step.clone() })
        });
        if !found.is_empty() {
            return if runners.next().is_some() { found } else { Vec::new() };
        }
        let words = runners.find_map(|runner| match runner.via {
            Via::Wrapped(words) => Some(words),
            Via::Pytest(command) => Some([&command.launcher[..], &["pytest".to_owned()]].concat().join(" ")),
            Via::Other(_) => None,
        });
        words.map(|words| TestRunner { step: step.index, via: Via::Wrapped(words) }).into_iter().collect()
    }
}

impl Step {
    /// Returns the first step of a job, which only runs a script.
    #[must_use]
    pub fn of_script(script: &str) -> Self {
        Self {
            index: 0,
            line: 1,
            id: None,
            name: None,
            condition: None,
            uses: None,
            with: Vec::new(),
            run: Some(script.to_owned()),
            env: Vec::new(),
            working_directory: None,
            shell: None,
        }
    }

    /// Returns how the step is called when it is spoken of.
    #[must_use]
    pub fn title(&self) -> String {
        match (&self.name, &self.uses, &self.run) {
            (Some(name), _, _) => name.clone(),
            (None, Some(uses), _) => uses.clone(),
            (None, None, Some(run)) => run.lines().next().unwrap_or_default().to_owned(),
            (None, None, None) => format!("step {}", self.index + 1),
        }
    }

    /// Returns the action without its version, in lower case.
    #[must_use]
    pub fn action(&self) -> Option<String> {
        let uses = self.uses.as_deref()?;
        Some(uses.split('@').next().unwrap_or(uses).to_ascii_lowercase())
    }

    /// Returns an input of the action.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<&str> {
        let found = self.with.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}
