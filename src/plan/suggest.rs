//! From inputs and limits to a checked plan.

use std::collections::BTreeSet;

use super::{Fault, Lock, Plan, check, name_shards, placement};
use crate::config::{Origin, Sourced};
use crate::model::{Inputs, Limits, Model, ModelError, build};
use crate::solve::{BoundReason, Clash, Conflict, Effort, Solution, further, solve, solve_within};

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

/// Returns the best plan within the limits, checked, and the model that it speaks of.
///
/// Where a lane's `unit` is `auto`, a unit that alone decides how long the plan takes is split, as long as that
/// helps. `previous` is the lock to stay near to.
pub fn suggest(
    inputs: Inputs<'_>,
    limits: &Limits,
    previous: Option<&Lock>,
) -> Result<(Model, Plan), PlanError> {
    let mut splits = BTreeSet::new();
    let mut best: Option<(Model, Solution)> = None;
    let effort = Effort::new(Effort::COMMAND);
    for _ in 0..=MAX_SPLITS {
        let model = build(inputs, &splits)?;
        let placed = previous.map(|lock| placement(&model, lock));
        let solved = solve_within(&model.problem, limits, placed.as_ref(), &effort);
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
    let Some((model, solution)) = best else {
        // Every split was tried and none helped: the plain model says why.
        let model = build(inputs, &BTreeSet::new())?;
        let solved = solve(&model.problem, limits, None);
        let Err(conflict) = solved else { unreachable!("the same problem was infeasible before") };
        return Err(PlanError::Infeasible { conflict, model: Box::new(model) });
    };
    let faults = check(&model.problem, limits, &solution);
    if !faults.is_empty() {
        return Err(PlanError::Wrong(faults));
    }
    let placed = previous.map(|lock| placement(&model, lock));
    let names = name_shards(&model, &solution, previous.zip(placed.as_ref()));
    let plan = Plan::new(&model, limits, &solution, inputs.estimates.pace_deviation, names, placed.as_ref());
    Ok((model, plan))
}

/// Returns the best plan for a problem of which nothing else is known, checked, with the model that it speaks of.
pub fn suggest_for(model: Model, limits: &Limits) -> Result<(Model, Plan), PlanError> {
    let solution = match solve(&model.problem, limits, None) {
        Ok(solution) => solution,
        Err(conflict) => return Err(PlanError::Infeasible { conflict, model: Box::new(model) }),
    };
    let faults = check(&model.problem, limits, &solution);
    if !faults.is_empty() {
        return Err(PlanError::Wrong(faults));
    }
    let names = name_shards(&model, &solution, None);
    let plan = Plan::new(&model, limits, &solution, 0.0, names, None);
    Ok((model, plan))
}

/// Returns the model in which every unit is split that could come to decide how long a plan takes, for looking
/// at many limits at once.
pub fn divided(inputs: Inputs<'_>, limits: &Limits) -> Result<Model, ModelError> {
    let free = Limits { containers: None, minutes: None, target: None, ..limits.clone() };
    let mut splits = BTreeSet::new();
    let mut model = build(inputs, &splits)?;
    let effort = Effort::new(Effort::COMMAND / 10);
    for _ in 0..MAX_SPLITS {
        let Ok(solution) = solve_within(&model.problem, &free, None, &effort) else { break };
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
    // The plan may be of a model with fewer splits: what counts is when it ends and what it starts.
    let from = Solution {
        shards: Vec::new(),
        end: plan.end,
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
            Plan::new(model, &limits, solution, pace_deviation, names, None)
        })
        .collect()
}
