//! Which limits keep a plan from ending earlier.
//!
//! A plan in which every unit has a shard of its own ends when the longest unit lets it. So where the bound is later than
//! that, and than the other jobs, some of the limits stand in the way. One that does so alone is looked for first: without
//! it the master no longer refuses an earlier end. Where there is none, few of them are that would have to give way together.

use std::borrow::Cow;

use super::effort::Effort;
use super::master::{Goal, Master};
use super::planner::{Candidate, Planner};
use super::question::Verdict;
use super::{BoundReason, Limiting, at_most};
use crate::ids::LaneIx;
use crate::model::{Limits, Problem};
use crate::time::Millis;

/// Which part of the effort that is left goes to one question.
const SHARE: u64 = 4;

impl Planner<'_> {
    /// Returns what would have to give way for an earlier end than the bound, within limits that count minutes in parts.
    /// `plan` is the best one.
    pub(super) fn reason(&self, limits: &Limits, bound: Millis, plan: Option<&Candidate>) -> BoundReason {
        if bound <= self.problem().floor.at {
            return BoundReason::OtherJobs;
        }
        if let (at, Some(unit)) = self.master().unit_bound()
            && bound <= at
        {
            return BoundReason::Unit(unit);
        }
        BoundReason::Limits(self.limiting(limits, bound.saturating_sub(Millis(1)), plan))
    }

    /// Returns the limits that would have to give way for an end.
    fn limiting(&self, limits: &Limits, end: Millis, plan: Option<&Candidate>) -> Vec<Limiting> {
        let in_force = in_force(self.problem(), limits);
        if in_force.len() < 2 {
            return in_force;
        }
        let mut open = None;
        for limit in &in_force {
            match self.asked_without(std::slice::from_ref(limit), limits, end) {
                Verdict::Yes(()) => {
                    // The bound may be better than the master's, which then refuses nothing before it.
                    if limit == &in_force[0] && self.asked_without(&[], limits, end) == Verdict::Yes(()) {
                        return used_up(self.problem(), limits, in_force, plan);
                    }
                    return vec![*limit];
                }
                Verdict::Unknown => open = open.or(Some(*limit)),
                Verdict::No => {}
            }
        }
        if let Some(limit) = open {
            return vec![limit];
        }
        let mut given = in_force.clone();
        for limit in in_force.iter().rev() {
            let fewer: Vec<Limiting> = given.iter().copied().filter(|other| other != limit).collect();
            if self.asked_without(&fewer, limits, end) != Verdict::No {
                given = fewer;
            }
        }
        given
    }

    /// Returns what the master says of an end without some of the limits.
    fn asked_without(&self, given: &[Limiting], limits: &Limits, end: Millis) -> Verdict<()> {
        let mut limits = limits.clone();
        let mut problem = Cow::Borrowed(self.problem());
        for limit in given {
            match limit {
                Limiting::Containers => limits.containers = None,
                Limiting::Slots => problem.to_mut().slots = None,
                Limiting::Minutes => limits.minutes = None,
                Limiting::Shards => limits.shards = None,
                Limiting::LaneShards(lane) => problem.to_mut().lanes[*lane].max_shards = u32::MAX,
            }
        }
        let ask = |master: &Master<'_>, effort: &Effort| master.counts(end, &limits, Goal::Any, effort);
        let verdict = self.effort().share(SHARE, |effort| match &problem {
            Cow::Borrowed(_) => ask(self.master(), effort),
            Cow::Owned(problem) => ask(&Master::new(problem), effort),
        });
        verdict.map(|_| ())
    }
}

/// Returns the limits that there are, those first that are named where several would do.
fn in_force(problem: &Problem, limits: &Limits) -> Vec<Limiting> {
    let of_all = [
        (limits.containers.is_some(), Limiting::Containers),
        (problem.slots.is_some(), Limiting::Slots),
        (limits.minutes.is_some(), Limiting::Minutes),
        (limits.shards.is_some(), Limiting::Shards),
    ];
    let units = |lane: LaneIx| problem.units.iter().filter(|unit| unit.lane == lane).count();
    let of_lanes =
        problem.lanes.iter_enumerated().filter(|(ix, lane)| (lane.max_shards as usize) < units(*ix));
    let of_all = of_all.into_iter().filter_map(|(is_there, limit)| is_there.then_some(limit));
    of_all.chain(of_lanes.map(|(ix, _)| Limiting::LaneShards(ix))).collect()
}

/// Returns those of the limits of which the plan leaves nothing; all of them where there are none.
fn used_up(
    problem: &Problem,
    limits: &Limits,
    all: Vec<Limiting>,
    plan: Option<&Candidate>,
) -> Vec<Limiting> {
    let Some(plan) = plan else { return all };
    let of_lane = |lane: LaneIx| plan.shards.iter().filter(|shard| shard.lane == lane).count();
    let is_used_up = |limit: &&Limiting| match limit {
        Limiting::Containers => plan.containers >= at_most(limits.containers.as_ref(), u32::MAX),
        Limiting::Slots => {
            problem.slots.as_ref().is_some_and(|slots| plan.shards.len() >= slots.value as usize)
        }
        // A shard more is billed a minute at the least.
        Limiting::Minutes => plan.minutes + problem.minute > at_most(limits.minutes.as_ref(), u64::MAX),
        Limiting::Shards => plan.shards.len() >= at_most(limits.shards.as_ref(), u32::MAX) as usize,
        Limiting::LaneShards(lane) => of_lane(*lane) >= problem.lanes[*lane].max_shards as usize,
    };
    let used: Vec<Limiting> = all.iter().filter(is_used_up).copied().collect();
    if used.is_empty() { all } else { used }
}
