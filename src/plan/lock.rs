//! `shardplan.lock`: the pinned plan.
//!
//! It is TOML, sorted, a selector a line, so that a change of the plan reads well in a review. A re-run uses
//! the lock, so a test does not hop to another shard because durations changed in between. A selector is a
//! file, a class (`file::Class`) or a node id; a test belongs to the longest that fits it, and a test that
//! none fits to the shard that [`super::Router`] says.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Plan;
use super::lock_text::read_quickly;
use super::selection::{LaneV1, LockedLane, LockedService, ServiceV1};
use crate::config::{Budget, Config, Origin, Sourced};
use crate::ids::{LaneName, RunnerName, ServiceName, ShardName};
use crate::model::{LaneModel, Leeway, Limits, Model, RunnerModel, ServiceSet, SuiteOrder};
use crate::time::{Millis, ParseToleranceError};

/// The pinned plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The lanes, each shard's among them.
    pub lanes: Vec<LockedLane>,
    /// The services that a shard may start.
    pub services: Vec<LockedService>,
    /// The shards, by lane, then by name.
    pub shards: Vec<LockedShard>,
    /// The digest of what the plan was made from.
    pub inputs: String,
    /// What the plan was to keep within.
    pub limits: Limits,
    /// How many jobs were to run at once.
    pub slots: Option<Sourced<u32>>,
    /// How much later than the earliest it was allowed to end, and what for.
    pub leeway: Leeway,
}

/// A shard of the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedShard {
    /// Its name.
    pub name: ShardName,
    /// Its lane.
    pub lane: LaneName,
    /// The runner that it is on, where its lane has a choice.
    pub runner: Option<RunnerName>,
    /// The services that it starts.
    pub services: Vec<ServiceName>,
    /// Services that tests of it name and that are not started for them: the plan says why.
    pub without: Vec<ServiceName>,
    /// The selectors of its tests, sorted.
    pub units: Vec<String>,
    /// What it was expected to take.
    pub predicted: PredictedShard,
}

/// What a shard was expected to take when the lock was written; zero where that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PredictedShard {
    /// Its job, in the mean.
    pub wall: Millis,
    /// Its job, in nine of ten runs.
    pub p90: Millis,
    /// Its tests, by all its workers.
    pub run: Millis,
    /// Its tests, one after the other.
    pub load: Millis,
    /// How many tests.
    pub tests: usize,
}

/// A lock that can not be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It is not TOML of the form of a lock.
    #[error("{path}:{line}: this is no lock: {message}")]
    Malformed {
        /// The file.
        path: String,
        /// The line.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// It was written by a later program.
    #[error("{path}: lock version {version} is not known here: this program reads version {}", LOCK_VERSION)]
    Version {
        /// The file.
        path: String,
        /// Its version.
        version: u32,
    },
    /// A selector stands twice.
    #[error("{path}: `{selector}` stands twice, in shard `{}` and in shard `{}`", shards[0], shards[1])]
    Twice {
        /// The file.
        path: String,
        /// The selector.
        selector: String,
        /// The shards.
        shards: [ShardName; 2],
    },
    /// Two shards bear one name.
    #[error("{path}: two shards are called `{name}`")]
    SameName {
        /// The file.
        path: String,
        /// The name.
        name: ShardName,
    },
}

const LOCK_VERSION: u32 = 1;

const PREAMBLE: &str = "# The plan of `shardplan suggest --write`. Commit it: runs and re-runs follow it until it is written anew.\n\n";

/// The file's form.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LockV1 {
    version: u32,
    /// The digest of what the plan was made from.
    inputs: String,
    limits: LimitsV1,
    predicted: PredictedV1,
    #[serde(rename = "lane", default)]
    lanes: Vec<LaneV1>,
    #[serde(rename = "service", default)]
    services: Vec<ServiceV1>,
    #[serde(rename = "shard", default)]
    pub(super) shards: Vec<ShardV1>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsV1 {
    #[serde(skip_serializing_if = "Option::is_none")]
    containers: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shards: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minutes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slots: Option<u32>,
    /// Where it is not the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    tolerance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cheapest_within: Option<String>,
}

/// What the plan was expected to take when it was made.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PredictedV1 {
    end_ms: u64,
    p90_ms: u64,
    bound_ms: u64,
    minutes: u64,
    containers: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShardV1 {
    name: ShardName,
    lane: LaneName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runner: Option<RunnerName>,
    #[serde(default)]
    services: Vec<ServiceName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    without: Vec<ServiceName>,
    #[serde(default)]
    wall_ms: u64,
    #[serde(default)]
    p90_ms: u64,
    #[serde(default)]
    run_ms: u64,
    #[serde(default)]
    load_ms: u64,
    #[serde(default)]
    tests: usize,
    pub(super) units: Vec<String>,
}

impl Lock {
    /// Returns the lock that a file holds; `path` names it in errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, LockError> {
        let path = path.display().to_string();
        let malformed = |error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = 1 + before.matches('\n').count();
            LockError::Malformed { path: path.clone(), line, message: error.message().to_owned() }
        };
        let quick = read_quickly(text).filter(|file| file.version == LOCK_VERSION);
        let file = if let Some(file) = quick {
            file
        } else {
            let versioned: BTreeMap<String, toml::Value> = toml::from_str(text).map_err(malformed)?;
            if let Some(version) = versioned.get("version").and_then(toml::Value::as_integer)
                && version != i64::from(LOCK_VERSION)
            {
                return Err(LockError::Version { path, version: u32::try_from(version).unwrap_or(0) });
            }
            toml::from_str(text).map_err(malformed)?
        };
        let mut names = BTreeSet::new();
        if let Some(shard) = file.shards.iter().find(|shard| !names.insert(&shard.name)) {
            return Err(LockError::SameName { path, name: shard.name.clone() });
        }
        if let Some((selector, shards)) = first_repeated(&file.shards) {
            let (selector, shards) = (selector.to_owned(), shards.map(Clone::clone));
            return Err(LockError::Twice { path, selector, shards });
        }
        let locked = |shard: ShardV1| LockedShard {
            name: shard.name,
            lane: shard.lane,
            runner: shard.runner,
            services: shard.services,
            without: shard.without,
            units: shard.units,
            predicted: PredictedShard {
                wall: Millis(shard.wall_ms),
                p90: Millis(shard.p90_ms),
                run: Millis(shard.run_ms),
                load: Millis(shard.load_ms),
                tests: shard.tests,
            },
        };
        let pinned = || Origin::Seen(path.clone());
        let limits = Limits {
            containers: file.limits.containers.map(|value| Sourced::new(value, pinned())),
            shards: file.limits.shards.map(|value| Sourced::new(value, pinned())),
            minutes: file.limits.minutes.map(|value| Sourced::new(value, pinned())),
            target: file.limits.target_ms.map(|value| Sourced::new(Millis(value), pinned())),
        };
        let slots = file.limits.slots.map(|value| Sourced::new(value, pinned()));
        let unusable = |message| LockError::Malformed { path: path.clone(), line: 1, message };
        let allowed = |text: Option<&String>| {
            let parsed = text.map(|text| text.parse().map(|value| Sourced::new(value, pinned())));
            parsed.transpose().map_err(|error: ParseToleranceError| unusable(error.to_string()))
        };
        let tolerance = allowed(file.limits.tolerance.as_ref())?;
        let leeway =
            Leeway::new(tolerance, allowed(file.limits.cheapest_within.as_ref())?, &Budget::default());
        let lanes = file.lanes.into_iter().map(LaneV1::into_lane).collect::<Result<Vec<_>, _>>();
        let mut lanes = lanes.map_err(unusable)?;
        for shard in &file.shards {
            if lanes.iter().all(|lane| lane.name != shard.lane) {
                lanes.push(LockedLane::of_everything(shard.lane.clone()));
            }
        }
        let services = file.services.into_iter().map(ServiceV1::into_service).collect::<Result<_, _>>();
        Ok(Self {
            lanes,
            services: services.map_err(unusable)?,
            shards: file.shards.into_iter().map(locked).collect(),
            inputs: file.inputs,
            limits,
            slots,
            leeway,
        })
    }

    /// Returns the text of the lock that pins a plan.
    #[must_use]
    pub fn render(config: &Config, model: &Model, plan: &Plan) -> String {
        let limits = &plan.limits;
        let names = |set: ServiceSet| set.iter().map(|ix| model.problem.services[ix].name.clone()).collect();
        let shard = |shard: &super::PlannedShard| {
            let tests = shard.units.iter().flat_map(|unit| &model.units[*unit].tests);
            let reached =
                tests.fold(ServiceSet::EMPTY, |all, test| all.union(model.graph.requirement(*test)));
            let selectors = shard.units.iter().flat_map(|unit| &model.units[*unit].selectors);
            let units: BTreeSet<&String> = selectors.collect();
            ShardV1 {
                name: shard.name.clone(),
                lane: model.problem.lanes[shard.lane].name.clone(),
                runner: shard.runner.clone(),
                services: names(shard.services),
                without: names(reached.without(shard.services)),
                wall_ms: shard.times.wall().0,
                p90_ms: shard.forecast.p90.0,
                run_ms: shard.times.run.0,
                load_ms: shard.times.load.0,
                tests: shard.tests,
                units: units.into_iter().cloned().collect(),
            }
        };
        let file = LockV1 {
            version: LOCK_VERSION,
            inputs: digest(model, plan),
            limits: LimitsV1 {
                containers: limits.containers.as_ref().map(|limit| limit.value),
                shards: limits.shards.as_ref().map(|limit| limit.value),
                minutes: limits.minutes.as_ref().map(|limit| limit.value),
                target_ms: limits.target.as_ref().map(|limit| limit.value.0),
                slots: model.problem.slots.as_ref().map(|slots| slots.value),
                tolerance: other_than_usual(&plan.leeway),
                cheapest_within: plan.leeway.cheapest_within.as_ref().map(|within| within.value.to_string()),
            },
            predicted: PredictedV1 {
                end_ms: plan.end.0,
                p90_ms: plan.forecast.p90.0,
                bound_ms: plan.bound.at.0,
                minutes: plan.minutes,
                containers: plan.containers,
            },
            lanes: LaneV1::all_of(config),
            services: ServiceV1::all_of(config),
            shards: plan.shards.iter().map(shard).collect(),
        };
        let body = toml::to_string_pretty(&file).expect("a lock has only strings, numbers and lists");
        format!("{PREAMBLE}{body}")
    }

    /// Returns which selector belongs to which shard.
    #[must_use]
    pub fn owners(&self) -> Owners<'_> {
        let shards = self.shards.iter().enumerate();
        let owned = shards
            .flat_map(|(at, shard)| shard.units.iter().map(move |unit| ((&shard.lane, unit.as_str()), at)));
        Owners(owned.collect())
    }
}

/// Which selector belongs to which shard, by position in the lock.
#[derive(Clone, Debug)]
pub struct Owners<'l>(BTreeMap<(&'l LaneName, &'l str), usize>);

impl Owners<'_> {
    /// Returns the shard of a test or selector of a lane: that of the longest selector that fits it.
    #[must_use]
    pub fn of(&self, lane: &LaneName, id: &str) -> Option<usize> {
        let mut prefix = id;
        loop {
            if let Some(shard) = self.0.get(&(lane, prefix)) {
                return Some(*shard);
            }
            // Parameters may hold `::` and `/`, and a folder may hold `[`.
            let names = prefix.find("::").unwrap_or(prefix.len());
            let end = match prefix[names..].find('[') {
                Some(parameters) => names + parameters,
                // nextest parts a binary from its test by `$`.
                None => prefix.rfind("::").max(prefix.rfind('$')).or_else(|| prefix.rfind('/'))?,
            };
            prefix = &prefix[..end];
        }
    }
}

/// Returns the first selector that a lane has had before, with the shards that have it.
///
/// Two lanes may share a file: by marks, each takes its own tests of it. Of a large lock this is most of the work, so the
/// names are compared by their hashes, which lie close together, and only where these are the same as such.
fn first_repeated(shards: &[ShardV1]) -> Option<(&str, [&ShardName; 2])> {
    let hasher = foldhash::fast::RandomState::default();
    let mut seen: Vec<(u64, usize, usize)> =
        Vec::with_capacity(shards.iter().map(|shard| shard.units.len()).sum());
    for (at, shard) in shards.iter().enumerate() {
        seen.extend(
            shard.units.iter().enumerate().map(|(unit_at, unit)| (hasher.hash_one(unit), at, unit_at)),
        );
    }
    seen.sort_unstable();
    let named =
        |(_, shard, unit): &(u64, usize, usize)| (&shards[*shard].lane, shards[*shard].units[*unit].as_str());
    let repeated = |alike: &[(u64, usize, usize)]| {
        (1..alike.len()).find_map(|at| {
            let first = alike[..at].iter().find(|before| named(before) == named(&alike[at]))?;
            Some([*first, alike[at]])
        })
    };
    let all = seen.chunk_by(|one, other| one.0 == other.0).filter_map(repeated);
    let [first, second] = all.min_by_key(|[_, (_, shard, unit)]| (*shard, *unit))?;
    Some((named(&second).1, [&shards[first.1].name, &shards[second.1].name]))
}

/// Returns the identity of a lock by its text: results bear it. What Git does to the ends of lines changes nothing.
#[must_use]
pub fn identity(text: &str) -> String {
    let mut hasher = Sha256::new();
    let mut lines = text.split("\r\n").peekable();
    while let Some(line) = lines.next() {
        hasher.update(line);
        if lines.peek().is_some() {
            hasher.update("\n");
        }
    }
    let digits = hasher.finalize().iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
    format!("sha256:{digits}")
}

/// Returns the tolerance where it is not the default.
fn other_than_usual(leeway: &Leeway) -> Option<String> {
    let tolerance = leeway.tolerance.value;
    (tolerance != Leeway::DEFAULT_TOLERANCE).then(|| tolerance.to_string())
}

/// Returns the digest of everything that decides the plan: the units with their times and needs, the lanes and
/// services with theirs, the limits.
fn digest(model: &Model, plan: &Plan) -> String {
    let problem = &model.problem;
    let mut hasher = blake3::Hasher::new();
    let mut line = |text: String| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for service in &problem.services {
        line(format!(
            "{} {} {} {} {}",
            service.name, service.containers, service.pull.0, service.ready.0, service.attach.0
        ));
    }
    for lane in &problem.lanes {
        let services: Vec<u32> = lane.services.iter().map(|service| service.0).collect();
        line(format!(
            "{} {} {} {} {} {} {} {services:?}",
            lane.name, lane.base.0, lane.tail.0, lane.head.0, lane.after.0, lane.speed, lane.max_shards
        ));
    }
    for (ix, unit) in problem.units.iter_enumerated() {
        let needs: Vec<u32> = unit.requirement.iter().map(|service| service.0).collect();
        line(format!("{} {} {} {needs:?}", unit.lane.0, unit.load.0, unit.piece.0));
        model.units[ix].selectors.iter().for_each(|selector| line(selector.clone()));
    }
    // What is not limited does not decide the plan, so that the digest of such a plan stays what it was.
    let is_limited = |lane: &LaneModel| lane.runner_memory.is_some() || lane.most_memory().is_some();
    if problem.lanes.iter().any(is_limited) {
        for lane in &problem.lanes {
            let limit = lane.runner_memory.as_ref().map(|limit| limit.value.0);
            line(format!("memory {} {} {limit:?}", lane.name, lane.memory.0));
        }
        let taken: Vec<u64> = problem.services.iter().map(|service| service.memory.0).collect();
        line(format!("memory {taken:?}"));
    }
    for lane in &problem.lanes {
        for RunnerModel { name, speed, pace, price, memory } in &lane.runners {
            let memory = memory.as_ref().map(|limit| limit.value.0);
            line(format!(
                "runner {} {name} {speed} {pace} {price} of {} {memory:?}",
                lane.name, problem.minute
            ));
        }
    }
    for lane in problem.lanes.iter().filter(|lane| lane.order != SuiteOrder::Free) {
        line(format!("order {}", lane.name));
    }
    if let Some(slots) = &problem.slots {
        line(format!("slots {}", slots.value));
        for job in &problem.others {
            line(format!("{} {} {:?} {:?}", job.name, job.wall.0, job.needs, job.lanes));
        }
    }
    for group in &problem.apart {
        line(format!("{} {:?}", group.name, group.units.iter().map(|unit| unit.0).collect::<Vec<_>>()));
    }
    let limits = &plan.limits;
    line(format!(
        "{} {} {:?} {:?} {:?} {:?}",
        problem.floor.at.0,
        problem.other_minutes,
        limits.containers.as_ref().map(|limit| limit.value),
        limits.shards.as_ref().map(|limit| limit.value),
        limits.minutes.as_ref().map(|limit| limit.value),
        limits.target.as_ref().map(|limit| limit.value.0),
    ));
    let within = plan.leeway.cheapest_within.as_ref().map(|within| within.value.to_string());
    for leeway in other_than_usual(&plan.leeway).into_iter().chain(within) {
        line(leeway);
    }
    format!("blake3:{}", hasher.finalize().to_hex())
}
