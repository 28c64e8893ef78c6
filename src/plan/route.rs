//! Which shard runs a test.
//!
//! The rule is defined in `docs/formats.md` and kept by two programs, this one and the pytest plugin
//! (`plugin/pytest_shardplan/rule.py`); a test compares their answers. A test that a selector fits runs where
//! the lock says. For any other the shards of its lane draw lots by hash (rendezvous hashing: Thaler and
//! Ravishankar, 1996), so that all of them know the winner without asking each other, and another shard, added
//! or removed, moves no test that it does not win or lose.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::lock::{Lock, LockedShard, Owners};
use super::selection::LockedLane;
use crate::config::Granularity;
use crate::ids::ServiceName;
use crate::inventory::Test;

/// Where a test runs. Shards are positions in the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    /// On the shard of the longest selector that fits it.
    Planned(usize),
    /// On the shard that the lot fell on: the lock does not know it.
    Adopted(usize),
    /// Nowhere: no lane that has a shard selects it.
    Nowhere,
}

impl Route {
    /// Returns the shard, known to the lock or not.
    #[must_use]
    pub const fn shard(self) -> Option<usize> {
        match self {
            Self::Planned(shard) | Self::Adopted(shard) => Some(shard),
            Self::Nowhere => None,
        }
    }
}

/// The rule, ready for many tests.
#[derive(Clone, Debug)]
pub struct Router<'l> {
    lock: &'l Lock,
    owners: Owners<'l>,
    /// The shards of every lane of the lock.
    shards: Vec<Vec<usize>>,
}

impl<'l> Router<'l> {
    /// Returns the rule as a lock sets it.
    #[must_use]
    pub fn new(lock: &'l Lock) -> Self {
        let of_lane = |lane: &LockedLane| {
            (0..lock.shards.len()).filter(|shard| lock.shards[*shard].lane == lane.name).collect()
        };
        Self { lock, owners: lock.owners(), shards: lock.lanes.iter().map(of_lane).collect() }
    }

    /// Returns where a test runs.
    #[must_use]
    pub fn route(&self, test: &Test) -> Route {
        let selecting: Vec<usize> =
            (0..self.lock.lanes.len()).filter(|lane| self.lock.lanes[*lane].selects(test)).collect();
        let planned =
            selecting.iter().find_map(|lane| self.owners.of(&self.lock.lanes[*lane].name, test.id.as_str()));
        if let Some(shard) = planned {
            return Route::Planned(shard);
        }
        let Some(lane) = selecting.into_iter().find(|lane| !self.shards[*lane].is_empty()) else {
            return Route::Nowhere;
        };
        let needs = self.requirement(test);
        let lacking = |shard: usize| {
            needs.iter().filter(|need| !self.lock.shards[shard].services.contains(need)).count()
        };
        let key = key(&self.lock.lanes[lane], test);
        let shards = self.shards[lane].iter().copied();
        let winner = shards
            .min_by_key(|shard| (lacking(*shard), std::cmp::Reverse(weight(&self.lock.shards[*shard], key))));
        winner.map_or(Route::Nowhere, Route::Adopted)
    }

    /// Returns the services that the lock's rules say a test needs, and those that these need.
    #[must_use]
    pub fn requirement(&self, test: &Test) -> BTreeSet<&'l ServiceName> {
        let services = &self.lock.services;
        let mut open: Vec<&ServiceName> = services
            .iter()
            .filter(|service| service.is_named_by(test))
            .map(|service| &service.name)
            .collect();
        let mut found = BTreeSet::new();
        while let Some(name) = open.pop() {
            if found.insert(name) {
                let needs =
                    services.iter().find(|service| service.name == *name).map(|service| &service.needs);
                open.extend(needs.into_iter().flatten());
            }
        }
        found
    }

    /// Returns the services that a test needs and a shard neither starts nor is known to do without.
    #[must_use]
    pub fn uncovered(&self, test: &Test, shard: usize) -> Vec<&'l ServiceName> {
        let shard = &self.lock.shards[shard];
        let is_there =
            |name: &&ServiceName| !shard.services.contains(*name) && !shard.without.contains(*name);
        self.requirement(test).into_iter().filter(is_there).collect()
    }
}

/// Returns what lots are drawn by: tests that the lane moves as one share it, so that they stay together.
fn key<'t>(lane: &LockedLane, test: &'t Test) -> &'t str {
    match lane.unit {
        Granularity::Test => test.id.as_str(),
        Granularity::Class if test.id.as_str().starts_with(&test.file) => test.id.class(),
        Granularity::File | Granularity::Auto | Granularity::Class => &test.file,
    }
}

/// Returns a shard's lot: the SHA-256 of its name, a zero byte and the key. Python has no BLAKE3.
fn weight(shard: &LockedShard, key: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(shard.name.as_str().as_bytes())
        .chain_update([0])
        .chain_update(key.as_bytes())
        .finalize()
        .into()
}
