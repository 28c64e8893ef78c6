//! From tests, estimates and the manifest to a problem: lanes are filled, units are formed, requirements are
//! settled.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{ConstraintGraph, UnknownService};
use super::{Apart, Floor, LaneModel, Problem, ServiceModel, ServiceSet, Unit};
use crate::config::{
    Config, Dist, Granularity, Group, GroupRule, Lane, Origin, Pattern, Provision, Unassigned,
};
use crate::estimate::{Estimate, Estimates, Level, Overheads};
use crate::ids::{Ix, IxVec, LaneIx, LaneName, NodeId, ServiceIx, ServiceName, TestIx, UnitIx};
use crate::inventory::{Inventory, Test};
use crate::time::Millis;
use crate::workflow::JobGraph;

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

/// What the user should know about how the model came to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notes {
    /// Tests that no lane selects.
    pub unassigned: Vec<TestIx>,
    /// Services that tests name and no shard starts for them.
    pub not_provisioned: Vec<NotProvisioned>,
    /// How many tests rest on which kind of estimate.
    pub levels: BTreeMap<Level, usize>,
    /// Groups of which no two members were found.
    pub idle_groups: Vec<String>,
}

/// A service that tests of a lane name and no shard starts for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotProvisioned {
    /// The lane.
    pub lane: LaneName,
    /// The service.
    pub service: ServiceName,
    /// Why not.
    pub why: WhyNot,
    /// The tests.
    pub tests: Vec<TestIx>,
}

/// Why a service is not started for a test that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyNot {
    /// The manifest says never.
    Never,
    /// The test is always skipped, and no run is known to have lacked the service.
    AlwaysSkipped,
    /// The test is always skipped for want of it, and today's job does not start it either.
    SkippedToday,
    /// The test passes without it, and today's job does not start it either.
    PassesWithout,
    /// The test is known to the history, and today's job does not start it.
    NotToday,
}

/// A model that can not be built.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// There is nothing to plan.
    #[error("there are no tests to plan")]
    NoTests,
    /// Tests need services that the manifest does not declare.
    #[error("{} needs service `{}`, which the manifest does not declare ({})", .0[0].test, .0[0].service, .0[0].origin)]
    UnknownServices(Vec<UnknownService>),
    /// More services than the model holds.
    #[error("{0} services are declared; a model holds at most {max}", max = ServiceSet::MAX_SERVICES)]
    TooManyServices(usize),
    /// A test is in two lanes.
    #[error("{test} is selected by two lanes, `{}` ({}) and `{}` ({}): it would run twice ({count})", lanes[0].0, lanes[0].1, lanes[1].0, lanes[1].1, count = such_tests(*others))]
    InTwoLanes {
        /// The first such test.
        test: NodeId,
        /// The lanes, with where they are declared.
        lanes: [(LaneName, Origin); 2],
        /// How many more there are.
        others: usize,
    },
    /// Tests are in no lane.
    #[error("{test} is selected by no lane: it would run nowhere ({count})", count = such_tests(*others))]
    InNoLane {
        /// The first such test.
        test: NodeId,
        /// How many more there are.
        others: usize,
    },
    /// A group wants tests of two lanes in one shard.
    #[error("group `{group}` ({origin}) wants `{}` and `{}` in one shard, but they are of lanes `{}` and `{}`", members[0], members[1], lanes[0], lanes[1])]
    TogetherAcrossLanes {
        /// The group.
        group: String,
        /// Where it is declared.
        origin: Origin,
        /// A member of each lane.
        members: [String; 2],
        /// The lanes.
        lanes: [LaneName; 2],
    },
    /// Two groups contradict each other.
    #[error("group `{apart}` ({apart_origin}) wants `{}` and `{}` apart, but {together} together", members[0], members[1])]
    TogetherAndApart {
        /// The group that wants them apart.
        apart: String,
        /// Where it is declared.
        apart_origin: Origin,
        /// What keeps them together.
        together: String,
        /// Two members.
        members: [String; 2],
    },
}

/// Returns how many tests an error is about, beside the one that it names.
fn such_tests(others: usize) -> String {
    if others == 0 { "1 such test".to_owned() } else { format!("{} such tests", others + 1) }
}

impl ModelError {
    /// Returns whether constraints clash, rather than an input being wrong.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::TogetherAcrossLanes { .. } | Self::TogetherAndApart { .. })
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoTests => "ingest a test report, or name an inventory with `--inventory`".to_owned(),
            Self::UnknownServices(unknown) => match &unknown[0].near {
                Some(near) => format!("did you mean `{near}`? Else declare it with `[services.{}]`", unknown[0].service),
                None => format!("declare it in the manifest with `[services.{}]`", unknown[0].service),
            },
            Self::TooManyServices(_) => "declare one service for those that always start together".to_owned(),
            Self::InTwoLanes { .. } => "narrow `paths`, `exclude` or `markers` of one of the two".to_owned(),
            Self::InNoLane { .. } => {
                "widen a lane's `paths` or `markers`, or leave such tests out with `unassigned = \"ignore\"` in `[project]`".to_owned()
            }
            Self::TogetherAcrossLanes { .. } => "a shard belongs to one lane: take the members of one lane".to_owned(),
            Self::TogetherAndApart { .. } => "take one of the two out of a group, or use a finer `unit`".to_owned(),
        }
    }
}

/// Returns the model. Selectors in `splits` are divided into the next finer ones: a file into its classes, a
/// class into its tests.
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
    };
    let mut units = IxVec::default();
    for cluster in &clusters {
        let lane = LaneIx::from_position(used.binary_search(&cluster.lane).unwrap_or_default());
        let (unit, facts) = make_unit(inputs, cluster, lane, &settled);
        problem.units.push(unit);
        units.push(facts);
    }
    problem.apart = apart_groups(inputs, &clusters, &mut notes)?;
    let deviation =
        |lane: &LaneModel| inputs.overheads.lanes.get(&lane.name).map_or(0.0, |lane| lane.deviation);
    let overhead_deviation = problem.lanes.iter().map(deviation).collect();
    Ok(Model { problem, units, overhead_deviation, graph, jobs, notes })
}

/// What is settled of every test: what it needs of its shard and how long it takes there.
struct Settled {
    requirement: ServiceSet,
    estimate: Estimate,
}

/// Tests that are moved as one, before they are a unit.
struct Cluster {
    lane: usize,
    selectors: Vec<String>,
    tests: Vec<TestIx>,
    divisible: Option<String>,
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
        && lane.markers.as_ref().is_none_or(|expression| {
            expression
                .selects(|term| test.markers.binary_search_by(|name| name.as_str().cmp(&term.name)).is_ok())
        })
}

/// Decides for every test what its shard must start for it and how long it takes.
///
/// A container is started for a test that will use it. A test that is always skipped uses none, unless all its
/// skips were in runs that are known to have lacked the service. A test that today's job runs without a service
/// goes on without it; a test that the history does not know gets what it names.
fn settle_tests(
    inputs: Inputs<'_>,
    graph: &ConstraintGraph,
    lane_of: &IxVec<TestIx, Option<usize>>,
    notes: &mut Notes,
) -> IxVec<TestIx, Settled> {
    let Inputs { config, inventory, estimates, .. } = inputs;
    let mut without: BTreeMap<(usize, ServiceIx, WhyNot), Vec<TestIx>> = BTreeMap::new();
    let mut settled = IxVec::default();
    for (ix, test) in inventory.tests.iter_enumerated() {
        let reached = graph.requirement(ix);
        let mut estimate = estimates.of(&test.id, &test.file);
        let mut requirement = reached;
        if let Some(lane) = lane_of[ix] {
            let names: Vec<&ServiceName> =
                reached.iter().map(|service| &config.services[service.position()].name).collect();
            let record = estimates.skips(&test.id);
            let today = config.lanes[lane].today.as_ref();
            let stays_skipped = record.is_some_and(|record| {
                record.skips_even_with(&names)
                    || record.always_skipped()
                        && today.is_some_and(|today| names.iter().any(|name| !today.services.contains(name)))
            });
            for service in reached.iter() {
                let declared = &config.services[service.position()];
                let started_today = today.map(|today| today.services.contains(&declared.name));
                let why = match declared.provision {
                    Provision::Always => None,
                    Provision::Never => Some(WhyNot::Never),
                    Provision::Auto => match (record, started_today) {
                        (Some(record), _) if record.skips_even_with(&names) => Some(WhyNot::AlwaysSkipped),
                        (Some(record), Some(false)) if record.always_skipped() => Some(WhyNot::SkippedToday),
                        (Some(record), Some(false)) if record.passes_without(&declared.name) => {
                            Some(WhyNot::PassesWithout)
                        }
                        (Some(_), Some(false)) => Some(WhyNot::NotToday),
                        _ => None,
                    },
                };
                if let Some(why) = why {
                    requirement = requirement.without(ServiceSet::from_iter([service]));
                    without.entry((lane, service, why)).or_default().push(ix);
                }
            }
            if stays_skipped {
                estimate = Estimate { mean: 0.0, deviation: 0.0, ..estimate };
            }
            *notes.levels.entry(estimate.level).or_default() += 1;
        }
        settled.push(Settled { requirement, estimate });
    }
    notes.not_provisioned = without
        .into_iter()
        .map(|((lane, service, why), tests)| NotProvisioned {
            lane: config.lanes[lane].name.clone(),
            service: config.services[service.position()].name.clone(),
            why,
            tests,
        })
        .collect();
    settled
}

/// Returns the selector that a test falls under.
fn selector(test: &NodeId, file: &str, granularity: Granularity, splits: &BTreeSet<String>) -> String {
    // Where the runner's ids are no paths, the file stands for its tests only by name.
    let class = if test.as_str().starts_with(file) { test.class() } else { file };
    match granularity {
        Granularity::File => file.to_owned(),
        Granularity::Class => class.to_owned(),
        Granularity::Test => test.as_str().to_owned(),
        Granularity::Auto => {
            if !splits.contains(file) {
                file.to_owned()
            } else if class != file && !splits.contains(class) {
                class.to_owned()
            } else {
                test.as_str().to_owned()
            }
        }
    }
}

/// Groups the tests into what is moved as one: by selector, then by together-groups.
fn form_clusters(
    inputs: Inputs<'_>,
    lane_of: &IxVec<TestIx, Option<usize>>,
    splits: &BTreeSet<String>,
) -> Result<Vec<Cluster>, ModelError> {
    let Inputs { config, inventory, .. } = inputs;
    let mut by_selector: BTreeMap<(usize, String), Vec<TestIx>> = BTreeMap::new();
    for (ix, test) in inventory.tests.iter_enumerated() {
        if let Some(lane) = lane_of[ix] {
            let selector = selector(&test.id, &test.file, config.lanes[lane].unit, splits);
            by_selector.entry((lane, selector)).or_default().push(ix);
        }
    }
    let mut clusters: Vec<Cluster> = by_selector
        .into_iter()
        .map(|((lane, selector), tests)| {
            let splittable = config.lanes[lane].unit == Granularity::Auto && tests.len() > 1;
            let divisible = splittable.then(|| selector.clone());
            Cluster { lane, selectors: vec![selector], tests, divisible }
        })
        .collect();
    for group in config.groups.iter().filter(|group| group.rule == GroupRule::Together) {
        let members = members_of(inputs, group, &clusters);
        let Some(first) = members.first().copied() else { continue };
        if let Some(other) = members.iter().copied().find(|at| clusters[*at].lane != clusters[first].lane) {
            return Err(ModelError::TogetherAcrossLanes {
                group: group.name.clone(),
                origin: group.origin.clone(),
                members: [first, other].map(|at| clusters[at].selectors[0].clone()),
                lanes: [first, other].map(|at| config.lanes[clusters[at].lane].name.clone()),
            });
        }
        for at in members.into_iter().skip(1).rev() {
            let cluster = clusters.remove(at);
            clusters[first].selectors.extend(cluster.selectors);
            clusters[first].tests.extend(cluster.tests);
            clusters[first].divisible = None;
        }
    }
    for cluster in &mut clusters {
        cluster.selectors.sort_unstable();
        cluster.tests.sort_unstable();
    }
    clusters.sort_by(|a, b| (a.lane, &a.selectors).cmp(&(b.lane, &b.selectors)));
    Ok(clusters)
}

/// Returns the positions of the clusters with a test that the group names, in order.
fn members_of(inputs: Inputs<'_>, group: &Group, clusters: &[Cluster]) -> Vec<usize> {
    let named = |ix: &TestIx| {
        let test = &inputs.inventory.tests[*ix];
        group.members.iter().any(|pattern| pattern.matches(&test.id, &test.file))
    };
    (0..clusters.len()).filter(|at| clusters[*at].tests.iter().any(named)).collect()
}

fn apart_groups(
    inputs: Inputs<'_>,
    clusters: &[Cluster],
    notes: &mut Notes,
) -> Result<Vec<Apart>, ModelError> {
    let mut groups = Vec::new();
    for group in &inputs.config.groups {
        let members = members_of(inputs, group, clusters);
        if group.rule == GroupRule::Together {
            if members.is_empty() {
                notes.idle_groups.push(group.name.clone());
            }
            continue;
        }
        for at in &members {
            if let Some(error) = torn_apart(inputs, group, &clusters[*at]) {
                return Err(error);
            }
        }
        let mut found = false;
        for lane in members.iter().map(|at| clusters[*at].lane).collect::<BTreeSet<_>>() {
            let units: Vec<UnitIx> = members
                .iter()
                .filter(|at| clusters[**at].lane == lane)
                .map(|at| UnitIx::from_position(*at))
                .collect();
            if units.len() > 1 {
                found = true;
                groups.push(Apart { name: group.name.clone(), origin: group.origin.clone(), units });
            }
        }
        if !found {
            notes.idle_groups.push(group.name.clone());
        }
    }
    Ok(groups)
}

/// Returns the contradiction where a group wants two parts of one cluster apart.
fn torn_apart(inputs: Inputs<'_>, group: &Group, cluster: &Cluster) -> Option<ModelError> {
    let tests = || cluster.tests.iter().map(|ix| &inputs.inventory.tests[*ix]);
    let hit_by = |pattern: &Pattern| tests().any(|test| pattern.matches(&test.id, &test.file));
    // A pattern that names a part of a file stands for that part, any other for the selectors that it hits.
    let parts = group.members.iter().filter(|pattern| pattern.as_str().contains("::") && hit_by(pattern));
    let mut parts: Vec<String> = parts.map(|pattern| pattern.as_str().to_owned()).collect();
    for selector in &cluster.selectors {
        let whole = group.members.iter().filter(|pattern| !pattern.as_str().contains("::"));
        let hit = |pattern: &Pattern| {
            tests().any(|test| {
                test.id.as_str().starts_with(selector.as_str()) && pattern.matches(&test.id, &test.file)
            })
        };
        if whole.into_iter().any(hit) {
            parts.push(selector.clone());
        }
    }
    let [first, second] = [parts.first()?, parts.get(1)?];
    let keeps_both = inputs.config.groups.iter().find(|other| {
        other.rule == GroupRule::Together && cluster.selectors.len() > 1 && other.members.iter().any(hit_by)
    });
    Some(ModelError::TogetherAndApart {
        apart: group.name.clone(),
        apart_origin: group.origin.clone(),
        together: keeps_both.map_or_else(
            || "the lane moves them as one unit,".to_owned(),
            |other| format!("group `{}` ({}) wants them", other.name, other.origin),
        ),
        members: [first.clone(), second.clone()],
    })
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
    for ix in &cluster.tests {
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
    let unit = Unit {
        name: cluster.selectors[0].clone(),
        lane,
        load,
        piece: Millis::from_f64(piece).min(load),
        requirement: requirement.without(base),
    };
    let facts = UnitFacts {
        selectors: cluster.selectors.clone(),
        tests: cluster.tests.clone(),
        deviation: variance.sqrt(),
        divisible: cluster.divisible.clone(),
    };
    (unit, facts)
}

fn service_models(inputs: Inputs<'_>) -> IxVec<ServiceIx, ServiceModel> {
    let model = |service: &crate::config::Service| {
        let times =
            inputs.overheads.services.get(&service.name).map_or(service.times.value, |times| times.value);
        ServiceModel {
            name: service.name.clone(),
            containers: service.containers,
            pull: times.pull,
            ready: times.ready,
            attach: times.attach,
        }
    };
    inputs.config.services.iter().map(model).collect()
}

/// Returns the services that every shard of the lane starts: those that it names, and what these need.
fn services_everywhere(config: &Config, lane: &Lane) -> ServiceSet {
    let find = |name: &ServiceName| {
        let position = config.services.binary_search_by(|service| service.name.cmp(name));
        position.ok().map(ServiceIx::from_position)
    };
    let mut all = ServiceSet::EMPTY;
    let mut open: Vec<ServiceIx> = lane.services.iter().filter_map(|service| find(&service.value)).collect();
    while let Some(service) = open.pop() {
        if !all.contains(service) {
            all.insert(service);
            let needs = &config.services[service.position()].needs;
            open.extend(needs.iter().filter_map(|need| find(&need.value)));
        }
    }
    all
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
    }
}
