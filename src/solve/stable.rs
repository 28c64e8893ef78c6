//! Stays near the plan before: of plans that are equally good, one that moves few units.

use super::planner::Candidate;
use super::{Placement, Solution, SolvedShard, end_of};
use crate::ids::{Ix, IxVec, LaneIx, UnitIx};
use crate::model::{Problem, ServiceSet, SuiteOrder};
use crate::time::Millis;

/// How many times the units away from home are looked at.
const MAX_ROUNDS: usize = 4;

/// How many units of about the same load are tried in exchange for one that goes home.
const MAX_EXCHANGES: usize = 3;

/// Moves units back to the shard they were on, alone or in exchange, as long as the plan ends no later, bills
/// no more minutes and starts no more containers.
pub(super) fn stay(problem: &Problem, solution: &mut Solution, previous: &Placement) {
    let home = homes(solution, previous);
    let mut board = Board::new(problem, solution);
    for _ in 0..MAX_ROUNDS {
        let mut changed = false;
        for unit in problem.units.indices() {
            let Some(old) = previous.get(unit).copied().flatten() else { continue };
            let Some(to) = home.iter().position(|shard| *shard == Some(old)) else { continue };
            let from = board.place[unit];
            let lane = board.slots[from].lane;
            if from == to || board.slots[to].lane != lane || problem.lanes[lane].order != SuiteOrder::Free {
                continue;
            }
            let is_guest = |other: &UnitIx| previous.get(*other).copied().flatten() != home[to];
            changed |= board.try_exchange(unit, None, from, to, solution.end)
                || board
                    .nearest_in_load(unit, to, is_guest)
                    .into_iter()
                    .any(|guest| board.try_exchange(unit, Some(guest), from, to, solution.end));
        }
        if !changed {
            break;
        }
    }
    let candidate = Candidate::new(problem, board.into_shards());
    // Shards that wait for a runner may be held up by others that did not get longer.
    if candidate.end > solution.end {
        return;
    }
    solution.shards = candidate.shards;
    solution.end = candidate.end;
    solution.minutes = candidate.minutes;
    solution.containers = candidate.containers;
}

/// Returns, for every shard of the solution, the old shard that it continues: the one most of its units were
/// on, no two continuing the same.
#[must_use]
pub fn homes(solution: &Solution, previous: &Placement) -> Vec<Option<u32>> {
    let mut overlaps: Vec<(usize, u32, usize)> = Vec::new();
    for (at, shard) in solution.shards.iter().enumerate() {
        let mut old: Vec<u32> =
            shard.units.iter().filter_map(|unit| previous.get(*unit).copied().flatten()).collect();
        old.sort_unstable();
        overlaps.extend(old.chunk_by(|a, b| a == b).map(|run| (run.len(), run[0], at)));
    }
    overlaps.sort_by_key(|(count, old, at)| (std::cmp::Reverse(*count), *old, *at));
    let mut home = vec![None; solution.shards.len()];
    for (_, old, at) in overlaps {
        if home[at].is_none() && !home.contains(&Some(old)) {
            home[at] = Some(old);
        }
    }
    home
}

/// The plan while units go home: what two shards cost is known without a look at the others.
struct Board<'p> {
    problem: &'p Problem,
    slots: Vec<Slot>,
    place: IxVec<UnitIx, usize>,
}

#[derive(Clone)]
struct Slot {
    lane: LaneIx,
    units: Vec<UnitIx>,
    load: Millis,
    /// How many units need each service.
    users: Vec<u32>,
}

/// What a shard costs.
struct Cost {
    end: Millis,
    minutes: u64,
    containers: u32,
}

impl<'p> Board<'p> {
    fn new(problem: &'p Problem, solution: &Solution) -> Self {
        let mut board = Self {
            problem,
            slots: Vec::with_capacity(solution.shards.len()),
            place: problem.units.iter().map(|_| 0).collect(),
        };
        for shard in &solution.shards {
            let users = vec![0; problem.services.len()];
            board.slots.push(Slot { lane: shard.lane, units: Vec::new(), load: Millis::ZERO, users });
            for unit in &shard.units {
                board.add(*unit, board.slots.len() - 1);
            }
        }
        board
    }

    fn into_shards(self) -> Vec<SolvedShard> {
        let services: Vec<ServiceSet> = self.slots.iter().map(|slot| self.services(slot)).collect();
        let shards = self.slots.into_iter().zip(services);
        shards.map(|(slot, services)| SolvedShard { lane: slot.lane, services, units: slot.units }).collect()
    }

    fn add(&mut self, unit: UnitIx, at: usize) {
        let slot = &mut self.slots[at];
        slot.units.push(unit);
        slot.load += self.problem.units[unit].load;
        for service in self.problem.units[unit].requirement.iter() {
            slot.users[service.position()] += 1;
        }
        self.place[unit] = at;
    }

    fn remove(&mut self, unit: UnitIx, at: usize) {
        let slot = &mut self.slots[at];
        slot.units.retain(|other| *other != unit);
        slot.load = slot.load - self.problem.units[unit].load;
        for service in self.problem.units[unit].requirement.iter() {
            slot.users[service.position()] -= 1;
        }
    }

    fn services(&self, slot: &Slot) -> ServiceSet {
        let used = self.problem.services.indices().filter(|service| slot.users[service.position()] > 0);
        used.collect::<ServiceSet>().union(self.problem.lanes[slot.lane].services)
    }

    fn cost(&self, at: usize) -> Cost {
        let slot = &self.slots[at];
        let lane = &self.problem.lanes[slot.lane];
        let services = self.services(slot);
        let piece = slot.units.iter().map(|unit| self.problem.units[*unit].piece).max().unwrap_or_default();
        let wall = self.problem.overhead(slot.lane, services) + lane.run(slot.load, piece);
        Cost {
            end: end_of(self.problem, slot.lane, services, slot.load, piece),
            minutes: wall.billed_minutes(),
            containers: self.problem.containers(services),
        }
    }

    /// Moves `unit` from one shard to another, and `guest` the other way, if the plan stays as good.
    fn try_exchange(
        &mut self,
        unit: UnitIx,
        guest: Option<UnitIx>,
        from: usize,
        to: usize,
        end: Millis,
    ) -> bool {
        let before = [self.cost(from), self.cost(to)];
        self.exchange(unit, guest, from, to);
        let after = [self.cost(from), self.cost(to)];
        let minutes = |costs: &[Cost]| costs.iter().map(|cost| cost.minutes).sum::<u64>();
        let containers = |costs: &[Cost]| costs.iter().map(|cost| cost.containers).sum::<u32>();
        let as_good = !self.slots[from].units.is_empty()
            && after.iter().all(|cost| cost.end <= end)
            && minutes(&after) <= minutes(&before)
            && containers(&after) <= containers(&before)
            && [from, to].into_iter().all(|at| self.fits_memory(at))
            && self.keeps_apart(unit, to)
            && guest.is_none_or(|guest| self.keeps_apart(guest, from));
        if !as_good {
            match guest {
                Some(guest) => self.exchange(guest, Some(unit), from, to),
                None => self.exchange(unit, None, to, from),
            }
        }
        as_good
    }

    fn exchange(&mut self, unit: UnitIx, guest: Option<UnitIx>, from: usize, to: usize) {
        self.remove(unit, from);
        if let Some(guest) = guest {
            self.remove(guest, to);
            self.add(guest, from);
        }
        self.add(unit, to);
    }

    fn fits_memory(&self, at: usize) -> bool {
        let slot = &self.slots[at];
        self.problem.fits_memory(slot.lane, self.services(slot))
    }

    fn keeps_apart(&self, unit: UnitIx, at: usize) -> bool {
        let others = &self.slots[at].units;
        !self.problem.apart.iter().any(|group| {
            group.units.contains(&unit)
                && others.iter().any(|other| *other != unit && group.units.contains(other))
        })
    }

    /// Returns the units on a shard that are nearest in load, of those that `wanted` admits.
    fn nearest_in_load(&self, unit: UnitIx, at: usize, wanted: impl Fn(&UnitIx) -> bool) -> Vec<UnitIx> {
        let load = self.problem.units[unit].load.0;
        let mut units: Vec<UnitIx> = self.slots[at].units.iter().copied().filter(wanted).collect();
        units.sort_by_key(|other| (self.problem.units[*other].load.0.abs_diff(load), *other));
        units.truncate(MAX_EXCHANGES);
        units
    }
}

/// Returns how many units are on a shard that does not continue the one they were on.
#[must_use]
pub fn moved(solution: &Solution, previous: &Placement) -> usize {
    let home = homes(solution, previous);
    let away = |(shard, home): (&SolvedShard, &Option<u32>)| {
        let old = |unit: &UnitIx| previous.get(*unit).copied().flatten();
        shard.units.iter().filter(|unit| old(unit).is_some_and(|old| Some(old) != *home)).count()
    };
    solution.shards.iter().zip(&home).map(away).sum()
}
