//! What a lane's jobs take beside their tests, fitted from the job and step times of the CI service.
//!
//! A job's time falls into the start of its service containers (a step that GitHub names itself), its test
//! step, and the rest, which is base and tail. The test step takes longer than its tests: interpreter start,
//! collection, the set-up of the first test. That part is hidden in every shard, so it belongs to the base.

use std::collections::BTreeMap;

use super::least_squares::{Measurement, Usual, fit};
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

/// The step in which GitHub pulls and starts the service containers.
const CONTAINER_STEP: &str = "Initialize containers";

/// The steps that come after the tests, by the beginnings of their names.
const TAIL_STEPS: [&str; 4] = ["Post ", "Complete job", "Stop containers", "Upload"];

/// How far from the catalogue a service's times are expected to be: a share of them, and a part besides.
const CATALOGUE_SHARE: f64 = 0.6;
const CATALOGUE_MILLIS: f64 = 500.0;

/// What the test step usually takes beside its tests, and how far from that one may expect to be.
const USUAL_HIDDEN: Usual = Usual { value: 8_000.0, spread: 20_000.0 };

/// By how much the start of containers and the tests vary from job to job, as a share, and the resolution of a
/// step's time, in milliseconds.
const MEASURED_SHARE: f64 = 0.1;
const RESOLUTION: f64 = 1_000.0;

/// Returns the overheads of every lane and service: what the manifest says; else what the jobs that bear a
/// lane's `job` name show; else the catalogue and the defaults.
///
/// Three kinds of sums are measured: the start of a job's containers (all downloads and the longest wait), the
/// test steps of a run less its tests (what is hidden in each job, and the first contact with each service), and
/// the rest of a job. The first two tell apart what single services take where jobs started different sets of
/// them; they are solved together, drawn towards the catalogue.
#[must_use]
pub fn fit_overheads(config: &Config, observed: &Observed) -> Overheads {
    let mut overheads = Overheads::default();
    let mut fitting = Fitting::new(config);
    let jobs: Vec<Vec<JobParts>> =
        config.lanes.iter().map(|lane| jobs_of(lane, observed).filter_map(JobParts::of).collect()).collect();
    for (at, (lane, jobs)) in config.lanes.iter().zip(&jobs).enumerate() {
        fitting.add_containers(config, lane, jobs, observed);
        fitting.add_test_steps(config, at, lane, jobs, observed);
    }
    let found = fit(&fitting.measurements, &fitting.usual);
    let millis = |part: usize| Millis::from_f64(found[part]);
    for (at, (lane, jobs)) in config.lanes.iter().zip(&jobs).enumerate() {
        let hidden = if fitting.hidden_seen[at] { millis(fitting.hidden(at)) } else { Millis::default() };
        overheads.lanes.insert(lane.name.clone(), lane_overhead(lane, jobs, hidden));
    }
    for (at, service) in config.services.iter().enumerate() {
        let declared = matches!(service.times.origin, Origin::File { .. });
        let times = if fitting.seen[at] && !declared {
            let [pull, ready, attach] = [0, 1, 2].map(|part| millis(3 * at + part));
            Sourced::new(ServiceTimes { pull, ready, attach }, Origin::History)
        } else {
            service.times.clone()
        };
        overheads.services.insert(service.name.clone(), times);
    }
    overheads
}

/// The unknowns of the fit, three for each service and one for each lane, and what was measured of their sums.
struct Fitting {
    measurements: Vec<Measurement>,
    usual: Vec<Usual>,
    services: usize,
    /// Whether a measurement has the service in it.
    seen: Vec<bool>,
    /// Whether a measurement has the lane's hidden part in it.
    hidden_seen: Vec<bool>,
}

impl Fitting {
    fn new(config: &Config) -> Self {
        let mut usual = Vec::new();
        for service in &config.services {
            let declared = matches!(service.times.origin, Origin::File { .. });
            let times = service.times.value;
            usual.extend([times.pull, times.ready, times.attach].map(|time| {
                let value = time.as_f64();
                // What the manifest says is held.
                let spread = if declared { 1e-3 } else { value * CATALOGUE_SHARE + CATALOGUE_MILLIS };
                Usual { value, spread }
            }));
        }
        usual.extend(config.lanes.iter().map(|_| USUAL_HIDDEN));
        Self {
            measurements: Vec::new(),
            usual,
            services: config.services.len(),
            seen: vec![false; config.services.len()],
            hidden_seen: vec![false; config.lanes.len()],
        }
    }

    /// Returns the position of a lane's hidden part.
    fn hidden(&self, lane: usize) -> usize {
        3 * self.services + lane
    }

    /// Adds the start of containers: all downloads, and the wait for the one that is slowest by the catalogue.
    fn add_containers(&mut self, config: &Config, lane: &Lane, jobs: &[JobParts], observed: &Observed) {
        for job in jobs {
            let (Some(measured), services) = (job.containers, services_of(config, lane, job, observed))
            else {
                continue;
            };
            let slowest = services.iter().copied().max_by(|a, b| {
                self.usual[3 * a + 1].value.total_cmp(&self.usual[3 * b + 1].value).then(b.cmp(a))
            });
            let Some(slowest) = slowest else { continue };
            let mut parts: Vec<(usize, f64)> = services.iter().map(|service| (3 * service, 1.0)).collect();
            parts.push((3 * slowest + 1, 1.0));
            for service in &services {
                self.seen[*service] = true;
            }
            let sum = measured.as_f64();
            self.measurements.push(Measurement { parts, sum, spread: sum * MEASURED_SHARE + RESOLUTION });
        }
    }

    /// Adds what the test steps of a lane took in a run beside its tests: the hidden part of each of its jobs, and
    /// the first contact with the services of each. It shows only where the tests of the same run are known, one
    /// after the other.
    fn add_test_steps(
        &mut self,
        config: &Config,
        at: usize,
        lane: &Lane,
        jobs: &[JobParts],
        observed: &Observed,
    ) {
        if lane.workers.get() > 1 {
            return;
        }
        let mut runs: BTreeMap<(&str, Option<u32>), Vec<&JobParts>> = BTreeMap::new();
        for job in jobs {
            if let Some(run) = &job.run {
                runs.entry((run, job.attempt)).or_default().push(job);
            }
        }
        for ((run, _), jobs) in runs {
            let Some(tests) = tests_of_run(observed, &lane.name, run, jobs.len()) else { continue };
            let mut parts = vec![(self.hidden(at), jobs.len() as f64)];
            for job in &jobs {
                for service in services_of(config, lane, job, observed) {
                    match parts.iter_mut().find(|(part, _)| *part == 3 * service + 2) {
                        Some((_, factor)) => *factor += 1.0,
                        None => parts.push((3 * service + 2, 1.0)),
                    }
                    self.seen[service] = true;
                }
            }
            let steps: Millis = jobs.iter().map(|job| job.tests).sum();
            self.hidden_seen[at] = true;
            self.measurements.push(Measurement {
                parts,
                sum: steps.as_f64() - tests.as_f64(),
                spread: steps.as_f64() * MEASURED_SHARE / 2.0 + RESOLUTION * jobs.len() as f64,
            });
        }
    }
}

/// Returns the positions of the services that a job started: those that a report of its run names, where its
/// shard is known, else those of the lane's job today.
fn services_of(config: &Config, lane: &Lane, job: &JobParts, observed: &Observed) -> Vec<usize> {
    let of_shard = observed.runs.iter().find(|stored| {
        let facts = &stored.facts;
        let shard_shown = facts.shard.as_ref().is_some_and(|shard| job.name.contains(&format!("({shard}")));
        facts.run.is_some() && facts.run == job.run && facts.lane.as_ref() == Some(&lane.name) && shard_shown
    });
    let named = of_shard.and_then(|stored| stored.facts.services.as_ref());
    let started = named.or(lane.today.as_ref().map(|today| &today.services));
    let position = |name: &ServiceName| config.services.iter().position(|service| service.name == *name);
    started.into_iter().flatten().filter_map(position).collect()
}

fn lane_overhead(lane: &Lane, jobs: &[JobParts], hidden: Millis) -> LaneOverhead {
    let before = median(jobs.iter().map(|job| job.before.as_f64()).collect());
    let after = median(jobs.iter().map(|job| job.after.as_f64()).collect());
    let fitted = |millis: Option<f64>, default: Millis| match millis {
        Some(millis) => Sourced::new(Millis::from_f64(millis), Origin::History),
        None => Sourced::new(default, Origin::Default),
    };
    let before = before.map(|before| before + hidden.as_f64());
    LaneOverhead {
        base: lane.base.clone().unwrap_or_else(|| fitted(before, DEFAULT_BASE)),
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
    name: String,
    run: Option<String>,
    attempt: Option<u32>,
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
        Some(Self {
            name: job.name.clone(),
            run: job.run.clone(),
            attempt: job.attempt,
            before,
            containers,
            tests,
            after,
        })
    }
}

fn length(step: &StepObservation) -> Option<Millis> {
    between(step.started, step.completed)
}

fn between(from: Option<crate::time::Timestamp>, to: Option<crate::time::Timestamp>) -> Option<Millis> {
    u64::try_from(to?.0.checked_sub(from?.0)?).ok().map(Millis)
}

/// Returns the time of all tests of a lane in a run, where the history has those of all its jobs.
fn tests_of_run(observed: &Observed, lane: &LaneName, run: &str, jobs: usize) -> Option<Millis> {
    let is_it = |facts: &crate::ingest::RunFacts| {
        facts.run.as_deref() == Some(run) && facts.lane.as_ref().is_none_or(|known| known == lane)
    };
    let runs: Vec<_> = observed
        .runs
        .iter_enumerated()
        .filter(|(_, stored)| is_it(&stored.facts))
        .map(|(ix, _)| ix)
        .collect();
    // A report that names its shard is about one job; of the others nobody knows then.
    let shards: std::collections::BTreeSet<&str> =
        runs.iter().filter_map(|ix| observed.runs[*ix].facts.shard.as_deref()).collect();
    if runs.is_empty() || (!shards.is_empty() && shards.len() != jobs) {
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

    /// What a run of several jobs hides is in each of them once.
    #[test]
    fn the_hidden_time_of_matrix_jobs_is_the_share_of_each() {
        let hidden_of = |count: usize| {
            let config = Config::parse("[lanes.heavy]\njob = \"backend\"\n", "shardplan.toml").unwrap();
            let seconds = [20, 0, 130, 0];
            let mut observed = Observed::default();
            for number in 0..12 {
                let run = number.to_string();
                let facts = crate::ingest::RunFacts { run: Some(run.clone()), ..Default::default() };
                observed.runs.push(crate::history::StoredRun {
                    digest: crate::history::Digest::of(run.as_bytes()),
                    report: 0,
                    format: "junit".into(),
                    whole: crate::ids::WholeRunIx(number),
                    age: 11 - number,
                    source: "junit.xml".into(),
                    facts,
                    observations: 1,
                });
                observed.jobs.extend((0..count).map(|at| job(&format!("backend ({at})"), &run, seconds)));
            }
            // 100 of the 130 seconds of every job are tests.
            let total = crate::time::Micros(100_000_000 * count as u64);
            let sample = |run| crate::history::Sample {
                run,
                total,
                outcome: Outcome::Passed,
                more: None,
                reason: None,
                unit: crate::ingest::UnitKind::default(),
                retries: 0,
            };
            observed.tests.push(crate::history::TestHistory {
                test: "t/test_a.py::t".parse().unwrap(),
                file: "t/test_a.py".to_owned(),
                samples: observed.runs.indices().map(sample).collect(),
            });
            fit_overheads(&config, &observed).lanes[&"heavy".parse().unwrap()].base.value
        };
        for count in [1, 2, 5] {
            let base = hidden_of(count);
            let expected = Millis::from_secs(20 + 30);
            assert!(base.0.abs_diff(expected.0) < 2_000, "{count} jobs: {base}");
        }
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
