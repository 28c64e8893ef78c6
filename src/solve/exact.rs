//! The exact finish: a small problem is searched to the end, unit by unit.
//!
//! Units go longest first, each onto every open shard of its lane (which then starts what the unit needs) or
//! onto a new one. Shards of a lane that hold the same services and load are alike; only the first is tried. A
//! branch ends where its containers, shards or an end exceed what is left to win.

use super::{SolvedShard, at_most, end_of};
use crate::ids::UnitIx;
use crate::model::{Limits, Problem, ServiceSet};
use crate::time::Millis;

/// Problems with more units are not searched.
pub(super) const MAX_UNITS: usize = 14;

/// How many nodes the search may visit before it gives up.
const NODE_LIMIT: u32 = 400_000;

/// Returns shards that end the workflow before `below`, the earliest there are; nothing where there are none;
/// and whether the search was finished, which makes the answer a proof.
pub(super) fn search(problem: &Problem, limits: &Limits, below: Millis) -> (Option<Vec<SolvedShard>>, bool) {
    let mut units: Vec<UnitIx> = problem.units.indices().collect();
    units.sort_by_key(|ix| (std::cmp::Reverse(problem.units[*ix].load), *ix));
    let mut search =
        Search { problem, limits, units, open: Vec::new(), containers: 0, best: None, below, nodes: 0 };
    let finished = search.visit(0);
    (search.best, finished)
}

struct Search<'p> {
    problem: &'p Problem,
    limits: &'p Limits,
    units: Vec<UnitIx>,
    open: Vec<OpenShard>,
    containers: u32,
    best: Option<Vec<SolvedShard>>,
    below: Millis,
    nodes: u32,
}

#[derive(Clone)]
struct OpenShard {
    shard: SolvedShard,
    load: Millis,
    piece: Millis,
}

impl Search<'_> {
    /// Returns whether everything from here was tried.
    fn visit(&mut self, depth: usize) -> bool {
        self.nodes += 1;
        if self.nodes > NODE_LIMIT {
            return false;
        }
        let Some(unit) = self.units.get(depth).copied() else {
            self.keep();
            return true;
        };
        let lane = self.problem.units[unit].lane;
        let mut seen: Vec<(ServiceSet, Millis, Millis, bool)> = Vec::new();
        for at in 0..self.open.len() {
            if self.open[at].shard.lane != lane || self.is_apart(unit, at) {
                continue;
            }
            let tied = self.open[at].shard.units.iter().any(|unit| self.in_apart_group(*unit));
            let alike = (self.open[at].shard.services, self.open[at].load, self.open[at].piece, tied);
            if !tied && seen.contains(&alike) {
                continue;
            }
            seen.push(alike);
            let before = self.open[at].clone();
            let containers = self.containers;
            if self.add(unit, at) && !self.visit(depth + 1) {
                return false;
            }
            self.open[at] = before;
            self.containers = containers;
        }
        self.open_shard(unit, depth)
    }

    fn open_shard(&mut self, unit: UnitIx, depth: usize) -> bool {
        let lane = self.problem.units[unit].lane;
        let of_lane = self.open.iter().filter(|open| open.shard.lane == lane).count();
        if self.open.len() >= at_most(self.limits.shards.as_ref(), u32::MAX) as usize
            || of_lane >= self.problem.lanes[lane].max_shards as usize
        {
            return true;
        }
        let services = self.problem.lanes[lane].services;
        let containers = self.containers;
        self.containers += self.problem.containers(services);
        let shard = SolvedShard { lane, services, units: Vec::new() };
        self.open.push(OpenShard { shard, load: Millis::ZERO, piece: Millis::ZERO });
        let at = self.open.len() - 1;
        let finished = !self.add(unit, at) || self.visit(depth + 1);
        self.open.pop();
        self.containers = containers;
        finished
    }

    /// Puts the unit on the shard; returns whether that can still win.
    fn add(&mut self, unit: UnitIx, at: usize) -> bool {
        let model = &self.problem.units[unit];
        let open = &mut self.open[at];
        let services = open.shard.services.union(self.problem.needed(unit));
        self.containers += self.problem.containers(services.without(open.shard.services));
        open.shard.services = services;
        open.shard.units.push(unit);
        open.load += model.load;
        open.piece = open.piece.max(model.piece);
        let end = end_of(self.problem, model.lane, services, open.load, open.piece);
        end < self.below
            && self.containers <= at_most(self.limits.containers.as_ref(), u32::MAX)
            && self.minutes() <= at_most(self.limits.minutes.as_ref(), u64::MAX)
    }

    fn minutes(&self) -> u64 {
        let wall = |open: &OpenShard| {
            let lane = &self.problem.lanes[open.shard.lane];
            self.problem.overhead(open.shard.lane, open.shard.services) + lane.run(open.load, open.piece)
        };
        self.problem.other_minutes + self.open.iter().map(|open| wall(open).billed_minutes()).sum::<u64>()
    }

    fn in_apart_group(&self, unit: UnitIx) -> bool {
        self.problem.apart.iter().any(|group| group.units.contains(&unit))
    }

    fn is_apart(&self, unit: UnitIx, at: usize) -> bool {
        let others = &self.open[at].shard.units;
        self.problem.apart.iter().any(|group| {
            group.units.contains(&unit) && others.iter().any(|other| group.units.contains(other))
        })
    }

    fn keep(&mut self) {
        let ends = self
            .open
            .iter()
            .map(|open| end_of(self.problem, open.shard.lane, open.shard.services, open.load, open.piece));
        let end = ends.max().unwrap_or_default().max(self.problem.floor.at);
        if end < self.below {
            self.below = end;
            self.best = Some(self.open.iter().map(|open| open.shard.clone()).collect());
        }
    }
}
