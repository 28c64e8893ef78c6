//! Stays on the runners of the plan before: of the ways to choose that are good enough, the one that takes the fewest
//! units to another runner. Good enough is what [`super::replan`] calls so.

use std::cmp::Reverse;
use std::rc::Rc;

use super::effort::Effort;
use super::master::Goal;
use super::planner::{Planner, Start};
use super::question::Verdict;
use super::replan::{in_time, stay};
use super::{Placement, Solution, at_most};
use crate::config::{Origin, Sourced};
use crate::ids::LaneIx;
use crate::model::{Limits, Problem, Runners};
use crate::time::Tolerance;

/// Where everything was in the plan before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// The shard of every unit.
    pub units: Placement,
    /// The runner of every lane; nothing where it has none of those that the lane may take.
    pub runners: Runners,
}

/// Returns the plan that takes the fewest units to another runner of those that end no later than tolerated after this
/// one and cost no more, and of these on the same runners the one that moves the fewest to another shard ([`stay`]). It
/// is within the limits if this one is. The problem's choice of runners is open.
#[must_use]
pub fn stay_on_runners(
    problem: &Problem,
    limits: &Limits,
    best: &Solution,
    before: &Before,
    tolerance: Tolerance,
    effort: &Effort,
) -> Solution {
    let latest = in_time(limits, best, tolerance.after(best.end));
    let limit = |value: u64| Some(Sourced::new(value, Origin::Default));
    let containers = at_most(limits.containers.as_ref(), u32::MAX).min(best.containers);
    let as_good = Limits {
        // What the plan is billed is counted in parts already.
        minutes: limit(best.minutes),
        containers: Some(Sourced::new(containers, Origin::Default)),
        shards: limits.shards.clone(),
        target: None,
    };
    let ways = nearer_ways(problem, best, before);
    let count = ways.len() as u64;
    for (at, runners) in (0..).zip(ways) {
        let settled = problem.on(&runners);
        let found = effort.share(count - at + 1, |effort| {
            let own = Rc::new(Effort::new(effort.left()));
            let planner = Planner::new(&settled, Rc::clone(&own));
            let asked = own.share(4, |effort| planner.master().counts(latest, &as_good, Goal::Any, effort));
            let found =
                if asked == Verdict::No { None } else { planner.soonest_from(&as_good, Start::default()) };
            effort.take(effort.left() - own.left());
            found
        });
        if let Some(found) = found.filter(|found| found.end <= latest) {
            let spare = Tolerance::Span(latest - found.end);
            let (minutes, containers) = (best.minutes, best.containers);
            let good = Solution { minutes, containers, bound: best.bound.clone(), ..found };
            return stay(&settled, limits, &good, &before.units, spare);
        }
    }
    stay(&problem.on(&best.runners), limits, best, &before.units, tolerance)
}

/// Returns the ways to choose runners that are nearer to those before than the best plan's are: those first that leave
/// the most units on theirs.
fn nearer_ways(problem: &Problem, best: &Solution, before: &Before) -> Vec<Runners> {
    let has_changed = |lane: &LaneIx| {
        let (was, is) = (before.runners.get(*lane).copied().flatten(), best.runners[*lane]);
        was.is_some_and(|was| was < problem.lanes[*lane].runners.len()) && was != is
    };
    let changed: Vec<LaneIx> = problem.lanes.indices().filter(has_changed).collect();
    let units = |lane: LaneIx| problem.units.iter().filter(|unit| unit.lane == lane).count();
    let mut ways: Vec<(usize, usize, Runners)> = Vec::new();
    // There are no more ways to choose than [`Problem::MOST_WAYS`], so there are few lanes with a choice.
    for chosen in 1usize..1 << changed.len().min(6) {
        let mut runners = best.runners.clone();
        let mut stay = 0;
        for (_, lane) in changed.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1) {
            runners[*lane] = before.runners[*lane];
            stay += units(*lane);
        }
        ways.push((stay, chosen, runners));
    }
    ways.sort_by_key(|(stay, chosen, _)| (Reverse(*stay), *chosen));
    ways.into_iter().map(|(.., runners)| runners).collect()
}
