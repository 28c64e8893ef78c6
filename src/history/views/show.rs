//! One test: every execution that is known.

use crate::history::Observed;
use crate::ids::{LaneName, NodeId};
use crate::ingest::{Outcome, Phases};
use crate::time::{Micros, Timestamp};

/// All that is known of one test.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The test.
    pub test: NodeId,
    /// Its file.
    pub file: String,
    /// How often it ran.
    pub ran: usize,
    /// How often it failed.
    pub failed: usize,
    /// How often it was skipped.
    pub skipped: usize,
    /// The median of the times it ran.
    pub median: Micros,
    /// The shortest of them.
    pub shortest: Micros,
    /// The longest of them.
    pub longest: Micros,
    /// The executions, the latest first.
    pub executions: Vec<Execution>,
}

/// One execution of the test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// When its run began.
    pub at: Option<Timestamp>,
    /// The CI's id of the run.
    pub run: String,
    /// The attempt.
    pub attempt: Option<u32>,
    /// The commit.
    pub commit: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The lane.
    pub lane: Option<LaneName>,
    /// The shard.
    pub shard: Option<String>,
    /// The machine.
    pub machine: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What it took.
    pub total: Micros,
    /// The phases, where they are known.
    pub phases: Option<Phases>,
    /// Why it was skipped or failed.
    pub reason: Option<String>,
    /// The name of the file that told of it.
    pub source: String,
}

/// Returns what is known of a test, where the history knows it.
#[must_use]
pub fn show(observed: &Observed, test: &NodeId) -> Option<Shown> {
    let at = observed.tests.binary_search_by(|known| known.test.cmp(test)).ok()?;
    let known = &observed.tests[at];
    let ran = || known.samples.iter().filter(|sample| sample.ran());
    let executions = known.samples.iter().rev().map(|sample| {
        let run = &observed.runs[sample.run];
        Execution {
            at: run.facts.at,
            run: observed.whole_runs[run.whole].run.clone(),
            attempt: run.facts.attempt,
            commit: run.facts.commit.clone(),
            branch: run.facts.branch.clone(),
            lane: run.facts.lane.clone(),
            shard: run.facts.shard.clone(),
            machine: run.facts.machine.clone(),
            outcome: sample.outcome,
            total: sample.total,
            phases: sample.phases(),
            reason: sample.reason.as_deref().map(str::to_owned),
            source: run.source.to_string(),
        }
    });
    Some(Shown {
        test: known.test.clone(),
        file: known.file.clone(),
        ran: ran().count(),
        failed: ran().filter(|sample| sample.failed()).count(),
        skipped: known.samples.len() - ran().count(),
        median: known.typical_time(),
        shortest: ran().map(|sample| sample.total).min().unwrap_or_default(),
        longest: ran().map(|sample| sample.total).max().unwrap_or_default(),
        executions: executions.collect(),
    })
}
