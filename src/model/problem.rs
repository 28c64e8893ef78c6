//! The problem that is solved: lanes, services and units as indices and whole milliseconds.
//!
//! A shard `k` of lane `l` that starts the services `S` and runs the units `U` takes
//!
//! ```text
//! wall(k) = base(l) + boot(S) + run(U) + tail(l)
//! boot(S) = Σ pull(s) + max ready(s) + Σ attach(s)                 over s in S
//! run(U)  = Σ load(u)                                              with one worker
//!         = max( max piece(u), Σ load(u) / (workers × efficiency) )  with several
//! ```
//!
//! on the runner that was measured. Where a lane may take others, all its shards run on one of them, and only their tests
//! are faster or slower there: `run` alone is divided by the runner's speed, and `workers` are those of its processors.
//!
//! and the workflow ends at `max( floor, max over k of head(l) + wall(k) + after(l) )`, where `head` is the
//! longest path of jobs that the lane waits for, `after` the longest that waits for it, and the floor the
//! longest path that no lane is on.
//!
//! Where `slots` jobs run at once, a shard may wait for a runner before it starts, and the end includes that
//! ([`crate::solve`] has the rule). What a shard's tests and services take of the runner's memory may be limited:
//!
//! ```text
//! memory(l) + Σ memory(s) ≤ runner_memory(l)                        over s in S
//! ```
//!
//! A shard is billed its whole minutes, each at the price of its runner. Prices may be broken numbers; all that is billed
//! is counted in parts of a minute of which every price is a whole number ([`Problem::minute`]).

use super::ServiceSet;
use crate::config::{Memory, Origin, Sourced};
use crate::ids::{IxVec, JobName, LaneIx, LaneName, RunnerName, ServiceIx, ServiceName, UnitIx};
use crate::time::Millis;

/// A problem to solve. It says nothing of limits: the same problem is solved for many budgets.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The services, sorted by name.
    pub services: IxVec<ServiceIx, ServiceModel>,
    /// The lanes that have units, sorted by name.
    pub lanes: IxVec<LaneIx, LaneModel>,
    /// The units, sorted by lane and name.
    pub units: IxVec<UnitIx, Unit>,
    /// Units of which no two may share a shard.
    pub apart: Vec<Apart>,
    /// When the workflow ends at the earliest, whatever the lanes do.
    pub floor: Floor,
    /// The minutes that the other jobs are billed.
    pub other_minutes: u64,
    /// The other jobs, as far as they take a runner from the shards.
    pub others: Vec<OtherJob>,
    /// How many jobs of the workflow run at once, where that is limited.
    pub slots: Option<Sourced<u32>>,
    /// Into how many parts a billed minute is divided so that every price is a whole number of them; from 1.
    pub minute: u64,
}

/// The runner that each lane takes, by its position in the lane's list; nothing for the one that was measured.
pub type Runners = IxVec<LaneIx, Option<usize>>;

/// A job that is no shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherJob {
    /// Its name.
    pub name: JobName,
    /// How long it takes.
    pub wall: Millis,
    /// The other jobs that it waits for, by position.
    pub needs: Vec<usize>,
    /// The lanes whose shards it waits for.
    pub lanes: Vec<LaneIx>,
}

/// A service as the solver sees it.
#[derive(Clone, Debug)]
pub struct ServiceModel {
    /// Its name.
    pub name: ServiceName,
    /// Whether it is something that runs beside the job.
    pub kind: ServiceKind,
    /// How many containers it takes.
    pub containers: u32,
    /// The download of its image.
    pub pull: Millis,
    /// From its start to a passing health check.
    pub ready: Millis,
    /// What the first test on it pays.
    pub attach: Millis,
    /// What it takes of the runner's memory; nothing where it is not counted.
    pub memory: Memory,
}

/// What a service is. To the solver all are alike: something that a shard pays once, and starts only for its users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceKind {
    /// It is started beside the job.
    #[default]
    Container,
    /// It is what the first of several tests does for all of them, inside the test step. It takes no container and its
    /// `attach` is its time.
    Setup,
}

/// A lane as the solver sees it.
#[derive(Clone, Debug)]
pub struct LaneModel {
    /// Its name.
    pub name: LaneName,
    /// Paid by every shard before its services.
    pub base: Millis,
    /// Paid by every shard after its tests.
    pub tail: Millis,
    /// The longest path of jobs that it waits for.
    pub head: Millis,
    /// The longest path of jobs that waits for it.
    pub after: Millis,
    /// How fast a shard works off its load on the runner that was measured, in thousandths of one worker:
    /// workers × efficiency.
    pub speed: u64,
    /// The services that every shard starts.
    pub services: ServiceSet,
    /// How many shards it may have.
    pub max_shards: u32,
    /// Where that limit comes from.
    pub max_shards_origin: Origin,
    /// What its tests take of the runner's memory.
    pub memory: Memory,
    /// What the tests and the services of a shard may take together on the runner that was measured, where that is
    /// limited.
    pub runner_memory: Option<Sourced<Memory>>,
    /// The runners that it may take; none where it runs on the one that was measured.
    pub runners: Vec<RunnerModel>,
    /// Which of these all its shards run on; nothing as long as that is open, and on the runner that was measured.
    pub runner: Option<usize>,
    /// The other jobs that its shards wait for, by position.
    pub needs: Vec<usize>,
    /// Which of its units may share a shard.
    pub order: SuiteOrder,
}

/// A runner, as it is for the shards of one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerModel {
    /// Its name.
    pub name: RunnerName,
    /// How fast a shard works off its load on it, in thousandths of one worker on the runner that was measured.
    pub speed: u64,
    /// How fast one worker is on it, in thousandths of the runner that was measured.
    pub pace: u64,
    /// What a minute on it is billed, in the parts of [`Problem::minute`].
    pub price: u64,
    /// What the tests and the services of a shard may take together on it, where that is limited.
    pub memory: Option<Sourced<Memory>>,
}

/// Which units of a lane may share a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SuiteOrder {
    /// Any.
    #[default]
    Free,
    /// Only such as follow one another: the units of the lane are in the suite's order. With where that is said.
    Keep(Origin),
}

/// Tests that run in the same shard: the atom that the solver moves.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its name: a file, `file::Class`, a node id, or the first of several that belong together.
    pub name: String,
    /// Its lane.
    pub lane: LaneIx,
    /// The time of its tests, one after the other.
    pub load: Millis,
    /// The time of its longest piece that one worker takes as a whole; at most the load.
    pub piece: Millis,
    /// The services that its tests need, those that every shard of the lane starts aside.
    pub requirement: ServiceSet,
}

/// Units of which no two may share a shard.
#[derive(Clone, Debug)]
pub struct Apart {
    /// The group's name.
    pub name: String,
    /// Where it is declared.
    pub origin: Origin,
    /// Its units in order, all of one lane.
    pub units: Vec<UnitIx>,
}

/// When the workflow ends at the earliest, whatever the lanes do.
#[derive(Clone, Debug, Default)]
pub struct Floor {
    /// The time.
    pub at: Millis,
    /// The jobs on the path that takes so long.
    pub jobs: Vec<JobName>,
}

impl Default for Problem {
    /// Returns the problem without anything to do.
    fn default() -> Self {
        Self {
            services: IxVec::default(),
            lanes: IxVec::default(),
            units: IxVec::default(),
            apart: Vec::new(),
            floor: Floor::default(),
            other_minutes: 0,
            others: Vec::new(),
            slots: None,
            minute: 1,
        }
    }
}

impl Problem {
    /// Returns what every shard with these services pays for them.
    #[must_use]
    pub fn boot(&self, services: ServiceSet) -> Millis {
        let mut paid = Millis::ZERO;
        let mut ready = Millis::ZERO;
        for service in services.iter().map(|service| &self.services[service]) {
            paid += service.pull + service.attach;
            ready = ready.max(service.ready);
        }
        paid + ready
    }

    /// Returns these services without the set-ups among them, and the set-ups.
    #[must_use]
    pub fn apart_from_setups(&self, services: ServiceSet) -> (ServiceSet, ServiceSet) {
        let is_setup = |service: &ServiceIx| self.services[*service].kind == ServiceKind::Setup;
        let setups: ServiceSet = services.iter().filter(is_setup).collect();
        (services.without(setups), setups)
    }

    /// Returns how many containers a shard with these services starts.
    #[must_use]
    pub fn containers(&self, services: ServiceSet) -> u32 {
        services.iter().map(|service| self.services[service].containers).sum()
    }

    /// Returns what a shard of the lane with these services takes of its runner's memory.
    #[must_use]
    pub fn memory(&self, lane: LaneIx, services: ServiceSet) -> Memory {
        let started: Memory = services.iter().map(|service| self.services[service].memory).sum();
        self.lanes[lane].memory.plus(started)
    }

    /// Returns whether a shard of the lane with these services finds room in its runner's memory.
    #[must_use]
    pub fn fits_memory(&self, lane: LaneIx, services: ServiceSet) -> bool {
        let limit = self.lanes[lane].memory_on_runner();
        limit.is_none_or(|limit| self.memory(lane, services) <= limit.value)
    }

    /// Returns what a shard of the lane with these services takes before and after its tests.
    #[must_use]
    pub fn overhead(&self, lane: LaneIx, services: ServiceSet) -> Millis {
        self.lanes[lane].base + self.boot(services) + self.lanes[lane].tail
    }

    /// Returns what a minute of a shard of the lane is billed, in parts of a minute.
    #[must_use]
    pub fn price(&self, lane: LaneIx) -> u64 {
        self.lanes[lane].taken().map_or(self.minute, |runner| runner.price)
    }

    /// Returns what a shard of the lane is billed whose job takes so long, in parts of a minute.
    #[must_use]
    pub fn billed(&self, lane: LaneIx, wall: Millis) -> u64 {
        wall.billed_minutes().saturating_mul(self.price(lane))
    }

    /// Returns this time at the price of the lane's runner: how long one of price 1 is billed as much for, rounded down.
    #[must_use]
    pub fn at_price(&self, lane: LaneIx, time: Millis) -> Millis {
        let billed = u128::from(time.0) * u128::from(self.price(lane)) / u128::from(self.minute);
        Millis(u64::try_from(billed).unwrap_or(u64::MAX))
    }

    /// Returns what the other jobs are billed, in parts of a minute.
    #[must_use]
    pub fn billed_others(&self) -> u64 {
        self.in_parts(self.other_minutes)
    }

    /// Returns minutes in parts.
    #[must_use]
    pub fn in_parts(&self, minutes: u64) -> u64 {
        minutes.saturating_mul(self.minute)
    }

    /// Returns the whole minutes that hold so many parts.
    #[must_use]
    pub fn whole_minutes(&self, parts: u64) -> u64 {
        parts.div_ceil(self.minute)
    }

    /// In how many ways the runners of all lanes may be chosen at the most: each is planned by itself.
    pub const MOST_WAYS: u64 = 64;

    /// Returns in how many ways the runners of all lanes may be chosen.
    #[must_use]
    pub fn ways(&self) -> u64 {
        let of_lane =
            |lane: &LaneModel| if lane.runner.is_some() { 1 } else { lane.runners.len().max(1) as u64 };
        self.lanes.iter().map(of_lane).fold(1, u64::saturating_mul)
    }

    /// Returns whether some lane has a choice of runners that nobody has made.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.lanes.iter().any(|lane| lane.runner.is_none() && !lane.runners.is_empty())
    }

    /// Returns the runners that its lanes are on.
    #[must_use]
    pub fn chosen(&self) -> Runners {
        self.lanes.iter().map(|lane| lane.runner).collect()
    }

    /// Puts the lanes on these runners.
    pub fn settle(&mut self, runners: &Runners) {
        for (lane, runner) in runners.iter_enumerated() {
            self.lanes[lane].runner = *runner;
        }
    }

    /// Returns the problem with its lanes on these runners.
    #[must_use]
    pub fn on(&self, runners: &Runners) -> Self {
        let mut settled = self.clone();
        settled.settle(runners);
        settled
    }

    /// Leaves the choice of runners open.
    pub fn unsettle(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.runner = None);
    }

    /// Returns all services that a unit's shard must start.
    #[must_use]
    pub fn needed(&self, unit: UnitIx) -> ServiceSet {
        let unit = &self.units[unit];
        unit.requirement.union(self.lanes[unit.lane].services)
    }

    /// Returns the smallest and the largest number of containers that can make sense: every lane in one shard,
    /// and every unit in its own.
    #[must_use]
    pub fn container_range(&self) -> (u32, u32) {
        let mut most = 0u32;
        let mut together: IxVec<LaneIx, ServiceSet> = self.lanes.iter().map(|lane| lane.services).collect();
        for (ix, unit) in self.units.iter_enumerated() {
            most = most.saturating_add(self.containers(self.needed(ix)));
            together[unit.lane] = together[unit.lane].union(unit.requirement);
        }
        (together.iter().map(|services| self.containers(*services)).sum(), most)
    }
}

impl LaneModel {
    /// Returns the runner that its shards are on, where it is not the one that was measured.
    #[must_use]
    pub fn taken(&self) -> Option<&RunnerModel> {
        self.runners.get(self.runner?)
    }

    /// Returns how fast a shard works off its load, in thousandths of one worker on the runner that was measured.
    #[must_use]
    pub fn speed_on_runner(&self) -> u64 {
        self.taken().map_or(self.speed, |runner| runner.speed)
    }

    /// Returns how fast one worker is, in thousandths of the runner that was measured.
    #[must_use]
    pub fn pace_on_runner(&self) -> u64 {
        self.taken().map_or(1000, |runner| runner.pace)
    }

    /// Returns what the tests and the services of a shard may take together, where that is limited.
    #[must_use]
    pub fn memory_on_runner(&self) -> Option<&Sourced<Memory>> {
        self.taken().map_or(self.runner_memory.as_ref(), |runner| runner.memory.as_ref())
    }

    /// Returns the limits on memory of every runner that its shards may be on.
    fn memory_limits(&self) -> Vec<Option<&Sourced<Memory>>> {
        if self.runner.is_some() || self.runners.is_empty() {
            vec![self.memory_on_runner()]
        } else {
            self.runners.iter().map(|runner| runner.memory.as_ref()).collect()
        }
    }

    /// Returns the largest limit on memory that a runner has which its shards may be on.
    #[must_use]
    pub fn most_memory(&self) -> Option<&Sourced<Memory>> {
        self.memory_limits().into_iter().flatten().max_by_key(|limit| limit.value)
    }

    /// Returns whether no runner that its shards may be on has so much memory.
    #[must_use]
    pub fn is_short_of(&self, memory: Memory) -> bool {
        self.memory_limits().into_iter().all(|limit| limit.is_some_and(|limit| memory > limit.value))
    }

    /// Takes away every limit on its memory.
    pub fn free_memory(&mut self) {
        self.runner_memory = None;
        self.runners.iter_mut().for_each(|runner| runner.memory = None);
    }

    /// Raises every limit on its memory to at least that.
    pub fn raise_memory(&mut self, memory: Memory) {
        let limits =
            self.runners.iter_mut().map(|runner| &mut runner.memory).chain([&mut self.runner_memory]);
        for limit in limits.flatten().filter(|limit| limit.value < memory) {
            *limit = Sourced::new(memory, Origin::Default);
        }
    }

    /// Returns how long a shard of the lane runs tests of this load, of which the longest piece is `piece`.
    #[must_use]
    pub fn run(&self, load: Millis, piece: Millis) -> Millis {
        self.run_on(self.taken(), load, piece)
    }

    /// Returns how long a shard of the lane would run such tests on a runner, or on the one that was measured.
    #[must_use]
    pub fn run_on(&self, runner: Option<&RunnerModel>, load: Millis, piece: Millis) -> Millis {
        let (speed, pace) = runner.map_or((self.speed, 1000), |runner| (runner.speed, runner.pace));
        let taken = |time: Millis, speed: u64| {
            let time = (u128::from(time.0) * 1000).div_ceil(u128::from(speed));
            Millis(u64::try_from(time).unwrap_or(u64::MAX))
        };
        taken(piece, pace).max(taken(load, speed))
    }

    /// Returns how much load a shard of the lane works off in `span`.
    #[must_use]
    pub fn capacity(&self, span: Millis) -> Millis {
        let load = u128::from(span.0) * u128::from(self.speed_on_runner()) / 1000;
        Millis(u64::try_from(load).unwrap_or(u64::MAX))
    }
}
