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
//! The folders are Hive partitions, so that pandas, `DuckDB` and Spark read the store as it is. `docs/history.md`
//! lists the columns and says what every view counts.
//!
//! **What is stored once is counted once.** The runs that a file holds are its *parts*, each named by the digest
//! of the ingested file and its place in it. Compaction writes the parts of many files into one and deletes the
//! many afterwards; a reader takes each part from one file only, so at every instant between the two it sees
//! the same history. Within a run, what two reports say of one execution is counted once as well (`identity.rs`).

mod catalogue;
mod compact;
mod error;
mod export;
mod footer;
mod identity;
mod jobs_table;
pub mod json_v1;
mod known_files;
mod load;
mod partition;
mod prune;
mod rows;
mod store;
mod table;
mod tests_table;
pub mod views;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use compact::{Compacted, compact};
pub use error::HistoryError;
pub use export::{export_csv, export_json, export_parquet, export_test_durations};
pub use known_files::known_files;
pub use load::{Detail, load, load_detail, load_runs, load_test};
pub use prune::{Pruned, Which, prune};
pub use store::{Added, Digest, Store};

use crate::ids::{Ix as _, IxVec, LaneName, NodeId, RunIx, WholeRunIx};
use crate::ingest::{JobObservation, Outcome, Phases, RunFacts, UnitKind};
use crate::time::{Micros, Timestamp};

/// What the history says, in an order that depends on nothing but what is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The parts of the runs: what one report said of one run. Those of one run of the CI follow each other.
    pub runs: IxVec<RunIx, StoredRun>,
    /// The runs of the CI, oldest first.
    pub whole_runs: IxVec<WholeRunIx, WholeRun>,
    /// The tests, sorted by node id.
    pub tests: Vec<TestHistory>,
    /// The CI jobs, oldest first. A job that was fetched twice stands here once.
    pub jobs: Vec<JobObservation>,
}

/// What one report said of one run: mostly a shard of a lane in one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRun {
    /// The digest of the file that it came from.
    pub digest: Digest,
    /// Which run of that file it is, from 0.
    pub report: u32,
    /// The format of that file, as [`crate::ingest::Format`] names it. A later version may know more of them.
    pub format: Arc<str>,
    /// The name of that file, without its folders.
    pub source: Arc<str>,
    /// What is known about the run.
    pub facts: RunFacts,
    /// The run of the CI that it belongs to.
    pub whole: WholeRunIx,
    /// How many newer runs of the CI its lane has had.
    pub age: u32,
    /// How many tests were observed in it.
    pub observations: usize,
}

/// A run of the CI with all its attempts, lanes and shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeRun {
    /// The CI's id of it.
    pub run: String,
    /// The commit that was tested.
    pub commit: Option<String>,
    /// Its parts, the first attempt first.
    pub parts: std::ops::Range<u32>,
    /// When its first part started.
    pub at: Option<Timestamp>,
}

/// Everything that was seen of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestHistory {
    /// The test.
    pub test: NodeId,
    /// Its file.
    pub file: String,
    /// What was seen, in the order of the runs; never empty.
    pub samples: Vec<Sample>,
}

/// One execution of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The part of a run that told of it.
    pub run: RunIx,
    /// Set-up, call and tear-down together.
    pub total: Micros,
    /// How it ended.
    pub outcome: Outcome,
    /// What few sources know. There are millions of samples, so that it lies apart.
    pub more: Option<Box<More>>,
    /// Why it was skipped or failed.
    pub reason: Option<Reason>,
    /// What was measured as a whole.
    pub unit: UnitKind,
    /// How often it was tried in vain before, within the same job.
    pub retries: u16,
}

/// What few sources know of an execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct More {
    /// The phases.
    pub phases: Option<Phases>,
    /// The worker that ran it.
    pub worker: Option<Arc<str>>,
    /// The project or browser it ran under.
    pub project: Option<Arc<str>>,
}

/// Why a test was skipped or failed. The same words stand in memory once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(Arc<Box<str>>);

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

    /// Returns how many executions of tests were seen.
    #[must_use]
    pub fn observations(&self) -> usize {
        self.tests.iter().map(|test| test.samples.len()).sum()
    }

    /// Returns what is known about a test.
    #[must_use]
    pub fn test(&self, test: &NodeId) -> Option<&TestHistory> {
        let at = self.tests.binary_search_by(|known| known.test.cmp(test)).ok()?;
        self.tests.get(at)
    }

    /// Returns what was known before a run. CI jobs are left out: they belong to no run by its place.
    #[must_use]
    pub fn before(&self, run: WholeRunIx) -> Self {
        let end = RunIx(self.whole_runs[run].parts.start);
        let mut runs: IxVec<RunIx, StoredRun> =
            self.runs.iter_enumerated().take_while(|(ix, _)| *ix < end).map(|(_, run)| run.clone()).collect();
        let mut newest: BTreeMap<Option<LaneName>, u32> = BTreeMap::new();
        for run in &runs {
            let age = newest.entry(run.facts.lane.clone()).or_insert(run.age);
            *age = run.age.min(*age);
        }
        for run in &mut runs {
            run.age -= newest[&run.facts.lane];
        }
        let earlier = |test: &TestHistory| {
            let samples: Vec<Sample> =
                test.samples.iter().take_while(|sample| sample.run < end).cloned().collect();
            let known = TestHistory { test: test.test.clone(), file: test.file.clone(), samples };
            (!known.samples.is_empty()).then_some(known)
        };
        Self {
            runs,
            whole_runs: self.whole_runs.iter().take(run.position()).cloned().collect(),
            tests: self.tests.iter().filter_map(earlier).collect(),
            jobs: Vec::new(),
        }
    }

    /// Returns the parts of a run.
    pub fn parts(&self, whole: &WholeRun) -> impl Iterator<Item = (RunIx, &StoredRun)> {
        whole.parts.clone().map(|part| (RunIx(part), &self.runs[RunIx(part)]))
    }
}

impl StoredRun {
    /// Returns where it ran, as far as that is known: its shard, or else its machine.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.facts.shard.as_deref().or(self.facts.machine.as_deref())
    }
}

impl TestHistory {
    /// Returns what the test took: the median of the times it ran. A test that was always skipped took what
    /// skipping it takes.
    #[must_use]
    pub fn typical_time(&self) -> Micros {
        let ran = self.samples.iter().filter(|sample| sample.ran());
        views::median(ran.map(|sample| sample.total))
            .or_else(|| views::median(self.samples.iter().map(|sample| sample.total)))
            .unwrap_or_default()
    }
}

impl Sample {
    /// Returns whether the test ran, whatever came of it.
    #[must_use]
    pub fn ran(&self) -> bool {
        self.outcome != Outcome::Skipped
    }

    /// Returns the phases, where they are known.
    #[must_use]
    pub fn phases(&self) -> Option<Phases> {
        self.more.as_ref()?.phases
    }

    /// Returns the worker that ran it, where it is known.
    #[must_use]
    pub fn worker(&self) -> Option<&str> {
        self.more.as_ref()?.worker.as_deref()
    }

    /// Returns the project or browser it ran under, where it is known.
    #[must_use]
    pub fn project(&self) -> Option<&str> {
        self.more.as_ref()?.project.as_deref()
    }

    /// Returns whether it ran and did not hold.
    #[must_use]
    pub fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed | Outcome::Error)
    }
}

impl Reason {
    /// Returns these words.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::new(text.into()))
    }
}

impl std::ops::Deref for Reason {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}
