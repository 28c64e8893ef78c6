//! What a test's shard must start for it, and how long it then takes.

use std::collections::BTreeMap;

use super::ServiceSet;
use super::build::Inputs;
use super::graph::ConstraintGraph;
use super::notes::Notes;
use crate::config::{Config, Lane, Provision, Service};
use crate::estimate::{Estimate, SkipRecord};
use crate::ids::{Ix, IxVec, LaneName, ServiceIx, ServiceName, TestIx};

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

/// What is settled of every test: what it needs of its shard and how long it takes there.
pub(super) struct Settled {
    pub(super) requirement: ServiceSet,
    pub(super) estimate: Estimate,
}

/// Decides for every test what its shard must start for it and how long it takes.
///
/// A container is started for a test that will use it. A test that is always skipped uses none, unless all its
/// skips were in runs that are known to have lacked the service. A test that today's job runs without a service
/// goes on without it; a test that the history does not know gets what it names, unless the history knows no
/// test of its lane: then all are taken for tests that today's job runs. That is decided for the services that a
/// test names; what these need themselves goes with them.
pub(super) fn settle_tests(
    inputs: Inputs<'_>,
    graph: &ConstraintGraph,
    lane_of: &IxVec<TestIx, Option<usize>>,
    notes: &mut Notes,
) -> IxVec<TestIx, Settled> {
    let Inputs { config, inventory, estimates, .. } = inputs;
    let everywhere: Vec<ServiceSet> =
        config.lanes.iter().map(|lane| services_everywhere(config, lane)).collect();
    let mut is_known = vec![false; config.lanes.len()];
    for (ix, test) in inventory.tests.iter_enumerated() {
        if let Some(lane) = lane_of[ix] {
            is_known[lane] |= estimates.skips(&test.id).is_some();
        }
    }
    let provision = |service: ServiceIx| config.services[service.position()].provision;
    let mut without: BTreeMap<(usize, ServiceIx, WhyNot), Vec<TestIx>> = BTreeMap::new();
    let mut settled = IxVec::default();
    for (ix, test) in inventory.tests.iter_enumerated() {
        let mut estimate = estimates.of(&test.id, &test.file);
        let mut requirement = graph.requirement(ix);
        if let Some(lane) = lane_of[ix] {
            let record = estimates.skips(&test.id);
            let reached: Vec<&ServiceName> =
                requirement.iter().map(|service| &config.services[service.position()].name).collect();
            let mut started = ServiceSet::EMPTY;
            for service in graph.named(ix).iter() {
                let known = Known {
                    lane: &config.lanes[lane],
                    has_history: is_known[lane],
                    record,
                    reached: &reached,
                };
                let why = known.why_not(&config.services[service.position()]);
                match why.filter(|_| !everywhere[lane].contains(service)) {
                    None => started.insert(service),
                    Some(why) => without.entry((lane, service, why)).or_default().push(ix),
                }
            }
            let lacks = !started.covers(graph.named(ix));
            requirement = graph.with_needs(started);
            // Never is never, even where another service wants it.
            let never: ServiceSet =
                requirement.iter().filter(|service| provision(*service) == Provision::Never).collect();
            let never = never.without(everywhere[lane]);
            for service in never.iter() {
                without.entry((lane, service, WhyNot::Never)).or_default().push(ix);
            }
            requirement = requirement.without(never);
            // Whoever insists on a service says that its tests run with it.
            let insisted = graph.named(ix).iter().any(|service| provision(service) == Provision::Always);
            if record.is_some_and(|record| {
                record.always_skipped() && (lacks || !insisted && record.skips_even_with(&reached))
            }) {
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

/// What is known of a test when its services are settled.
#[derive(Clone, Copy)]
struct Known<'k> {
    lane: &'k Lane,
    /// Whether the history knows a test of the lane.
    has_history: bool,
    record: Option<&'k SkipRecord>,
    /// The services that it reaches.
    reached: &'k [&'k ServiceName],
}

impl Known<'_> {
    /// Returns why the service is not started for the test that names it, or nothing where it is.
    fn why_not(self, service: &Service) -> Option<WhyNot> {
        match service.provision {
            Provision::Always => return None,
            Provision::Never => return Some(WhyNot::Never),
            Provision::Auto => {}
        }
        if self.record.is_some_and(|record| record.skips_even_with(self.reached)) {
            return Some(WhyNot::AlwaysSkipped);
        }
        let today = self.lane.today.as_ref()?;
        if today.services.contains(&service.name) {
            return None;
        }
        let Some(record) = self.record else {
            // A new test gets what it names.
            return (!self.has_history).then_some(WhyNot::NotToday);
        };
        Some(if record.always_skipped() {
            WhyNot::SkippedToday
        } else if record.passes_without(&service.name) {
            WhyNot::PassesWithout
        } else {
            WhyNot::NotToday
        })
    }
}

/// Returns the services that every shard of the lane starts: those that it names, and what these need.
pub(super) fn services_everywhere(config: &Config, lane: &Lane) -> ServiceSet {
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
