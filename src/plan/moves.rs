//! What a plan moves away from where the lock has it, and why.

use super::{Lock, LockedShard, PlannedShard};
use crate::ids::{IxVec, LaneName, RunnerName, ServiceName, ShardIx, ShardName, UnitIx};
use crate::model::{LaneModel, Limits, Model, Runners, ServiceSet};
use crate::solve::{Before, Placement, Solution, moved};
use crate::time::Millis;

/// A unit that is on another shard than the lock has it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The unit.
    pub unit: UnitIx,
    /// The shard that the lock has it on.
    pub from: ShardName,
    /// The shard that it is on now.
    pub to: ShardName,
    /// Why.
    pub reason: MoveReason,
}

/// Why a unit moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveReason {
    /// It needs services that its shard did not start.
    Needs(Vec<ServiceName>),
    /// Its shard is no more; a limit that is another than the lock's.
    ShardGone(Option<ChangedLimit>),
    /// It is on a shard that is new; a limit that is another than the lock's.
    NewShard(Option<ChangedLimit>),
    /// A limit is another than the lock's.
    Limit(ChangedLimit),
    /// The tests of this shard, in most cases the one that it left, take so much longer than when the lock was written.
    Grew(ShardName, Millis),
    /// The tests of this shard, in most cases the one that it is on now, take so much less.
    Shrank(ShardName, Millis),
    /// No shard changed much: the shards are balanced better.
    Balance,
}

/// A limit that is another than the lock's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedLimit {
    /// What is limited: `container`, `shard` or `minute`.
    pub what: &'static str,
    /// Then; nothing where there was no limit.
    pub then: Option<u64>,
    /// Now; nothing where there is no limit.
    pub now: Option<u64>,
}

/// What a plan does to the one that the lock pins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// The units that move, those that take longest first.
    pub moves: Vec<Move>,
    /// How many units the lock does not know.
    pub newcomers: usize,
    /// The lanes that go to another runner, by name.
    pub runners: Vec<RunnerChange>,
    /// When the best plan ends, which may move more.
    pub best_end: Millis,
    /// Whether the best plan is on other runners.
    pub best_is_elsewhere: bool,
}

/// A lane that goes to another runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerChange {
    /// The lane.
    pub lane: LaneName,
    /// The runner that the lock has it on.
    pub from: RunnerName,
    /// The runner that it is on now.
    pub to: RunnerName,
}

/// A shard's tests must take this part longer or less to be a reason, in hundredths.
const NOTICEABLE: u64 = 1;

impl Moves {
    /// Returns what the shards of a plan move against a lock. `best_end` is when the best plan ends, on `best_runners`.
    pub(super) fn new(
        model: &Model,
        limits: &Limits,
        solution: &Solution,
        shards: &IxVec<ShardIx, PlannedShard>,
        (lock, before): (&Lock, &Before),
        (best_end, best_runners): (Millis, &Runners),
    ) -> Self {
        let placement = &before.units;
        let shard_of = |unit: UnitIx| {
            shards.iter().find(|shard| shard.units.binary_search(&unit).is_ok()).map(|shard| &shard.name)
        };
        let then = Then { model, limits, lock, placement };
        let mut moves: Vec<Move> = moved(&model.problem, solution, placement)
            .into_iter()
            .filter_map(|unit| {
                let from = &lock.shards[placement[unit]? as usize];
                let to = shard_of(unit)?.clone();
                let reason = then.reason(unit, from, &to, shards);
                Some(Move { unit, from: from.name.clone(), to, reason })
            })
            .collect();
        moves.sort_by_key(|moved| (std::cmp::Reverse(model.problem.units[moved.unit].load), moved.unit));
        let newcomers = placement.iter().filter(|home| home.is_none()).count();
        let changed = |lane: &LaneModel| {
            let from = lock.shards.iter().find(|shard| shard.lane == lane.name)?.runner.clone()?;
            let to = lane.taken()?.name.clone();
            (from != to).then(|| RunnerChange { lane: lane.name.clone(), from, to })
        };
        let runners = model.problem.lanes.iter().filter_map(changed).collect();
        let best_is_elsewhere = *best_runners != solution.runners;
        Self { moves, newcomers, runners, best_end, best_is_elsewhere }
    }
}

/// How long the tests of a locked shard took when the lock was written, and take now.
struct Change {
    shard: ShardName,
    then: Millis,
    now: Millis,
}

impl Change {
    fn by(&self) -> Millis {
        Millis(self.now.0.abs_diff(self.then.0))
    }
}

struct Then<'a> {
    model: &'a Model,
    limits: &'a Limits,
    lock: &'a Lock,
    placement: &'a Placement,
}

impl Then<'_> {
    /// Returns the first that applies: the unit itself has changed, its shard is gone or the other is new, shards grew or
    /// shrank, a limit has changed.
    fn reason(
        &self,
        unit: UnitIx,
        from: &LockedShard,
        to: &ShardName,
        shards: &IxVec<ShardIx, PlannedShard>,
    ) -> MoveReason {
        let problem = &self.model.problem;
        let lacking = |services: ServiceSet| -> Vec<ServiceName> {
            let names = services.iter().map(|service| &problem.services[service].name);
            names.filter(|name| !from.services.contains(name)).cloned().collect()
        };
        let lacking = lacking(problem.needed(unit));
        if !lacking.is_empty() {
            return MoveReason::Needs(lacking);
        }
        let limit = self.changed_limit();
        if shards.iter().all(|shard| shard.name != from.name) {
            return MoveReason::ShardGone(limit);
        }
        if self.lock.shards.iter().all(|shard| shard.name != *to) {
            return MoveReason::NewShard(limit);
        }
        let changes = self.changes(from);
        let most = changes.iter().map(Change::by).max().unwrap_or_default();
        // A chain of moves has one cause, the shard that changed most, if it is not one of these two.
        let enough = |change: &&Change| change.by() >= Millis(most.0.div_ceil(2));
        let own = changes.iter().find(|change| change.shard == from.name && change.now > change.then);
        let other = changes.iter().find(|change| change.shard == *to && change.now < change.then);
        let largest = changes.iter().find(|change| change.by() == most);
        match own.filter(enough).or(other.filter(enough)).or(largest) {
            Some(change) if change.now > change.then => MoveReason::Grew(change.shard.clone(), change.by()),
            Some(change) => MoveReason::Shrank(change.shard.clone(), change.by()),
            None => limit.map_or(MoveReason::Balance, MoveReason::Limit),
        }
    }

    /// Returns the locked shards of a lane whose tests take longer or less than when the lock was written, as far as
    /// that is worth a word.
    fn changes(&self, of_lane: &LockedShard) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for (at, shard) in self.lock.shards.iter().enumerate() {
            let units = self.model.problem.units.iter_enumerated();
            let there = units.filter(|(ix, _)| self.placement[*ix].is_some_and(|home| home as usize == at));
            let change = Change {
                shard: shard.name.clone(),
                then: shard.predicted.load,
                now: there.map(|(_, unit)| unit.load).sum(),
            };
            let least = Millis((change.then.0 * NOTICEABLE / 100).max(1));
            if shard.lane == of_lane.lane && change.then > Millis::ZERO && change.by() >= least {
                changes.push(change);
            }
        }
        changes
    }

    fn changed_limit(&self) -> Option<ChangedLimit> {
        let (then, now) = (&self.lock.limits, self.limits);
        let changed = |what, then: Option<u64>, now: Option<u64>| {
            (then != now).then_some(ChangedLimit { what, then, now })
        };
        let number =
            |limit: &Option<crate::config::Sourced<u32>>| limit.as_ref().map(|limit| u64::from(limit.value));
        let minutes = |limits: &Limits| limits.minutes.as_ref().map(|limit| limit.value);
        changed("container", number(&then.containers), number(&now.containers))
            .or_else(|| changed("shard", number(&then.shards), number(&now.shards)))
            .or_else(|| changed("minute", minutes(then), minutes(now)))
    }
}
