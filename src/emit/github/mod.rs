//! `emit github`: the lanes of a lock written into the team's own workflow file.
//!
//! The job of a lane is the template: its steps, secrets, environment and services stay as the team wrote them,
//! comments included. What is added is what the lock needs: the shard as a dimension of the matrix (or a job for
//! each), services that start only for the shards that need them, the shard's name on the pytest line, a coverage
//! file and uploads of its own, and a gate that verifies before it combines. What is written is then read again
//! and proven to be what the lock says ([`prove()`]).

mod gate;
mod image;
mod jobs;
mod lane;
mod prove;
mod splits;

use std::collections::BTreeSet;

pub use prove::prove;

use super::editor::Editor;
use super::{EmitError, lanes_of, runner_of};
use crate::config::{Config, Runner};
use crate::ids::LaneName;
use crate::plan::{Lock, LockedShard};
use crate::workflow::github::{WorkflowFile, WorkflowJob};
use crate::workflow::shards_of;

/// How the shards of a lane are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// A matrix; a job for each shard where the job's matrix can not take them.
    #[default]
    Auto,
    /// A matrix over the shards.
    Matrix,
    /// A job for each shard.
    Jobs,
}

/// A workflow file that runs the lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emitted {
    /// Its text.
    pub text: String,
    /// What the user should know about it.
    pub notes: Vec<String>,
    /// Names of checks that are no longer there; where one is required, nothing can be merged.
    pub vanished: Vec<String>,
    /// Names of checks that are new.
    pub appeared: Vec<String>,
}

/// One lane with its shards and the job that is its template.
struct LaneJob<'l> {
    lane: &'l LaneName,
    shards: Vec<&'l LockedShard>,
    /// The runner that they are on, where the lock names one.
    runner: Option<&'l Runner>,
    job: &'l WorkflowJob,
    /// The other jobs that run shards of it, where every shard has a job.
    siblings: Vec<&'l WorkflowJob>,
}

/// Returns the workflow file with the lock's lanes in it.
pub fn emit(config: &Config, file: &WorkflowFile, lock: &Lock, style: Style) -> Result<Emitted, EmitError> {
    super::checked(lock)?;
    let lanes = lane_jobs(config, file, lock)?;
    let edit = |error| EmitError::Edit { file: file.path.clone(), error };
    let mut editor = Editor::new(&file.text).map_err(edit)?;
    let mut notes = Vec::new();
    let mut coverage = gate::Coverage::default();
    let mut ids: Vec<String> = Vec::new();
    for lane in &lanes {
        let as_jobs = match style {
            Style::Jobs => true,
            Style::Matrix => false,
            Style::Auto => !lane.siblings.is_empty() || lane::refuses_shards(lane).is_some(),
        };
        if as_jobs {
            ids.extend(jobs::write(&mut editor, file, lane, &mut notes, &mut coverage)?);
        } else {
            lane::write(&mut editor, file, lane, &mut notes, &mut coverage)?;
            ids.push(lane.job.id.clone());
        }
    }
    gate::write(&mut editor, config, file, &ids, &coverage, &mut notes).map_err(edit)?;
    let text = editor.finish().map_err(edit)?;
    let emitted =
        WorkflowFile::parse(&text, &file.path).map_err(|error| EmitError::NotProven(error.to_string()))?;
    prove(&emitted, config, lock)?;
    let (before, after) = (checks(file), checks(&emitted));
    Ok(Emitted {
        text,
        notes,
        vanished: before.difference(&after).cloned().collect(),
        appeared: after.difference(&before).cloned().collect(),
    })
}

/// Returns the names of the checks that a workflow's jobs are shown as, as far as they are known before the run.
fn checks(file: &WorkflowFile) -> BTreeSet<String> {
    let names = file.jobs.iter().flat_map(|job| {
        let rows = job.rows().unwrap_or_default();
        rows.iter().filter_map(|row| job.shown_name(row)).collect::<Vec<_>>()
    });
    names.collect()
}

fn lane_jobs<'l>(
    config: &'l Config,
    file: &'l WorkflowFile,
    lock: &'l Lock,
) -> Result<Vec<LaneJob<'l>>, EmitError> {
    let mut lanes: Vec<LaneJob<'l>> = Vec::new();
    for (lane, shards) in lanes_of(lock) {
        let named =
            config.lanes.iter().find(|known| known.name == *lane).and_then(|lane| lane.job.as_deref());
        let called = named.unwrap_or(lane.as_str());
        // After an earlier run with a job for each shard, the job that the manifest names is gone.
        let own: Vec<&WorkflowJob> = file.jobs.iter().filter(|job| runs_lane(job, lane, lock)).collect();
        let job = match (file.job_called(called), own.first()) {
            (Some(job), _) => job,
            (None, Some(_)) => own
                .iter()
                .copied()
                .max_by_key(|job| (job.services.len(), std::cmp::Reverse(job.line)))
                .unwrap_or(own[0]),
            (None, None) => {
                let (file, lane, job) = (file.path.clone(), lane.clone(), called.to_owned());
                return Err(EmitError::NoJob { file, lane, job });
            }
        };
        if let Some(other) = lanes.iter().find(|other| other.job.id == job.id) {
            return Err(EmitError::SharedJob {
                file: file.path.clone(),
                line: job.line,
                job: job.id.clone(),
                lanes: [other.lane.clone(), lane.clone()],
            });
        }
        let siblings = own.into_iter().filter(|sibling| sibling.id != job.id && job.id != called).collect();
        let runner = runner_of(config, &shards)?;
        lanes.push(LaneJob { lane, shards, runner, job, siblings });
    }
    Ok(lanes)
}

/// Returns whether a job runs shards of a lane, by the lock or by the names that shards of it have.
fn runs_lane(job: &WorkflowJob, lane: &LaneName, lock: &Lock) -> bool {
    let belongs = |shard: &String| {
        lock.shards.iter().find(|known| known.name.as_str() == shard.as_str()).map_or_else(
            || {
                shard.strip_prefix(lane.as_str()).is_some_and(|rest| {
                    rest.strip_prefix('-').is_some_and(|number| {
                        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
                    })
                })
            },
            |known| known.lane == *lane,
        )
    };
    shards_of(job).iter().any(belongs)
}

/// Returns the id, in a job, of a service of the manifest: its own name, or one that became it.
fn service_id<'j>(job: &'j WorkflowJob, name: &str) -> Option<&'j str> {
    let plain = |id: &str| -> String {
        id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect()
    };
    // Without an image it starts nothing, on GitHub as little as for a shard.
    let with_image = || job.services.iter().filter(|service| !service.image.trim().is_empty());
    let ids = || with_image().map(|service| service.id.as_str());
    ids().find(|id| *id == name).or_else(|| ids().find(|id| plain(id).trim_start_matches(['-', '_']) == name))
}
