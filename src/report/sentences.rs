//! The sentences that a plan, a conflict or a frontier is put into.

use super::summary::{PlanSummary, Price, RunnerLine};
use crate::config::{Config, Lane, Origin, Sourced};
use crate::ids::{Ix, LaneName, Printable, ServiceName, UnitIx};
use crate::model::{Idle, LaneModel, Model, NotProvisioned, Problem, RunnerModel, WhyNot};
use crate::plan::{Plan, Saving};
use crate::solve::{BoundReason, Clash, Conflict, Cure, Limiting};
use crate::time::Millis;

/// Returns a number with its noun: `1 shard`, `2 shards`, `3 queries` where the plural is irregular.
#[must_use]
pub fn plural(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    let ending = match noun {
        _ if count == 1 => "",
        "class" | "batch" => "es",
        _ => "s",
    };
    format!("{count} {noun}{ending}")
}

/// Returns names as a list that is read aloud: `a`, `a and b`, `a, b and c`.
pub(super) fn listed<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    match names.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// Returns a share as a percentage; one that is tiny and not zero does not read as zero.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 {
        "0 %".to_owned()
    } else if percent < 0.01 {
        "< 0.01 %".to_owned()
    } else {
        format!("{percent:.2} %")
    }
}

/// Returns the change from one time to another with its sign: `−31s`, `+2.0s`, `±0s`.
pub(super) fn change(from: Millis, to: Millis) -> String {
    match to.cmp(&from) {
        std::cmp::Ordering::Less => format!("−{}", from - to),
        std::cmp::Ordering::Equal => "±0s".to_owned(),
        std::cmp::Ordering::Greater => format!("+{}", to - from),
    }
}

/// Returns what keeps the plan from ending earlier.
pub(super) fn binding(model: &Model, plan: &Plan) -> String {
    let problem = &model.problem;
    match &plan.bound.reason {
        BoundReason::OtherJobs if problem.floor.jobs.is_empty() => "There is nothing to wait for.".to_owned(),
        BoundReason::OtherJobs => format!(
            "The other jobs ({}) take {} by themselves: no split ends the workflow earlier.",
            problem.floor.jobs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → "),
            problem.floor.at
        ),
        BoundReason::Unit(unit) => {
            let name = Printable(&problem.units[*unit].name).to_string();
            let (time, runner) = alone(problem, *unit, plan.bound.at);
            let on = runner.map_or_else(String::new, |runner| format!(" on {}", runner.name));
            let facts = &model.units[*unit];
            let advice = if facts.tests.len() == 1 {
                "make that test faster to end earlier"
            } else if facts.selectors.len() > 1 {
                "its group keeps it in one shard; loosen that to end earlier"
            } else if facts.divisible.is_some() {
                "splitting it gained nothing by itself"
            } else {
                "split it, or set `unit = \"auto\"` for its lane, to end earlier"
            };
            format!("`{name}` alone takes {time} of tests on a shard of its own{on}: {advice}.")
        }
        BoundReason::Limits(limits) => {
            let limits: Vec<String> = limits.iter().map(|limit| limiting(problem, plan, *limit)).collect();
            match limits.as_slice() {
                [only] => format!("The limit of {only} binds: more would end it earlier."),
                _ => {
                    format!("The limits of {} bind: only more of each would end it earlier.", listed(limits))
                }
            }
        }
        BoundReason::Exhausted => "Every way to put the units on shards was tried.".to_owned(),
    }
}

/// Returns a limit with where it comes from.
fn limiting(problem: &Problem, plan: &Plan, limit: Limiting) -> String {
    /// Returns the limit's value, and where it is said.
    fn said<T>(limit: Option<&Sourced<T>>) -> Option<(&T, &Origin)> {
        limit.map(|limit| (&limit.value, &limit.origin))
    }
    let limits = &plan.limits;
    let count = |noun: &str, limit: Option<(u64, &Origin)>| match limit {
        Some((count, origin)) => format!("{} ({origin})", plural(count, noun)),
        None => format!("{noun}s"),
    };
    let wide = |(count, origin): (&u32, _)| (u64::from(*count), origin);
    match limit {
        Limiting::Containers => count("container", said(limits.containers.as_ref()).map(wide)),
        Limiting::Shards => count("shard", said(limits.shards.as_ref()).map(wide)),
        Limiting::Minutes => {
            let limit = said(limits.minutes.as_ref());
            count("billed minute", limit.map(|(count, origin)| (*count, origin)))
        }
        Limiting::Slots => {
            let limit = problem.slots.as_ref();
            let origin = limit.map_or_else(String::new, |limit| format!(" ({})", limit.origin));
            format!("{} at once{origin}", plural(limit.map_or(0, |limit| limit.value), "job"))
        }
        Limiting::LaneShards(lane) => {
            let lane = &problem.lanes[lane];
            let shards = plural(lane.max_shards, "shard");
            format!("{shards} of lane `{}` ({})", lane.name, lane.max_shards_origin)
        }
    }
}

/// Returns how long a unit's tests take on a shard of their own that lets the workflow end at `end`, and on which runner,
/// where its lane may take several: the bound may be that of another than the plan's.
fn alone(problem: &Problem, unit: UnitIx, end: Millis) -> (Millis, Option<&RunnerModel>) {
    let model = &problem.units[unit];
    let lane = &problem.lanes[model.lane];
    let around = lane.head + problem.overhead(model.lane, problem.needed(unit)) + lane.after;
    let takes = |runner: Option<&RunnerModel>| lane.run_on(runner, model.load, model.piece);
    let exact = lane.runners.iter().find(|runner| around + takes(Some(runner)) == end);
    let runner = lane.taken().filter(|taken| around + takes(Some(taken)) == end).or(exact).or(lane.taken());
    (takes(runner), runner.filter(|_| lane.runners.len() > 1))
}

/// Returns what a step costs, briefly: `+1 container, −2 min`. That there are more shards for it, their column says.
pub(super) fn price(price: Price) -> String {
    let Price { containers, minutes, shards } = price;
    let signed = |count: i64, noun: &str| {
        let sign = if count < 0 { '−' } else { '+' };
        (count != 0).then(|| format!("{sign}{}", plural(count.unsigned_abs(), noun)))
    };
    let minutes = signed(minutes, "min").map(|text| text.trim_end_matches('s').to_owned());
    let parts: Vec<String> = signed(containers, "container").into_iter().chain(minutes).collect();
    if parts.is_empty() { signed(shards, "shard").unwrap_or_default() } else { parts.join(", ") }
}

/// Returns that there are plans which only few shards speak for.
pub(super) fn with_fewer_shards(count: usize) -> String {
    format!(
        "{} not shown: with fewer shards, but no cheaper and later. `--format json` has {}, `--max-shards N` asks for one.",
        if count == 1 { "1 further plan is".to_owned() } else { format!("{count} further plans are") },
        if count == 1 { "it" } else { "them" }
    )
}

/// Returns what is proven of the cheapest plan near the fastest.
pub(super) fn cheapest(summary: &PlanSummary, saving: &Saving) -> String {
    let Saving { within, latest, least_minutes } = saving;
    let proof = if *least_minutes >= summary.minutes {
        "bills the fewest minutes of the plans".to_owned()
    } else {
        format!("no plan bills fewer than {} of those", plural(*least_minutes, "minute"))
    };
    format!("{proof} that end by {latest}, {within} after the fastest ({})", summary.fastest)
}

/// Returns why shards do not start a service that tests name.
pub(super) fn not_provisioned(note: &NotProvisioned) -> String {
    let NotProvisioned { lane, service, why, tests } = note;
    let tests = plural(tests.len(), "test");
    match why {
        WhyNot::Never => {
            format!("`{service}` is not started for {tests} of `{lane}`: the manifest says never.")
        }
        WhyNot::AlwaysSkipped => {
            format!("`{service}` is not started for {tests} of `{lane}`: skipped in every run.")
        }
        WhyNot::SkippedToday => format!(
            "`{service}` is not started for {tests} of `{lane}`: always skipped, and today's job does not start it either."
        ),
        WhyNot::NotToday => format!(
            "`{service}` is not started for {tests} of `{lane}`: today's job does not start it either. If it should, set `provision = \"always\"`."
        ),
        WhyNot::PassesWithout => format!(
            "`{service}` is not started for {tests} of `{lane}`: passed without it, and today's job does not start it either."
        ),
    }
}

/// Returns what the manifest says and no test is concerned by.
pub(super) fn idle(idle: &Idle) -> String {
    match idle {
        Idle::Unmarked(rules) => format!(
            "The tests are known without marks and fixtures, so {} on these in the manifest can't match: name an inventory that has them with `--inventory`.",
            plural(*rules, "rule")
        ),
        Idle::Lane(lane, origin) => format!("Lane `{lane}` ({origin}) selects no test."),
        Idle::Service(service, origin) => {
            format!("No test is known to need `{service}` ({origin}): no shard starts it.")
        }
        Idle::Marker(marker, service, origin) => {
            format!("No test bears the mark `{marker}`, which stands for `{service}` ({origin}).")
        }
        Idle::Fixture(fixture, service, origin) => {
            let fixture = Printable(fixture);
            format!("No test uses the fixture `{fixture}`, which stands for `{service}` ({origin}).")
        }
        Idle::Place(place, service, origin) => {
            format!("`{}`, which stands for `{service}` ({origin}), holds no test.", Printable(place))
        }
        Idle::Runner(runner, origin) => format!(
            "No lane may take the runner `{runner}` ({origin}): name it in `runners` of a lane, or remove it."
        ),
        Idle::Setup(setup, origin) => format!(
            "No test is known to use a fixture of the set-up `{setup}` ({origin}): an inventory of the plugin knows them."
        ),
        Idle::SetupTime(setup, origin) => format!(
            "How long the set-up `{setup}` takes is not known ({origin}), so it is not counted for each shard: write `time = \"…\"`, or ingest reports with set-up phases."
        ),
        Idle::Today(lane, service, origin) => format!(
            "Today's job of `{lane}` starts `{service}` ({origin}), which none of its tests is known to need."
        ),
    }
}

/// Returns what parting a lane from the job that runs its tests today can save, and what of it is paid back; nothing
/// for a lane that has a job today.
pub(super) fn inside(model: &Model, config: &Config, lane: &Lane) -> Option<String> {
    let host = lane.today.as_ref()?.inside.as_ref()?;
    let find = |name: &LaneName| model.problem.lanes.iter_enumerated().find(|(_, lane)| lane.name == *name);
    let ((own, own_lane), (_, host_lane)) = (find(&lane.name)?, find(host)?);
    let units = || model.problem.units.iter().filter(|unit| unit.lane == own);
    let load = units().map(|unit| unit.load).sum();
    let part = host_lane.run(load, units().map(|unit| unit.piece).max().unwrap_or_default());
    let around = own_lane.base + own_lane.tail;
    let mut before = config.clone();
    for job in &mut before.workflow.jobs {
        job.wall = job.today.unwrap_or(job.wall);
    }
    let after = crate::workflow::JobGraph::new(&before).after(host).length;
    let back = if host_lane.after > after {
        let more = host_lane.after - after;
        format!(" The jobs behind it take {more} longer than today, which comes off that.")
    } else {
        String::new()
    };
    Some(format!(
        "Today the tests of `{}` take {part} in the job of `{host}`: parting the two saves no more than that.{back} A job of their own pays {around} around them, beside the other.",
        lane.name
    ))
}

/// Returns what a conflict is about.
#[must_use]
pub fn conflict_title(conflict: &Conflict) -> String {
    if conflict.proven {
        "no plan can keep these constraints together".to_owned()
    } else {
        "no plan was found that keeps the limits, though none is proven impossible".to_owned()
    }
}

/// Returns one of the constraints that clash, with where it comes from.
#[must_use]
pub fn clash(model: &Model, clash: &Clash) -> String {
    let problem = &model.problem;
    match clash {
        Clash::Containers(limit) => {
            format!("at most {} ({})", plural(limit.value, "container"), limit.origin)
        }
        Clash::Shards(limit) => format!(
            "at most {} ({}), for {}",
            plural(limit.value, "shard"),
            limit.origin,
            plural(problem.lanes.len(), "lane")
        ),
        Clash::LaneShards(lane, limit) => format!(
            "at most {} of lane `{}` ({})",
            plural(limit.value, "shard"),
            problem.lanes[*lane].name,
            limit.origin
        ),
        Clash::Memory(lane, limit) => {
            let lane = &problem.lanes[*lane];
            let tests = if lane.memory.0 > 0 {
                format!(", {} of it for the tests", lane.memory)
            } else {
                String::new()
            };
            let whose = if lane.runners.len() > 1 { "a runner" } else { "the runner" };
            format!("{whose} of lane `{}` has {} of memory ({}){tests}", lane.name, limit.value, limit.origin)
        }
        Clash::UnitMemory(unit, memory) => {
            let services: Vec<String> = problem
                .needed(*unit)
                .iter()
                .map(|service| &problem.services[service])
                .filter(|service| service.memory.0 > 0)
                .map(|service| format!("`{}` {}", service.name, service.memory))
                .collect();
            format!(
                "`{}` alone takes {memory} with what it needs: {}",
                Printable(&problem.units[*unit].name),
                listed(services)
            )
        }
        Clash::Minutes(limit) => {
            format!("at most {} ({})", plural(limit.value, "billed minute"), limit.origin)
        }
        Clash::Order(lane, origin) => {
            format!("lane `{}` keeps the order of its suite ({origin})", problem.lanes[*lane].name)
        }
        Clash::Slots(limit) => {
            format!("at most {} of the workflow at once ({})", plural(limit.value, "job"), limit.origin)
        }
        Clash::Target(limit) => format!("the workflow ends within {} ({})", limit.value, limit.origin),
        Clash::OtherJobs(at) => format!(
            "the other jobs ({}) take {at} by themselves",
            problem.floor.jobs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ")
        ),
        Clash::Unit(unit, at) => {
            format!("`{}` alone ends the workflow after {at}", Printable(&problem.units[*unit].name))
        }
        Clash::OtherMinutes(minutes) => format!("the other jobs bill {}", plural(*minutes, "minute")),
        Clash::Apart { group, units } => {
            let group = &problem.apart[*group];
            format!("group `{}` keeps {units} units apart ({})", group.name, group.origin)
        }
        Clash::Needs { lane, service, units, example } => {
            let containers = problem.services[*service].containers;
            let lane = &problem.lanes[*lane].name;
            let example = Printable(&problem.units[*example].name);
            let others = if *units > 1 { format!(" and {} more", units - 1) } else { String::new() };
            format!(
                "lane `{lane}` needs `{}` ({}) for `{example}`{others}",
                problem.services[*service].name,
                plural(containers, "container")
            )
        }
    }
}

/// Returns a change that would make a plan possible.
#[must_use]
pub fn cure(model: &Model, cure: &Cure) -> String {
    match cure {
        Cure::Containers(count) => format!("allow {}: `--budget {count}`", plural(*count, "container")),
        Cure::Shards(count) => format!("allow {}: `--max-shards {count}`", plural(*count, "shard")),
        Cure::LaneShards(lane, count) => format!(
            "allow {} of lane `{}`: `max_shards = {count}`",
            plural(*count, "shard"),
            model.problem.lanes[*lane].name
        ),
        Cure::Memory(lane, memory) => {
            let lane = &model.problem.lanes[*lane];
            match lane.runners.as_slice() {
                [] => format!(
                    "give the runner of lane `{}` {memory} of memory: `runner_memory = \"{memory}\"`",
                    lane.name
                ),
                [first, rest @ ..] => format!(
                    "give {} of lane `{}` {memory} of memory: `memory = \"{memory}\"` in `[runners.{}]`",
                    if rest.is_empty() { "the runner" } else { "the runners" },
                    lane.name,
                    if rest.is_empty() { first.name.as_str() } else { "NAME" }
                ),
            }
        }
        Cure::Minutes(count) => format!("allow {}: `--max-minutes {count}`", plural(*count, "billed minute")),
        Cure::Slots(count) => format!("let {} run at once: `--slots {count}`", plural(*count, "job")),
        Cure::Target(at) => format!("allow {at}: `--target {}s`", at.0.div_ceil(1000)),
        Cure::Drop { service, units } => {
            let name = &model.problem.services[*service].name;
            let everywhere = model.problem.lanes.iter().filter(|lane| lane.services.contains(*service));
            let lanes: Vec<String> = everywhere.map(|lane| format!("`{}`", lane.name)).collect();
            let also = match lanes.len() {
                0 => String::new(),
                _ => format!(", and out of `services` of {}", listed(lanes)),
            };
            format!(
                "do without `{name}`, needed by {}: `provision = \"never\"` in `[services.{name}]`{also}",
                plural(*units, "unit")
            )
        }
    }
}

/// Returns a plan's shape: `heavy ×2 + unit`.
pub(super) fn shape(model: &Model, plan: &Plan) -> String {
    let counts = model.problem.lanes.iter_enumerated().map(|(ix, lane): (_, &crate::model::LaneModel)| {
        let of_lane = || plan.shards.iter().filter(|shard| shard.lane.position() == ix.position());
        let runner = of_lane().find_map(|shard| shard.runner.as_ref());
        times(lane, of_lane().count(), lane.runners.iter().find(|known| Some(&known.name) == runner))
    });
    counts.collect::<Vec<_>>().join(" + ")
}

/// Returns a lane with its number of shards and the runner that they are on: `heavy ×2 on 4-core`. That it has no other
/// runner need not be said.
pub(super) fn times(lane: &LaneModel, count: usize, runner: Option<&RunnerModel>) -> String {
    let name = &lane.name;
    let times = if count == 1 { name.to_string() } else { format!("{name} ×{count}") };
    match runner {
        Some(runner) if lane.runners.len() > 1 => format!("{times} on {}", runner.name),
        _ => times,
    }
}

/// Returns that a lane's tests are taken to run as fast as they never did, where they are.
pub(super) fn other_pace(lane: &LaneModel) -> Option<String> {
    let runner = lane.taken().filter(|runner| runner.pace != 1000)?;
    let (name, runner, pace) = (&lane.name, &runner.name, runner.pace as f64 / 1000.0);
    Some(format!(
        "Tests of `{name}` are taken to run {pace} times as fast on `{runner}` as in the history. Once runs on it are ingested, say so: `measured_on = \"{runner}\"` in `[lanes.{name}]`."
    ))
}

/// Returns which lane is on which runner, and what that costs; nothing where no lane has a choice.
pub(super) fn runners(summary: &PlanSummary) -> Option<String> {
    let mut lanes: Vec<(&str, &RunnerLine)> = Vec::new();
    for shard in &summary.shards {
        if let Some(runner) = &shard.runner
            && lanes.iter().all(|(lane, _)| *lane != shard.lane)
        {
            lanes.push((&shard.lane, runner));
        }
    }
    let line = |(lane, runner): &(&str, &RunnerLine)| {
        let name = &runner.name;
        // A price that is the usual one is none to speak of.
        let price =
            if is_usual(runner.price) { String::new() } else { format!(" {}", at_price(runner.price)) };
        format!("{lane} on {name}{price}")
    };
    (!lanes.is_empty()).then(|| listed(lanes.iter().map(line)))
}

/// Returns what a minute on a runner is billed.
pub(super) fn at_price(price: f64) -> String {
    if is_usual(price) {
        "at the usual price".to_owned()
    } else {
        format!("at {price} times the usual price")
    }
}

fn is_usual(price: f64) -> bool {
    (price - 1.0).abs() < f64::EPSILON
}

/// Returns how fast a runner works off tests, in words.
pub(super) fn at_speed(thousandths: u64) -> String {
    match thousandths {
        1000 => "as fast as one worker".to_owned(),
        speed => format!("{} times as fast as one worker", speed as f64 / 1000.0),
    }
}

/// Returns services as they stand in a table.
pub(super) fn services(names: &[ServiceName]) -> String {
    if names.is_empty() {
        "—".to_owned()
    } else {
        names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(plural(1u32, "shard"), "1 shard");
        assert_eq!(plural(0u32, "container"), "0 containers");
        assert_eq!(plural(2usize, "class"), "2 classes");
    }

    #[test]
    fn lists_are_read_aloud() {
        assert_eq!(listed(["a", "b", "c"]), "a, b and c");
        assert_eq!(listed(Vec::<String>::new()), "nothing");
    }

    #[test]
    fn a_small_gap_is_not_called_none() {
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.000_01), "< 0.01 %");
        assert_eq!(percent(0.0123), "1.23 %");
    }
}
