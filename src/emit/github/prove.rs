//! The proof that a workflow file runs a lock: it is read as any workflow file is, and what its jobs would run is
//! held against the lock. It knows nothing of how the file was written.

use std::collections::{BTreeMap, BTreeSet};

use super::super::EmitError;
use super::service_id;
use crate::config::Config;
use crate::plan::Lock;
use crate::workflow::github::{Via, WorkflowFile, WorkflowJob, render};
use crate::workflow::{SHARD_VARIABLE, shards_of};

/// Fails unless the file runs every shard of the lock, each with its services and no others that the manifest
/// knows, and nothing that the lock does not have; and unless every job of a lane is needed by a gate that also
/// runs when one of them fails.
pub fn prove(file: &WorkflowFile, config: &Config, lock: &Lock) -> Result<(), EmitError> {
    let mut found: BTreeMap<String, BTreeSet<BTreeSet<String>>> = BTreeMap::new();
    let mut jobs: BTreeSet<&str> = BTreeSet::new();
    for job in file.jobs.iter().filter(|job| !shards_of(job).is_empty()) {
        jobs.insert(&job.id);
        for (shard, services) in runs_of(job, config)? {
            found.entry(shard).or_default().insert(services);
        }
    }
    for shard in &lock.shards {
        let wanted: BTreeSet<String> = shard.services.iter().map(ToString::to_string).collect();
        match found.remove(shard.name.as_str()) {
            None => return Err(not_proven(format!("no job runs shard `{}`", shard.name))),
            // Where the team's own condition starts a service in some rows of the matrix alone, all rows together
            // are what the shard starts.
            Some(services) if services.iter().flatten().cloned().collect::<BTreeSet<_>>() != wanted => {
                return Err(not_proven(format!(
                    "shard `{}` starts {services:?} and not {wanted:?}",
                    shard.name
                )));
            }
            Some(_) => {}
        }
    }
    if let Some((shard, _)) = found.first_key_value() {
        return Err(not_proven(format!("a job runs shard `{shard}`, which the lock does not have")));
    }
    // A job that runs one lane runs no other.
    for job in file.jobs.iter().filter(|job| jobs.contains(job.id.as_str())) {
        let lanes: BTreeSet<_> = shards_of(job)
            .iter()
            .filter_map(|shard| lock.shards.iter().find(|known| known.name.as_str() == shard.as_str()))
            .map(|shard| &shard.lane)
            .collect();
        if lanes.len() != 1 {
            return Err(not_proven(format!("job `{}` runs shards of {} lanes", job.id, lanes.len())));
        }
        prove_runner(job, config, lock)?;
    }
    let gated = file.jobs.iter().any(|gate| {
        let always = gate.condition.as_deref().is_some_and(|condition| condition.contains("always()"));
        always && jobs.iter().all(|job| gate.needs.iter().any(|need| need == job))
    });
    if gated { Ok(()) } else { Err(not_proven("no gate needs all of the lanes' jobs".to_owned())) }
}

/// Fails unless a job is on the runner that the lock has all its shards on, where it names one.
fn prove_runner(job: &WorkflowJob, config: &Config, lock: &Lock) -> Result<(), EmitError> {
    let of_job = shards_of(job);
    for shard in lock.shards.iter().filter(|shard| of_job.iter().any(|name| name == shard.name.as_str())) {
        let Some(runner) = &shard.runner else { continue };
        let known = config.runners.iter().find(|known| known.name == *runner);
        if known.is_none_or(|known| job.runs_on != known.runs_on.join(", ")) {
            let (name, on) = (&shard.name, &job.runs_on);
            return Err(not_proven(format!("shard `{name}` is on `{on}` and not on runner `{runner}`")));
        }
    }
    Ok(())
}

fn not_proven(why: String) -> EmitError {
    EmitError::NotProven(why)
}

/// Returns the shards that a job runs, with the manifest's services that each starts, over the rows of its matrix.
fn runs_of(job: &WorkflowJob, config: &Config) -> Result<Vec<(String, BTreeSet<String>)>, EmitError> {
    let unknown = |what: &str| not_proven(format!("job `{}`: {what} is known only when it runs", job.id));
    let mut runs = Vec::new();
    for context in job.contexts() {
        let mut shards = BTreeSet::new();
        for step in &job.steps {
            let Some((_, template)) = step.env.iter().find(|(name, _)| name == SHARD_VARIABLE) else {
                continue;
            };
            let shard = render(template, &context).ok_or_else(|| unknown("its shard"))?;
            let options =
                step.env.iter().find(|(name, _)| name == "PYTEST_ADDOPTS").map(|(_, value)| value.as_str());
            let options = options.and_then(|options| render(options, &context)).unwrap_or_default();
            let handed = options.contains(&format!("--shardplan={shard}"));
            let commands = crate::workflow::github::find_runners(step);
            let all = commands.iter().all(|runner| match &runner.via {
                Via::Pytest(command) => handed || command.shard.as_deref() == Some("$SHARDPLAN_SHARD"),
                Via::Wrapped(_) => handed,
                Via::Other(_) => true,
            });
            if !all || commands.is_empty() {
                return Err(not_proven(format!("job `{}`: a step runs tests without a shard", job.id)));
            }
            shards.insert(shard);
        }
        let [shard] = &Vec::from_iter(shards)[..] else {
            return Err(not_proven(format!("job `{}`: its steps run several shards", job.id)));
        };
        let mut services = BTreeSet::new();
        for service in &config.services {
            let Some(id) = service_id(job, service.name.as_str()) else { continue };
            let image =
                job.services.iter().find(|service| service.id == id).map(|service| service.image.as_str());
            // An image that other things than the matrix decide is started as it always was.
            let image = image.and_then(|image| render(image, &context)).unwrap_or_else(|| "?".to_owned());
            if !image.is_empty() {
                services.insert(service.name.to_string());
            }
        }
        runs.push((shard.clone(), services));
    }
    // A step that runs tests and names no shard would run them all, once for each row.
    for runner in job.runners().iter().filter(|runner| matches!(runner.via, Via::Pytest(_))) {
        let step = &job.steps[runner.step];
        if !step.env.iter().any(|(name, _)| name == SHARD_VARIABLE) {
            return Err(not_proven(format!("job `{}`: a step runs tests without a shard", job.id)));
        }
    }
    Ok(runs)
}
