//! What a lane's jobs take beside their tests, fitted from the job and step times of the CI service.
//!
//! A job's time falls into the start of its service containers (a step that GitHub names itself), its test
//! step, and the rest, which is base and tail. The test step takes longer than its tests: interpreter start,
//! collection, the set-up of the first test. That part is hidden in every shard, so it belongs to the base.

use std::collections::BTreeMap;

use crate::config::{Config, Lane, Origin, ServiceTimes, Sourced};
use crate::history::Observed;
use crate::ids::{LaneName, ServiceName};
use crate::ingest::{JobObservation, Outcome, StepObservation};
use crate::time::Millis;

/// What every lane and service takes beside the tests.
#[derive(Clone, Debug, Default)]
pub struct Overheads {
    /// For every lane, its base and tail.
    pub lanes: BTreeMap<LaneName, LaneOverhead>,
    /// For every service, its times.
    pub services: BTreeMap<ServiceName, Sourced<ServiceTimes>>,
}

/// What a shard of a lane takes before its services and after its tests.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneOverhead {
    /// Before.
    pub base: Sourced<Millis>,
    /// After.
    pub tail: Sourced<Millis>,
    /// How much both and the services' start vary from job to job, as a share of their sum.
    pub deviation: f64,
    /// How many jobs it was fitted from; 0 where it was not.
    pub jobs: usize,
}

/// Checkout, interpreter, cached dependencies, collection: assumed where neither the manifest nor a job says
/// more.
const DEFAULT_BASE: Millis = Millis::from_secs(45);

/// Uploads and clean-up, likewise.
const DEFAULT_TAIL: Millis = Millis::from_secs(5);

/// How much overheads vary where no job says more, as a share.
const USUAL_DEVIATION: f64 = 0.15;

/// How many jobs that assumption is worth.
const DEVIATION_WEIGHT: f64 = 3.0;

/// How many jobs the catalogue's times are worth against measured ones.
const CATALOGUE_WEIGHT: f64 = 2.0;

/// The step in which GitHub pulls and starts the service containers.
const CONTAINER_STEP: &str = "Initialize containers";

/// The steps that come after the tests, by the beginnings of their names.
const TAIL_STEPS: [&str; 4] = ["Post ", "Complete job", "Stop containers", "Upload"];

/// Returns the overheads of every lane and service: what the manifest says; else what the jobs that bear a
/// lane's `job` name show; else the catalogue and the defaults.
#[must_use]
pub fn fit_overheads(config: &Config, observed: &Observed) -> Overheads {
    let mut overheads = Overheads::default();
    let mut boot_ratios: BTreeMap<&ServiceName, Vec<f64>> = BTreeMap::new();
    for lane in &config.lanes {
        let jobs: Vec<JobParts> = jobs_of(lane, observed).filter_map(JobParts::of).collect();
        overheads.lanes.insert(lane.name.clone(), lane_overhead(lane, &jobs, observed));
        let Some(today) = lane.today.as_ref().filter(|today| !today.services.is_empty()) else { continue };
        let expected = usual_boot(config, &today.services).as_f64();
        let measured: Vec<f64> = jobs.iter().filter_map(|job| job.containers).map(Millis::as_f64).collect();
        if let Some(measured) = median(measured).filter(|_| expected > 0.0) {
            for service in &today.services {
                boot_ratios.entry(service).or_default().push(measured / expected);
            }
        }
    }
    for service in &config.services {
        let ratios = boot_ratios.get(&service.name).map_or(&[][..], Vec::as_slice);
        let declared = matches!(service.times.origin, Origin::File { .. });
        let times = if ratios.is_empty() || declared {
            service.times.clone()
        } else {
            let count = ratios.len() as f64;
            let factor = (ratios.iter().sum::<f64>() + CATALOGUE_WEIGHT) / (count + CATALOGUE_WEIGHT);
            let scaled = |time: Millis| Millis::from_f64(time.as_f64() * factor);
            let times = service.times.value;
            let fitted =
                ServiceTimes { pull: scaled(times.pull), ready: scaled(times.ready), attach: times.attach };
            Sourced::new(fitted, Origin::History)
        };
        overheads.services.insert(service.name.clone(), times);
    }
    overheads
}

fn lane_overhead(lane: &Lane, jobs: &[JobParts], observed: &Observed) -> LaneOverhead {
    let before = median(jobs.iter().map(|job| job.before.as_f64()).collect());
    let after = median(jobs.iter().map(|job| job.after.as_f64()).collect());
    // What the test step takes beyond its tests shows only where the tests of the same run are known, one after
    // the other.
    let hidden = (lane.workers.get() == 1)
        .then(|| {
            let hidden = jobs.iter().filter_map(|job| {
                let tests = tests_of_run(observed, &lane.name, job.run.as_deref()?)?;
                Some(job.tests.saturating_sub(tests).as_f64())
            });
            median(hidden.collect())
        })
        .flatten()
        .unwrap_or(0.0);
    let fitted = |millis: Option<f64>, default: Millis| match millis {
        Some(millis) => Sourced::new(Millis::from_f64(millis), Origin::History),
        None => Sourced::new(default, Origin::Default),
    };
    LaneOverhead {
        base: lane.base.clone().unwrap_or_else(|| fitted(before.map(|before| before + hidden), DEFAULT_BASE)),
        tail: lane.tail.clone().unwrap_or_else(|| fitted(after, DEFAULT_TAIL)),
        deviation: deviation(jobs),
        jobs: jobs.len(),
    }
}

/// Returns how much the time around the tests varies from job to job, drawn towards the usual.
fn deviation(jobs: &[JobParts]) -> f64 {
    let around: Vec<f64> = jobs
        .iter()
        .map(|job| (job.before + job.containers.unwrap_or_default() + job.after).as_f64())
        .collect();
    let mean = around.iter().sum::<f64>() / around.len().max(1) as f64;
    if mean <= 0.0 {
        return USUAL_DEVIATION;
    }
    let squares: f64 = around.iter().map(|time| (time / mean - 1.0).powi(2)).sum();
    let freedom = (around.len() as f64 - 1.0).max(0.0);
    ((DEVIATION_WEIGHT * USUAL_DEVIATION.powi(2) + squares) / (DEVIATION_WEIGHT + freedom)).sqrt()
}

/// Returns the jobs that ran the lane: those of its `job` name, alone or with a matrix in parentheses behind.
fn jobs_of<'o>(lane: &Lane, observed: &'o Observed) -> impl Iterator<Item = &'o JobObservation> {
    let name = lane.job.clone();
    observed.jobs.iter().filter(move |job| {
        let Some(name) = name.as_deref() else { return false };
        let bears_it =
            job.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("));
        bears_it && job.conclusion.as_deref() == Some("success")
    })
}

/// What a job's time falls into.
struct JobParts {
    run: Option<String>,
    before: Millis,
    containers: Option<Millis>,
    tests: Millis,
    after: Millis,
}

impl JobParts {
    fn of(job: &JobObservation) -> Option<Self> {
        let wall = between(job.started, job.completed)?;
        let containers = job.steps.iter().find(|step| step.name == CONTAINER_STEP).and_then(length);
        let test_step =
            job.steps.iter().filter(|step| step.name != CONTAINER_STEP).max_by_key(|step| length(step))?;
        let tests = length(test_step)?;
        let is_tail = |step: &&StepObservation| TAIL_STEPS.iter().any(|start| step.name.starts_with(start));
        let after: Millis = job
            .steps
            .iter()
            .skip_while(|step| !std::ptr::eq(*step, test_step))
            .skip(1)
            .filter(is_tail)
            .filter_map(length)
            .sum();
        let before = wall.saturating_sub(tests + containers.unwrap_or_default() + after);
        Some(Self { run: job.run.clone(), before, containers, tests, after })
    }
}

fn length(step: &StepObservation) -> Option<Millis> {
    between(step.started, step.completed)
}

fn between(from: Option<crate::time::Timestamp>, to: Option<crate::time::Timestamp>) -> Option<Millis> {
    u64::try_from(to?.0.checked_sub(from?.0)?).ok().map(Millis)
}

/// Returns the time of all tests of a lane in a run, where the history has them.
fn tests_of_run(observed: &Observed, lane: &LaneName, run: &str) -> Option<Millis> {
    let is_it = |facts: &crate::ingest::RunFacts| {
        facts.run.as_deref() == Some(run) && facts.lane.as_ref().is_none_or(|known| known == lane)
    };
    let runs: Vec<_> = observed
        .runs
        .iter_enumerated()
        .filter(|(_, stored)| is_it(&stored.facts))
        .map(|(ix, _)| ix)
        .collect();
    if runs.is_empty() {
        return None;
    }
    let total: f64 = observed
        .tests
        .iter()
        .flat_map(|test| &test.samples)
        .filter(|sample| runs.contains(&sample.run) && sample.outcome != Outcome::Skipped)
        .map(|sample| sample.total.as_millis_f64())
        .sum();
    Some(Millis::from_f64(total))
}

/// Returns what the services usually take to start, the tests' own first contact aside.
fn usual_boot(config: &Config, services: &[ServiceName]) -> Millis {
    let times: Vec<ServiceTimes> =
        services.iter().filter_map(|name| config.service(name)).map(|service| service.times.value).collect();
    let pulls: Millis = times.iter().map(|times| times.pull).sum();
    pulls + times.iter().map(|times| times.ready).max().unwrap_or_default()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    /// Returns a job of the CI service: queue, set-up, containers, tests, upload, each so many seconds.
    fn job(name: &str, run: &str, seconds: [i64; 4]) -> JobObservation {
        let mut clock = 1_000_000;
        let names = ["Set up job", CONTAINER_STEP, "Run pytest", "Upload coverage"];
        let steps = names
            .into_iter()
            .zip(seconds)
            .map(|(name, seconds)| {
                let started = Timestamp(clock);
                clock += seconds * 1000;
                let (started, completed) = (Some(started), Some(Timestamp(clock)));
                StepObservation { name: name.to_owned(), conclusion: None, started, completed }
            })
            .collect();
        JobObservation {
            id: 1,
            name: name.to_owned(),
            run: Some(run.to_owned()),
            attempt: Some(1),
            branch: None,
            commit: None,
            conclusion: Some("success".to_owned()),
            labels: Vec::new(),
            created: None,
            started: Some(Timestamp(1_000_000)),
            completed: Some(Timestamp(clock)),
            steps,
        }
    }

    const MANIFEST: &str = r#"
        [services.postgres]
        [services.redis]
        pull = "9s"
        [lanes.heavy]
        job = "backend"
        today = { services = ["postgres"] }
        [lanes.unit]
        base = "12s"
    "#;

    fn fit(jobs: Vec<JobObservation>) -> Overheads {
        let config = Config::parse(MANIFEST, "shardplan.toml").unwrap();
        fit_overheads(&config, &Observed { jobs, ..Observed::default() })
    }

    #[test]
    fn a_lane_s_overheads_are_what_its_jobs_take_beside_their_tests() {
        let jobs = vec![
            job("backend", "1", [20, 10, 300, 4]),
            job("backend (2)", "2", [24, 12, 310, 6]),
            job("backend-lint", "3", [900, 0, 900, 0]),
        ];
        let overheads = fit(jobs);
        let heavy = &overheads.lanes[&"heavy".parse().unwrap()];
        assert_eq!((heavy.base.value, heavy.tail.value), (Millis::from_secs(22), Millis::from_secs(5)));
        assert_eq!((heavy.base.origin.clone(), heavy.jobs), (Origin::History, 2));
    }

    #[test]
    fn what_the_manifest_says_is_not_fitted() {
        let overheads = fit(vec![job("backend", "1", [20, 10, 300, 4])]);
        let unit = &overheads.lanes[&"unit".parse().unwrap()];
        assert_eq!(unit.base.value, Millis::from_secs(12));
        let redis = &overheads.services[&"redis".parse().unwrap()];
        assert_eq!(redis.value.pull, Millis::from_secs(9));
    }

    #[test]
    fn services_start_between_the_catalogue_and_what_was_measured() {
        let usual = fit(Vec::new()).services[&"postgres".parse().unwrap()].value;
        let slow = fit((0..8).map(|_| job("backend", "1", [20, 44, 300, 4])).collect());
        let fitted = slow.services[&"postgres".parse().unwrap()].clone();
        assert_eq!(fitted.origin, Origin::History);
        assert!(usual.pull < fitted.value.pull && usual.ready < fitted.value.ready);
        assert!(fitted.value.pull + fitted.value.ready < Millis::from_secs(44));
        assert_eq!(usual.attach, fitted.value.attach);
    }
}
