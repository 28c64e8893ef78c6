//! The history in the first version of its machine formats. Fields are only ever added.
//!
//! Times are in seconds and dates in ISO 8601, as the CSV has them; `docs/schemas` holds the schemas.

use schemars::JsonSchema;
use serde::Serialize;

use super::export::by_run;
use super::views::{
    self, Change, Execution, FlakyTest, LaneRun, RunLine, RunsOfLane, Shown, SkippedTest, SlowTest,
    StaleLane, StaleTest,
};
use super::{Compacted, Observed, Pruned, Sample, StoredRun, TestHistory};
use crate::ids::{Ix as _, LaneName, ServiceName};
use crate::ingest::Phases;
use crate::time::Timestamp;

/// The version of every format here.
const VERSION: u32 = 1;

/// Returns a machine format as text.
#[must_use]
pub fn to_string(format: &impl Serialize) -> String {
    serde_json::to_string_pretty(format).expect("texts and numbers are JSON") + "\n"
}

fn time(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}

fn lane(lane: Option<&LaneName>) -> Option<String> {
    lane.map(ToString::to_string)
}

/// `history --format json`: what the store holds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OverviewV1 {
    version: u32,
    /// Runs of the CI, attempts and shards together.
    runs: usize,
    /// Reports that told of them.
    reports: usize,
    tests: usize,
    files: usize,
    observations: usize,
    jobs: usize,
    first: Option<String>,
    last: Option<String>,
    formats: Vec<FormatV1>,
    lanes: Vec<LaneV1>,
    slowest: Vec<SlowTestV1>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FormatV1 {
    format: String,
    reports: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct LaneV1 {
    lane: Option<String>,
    runs: usize,
    tests_of_last: usize,
    typical_seconds: f64,
    last: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SlowTestV1 {
    test: String,
    expected_seconds: f64,
    /// The share of what all tests are expected to take.
    share: f64,
    median_seconds: f64,
    seen: usize,
}

impl From<&views::Overview> for OverviewV1 {
    fn from(overview: &views::Overview) -> Self {
        let formats = overview.formats.iter();
        Self {
            version: VERSION,
            runs: overview.runs,
            reports: overview.reports,
            tests: overview.tests,
            files: overview.files,
            observations: overview.observations,
            jobs: overview.jobs,
            first: time(overview.first),
            last: time(overview.last),
            formats: formats
                .map(|(format, reports)| FormatV1 { format: format.clone(), reports: *reports })
                .collect(),
            lanes: overview.lanes.iter().map(LaneV1::from).collect(),
            slowest: overview.slowest.iter().map(SlowTestV1::from).collect(),
        }
    }
}

impl From<&RunsOfLane> for LaneV1 {
    fn from(of_lane: &RunsOfLane) -> Self {
        Self {
            lane: lane(of_lane.lane.as_ref()),
            runs: of_lane.runs,
            tests_of_last: of_lane.tests_of_last,
            typical_seconds: of_lane.typical_total.as_secs_f64(),
            last: time(of_lane.last),
        }
    }
}

impl From<&SlowTest> for SlowTestV1 {
    fn from(slow: &SlowTest) -> Self {
        Self {
            test: slow.test.as_str().to_owned(),
            expected_seconds: slow.expected.as_secs_f64(),
            share: slow.share,
            median_seconds: slow.median.as_secs_f64(),
            seen: slow.seen,
        }
    }
}

/// `history slowest --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SlowestV1 {
    version: u32,
    tests: Vec<SlowTestV1>,
}

impl From<&[SlowTest]> for SlowestV1 {
    fn from(tests: &[SlowTest]) -> Self {
        Self { version: VERSION, tests: tests.iter().map(SlowTestV1::from).collect() }
    }
}

/// `history trend --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TrendV1 {
    version: u32,
    /// What every lane took in its last runs, the latest first.
    runs: Vec<LaneRunV1>,
    /// The tests that became slower or faster.
    changes: Vec<ChangeV1>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct LaneRunV1 {
    lane: Option<String>,
    run: String,
    at: Option<String>,
    ran: usize,
    failed: usize,
    skipped: usize,
    total_seconds: f64,
    /// Against the median of the runs before, as a share: 0.1 is a tenth longer.
    change: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ChangeV1 {
    test: String,
    before_seconds: f64,
    now_seconds: f64,
    latest: usize,
}

impl From<&views::Trend> for TrendV1 {
    fn from(trend: &views::Trend) -> Self {
        let run = |run: &LaneRun| LaneRunV1 {
            lane: lane(run.lane.as_ref()),
            run: run.run.clone(),
            at: time(run.at),
            ran: run.ran,
            failed: run.failed,
            skipped: run.skipped,
            total_seconds: run.total.as_secs_f64(),
            change: run.change,
        };
        let change = |change: &Change| ChangeV1 {
            test: change.test.as_str().to_owned(),
            before_seconds: change.before.as_secs_f64(),
            now_seconds: change.now.as_secs_f64(),
            latest: change.latest,
        };
        Self {
            version: VERSION,
            runs: trend.runs.iter().map(run).collect(),
            changes: trend.changes.iter().map(change).collect(),
        }
    }
}

/// `history flaky --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FlakyV1 {
    version: u32,
    tests: Vec<FlakyTestV1>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FlakyTestV1 {
    test: String,
    /// Commits, or runs of an unknown commit, in which it both passed and failed; at 0 it is only suspect.
    proofs: usize,
    changes: usize,
    ran: usize,
    failed: usize,
    last_failure: Option<String>,
    reason: Option<String>,
}

impl From<&[FlakyTest]> for FlakyV1 {
    fn from(tests: &[FlakyTest]) -> Self {
        let test = |test: &FlakyTest| FlakyTestV1 {
            test: test.test.as_str().to_owned(),
            proofs: test.proofs,
            changes: test.changes,
            ran: test.ran,
            failed: test.failed,
            last_failure: time(test.last_failure),
            reason: test.reason.clone(),
        };
        Self { version: VERSION, tests: tests.iter().map(test).collect() }
    }
}

/// `history skipped --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SkippedV1 {
    version: u32,
    tests: Vec<SkippedTestV1>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SkippedTestV1 {
    test: String,
    /// Whether it never ran; else it is skipped lately.
    always: bool,
    skipped_in_a_row: usize,
    since: Option<String>,
    last_ran: Option<String>,
    reason: Option<String>,
    /// Whether the services that were up are known of every run that skipped it.
    services_known: bool,
}

impl From<&[SkippedTest]> for SkippedV1 {
    fn from(tests: &[SkippedTest]) -> Self {
        let test = |test: &SkippedTest| SkippedTestV1 {
            test: test.test.as_str().to_owned(),
            always: !test.ever_ran,
            skipped_in_a_row: test.in_a_row,
            since: time(test.since),
            last_ran: time(test.last_ran),
            reason: test.reason.clone(),
            services_known: test.services_known,
        };
        Self { version: VERSION, tests: tests.iter().map(test).collect() }
    }
}

/// `history stale --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StaleV1 {
    version: u32,
    tests: Vec<StaleTestV1>,
    lanes: Vec<StaleLaneV1>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct StaleTestV1 {
    test: String,
    lane: Option<String>,
    last_seen: Option<String>,
    runs_since: u32,
    /// Whether a full run of its lane went without it.
    gone: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct StaleLaneV1 {
    lane: Option<String>,
    last: Option<String>,
    days_behind: Option<i64>,
}

impl From<&views::Stale> for StaleV1 {
    fn from(stale: &views::Stale) -> Self {
        let test = |test: &StaleTest| StaleTestV1 {
            test: test.test.as_str().to_owned(),
            lane: lane(test.lane.as_ref()),
            last_seen: time(test.last_seen),
            runs_since: test.runs_since,
            gone: test.is_gone,
        };
        let of_lane = |of_lane: &StaleLane| StaleLaneV1 {
            lane: lane(of_lane.lane.as_ref()),
            last: time(of_lane.last),
            days_behind: of_lane.days_behind,
        };
        Self {
            version: VERSION,
            tests: stale.tests.iter().map(test).collect(),
            lanes: stale.lanes.iter().map(of_lane).collect(),
        }
    }
}

/// `history runs --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunsV1 {
    version: u32,
    runs: Vec<RunLineV1>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct RunLineV1 {
    run: String,
    at: Option<String>,
    branch: Option<String>,
    commit: Option<String>,
    attempts: Vec<u32>,
    lanes: Vec<LaneShardsV1>,
    reports: usize,
    observations: usize,
    /// `full`, `partial`, `only-failed`, `selected` or `unknown`.
    extent: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct LaneShardsV1 {
    lane: Option<String>,
    shards: Vec<String>,
}

impl From<&[RunLine]> for RunsV1 {
    fn from(runs: &[RunLine]) -> Self {
        let run = |run: &RunLine| RunLineV1 {
            run: run.run.clone(),
            at: time(run.at),
            branch: run.branch.clone(),
            commit: run.commit.clone(),
            attempts: run.attempts.clone(),
            lanes: run
                .lanes
                .iter()
                .map(|(of, shards)| LaneShardsV1 { lane: lane(of.as_ref()), shards: shards.clone() })
                .collect(),
            reports: run.reports,
            observations: run.observations,
            extent: run.extent.as_str().to_owned(),
        };
        Self { version: VERSION, runs: runs.iter().map(run).collect() }
    }
}

/// `history show TEST --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownV1 {
    version: u32,
    test: String,
    file: String,
    expected_seconds: f64,
    median_seconds: f64,
    shortest_seconds: f64,
    longest_seconds: f64,
    ran: usize,
    failed: usize,
    skipped: usize,
    executions: Vec<ExecutionV1>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ExecutionV1 {
    at: Option<String>,
    run: String,
    attempt: Option<u32>,
    commit: Option<String>,
    branch: Option<String>,
    lane: Option<String>,
    shard: Option<String>,
    machine: Option<String>,
    outcome: String,
    seconds: f64,
    phases: Option<PhasesV1>,
    reason: Option<String>,
    source: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "every time of the format names its unit")]
struct PhasesV1 {
    setup_seconds: f64,
    call_seconds: f64,
    teardown_seconds: f64,
}

impl From<Phases> for PhasesV1 {
    fn from(phases: Phases) -> Self {
        Self {
            setup_seconds: phases.setup.as_secs_f64(),
            call_seconds: phases.call.as_secs_f64(),
            teardown_seconds: phases.teardown.as_secs_f64(),
        }
    }
}

impl ShownV1 {
    /// Returns the format of a test that is expected to take so many seconds.
    #[must_use]
    pub fn new(shown: &Shown, expected_seconds: f64) -> Self {
        let execution = |seen: &Execution| ExecutionV1 {
            at: time(seen.at),
            run: seen.run.clone(),
            attempt: seen.attempt,
            commit: seen.commit.clone(),
            branch: seen.branch.clone(),
            lane: lane(seen.lane.as_ref()),
            shard: seen.shard.clone(),
            machine: seen.machine.clone(),
            outcome: seen.outcome.as_str().to_owned(),
            seconds: seen.total.as_secs_f64(),
            phases: seen.phases.map(PhasesV1::from),
            reason: seen.reason.clone(),
            source: seen.source.clone(),
        };
        Self {
            version: VERSION,
            test: shown.test.as_str().to_owned(),
            file: shown.file.clone(),
            expected_seconds,
            median_seconds: shown.median.as_secs_f64(),
            shortest_seconds: shown.shortest.as_secs_f64(),
            longest_seconds: shown.longest.as_secs_f64(),
            ran: shown.ran,
            failed: shown.failed,
            skipped: shown.skipped,
            executions: shown.executions.iter().map(execution).collect(),
        }
    }
}

/// `history compact --format json` and `history prune --format json`: what was done to the store.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ChangedV1 {
    version: u32,
    /// Whether nothing was really done.
    dry_run: bool,
    files_before: Option<usize>,
    files_after: Option<usize>,
    bytes_before: Option<u64>,
    bytes_after: Option<u64>,
    runs_forgotten: usize,
    observations_forgotten: usize,
    jobs_forgotten: usize,
    files_deleted: usize,
    files_rewritten: usize,
}

impl ChangedV1 {
    /// Returns the format of a compaction.
    #[must_use]
    pub fn compacted(compacted: &Compacted, dry_run: bool) -> Self {
        Self {
            version: VERSION,
            dry_run,
            files_before: Some(compacted.files_before),
            files_after: Some(compacted.files_after),
            bytes_before: Some(compacted.bytes_before),
            bytes_after: compacted.bytes_after,
            ..Self::default()
        }
    }

    /// Returns the format of a pruning.
    #[must_use]
    pub fn pruned(pruned: &Pruned, dry_run: bool) -> Self {
        Self {
            version: VERSION,
            dry_run,
            runs_forgotten: pruned.runs,
            observations_forgotten: pruned.observations,
            jobs_forgotten: pruned.jobs,
            files_deleted: pruned.deleted,
            files_rewritten: pruned.rewritten,
            ..Self::default()
        }
    }
}

/// `history export json`: every observation under its run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExportV1 {
    version: u32,
    reports: Vec<ReportV1>,
}

/// What one report said of one run.
#[derive(Debug, Serialize, JsonSchema)]
struct ReportV1 {
    run: String,
    attempt: Option<u32>,
    commit: Option<String>,
    branch: Option<String>,
    at: Option<String>,
    lane: Option<String>,
    shard: Option<String>,
    machine: Option<String>,
    /// The services that were up; nothing where that is unknown.
    services: Option<Vec<String>>,
    /// `full`, `partial`, `only-failed`, `selected` or `unknown`.
    extent: String,
    format: String,
    source: String,
    /// The BLAKE3 digest of the file that was ingested.
    digest: String,
    tests: Vec<ObservationV1>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ObservationV1 {
    test: String,
    file: String,
    outcome: String,
    seconds: f64,
    /// `test`, `class` or `file`: what was measured as a whole.
    unit: String,
    /// How often it was tried in vain before, within the same job.
    retries: u16,
    /// The worker that ran it.
    #[serde(skip_serializing_if = "Option::is_none")]
    worker: Option<String>,
    /// The project or browser it ran under.
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phases: Option<PhasesV1>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<&Observed> for ExportV1 {
    fn from(observed: &Observed) -> Self {
        let samples = by_run(observed);
        let reports = samples.chunk_by(|(one, ..), (other, ..)| one.position() == other.position());
        let report = |samples: &[(crate::ids::RunIx, &TestHistory, &Sample)]| {
            let run = &observed.runs[samples[0].0];
            ReportV1::new(&observed.whole_runs[run.whole].run, run, samples)
        };
        Self { version: VERSION, reports: reports.map(report).collect() }
    }
}

impl ReportV1 {
    fn new(id: &str, run: &StoredRun, samples: &[(crate::ids::RunIx, &TestHistory, &Sample)]) -> Self {
        let facts = &run.facts;
        let names = |services: &Vec<ServiceName>| services.iter().map(ToString::to_string).collect();
        let observation = |(_, test, sample): &(crate::ids::RunIx, &TestHistory, &Sample)| ObservationV1 {
            test: test.test.as_str().to_owned(),
            file: test.file.clone(),
            outcome: sample.outcome.as_str().to_owned(),
            seconds: sample.total.as_secs_f64(),
            unit: sample.unit.as_str().to_owned(),
            retries: sample.retries,
            worker: sample.worker().map(str::to_owned),
            project: sample.project().map(str::to_owned),
            phases: sample.phases().map(PhasesV1::from),
            reason: sample.reason.as_deref().map(str::to_owned),
        };
        Self {
            run: id.to_owned(),
            attempt: facts.attempt,
            commit: facts.commit.clone(),
            branch: facts.branch.clone(),
            at: time(facts.at),
            lane: lane(facts.lane.as_ref()),
            shard: facts.shard.clone(),
            machine: facts.machine.clone(),
            services: facts.services.as_ref().map(names),
            extent: facts.extent.as_str().to_owned(),
            format: run.format.to_string(),
            source: run.source.to_string(),
            digest: run.digest.to_string(),
            tests: samples.iter().map(observation).collect(),
        }
    }
}
