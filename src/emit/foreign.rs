//! `emit gitlab`, `emit circleci` and `emit buildkite`: configurations to include in one's own. Image and install
//! steps are a start to be filled in; which shard runs where, with which services, is the lock's.

use yaml_serde::{Mapping, Value};

use super::editor::block;
use super::{EmitError, VERSION, checked, lanes_of, runner_of};
use crate::config::{Config, Runner};
use crate::ids::{LaneName, ServiceName};
use crate::plan::{Lock, LockedShard};

/// The image that tests run in where nothing else is known.
const PYTHON: &str = "python:3.13";

/// How a script runs its shard: the name comes through the environment.
const RUN: &str = "pytest --shardplan \"$SHARDPLAN_SHARD\"";

/// Shards of a lane that start the same services: one job definition.
struct Group<'l> {
    name: String,
    services: &'l [ServiceName],
    runner: Option<&'l Runner>,
    shards: Vec<String>,
}

fn groups<'l>(config: &'l Config, lock: &'l Lock) -> Result<Vec<Group<'l>>, EmitError> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (lane, shards) in lanes_of(lock) {
        let runner = runner_of(config, &shards)?;
        let mut sets: Vec<(&[ServiceName], Vec<String>)> = Vec::new();
        for shard in shards {
            match sets.iter_mut().find(|(services, _)| *services == shard.services.as_slice()) {
                Some((_, names)) => names.push(shard.name.to_string()),
                None => sets.push((&shard.services, vec![shard.name.to_string()])),
            }
        }
        let alone = sets.len() == 1;
        let named = sets.into_iter().map(|(services, shards)| {
            // The job is called after its first shard where the lane has several definitions.
            let name = if alone { format!("test-{lane}") } else { format!("test-{}", shards[0]) };
            Group { name, services, runner, shards }
        });
        groups.extend(named);
    }
    Ok(groups)
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Mapping(entries.into_iter().map(|(key, value)| (Value::from(key), value)).collect())
}

fn list<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Value {
    Value::Sequence(items.into_iter().map(Into::into).collect())
}

fn image_of(config: &Config, service: &ServiceName) -> String {
    config.service(service).and_then(|service| service.image.clone()).unwrap_or_else(|| service.to_string())
}

fn install() -> String {
    format!("python -m pip install shardplan=={VERSION}")
}

fn headed(target: &str, value: &Value) -> String {
    format!("# The shards of shardplan.lock. Written by `shardplan emit {target}`.\n{}\n", block(value, 0))
}

/// Returns jobs for GitLab: a job for each set of services, `parallel:matrix` over its shards.
pub fn gitlab(config: &Config, lock: &Lock) -> Result<String, EmitError> {
    checked(lock)?;
    // GitLab reads `$NAME` in an image's name.
    let plain = |text: String| text.replace('$', "$$");
    let mut jobs = Mapping::new();
    let groups = groups(config, lock)?;
    for group in &groups {
        let services = group.services.iter().map(|service| {
            map([("name", plain(image_of(config, service)).into()), ("alias", service.as_str().into())])
        });
        let mut job = Mapping::new();
        job.insert("stage".into(), "test".into());
        if let Some(runner) = group.runner {
            job.insert("tags".into(), list(runner.runs_on.clone()));
        }
        job.insert("image".into(), PYTHON.into());
        job.insert(
            "parallel".into(),
            map([("matrix", list([map([("SHARDPLAN_SHARD", list(group.shards.clone()))])]))]),
        );
        if !group.services.is_empty() {
            job.insert("services".into(), list(services));
        }
        job.insert("variables".into(), map([("COVERAGE_FILE", ".coverage.$SHARDPLAN_SHARD".into())]));
        job.insert("script".into(), list([install(), RUN.to_owned()]));
        let artifacts =
            map([("when", "always".into()), ("paths", list(["shardplan-results/", ".coverage.*"]))]);
        job.insert("artifacts".into(), artifacts);
        jobs.insert(group.name.as_str().into(), Value::Mapping(job));
    }
    let needs = groups.iter().map(|group| group.name.as_str());
    jobs.insert(
        "shardplan-gate".into(),
        map([
            ("stage", "test".into()),
            ("image", PYTHON.into()),
            ("needs", list(needs)),
            // It also runs when a shard failed or was cancelled, and fails then, because the shard's results are short.
            ("when", "always".into()),
            ("script", list([install(), "shardplan verify shardplan-results".to_owned()])),
        ]),
    );
    Ok(headed("gitlab", &Value::Mapping(jobs)))
}

/// Returns a configuration for `CircleCI`: a job for each set of services, a matrix over its shards.
pub fn circleci(config: &Config, lock: &Lock) -> Result<String, EmitError> {
    checked(lock)?;
    // CircleCI reads `<<` in any text.
    let plain = |text: String| text.replace("<<", "\\<<");
    let mut jobs = Mapping::new();
    let mut runs: Vec<Value> = Vec::new();
    let groups = groups(config, lock)?;
    for group in &groups {
        let mut images = vec![map([("image", "cimg/python:3.13".into())])];
        images.extend(group.services.iter().map(|service| {
            map([("image", plain(image_of(config, service)).into()), ("name", service.as_str().into())])
        }));
        let named = |name: &str, command: &str| {
            map([("run", map([("name", name.into()), ("command", command.into())]))])
        };
        let steps = list([
            "checkout".into(),
            named("Install shardplan", &install()),
            named("Tests of the shard", RUN),
            map([(
                "persist_to_workspace",
                map([("root", ".".into()), ("paths", list(["shardplan-results", ".coverage.*"]))]),
            )]),
            map([("store_artifacts", map([("path", "shardplan-results".into())]))]),
        ]);
        let environment = map([
            ("SHARDPLAN_SHARD", "<< parameters.shard >>".into()),
            ("COVERAGE_FILE", ".coverage.<< parameters.shard >>".into()),
        ]);
        let mut job = Mapping::new();
        job.insert("parameters".into(), map([("shard", map([("type", "string".into())]))]));
        job.insert("docker".into(), list(images));
        if let Some(runner) = group.runner {
            job.insert("resource_class".into(), resource_class(runner)?.into());
        }
        job.insert("environment".into(), environment);
        job.insert("steps".into(), steps);
        jobs.insert(group.name.as_str().into(), Value::Mapping(job));
        let matrix = map([("parameters", map([("shard", list(group.shards.clone()))]))]);
        runs.push(map([(group.name.as_str(), map([("matrix", matrix)]))]));
    }
    jobs.insert(
        "shardplan-gate".into(),
        map([
            ("docker", list([map([("image", "cimg/python:3.13".into())])])),
            (
                "steps",
                list([
                    "checkout".into(),
                    map([("attach_workspace", map([("at", ".".into())]))]),
                    map([("run", install().into())]),
                    map([("run", "shardplan verify shardplan-results".into())]),
                ]),
            ),
        ]),
    );
    let requires = list(groups.iter().map(|group| group.name.as_str()));
    runs.push(map([("shardplan-gate", map([("requires", requires)]))]));
    let config = map([
        ("version", 2.1.into()),
        ("jobs", Value::Mapping(jobs)),
        ("workflows", map([("tests", map([("jobs", Value::Sequence(runs))]))])),
    ]);
    Ok(headed("circleci", &config))
}

/// Returns what `CircleCI` knows a runner by.
fn resource_class(runner: &Runner) -> Result<&str, EmitError> {
    match runner.runs_on.as_slice() {
        [label] => Ok(label),
        labels => Err(EmitError::OneLabel {
            runner: runner.name.clone(),
            count: labels.len(),
            target: "a resource class of CircleCI",
        }),
    }
}

/// Returns the agents of Buildkite that a runner stands for: `key=value` as it is, else a queue.
fn agents(runner: &Runner) -> Result<Value, EmitError> {
    let mut tags = Mapping::new();
    for label in &runner.runs_on {
        let (key, value) = label.split_once('=').unwrap_or(("queue", label));
        if tags.insert(key.into(), value.into()).is_some() {
            let (runner, count) = (runner.name.clone(), runner.runs_on.len());
            return Err(EmitError::OneLabel { runner, count, target: "each key of Buildkite's agents" });
        }
    }
    Ok(Value::Mapping(tags))
}

/// Returns a pipeline for Buildkite: a step for each shard, which starts its services with docker compose.
pub fn buildkite(config: &Config, lock: &Lock) -> Result<String, EmitError> {
    checked(lock)?;
    let mut steps: Vec<Value> = Vec::new();
    let step = |shard: &LockedShard, lane: &LaneName, agents: Option<&Value>| {
        let services: Vec<&str> = shard.services.iter().map(ServiceName::as_str).collect();
        let mut commands: Vec<String> = Vec::new();
        if !services.is_empty() {
            commands.push(format!("docker compose up --detach --wait {}", services.join(" ")));
        }
        commands.push(install());
        // Buildkite fills in `$NAME` when the pipeline is uploaded, unless the sign is doubled.
        commands.push(RUN.replace('$', "$$"));
        let env = map([
            ("SHARDPLAN_SHARD", shard.name.to_string().into()),
            ("COVERAGE_FILE", format!(".coverage.{}", shard.name).into()),
        ]);
        let mut step = Mapping::new();
        step.insert("label".into(), format!("{lane}: {}", shard.name).into());
        step.insert("key".into(), format!("test-{}", shard.name).into());
        if let Some(agents) = agents {
            step.insert("agents".into(), agents.clone());
        }
        step.insert("env".into(), env);
        step.insert("commands".into(), list(commands));
        step.insert("artifact_paths".into(), list(["shardplan-results/**/*", ".coverage.*"]));
        Value::Mapping(step)
    };
    for (lane, shards) in lanes_of(lock) {
        let agents = runner_of(config, &shards)?.map(agents).transpose()?;
        steps.extend(shards.iter().map(|shard| step(shard, lane, agents.as_ref())));
    }
    let keys = lock.shards.iter().map(|shard| format!("test-{}", shard.name));
    steps.push(map([
        ("label", "shardplan gate".into()),
        ("depends_on", list(keys)),
        ("allow_dependency_failure", true.into()),
        (
            "commands",
            list([
                "buildkite-agent artifact download 'shardplan-results/**/*' .".to_owned(),
                install(),
                "shardplan verify shardplan-results".to_owned(),
            ]),
        ),
    ]));
    Ok(headed("buildkite", &map([("steps", Value::Sequence(steps))])))
}
