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
//! - Of units larger than 1/(k+1) of every shard that could take them, at most k share one. (Tighter; every
//!   plan keeps it.)
//! - Units of an apart-group need as many shards. (Looser than the rule itself.)
//! - Shards of one lane do not compete with those of another but for containers, number and billed time, of
//!   which each lane is given what the others leave at their least. (Looser.)
//! - Billed minutes are counted as the time of all shards together, not each rounded up. (Looser.)

use super::combine::Combination;
use super::lane::LaneView;
use super::search::{Caps, Question, UNLIMITED, UNLIMITED_TIME, Verdict};
use super::{at_most, end_of};
use crate::ids::{IxVec, LaneIx, UnitIx};
use crate::model::{Limits, Problem, ServiceSet};
use crate::time::Millis;

/// What the master knows of a problem before it is asked.
pub(super) struct Master<'p> {
    problem: &'p Problem,
    lanes: IxVec<LaneIx, LaneView>,
    unit_bound: (Millis, Option<UnitIx>),
}

/// How many shards of each configuration: the master's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    /// For every lane, the services of each shard.
    pub(super) shards: IxVec<LaneIx, Vec<ServiceSet>>,
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
}

impl<'p> Master<'p> {
    pub(super) fn new(problem: &'p Problem) -> Self {
        let lanes = problem.lanes.indices().map(|lane| LaneView::new(problem, lane)).collect();
        let mut unit_bound = (Millis::ZERO, None);
        for (ix, unit) in problem.units.iter_enumerated() {
            let alone = end_of(problem, unit.lane, problem.needed(ix), unit.load, unit.piece);
            if alone > unit_bound.0 {
                unit_bound = (alone, Some(ix));
            }
        }
        Self { problem, lanes, unit_bound }
    }

    /// Returns the earliest end that the longest unit allows, and that unit.
    pub(super) fn unit_bound(&self) -> (Millis, Option<UnitIx>) {
        self.unit_bound
    }

    /// Returns the number of containers below which no plan ends by `end` within the other limits (where the
    /// search is cut off, the fewest it found); nothing where no number of them would do.
    pub(super) fn fewest_containers(&self, end: Millis, limits: &Limits) -> Option<u32> {
        let free = Limits { containers: None, minutes: None, ..limits.clone() };
        match self.counts(end, &free, Goal::Containers) {
            Verdict::Yes(counts) => Some(counts.containers(self.problem)),
            // Every lane starts what its units need at least once.
            Verdict::Unknown => Some(self.problem.container_range().0),
            Verdict::No => None,
        }
    }

    /// Returns the smallest end time that can not be refused within the limits, from `from` to `to`; `to` must
    /// be one that some plan reaches.
    pub(super) fn lower_bound(&self, limits: &Limits, from: Millis, to: Millis) -> Millis {
        let (mut low, mut high) = (from.0, to.0.max(from.0));
        while low < high {
            let middle = low + (high - low) / 2;
            match self.counts(Millis(middle), limits, Goal::Any) {
                Verdict::No => low = middle + 1,
                Verdict::Yes(_) | Verdict::Unknown => high = middle,
            }
        }
        Millis(low)
    }

    /// Returns shard counts that could end the workflow by `end` within the limits.
    pub(super) fn counts(&self, end: Millis, limits: &Limits, goal: Goal) -> Verdict<Counts> {
        if end < self.problem.floor.at || end < self.unit_bound.0 {
            return Verdict::No;
        }
        let questions: IxVec<LaneIx, Question> =
            self.lanes.indices().map(|lane| self.question(lane, end)).collect();
        let Some(caps) = self.caps(limits) else { return Verdict::No };
        let most_shards = self.lanes.iter().map(|lane| lane.max_shards).collect();
        let Some(mut combination) = Combination::new(questions, most_shards, caps, goal) else {
            return Verdict::No;
        };
        let found = match goal {
            Goal::Containers => combination.with_fewest_containers(caps),
            Goal::Any | Goal::Overhead => combination.within(caps),
        };
        found.map(|shards| Counts { shards })
    }

    /// Returns what is asked of a lane for an end of the workflow.
    pub(super) fn question(&self, lane: LaneIx, end: Millis) -> Question {
        self.lanes[lane].question(self.problem, end)
    }

    /// Returns the limits as the search counts them, or nothing where the other jobs alone break one.
    fn caps(&self, limits: &Limits) -> Option<Caps> {
        let overhead = match &limits.minutes {
            None => UNLIMITED_TIME,
            Some(limit) => {
                let minutes = limit.value.checked_sub(self.problem.other_minutes)?;
                let run: u64 = self
                    .lanes
                    .iter()
                    .map(|view| {
                        // A shard that is never idle works off its load at its speed.
                        view.model(self.problem).run(view.work, Millis::ZERO).0
                    })
                    .fold(0, u64::saturating_add);
                // Each lane's run was rounded up once.
                let run = run.saturating_sub(self.lanes.len() as u64);
                minutes.saturating_mul(Millis::MINUTE.0).checked_sub(run)?
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
