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

use crate::ids::LaneName;
use crate::plan::Lock;

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

/// Returns the lanes of a lock with their shards, in its order.
#[must_use]
pub fn lanes_of(lock: &Lock) -> Vec<(&LaneName, Vec<&crate::plan::LockedShard>)> {
    let mut lanes: Vec<(&LaneName, Vec<&crate::plan::LockedShard>)> = Vec::new();
    for shard in &lock.shards {
        match lanes.iter_mut().find(|(lane, _)| **lane == shard.lane) {
            Some((_, shards)) => shards.push(shard),
            None => lanes.push((&shard.lane, vec![shard])),
        }
    }
    lanes
}
