//! The plan: what the solver found, checked, named and given its forecast.

pub mod check;
mod evaluate;
pub mod lock;
mod lock_text;
mod moves;
mod route;
pub mod select;
mod selection;
mod simulation;
mod suggest;
pub mod verify;

pub use check::{Fault, check};
pub use evaluate::{Evaluation, evaluate, today};
pub use lock::{Lock, LockError, LockedShard, PredictedShard, identity};
pub use moves::{ChangedLimit, Move, MoveReason, Moves, RunnerChange};
pub use route::{Route, Router};
pub use selection::{LockedLane, LockedService};
pub use simulation::{Forecast, Simulation, forecast, quantile, simulate};
pub use suggest::{PlanError, divided, steps, suggest, suggest_for, suggest_with};

use crate::ids::{Ix, IxVec, LaneIx, LaneName, RunnerName, ShardIx, ShardName, UnitIx};
use crate::inventory::Inventory;
use crate::model::{Leeway, Limits, Model, ServiceSet};
use crate::solve::{Bound, Placement, Solution, homes, queue};
use crate::time::{Millis, Tolerance};
use crate::workflow::Network;

/// Lanes to shards to units, with what they are expected to take and how good that is.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The shards, by lane, then by name.
    pub shards: IxVec<ShardIx, PlannedShard>,
    /// When the workflow ends, by the means of all estimates.
    pub end: Millis,
    /// When it ends in one of two, and in nine of ten runs.
    pub forecast: Forecast,
    /// No plan within the limits can end it earlier.
    pub bound: Bound,
    /// How far from that the plan is, as a share of it.
    pub gap: f64,
    /// The billed minutes of all jobs, each rounded up and at the price of its runner; their sum rounded up.
    pub minutes: u64,
    /// The service containers of all shards.
    pub containers: u32,
    /// What the plan was to keep within.
    pub limits: Limits,
    /// When the fastest plan within the limits ends, before anything was given up for a lower bill or fewer moves.
    pub fastest: Millis,
    /// How much later than that it was allowed to end, and what for.
    pub leeway: Leeway,
    /// What left the shard that the last lock has it on; nothing without a lock.
    pub moves: Option<Moves>,
    /// What was asked for where the cheapest plan was.
    pub saving: Option<Saving>,
}

/// What the cheapest plan near the fastest was to keep, and what is proven of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saving {
    /// How near it was to be.
    pub within: Tolerance,
    /// When the plan had to end.
    pub latest: Millis,
    /// No plan that ends by then bills fewer minutes; rounded up like those of the plan.
    pub least_minutes: u64,
}

/// One shard of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedShard {
    /// Its name: the lane's, and a number.
    pub name: ShardName,
    /// Its lane.
    pub lane: LaneIx,
    /// The runner that it is on, where its lane has a choice.
    pub runner: Option<RunnerName>,
    /// The services that it starts.
    pub services: ServiceSet,
    /// What its tests set up once for several of them.
    pub setups: ServiceSet,
    /// Its units in order.
    pub units: Vec<UnitIx>,
    /// How many tests these are.
    pub tests: usize,
    /// What its time goes into.
    pub times: ShardTimes,
    /// How long its job takes in one of two, and in nine of ten runs.
    pub forecast: Forecast,
}

/// What a shard's time goes into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardTimes {
    /// Jobs that it waits for.
    pub head: Millis,
    /// How much later it starts for want of a runner, its own or that of a job before it.
    pub queue: Millis,
    /// Checkout, install, collection.
    pub base: Millis,
    /// Its services, from the first download to the first test's contact.
    pub boot: Millis,
    /// Its tests, with what they set up once for several of them.
    pub run: Millis,
    /// Uploads and clean-up.
    pub tail: Millis,
    /// Jobs that wait for it.
    pub after: Millis,
    /// The sum of its tests' times, one after the other.
    pub load: Millis,
}

impl ShardTimes {
    /// Returns how long the shard's job takes.
    #[must_use]
    pub fn wall(&self) -> Millis {
        self.base + self.boot + self.run + self.tail
    }

    /// Returns when the last job that waits for it ends.
    #[must_use]
    pub fn end(&self) -> Millis {
        self.head + self.queue + self.wall() + self.after
    }
}

impl Plan {
    /// Returns the plan of a solution, its shards called by these names, in their order. The lanes of the model are on the
    /// runners of the solution.
    fn new(
        model: &Model,
        limits: &Limits,
        solution: &Solution,
        pace_deviation: f64,
        names: Vec<ShardName>,
    ) -> Self {
        let mut shards: Vec<PlannedShard> = solution
            .shards
            .iter()
            .zip(names)
            .map(|(shard, name)| {
                let times = times(model, shard.lane, shard.services, &shard.units);
                let (services, setups) = model.problem.apart_from_setups(shard.services);
                PlannedShard {
                    name,
                    lane: shard.lane,
                    runner: model.problem.lanes[shard.lane].taken().map(|runner| runner.name.clone()),
                    services,
                    setups,
                    tests: shard.units.iter().map(|unit| model.units[*unit].tests.len()).sum(),
                    times,
                    forecast: Forecast::default(),
                    units: shard.units.clone(),
                }
            })
            .collect();
        set_queues(model, &mut shards);
        shards.sort_by(|a, b| (a.lane, number(&a.name), &a.name).cmp(&(b.lane, number(&b.name), &b.name)));
        let (end_forecast, shard_forecasts) = forecast(model, &shards, pace_deviation);
        for (shard, forecast) in shards.iter_mut().zip(shard_forecasts) {
            shard.forecast = forecast;
        }
        Self {
            shards: shards.into_iter().collect(),
            end: solution.end,
            forecast: end_forecast,
            bound: solution.bound.clone(),
            gap: solution.gap(),
            minutes: model.problem.whole_minutes(solution.minutes),
            containers: solution.containers,
            limits: limits.clone(),
            fastest: solution.end,
            leeway: Leeway::default(),
            moves: None,
            saving: None,
        }
    }

    /// Returns when a solution ends in one of two, and in nine of ten runs.
    fn forecast_of(model: &Model, solution: &Solution, pace_deviation: f64) -> Forecast {
        let names = name_shards(model, solution, None);
        Self::new(model, &Limits::default(), solution, pace_deviation, names).forecast
    }

    /// Returns the jobs of the workflow with this plan's shards among them, each with its wait for a runner.
    #[must_use]
    pub fn network(&self, model: &Model) -> Network {
        let shards: Vec<_> = self
            .shards
            .iter()
            .map(|shard| {
                let takes = shard.times.queue + shard.times.wall();
                (model.problem.lanes[shard.lane].name.clone(), shard.name.to_string(), takes)
            })
            .collect();
        model.jobs.network(&shards)
    }

    /// Returns the shard of a unit.
    #[must_use]
    pub fn shard_of(&self, unit: UnitIx) -> Option<ShardIx> {
        let holds = |(_, shard): &(ShardIx, &PlannedShard)| shard.units.binary_search(&unit).is_ok();
        self.shards.iter_enumerated().find(holds).map(|(ix, _)| ix)
    }

    /// Returns the shards on which the end of the workflow depends: those that end last.
    pub fn critical(&self) -> impl Iterator<Item = ShardIx> + '_ {
        let last = self.shards.iter().map(|shard| shard.times.end()).max().unwrap_or_default();
        let ends_last = move |(_, shard): &(ShardIx, &PlannedShard)| shard.times.end() == last;
        self.shards.iter_enumerated().filter(ends_last).map(|(ix, _)| ix)
    }
}

/// Works out how long every shard waits for a runner, where these are limited. The shards stand in the order of the
/// solution, which decides where nothing else does.
fn set_queues(model: &Model, shards: &mut [PlannedShard]) {
    let Some(slots) = &model.problem.slots else { return };
    let walls: Vec<(LaneIx, Millis)> = shards.iter().map(|shard| (shard.lane, shard.times.wall())).collect();
    let starts = queue(&model.problem, slots.value, &walls).starts;
    for (shard, start) in shards.iter_mut().zip(starts) {
        shard.times.queue = start.saturating_sub(shard.times.head);
    }
}

/// Returns what a shard with these services and units takes.
fn times(model: &Model, lane: LaneIx, services: ServiceSet, units: &[UnitIx]) -> ShardTimes {
    let problem = &model.problem;
    let load = units.iter().map(|unit| problem.units[*unit].load).sum();
    let piece = units.iter().map(|unit| problem.units[*unit].piece).max().unwrap_or_default();
    let lane = &problem.lanes[lane];
    let (services, setups) = problem.apart_from_setups(services);
    // A set-up happens inside the first test that uses it, while nothing else of its worker runs.
    let set_up: Millis = setups.iter().map(|setup| problem.services[setup].attach).sum();
    ShardTimes {
        head: lane.head,
        queue: Millis::ZERO,
        base: lane.base,
        boot: problem.boot(services),
        run: lane.run(load, piece) + set_up,
        tail: lane.tail,
        after: lane.after,
        load: load + set_up,
    }
}

/// Returns a name for every shard: the one of the locked shard that it continues, else the first free number.
fn name_shards(model: &Model, solution: &Solution, previous: Option<(&Lock, &Placement)>) -> Vec<ShardName> {
    let mut names: Vec<Option<ShardName>> = match previous {
        None => vec![None; solution.shards.len()],
        Some((lock, placement)) => {
            let home = homes(&model.problem, solution, placement);
            let kept = |(home, shard): (Option<u32>, &crate::solve::SolvedShard)| {
                let locked = lock.shards.get(home? as usize)?;
                (locked.lane == model.problem.lanes[shard.lane].name).then(|| locked.name.clone())
            };
            home.into_iter().zip(&solution.shards).map(kept).collect()
        }
    };
    let mut taken: std::collections::BTreeSet<ShardName> = names.iter().flatten().cloned().collect();
    for (name, shard) in names.iter_mut().zip(&solution.shards) {
        if name.is_none() {
            let lane = &model.problem.lanes[shard.lane].name;
            let free = (1..=u32::MAX)
                .map(|number| ShardName::numbered(lane, number))
                .find(|name| !taken.contains(name));
            taken.extend(free.clone());
            *name = free;
        }
    }
    names.into_iter().flatten().collect()
}

/// Returns the number at the end of a shard's name, so that `heavy-10` comes after `heavy-9`.
fn number(name: &ShardName) -> u32 {
    name.as_str().rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(u32::MAX)
}

/// Returns where the lock has every unit: on the shard that most of its selectors belong to. A unit that the lock has
/// in smaller parts is where most of its tests are.
fn placement(model: &Model, inventory: &Inventory, lock: &Lock) -> Placement {
    let owners = lock.owners();
    let most = |lane: &LaneName, ids: &mut dyn Iterator<Item = &str>| {
        let mut homes: Vec<u32> = ids
            .filter_map(|id| owners.of(lane, id))
            .filter(|shard| lock.shards[*shard].lane == *lane)
            .filter_map(|shard| u32::try_from(shard).ok())
            .collect();
        homes.sort_unstable();
        let runs = homes.chunk_by(|a, b| a == b);
        runs.max_by_key(|run| (run.len(), std::cmp::Reverse(run[0]))).map(|run| run[0])
    };
    model
        .units
        .iter_enumerated()
        .map(|(ix, unit)| {
            let lane = &model.problem.lanes[model.problem.units[ix].lane].name;
            let by_selectors = most(lane, &mut unit.selectors.iter().map(String::as_str));
            by_selectors
                .or_else(|| most(lane, &mut unit.tests.iter().map(|test| inventory.tests[*test].id.as_str())))
        })
        .collect()
}

/// Returns the positions of all units of a model.
fn all_units(model: &Model) -> impl Iterator<Item = UnitIx> {
    (0..model.units.len()).map(UnitIx::from_position)
}
