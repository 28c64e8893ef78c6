//! What a test's shard must start for it, and how long it then takes.

use std::collections::BTreeMap;

use super::ServiceSet;
use super::build::{Inputs, Notes};
use super::graph::ConstraintGraph;
use crate::config::{Config, Lane, Provision};
use crate::estimate::Estimate;
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
/// goes on without it; a test that the history does not know gets what it names.
pub(super) fn settle_tests(
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
