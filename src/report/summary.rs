//! All that is worked out about a plan before it is shown: renderers only format.

use super::moves::MovesSummary;
use super::sentences::{self, plural};
use crate::config::{Config, Memory};
use crate::estimate::{Estimates, Level, Overheads};
use crate::ids::ServiceName;
use crate::model::{Model, ServiceKind, ServiceModel};
use crate::plan::{Plan, PlannedShard, Saving};
use crate::solve::{BoundReason, Frontier, Limiting, Solution};
use crate::time::Millis;

/// A plan, as it is shown.
#[derive(Clone, Debug)]
pub struct PlanSummary {
    /// When the workflow ends.
    pub end: Millis,
    /// When it ends in one of two runs.
    pub p50: Millis,
    /// When it ends in nine of ten runs.
    pub p90: Millis,
    /// When it ends at the earliest within the limits, before anything was given up for a lower bill or fewer moves.
    pub fastest: Millis,
    /// No plan within the limits ends earlier.
    pub bound: Millis,
    /// What stands in the way of an earlier end, as a word for machines.
    pub bound_reason: &'static str,
    /// What stands in the way of an earlier end.
    pub binding: String,
    /// How far the end is from the bound, as a share.
    pub gap: f64,
    /// Billed minutes of all jobs.
    pub minutes: u64,
    /// Service containers of all shards.
    pub containers: u32,
    /// The limits, by name.
    pub limits: Vec<(&'static str, String)>,
    /// The shards.
    pub shards: Vec<ShardLine>,
    /// The jobs on the path that decides the end, a shard among them.
    pub critical_path: Vec<String>,
    /// What the team runs today, and plans made by hand, on the same estimates.
    pub others: Vec<OtherPlan>,
    /// What the next steps buy.
    pub steps: Vec<Step>,
    /// What the user should know about how the plan came to be.
    pub notes: Vec<String>,
    /// What left the shard that the last lock has it on; nothing without a lock.
    pub moves: Option<MovesSummary>,
    /// The cheapest plan near the fastest was asked for: what is proven of it.
    pub saving: Option<Saving>,
    /// No duration is known: every test counts as a second, and times are proportions.
    pub by_count: bool,
}

/// A shard, as it is shown.
#[derive(Clone, Debug)]
pub struct ShardLine {
    /// Its name.
    pub name: String,
    /// Its lane.
    pub lane: String,
    /// The runner that it is on, where its lane has a choice.
    pub runner: Option<RunnerLine>,
    /// The services that it starts.
    pub services: Vec<ServiceName>,
    /// What its tests set up once for several of them, with what that takes.
    pub setups: Vec<(String, Millis)>,
    /// How many tests it runs.
    pub tests: usize,
    /// How many units these are.
    pub units: usize,
    /// How long it waits for a runner; nothing where runners are not limited.
    pub queue: Option<Millis>,
    /// Checkout, install, collection.
    pub base: Millis,
    /// Its services' start.
    pub boot: Millis,
    /// Its tests.
    pub run: Millis,
    /// Uploads and clean-up.
    pub tail: Millis,
    /// How long its job takes.
    pub wall: Millis,
    /// How long its job takes in nine of ten runs.
    pub p90: Millis,
    /// How much longer it could take before it decided the end.
    pub slack: Millis,
    /// What it takes of its runner's memory, and what that has; nothing where it is not limited.
    pub memory: Option<(Memory, Memory)>,
}

/// The runner of a shard, as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct RunnerLine {
    /// Its name.
    pub name: String,
    /// What a minute on it is billed, in minutes of the usual price.
    pub price: f64,
    /// What the shard is billed, in such minutes.
    pub billed: f64,
}

/// Another plan on the same estimates.
#[derive(Clone, Debug)]
pub struct OtherPlan {
    /// What it is called.
    pub name: String,
    /// When it ends.
    pub end: Millis,
    /// What it bills.
    pub minutes: u64,
    /// What it starts.
    pub containers: u32,
    /// How many shards it has.
    pub shards: usize,
    /// What is wrong with it, each in a sentence.
    pub faults: Vec<String>,
}

/// What a larger budget would give.
#[derive(Clone, Debug)]
pub struct Step {
    /// The containers.
    pub containers: u32,
    /// When the workflow ends then.
    pub end: Millis,
    /// What is billed then.
    pub minutes: u64,
    /// How many shards there are then.
    pub shards: usize,
    /// How much earlier it ends than with the step before.
    pub gain: Millis,
    /// The lanes with their numbers of shards.
    pub shape: String,
}

/// The whole trade-off, as it is shown.
#[derive(Clone, Debug)]
pub struct FrontierSummary {
    /// The plans on the frontier.
    pub points: Vec<FrontierLine>,
    /// Plans that are on it for having few shards only.
    pub fewer_shards: Vec<FrontierLine>,
    /// What today's jobs take on the same estimates.
    pub today: Option<OtherPlan>,
    /// Nothing ends it earlier, whatever the containers.
    pub floor: Millis,
    /// What to choose.
    pub advice: Vec<String>,
}

/// A plan on the frontier, as it is shown.
#[derive(Clone, Debug)]
pub struct FrontierLine {
    /// Service containers of all shards.
    pub containers: u32,
    /// How many shards there are.
    pub shards: usize,
    /// What is billed.
    pub minutes: u64,
    /// When the workflow ends.
    pub end: Millis,
    /// How far that is from the best possible within these containers, shards and minutes.
    pub gap: f64,
    /// How much earlier it ends than every plan with fewer containers; nothing where one ends as early.
    pub gain: Option<Millis>,
    /// What that costs beyond the plan that ended earliest before; nothing where there is no gain.
    pub price: Option<Price>,
    /// Whether further containers buy least from here on.
    pub knee: bool,
    /// The lanes with their numbers of shards.
    pub shape: String,
}

/// Returns whether tests of the model were never measured, and nothing else that could stand for them.
pub(super) fn by_count(model: &Model) -> bool {
    model.notes.levels.contains_key(&Level::Count)
}

/// What a plan costs beyond another; less than that is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Containers.
    pub containers: i64,
    /// Billed minutes.
    pub minutes: i64,
    /// Shards.
    pub shards: i64,
}

impl PlanSummary {
    /// Returns the summary of a plan without comparisons.
    #[must_use]
    pub fn new(model: &Model, plan: &Plan) -> Self {
        let last = plan.shards.iter().map(|shard| shard.times.end()).max().unwrap_or_default().max(plan.end);
        let shards = plan
            .shards
            .iter()
            .map(|shard| ShardLine {
                name: shard.name.to_string(),
                lane: model.problem.lanes[shard.lane].name.to_string(),
                runner: RunnerLine::of(model, shard),
                services: shard.services.iter().map(|ix| model.problem.services[ix].name.clone()).collect(),
                setups: shard
                    .setups
                    .iter()
                    .map(|ix| &model.problem.services[ix])
                    .map(|setup| (setup.name.to_string(), setup.attach))
                    .collect(),
                tests: shard.tests,
                units: shard.units.len(),
                queue: model.problem.slots.as_ref().map(|_| shard.times.queue),
                base: shard.times.base,
                boot: shard.times.boot,
                run: shard.times.run,
                tail: shard.times.tail,
                wall: shard.times.wall(),
                p90: shard.forecast.p90,
                slack: last - shard.times.end(),
                memory: model.problem.lanes[shard.lane]
                    .memory_on_runner()
                    .map(|limit| (model.problem.memory(shard.lane, shard.services), limit.value)),
            })
            .collect();
        let limits = &plan.limits;
        let mut shown = Vec::new();
        if let Some(limit) = &limits.containers {
            shown.push(("containers", limit.value.to_string()));
        }
        if let Some(limit) = &limits.shards {
            shown.push(("shards", limit.value.to_string()));
        }
        if let Some(limit) = &limits.minutes {
            shown.push(("minutes", limit.value.to_string()));
        }
        if let Some(slots) = &model.problem.slots {
            shown.push(("slots", slots.value.to_string()));
        }
        if let Some(limit) = &limits.target {
            shown.push(("target", limit.value.to_string()));
        }
        Self {
            end: plan.end,
            p50: plan.forecast.p50,
            p90: plan.forecast.p90,
            fastest: plan.fastest,
            bound: plan.bound.at,
            bound_reason: reason_word(&plan.bound.reason),
            binding: sentences::binding(model, plan),
            gap: plan.gap,
            minutes: plan.minutes,
            containers: plan.containers,
            limits: shown,
            shards,
            critical_path: critical_path(model, plan),
            others: Vec::new(),
            steps: Vec::new(),
            notes: Vec::new(),
            moves: MovesSummary::of(model, plan),
            saving: plan.saving,
            by_count: by_count(model),
        }
    }

    /// Adds what the user should know about how the plan came to be.
    #[must_use]
    pub fn with_notes(
        mut self,
        model: &Model,
        config: &Config,
        estimates: &Estimates,
        overheads: &Overheads,
    ) -> Self {
        self.notes = notes(model, config, estimates, overheads);
        self
    }

    /// Adds what the next steps buy: each is compared with the one before.
    #[must_use]
    pub fn with_steps(mut self, model: &Model, steps: &[Plan]) -> Self {
        let mut end = self.fastest;
        for step in steps {
            self.steps.push(Step {
                containers: step.containers,
                end: step.end,
                minutes: step.minutes,
                shards: step.shards.len(),
                gain: end.saturating_sub(step.end),
                shape: sentences::shape(model, step),
            });
            end = step.end;
        }
        self
    }

    /// Adds another plan to compare with.
    #[must_use]
    pub fn with_other(mut self, name: &str, plan: &Plan, faults: Vec<String>) -> Self {
        self.others.push(OtherPlan::new(name, plan, faults));
        self
    }
}

impl RunnerLine {
    fn of(model: &Model, shard: &PlannedShard) -> Option<Self> {
        let in_minutes = |parts: u64| parts as f64 / model.problem.minute as f64;
        Some(Self {
            name: shard.runner.as_ref()?.to_string(),
            price: in_minutes(model.problem.price(shard.lane)),
            billed: in_minutes(model.problem.billed(shard.lane, shard.times.wall())),
        })
    }
}

impl OtherPlan {
    /// Returns another plan as it is shown.
    #[must_use]
    pub fn new(name: &str, plan: &Plan, faults: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            end: plan.end,
            minutes: plan.minutes,
            containers: plan.containers,
            shards: plan.shards.len(),
            faults,
        }
    }
}

impl FrontierSummary {
    /// Returns the summary of a frontier.
    #[must_use]
    pub fn new(model: &Model, frontier: &Frontier, today: Option<&Plan>) -> Self {
        let line = |solution: &Solution, knee: bool| {
            let lanes = model.problem.lanes.iter_enumerated().map(|(ix, lane)| {
                let count = solution.shards.iter().filter(|shard| shard.lane == ix).count();
                let runner = solution.runners.get(ix).copied().flatten();
                sentences::times(lane, count, runner.and_then(|at| lane.runners.get(at)))
            });
            FrontierLine {
                containers: solution.containers,
                shards: solution.shards.len(),
                minutes: model.problem.whole_minutes(solution.minutes),
                end: solution.end,
                gap: solution.gap(),
                gain: None,
                price: None,
                knee,
                shape: lanes.collect::<Vec<_>>().join(" + "),
            }
        };
        let mut best: Option<&Solution> = None;
        let mut points = Vec::new();
        for (at, point) in frontier.points.iter().enumerate() {
            let solution = &point.solution;
            let mut line = line(solution, frontier.knee == Some(at));
            if let Some(best) = best.filter(|best| solution.end < best.end) {
                line.gain = Some(best.end - solution.end);
                line.price = Some(Price::of(model, best, solution));
            }
            if best.is_none_or(|best| solution.end < best.end) {
                best = Some(solution);
            }
            points.push(line);
        }
        let fewer_shards = frontier.fewer_shards.iter().map(|point| line(&point.solution, false)).collect();
        let today = today.map(|plan| OtherPlan::new("today", plan, Vec::new()));
        let advice = advice(model, &points, today.as_ref(), frontier.floor);
        Self { points, fewer_shards, today, floor: frontier.floor, advice }
    }
}

impl Price {
    /// Returns what `solution` costs beyond `before`.
    fn of(model: &Model, before: &Solution, solution: &Solution) -> Self {
        let whole = |solution: &Solution| model.problem.whole_minutes(solution.minutes);
        let more = |before: u64, now: u64| now.cast_signed() - before.cast_signed();
        Self {
            containers: more(before.containers.into(), solution.containers.into()),
            minutes: more(whole(before), whole(solution)),
            shards: more(before.shards.len() as u64, solution.shards.len() as u64),
        }
    }
}

fn reason_word(reason: &BoundReason) -> &'static str {
    match reason {
        BoundReason::OtherJobs => "other-jobs",
        BoundReason::Unit(_) => "unit",
        BoundReason::Limits(limits) => match limits.as_slice() {
            [Limiting::Containers] => "containers",
            [Limiting::Shards] => "shards",
            [Limiting::LaneShards(_)] => "lane-shards",
            [Limiting::Minutes] => "minutes",
            [Limiting::Slots] => "slots",
            _ => "limits",
        },
        BoundReason::Exhausted => "exhausted",
    }
}

/// Returns the names of the jobs on the longest path, in order.
fn critical_path(model: &Model, plan: &Plan) -> Vec<String> {
    let last = plan.critical().next().map(|ix| &plan.shards[ix]);
    match last {
        Some(shard) if shard.times.end() >= plan.end => {
            let lane = &model.problem.lanes[shard.lane].name;
            let before = model.jobs.head(lane).jobs;
            let after = model.jobs.after(lane).jobs;
            let names = |jobs: Vec<crate::ids::JobName>| jobs.into_iter().map(|job| job.to_string());
            names(before).chain([shard.name.to_string()]).chain(names(after)).collect()
        }
        _ => model.problem.floor.jobs.iter().map(ToString::to_string).collect(),
    }
}

fn notes(model: &Model, config: &Config, estimates: &Estimates, overheads: &Overheads) -> Vec<String> {
    let mut notes = Vec::new();
    let is_setup = |service: &ServiceModel| service.kind == ServiceKind::Setup;
    if model.problem.services.iter().all(is_setup) {
        notes.push(
            "No service is known, so no shard starts a container. If tests need one, name it in `[services.NAME]`; `shardplan init` looks for them in workflow files."
                .to_owned(),
        );
    }
    let count = |level| model.notes.levels.get(&level).copied().unwrap_or(0);
    let guessed = count(Level::File) + count(Level::Folder) + count(Level::Suite);
    if count(Level::Count) > 0 {
        notes.push(format!(
            "There are no durations: {} count as a second each, so the times are only proportions. `shardplan ingest REPORT` makes them real.",
            plural(count(Level::Count), "test")
        ));
    } else if guessed > 0 {
        let files = count(Level::File);
        notes.push(format!(
            "{} of {} never ran in the history: they are taken to be like their file ({files}) or folder ({}).",
            plural(guessed, "test"),
            guessed + count(Level::Test),
            guessed - files
        ));
    }
    if estimates.runs == 1 {
        notes.push("One run is known: how much times vary is assumed, not measured.".to_owned());
    }
    notes.extend(model.notes.not_provisioned.iter().map(sentences::not_provisioned));
    notes.extend(model.notes.idle.iter().map(sentences::idle));
    if model.notes.setups_left > 0 {
        notes.push(format!(
            "{} more of several users are counted once and not for each shard: those that matter most are counted apart.",
            plural(model.notes.setups_left, "set-up")
        ));
    }
    notes.extend(config.lanes.iter().filter_map(|lane| sentences::inside(model, config, lane)));
    if !model.notes.unassigned.is_empty() {
        let (selected, run) =
            if model.notes.unassigned.len() == 1 { ("is", "it runs") } else { ("are", "they run") };
        notes.push(format!(
            "{} {selected} selected by no lane, by its `paths` and `markers`: {run} in no shard (`unassigned = \"fail\"` in `[project]` would name one).",
            plural(model.notes.unassigned.len(), "test")
        ));
    }
    let guessed_base: Vec<&str> = config
        .lanes
        .iter()
        .filter(|lane| model.problem.lanes.iter().any(|used| used.name == lane.name))
        .filter(|lane| {
            let fitted = overheads.lanes.get(&lane.name);
            fitted.is_some_and(|overhead| overhead.base.origin == crate::config::Origin::Default)
        })
        .map(|lane| lane.name.as_str())
        .collect();
    if !guessed_base.is_empty() {
        let names = sentences::listed(guessed_base.iter().map(|name| format!("`{name}`")));
        notes.push(format!(
            "What {names} take{} before tests is the default: set `base`, or name the CI job with `job` and ingest its times.",
            if guessed_base.len() == 1 { "s" } else { "" }
        ));
    }
    for lane in &config.lanes {
        if let Some(scale) = &lane.time_scale {
            notes.push(format!(
                "Test times of `{}` are taken {} times what the history says ({}).",
                lane.name,
                f64::from(scale.value) / 1000.0,
                scale.origin
            ));
        }
    }
    for lane in &model.problem.lanes {
        notes.extend(sentences::other_pace(lane));
    }
    for group in &model.notes.idle_groups {
        notes.push(format!("Group `{group}` matches too few tests to have an effect."));
    }
    notes
}

/// Returns what to choose from the frontier, in sentences.
fn advice(model: &Model, points: &[FrontierLine], today: Option<&OtherPlan>, floor: Millis) -> Vec<String> {
    let mut advice = Vec::new();
    let Some(knee) = points.iter().find(|point| point.knee) else { return advice };
    let fastest = points.iter().min_by_key(|point| point.end).unwrap_or(knee);
    let against = today.map_or_else(String::new, |today| {
        format!(", {} against today's {}", sentences::change(today.end, knee.end), today.end)
    });
    // Without services there are only shards to choose.
    let by_containers = points.iter().any(|point| point.containers != knee.containers);
    let (choice, option, more) = if by_containers {
        let more = fastest.containers.saturating_sub(knee.containers);
        (
            plural(knee.containers, "container"),
            format!("--budget {}", knee.containers),
            plural(more, "container"),
        )
    } else if points.iter().filter(|point| point.shards == knee.shards).count() > 1 {
        // On other runners as many shards end at another time.
        let more = fastest.minutes.saturating_sub(knee.minutes);
        (
            plural(knee.minutes, "billed minute"),
            format!("--max-minutes {}", knee.minutes),
            plural(more, "billed minute"),
        )
    } else {
        let more = fastest.shards.saturating_sub(knee.shards);
        (plural(knee.shards, "shard"), format!("--max-shards {}", knee.shards), plural(more, "shard"))
    };
    let cost = plural(knee.minutes, "billed minute");
    let cost = if choice == cost { String::new() } else { format!(", for {cost}") };
    advice.push(format!("Choose {choice} (`{option}`): the workflow ends in {}{against}{cost}.", knee.end));
    if fastest.end < knee.end {
        advice.push(format!(
            "Beyond that, {more} more buy another {}; nothing ends it before {floor}.",
            knee.end - fastest.end
        ));
    } else if model.problem.floor.at >= knee.end {
        advice.push(format!("The other jobs take {} by themselves: more containers buy nothing.", knee.end));
    } else {
        advice.push("More containers buy nothing.".to_owned());
    }
    advice
}
