//! Why a test, a shard, a service, a lane or a runner is where it is.

use super::sentences::{self, listed, plural};
use crate::config::{Config, Runner};
use crate::estimate::{Estimates, Level};
use crate::ids::{Ix, LaneIx, Printable, ServiceIx, ServiceName, ShardIx, TestIx, UnitIx};
use crate::inventory::Inventory;
use crate::model::{
    Model, Node, Problem, Reason, RunnerModel, ServiceKind, ServiceModel, ServiceSet, UnitFacts, WhyNot,
};
use crate::plan::{Plan, PlannedShard};
use crate::time::Millis;

/// An answer to "why".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// What is explained.
    pub title: String,
    /// The parts of the answer.
    pub sections: Vec<Section>,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it is about.
    pub title: String,
    /// Its lines.
    pub lines: Vec<String>,
}

/// What can be asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A test.
    Test(TestIx),
    /// A file, a class: a unit of the plan.
    Unit(UnitIx),
    /// A file, class or function whose tests are in several units.
    Part(String, Vec<UnitIx>),
    /// A shard.
    Shard(ShardIx),
    /// A service.
    Service(ServiceIx),
    /// A lane.
    Lane(LaneIx),
    /// A runner, by its position in the manifest.
    Runner(usize),
}

/// Everything that an explanation is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Known<'k> {
    /// The manifest.
    pub config: &'k Config,
    /// The tests.
    pub inventory: &'k Inventory,
    /// What they are expected to take.
    pub estimates: &'k Estimates,
    /// The model.
    pub model: &'k Model,
    /// The plan.
    pub plan: &'k Plan,
}

/// How many things of a kind are listed before the rest is counted.
const MOST_LISTED: usize = 10;

/// Returns what a name stands for: a shard, a service, a lane, a runner, a test, a unit. On failure the names that are
/// nearest.
pub fn find(known: Known<'_>, name: &str) -> Result<Subject, Vec<String>> {
    let Known { config, inventory, model, plan, .. } = known;
    let name = name.trim().trim_start_matches("./").trim_end_matches('/');
    if let Some((ix, _)) = plan.shards.iter_enumerated().find(|(_, shard)| shard.name.as_str() == name) {
        return Ok(Subject::Shard(ix));
    }
    let is_asked =
        |service: &ServiceModel| service.kind == ServiceKind::Container && service.name.as_str() == name;
    if let Some((ix, _)) = model.problem.services.iter_enumerated().find(|(_, service)| is_asked(service)) {
        return Ok(Subject::Service(ix));
    }
    if let Some((ix, _)) = model.problem.lanes.iter_enumerated().find(|(_, lane)| lane.name.as_str() == name)
    {
        return Ok(Subject::Lane(ix));
    }
    if let Some(at) = config.runners.iter().position(|runner| runner.name.as_str() == name) {
        return Ok(Subject::Runner(at));
    }
    if let Some((ix, _)) = inventory.tests.iter_enumerated().find(|(_, test)| test.id.as_str() == name) {
        return Ok(Subject::Test(ix));
    }
    let part_of = |test: &TestIx| {
        let rest = inventory.tests[*test].id.as_str().strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with("::") || rest.starts_with('['))
    };
    let holds = |unit: &UnitFacts| {
        unit.selectors.iter().any(|selector| selector == name) || unit.tests.iter().any(part_of)
    };
    let units = model.units.iter_enumerated().filter(|(_, unit)| holds(unit));
    match units.map(|(ix, _)| ix).collect::<Vec<_>>().as_slice() {
        [] => Err(candidates(known, name)),
        [unit] => Ok(Subject::Unit(*unit)),
        units => Ok(Subject::Part(name.to_owned(), units.to_vec())),
    }
}

/// Returns the names that were probably meant.
fn candidates(known: Known<'_>, name: &str) -> Vec<String> {
    let Known { config, inventory, model, plan, .. } = known;
    let named = plan.shards.iter().map(|shard| shard.name.as_str());
    let services = model.problem.services.iter().filter(|service| service.kind == ServiceKind::Container);
    let named = named.chain(services.map(|service| service.name.as_str()));
    let named = named.chain(model.problem.lanes.iter().map(|lane| lane.name.as_str()));
    let named = named.chain(config.runners.iter().map(|runner| runner.name.as_str()));
    if let Some(near) = crate::config::nearest(name, named) {
        return vec![near.to_owned()];
    }
    let inside = inventory.tests.iter().filter(|test| test.id.as_str().contains(name));
    let inside: Vec<String> = inside.take(3).map(|test| test.id.to_string()).collect();
    if !inside.is_empty() {
        return inside;
    }
    let files = model.units.iter().flat_map(|unit| &unit.selectors).map(String::as_str);
    crate::config::nearest(name, files).map(|near| Printable(near).to_string()).into_iter().collect()
}

/// Returns the answer.
#[must_use]
pub fn explain(known: Known<'_>, subject: Subject) -> Explanation {
    match subject {
        Subject::Test(test) => explain_test(known, test),
        Subject::Unit(unit) => explain_unit(known, unit),
        Subject::Part(name, units) => explain_part(known, &name, &units),
        Subject::Shard(shard) => explain_shard(known, shard),
        Subject::Service(service) => explain_service(known, service),
        Subject::Lane(lane) => explain_lane(known, lane),
        Subject::Runner(runner) => explain_runner(known, &known.config.runners[runner]),
    }
}

fn explain_test(known: Known<'_>, ix: TestIx) -> Explanation {
    let Known { inventory, estimates, model, .. } = known;
    let test = &inventory.tests[ix];
    let mut sections = Vec::new();
    let estimate = estimates.of(&test.id, &test.file);
    let record = estimates.skips(&test.id).filter(|record| record.skipped > 0);
    let named = model.graph.requirement(ix);
    let named: Vec<_> = named.iter().map(|service| &model.problem.services[service].name).collect();
    let for_want = model.notes.not_provisioned.iter().filter(|note| note.why == WhyNot::SkippedToday);
    let stays_skipped = record.is_some_and(|record| record.skips_even_with(&named))
        || for_want.flat_map(|note| &note.tests).any(|test| *test == ix);
    let mut times = vec![match estimate.level {
        _ if stays_skipped => "0s expected: it will be skipped".to_owned(),
        Level::Test => format!(
            "{} expected, ± {}, from {}",
            Millis::from_f64(estimate.mean),
            Millis::from_f64(estimate.deviation),
            plural(estimate.samples, "measurement")
        ),
        Level::File => {
            format!("{} expected: never measured, taken to be like its file", Millis::from_f64(estimate.mean))
        }
        Level::Folder => {
            format!(
                "{} expected: never measured, taken to be like its folder",
                Millis::from_f64(estimate.mean)
            )
        }
        Level::Suite => {
            format!(
                "{} expected: never measured, taken to be like all tests",
                Millis::from_f64(estimate.mean)
            )
        }
        Level::Count => "nothing was ever measured: every test counts the same".to_owned(),
    }];
    if let Some(record) = record {
        let reason =
            record.reason.as_deref().map_or_else(String::new, |reason| format!(": {}", Printable(reason)));
        let runs = plural(record.skipped + record.ran, "run");
        times.push(format!("skipped in {} of {runs}{reason}", record.skipped));
    }
    sections.push(Section { title: "How long".to_owned(), lines: times });

    let mut needs = Vec::new();
    for service in model.graph.requirement(ix).iter() {
        needs.push(format!("{}: {}", model.problem.services[service].name, way(model, ix, service)));
    }
    for note in model.notes.not_provisioned.iter().filter(|note| note.tests.contains(&ix)) {
        needs.push(sentences::not_provisioned(note));
    }
    if needs.is_empty() {
        needs.push("no service that anybody knows of".to_owned());
    }
    sections.push(Section { title: "What it needs, and how that is known".to_owned(), lines: needs });
    sections.extend(test.needs.iter().filter(|need| !need.way.is_empty()).map(|need| Section {
        title: format!("The way to {}", need.service),
        lines: need.way.iter().map(|step| format!("{} ({})", Printable(&step.what), step.origin)).collect(),
    }));
    let unit = model.units.iter_enumerated().find(|(_, unit)| unit.tests.contains(&ix)).map(|(unit, _)| unit);
    if let Some(unit) = unit {
        sections.push(place(known, unit));
    } else {
        let lines = vec!["no lane selects it: it will not run".to_owned()];
        sections.push(Section { title: "Where it runs".to_owned(), lines });
    }
    Explanation { title: format!("Test {}", test.id), sections }
}

/// Returns the way from a test to a service through the constraint graph.
fn way(model: &Model, test: TestIx, service: ServiceIx) -> String {
    let path = model.graph.path(test, service);
    let step = |(reason, node): &(&Reason, &Node)| {
        let to = match node {
            Node::Marker(name) => format!(" `{name}`"),
            Node::Fixture(name) => format!(" `{}`", Printable(name)),
            Node::Service(ix) => format!(" `{}`", model.problem.services[*ix].name),
            Node::Lane(name) => format!(" `{name}`"),
            Node::Test(_) => String::new(),
        };
        format!("{}{to} ({})", reason.relation, reason.origin)
    };
    path.iter().map(step).collect::<Vec<_>>().join(", ")
}

fn explain_unit(known: Known<'_>, ix: UnitIx) -> Explanation {
    let Known { inventory, model, .. } = known;
    let unit = &model.problem.units[ix];
    let facts = &model.units[ix];
    let mut lines = vec![format!("{} in {}", unit.load, plural(facts.tests.len(), "test"))];
    if facts.selectors.len() > 1 {
        lines.push(format!("kept together: {}", listed(facts.selectors.iter().map(|s| Printable(s)))));
    }
    let mut needs = Vec::new();
    for service in unit.requirement.iter() {
        let users: Vec<TestIx> = facts
            .tests
            .iter()
            .copied()
            .filter(|test| model.graph.requirement(*test).contains(service))
            .collect();
        if let Some(first) = users.first() {
            needs.push(format!(
                "{}: {} of {}, such as {}, which {}",
                model.problem.services[service].name,
                users.len(),
                plural(facts.tests.len(), "test"),
                inventory.tests[*first].id,
                way(model, *first, service)
            ));
        }
    }
    for note in &model.notes.not_provisioned {
        if facts.tests.iter().any(|test| note.tests.binary_search(test).is_ok()) {
            needs.push(sentences::not_provisioned(note));
        }
    }
    for setup in model.problem.apart_from_setups(unit.requirement).1.iter() {
        let setup = &model.problem.services[setup];
        needs.push(format!(
            "it uses {}, which takes {} to set up in every shard with a user",
            setup.name, setup.attach
        ));
    }
    if needs.is_empty() {
        needs.push("nothing beyond what its lane starts everywhere".to_owned());
    }
    Explanation {
        title: format!("Unit {}", Printable(&unit.name)),
        sections: vec![
            Section { title: "How long".to_owned(), lines },
            Section { title: "What it needs, and how that is known".to_owned(), lines: needs },
            place(known, ix),
        ],
    }
}

/// Returns where a unit runs, and why there.
fn place(known: Known<'_>, unit: UnitIx) -> Section {
    let Known { model, plan, .. } = known;
    let mut lines = Vec::new();
    if let Some(at) = plan.shard_of(unit) {
        let shard = &plan.shards[at];
        let lane = &model.problem.lanes[shard.lane];
        let company = match shard.units.len().saturating_sub(1) {
            0 => "alone".to_owned(),
            others => format!("with {}", plural(others, "other unit")),
        };
        lines.push(format!("on {}, {company}", shard.name));
        // Whatever shard runs it sets up what it uses.
        let (needed, _) = model.problem.apart_from_setups(model.problem.needed(unit));
        let able: Vec<&PlannedShard> = plan
            .shards
            .iter()
            .filter(|other| other.lane == shard.lane && other.services.covers(needed))
            .collect();
        let all = plan.shards.iter().filter(|other| other.lane == shard.lane).count();
        lines.push(if all == 1 {
            format!("it is the only shard of lane `{}`", lane.name)
        } else if able.len() == 1 {
            format!("it is the only one of {} that starts what it needs", plural(all, "shard"))
        } else {
            let others = able.iter().filter(|other| other.name != shard.name).map(|other| &other.name);
            format!("{} could run it too: the loads are evened out", listed(others))
        });
        let own = shard.times.end();
        let last = own >= plan.end;
        lines.push(if last {
            format!("that shard ends last, after {own}: it decides when the workflow ends")
        } else {
            format!(
                "that shard is done after {own}, {} before the workflow ends",
                plan.end.saturating_sub(own)
            )
        });
    }
    if lines.is_empty() {
        lines.push("no shard of the plan names it".to_owned());
    }
    Section { title: "Where it runs".to_owned(), lines }
}

fn explain_part(known: Known<'_>, name: &str, units: &[UnitIx]) -> Explanation {
    let Known { model, plan, .. } = known;
    let line = |unit: &UnitIx| {
        let shard = plan.shard_of(*unit).map_or("no shard", |shard| plan.shards[shard].name.as_str());
        let unit = &model.problem.units[*unit];
        format!("{:>7}  {} on {shard}", unit.load, Printable(&unit.name))
    };
    Explanation {
        title: format!("{} is in {}", Printable(name), plural(units.len(), "unit")),
        sections: vec![Section {
            title: "Where they run".to_owned(),
            lines: units.iter().map(line).collect(),
        }],
    }
}

fn explain_shard(known: Known<'_>, ix: ShardIx) -> Explanation {
    let Known { model, plan, .. } = known;
    let shard = &plan.shards[ix];
    let times = &shard.times;
    let mut lines = vec![
        format!("{} before the tests: checkout, installation, collection", times.base),
        format!("{} for its services", times.boot),
        format!("{} for {}", times.run, plural(shard.tests, "test")),
        format!("{} after the tests", times.tail),
        format!("{} in all; {} in nine of ten runs", times.wall(), shard.forecast.p90),
    ];
    if let Some(runner) = model.problem.lanes[shard.lane].taken() {
        let billed = plural(times.wall().billed_minutes(), "minute");
        lines.push(format!("on {}, for {billed} {}", runner.name, at_price(&model.problem, runner)));
    }
    if times.head > Millis::ZERO {
        lines.insert(0, format!("{} until the jobs that it waits for are done", times.head));
    }
    if times.queue > Millis::ZERO {
        lines.push(format!("it starts {} later for want of a runner", times.queue));
    }
    let mut services = Vec::new();
    for service in shard.services.iter() {
        let users: Vec<UnitIx> = shard
            .units
            .iter()
            .copied()
            .filter(|unit| model.problem.units[*unit].requirement.contains(service))
            .collect();
        let model_of = &model.problem.services[service];
        let without = shard.services.without(ServiceSet::from_iter([service]));
        let cost = model.problem.boot(shard.services).saturating_sub(model.problem.boot(without));
        let why = match users.first() {
            _ if model.problem.lanes[shard.lane].services.contains(service) => {
                "started by its lane everywhere".to_owned()
            }
            Some(first) => format!(
                "needed by {}, such as `{}`",
                plural(users.len(), "unit"),
                Printable(&model.problem.units[*first].name)
            ),
            None => "needed by nothing here".to_owned(),
        };
        services.push(format!("{}: {why}; it costs this shard {cost}", model_of.name));
    }
    for setup in shard.setups.iter() {
        let users = shard.units.iter().filter(|unit| model.problem.units[**unit].requirement.contains(setup));
        let setup = &model.problem.services[setup];
        lines.push(format!(
            "{} of the tests' time to set up {} for {}",
            setup.attach,
            setup.name,
            plural(users.count(), "unit")
        ));
    }
    if services.is_empty() {
        services.push("none".to_owned());
    }
    let mut units: Vec<UnitIx> = shard.units.clone();
    units.sort_by_key(|unit| (std::cmp::Reverse(model.problem.units[*unit].load), *unit));
    let mut longest: Vec<String> = units
        .iter()
        .take(MOST_LISTED)
        .map(|unit| {
            let unit = &model.problem.units[*unit];
            format!("{:>7}  {}", unit.load, Printable(&unit.name))
        })
        .collect();
    if units.len() > MOST_LISTED {
        longest.push(format!("and {} more", units.len() - MOST_LISTED));
    }
    Explanation {
        title: format!("Shard {}", shard.name),
        sections: vec![
            Section { title: "Its time".to_owned(), lines },
            Section { title: "Its services".to_owned(), lines: services },
            Section { title: "Its longest units".to_owned(), lines: longest },
            Section { title: "What binds".to_owned(), lines: vec![sentences::binding(model, plan)] },
        ],
    }
}

fn explain_service(known: Known<'_>, ix: ServiceIx) -> Explanation {
    let Known { config, model, plan, .. } = known;
    let service = &model.problem.services[ix];
    let declared = &config.services[ix.position()];
    let mut lines = vec![
        format!("{} each time it is started", plural(service.containers, "container")),
        format!(
            "{} to download, {} to become ready, {} for the first test on it (from {})",
            service.pull, service.ready, service.attach, declared.times.origin
        ),
    ];
    let shards: Vec<&str> = plan
        .shards
        .iter()
        .filter(|shard| shard.services.contains(ix))
        .map(|shard| shard.name.as_str())
        .collect();
    let limited = model.problem.lanes.iter().any(|lane| lane.memory_on_runner().is_some());
    if limited && service.memory.0 > 0 {
        lines.push(format!("{} of its runner's memory", service.memory));
    }
    lines.push(if shards.is_empty() {
        "no shard starts it".to_owned()
    } else {
        format!("started by {}", listed(shards))
    });
    let mut users: Vec<UnitIx> =
        model.problem.units.indices().filter(|unit| model.problem.needed(*unit).contains(ix)).collect();
    users.sort_by_key(|unit| (std::cmp::Reverse(model.problem.units[*unit].load), *unit));
    let load: Millis = users.iter().map(|unit| model.problem.units[*unit].load).sum();
    let mut needs = vec![if users.is_empty() {
        "no test that will run".to_owned()
    } else {
        format!("{} with {load} of tests", plural(users.len(), "unit"))
    }];
    needs.extend(users.iter().take(MOST_LISTED).map(|unit| {
        let unit = &model.problem.units[*unit];
        format!("{:>7}  {}", unit.load, Printable(&unit.name))
    }));
    if users.len() > MOST_LISTED {
        needs.push(format!("and {} more", users.len() - MOST_LISTED));
    }
    for note in model.notes.not_provisioned.iter().filter(|note| note.service == service.name) {
        needs.push(sentences::not_provisioned(note));
    }
    Explanation {
        title: format!("Service {}", service.name),
        sections: vec![
            Section { title: "What it costs".to_owned(), lines },
            Section { title: "What needs it".to_owned(), lines: needs },
        ],
    }
}

/// Returns what a minute on a runner is billed.
fn at_price(problem: &Problem, runner: &RunnerModel) -> String {
    sentences::at_price(runner.price as f64 / problem.minute as f64)
}

fn explain_runner(known: Known<'_>, runner: &Runner) -> Explanation {
    let labels = listed(runner.runs_on.iter().map(|label| format!("`{}`", Printable(label))));
    let speed = match runner.speed {
        1000 => "one worker runs tests at the usual speed".to_owned(),
        speed => format!("one worker runs tests {} times as fast as usual", f64::from(speed) / 1000.0),
    };
    let price = sentences::at_price(runner.price as f64 / Runner::USUAL_PRICE as f64);
    let mut lines = vec![format!("the CI knows it as {labels}"), format!("billed {price}"), speed];
    lines.extend(runner.cpus.map(|cpus| plural(cpus, "processor")));
    lines.extend(runner.memory.as_ref().map(|memory| format!("{} of memory", memory.value)));
    lines.push(format!("declared at {}", runner.origin));
    let problem = &known.model.problem;
    let mut uses: Vec<String> =
        problem.lanes.indices().filter_map(|lane| use_by(known, runner, lane)).collect();
    if uses.is_empty() {
        uses.push("no lane with tests may take it".to_owned());
    }
    Explanation {
        title: format!("Runner {}", runner.name),
        sections: vec![
            Section { title: "What it is".to_owned(), lines },
            Section { title: "Who is on it".to_owned(), lines: uses },
        ],
    }
}

/// Returns whether a lane's shards are on a runner, and else what the same shards would do on it; nothing where the lane
/// may not take it.
fn use_by(known: Known<'_>, runner: &Runner, ix: LaneIx) -> Option<String> {
    let Known { model, plan, .. } = known;
    let problem = &model.problem;
    let lane = &problem.lanes[ix];
    let at = lane.runners.iter().position(|known| known.name == runner.name)?;
    let shards = || plan.shards.iter().filter(|shard| shard.lane == ix);
    if lane.runner == Some(at) {
        let names = listed(shards().map(|shard| format!("`{}`", shard.name)));
        return Some(format!("lane `{}`, with {names}", lane.name));
    }
    let (mut there, mut here) = (Millis::ZERO, Millis::ZERO);
    let (mut parts, mut now) = (0, 0);
    let other = &lane.runners[at];
    for shard in shards() {
        if other.memory.as_ref().is_some_and(|limit| problem.memory(ix, shard.services) > limit.value) {
            let what = sentences::services(&service_names(problem, shard.services));
            return Some(format!("lane `{}` has no room on it: `{}` starts {what}", lane.name, shard.name));
        }
        let load = shard.units.iter().map(|unit| problem.units[*unit].load).sum();
        let piece = shard.units.iter().map(|unit| problem.units[*unit].piece).max().unwrap_or_default();
        let wall = problem.overhead(ix, shard.services) + lane.run_on(Some(other), load, piece);
        there = there.max(wall);
        here = here.max(shard.times.wall());
        parts += wall.billed_minutes() * other.price;
        now += problem.billed(ix, shard.times.wall());
    }
    let minutes = |parts: u64| plural(problem.whole_minutes(parts), "billed minute");
    let taken = lane.taken().map_or_else(|| "the usual one".to_owned(), |taken| format!("`{}`", taken.name));
    Some(format!(
        "not lane `{}`, which is on {taken}: the same shards would take up to {there} on it, for {}; they take up to {here}, for {}",
        lane.name,
        minutes(parts),
        minutes(now)
    ))
}

fn service_names(problem: &Problem, services: ServiceSet) -> Vec<ServiceName> {
    services.iter().map(|service| problem.services[service].name.clone()).collect()
}

fn explain_lane(known: Known<'_>, ix: LaneIx) -> Explanation {
    let Known { model, plan, config, .. } = known;
    let lane = &model.problem.lanes[ix];
    let units: Vec<UnitIx> =
        model.problem.units.indices().filter(|unit| model.problem.units[*unit].lane == ix).collect();
    let load: Millis = units.iter().map(|unit| model.problem.units[*unit].load).sum();
    let shards = plan.shards.iter().filter(|shard| shard.lane == ix);
    let mut lines = vec![
        format!("{} with {load} of tests in all", plural(units.len(), "unit")),
        format!("{} before and {} after the tests in every shard", lane.base, lane.tail),
        match lane.speed_on_runner() {
            1000 => "one test at a time".to_owned(),
            speed => format!("worked off at {} times the speed of one worker", speed as f64 / 1000.0),
        },
    ];
    for (at, runner) in lane.runners.iter().enumerate() {
        let RunnerModel { name, speed, memory, .. } = runner;
        let taken = if lane.runner == Some(at) { "its shards are on" } else { "they may be on" };
        let memory =
            memory.as_ref().map_or_else(String::new, |limit| format!(", with {} of memory", limit.value));
        let price = at_price(&model.problem, runner);
        lines.push(format!("{taken} {name}, {}, {price}{memory}", sentences::at_speed(*speed)));
    }
    if let Some(declared) = config.lanes.iter().find(|declared| declared.name == lane.name) {
        lines.push(format!("declared at {}", declared.origin));
    }
    if lane.head + lane.after > Millis::ZERO {
        lines.push(format!("{} of other jobs before it and {} after it", lane.head, lane.after));
    }
    let names: Vec<String> = shards
        .map(|shard| {
            let services = service_names(&model.problem, shard.services);
            format!("{}: {}, job {}", shard.name, sentences::services(&services), shard.times.wall())
        })
        .collect();
    Explanation {
        title: format!("Lane {}", lane.name),
        sections: vec![
            Section { title: "What it is".to_owned(), lines },
            Section { title: "Its shards".to_owned(), lines: names },
        ],
    }
}
