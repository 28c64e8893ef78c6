//! Plans that exist already, as the model sees them: today's jobs, a lock, a plan made by hand.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fault, Lock, LockedShard, Plan, all_units, check, name_shards, placement};
use crate::config::nearest;
use crate::ids::{Ix, IxVec, LaneIx, Printable, ServiceName, ShardIx, ShardName, UnitIx};
use crate::model::{Floor, Inputs, Limits, Model, ModelError, ServiceSet, build};
use crate::solve::{Bound, BoundReason, Solution, SolvedShard, queue};
use crate::workflow::JobGraph;

/// A plan that was made elsewhere, scored.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The model with units as fine as the plan's selectors.
    pub model: Model,
    /// The plan; shards without a test are left out.
    pub plan: Plan,
    /// What is wrong with it, each in a sentence.
    pub faults: Vec<String>,
}

/// How many faults of one kind are named before the rest is counted.
const MOST_NAMED: usize = 5;

/// Returns what today's jobs take in the model's terms: every lane with the shards and services that the
/// manifest says it has; nothing where a lane says nothing.
#[must_use]
pub fn today(inputs: Inputs<'_>, model: &Model) -> Option<Plan> {
    let before;
    let has_choice = model.problem.lanes.iter().any(|lane| !lane.runners.is_empty());
    let model = if has_choice || inputs.config.workflow.jobs.iter().any(|job| job.today.is_some()) {
        before = as_of_today(inputs, model);
        &before
    } else {
        model
    };
    let config_of = |lane: LaneIx| {
        inputs.config.lanes.iter().find(|config| config.name == model.problem.lanes[lane].name)
    };
    // The lane in whose job the tests of a lane run.
    let home = |lane: LaneIx| {
        let inside = config_of(lane)?.today.as_ref()?.inside.as_ref();
        let mut lanes = model.problem.lanes.iter_enumerated();
        inside.map_or(Some(lane), |name| Some(lanes.find(|(_, lane)| lane.name == *name)?.0))
    };
    let mut shards = Vec::new();
    for lane in model.problem.lanes.iter_enumerated().map(|(lane, _)| lane) {
        let today = config_of(lane)?.today.as_ref()?;
        if today.inside.is_some() {
            continue;
        }
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
            all_units(model).filter(|unit| home(model.problem.units[*unit].lane) == Some(lane)).collect();
        units.sort_by_key(|unit| (std::cmp::Reverse(model.problem.units[*unit].load), *unit));
        for unit in units {
            let least = split.iter_mut().min_by_key(|(load, _)| *load)?;
            least.0 += model.problem.units[unit].load;
            least.1.push(unit);
        }
        shards.extend(split.into_iter().filter(|(_, units)| !units.is_empty()).map(|(_, mut units)| {
            units.sort_unstable();
            SolvedShard { lane, services: services.union(setups_of(model, &units)), units }
        }));
    }
    Some(score(inputs, model, shards, None))
}

/// Returns the model with the jobs around the lanes as they are today, and with the lanes on the runners that were measured.
fn as_of_today(inputs: Inputs<'_>, model: &Model) -> Model {
    let mut config = inputs.config.clone();
    for job in &mut config.workflow.jobs {
        job.wall = job.today.unwrap_or(job.wall);
    }
    let jobs = JobGraph::new(&config);
    let mut model = model.clone();
    model.problem.floor = Floor { at: jobs.floor().length, jobs: jobs.floor().jobs };
    model.problem.other_minutes = jobs.other_minutes();
    for lane in &mut model.problem.lanes {
        lane.head = jobs.head(&lane.name).length;
        lane.after = jobs.after(&lane.name).length;
    }
    take_measured_runners(inputs, &mut model);
    model.jobs = jobs;
    model
}

/// Returns a plan made by hand as the model sees it, and what is wrong with it. Units that it does not name go
/// nowhere and are named.
pub fn evaluate(inputs: Inputs<'_>, limits: &Limits, hand_made: &Lock) -> Result<Evaluation, ModelError> {
    let mut faults = strangers(inputs, hand_made);
    let mut model = build(inputs, &splits(hand_made))?;
    take_measured_runners(inputs, &mut model);
    faults.extend(take_runners(&mut model, hand_made));
    let placed = placement(&model, inputs.inventory, hand_made);
    let solved = |locked: &LockedShard| {
        let lane = lane_of(&model, locked)?;
        let started = |name: &ServiceName| locked.services.contains(name);
        let services = model.problem.services.iter_enumerated();
        let services = services.filter(|(_, service)| started(&service.name)).map(|(ix, _)| ix).collect();
        Some(SolvedShard { lane, services, units: Vec::new() })
    };
    let mut shards: IxVec<ShardIx, Option<SolvedShard>> = hand_made.shards.iter().map(solved).collect();
    for unit in all_units(&model) {
        if let Some(at) = placed[unit]
            && let Some(shard) = &mut shards[ShardIx(at)]
        {
            shard.services = shard.services.union(setups_of(&model, &[unit]));
            shard.units.push(unit);
        }
    }
    let (names, shards): (Vec<ShardName>, Vec<SolvedShard>) = hand_made
        .shards
        .iter()
        .zip(shards.iter())
        .filter_map(|(locked, shard)| Some((locked.name.clone(), shard.clone()?)))
        .filter(|(_, shard)| !shard.units.is_empty())
        .unzip();
    faults.extend(torn(inputs, &model, &placed, hand_made)?);
    let plan = score(inputs, &model, shards.clone(), Some(names.clone()));
    let solution = Solution {
        shards,
        runners: model.problem.chosen(),
        end: plan.end,
        bound: plan.bound.clone(),
        minutes: plan.minutes,
        containers: plan.containers,
    };
    let name = |shard: ShardIx| &names[shard.position()];
    // How a plan made by hand orders its shards, or what it starts for nothing, is its own affair.
    let sentence = |fault: Fault| match fault {
        Fault::NotOnce { unit, .. } => Some(format!("`{}` runs nowhere", Printable(&unit))),
        Fault::NotCovered { unit, shard, service } => {
            Some(format!("`{}` needs `{service}`, which `{}` does not start", Printable(&unit), name(shard)))
        }
        Fault::LaneServiceMissing { lane, shard, service } => {
            Some(format!("every shard of `{lane}` starts `{service}`, but `{}` does not", name(shard)))
        }
        Fault::OverMemory { shard, found, limit, .. } => {
            Some(format!("`{}` takes {found} of memory, its runner has {limit}", name(shard)))
        }
        Fault::OutOfSuite { lane, shard, before, unit } => Some(format!(
            "lane `{lane}` keeps the order of its suite, but in `{}` `{}` does not follow `{}`",
            name(shard),
            Printable(&unit),
            Printable(&before)
        )),
        Fault::Together { .. } | Fault::OverLimit { .. } | Fault::LaneShards { .. } => {
            Some(fault.to_string())
        }
        _ => None,
    };
    faults.extend(check(&model.problem, limits, &solution).into_iter().filter_map(sentence));
    Ok(Evaluation { model, plan, faults })
}

/// Puts the lanes on the runners that they were measured on.
fn take_measured_runners(inputs: Inputs<'_>, model: &mut Model) {
    for lane in &mut model.problem.lanes {
        let config = inputs.config.lanes.iter().find(|config| config.name == lane.name);
        let measured = config.and_then(|config| config.measured_on.as_ref());
        lane.runner =
            lane.runners.iter().position(|runner| measured.is_some_and(|on| on.value == runner.name));
    }
}

/// Puts the lanes on the runners that the plan names, and returns what is wrong with these. A lane that it says nothing of
/// stays on the runner that was measured.
fn take_runners(model: &mut Model, hand_made: &Lock) -> Vec<String> {
    let mut faults = Vec::new();
    for lane in &mut model.problem.lanes {
        let shards = || hand_made.shards.iter().filter(|shard| shard.lane == lane.name);
        let Some(first) = shards().find_map(|shard| shard.runner.as_ref()) else { continue };
        lane.runner = lane.runners.iter().position(|runner| runner.name == *first);
        if lane.runner.is_none() {
            faults.push(format!(
                "lane `{}` may not take runner `{first}`: its `runners` do not name it",
                lane.name
            ));
        }
        if let Some(other) = shards().find(|shard| shard.runner.as_ref() != Some(first)) {
            let name = &other.name;
            faults.push(format!("the shards of a lane share a runner, but `{name}` is not on `{first}`"));
        }
    }
    faults
}

/// Returns what the units set up, whatever a plan says of services.
fn setups_of(model: &Model, units: &[UnitIx]) -> ServiceSet {
    let needed = units.iter().fold(ServiceSet::EMPTY, |all, unit| all.union(model.problem.needed(*unit)));
    model.problem.apart_from_setups(needed).1
}

/// Returns the selectors that must be split so that every selector of the plan is at least a unit.
fn splits(hand_made: &Lock) -> BTreeSet<String> {
    let mut splits = BTreeSet::new();
    for selector in hand_made.shards.iter().flat_map(|shard| &shard.units) {
        // Parameters may hold `::`.
        let names = selector.find("::").map_or(selector.as_str(), |from| {
            selector[from..].find('[').map_or(selector.as_str(), |to| &selector[..from + to])
        });
        splits.extend(names.match_indices("::").map(|(at, _)| names[..at].to_owned()));
        if names.len() < selector.len() {
            splits.insert(names.to_owned());
        }
    }
    splits
}

fn lane_of(model: &Model, locked: &LockedShard) -> Option<LaneIx> {
    let mut lanes = model.problem.lanes.iter_enumerated();
    lanes.find(|(_, lane)| lane.name == locked.lane).map(|(ix, _)| ix)
}

/// Returns what the plan names and the project does not know: lanes, services, selectors.
fn strangers(inputs: Inputs<'_>, hand_made: &Lock) -> Vec<String> {
    let near = |name: &str, names: Vec<&str>| {
        nearest(name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
    };
    let mut faults = Vec::new();
    let mut idle: Vec<(&ShardName, &str)> = Vec::new();
    for shard in &hand_made.shards {
        let lanes: Vec<&str> = inputs.config.lanes.iter().map(|lane| lane.name.as_str()).collect();
        if !lanes.contains(&shard.lane.as_str()) {
            let near = near(shard.lane.as_str(), lanes);
            faults.push(format!("`{}` is of lane `{}`, which is not declared{near}", shard.name, shard.lane));
        }
        for service in &shard.services {
            let services: Vec<&str> =
                inputs.config.services.iter().map(|known| known.name.as_str()).collect();
            if !services.contains(&service.as_str()) {
                let near = near(service.as_str(), services);
                faults.push(format!("`{}` starts `{service}`, which is not declared{near}", shard.name));
            }
        }
        idle.extend(shard.units.iter().map(|selector| (&shard.name, selector.as_str())));
    }
    let known: BTreeSet<&str> =
        inputs.inventory.tests.iter().flat_map(|test| beginnings(test.id.as_str(), &test.file)).collect();
    idle.retain(|(_, selector)| !known.contains(selector));
    let named = idle.iter().take(MOST_NAMED);
    faults
        .extend(named.map(|(shard, selector)| format!("`{}` of `{shard}` is no test", Printable(selector))));
    if idle.len() > MOST_NAMED {
        faults.push(format!("{} more selectors are no tests", idle.len() - MOST_NAMED));
    }
    faults
}

/// Returns everything that a selector of a test can be: its file, folders above, classes, itself.
fn beginnings<'t>(id: &'t str, file: &'t str) -> Vec<&'t str> {
    let mut all: Vec<&str> = file.match_indices('/').map(|(at, _)| &file[..at]).collect();
    all.extend([file, id]);
    let from = id.find("::").unwrap_or(id.len());
    let to = id[from..].find('[').map_or(id.len(), |to| from + to);
    all.extend(id[..to].match_indices("::").map(|(at, _)| &id[..at]));
    all.push(&id[..to]);
    all
}

/// Returns the units that the lane moves as a whole and the plan puts on several shards.
fn torn(
    inputs: Inputs<'_>,
    model: &Model,
    placed: &crate::solve::Placement,
    hand_made: &Lock,
) -> Result<Vec<String>, ModelError> {
    let mut shard_of = BTreeMap::new();
    for unit in all_units(model) {
        for test in &model.units[unit].tests {
            shard_of.insert(*test, placed[unit]);
        }
    }
    let whole = build(inputs, &BTreeSet::new())?;
    let mut faults = Vec::new();
    for facts in whole.units.iter().filter(|facts| facts.divisible.is_none()) {
        let homes: BTreeSet<u32> =
            facts.tests.iter().filter_map(|test| shard_of.get(test).copied().flatten()).collect();
        let mut homes = homes.into_iter().map(|home| &hand_made.shards[home as usize].name);
        if let (Some(first), Some(second)) = (homes.next(), homes.next()) {
            let unit = Printable(&facts.selectors[0]).to_string();
            faults.push(format!("`{unit}` is moved as a whole, but `{first}` and `{second}` share it"));
        }
    }
    Ok(faults)
}

/// Returns these shards as a plan, with no bound but the floor.
fn score(inputs: Inputs<'_>, model: &Model, shards: Vec<SolvedShard>, names: Option<Vec<ShardName>>) -> Plan {
    let mut end = model.problem.floor.at;
    let mut minutes = model.problem.billed_others();
    let mut containers = 0;
    let mut walls = Vec::new();
    for shard in &shards {
        let times = super::times(model, shard.lane, shard.services, &shard.units);
        end = end.max(times.end());
        minutes += model.problem.billed(shard.lane, times.wall());
        walls.push((shard.lane, times.wall()));
        containers += model.problem.containers(shard.services);
    }
    if let Some(slots) = &model.problem.slots {
        end = end.max(queue(&model.problem, slots.value, &walls).end);
    }
    let bound = Bound { at: model.problem.floor.at, reason: BoundReason::OtherJobs };
    let runners = model.problem.chosen();
    let solution = Solution { shards, runners, end, bound, minutes, containers };
    let names = names.unwrap_or_else(|| name_shards(model, &solution, None));
    Plan::new(model, &Limits::default(), &solution, inputs.estimates.pace_deviation, names)
}
