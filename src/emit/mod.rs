//! The CI configuration for a lock: one target a file.
//!
//! Names come from the repository and its pull requests. They are data in everything that is written here: a
//! value reaches a shell through an environment variable, and a file through its own format's quoting.

mod editor;
mod foreign;
pub mod github;
mod make;
mod matrix;

pub use editor::EditError;
pub use foreign::{buildkite, circleci, gitlab};
pub use make::make;
pub use matrix::matrix;

use crate::config::{Config, Runner};
use crate::ids::{LaneName, RunnerName};
use crate::plan::{Lock, LockedShard};

/// The version of the program that the emitted jobs install.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Something that stands in the way of an emitted file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// The lock has no shard.
    #[error("the lock has no shard: there is nothing to emit")]
    NothingToEmit,
    /// No job of the workflow file runs a lane.
    #[error("{file}: no job runs lane `{lane}`: it has no job called `{job}`")]
    NoJob {
        /// The workflow file.
        file: String,
        /// The lane.
        lane: LaneName,
        /// What its job was looked for under.
        job: String,
    },
    /// The job of a lane runs no tests that are recognised.
    #[error("{file}:{line}: job `{}` runs no pytest that is recognised", .job.escape_debug())]
    NoTests {
        /// The workflow file.
        file: String,
        /// The line of the job.
        line: usize,
        /// The job.
        job: String,
    },
    /// A shard needs a service that the job of its lane does not define.
    #[error("{file}:{line}: shard `{shard}` starts `{service}`, but job `{}` has no service of that name", .job.escape_debug())]
    NoService {
        /// The workflow file.
        file: String,
        /// The line of the job.
        line: usize,
        /// The job.
        job: String,
        /// The shard.
        shard: String,
        /// The service.
        service: String,
    },
    /// Two lanes name one job.
    #[error("{file}:{line}: job `{}` would be the job of two lanes, `{}` and `{}`", .job.escape_debug(), .lanes[0], .lanes[1])]
    SharedJob {
        /// The workflow file.
        file: String,
        /// The line of the job.
        line: usize,
        /// The job.
        job: String,
        /// The lanes.
        lanes: [LaneName; 2],
    },
    /// The matrix of a job can not take the shards.
    #[error("{file}:{line}: the matrix of job `{}` {why}, so shards can not be a dimension of it", .job.escape_debug())]
    Matrix {
        /// The workflow file.
        file: String,
        /// The line of the job.
        line: usize,
        /// The job.
        job: String,
        /// Why not.
        why: &'static str,
    },
    /// An expression names a job that would become several.
    #[error("{file}:{line}: an expression asks for `needs.{}`, and there would be a job for each shard in its place", .job.escape_debug())]
    Referenced {
        /// The workflow file.
        file: String,
        /// The line of the expression.
        line: usize,
        /// The job.
        job: String,
    },
    /// A shard is on a runner that the manifest does not know.
    #[error("shard `{shard}` is on runner `{runner}`, which the manifest does not declare")]
    NoRunner {
        /// The shard.
        shard: String,
        /// The runner.
        runner: RunnerName,
    },
    /// The shards of a lane are on several runners.
    #[error("the shards of lane `{lane}` are on several runners, and they share one job definition")]
    SeveralRunners {
        /// The lane.
        lane: LaneName,
    },
    /// A runner has several labels where the CI takes one.
    #[error("runner `{runner}` has {count} labels, and {target} takes one")]
    OneLabel {
        /// The runner.
        runner: RunnerName,
        /// How many it has.
        count: usize,
        /// What takes only one.
        target: &'static str,
    },
    /// Which runner a job gets is decided by the run.
    #[error("{file}:{line}: `runs-on` of job `{}` is an expression, so `{runner}` can not take its place", .job.escape_debug())]
    RunsOn {
        /// The workflow file.
        file: String,
        /// The line of the job.
        line: usize,
        /// The job.
        job: String,
        /// The runner.
        runner: RunnerName,
    },
    /// The file could not be edited.
    #[error("{file}: {error}")]
    Edit {
        /// The workflow file.
        file: String,
        /// Why not.
        error: EditError,
    },
    /// The emitted file does not say what the lock says: a fault of ours.
    #[error("the emitted file does not say what the lock says: {0}")]
    NotProven(String),
}

impl EmitError {
    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NothingToEmit => "`shardplan suggest --write` pins a plan".to_owned(),
            Self::NoJob { lane, .. } => format!(
                "name it with `job = \"…\"` in `[lanes.{lane}]`: its id, or the name that the CI shows"
            ),
            Self::NoTests { .. } => {
                "a step that runs `pytest` itself is recognised, behind `uv run`, `python -m` and the like"
                    .to_owned()
            }
            Self::NoService { service, .. } => {
                format!("define `{service}` in the job's `services`, with its image, ports and health check")
            }
            Self::SharedJob { .. } => "give each lane a job of its own, or make the two lanes one".to_owned(),
            Self::Matrix { .. } => "`--style jobs` writes a job for every shard instead".to_owned(),
            Self::Referenced { .. } => {
                "`--style matrix` keeps the job; else let the expression ask for `needs.*`".to_owned()
            }
            Self::NoRunner { runner, .. } => {
                format!("declare it with `[runners.{runner}]`, or plan anew: `shardplan suggest --write`")
            }
            Self::SeveralRunners { .. } => "plan anew: `shardplan suggest --write`".to_owned(),
            Self::OneLabel { runner, .. } => format!("name one in `runs_on` of `[runners.{runner}]`"),
            Self::RunsOn { .. } => {
                "let the job name its runner, or take `runners` out of its lane".to_owned()
            }
            Self::Edit { .. } => "write the job in plain block style, without anchors".to_owned(),
            Self::NotProven(_) => {
                "this is a fault of shardplan: please report it with the workflow file and the lock"
                    .to_owned()
            }
        })
    }
}

/// Fails unless the lock has shards.
fn checked(lock: &Lock) -> Result<(), EmitError> {
    if lock.shards.is_empty() { Err(EmitError::NothingToEmit) } else { Ok(()) }
}

/// Returns the runner that the shards of a lane are on; nothing where the lock leaves it to their job.
fn runner_of<'c>(config: &'c Config, shards: &[&LockedShard]) -> Result<Option<&'c Runner>, EmitError> {
    let Some(first) = shards.first() else { return Ok(None) };
    if shards.iter().any(|shard| shard.runner != first.runner) {
        return Err(EmitError::SeveralRunners { lane: first.lane.clone() });
    }
    let Some(runner) = &first.runner else { return Ok(None) };
    let found = config.runner(runner);
    let missing = || EmitError::NoRunner { shard: first.name.to_string(), runner: runner.clone() };
    found.ok_or_else(missing).map(Some)
}

/// Returns the lanes of a lock with their shards, in its order.
#[must_use]
pub fn lanes_of(lock: &Lock) -> Vec<(&LaneName, Vec<&LockedShard>)> {
    let mut lanes: Vec<(&LaneName, Vec<&LockedShard>)> = Vec::new();
    for shard in &lock.shards {
        match lanes.iter_mut().find(|(lane, _)| **lane == shard.lane) {
            Some((_, shards)) => shards.push(shard),
            None => lanes.push((&shard.lane, vec![shard])),
        }
    }
    lanes
}
