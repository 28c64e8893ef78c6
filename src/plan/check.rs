//! The check of every answer of the solver, before anybody sees it.
//!
//! It shares no code with the solver and none of the formulas of [`Problem`]: everything is worked out again
//! from the plain numbers of the problem, the slow and obvious way, in integers that can't overflow. A fault
//! is ours, never the caller's.

use crate::config::Memory;
use crate::ids::{Ix, IxVec, JobName, LaneIx, LaneName, ServiceIx, ServiceName, ShardIx, UnitIx};
use crate::model::{LaneModel, Limits, Problem, RunnerModel, ServiceModel, ServiceSet, SuiteOrder, Unit};
use crate::solve::{BoundReason, Solution, SolvedShard};
use crate::time::Millis;

/// Something wrong with an answer of the solver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A shard speaks of a lane, a service or a unit that the problem does not have.
    #[error("shard {} has {what} number {position}, which the problem does not have", .shard.0)]
    Unknown {
        /// The shard.
        shard: ShardIx,
        /// What is unknown.
        what: &'static str,
        /// Its position.
        position: usize,
    },
    /// A shard runs nothing.
    #[error("shard {} has no unit", .0.0)]
    EmptyShard(ShardIx),
    /// A unit is in no shard, or in several.
    #[error("unit `{unit}` is in {times} shards instead of one")]
    NotOnce {
        /// The unit.
        unit: String,
        /// How many shards it is in.
        times: usize,
    },
    /// A unit is in a shard of another lane.
    #[error("unit `{unit}` of another lane is in shard {} of lane `{lane}`", .shard.0)]
    ForeignUnit {
        /// The unit.
        unit: String,
        /// The shard.
        shard: ShardIx,
        /// The shard's lane.
        lane: LaneName,
    },
    /// A unit's service is not started.
    #[error("unit `{unit}` needs `{service}`, which its shard {} does not start", .shard.0)]
    NotCovered {
        /// The unit.
        unit: String,
        /// The shard.
        shard: ShardIx,
        /// The service that it misses.
        service: ServiceName,
    },
    /// A service that every shard of the lane starts is not started.
    #[error("lane `{lane}` starts `{service}` everywhere, but shard {} does not", .shard.0)]
    LaneServiceMissing {
        /// The lane.
        lane: LaneName,
        /// The shard.
        shard: ShardIx,
        /// The service.
        service: ServiceName,
    },
    /// A service is started for nothing.
    #[error("shard {} starts `{service}`, which nothing on it needs", .shard.0)]
    NotNeeded {
        /// The shard.
        shard: ShardIx,
        /// The service.
        service: ServiceName,
    },
    /// Units that must be apart are together.
    #[error("units of the apart group `{group}` share shard {}: `{}`", .shard.0, .units.join("`, `"))]
    Together {
        /// The group.
        group: String,
        /// The shard.
        shard: ShardIx,
        /// Those of its units that are there.
        units: Vec<String>,
    },
    /// The units of a shard, or the shards, are not in their fixed order.
    #[error("shard {} is out of order: the same plan must always be written the same", .0.0)]
    OutOfOrder(ShardIx),
    /// A lane has too many shards.
    #[error("lane `{lane}` has {found} shards, at most {limit} are allowed")]
    LaneShards {
        /// The lane.
        lane: LaneName,
        /// Its shards.
        found: usize,
        /// How many it may have.
        limit: u32,
    },
    /// A shard takes more memory than its runner has.
    #[error("shard {} of lane `{lane}` takes {found} of memory, its runner has {limit}", .shard.0)]
    OverMemory {
        /// The shard.
        shard: ShardIx,
        /// Its lane.
        lane: LaneName,
        /// What its tests and its services take together.
        found: Memory,
        /// What its runner has.
        limit: Memory,
    },
    /// A shard of a lane that keeps the suite's order leaves a unit out in between.
    #[error("lane `{lane}` keeps the order of its suite, but `{unit}` of shard {} does not follow `{before}`", .shard.0)]
    OutOfSuite {
        /// The lane.
        lane: LaneName,
        /// The shard.
        shard: ShardIx,
        /// The unit that stands before.
        before: String,
        /// The unit that does not follow it in the suite.
        unit: String,
    },
    /// A lane has runners to choose from and is said to be on none of them.
    #[error("lane `{lane}` is on none of its runners, or on another than the problem says")]
    WrongRunner {
        /// The lane.
        lane: LaneName,
    },
    /// A limit is broken.
    #[error("{found} {what} are over the limit of {limit}")]
    OverLimit {
        /// What is limited.
        what: &'static str,
        /// How much the plan takes.
        found: u128,
        /// How much it may take.
        limit: u128,
    },
    /// The plan misses its target.
    #[error("the plan ends at {end}, later than the target {target}")]
    MissesTarget {
        /// The end, as worked out here.
        end: Millis,
        /// The target.
        target: Millis,
    },
    /// A figure is not what the plan comes to.
    #[error("the plan is said to have {claimed} {what}, but has {found}")]
    WrongFigure {
        /// Which figure.
        what: &'static str,
        /// As claimed.
        claimed: u128,
        /// As worked out here.
        found: u128,
    },
    /// The plan ends before the bound, so the bound is none.
    #[error("the plan ends at {end}, before the bound {bound} that no plan can beat")]
    BoundAboveEnd {
        /// The bound.
        bound: Millis,
        /// The end, as worked out here.
        end: Millis,
    },
    /// The bound is not what its reason comes to.
    #[error("the bound {bound} is explained by {reason}, which comes to {found}")]
    WrongReason {
        /// The bound.
        bound: Millis,
        /// What is said to be its reason.
        reason: String,
        /// What that comes to.
        found: Millis,
    },
}

/// Returns everything that is wrong with the solution: nothing, unless the solver has a bug.
#[must_use]
pub fn check(problem: &Problem, limits: &Limits, solution: &Solution) -> Vec<Fault> {
    let unknown = unknown_references(problem, solution);
    if !unknown.is_empty() {
        // Nothing else can be worked out.
        return unknown;
    }
    let mut faults = Vec::new();
    check_runners(problem, solution, &mut faults);
    check_units(problem, solution, &mut faults);
    for (at, shard) in shards(solution) {
        check_services(problem, at, shard, &mut faults);
        check_apart(problem, at, shard, &mut faults);
        check_memory(problem, solution, at, shard, &mut faults);
        check_suite(problem, at, shard, &mut faults);
    }
    check_order(solution, &mut faults);
    let figures = Figures::of(problem, solution);
    check_limits(problem, limits, solution, &figures, &mut faults);
    check_claims(problem, solution, &figures, &mut faults);
    faults
}

/// What the plan comes to, from the plain numbers of the problem.
struct Figures {
    end: u128,
    minutes: u128,
    containers: u128,
}

impl Figures {
    fn of(problem: &Problem, solution: &Solution) -> Self {
        let mut figures = Self { end: problem.floor.at.0.into(), minutes: 0, containers: 0 };
        figures.minutes += u128::from(problem.other_minutes) * u128::from(problem.minute);
        let mut walls = Vec::new();
        for shard in &solution.shards {
            let lane = &problem.lanes[shard.lane];
            let units: Vec<&Unit> = shard.units.iter().map(|unit| &problem.units[*unit]).collect();
            let runner = runner_of(problem, solution, shard.lane);
            let wall = wall(problem, lane, runner, shard.services, &units);
            figures.end = figures.end.max(on_the_path(lane, wall));
            figures.minutes +=
                wall.div_ceil(60_000) * u128::from(runner.map_or(problem.minute, |runner| runner.price));
            for service in started(problem, shard.services) {
                figures.containers += u128::from(service.containers);
            }
            walls.push((shard.lane, wall));
        }
        if let Some(slots) = &problem.slots {
            figures.end = figures.end.max(end_with_waits(problem, slots.value, &walls));
        }
        figures
    }
}

/// Returns the runner that the solution has a lane on; nothing where that is the one that was measured.
fn runner_of<'p>(problem: &'p Problem, solution: &Solution, lane: LaneIx) -> Option<&'p RunnerModel> {
    let position = solution.runners.get(lane).copied().flatten()?;
    problem.lanes[lane].runners.get(position)
}

/// Returns how long a job of the lane takes on a runner that starts these services and runs these units.
fn wall(
    problem: &Problem,
    lane: &LaneModel,
    runner: Option<&RunnerModel>,
    services: ServiceSet,
    units: &[&Unit],
) -> u128 {
    let mut paid_in_turn = 0;
    let mut slowest_start = 0;
    for service in started(problem, services) {
        paid_in_turn += u128::from(service.pull.0) + u128::from(service.attach.0);
        slowest_start = slowest_start.max(u128::from(service.ready.0));
    }
    let load: u128 = units.iter().map(|unit| u128::from(unit.load.0)).sum();
    let (speed, pace) = runner.map_or((lane.speed, 1000), |runner| (runner.speed, runner.pace));
    let longest_piece = units.iter().map(|unit| u128::from(unit.piece.0)).max().unwrap_or(0);
    // The speeds are in thousandths of a worker; a part of a millisecond counts as a whole one.
    let longest_piece = (longest_piece * 1000).div_ceil(u128::from(pace));
    let shared = (load * 1000).div_ceil(u128::from(speed));
    u128::from(lane.base.0)
        + paid_in_turn
        + slowest_start
        + shared.max(longest_piece)
        + u128::from(lane.tail.0)
}

/// Returns when a path through the workflow ends that goes over a job of this lane.
fn on_the_path(lane: &LaneModel, wall: u128) -> u128 {
    u128::from(lane.head.0) + wall + u128::from(lane.after.0)
}

/// Returns when the last job ends where only so many run at once. Jobs are started one after the other in the order in
/// which they are queued, each on the runner that is free first: a job is queued when all that it waits for has ended;
/// of those queued together the other jobs come first, then the shards that have the longest way to the end.
fn end_with_waits(problem: &Problem, slots: u32, shards: &[(LaneIx, u128)]) -> u128 {
    let mut runners: Vec<u128> = vec![0; (slots as usize).clamp(1, shards.len() + problem.others.len() + 1)];
    let mut others: Vec<Option<u128>> = vec![None; problem.others.len()];
    let mut ended: Vec<Option<u128>> = vec![None; shards.len()];
    let latest =
        |ends: Vec<Option<u128>>| ends.into_iter().try_fold(0, |last: u128, end| Some(last.max(end?)));
    loop {
        // When queued, whether a shard, how far from the longest way, the position.
        let mut next: Option<(u128, bool, u128, usize)> = None;
        for (at, job) in problem.others.iter().enumerate().filter(|(at, _)| others[*at].is_none()) {
            let before = job.needs.iter().map(|need| others[*need]);
            let of_lanes = (0..shards.len()).filter(|shard| job.lanes.contains(&shards[*shard].0));
            let before = before.chain(of_lanes.map(|shard| ended[shard])).collect();
            if let Some(queued) = latest(before) {
                let this = (queued, false, 0, at);
                next = Some(next.map_or(this, |other| other.min(this)));
            }
        }
        for (at, (lane, wall)) in shards.iter().enumerate().filter(|(at, _)| ended[*at].is_none()) {
            let lane = &problem.lanes[*lane];
            if let Some(queued) = latest(lane.needs.iter().map(|need| others[*need]).collect()) {
                let way = u128::MAX - (wall + u128::from(lane.after.0));
                let this = (queued, true, way, at);
                next = Some(next.map_or(this, |other| other.min(this)));
            }
        }
        let Some((queued, is_shard, _, at)) = next else { break };
        let Some(runner) = runners.iter_mut().min() else { break };
        let wall = if is_shard { shards[at].1 } else { problem.others[at].wall.0.into() };
        *runner = queued.max(*runner) + wall;
        if is_shard {
            ended[at] = Some(*runner);
        } else {
            others[at] = Some(*runner);
        }
    }
    others.into_iter().chain(ended).flatten().max().unwrap_or(0)
}

fn started(problem: &Problem, services: ServiceSet) -> impl Iterator<Item = &ServiceModel> {
    problem
        .services
        .iter_enumerated()
        .filter(move |(ix, _)| services.contains(*ix))
        .map(|(_, service)| service)
}

fn shards(solution: &Solution) -> impl Iterator<Item = (ShardIx, &SolvedShard)> {
    solution.shards.iter().enumerate().map(|(at, shard)| (ShardIx::from_position(at), shard))
}

fn unknown_references(problem: &Problem, solution: &Solution) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, shard) in shards(solution) {
        let mut unknown = |what, position| faults.push(Fault::Unknown { shard: at, what, position });
        if problem.lanes.get(shard.lane).is_none() {
            unknown("lane", shard.lane.position());
        }
        for service in shard.services.iter().filter(|service| problem.services.get(*service).is_none()) {
            unknown("service", service.position());
        }
        for unit in shard.units.iter().filter(|unit| problem.units.get(**unit).is_none()) {
            unknown("unit", unit.position());
        }
    }
    faults
}

/// Checks that every lane with a choice of runners is on one of them, and on the one that the problem has it on.
fn check_runners(problem: &Problem, solution: &Solution, faults: &mut Vec<Fault>) {
    for (lane, model) in problem.lanes.iter_enumerated() {
        let on = solution.runners.get(lane).copied().flatten();
        let is_one = match on {
            Some(position) => position < model.runners.len(),
            None => model.runners.is_empty(),
        };
        if !is_one || model.runner.is_some() && model.runner != on {
            faults.push(Fault::WrongRunner { lane: model.name.clone() });
        }
    }
}

/// Checks that every unit runs exactly once, in its own lane.
fn check_units(problem: &Problem, solution: &Solution, faults: &mut Vec<Fault>) {
    let mut times: IxVec<UnitIx, usize> = problem.units.iter().map(|_| 0).collect();
    for (at, shard) in shards(solution) {
        if shard.units.is_empty() {
            faults.push(Fault::EmptyShard(at));
        }
        for unit in &shard.units {
            times[*unit] += 1;
            if problem.units[*unit].lane != shard.lane {
                faults.push(Fault::ForeignUnit {
                    unit: problem.units[*unit].name.clone(),
                    shard: at,
                    lane: problem.lanes[shard.lane].name.clone(),
                });
            }
        }
    }
    for (unit, times) in times.iter_enumerated().filter(|(_, times)| **times != 1) {
        faults.push(Fault::NotOnce { unit: problem.units[unit].name.clone(), times: *times });
    }
}

/// Checks that a shard starts what is needed on it, and nothing else.
fn check_services(problem: &Problem, at: ShardIx, shard: &SolvedShard, faults: &mut Vec<Fault>) {
    let lane = &problem.lanes[shard.lane];
    for (service, model) in problem.services.iter_enumerated() {
        let users = || shard.units.iter().filter(|unit| problem.units[**unit].requirement.contains(service));
        let of_lane = lane.services.contains(service);
        if shard.services.contains(service) {
            if !of_lane && users().next().is_none() {
                faults.push(Fault::NotNeeded { shard: at, service: model.name.clone() });
            }
            continue;
        }
        if of_lane {
            faults.push(Fault::LaneServiceMissing {
                lane: lane.name.clone(),
                shard: at,
                service: model.name.clone(),
            });
        }
        faults.extend(users().map(|unit| Fault::NotCovered {
            unit: problem.units[*unit].name.clone(),
            shard: at,
            service: model.name.clone(),
        }));
    }
}

fn check_apart(problem: &Problem, at: ShardIx, shard: &SolvedShard, faults: &mut Vec<Fault>) {
    for group in &problem.apart {
        let here: Vec<String> = shard
            .units
            .iter()
            .filter(|unit| group.units.contains(unit))
            .map(|unit| problem.units[*unit].name.clone())
            .collect();
        if here.len() > 1 {
            faults.push(Fault::Together { group: group.name.clone(), shard: at, units: here });
        }
    }
}

/// Checks that the units of a shard follow one another in the suite, where its lane keeps the order.
fn check_suite(problem: &Problem, at: ShardIx, shard: &SolvedShard, faults: &mut Vec<Fault>) {
    let lane = &problem.lanes[shard.lane];
    if lane.order == SuiteOrder::Free {
        return;
    }
    let mut here = shard.units.clone();
    here.sort_unstable();
    for pair in here.windows(2) {
        let of_lane = |unit: &UnitIx| problem.units[*unit].lane == shard.lane;
        let between = (pair[0].0 + 1..pair[1].0).map(UnitIx);
        if between.into_iter().any(|unit| of_lane(&unit)) {
            faults.push(Fault::OutOfSuite {
                lane: lane.name.clone(),
                shard: at,
                before: problem.units[pair[0]].name.clone(),
                unit: problem.units[pair[1]].name.clone(),
            });
        }
    }
}

/// Checks that the tests of a shard and what it starts find room in the memory of its runner.
fn check_memory(
    problem: &Problem,
    solution: &Solution,
    at: ShardIx,
    shard: &SolvedShard,
    faults: &mut Vec<Fault>,
) {
    let lane = &problem.lanes[shard.lane];
    let runner = runner_of(problem, solution, shard.lane);
    let limit = runner.map_or(lane.runner_memory.as_ref(), |runner| runner.memory.as_ref());
    let Some(limit) = limit else { return };
    let mut taken = u128::from(lane.memory.0);
    for service in started(problem, shard.services) {
        taken += u128::from(service.memory.0);
    }
    if taken > u128::from(limit.value.0) {
        faults.push(Fault::OverMemory {
            shard: at,
            lane: lane.name.clone(),
            found: Memory(u64::try_from(taken).unwrap_or(u64::MAX)),
            limit: limit.value,
        });
    }
}

/// Checks that the plan is written the one way it can be: shards by lane, services and units, units in order.
fn check_order(solution: &Solution, faults: &mut Vec<Fault>) {
    for (at, shard) in shards(solution) {
        if !shard.units.is_sorted() {
            faults.push(Fault::OutOfOrder(at));
        }
    }
    let key = |shard: &SolvedShard| (shard.lane, shard.services, shard.units.first().copied());
    for (at, pair) in solution.shards.windows(2).enumerate() {
        if key(&pair[0]) > key(&pair[1]) {
            faults.push(Fault::OutOfOrder(ShardIx::from_position(at + 1)));
        }
    }
}

fn check_limits(
    problem: &Problem,
    limits: &Limits,
    solution: &Solution,
    figures: &Figures,
    faults: &mut Vec<Fault>,
) {
    for (lane, model) in problem.lanes.iter_enumerated() {
        let found = solution.shards.iter().filter(|shard| shard.lane == lane).count();
        if found > model.max_shards as usize {
            faults.push(Fault::LaneShards { lane: model.name.clone(), found, limit: model.max_shards });
        }
    }
    let limited: [(&'static str, u128, Option<u128>); 3] = [
        ("containers", figures.containers, limits.containers.as_ref().map(|limit| limit.value.into())),
        ("shards", solution.shards.len() as u128, limits.shards.as_ref().map(|limit| limit.value.into())),
        // Only whole minutes are limited, so that it does not matter that these are rounded up.
        (
            "minutes",
            figures.minutes.div_ceil(u128::from(problem.minute)),
            limits.minutes.as_ref().map(|limit| limit.value.into()),
        ),
    ];
    for (what, found, limit) in limited {
        if let Some(limit) = limit.filter(|limit| found > *limit) {
            faults.push(Fault::OverLimit { what, found, limit });
        }
    }
    if let Some(target) = limits.target.as_ref().filter(|target| figures.end > u128::from(target.value.0)) {
        faults.push(Fault::MissesTarget { end: clamped(figures.end), target: target.value });
    }
}

/// Checks what the solution says of itself.
fn check_claims(problem: &Problem, solution: &Solution, figures: &Figures, faults: &mut Vec<Fault>) {
    let claims: [(&'static str, u128, u128); 3] = [
        ("milliseconds to its end", solution.end.0.into(), figures.end),
        ("billed minutes", solution.minutes.into(), figures.minutes),
        ("containers", solution.containers.into(), figures.containers),
    ];
    for (what, claimed, found) in claims.into_iter().filter(|(_, claimed, found)| claimed != found) {
        faults.push(Fault::WrongFigure { what, claimed, found });
    }
    let bound = solution.bound.at;
    if u128::from(bound.0) > figures.end {
        faults.push(Fault::BoundAboveEnd { bound, end: clamped(figures.end) });
    }
    let reason = match &solution.bound.reason {
        BoundReason::OtherJobs => {
            let jobs: Vec<&str> = problem.floor.jobs.iter().map(JobName::as_str).collect();
            Some((format!("the other jobs ({})", jobs.join(", ")), problem.floor.at.0.into()))
        }
        BoundReason::Unit(unit) => problem.units.get(*unit).map(|unit| {
            let lane = &problem.lanes[unit.lane];
            let services: ServiceSet = problem
                .services
                .indices()
                .filter(|service: &ServiceIx| {
                    lane.services.contains(*service) || unit.requirement.contains(*service)
                })
                .collect();
            let alone = |runner| on_the_path(lane, wall(problem, lane, runner, services, &[unit]));
            // On whichever of its runners: the bound of one may be what holds for all.
            let on_each: Vec<u128> = match lane.runners.as_slice() {
                [] => vec![alone(None)],
                runners => runners.iter().map(|runner| alone(Some(runner))).collect(),
            };
            let nearest = on_each.into_iter().min_by_key(|alone| alone.abs_diff(bound.0.into()));
            (format!("unit `{}` alone", unit.name), nearest.unwrap_or_default())
        }),
        // The best plan may have been given up for one that moves less or bills less.
        BoundReason::Exhausted | BoundReason::Limits(_) => None,
    };
    if let Some((reason, found)) = reason.filter(|(_, found)| *found != u128::from(bound.0)) {
        faults.push(Fault::WrongReason { bound, reason, found: clamped(found) });
    }
}

fn clamped(millis: u128) -> Millis {
    Millis(u64::try_from(millis).unwrap_or(u64::MAX))
}
