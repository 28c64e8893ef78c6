//! The units that take longest: what to make faster, or to split, next.

use std::cmp::Reverse;

use super::Known;
use crate::ids::{IxVec, Printable, ShardIx, UnitIx};
use crate::time::Millis;

/// How many units are kept. A suite of 60,000 tests has thousands, and the rest decides nothing.
const MOST: usize = 200;

/// The units that take longest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlowUnits {
    /// They, slowest first.
    pub units: Vec<SlowUnit>,
    /// How many units there are in all.
    pub all: usize,
    /// How many tests there are in all.
    pub tests: usize,
    /// What all units take, one after the other.
    pub load: Millis,
}

/// A unit that takes long.
#[derive(Clone, Debug, PartialEq)]
pub struct SlowUnit {
    /// Its name.
    pub name: String,
    /// Its shard.
    pub shard: String,
    /// How many tests it is.
    pub tests: usize,
    /// How long it takes.
    pub load: Millis,
    /// The longest piece of it that one worker takes.
    pub piece: Millis,
    /// What it is of the time of all units, as a share.
    pub share: f64,
    /// The services that it needs.
    pub services: Vec<String>,
    /// Whether it could be split.
    pub divisible: bool,
}

/// Returns the units that take longest.
pub(super) fn slowest(known: Known<'_>) -> SlowUnits {
    let Known { model, plan, .. } = known;
    let problem = &model.problem;
    let mut shard_of: IxVec<UnitIx, Option<ShardIx>> = problem.units.iter().map(|_| None).collect();
    for (ix, shard) in plan.shards.iter_enumerated() {
        for unit in &shard.units {
            shard_of[*unit] = Some(ix);
        }
    }
    let load: Millis = problem.units.iter().map(|unit| unit.load).sum();
    let mut order: Vec<UnitIx> = problem.units.indices().collect();
    order.sort_by_key(|unit| (Reverse(problem.units[*unit].load), *unit));
    let slow = |ix: UnitIx| {
        let unit = &problem.units[ix];
        SlowUnit {
            name: Printable(&unit.name).to_string(),
            shard: shard_of[ix].map_or_else(String::new, |shard| plan.shards[shard].name.to_string()),
            tests: model.units[ix].tests.len(),
            load: unit.load,
            piece: unit.piece,
            share: if load == Millis::ZERO { 0.0 } else { unit.load.as_f64() / load.as_f64() },
            services: problem
                .apart_from_setups(problem.needed(ix))
                .0
                .iter()
                .map(|service| problem.services[service].name.to_string())
                .collect(),
            divisible: model.units[ix].divisible.is_some() && model.units[ix].tests.len() > 1,
        }
    };
    SlowUnits {
        all: order.len(),
        tests: model.units.iter().map(|unit| unit.tests.len()).sum(),
        load,
        units: order.into_iter().take(MOST).map(slow).collect(),
    }
}
