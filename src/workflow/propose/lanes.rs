//! Lanes, services and the gate, read off the jobs of a workflow file.

use std::collections::BTreeSet;

use super::super::github::{Matrix, PytestCommand, Row, Via, WorkflowFile, WorkflowJob, render};
use super::{Proposal, ProposedLane, ProposedService, Repository, started, tasks};
use crate::config::{Catalogue, MarkerExpr, Pattern};
use crate::ids::{LaneName, MarkerName, Printable, ServiceName};

/// Returns how much a file looks like the one whose tests are to be split; 0 where it runs none.
pub(super) fn score(file: &WorkflowFile, repository: &Repository<'_>) -> usize {
    let found: Vec<(usize, Found)> =
        file.jobs.iter().map(|job| (job.services.len(), commands(job, repository))).collect();
    let best =
        found.iter().map(|(services, found)| match (found.pytest.is_empty(), found.wrapped.is_empty()) {
            (false, _) => 20 + 6 * services,
            (true, false) => 8 + 6 * services,
            (true, true) => 0,
        });
    let best = best.max().unwrap_or(0);
    let has = |event: &str| file.events.iter().any(|known| known == event);
    let often = match () {
        () if has("pull_request") || has("merge_group") => 12,
        () if has("push") => 8,
        () if has("workflow_call") => 4,
        () => 0,
    };
    if best == 0 { 0 } else { best + often + share(file, repository) }
}

/// Returns why no workflow file could be taken, with the places of what runs tests in another way.
pub(super) fn nothing_found(files: &[WorkflowFile], repository: &Repository<'_>) -> Vec<String> {
    const SHOWN: usize = 4;
    let mut lines = vec![match files.len() {
        0 => {
            "There is no workflow file in .github/workflows: all tests are one lane, and no service is known."
                .to_owned()
        }
        1 => format!(
            "{} runs no pytest in a way that is recognised: all tests are one lane. Describe the lanes by hand.",
            files[0].path
        ),
        number => format!(
            "None of the {number} workflow files in .github/workflows runs pytest in a way that is recognised: all tests are one lane. Name one with `--workflow FILE`, or describe the lanes by hand."
        ),
    }];
    let jobs = files.iter().flat_map(|file| file.jobs.iter().map(move |job| (file, job)));
    let others = jobs.flat_map(|(file, job)| {
        let found = commands(job, repository).other;
        found.into_iter().map(move |words| {
            format!(
                "{}:{}: job `{}` runs `{}`, which is not pytest: shardplan runs the shards of pytest and nextest.",
                file.path, job.line, Printable(&job.id), Printable(&short(&words))
            )
        })
    });
    lines.extend(others.take(SHOWN));
    lines.extend(repository.other_systems.iter().map(|path| {
        format!("{path} is there and is not read: `init` knows the workflows of GitHub alone. `shardplan emit` writes for other systems too.")
    }));
    lines
}

/// Returns how many twentieths of the test files the jobs of a file run, as far as that can be seen: a workflow
/// for the tests of the documentation is not the one that is slow.
fn share(file: &WorkflowFile, repository: &Repository<'_>) -> usize {
    const ALL: usize = 20;
    let total = repository.test_files.len();
    if total == 0 {
        return 0;
    }
    let mut selected = BTreeSet::new();
    for job in &file.jobs {
        let found = commands(job, repository);
        let rows = job.rows().unwrap_or_else(|| vec![Row::default()]);
        for (step, command) in &found.pytest {
            let folder = folder_of(job, *step, command);
            let places = selected_places(&command.paths, &rows, folder.as_deref());
            let within = |file: &&String| {
                places.is_empty()
                    || places.iter().any(|place| {
                        let place = place.trim_end_matches('/');
                        place.contains(['*', '?'])
                            || file
                                .strip_prefix(place)
                                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                            || place.starts_with(file.as_str())
                    })
            };
            selected.extend(repository.test_files.iter().filter(within));
        }
        // What is hidden is as likely to be the half as anything else.
        if found.pytest.is_empty() && !found.wrapped.is_empty() {
            selected.extend(repository.test_files.iter().take(total.div_ceil(2)));
        }
    }
    ALL * selected.len() / total
}

/// Returns the folder that a command runs in, where it is not the repository's own.
fn folder_of(job: &WorkflowJob, step: usize, command: &PytestCommand) -> Option<String> {
    job.folder_of(step, command.folder.as_deref())
}

/// The tests that a job runs.
#[derive(Default)]
pub(super) struct Found {
    pytest: Vec<(usize, PytestCommand)>,
    wrapped: Vec<String>,
    pub(super) other: Vec<String>,
}

pub(super) fn commands(job: &WorkflowJob, repository: &Repository<'_>) -> Found {
    let mut found = Found::default();
    for runner in job.runners() {
        match runner.via {
            Via::Pytest(command) => found.pytest.push((runner.step, *command)),
            Via::Other(words) => found.other.push(words),
            Via::Wrapped(words) => {
                let folder = job.folder_of(runner.step, None).unwrap_or_default();
                let inside = |path: &str| {
                    let below = if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") };
                    (repository.read)(&below)
                };
                let inner = behind_rows(job, &words, &inside);
                match (inner.pytest.is_empty(), inner.hidden) {
                    (true, true) => found.wrapped.push(words),
                    (true, false) => found.other.push(words),
                    (false, _) => {
                        found.pytest.extend(inner.pytest.into_iter().map(|command| (runner.step, command)));
                    }
                }
            }
        }
    }
    found
}

/// Returns what a command that hides its tests runs, over all rows of the matrix where these decide what it is.
fn behind_rows(job: &WorkflowJob, words: &str, read: &dyn Fn(&str) -> Option<String>) -> tasks::Behind {
    if !words.contains("${{") {
        return tasks::behind(words, read);
    }
    let mut rendered = BTreeSet::new();
    for row in job.rows().unwrap_or_default() {
        let Some(words) = render(words, &row.context()) else { return tasks::behind(words, read) };
        rendered.insert(words);
    }
    let mut all = tasks::Behind { hidden: rendered.is_empty(), ..tasks::Behind::default() };
    for words in rendered {
        let inner = tasks::behind(&words, read);
        all.hidden |= inner.hidden;
        all.pytest.extend(inner.pytest);
    }
    all
}

/// Adds the services of the jobs that run tests.
pub(super) fn add_services(proposal: &mut Proposal, file: &WorkflowFile, repository: &Repository<'_>) {
    for job in file.jobs.iter().filter(|job| runs_tests(job, repository)) {
        for service in &job.services {
            let name = plain(&service.id);
            let Ok(name) = name.parse::<ServiceName>() else { continue };
            if proposal.services.iter().any(|known| known.name == name) {
                continue;
            }
            let rows = job.rows().unwrap_or_default();
            let image = if service.image.contains("${{") {
                rows.first()
                    .and_then(|row| render(&service.image, &row.context()))
                    .filter(|image| !image.is_empty())
            } else {
                Some(service.image.clone()).filter(|image| !image.is_empty())
            };
            if service.image.contains("${{") {
                proposal.guessed.push(format!(
                    "{}:{}: the image of `{name}` depends on the matrix; its times are taken from {}.",
                    file.path,
                    service.line,
                    image
                        .as_deref()
                        .map_or_else(|| "its name".to_owned(), |image| format!("`{}`", Printable(image)))
                ));
            }
            let markers = markers_about(&name, image.as_deref(), &repository.markers);
            if !markers.is_empty() {
                proposal
                    .guessed
                    .push(format!("`{name}` is what the marker `{}` stands for.", markers.join("`, `")));
            }
            let mut remark: Vec<String> = Vec::new();
            if !service.ports.is_empty() {
                remark.push(format!("ports {}", service.ports.join(", ")));
            }
            remark.extend(health(&service.options));
            proposal.services.push(ProposedService {
                name,
                image,
                remark: remark.join("; "),
                markers,
                needed_by: (0, 0),
            });
        }
    }
    proposal.services.sort_by(|a, b| a.name.cmp(&b.name));
    if !proposal.services.is_empty() {
        let names: Vec<&str> = proposal.services.iter().map(|service| service.name.as_str()).collect();
        proposal.understood.push(format!("services: {}", names.join(", ")));
    }
}

fn runs_tests(job: &WorkflowJob, repository: &Repository<'_>) -> bool {
    let found = commands(job, repository);
    !found.pytest.is_empty() || !found.wrapped.is_empty()
}

/// Returns the health check of a service's options.
fn health(options: &str) -> Option<String> {
    let at = options.find("--health-cmd")?;
    let command = options[at + "--health-cmd".len()..].trim_start_matches(['=', ' ']);
    let end = command.find("--").unwrap_or(command.len());
    Some(format!("healthy when {}", command[..end].trim().trim_matches(['"', '\'', '\\']).trim()))
}

/// Returns the registered markers that bear the name of a service or of its kind.
fn markers_about(name: &ServiceName, image: Option<&str>, markers: &[String]) -> Vec<String> {
    let usual = Catalogue::embedded().times(name.as_str(), image);
    let about = |marker: &&String| {
        let word = marker.to_ascii_lowercase();
        let word = word.trim_start_matches("requires_").trim_start_matches("needs_");
        word == name.as_str().to_ascii_lowercase().replace('-', "_")
            || (usual.is_some()
                && !is_role(word)
                && Catalogue::embedded().is_same(word, name.as_str(), image))
    };
    markers.iter().filter(|marker| marker.parse::<MarkerName>().is_ok()).filter(about).cloned().collect()
}

/// Returns whether a word says what a service is for and not what it is.
fn is_role(word: &str) -> bool {
    matches!(word, "db" | "database" | "cache" | "queue" | "broker" | "search")
}

/// Adds a lane for every job that runs tests.
pub(super) fn add_lanes(proposal: &mut Proposal, file: &WorkflowFile, repository: &Repository<'_>) {
    let mut taken = BTreeSet::new();
    let mut jobs: Vec<(&WorkflowJob, Found)> = Vec::new();
    for job in &file.jobs {
        let found = commands(job, repository);
        let shown = format!("{}:{}: job `{}`", file.path, job.line, Printable(&job.id));
        for words in &found.other {
            proposal.guessed.push(format!(
                "{shown} runs `{}`, which is not pytest: it is no lane.",
                Printable(&short(words))
            ));
        }
        if let Some(calls) = &job.calls {
            proposal
                .understood
                .push(format!("{shown} calls {}: what happens there is not looked at.", Printable(calls)));
        }
        if !found.pytest.is_empty() || !found.wrapped.is_empty() {
            jobs.push((job, found));
        }
    }
    // A wrapped runner is a lane only where it is the best there is: `make check` may be no test at all.
    let direct = jobs.iter().any(|(_, found)| !found.pytest.is_empty());
    for (job, found) in jobs {
        let shown = format!("{}:{}: job `{}`", file.path, job.line, Printable(&job.id));
        if found.pytest.is_empty() && direct && job.services.is_empty() {
            proposal.guessed.push(format!(
                "{shown} runs `{}`: it is taken as no lane.",
                Printable(&short(&found.wrapped[0]))
            ));
            continue;
        }
        let mut name = plain(&job.id);
        while !taken.insert(name.clone()) {
            name.push('x');
        }
        let Ok(name) = name.parse::<LaneName>() else { continue };
        let mut lane = lane_of(proposal, file, job, &found, name, repository);
        let others = proposal.lanes.iter().filter(|other| other.repeats.is_none());
        lane.repeats = others.filter(|other| overlap(other, &lane)).map(|other| other.name.clone()).next();
        proposal.lanes.push(lane);
    }
    prefer_services(&mut proposal.lanes);
    for lane in &proposal.lanes {
        let services: Vec<&str> = lane.services.iter().map(ServiceName::as_str).collect();
        let services = if services.is_empty() { "no service".to_owned() } else { services.join(", ") };
        match &lane.repeats {
            None => proposal.understood.push(format!("lane `{}`: job `{}`, {services}", lane.name, Printable(&lane.job))),
            Some(other) => proposal.guessed.push(format!(
                "{}:{}: job `{}` seems to run tests that `{other}` runs too (on another version or service): a test is in one lane only, so it is a comment in the manifest.",
                file.path, lane.line, Printable(&lane.job)
            )),
        }
    }
}

/// Lets the job with most services be the lane where several run the same tests.
fn prefer_services(lanes: &mut [ProposedLane]) {
    for at in 0..lanes.len() {
        let Some(first) = lanes[at].repeats.clone() else { continue };
        let Some(other) = lanes.iter().position(|lane| lane.name == first) else { continue };
        // Only where nothing else repeats either of the two would a swap leave the rest apart.
        let alone = lanes.iter().filter(|lane| lane.repeats.as_ref() == Some(&first)).count() == 1;
        let apart = lanes.iter().enumerate().all(|(ix, lane)| {
            ix == at || ix == other || lane.repeats.is_some() || !overlap(lane, &lanes[at])
        });
        if alone && apart && lanes[at].services.len() > lanes[other].services.len() {
            lanes[other].repeats = Some(lanes[at].name.clone());
            lanes[at].repeats = None;
        }
    }
}

fn lane_of(
    proposal: &mut Proposal,
    file: &WorkflowFile,
    job: &WorkflowJob,
    found: &Found,
    name: LaneName,
    repository: &Repository<'_>,
) -> ProposedLane {
    let shown = format!("{}:{}: job `{}`", file.path, job.line, Printable(&job.id));
    let rows = job.rows();
    if rows.is_none() {
        proposal
            .guessed
            .push(format!("{shown} has a matrix that the run computes: the plan counts one row of it."));
    }
    let rows = rows.unwrap_or_else(|| vec![Row::default()]);
    let mut lane = ProposedLane {
        name,
        job: job.id.clone(),
        line: job.line,
        paths: Vec::new(),
        exclude: Vec::new(),
        markers: None,
        workers: None,
        services: job.services.iter().filter_map(|service| plain(&service.id).parse().ok()).collect(),
        shards: 1,
        rows: 1,
        repeats: None,
    };
    let mut split = split_of(proposal, job, &shown);
    let mut markers = BTreeSet::new();
    let mut everywhere = found.pytest.is_empty();
    for (step, command) in &found.pytest {
        let folder = folder_of(job, *step, command);
        let folder = folder.as_deref();
        let paths = selected_places(&command.paths, &rows, folder);
        if paths.len() < command.paths.len() && !command.paths.is_empty() {
            proposal.guessed.push(format!(
                "{shown}: some of the paths of `pytest {}` are known only when it runs.",
                Printable(&short(&command.paths.join(" ")))
            ));
        }
        everywhere |= paths.is_empty();
        lane.paths.extend(paths);
        lane.exclude.extend(selected_places(&command.ignored, &rows, folder));
        if let Some(keyword) = &command.keyword {
            proposal.guessed.push(format!(
                "{shown} selects with `-k {}`, which the plan does not know: it stays in the command.",
                Printable(&short(keyword))
            ));
        }
        markers.insert(command.markers.clone());
        let workers = command.workers.clone().or_else(|| option(&repository.options, "-n"));
        match workers.as_deref() {
            Some("auto" | "logical") => lane.workers = Some("auto".to_owned()),
            Some(number) if number.parse::<u32>().is_ok_and(|number| (2..=1024).contains(&number)) => {
                lane.workers = Some(number.to_owned());
            }
            _ => {}
        }
        if let Some(group) = &command.group {
            let groups: BTreeSet<String> =
                rows.iter().filter_map(|row| render(group, &row.context())).collect();
            split = split.max(groups.len());
        }
        if command.elsewhere {
            proposal
                .needed
                .push(format!("{shown} runs pytest inside another container: pass SHARDPLAN_SHARD into it."));
        }
    }
    if everywhere {
        lane.paths.clear();
    }
    lane.paths.sort();
    lane.paths.dedup();
    lane.shards = split;
    if let [Some(expression)] = Vec::from_iter(&markers)[..] {
        if expression.parse::<MarkerExpr>().is_ok() {
            lane.markers = Some(expression.clone());
        } else {
            proposal.guessed.push(format!(
                "{shown} selects with `-m {}`, which is known only when it runs.",
                Printable(&short(expression))
            ));
        }
    } else if markers.len() > 1 {
        proposal.guessed.push(format!(
            "{shown} runs pytest several times with different markers: together they are taken as all."
        ));
    }
    if rows.len() > split {
        lane.rows = rows.len() / split;
        proposal.guessed.push(format!(
            "{shown} runs {} times over its matrix; the plan counts one of these, and every shard runs for each: its shards are limited to {}.",
            lane.rows,
            lane.most_shards()
        ));
    }
    tell_hidden(proposal, job, found, &shown, repository);
    lane
}

/// Says what of a job's tests and containers is not seen through.
fn tell_hidden(
    proposal: &mut Proposal,
    job: &WorkflowJob,
    found: &Found,
    shown: &str,
    repository: &Repository<'_>,
) {
    for words in &found.wrapped {
        proposal.needed.push(format!(
            "{shown} runs its tests through `{}`, which is not looked into: the lane is taken to run all tests. Write `paths` and `markers` if it does not.",
            Printable(&short(words))
        ));
    }
    let started = started::started(job, repository);
    if !started.is_empty() {
        proposal.guessed.push(format!(
            "{shown} starts {} in its steps: every shard starts them too, and the budget does not count them.",
            started.join(", ")
        ));
    }
}

/// Returns how many groups of pytest-split a job runs, one where it runs none.
fn split_of(proposal: &mut Proposal, job: &WorkflowJob, shown: &str) -> usize {
    let split = job.split_dimensions();
    let Some(Matrix::Written { dimensions, .. }) = &job.matrix else { return 1 };
    let mut groups = 1;
    for (name, values) in dimensions.iter().filter(|(name, _)| split.contains(name)) {
        match values {
            Some(values) => groups = groups.max(values.len()),
            None => proposal.needed.push(format!(
                "{shown} runs as many groups of pytest-split as the run computes (`{}`): write the usual number as `shards` in `today`.",
                Printable(name)
            )),
        }
    }
    groups
}

/// Returns the places that arguments name over all rows of the matrix, as patterns of the manifest.
fn selected_places(arguments: &[String], rows: &[Row], folder: Option<&str>) -> Vec<String> {
    let mut places = Vec::new();
    for argument in arguments {
        for row in rows {
            let Some(rendered) = render(argument, &row.context()) else { continue };
            for word in rendered
                .split_whitespace()
                .filter(|word| !word.contains(['$', '`']) && !word.starts_with('-'))
            {
                let place = folder.map_or_else(
                    || word.to_owned(),
                    |folder| format!("{folder}/{}", word.trim_start_matches("./")),
                );
                if let Ok(pattern) = place.parse::<Pattern>() {
                    places.push(pattern.as_str().to_owned());
                }
            }
        }
    }
    places.sort();
    places.dedup();
    if let [only] = &places[..]
        && only == "."
    {
        places.clear();
    }
    places
}

/// Returns the value of an option among pytest's added options.
fn option(options: &[String], name: &str) -> Option<String> {
    let at = options.iter().position(|word| word == name);
    let glued = options.iter().find_map(|word| word.strip_prefix(name)).filter(|rest| !rest.is_empty());
    at.and_then(|at| options.get(at + 1).cloned())
        .or_else(|| glued.map(|rest| rest.trim_start_matches('=').to_owned()))
}

/// Returns whether some test could be selected by both lanes.
fn overlap(a: &ProposedLane, b: &ProposedLane) -> bool {
    places_meet(&a.paths, &b.paths)
        && !excluded(a, b)
        && !excluded(b, a)
        && markers_meet(a.markers.as_deref(), b.markers.as_deref())
}

fn places_meet(a: &[String], b: &[String]) -> bool {
    // A glob may meet anything.
    let within = |inner: &str, outer: &str| {
        outer == "."
            || outer.contains(['*', '?', '{'])
            || inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
    };
    a.is_empty() || b.is_empty() || a.iter().any(|a| b.iter().any(|b| within(a, b) || within(b, a)))
}

/// Returns whether everything that one lane selects is left out by the other.
fn excluded(inner: &ProposedLane, by: &ProposedLane) -> bool {
    let left_out = |path: &String| {
        by.exclude.iter().any(|exclude| {
            path.strip_prefix(exclude.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    !inner.paths.is_empty() && inner.paths.iter().all(left_out)
}

/// Returns whether some set of marks is selected by both expressions.
fn markers_meet(a: Option<&str>, b: Option<&str>) -> bool {
    let parsed = [a, b].map(|text| text.and_then(|text| text.parse::<MarkerExpr>().ok()));
    match parsed {
        [Some(a), Some(b)] => a.overlap(&b).is_some(),
        [only, None] | [None, only] => only.is_none_or(|only| only.witness().is_some()),
    }
}

/// Adds the job that combines what the lanes measured.
pub(super) fn add_gate(proposal: &mut Proposal, file: &WorkflowFile) {
    let lanes: BTreeSet<&str> = proposal.lanes.iter().map(|lane| lane.job.as_str()).collect();
    let gate = file.jobs.iter().find(|job| {
        let combines = job
            .steps
            .iter()
            .filter_map(|step| step.run.as_deref())
            .any(|run| run.contains("coverage combine"));
        combines
            && job.needs.iter().any(|need| lanes.contains(need.as_str()))
            && !lanes.contains(job.id.as_str())
    });
    if let Some(gate) = gate {
        proposal.understood.push(format!("gate: job `{}` combines the coverage", Printable(&gate.id)));
        proposal.gate = Some(gate.id.clone());
    }
}

/// Returns a name of ours for a foreign one.
fn plain(id: &str) -> String {
    let mapped: String = id
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' })
        .take(60)
        .collect();
    mapped.trim_start_matches(['-', '_']).to_owned()
}

/// Returns the beginning of a text, in one line.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= 60 { line } else { line.chars().take(57).chain("…".chars()).collect() }
}
