//! The master: for an end time, which shard counts could do all the work if work were divisible.
//!
//! It is a relaxation of the problem, so what it refuses no plan can do. Each way in which it is looser than
//! the problem, with the reason why that is allowed, or in which it is tighter, with the reason why no plan is
//! lost:
//!
//! - Load is divisible among the shards that may run it. (Looser: every plan divides it somehow.)
//! - A unit's load may use only configurations on which the unit fits alone in the time given. (Tighter, but no
//!   plan puts a unit where it does not fit. It is asked unit by unit, never of a whole requirement: the
//!   largest unit of a requirement may not fit where the others do.)
//! - Configurations are unions of requirements that occur in the lane. (No plan is lost: a shard that starts
//!   more can drop the rest and only gains time.)
//! - Configurations that do not fit the runner's memory are left out. (No plan is lost: a shard starts just what its
//!   units need and its lane starts everywhere, which is one of these unions, and starts it within the memory.)
//! - Of a shard's time only as much is used as is a multiple of the greatest common divisor of the loads that it may hold.
//!   (Tighter; no sum of such loads is anything else. Times that were estimated from numbers of tests are of this kind.)
//! - Of units larger than 1/(k+1) of every shard that could take them, at most k share one. (Tighter; every
//!   plan keeps it.)
//! - A lane that keeps the suite's order needs as many shards as the best cuts of it do, and such lanes together as many
//!   containers, what the other lanes need at the least aside. (Looser than the rule itself; every plan cuts so.)
//! - Units of an apart-group need as many shards. (Looser than the rule itself.)
//! - Shards of one lane do not compete with those of another but for containers, number and billed time, of
//!   which each lane is given what the others leave at their least. (Looser.)
//! - Where requirements have too many unions to list, the services that matter least are left out of the master, as if
//!   they cost nothing. (Looser: what is left out of a plan ends it no later and takes no memory.)
//! - No shard starts before a runner is done with the jobs that wait for nothing. (Tighter; those are queued first of
//!   all, and other jobs come before shards of those queued together.)
//! - Runners are counted by their time alone: until the latest end of a shard each has so much for shards as is left when
//!   it is done with the jobs that are queued before them, and the other jobs take their part of the whole. (Looser: every plan
//!   that ends in time keeps it, whatever the order in which its jobs find a runner.)
//! - Billed minutes are counted as the time of all shards together, each at the price of its runner, not each rounded up.
//!   (Looser.) Before, they are counted lane by lane and rounded up once for each: as many shards as the lane needs at
//!   the least, each with the least overhead. (Looser: more shards take more time, and parts are rounded up to no less
//!   than their sum is.)
//! - The time on the runners that there are is counted at the price of the dearest, as billed time is. (Looser: no shard's
//!   is dearer.)

use std::borrow::Cow;

use super::contiguous::Suites;
use super::effort::Effort;
use super::lane::LaneView;
use super::question::{Caps, Class, Cover, Question, Resource, UNLIMITED, UNLIMITED_TIME, Verdict};
use super::{at_most, end_of};
use crate::ids::{Ix, IxVec, LaneIx, ServiceIx, UnitIx};
use crate::model::{Limits, Problem, ServiceSet};
use crate::time::Millis;

/// An interval that could not be closed is not looked into further below this part of the end.
const OPEN_PRECISION: u64 = 2_000;

/// Which part of the effort that is left goes to one question.
const SHARE: u64 = 4;

/// How many services are looked at, beside those of the lanes, where all are too many.
const MOST_KEPT: usize = 13;

/// What the master knows of a problem before it is asked.
pub(super) struct Master<'p> {
    /// The problem, or a relaxation of it with fewer services.
    problem: Cow<'p, Problem>,
    lanes: IxVec<LaneIx, LaneView>,
    unit_bound: (Millis, Option<UnitIx>),
    /// The lanes that keep the order of their suite.
    suites: Suites<'p>,
    /// Whether some unit finds no room in its runner's memory, so that there is no plan at all.
    has_misfit: bool,
}

/// How many shards of each configuration: the master's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    /// For every lane, the services of each shard.
    pub(super) shards: IxVec<LaneIx, Vec<ServiceSet>>,
    /// Whether it is proven that none are better for what was asked.
    pub(super) proven: bool,
}

/// What the shard counts should be good for, when there is a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// Whatever is found first.
    Any,
    /// The least time billed.
    Overhead,
    /// The fewest containers.
    Containers,
    /// The fewest shards.
    Shards,
}

impl<'p> Master<'p> {
    pub(super) fn new(problem: &'p Problem) -> Self {
        let views = |problem: &Problem| -> Option<IxVec<LaneIx, LaneView>> {
            problem.lanes.indices().map(|lane| LaneView::new(problem, lane)).collect()
        };
        let mut relaxed = problem.behind_other_jobs().map_or(Cow::Borrowed(problem), Cow::Owned);
        let mut lanes = views(&relaxed);
        let mut kept = MOST_KEPT;
        while lanes.is_none() {
            relaxed = Cow::Owned(with_fewer_services(&relaxed, kept));
            lanes = views(&relaxed);
            kept -= 1;
        }
        let lanes = lanes.unwrap_or_default();
        let mut unit_bound = (Millis::ZERO, None);
        let mut has_misfit = false;
        for (ix, unit) in problem.units.iter_enumerated() {
            has_misfit |= !problem.fits_memory(unit.lane, problem.needed(ix));
            let alone = end_of(problem, unit.lane, problem.needed(ix), unit.load, unit.piece);
            if alone > unit_bound.0 {
                unit_bound = (alone, Some(ix));
            }
        }
        Self { problem: relaxed, lanes, unit_bound, suites: Suites::new(problem), has_misfit }
    }

    /// Returns the earliest end that the longest unit allows, and that unit.
    pub(super) fn unit_bound(&self) -> (Millis, Option<UnitIx>) {
        self.unit_bound
    }

    /// Returns the number of containers below which no plan ends by `end` within the other limits; nothing where no number of them would do.
    pub(super) fn fewest_containers(&self, end: Millis, limits: &Limits, effort: &Effort) -> Option<u32> {
        let free = Limits { containers: None, minutes: None, ..limits.clone() };
        match self.counts(end, &free, Goal::Containers, effort) {
            Verdict::Yes(counts) if counts.proven => Some(counts.containers(&self.problem)),
            // Every lane starts what its units need at least once.
            Verdict::Yes(_) | Verdict::Unknown => Some(self.problem.container_range().0),
            Verdict::No => None,
        }
    }

    /// Returns an end time that every plan within the limits takes at least, at least `from`, and counts for an end
    /// as near to it as could be found; `to` must be one that some plan reaches.
    ///
    /// Bisection. Where a question is not answered, the bound is looked for below it and counts above it, each until
    /// what is left to gain is below `precision`.
    pub(super) fn lower_bound(
        &self,
        limits: &Limits,
        from: Millis,
        to: Millis,
        effort: &Effort,
    ) -> (Millis, Option<Counts>) {
        let mut found = None;
        let (mut low, mut high) = (from.0, to.0.max(from.0));
        // What could not be answered, from the first to behind the last.
        let mut open: Option<(u64, u64)> = None;
        loop {
            let precision = low / OPEN_PRECISION;
            let middle = match open {
                None if low < high => low + (high - low) / 2,
                Some((first, _)) if first > low + precision => low + (first - low) / 2,
                Some((_, behind)) if high > behind + precision => behind + (high - behind) / 2,
                _ => break,
            };
            // The first question has most of the interval to gain, but the last ones are the hard ones.
            let asked = effort.share(SHARE, |effort| self.counts(Millis(middle), limits, Goal::Any, effort));
            match asked {
                Verdict::No => low = middle + 1,
                Verdict::Yes(counts) => {
                    found = Some(counts);
                    high = middle;
                }
                Verdict::Unknown => {
                    open = Some(match open {
                        None => (middle, middle + 1),
                        Some((first, behind)) => (first.min(middle), behind.max(middle + 1)),
                    });
                }
            }
            // What is answered needs no other answer.
            open = open
                .map(|(first, behind)| (first.max(low), behind.min(high)))
                .filter(|(first, behind)| first < behind);
        }
        (Millis(low), found)
    }

    /// Returns shard counts that could end the workflow by `end` within the limits.
    pub(super) fn counts(
        &self,
        end: Millis,
        limits: &Limits,
        goal: Goal,
        effort: &Effort,
    ) -> Verdict<Counts> {
        if self.has_misfit || end < self.problem.floor.at || end < self.unit_bound.0 {
            return Verdict::No;
        }
        let Some(caps) = self.caps(limits).and_then(|caps| self.within_runners(caps, end)) else {
            return Verdict::No;
        };
        let Some(covers) = self.cut_covers(end, caps, effort) else { return Verdict::No };
        let mut question = self.question(end);
        question.covers.extend(covers);
        let bills = limits.minutes.as_ref().is_some_and(|limit| self.least_billed(&question) > limit.value);
        if bills {
            return Verdict::No;
        }
        if !effort.spend(question.columns.len() * (8 + question.classes.len())) {
            return Verdict::Unknown;
        }
        let found = match goal {
            Goal::Any => question.find(caps, effort),
            Goal::Containers => question.least(caps, Resource::Containers, effort),
            Goal::Overhead => question.least(caps, Resource::Overhead, effort),
            Goal::Shards => question.least(caps, Resource::Shards, effort),
        };
        found.map(|found| {
            let mut shards: IxVec<LaneIx, Vec<ServiceSet>> = self.lanes.iter().map(|_| Vec::new()).collect();
            for (column, count) in question.columns.iter().zip(&found.counts) {
                shards[column.lane].extend(std::iter::repeat_n(column.services, *count as usize));
            }
            Counts { shards, proven: found.proven }
        })
    }

    /// Returns what is asked for an end of the workflow.
    pub(super) fn question(&self, end: Millis) -> Question {
        let mut question = Question::default();
        for lane in &self.lanes {
            lane.ask(&self.problem, end, &mut question);
        }
        question.linked()
    }

    /// Returns how many configurations there are.
    pub(super) fn configurations(&self) -> usize {
        self.lanes.iter().map(LaneView::configurations).sum()
    }

    /// Returns the problem that it looks at: the one that was asked about, or a relaxation of it.
    pub(super) fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Returns the work that is to be done by an end of the workflow, without the rest of the question; nothing where
    /// the master looks at a relaxation.
    pub(super) fn work(&self, end: Millis) -> Option<Vec<Class>> {
        if matches!(self.problem, Cow::Owned(_)) {
            return None;
        }
        let mut question = Question::default();
        for lane in &self.lanes {
            lane.ask_work(&self.problem, end, &mut question);
        }
        Some(question.classes)
    }

    /// Returns the lanes that keep the order of their suite.
    pub(super) fn suites(&self) -> &Suites<'p> {
        &self.suites
    }

    /// Returns the parts of minutes that all jobs are billed at the least, whatever shards are chosen.
    fn least_billed(&self, question: &Question) -> u64 {
        let of_lane = |(lane, view): (LaneIx, &LaneView)| {
            let columns = || question.columns.iter().filter(|column| column.lane == lane);
            let overhead = columns().map(|column| column.overhead).min().unwrap_or(0);
            let capacity = columns().map(|column| column.capacity).max().unwrap_or(0);
            let asked = question.covers.iter().filter(|cover| cover.lane == lane).map(|cover| cover.shards);
            let filled = if capacity > 0 { view.work.0.div_ceil(capacity) } else { 0 };
            let shards = u64::from(asked.max().unwrap_or(0)).max(filled);
            let run = view.model(&self.problem).run(view.work, Millis::ZERO);
            // The run was rounded up.
            let time = shards.saturating_mul(overhead).saturating_add(run.saturating_sub(Millis(1)).0);
            self.problem.billed(lane, Millis(time))
        };
        self.lanes.iter_enumerated().map(of_lane).fold(self.problem.billed_others(), u64::saturating_add)
    }

    /// Returns how many shards the lanes need that keep their order; nothing where they can't be cut within the caps.
    fn cut_covers(&self, end: Millis, caps: Caps, effort: &Effort) -> Option<Vec<Cover>> {
        if self.suites.is_empty() {
            return Some(Vec::new());
        }
        // Each other lane has a shard at least, and starts everything that its units need.
        let mut others =
            self.problem.lanes.indices().map(|_| None).collect::<IxVec<LaneIx, Option<ServiceSet>>>();
        for (ix, unit) in self.problem.units.iter_enumerated().filter(|(_, unit)| !self.suites.has(unit.lane))
        {
            others[unit.lane] = Some(others[unit.lane].unwrap_or_default().union(self.problem.needed(ix)));
        }
        let taken: u32 = others.iter().flatten().map(|services| self.problem.containers(*services)).sum();
        let open = u32::try_from(others.iter().flatten().count()).unwrap_or(u32::MAX);
        let containers = caps.containers.checked_sub(taken)?;
        let shards = caps.shards.checked_sub(open)?;
        if self.suites.refuse(end, containers, shards, effort) {
            return None;
        }
        let fewest = self.suites.fewest_shards(end, shards, effort);
        let cover = |(lane, shards): (LaneIx, Option<u32>)| {
            Some(Cover { lane, services: ServiceSet::EMPTY, shards: shards? })
        };
        fewest.into_iter().map(cover).collect()
    }

    /// Returns the caps with what the runners leave for overheads until an end; nothing where they do not even suffice
    /// for the tests.
    fn within_runners(&self, caps: Caps, end: Millis) -> Option<Caps> {
        if self.problem.slots.is_none() {
            return Some(caps);
        }
        let overhead = self.problem.room_on_runners(end)?.checked_sub(self.least_run(|_, run| run))?;
        let at_price = |lane| self.problem.at_price(lane, Millis(overhead)).0;
        let dearest = self.lanes.indices().map(at_price).max().unwrap_or(overhead);
        Some(Caps { overhead: caps.overhead.min(dearest), ..caps })
    }

    /// Returns how long the shards of any plan run tests, all together, at the least, as each lane's time counts.
    fn least_run(&self, counted: impl Fn(LaneIx, Millis) -> Millis) -> u64 {
        // A shard that is never idle works off its load at its speed.
        let run = self.lanes.iter_enumerated().map(|(lane, view)| {
            let run = view.model(&self.problem).run(view.work, Millis::ZERO);
            // It was rounded up.
            counted(lane, run.saturating_sub(Millis(1))).0
        });
        run.fold(0, u64::saturating_add)
    }

    /// Returns the limits (minutes in parts) as the search counts them, or nothing where the other jobs alone break one.
    pub(super) fn caps(&self, limits: &Limits) -> Option<Caps> {
        let overhead = match &limits.minutes {
            None => UNLIMITED_TIME,
            Some(limit) => {
                let parts = limit.value.checked_sub(self.problem.billed_others())?;
                let least = self.least_run(|lane, run| self.problem.at_price(lane, run));
                let allowed = u128::from(parts) * u128::from(Millis::MINUTE.0);
                let allowed = allowed.div_ceil(u128::from(self.problem.minute));
                u64::try_from(allowed).unwrap_or(u64::MAX).checked_sub(least)?
            }
        };
        Some(Caps {
            containers: at_most(limits.containers.as_ref(), UNLIMITED).min(UNLIMITED),
            shards: at_most(limits.shards.as_ref(), UNLIMITED).min(UNLIMITED),
            overhead,
        })
    }
}

impl Counts {
    /// Returns how many containers the shards start.
    pub(super) fn containers(&self, problem: &Problem) -> u32 {
        self.shards.iter().flatten().map(|services| problem.containers(*services)).sum()
    }
}

/// Returns the problem with only those services that matter most, by the work that needs them and the time they take.
fn with_fewer_services(problem: &Problem, kept: usize) -> Problem {
    let mut weights: Vec<(u128, ServiceIx)> =
        problem.services.indices().map(|service| (0, service)).collect();
    for unit in &problem.units {
        for service in unit.requirement.iter() {
            weights[service.position()].0 += u128::from(unit.load.0 + 1);
        }
    }
    for (weight, service) in &mut weights {
        let boot = problem.boot(ServiceSet::from_iter([*service]));
        *weight *= u128::from(boot.0 + 1_000) * u128::from(problem.services[*service].containers + 1);
    }
    weights.sort_by(|a, b| b.cmp(a));
    let kept: ServiceSet = weights.into_iter().take(kept).map(|(_, service)| service).collect();
    let mut relaxed = problem.clone();
    for unit in &mut relaxed.units {
        unit.requirement = unit.requirement.without(unit.requirement.without(kept));
    }
    relaxed
}
