//! The exact finish: a small problem is searched to the end, unit by unit.
//!
//! Units go longest first, each onto every open shard of its lane (which then starts what the unit needs) or
//! onto a new one. Shards of a lane that hold the same services and load are alike; only the first is tried. A
//! branch ends where it can no longer keep the limits or beat the best plan so far: end, billed minutes, shards and
//! containers only ever grow.

use super::planner::Candidate;
use super::{SolvedShard, at_most, end_of};
use crate::ids::UnitIx;
use crate::model::{Limits, Problem, ServiceSet, SuiteOrder};
use crate::time::Millis;

/// Problems with more units are not searched.
pub(super) const MAX_UNITS: usize = 14;

/// How good a plan is: its end, its billed minutes in parts, its containers, its shards.
pub(super) type Rank = (Millis, u64, u32, usize);

/// What a search came to.
pub(super) struct Found {
    /// The best plan there is, or that was found; nothing where none is better than what was asked for.
    pub(super) shards: Option<Vec<SolvedShard>>,
    /// Whether everything was tried, which makes the answer a proof.
    pub(super) finished: bool,
}

/// Returns the best plan within the limits (the target aside, minutes in parts) that is better than `below`, which ends no earlier
/// than `at_least`, looking at `nodes` partial plans at the most.
pub(super) fn search(problem: &Problem, limits: &Limits, below: Rank, at_least: Millis, nodes: u32) -> Found {
    let mut units: Vec<UnitIx> = problem.units.indices().collect();
    // The units of a lane that keeps the suite's order come in that order, so that each joins the last shard or opens one.
    let first = |ix: &UnitIx| {
        let unit = &problem.units[*ix];
        if problem.lanes[unit.lane].order == SuiteOrder::Free { unit.load } else { Millis(u64::MAX) }
    };
    units.sort_by_key(|ix| (std::cmp::Reverse(first(ix)), *ix));
    let mut search = Search {
        problem,
        limits,
        units,
        open: Vec::new(),
        containers: 0,
        best: None,
        below,
        at_least: at_least.max(problem.floor.at),
        nodes,
    };
    let finished = search.visit(0);
    Found { shards: search.best, finished }
}

struct Search<'p> {
    problem: &'p Problem,
    limits: &'p Limits,
    units: Vec<UnitIx>,
    open: Vec<OpenShard>,
    containers: u32,
    best: Option<Vec<SolvedShard>>,
    /// The rank of the best plan so far.
    below: Rank,
    at_least: Millis,
    /// How many nodes may still be visited.
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
        let Some(nodes) = self.nodes.checked_sub(1) else { return false };
        self.nodes = nodes;
        let mut rank = self.rank();
        if !self.keeps_limits(rank) || rank >= self.below {
            return true;
        }
        let Some(unit) = self.units.get(depth).copied() else {
            // Waits are known at the end only: a further unit may even end a plan earlier, by another order of jobs.
            let shards = self.open.iter().map(|open| open.shard.clone()).collect();
            rank.0 = rank.0.max(Candidate::new(self.problem, shards).end);
            if rank >= self.below {
                return true;
            }
            self.below = rank;
            self.best = Some(self.open.iter().map(|open| open.shard.clone()).collect());
            return true;
        };
        let lane = self.problem.units[unit].lane;
        let mut seen: Vec<(ServiceSet, Millis, Millis, bool)> = Vec::new();
        for at in 0..self.open.len() {
            let is_behind = || self.open[at + 1..].iter().any(|open| open.shard.lane == lane);
            if self.open[at].shard.lane != lane
                || self.is_apart(unit, at)
                || self.problem.lanes[lane].order != SuiteOrder::Free && is_behind()
            {
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
            self.add(unit, at);
            if self.fits_memory(at) && !self.visit(depth + 1) {
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
        self.add(unit, at);
        let finished = !self.fits_memory(at) || self.visit(depth + 1);
        self.open.pop();
        self.containers = containers;
        finished
    }

    fn add(&mut self, unit: UnitIx, at: usize) {
        let model = &self.problem.units[unit];
        let open = &mut self.open[at];
        let services = open.shard.services.union(self.problem.needed(unit));
        self.containers += self.problem.containers(services.without(open.shard.services));
        open.shard.services = services;
        open.shard.units.push(unit);
        open.load += model.load;
        open.piece = open.piece.max(model.piece);
    }

    /// Returns whether a shard finds room in its runner's memory. What it starts only ever grows.
    fn fits_memory(&self, at: usize) -> bool {
        let shard = &self.open[at].shard;
        self.problem.fits_memory(shard.lane, shard.services)
    }

    /// Returns what the plan comes to so far.
    fn rank(&self) -> Rank {
        let mut end = self.at_least;
        let mut minutes = self.problem.billed_others();
        for OpenShard { shard, load, piece } in &self.open {
            let lane = &self.problem.lanes[shard.lane];
            let wall = self.problem.overhead(shard.lane, shard.services) + lane.run(*load, *piece);
            end = end.max(end_of(self.problem, shard.lane, shard.services, *load, *piece));
            minutes += self.problem.billed(shard.lane, wall);
        }
        (end, minutes, self.containers, self.open.len())
    }

    fn keeps_limits(&self, (_, minutes, containers, _): Rank) -> bool {
        containers <= at_most(self.limits.containers.as_ref(), u32::MAX)
            && minutes <= at_most(self.limits.minutes.as_ref(), u64::MAX)
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
}
