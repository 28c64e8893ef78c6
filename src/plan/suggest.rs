//! From inputs and limits to a checked plan.

use std::collections::BTreeSet;

use super::moves::Moves;
use super::{Fault, Lock, Plan, Saving, check, name_shards, placement};
use crate::config::{Origin, Sourced};
use crate::model::{Inputs, LaneModel, Leeway, Limits, Model, ModelError, Problem, Runners, build};
use crate::solve::{
    Before, BoundReason, Clash, Conflict, Effort, Solution, cheapest, further, solve, solve_within,
    stay_on_runners, with_full_minutes,
};
use crate::time::Millis;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The model can not be built.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The limits clash.
    #[error("no plan keeps the limits")]
    Infeasible {
        /// What clashes.
        conflict: Box<Conflict>,
        /// What the conflict speaks of.
        model: Box<Model>,
    },
    /// The solver's answer did not pass the check: a fault of ours.
    #[error("the solver's answer is wrong: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Wrong(Vec<Fault>),
}

/// How many units may be split because they alone decide how long the plan takes.
const MAX_SPLITS: usize = 200;

/// Returns the best plan within the limits, checked, and the model that it speaks of, with the leeway that the manifest
/// gives. `previous` is the lock to stay near to.
pub fn suggest(
    inputs: Inputs<'_>,
    limits: &Limits,
    previous: Option<&Lock>,
) -> Result<(Model, Plan), PlanError> {
    suggest_with(inputs, limits, &Leeway::new(None, None, &inputs.config.budget), previous)
}

/// Returns what [`suggest`] does with a leeway of one's own.
///
/// Where a lane's `unit` is `auto`, a unit that alone decides how long the plan takes is split, as long as that
/// helps.
pub fn suggest_with(
    inputs: Inputs<'_>,
    limits: &Limits,
    leeway: &Leeway,
    previous: Option<&Lock>,
) -> Result<(Model, Plan), PlanError> {
    let mut splits = BTreeSet::new();
    let mut best: Option<(Model, Solution)> = None;
    let effort = Effort::new(Effort::COMMAND);
    for _ in 0..=MAX_SPLITS {
        let model = build(inputs, &splits)?;
        let solved = solve_within(&model.problem, limits, &effort);
        let alone = match &solved {
            Ok(solution) => match solution.bound.reason {
                BoundReason::Unit(unit) => Some(unit),
                _ => None,
            },
            Err(conflict) => conflict.clashes.iter().find_map(|clash| match clash {
                Clash::Unit(unit, _) => Some(*unit),
                _ => None,
            }),
        };
        let split = alone.and_then(|unit| model.units[unit].divisible.clone());
        match solved {
            Ok(solution) => {
                // A split may help only once others have followed: two files may be as long.
                if best.as_ref().is_none_or(|(_, best)| solution.end < best.end) {
                    best = Some((model, solution));
                }
            }
            Err(conflict) if split.is_none() && best.is_none() => {
                return Err(PlanError::Infeasible { conflict, model: Box::new(model) });
            }
            Err(_) => {}
        }
        match split {
            Some(selector) => splits.insert(selector),
            None => break,
        };
    }
    let Some((mut model, best)) = best else {
        // Every split was tried and none helped: the plain model says why.
        let model = build(inputs, &BTreeSet::new())?;
        let solved = solve(&model.problem, limits);
        let Err(conflict) = solved else { unreachable!("the same problem was infeasible before") };
        return Err(PlanError::Infeasible { conflict, model: Box::new(model) });
    };
    let before = previous.map(|lock| Before {
        units: placement(&model, inputs.inventory, lock),
        runners: runners_of(&model, lock),
    });
    model.problem.settle(&best.runners);
    let best = with_sure_minutes(&model, limits, best, inputs.estimates.pace_deviation);
    let settled = Settled::new(&mut model.problem, limits, leeway, best, before.as_ref(), &effort)?;
    let previous = previous.zip(before.as_ref());
    let placed = previous.map(|(lock, before)| (lock, &before.units));
    let names = name_shards(&model, &settled.solution, placed);
    let mut plan = Plan::new(&model, limits, &settled.solution, inputs.estimates.pace_deviation, names);
    plan.fastest = settled.fastest;
    plan.leeway = leeway.clone();
    plan.moves = previous.map(|previous| {
        let best = (settled.best_end, &settled.best_runners);
        Moves::new(&model, limits, &settled.solution, &plan.shards, previous, best)
    });
    plan.saving = settled.saving;
    Ok((model, plan))
}

/// Returns the best plan for a problem of which nothing else is known, checked, with the model that it speaks of.
pub fn suggest_for(mut model: Model, limits: &Limits, leeway: &Leeway) -> Result<(Model, Plan), PlanError> {
    let effort = Effort::new(Effort::COMMAND);
    let best = match solve_within(&model.problem, limits, &effort) {
        Ok(solution) => solution,
        Err(conflict) => return Err(PlanError::Infeasible { conflict, model: Box::new(model) }),
    };
    model.problem.settle(&best.runners);
    let best = with_sure_minutes(&model, limits, best, 0.0);
    let settled = Settled::new(&mut model.problem, limits, leeway, best, None, &effort)?;
    let names = name_shards(&model, &settled.solution, None);
    let mut plan = Plan::new(&model, limits, &settled.solution, 0.0, names);
    plan.fastest = settled.fastest;
    plan.leeway = leeway.clone();
    plan.saving = settled.saving;
    Ok((model, plan))
}

/// Returns the plan with fewer billed minutes, where there is one that ends no later and is as sure to do so.
fn with_sure_minutes(model: &Model, limits: &Limits, best: Solution, pace_deviation: f64) -> Solution {
    let forecast = |solution: &Solution| Plan::forecast_of(model, solution, pace_deviation);
    match with_full_minutes(&model.problem, limits, &best) {
        Some(less) => {
            let (one, other) = (forecast(&less), forecast(&best));
            if one.p50 <= other.p50 && one.p90 <= other.p90 { less } else { best }
        }
        None => best,
    }
}

/// Returns the runner that a lock has each lane on, where the lane may still take it.
fn runners_of(model: &Model, lock: &Lock) -> Runners {
    let of_lane = |lane: &LaneModel| {
        let shard = lock.shards.iter().find(|shard| shard.lane == lane.name)?;
        lane.runners.iter().position(|runner| Some(&runner.name) == shard.runner.as_ref())
    };
    model.problem.lanes.iter().map(of_lane).collect()
}

/// The plan that is chosen near the fastest.
struct Settled {
    solution: Solution,
    /// When the fastest plan ends.
    fastest: Millis,
    /// When the best plan ends, whatever it moves, and its runners.
    best_end: Millis,
    best_runners: Runners,
    saving: Option<Saving>,
}

impl Settled {
    /// Gives up of the end what the leeway allows, first for a lower bill, then for fewer moves; the outcome is checked. A
    /// lower bill and fewer moves may mean other runners: the problem's lanes are put on those of the outcome.
    fn new(
        problem: &mut Problem,
        limits: &Limits,
        leeway: &Leeway,
        best: Solution,
        before: Option<&Before>,
        effort: &Effort,
    ) -> Result<Self, PlanError> {
        let fastest = best.end;
        let mut solution = best;
        let mut saving = None;
        let mut latest = limits.target.clone().filter(|target| solution.end <= target.value);
        if let Some(within) = &leeway.cheapest_within {
            let allowed = latest.map_or(Millis(u64::MAX), |latest| latest.value);
            let allowed = within.value.after(fastest).min(allowed);
            problem.unsettle();
            let found = cheapest(problem, limits, &solution, allowed, effort);
            solution = found.solution;
            problem.settle(&solution.runners);
            let least_minutes = problem.whole_minutes(found.least_minutes);
            saving = Some(Saving { within: within.value, latest: allowed, least_minutes });
            latest = Some(Sourced::new(allowed, within.origin.clone()));
        }
        let (best_end, best_runners) = (solution.end, solution.runners.clone());
        if let Some(before) = before {
            let limits = Limits { target: latest, ..limits.clone() };
            problem.unsettle();
            solution = stay_on_runners(problem, &limits, &solution, before, leeway.tolerance.value, effort);
            problem.settle(&solution.runners);
        }
        let faults = check(problem, limits, &solution);
        if faults.is_empty() {
            Ok(Self { solution, fastest, best_end, best_runners, saving })
        } else {
            Err(PlanError::Wrong(faults))
        }
    }
}

/// Returns the model in which every unit is split that could come to decide how long a plan takes, for looking
/// at many limits at once.
pub fn divided(inputs: Inputs<'_>, limits: &Limits) -> Result<Model, ModelError> {
    let free = Limits { containers: None, minutes: None, target: None, ..limits.clone() };
    let mut splits = BTreeSet::new();
    let mut model = build(inputs, &splits)?;
    let effort = Effort::new(Effort::COMMAND / 10);
    for _ in 0..MAX_SPLITS {
        let Ok(solution) = solve_within(&model.problem, &free, &effort) else { break };
        let BoundReason::Unit(unit) = solution.bound.reason else { break };
        let Some(selector) = model.units[unit].divisible.clone() else { break };
        splits.insert(selector);
        model = build(inputs, &splits)?;
    }
    Ok(model)
}

/// Returns what the next numbers of containers would give: each more than `plan` has, faster than the one
/// before, at most `count`.
#[must_use]
pub fn steps(pace_deviation: f64, model: &Model, plan: &Plan, count: usize) -> Vec<Plan> {
    let limits = Limits { target: None, ..plan.limits.clone() };
    let open;
    let model = if model.problem.lanes.iter().any(|lane| lane.runner.is_some()) {
        let mut copy = model.clone();
        copy.problem.unsettle();
        open = copy;
        &open
    } else {
        model
    };
    // The plan may be of a model with fewer splits: what counts is when it ends and what it starts.
    let from = Solution {
        shards: Vec::new(),
        runners: model.problem.chosen(),
        end: plan.fastest,
        bound: plan.bound.clone(),
        minutes: plan.minutes,
        containers: plan.containers,
    };
    let sound = |solution: &&Solution| {
        let containers = Some(Sourced::new(solution.containers, Origin::Default));
        check(&model.problem, &Limits { containers, ..limits.clone() }, solution).is_empty()
    };
    further(&model.problem, &limits, &from, count)
        .iter()
        .filter(sound)
        .map(|solution| {
            let containers = Some(Sourced::new(solution.containers, Origin::Default));
            let limits = Limits { containers, ..limits.clone() };
            let names = name_shards(model, solution, None);
            if model.problem.chosen() == solution.runners {
                return Plan::new(model, &limits, solution, pace_deviation, names);
            }
            let mut model = model.clone();
            model.problem.settle(&solution.runners);
            Plan::new(&model, &limits, solution, pace_deviation, names)
        })
        .collect()
}
