//! What a report says, in our words: the value that every reader returns and the history stores.

use std::fmt;
use std::str::FromStr;

use super::framework::Framework;
use super::warning::Warnings;
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
    /// Tests that the file lists without a usable time, in its order: they ran, and say nothing of how long.
    pub untimed: Vec<Untimed>,
    /// What was odd in the file: passed over or corrected, each with its place.
    pub warnings: Warnings,
}

/// A test that ran and has no usable time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untimed {
    /// The test.
    pub test: NodeId,
    /// How it ended.
    pub outcome: Outcome,
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
    /// What the report measured as a whole.
    pub unit: UnitKind,
    /// How often it was tried in vain before, within this run. One that passed at last is flaky.
    pub retries: u32,
    /// The worker that ran it, where the runner has several.
    pub worker: Option<String>,
    /// The project or browser it ran under, where one runner runs a test under several.
    pub project: Option<String>,
}

/// What one observation is about: the finest that its source can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitKind {
    /// One test.
    #[default]
    Test,
    /// A class or suite, all of its tests together.
    Class,
    /// A file, all of its tests together.
    File,
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
    /// What ran the tests.
    pub framework: Option<Framework>,
    /// What the runner says its whole session took. What it has over the sum of its tests is collection and
    /// set-up that no test is charged with; with several workers it is less than the sum.
    pub session: Option<Micros>,
}

/// How much of the suite a run covers. Only a full run may say that a test is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extent {
    /// Every test of its lane or shard.
    Full,
    /// A run that was cut short, or that someone called partial.
    Partial,
    /// A re-run of what failed before.
    OnlyFailed,
    /// Tests that were selected by name, mark or expression.
    Selected,
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

/// Returns the first line that is not blank, at most 200 characters of it: the reason of an [`Observation`].
pub(super) fn first_line(text: &str) -> Option<String> {
    const MAX_CHARS: usize = 200;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let start: String = line.chars().take(MAX_CHARS).collect();
    Some(start.trim_end().to_owned())
}

impl Observation {
    /// Returns an observation of which no more is known than this.
    #[must_use]
    pub fn new(test: NodeId, outcome: Outcome, total: Micros) -> Self {
        Self {
            test,
            file: None,
            outcome,
            total,
            phases: None,
            reason: None,
            unit: UnitKind::Test,
            retries: 0,
            worker: None,
            project: None,
        }
    }
}

impl UnitKind {
    /// Returns the word that the history stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Class => "class",
            Self::File => "file",
        }
    }
}

impl FromStr for UnitKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "test" => Ok(Self::Test),
            "class" => Ok(Self::Class),
            "file" => Ok(Self::File),
            _ => Err(format!("`{text}` is not a kind of unit: use test, class or file")),
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
            Self::OnlyFailed => "only-failed",
            Self::Selected => "selected",
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
            "only-failed" => Ok(Self::OnlyFailed),
            "selected" => Ok(Self::Selected),
            "unknown" => Ok(Self::Unknown),
            _ => {
                Err(format!("`{text}` is not an extent: use full, partial, only-failed, selected or unknown"))
            }
        }
    }
}
