//! Why there is no plan, and what would help.
//!
//! The limits are taken away one by one, as long as what is left still clashes (a deletion filter); what remains
//! is a set of which no part clashes alone. For each of these the smallest change that makes a plan possible is
//! looked for, and tried.

use super::effort::Effort;
use super::runners::{Planners, Ways};
use crate::config::{Memory, Origin, Sourced};
use crate::ids::{Ix, LaneIx, ServiceIx, UnitIx};
use crate::model::{Limits, Problem, ServiceKind, SuiteOrder};
use crate::time::Millis;

/// The few constraints that can not hold together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The constraints, each with where it comes from. No part of them clashes without the others.
    pub clashes: Vec<Clash>,
    /// The constraints that still clash once those are given up as far as they clash alone.
    pub further: Vec<Clash>,
    /// Single changes that make a plan possible, the smallest first; or the changes that do so only together.
    pub cures: Vec<Cure>,
    /// Whether the changes help only together: then more than one set of constraints clashes.
    pub jointly: bool,
    /// Whether it is proven that there is no plan. If not, the search only found none.
    pub proven: bool,
}

/// A constraint that takes part in a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clash {
    /// At most so many containers.
    Containers(Sourced<u32>),
    /// At most so many shards over all lanes.
    Shards(Sourced<u32>),
    /// At most so many shards in one lane.
    LaneShards(LaneIx, Sourced<u32>),
    /// A shard of a lane takes at most so much memory.
    Memory(LaneIx, Sourced<Memory>),
    /// A unit takes that much memory with the services that it needs and the lane's tests.
    UnitMemory(UnitIx, Memory),
    /// At most so many billed minutes.
    Minutes(Sourced<u64>),
    /// The units of a lane stay in the suite's order, with where that is said.
    Order(LaneIx, Origin),
    /// At most so many jobs of the workflow run at once.
    Slots(Sourced<u32>),
    /// The workflow ends by then.
    Target(Sourced<Millis>),
    /// The other jobs take that long by themselves.
    OtherJobs(Millis),
    /// A unit takes that long on the cheapest shard that can run it.
    Unit(UnitIx, Millis),
    /// The other jobs bill that many minutes by themselves.
    OtherMinutes(u64),
    /// So many units of an apart-group need a shard each.
    Apart {
        /// The group's position in the problem.
        group: usize,
        /// How many units it keeps apart.
        units: usize,
    },
    /// Units of a lane need a service.
    Needs {
        /// The lane.
        lane: LaneIx,
        /// The service.
        service: ServiceIx,
        /// How many units of the lane need it; all where the lane starts it everywhere.
        units: usize,
        /// The first of them.
        example: UnitIx,
    },
}

/// A single change that makes a plan possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cure {
    /// Allow so many containers.
    Containers(u32),
    /// Allow so many shards.
    Shards(u32),
    /// Allow a lane so many shards.
    LaneShards(LaneIx, u32),
    /// Give the runner of a lane so much memory.
    Memory(LaneIx, Memory),
    /// Allow so many billed minutes.
    Minutes(u64),
    /// Let so many jobs run at once.
    Slots(u32),
    /// Allow that much time.
    Target(Millis),
    /// Do without a service, which so many units need.
    Drop {
        /// The service.
        service: ServiceIx,
        /// How many units need it.
        units: usize,
    },
}

/// The limits that can be taken away, those first that a user gives up most easily.
const FILTER_ORDER: [Limit; 4] = [Limit::Minutes, Limit::Shards, Limit::Target, Limit::Containers];

/// Which part of the effort that is left goes to one question.
const SHARE: u64 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Containers,
    Shards,
    Minutes,
    Target,
}

/// Returns why there is no plan within the limits. Where the effort does not suffice for a question, what it asks about
/// is held to take part in the conflict and not to help against it.
pub(super) fn find(problem: &Problem, limits: &Limits, effort: &Effort) -> Conflict {
    let (mut conflict, mut core) = find_one(problem, limits, effort);
    let mut changes = Vec::new();
    let mut relaxed = limits.clone();
    let mut relaxed_problem = problem.clone();
    // Where no single change helps, another set of constraints clashes beside the first: it is relaxed as far as
    // it clashes alone, and what still clashes then is looked for.
    for _ in FILTER_ORDER {
        if !conflict.cures.is_empty() {
            break;
        }
        let Some(change) = cures(&relaxed_problem, &core.limits, &core, effort)
            .into_iter()
            .find(|cure| cure.relax(&mut relaxed, &mut relaxed_problem))
        else {
            break;
        };
        changes.push(change);
        let (next, next_core) = find_one(&relaxed_problem, &relaxed, effort);
        conflict.further.extend(next.clashes);
        conflict.cures = next.cures;
        conflict.proven &= next.proven;
        core = next_core;
    }
    if !changes.is_empty() && !conflict.cures.is_empty() {
        conflict.cures.truncate(1);
        changes.append(&mut conflict.cures);
        conflict.cures = changes;
        conflict.jointly = true;
    }
    conflict
}

impl Cure {
    /// Relaxes the limit that this is about; says whether it is about one.
    fn relax(&self, limits: &mut Limits, problem: &mut Problem) -> bool {
        match *self {
            Self::Containers(count) => limits.containers = Some(Sourced::new(count, Origin::Default)),
            Self::Shards(count) => limits.shards = Some(Sourced::new(count, Origin::Default)),
            Self::Minutes(count) => limits.minutes = Some(Sourced::new(count, Origin::Default)),
            Self::Target(at) => limits.target = Some(Sourced::new(at, Origin::Default)),
            Self::LaneShards(lane, count) => problem.lanes[lane].max_shards = count,
            Self::Memory(lane, memory) => {
                problem.lanes[lane].raise_memory(memory);
            }
            Self::Slots(count) => problem.slots = Some(Sourced::new(count, Origin::Default)),
            Self::Drop { .. } => return false,
        }
        true
    }
}

/// The limits that take part in a conflict.
struct Core {
    limits: Limits,
    /// The lanes whose limit on shards does.
    crowded: Vec<LaneIx>,
    /// The lanes whose runner's memory does.
    narrow: Vec<LaneIx>,
    /// Whether the number of jobs that run at once does.
    slots: bool,
}

/// Returns a set of constraints that clash of which no part clashes alone, and the limits among them.
fn find_one(problem: &Problem, limits: &Limits, effort: &Effort) -> (Conflict, Core) {
    let proven = refuses(problem, limits, effort);
    // Where it is not proven, the most that can be said of less limited problems is the same.
    let fails = |problem: &Problem, limits: &Limits| {
        !effort.is_spent()
            && if proven { refuses(problem, limits, effort) } else { !has_plan(problem, limits, effort) }
    };
    let mut core = limits.clone();
    for limit in FILTER_ORDER {
        let without = drop_limit(&core, limit);
        if fails(problem, &without) {
            core = without;
        }
    }
    let mut clashes = Vec::new();
    let mut free = problem.clone();
    free.slots = None;
    let slots = problem.slots.is_some() && !fails(&free, &core);
    if slots {
        free.slots.clone_from(&problem.slots);
        clashes.extend(problem.slots.clone().map(Clash::Slots));
    }
    let mut crowded = Vec::new();
    for (lane, model) in problem.lanes.iter_enumerated() {
        free.lanes[lane].max_shards = u32::MAX;
        if !fails(&free, &core) {
            free.lanes[lane].max_shards = model.max_shards;
            crowded.push(lane);
            let limit = Sourced::new(model.max_shards, model.max_shards_origin.clone());
            clashes.push(Clash::LaneShards(lane, limit));
        }
    }
    for (lane, model) in problem.lanes.iter_enumerated() {
        let SuiteOrder::Keep(origin) = &model.order else { continue };
        free.lanes[lane].order = SuiteOrder::Free;
        if !fails(&free, &core) {
            free.lanes[lane].order = model.order.clone();
            clashes.push(Clash::Order(lane, origin.clone()));
        }
    }
    let mut narrow = Vec::new();
    for (lane, model) in problem.lanes.iter_enumerated() {
        let Some(limit) = model.most_memory() else { continue };
        let limited = free.lanes[lane].clone();
        free.lanes[lane].free_memory();
        if !fails(&free, &core) {
            free.lanes[lane] = limited;
            narrow.push(lane);
            clashes.push(Clash::Memory(lane, limit.clone()));
            let memory = |unit: UnitIx| problem.memory(lane, problem.needed(unit));
            let misfit =
                |unit: &UnitIx| problem.units[*unit].lane == lane && model.is_short_of(memory(*unit));
            let takes = |unit: UnitIx| Clash::UnitMemory(unit, memory(unit));
            clashes.extend(problem.units.indices().find(misfit).map(takes));
        }
    }
    if let Some(limit) = &core.containers {
        clashes.push(Clash::Containers(limit.clone()));
        clashes.extend(needs(problem));
    }
    if let Some(limit) = &core.shards {
        clashes.push(Clash::Shards(limit.clone()));
    }
    if let Some(limit) = &core.minutes {
        clashes.push(Clash::Minutes(limit.clone()));
        if problem.other_minutes > 0 {
            clashes.push(Clash::OtherMinutes(problem.other_minutes));
        }
    }
    if let Some(limit) = &core.target {
        clashes.push(Clash::Target(limit.clone()));
        // Either of these clashes with the target alone.
        let unit_bound = Planners::new(&Ways::of(problem), 0).unit_bound();
        if problem.floor.at > limit.value {
            clashes.push(Clash::OtherJobs(problem.floor.at));
        } else if let (at, Some(unit)) = unit_bound
            && at > limit.value
        {
            clashes.push(Clash::Unit(unit, at));
        }
    }
    for (group, apart) in problem.apart.iter().enumerate() {
        let mut without = free.clone();
        without.apart.remove(group);
        if !fails(&without, &core) {
            clashes.push(Clash::Apart { group, units: apart.units.len() });
        }
    }
    if clashes.is_empty() {
        // What takes part could not be told apart: then all limits do.
        clashes.extend(limits.containers.clone().map(Clash::Containers));
        clashes.extend(limits.shards.clone().map(Clash::Shards));
        clashes.extend(limits.minutes.clone().map(Clash::Minutes));
        clashes.extend(limits.target.clone().map(Clash::Target));
    }
    let core = Core { limits: core, crowded, narrow, slots };
    let cures = cures(problem, limits, &core, effort);
    (Conflict { clashes, further: Vec::new(), cures, jointly: false, proven }, core)
}

/// Returns whether it is proven that no plan keeps the limits.
fn refuses(problem: &Problem, limits: &Limits, effort: &Effort) -> bool {
    ask(&Ways::that_may_keep(problem, limits), effort, |planners| planners.refuses(limits))
}

/// Returns whether a plan is found within the limits.
fn has_plan(problem: &Problem, limits: &Limits, effort: &Effort) -> bool {
    ask(&Ways::that_may_keep(problem, limits), effort, |planners| planners.any(limits))
}

/// Asks a question for a part of the effort that is left.
fn ask<T>(ways: &Ways<'_>, effort: &Effort, question: impl FnOnce(&Planners<'_>) -> T) -> T {
    effort.share(SHARE, |part| {
        let planners = Planners::new(ways, part.left());
        let answer = question(&planners);
        part.take(part.left() - planners.effort().left());
        answer
    })
}

fn drop_limit(limits: &Limits, limit: Limit) -> Limits {
    let mut without = limits.clone();
    match limit {
        Limit::Containers => without.containers = None,
        Limit::Shards => without.shards = None,
        Limit::Minutes => without.minutes = None,
        Limit::Target => without.target = None,
    }
    without
}

/// Returns which lane needs which service, for how many units.
fn needs(problem: &Problem) -> Vec<Clash> {
    let mut needs = Vec::new();
    for lane in problem.lanes.indices() {
        for service in problem.services.indices() {
            let mut users = problem
                .units
                .indices()
                .filter(|unit| problem.units[*unit].lane == lane && problem.needed(*unit).contains(service))
                .filter(|_| problem.services[service].kind == ServiceKind::Container);
            if let Some(example) = users.next() {
                needs.push(Clash::Needs { lane, service, units: 1 + users.count(), example });
            }
        }
    }
    needs
}

fn cures(problem: &Problem, limits: &Limits, core: &Core, effort: &Effort) -> Vec<Cure> {
    let to_u32 = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let with = |change: &dyn Fn(&mut Limits)| {
        let mut changed = limits.clone();
        change(&mut changed);
        has_plan(problem, &changed, effort)
    };
    let sourced = |value: u64| Some(Sourced::new(to_u32(value), Origin::Default));
    let mut cures = Vec::new();
    if let Some(limit) = &core.limits.containers {
        let most = u64::from(problem.container_range().1);
        let found = smallest(limit.value.into(), most, |n| with(&|limits| limits.containers = sourced(n)));
        cures.extend(found.map(|n| Cure::Containers(to_u32(n))));
        cures.extend(droppable(problem, limits, effort));
    }
    if let Some(limit) = &core.limits.shards {
        let most = problem.units.len() as u64;
        let found = smallest(limit.value.into(), most, |n| with(&|limits| limits.shards = sourced(n)));
        cures.extend(found.map(|n| Cure::Shards(to_u32(n))));
    }
    if let Some(limit) = &core.limits.minutes {
        let found = smallest(limit.value, 1 << 24, |n| {
            with(&|limits| limits.minutes = Some(Sourced::new(n, Origin::Default)))
        });
        cures.extend(found.map(Cure::Minutes));
    }
    if core.limits.target.is_some() {
        // The fastest plan there is tells what target can be kept.
        let free = Limits { target: None, ..limits.clone() };
        let fastest = ask(&Ways::of(problem), effort, |planners| planners.soonest(&free));
        cures.extend(fastest.map(|solution| Cure::Target(solution.end)));
    }
    if let [lane] = core.crowded[..] {
        let most = problem.units.iter().filter(|unit| unit.lane == lane).count() as u64;
        let found = smallest(problem.lanes[lane].max_shards.into(), most, |shards| {
            let mut wider = problem.clone();
            wider.lanes[lane].max_shards = to_u32(shards);
            has_plan(&wider, limits, effort)
        });
        cures.extend(found.map(|shards| Cure::LaneShards(lane, to_u32(shards))));
    }
    if let Some(slots) = problem.slots.as_ref().filter(|_| core.slots) {
        let most = (problem.units.len() + problem.others.len()) as u64;
        let found = smallest(slots.value.into(), most, |count| {
            let mut wider = problem.clone();
            wider.slots = Some(Sourced::new(to_u32(count), Origin::Default));
            has_plan(&wider, limits, effort)
        });
        cures.extend(found.map(|count| Cure::Slots(to_u32(count))));
    }
    for lane in &core.narrow {
        let found = roomier(problem, limits, *lane, effort);
        cures.extend(found.map(|memory| Cure::Memory(*lane, memory)));
    }
    if !core.narrow.is_empty() && core.limits.containers.is_none() {
        cures.extend(droppable(problem, limits, effort));
    }
    cures
}

/// Returns the least memory of a lane's runner, in whole megabytes, with which there is a plan.
fn roomier(problem: &Problem, limits: &Limits, lane: LaneIx, effort: &Effort) -> Option<Memory> {
    let limit = problem.lanes[lane].most_memory()?.value;
    let all = problem.services.indices().collect();
    let megabytes = |memory: Memory| memory.0.div_ceil(Memory::MEGABYTE.0);
    let most = megabytes(problem.memory(lane, all));
    smallest(limit.0 / Memory::MEGABYTE.0, most, |count| {
        let mut roomier = problem.clone();
        let memory = Memory(count * Memory::MEGABYTE.0);
        roomier.lanes[lane].raise_memory(memory);
        has_plan(&roomier, limits, effort)
    })
    .map(|count| Memory(count * Memory::MEGABYTE.0))
}

/// Returns the services without which there would be a plan, the least needed first.
fn droppable(problem: &Problem, limits: &Limits, effort: &Effort) -> Vec<Cure> {
    let mut found: Vec<(usize, ServiceIx)> = problem
        .services
        .indices()
        .filter_map(|service| {
            let only = crate::model::ServiceSet::from_iter([service]);
            let users =
                problem.units.indices().filter(|unit| problem.needed(*unit).contains(service)).count();
            let mut without = problem.clone();
            for unit in &mut without.units {
                unit.requirement = unit.requirement.without(only);
            }
            for lane in &mut without.lanes {
                lane.services = lane.services.without(only);
            }
            let can_go = users > 0 && problem.services[service].kind == ServiceKind::Container;
            (can_go && has_plan(&without, limits, effort)).then_some((users, service))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().take(3).map(|(units, service)| Cure::Drop { service, units }).collect()
}

/// Returns the smallest number over `from`, up to `to`, that helps: doubling steps, then bisection.
fn smallest(from: u64, to: u64, helps: impl Fn(u64) -> bool) -> Option<u64> {
    let (mut low, mut step) = (from, 1);
    let mut high = loop {
        let next = low.saturating_add(step).min(to);
        if next <= low {
            return None;
        }
        if helps(next) {
            break next;
        }
        low = next;
        step *= 2;
    };
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if helps(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

impl Conflict {
    /// Returns the lanes that the conflict speaks of.
    #[must_use]
    pub fn lanes(&self) -> Vec<LaneIx> {
        let mut lanes: Vec<LaneIx> = self
            .clashes
            .iter()
            .filter_map(|clash| match clash {
                Clash::Needs { lane, .. } | Clash::LaneShards(lane, _) | Clash::Memory(lane, _) => {
                    Some(*lane)
                }
                _ => None,
            })
            .collect();
        lanes.sort_by_key(|lane| lane.position());
        lanes.dedup();
        lanes
    }
}
