//! The manifest `shardplan.toml`: read, checked, and turned into a [`Config`] that holds no doubt.
//!
//! All problems of a file are found in one reading, each with its place ([`ConfigError`]). Nothing here decides
//! what a setting means for a plan; that is the model's part.

mod catalogue;
mod check;
mod decode;
mod marker_expr;
mod match_expr;
mod memory;
mod origin;
mod path_pattern;
mod pattern;
mod read;
mod schema;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::ops::Range;

use crate::ids::{JobName, LaneName, RunnerName, ServiceName};
use crate::time::{Millis, Tolerance};

pub use catalogue::{Addressed, Catalogue, ServiceTimes, Signs, UsualService};
pub(crate) use decode::nearest;
pub use marker_expr::{KeywordExpr, MarkerExpr, MarkerExprError};
pub use match_expr::{MarkerValue, Term};
pub use memory::{Memory, ParseMemoryError};
pub use origin::{Origin, Sourced};
pub use path_pattern::{PathFact, PathPattern, PathPatternError};
pub use pattern::{Pattern, PatternError, glob};
pub use schema::schema;

/// Everything that the manifest says, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[project]`
    pub project: Project,
    /// `[history]`
    pub history: HistorySettings,
    /// `[ingest]`
    pub ingest: IngestSettings,
    /// `[services.NAME]`, sorted by name.
    pub services: Vec<Service>,
    /// `[setups.NAME]`, sorted by name.
    pub setups: Vec<Setup>,
    /// `[runners.NAME]`, sorted by name.
    pub runners: Vec<Runner>,
    /// `[lanes.NAME]`, sorted by name.
    pub lanes: Vec<Lane>,
    /// `[groups.NAME]`, sorted by name.
    pub groups: Vec<Group>,
    /// `[workflow]`
    pub workflow: Workflow,
    /// `[budget]`
    pub budget: Budget,
    /// `[audit]`
    pub audit: AuditSettings,
}

/// `[audit]`: which findings are shown.
#[derive(Clone, Debug)]
pub struct AuditSettings {
    /// Codes or names of the rules that are run; all where empty.
    pub select: Vec<String>,
    /// Codes or names of the rules that are not run.
    pub ignore: Vec<String>,
    /// Rules that are not run on files that match a pattern.
    pub per_file_ignores: Vec<(Pattern, Vec<String>)>,
    /// Marks of tests that must run alone.
    pub serial: Vec<String>,
    /// The file of findings that are known and left alone, relative to the manifest.
    pub baseline: Option<String>,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            select: Vec::new(),
            ignore: Vec::new(),
            per_file_ignores: Vec::new(),
            serial: vec!["serial".to_owned()],
            baseline: None,
        }
    }
}

/// `[project]`: where the tests are listed.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// The inventory file, relative to the manifest; without one the tests are those of the history.
    pub inventory: Option<String>,
    /// What to do with a test that no lane selects.
    pub unassigned: Unassigned,
}

/// What to do with a test that no lane selects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unassigned {
    /// Refuse to plan: a test that runs nowhere is a fault.
    #[default]
    Fail,
    /// Leave it out, and say so.
    Ignore,
}

/// `[history]`: how past runs are weighed.
#[derive(Clone, Debug, Default)]
pub struct HistorySettings {
    /// How fast runs lose their worth.
    pub half_life: HalfLife,
    /// Only runs of this branch count, where one is named.
    pub branch: Option<String>,
}

/// How fast runs lose their worth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum HalfLife {
    /// As fast as made the last runs best foretold.
    #[default]
    Measured,
    /// A run this many runs old counts half as much as the latest.
    Runs(f64),
}

/// `[ingest]`: what reports don't say themselves.
#[derive(Clone, Debug, Default)]
pub struct IngestSettings {
    /// What the path of a report says about its run; the first that fits counts.
    pub paths: Vec<PathPattern>,
    /// The columns of foreign CSV files: their name by ours.
    pub columns: std::collections::BTreeMap<String, String>,
}

/// `[services.NAME]`: something started beside a job.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// Where the manifest declares it.
    pub origin: Origin,
    /// The container image.
    pub image: Option<String>,
    /// How many containers it takes; 0 for one that costs no container.
    pub containers: u32,
    /// Its times, from the manifest, the catalogue or the built-in default, with where each is from.
    pub times: Sourced<ServiceTimes>,
    /// What it takes of the runner's memory, all its containers together; nothing where nobody knows.
    pub memory: Option<Sourced<Memory>>,
    /// When shards start it.
    pub provision: Provision,
    /// Where it is reached: `host:port`, `host`, `:port` or the path of a socket. The pytest plugin reads them to
    /// tell which service a test tried to reach.
    pub addresses: Vec<String>,
    /// A test with one of these marks needs it.
    pub markers: Vec<Sourced<crate::ids::MarkerName>>,
    /// A test with one of these fixtures in its closure needs it.
    pub fixtures: Vec<Sourced<String>>,
    /// A test in one of these places needs it.
    pub paths: Vec<Sourced<Pattern>>,
    /// Services that it needs itself.
    pub needs: Vec<Sourced<ServiceName>>,
    /// How the project's own code gives it away, beside what the catalogue knows.
    pub evidence: Signs,
}

/// `[setups.NAME]`: what fixtures of a session or a module do once for all tests that use them.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Its name.
    pub name: String,
    /// Where the manifest declares it.
    pub origin: Origin,
    /// A test with one of these fixtures in its closure uses it; never empty.
    pub fixtures: Vec<Sourced<String>>,
    /// How often it is done.
    pub scope: SetupScope,
    /// How long it takes; learned from the history where absent.
    pub time: Option<Sourced<Millis>>,
}

/// How often a set-up is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SetupScope {
    /// Once for all tests of a shard.
    #[default]
    Session,
    /// Once for the tests of a file in a shard.
    Module,
}

/// When shards start a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Provision {
    /// For tests that need it and are not always skipped; see the model's rule.
    #[default]
    Auto,
    /// For every test that names it, skipped ones too.
    Always,
    /// Never: its tests skip themselves, as they do today.
    Never,
}

/// `[runners.NAME]`: a machine of some size that the shards of a lane may run on.
#[derive(Clone, Debug)]
pub struct Runner {
    /// Its name.
    pub name: RunnerName,
    /// Where the manifest declares it.
    pub origin: Origin,
    /// What the CI knows it by: a label, several that all must fit, or a size; its name where nothing is said.
    pub runs_on: Vec<String>,
    /// What a minute on it is billed, in millionths of a minute on a runner of the usual price.
    pub price: u64,
    /// How fast one worker runs tests on it, in thousandths of a runner of the usual speed.
    pub speed: u32,
    /// How many processors it has: as many workers run where a lane leaves it to them.
    pub cpus: Option<u32>,
    /// The memory that it has.
    pub memory: Option<Sourced<Memory>>,
}

impl Runner {
    /// The price of a runner of which nothing is said.
    pub const USUAL_PRICE: u64 = 1_000_000;
}

/// `[lanes.NAME]`: a CI job definition whose shards share everything but their services and tests.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Its name.
    pub name: LaneName,
    /// Where the manifest declares it.
    pub origin: Origin,
    /// The tests that it selects by place; all where empty.
    pub paths: Vec<Pattern>,
    /// The tests among those that it does not select.
    pub exclude: Vec<Pattern>,
    /// The tests among those that it selects by mark.
    pub markers: Option<MarkerExpr>,
    /// How many tests run at once in a shard, from 1.
    pub workers: NonZeroU32,
    /// How much of `workers` is reached, in thousandths from 1 to 1000; 1000 for one worker.
    pub efficiency: u32,
    /// With `workers = "auto"`, how much of the workers of a runner with other processors is reached, in thousandths.
    pub auto_efficiency: Option<u32>,
    /// What its workers take as a whole.
    pub dist: Dist,
    /// Services that every shard starts.
    pub services: Vec<Sourced<ServiceName>>,
    /// What the solver moves as a whole.
    pub unit: Granularity,
    /// Whether its shards must be contiguous parts of the suite, and where that is said.
    pub keeps_order: Option<Origin>,
    /// Checkout, install, collection: paid by every shard before its services; fitted from job times or the
    /// default where absent.
    pub base: Option<Sourced<Millis>>,
    /// Uploads and clean-up: paid by every shard after its tests.
    pub tail: Option<Sourced<Millis>>,
    /// How many shards it may have at the most.
    pub max_shards: Option<Sourced<u32>>,
    /// Jobs that end before its shards begin.
    pub needs: Vec<Sourced<JobName>>,
    /// Test seconds on the lane's runner per second in the history, in thousandths.
    pub time_scale: Option<Sourced<u32>>,
    /// What its tests take of the runner's memory, at most.
    pub memory: Option<Memory>,
    /// The memory that its runner has: what shares it may not take more.
    pub runner_memory: Option<Sourced<Memory>>,
    /// The runners that its shards may run on, all of them on the same; where empty, the one that its job names.
    pub runners: Vec<Sourced<RunnerName>>,
    /// The runner that the times in the history are from; where nothing is said, one of the usual speed.
    pub measured_on: Option<Sourced<RunnerName>>,
    /// The CI job that runs it today, for learning its overheads from job times.
    pub job: Option<String>,
    /// What the team runs today.
    pub today: Option<Today>,
}

/// What the lane's job is today.
#[derive(Clone, Debug)]
pub struct Today {
    /// Where the manifest says so.
    pub origin: Origin,
    /// The services that its job starts.
    pub services: Vec<ServiceName>,
    /// How many shards it has.
    pub shards: u32,
    /// The lane in whose job its tests run today: it has no job of its own, and the services are that one's.
    pub inside: Option<LaneName>,
}

/// What xdist's workers take as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dist {
    /// One test (`--dist load`, `worksteal`).
    #[default]
    Test,
    /// One class or module (`--dist loadscope`).
    Class,
    /// One file (`--dist loadfile`).
    File,
}

/// What the solver moves as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Granularity {
    /// The tests of a file.
    #[default]
    File,
    /// The tests of a class; functions outside a class stay with their file.
    Class,
    /// Every test by itself.
    Test,
    /// The tests of a file; a file that alone decides how long the plan takes is split.
    Auto,
}

/// `[groups.NAME]`: tests that belong together or apart.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Where the manifest declares it.
    pub origin: Origin,
    /// What holds for its members.
    pub rule: GroupRule,
    /// The units with a test that one of these matches, members of other groups (`@name`) included.
    pub members: Vec<Pattern>,
}

/// What holds for the members of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupRule {
    /// They run in one shard.
    Together,
    /// No two of them run in one shard.
    Apart,
}

/// `[workflow]`: the jobs around the lanes.
#[derive(Clone, Debug, Default)]
pub struct Workflow {
    /// The workflow file that the lanes are jobs of, relative to the manifest.
    pub file: Option<String>,
    /// The job that combines what the lanes measured, by its id or the name that the CI shows.
    pub gate: Option<String>,
    /// `[workflow.jobs.NAME]`, sorted by name.
    pub jobs: Vec<Job>,
}

/// A job of the workflow that is not a lane.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name.
    pub name: JobName,
    /// Where the manifest declares it.
    pub origin: Origin,
    /// How long it takes.
    pub wall: Millis,
    /// How long it takes today, where that differs: no time for a job that comes with the lanes.
    pub today: Option<Millis>,
    /// The jobs and lanes that end before it begins.
    pub needs: Vec<Sourced<JobName>>,
}

/// `[budget]`: the limits when the command line gives none.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    /// Service containers over all shards.
    pub containers: Option<Sourced<u32>>,
    /// Shards over all lanes.
    pub shards: Option<Sourced<u32>>,
    /// Jobs of the workflow that run at once.
    pub slots: Option<Sourced<u32>>,
    /// Billed minutes over all jobs.
    pub minutes: Option<Sourced<u64>>,
    /// How much later than the earliest the workflow may end so that fewer units move.
    pub tolerance: Option<Sourced<Tolerance>>,
}

/// One problem of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// Where, in bytes from the file's start.
    pub span: Range<usize>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A manifest that can not be used: every problem of it, in the order of the file.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{path}: {} in the manifest", if problems.len() == 1 { "a problem".to_owned() } else { format!("{} problems", problems.len()) })]
pub struct ConfigError {
    /// The manifest's path as it was given.
    pub path: String,
    /// Its text.
    pub source_text: String,
    /// What is wrong with it; never empty.
    pub problems: Vec<Problem>,
}

impl Config {
    /// Returns what the manifest `text` says; `path` names it in errors and origins.
    pub fn parse(text: &str, path: &str) -> Result<Self, ConfigError> {
        let problems = match read::read(text, path) {
            Ok((draft, mut problems)) => {
                problems.extend(check::check(&draft));
                if problems.is_empty() {
                    return Ok(draft.into_config().with_some_lane());
                }
                problems
            }
            Err(problems) => problems,
        };
        Err(ConfigError { path: path.to_owned(), source_text: text.to_owned(), problems: in_order(problems) })
    }

    /// Returns the configuration of a project without a manifest: one lane that takes every test, and the
    /// services that are named, with their usual times.
    #[must_use]
    pub fn without_manifest(services: &BTreeSet<ServiceName>) -> Self {
        let mut text = "[lanes.tests]\n".to_owned();
        for service in services {
            text.extend(["[services.", service.as_str(), "]\n"]);
        }
        Self::parse(&text, "the built-in default").expect("names are plain, so the text is valid")
    }

    /// Returns the configuration with one lane for all tests where the manifest declares none.
    fn with_some_lane(mut self) -> Self {
        if self.lanes.is_empty() {
            self.lanes = Self::without_manifest(&BTreeSet::new()).lanes;
        }
        self
    }

    /// Returns the runner of that name.
    #[must_use]
    pub fn runner(&self, name: &RunnerName) -> Option<&Runner> {
        self.runners.iter().find(|runner| runner.name == *name)
    }

    /// Returns the service of that name.
    #[must_use]
    pub fn service(&self, name: &ServiceName) -> Option<&Service> {
        self.services.iter().find(|service| service.name == *name)
    }
}

fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    problems.dedup();
    problems
}
