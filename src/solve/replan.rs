//! Stays near the plan before: of plans that are good enough, the one that moves the fewest units, and of those the one
//! whose moved units take the least time.
//!
//! Good enough is a plan that ends no later than is tolerated and bills and starts no more than the best plan. Four
//! ways lead there, and the nearest of what they find is taken: everything stays where it was and newcomers are put
//! where they harm least; as few units as possible leave the shards that then end too late; the units of the best plan
//! go home as long as it stays good enough; and where units are few they change places at random, which costs ever more
//! for each unit that is away (threshold accepting, see [`super::reshape`]). The smallest problems are searched to the
//! end ([`super::fewest`]).

use std::cmp::Reverse;

use super::assign::ApartIndex;
use super::continuity::{home_of, homes};
use super::lottery::Lottery;
use super::planner::Candidate;
use super::seats::{Demand, Distance, Seats};
use super::{Placement, Solution, fewest};
use crate::ids::{IxVec, LaneIx, UnitIx};
use crate::model::{Limits, Problem};
use crate::time::{Millis, Tolerance};

/// How many times the units away from home are looked at.
const MAX_ROUNDS: usize = 4;

/// How many units of about the same load are tried in exchange for one that goes home, and in how large problems.
const MAX_EXCHANGES: usize = 3;
const MOST_UNITS_TO_EXCHANGE: usize = 20_000;

/// How many units of a shard that ends too late are thought of to leave it.
const MOST_LEAVERS: usize = 24;

/// Problems with more units are not shaken at random.
const MOST_UNITS_TO_SHAKE: usize = 2_000;

/// How many steps are made at random, how many times over, and how much a unit away from home costs, as a part of the
/// end.
const STEPS: u64 = 30_000;
const SHAKES: u64 = 4;
const AWAY: u64 = 150;

/// Returns the plan that moves the fewest units of those that end no later than tolerated after this one and cost no
/// more; it is within the limits if this one is. With less tolerance never fewer move. The problem's lanes are on the
/// runners of this plan and stay there.
#[must_use]
pub fn stay(
    problem: &Problem,
    limits: &Limits,
    best: &Solution,
    previous: &Placement,
    tolerance: Tolerance,
) -> Solution {
    let apart = ApartIndex::new(problem);
    let demand = |latest: Millis| Seats::demand(limits, latest, best.minutes, best.containers);
    let mut found = nearest(problem, &apart, demand(best.end), best, previous);
    let latest = in_time(limits, best, tolerance.after(best.end));
    if found.0.0 > 0 && latest > best.end {
        let later = nearest(problem, &apart, demand(latest), best, previous);
        if (later.0.0, later.0.1) < (found.0.0, found.0.1) {
            found = later;
        }
    }
    found.1.into_solution(problem, best.bound.clone())
}

/// Returns how late a plan may end that is to end by `latest` and keeps the target, if the best plan does.
pub(super) fn in_time(limits: &Limits, best: &Solution, latest: Millis) -> Millis {
    match &limits.target {
        Some(target) if best.end <= target.value => latest.min(target.value),
        _ => latest,
    }
}

fn nearest(
    problem: &Problem,
    apart: &ApartIndex,
    demand: Demand,
    best: &Solution,
    previous: &Placement,
) -> (Distance, Candidate) {
    let (own, spare) = (homes(problem, best, previous), spare_slots(problem, best, previous));
    let empty = Seats::new(problem, apart, previous, demand, &spare);

    let mut from_best = empty.clone();
    let labels = labels(problem, previous);
    let mut new_slots: Vec<usize> = (labels.len()..from_best.slots.len()).collect();
    for (shard, own) in best.shards.iter().zip(&own) {
        let continued = own.and_then(|own| labels.binary_search(&(own, shard.lane)).ok());
        let slot = continued.unwrap_or_else(|| {
            let free = new_slots.iter().position(|slot| from_best.slots[*slot].lane == shard.lane);
            new_slots.swap_remove(free.expect("there is a spare slot for every shard that continues none"))
        });
        for unit in &shard.units {
            from_best.put(*unit, slot);
        }
    }
    send_home(&mut from_best);
    let mut nearest = from_best;

    let mut kept = empty;
    keep_all(&mut kept);
    offload(&mut kept);
    send_home(&mut kept);
    take_nearer(&mut nearest, &kept);
    if problem.units.len() <= fewest::MAX_UNITS {
        if let Some(found) = fewest::search(&nearest) {
            take_nearer(&mut nearest, &found);
        }
    } else if problem.units.len() <= MOST_UNITS_TO_SHAKE && nearest.distance().0 > 1 {
        shake(&mut nearest, &kept);
        send_home(&mut nearest);
    }
    (nearest.distance(), Candidate::new(problem, nearest.into_shards()))
}

fn take_nearer<'p>(nearest: &mut Seats<'p>, other: &Seats<'p>) {
    if other.distance() < nearest.distance() && other.is_good() {
        nearest.clone_from(other);
    }
}

/// Returns the shards of the plan before that any unit is left of, with their lanes.
fn labels(problem: &Problem, previous: &Placement) -> Vec<(u32, LaneIx)> {
    let units = problem.units.iter_enumerated();
    let mut labels: Vec<(u32, LaneIx)> =
        units.filter_map(|(ix, unit)| Some((home_of(previous, ix)?, unit.lane))).collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

/// Returns how many new shards are thought of for every lane: those of the best plan, and one more.
fn spare_slots(problem: &Problem, best: &Solution, previous: &Placement) -> IxVec<LaneIx, usize> {
    let mut spare: IxVec<LaneIx, usize> = problem.lanes.iter().map(|_| 1).collect();
    for (shard, own) in best.shards.iter().zip(homes(problem, best, previous)) {
        if own.is_none() {
            spare[shard.lane] += 1;
        }
    }
    spare
}

/// Leaves every unit where it was and puts newcomers, the longest first, where the least is lacking then and the shard
/// ends first.
fn keep_all(seats: &mut Seats<'_>) {
    let mut newcomers: Vec<UnitIx> = Vec::new();
    for unit in seats.problem.units.indices() {
        match seats.home[unit] {
            Some(home) => seats.put(unit, home),
            None => newcomers.push(unit),
        }
    }
    newcomers.sort_by_key(|unit| (Reverse(seats.problem.units[*unit].load), *unit));
    for unit in newcomers {
        let mut best: Option<((u64, Millis), usize)> = None;
        for slot in open_slots(seats, unit) {
            seats.change(unit, slot);
            let rank = (seats.costs(), seats.slots[slot].figures.end);
            if best.is_none_or(|(least, _)| rank < least) {
                best = Some((rank, slot));
            }
        }
        if let Some((_, slot)) = best {
            seats.change(unit, slot);
        }
    }
}

/// Returns the slots that a unit may go to: those of its lane, of new ones that are empty only the first.
fn open_slots(seats: &Seats<'_>, unit: UnitIx) -> Vec<usize> {
    let lane = seats.problem.units[unit].lane;
    let mut empty = false;
    let mut open: Vec<usize> = Vec::new();
    for (at, slot) in seats.slots.iter().enumerate().filter(|(_, slot)| slot.lane == lane) {
        if !slot.units.is_empty() || !std::mem::replace(&mut empty, true) {
            open.push(at);
        }
    }
    open
}

/// Moves units away as long as that makes up for what is lacking: the unit after which the least is lacking; of equals
/// one that is away already, then the shortest.
fn offload(seats: &mut Seats<'_>) {
    for _ in 0..2 * seats.problem.units.len() {
        let lacking = seats.costs();
        if lacking == 0 {
            return;
        }
        let mut best: Option<((u64, bool, Millis), UnitIx, usize)> = None;
        for unit in leavers(seats) {
            let from = seats.slot_of(unit);
            let was_away = seats.is_away(unit);
            for slot in open_slots(seats, unit).into_iter().filter(|slot| Some(*slot) != from) {
                seats.change(unit, slot);
                let rank = (seats.costs(), !was_away, seats.problem.units[unit].load);
                if best.is_none_or(|(least, ..)| rank < least) {
                    best = Some((rank, unit, slot));
                }
            }
            if let Some(from) = from {
                seats.change(unit, from);
            }
        }
        match best {
            Some(((now, ..), unit, slot)) if now < lacking => seats.change(unit, slot),
            _ => return,
        }
    }
}

/// Returns the units that could leave: those of the shard that ends latest past what is allowed, around the load that
/// is too much there; where none ends too late, the smallest of each shard.
fn leavers(seats: &Seats<'_>) -> Vec<UnitIx> {
    let problem = seats.problem;
    let worst = seats.slots.iter().max_by_key(|slot| slot.figures.end);
    let Some(worst) = worst.filter(|slot| slot.figures.end > seats.demand.latest) else {
        let smallest = |slot: &super::seats::Slot| {
            let mut units = slot.units.clone();
            units.sort_by_key(|unit| (problem.units[*unit].load, *unit));
            units.truncate(3);
            units
        };
        return seats.slots.iter().flat_map(smallest).collect();
    };
    let too_much = problem.lanes[worst.lane].capacity(worst.figures.end - seats.demand.latest);
    let mut units = worst.units.clone();
    units.sort_by_key(|unit| (problem.units[*unit].load, *unit));
    let enough = units.partition_point(|unit| problem.units[*unit].load < too_much);
    let from = enough.saturating_sub(MOST_LEAVERS / 2);
    let mut near: Vec<UnitIx> = units.iter().copied().skip(from).take(MOST_LEAVERS).collect();
    near.extend(units.iter().rev().take(4));
    near.sort_unstable();
    near.dedup();
    near
}

/// Sends units home, alone or in exchange, as long as the plan stays good enough; the smallest find room first.
fn send_home(seats: &mut Seats<'_>) {
    if !seats.fits() {
        return;
    }
    let mut away: Vec<UnitIx> = seats.problem.units.indices().filter(|unit| seats.is_away(*unit)).collect();
    away.sort_by_key(|unit| (seats.problem.units[*unit].load, *unit));
    let few = seats.problem.units.len() <= MOST_UNITS_TO_EXCHANGE;
    for _ in 0..MAX_ROUNDS {
        let mut changed = false;
        for unit in &away {
            let (Some(home), Some(from)) = (seats.home[*unit], seats.slot_of(*unit)) else { continue };
            if home == from {
                continue;
            }
            let guests = if few { guests(seats, *unit, home) } else { Vec::new() };
            for guest in std::iter::once(None).chain(guests.into_iter().map(Some)) {
                let before = seats.distance();
                seats.exchange(*unit, guest, home);
                if seats.distance() < before && seats.is_good() {
                    changed = true;
                    break;
                }
                match guest {
                    Some(guest) => seats.exchange(guest, Some(*unit), home),
                    None => seats.exchange(*unit, None, from),
                }
            }
        }
        if !changed {
            break;
        }
    }
}

/// Returns the units on a shard that are not at home there and nearest in load.
fn guests(seats: &Seats<'_>, unit: UnitIx, at: usize) -> Vec<UnitIx> {
    let load = seats.problem.units[unit].load.0;
    let foreign = |other: &UnitIx| seats.home[*other] != Some(at);
    let mut units: Vec<UnitIx> = seats.slots[at].units.iter().copied().filter(foreign).collect();
    units.sort_by_key(|other| (seats.problem.units[*other].load.0.abs_diff(load), *other));
    units.truncate(MAX_EXCHANGES);
    units
}

/// Lets units change places at random, and keeps the nearest plan that is good enough.
fn shake<'p>(nearest: &mut Seats<'p>, kept: &Seats<'p>) {
    let problem = nearest.problem;
    let count = problem.units.len();
    let mut lottery = Lottery::new(nearest.demand.latest.0 ^ nearest.distance().0 as u64);
    let away = nearest.demand.latest.0 / AWAY + 1;
    let loosest = nearest.demand.latest.0 / 30;
    let costs = |seats: &Seats<'_>| seats.costs() + seats.distance().0 as u64 * away;
    for shake in 0..SHAKES {
        // From where little has moved, be it good enough or not, and from the nearest so far.
        let mut seats = if shake % 2 == 0 { kept.clone() } else { nearest.clone() };
        let mut now = costs(&seats);
        for step in 0..STEPS {
            if nearest.distance().0 <= 1 {
                return;
            }
            let unit = UnitIx(u32::try_from(lottery.below(count)).unwrap_or(0));
            let Some(from) = seats.slot_of(unit) else { continue };
            // Half of the steps lead home.
            let to = match seats.home[unit] {
                Some(home) if lottery.below(2) == 0 => home,
                _ => lottery.below(seats.slots.len()),
            };
            if to == from || seats.slots[to].lane != problem.units[unit].lane {
                continue;
            }
            let there = &seats.slots[to].units;
            let guest =
                (lottery.below(2) == 0 && !there.is_empty()).then(|| there[lottery.below(there.len())]);
            seats.exchange(unit, guest, to);
            let then = costs(&seats);
            let rest = STEPS - step;
            let threshold = loosest * rest / STEPS * rest / STEPS;
            if then <= now + threshold * lottery.below(1_024) as u64 / 1_024 {
                now = then;
                take_nearer(nearest, &seats);
            } else {
                match guest {
                    Some(guest) => seats.exchange(guest, Some(unit), to),
                    None => seats.exchange(unit, None, from),
                }
            }
        }
    }
}
