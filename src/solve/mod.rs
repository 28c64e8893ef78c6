//! The solver: lanes and shards that end the workflow soonest within the limits, with a proof of how good.
//!
//! # Problem
//!
//! Given a [`Problem`] and [`Limits`], choose shards (a lane and the services it starts) and put every unit in
//! one shard of its lane that starts what it needs. In order: the workflow ends soonest; the fewest minutes are
//! billed; the fewest containers start; the fewest units move away from where they were.
//!
//! # Method
//!
//! Few distinct requirements, many units: the two are separated.
//!
//! 1. The master ([`master`]) asks, for an end time T, how many shards of each *configuration* (lane and
//!    service set) could do all the work if work were divisible. The smallest T that it can not refuse is a
//!    lower bound on every plan. It is found by bisection between what is obvious and a first plan, which in large
//!    problems descent makes ([`descent`], [`reshape`]); every question is answered by branch and cut ([`search`])
//!    over shard counts, where only proofs in whole numbers refuse.
//! 2. The assignment ([`assign`]) puts the real units on those shards: most restricted first, longest first,
//!    then moves and exchanges between two shards until nothing helps.
//!    Where a lane keeps the order of its suite, the assignment is the best way to cut it ([`contiguous`]), and what no
//!    way does the master refuses.
//! 3. If a gap is left, looser masters are tried; where units are few they change places between all shards
//!    ([`exchange`]), their prices make a better bound ([`worth`]), and the smallest problems are searched to the end
//!    ([`exact`]).
//!    Where lanes may take several runners, each way to choose is planned so ([`runners`]).
//! 4. Where there was a plan before, lanes stay on their runners ([`held`]) and units go back to where they were
//!    ([`replan`]) as far as the best plan's end allows.
//!
//! Nothing here reads a clock or iterates over a hash table: searches are cut off by counting nodes, so the
//! same input gives the same plan on every machine.

mod assign;
mod conflict;
mod contiguous;
mod continuity;
mod cuts;
mod descent;
mod effort;
mod exact;
mod exchange;
mod fewest;
mod flow;
mod frontier;
mod held;
mod lane;
mod limiting;
mod lottery;
mod master;
#[cfg(test)]
mod milp;
mod minutes;
mod packing;
mod planner;
mod pricing;
mod question;
mod queue;
mod replan;
mod reshape;
mod rows;
mod runners;
mod search;
mod seats;
mod simplex;
mod worth;

pub use conflict::{Clash, Conflict, Cure};
pub use continuity::{homes, moved};
pub use effort::Effort;
pub use frontier::{Frontier, FrontierPoint, frontier};
pub use held::{Before, stay_on_runners};
pub use planner::{Cheapest, cheapest, further, solve, solve_within, with_full_minutes};
pub use queue::{Queue, queue};

pub use replan::stay;

use crate::ids::{LaneIx, UnitIx};
use crate::model::{Limits, Problem, Runners, ServiceSet};
use crate::time::Millis;

/// An answer of the solver, with the proof of how good it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    /// The shards, sorted by lane, services and first unit; none is empty.
    pub shards: Vec<SolvedShard>,
    /// The runner that the shards of each lane are on.
    pub runners: Runners,
    /// When the workflow ends.
    pub end: Millis,
    /// No plan within the limits can end it earlier than this.
    pub bound: Bound,
    /// The minutes billed for all jobs, each rounded up and at the price of its runner, in parts of a minute
    /// ([`Problem::minute`]).
    pub minutes: u64,
    /// The containers that all shards start.
    pub containers: u32,
}

/// One shard of a solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SolvedShard {
    /// Its lane.
    pub lane: LaneIx,
    /// The services it starts: what its units need and what its lane starts everywhere.
    pub services: ServiceSet,
    /// Its units in order.
    pub units: Vec<UnitIx>,
}

/// A proven lower bound on the end of the workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// No plan ends earlier.
    pub at: Millis,
    /// What stands in the way of an earlier end.
    pub reason: BoundReason,
}

/// What stands in the way of an earlier end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoundReason {
    /// The other jobs alone take that long.
    OtherJobs,
    /// This unit alone, on the cheapest shard that can run it, takes that long.
    Unit(UnitIx),
    /// The work does not fit these limits: one would have to give way, or of several all.
    Limits(Vec<Limiting>),
    /// Every way to put the units on shards was tried.
    Exhausted,
}

/// A limit that stands in the way of an earlier end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limiting {
    /// That on containers: the work does not fit fewer or other shards.
    Containers,
    /// That on the jobs that run at once.
    Slots,
    /// That on billed minutes.
    Minutes,
    /// That on the shards of all lanes.
    Shards,
    /// That on the shards of one lane.
    LaneShards(LaneIx),
}

impl Solution {
    /// Returns how far the end may be from the best possible, as a share of the bound: 0 is proven optimal.
    #[must_use]
    pub fn gap(&self) -> f64 {
        if self.end <= self.bound.at {
            return 0.0;
        }
        (self.end - self.bound.at).as_f64() / self.bound.at.as_f64().max(1.0)
    }
}

/// Where the units were before, so that a new plan moves few of them.
///
/// One entry per unit: the position of its shard in the old plan, or nothing for a unit that is new.
pub type Placement = crate::ids::IxVec<UnitIx, Option<u32>>;

/// Returns when a shard with this load ends its part of the workflow: its own wall with what comes before and
/// after it.
fn end_of(problem: &Problem, lane: LaneIx, services: ServiceSet, load: Millis, piece: Millis) -> Millis {
    let model = &problem.lanes[lane];
    model.head + problem.overhead(lane, services) + model.run(load, piece) + model.after
}

/// Returns the value of a limit, or no limit at all.
fn at_most<T: Copy>(limit: Option<&crate::config::Sourced<T>>, unlimited: T) -> T {
    limit.map_or(unlimited, |limit| limit.value)
}

/// Returns limits that differ only in the containers.
fn with_containers(limits: &Limits, containers: u32) -> Limits {
    let origin =
        limits.containers.as_ref().map_or(crate::config::Origin::Default, |limit| limit.origin.clone());
    Limits { containers: Some(crate::config::Sourced::new(containers, origin)), ..limits.clone() }
}
