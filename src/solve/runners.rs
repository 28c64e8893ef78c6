//! Which runner each lane takes: every way to choose is a problem of its own and planned by itself.
//!
//! There are few ways ([`Problem::MOST_WAYS`] at the most), and with its runners a problem is like any other: tests take
//! their time, minutes their price, services have the memory that they have. So everything that is proven of one way is
//! proven by the same search, and what is proven of all of them is the least of it. A runner is left out where another is
//! as fast for no more and has as much memory. The fastest come first. A way is passed over where the master refuses it
//! everything that would be better than the best plan so far: an earlier end, and as early a one for fewer minutes or
//! fewer containers.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::rc::Rc;

use super::effort::Effort;
use super::master::Goal;
use super::planner::{Cheapest, Planner, Start};
use super::question::{UNLIMITED_TIME, Verdict};
use super::{Bound, Solution, at_most, with_containers};
use crate::config::{Origin, Sourced};
use crate::ids::UnitIx;
use crate::model::{LaneModel, Limits, Problem, RunnerModel, Runners};
use crate::time::Millis;

/// Which part of the effort that is left goes to the question whether a way is worth planning.
const SHARE: u64 = 8;

/// Which part of it is kept for a last look at the cheapest plan: when the soonest ends that costs no more.
const LAST_LOOK: u64 = 4;

/// The problem in the ways to choose the runners that are open.
pub(super) struct Ways<'p>(Vec<Cow<'p, Problem>>);

/// A planner for every way. Limits come with whole minutes here, and go to the planners with parts of them.
pub(super) struct Planners<'w> {
    ways: Vec<Planner<'w>>,
    effort: Rc<Effort>,
}

/// What tells runners apart for a question.
#[derive(Clone, Copy)]
struct Matters {
    /// How long tests take on them.
    time: bool,
    /// What they are billed.
    price: bool,
}

impl<'p> Ways<'p> {
    /// Returns every way that may have the best plan.
    pub(super) fn of(problem: &'p Problem) -> Self {
        Self::apart_by(problem, Matters { time: true, price: true })
    }

    /// Returns ways of which one has a plan within the limits, if any way has.
    pub(super) fn that_may_keep(problem: &'p Problem, limits: &Limits) -> Self {
        let price = limits.minutes.is_some();
        Self::apart_by(problem, Matters { time: price || limits.target.is_some(), price })
    }

    fn apart_by(problem: &'p Problem, matters: Matters) -> Self {
        if !problem.is_open() {
            return Self(vec![Cow::Borrowed(problem)]);
        }
        let mut ways: Vec<Runners> = vec![Runners::default()];
        for lane in &problem.lanes {
            let choices = match lane.runner {
                None if !lane.runners.is_empty() => worth_a_thought(problem, lane, matters),
                fixed => vec![fixed],
            };
            let with = |way: &Runners, choice: Option<usize>| way.iter().copied().chain([choice]).collect();
            ways = ways.iter().flat_map(|way| choices.iter().map(|choice| with(way, *choice))).collect();
        }
        Self(ways.iter().map(|way| Cow::Owned(problem.on(way))).collect())
    }
}

/// Returns the runners of a lane that another does not make needless, the fastest first.
fn worth_a_thought(problem: &Problem, lane: &LaneModel, matters: Matters) -> Vec<Option<usize>> {
    let memory = |runner: &RunnerModel| runner.memory.as_ref().map_or(u64::MAX, |limit| limit.value.0);
    // Whatever a plan does on the other, it does on the one, ends no later with it and is billed no more. Where jobs wait
    // for a runner, a shorter one may come to wait in another order and end later: Graham's anomalies.
    let does_as_well = |one: &RunnerModel, other: &RunnerModel| {
        let as_fast = (one.speed, one.pace) == (other.speed, other.pace)
            || problem.slots.is_none() && one.speed >= other.speed && one.pace >= other.pace;
        (as_fast || !matters.time)
            && (one.price <= other.price || !matters.price)
            && memory(one) >= memory(other)
    };
    let mut order: Vec<usize> = (0..lane.runners.len()).collect();
    order.sort_by_key(|at| {
        let runner = &lane.runners[*at];
        (Reverse(runner.speed), Reverse(runner.pace), runner.price, *at)
    });
    let mut kept: Vec<usize> = Vec::new();
    for at in order {
        let runner = &lane.runners[at];
        if !kept.iter().any(|one| does_as_well(&lane.runners[*one], runner)) {
            kept.retain(|one| !does_as_well(runner, &lane.runners[*one]));
            kept.push(at);
        }
    }
    kept.into_iter().map(Some).collect()
}

impl<'w> Planners<'w> {
    pub(super) fn new(ways: &'w Ways<'_>, effort: u64) -> Self {
        let effort = Rc::new(Effort::new(effort));
        let planner = |problem: &'w Cow<'_, Problem>| Planner::new(problem, Rc::clone(&effort));
        let ways = ways.0.iter().map(planner).collect();
        Self { ways, effort }
    }

    pub(super) fn effort(&self) -> &Effort {
        &self.effort
    }

    fn problem(&self) -> &Problem {
        self.ways[0].problem()
    }

    /// Returns the limits as the planners count them.
    fn in_parts(&self, limits: &Limits) -> Limits {
        let parts =
            |limit: &Sourced<u64>| Sourced::new(self.problem().in_parts(limit.value), limit.origin.clone());
        Limits { minutes: limits.minutes.as_ref().map(parts), ..limits.clone() }
    }

    /// Asks each way in turn, for an even share of the effort.
    pub(super) fn each<T>(&self, limits: &Limits, mut ask: impl FnMut(&Planner<'w>, &Limits) -> T) -> Vec<T> {
        let limits = self.in_parts(limits);
        let ways = self.ways.iter().enumerate();
        ways.map(|(at, way)| self.for_a_part(self.ways.len() - at, || ask(way, &limits))).collect()
    }

    fn for_a_part<T>(&self, parts: usize, ask: impl FnOnce() -> T) -> T {
        let kept = self.effort.keep_back(parts as u64);
        let answer = ask();
        self.effort.give_back(kept);
        answer
    }

    /// Returns whether it is proven that no plan keeps the limits.
    pub(super) fn refuses(&self, limits: &Limits) -> bool {
        let limits = self.in_parts(limits);
        self.ways.iter().all(|way| way.refuses(&limits))
    }

    /// Returns any plan within the limits, the target included; nothing where none was found.
    pub(super) fn any(&self, limits: &Limits) -> bool {
        let limits = self.in_parts(limits);
        self.ways.iter().any(|way| way.any(&limits))
    }

    /// Returns the earliest end that the longest unit allows, and that unit.
    pub(super) fn unit_bound(&self) -> (Millis, Option<UnitIx>) {
        self.ways.iter().map(|way| way.master().unit_bound()).min().unwrap_or_default()
    }

    /// Returns the number of containers below which no plan ends by `end` within the other limits; nothing where no
    /// number of them would do.
    fn fewest_containers(&self, end: Millis, limits: &Limits) -> Option<u32> {
        let limits = self.in_parts(limits);
        self.ways.iter().filter_map(|way| way.master().fewest_containers(end, &limits, &self.effort)).min()
    }

    /// Returns the fastest of the plans with the fewest containers that reach the target.
    pub(super) fn fewest_containers_for(&self, target: Millis, limits: &Limits) -> Option<Solution> {
        let fewest = self.fewest_containers(target, limits)?;
        let most = at_most(limits.containers.as_ref(), u32::MAX).min(self.problem().container_range().1);
        (fewest..=most)
            .filter_map(|containers| {
                self.soonest_for(3, &with_containers(limits, containers), Start::default())
            })
            .find(|solution| solution.end <= target)
    }

    /// Returns the fastest plan within the limits, the target aside; nothing where none was found.
    pub(super) fn soonest(&self, limits: &Limits) -> Option<Solution> {
        self.soonest_from(&self.in_parts(limits), Start::default())
    }

    /// Returns the fastest plan within the limits, the target aside, and what is known of it, for a share of the effort
    /// that is left.
    pub(super) fn soonest_for(&self, parts: usize, limits: &Limits, start: Start<'_>) -> Option<Solution> {
        self.for_a_part(parts, || self.soonest_from(&self.in_parts(limits), start))
    }

    fn soonest_from(&self, limits: &Limits, start: Start<'_>) -> Option<Solution> {
        if let [only] = &self.ways[..] {
            return only.soonest_from(limits, start);
        }
        // A plan that is known tells most of the other ways.
        let knows = |way: &Planner<'_>| start.known.is_some_and(|known| way.is_on(&known.runners));
        let mut order: Vec<usize> = (0..self.ways.len()).collect();
        order.sort_by_key(|at| !knows(&self.ways[*at]));
        let mut found: Vec<(usize, Option<Solution>)> = Vec::new();
        let mut best: Option<(usize, Solution)> = None;
        for (done, at) in order.into_iter().enumerate() {
            let way = &self.ways[at];
            let is_beaten = |best: &(usize, Solution)| {
                let earlier = [(best.1.end.saturating_sub(Millis(1)), limits.clone())];
                self.refuses_all(way, earlier.into_iter().chain(cheaper(&best.1, best.1.end, limits)))
            };
            // Where one way has no plan, most others have none either; that is soon seen.
            let is_hopeless = || done > 0 && self.is_over(way, limits, Millis(UNLIMITED_TIME));
            if best.as_ref().map_or_else(is_hopeless, is_beaten) {
                continue;
            }
            let start = Start { known: start.known.filter(|known| way.is_on(&known.runners)), ..start };
            let solution = way.soonest_for((self.ways.len() - done) as u64, limits, start);
            if let Some(solution) = &solution
                && best.as_ref().is_none_or(|best| (rank(solution), at) < (rank(&best.1), best.0))
            {
                best = Some((at, solution.clone()));
            }
            found.push((at, solution));
        }
        let (at, mut best) = best?;
        // What no way can do before its own bound, none can do before the least of them.
        for (of, solution) in found.into_iter().filter(|(of, _)| *of != at) {
            let way = &self.ways[of];
            let bound = match solution {
                Some(solution) => solution.bound,
                None => way.plain_bound(limits, start.at_least),
            };
            if bound.at < best.bound.at && !self.is_over(way, limits, best.bound.at) {
                best.bound = bound;
            }
        }
        Some(best)
    }

    /// Returns whether it is proven that a way has no plan within the limits that ends before `end`.
    fn is_over(&self, way: &Planner<'_>, limits: &Limits, end: Millis) -> bool {
        let earlier = Sourced::new(end.saturating_sub(Millis(1)), Origin::Default);
        self.for_a_part(4, || way.refuses(&Limits { target: Some(earlier), ..limits.clone() }))
    }

    /// Returns whether the master refuses a way all of these: an end with limits.
    fn refuses_all(&self, way: &Planner<'_>, asked: impl Iterator<Item = (Millis, Limits)>) -> bool {
        self.effort.share(SHARE, |effort| {
            let mut asked = asked;
            asked.all(|(end, limits)| way.master().counts(end, &limits, Goal::Any, effort) == Verdict::No)
        })
    }

    /// Returns the plan that bills the fewest minutes of those that end by `latest`, of these the one with the fewest
    /// containers, and of these one that ends early; `best` is in time.
    pub(super) fn cheapest(&self, limits: &Limits, best: &Solution, latest: Millis) -> Cheapest {
        let limits = Limits { target: None, ..self.in_parts(limits) };
        let own = self.ways.iter().position(|way| way.is_on(&best.runners)).unwrap_or_default();
        let rank = |plan: &Solution| (plan.minutes, plan.containers, plan.end, plan.shards.len());
        let kept = self.effort.left() / LAST_LOOK;
        self.effort.take(kept);
        let mut cheapest =
            self.for_a_part(self.ways.len(), || self.ways[own].cheapest(&limits, best, latest));
        let others = self.ways.iter().enumerate().filter(|(at, _)| *at != own);
        for (done, (_, way)) in others.enumerate() {
            let to_beat = &cheapest.solution;
            if self.refuses_all(way, cheaper(to_beat, latest, &limits).into_iter()) {
                continue;
            }
            let parts = 2 * (self.ways.len() - done - 1);
            let soonest = way.soonest_for(parts as u64, &limits, Start::default());
            match soonest {
                Some(soonest) if soonest.end <= latest => {
                    let found = self.for_a_part(parts, || way.cheapest(&limits, &soonest, latest));
                    cheapest.least_minutes = cheapest.least_minutes.min(found.least_minutes);
                    if rank(&found.solution) < rank(to_beat) {
                        cheapest.solution = Solution { bound: best.bound.clone(), ..found.solution };
                    }
                }
                Some(late) if late.bound.at > latest => {}
                _ if self.is_over(way, &limits, latest + Millis(1)) => {}
                _ => {
                    let least =
                        self.for_a_part(parts, || way.least_minutes(&limits, latest, to_beat.minutes));
                    cheapest.least_minutes = cheapest.least_minutes.min(least);
                }
            }
        }
        self.effort.give_back(kept);
        // For what it costs, the end may be earlier still: on the same runners, and on others that cost as much.
        let plan = &cheapest.solution;
        let minutes = Some(Sourced::new(plan.minutes, Origin::Default));
        let afforded = with_containers(&Limits { minutes, ..limits }, plan.containers);
        let start = Start { known: Some(plan), ..Start::default() };
        if let Some(sooner) = self.soonest_from(&afforded, start)
            && rank(&sooner) < rank(plan)
        {
            cheapest.solution = Solution { bound: best.bound.clone(), ..sooner };
        }
        cheapest
    }

    /// Returns when a plan that keeps the limits on everything but the time ends at the earliest, as far as the end of
    /// `plan`: on its own runners by its bound, on others by what the master refuses.
    pub(super) fn bound_beside(&self, plan: &Solution, limits: &Limits) -> Bound {
        let mut bound = plan.bound.clone();
        // What the plan is billed is counted in parts already.
        let minutes = Some(Sourced::new(plan.minutes, Origin::Default));
        let limits = Limits { minutes, target: None, ..limits.clone() };
        for way in self.ways.iter().filter(|way| !way.is_on(&plan.runners)) {
            let from = way.plain_bound(&limits, Millis::ZERO).at;
            if from >= bound.at {
                continue;
            }
            if self.is_over(way, &limits, bound.at) {
                continue;
            }
            let lower = |effort: &Effort| way.master().lower_bound(&limits, from, bound.at, effort).0;
            let at = self.effort.share(SHARE, lower);
            if at < bound.at {
                bound = way.bound_at(&limits, at);
            }
        }
        bound
    }
}

/// Returns what plans are compared by.
fn rank(plan: &Solution) -> (Millis, u64, u32, usize) {
    (plan.end, plan.minutes, plan.containers, plan.shards.len())
}

/// Returns what a plan that ends by `end` and is cheaper than this one keeps: one or the other.
fn cheaper(plan: &Solution, end: Millis, limits: &Limits) -> Vec<(Millis, Limits)> {
    let minutes = |count: u64| {
        let count = at_most(limits.minutes.as_ref(), u64::MAX).min(count);
        Limits { minutes: Some(Sourced::new(count, Origin::Default)), ..limits.clone() }
    };
    let for_less = plan.minutes.checked_sub(1).map(minutes);
    let with_less = plan.containers.checked_sub(1).map(|containers| {
        let containers = at_most(limits.containers.as_ref(), u32::MAX).min(containers);
        with_containers(&minutes(plan.minutes), containers)
    });
    for_less.into_iter().chain(with_less).map(|limits| (end, limits)).collect()
}
