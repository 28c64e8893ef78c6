//! From the text of a workflow file to its jobs.

use yaml_serde::{Mapping, Value};
use yamlpath::{Component, Document, Route};

use super::{Matrix, RunDefaults, ServiceContainer, Step, WorkflowFile, WorkflowJob, expression};

/// A workflow file that can not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkflowError {
    /// A key stands twice in one mapping: YAML forbids it, and GitHub refuses the file.
    #[error("{path}:{line}: {key} stands twice in one mapping")]
    DuplicateKey {
        /// The file.
        path: String,
        /// The line of the mapping.
        line: usize,
        /// What the reader says of the key.
        key: String,
    },
    /// It is not YAML.
    #[error("{path}:{line}: this is not valid YAML: {message}")]
    NotYaml {
        /// The file.
        path: String,
        /// The line.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// Jobs wait for each other.
    #[error("{path}:{line}: job `{}` waits for itself, directly or through others", .job.escape_debug())]
    Circle {
        /// The file.
        path: String,
        /// The line of the job.
        line: usize,
        /// The job.
        job: String,
    },
    /// It is YAML, but no workflow.
    #[error("{path}: this is no workflow: {message}")]
    NoWorkflow {
        /// The file.
        path: String,
        /// What is missing.
        message: String,
    },
}

impl WorkflowFile {
    /// Returns what a workflow file says; `path` names it in errors.
    pub fn parse(text: &str, path: &str) -> Result<Self, WorkflowError> {
        if let Some(line) = nests_too_deep(text) {
            let message = "brackets nest too deep".to_owned();
            return Err(WorkflowError::NotYaml { path: path.to_owned(), line, message });
        }
        let document: Value = yaml_serde::from_str(text).map_err(|error| broken(&error, path))?;
        let missing =
            |message: &str| WorkflowError::NoWorkflow { path: path.to_owned(), message: message.to_owned() };
        let top = document.as_mapping().ok_or_else(|| missing("it is no mapping"))?;
        let jobs = top.get("jobs").and_then(Value::as_mapping).ok_or_else(|| missing("it has no `jobs`"))?;
        let places = Document::new(text).ok();
        let defaults = run_defaults(top);
        let jobs = jobs
            .iter()
            .filter_map(|(id, job)| Some((id.as_str()?, job.as_mapping()?)))
            .map(|(id, job)| read_job(id, job, &defaults, places.as_ref()))
            .collect();
        let events = match top.get("on").or_else(|| top.get(Value::Bool(true))) {
            Some(Value::String(event)) => vec![event.clone()],
            Some(Value::Sequence(events)) => {
                events.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(Value::Mapping(events)) => {
                events.keys().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let file = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            name: text_at(top, "name"),
            events,
            env: pairs(top.get("env")),
            jobs,
            document: document.clone(),
        };
        match file.jobs.iter().find(|job| file.ancestors(&job.id).contains(job.id.as_str())) {
            Some(job) => {
                Err(WorkflowError::Circle { path: path.to_owned(), line: job.line, job: job.id.clone() })
            }
            None => Ok(file),
        }
    }
}

/// Returns the line of what a route leads to, from 1; of the nearest thing above it where it leads nowhere.
#[must_use]
pub fn line_of(places: &Document, route: &[Component<'_>]) -> usize {
    for length in (1..=route.len()).rev() {
        let route = Route::from(route[..length].to_vec());
        let found = places.query_key_only(&route).or_else(|_| places.query_pretty(&route));
        if let Ok(feature) = found {
            return feature.location.point_span.0.0 + 1;
        }
    }
    1
}

/// Returns the line in which more brackets are open than any parser of YAML takes; scripts close theirs. To find that out
/// itself takes it time by the square of their number.
pub(in crate::workflow) fn nests_too_deep(text: &str) -> Option<usize> {
    const DEEPEST: usize = 1_000;
    let mut open = 0usize;
    text.lines()
        .position(|line| {
            line.bytes().any(|byte| {
                match byte {
                    b'{' | b'[' => open += 1,
                    b'}' | b']' => open = open.saturating_sub(1),
                    _ => {}
                }
                open > DEEPEST
            })
        })
        .map(|line| line + 1)
}

fn broken(error: &yaml_serde::Error, path: &str) -> WorkflowError {
    let line = error.location().map_or(1, |location| location.line());
    let message = error.to_string();
    match message.find("duplicate entry with key ") {
        Some(at) => {
            let key = message[at + "duplicate entry with key ".len()..].trim_end();
            let key = key.split(" at line").next().unwrap_or(key);
            WorkflowError::DuplicateKey {
                path: path.to_owned(),
                line,
                key: format!("`{}`", key.trim_matches('"')),
            }
        }
        None => WorkflowError::NotYaml { path: path.to_owned(), line, message },
    }
}

fn read_job(id: &str, job: &Mapping, above: &RunDefaults, places: Option<&Document>) -> WorkflowJob {
    let line = |route: &[Component<'_>]| {
        let mut whole: Vec<Component<'_>> = vec!["jobs".into(), id.to_owned().into()];
        whole.extend(route.iter().cloned());
        places.map_or(1, |places| line_of(places, &whole))
    };
    let own = run_defaults(job);
    let needs = match job.get("needs") {
        Some(Value::String(need)) => vec![need.clone()],
        Some(Value::Sequence(needs)) => needs.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let services = job.get("services").and_then(Value::as_mapping);
    let services = services.into_iter().flatten().filter_map(|(name, service)| {
        let name = name.as_str()?;
        Some(read_service(name, service, line(&["services".into(), name.to_owned().into()])))
    });
    let steps = job.get("steps").and_then(Value::as_sequence);
    // An item that is no step keeps its place, which is how the file knows the others.
    let none = Mapping::new();
    let steps = steps.into_iter().flatten().enumerate().map(|(index, step)| {
        read_step(index, step.as_mapping().unwrap_or(&none), line(&["steps".into(), index.into()]))
    });
    let strategy = job.get("strategy").and_then(Value::as_mapping);
    WorkflowJob {
        id: id.to_owned(),
        line: line(&[]),
        name: text_at(job, "name"),
        needs,
        condition: text_at(job, "if"),
        runs_on: job.get("runs-on").map(shown).unwrap_or_default(),
        calls: text_at(job, "uses"),
        in_container: job.contains_key("container"),
        env: pairs(job.get("env")),
        timeout_minutes: job.get("timeout-minutes").and_then(Value::as_f64),
        services: services.collect(),
        matrix: strategy.and_then(|strategy| Matrix::of(strategy.get("matrix")?)),
        defaults: RunDefaults {
            working_directory: own.working_directory.or_else(|| above.working_directory.clone()),
            shell: own.shell.or_else(|| above.shell.clone()),
        },
        steps: steps.collect(),
    }
}

fn read_service(id: &str, service: &Value, line: usize) -> ServiceContainer {
    let (image, ports, options) = match service {
        Value::Mapping(service) => {
            let ports = service.get("ports").and_then(Value::as_sequence);
            let ports = ports.into_iter().flatten().map(expression::as_text).collect();
            (
                text_at(service, "image").unwrap_or_default(),
                ports,
                text_at(service, "options").unwrap_or_default(),
            )
        }
        other => (expression::as_text(other), Vec::new(), String::new()),
    };
    ServiceContainer { id: id.to_owned(), line, image, ports, options }
}

fn read_step(index: usize, step: &Mapping, line: usize) -> Step {
    Step {
        index,
        line,
        id: text_at(step, "id"),
        name: text_at(step, "name"),
        condition: text_at(step, "if"),
        uses: text_at(step, "uses"),
        with: pairs(step.get("with")),
        run: text_at(step, "run"),
        env: pairs(step.get("env")),
        working_directory: text_at(step, "working-directory"),
        shell: text_at(step, "shell"),
    }
}

fn run_defaults(of: &Mapping) -> RunDefaults {
    let run = of.get("defaults").and_then(|defaults| defaults.get("run")).and_then(Value::as_mapping);
    RunDefaults {
        working_directory: run.and_then(|run| text_at(run, "working-directory")),
        shell: run.and_then(|run| text_at(run, "shell")),
    }
}

/// Returns the text of a scalar; a mapping or a list is none.
fn text_at(mapping: &Mapping, key: &str) -> Option<String> {
    match mapping.get(key)? {
        Value::Mapping(_) | Value::Sequence(_) | Value::Null => None,
        value => Some(expression::as_text(value)),
    }
}

fn pairs(value: Option<&Value>) -> Vec<(String, String)> {
    let mapping = value.and_then(Value::as_mapping);
    let pairs = mapping.into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.as_str()?.to_owned(), expression::as_text(value)))).collect()
}

/// Returns a value in one line.
fn shown(value: &Value) -> String {
    match value {
        Value::Sequence(items) => items.iter().map(expression::as_text).collect::<Vec<_>>().join(", "),
        Value::Mapping(group) => {
            let words =
                group.iter().map(|(key, value)| format!("{} {}", expression::as_text(key), shown(value)));
            words.collect::<Vec<_>>().join(", ")
        }
        scalar => expression::as_text(scalar),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_is_read_with_its_lines() {
        let file = WorkflowFile::parse(
            "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    services:\n      db:\n        image: postgres:17\n        ports: ['5432:5432']\n    steps:\n      - uses: actions/checkout@v4\n      - run: pytest\n  b:\n    needs: a\n    uses: ./.github/workflows/x.yml\n",
            "ci.yml",
        )
        .unwrap();
        let a = file.job("a").unwrap();
        assert_eq!((a.line, a.services[0].line, a.steps[1].line), (3, 6, 11));
        assert_eq!(a.services[0].ports, ["5432:5432"]);
        assert_eq!(a.runners().len(), 1);
        let b = file.job("b").unwrap();
        assert_eq!(
            (b.needs.as_slice(), b.calls.as_deref()),
            (&["a".to_owned()][..], Some("./.github/workflows/x.yml"))
        );
        assert_eq!(file.events, ["push"]);
    }

    #[test]
    fn a_file_that_is_no_workflow_is_refused_with_its_place() {
        let refused = |text: &str| WorkflowFile::parse(text, "ci.yml").unwrap_err().to_string();
        assert_eq!(refused("a: 1"), "ci.yml: this is no workflow: it has no `jobs`");
        let twice =
            refused("jobs:\n  a:\n    steps:\n      - run: x\n        env: {A: 1}\n        env: {B: 2}\n");
        assert!(twice.contains("`env` stands twice") && twice.starts_with("ci.yml:"), "{twice}");
        assert_eq!(
            refused("jobs:\n  a: {needs: b}\n  b: {needs: [a]}\n"),
            "ci.yml:2: job `a` waits for itself, directly or through others"
        );
        assert!(refused("jobs: [").starts_with("ci.yml:"), "{}", refused("jobs: ["));
        let aliases = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\njobs: {}\n";
        assert!(refused(aliases).contains("repetition limit"), "{}", refused(aliases));
    }

    #[test]
    fn a_job_is_found_by_every_name_that_the_ci_shows_for_it() {
        let file = WorkflowFile::parse(
            "jobs:\n  t:\n    name: tests (py ${{ matrix.py }})\n    strategy: {matrix: {py: [3.11, 3.12]}}\n  u:\n    strategy: {matrix: {os: [a]}}\n  c: {uses: x}\n",
            "ci.yml",
        )
        .unwrap();
        let found = |name: &str| file.job_called(name).map(|job| job.id.as_str());
        assert_eq!(found("tests (py 3.12)"), Some("t"));
        assert_eq!((found("u (a)"), found("u")), (Some("u"), Some("u")));
        assert_eq!(found("c / inner"), Some("c"));
        assert_eq!(found("other"), None);
    }
}
