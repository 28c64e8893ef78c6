//! The history: every observation that was ever ingested, as Parquet files that never change.
//!
//! A file of the history holds what one ingested file said. Its name is the digest of that file's bytes, so
//! the same report is stored once however often it is ingested, and ingesting needs no lock: a file is written
//! beside its place and renamed into it, whole or not at all. Readers see only whole files.
//!
//! ```text
//! .shardplan/history/
//!   tests/branch=main/month=2026-06/<digest>.parquet    a row per test of a run
//!   jobs/branch=main/month=2026-06/<digest>.parquet     a row per step of a CI job
//!   tmp/                                                what is being written
//! ```
//!
//! The folders are Hive partitions, so that pandas, `DuckDB` and Spark read the store as it is. `docs/formats.md`
//! lists the columns.

mod error;
mod export;
mod jobs_table;
mod load;
mod overview;
mod partition;
mod store;
mod table;
mod tests_table;

use std::sync::Arc;

pub use error::HistoryError;
pub use export::{export_csv, export_test_durations};
pub use load::load;
pub use overview::{Overview, RunsOfLane, SlowTest};
pub use store::{Added, Digest, Store};

use crate::ids::{IxVec, LaneName, NodeId, RunIx};
use crate::ingest::{Format, JobObservation, Outcome, Phases, RunFacts};
use crate::time::{Micros, Timestamp};

/// What the history says, in an order that depends on nothing but what is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The runs, oldest first.
    pub runs: IxVec<RunIx, StoredRun>,
    /// The tests, sorted by node id.
    pub tests: Vec<TestHistory>,
    /// The CI jobs, oldest first. A job that was fetched twice stands here once.
    pub jobs: Vec<JobObservation>,
}

/// One run of tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRun {
    /// The digest of the file that it came from.
    pub digest: Digest,
    /// The format of that file.
    pub format: Format,
    /// The name of that file, without its folders.
    pub source: Arc<str>,
    /// What is known about the run.
    pub facts: RunFacts,
    /// How many tests were observed in it.
    pub observations: usize,
}

/// Everything that was seen of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestHistory {
    /// The test.
    pub test: NodeId,
    /// Its file.
    pub file: String,
    /// What was seen, oldest first; never empty.
    pub samples: Vec<Sample>,
}

/// One execution of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The run it was part of.
    pub run: RunIx,
    /// Set-up, call and tear-down together.
    pub total: Micros,
    /// How it ended.
    pub outcome: Outcome,
    /// The phases, where they are known.
    pub phases: Option<Phases>,
    /// Why it was skipped or failed.
    pub reason: Option<Arc<str>>,
}

/// What to read of the history: everything by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only runs of this lane. A run without a lane belongs to none.
    pub lane: Option<LaneName>,
    /// Only runs and jobs of this branch.
    pub branch: Option<String>,
    /// Only runs and jobs from this time on.
    pub since: Option<Timestamp>,
}

impl Filter {
    fn keeps_run(&self, facts: &RunFacts) -> bool {
        self.lane.as_ref().is_none_or(|lane| facts.lane.as_ref() == Some(lane))
            && self.keeps(facts.branch.as_deref(), facts.at)
    }

    /// Jobs know their lane by the name that the workflow file gives them, which is not known here.
    fn keeps_job(&self, job: &JobObservation) -> bool {
        self.keeps(job.branch.as_deref(), job.started.or(job.created))
    }

    fn keeps(&self, branch: Option<&str>, at: Option<Timestamp>) -> bool {
        self.branch.as_deref().is_none_or(|wanted| branch == Some(wanted))
            && self.since.is_none_or(|since| at.is_some_and(|at| at >= since))
    }
}

impl Observed {
    /// Returns whether nothing is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.jobs.is_empty()
    }
}

impl TestHistory {
    /// Returns what the test takes: the median of the times it ran. A test that was always skipped takes what
    /// skipping it takes.
    #[must_use]
    pub fn typical_time(&self) -> Micros {
        let ran = self.samples.iter().filter(|sample| sample.outcome != Outcome::Skipped);
        median(ran.map(|sample| sample.total))
            .or_else(|| median(self.samples.iter().map(|sample| sample.total)))
            .unwrap_or_default()
    }
}

/// Returns the middle of the times, the mean of the middle two where their number is even.
fn median(times: impl Iterator<Item = Micros>) -> Option<Micros> {
    let mut times: Vec<Micros> = times.collect();
    times.sort_unstable();
    let upper = *times.get(times.len() / 2)?;
    if times.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = times[times.len() / 2 - 1];
    Some(Micros(lower.0.midpoint(upper.0)))
}
