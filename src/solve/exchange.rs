//! Better plans where few units decide: units move and change places between all shards at once.
//!
//! What a shard starts follows from its units, so that a move may change configurations too. For an end that is to be
//! reached, a plan costs what its shards end later, and a fine for what it starts beyond the limits; steps that cost
//! more are taken as long as it is not too much more, ever less as time goes by (threshold accepting, see
//! [`super::reshape`]). A plan without costs is kept, and an earlier end is asked for.

use super::assign::ApartIndex;
use super::effort::Effort;
use super::lottery::Lottery;
use super::planner::Candidate;
use super::{SolvedShard, at_most, end_of};
use crate::ids::{Ix, LaneIx, UnitIx};
use crate::model::{Limits, Problem, ServiceSet};
use crate::time::Millis;

/// Problems with more units are left to the assignment.
pub(super) const MOST_UNITS: usize = 400;

/// How many shards are thought of at the most.
const MOST_SLOTS: usize = 48;

/// How many steps a descent makes, and how many descents are made at the most.
const STEPS: u64 = 150_000;
const DESCENTS: usize = 16;

/// The part of the end, in millionths, by which each descent tries to end earlier than the best plan so far.
const ASPIRATIONS: [u64; 5] = [10_000, 3_000, 1_000, 300, 0];

/// How many descents in vain are made for each of these before the next is tried.
const PATIENCE: usize = 2;

/// Shards and their units on the way to a plan.
struct Board<'p> {
    problem: &'p Problem,
    apart: &'p ApartIndex,
    slots: Vec<Slot>,
    place: Vec<usize>,
    end: Millis,
    most_containers: u32,
    most_minutes: u64,
    cost: Cost,
}

/// A place for a shard.
#[derive(Clone, Debug, Default)]
struct Slot {
    units: Vec<UnitIx>,
    load: Millis,
    /// How many units need each service.
    users: Vec<u32>,
    figures: Figures,
}

/// What follows from the units of a shard.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    services: ServiceSet,
    late: u64,
    minutes: u64,
    containers: u32,
    /// How many pairs of its units must be apart, and one more where its services find no room in the memory.
    clashes: u32,
}

/// What a plan costs, in the parts that are fined each in its own way.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    late: u64,
    minutes: u64,
    containers: u32,
    clashes: u32,
}

/// Returns a plan within the limits that ends earlier than this one, where one is found; none earlier than
/// `at_least` is looked for.
pub(super) fn improve(
    problem: &Problem,
    apart: &ApartIndex,
    limits: &Limits,
    plan: &Candidate,
    at_least: Millis,
    effort: &Effort,
) -> Option<Candidate> {
    let mut best = plan.clone();
    let mut lottery = Lottery::new(plan.end.0 ^ plan.shards.len() as u64);
    let (mut at, mut failures) = (0, 0);
    for _ in 0..DESCENTS {
        if best.end <= at_least || effort.is_spent() || at >= ASPIRATIONS.len() {
            break;
        }
        let ahead = (best.end.0 * ASPIRATIONS[at] / 1_000_000).max(1);
        let end = Millis(best.end.0.saturating_sub(ahead)).max(at_least);
        let mut board = Board::new(problem, apart, limits, &best, end);
        if board.descend(&mut lottery, effort) {
            let found = Candidate::new(problem, board.into_shards());
            if found.end >= best.end {
                break;
            }
            best = found;
            failures = 0;
        } else {
            failures += 1;
            if failures == PATIENCE {
                (at, failures) = (at + 1, 0);
            }
        }
    }
    (best.end < plan.end).then_some(best)
}

impl<'p> Board<'p> {
    fn new(
        problem: &'p Problem,
        apart: &'p ApartIndex,
        limits: &Limits,
        plan: &Candidate,
        end: Millis,
    ) -> Self {
        let most = at_most(limits.shards.as_ref(), u32::MAX) as usize;
        let count = most.min(problem.units.len()).min(MOST_SLOTS).max(plan.shards.len());
        let empty = Slot { users: vec![0; problem.services.len()], ..Slot::default() };
        let mut board = Self {
            problem,
            apart,
            slots: vec![empty; count],
            place: vec![usize::MAX; problem.units.len()],
            end,
            most_containers: at_most(limits.containers.as_ref(), u32::MAX),
            most_minutes: at_most(limits.minutes.as_ref(), u64::MAX),
            cost: Cost { minutes: problem.billed_others(), ..Cost::default() },
        };
        for (at, shard) in plan.shards.iter().enumerate() {
            for unit in &shard.units {
                board.insert(*unit, at);
            }
            board.count(at);
        }
        board
    }

    fn into_shards(self) -> Vec<SolvedShard> {
        let problem = self.problem;
        let used = self.slots.into_iter().filter(|slot| !slot.units.is_empty());
        used.map(|slot| SolvedShard {
            lane: problem.units[slot.units[0]].lane,
            services: slot.figures.services,
            units: slot.units,
        })
        .collect()
    }

    fn insert(&mut self, unit: UnitIx, at: usize) {
        let slot = &mut self.slots[at];
        slot.units.push(unit);
        slot.load += self.problem.units[unit].load;
        for service in self.problem.units[unit].requirement.iter() {
            slot.users[service.position()] += 1;
        }
        self.place[unit.position()] = at;
    }

    fn take(&mut self, unit: UnitIx) {
        let slot = &mut self.slots[self.place[unit.position()]];
        slot.units.retain(|other| *other != unit);
        slot.load = slot.load - self.problem.units[unit].load;
        for service in self.problem.units[unit].requirement.iter() {
            slot.users[service.position()] -= 1;
        }
    }

    /// Works out anew what a shard costs.
    fn count(&mut self, at: usize) {
        let slot = &self.slots[at];
        let mut figures = Figures::default();
        if let Some(first) = slot.units.first() {
            let problem = self.problem;
            let lane = problem.units[*first].lane;
            let used = problem.services.indices().filter(|service| slot.users[service.position()] > 0);
            figures.services = used.collect::<ServiceSet>().union(problem.lanes[lane].services);
            let piece = slot.units.iter().map(|unit| problem.units[*unit].piece).max().unwrap_or_default();
            let end = end_of(problem, lane, figures.services, slot.load, piece);
            figures.late = end.saturating_sub(self.end).0;
            figures.containers = problem.containers(figures.services);
            if self.most_minutes < u64::MAX {
                let wall =
                    problem.overhead(lane, figures.services) + problem.lanes[lane].run(slot.load, piece);
                figures.minutes = problem.billed(lane, wall);
            }
            if !problem.apart.is_empty() {
                figures.clashes = self.clashes(&slot.units);
            }
            figures.clashes += u32::from(!problem.fits_memory(lane, figures.services));
        }
        let before = std::mem::replace(&mut self.slots[at].figures, figures);
        let cost = &mut self.cost;
        cost.late = cost.late + figures.late - before.late;
        cost.minutes = cost.minutes + figures.minutes - before.minutes;
        cost.containers = cost.containers + figures.containers - before.containers;
        cost.clashes = cost.clashes + figures.clashes - before.clashes;
    }

    fn clashes(&self, units: &[UnitIx]) -> u32 {
        let mut clashes = 0;
        for (at, unit) in units.iter().enumerate() {
            let groups = self.apart.of(*unit);
            if !groups.is_empty() {
                let others = units[at + 1..].iter();
                let shared =
                    others.filter(|other| self.apart.of(**other).iter().any(|group| groups.contains(group)));
                clashes += u32::try_from(shared.count()).unwrap_or(u32::MAX);
            }
        }
        clashes
    }

    /// Returns what the plan costs; a container, a minute or a clash too many costs as much as some lateness.
    fn costs(&self) -> u64 {
        let fine = self.end.0 / 30 + 1;
        let over = u64::from(self.cost.containers.saturating_sub(self.most_containers))
            + self.problem.whole_minutes(self.cost.minutes.saturating_sub(self.most_minutes))
            + u64::from(self.cost.clashes);
        self.cost.late + over * fine
    }

    /// Makes steps until the plan costs nothing; returns whether it came to that.
    fn descend(&mut self, lottery: &mut Lottery, effort: &Effort) -> bool {
        let loosest = self.end.0 / 30;
        let mut costs = self.costs();
        let count = self.problem.units.len();
        for step in 0..STEPS {
            if costs == 0 {
                return true;
            }
            if !effort.spend(60 + 4 * count / self.slots.len().max(1)) {
                return false;
            }
            // Most steps start at a shard that ends too late.
            let late =
                (0..3).map(|_| lottery.below(self.slots.len())).max_by_key(|at| self.slots[*at].figures.late);
            let unit = match late.filter(|at| !self.slots[*at].units.is_empty()) {
                Some(at) if lottery.below(4) > 0 => {
                    let units = &self.slots[at].units;
                    units[lottery.below(units.len())]
                }
                _ => UnitIx(u32::try_from(lottery.below(count)).unwrap_or(0)),
            };
            let rest = STEPS - step;
            let threshold = loosest * rest / STEPS * rest / STEPS;
            let allowed = costs + threshold * lottery.below(1_024) as u64 / 1_024;
            let from = self.place[unit.position()];
            let to = lottery.below(self.slots.len());
            if to == from || !self.is_open_to(to, unit) {
                continue;
            }
            let guest = (lottery.below(2) == 0 && !self.slots[to].units.is_empty()).then(|| {
                let units = &self.slots[to].units;
                units[lottery.below(units.len())]
            });
            self.exchange(unit, guest, from, to);
            let now = self.costs();
            if now <= allowed {
                costs = now;
            } else {
                self.put_back(unit, guest, from, to);
            }
        }
        costs == 0
    }

    /// Returns whether a shard is of the unit's lane, or could become one.
    fn is_open_to(&self, at: usize, unit: UnitIx) -> bool {
        let lane = self.problem.units[unit].lane;
        let lane_of =
            |slot: &Slot| -> Option<LaneIx> { slot.units.first().map(|unit| self.problem.units[*unit].lane) };
        if let Some(of) = lane_of(&self.slots[at]) {
            return of == lane;
        }
        let of_lane = self.slots.iter().filter(|slot| lane_of(slot) == Some(lane)).count();
        of_lane < self.problem.lanes[lane].max_shards as usize
    }

    fn exchange(&mut self, unit: UnitIx, guest: Option<UnitIx>, from: usize, to: usize) {
        self.take(unit);
        if let Some(guest) = guest {
            self.take(guest);
            self.insert(guest, from);
        }
        self.insert(unit, to);
        self.count(from);
        self.count(to);
    }

    fn put_back(&mut self, unit: UnitIx, guest: Option<UnitIx>, from: usize, to: usize) {
        match guest {
            Some(guest) => self.exchange(guest, Some(unit), from, to),
            None => self.exchange(unit, None, to, from),
        }
    }
}
