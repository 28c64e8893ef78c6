//! A tiny language for problems, and problems made at random.
//!
//! Statements are separated by `;` and may come in any order; whatever is not said is nothing, or without limit:
//!
//! ```text
//! service pg 5s+6s+2s x2 memory 3GB             pull + ready + attach; two containers, else one
//! setup corpus 30s                              paid by every shard with a unit that needs it; no container
//! lane heavy base 45s tail 2s head 3s after 9s speed 2500 shards 3 memory 1GB of 7GB serves pg redis
//! lane late keep waits build,lint                keeps its units' order; waits for other jobs
//! runner big of heavy speed 5000 pace 1100 price 2 memory 9GB    a runner that the lane may take
//! parts 2                                       of a minute; prices are in these
//! job gate 25s needs lint after heavy late      another job; with some, head, after and floor follow from them
//! unit a 30s in heavy piece 10s needs pg        in the only lane, and all of one piece, else
//! apart a b
//! floor 10s
//! minutes 3                                     billed for the other jobs
//! limit containers 4
//! limit shards 3
//! limit minutes 9
//! limit target 5m
//! limit slots 3                                 jobs that run at once
//! ```
//!
//! Problems made at random are written in it where they fail, so that they can be pasted into a test.

use std::fmt;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use shardplan::config::{Memory, Origin, Sourced};
use shardplan::ids::{IxVec, LaneIx, ServiceIx, UnitIx};
use shardplan::model::{
    Apart, Floor, LaneModel, Limits, OtherJob, Problem, ServiceKind, ServiceModel, ServiceSet, SuiteOrder,
    Unit,
};
use shardplan::time::Millis;

use crate::runners::RunnerDraft;

/// A problem and its limits, with names instead of indices, so that its parts can be taken out and changed.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) services: Vec<ServiceDraft>,
    pub(crate) lanes: Vec<LaneDraft>,
    pub(crate) units: Vec<UnitDraft>,
    pub(crate) apart: Vec<Vec<String>>,
    /// The other jobs, none before one that it waits for.
    pub(crate) jobs: Vec<JobDraft>,
    pub(crate) floor: u64,
    pub(crate) other_minutes: u64,
    /// How many parts a minute has; one where it is 0.
    pub(crate) parts: u64,
    pub(crate) limits: LimitsDraft,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JobDraft {
    pub(crate) name: String,
    pub(crate) wall: u64,
    pub(crate) needs: Vec<String>,
    pub(crate) lanes: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServiceDraft {
    pub(crate) name: String,
    pub(crate) containers: u32,
    pub(crate) pull: u64,
    pub(crate) ready: u64,
    pub(crate) attach: u64,
    pub(crate) memory: u64,
    pub(crate) is_setup: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LaneDraft {
    pub(crate) name: String,
    pub(crate) base: u64,
    pub(crate) tail: u64,
    pub(crate) head: u64,
    pub(crate) after: u64,
    pub(crate) speed: u64,
    pub(crate) serves: Vec<String>,
    pub(crate) max_shards: Option<u32>,
    pub(crate) memory: u64,
    pub(crate) runner_memory: Option<u64>,
    pub(crate) keeps_order: bool,
    pub(crate) waits: Vec<String>,
    pub(crate) runners: Vec<RunnerDraft>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnitDraft {
    pub(crate) name: String,
    pub(crate) lane: String,
    pub(crate) load: u64,
    pub(crate) piece: u64,
    pub(crate) needs: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LimitsDraft {
    pub(crate) containers: Option<u32>,
    pub(crate) shards: Option<u32>,
    pub(crate) minutes: Option<u64>,
    pub(crate) target: Option<u64>,
    pub(crate) slots: Option<u32>,
}

/// Returns the problem that the text describes.
pub(crate) fn problem(text: &str) -> Draft {
    let mut draft = Draft::default();
    for statement in text.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        let mut words = statement.split_whitespace();
        read_statement(&mut draft, &mut words).unwrap_or_else(|| panic!("can't read `{statement}`"));
        assert_eq!(words.next(), None, "`{statement}` says too much");
    }
    if let [lane] = &draft.lanes[..] {
        for unit in draft.units.iter_mut().filter(|unit| unit.lane.is_empty()) {
            unit.lane.clone_from(&lane.name);
        }
    }
    draft
}

fn read_statement<'t>(draft: &mut Draft, words: &mut impl Iterator<Item = &'t str>) -> Option<()> {
    match words.next()? {
        "service" => {
            let name = words.next()?.to_owned();
            let mut times = words.next()?.split('+').map(millis);
            let mut service = ServiceDraft {
                name,
                containers: 1,
                pull: times.next()??,
                ready: times.next()??,
                attach: times.next()??,
                memory: 0,
                is_setup: false,
            };
            while let Some(word) = words.next() {
                match word.strip_prefix('x') {
                    Some(containers) => service.containers = containers.parse().ok()?,
                    None if word == "memory" => service.memory = bytes(words.next()?)?,
                    None => return None,
                }
            }
            draft.services.push(service);
        }
        "setup" => draft.services.push(ServiceDraft::setup(words.next()?.to_owned(), millis(words.next()?)?)),
        "lane" => {
            let mut lane = LaneDraft { name: words.next()?.to_owned(), speed: 1000, ..LaneDraft::default() };
            while let Some(key) = words.next() {
                match key {
                    "base" => lane.base = millis(words.next()?)?,
                    "tail" => lane.tail = millis(words.next()?)?,
                    "head" => lane.head = millis(words.next()?)?,
                    "after" => lane.after = millis(words.next()?)?,
                    "speed" => lane.speed = words.next()?.parse().ok()?,
                    "keep" => lane.keeps_order = true,
                    "waits" => lane.waits = words.next()?.split(',').map(str::to_owned).collect(),
                    "memory" => lane.memory = bytes(words.next()?)?,
                    "of" => lane.runner_memory = Some(bytes(words.next()?)?),
                    "shards" => lane.max_shards = Some(words.next()?.parse().ok()?),
                    "serves" => lane.serves = words.by_ref().map(str::to_owned).collect(),
                    _ => return None,
                }
            }
            draft.lanes.push(lane);
        }
        "runner" => {
            let (lane, runner) = RunnerDraft::read(words)?;
            draft.lanes.iter_mut().find(|known| known.name == lane)?.runners.push(runner);
        }
        "parts" => draft.parts = words.next()?.parse().ok()?,
        "unit" => {
            let name = words.next()?.to_owned();
            let load = millis(words.next()?)?;
            let mut unit = UnitDraft { name, load, piece: load, ..UnitDraft::default() };
            while let Some(key) = words.next() {
                match key {
                    "in" => words.next()?.clone_into(&mut unit.lane),
                    "piece" => unit.piece = millis(words.next()?)?,
                    "needs" => unit.needs = words.by_ref().map(str::to_owned).collect(),
                    _ => return None,
                }
            }
            draft.units.push(unit);
        }
        "job" => {
            let mut job = JobDraft {
                name: words.next()?.to_owned(),
                wall: millis(words.next()?)?,
                ..JobDraft::default()
            };
            let mut of_lanes = false;
            for word in words.by_ref() {
                match word {
                    "needs" => of_lanes = false,
                    "after" => of_lanes = true,
                    name if of_lanes => job.lanes.push(name.to_owned()),
                    name => job.needs.push(name.to_owned()),
                }
            }
            draft.jobs.push(job);
        }
        "apart" => draft.apart.push(words.by_ref().map(str::to_owned).collect()),
        "floor" => draft.floor = millis(words.next()?)?,
        "minutes" => draft.other_minutes = words.next()?.parse().ok()?,
        "limit" => match (words.next()?, words.next()?) {
            ("containers", n) => draft.limits.containers = Some(n.parse().ok()?),
            ("shards", n) => draft.limits.shards = Some(n.parse().ok()?),
            ("minutes", n) => draft.limits.minutes = Some(n.parse().ok()?),
            ("slots", n) => draft.limits.slots = Some(n.parse().ok()?),
            ("target", span) => draft.limits.target = Some(millis(span)?),
            _ => return None,
        },
        _ => return None,
    }
    Some(())
}

fn millis(text: &str) -> Option<u64> {
    text.parse::<Millis>().ok().map(|span| span.0)
}

pub(crate) fn bytes(text: &str) -> Option<u64> {
    text.parse::<Memory>().ok().map(|memory| memory.0)
}

impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut statements = Vec::new();
        for ServiceDraft { name, containers, pull, ready, attach, memory, is_setup } in &self.services {
            if *is_setup {
                statements.push(format!("setup {name} {attach}ms"));
                continue;
            }
            statements.push(format!(
                "service {name} {pull}ms+{ready}ms+{attach}ms x{containers} memory {}MB",
                memory / Memory::MEGABYTE.0
            ));
        }
        for lane in &self.lanes {
            let LaneDraft { name, base, tail, head, after, speed, .. } = lane;
            let mut text = format!(
                "lane {name} base {base}ms tail {tail}ms head {head}ms after {after}ms speed {speed}"
            );
            if let Some(shards) = lane.max_shards {
                write!(text, " shards {shards}")?;
            }
            write!(text, " memory {}MB", lane.memory / Memory::MEGABYTE.0)?;
            if let Some(memory) = lane.runner_memory {
                write!(text, " of {}MB", memory / Memory::MEGABYTE.0)?;
            }
            if lane.keeps_order {
                text.push_str(" keep");
            }
            if !lane.waits.is_empty() {
                write!(text, " waits {}", lane.waits.join(","))?;
            }
            if !lane.serves.is_empty() {
                write!(text, " serves {}", lane.serves.join(" "))?;
            }
            statements.push(text);
            statements.extend(lane.runners.iter().map(|runner| runner.written(&lane.name)));
        }
        if self.parts > 0 {
            statements.push(format!("parts {}", self.parts));
        }
        for UnitDraft { name, lane, load, piece, needs } in &self.units {
            let mut text = format!("unit {name} {load}ms in {lane} piece {piece}ms");
            if !needs.is_empty() {
                write!(text, " needs {}", needs.join(" "))?;
            }
            statements.push(text);
        }
        for JobDraft { name, wall, needs, lanes } in &self.jobs {
            statements.push(format!(
                "job {name} {wall}ms needs {} after {}",
                needs.join(" "),
                lanes.join(" ")
            ));
        }
        statements.extend(self.apart.iter().map(|group| format!("apart {}", group.join(" "))));
        statements.push(format!("floor {}ms", self.floor));
        statements.push(format!("minutes {}", self.other_minutes));
        let LimitsDraft { containers, shards, minutes, target, slots } = self.limits;
        statements.extend(slots.map(|n| format!("limit slots {n}")));
        statements.extend(containers.map(|n| format!("limit containers {n}")));
        statements.extend(shards.map(|n| format!("limit shards {n}")));
        statements.extend(minutes.map(|n| format!("limit minutes {n}")));
        statements.extend(target.map(|ms| format!("limit target {ms}ms")));
        f.write_str(&statements.join("; "))
    }
}

/// A failed case shows itself in the language.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Draft {
    /// Returns the problem as the model makes it: everything sorted by name, units by lane first.
    pub(crate) fn build(&self) -> (Problem, Limits) {
        let mut sorted = self.clone();
        sorted.services.sort_by(|a, b| a.name.cmp(&b.name));
        sorted.lanes.sort_by(|a, b| a.name.cmp(&b.name));
        sorted.units.sort_by(|a, b| (&a.lane, &a.name).cmp(&(&b.lane, &b.name)));
        sorted.build_as_declared()
    }

    /// Returns the problem with everything in the order in which it is declared.
    pub(crate) fn build_as_declared(&self) -> (Problem, Limits) {
        let service = |name: &String| -> ServiceIx {
            ServiceIx(position(self.services.iter().map(|service| &service.name), name))
        };
        let set = |names: &[String]| -> ServiceSet { names.iter().map(service).collect() };
        let job = |name: &String| position(self.jobs.iter().map(|job| &job.name), name) as usize;
        let jobs = |names: &[String]| -> Vec<usize> { names.iter().map(job).collect() };
        let unit = |name: &String| UnitIx(position(self.units.iter().map(|unit| &unit.name), name));
        let lane = |name: &String| LaneIx(position(self.lanes.iter().map(|lane| &lane.name), name));
        let mut problem = Problem {
            services: self.services.iter().map(ServiceDraft::build).collect(),
            lanes: self.lanes.iter().map(|lane| lane.build(set(&lane.serves), jobs(&lane.waits))).collect(),
            units: self
                .units
                .iter()
                .map(|unit| Unit {
                    name: unit.name.clone(),
                    lane: lane(&unit.lane),
                    load: Millis(unit.load),
                    piece: Millis(unit.piece),
                    requirement: set(&unit.needs),
                })
                .collect::<IxVec<_, _>>(),
            apart: self
                .apart
                .iter()
                .enumerate()
                .map(|(at, group)| {
                    let mut units: Vec<UnitIx> = group.iter().map(unit).collect();
                    units.sort_unstable();
                    Apart { name: format!("group{at}"), origin: Origin::Default, units }
                })
                .collect(),
            floor: Floor { at: Millis(self.floor), jobs: Vec::new() },
            other_minutes: self.other_minutes,
            others: self
                .jobs
                .iter()
                .map(|job| OtherJob {
                    name: job.name.parse().unwrap(),
                    wall: Millis(job.wall),
                    needs: jobs(&job.needs),
                    lanes: job.lanes.iter().map(lane).collect(),
                })
                .collect(),
            slots: self.limits.slots.map(|n| Sourced::new(n, Origin::Default)),
            minute: self.parts.max(1),
        };
        if !problem.others.is_empty() {
            put_jobs_around(&mut problem);
        }
        (problem, self.limits.build())
    }

    /// Returns every time multiplied, the limits on time too.
    pub(crate) fn slower(&self, factor: u64) -> Self {
        let mut slower = self.clone();
        for service in &mut slower.services {
            service.pull *= factor;
            service.ready *= factor;
            service.attach *= factor;
        }
        for lane in &mut slower.lanes {
            lane.base *= factor;
            lane.tail *= factor;
            lane.head *= factor;
            lane.after *= factor;
        }
        for unit in &mut slower.units {
            unit.load *= factor;
            unit.piece *= factor;
        }
        for job in &mut slower.jobs {
            job.wall *= factor;
        }
        slower.floor *= factor;
        slower.limits.target = slower.limits.target.map(|target| target * factor);
        slower
    }
}

/// Works out what comes before and after each lane, and the floor, from the other jobs.
fn put_jobs_around(problem: &mut Problem) {
    let jobs = problem.others.clone();
    let latest = |ends: &[u64], needs: &[usize]| needs.iter().map(|job| ends[*job]).max().unwrap_or(0);
    // A lane's head is known once the jobs before it are: none of them waits for a lane.
    let mut ends: Vec<u64> = Vec::new();
    for job in &jobs {
        let before =
            job.lanes.iter().map(|lane| latest(&ends, &problem.lanes[*lane].needs)).max().unwrap_or(0);
        ends.push(job.wall.0 + before.max(latest(&ends, &job.needs)));
    }
    let mut ways: Vec<u64> = vec![0; jobs.len()];
    for at in (0..jobs.len()).rev() {
        let behind =
            (0..jobs.len()).filter(|later| jobs[*later].needs.contains(&at)).map(|later| ways[later]).max();
        ways[at] = jobs[at].wall.0 + behind.unwrap_or(0);
    }
    for lane in problem.lanes.indices() {
        let behind =
            (0..jobs.len()).filter(|job| jobs[*job].lanes.contains(&lane)).map(|job| ways[job]).max();
        let head = latest(&ends, &problem.lanes[lane].needs);
        problem.lanes[lane].head = Millis(head);
        problem.lanes[lane].after = Millis(behind.unwrap_or(0));
    }
    problem.floor.at = Millis(ends.into_iter().max().unwrap_or(0));
}

fn position<'n>(mut names: impl Iterator<Item = &'n String>, name: &String) -> u32 {
    let position = names.position(|other| other == name);
    u32::try_from(position.unwrap_or_else(|| panic!("`{name}` is declared"))).unwrap()
}

impl ServiceDraft {
    fn setup(name: String, time: u64) -> Self {
        Self { name, attach: time, is_setup: true, ..Self::default() }
    }

    fn build(&self) -> ServiceModel {
        ServiceModel {
            name: self.name.parse().unwrap(),
            kind: if self.is_setup { ServiceKind::Setup } else { ServiceKind::Container },
            containers: self.containers,
            pull: Millis(self.pull),
            ready: Millis(self.ready),
            attach: Millis(self.attach),
            memory: Memory(self.memory),
        }
    }
}

impl LaneDraft {
    fn build(&self, services: ServiceSet, needs: Vec<usize>) -> LaneModel {
        LaneModel {
            name: self.name.parse().unwrap(),
            base: Millis(self.base),
            tail: Millis(self.tail),
            head: Millis(self.head),
            after: Millis(self.after),
            speed: self.speed,
            services,
            max_shards: self.max_shards.unwrap_or(u32::MAX),
            max_shards_origin: Origin::Default,
            memory: Memory(self.memory),
            runner_memory: self.runner_memory.map(|bytes| Sourced::new(Memory(bytes), Origin::Default)),
            runners: self.runners.iter().map(RunnerDraft::build).collect(),
            runner: None,
            needs,
            order: if self.keeps_order { SuiteOrder::Keep(Origin::Default) } else { SuiteOrder::Free },
        }
    }
}

impl LimitsDraft {
    fn build(self) -> Limits {
        Limits {
            containers: self.containers.map(|n| Sourced::new(n, Origin::Default)),
            shards: self.shards.map(|n| Sourced::new(n, Origin::Default)),
            minutes: self.minutes.map(|n| Sourced::new(n, Origin::Default)),
            target: self.target.map(|ms| Sourced::new(Millis(ms), Origin::Default)),
        }
    }
}

/// Problems small enough for the oracle, of every kind.
pub(crate) fn small_problems() -> impl Strategy<Value = Draft> {
    (0usize..=5, 1usize..=3, 0usize..=8).prop_flat_map(|(services, lanes, units)| {
        let loads = prop_oneof![
            1 => Just(0),
            1 => 1u64..20,
            6 => 1u64..60_000,
            1 => 100_000u64..300_000,
        ];
        let parts = (
            service_drafts(services),
            lane_drafts(lanes, services),
            unit_drafts(units, lanes, services, loads.boxed()),
            prop::collection::vec(prop::collection::vec(any::<Index>(), 2..5), 0..3),
            prop_oneof![3 => Just(0), 1 => 1u64..250_000],
            0u64..3,
            limits(),
            (prop::option::weighted(0.3, 1u32..5), job_drafts(lanes)),
        );
        parts.prop_map(
            |(services, mut lanes, units, apart, floor, other_minutes, mut limits, (slots, jobs))| {
                let apart = apart.iter().filter_map(|group| apart_group(&units, group)).collect();
                limits.slots = slots;
                let (mut jobs, mut floor) = (jobs, floor);
                // Who takes runners must be known as a job: nothing else comes before or after a lane then.
                if slots.is_none() {
                    jobs.clear();
                } else {
                    floor = 0;
                }
                let before: Vec<String> =
                    jobs.iter().filter(|job| job.name.starts_with('b')).map(|job| job.name.clone()).collect();
                for lane in &mut lanes {
                    lane.waits.retain(|name| before.contains(name));
                    if slots.is_some() {
                        (lane.head, lane.after) = (0, 0);
                    }
                }
                Draft { services, lanes, units, apart, jobs, floor, other_minutes, parts: 0, limits }
            },
        )
    })
}

/// Problems as large as real ones: many units, few services and requirements, one limit on containers.
pub(crate) fn large_problems(
    units: std::ops::Range<usize>,
    loads: BoxedStrategy<u64>,
) -> impl Strategy<Value = Draft> {
    let requirements = prop::collection::vec(subsequence(names("s", 4), 0..=4), 12);
    (units, requirements).prop_flat_map(move |(units, requirements)| {
        let unit = (loads.clone(), select(requirements), select(names("l", 2)), 0u64..=1000);
        (
            service_drafts(4),
            lane_drafts(2, 4),
            prop::collection::vec(unit, units),
            4u32..30,
            prop_oneof![Just(0), 1u64..250_000],
        )
            .prop_map(|(services, mut lanes, units, containers, floor)| {
                for lane in &mut lanes {
                    lane.max_shards = None;
                    lane.runner_memory = None;
                    lane.keeps_order = false;
                    lane.waits.clear();
                }
                let units = units.into_iter().enumerate().map(|(at, (load, needs, lane, piece))| UnitDraft {
                    name: format!("u{at:04}"),
                    lane,
                    load,
                    piece: load * piece / 1000,
                    needs,
                });
                Draft {
                    services,
                    lanes,
                    units: units.collect(),
                    floor,
                    limits: LimitsDraft {
                        containers: Some(containers),
                        shards: Some(20),
                        ..LimitsDraft::default()
                    },
                    ..Draft::default()
                }
            })
    })
}

/// Returns the units that the indices choose, as far as they are of the lane of the first.
fn apart_group(units: &[UnitDraft], group: &[Index]) -> Option<Vec<String>> {
    let first = group.first()?.get(units.get(..).filter(|units| !units.is_empty())?);
    let mut names: Vec<String> = group
        .iter()
        .map(|index| index.get(units))
        .filter(|unit| unit.lane == first.lane)
        .map(|unit| unit.name.clone())
        .collect();
    names.sort();
    names.dedup();
    (names.len() > 1).then_some(names)
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|at| format!("{prefix}{at}")).collect()
}

fn megabytes(count: std::ops::Range<u64>) -> impl Strategy<Value = u64> + Clone {
    count.prop_map(|count| count * Memory::MEGABYTE.0)
}

fn overhead() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(0), 1 => 1u64..20, 3 => 1u64..30_000]
}

fn service_drafts(count: usize) -> impl Strategy<Value = Vec<ServiceDraft>> {
    let containers = prop_oneof![1 => Just(0u32), 6 => Just(1u32), 1 => Just(2u32)];
    let memory = prop_oneof![1 => Just(0), 2 => megabytes(1..2_000)];
    let is_setup = prop::bool::weighted(0.2);
    prop::collection::vec((containers, overhead(), overhead(), overhead(), memory, is_setup), count).prop_map(
        |services| {
            services
                .into_iter()
                .enumerate()
                .map(|(at, (containers, pull, ready, attach, memory, is_setup))| {
                    if is_setup {
                        return ServiceDraft::setup(format!("s{at}"), attach);
                    }
                    ServiceDraft {
                        name: format!("s{at}"),
                        containers,
                        pull,
                        ready,
                        attach,
                        memory,
                        is_setup: false,
                    }
                })
                .collect()
        },
    )
}

fn lane_drafts(count: usize, services: usize) -> impl Strategy<Value = Vec<LaneDraft>> {
    let speed = prop_oneof![2 => Just(1000u64), 1 => 1u64..8000];
    let max_shards = prop_oneof![4 => Just(None), 1 => (1u32..5).prop_map(Some)];
    let serves = prop_oneof![2 => Just(Vec::new()), 1 => subsequence(names("s", services), 0..=services)];
    let around = prop_oneof![2 => Just(0u64), 1 => 1u64..60_000];
    let memory = (
        prop_oneof![Just(0), megabytes(1..1_000)],
        prop_oneof![5 => Just(None), 2 => megabytes(1..6_000).prop_map(Some)],
        prop::bool::weighted(0.15),
        subsequence(names("b", 2), 0..=2),
    );
    let lane = (overhead(), overhead(), around.clone(), around, speed, serves, max_shards, memory);
    prop::collection::vec(lane, count).prop_map(|lanes| {
        lanes
            .into_iter()
            .enumerate()
            .map(
                |(
                    at,
                    (
                        base,
                        tail,
                        head,
                        after,
                        speed,
                        serves,
                        max_shards,
                        (memory, runner_memory, keeps_order, waits),
                    ),
                )| {
                    LaneDraft {
                        name: format!("l{at}"),
                        base,
                        tail,
                        head,
                        after,
                        speed,
                        serves,
                        max_shards,
                        memory,
                        runner_memory,
                        keeps_order,
                        waits,
                        runners: Vec::new(),
                    }
                },
            )
            .collect()
    })
}

/// Up to two jobs before lanes and two beside or after them.
fn job_drafts(lanes: usize) -> impl Strategy<Value = Vec<JobDraft>> {
    let wall = prop_oneof![1 => Just(0u64), 6 => 1u64..60_000];
    let job =
        (wall, subsequence(names("b", 2), 0..=2), subsequence(names("l", lanes), 0..=lanes), any::<bool>());
    (prop::collection::vec(job.clone(), 0..=2), prop::collection::vec(job, 0..=2)).prop_map(
        |(before, others)| {
            let mut jobs: Vec<JobDraft> = Vec::new();
            for (name, (wall, mut needs, lanes, chained)) in
                names("b", 2).into_iter().zip(before).chain(names("j", 2).into_iter().zip(others))
            {
                needs.retain(|need| jobs.iter().any(|job| job.name == *need));
                if chained && name == "j1" && jobs.iter().any(|job| job.name == "j0") {
                    needs.push("j0".to_owned());
                }
                let lanes = if name.starts_with('b') { Vec::new() } else { lanes };
                jobs.push(JobDraft { name, wall, needs, lanes });
            }
            jobs
        },
    )
}

fn unit_drafts(
    count: usize,
    lanes: usize,
    services: usize,
    loads: BoxedStrategy<u64>,
) -> impl Strategy<Value = Vec<UnitDraft>> {
    let needs = prop_oneof![
        1 => Just(Vec::new()),
        3 => subsequence(names("s", services), 0..=services.min(3)),
    ];
    let unit = (loads, select(names("l", lanes)), needs, 0u64..=1000);
    prop::collection::vec(unit, count).prop_map(|units| {
        units
            .into_iter()
            .enumerate()
            .map(|(at, (load, lane, needs, piece))| UnitDraft {
                name: format!("u{at}"),
                lane,
                load,
                piece: load * piece / 1000,
                needs,
            })
            .collect()
    })
}

/// Limits from hopeless to loose; mostly only one or two at a time.
fn limits() -> impl Strategy<Value = LimitsDraft> {
    (
        prop::option::weighted(0.6, 0u32..16),
        prop::option::weighted(0.3, 0u32..8),
        prop::option::weighted(0.25, 0u64..20),
        prop::option::weighted(0.25, 0u64..300_000),
    )
        .prop_map(|(containers, shards, minutes, target)| LimitsDraft {
            containers,
            shards,
            minutes,
            target,
            slots: None,
        })
}

proptest! {
    #![proptest_config(crate::cases(256))]

    #[test]
    fn what_the_language_writes_it_reads_again(draft in small_problems()) {
        prop_assert_eq!(problem(&draft.to_string()), draft);
    }

    #[test]
    fn random_problems_are_as_the_model_promises(draft in small_problems()) {
        let (problem, _) = draft.build();
        for unit in &problem.units {
            prop_assert!(unit.piece <= unit.load);
        }
        for group in &problem.apart {
            prop_assert!(group.units.len() > 1 && group.units.is_sorted_by(|a, b| a < b));
            let lane = problem.units[group.units[0]].lane;
            prop_assert!(group.units.iter().all(|unit| problem.units[*unit].lane == lane));
        }
    }
}

#[test]
fn a_text_says_what_the_problem_is() {
    let (problem, limits) = problem(
        "lane heavy base 45s serves pg; service redis 1s+2s+3s x2; service pg 5s+6s+2s; \
         unit b 20s needs redis; unit a 30s piece 10s; apart b a; floor 10s; limit containers 4",
    )
    .build();
    let names: Vec<&str> = problem.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["pg", "redis"]);
    assert_eq!(problem.units[UnitIx(0)].piece, Millis::from_secs(10));
    assert_eq!(problem.needed(UnitIx(1)), ServiceSet::from_iter([ServiceIx(0), ServiceIx(1)]));
    assert_eq!(problem.apart[0].units, [UnitIx(0), UnitIx(1)]);
    assert_eq!(limits.containers.map(|limit| limit.value), Some(4));
}
