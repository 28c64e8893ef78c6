//! From inputs and limits to a checked plan.

use std::collections::BTreeSet;

use super::{Fault, Lock, Plan, all_units, check, name_shards, placement};
use crate::config::{Origin, Sourced};
use crate::ids::{Ix, IxVec, Printable, ShardIx, UnitIx};
use crate::model::{Inputs, Limits, Model, ModelError, ServiceSet, build};
use crate::solve::{Bound, BoundReason, Clash, Conflict, Solution, SolvedShard, solve};

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
    for _ in 0..=MAX_SPLITS {
        let model = build(inputs, &splits)?;
        let placed = previous.map(|lock| placement(&model, lock));
        let solved = solve(&model.problem, limits, placed.as_ref());
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

/// Returns the model in which every unit is split that could come to decide how long a plan takes, for looking
/// at many limits at once.
pub fn divided(inputs: Inputs<'_>, limits: &Limits) -> Result<Model, ModelError> {
    let free = Limits { containers: None, minutes: None, target: None, ..limits.clone() };
    let mut splits = BTreeSet::new();
    let mut model = build(inputs, &splits)?;
    for _ in 0..MAX_SPLITS {
        let Ok(solution) = solve(&model.problem, &free, None) else { break };
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
pub fn steps(inputs: Inputs<'_>, model: &Model, plan: &Plan, count: usize) -> Vec<Plan> {
    /// Containers come in sets; a step may need several more of them before anything is gained.
    const REACH: u32 = 12;
    let mut steps: Vec<Plan> = Vec::new();
    let mut end = plan.end;
    let free = Limits { target: None, ..plan.limits.clone() };
    let from = plan.containers.max(plan.limits.containers.as_ref().map_or(0, |limit| limit.value));
    for containers in (from + 1)..=from.saturating_add(REACH) {
        if steps.len() == count || end <= model.problem.floor.at {
            break;
        }
        let limits = Limits { containers: Some(Sourced::new(containers, Origin::Default)), ..free.clone() };
        let Ok(solution) = solve(&model.problem, &limits, None) else { continue };
        if solution.end < end && check(&model.problem, &limits, &solution).is_empty() {
            end = solution.end;
            let names = name_shards(model, &solution, None);
            steps.push(Plan::new(model, &limits, &solution, inputs.estimates.pace_deviation, names, None));
        }
    }
    steps
}

/// Returns what today's jobs take in the model's terms: every lane with the shards and services that the
/// manifest says it has; nothing where a lane says nothing.
#[must_use]
pub fn today(inputs: Inputs<'_>, model: &Model) -> Option<Plan> {
    let mut shards = Vec::new();
    for (lane, lane_model) in model.problem.lanes.iter_enumerated() {
        let config = inputs.config.lanes.iter().find(|config| config.name == lane_model.name)?;
        let today = config.today.as_ref()?;
        let services: ServiceSet = model
            .problem
            .services
            .iter_enumerated()
            .filter(|(_, service)| today.services.contains(&service.name))
            .map(|(ix, _)| ix)
            .collect();
        // How today's shards share the tests is not known; evenly is the kindest guess.
        let count = today.shards.max(1) as usize;
        let mut split: Vec<(crate::time::Millis, Vec<UnitIx>)> = vec![Default::default(); count];
        let mut units: Vec<UnitIx> =
            all_units(model).filter(|unit| model.problem.units[*unit].lane == lane).collect();
        units.sort_by_key(|unit| (std::cmp::Reverse(model.problem.units[*unit].load), *unit));
        for unit in units {
            let least = split.iter_mut().min_by_key(|(load, _)| *load)?;
            least.0 += model.problem.units[unit].load;
            least.1.push(unit);
        }
        shards.extend(split.into_iter().filter(|(_, units)| !units.is_empty()).map(|(_, mut units)| {
            units.sort_unstable();
            SolvedShard { lane, services, units }
        }));
    }
    Some(score(inputs, model, shards, None))
}

/// Returns a plan made by hand as the model sees it, and what is wrong with it. Units that it does not name go
/// nowhere and are named.
#[must_use]
pub fn evaluate(inputs: Inputs<'_>, model: &Model, limits: &Limits, hand_made: &Lock) -> (Plan, Vec<String>) {
    let placed = placement(model, hand_made);
    let mut shards: IxVec<ShardIx, Option<SolvedShard>> = hand_made
        .shards
        .iter()
        .map(|shard| {
            let (lane, _) =
                model.problem.lanes.iter_enumerated().find(|(_, lane)| lane.name == shard.lane)?;
            let started = |name: &crate::ids::ServiceName| shard.services.contains(name);
            let services = model.problem.services.iter_enumerated();
            let services = services.filter(|(_, service)| started(&service.name)).map(|(ix, _)| ix).collect();
            Some(SolvedShard { lane, services, units: Vec::new() })
        })
        .collect();
    for unit in all_units(model) {
        if let Some(at) = placed[unit]
            && let Some(shard) = &mut shards[ShardIx(at)]
        {
            shard.units.push(unit);
        }
    }
    let (names, shards): (Vec<String>, Vec<SolvedShard>) = hand_made
        .shards
        .iter()
        .zip(shards.iter())
        .filter_map(|(locked, shard)| Some((locked.name.clone(), shard.clone()?)))
        .filter(|(_, shard)| !shard.units.is_empty())
        .unzip();
    let plan = score(inputs, model, shards.clone(), Some(names.clone()));
    let solution = Solution {
        shards,
        end: plan.end,
        bound: plan.bound.clone(),
        minutes: plan.minutes,
        containers: plan.containers,
    };
    let name = |shard: ShardIx| &names[shard.position()];
    let faults = check(&model.problem, limits, &solution);
    // How a plan made by hand orders its shards, or what it starts for nothing, is its own affair.
    let sentence = |fault: Fault| match fault {
        Fault::NotOnce { unit, .. } => Some(format!("`{}` runs nowhere", Printable(&unit))),
        Fault::NotCovered { unit, shard, service } => {
            Some(format!("`{}` needs `{service}`, which `{}` does not start", Printable(&unit), name(shard)))
        }
        Fault::LaneServiceMissing { lane, shard, service } => {
            Some(format!("every shard of `{lane}` starts `{service}`, but `{}` does not", name(shard)))
        }
        Fault::Together { .. } | Fault::OverLimit { .. } | Fault::LaneShards { .. } => {
            Some(fault.to_string())
        }
        _ => None,
    };
    let faults = faults.into_iter().filter_map(sentence).collect();
    (plan, faults)
}

/// Returns these shards as a plan, with no bound but the floor.
fn score(inputs: Inputs<'_>, model: &Model, shards: Vec<SolvedShard>, names: Option<Vec<String>>) -> Plan {
    let mut end = model.problem.floor.at;
    let mut minutes = model.problem.other_minutes;
    let mut containers = 0;
    for shard in &shards {
        let times = super::times(model, shard.lane, shard.services, &shard.units);
        end = end.max(times.end());
        minutes += times.wall().billed_minutes();
        containers += model.problem.containers(shard.services);
    }
    let bound = Bound { at: model.problem.floor.at, reason: BoundReason::OtherJobs };
    let solution = Solution { shards, end, bound, minutes, containers };
    let names = names.unwrap_or_else(|| name_shards(model, &solution, None));
    Plan::new(model, &Limits::default(), &solution, inputs.estimates.pace_deviation, names, None)
}
