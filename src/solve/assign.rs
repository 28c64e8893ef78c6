//! The assignment: real, indivisible units onto the shards of one lane.
//!
//! Units that few shards can take go first, among them the longest, each onto the shard that then ends first
//! (Graham's rule, "Bounds on Multiprocessing Timing Anomalies", 1969, with restricted machines). Then pairs of
//! shards are brought closer: the move or exchange of units that comes nearest to half their difference, as
//! long as the later of the two ends earlier for it. Each step lowers the later end of a pair, so it comes to
//! an end.

use std::cmp::Reverse;

use super::end_of;
use crate::ids::{Ix, LaneIx, UnitIx};
use crate::model::{Problem, ServiceSet};
use crate::time::Millis;

/// The units of one lane on its shards.
#[derive(Clone, Debug)]
pub(super) struct LaneAssignment<'p> {
    problem: &'p Problem,
    lane: LaneIx,
    shards: Vec<Slot>,
    /// What it took to deal out units anew, in the units of effort.
    pub(super) effort: usize,
    /// For every unit of the problem, the apart-groups that it is in.
    apart: &'p ApartIndex,
}

/// One shard while it is filled.
#[derive(Clone, Debug)]
struct Slot {
    services: ServiceSet,
    units: Vec<UnitIx>,
    load: Millis,
    piece: Millis,
    end: Millis,
}

/// Which apart-groups each unit is in.
#[derive(Debug)]
pub(super) struct ApartIndex(Vec<Vec<u32>>);

/// How the units are ordered before they are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Those that fewest shards can take, then the longest.
    MostRestrictedFirst,
    /// The longest.
    LongestFirst,
}

/// How many units three shards may hold together to be dealt out anew, and in how many steps.
const MOST_REGROUPED: usize = 18;
const REGROUP_STEPS: u32 = 20_000;

/// In how many steps all threes together.
const ALL_REGROUP_STEPS: u32 = 600_000;

/// What such a step is in the units of effort.
const STEP_EFFORT: usize = 10;

/// How many rounds of pairwise exchange are made at the most.
const MAX_ROUNDS: usize = 400;

/// How many units all rounds look at together, about: with very many units the first rounds do.
const LOOKED_AT: usize = 2_000_000;

impl ApartIndex {
    pub(super) fn new(problem: &Problem) -> Self {
        // Mostly there are no groups, and of very many units each look costs.
        let units = if problem.apart.is_empty() { 0 } else { problem.units.len() };
        let mut index = vec![Vec::new(); units];
        for (group, apart) in (0u32..).zip(&problem.apart) {
            for unit in &apart.units {
                index[unit.position()].push(group);
            }
        }
        Self(index)
    }

    /// Returns the groups that a unit is in.
    pub(super) fn of(&self, unit: UnitIx) -> &[u32] {
        self.0.get(unit.position()).map_or(&[], Vec::as_slice)
    }
}

impl<'p> LaneAssignment<'p> {
    /// Returns an assignment of the lane's units to shards with these services, and to further ones where apart
    /// units find no room on these. It stops to improve once every shard ends by `goal`.
    pub(super) fn build(
        problem: &'p Problem,
        apart: &'p ApartIndex,
        lane: LaneIx,
        shards: &[ServiceSet],
        units: &[UnitIx],
        order: Order,
        goal: Millis,
    ) -> Self {
        let mut assignment = Self::empty(problem, apart, lane, shards);
        let mut queue: Vec<(usize, Reverse<Millis>, UnitIx)> = units
            .iter()
            .map(|ix| {
                let needed = problem.needed(*ix);
                let open = shards.iter().filter(|services| services.covers(needed)).count();
                let rank = if order == Order::MostRestrictedFirst { open } else { 0 };
                (rank, Reverse(problem.units[*ix].load), *ix)
            })
            .collect();
        queue.sort_unstable();
        for (_, _, unit) in queue {
            assignment.place(unit);
        }
        assignment.improve(goal);
        assignment
    }

    /// Returns an assignment without units.
    fn empty(problem: &'p Problem, apart: &'p ApartIndex, lane: LaneIx, shards: &[ServiceSet]) -> Self {
        let mut assignment = Self { problem, lane, shards: Vec::new(), effort: 0, apart };
        for services in shards {
            assignment.open(*services);
        }
        assignment
    }

    /// Adds a shard without units and returns its position.
    fn open(&mut self, services: ServiceSet) -> usize {
        self.shards.push(Slot {
            services,
            units: Vec::new(),
            load: Millis::ZERO,
            piece: Millis::ZERO,
            end: end_of(self.problem, self.lane, services, Millis::ZERO, Millis::ZERO),
        });
        self.shards.len() - 1
    }

    /// Returns when the last shard ends.
    pub(super) fn end(&self) -> Millis {
        self.shards
            .iter()
            .filter(|slot| !slot.units.is_empty())
            .map(|slot| slot.end)
            .max()
            .unwrap_or_default()
    }

    /// Returns the shards that have units, each with its units in order.
    pub(super) fn into_shards(self) -> impl Iterator<Item = (ServiceSet, Vec<UnitIx>)> {
        self.shards.into_iter().filter(|slot| !slot.units.is_empty()).map(|mut slot| {
            slot.units.sort_unstable();
            (slot.services, slot.units)
        })
    }

    /// Puts a unit where its shard then ends first; of equals, where fewest services are.
    fn place(&mut self, unit: UnitIx) {
        let model = &self.problem.units[unit];
        let best = (0..self.shards.len()).filter(|slot| self.may_run(unit, *slot)).min_by_key(|slot| {
            let slot = &self.shards[*slot];
            let end = self.end_with(slot, slot.load + model.load, slot.piece.max(model.piece));
            (end, slot.services.len())
        });
        let slot = best.unwrap_or_else(|| self.open(self.problem.needed(unit)));
        self.add(unit, slot);
    }

    fn may_run(&self, unit: UnitIx, slot: usize) -> bool {
        let slot = &self.shards[slot];
        slot.services.covers(self.problem.needed(unit)) && {
            let groups = self.apart.of(unit);
            groups.is_empty()
                || !slot.units.iter().any(|other| {
                    *other != unit && self.apart.of(*other).iter().any(|group| groups.contains(group))
                })
        }
    }

    fn end_with(&self, slot: &Slot, load: Millis, piece: Millis) -> Millis {
        end_of(self.problem, self.lane, slot.services, load, piece)
    }

    fn add(&mut self, unit: UnitIx, slot: usize) {
        let model = &self.problem.units[unit];
        let slot = &mut self.shards[slot];
        slot.units.push(unit);
        slot.load += model.load;
        slot.piece = slot.piece.max(model.piece);
        slot.end = end_of(self.problem, self.lane, slot.services, slot.load, slot.piece);
    }

    fn remove(&mut self, unit: UnitIx, slot: usize) {
        let units = &self.problem.units;
        let slot = &mut self.shards[slot];
        slot.units.retain(|other| *other != unit);
        slot.load = slot.load - units[unit].load;
        slot.piece = slot.units.iter().map(|other| units[*other].piece).max().unwrap_or_default();
        slot.end = end_of(self.problem, self.lane, slot.services, slot.load, slot.piece);
    }

    /// Brings pairs of shards closer until nothing helps or every shard ends by `goal`.
    fn improve(&mut self, goal: Millis) {
        let mut steps = ALL_REGROUP_STEPS;
        let units: usize = self.shards.iter().map(|slot| slot.units.len()).sum();
        for _ in 0..MAX_ROUNDS.min((LOOKED_AT / units.max(1)).max(8)) {
            if self.end() <= goal {
                return;
            }
            let mut order: Vec<usize> = (0..self.shards.len()).collect();
            order.sort_by_key(|slot| (Reverse(self.shards[*slot].end), *slot));
            // The last shard matters most; a pair further down may make room for it.
            let mut changed = false;
            'pairs: for (rank, late) in order.iter().enumerate() {
                for early in order[rank + 1..].iter().rev() {
                    if self.shards[*late].units.is_empty() {
                        continue;
                    }
                    if self.balance(*late, *early) {
                        changed = true;
                        if rank == 0 {
                            break 'pairs;
                        }
                    }
                }
            }
            if changed {
                continue;
            }
            let before = steps;
            let regrouped = self.regroup(&order, &mut steps);
            self.effort += (before - steps) as usize * STEP_EFFORT;
            if !regrouped {
                return;
            }
        }
    }

    /// Deals out anew what the last shard and two others hold, where these are few units; returns whether they end
    /// earlier for it. A move or an exchange of two can't always get there when units are large.
    fn regroup(&mut self, order: &[usize], steps: &mut u32) -> bool {
        let Some((last, others)) = order.split_first() else { return false };
        for (at, one) in others.iter().enumerate() {
            for other in &others[at + 1..] {
                let group = [*last, *one, *other];
                let count: usize = group.iter().map(|slot| self.shards[*slot].units.len()).sum();
                if count <= MOST_REGROUPED && self.deal(group, steps) {
                    return true;
                }
            }
        }
        false
    }

    /// Tries every way to put the units of three shards on them, up to a number of steps, and takes the one that
    /// ends earliest, if that is earlier than now.
    fn deal(&mut self, group: [usize; 3], steps: &mut u32) -> bool {
        let mut units: Vec<UnitIx> =
            group.iter().flat_map(|slot| self.shards[*slot].units.iter().copied()).collect();
        units.sort_by_key(|unit| (Reverse(self.problem.units[*unit].load), *unit));
        let mut left = vec![Millis::ZERO; units.len() + 1];
        for (at, unit) in units.iter().enumerate().rev() {
            left[at] = left[at + 1] + self.problem.units[*unit].load;
        }
        let mut deal = Deal {
            assignment: self,
            group,
            units: &units,
            left: &left,
            spans: [Millis::ZERO; 3],
            rooms: [Millis::ZERO; 3],
            held: [Millis::ZERO; 3],
            places: Vec::new(),
            best: None,
            steps: REGROUP_STEPS.min(*steps),
        };
        let last = group.iter().map(|slot| self.shards[*slot].end).max().unwrap_or_default();
        if !deal.ask_for_less_than(last) {
            return false;
        }
        let given = deal.steps;
        deal.visit();
        *steps -= given - deal.steps;
        let Some(places) = deal.best else { return false };
        for slot in group {
            for unit in self.shards[slot].units.clone() {
                self.remove(unit, slot);
            }
        }
        for (unit, place) in units.into_iter().zip(places) {
            self.add(unit, group[place]);
        }
        true
    }

    /// Makes the one move or exchange that brings two shards closest; returns whether there was one.
    fn balance(&mut self, late: usize, early: usize) -> bool {
        if self.shards[late].end <= self.shards[early].end {
            return false;
        }
        let difference = self.shards[late].end - self.shards[early].end;
        let speed = self.problem.lanes[self.lane].speed_on_runner();
        let target = u128::from(difference.0) * u128::from(speed) / 2000;
        let target = u64::try_from(target).unwrap_or(u64::MAX);
        let movable = |from: usize, to: usize| {
            let mut units: Vec<(u64, Option<UnitIx>)> = self.shards[from]
                .units
                .iter()
                .filter(|unit| self.may_run(**unit, to))
                .map(|unit| (self.problem.units[*unit].load.0, Some(*unit)))
                .collect();
            units.sort_unstable();
            units
        };
        let out = movable(late, early);
        let mut back = movable(early, late);
        back.insert(0, (0, None));

        // Both lists grow, so for a longer unit that goes the best one to come back is not shorter.
        let mut best: Option<(u64, UnitIx, Option<UnitIx>)> = None;
        let mut from = 0;
        for (load, unit) in &out {
            let Some(unit) = unit else { continue };
            while from + 1 < back.len() && back[from + 1].0 + target <= *load {
                from += 1;
            }
            for (other_load, other) in back.iter().skip(from).take(2) {
                let Some(net) = load.checked_sub(*other_load).filter(|net| *net > 0) else { continue };
                let miss = net.abs_diff(target);
                if best.is_none_or(|(least, ..)| miss < least) {
                    best = Some((miss, *unit, *other));
                }
            }
        }
        let Some((_, unit, other)) = best else { return false };
        let before = self.shards[late].end;
        self.exchange(unit, other, late, early);
        let after = self.shards[late].end.max(self.shards[early].end);
        if after < before {
            return true;
        }
        match other {
            Some(other) => self.exchange(other, Some(unit), late, early),
            None => self.exchange(unit, None, early, late),
        }
        false
    }

    /// Moves `unit` from one shard to another, and `other` the other way.
    fn exchange(&mut self, unit: UnitIx, other: Option<UnitIx>, from: usize, to: usize) {
        self.remove(unit, from);
        if let Some(other) = other {
            self.remove(other, to);
            self.add(other, from);
        }
        self.add(unit, to);
    }
}

/// The search for a better way to put units on three shards.
struct Deal<'a, 'p> {
    assignment: &'a LaneAssignment<'p>,
    group: [usize; 3],
    units: &'a [UnitIx],
    /// The load of the units from each one on.
    left: &'a [Millis],
    /// How long each may run tests, and how much load that is, to end early enough.
    spans: [Millis; 3],
    rooms: [Millis; 3],
    /// The load on each so far.
    held: [Millis; 3],
    places: Vec<usize>,
    best: Option<Vec<usize>>,
    steps: u32,
}

impl Deal<'_, '_> {
    /// Looks only for what ends before a time from now on; returns whether that can be.
    fn ask_for_less_than(&mut self, end: Millis) -> bool {
        let LaneAssignment { problem, lane, shards, .. } = self.assignment;
        let model = &problem.lanes[*lane];
        let Some(latest) = end.0.checked_sub(1) else { return false };
        for (place, slot) in self.group.iter().enumerate() {
            let around = model.head + problem.overhead(*lane, shards[*slot].services) + model.after;
            let Some(span) = latest.checked_sub(around.0) else { return false };
            self.spans[place] = Millis(span);
            self.rooms[place] = model.capacity(Millis(span));
        }
        true
    }

    /// Returns how much more load the three may take.
    fn room(&self) -> Millis {
        (0..3).map(|place| self.rooms[place].saturating_sub(self.held[place])).sum()
    }

    fn visit(&mut self) {
        let Some(steps) = self.steps.checked_sub(1) else { return };
        self.steps = steps;
        let at = self.places.len();
        let Some(unit) = self.units.get(at) else {
            self.best = Some(self.places.clone());
            let ends = (0..3).map(|place| self.end(place)).max();
            if !self.ask_for_less_than(ends.unwrap_or_default()) {
                // It can't be earlier.
                self.left = &[];
            }
            return;
        };
        if self.left.get(at).is_none_or(|left| *left > self.room()) {
            return;
        }
        let LaneAssignment { problem, lane, shards, .. } = self.assignment;
        let model = &problem.units[*unit];
        let needed = problem.needed(*unit);
        // Of units that are alike the later ones go no further to the front.
        let first = match self.places.last() {
            Some(place) if self.are_alike(self.units[at - 1], *unit) => *place,
            _ => 0,
        };
        // Where there is most room first.
        let mut order = [0, 1, 2];
        order.sort_by_key(|place| {
            (self.held[*place].0.wrapping_sub(self.rooms[*place].0).cast_signed(), *place)
        });
        for place in order.into_iter().filter(|place| *place >= first) {
            let services = shards[self.group[place]].services;
            // Of shards that start the same and hold nothing yet, the first is as good as any.
            let as_before = (0..place).any(|other| {
                shards[self.group[other]].services == services
                    && !self.places.contains(&other)
                    && !self.places.contains(&place)
            });
            if as_before || !services.covers(needed) || self.is_apart(*unit, place) {
                continue;
            }
            let load = self.held[place] + model.load;
            if load > self.rooms[place]
                || problem.lanes[*lane].run(model.load, model.piece) > self.spans[place]
            {
                continue;
            }
            let before = std::mem::replace(&mut self.held[place], load);
            self.places.push(place);
            self.visit();
            self.places.pop();
            self.held[place] = before;
        }
    }

    fn are_alike(&self, one: UnitIx, other: UnitIx) -> bool {
        let LaneAssignment { problem, apart, .. } = self.assignment;
        let (a, b) = (&problem.units[one], &problem.units[other]);
        let are_free = apart.of(one).is_empty() && apart.of(other).is_empty();
        are_free && (a.load, a.piece, a.requirement) == (b.load, b.piece, b.requirement)
    }

    /// Returns whether a unit that must be apart from this one is there already.
    fn is_apart(&self, unit: UnitIx, place: usize) -> bool {
        let groups = self.assignment.apart.of(unit);
        !groups.is_empty()
            && self.units.iter().zip(&self.places).any(|(other, there)| {
                *there == place && self.assignment.apart.of(*other).iter().any(|group| groups.contains(group))
            })
    }

    fn end(&self, place: usize) -> Millis {
        let problem = self.assignment.problem;
        let there = self.units.iter().zip(&self.places).filter(|(_, at)| **at == place);
        let piece = there.map(|(unit, _)| problem.units[*unit].piece).max().unwrap_or_default();
        self.assignment.end_with(&self.assignment.shards[self.group[place]], self.held[place], piece)
    }
}
