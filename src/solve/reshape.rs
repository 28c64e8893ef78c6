//! Good shard counts without a proof: descent over which services each shard starts, with steps back.
//!
//! For an end time every shard has room for so much work; what a maximum flow of divisible work leaves over is what
//! the shards lack. A step gives one shard what some work needs, or takes services away, and then takes services
//! from shards that use them least until the limits on containers and shards are kept again. Steps that lack more are
//! taken as long as it is not too much more, ever less as time goes by (Dueck and Scheuer, "Threshold Accepting",
//! 1990, which needs no exponential and so is the same on every machine). Once nothing is lacking the end moves to
//! where these shards could just do it, and a little further. After each step the flow is mended where it was touched
//! instead of being made anew.

use std::collections::BTreeMap;

use super::effort::Effort;
use super::lottery::Lottery;
use super::master::{Counts, Master};
use super::question::Caps;
use crate::ids::{IxVec, LaneIx};
use crate::model::{Problem, ServiceSet};
use crate::time::Millis;

/// How many shards are thought of at the most.
const MOST_SLOTS: usize = 48;

/// How many steps are made from the first temperature to the last, and how many such descents at the most.
const STEPS: u32 = 20_000;
const DESCENTS: u32 = 24;

/// The part of the end, in millionths, by which each descent tries to end earlier than the best so far.
const ASPIRATIONS: [u64; 4] = [10_000, 3_000, 1_000, 300];

/// Shards over which the search goes, and the work that flows to them.
#[derive(Clone)]
struct Board<'p> {
    problem: &'p Problem,
    end: Millis,
    work: Vec<Work>,
    slots: Vec<Slot>,
    /// What of each class has no room.
    left: Vec<u64>,
    /// How much of each class every slot has taken, slot by slot.
    taken: Vec<u64>,
    containers: u32,
    open: u32,
    /// The overhead of all shards, each at the price of its runner.
    overhead: u64,
}

/// A class of work with the same needs.
#[derive(Clone, Copy)]
struct Work {
    lane: LaneIx,
    needs: ServiceSet,
    slowest: u64,
    demand: u64,
}

/// A place for a shard.
#[derive(Clone, Copy)]
struct Slot {
    shard: Option<(LaneIx, ServiceSet)>,
    overhead: u64,
    room: u64,
}

/// Returns shard counts that end divisible work earlier than `start` does, where some are found.
pub(super) fn improve(
    problem: &Problem,
    master: &Master<'_>,
    caps: Caps,
    start: &Counts,
    at_least: Millis,
    effort: &Effort,
) -> Option<Counts> {
    let mut board = Board::new(problem, caps, start)?;
    let mut best_end = board.earliest(master, at_least, None, effort)?;
    let first_end = best_end;
    let mut best = board.shards();
    let mut lottery = Lottery::new(best_end.0 ^ at_least.0);
    let mut failures = 0;
    for descent in 0..DESCENTS {
        if best_end <= at_least || effort.is_spent() || failures >= ASPIRATIONS.len() {
            break;
        }
        let ahead = best_end.0 * ASPIRATIONS[failures] / 1_000_000;
        let end = Millis(best_end.0.saturating_sub(ahead.max(1))).max(at_least);
        // Half of the descents go on from the best shards, the others from where the last one came to.
        if descent % 2 == 0 {
            board.set(&best);
        }
        board.ask(master, end);
        if board.descend(caps, &mut lottery, effort) {
            if let Some(earliest) = board.earliest(master, at_least, Some(end), effort) {
                best_end = earliest;
                best = board.shards();
            }
            failures = 0;
        } else {
            failures += 1;
        }
    }
    (best_end < first_end).then(|| {
        let mut shards: IxVec<LaneIx, Vec<ServiceSet>> = problem.lanes.iter().map(|_| Vec::new()).collect();
        for (lane, services) in best {
            shards[lane].push(services);
        }
        Counts { shards, proven: false }
    })
}

impl<'p> Board<'p> {
    fn new(problem: &'p Problem, caps: Caps, start: &Counts) -> Option<Self> {
        let used: usize = start.shards.iter().map(Vec::len).sum();
        let slots = (caps.shards as usize).min(MOST_SLOTS).min(used * 2 + 4);
        let mut board = Self {
            problem,
            end: Millis::ZERO,
            work: Vec::new(),
            slots: vec![Slot { shard: None, overhead: 0, room: 0 }; slots],
            left: Vec::new(),
            taken: Vec::new(),
            containers: 0,
            open: 0,
            overhead: 0,
        };
        let shards: Vec<(LaneIx, ServiceSet)> = start
            .shards
            .iter_enumerated()
            .flat_map(|(lane, shards)| shards.iter().map(move |services| (lane, *services)))
            .collect();
        (shards.len() <= slots).then(|| board.set(&shards))?;
        Some(board)
    }

    fn shards(&self) -> Vec<(LaneIx, ServiceSet)> {
        self.slots.iter().filter_map(|slot| slot.shard).collect()
    }

    /// Makes these the shards, without any work on them.
    fn set(&mut self, shards: &[(LaneIx, ServiceSet)]) {
        (self.containers, self.open, self.overhead) = (0, 0, 0);
        for (at, slot) in self.slots.iter_mut().enumerate() {
            *slot = Slot { shard: shards.get(at).copied(), overhead: 0, room: 0 };
            if let Some((lane, services)) = slot.shard {
                slot.overhead = self.problem.overhead(lane, services).0;
                self.containers += self.problem.containers(services);
                self.open += 1;
                self.overhead += self.problem.at_price(lane, Millis(slot.overhead)).0;
            }
        }
    }

    /// Asks for an end time: all work is to be placed anew.
    fn ask(&mut self, master: &Master<'_>, end: Millis) {
        self.end = end;
        match master.work(end) {
            Some(classes) => {
                self.work = classes
                    .iter()
                    .map(|class| Work {
                        lane: class.lane,
                        needs: class.needs,
                        slowest: class.slowest,
                        demand: class.demand,
                    })
                    .collect();
            }
            // That large units fit only some shards is for the assignment to see then.
            None if self.work.is_empty() => self.work = whole_work(self.problem),
            None => {}
        }
        self.left = self.work.iter().map(|work| work.demand).collect();
        self.taken = vec![0; self.work.len() * self.slots.len()];
        for at in 0..self.slots.len() {
            self.slots[at].room = self.capacity(at);
        }
        self.fill();
    }

    fn capacity(&self, at: usize) -> u64 {
        let Slot { shard, overhead, .. } = self.slots[at];
        let Some((lane, _)) = shard else { return 0 };
        let model = &self.problem.lanes[lane];
        let span = self.end.saturating_sub(model.head + model.after).0;
        model.capacity(Millis(span.saturating_sub(overhead))).0.min(u64::MAX >> 8)
    }

    fn may_take(&self, at: usize, class: usize) -> bool {
        let work = &self.work[class];
        self.slots[at].shard.is_some_and(|(lane, services)| {
            lane == work.lane && services.covers(work.needs) && self.slots[at].overhead <= work.slowest
        })
    }

    /// Returns the earliest end at which the shards do all work, at least `at_least`; `reached` is one at which they do.
    fn earliest(
        &mut self,
        master: &Master<'_>,
        at_least: Millis,
        reached: Option<Millis>,
        effort: &Effort,
    ) -> Option<Millis> {
        let fits = |board: &mut Self, end: u64| {
            effort.spend(board.taken.len() * 4);
            board.ask(master, Millis(end));
            board.lacks() == 0
        };
        let mut low = at_least.0;
        let mut high = reached.unwrap_or(at_least).0;
        if reached.is_none() {
            high = high.max(1_000);
            while !fits(self, high) {
                if high > u64::MAX >> 10 {
                    return None;
                }
                low = high + 1;
                high *= 2;
            }
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if fits(self, middle) { high = middle } else { low = middle + 1 }
        }
        Some(Millis(high))
    }

    fn lacks(&self) -> u64 {
        self.left.iter().sum()
    }

    /// Sends what has no room to where there is some, as far as possible.
    fn fill(&mut self) {
        let classes = self.work.len();
        for class in 0..classes {
            for at in 0..self.slots.len() {
                if self.left[class] == 0 {
                    break;
                }
                if self.slots[at].room > 0 && self.may_take(at, class) {
                    let sent = self.left[class].min(self.slots[at].room);
                    self.left[class] -= sent;
                    self.slots[at].room -= sent;
                    self.taken[at * classes + class] += sent;
                }
            }
        }
        while self.augment() {}
    }

    /// Sends work along one shortest path of exchanges; returns whether there was one.
    fn augment(&mut self) -> bool {
        let classes = self.work.len();
        // By whom a class was reached: the slot it can leave; by whom a slot: the class that can come.
        let mut class_from = vec![usize::MAX; classes];
        let mut slot_from = [usize::MAX; MOST_SLOTS];
        let mut queue: Vec<usize> = (0..classes).filter(|class| self.left[*class] > 0).collect();
        for class in &queue {
            class_from[*class] = MOST_SLOTS;
        }
        let mut head = 0;
        while let Some(class) = queue.get(head).copied() {
            head += 1;
            for at in 0..self.slots.len() {
                if slot_from[at] != usize::MAX || !self.may_take(at, class) {
                    continue;
                }
                slot_from[at] = class;
                if self.slots[at].room > 0 {
                    self.send(at, &class_from, &slot_from);
                    return true;
                }
                for (other, from) in class_from.iter_mut().enumerate() {
                    if *from == usize::MAX && self.taken[at * classes + other] > 0 {
                        *from = at;
                        queue.push(other);
                    }
                }
            }
        }
        false
    }

    fn send(&mut self, to: usize, class_from: &[usize], slot_from: &[usize; MOST_SLOTS]) {
        let classes = self.work.len();
        let mut amount = self.slots[to].room;
        let mut at = to;
        loop {
            let class = slot_from[at];
            let before = class_from[class];
            if before == MOST_SLOTS {
                amount = amount.min(self.left[class]);
                break;
            }
            amount = amount.min(self.taken[before * classes + class]);
            at = before;
        }
        self.slots[to].room -= amount;
        let mut at = to;
        loop {
            let class = slot_from[at];
            self.taken[at * classes + class] += amount;
            let before = class_from[class];
            if before == MOST_SLOTS {
                self.left[class] -= amount;
                break;
            }
            self.taken[before * classes + class] -= amount;
            at = before;
        }
    }

    /// Changes what a shard starts; work that it can no longer take is left over.
    fn change(&mut self, at: usize, shard: Option<(LaneIx, ServiceSet)>) {
        let classes = self.work.len();
        if let Some((lane, services)) = self.slots[at].shard {
            self.containers -= self.problem.containers(services);
            self.open -= 1;
            self.overhead -= self.problem.at_price(lane, Millis(self.slots[at].overhead)).0;
        }
        self.slots[at].shard = shard;
        self.slots[at].overhead = 0;
        if let Some((lane, services)) = shard {
            self.slots[at].overhead = self.problem.overhead(lane, services).0;
            self.containers += self.problem.containers(services);
            self.open += 1;
            self.overhead += self.problem.at_price(lane, Millis(self.slots[at].overhead)).0;
        }
        let capacity = self.capacity(at);
        let mut held = 0;
        for class in 0..classes {
            let taken = self.taken[at * classes + class];
            if taken == 0 {
                continue;
            }
            let kept = if self.may_take(at, class) { taken.min(capacity - held) } else { 0 };
            self.left[class] += taken - kept;
            self.taken[at * classes + class] = kept;
            held += kept;
        }
        self.slots[at].room = capacity - held;
    }

    /// Returns the services of a shard without one, and without those that then only rounded off what nothing needs.
    fn without(&self, at: usize, service: ServiceSet) -> Option<(LaneIx, ServiceSet)> {
        let (lane, services) = self.slots[at].shard?;
        let rest = services.without(service);
        let mut needed: Option<ServiceSet> = None;
        for work in self.work.iter().filter(|work| work.lane == lane && rest.covers(work.needs)) {
            needed = Some(needed.map_or(work.needs, |all| all.union(work.needs)));
        }
        needed.map(|needed| (lane, needed.union(self.problem.lanes[lane].services)))
    }

    /// Returns how much work would leave a shard with a service.
    fn used_by(&self, at: usize, service: ServiceSet) -> u64 {
        let classes = self.work.len();
        let users = (0..classes).filter(|class| self.work[*class].needs.covers(service));
        users.map(|class| self.taken[at * classes + class]).sum()
    }

    /// Makes steps until nothing is lacking; returns whether it came to that.
    fn descend(&mut self, caps: Caps, lottery: &mut Lottery, effort: &Effort) -> bool {
        let mut lacks = self.lacks();
        let loosest = self.end.0 / 25;
        let mut before = self.clone();
        for step in 0..STEPS {
            if lacks == 0 || !effort.spend(self.taken.len() * 6) {
                break;
            }
            if !self.step(caps, lottery) {
                self.copy_from(&before);
                continue;
            }
            self.fill();
            let now = self.lacks();
            let rest = u64::from(STEPS - step);
            let threshold = loosest * rest / u64::from(STEPS) * rest / u64::from(STEPS);
            if now <= lacks + threshold * lottery.below(1_024) as u64 / 1_024 {
                lacks = now;
                before.copy_from(self);
            } else {
                self.copy_from(&before);
            }
        }
        lacks == 0
    }

    fn copy_from(&mut self, other: &Self) {
        self.slots.copy_from_slice(&other.slots);
        self.left.copy_from_slice(&other.left);
        self.taken.copy_from_slice(&other.taken);
        (self.containers, self.open, self.overhead) = (other.containers, other.open, other.overhead);
    }

    /// Changes some shards such that the caps are kept; returns whether that was possible.
    fn step(&mut self, caps: Caps, lottery: &mut Lottery) -> bool {
        let open: Vec<usize> = (0..self.slots.len()).filter(|at| self.slots[*at].shard.is_some()).collect();
        let mut kept = (usize::MAX, ServiceSet::EMPTY);
        match lottery.below(8) {
            0 => {
                let at = open[lottery.below(open.len())];
                let Some(service) = self.any_service(at, lottery) else { return false };
                let Some(shard) = self.without(at, service) else { return false };
                self.change(at, Some(shard));
            }
            1 if self.open > 1 => {
                let at = open[lottery.below(open.len())];
                self.change(at, None);
            }
            choice => {
                let missing: Vec<usize> =
                    (0..self.work.len()).filter(|class| self.left[*class] > 0).collect();
                let class = if missing.is_empty() || choice < 4 {
                    lottery.below(self.work.len())
                } else {
                    missing[lottery.below(missing.len())]
                };
                let Work { lane, needs, .. } = self.work[class];
                let needs = needs.union(self.problem.lanes[lane].services);
                let able: Vec<usize> = (0..self.slots.len())
                    .filter(|at| {
                        self.slots[*at].shard.is_none_or(|(of, services)| {
                            of == lane
                                && !services.covers(needs)
                                && self.problem.fits_memory(lane, services.union(needs))
                        })
                    })
                    .collect();
                if able.is_empty() {
                    return false;
                }
                let at = able[lottery.below(able.len())];
                let services = self.slots[at].shard.map_or(needs, |(_, services)| services.union(needs));
                self.change(at, Some((lane, services)));
                kept = (at, needs);
            }
        }
        self.mend(caps, kept, lottery)
    }

    /// Takes services away where they are used least, until the caps are kept.
    fn mend(&mut self, caps: Caps, kept: (usize, ServiceSet), lottery: &mut Lottery) -> bool {
        for _ in 0..24 {
            let most = |lane: LaneIx| {
                let of_lane = self.slots.iter().filter(|slot| slot.shard.is_some_and(|(of, _)| of == lane));
                of_lane.count() > self.problem.lanes[lane].max_shards as usize
            };
            let crowded = self.open > caps.shards
                || self.overhead > caps.overhead
                || self.problem.lanes.indices().any(most);
            if !crowded && self.containers <= caps.containers {
                return true;
            }
            let open: Vec<usize> = (0..self.slots.len())
                .filter(|at| self.slots[*at].shard.is_some() && (!crowded || *at != kept.0))
                .collect();
            if open.is_empty() {
                return false;
            }
            if crowded {
                self.change(open[lottery.below(open.len())], None);
                continue;
            }
            let mut least: Option<(u64, usize, (LaneIx, ServiceSet))> = None;
            for _ in 0..3 {
                let at = open[lottery.below(open.len())];
                let Some(service) = self.any_service(at, lottery) else { continue };
                if at == kept.0 && kept.1.covers(service) {
                    continue;
                }
                let used = self.used_by(at, service);
                if let Some(shard) = self.without(at, service)
                    && least.as_ref().is_none_or(|(least, ..)| used < *least)
                {
                    least = Some((used, at, shard));
                }
            }
            let Some((_, at, shard)) = least else { continue };
            self.change(at, Some(shard));
        }
        false
    }

    /// Returns a service of a shard that its lane does not start everywhere.
    fn any_service(&self, at: usize, lottery: &mut Lottery) -> Option<ServiceSet> {
        let (lane, services) = self.slots[at].shard?;
        let own = services.without(self.problem.lanes[lane].services);
        let count = own.len() as usize;
        let service = own.iter().nth(if count == 0 { return None } else { lottery.below(count) })?;
        Some(ServiceSet::from_iter([service]))
    }
}

/// Returns the work by what it needs, whatever fits where.
fn whole_work(problem: &Problem) -> Vec<Work> {
    let mut work: BTreeMap<(LaneIx, ServiceSet), u64> = BTreeMap::new();
    for (ix, unit) in problem.units.iter_enumerated() {
        *work.entry((unit.lane, problem.needed(ix))).or_default() += unit.load.0;
    }
    work.into_iter().map(|((lane, needs), demand)| Work { lane, needs, slowest: u64::MAX, demand }).collect()
}
