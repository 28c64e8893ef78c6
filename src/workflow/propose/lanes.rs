//! Lanes, services and the gate, read off the jobs of a workflow file.

use std::collections::BTreeSet;

use super::super::github::{
    Matrix, PytestCommand, Row, Step, Via, WorkflowFile, WorkflowJob, find_runners, render,
};
use super::{Proposal, ProposedLane, ProposedService, Repository};
use crate::config::{Catalogue, MarkerExpr, Pattern};
use crate::ids::{LaneName, MarkerName, Printable, ServiceName};

/// Returns how much a file looks like the one whose tests are to be split; 0 where it runs none.
pub(super) fn score(file: &WorkflowFile, repository: &Repository<'_>) -> usize {
    let best = file.jobs.iter().map(|job| {
        let found = commands(job, repository);
        match (found.pytest.is_empty(), found.wrapped.is_empty()) {
            (false, _) => 20 + 6 * job.services.len(),
            (true, false) => 8 + 6 * job.services.len(),
            (true, true) => 0,
        }
    });
    let best = best.max().unwrap_or(0);
    let has = |event: &str| file.events.iter().any(|known| known == event);
    let often = match () {
        () if has("pull_request") || has("merge_group") => 12,
        () if has("push") => 8,
        () if has("workflow_call") => 4,
        () => 0,
    };
    if best == 0 { 0 } else { best + often }
}

/// The tests that a job runs.
#[derive(Default)]
struct Found {
    pytest: Vec<(usize, PytestCommand)>,
    wrapped: Vec<String>,
    other: Vec<String>,
}

fn commands(job: &WorkflowJob, repository: &Repository<'_>) -> Found {
    let mut found = Found::default();
    for runner in job.runners() {
        match runner.via {
            Via::Pytest(command) => found.pytest.push((runner.step, *command)),
            Via::Other(words) => found.other.push(words),
            Via::Wrapped(words) => {
                let inner = unwrapped(&words, repository);
                if inner.is_empty() {
                    found.wrapped.push(words);
                }
                found.pytest.extend(inner.into_iter().map(|command| (runner.step, command)));
            }
        }
    }
    found
}

/// Returns the pytest commands of the script or make target that a command calls, one level deep.
fn unwrapped(words: &str, repository: &Repository<'_>) -> Vec<PytestCommand> {
    let mut words = words.split_whitespace();
    let first = words.next().unwrap_or_default();
    let script = if first == "make" {
        let Some(makefile) = (repository.read)("Makefile") else { return Vec::new() };
        let targets: Vec<&str> = words.filter(|word| !word.starts_with('-') && !word.contains('=')).collect();
        recipes(&makefile, &targets)
    } else {
        let path = if matches!(first, "bash" | "sh") { words.next().unwrap_or_default() } else { first };
        (repository.read)(path.trim_start_matches("./")).unwrap_or_default()
    };
    let inner = find_runners(&Step::of_script(&script)).into_iter().filter_map(|runner| match runner.via {
        Via::Pytest(command) => Some(*command),
        _ => None,
    });
    inner.collect()
}

/// Returns the recipes of some targets of a makefile.
fn recipes(makefile: &str, targets: &[&str]) -> String {
    let mut script = String::new();
    let mut wanted = false;
    for line in makefile.lines() {
        if let Some(recipe) = line.strip_prefix('\t') {
            if wanted {
                script.push_str(recipe.trim_start_matches(['@', '-']));
                script.push('\n');
            }
        } else if let Some((names, _)) = line.split_once(':') {
            wanted = names.split_whitespace().any(|name| targets.contains(&name));
        }
    }
    script
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
        repeats: None,
    };
    let mut split = split_of(proposal, job, &shown);
    let mut markers = BTreeSet::new();
    let mut everywhere = found.pytest.is_empty();
    for (step, command) in &found.pytest {
        let folder = job.steps.get(*step).and_then(|step| step.working_directory.as_ref());
        let folder = folder.or(job.defaults.working_directory.as_ref()).map(String::as_str);
        let paths = selected(&command.paths, &rows, folder);
        if paths.len() < command.paths.len() && !command.paths.is_empty() {
            proposal.guessed.push(format!(
                "{shown}: some of the paths of `pytest {}` are known only when it runs.",
                Printable(&short(&command.paths.join(" ")))
            ));
        }
        everywhere |= paths.is_empty();
        lane.paths.extend(paths);
        lane.exclude.extend(selected(&command.ignored, &rows, folder));
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
        proposal.guessed.push(format!(
            "{shown} runs {} times over its matrix; the plan counts one of these, and every shard runs for each.",
            rows.len() / split
        ));
    }
    for words in &found.wrapped {
        proposal.needed.push(format!(
            "{shown} runs its tests through `{}`: see that it passes PYTEST_ADDOPTS and SHARDPLAN_SHARD on to pytest, and installs shardplan beside it.",
            Printable(&short(words))
        ));
    }
    lane
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
fn selected(arguments: &[String], rows: &[Row], folder: Option<&str>) -> Vec<String> {
    let folder = folder
        .map(|folder| folder.trim_start_matches("./").trim_end_matches('/'))
        .filter(|folder| !folder.is_empty() && *folder != ".");
    let mut places = Vec::new();
    for argument in arguments {
        for row in rows {
            let Some(rendered) = render(argument, &row.context()) else { continue };
            for word in
                rendered.split_whitespace().filter(|word| !word.contains('$') && !word.starts_with('-'))
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
