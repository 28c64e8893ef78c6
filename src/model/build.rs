//! From tests, estimates and the manifest to a problem: lanes are filled, units are formed, requirements are
//! settled.

use std::collections::{BTreeMap, BTreeSet};

use num_integer::Integer;

use super::clusters::{Cluster, apart_groups, form_clusters};
use super::error::ModelError;
use super::graph::ConstraintGraph;
use super::notes::{Notes, find_idle};
use super::provision::{Settled, services_everywhere, settle_tests};
use super::setups::{Setups, settle_setups};
use super::{
    Floor, LaneModel, OtherJob, Problem, RunnerModel, ServiceKind, ServiceModel, ServiceSet, SuiteOrder, Unit,
};
use crate::config::{Config, Dist, Lane, Origin, Pattern, Runner, Unassigned};
use crate::estimate::{Estimates, Overheads};
use crate::ids::{Ix, IxVec, JobName, LaneIx, LaneName, ServiceIx, TestIx, UnitIx};
use crate::inventory::{Inventory, Test};
use crate::time::Millis;
use crate::workflow::{JobGraph, JobNode};

/// Everything that the model is built from.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'i> {
    /// The manifest.
    pub config: &'i Config,
    /// The tests.
    pub inventory: &'i Inventory,
    /// What they are expected to take.
    pub estimates: &'i Estimates,
    /// What the lanes take beside them.
    pub overheads: &'i Overheads,
}

/// The problem, and what its indices stand for.
#[derive(Clone, Debug)]
pub struct Model {
    /// What is solved.
    pub problem: Problem,
    /// The tests of every unit, and more.
    pub units: IxVec<UnitIx, UnitFacts>,
    /// How much the time around the tests varies, as a share, by lane.
    pub overhead_deviation: IxVec<LaneIx, f64>,
    /// Why a test needs a service.
    pub graph: ConstraintGraph,
    /// The jobs around the lanes.
    pub jobs: JobGraph,
    /// What the user should know about how the model came to be.
    pub notes: Notes,
}

/// What the solver need not know of a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitFacts {
    /// The selectors of its tests: files, classes or node ids; a test belongs to the longest that fits it.
    pub selectors: Vec<String>,
    /// Its tests in order.
    pub tests: Vec<TestIx>,
    /// The standard deviation of its load in milliseconds, the run's pace aside.
    pub deviation: f64,
    /// The selector that could be split to make this unit smaller, where the lane allows it.
    pub divisible: Option<String>,
}

/// Returns the model. Selectors in `splits` are divided into the next finer ones, whatever the lane's
/// granularity: a file into its classes, a class into its tests.
pub fn build(inputs: Inputs<'_>, splits: &BTreeSet<String>) -> Result<Model, ModelError> {
    let Inputs { config, inventory, .. } = inputs;
    if inventory.tests.is_empty() {
        return Err(ModelError::NoTests);
    }
    if config.services.len() > ServiceSet::MAX_SERVICES {
        return Err(ModelError::TooManyServices(config.services.len()));
    }
    let graph = ConstraintGraph::new(config, inventory).map_err(ModelError::UnknownServices)?;
    let jobs = JobGraph::new(config);
    let mut notes = Notes::default();
    let lane_of = assign_lanes(config, inventory, &mut notes)?;
    notes.idle = find_idle(inputs, &graph, &lane_of);
    let settled = settle_tests(inputs, &graph, &lane_of, &mut notes);

    let clusters = form_clusters(inputs, &lane_of, splits)?;
    let used: Vec<usize> =
        clusters.iter().map(|cluster| cluster.lane).collect::<BTreeSet<_>>().into_iter().collect();
    if used.is_empty() {
        return Err(ModelError::NoTests);
    }
    let mut problem = Problem {
        services: service_models(inputs),
        lanes: used.iter().map(|lane| lane_model(inputs, &jobs, &config.lanes[*lane])).collect(),
        units: IxVec::default(),
        apart: Vec::new(),
        floor: Floor { at: jobs.floor().length, jobs: jobs.floor().jobs },
        other_minutes: jobs.other_minutes(),
        others: Vec::new(),
        slots: config.budget.slots.clone(),
        minute: parts_of_a_minute(config),
    };
    if problem.ways() > Problem::MOST_WAYS {
        return Err(ModelError::TooManyWays(problem.ways()));
    }
    add_other_jobs(&mut problem, &jobs);
    let setups = settle_setups(inputs, &clusters, &settled);
    problem.services = problem.services.iter().chain(&setups.models).cloned().collect();
    notes.setups_left = setups.left;
    let mut units = IxVec::default();
    for (at, cluster) in clusters.iter().enumerate() {
        let lane = LaneIx::from_position(used.binary_search(&cluster.lane).unwrap_or_default());
        let (mut unit, facts) = make_unit(inputs, cluster, lane, &settled);
        add_setups(&mut unit, &setups, at);
        problem.units.push(unit);
        units.push(facts);
    }
    problem.apart = apart_groups(inputs, &clusters, &mut notes)?;
    let deviation =
        |lane: &LaneModel| inputs.overheads.lanes.get(&lane.name).map_or(0.0, |lane| lane.deviation);
    let overhead_deviation = problem.lanes.iter().map(deviation).collect();
    Ok(Model { problem, units, overhead_deviation, graph, jobs, notes })
}

/// Adds the jobs around the lanes, with what waits for what.
fn add_other_jobs(problem: &mut Problem, jobs: &JobGraph) {
    let others: Vec<(&JobName, Millis)> = jobs
        .jobs()
        .filter_map(|job| match job {
            JobNode::Job(name, wall) => Some((name, *wall)),
            JobNode::Lane(_) => None,
        })
        .collect();
    let empty = |(name, wall): &(&JobName, Millis)| OtherJob {
        name: (*name).clone(),
        wall: *wall,
        needs: Vec::new(),
        lanes: Vec::new(),
    };
    problem.others = others.iter().map(empty).collect();
    let place = |job: &JobName| others.iter().position(|(name, _)| *name == job);
    for (earlier, later) in jobs.waits() {
        let lane = |name: &LaneName| {
            problem.lanes.iter_enumerated().find(|(_, lane)| lane.name == *name).map(|(ix, _)| ix)
        };
        match (earlier, later) {
            (JobNode::Job(earlier, _), JobNode::Job(later, _)) => {
                if let (Some(earlier), Some(later)) = (place(earlier), place(later)) {
                    problem.others[later].needs.push(earlier);
                }
            }
            (JobNode::Lane(earlier), JobNode::Job(later, _)) => {
                if let (Some(earlier), Some(later)) = (lane(earlier), place(later)) {
                    problem.others[later].lanes.push(earlier);
                }
            }
            (JobNode::Job(earlier, _), JobNode::Lane(later)) => {
                if let (Some(earlier), Some(later)) = (place(earlier), lane(later)) {
                    problem.lanes[later].needs.push(earlier);
                }
            }
            // Lanes run side by side.
            (JobNode::Lane(_), JobNode::Lane(_)) => {}
        }
    }
}

fn assign_lanes(
    config: &Config,
    inventory: &Inventory,
    notes: &mut Notes,
) -> Result<IxVec<TestIx, Option<usize>>, ModelError> {
    let mut lane_of = IxVec::default();
    let mut twice: Vec<(TestIx, [usize; 2])> = Vec::new();
    for (ix, test) in inventory.tests.iter_enumerated() {
        let mut lanes = (0..config.lanes.len()).filter(|lane| selects(&config.lanes[*lane], test));
        let first = lanes.next();
        if let (Some(first), Some(second)) = (first, lanes.next()) {
            twice.push((ix, [first, second]));
        }
        if first.is_none() {
            notes.unassigned.push(ix);
        }
        lane_of.push(first);
    }
    if let Some((test, lanes)) = twice.first() {
        return Err(ModelError::InTwoLanes {
            test: inventory.tests[*test].id.clone(),
            lanes: lanes.map(|lane| (config.lanes[lane].name.clone(), config.lanes[lane].origin.clone())),
            others: twice.len() - 1,
        });
    }
    match notes.unassigned.first() {
        Some(first) if config.project.unassigned == Unassigned::Fail => Err(ModelError::InNoLane {
            test: inventory.tests[*first].id.clone(),
            others: notes.unassigned.len() - 1,
        }),
        _ => Ok(lane_of),
    }
}

/// Returns whether the lane's selection takes the test.
fn selects(lane: &Lane, test: &Test) -> bool {
    let inside = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(&test.id, &test.file));
    (lane.paths.is_empty() || inside(&lane.paths))
        && !inside(&lane.exclude)
        && lane.markers.as_ref().is_none_or(|expression| expression.selects(|term| test.bears(&term.name)))
}

fn make_unit(
    inputs: Inputs<'_>,
    cluster: &Cluster,
    lane: LaneIx,
    settled: &IxVec<TestIx, Settled>,
) -> (Unit, UnitFacts) {
    let config = &inputs.config.lanes[cluster.lane];
    let scale = config.time_scale.as_ref().map_or(1.0, |scale| f64::from(scale.value) / 1000.0);
    let base = services_everywhere(inputs.config, config);
    let mut pieces: BTreeMap<&str, f64> = BTreeMap::new();
    let (mut load, mut variance, mut requirement) = (0.0, 0.0, ServiceSet::EMPTY);
    let tests = cluster.tests();
    for ix in &tests {
        let test = &inputs.inventory.tests[*ix];
        let estimate = &settled[*ix].estimate;
        requirement = requirement.union(settled[*ix].requirement);
        load += estimate.mean * scale;
        variance += (estimate.deviation * scale).powi(2);
        let piece = match config.dist {
            Dist::Test => test.id.as_str(),
            Dist::Class => test.id.class(),
            Dist::File => test.file.as_str(),
        };
        *pieces.entry(piece).or_default() += estimate.mean * scale;
    }
    let load = Millis::from_f64(load);
    let piece = pieces.values().copied().fold(0.0, f64::max);
    let selectors = cluster.selectors();
    let unit = Unit {
        name: selectors[0].clone(),
        lane,
        load,
        piece: Millis::from_f64(piece).min(load),
        requirement: requirement.without(base),
    };
    let facts =
        UnitFacts { selectors, tests, deviation: variance.sqrt(), divisible: cluster.divisible.clone() };
    (unit, facts)
}

/// Adds what a unit's tests set up: what is kept apart to its requirement, what is not to its load.
fn add_setups(unit: &mut Unit, setups: &Setups, at: usize) {
    unit.requirement = unit.requirement.union(setups.used_by[at]);
    unit.load += setups.left_in[at];
    // The first test of the piece that sets it up waits for it.
    unit.piece += setups.left_in[at];
}

fn service_models(inputs: Inputs<'_>) -> IxVec<ServiceIx, ServiceModel> {
    let model = |service: &crate::config::Service| {
        let times =
            inputs.overheads.services.get(&service.name).map_or(service.times.value, |times| times.value);
        ServiceModel {
            name: service.name.clone(),
            kind: ServiceKind::Container,
            containers: service.containers,
            pull: times.pull,
            ready: times.ready,
            attach: times.attach,
            memory: service.memory.as_ref().map(|memory| memory.value).unwrap_or_default(),
        }
    };
    inputs.config.services.iter().map(model).collect()
}

fn lane_model(inputs: Inputs<'_>, jobs: &JobGraph, lane: &Lane) -> LaneModel {
    let overhead = inputs.overheads.lanes.get(&lane.name);
    let (max_shards, max_shards_origin) = lane
        .max_shards
        .as_ref()
        .map_or((u32::MAX, Origin::Default), |limit| (limit.value, limit.origin.clone()));
    LaneModel {
        name: lane.name.clone(),
        base: overhead.map(|overhead| overhead.base.value).unwrap_or_default(),
        tail: overhead.map(|overhead| overhead.tail.value).unwrap_or_default(),
        head: jobs.head(&lane.name).length,
        after: jobs.after(&lane.name).length,
        speed: u64::from(lane.workers.get()) * u64::from(lane.efficiency),
        services: services_everywhere(inputs.config, lane),
        max_shards,
        max_shards_origin,
        memory: lane.memory.unwrap_or_default(),
        runner_memory: lane.runner_memory.clone(),
        runners: lane
            .runners
            .iter()
            .filter_map(|named| inputs.config.runner(&named.value))
            .map(|runner| runner_model(inputs.config, lane, runner))
            .collect(),
        runner: None,
        needs: Vec::new(),
        order: lane.keeps_order.clone().map_or(SuiteOrder::Free, SuiteOrder::Keep),
    }
}

/// Returns a runner as it is for the shards of a lane. Its processors count where the lane leaves its workers to them.
fn runner_model(config: &Config, lane: &Lane, runner: &Runner) -> RunnerModel {
    let own = (u64::from(lane.workers.get()), u64::from(lane.efficiency));
    let (workers, efficiency) = match (lane.auto_efficiency, runner.cpus) {
        (Some(_), Some(1)) => (1, 1000),
        (Some(efficiency), Some(cpus)) => (u64::from(cpus), u64::from(efficiency)),
        _ => own,
    };
    let measured = lane.measured_on.as_ref().and_then(|named| config.runner(&named.value));
    let pace =
        (u64::from(runner.speed) * 1000 / measured.map_or(1000, |runner| u64::from(runner.speed))).max(1);
    RunnerModel {
        name: runner.name.clone(),
        speed: (workers * efficiency * pace / 1000).max(1),
        pace,
        price: runner.price * parts_of_a_minute(config) / Runner::USUAL_PRICE,
        memory: runner.memory.clone().or_else(|| lane.runner_memory.clone()),
    }
}

/// Returns into how many parts a minute must be divided for the price of every runner to be a whole number of them.
fn parts_of_a_minute(config: &Config) -> u64 {
    let used =
        config.lanes.iter().flat_map(|lane| &lane.runners).filter_map(|named| config.runner(&named.value));
    let usual = Runner::USUAL_PRICE;
    usual / used.map(|runner| runner.price).fold(usual, |all, price| all.gcd(&price))
}
