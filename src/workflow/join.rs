//! The manifest completed by the workflow file that it names: the jobs around the lanes, with what they wait for
//! and what the history says they take.

use std::collections::{BTreeMap, BTreeSet};

use super::github::{WorkflowFile, WorkflowJob};
use super::times::times_of;
use crate::config::{Config, Job, Origin, Sourced};
use crate::ids::{JobName, LaneName, Printable};
use crate::ingest::JobObservation;

/// Which lane every job of a workflow file belongs to, by the job's id.
pub type LaneJobs<'w> = BTreeMap<&'w str, LaneName>;

/// Returns which jobs of the file are lanes: those that a lane's `job` names, and those that run one of the
/// pinned shards, whose lanes `shards` holds.
#[must_use]
pub fn lane_jobs<'w>(
    config: &Config,
    file: &'w WorkflowFile,
    shards: &BTreeMap<String, LaneName>,
) -> LaneJobs<'w> {
    let mut jobs = LaneJobs::new();
    for lane in &config.lanes {
        // Without `job`, a lane is run by the job of its own name.
        let called = lane.job.as_deref().unwrap_or(lane.name.as_str());
        if let Some(job) = file.job_called(called) {
            jobs.entry(job.id.as_str()).or_insert_with(|| lane.name.clone());
        }
    }
    for job in &file.jobs {
        let lane = shards_of(job).into_iter().find_map(|shard| shards.get(&shard));
        if let Some(lane) = lane {
            jobs.entry(job.id.as_str()).or_insert_with(|| lane.clone());
        }
    }
    jobs
}

/// Returns the shards that a job runs, over all rows of its matrix: those its steps name in their environment.
#[must_use]
pub fn shards_of(job: &WorkflowJob) -> BTreeSet<String> {
    let named = job.steps.iter().flat_map(|step| &step.env);
    let templates: Vec<&String> =
        named.filter(|(name, _)| name == super::SHARD_VARIABLE).map(|(_, value)| value).collect();
    let contexts = job.contexts();
    let rendered = contexts.iter().flat_map(|context| {
        templates.iter().filter_map(move |template| super::github::render(template, context))
    });
    rendered.collect()
}

/// Adds to the manifest what the workflow file says of the jobs around the lanes, and returns what the user
/// should know about it. What the manifest itself says of a job stands.
pub fn complete(
    config: &mut Config,
    file: &WorkflowFile,
    observed: &[JobObservation],
    shards: &BTreeMap<String, LaneName>,
) -> Vec<String> {
    let before = config.clone();
    let mut notes = add(config, file, observed, shards);
    if !is_sound(config) {
        *config = before;
        notes = vec![format!(
            "{}: together with the manifest its jobs wait for each other in a circle, or one lane for another: the jobs of the file are left out.",
            file.path
        )];
    }
    notes
}

/// Returns whether no lane is reached from a lane, and no job from itself.
fn is_sound(config: &Config) -> bool {
    let lanes = config.lanes.iter().map(|lane| (lane.name.as_str(), &lane.needs));
    let jobs = config.workflow.jobs.iter().map(|job| (job.name.as_str(), &job.needs));
    let mut order = petgraph::graphmap::DiGraphMap::<&str, ()>::new();
    for (name, needs) in lanes.chain(jobs) {
        for need in needs {
            order.add_edge(need.value.as_str(), name, ());
        }
    }
    let lanes: Vec<&str> = config.lanes.iter().map(|lane| lane.name.as_str()).collect();
    let reaches = |from: &str, to: &str| {
        order.contains_node(from)
            && order.contains_node(to)
            && petgraph::algo::has_path_connecting(&order, from, to, None)
    };
    let apart = lanes.iter().all(|a| lanes.iter().all(|b| a == b || !reaches(a, b)));
    apart && !petgraph::algo::is_cyclic_directed(&order)
}

fn add(
    config: &mut Config,
    file: &WorkflowFile,
    observed: &[JobObservation],
    shards: &BTreeMap<String, LaneName>,
) -> Vec<String> {
    let mut notes = Vec::new();
    let lanes = lane_jobs(config, file, shards);
    let declared: BTreeSet<String> = config.workflow.jobs.iter().map(|job| job.name.to_string()).collect();
    let mut names: BTreeMap<&str, JobName> = BTreeMap::new();
    let mut untimed = Vec::new();
    let mut added = Vec::new();
    for job in &file.jobs {
        if let Some(lane) = lanes.get(job.id.as_str()) {
            if let Ok(name) = lane.as_str().parse() {
                names.insert(&job.id, name);
            }
            continue;
        }
        if let Some(name) = declared.iter().find(|name| **name == job.id || job.is_shown_as(name)) {
            if let Ok(name) = name.parse() {
                names.insert(&job.id, name);
            }
            continue;
        }
        let taken = config.lanes.iter().any(|lane| lane.name.as_str() == job.id);
        let (Ok(name), false) = (job.id.parse::<JobName>(), taken) else {
            notes.push(format!(
                "{}:{}: job `{}` is left out: its name is taken or no name.",
                file.path,
                job.line,
                Printable(&job.id)
            ));
            continue;
        };
        let times = times_of(job, observed);
        if times.is_none() {
            untimed.push(job.id.as_str());
        }
        names.insert(&job.id, name.clone());
        added.push((job, name, times.map(|times| times.wall).unwrap_or_default()));
    }
    for (job, name, wall) in added {
        let needs = job.needs.iter().filter_map(|need| names.get(need.as_str()));
        let origin = Origin::File { path: file.path.clone(), line: job.line };
        let needs = needs.map(|need| Sourced::new(need.clone(), origin.clone())).collect();
        config.workflow.jobs.push(Job { name, origin, wall, today: None, needs });
    }
    config.workflow.jobs.sort_by(|a, b| a.name.cmp(&b.name));
    for lane in &mut config.lanes {
        // The history knows jobs by the name that the CI shows.
        let called = lane.job.as_deref().unwrap_or(lane.name.as_str());
        let stem = file.job_called(called).map(WorkflowJob::stem).filter(|stem| !stem.is_empty());
        lane.job = stem.map(str::to_owned).or(lane.job.take());
    }
    complete_lanes(config, file, &lanes, &names, &mut notes);
    if !untimed.is_empty() {
        let shown: Vec<String> = untimed.iter().take(5).map(|id| format!("`{}`", Printable(id))).collect();
        let more = if untimed.len() > 5 { format!(" and {} more", untimed.len() - 5) } else { String::new() };
        notes.push(format!(
            "No times are known of {}{more}: they count as 0s. `gh api repos/OWNER/NAME/actions/runs/ID/jobs > jobs.json` fetches those of a run, `shardplan ingest jobs.json` reads them.",
            shown.join(", ")
        ));
    }
    notes
}

/// Adds what the lanes wait for. Lanes run side by side: where the file lets one wait for another, directly or
/// through other jobs, that is left out and said.
fn complete_lanes(
    config: &mut Config,
    file: &WorkflowFile,
    lanes: &LaneJobs<'_>,
    names: &BTreeMap<&str, JobName>,
    notes: &mut Vec<String>,
) {
    let others: BTreeSet<JobName> = config.workflow.jobs.iter().map(|job| job.name.clone()).collect();
    for (id, lane) in lanes {
        let Some(job) = file.job(id) else { continue };
        let origin = Origin::File { path: file.path.clone(), line: job.line };
        for need in &job.needs {
            let Some(name) = names.get(need.as_str()) else { continue };
            let above = file.ancestors(need);
            let behind_lane =
                lanes.contains_key(need.as_str()) || above.iter().any(|id| lanes.contains_key(id));
            if behind_lane {
                notes.push(format!(
                    "{}:{}: `{}` waits for another lane's job through `{}`; the plan takes lanes as running side by side, so it may end earlier in the forecast than in fact.",
                    file.path, job.line, Printable(&job.id), Printable(need)
                ));
                continue;
            }
            let lane = config.lanes.iter_mut().find(|known| known.name == *lane);
            if let Some(lane) = lane
                .filter(|lane| others.contains(name) && lane.needs.iter().all(|known| known.value != *name))
            {
                lane.needs.push(Sourced::new(name.clone(), origin.clone()));
            }
        }
    }
}
