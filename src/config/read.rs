//! The manifest's tables, read into a draft that still knows where everything stands.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::decode::Section;
use super::{
    AuditSettings, Budget, Catalogue, Config, Dist, Granularity, Group, GroupRule, HalfLife, HistorySettings,
    IngestSettings, Job, Lane, Memory, Origin, Pattern, Problem, Project, Provision, Runner, Service,
    ServiceTimes, Setup, SetupScope, Signs, Sourced, Today, Unassigned, Workflow,
};
use crate::ids::{JobName, LaneName, MarkerName, RunnerName, ServiceName};

/// How many shards a lane may have today: more than any CI service runs of one job.
const MOST_SHARDS_TODAY: u32 = 1024;

/// What the manifest says, before its names are held against each other.
pub(super) struct Draft {
    pub(super) config: Config,
    /// Every mention of a service, with its place.
    pub(super) services_named: Vec<Spanned<ServiceName>>,
    /// Every job that a job waits for, with the waiting job.
    pub(super) job_needs: Vec<(JobName, Spanned<JobName>)>,
    /// Every job that a lane waits for.
    pub(super) lane_needs: Vec<(LaneName, Spanned<JobName>)>,
    /// Every lane whose tests run in the job of another today, with that one.
    pub(super) lanes_inside: Vec<(LaneName, Spanned<LaneName>)>,
    /// Every runner that a lane may take.
    pub(super) lane_runners: Vec<(LaneName, Spanned<RunnerName>)>,
    /// Every runner that the times of a lane are from.
    pub(super) runners_measured: Vec<Spanned<RunnerName>>,
    /// The members of every group as they were written.
    pub(super) group_members: BTreeMap<String, Vec<Spanned<String>>>,
    /// Where each job's table stands.
    pub(super) job_spans: BTreeMap<JobName, Range<usize>>,
    /// Where each set-up's table stands.
    pub(super) setup_spans: BTreeMap<String, Range<usize>>,
}

impl Draft {
    /// Returns the configuration, its groups' members spelled out. Only for a draft without problems.
    pub(super) fn into_config(self) -> Config {
        let Self { mut config, group_members, .. } = self;
        for group in &mut config.groups {
            group.members = super::check::flatten(&group.name, &group_members)
                .into_iter()
                .filter_map(|member| member.parse().ok())
                .collect();
        }
        let services = |config: &Config, host: &LaneName| {
            let today = config.lanes.iter().find(|lane| lane.name == *host)?.today.as_ref()?;
            Some(today.services.clone())
        };
        for at in 0..config.lanes.len() {
            let host = config.lanes[at].today.as_ref().and_then(|today| today.inside.clone());
            let found = host.and_then(|host| services(&config, &host));
            if let (Some(found), Some(today)) = (found, config.lanes[at].today.as_mut()) {
                today.services = found;
            }
        }
        config
    }
}

/// Reads positions as line numbers of a file.
struct Places<'a> {
    text: &'a str,
    path: &'a str,
}

impl Places<'_> {
    fn origin(&self, span: &Range<usize>) -> Origin {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        let line = 1 + String::from_utf8_lossy(before).matches('\n').count();
        Origin::File { path: self.path.to_owned(), line }
    }

    fn sourced<T>(&self, value: Spanned<T>) -> Sourced<T> {
        let origin = self.origin(&value.span());
        Sourced::new(value.into_inner(), origin)
    }

    fn sourced_all<T>(&self, values: Vec<Spanned<T>>) -> Vec<Sourced<T>> {
        values.into_iter().map(|value| self.sourced(value)).collect()
    }

    /// Returns the value with the place of its key.
    fn at<T>(&self, section: &Section<'_, '_>, key: &str, value: T) -> Sourced<T> {
        Sourced::new(value, self.origin(&section.span_of(key)))
    }
}

/// Returns what the text says, and every problem that can be seen table by table; the problems alone where the
/// text is no TOML.
pub(super) fn read(text: &str, path: &str) -> Result<(Draft, Vec<Problem>), Vec<Problem>> {
    let problems = RefCell::new(Vec::new());
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        problems.borrow_mut().push(Problem { message: error.message().to_owned(), span, hint: None });
    }
    if !problems.borrow().is_empty() {
        return Err(problems.into_inner());
    }
    let places = Places { text, path };
    let root = Section::new("", document.get_ref(), 0..0, &problems);
    let mut draft = Draft {
        config: Config {
            project: read_project(&root),
            history: read_history(&root),
            ingest: read_ingest(&root),
            services: Vec::new(),
            setups: Vec::new(),
            runners: Vec::new(),
            lanes: Vec::new(),
            groups: Vec::new(),
            workflow: Workflow::default(),
            budget: read_budget(&root, &places),
            audit: read_audit(&root),
        },
        services_named: Vec::new(),
        job_needs: Vec::new(),
        lane_needs: Vec::new(),
        lane_runners: Vec::new(),
        runners_measured: Vec::new(),
        group_members: BTreeMap::new(),
        job_spans: BTreeMap::new(),
        setup_spans: BTreeMap::new(),
        lanes_inside: Vec::new(),
    };
    for (name, section) in root.named_tables::<ServiceName>("services") {
        read_service(&mut draft, name, section, &places);
    }
    for (name, section) in root.named_tables::<RunnerName>("runners") {
        read_runner(&mut draft, name, section, &places);
    }
    for (name, section) in root.named_tables::<LaneName>("lanes") {
        read_lane(&mut draft, name, section, &places);
    }
    for (name, section) in root.named_tables::<LaneName>("setups") {
        read_setup(&mut draft, name.as_str().to_owned(), section, &places);
    }
    for (name, section) in root.named_tables::<LaneName>("groups") {
        read_group(&mut draft, name.as_str().to_owned(), section, &places);
    }
    read_workflow(&mut draft, &root, &places);
    root.finish();

    draft.config.services.sort_by(|a, b| a.name.cmp(&b.name));
    draft.config.setups.sort_by(|a, b| a.name.cmp(&b.name));
    draft.config.runners.sort_by(|a, b| a.name.cmp(&b.name));
    draft.config.lanes.sort_by(|a, b| a.name.cmp(&b.name));
    draft.config.groups.sort_by(|a, b| a.name.cmp(&b.name));
    draft.config.workflow.jobs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((draft, problems.into_inner()))
}

fn read_project(root: &Section<'_, '_>) -> Project {
    let Some(section) = root.table("project") else { return Project::default() };
    let choices = [("fail", Unassigned::Fail), ("ignore", Unassigned::Ignore)];
    let project = Project {
        inventory: section.string("inventory"),
        unassigned: section.choice("unassigned", &choices).unwrap_or_default(),
    };
    section.finish();
    project
}

fn read_history(root: &Section<'_, '_>) -> HistorySettings {
    let mut settings = HistorySettings::default();
    if let Some(section) = root.table("history") {
        if let Some(half_life) = section.number("half_life", 1.0..=1e6) {
            settings.half_life = HalfLife::Runs(half_life);
        }
        settings.branch = section.string("branch");
        section.finish();
    }
    settings
}

fn read_ingest(root: &Section<'_, '_>) -> IngestSettings {
    let Some(section) = root.table("ingest") else { return IngestSettings::default() };
    let paths = section.list("paths").into_iter().map(Spanned::into_inner).collect();
    let mut columns = BTreeMap::new();
    if let Some(table) = section.table("columns") {
        for column in COLUMNS {
            if let Some(name) = table.string(column) {
                columns.insert(column.to_owned(), name);
            }
        }
        table.finish();
    }
    section.finish();
    IngestSettings { paths, columns }
}

/// The columns of a CSV file that `ingest` reads, by their names in `docs/formats.md`.
const COLUMNS: [&str; 23] = [
    "test",
    "seconds",
    "milliseconds",
    "file",
    "outcome",
    "lane",
    "shard",
    "run",
    "attempt",
    "branch",
    "commit",
    "at",
    "machine",
    "services",
    "extent",
    "setup_seconds",
    "call_seconds",
    "teardown_seconds",
    "reason",
    "unit",
    "retries",
    "worker",
    "project",
];

fn read_budget(root: &Section<'_, '_>, places: &Places<'_>) -> Budget {
    let Some(section) = root.table("budget") else { return Budget::default() };
    let limit = |key: &'static str, least: u32| {
        section.count(key, least).map(|value| places.at(&section, key, value))
    };
    let budget = Budget {
        containers: limit("containers", 0),
        shards: limit("shards", 1),
        slots: limit("slots", 1),
        minutes: limit("minutes", 1).map(|Sourced { value, origin }| Sourced::new(value.into(), origin)),
        tolerance: section.parsed("tolerance").map(|value| places.at(&section, "tolerance", value)),
    };
    section.finish();
    budget
}

fn read_service(draft: &mut Draft, name: ServiceName, section: Section<'_, '_>, places: &Places<'_>) {
    let image = section.string("image");
    let declared =
        [section.span_of_time("pull"), section.span_of_time("ready"), section.span_of_time("attach")];
    let usual = Catalogue::embedded().times(name.as_str(), image.as_deref());
    let fallback = usual.unwrap_or(ServiceTimes::UNKNOWN);
    let times = ServiceTimes {
        pull: declared[0].unwrap_or(fallback.pull),
        ready: declared[1].unwrap_or(fallback.ready),
        attach: declared[2].unwrap_or(fallback.attach),
    };
    let origin = places.origin(&section.span());
    let times_origin = if declared.iter().any(Option::is_some) {
        origin.clone()
    } else if usual.is_some() {
        Origin::Catalogue
    } else {
        Origin::Default
    };
    let memory = section.parsed::<Memory>("memory").map_or_else(
        || {
            let usual = Catalogue::embedded().find(name.as_str(), image.as_deref())?.memory?;
            Some(Sourced::new(usual, Origin::Catalogue))
        },
        |memory| Some(places.at(&section, "memory", memory)),
    );
    let provision = [("auto", Provision::Auto), ("always", Provision::Always), ("never", Provision::Never)];
    let needs = section.list::<ServiceName>("needs");
    draft.services_named.extend(needs.iter().cloned());
    draft.config.services.push(Service {
        name,
        origin,
        image,
        containers: section.count("containers", 0).unwrap_or(1),
        times: Sourced::new(times, times_origin),
        memory,
        provision: section.choice("provision", &provision).unwrap_or_default(),
        addresses: section.list::<String>("addresses").into_iter().map(Spanned::into_inner).collect(),
        markers: places.sourced_all(section.list::<MarkerName>("markers")),
        fixtures: places.sourced_all(section.list::<String>("fixtures")),
        paths: places.sourced_all(section.list::<Pattern>("paths")),
        needs: places.sourced_all(needs),
        evidence: read_evidence(&section),
    });
    section.finish();
}

fn read_setup(draft: &mut Draft, name: String, section: Section<'_, '_>, places: &Places<'_>) {
    let scopes = [("session", SetupScope::Session), ("module", SetupScope::Module)];
    let fixtures = section.list::<String>("fixtures");
    if fixtures.is_empty() {
        let hint = Some("write the fixtures that do it, as in `fixtures = [\"loaded_corpus\"]`".to_owned());
        section.problem(section.span(), format!("set-up `{name}` has no fixture"), hint);
    }
    draft.setup_spans.insert(name.clone(), section.span());
    draft.config.setups.push(Setup {
        name,
        origin: places.origin(&section.span()),
        fixtures: places.sourced_all(fixtures),
        scope: section.choice("scope", &scopes).unwrap_or_default(),
        time: section.span_of_time("time").map(|time| places.at(&section, "time", time)),
    });
    section.finish();
}

fn read_evidence(service: &Section<'_, '_>) -> Signs {
    let Some(section) = service.table("evidence") else { return Signs::default() };
    let plain = |key| section.list::<String>(key).into_iter().map(Spanned::into_inner).collect();
    let signs = Signs {
        modules: plain("modules"),
        clients: plain("clients"),
        connects: plain("connects"),
        schemes: plain("schemes"),
        ports: section.ports("ports"),
        variables: plain("variables"),
        packages: Vec::new(),
        fixtures: plain("fixtures"),
        backends: plain("backends"),
        testing: plain("testing"),
        emulated: Vec::new(),
        sql: false,
    };
    section.finish();
    signs
}

fn read_audit(root: &Section<'_, '_>) -> AuditSettings {
    let Some(section) = root.table("audit") else { return AuditSettings::default() };
    let codes = |section: &Section<'_, '_>, key| {
        section.list::<String>(key).into_iter().map(Spanned::into_inner).collect::<Vec<_>>()
    };
    let settings = AuditSettings {
        select: codes(&section, "select"),
        ignore: codes(&section, "ignore"),
        per_file_ignores: section.lists("per-file-ignores"),
        serial: Some(codes(&section, "serial"))
            .filter(|_| section.has("serial"))
            .unwrap_or(AuditSettings::default().serial),
        baseline: section.string("baseline"),
    };
    section.finish();
    settings
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "both factors were read within a small positive range"
)]
fn thousandths(factor: f64) -> u32 {
    (factor * 1000.0).round() as u32
}

fn read_runner(draft: &mut Draft, name: RunnerName, section: Section<'_, '_>, places: &Places<'_>) {
    let labels = section.string_or_list("runs_on");
    let place = section.span_of("runs_on");
    if labels.as_ref().is_some_and(|labels| labels.is_empty() || labels.iter().any(|label| !is_label(label)))
    {
        let hint =
            Some("write it as the CI knows it, as in `runs_on = \"ubuntu-latest-4-cores\"`".to_owned());
        section.problem(
            place,
            "`runs_on` must name at least one label, none of them empty or an expression",
            hint,
        );
    }
    draft.config.runners.push(Runner {
        origin: places.origin(&section.span()),
        runs_on: labels.unwrap_or_else(|| vec![name.to_string()]),
        price: section.millionths("price", 0.001..=100.0).unwrap_or(Runner::USUAL_PRICE),
        speed: thousandths(section.number("speed", 0.01..=100.0).unwrap_or(1.0)),
        cpus: section.count_up_to("cpus", 1, 1024),
        memory: section.parsed("memory").map(|memory| places.at(&section, "memory", memory)),
        name,
    });
    section.finish();
}

/// Returns whether a CI could know a runner by this: expressions of any system are none.
fn is_label(text: &str) -> bool {
    !text.trim().is_empty()
        && !text.chars().any(char::is_control)
        && !["${{", "<<", "$"].iter().any(|mark| text.contains(mark))
}

fn read_lane(draft: &mut Draft, name: LaneName, section: Section<'_, '_>, places: &Places<'_>) {
    /// The processors of a hosted Linux runner for public repositories.
    const USUAL_CPUS: u32 = 4;

    let services = section.list::<ServiceName>("services");
    draft.services_named.extend(services.iter().cloned());
    let needs = section.list::<JobName>("needs");
    draft.lane_needs.extend(needs.iter().map(|job| (name.clone(), job.clone())));
    let runners = section.list::<RunnerName>("runners");
    if section.has("runners") && runners.is_empty() {
        let hint = Some("remove it, or name those of `[runners]` that the lane may take".to_owned());
        section.problem(section.span_of("runners"), "`runners` names no runner", hint);
    }
    draft.lane_runners.extend(runners.iter().map(|runner| (name.clone(), runner.clone())));
    let measured_on = section.parsed::<RunnerName>("measured_on");
    let measured_on = measured_on.map(|runner| Spanned::new(section.span_of("measured_on"), runner));
    if measured_on.is_some() && !section.has("runners") {
        let hint = Some("remove it, or name the runners that the lane may take".to_owned());
        section.problem(
            section.span_of("measured_on"),
            "`measured_on` means nothing without `runners`",
            hint,
        );
    }
    draft.runners_measured.extend(measured_on.clone());
    let cpus = section.count("cpus", 1).unwrap_or(USUAL_CPUS);
    let workers = section.count_or_word("workers", "auto");
    let is_auto = matches!(workers, Some(Err(())));
    let workers = match workers {
        None => 1,
        Some(Ok(workers)) => workers,
        Some(Err(())) => cpus,
    };
    let workers = NonZeroU32::new(workers).unwrap_or(NonZeroU32::MIN);
    let efficiency = section.number("efficiency", 0.05..=1.0);
    let shared = thousandths(efficiency.unwrap_or(0.8));
    if efficiency.is_some() && workers.get() == 1 {
        let hint = Some("remove it, or set `workers`".to_owned());
        section.problem(section.span_of("efficiency"), "`efficiency` means nothing for one worker", hint);
    }
    let dist = [("test", Dist::Test), ("class", Dist::Class), ("file", Dist::File)];
    let unit = [
        ("file", Granularity::File),
        ("class", Granularity::Class),
        ("test", Granularity::Test),
        ("auto", Granularity::Auto),
    ];
    let order = [("free", false), ("keep", true)];
    let keeps_order = section.choice("order", &order).unwrap_or_default();
    let unit = section.choice("unit", &unit).unwrap_or_default();
    if keeps_order && unit != Granularity::File {
        let hint = Some("remove `unit`, or let the order be free".to_owned());
        section.problem(
            section.span_of("order"),
            "`order = \"keep\"` cuts between files: `unit` must be \"file\"",
            hint,
        );
    }
    let time = |key| section.span_of_time(key).map(|value| places.at(&section, key, value));
    let today = section.table("today").map(|today| read_today(draft, &name, today, places));
    let plain = |patterns: Vec<Spanned<Pattern>>| patterns.into_iter().map(Spanned::into_inner).collect();
    let lane = Lane {
        name,
        origin: places.origin(&section.span()),
        paths: plain(section.list("paths")),
        exclude: plain(section.list("exclude")),
        markers: section.parsed("markers"),
        workers,
        efficiency: if workers.get() == 1 { 1000 } else { shared },
        auto_efficiency: is_auto.then_some(shared),
        dist: section.choice("dist", &dist).unwrap_or_default(),
        services: places.sourced_all(services),
        unit,
        keeps_order: keeps_order.then(|| places.origin(&section.span_of("order"))),
        base: time("base"),
        tail: time("tail"),
        max_shards: section.count("max_shards", 1).map(|value| places.at(&section, "max_shards", value)),
        needs: places.sourced_all(needs),
        time_scale: section
            .number("time_scale", 0.01..=100.0)
            .map(|value| places.at(&section, "time_scale", thousandths(value))),
        memory: section.parsed("memory"),
        runner_memory: section
            .parsed("runner_memory")
            .map(|value| places.at(&section, "runner_memory", value)),
        runners: places.sourced_all(runners),
        measured_on: measured_on.map(|runner| places.sourced(runner)),
        job: section.string("job"),
        today,
    };
    draft.config.lanes.push(lane);
    section.finish();
}

/// Reads what the job of a lane is today.
fn read_today(draft: &mut Draft, lane: &LaneName, today: Section<'_, '_>, places: &Places<'_>) -> Today {
    let inside = today.parsed::<LaneName>("inside");
    let inside = inside.map(|host| Spanned::new(today.span_of("inside"), host));
    if let Some(host) = &inside {
        draft.lanes_inside.push((lane.clone(), host.clone()));
        for key in ["services", "shards"].into_iter().filter(|key| today.has(key)) {
            let hint = Some(format!("say it of `{}`", host.get_ref()));
            let message = format!("`{key}` of today are those of the lane that `inside` names");
            today.problem(today.span_of(key), message, hint);
        }
    } else if !today.has("services") {
        let hint = Some("write `services = []` if its job starts none".to_owned());
        today.problem(today.span(), "`today` does not say which services its job starts", hint);
    }
    let services = today.list::<ServiceName>("services");
    draft.services_named.extend(services.iter().cloned());
    let read = Today {
        origin: places.origin(&today.span()),
        services: services.into_iter().map(Spanned::into_inner).collect(),
        shards: today.count_up_to("shards", 1, MOST_SHARDS_TODAY).unwrap_or(1),
        inside: inside.map(Spanned::into_inner),
    };
    today.finish();
    read
}

fn read_group(draft: &mut Draft, name: String, section: Section<'_, '_>, places: &Places<'_>) {
    let rules = [("together", GroupRule::Together), ("apart", GroupRule::Apart)];
    let rule = section.choice("rule", &rules);
    if !section.has("rule") {
        let hint = Some("write `rule = \"together\"` or `rule = \"apart\"`".to_owned());
        section.problem(section.span(), format!("group `{name}` has no rule"), hint);
    }
    let members = section.list::<String>("members");
    for member in &members {
        if member.get_ref().starts_with('@') {
            continue;
        }
        if let Err(error) = member.get_ref().parse::<Pattern>() {
            section.problem(member.span(), error.to_string(), None);
        }
    }
    draft.group_members.insert(name.clone(), members);
    draft.config.groups.push(Group {
        name,
        origin: places.origin(&section.span()),
        rule: rule.unwrap_or(GroupRule::Together),
        members: Vec::new(),
    });
    section.finish();
}

fn read_workflow(draft: &mut Draft, root: &Section<'_, '_>, places: &Places<'_>) {
    let Some(section) = root.table("workflow") else { return };
    draft.config.workflow.file = section.string("file");
    draft.config.workflow.gate = section.string("gate");
    for (name, job) in section.named_tables::<JobName>("jobs") {
        let wall = job.span_of_time("wall");
        if !job.has("wall") {
            let hint = Some("write how long it takes, as in `wall = \"3m32s\"`".to_owned());
            job.problem(job.span(), format!("job `{name}` has no `wall`"), hint);
        }
        let needs = job.list::<JobName>("needs");
        draft.job_needs.extend(needs.iter().map(|need| (name.clone(), need.clone())));
        draft.job_spans.insert(name.clone(), job.span());
        draft.config.workflow.jobs.push(Job {
            name,
            origin: places.origin(&job.span()),
            wall: wall.unwrap_or_default(),
            today: job.span_of_time("today"),
            needs: places.sourced_all(needs),
        });
        job.finish();
    }
    section.finish();
}
