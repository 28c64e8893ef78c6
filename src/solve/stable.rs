//! Stays near the plan before: of plans that are equally good, the one that moves fewest units.

use super::planner::Candidate;
use super::{Placement, Solution, SolvedShard, at_most};
use crate::ids::UnitIx;
use crate::model::{Limits, Problem};

/// How many times every unit is looked at.
const MAX_ROUNDS: usize = 4;

/// Moves units back to the shard they were on, as long as the plan ends no later, bills no more minutes and
/// starts no more containers.
pub(super) fn stay(problem: &Problem, limits: &Limits, solution: &mut Solution, previous: &Placement) {
    let home = homes(solution, previous);
    for _ in 0..MAX_ROUNDS {
        let mut changed = false;
        for unit in problem.units.indices() {
            let Some(old) = previous.get(unit).copied().flatten() else { continue };
            let Some(to) = home.iter().position(|shard| *shard == Some(old)) else { continue };
            let Some(from) = solution.shards.iter().position(|shard| shard.units.contains(&unit)) else {
                continue;
            };
            if from == to || solution.shards[to].lane != solution.shards[from].lane {
                continue;
            }
            if try_move(problem, limits, solution, unit, from, to)
                || try_exchange(problem, limits, solution, previous, unit, from, to, &home)
            {
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

/// Returns, for every shard of the solution, the old shard that it continues: the one most of its units were
/// on, no two continuing the same.
pub(crate) fn homes(solution: &Solution, previous: &Placement) -> Vec<Option<u32>> {
    let mut overlaps: Vec<(usize, u32, usize)> = Vec::new();
    for (at, shard) in solution.shards.iter().enumerate() {
        let mut old: Vec<u32> =
            shard.units.iter().filter_map(|unit| previous.get(*unit).copied().flatten()).collect();
        old.sort_unstable();
        for run in old.chunk_by(|a, b| a == b) {
            overlaps.push((run.len(), run[0], at));
        }
    }
    overlaps.sort_by_key(|(count, old, at)| (std::cmp::Reverse(*count), *old, *at));
    let mut home = vec![None; solution.shards.len()];
    for (_, old, at) in overlaps {
        if home[at].is_none() && !home.contains(&Some(old)) {
            home[at] = Some(old);
        }
    }
    home
}

fn try_move(
    problem: &Problem,
    limits: &Limits,
    solution: &mut Solution,
    unit: UnitIx,
    from: usize,
    to: usize,
) -> bool {
    let mut shards = solution.shards.clone();
    shards[from].units.retain(|other| *other != unit);
    shards[to].units.push(unit);
    accept(problem, limits, solution, shards, &[from, to])
}

/// Brings the unit home in exchange for one that is not at home there.
#[expect(clippy::too_many_arguments, reason = "the two shards and the two plans are one thought")]
fn try_exchange(
    problem: &Problem,
    limits: &Limits,
    solution: &mut Solution,
    previous: &Placement,
    unit: UnitIx,
    from: usize,
    to: usize,
    home: &[Option<u32>],
) -> bool {
    let load = problem.units[unit].load;
    let mut guests: Vec<UnitIx> = solution.shards[to]
        .units
        .iter()
        .copied()
        .filter(|other| previous.get(*other).copied().flatten() != home[to])
        .collect();
    guests.sort_by_key(|other| (problem.units[*other].load.0.abs_diff(load.0), *other));
    guests.into_iter().take(3).any(|other| {
        let mut shards = solution.shards.clone();
        shards[from].units.retain(|u| *u != unit);
        shards[to].units.retain(|u| *u != other);
        shards[from].units.push(other);
        shards[to].units.push(unit);
        accept(problem, limits, solution, shards, &[from, to])
    })
}

/// Takes the changed shards if they are allowed and no worse. The order of the shards stays, so that homes do.
fn accept(
    problem: &Problem,
    limits: &Limits,
    solution: &mut Solution,
    mut shards: Vec<SolvedShard>,
    changed: &[usize],
) -> bool {
    for at in changed {
        let shard = &mut shards[*at];
        if shard.units.is_empty() || breaks_apart(problem, shard) {
            return false;
        }
        shard.units.sort_unstable();
        shard.services = shard
            .units
            .iter()
            .fold(problem.lanes[shard.lane].services, |all, unit| all.union(problem.needed(*unit)));
    }
    let candidate = Candidate::new(problem, shards.clone());
    let no_worse = candidate.end <= solution.end
        && candidate.minutes <= solution.minutes
        && candidate.containers <= solution.containers
        && candidate.containers <= at_most(limits.containers.as_ref(), u32::MAX);
    if no_worse {
        solution.shards = shards;
        solution.end = candidate.end;
        solution.minutes = candidate.minutes;
        solution.containers = candidate.containers;
    }
    no_worse
}

fn breaks_apart(problem: &Problem, shard: &SolvedShard) -> bool {
    problem.apart.iter().any(|group| group.units.iter().filter(|unit| shard.units.contains(unit)).count() > 1)
}

/// Returns how many units are on a shard that does not continue the one they were on.
#[must_use]
pub fn moved(solution: &Solution, previous: &Placement) -> usize {
    let home = homes(solution, previous);
    solution
        .shards
        .iter()
        .zip(&home)
        .map(|(shard, home)| {
            let elsewhere = |unit: &&UnitIx| {
                previous.get(**unit).copied().flatten().is_some_and(|old| Some(old) != *home)
            };
            shard.units.iter().filter(elsewhere).count()
        })
        .sum()
}
