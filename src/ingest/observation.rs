//! What a report says, in our words: the value that every reader returns and the history stores.

use std::fmt;
use std::str::FromStr;

use crate::ids::{LaneName, NodeId, ServiceName};
use crate::time::{Micros, Timestamp};

/// Everything that one file said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// What the file itself said of its run, before the command line adds to it.
    pub run: RunFacts,
    /// The tests that were measured, in the order of the file.
    pub observations: Vec<Observation>,
    /// The CI jobs that were measured, in the order of the file.
    pub jobs: Vec<JobObservation>,
    /// What was odd in the file: passed over or corrected, each with its place.
    pub warnings: Vec<Warning>,
}

/// One execution of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The test.
    pub test: NodeId,
    /// Its file, where the report names it; else it is read off the node id.
    pub file: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Set-up, call and tear-down together.
    pub total: Micros,
    /// The phases, where the report keeps them apart.
    pub phases: Option<Phases>,
    /// Why it was skipped, or why it failed: the first line, at most 200 characters.
    pub reason: Option<String>,
}

/// The three phases of a pytest test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// The fixtures that this test was the first to need.
    pub setup: Micros,
    /// The test itself.
    pub call: Micros,
    /// The fixtures that nobody needs after it.
    pub teardown: Micros,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It ran and held.
    Passed,
    /// It ran and did not hold.
    Failed,
    /// Its set-up or tear-down broke.
    Error,
    /// It did not run.
    Skipped,
    /// The source keeps times only (`.test_durations`).
    Unknown,
}

/// Which run a report belongs to. Every part may be unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFacts {
    /// The CI's id of the run, or one made from the report's digest.
    pub run: Option<String>,
    /// The attempt within the run, from 1.
    pub attempt: Option<u32>,
    /// The commit that was tested.
    pub commit: Option<String>,
    /// The branch that was tested.
    pub branch: Option<String>,
    /// When it started.
    pub at: Option<Timestamp>,
    /// The lane whose tests it ran.
    pub lane: Option<LaneName>,
    /// The shard of that lane.
    pub shard: Option<String>,
    /// The machine it ran on.
    pub machine: Option<String>,
    /// The services that were up, where that is known: a test that skips without its service says nothing
    /// about what it would do with it.
    pub services: Option<Vec<ServiceName>>,
    /// How much of the suite it ran.
    pub extent: Extent,
}

/// How much of the suite a run covers. Only a full run may say that a test is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extent {
    /// Every test of its lane or shard.
    Full,
    /// A selection, a re-run of what failed, or a run that was cut short.
    Partial,
    /// Nobody said.
    #[default]
    Unknown,
}

/// One CI job, measured by the CI service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobObservation {
    /// The CI's id of the job.
    pub id: u64,
    /// The job's name as the CI shows it.
    pub name: String,
    /// The CI's id of its run.
    pub run: Option<String>,
    /// The attempt within the run, from 1.
    pub attempt: Option<u32>,
    /// The branch that was tested.
    pub branch: Option<String>,
    /// The commit that was tested.
    pub commit: Option<String>,
    /// `success`, `failure`, `cancelled`, `skipped` … as the CI says it.
    pub conclusion: Option<String>,
    /// What the job asked for: `ubuntu-latest` …
    pub labels: Vec<String>,
    /// When it was queued.
    pub created: Option<Timestamp>,
    /// When its runner took it.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub completed: Option<Timestamp>,
    /// Its steps in order.
    pub steps: Vec<StepObservation>,
}

/// One step of a CI job; its times have a resolution of one second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepObservation {
    /// The step's name as the CI shows it.
    pub name: String,
    /// `success`, `failure`, `skipped` …
    pub conclusion: Option<String>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub completed: Option<Timestamp>,
}

/// Something odd in a report that did not stop its reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The line, from 1, where the format has lines.
    pub line: Option<u64>,
    /// What is odd; equal kinds are counted together.
    pub kind: WarningKind,
    /// The value or id in question.
    pub subject: String,
}

/// The kinds of odd things, each with one rule for what is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WarningKind {
    /// A time that is negative, not a number or beyond ten years: the test is passed over.
    ImpossibleTime,
    /// A test that ran and has no time: passed over.
    NoTime,
    /// A test without a name: passed over.
    NoName,
    /// The file ends before its last element: what was read until there is kept, as a partial run.
    CutShort,
    /// A test that stands twice: times of one test are added where the second is a tear-down error, else the
    /// last one counts.
    Duplicate,
    /// A key that is no test id: passed over.
    NotATest,
    /// A CI job that has not ended: passed over.
    NotFinished,
    /// A column of a CSV file that means nothing here: not read.
    UnknownColumn,
}

/// Returns the first line that is not blank, at most 200 characters of it: the reason of an [`Observation`].
pub(super) fn first_line(text: &str) -> Option<String> {
    const MAX_CHARS: usize = 200;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let start: String = line.chars().take(MAX_CHARS).collect();
    Some(start.trim_end().to_owned())
}

impl WarningKind {
    /// Returns what is odd and what is done about it, as the summary says it.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::ImpossibleTime => "impossible time, passed over",
            Self::NoTime => "no time, passed over",
            Self::NoName => "test without a name, passed over",
            Self::CutShort => "file cut short, kept as a partial run",
            Self::Duplicate => "test listed twice, merged",
            Self::NotATest => "not a test id, passed over",
            Self::NotFinished => "job not finished, passed over",
            Self::UnknownColumn => "unknown column, not read",
        }
    }
}

impl Outcome {
    /// Returns the word that the history stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }
}

impl FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "passed" => Ok(Self::Passed),
            "failed" => Ok(Self::Failed),
            "error" => Ok(Self::Error),
            "skipped" => Ok(Self::Skipped),
            "unknown" => Ok(Self::Unknown),
            _ => Err(format!("`{text}` is not an outcome: use passed, failed, error, skipped or unknown")),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Extent {
    /// Returns the word that the history stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::Unknown => "unknown",
        }
    }
}

impl FromStr for Extent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "full" => Ok(Self::Full),
            "partial" => Ok(Self::Partial),
            "unknown" => Ok(Self::Unknown),
            _ => Err(format!("`{text}` is not an extent: use full, partial or unknown")),
        }
    }
}
