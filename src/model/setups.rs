//! Set-ups as the solver sees them: services that take no container and are paid by every shard with a user.
//!
//! A set-up that only one unit of all uses is part of that unit. Of those that several use, the ones matter most
//! whose time, times the units beyond the first that use them, is largest; at most [`MOST_SETUPS`] of them are
//! kept apart. The rest is left where the history has it, in the first unit that uses it: that is right for one
//! shard and too little for every further one, by little.

use std::collections::BTreeMap;

use super::build::Inputs;
use super::clusters::Cluster;
use super::provision::Settled;
use super::{ServiceKind, ServiceModel, ServiceSet};
use crate::config::{Memory, SetupScope};
use crate::estimate::{SetupTime, uses};
use crate::ids::{Ix, IxVec, ServiceIx, TestIx};
use crate::time::Millis;

/// How many set-ups are kept apart: each may double the number of different requirements.
pub(super) const MOST_SETUPS: usize = 8;

/// What the set-ups add to a problem.
#[derive(Debug, Default)]
pub(super) struct Setups {
    /// Those that are kept apart, to come after all services.
    pub(super) models: Vec<ServiceModel>,
    /// For every cluster, those of them that it uses, by their position among all services.
    pub(super) used_by: Vec<ServiceSet>,
    /// For every cluster, the time of what is left in it.
    pub(super) left_in: Vec<Millis>,
    /// How many set-ups of several users are left in the first.
    pub(super) left: usize,
}

/// Returns what the set-ups add to the clusters.
pub(super) fn settle_setups(
    inputs: Inputs<'_>,
    clusters: &[Cluster],
    settled: &IxVec<TestIx, Settled>,
) -> Setups {
    let services = inputs.config.services.len();
    let mut found: Vec<(&SetupTime, String, Vec<usize>)> = Vec::new();
    for time in &inputs.estimates.setups {
        let setup = &inputs.config.setups[time.setup];
        // By what shares one set-up: everything, or the tests of a file.
        let mut users: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, cluster) in clusters.iter().enumerate() {
            for ix in cluster.tests() {
                let test = &inputs.inventory.tests[ix];
                // What is always skipped sets nothing up.
                if settled[ix].estimate.mean > 0.0 && uses(test, setup) {
                    let of = if setup.scope == SetupScope::Module { test.file.as_str() } else { "" };
                    let users = users.entry(of).or_default();
                    if users.last() != Some(&at) {
                        users.push(at);
                    }
                }
            }
        }
        found.extend(users.into_iter().map(|(of, users)| (time, of.to_owned(), users)));
    }
    let weight = |(time, _, users): &(&SetupTime, String, Vec<usize>)| {
        time.time.value.0.saturating_mul(users.len() as u64 - 1)
    };
    found.sort_by(|a, b| weight(b).cmp(&weight(a)).then_with(|| (a.0.setup, &a.1).cmp(&(b.0.setup, &b.1))));
    let most = MOST_SETUPS.min(ServiceSet::MAX_SERVICES.saturating_sub(services));
    let mut setups = Setups {
        used_by: vec![ServiceSet::EMPTY; clusters.len()],
        left_in: vec![Millis::ZERO; clusters.len()],
        ..Setups::default()
    };
    for (time, of, users) in found {
        if users.len() > 1 && setups.models.len() < most {
            let ix = ServiceIx::from_position(services + setups.models.len());
            for user in users {
                setups.used_by[user].insert(ix);
            }
            setups.models.push(model(inputs, time, &of, setups.models.len()));
        } else if let Some(first) = users.first() {
            setups.left += usize::from(users.len() > 1);
            setups.left_in[*first] += time.time.value;
        }
    }
    setups
}

fn model(inputs: Inputs<'_>, time: &SetupTime, of: &str, number: usize) -> ServiceModel {
    let setup = &inputs.config.setups[time.setup];
    // Two lanes of files with one fixture are two set-ups; the number tells them apart.
    let named = if of.is_empty() { setup.name.clone() } else { format!("{}-{}", setup.name, number + 1) };
    ServiceModel {
        name: named.parse().unwrap_or_else(|_| {
            format!("setup-{}", number + 1).parse().expect("a word and a number are a name")
        }),
        kind: ServiceKind::Setup,
        containers: 0,
        pull: Millis::ZERO,
        ready: Millis::ZERO,
        attach: time.time.value,
        memory: Memory(0),
    }
}
