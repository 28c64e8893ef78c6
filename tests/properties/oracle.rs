//! The oracle: every way there is to put a few units on shards, looked at one by one.
//!
//! It is slow and plain on purpose. Nothing is pruned but what the rules of a shard forbid, and nothing is
//! shared with the solver or the checker but the numbers of the problem.

use shardplan::ids::{LaneIx, UnitIx};
use shardplan::model::{Limits, Problem, Runners, ServiceSet, SuiteOrder};
use shardplan::solve::Placement;

use crate::problems::problem;

/// What the best plan comes to; minutes in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Best {
    pub(crate) end: u64,
    pub(crate) minutes: u64,
    pub(crate) containers: u32,
}

/// Returns the best plan within the limits: the earliest end, then the fewest billed minutes, then the fewest
/// containers. With a target, the fewest containers that reach it come first.
pub(crate) fn best(problem: &Problem, limits: &Limits) -> Option<Best> {
    let mut best = None;
    every_plan_on_runners(problem, &mut |shards, runners| {
        let Some(plan) = within(problem, runners, limits, shards) else { return };
        let rank = |plan: &Best| {
            let containers_first = if limits.target.is_some() { plan.containers } else { 0 };
            (containers_first, plan.end, plan.minutes, plan.containers)
        };
        if best.as_ref().is_none_or(|best| rank(&plan) < rank(best)) {
            best = Some(plan);
        }
    });
    best
}

/// Returns the cheapest plan within the limits: the fewest billed minutes, of those the fewest containers, and of those the
/// earliest end.
pub(crate) fn cheapest(problem: &Problem, limits: &Limits) -> Option<Best> {
    let rank = |plan: &Best| (plan.minutes, plan.containers, plan.end);
    let mut best: Option<Best> = None;
    every_plan_on_runners(problem, &mut |shards, runners| {
        if let Some(plan) = within(problem, runners, limits, shards)
            && best.as_ref().is_none_or(|best| rank(&plan) < rank(best))
        {
            best = Some(plan);
        }
    });
    best
}

/// Returns the fewest units that move in any plan within the limits, and the least time of as many, where units were on
/// shards that have these numbers.
pub(crate) fn fewest_moves(problem: &Problem, limits: &Limits, previous: &Placement) -> Option<(usize, u64)> {
    let mut best = None;
    every_plan_on_runners(problem, &mut |shards, runners| {
        if within(problem, runners, limits, shards).is_some() {
            let mut labels: Vec<u32> = previous.iter().copied().flatten().collect();
            labels.sort_unstable();
            labels.dedup();
            let moves = moves(problem, shards, previous, &mut labels);
            if best.is_none_or(|best| moves < best) {
                best = Some(moves);
            }
        }
    });
    best
}

/// Returns the fewest units that go to another runner in any plan within the limits, where lanes were on these.
pub(crate) fn fewest_to_other_runners(problem: &Problem, limits: &Limits, before: &Runners) -> Option<usize> {
    let mut best = None;
    every_plan_on_runners(problem, &mut |shards, runners| {
        if within(problem, runners, limits, shards).is_some() {
            let changed = to_other_runners(problem, runners, before);
            best = Some(best.map_or(changed, |best: usize| best.min(changed)));
        }
    });
    best
}

/// Returns how many units go to another runner.
pub(crate) fn to_other_runners(problem: &Problem, runners: &Runners, before: &Runners) -> usize {
    let has_changed = |lane: LaneIx| {
        before[lane].is_some_and(|was| was < problem.lanes[lane].runners.len() && runners[lane] != Some(was))
    };
    problem.units.iter().filter(|unit| has_changed(unit.lane)).count()
}

/// Returns what moves if shards continue those of the plan before in the best way: every way is tried.
fn moves(problem: &Problem, shards: &[Shard], previous: &Placement, labels: &mut Vec<u32>) -> (usize, u64) {
    let Some((shard, rest)) = shards.split_first() else { return (0, 0) };
    let away = |label: Option<u32>| {
        let gone = shard.units.iter().filter(|unit| previous[**unit].is_some() && previous[**unit] != label);
        gone.fold((0, 0), |(count, load), unit| (count + 1, load + problem.units[*unit].load.0))
    };
    let sum = |one: (usize, u64), other: (usize, u64)| (one.0 + other.0, one.1 + other.1);
    let mut best = sum(away(None), moves(problem, rest, previous, labels));
    for at in 0..labels.len() {
        let label = labels.remove(at);
        best = best.min(sum(away(Some(label)), moves(problem, rest, previous, labels)));
        labels.insert(at, label);
    }
    best
}

/// A shard of a plan that is being made.
struct Shard {
    lane: LaneIx,
    units: Vec<UnitIx>,
}

/// Calls `visit` with every partition of the units, and every choice of runners.
fn every_plan_on_runners(problem: &Problem, visit: &mut impl FnMut(&[Shard], &Runners)) {
    let mut choices: Vec<Vec<Option<usize>>> = vec![Vec::new()];
    for lane in &problem.lanes {
        let before = std::mem::take(&mut choices);
        for choice in before {
            let none = lane.runners.is_empty().then_some(None);
            for runner in none.into_iter().chain((0..lane.runners.len()).map(Some)) {
                choices.push([&choice[..], &[runner]].concat());
            }
        }
    }
    for choice in choices {
        let runners: Runners = choice.into_iter().collect();
        every_plan(problem, 0, &mut Vec::new(), &mut |shards| visit(shards, &runners));
    }
}

/// Calls `visit` with every partition of the units from `next` on that respects lanes and apart-groups.
fn every_plan(problem: &Problem, next: u32, shards: &mut Vec<Shard>, visit: &mut impl FnMut(&[Shard])) {
    let unit = UnitIx(next);
    let Some(model) = problem.units.get(unit) else { return visit(shards) };
    for at in 0..shards.len() {
        let may_join = shards[at].lane == model.lane
            && !problem.apart.iter().any(|group| {
                group.units.contains(&unit)
                    && shards[at].units.iter().any(|other| group.units.contains(other))
            });
        if may_join {
            shards[at].units.push(unit);
            every_plan(problem, next + 1, shards, visit);
            shards[at].units.pop();
        }
    }
    shards.push(Shard { lane: model.lane, units: vec![unit] });
    every_plan(problem, next + 1, shards, visit);
    shards.pop();
}

/// Returns what the plan comes to, where it keeps the limits.
fn within(problem: &Problem, runners: &Runners, limits: &Limits, shards: &[Shard]) -> Option<Best> {
    let mut walls = Vec::new();
    let others = problem.other_minutes * problem.minute;
    let mut plan = Best { end: problem.floor.at.0, minutes: others, containers: 0 };
    for shard in shards {
        let lane = &problem.lanes[shard.lane];
        let measured = (lane.speed, 1000, problem.minute, &lane.runner_memory);
        let (speed, pace, price, runner_memory) = runners[shard.lane].map_or(measured, |at| {
            let runner = &lane.runners[at];
            (runner.speed, runner.pace, runner.price, &runner.memory)
        });
        let services = shard
            .units
            .iter()
            .fold(lane.services, |all: ServiceSet, unit| all.union(problem.units[*unit].requirement));
        let (mut boot, mut ready, mut memory) = (0, 0, lane.memory.0);
        for service in services.iter().map(|service| &problem.services[service]) {
            boot += service.pull.0 + service.attach.0;
            ready = ready.max(service.ready.0);
            plan.containers += service.containers;
            memory += service.memory.0;
        }
        if runner_memory.as_ref().is_some_and(|limit| memory > limit.value.0) {
            return None;
        }
        let load: u64 = shard.units.iter().map(|unit| problem.units[*unit].load.0).sum();
        let piece = shard.units.iter().map(|unit| problem.units[*unit].piece.0).max().unwrap_or(0);
        let run = (piece * 1000).div_ceil(pace).max((load * 1000).div_ceil(speed));
        let wall = lane.base.0 + boot + ready + run + lane.tail.0;
        plan.end = plan.end.max(lane.head.0 + wall + lane.after.0);
        plan.minutes += wall.div_ceil(60_000) * price;
        walls.push((shard.lane, wall, services, shard.units.clone()));
        if lane.order != SuiteOrder::Free && !follows(problem, shard) {
            return None;
        }
    }
    if let Some(slots) = &problem.slots {
        plan.end = plan.end.max(last_end(problem, slots.value as usize, &walls));
    }
    let of_lane = |lane: LaneIx| shards.iter().filter(|shard| shard.lane == lane).count();
    let kept = limits.containers.as_ref().is_none_or(|limit| plan.containers <= limit.value)
        && limits.shards.as_ref().is_none_or(|limit| shards.len() <= limit.value as usize)
        && limits.minutes.as_ref().is_none_or(|limit| plan.minutes <= limit.value * problem.minute)
        && limits.target.as_ref().is_none_or(|limit| plan.end <= limit.value.0)
        && problem.lanes.iter_enumerated().all(|(lane, model)| of_lane(lane) <= model.max_shards as usize);
    kept.then_some(plan)
}

/// Returns whether a shard has every unit of its lane between its first and its last.
fn follows(problem: &Problem, shard: &Shard) -> bool {
    let (first, last) = (shard.units.iter().min(), shard.units.iter().max());
    let between = problem
        .units
        .iter_enumerated()
        .filter(|(ix, unit)| unit.lane == shard.lane && Some(ix) >= first && Some(ix) <= last);
    between.count() == shard.units.len()
}

/// Returns when the last job ends on so many runners, moment by moment: whoever has waited longest is next, other jobs
/// before shards, then the shard with the longest way, then in the order of the plan.
fn last_end(problem: &Problem, runners: usize, shards: &[(LaneIx, u64, ServiceSet, Vec<UnitIx>)]) -> u64 {
    let jobs = problem.others.len();
    let mut order: Vec<usize> = (0..shards.len()).collect();
    order.sort_by_key(|at| {
        let (lane, _, services, units) = &shards[*at];
        let mut units = units.clone();
        units.sort_unstable();
        (*lane, *services, units)
    });
    let mut ends: Vec<Option<u64>> = vec![None; jobs + shards.len()];
    let mut now = 0;
    loop {
        let done = |ends: &[Option<u64>], job: usize| ends[job].is_some_and(|end| end <= now);
        // When the last job before this one ended, where all have.
        let ready = |ends: &[Option<u64>], job: usize| -> Option<u64> {
            let before: Vec<usize> = if job < jobs {
                let of_lanes =
                    (0..shards.len()).filter(|at| problem.others[job].lanes.contains(&shards[*at].0));
                problem.others[job].needs.iter().copied().chain(of_lanes.map(|at| jobs + at)).collect()
            } else {
                problem.lanes[shards[job - jobs].0].needs.clone()
            };
            let all = before.iter().all(|job| done(ends, *job));
            all.then(|| before.iter().filter_map(|job| ends[*job]).max().unwrap_or(0))
        };
        let busy = ends.iter().flatten().filter(|end| **end > now).count();
        let waiting = (0..ends.len())
            .filter(|job| ends[*job].is_none())
            .filter_map(|job| Some((ready(&ends, job)?, job)));
        let next = waiting.min_by_key(|(ready, job)| {
            let way = |at: usize| shards[at].1 + problem.lanes[shards[at].0].after.0;
            match job.checked_sub(jobs) {
                None => (*ready, 0, std::cmp::Reverse(0), *job),
                Some(at) => (
                    *ready,
                    1,
                    std::cmp::Reverse(way(at)),
                    order.iter().position(|other| *other == at).unwrap(),
                ),
            }
        });
        match next {
            Some((_, job)) if busy < runners => {
                let wall = if job < jobs { problem.others[job].wall.0 } else { shards[job - jobs].1 };
                ends[job] = Some(now + wall);
            }
            _ => match ends.iter().flatten().filter(|end| **end > now).min() {
                Some(end) => now = *end,
                None => break,
            },
        }
    }
    ends.into_iter().map(|end| end.expect("every job has had its turn")).max().unwrap_or(0)
}

#[test]
fn it_sees_every_partition() {
    let bell = [1, 1, 2, 5, 15, 52, 203, 877, 4140];
    for (units, partitions) in bell.into_iter().enumerate() {
        let units: Vec<String> = (0..units).map(|at| format!("unit u{at} 1s;")).collect();
        let units = units.concat();
        let (problem, _) = problem(&format!("lane l; {units}")).build();
        let mut seen = 0;
        every_plan(&problem, 0, &mut Vec::new(), &mut |_| seen += 1);
        assert_eq!(seen, partitions);
    }
}

#[test]
fn it_finds_what_is_found_by_hand() {
    // Apart: 45 + 13 + 30 and 45 + 20 seconds, two minutes each. Together they would take 108.
    let text = "lane heavy base 45s; service pg 5s+6s+2s; unit a 30s needs pg; unit b 20s";
    let (problem, limits) = problem(text).build();
    assert_eq!(best(&problem, &limits), Some(Best { end: 88_000, minutes: 4, containers: 1 }));
}
