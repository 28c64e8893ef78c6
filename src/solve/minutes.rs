//! Fewer billed minutes at the same end: shards that are a little over a whole minute give that little away.
//!
//! A job is billed by whole minutes, so what a shard works beyond its last whole minute costs as much as a minute does.
//! Units leave such a shard for others that have room until their own minute is over, alone, several, or one in
//! exchange for a shorter one. Nobody starts a service for it, and nobody ends after the plan does, so the end, the
//! containers and the number of shards stay as they are.

use std::cmp::Reverse;

use super::Placement;
use super::assign::ApartIndex;
use super::planner::Candidate;
use super::seats::Seats;
use crate::ids::{IxVec, LaneIx, UnitIx};
use crate::model::{Limits, Problem, SuiteOrder};
use crate::time::Millis;

/// How many units are moved to save one minute.
const MOST_LEAVERS: usize = 12;

/// How many units of a shard are thought of in exchange for one.
const MOST_GUESTS: usize = 400;

/// Returns the plan with fewer billed minutes that ends by `latest` on the same shards, where one is found.
pub(super) fn bill_less(
    problem: &Problem,
    apart: &ApartIndex,
    limits: &Limits,
    plan: &Candidate,
    latest: Millis,
) -> Option<Candidate> {
    let demand = Seats::demand(limits, latest.max(plan.end), plan.minutes, plan.containers);
    let mut count: IxVec<LaneIx, usize> = problem.lanes.iter().map(|_| 0).collect();
    plan.shards.iter().for_each(|shard| count[shard.lane] += 1);
    let nowhere: Placement = problem.units.iter().map(|_| None).collect();
    let mut seats = Seats::new(problem, apart, &nowhere, demand, &count);
    let mut free: Vec<usize> = (0..seats.slots.len()).rev().collect();
    for shard in &plan.shards {
        let at = free.iter().rposition(|slot| seats.slots[*slot].lane == shard.lane)?;
        let slot = free.remove(at);
        shard.units.iter().for_each(|unit| seats.put(*unit, slot));
    }
    let mut tried: Vec<usize> = Vec::new();
    loop {
        let donor = (0..seats.slots.len())
            .filter(|slot| problem.lanes[seats.slots[*slot].lane].order == SuiteOrder::Free)
            .filter(|slot| !tried.contains(slot) && over(&seats, *slot) > Millis::ZERO)
            .min_by_key(|slot| (over(&seats, *slot), *slot));
        let Some(donor) = donor else { break };
        if give_away(&mut seats, donor) {
            tried.clear();
        } else {
            tried.push(donor);
        }
    }
    (seats.distance().3 < plan.minutes).then(|| Candidate::new(problem, seats.into_shards()))
}

/// Returns how long a shard's job takes beyond its last whole minute.
fn over(seats: &Seats<'_>, slot: usize) -> Millis {
    Millis(seats.wall(slot).0 % Millis::MINUTE.0)
}

/// Returns how much longer a shard's job may take without another minute and without a later end.
fn room(seats: &Seats<'_>, slot: usize) -> Millis {
    let wall = seats.wall(slot);
    let minute = Millis(wall.billed_minutes() * Millis::MINUTE.0) - wall;
    minute.min(seats.demand.latest.saturating_sub(seats.slots[slot].figures.end))
}

/// Takes from a shard what it works beyond its last whole minute; returns whether that was possible.
fn give_away(seats: &mut Seats<'_>, donor: usize) -> bool {
    let minutes = seats.distance().3;
    let mut moved: Vec<(UnitIx, usize)> = Vec::new();
    let before = seats.slots[donor].figures.minutes();
    while seats.slots[donor].figures.minutes() == before && moved.len() < MOST_LEAVERS {
        let Some((unit, to)) = next_leaver(seats, donor) else { break };
        seats.change(unit, to);
        moved.push((unit, to));
    }
    if seats.distance().3 < minutes && seats.fits() {
        return true;
    }
    for (unit, _) in moved.into_iter().rev() {
        seats.change(unit, donor);
    }
    give_in_exchange(seats, donor)
}

/// Returns the shortest unit that makes up for all that is over, with a shard that has room for it; else the longest
/// that any has room for.
fn next_leaver(seats: &Seats<'_>, donor: usize) -> Option<(UnitIx, usize)> {
    let problem = seats.problem;
    let lane = seats.slots[donor].lane;
    let speed = &problem.lanes[lane];
    let needed = speed.capacity(over(seats, donor));
    let mut receivers: Vec<(Millis, usize)> = receivers(seats, donor)
        .map(|slot| (speed.capacity(room(seats, slot)), slot))
        .filter(|(room, _)| *room > Millis::ZERO)
        .collect();
    receivers.sort_unstable();
    let most = receivers.last()?.0;
    let load = |unit: UnitIx| problem.units[unit].load;
    let mut units: Vec<UnitIx> = seats.slots[donor].units.clone();
    units.retain(|unit| load(*unit) > Millis::ZERO && load(*unit) <= most);
    units.sort_by_key(|unit| (load(*unit), *unit));
    let enough = units.partition_point(|unit| load(*unit) < needed);
    let (less, enough) = units.split_at(enough);
    enough.iter().chain(less.iter().rev()).find_map(|unit| {
        // The least room that suffices, so that others find theirs.
        let able = |(room, slot): &&(Millis, usize)| *room >= load(*unit) && seats.may_join(*unit, *slot);
        receivers.iter().find(able).map(|(_, slot)| (*unit, *slot))
    })
}

fn receivers<'s>(seats: &'s Seats<'_>, donor: usize) -> impl Iterator<Item = usize> + 's {
    let lane = seats.slots[donor].lane;
    (0..seats.slots.len()).filter(move |slot| {
        *slot != donor && seats.slots[*slot].lane == lane && !seats.slots[*slot].units.is_empty()
    })
}

/// Exchanges one unit of a shard for a shorter one of another, so that it ends within a whole minute.
fn give_in_exchange(seats: &mut Seats<'_>, donor: usize) -> bool {
    let problem = seats.problem;
    let lane = &problem.lanes[seats.slots[donor].lane];
    let needed = lane.capacity(over(seats, donor));
    let load = |unit: &UnitIx| problem.units[*unit].load;
    let mut out = seats.slots[donor].units.clone();
    out.sort_by_key(|unit| (Reverse(load(unit)), *unit));
    out.truncate(MOST_GUESTS);
    let minutes = seats.distance().3;
    for slot in receivers(seats, donor).collect::<Vec<_>>() {
        let most = lane.capacity(room(seats, slot));
        if most < needed {
            continue;
        }
        let mut back = seats.slots[slot].units.clone();
        back.sort_by_key(|unit| (load(unit), *unit));
        for unit in &out {
            // The guest is shorter by what is over at least, and by what there is room for at most.
            let (least, most) = (load(unit).saturating_sub(most), load(unit).saturating_sub(needed));
            let from = back.partition_point(|guest| load(guest) < least);
            let fitting = back[from..].iter().take_while(|guest| load(guest) <= most).take(3);
            for guest in fitting.copied().collect::<Vec<_>>() {
                if !seats.may_join(*unit, slot) || !seats.may_join(guest, donor) {
                    continue;
                }
                seats.exchange(*unit, Some(guest), slot);
                if seats.fits() && seats.distance().3 < minutes {
                    return true;
                }
                seats.exchange(guest, Some(*unit), slot);
            }
        }
    }
    false
}
