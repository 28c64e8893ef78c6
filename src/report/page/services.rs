//! What every service costs, and how many tests that is for.

use std::collections::{BTreeMap, BTreeSet};

use super::Known;
use crate::ids::{ServiceIx, TestIx};
use crate::model::{ServiceKind, ServiceSet};
use crate::report::sentences::{self, plural};
use crate::time::Millis;

/// What a service costs in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCost {
    /// Its name.
    pub name: String,
    /// How many shards start it.
    pub shards: usize,
    /// How many containers these are.
    pub containers: u32,
    /// From the download of its image to the first test's contact, in one shard.
    pub boot: Millis,
    /// By how much less all shards together would take without it.
    pub added: Millis,
    /// By how much less the shard that ends last would take without it.
    pub added_to_end: Millis,
    /// How many tests need it.
    pub tests: usize,
    /// How many tests run in the shards that start it.
    pub tests_beside: usize,
    /// How long the units with those tests take.
    pub load: Millis,
    /// What it costs for whom, in a sentence.
    pub sentence: String,
    /// Why tests that name it do without, each in a sentence.
    pub notes: Vec<String>,
}

/// Returns what every service costs, the dearest first; services that no test names and no shard starts are left
/// out.
pub(super) fn services(known: Known<'_>) -> Vec<ServiceCost> {
    let model = known.model;
    // A service that is not started for a test is not needed by it.
    let mut without: BTreeMap<&str, BTreeSet<TestIx>> = BTreeMap::new();
    for note in &model.notes.not_provisioned {
        without.entry(note.service.as_str()).or_default().extend(&note.tests);
    }
    let cost = |ix: ServiceIx| cost(known, ix, without.get(model.problem.services[ix].name.as_str()));
    let is_service = |ix: &ServiceIx| model.problem.services[*ix].kind == ServiceKind::Container;
    let mut costs: Vec<ServiceCost> = model.problem.services.indices().filter(is_service).map(cost).collect();
    costs.retain(|cost| cost.shards > 0 || !cost.notes.is_empty());
    costs.sort_by(|a, b| b.added.cmp(&a.added).then_with(|| a.name.cmp(&b.name)));
    costs
}

fn cost(known: Known<'_>, ix: ServiceIx, without: Option<&BTreeSet<TestIx>>) -> ServiceCost {
    let Known { model, plan, .. } = known;
    let problem = &model.problem;
    let service = &problem.services[ix];
    let only = ServiceSet::from_iter([ix]);
    let saved =
        |services: ServiceSet| problem.boot(services).saturating_sub(problem.boot(services.without(only)));
    let starting = || plan.shards.iter().filter(|shard| shard.services.contains(ix));
    let critical = plan.critical().next().map(|shard| &plan.shards[shard]);
    let needs = |test: &TestIx| {
        model.graph.requirement(*test).contains(ix) && !without.is_some_and(|tests| tests.contains(test))
    };
    let (mut tests, mut load) = (0, Millis::ZERO);
    for unit in starting().flat_map(|shard| &shard.units) {
        let users = model.units[*unit].tests.iter().filter(|test| needs(test)).count();
        if users > 0 {
            tests += users;
            load += problem.units[*unit].load;
        }
    }
    let shards = starting().count();
    let added: Millis = starting().map(|shard| saved(shard.services)).sum();
    let sentence = if shards == 0 {
        format!("{} is started by no shard.", service.name)
    } else {
        format!("{} costs {added} of boot for {}.", service.name, plural(tests, "test"))
    };
    let notes = model.notes.not_provisioned.iter().filter(|note| note.service == service.name);
    ServiceCost {
        name: service.name.to_string(),
        shards,
        containers: u32::try_from(shards).unwrap_or(u32::MAX).saturating_mul(service.containers),
        boot: service.pull + service.ready + service.attach,
        added,
        added_to_end: critical
            .filter(|shard| shard.services.contains(ix) && shard.times.end() >= plan.end)
            .map_or(Millis::ZERO, |shard| saved(shard.services)),
        tests,
        tests_beside: starting().map(|shard| shard.tests).sum(),
        load,
        sentence,
        notes: notes.map(sentences::not_provisioned).collect(),
    }
}
