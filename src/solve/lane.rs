//! One lane as the master sees it: its configurations, and what must be done by when.

use std::collections::BTreeSet;

use super::flow::Transport;
use super::search::{Column, Question, Row};
use crate::ids::{LaneIx, UnitIx};
use crate::model::{LaneModel, Problem, ServiceSet};
use crate::time::Millis;

/// One lane, with everything that does not depend on the end time.
pub(super) struct LaneView {
    lane: LaneIx,
    configurations: Vec<Configuration>,
    classes: Vec<Class>,
    row_shapes: Vec<RowShape>,
    /// All its load.
    pub(super) work: Millis,
    /// How many shards can make sense: its limit, and one for each unit.
    pub(super) max_shards: u32,
}

struct Configuration {
    services: ServiceSet,
    containers: u32,
    overhead: Millis,
}

/// The units of one requirement.
struct Class {
    /// Configurations that cover it, by position, the one with the least overhead first.
    configurations: Vec<u16>,
    /// How long each unit takes alone, longest first.
    alone: Vec<Millis>,
    /// The load of the first n units in that order.
    load_before: Vec<u64>,
}

/// A row before the end time is known.
struct RowShape {
    services: ServiceSet,
    configurations: Vec<u16>,
    /// The loads of the units that need at least these services, largest first.
    loads: Vec<u64>,
    demand: u64,
    /// How many shards apart-groups ask for.
    apart: u32,
}

impl LaneView {
    pub(super) fn new(problem: &Problem, lane: LaneIx) -> Self {
        let mut requirements: BTreeSet<ServiceSet> = BTreeSet::new();
        let units: Vec<UnitIx> =
            problem.units.iter_enumerated().filter(|(_, unit)| unit.lane == lane).map(|(ix, _)| ix).collect();
        for ix in &units {
            requirements.insert(problem.needed(*ix));
        }
        let mut unions: BTreeSet<ServiceSet> = BTreeSet::new();
        for requirement in &requirements {
            let with: Vec<ServiceSet> = unions.iter().map(|union| union.union(*requirement)).collect();
            unions.extend(with);
            unions.insert(*requirement);
        }
        let mut configurations: Vec<Configuration> = unions
            .into_iter()
            .map(|services| Configuration {
                services,
                containers: problem.containers(services),
                overhead: problem.overhead(lane, services),
            })
            .collect();
        configurations.sort_by_key(|c| (c.overhead, c.containers, c.services));
        let covering = |services: ServiceSet| -> Vec<u16> {
            (0u16..)
                .zip(&configurations)
                .filter(|(_, c)| c.services.covers(services))
                .map(|(i, _)| i)
                .collect()
        };
        let model = &problem.lanes[lane];
        let classes = requirements
            .iter()
            .map(|requirement| {
                let mut members: Vec<(Millis, u64)> = units
                    .iter()
                    .filter(|ix| problem.needed(**ix) == *requirement)
                    .map(|ix| &problem.units[*ix])
                    .map(|unit| (model.run(unit.load, unit.piece), unit.load.0))
                    .collect();
                members.sort_unstable_by(|a, b| b.cmp(a));
                let mut load_before = vec![0];
                for (_, load) in &members {
                    load_before.push(load_before[load_before.len() - 1] + load);
                }
                let alone = members.into_iter().map(|(alone, _)| alone).collect();
                Class { configurations: covering(*requirement), alone, load_before }
            })
            .collect();

        let mut keys: BTreeSet<ServiceSet> = requirements.clone();
        keys.insert(model.services);
        for requirement in &requirements {
            keys.extend(requirement.iter().map(|service| ServiceSet::from_iter([service])));
        }
        let row_shapes = keys
            .into_iter()
            .map(|services| {
                let inside = |ix: &UnitIx| problem.needed(*ix).covers(services);
                let mut loads: Vec<u64> =
                    units.iter().copied().filter(inside).map(|ix| problem.units[ix].load.0).collect();
                loads.sort_unstable_by(|a, b| b.cmp(a));
                let demand = loads.iter().sum();
                let apart = problem
                    .apart
                    .iter()
                    .map(|group| {
                        group.units.iter().filter(|ix| problem.units[**ix].lane == lane && inside(ix)).count()
                    })
                    .max()
                    .unwrap_or(0);
                let apart = u32::try_from(apart).unwrap_or(u32::MAX);
                RowShape { services, configurations: covering(services), loads, demand, apart }
            })
            .filter(|row| !row.loads.is_empty())
            .collect();
        let work = units.iter().map(|ix| problem.units[*ix].load).sum();
        let max_shards = model.max_shards.min(u32::try_from(units.len()).unwrap_or(u32::MAX));
        Self { lane, configurations, classes, row_shapes, work, max_shards }
    }

    pub(super) fn model<'p>(&self, problem: &'p Problem) -> &'p LaneModel {
        &problem.lanes[self.lane]
    }

    /// Returns what is asked of the lane for an end of the workflow.
    pub(super) fn question(&self, problem: &Problem, end: Millis) -> Question {
        let model = self.model(problem);
        let span = end.saturating_sub(model.head + model.after);
        // Configurations are sorted by overhead, so those that leave no time are the last.
        let usable = self.configurations.partition_point(|configuration| configuration.overhead <= span);
        let columns: Vec<Column> = self.configurations[..usable]
            .iter()
            .map(|configuration| Column {
                services: configuration.services,
                containers: configuration.containers,
                overhead: configuration.overhead.0,
                // No more than all the work is ever used, and sums stay far from overflow.
                capacity: model.capacity(span - configuration.overhead).min(self.work).0,
            })
            .collect();
        let usable = u16::try_from(usable).unwrap_or(u16::MAX);

        let mut allowed = Vec::new();
        let mut demand = Vec::new();
        for class in &self.classes {
            let candidates = &class.configurations[..class.configurations.partition_point(|ix| *ix < usable)];
            // Units longer than what the configuration with most overhead leaves may use fewer of them. The
            // longest come first; the last, shortest ones may use all.
            let mut from = 0;
            for most in 1..=candidates.len() {
                let overhead_of =
                    |position: usize| self.configurations[usize::from(candidates[position])].overhead;
                // Units that fit the first `most` candidates, and not the next.
                let to = if most == candidates.len() {
                    class.alone.len()
                } else {
                    let next = span - overhead_of(most);
                    class.alone.partition_point(|alone| *alone > next)
                };
                if to > from {
                    allowed.push(candidates[..most].to_vec());
                    demand.push(class.load_before[to] - class.load_before[from]);
                    from = to;
                }
            }
        }

        let rows = self
            .row_shapes
            .iter()
            .map(|shape| {
                let columns_of =
                    shape.configurations[..shape.configurations.partition_point(|ix| *ix < usable)].to_vec();
                let largest =
                    columns_of.iter().map(|ix| columns[usize::from(*ix)].capacity).max().unwrap_or(0);
                Row {
                    services: shape.services,
                    shards: shape.apart.max(1).max(crowding(&shape.loads, largest)),
                    demand: shape.demand,
                    columns: columns_of,
                }
            })
            .collect();
        let service_containers = problem.services.iter().map(|service| service.containers).collect();
        Question {
            columns,
            rows,
            transport: Transport::new(allowed, demand),
            service_containers,
            prices: Default::default(),
        }
    }
}

/// Returns how many shards of at most this capacity the large units alone ask for: of units over 1/(k+1) of
/// the capacity, at most k fit one shard.
fn crowding(loads: &[u64], capacity: u64) -> u32 {
    (1..=4u64)
        .map(|k| {
            let large = loads.partition_point(|load| load.saturating_mul(k + 1) > capacity);
            u32::try_from((large as u64).div_ceil(k)).unwrap_or(u32::MAX)
        })
        .max()
        .unwrap_or(0)
}
