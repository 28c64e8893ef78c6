//! Results of attempts merged by test: a re-run of failed jobs runs the same tests on the same shard.

use std::collections::BTreeMap;

use crate::ids::NodeId;
use crate::plan::Lock;
use crate::time::{Micros, Millis};

/// What one run of one shard left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The file that says so.
    pub source: String,
    /// The shard.
    pub shard: String,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// The identity of the lock that it followed, where the format has it.
    pub lock: Option<String>,
    /// Why it did not come to its end; nothing where it did.
    pub cut_short: Option<String>,
    /// Tests that it should have run and did not.
    pub not_run: Vec<NodeId>,
    /// Whether the report says itself which collected tests did not run.
    pub lists_all: bool,
    /// The tests with how they ended.
    pub tests: Vec<(NodeId, Ran)>,
    /// Files that could not be collected, with why.
    pub errors: Vec<(String, String)>,
    /// Files that skip themselves as a whole, with why.
    pub skipped_files: Vec<(String, String)>,
    /// Tests that the lock does not know.
    pub adopted: Vec<String>,
    /// Tests that no lane selects.
    pub unassigned: Vec<String>,
    /// Tests with services that they need and their shard does not start.
    pub uncovered: Vec<(String, Vec<String>)>,
    /// From the first test's begin to the last one's end, where the format has it.
    pub run: Option<Millis>,
}

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// In short.
    pub ended: Ended,
    /// Why it was skipped or failed.
    pub reason: Option<String>,
    /// How long it took.
    pub total: Micros,
}

/// How a test ended, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It ran and held, or failed as expected.
    Passed,
    /// It did not run.
    Skipped,
    /// It ran and did not hold, or its set-up or tear-down broke.
    Failed,
}

/// The results of one shard.
#[derive(Clone, Debug, Default)]
pub struct Results<'a> {
    /// Its attempts, in order.
    pub attempts: Vec<&'a Attempt>,
    /// Its tests; the last attempt that has a test wins.
    pub tests: BTreeMap<NodeId, Ran>,
}

/// Returns the results of every shard of the lock.
#[must_use]
pub fn merge<'a>(lock: &Lock, attempts: &[&'a Attempt]) -> Vec<Results<'a>> {
    let of_shard = |shard: &crate::plan::LockedShard| {
        let mut mine: Vec<&Attempt> =
            attempts.iter().copied().filter(|attempt| attempt.shard == shard.name.as_str()).collect();
        mine.sort_by_key(|attempt| attempt.attempt);
        let mut results = Results { attempts: mine, tests: BTreeMap::new() };
        for attempt in &results.attempts {
            results.tests.extend(attempt.tests.iter().cloned());
        }
        results
    };
    lock.shards.iter().map(of_shard).collect()
}
