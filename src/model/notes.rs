//! What the user should know about how a model came to be.

use std::collections::{BTreeMap, BTreeSet};

use super::ServiceSet;
use super::build::Inputs;
use super::graph::{ConstraintGraph, Node};
use super::provision::{NotProvisioned, services_everywhere};
use crate::config::{Lane, Origin, Service};
use crate::estimate::{Level, uses};
use crate::ids::{Ix, IxVec, LaneName, RunnerName, ServiceIx, ServiceName, TestIx};

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
    /// What the manifest says and no test is concerned by.
    pub idle: Vec<Idle>,
    /// How many set-ups of several users are too many to be counted for each shard.
    pub setups_left: usize,
}

/// Something in the manifest that no test is concerned by: often a name that is spelled another way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idle {
    /// An inventory without any mark or fixture, and that many rules on these.
    Unmarked(usize),
    /// A lane that selects no test.
    Lane(LaneName, Origin),
    /// A service that no test needs and no lane starts.
    Service(ServiceName, Origin),
    /// A mark that stands for a service and that no test bears.
    Marker(String, ServiceName, Origin),
    /// A fixture that stands for a service and that no test uses.
    Fixture(String, ServiceName, Origin),
    /// A place that stands for a service and that holds no test.
    Place(String, ServiceName, Origin),
    /// A runner that no lane may take.
    Runner(RunnerName, Origin),
    /// A set-up that no test uses, as far as the inventory knows.
    Setup(String, Origin),
    /// A set-up of which nobody knows how long it takes.
    SetupTime(String, Origin),
    /// A service that a lane's job starts today though no test of the lane is known to need it.
    Today(LaneName, ServiceName, Origin),
}

/// Returns what no test is concerned by: lanes, then services with their rules, runners, set-ups, then what today's jobs
/// start.
pub(super) fn find_idle(
    inputs: Inputs<'_>,
    graph: &ConstraintGraph,
    lane_of: &IxVec<TestIx, Option<usize>>,
) -> Vec<Idle> {
    let Inputs { config, .. } = inputs;
    // What the tests of every lane need; nothing where the lane has none.
    let mut needed: Vec<Option<ServiceSet>> = vec![None; config.lanes.len()];
    for (ix, lane) in lane_of.iter_enumerated() {
        if let Some(lane) = *lane {
            needed[lane] = Some(needed[lane].unwrap_or_default().union(graph.requirement(ix)));
        }
    }
    let mut idle = Vec::new();
    for (lane, needed) in config.lanes.iter().zip(&needed) {
        if needed.is_none() {
            idle.push(Idle::Lane(lane.name.clone(), lane.origin.clone()));
        }
    }
    let marked = |test: &crate::inventory::Test| !test.markers.is_empty() || !test.fixtures.is_empty();
    let rules = config.services.iter().map(|service| service.markers.len() + service.fixtures.len()).sum();
    let unmarked = rules > 0 && !inputs.inventory.tests.iter().any(marked);
    if unmarked {
        idle.push(Idle::Unmarked(rules));
    }
    let started = config.lanes.iter().map(|lane| services_everywhere(config, lane));
    let wanted = needed.iter().flatten().copied().chain(started).fold(ServiceSet::EMPTY, ServiceSet::union);
    for (position, service) in config.services.iter().enumerate() {
        let mut rules = idle_rules(inputs, graph, service);
        rules.retain(|rule| !unmarked || matches!(rule, Idle::Place(..)));
        if rules.is_empty() && !wanted.contains(ServiceIx::from_position(position)) {
            idle.push(Idle::Service(service.name.clone(), service.origin.clone()));
        }
        idle.extend(rules);
    }
    for runner in &config.runners {
        // One that times are from is known to some purpose.
        let is_named = |lane: &Lane| {
            lane.runners.iter().chain(&lane.measured_on).any(|named| named.value == runner.name)
        };
        if !config.lanes.iter().any(is_named) {
            idle.push(Idle::Runner(runner.name.clone(), runner.origin.clone()));
        }
    }
    for (at, setup) in config.setups.iter().enumerate() {
        if !inputs.inventory.tests.iter().any(|test| uses(test, setup)) {
            idle.push(Idle::Setup(setup.name.clone(), setup.origin.clone()));
        } else if inputs.estimates.setups.iter().all(|time| time.setup != at) {
            idle.push(Idle::SetupTime(setup.name.clone(), setup.origin.clone()));
        }
    }
    for (lane, needed) in config.lanes.iter().zip(&needed) {
        let (Some(needed), Some(today)) = (needed, &lane.today) else { continue };
        // What a job starts for another lane is not idle for want of a test of this one.
        let shared = config
            .lanes
            .iter()
            .any(|other| other.today.as_ref().is_some_and(|other| other.inside.as_ref() == Some(&lane.name)));
        if today.inside.is_some() || shared {
            continue;
        }
        let needed = needed.union(services_everywhere(config, lane));
        for service in &today.services {
            let position = config.services.iter().position(|declared| declared.name == *service);
            if position.is_some_and(|position| !needed.contains(ServiceIx::from_position(position))) {
                idle.push(Idle::Today(lane.name.clone(), service.clone(), today.origin.clone()));
            }
        }
    }
    idle
}

/// Returns the rules of a service that match no test.
fn idle_rules(inputs: Inputs<'_>, graph: &ConstraintGraph, service: &Service) -> Vec<Idle> {
    let name = || service.name.clone();
    let inner = graph.graph();
    let used: BTreeSet<&Node> = inner
        .node_indices()
        .filter(|node| inner.neighbors_directed(*node, petgraph::Direction::Incoming).next().is_some())
        .map(|node| &inner[node])
        .collect();
    let mut idle = Vec::new();
    for marker in &service.markers {
        if !used.contains(&Node::Marker(marker.value.clone())) {
            idle.push(Idle::Marker(marker.value.to_string(), name(), marker.origin.clone()));
        }
    }
    for fixture in &service.fixtures {
        if !used.contains(&Node::Fixture(fixture.value.clone())) {
            idle.push(Idle::Fixture(fixture.value.clone(), name(), fixture.origin.clone()));
        }
    }
    for place in &service.paths {
        let inside = |test: &crate::inventory::Test| place.value.matches(&test.id, &test.file);
        if !inputs.inventory.tests.iter().any(inside) {
            idle.push(Idle::Place(place.value.to_string(), name(), place.origin.clone()));
        }
    }
    idle
}
