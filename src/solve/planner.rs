//! From a problem to a plan: the bound, the assignments, and what is done about the gap between them.

use std::rc::Rc;

use super::assign::{ApartIndex, LaneAssignment, Order};
use super::conflict::{self, Conflict};
use super::descent;
use super::effort::Effort;
use super::master::{Counts, Goal, Master};
use super::question::{UNLIMITED_TIME, Verdict};
use super::queue::queue;
use super::runners::{Planners, Ways};
use super::{
    Bound, BoundReason, Solution, SolvedShard, at_most, end_of, exact, exchange, minutes, reshape,
    with_containers, worth,
};
use crate::config::{Origin, Sourced};
use crate::ids::{IxVec, LaneIx, UnitIx};
use crate::model::{Limits, Problem, Runners};
use crate::time::Millis;

/// How much longer than the bound, in millionths, the end times are for which further masters are asked when
/// the units do not fit the first.
const LOOSER: [u64; 14] =
    [0, 100, 300, 600, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 60_000, 120_000, 250_000, 500_000];

/// How many units all further steps together may put on shards: with very many units there are few steps, or none.
const PLACED_FOR_STEPS: usize = 100_000;

/// Of problems with many units a plan this near to the bound, as a part of it, is near enough.
const NEAR_ENOUGH: u64 = 100_000;

/// Up to so many configurations the master soon finds the best shard counts by itself.
const EASY_CONFIGURATIONS: usize = 100;

/// A plan farther from the bound than this part of it is worth a search that such problems seldom need.
const FAR_AWAY: u64 = 1_000;

/// A plan this near to the bound, as a part of it, is near enough not to move every unit about.
const FINE_ENOUGH: u64 = 5_000;

/// How many numbers of shards are looked at where shards wait for a runner.
const MOST_FEWER_SHARDS: u32 = 40;

/// How many partial plans of a small problem are looked at to end it earlier.
const CLOSE_THE_GAP: u32 = 400_000;

/// How many are looked at to bill and start less, where it is proven that it can't end earlier.
const SPEND_LESS: u32 = 40_000;

/// Returns the plan that ends the workflow soonest within the limits, with its bound; or why there is none.
///
/// With a target, the plan is the fastest among those with the fewest containers that reach it, and the bound
/// that of so many containers.
///
/// # Errors
///
/// The limits that clash, with the smallest change of each that would help.
pub fn solve(problem: &Problem, limits: &Limits) -> Result<Solution, Box<Conflict>> {
    solve_within(problem, limits, &Effort::new(Effort::COMMAND))
}

/// Returns what [`solve`] does, for at most half of the effort that is left.
///
/// # Errors
///
/// The limits that clash, with the smallest change of each that would help.
pub fn solve_within(problem: &Problem, limits: &Limits, effort: &Effort) -> Result<Solution, Box<Conflict>> {
    let (found, spent) = {
        let ways = Ways::of(problem);
        let planners = Planners::new(&ways, effort.left() / 2);
        let found = match &limits.target {
            None => planners.soonest(limits),
            Some(target) => planners.fewest_containers_for(target.value, limits),
        };
        (found, effort.left() / 2 - planners.effort().left())
    };
    effort.take(spent);
    found.ok_or_else(|| Box::new(conflict::find(problem, limits, effort)))
}

/// The cheapest plan that ends in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cheapest {
    /// The plan. Its bound is still that of the end.
    pub solution: Solution,
    /// No plan within the limits that ends in time bills fewer minutes, in parts of one ([`Problem::minute`]).
    pub least_minutes: u64,
}

/// Returns the plan that bills the fewest minutes of those that end by `latest`, and of these the one with the fewest
/// containers; of these one that ends early. `best` is the fastest plan, and is in time.
#[must_use]
pub fn cheapest(
    problem: &Problem,
    limits: &Limits,
    best: &Solution,
    latest: Millis,
    effort: &Effort,
) -> Cheapest {
    let ways = Ways::of(problem);
    let planners = Planners::new(&ways, effort.left() / 2);
    let found = planners.cheapest(limits, best, latest);
    effort.take(effort.left() / 2 - planners.effort().left());
    found
}

/// Returns the solution with fewer billed minutes on the same shards, ending no later, where there is one. Shards that
/// take work for it end later than they did, so that it may be less sure to end in time. The problem's lanes are on the
/// runners of the solution.
#[must_use]
pub fn with_full_minutes(problem: &Problem, limits: &Limits, solution: &Solution) -> Option<Solution> {
    let planner = Planner::new(problem, Rc::new(Effort::new(0)));
    let plan = planner.candidate(solution.shards.clone());
    let parts = limits.minutes.as_ref().map(|limit| problem.in_parts(limit.value));
    let limits =
        &Limits { minutes: parts.map(|parts| Sourced::new(parts, Origin::Default)), ..limits.clone() };
    let less = planner.with_full_minutes(&plan, limits, solution.end)?;
    Some(less.into_solution(problem, solution.bound.clone()))
}

/// Returns the plans that more containers buy, each with more than `from` and ending earlier than the one before
/// and than `end`, at most `count` of them. All together may take a twentieth of the effort of the plan before.
#[must_use]
pub fn further(problem: &Problem, limits: &Limits, from: &Solution, count: usize) -> Vec<Solution> {
    /// Containers come in sets; a step may need several more of them before anything is gained.
    const REACH: u32 = 12;
    let mut tries = PLACED_FOR_STEPS / problem.units.len().max(1);
    if tries == 0 {
        return Vec::new();
    }
    let ways = Ways::of(problem);
    let planners = Planners::new(&ways, Effort::COMMAND / 40);
    let mut steps: Vec<Solution> = Vec::new();
    let first = from.containers.max(at_most(limits.containers.as_ref(), 0));
    // No step ends earlier than all of them at once, and where that is no earlier there are none.
    let most = with_containers(limits, first.saturating_add(REACH));
    let fastest = if tries > 12 { planners.soonest_for(3, &most, Start::default()) } else { None };
    let at_least = fastest.map_or(Millis::ZERO, |plan| plan.bound.at);
    let (mut end, mut best): (Millis, Option<Solution>) = (from.end, None);
    for containers in first.saturating_add(1)..=first.saturating_add(REACH) {
        if steps.len() == count || end <= at_least || planners.effort().is_spent() || tries == 0 {
            break;
        }
        tries -= 1;
        let limits = with_containers(limits, containers);
        let known = best.as_ref();
        let Some(found) = planners.soonest_for(4, &limits, Start { known, at_least }) else { continue };
        if found.end < end {
            end = found.end;
            steps.push(found.clone());
        }
        best = Some(found);
    }
    steps
}

/// Everything about a problem that does not depend on the limits. Its lanes are on their runners, and the minutes of
/// limits are counted in parts.
pub(super) struct Planner<'p> {
    problem: &'p Problem,
    master: Master<'p>,
    apart: ApartIndex,
    units: IxVec<LaneIx, Vec<UnitIx>>,
    effort: Rc<Effort>,
}

/// What is known of a question before it is asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Start<'s> {
    /// A plan within the limits.
    pub(super) known: Option<&'s Solution>,
    /// No plan within the limits ends earlier.
    pub(super) at_least: Millis,
}

impl<'p> Planner<'p> {
    pub(super) fn new(problem: &'p Problem, effort: Rc<Effort>) -> Self {
        let mut units: IxVec<LaneIx, Vec<UnitIx>> = problem.lanes.iter().map(|_| Vec::new()).collect();
        for (ix, unit) in problem.units.iter_enumerated() {
            units[unit.lane].push(ix);
        }
        Self { problem, master: Master::new(problem), apart: ApartIndex::new(problem), units, effort }
    }

    pub(super) fn problem(&self) -> &'p Problem {
        self.problem
    }

    /// Returns whether its lanes are on these runners.
    pub(super) fn is_on(&self, runners: &Runners) -> bool {
        self.problem.chosen() == *runners
    }

    /// Returns whether the problem can be searched to the end.
    fn is_small(&self) -> bool {
        self.problem.units.len() <= exact::MAX_UNITS
    }

    pub(super) fn effort(&self) -> &Effort {
        &self.effort
    }

    pub(super) fn master(&self) -> &Master<'p> {
        &self.master
    }

    /// Returns whether it is proven that no plan keeps the limits.
    pub(super) fn refuses(&self, limits: &Limits) -> bool {
        let latest = limits.target.as_ref().map_or(Millis(UNLIMITED_TIME), |target| target.value);
        if self.master.counts(latest, limits, Goal::Any, &self.effort) == Verdict::No {
            return true;
        }
        let in_time = (latest + Millis(1), 0, 0, 0);
        self.is_small() && {
            let found = exact::search(self.problem, limits, in_time, Millis::ZERO, CLOSE_THE_GAP);
            found.finished && found.shards.is_none()
        }
    }

    /// Returns any plan within the limits, the target included; nothing where none was found.
    pub(super) fn any(&self, limits: &Limits) -> bool {
        let target = limits.target.as_ref().map(|target| target.value);
        let mut best = None;
        for end in [target.unwrap_or(Millis(UNLIMITED_TIME)), Millis(UNLIMITED_TIME)] {
            for goal in [Goal::Containers, Goal::Overhead] {
                if let Verdict::Yes(counts) = self.master.counts(end, limits, goal, &self.effort) {
                    self.offer(&mut best, limits, &counts, target.unwrap_or_default());
                }
            }
        }
        let in_time = |end: Millis| target.is_none_or(|target| end <= target);
        best.is_some_and(|best| in_time(best.end))
            || (target.is_some() || self.is_small())
                && self.soonest(limits).is_some_and(|solution| in_time(solution.end))
    }

    /// Returns the fastest plan within the limits, the target aside; nothing where none was found.
    pub(super) fn soonest(&self, limits: &Limits) -> Option<Solution> {
        self.soonest_from(limits, Start::default())
    }

    /// Returns the fastest plan within the limits, the target aside, and what is known of it, for a share of the
    /// effort that is left.
    pub(super) fn soonest_for(&self, parts: u64, limits: &Limits, start: Start<'_>) -> Option<Solution> {
        let kept = self.effort.keep_back(parts);
        let found = self.soonest_from(limits, start);
        self.effort.give_back(kept);
        found
    }

    pub(super) fn soonest_from(&self, limits: &Limits, start: Start<'_>) -> Option<Solution> {
        let longest = Millis(UNLIMITED_TIME);
        let mut best: Option<Candidate> = start.known.map(|known| self.candidate(known.shards.clone()));
        if best.is_none() {
            // The first plan has no hurry; its end is where the search for the bound begins.
            for goal in [Goal::Containers, Goal::Overhead] {
                if let Verdict::Yes(counts) = self.master.counts(longest, limits, goal, &self.effort) {
                    self.offer(&mut best, limits, &counts, Millis::ZERO);
                }
            }
        }
        let from = start.at_least.max(self.problem.floor.at).max(self.master.unit_bound().0);
        let easy = self.master.configurations() <= EASY_CONFIGURATIONS;
        if !easy || best.is_none() {
            self.approach(&mut best, limits, from);
        }
        if best.is_none() && self.is_small() {
            let any = (Millis(u64::MAX), u64::MAX, u32::MAX, usize::MAX);
            let found = exact::search(self.problem, limits, any, Millis::ZERO, CLOSE_THE_GAP);
            best = found.shards.map(|shards| self.candidate(shards));
        }
        // What is left after the bound is for plans that come near it.
        let kept = self.effort.left() / 5;
        self.effort.take(kept);
        let (bound, counts) = self.master.lower_bound(limits, from, best.as_ref()?.end, &self.effort);
        self.effort.give_back(kept);
        if let Some(counts) = counts {
            self.offer(&mut best, limits, &counts, bound);
        }
        for looser in LOOSER {
            let end = bound + Millis(bound.0.saturating_mul(looser) / 1_000_000);
            let enough = if self.is_small() { end } else { end.max(bound + Millis(bound.0 / NEAR_ENOUGH)) };
            if self.effort.is_spent() || best.as_ref().is_some_and(|best| best.end <= enough) {
                break;
            }
            for goal in [Goal::Any, Goal::Overhead] {
                if let Verdict::Yes(counts) = self.master.counts(end, limits, goal, &self.effort) {
                    self.offer(&mut best, limits, &counts, bound);
                }
            }
        }
        self.with_fewer_shards(&mut best, limits, bound);
        if easy && best.as_ref().is_some_and(|best| best.end > bound + Millis(bound.0 / FAR_AWAY)) {
            self.approach(&mut best, limits, bound);
        }
        let mut best = best?;
        if self.problem.units.len() <= exchange::MOST_UNITS
            && !self.is_small()
            && self.master.suites().is_empty()
            && best.end > bound + Millis(bound.0 / FINE_ENOUGH)
        {
            let better = self.effort.share(4, |effort| {
                exchange::improve(self.problem, &self.apart, limits, &best, bound, effort)
            });
            best = better.filter(|better| self.keeps_limits(better, limits)).unwrap_or(best);
        }
        let bound = self.bound_by_worth(limits, bound, best.end);
        let mut bound = Bound { at: bound, reason: self.reason(limits, bound, Some(&best)) };
        let end = best.end;
        self.spend_less(&mut best, limits, end);
        if self.is_small() {
            let rank = best.rank();
            let nodes = if rank.0 > bound.at { CLOSE_THE_GAP } else { SPEND_LESS };
            let found = exact::search(self.problem, limits, rank, bound.at, nodes);
            if let Some(shards) = found.shards {
                best = self.candidate(shards);
            }
            if found.finished && best.end > bound.at {
                bound = Bound { at: best.end, reason: BoundReason::Exhausted };
            }
        }
        Some(best.into_solution(self.problem, bound))
    }

    /// Returns what is known without a search of when plans end: no earlier than `at_least`, the other jobs and the
    /// longest unit.
    pub(super) fn plain_bound(&self, limits: &Limits, at_least: Millis) -> Bound {
        self.bound_at(limits, at_least.max(self.problem.floor.at).max(self.master.unit_bound().0))
    }

    /// Returns a bound with what stands in the way of an earlier end.
    pub(super) fn bound_at(&self, limits: &Limits, at: Millis) -> Bound {
        Bound { at, reason: self.reason(limits, at, None) }
    }

    /// Where shards wait for a runner, fewer of them may wait less and end earlier: looks at every number up to two for
    /// each runner, for the shards that would end first if none had to wait. No plan ends before `bound`.
    fn with_fewer_shards(&self, best: &mut Option<Candidate>, limits: &Limits, bound: Millis) {
        let Some(slots) = &self.problem.slots else { return };
        let most = at_most(limits.shards.as_ref(), u32::MAX)
            .min(slots.value.saturating_mul(2))
            .min(u32::try_from(self.problem.units.len()).unwrap_or(u32::MAX))
            .min(MOST_FEWER_SHARDS);
        let unqueued = Problem { slots: None, ..self.problem.clone() };
        let master = Master::new(&unqueued);
        for shards in (1..=most).rev() {
            let Some(end) = best.as_ref().map(|best| best.end).filter(|end| *end > bound) else { return };
            let fewer = Limits { shards: Some(Sourced::new(shards, Origin::Default)), ..limits.clone() };
            let from = self.problem.floor.at.max(master.unit_bound().0);
            let (at, counts) = self.effort.share(12, |effort| master.lower_bound(&fewer, from, end, effort));
            if let Some(counts) = counts {
                self.offer(best, limits, &counts, at);
            }
        }
    }

    /// Looks for better shard counts without a proof; no plan ends before `at_least`.
    fn approach(&self, best: &mut Option<Candidate>, limits: &Limits, at_least: Millis) {
        let Some(caps) = self.master.caps(limits) else { return };
        let found = self.effort.share(10, |effort| descent::counts(self.problem, caps, effort));
        if let Some(counts) = found {
            self.offer(best, limits, &counts, Millis::ZERO);
        }
        self.reshape(best, limits, at_least, 5);
    }

    /// Looks for better shard counts from those of the best plan on, for a part of the effort.
    fn reshape(&self, best: &mut Option<Candidate>, limits: &Limits, at_least: Millis, parts: u64) {
        let (Some(plan), Some(caps)) = (&best, self.master.caps(limits)) else { return };
        let counts = plan.counts(self.problem);
        let better = self.effort.share(parts, |effort| {
            reshape::improve(self.problem, &self.master, caps, &counts, at_least, effort)
        });
        if let Some(counts) = better {
            self.offer(best, limits, &counts, Millis::ZERO);
        }
    }

    /// Returns a bound, `from` or a better one, where units are few and big.
    fn bound_by_worth(&self, limits: &Limits, from: Millis, end: Millis) -> Millis {
        let few = self.problem.units.len() <= worth::MOST_UNITS && !self.is_small();
        match self.master.caps(limits) {
            Some(caps) if few && end > from + Millis(from.0 / FINE_ENOUGH) => self
                .effort
                .share(2, |effort| worth::lower_bound(&self.master, &self.apart, caps, (from, end), effort)),
            _ => from,
        }
    }

    /// Returns the plan that bills the fewest minutes of those that end by `latest`, and of these the one with the fewest
    /// containers, whenever it ends; `best` is in time.
    pub(super) fn cheapest(&self, limits: &Limits, best: &Solution, latest: Millis) -> Cheapest {
        let rank = |plan: &Candidate| (plan.minutes, plan.containers, plan.end, plan.shards.len());
        let limits = &Limits { target: None, ..limits.clone() };
        let mut cheapest = self.candidate(best.shards.clone());
        let mut consider = |mut plan: Candidate| {
            self.spend_less(&mut plan, limits, latest);
            plan = self.with_full_minutes(&plan, limits, latest).unwrap_or(plan);
            if plan.end <= latest && rank(&plan) < rank(&cheapest) {
                cheapest = plan;
            }
        };
        consider(self.candidate(best.shards.clone()));
        // Fewer shards bill less, for everything that each of them pays before its tests.
        let mut limited = limits.clone();
        for shards in (1..best.shards.len()).rev() {
            let shards = u32::try_from(shards).unwrap_or(u32::MAX);
            limited.shards = Some(Sourced::new(shards, Origin::Default));
            match self.soonest_for(6, &limited, Start::default()) {
                Some(plan) if plan.end <= latest => consider(self.candidate(plan.shards)),
                _ => break,
            }
        }
        let mut least_minutes = self.least_minutes(limits, latest, cheapest.minutes);
        if self.is_small() {
            // Whatever ends in time is as good as if it ended then.
            let rank = (latest, cheapest.minutes, cheapest.containers, cheapest.shards.len());
            let found = exact::search(self.problem, limits, rank, latest, CLOSE_THE_GAP);
            if let Some(shards) = found.shards {
                cheapest = self.candidate(shards);
            }
            if found.finished {
                least_minutes = cheapest.minutes;
            }
        }
        Cheapest { solution: cheapest.into_solution(self.problem, best.bound.clone()), least_minutes }
    }

    /// Returns a number of minutes, at most `most`, below which no plan within the limits ends by `latest`.
    pub(super) fn least_minutes(&self, limits: &Limits, latest: Millis, most: u64) -> u64 {
        let (mut least, mut most) = (0, most);
        while least < most {
            let middle = least + (most - least) / 2;
            let limits = Limits { minutes: Some(Sourced::new(middle, Origin::Default)), ..limits.clone() };
            let asked = self.effort.share(8, |effort| self.master.counts(latest, &limits, Goal::Any, effort));
            if asked == Verdict::No { least = middle + 1 } else { most = middle }
        }
        least
    }

    /// Without ending after `latest`, which is no earlier than the plan does, bills fewer minutes; at the same minutes,
    /// starts fewer containers; with as many, has fewer shards.
    fn spend_less(&self, best: &mut Candidate, limits: &Limits, latest: Millis) {
        let rank =
            |plan: &Candidate| (plan.end.max(latest), plan.minutes, plan.containers, plan.shards.len());
        for goal in [Goal::Overhead, Goal::Containers, Goal::Shards] {
            if let Verdict::Yes(counts) = self.master.counts(latest, limits, goal, &self.effort) {
                let mut other = None;
                self.offer(&mut other, limits, &counts, latest);
                if let Some(other) = other.filter(|other| rank(other) < rank(best)) {
                    *best = other;
                }
            }
        }
        let as_good =
            |joined: &Candidate, end: Millis| joined.end <= end && self.keeps_limits(joined, limits);
        while let Some(joined) =
            self.joined(best, latest).filter(|joined| as_good(joined, latest.max(best.end)))
        {
            *best = joined;
        }
    }

    /// Returns the plan with fewer billed minutes on the same shards, where there is one that ends by `latest`.
    fn with_full_minutes(&self, plan: &Candidate, limits: &Limits, latest: Millis) -> Option<Candidate> {
        minutes::bill_less(self.problem, &self.apart, limits, plan, latest)
            .filter(|less| less.end <= latest && self.keeps_limits(less, limits))
    }

    /// Returns the plan with two shards joined into one, where that ends by `latest` and costs no more.
    fn joined(&self, plan: &Candidate, latest: Millis) -> Option<Candidate> {
        let problem = self.problem;
        let loads: Vec<(Millis, Millis)> = plan
            .shards
            .iter()
            .map(|shard| {
                let load = shard.units.iter().map(|unit| problem.units[*unit].load).sum();
                let piece = shard.units.iter().map(|unit| problem.units[*unit].piece).max();
                (load, piece.unwrap_or_default())
            })
            .collect();
        let minutes = |lane, services, (load, piece)| {
            problem.billed(lane, problem.overhead(lane, services) + problem.lanes[lane].run(load, piece))
        };
        for (at, one) in plan.shards.iter().enumerate() {
            for (other_at, other) in plan.shards.iter().enumerate().skip(at + 1) {
                if one.lane != other.lane {
                    continue;
                }
                let services = one.services.union(other.services);
                let both = (loads[at].0 + loads[other_at].0, loads[at].1.max(loads[other_at].1));
                let (billed, started) = (minutes(one.lane, services, both), problem.containers(services));
                let apart_minutes = minutes(one.lane, one.services, loads[at])
                    + minutes(other.lane, other.services, loads[other_at]);
                let apart_started = problem.containers(one.services) + problem.containers(other.services);
                if end_of(problem, one.lane, services, both.0, both.1) > latest
                    || !problem.fits_memory(one.lane, services)
                    || billed > apart_minutes
                    || started > apart_started
                    || self.keeps_apart(&one.units, &other.units)
                    || !self.master.suites().may_join(one, other)
                {
                    continue;
                }
                let mut shards = plan.shards.clone();
                let gone = shards.remove(other_at);
                shards[at].services = services;
                shards[at].units.extend(gone.units);
                return Some(self.candidate(shards));
            }
        }
        None
    }

    /// Returns whether a group keeps a unit of the one apart from a unit of the other; both are sorted.
    fn keeps_apart(&self, one: &[UnitIx], other: &[UnitIx]) -> bool {
        let holds =
            |units: &[UnitIx], group: &[UnitIx]| group.iter().any(|unit| units.binary_search(unit).is_ok());
        self.problem.apart.iter().any(|group| holds(one, &group.units) && holds(other, &group.units))
    }

    /// Assigns the units to these shards, and keeps the plan if it is the best so far and within the limits.
    fn offer(&self, best: &mut Option<Candidate>, limits: &Limits, counts: &Counts, goal: Millis) {
        for order in [Order::MostRestrictedFirst, Order::LongestFirst] {
            let mut shards = Vec::new();
            let mut end = Millis::ZERO;
            for (lane, services) in counts.shards.iter_enumerated() {
                if self.master.suites().has(lane) {
                    continue;
                }
                // A lane need not be faster than the others are.
                let goal = goal.max(end).max(self.problem.floor.at);
                let units = &self.units[lane];
                let assignment =
                    LaneAssignment::build(self.problem, &self.apart, lane, services, units, order, goal);
                self.effort.spend(assignment.effort);
                end = end.max(assignment.end());
                shards.extend(assignment.into_shards().map(|(_, units)| SolvedShard {
                    lane,
                    // What no unit of the shard needs is not started.
                    services: units.iter().fold(self.problem.lanes[lane].services, |all, unit| {
                        all.union(self.problem.needed(*unit))
                    }),
                    units,
                }));
            }
            if !self.cut_suites(&mut shards, limits, goal.max(end)) {
                return;
            }
            let candidate = self.candidate(shards);
            if self.keeps_limits(&candidate, limits)
                && best.as_ref().is_none_or(|best| candidate.rank() < best.rank())
            {
                *best = Some(candidate);
            }
            if best.as_ref().is_some_and(|best| best.end <= goal) {
                return;
            }
        }
    }

    /// Adds the shards of the lanes that keep the order of their suite: the soonest cuts within what the other lanes leave,
    /// no sooner than `goal` asks for. Returns whether there are some.
    fn cut_suites(&self, shards: &mut Vec<SolvedShard>, limits: &Limits, goal: Millis) -> bool {
        let suites = self.master.suites();
        if suites.is_empty() {
            return true;
        }
        let taken: u32 = shards.iter().map(|shard| self.problem.containers(shard.services)).sum();
        let open = u32::try_from(shards.len()).unwrap_or(u32::MAX);
        let containers = at_most(limits.containers.as_ref(), u32::MAX).checked_sub(taken);
        let left = at_most(limits.shards.as_ref(), u32::MAX).checked_sub(open);
        let (Some(containers), Some(left)) = (containers, left) else { return false };
        let cuts = suites.soonest(goal.max(self.problem.floor.at), containers, left, &self.effort);
        shards.extend(cuts.into_iter().flatten());
        shards.iter().map(|shard| shard.units.len()).sum::<usize>() == self.problem.units.len()
    }

    /// Returns whether the plan keeps the limits, the target aside. The master's counts do, but minutes are
    /// rounded up for each shard, and apart units may have asked for more shards.
    fn keeps_limits(&self, candidate: &Candidate, limits: &Limits) -> bool {
        let mut of_lane: IxVec<LaneIx, u32> = self.problem.lanes.iter().map(|_| 0).collect();
        for shard in &candidate.shards {
            of_lane[shard.lane] += 1;
        }
        candidate.minutes <= at_most(limits.minutes.as_ref(), u64::MAX)
            && candidate.containers <= at_most(limits.containers.as_ref(), u32::MAX)
            && of_lane.iter().sum::<u32>() <= at_most(limits.shards.as_ref(), u32::MAX)
            && of_lane.iter().zip(self.problem.lanes.iter()).all(|(shards, lane)| *shards <= lane.max_shards)
            && candidate.shards.iter().all(|shard| self.problem.fits_memory(shard.lane, shard.services))
    }

    fn candidate(&self, shards: Vec<SolvedShard>) -> Candidate {
        Candidate::new(self.problem, shards)
    }
}

/// A plan on its way to a solution.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) shards: Vec<SolvedShard>,
    pub(super) end: Millis,
    pub(super) minutes: u64,
    pub(super) containers: u32,
}

impl Candidate {
    pub(super) fn new(problem: &Problem, mut shards: Vec<SolvedShard>) -> Self {
        for shard in &mut shards {
            shard.units.sort_unstable();
        }
        shards.sort_by(|a, b| (a.lane, a.services, &a.units).cmp(&(b.lane, b.services, &b.units)));
        let mut end = problem.floor.at;
        let mut minutes = problem.billed_others();
        let mut containers = 0;
        let mut walls = Vec::new();
        for shard in &shards {
            let load: Millis = shard.units.iter().map(|unit| problem.units[*unit].load).sum();
            let piece = shard.units.iter().map(|unit| problem.units[*unit].piece).max().unwrap_or_default();
            let lane = &problem.lanes[shard.lane];
            end = end.max(end_of(problem, shard.lane, shard.services, load, piece));
            let wall = problem.overhead(shard.lane, shard.services) + lane.run(load, piece);
            minutes += problem.billed(shard.lane, wall);
            containers += problem.containers(shard.services);
            walls.push((shard.lane, wall));
        }
        if let Some(slots) = &problem.slots {
            end = end.max(queue(problem, slots.value, &walls).end);
        }
        Self { shards, end, minutes, containers }
    }

    /// Returns it as an answer for a problem whose lanes are on their runners.
    pub(super) fn into_solution(self, problem: &Problem, bound: Bound) -> Solution {
        let Self { shards, end, minutes, containers } = self;
        Solution { shards, runners: problem.chosen(), end, bound, minutes, containers }
    }

    /// Returns how many shards of each configuration it has.
    fn counts(&self, problem: &Problem) -> Counts {
        let mut shards: IxVec<LaneIx, Vec<crate::model::ServiceSet>> =
            problem.lanes.iter().map(|_| Vec::new()).collect();
        for shard in &self.shards {
            shards[shard.lane].push(shard.services);
        }
        Counts { shards, proven: false }
    }

    /// Returns what is compared, in order.
    pub(super) fn rank(&self) -> (Millis, u64, u32, usize) {
        (self.end, self.minutes, self.containers, self.shards.len())
    }
}
