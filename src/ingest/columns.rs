//! The columns of the history's table of tests, named once: the store writes and reads them, and the reader of
//! foreign history files reads them. `docs/formats.md` says what each means.

/// The node id.
pub(crate) const TEST: &str = "test";
/// The test's file.
pub(crate) const FILE: &str = "file";
/// How it ended.
pub(crate) const OUTCOME: &str = "outcome";
/// Set-up, call and tear-down in microseconds.
pub(crate) const TOTAL: &str = "total_us";
/// The phases in microseconds.
pub(crate) const PHASES: [&str; 3] = ["setup_us", "call_us", "teardown_us"];
/// Why it was skipped or failed.
pub(crate) const REASON: &str = "reason";
/// What was measured as a whole.
pub(crate) const UNIT: &str = "unit";
/// How often it was tried in vain before.
pub(crate) const RETRIES: &str = "retries";
/// The worker that ran it.
pub(crate) const WORKER: &str = "worker";
/// The project or browser it ran under.
pub(crate) const PROJECT: &str = "project";

/// Which run of its file a row belongs to.
pub(crate) const REPORT: &str = "report";
/// The CI's id of the run.
pub(crate) const RUN: &str = "run";
/// The attempt within the run.
pub(crate) const ATTEMPT: &str = "attempt";
/// What was tested.
pub(crate) const COMMIT: &str = "commit";
/// Not `branch`: pandas refuses a file with a column that is also the name of a partition.
pub(crate) const BRANCH: &str = "git_branch";
/// When the run started, in milliseconds since 1970.
pub(crate) const AT: &str = "at_ms";
/// The lane.
pub(crate) const LANE: &str = "lane";
/// The shard of that lane.
pub(crate) const SHARD: &str = "shard";
/// The machine.
pub(crate) const MACHINE: &str = "machine";
/// The services that were up.
pub(crate) const SERVICES: &str = "services";
/// How much of the suite the run covered.
pub(crate) const EXTENT: &str = "extent";
/// What ran the tests.
pub(crate) const FRAMEWORK: &str = "framework";
/// What its session took, in microseconds.
pub(crate) const SESSION: &str = "session_us";
/// The format of the ingested file.
pub(crate) const FORMAT: &str = "format";
/// The name of the ingested file.
pub(crate) const SOURCE: &str = "source";
/// The digest of the ingested file.
pub(crate) const DIGEST: &str = "digest";

/// What says which run a row belongs to.
pub(crate) const OF_THE_RUN: [&str; 13] =
    [REPORT, RUN, ATTEMPT, COMMIT, BRANCH, AT, LANE, SHARD, MACHINE, SERVICES, EXTENT, FRAMEWORK, SESSION];

/// What says something of the test itself.
pub(crate) const OF_THE_TEST: [&str; 12] =
    [TEST, FILE, OUTCOME, TOTAL, PHASES[0], PHASES[1], PHASES[2], REASON, UNIT, RETRIES, WORKER, PROJECT];
