//! A plan while its units change places, with where each was before: what it costs, and how far it is from home.
//!
//! The first slots continue the shards of the plan before, in their order; those behind are new ones. Whatever a change
//! makes of the plan is known without a look at the shards that it does not touch.

use std::collections::BTreeMap;

use super::assign::ApartIndex;
use super::continuity::home_of;
use super::planner::Candidate;
use super::{Placement, SolvedShard, at_most, end_of};
use crate::ids::{Ix, IxVec, LaneIx, UnitIx};
use crate::model::{Limits, Problem, ServiceSet, SuiteOrder};
use crate::time::Millis;

/// What a plan must keep to be as good as is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) latest: Millis,
    pub(super) minutes: u64,
    pub(super) containers: u32,
    pub(super) shards: u32,
}

/// How far a plan is from the one before: how many units moved, the time of these, and how good it is.
pub(super) type Distance = (usize, u64, Millis, u64, u32);

/// Units on shards.
#[derive(Clone)]
pub(super) struct Seats<'p> {
    pub(super) problem: &'p Problem,
    pub(super) demand: Demand,
    apart: &'p ApartIndex,
    /// The units of lanes that keep the suite's order, lane by lane, in that order.
    ordered: Vec<UnitIx>,
    pub(super) slots: Vec<Slot>,
    /// The slot that continues the shard a unit was on.
    pub(super) home: IxVec<UnitIx, Option<usize>>,
    /// The slot of a unit, and its position there; nothing while it has none.
    place: IxVec<UnitIx, Option<(usize, usize)>>,
    of_lane: IxVec<LaneIx, u32>,
    late: u64,
    minutes: u64,
    containers: u32,
    clashes: u32,
    misfits: u32,
    moved: usize,
    moved_load: u64,
}

/// A place for a shard.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) lane: LaneIx,
    pub(super) units: Vec<UnitIx>,
    load: Millis,
    /// How many units there are of each length of their longest piece, where more than the load decides.
    pieces: BTreeMap<Millis, u32>,
    /// How many units need each service.
    users: Vec<u32>,
    pub(super) figures: Figures,
    is_open: bool,
}

/// What follows from the units of a shard.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    pub(super) services: ServiceSet,
    pub(super) end: Millis,
    minutes: u64,
    containers: u32,
    /// Whether its runner's memory is too small for it.
    is_misfit: bool,
}

impl Figures {
    pub(super) fn minutes(&self) -> u64 {
        self.minutes
    }
}

impl<'p> Seats<'p> {
    /// Returns a plan without units: a slot for every shard of the plan before, and `spare` new ones for each lane.
    pub(super) fn new(
        problem: &'p Problem,
        apart: &'p ApartIndex,
        previous: &Placement,
        demand: Demand,
        spare: &IxVec<LaneIx, usize>,
    ) -> Self {
        let mut labels: Vec<(u32, LaneIx)> = problem
            .units
            .iter_enumerated()
            .filter_map(|(ix, unit)| Some((home_of(previous, ix)?, unit.lane)))
            .collect();
        labels.sort_unstable();
        labels.dedup();
        let at = |ix: UnitIx| labels.binary_search(&(home_of(previous, ix)?, problem.units[ix].lane)).ok();
        let home = problem.units.indices().map(at).collect();
        let new = spare.iter_enumerated().flat_map(|(lane, count)| std::iter::repeat_n(lane, *count));
        let slot = |lane: LaneIx| Slot {
            lane,
            units: Vec::new(),
            load: Millis::ZERO,
            pieces: BTreeMap::new(),
            users: vec![0; problem.services.len()],
            figures: Figures::default(),
            is_open: false,
        };
        let keeps = |ix: &UnitIx| problem.lanes[problem.units[*ix].lane].order != SuiteOrder::Free;
        let mut ordered: Vec<UnitIx> = problem.units.indices().filter(keeps).collect();
        ordered.sort_by_key(|ix| (problem.units[*ix].lane, *ix));
        Self {
            problem,
            demand,
            apart,
            ordered,
            slots: labels.iter().map(|(_, lane)| *lane).chain(new).map(slot).collect(),
            home,
            place: problem.units.iter().map(|_| None).collect(),
            of_lane: problem.lanes.iter().map(|_| 0).collect(),
            late: 0,
            minutes: problem.billed_others(),
            containers: 0,
            clashes: 0,
            misfits: 0,
            moved: 0,
            moved_load: 0,
        }
    }

    /// Returns what is asked for by limits of a plan that ends by `latest` and costs no more than that.
    pub(super) fn demand(limits: &Limits, latest: Millis, minutes: u64, containers: u32) -> Demand {
        Demand { latest, minutes, containers, shards: at_most(limits.shards.as_ref(), u32::MAX) }
    }

    /// Returns the shards.
    pub(super) fn into_shards(self) -> Vec<SolvedShard> {
        let used = self.slots.into_iter().filter(|slot| !slot.units.is_empty());
        used.map(|slot| SolvedShard { lane: slot.lane, services: slot.figures.services, units: slot.units })
            .collect()
    }

    /// Returns the slot of a unit.
    pub(super) fn slot_of(&self, unit: UnitIx) -> Option<usize> {
        self.place[unit].map(|(slot, _)| slot)
    }

    /// Returns whether a unit is on another shard than it was.
    pub(super) fn is_away(&self, unit: UnitIx) -> bool {
        self.home[unit].is_some_and(|home| self.slot_of(unit) != Some(home))
    }

    /// Returns whether a shard could take a unit without starting more for it, or breaking up a group.
    pub(super) fn may_join(&self, unit: UnitIx, at: usize) -> bool {
        let slot = &self.slots[at];
        slot.figures.services.covers(self.problem.needed(unit)) && clashes(self.apart, unit, &slot.units) == 0
    }

    /// Returns how long a shard's job takes.
    pub(super) fn wall(&self, at: usize) -> Millis {
        let slot = &self.slots[at];
        let lane = &self.problem.lanes[slot.lane];
        slot.figures.end.saturating_sub(lane.head + lane.after)
    }

    /// Returns how far the plan is from the one before.
    pub(super) fn distance(&self) -> Distance {
        let end = self.slots.iter().map(|slot| slot.figures.end).max().unwrap_or_default();
        (self.moved, self.moved_load, end.max(self.problem.floor.at), self.minutes, self.containers)
    }

    /// Returns whether the plan, as far as it goes, can still become as good as is asked for.
    pub(super) fn fits(&self) -> bool {
        self.costs() == 0 && (self.ordered.is_empty() || self.keeps_order())
    }

    /// Returns whether the whole plan is as good as is asked for: jobs that wait for a runner end in time as well.
    pub(super) fn is_good(&self) -> bool {
        let ends = || Candidate::new(self.problem, self.clone().into_shards()).end;
        self.fits() && (self.problem.slots.is_none() || ends() <= self.demand.latest)
    }

    /// Returns whether no shard of a lane that keeps the suite's order goes on after another has begun; units without a
    /// place are passed over.
    fn keeps_order(&self) -> bool {
        let mut ended = vec![false; self.slots.len()];
        let mut last = None;
        for slot in self.ordered.iter().filter_map(|unit| self.slot_of(*unit)) {
            if last == Some(slot) {
                continue;
            }
            if ended[slot] {
                return false;
            }
            if let Some(last) = last.replace(slot) {
                ended[last] = true;
            }
        }
        true
    }

    /// Returns what is lacking: how much later shards end, with a fine for everything that is too many.
    pub(super) fn costs(&self) -> u64 {
        let fine = self.demand.latest.0 / 30 + 1;
        let shards: u32 = self.of_lane.iter().sum();
        let lanes = self.problem.lanes.iter().zip(self.of_lane.iter());
        let crowded: u32 = lanes.map(|(lane, shards)| shards.saturating_sub(lane.max_shards)).sum();
        let over = u64::from(self.containers.saturating_sub(self.demand.containers))
            + self.problem.whole_minutes(self.minutes.saturating_sub(self.demand.minutes))
            + u64::from(shards.saturating_sub(self.demand.shards))
            + u64::from(crowded)
            + u64::from(self.clashes)
            + u64::from(self.misfits);
        self.late + over * fine
    }

    /// Puts a unit on a slot of its lane; it must have no place.
    pub(super) fn put(&mut self, unit: UnitIx, at: usize) {
        self.place_unit(unit, at);
        self.count(at);
    }

    /// Takes a unit away.
    pub(super) fn remove(&mut self, unit: UnitIx) {
        if let Some(from) = self.take(unit) {
            self.count(from);
        }
    }

    /// Takes all units away.
    pub(super) fn clear(&mut self) {
        self.problem.units.indices().for_each(|unit| self.remove(unit));
    }

    /// Moves a unit to another slot of its lane.
    pub(super) fn change(&mut self, unit: UnitIx, to: usize) {
        let from = self.take(unit);
        self.place_unit(unit, to);
        self.count(to);
        if let Some(from) = from {
            self.count(from);
        }
    }

    /// Moves `unit` to another slot, and `guest`, which is there, to where it was.
    pub(super) fn exchange(&mut self, unit: UnitIx, guest: Option<UnitIx>, to: usize) {
        let from = self.take(unit);
        if let (Some(guest), Some(from)) = (guest, from) {
            self.take(guest);
            self.place_unit(guest, from);
        }
        self.place_unit(unit, to);
        self.count(to);
        if let Some(from) = from {
            self.count(from);
        }
    }

    fn place_unit(&mut self, unit: UnitIx, at: usize) {
        let model = &self.problem.units[unit];
        let slot = &mut self.slots[at];
        self.place[unit] = Some((at, slot.units.len()));
        slot.units.push(unit);
        slot.load += model.load;
        let lane = &self.problem.lanes[slot.lane];
        if lane.speed_on_runner() > lane.pace_on_runner() {
            *slot.pieces.entry(model.piece).or_default() += 1;
        }
        for service in model.requirement.iter() {
            slot.users[service.position()] += 1;
        }
        self.clashes += clashes(self.apart, unit, &slot.units);
        if self.home[unit].is_some_and(|home| home != at) {
            self.moved += 1;
            self.moved_load += model.load.0;
        }
    }

    fn take(&mut self, unit: UnitIx) -> Option<usize> {
        let (at, position) = self.place[unit].take()?;
        let model = &self.problem.units[unit];
        let slot = &mut self.slots[at];
        self.clashes -= clashes(self.apart, unit, &slot.units);
        slot.units.swap_remove(position);
        if let Some(other) = slot.units.get(position) {
            self.place[*other] = Some((at, position));
        }
        slot.load = slot.load - model.load;
        if let Some(count) = slot.pieces.get_mut(&model.piece) {
            *count -= 1;
            if *count == 0 {
                slot.pieces.remove(&model.piece);
            }
        }
        for service in model.requirement.iter() {
            slot.users[service.position()] -= 1;
        }
        if self.home[unit].is_some_and(|home| home != at) {
            self.moved -= 1;
            self.moved_load -= model.load.0;
        }
        Some(at)
    }

    /// Works out anew what a shard comes to.
    fn count(&mut self, at: usize) {
        let slot = &self.slots[at];
        let mut figures = Figures::default();
        if !slot.units.is_empty() {
            let lane = &self.problem.lanes[slot.lane];
            let used = self.problem.services.indices().filter(|service| slot.users[service.position()] > 0);
            figures.services = used.collect::<ServiceSet>().union(lane.services);
            // With one worker or less the load is never shorter than its longest piece.
            let piece = slot.pieces.last_key_value().map(|(piece, _)| *piece).unwrap_or_default();
            figures.end = end_of(self.problem, slot.lane, figures.services, slot.load, piece);
            let wall = self.problem.overhead(slot.lane, figures.services) + lane.run(slot.load, piece);
            figures.minutes = self.problem.billed(slot.lane, wall);
            figures.containers = self.problem.containers(figures.services);
            figures.is_misfit = !self.problem.fits_memory(slot.lane, figures.services);
        }
        let before = std::mem::replace(&mut self.slots[at].figures, figures);
        let late = |figures: &Figures| figures.end.saturating_sub(self.demand.latest).0;
        self.late = self.late + late(&figures) - late(&before);
        self.minutes = self.minutes + figures.minutes - before.minutes;
        self.containers = self.containers + figures.containers - before.containers;
        self.misfits = self.misfits + u32::from(figures.is_misfit) - u32::from(before.is_misfit);
        let slot = &mut self.slots[at];
        let was_open = std::mem::replace(&mut slot.is_open, !slot.units.is_empty());
        let open = &mut self.of_lane[slot.lane];
        *open = *open + u32::from(slot.is_open) - u32::from(was_open);
    }
}

/// Returns how many of these units must be apart from one, which may be among them.
fn clashes(apart: &ApartIndex, unit: UnitIx, units: &[UnitIx]) -> u32 {
    let groups = apart.of(unit);
    if groups.is_empty() {
        return 0;
    }
    let clash =
        |other: &&UnitIx| **other != unit && apart.of(**other).iter().any(|group| groups.contains(group));
    u32::try_from(units.iter().filter(clash).count()).unwrap_or(u32::MAX)
}
