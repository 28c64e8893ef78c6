//! A problem and its limits as a JSON file: what `--save-model` writes and `--from-model` reads.
//!
//! A saved problem holds everything that the solver looks at and nothing else, so that a question that was asked
//! of one project can be asked again anywhere. Services and lanes are named by their position in their list.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Apart, ConstraintGraph, Floor, LaneModel, Limits, Model, Notes, OtherJob, Problem, RunnerModel,
    ServiceKind, ServiceModel, ServiceSet, SuiteOrder, Unit, UnitFacts,
};
use crate::config::{Memory, Origin, Sourced};
use crate::ids::{LaneIx, ServiceIx, UnitIx};
use crate::time::Millis;
use crate::workflow::JobGraph;

/// The version of the format that is written and read.
const SAVED_VERSION: u32 = 1;

/// No time of a saved problem is longer: 100 days. Sums of millions of them stay far from overflow.
const LONGEST_MS: u64 = 100 * 24 * 3_600_000;

/// No memory of a saved problem is larger: a pebibyte.
const MOST_BYTES: u64 = 1 << 50;

/// A problem and its limits. Times are whole milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedModelV1 {
    /// 1.
    pub version: u32,
    /// The services.
    pub services: Vec<SavedServiceV1>,
    /// The lanes.
    pub lanes: Vec<SavedLaneV1>,
    /// What is moved as a whole.
    pub units: Vec<SavedUnitV1>,
    /// Groups of units of which no two may share a shard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apart: Vec<SavedApartV1>,
    /// When the workflow ends at the earliest, whatever the lanes do.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub floor_ms: u64,
    /// The minutes that the jobs beside the lanes are billed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub other_minutes: u64,
    /// Into how many parts a minute is divided for the prices of all runners to be whole numbers of them.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub minute_parts: u64,
    /// How many jobs of the workflow run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// The jobs beside the lanes, where it matters that they take a runner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<SavedJobV1>,
    /// What a plan must keep within.
    #[serde(default)]
    pub limits: SavedLimitsV1,
}

/// A job beside the lanes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedJobV1 {
    /// Its name.
    pub name: String,
    /// How long it takes.
    pub wall_ms: u64,
    /// The positions of the jobs that it waits for; all before its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<u32>,
    /// The positions of the lanes that it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<u32>,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedServiceV1 {
    /// Its name.
    pub name: String,
    /// How many containers it takes.
    pub containers: u32,
    /// The download of its image; downloads follow one another.
    pub pull_ms: u64,
    /// From its start to a passing health check; services start side by side.
    pub ready_ms: u64,
    /// What the first test on it pays.
    pub attach_ms: u64,
    /// What it takes of the runner's memory.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub memory_bytes: u64,
    /// Whether it is no container but what the first of several tests sets up for all of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub setup: bool,
}

/// A lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedLaneV1 {
    /// Its name.
    pub name: String,
    /// Paid by every shard before its services.
    pub base_ms: u64,
    /// Paid by every shard after its tests.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tail_ms: u64,
    /// The longest path of jobs that it waits for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub head_ms: u64,
    /// The longest path of jobs that waits for it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after_ms: u64,
    /// How fast a shard works off its load, in thousandths of one worker.
    pub speed: u64,
    /// The positions of the services that every shard starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<u32>,
    /// How many shards it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_shards: Option<u32>,
    /// What its tests take of the runner's memory.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub memory_bytes: u64,
    /// What the tests and the services of a shard may take together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_memory_bytes: Option<u64>,
    /// The positions of the jobs that its shards wait for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<u32>,
    /// Whether only units that follow one another may share a shard.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_order: bool,
    /// The runners of which all its shards take one; none where they run on the one that was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runners: Vec<SavedRunnerV1>,
}

/// A runner, as it is for the shards of one lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedRunnerV1 {
    /// Its name.
    pub name: String,
    /// How fast a shard works off its load on it, in thousandths of one worker on the runner that was measured.
    pub speed: u64,
    /// How fast one worker is on it, in thousandths of the runner that was measured.
    pub pace: u64,
    /// What a minute on it is billed, in parts of a minute.
    pub price_parts: u64,
    /// What the tests and the services of a shard may take together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

/// A unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedUnitV1 {
    /// Its name.
    pub name: String,
    /// The position of its lane.
    #[serde(default, skip_serializing_if = "is_first")]
    pub lane: u32,
    /// The time of its tests, one after the other.
    pub load_ms: u64,
    /// The time of its longest piece that one worker takes as a whole; without it, the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub piece_ms: Option<u64>,
    /// The positions of the services that it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<u32>,
}

/// Units of which no two may share a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedApartV1 {
    /// The group's name.
    pub name: String,
    /// The positions of its units, all of one lane.
    pub units: Vec<u32>,
}

/// What a plan must keep within; what is not there is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedLimitsV1 {
    /// Service containers over all shards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containers: Option<u32>,
    /// Shards over all lanes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<u32>,
    /// Billed minutes over all jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u64>,
    /// The end of the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_ms: Option<u64>,
}

impl Model {
    /// Returns the model of a problem of which nothing else is known: no test, no spread, no graph.
    #[must_use]
    pub fn of_problem(problem: Problem) -> Self {
        let facts = |unit: &Unit| UnitFacts {
            selectors: vec![unit.name.clone()],
            tests: Vec::new(),
            deviation: 0.0,
            divisible: None,
        };
        Self {
            units: problem.units.iter().map(facts).collect(),
            overhead_deviation: problem.lanes.iter().map(|_| 0.0).collect(),
            graph: ConstraintGraph::default(),
            jobs: JobGraph::default(),
            notes: Notes::default(),
            problem,
        }
    }
}

/// A file that holds no problem.
#[derive(Debug, thiserror::Error)]
pub enum SavedModelError {
    /// It is not JSON of the right form.
    #[error("{path}:{line}: this is no saved model: {message}")]
    Malformed {
        /// The file.
        path: String,
        /// The line.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// It was written by a later program.
    #[error(
        "{path}: saved model version {version} is not known here: this program reads version {SAVED_VERSION}"
    )]
    Version {
        /// The file.
        path: String,
        /// Its version.
        version: u32,
    },
    /// Something in it can not be.
    #[error("{path}: {at}: {problem}")]
    Invalid {
        /// The file.
        path: String,
        /// The place, as a path of keys.
        at: String,
        /// What is wrong.
        problem: String,
    },
}

impl SavedModelV1 {
    /// Returns the problem and its limits in the form in which they are written.
    #[must_use]
    pub fn new(problem: &Problem, limits: &Limits) -> Self {
        let positions = |services: ServiceSet| services.iter().map(|service| service.0).collect();
        Self {
            version: SAVED_VERSION,
            services: problem
                .services
                .iter()
                .map(|service| SavedServiceV1 {
                    name: service.name.to_string(),
                    containers: service.containers,
                    pull_ms: service.pull.0,
                    ready_ms: service.ready.0,
                    attach_ms: service.attach.0,
                    memory_bytes: service.memory.0,
                    setup: service.kind == ServiceKind::Setup,
                })
                .collect(),
            lanes: problem
                .lanes
                .iter()
                .map(|lane| SavedLaneV1 {
                    name: lane.name.to_string(),
                    base_ms: lane.base.0,
                    tail_ms: lane.tail.0,
                    head_ms: lane.head.0,
                    after_ms: lane.after.0,
                    speed: lane.speed,
                    services: positions(lane.services),
                    max_shards: (lane.max_shards < u32::MAX).then_some(lane.max_shards),
                    memory_bytes: lane.memory.0,
                    runner_memory_bytes: lane.runner_memory.as_ref().map(|limit| limit.value.0),
                    keeps_order: lane.order != SuiteOrder::Free,
                    runners: lane.runners.iter().map(SavedRunnerV1::new).collect(),
                    needs: if problem.slots.is_some() { as_positions(&lane.needs) } else { Vec::new() },
                })
                .collect(),
            units: problem
                .units
                .iter()
                .map(|unit| SavedUnitV1 {
                    name: unit.name.clone(),
                    lane: unit.lane.0,
                    load_ms: unit.load.0,
                    piece_ms: (unit.piece != unit.load).then_some(unit.piece.0),
                    needs: positions(unit.requirement),
                })
                .collect(),
            apart: problem
                .apart
                .iter()
                .map(|group| SavedApartV1 {
                    name: group.name.clone(),
                    units: group.units.iter().map(|unit| unit.0).collect(),
                })
                .collect(),
            floor_ms: problem.floor.at.0,
            other_minutes: problem.other_minutes,
            minute_parts: problem.minute,
            slots: problem.slots.as_ref().map(|slots| slots.value),
            jobs: problem
                .others
                .iter()
                .filter(|_| problem.slots.is_some())
                .map(|job| SavedJobV1 {
                    name: job.name.to_string(),
                    wall_ms: job.wall.0,
                    needs: as_positions(&job.needs),
                    lanes: job.lanes.iter().map(|lane| lane.0).collect(),
                })
                .collect(),
            limits: SavedLimitsV1 {
                containers: limits.containers.as_ref().map(|limit| limit.value),
                shards: limits.shards.as_ref().map(|limit| limit.value),
                minutes: limits.minutes.as_ref().map(|limit| limit.value),
                target_ms: limits.target.as_ref().map(|limit| limit.value.0),
            },
        }
    }

    /// Returns the text of the file: a service, a lane and a unit a line.
    #[must_use]
    pub fn render(&self) -> String {
        let lines = |name: &str, items: Vec<String>| {
            let items = items.iter().map(|item| format!("    {item}")).collect::<Vec<_>>().join(",\n");
            if items.is_empty() {
                format!("  \"{name}\": []")
            } else {
                format!("  \"{name}\": [\n{items}\n  ]")
            }
        };
        let mut parts = vec![
            format!("  \"version\": {}", self.version),
            lines("services", self.services.iter().map(json).collect()),
            lines("lanes", self.lanes.iter().map(json).collect()),
            lines("units", self.units.iter().map(json).collect()),
        ];
        if !self.apart.is_empty() {
            parts.push(lines("apart", self.apart.iter().map(json).collect()));
        }
        parts.push(format!("  \"floor_ms\": {}", self.floor_ms));
        parts.push(format!("  \"other_minutes\": {}", self.other_minutes));
        if self.minute_parts != 1 {
            parts.push(format!("  \"minute_parts\": {}", self.minute_parts));
        }
        if let Some(slots) = self.slots {
            parts.push(format!("  \"slots\": {slots}"));
        }
        if !self.jobs.is_empty() {
            parts.push(lines("jobs", self.jobs.iter().map(json).collect()));
        }
        parts.push(format!("  \"limits\": {}", json(&self.limits)));
        format!("{{\n{}\n}}\n", parts.join(",\n"))
    }

    /// Returns what a file holds; `path` names it in errors.
    pub fn parse(text: &str, path: &str) -> Result<Self, SavedModelError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let malformed = |error: &serde_json::Error| SavedModelError::Malformed {
            path: path.to_owned(),
            line: error.line(),
            message: error.to_string(),
        };
        match serde_json::from_str(text) {
            Ok(saved @ Self { version: SAVED_VERSION, .. }) => Ok(saved),
            Ok(Self { version, .. }) => Err(SavedModelError::Version { path: path.to_owned(), version }),
            // A later version may have other fields.
            Err(error) => match serde_json::from_str::<Versioned>(text) {
                Ok(Versioned { version }) if version != SAVED_VERSION => {
                    Err(SavedModelError::Version { path: path.to_owned(), version })
                }
                _ => Err(malformed(&error)),
            },
        }
    }

    /// Returns the problem, sorted as the model sorts it, and its limits; `path` names the file in errors and as
    /// the origin of the limits.
    pub fn problem(&self, path: &str) -> Result<(Problem, Limits), SavedModelError> {
        self.check().map_err(|(at, problem)| SavedModelError::Invalid {
            path: path.to_owned(),
            at,
            problem,
        })?;
        let name_error = |at: String| {
            move |error: crate::ids::NameError| SavedModelError::Invalid {
                path: path.to_owned(),
                at,
                problem: error.to_string(),
            }
        };
        let set =
            |positions: &[u32]| positions.iter().map(|position| ServiceIx(*position)).collect::<ServiceSet>();
        let mut problem = Problem {
            floor: Floor { at: Millis(self.floor_ms), jobs: Vec::new() },
            other_minutes: self.other_minutes,
            minute: self.minute_parts,
            ..Problem::default()
        };
        for (at, service) in self.services.iter().enumerate() {
            problem.services.push(ServiceModel {
                name: service.name.parse().map_err(name_error(format!("services[{at}].name")))?,
                kind: if service.setup { ServiceKind::Setup } else { ServiceKind::Container },
                containers: service.containers,
                pull: Millis(service.pull_ms),
                ready: Millis(service.ready_ms),
                attach: Millis(service.attach_ms),
                memory: Memory(service.memory_bytes),
            });
        }
        let pinned = || Origin::Seen(path.to_owned());
        for (at, lane) in self.lanes.iter().enumerate() {
            let runner = |(number, runner): (usize, &SavedRunnerV1)| {
                let place = format!("lanes[{at}].runners[{number}].name");
                Ok(RunnerModel {
                    name: runner.name.parse().map_err(name_error(place))?,
                    speed: runner.speed,
                    pace: runner.pace,
                    price: runner.price_parts,
                    memory: runner.memory_bytes.map(|bytes| Sourced::new(Memory(bytes), pinned())),
                })
            };
            problem.lanes.push(LaneModel {
                name: lane.name.parse().map_err(name_error(format!("lanes[{at}].name")))?,
                base: Millis(lane.base_ms),
                tail: Millis(lane.tail_ms),
                head: Millis(lane.head_ms),
                after: Millis(lane.after_ms),
                speed: lane.speed,
                services: set(&lane.services),
                max_shards: lane.max_shards.unwrap_or(u32::MAX),
                max_shards_origin: pinned(),
                memory: Memory(lane.memory_bytes),
                runner_memory: lane.runner_memory_bytes.map(|bytes| Sourced::new(Memory(bytes), pinned())),
                runners: lane.runners.iter().enumerate().map(runner).collect::<Result<_, _>>()?,
                runner: None,
                needs: lane.needs.iter().map(|job| *job as usize).collect(),
                order: if lane.keeps_order { SuiteOrder::Keep(pinned()) } else { SuiteOrder::Free },
            });
        }
        problem.slots = self.slots.map(|slots| Sourced::new(slots, pinned()));
        for (at, job) in self.jobs.iter().enumerate() {
            problem.others.push(OtherJob {
                name: job.name.parse().map_err(name_error(format!("jobs[{at}].name")))?,
                wall: Millis(job.wall_ms),
                needs: job.needs.iter().map(|job| *job as usize).collect(),
                lanes: job.lanes.iter().copied().map(LaneIx).collect(),
            });
        }
        let order = self.order_of_units();
        let mut places = vec![UnitIx(0); self.units.len()];
        for at in &order {
            let unit = &self.units[*at];
            places[*at] = problem.units.push(Unit {
                name: unit.name.clone(),
                lane: LaneIx(unit.lane),
                load: Millis(unit.load_ms),
                piece: Millis(unit.piece_ms.unwrap_or(unit.load_ms)),
                requirement: set(&unit.needs),
            });
        }
        for group in &self.apart {
            let mut units: Vec<UnitIx> = group.units.iter().map(|unit| places[*unit as usize]).collect();
            units.sort_unstable();
            problem.apart.push(Apart { name: group.name.clone(), origin: pinned(), units });
        }
        let limits = Limits {
            containers: self.limits.containers.map(|value| Sourced::new(value, pinned())),
            shards: self.limits.shards.map(|value| Sourced::new(value, pinned())),
            minutes: self.limits.minutes.map(|value| Sourced::new(value, pinned())),
            target: self.limits.target_ms.map(|value| Sourced::new(Millis(value), pinned())),
        };
        Ok((problem, limits))
    }

    /// Returns the positions of the units as a model has them, so that a plan does not depend on how they were listed: by
    /// lane and name; those of a lane that keeps its order stay in it.
    fn order_of_units(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.units.len()).collect();
        order.sort_by_key(|at| {
            let unit = &self.units[*at];
            let is_free = !self.lanes[unit.lane as usize].keeps_order;
            (unit.lane, is_free.then_some((&unit.name, unit.load_ms, unit.piece_ms, &unit.needs)))
        });
        order
    }

    /// Returns the first place where something can not be, and what.
    fn check(&self) -> Result<(), (String, String)> {
        let fail = |at: String, problem: &str| Err((at, problem.to_owned()));
        if self.units.is_empty() {
            return fail("units".to_owned(), "there are none");
        }
        if self.other_minutes > 1_000_000_000 {
            return fail("other_minutes".to_owned(), "it is at most 1000000000");
        }
        if !(1..=1_000_000).contains(&self.minute_parts) {
            return fail("minute_parts".to_owned(), "it is from 1 to 1000000");
        }
        if self.services.len() > ServiceSet::MAX_SERVICES {
            return fail("services".to_owned(), "a model holds at most 64");
        }
        let known = |positions: &[u32]| positions.iter().all(|at| (*at as usize) < self.services.len());
        let in_range = |times: &[u64]| times.iter().all(|time| *time <= LONGEST_MS);
        for (at, service) in self.services.iter().enumerate() {
            if !in_range(&[service.pull_ms, service.ready_ms, service.attach_ms]) {
                return fail(format!("services[{at}]"), "no time is over 100 days");
            }
            if service.setup && (service.containers, service.pull_ms, service.ready_ms) != (0, 0, 0) {
                return fail(format!("services[{at}]"), "a set-up takes no container and is not started");
            }
            if service.memory_bytes > MOST_BYTES {
                return fail(format!("services[{at}].memory_bytes"), "no service takes over a pebibyte");
            }
            if service.containers > 1000 {
                return fail(format!("services[{at}].containers"), "a service takes at most 1000");
            }
            if self.services[..at].iter().any(|other| other.name == service.name) {
                return fail(format!("services[{at}].name"), "it stands twice");
            }
        }
        let mut used = vec![false; self.lanes.len()];
        for (at, lane) in self.lanes.iter().enumerate() {
            if !in_range(&[lane.base_ms, lane.tail_ms, lane.head_ms, lane.after_ms]) {
                return fail(format!("lanes[{at}]"), "no time is over 100 days");
            }
            if lane.memory_bytes > MOST_BYTES {
                return fail(format!("lanes[{at}].memory_bytes"), "no tests take over a pebibyte");
            }
            if lane.speed == 0 || lane.speed > 1_000_000 {
                return fail(format!("lanes[{at}].speed"), "it is from 1 to 1000000");
            }
            if !known(&lane.services) {
                return fail(format!("lanes[{at}].services"), "there is no such service");
            }
            if self.lanes[..at].iter().any(|other| other.name == lane.name) {
                return fail(format!("lanes[{at}].name"), "it stands twice");
            }
            for (number, runner) in lane.runners.iter().enumerate() {
                let place = |key: &str| format!("lanes[{at}].runners[{number}].{key}");
                let known = &lane.runners[..number];
                if let Some((key, problem)) = runner.fault(known, self.minute_parts) {
                    return fail(place(key), problem);
                }
            }
        }
        let ways =
            self.lanes.iter().map(|lane| lane.runners.len().max(1) as u64).fold(1, u64::saturating_mul);
        if ways > Problem::MOST_WAYS {
            return fail("lanes".to_owned(), "their runners can be chosen in more than 64 ways");
        }
        for (at, unit) in self.units.iter().enumerate() {
            let Some(used) = used.get_mut(unit.lane as usize) else {
                return fail(format!("units[{at}].lane"), "there is no such lane");
            };
            *used = true;
            if !in_range(&[unit.load_ms]) {
                return fail(format!("units[{at}].load_ms"), "no time is over 100 days");
            }
            if unit.piece_ms.is_some_and(|piece| piece > unit.load_ms) {
                return fail(format!("units[{at}].piece_ms"), "a piece is no longer than the load");
            }
            if !known(&unit.needs) {
                return fail(format!("units[{at}].needs"), "there is no such service");
            }
        }
        if let Some(idle) = used.iter().position(|used| !used) {
            return fail(format!("lanes[{idle}]"), "no unit is in it");
        }
        for (at, group) in self.apart.iter().enumerate() {
            let unit = |position: &u32| self.units.get(*position as usize);
            let Some(members) = group.units.iter().map(unit).collect::<Option<Vec<_>>>() else {
                return fail(format!("apart[{at}].units"), "there is no such unit");
            };
            if members.iter().any(|unit| unit.lane != members[0].lane) {
                return fail(format!("apart[{at}].units"), "they are of several lanes");
            }
            let mut positions = group.units.clone();
            positions.sort_unstable();
            positions.dedup();
            if positions.len() < group.units.len() {
                return fail(format!("apart[{at}].units"), "a unit stands twice");
            }
        }
        self.check_jobs()?;
        if self.floor_ms > LONGEST_MS {
            return fail("floor_ms".to_owned(), "no time is over 100 days");
        }
        Ok(())
    }

    /// Returns the first place where the jobs beside the lanes, or what waits for them, can not be.
    fn check_jobs(&self) -> Result<(), (String, String)> {
        let fail = |at: String, problem: &str| Err((at, problem.to_owned()));
        // Whether a job waits for a lane, itself or by another job.
        let mut behind: Vec<bool> = Vec::new();
        for (at, job) in self.jobs.iter().enumerate() {
            if job.wall_ms > LONGEST_MS {
                return fail(format!("jobs[{at}].wall_ms"), "no time is over 100 days");
            }
            if job.needs.iter().any(|need| *need as usize >= at) {
                return fail(format!("jobs[{at}].needs"), "a job waits only for jobs before it");
            }
            if job.lanes.iter().any(|lane| *lane as usize >= self.lanes.len()) {
                return fail(format!("jobs[{at}].lanes"), "there is no such lane");
            }
            behind.push(!job.lanes.is_empty() || job.needs.iter().any(|need| behind[*need as usize]));
        }
        let is_none = |job: &u32| behind.get(*job as usize).copied().unwrap_or(true);
        if let Some(at) = self.lanes.iter().position(|lane| lane.needs.iter().any(is_none)) {
            return fail(format!("lanes[{at}].needs"), "there is no such job, or it waits for a lane itself");
        }
        if self.slots == Some(0) {
            return fail("slots".to_owned(), "one job runs at least");
        }
        Ok(())
    }
}

impl SavedRunnerV1 {
    fn new(runner: &RunnerModel) -> Self {
        Self {
            name: runner.name.to_string(),
            speed: runner.speed,
            pace: runner.pace,
            price_parts: runner.price,
            memory_bytes: runner.memory.as_ref().map(|limit| limit.value.0),
        }
    }

    /// Returns the key that says what can not be, and why; `known` are the runners before it.
    fn fault(&self, known: &[Self], minute: u64) -> Option<(&'static str, &'static str)> {
        let in_range = |speed: u64| (1..=1_000_000_000_000).contains(&speed);
        if !in_range(self.speed) {
            Some(("speed", "it is from 1 to 1000000000000"))
        } else if !in_range(self.pace) {
            Some(("pace", "it is from 1 to 1000000000000"))
        } else if self.price_parts == 0 || self.price_parts > minute.saturating_mul(100) {
            Some(("price_parts", "it is from one part to 100 minutes"))
        } else if self.memory_bytes.is_some_and(|bytes| bytes > MOST_BYTES) {
            Some(("memory_bytes", "no runner has over a pebibyte"))
        } else if known.iter().any(|other| other.name == self.name) {
            Some(("name", "it stands twice"))
        } else {
            None
        }
    }
}

fn as_positions(jobs: &[usize]) -> Vec<u32> {
    jobs.iter().filter_map(|job| u32::try_from(*job).ok()).collect()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a saved model holds only strings, numbers and lists")
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_one(value: &u64) -> bool {
    *value == 1
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_first(lane: &u32) -> bool {
    *lane == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"version":1,
"services":[{"name":"db","containers":1,"pull_ms":1,"ready_ms":2,"attach_ms":3,"memory_bytes":4}],
"lanes":[{"name":"all","base_ms":4,"speed":2000,"services":[0],"max_shards":3,"memory_bytes":5,"runner_memory_bytes":10,"needs":[0],"keeps_order":true,"runners":[{"name":"small","speed":2000,"pace":1000,"price_parts":2},{"name":"large","speed":4000,"pace":1100,"price_parts":3,"memory_bytes":9}]}],
"units":[{"name":"a","load_ms":7,"piece_ms":5,"needs":[0]},{"name":"b","load_ms":8}],
"apart":[{"name":"rivals","units":[0,1]}],"floor_ms":9,"other_minutes":1,"minute_parts":2,
"slots":2,"jobs":[{"name":"build","wall_ms":4},{"name":"gate","wall_ms":5,"needs":[0],"lanes":[0]}],"limits":{"containers":2,"target_ms":60}}"#;

    fn read(text: &str) -> Result<(Problem, Limits), String> {
        let saved = SavedModelV1::parse(text, "m.json").map_err(|error| error.to_string())?;
        saved.problem("m.json").map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let saved = SavedModelV1::parse(TEXT, "m.json").unwrap();
        let (problem, limits) = saved.problem("m.json").unwrap();
        let again = SavedModelV1::new(&problem, &limits);
        assert_eq!(again, saved);
        assert_eq!(SavedModelV1::parse(&again.render(), "m.json").unwrap(), saved);
    }

    #[test]
    fn what_can_not_be_is_named_with_its_place() {
        let fails = |from: &str, to: &str| {
            assert!(TEXT.contains(from), "{from}");
            read(&TEXT.replace(from, to)).unwrap_err()
        };
        let cases = [
            (r#""speed":2000"#, r#""speed":0"#, "m.json: lanes[0].speed: it is from 1 to 1000000"),
            (
                r#""piece_ms":5,"needs":[0]"#,
                r#""piece_ms":5,"needs":[7]"#,
                "m.json: units[0].needs: there is no such service",
            ),
            (
                r#""piece_ms":5"#,
                r#""piece_ms":9"#,
                "m.json: units[0].piece_ms: a piece is no longer than the load",
            ),
            (r#""units":[0,1]"#, r#""units":[0,0]"#, "m.json: apart[0].units: a unit stands twice"),
            (r#""units":[0,1]"#, r#""units":[0,2]"#, "m.json: apart[0].units: there is no such unit"),
            (r#""floor_ms":9"#, r#""floor_ms":9000000000000"#, "m.json: floor_ms: no time is over 100 days"),
            (r#""name":"large""#, r#""name":"small""#, "m.json: lanes[0].runners[1].name: it stands twice"),
            (
                r#""price_parts":3"#,
                r#""price_parts":0"#,
                "m.json: lanes[0].runners[1].price_parts: it is from one part to 100 minutes",
            ),
            (r#""minute_parts":2"#, r#""minute_parts":0"#, "m.json: minute_parts: it is from 1 to 1000000"),
            (r#""slots":2"#, r#""slots":0"#, "m.json: slots: one job runs at least"),
            (
                r#""needs":[0],"keeps_order""#,
                r#""needs":[1],"keeps_order""#,
                "m.json: lanes[0].needs: there is no such job, or it waits for a lane itself",
            ),
            (
                r#""wall_ms":5,"needs":[0]"#,
                r#""wall_ms":5,"needs":[1]"#,
                "m.json: jobs[1].needs: a job waits only for jobs before it",
            ),
            (
                r#""version":1"#,
                r#""version":2"#,
                "m.json: saved model version 2 is not known here: this program reads version 1",
            ),
        ];
        for (from, to, message) in cases {
            assert_eq!(fails(from, to), message);
        }
        assert!(
            fails(r#""base_ms":4"#, r#""bass_ms":4"#)
                .starts_with("m.json:3: this is no saved model: unknown field")
        );
        assert!(
            fails("\"limits\":{\"containers\":2,\"target_ms\":60}}", "").contains("this is no saved model")
        );
    }
}
