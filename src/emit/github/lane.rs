//! A lane's job with its shards as a dimension of its matrix.

use yaml_serde::{Mapping, Value};
use yamlpath::Component;

use super::super::EmitError;
use super::super::editor::Editor;
use super::gate::Coverage;
use super::{LaneJob, image, service_id, splits};
use crate::ids::Printable;
use crate::workflow::SHARD_VARIABLE;
use crate::workflow::github::{
    MOST_ROWS, Matrix, PytestCommand, Step, TestRunner, Via, WorkflowFile, WorkflowJob,
};

/// The name of the step that hands over what a shard ran; it is found again by it.
pub(super) const UPLOAD: &str = "Upload what the shard ran";

/// The name of the step that installs the plugin.
pub(super) const INSTALL: &str = "Install shardplan";

/// Where the plugin leaves what it ran.
pub(super) const RESULTS: &str = "shardplan-results";

/// The shard of a job: an expression over its matrix, or its name.
pub(super) struct Shard {
    /// What `SHARDPLAN_SHARD` is set to.
    pub(super) name: String,
    /// Whether it is the matrix that decides it.
    pub(super) by_matrix: bool,
}

/// Returns why the matrix of a job can not have the shards as a dimension.
fn refuses_matrix(job: &WorkflowJob) -> Option<&'static str> {
    match &job.matrix {
        None => None,
        Some(Matrix::Computed(_)) => Some("is computed by the run"),
        Some(Matrix::Written { dimensions, include, .. }) => {
            let ours = !crate::workflow::shards_of(job).is_empty();
            let split = job.split_dimensions();
            let taken = |word: &str| {
                let named = |name: &str| name == word && !split.iter().any(|split| split == name);
                let in_rows = || include.iter().flatten().any(|row| row.contains_key(word));
                !ours && (dimensions.iter().any(|(name, _)| named(name)) || in_rows())
            };
            if taken("shard") || taken("services") {
                return Some("has `shard` or `services` of its own");
            }
            let others = dimensions.iter().any(|(name, _)| name != "shard");
            let extends =
                include.as_ref().is_some_and(|rows| rows.iter().all(|row| row.contains_key("shard")));
            if dimensions.is_empty() {
                Some("has rows of `include` alone")
            } else if include.is_none() {
                Some("has an `include` that the run computes")
            } else if !others && !extends {
                // The dimension is ours, but rows of others stand beside it.
                Some("has rows of `include` that belong to no dimension")
            } else {
                None
            }
        }
    }
}

/// Returns why the matrix of a lane's job can not have its shards as a dimension.
pub(super) fn refuses_shards(lane: &LaneJob<'_>) -> Option<&'static str> {
    let mut gone = lane.job.split_dimensions();
    gone.push("shard".to_owned());
    let rows = lane.job.matrix.as_ref().and_then(|matrix| matrix.without(&gone).contexts());
    let rows = rows.map_or(1, |rows| rows.len().max(1));
    refuses_matrix(lane.job).or_else(|| {
        (rows * lane.shards.len() > MOST_ROWS).then_some("would have more rows than GitHub takes (256)")
    })
}

/// Writes the shards of a lane into its job.
pub(super) fn write(
    editor: &mut Editor,
    file: &WorkflowFile,
    lane: &LaneJob<'_>,
    notes: &mut Vec<String>,
    coverage: &mut Coverage,
) -> Result<(), EmitError> {
    let job = lane.job;
    if let Some(why) = refuses_shards(lane) {
        return Err(EmitError::Matrix { file: file.path.clone(), line: job.line, job: job.id.clone(), why });
    }
    let way: Vec<Component<'_>> = vec!["jobs".into(), job.id.clone().into()];
    let edit = |error| EmitError::Edit { file: file.path.clone(), error };
    let services = services_by_shard(file, lane)?;
    let some_differ = job.services.iter().any(|service| {
        let with = services.iter().filter(|ids| ids.contains(&service.id.as_str())).count();
        with < services.len()
    });
    write_matrix(editor, &way, lane, some_differ.then_some(&services)).map_err(edit)?;
    for service in &job.services {
        let plain = image::original(&service.id, &service.image);
        let with = services.iter().filter(|ids| ids.contains(&service.id.as_str())).count();
        let wanted = if with == services.len() { plain } else { image::conditional(&service.id, &plain) };
        set_image(editor, &way, &service.id, wanted).map_err(edit)?;
    }
    write_name(editor, &way, job).map_err(edit)?;
    write_runner(editor, &way, file, lane, job)?;
    let shard = Shard { name: "${{ matrix.shard }}".to_owned(), by_matrix: true };
    write_steps(editor, file, &way, job, &shard, notes, coverage)?;
    splits::replace(editor, &way, job, &shard).map_err(edit)
}

/// Returns, for every shard of the lane, the ids of the job's services that it starts.
pub(super) fn services_by_shard<'j>(
    file: &WorkflowFile,
    lane: &LaneJob<'j>,
) -> Result<Vec<Vec<&'j str>>, EmitError> {
    let of_shard = |shard: &crate::plan::LockedShard| {
        let ids = shard.services.iter().map(|service| {
            let jobs = std::iter::once(lane.job).chain(lane.siblings.iter().copied());
            jobs.clone().find_map(|job| service_id(job, service.as_str())).ok_or_else(|| {
                EmitError::NoService {
                    file: file.path.clone(),
                    line: lane.job.line,
                    job: lane.job.id.clone(),
                    shard: shard.name.to_string(),
                    service: service.to_string(),
                }
            })
        });
        ids.collect::<Result<Vec<&str>, EmitError>>()
    };
    lane.shards.iter().map(|shard| of_shard(shard)).collect()
}

fn write_matrix(
    editor: &mut Editor,
    way: &[Component<'_>],
    lane: &LaneJob<'_>,
    services: Option<&Vec<Vec<&str>>>,
) -> Result<(), super::super::EditError> {
    let strategy = below(way, &["strategy"]);
    let matrix = below(way, &["strategy", "matrix"]);
    let names: Vec<Value> = lane.shards.iter().map(|shard| Value::from(shard.name.to_string())).collect();
    if editor.get(&below(&strategy, &["fail-fast"])).is_none() {
        if editor.get(&strategy).is_none() {
            let mut made = Mapping::new();
            made.insert("fail-fast".into(), false.into());
            editor.set(way, "strategy", Value::Mapping(made), &["runs-on", "needs", "if", "name"])?;
        } else {
            editor.set(&strategy, "fail-fast", false.into(), &[])?;
        }
    }
    editor.set(&matrix, "shard", Value::Sequence(names), &[])?;
    let include = below(&matrix, &["include"]);
    let present = editor.get(&include).and_then(Value::as_sequence).cloned().unwrap_or_default();
    let rows = include_rows(lane, &present, services);
    match (rows.is_empty(), present.is_empty()) {
        (true, true) => Ok(()),
        (true, false) => editor.remove(&matrix, "include"),
        (false, _) => editor.set(&matrix, "include", Value::Sequence(rows), &[]),
    }
}

/// Returns the rows of `include`: the team's own that extend others as they are; those that stand alone once for
/// each shard, as no dimension multiplies them; and one for each shard that lists its services, where they differ.
fn include_rows(lane: &LaneJob<'_>, present: &[Value], services: Option<&Vec<Vec<&str>>>) -> Vec<Value> {
    let dimensions: Vec<(&str, &[Value])> = match &lane.job.matrix {
        Some(Matrix::Written { dimensions, .. }) => {
            let own = dimensions.iter().filter(|(name, _)| name != "shard");
            own.map(|(name, values)| (name.as_str(), values.as_deref().unwrap_or_default())).collect()
        }
        _ => Vec::new(),
    };
    let stands_alone = |row: &Mapping| {
        let contradicts =
            |(name, values): &(&str, &[Value])| row.get(*name).is_some_and(|value| !values.contains(value));
        dimensions.iter().any(contradicts)
    };
    let with_shard = |mut row: Mapping, at: usize| {
        row.insert("shard".into(), lane.shards[at].name.to_string().into());
        if let Some(services) = services {
            let ids = services[at].iter().map(|id| Value::from(*id)).collect();
            row.insert("services".into(), Value::Sequence(ids));
        }
        Value::Mapping(row)
    };
    let mut rows: Vec<Value> = Vec::new();
    let mut seen: Vec<Mapping> = Vec::new();
    for row in present.iter().filter_map(Value::as_mapping) {
        let mut plain = row.clone();
        if plain.shift_remove("shard").is_some() {
            plain.shift_remove("services");
        }
        if plain.is_empty() || seen.contains(&plain) {
            continue;
        }
        if stands_alone(&plain) {
            rows.extend((0..lane.shards.len()).map(|at| with_shard(plain.clone(), at)));
        } else {
            rows.push(Value::Mapping(plain.clone()));
        }
        seen.push(plain);
    }
    if services.is_some() {
        rows.extend((0..lane.shards.len()).map(|at| with_shard(Mapping::new(), at)));
    }
    rows
}

pub(super) fn set_image(
    editor: &mut Editor,
    way: &[Component<'_>],
    service: &str,
    image: String,
) -> Result<(), super::super::EditError> {
    let services = below(way, &["services"]);
    let own = below(&services, &[service]);
    match editor.get(&own) {
        Some(Value::Mapping(_)) => editor.set(&own, "image", image.into(), &[]),
        _ => editor.set(&services, service, image.into(), &[]),
    }
}

/// Gives the job a name that tells its shards apart, where it has one that would not.
fn write_name(
    editor: &mut Editor,
    way: &[Component<'_>],
    job: &WorkflowJob,
) -> Result<(), super::super::EditError> {
    const SHARD: &str = "${{ matrix.shard }}";
    let Some(name) = &job.name else {
        // GitHub would add the list of services to the id.
        let others = match &job.matrix {
            Some(Matrix::Written { dimensions, .. }) => {
                dimensions.iter().map(|(name, _)| name.as_str()).collect()
            }
            _ => Vec::new(),
        };
        let gone = job.split_dimensions();
        let others =
            others.into_iter().filter(|name| *name != "shard" && !gone.iter().any(|gone| gone == name));
        let parts: Vec<String> = std::iter::once(SHARD.to_owned())
            .chain(others.map(|name| format!("${{{{ matrix.{name} }}}}")))
            .collect();
        return editor.set(way, "name", format!("{} ({})", job.id, parts.join(", ")).into(), &["\0first"]);
    };
    // A number of pytest-split becomes the shard's name.
    let is_told = |dimension: &str| name.contains(&format!("matrix.{dimension}"));
    if is_told("shard") || job.split_dimensions().iter().any(|dimension| is_told(dimension)) {
        return Ok(());
    }
    editor.set(way, "name", format!("{name} ({SHARD})").into(), &[])
}

/// Puts the job on the runner that the lane takes.
pub(super) fn write_runner(
    editor: &mut Editor,
    way: &[Component<'_>],
    file: &WorkflowFile,
    lane: &LaneJob<'_>,
    job: &WorkflowJob,
) -> Result<(), EmitError> {
    let Some(runner) = lane.runner else { return Ok(()) };
    if job.runs_on.contains("${{") {
        return Err(EmitError::RunsOn {
            file: file.path.clone(),
            line: job.line,
            job: job.id.clone(),
            runner: runner.name.clone(),
        });
    }
    let labels = match runner.runs_on.as_slice() {
        [label] => Value::from(label.as_str()),
        labels => Value::Sequence(labels.iter().map(|label| Value::from(label.as_str())).collect()),
    };
    let edit = |error| EmitError::Edit { file: file.path.clone(), error };
    editor.set(way, "runs-on", labels, &[]).map_err(edit)
}

/// Writes the shard into the steps that run tests, and hands over what they leave.
pub(super) fn write_steps(
    editor: &mut Editor,
    file: &WorkflowFile,
    way: &[Component<'_>],
    job: &WorkflowJob,
    shard: &Shard,
    notes: &mut Vec<String>,
    coverage: &mut Coverage,
) -> Result<(), EmitError> {
    let edit = |error| EmitError::Edit { file: file.path.clone(), error };
    let place = format!("{}:{}: job `{}`", file.path, job.line, Printable(&job.id));
    let runners: Vec<TestRunner> =
        job.runners().into_iter().filter(|runner| !matches!(runner.via, Via::Other(_))).collect();
    let direct = runners.iter().any(|runner| matches!(runner.via, Via::Pytest(_)));
    let runners: Vec<&TestRunner> =
        runners.iter().filter(|runner| !direct || matches!(runner.via, Via::Pytest(_))).collect();
    let Some(first) = runners.first() else {
        return Err(EmitError::NoTests { file: file.path.clone(), line: job.line, job: job.id.clone() });
    };
    let (first, last) = (first.step, runners.last().map_or(first.step, |runner| runner.step));
    let measured = measures(job, &runners);
    let many = runners.len() > 1;
    let mut paths: Vec<String> = Vec::new();
    for (number, runner) in runners.iter().enumerate() {
        let step = &job.steps[runner.step];
        let own = below(way, &["steps"]).into_iter().chain([runner.step.into()]).collect::<Vec<_>>();
        let gone_to = match &runner.via {
            Via::Pytest(command) => command.folder.as_deref(),
            Via::Wrapped(_) | Via::Other(_) => None,
        };
        let folder = job.folder_of(runner.step, gone_to);
        let folder = folder.as_deref();
        let inside = |path: &str| folder.map_or_else(|| path.to_owned(), |folder| format!("{folder}/{path}"));
        coverage.folders.insert(folder.unwrap_or(".").to_owned());
        let env = below(&own, &["env"]);
        editor.set(&env, SHARD_VARIABLE, shard.name.clone().into(), &[]).map_err(edit)?;
        if measured {
            let named = env_of(file, job, step, "COVERAGE_FILE");
            let data = coverage_file(named.as_deref(), shard, many.then_some(number));
            paths.push(inside(&data));
            editor.set(&env, "COVERAGE_FILE", data.into(), &[]).map_err(edit)?;
        }
        match &runner.via {
            Via::Pytest(command) if speaks_bash(job, step) => {
                write_command(editor, &own, step, command, number, measured, coverage).map_err(edit)?;
            }
            _ => {
                let present = env_of(file, job, step, "PYTEST_ADDOPTS").unwrap_or_default();
                write_options(editor, &own, &present, shard, number, measured).map_err(edit)?;
            }
        }
        paths.push(format!("{}/", inside(RESULTS)));
        if matches!(&runner.via, Via::Pytest(command) if command.elsewhere) {
            let data = if measured {
                ", pass COVERAGE_FILE into it and mount its folder".to_owned()
            } else {
                String::new()
            };
            notes.push(format!("{place} runs pytest inside another container: mount {RESULTS}/ so that its results are found after the run{data}."));
        }
        if let Via::Wrapped(words) = &runner.via {
            let variables = if measured {
                "PYTEST_ADDOPTS and COVERAGE_FILE".to_owned()
            } else {
                "PYTEST_ADDOPTS".to_owned()
            };
            notes.push(format!(
                "{place} runs `{}`: {}, and let it install shardplan {}.",
                Printable(words),
                hands_on(words, &variables),
                super::super::VERSION
            ));
        }
    }
    coverage.measured |= measured;
    let steps = below(way, &["steps"]);
    // The later one first, so that the earlier keeps its position.
    let own_uploads = rename_uploads(editor, way, job, shard).map_err(edit)?;
    if measured && own_uploads.iter().any(|path| path.contains(".coverage")) {
        paths.retain(|path| path.ends_with('/'));
    }
    // The artifact's root is the deepest folder that holds all of it; the lock keeps that the repository's own.
    paths.push("shardplan.lock".to_owned());
    paths.sort();
    paths.dedup();
    let upload = upload_step(file, job, shard, &paths);
    place_step(editor, &steps, job, UPLOAD, last + 1, &upload).map_err(edit)?;
    if let Some(command) = installer(&runners) {
        let mut step = Mapping::new();
        step.insert("name".into(), INSTALL.into());
        step.insert("run".into(), command.into());
        place_step(editor, &steps, job, INSTALL, first, &Value::Mapping(step)).map_err(edit)?;
    } else if runners.iter().all(|runner| matches!(runner.via, Via::Pytest(_))) {
        notes.push(format!("{place}: install shardplan {} where its tests run.", super::super::VERSION));
    }
    Ok(())
}

/// Returns what must be seen to so that variables come through a runner that hides its tests.
fn hands_on(words: &str, variables: &str) -> String {
    let has = |name: &str| words.split([' ', '/']).any(|word| word == name);
    if has("tox") {
        format!("name {variables} in `pass_env` of its environment")
    } else if ["docker", "docker-compose", "podman"].iter().any(|name| has(name)) {
        format!("pass {variables} into the container and mount {RESULTS}/")
    } else {
        let reach = if variables.contains(' ') { "reach" } else { "reaches" };
        format!("see that {variables} {reach} pytest")
    }
}

/// Puts one of our steps at a place, or writes it anew where it is already.
fn place_step(
    editor: &mut Editor,
    steps: &[Component<'_>],
    job: &WorkflowJob,
    name: &str,
    at: usize,
    step: &Value,
) -> Result<(), super::super::EditError> {
    if let Some(present) = job.steps.iter().find(|step| step.name.as_deref() == Some(name)) {
        let own: Vec<Component<'_>> = steps.iter().cloned().chain([present.index.into()]).collect();
        for (key, value) in step.as_mapping().into_iter().flatten() {
            // The team may have moved the version of an action on.
            if key != "uses" {
                editor.set(&own, key.as_str().unwrap_or_default(), value.clone(), &[])?;
            }
        }
        return Ok(());
    }
    editor.insert(steps, at, step)?;
    remark_uses(editor, steps, at)
}

/// Writes the version of an action that is pinned by its digest behind it.
pub(super) fn remark_uses(
    editor: &mut Editor,
    steps: &[Component<'_>],
    at: usize,
) -> Result<(), super::super::EditError> {
    let uses: Vec<Component<'_>> = steps.iter().cloned().chain([at.into(), "uses".into()]).collect();
    let Some(Value::String(action)) = editor.get(&uses) else { return Ok(()) };
    let version =
        super::gate::ACTIONS.iter().find(|pinned| pinned.reference() == *action).map(|pinned| pinned.version);
    version.map_or(Ok(()), |version| editor.remark(&uses, version))
}

/// Returns whether a step's script is read by a shell that knows `"$NAME"`.
fn speaks_bash(job: &WorkflowJob, step: &Step) -> bool {
    if let Some(shell) = step.shell.as_ref().or(job.defaults.shell.as_ref()) {
        return ["bash", "sh"].iter().any(|known| shell.split_whitespace().next() == Some(known));
    }
    // Without one, a Windows runner takes PowerShell.
    let rows = job.rows().unwrap_or_default();
    let windows = |text: &str| text.to_ascii_lowercase().contains("windows");
    let on_windows = rows.iter().any(|row| {
        crate::workflow::github::render(&job.runs_on, &row.context()).is_none_or(|runner| windows(&runner))
    });
    !(windows(&job.runs_on) || (job.runs_on.contains("${{") && on_windows))
}

fn write_command(
    editor: &mut Editor,
    own: &[Component<'_>],
    step: &Step,
    command: &PytestCommand,
    number: usize,
    measured: bool,
    coverage: &mut Coverage,
) -> Result<(), super::super::EditError> {
    let run = below(own, &["run"]);
    let script = step.run.as_deref().unwrap_or_default();
    if let Some(threshold) = &command.cov_fail_under
        && threshold != "0"
    {
        // What one shard measures is only a part: the threshold holds for the sum, in the gate.
        coverage.threshold = coverage.threshold.take().or_else(|| Some(threshold.clone()));
        for form in ["--cov-fail-under=", "--cov-fail-under "] {
            let from = format!("{form}{threshold}");
            if script.contains(&from) {
                editor.replace_within(&run, &from, &format!("{form}0"), 0)?;
            }
        }
    }
    for (option, value) in [("--splits", &command.splits), ("--group", &command.group)] {
        let Some(value) = value else { continue };
        for form in [
            format!(" {option}={value}"),
            format!(" {option} {value}"),
            format!(" {option}=\"{value}\""),
            format!(" {option} \"{value}\""),
        ] {
            if script.contains(&form) {
                editor.replace_within(&run, &form, "", 0)?;
                break;
            }
        }
    }
    if command.shard.is_some() {
        return Ok(());
    }
    let name_at = &script[..command.end_of_name];
    let name = if name_at.ends_with("py.test") { "py.test" } else { "pytest" };
    // How many times the word stands before it in the script; earlier commands were written already.
    let nth = name_at.matches(name).count() - 1;
    let mut options = format!("{name} --shardplan \"${SHARD_VARIABLE}\"");
    if number > 0 {
        // Each command of a shard writes a report of its own: the second would else take the place of the first.
        options.push_str(&format!(" --shardplan-report \"{RESULTS}/${SHARD_VARIABLE}.{}.json\"", number + 1));
    }
    if measured && command.cov_fail_under.is_none() && !command.cov.is_empty() {
        options.push_str(" --cov-fail-under=0");
    }
    editor.replace_within(&run, name, &options, nth)
}

/// Hands the shard to a pytest whose command line is not in sight: through `PYTEST_ADDOPTS`.
fn write_options(
    editor: &mut Editor,
    own: &[Component<'_>],
    present: &str,
    shard: &Shard,
    number: usize,
    measured: bool,
) -> Result<(), super::super::EditError> {
    let mut options: Vec<String> = Vec::new();
    // Options of the team come first; ours are written anew.
    let kept = present.split(" --shardplan=").next().unwrap_or_default().trim();
    if !kept.is_empty() && !kept.starts_with("--shardplan=") {
        options.push(kept.to_owned());
    }
    options.push(format!("--shardplan={}", shard.name));
    if number > 0 {
        options.push(format!("--shardplan-report={RESULTS}/{}.{}.json", shard.name, number + 1));
    }
    if measured {
        options.push("--cov-fail-under=0".to_owned());
    }
    editor.set(&below(own, &["env"]), "PYTEST_ADDOPTS", options.join(" ").into(), &[])
}

/// Returns the value of a variable in a step's environment: the step's own, the job's or the workflow's.
fn env_of(file: &WorkflowFile, job: &WorkflowJob, step: &Step, name: &str) -> Option<String> {
    let levels = [&step.env, &job.env, &file.env];
    levels.into_iter().flatten().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}

/// Returns whether some of the tests of a job measure coverage in a way that is seen.
fn measures(job: &WorkflowJob, runners: &[&TestRunner]) -> bool {
    runners.iter().any(|runner| match &runner.via {
        Via::Pytest(command) => {
            !command.cov.is_empty() || command.launcher.iter().any(|word| word == "coverage")
        }
        Via::Wrapped(words) | Via::Other(words) => words.contains("cov"),
    }) || job.steps.iter().any(|step| step.env.iter().any(|(name, _)| name == "COVERAGE_FILE"))
}

/// Returns the data file of a shard: of the name that the team gave it, with the shard's behind it.
fn coverage_file(named: Option<&str>, shard: &Shard, number: Option<usize>) -> String {
    let base = named.map_or_else(
        || ".coverage".to_owned(),
        |named| {
            let end = named.find(&format!(".{}", shard.name)).unwrap_or(named.len());
            named[..end].to_owned()
        },
    );
    let number = number.map(|number| format!(".{}", number + 1)).unwrap_or_default();
    format!("{base}.{}{number}", shard.name)
}

/// Gives the team's own uploads names that shards do not share, and returns the paths that they upload.
fn rename_uploads(
    editor: &mut Editor,
    way: &[Component<'_>],
    job: &WorkflowJob,
    shard: &Shard,
) -> Result<Vec<String>, super::super::EditError> {
    let mut paths = Vec::new();
    let split = job.split_dimensions();
    for step in &job.steps {
        if step.action().as_deref() != Some("actions/upload-artifact") || step.name.as_deref() == Some(UPLOAD)
        {
            continue;
        }
        let name = step.input("name").unwrap_or("artifact");
        let is_split =
            |name: &str| split.iter().any(|dimension| name.contains(&format!("matrix.{dimension}")));
        if !name.contains(&shard.name) && !is_split(name) {
            let with: Vec<Component<'_>> =
                below(way, &["steps"]).into_iter().chain([step.index.into(), "with".into()]).collect();
            editor.set(&with, "name", format!("{name}-{}", shard.name).into(), &[])?;
        }
        paths.extend(step.input("path").map(str::to_owned));
    }
    Ok(paths)
}

fn upload_step(file: &WorkflowFile, job: &WorkflowJob, shard: &Shard, paths: &[String]) -> Value {
    // Where the matrix has more than the shards, a shard runs once for each row of the rest.
    let gone = job.split_dimensions();
    let rest = |row: &crate::workflow::github::Row| {
        let ours = |key: &Value| shard.by_matrix && (key == "shard" || key == "services");
        let pairs = row.0.iter().filter(|(key, _)| !ours(key));
        pairs.map(|(key, value)| (key.clone(), value.clone())).collect::<Mapping>()
    };
    let rows = job.matrix.as_ref().map_or_else(|| Some(Vec::new()), |matrix| matrix.without(&gone).rows());
    let others = rows.is_none_or(|rows| {
        let rests: Vec<Mapping> = rows.iter().map(rest).collect();
        rests.iter().any(|other| *other != rests[0])
    });
    let row = if others { "-${{ strategy.job-index }}" } else { "" };
    let mut with = Mapping::new();
    with.insert("name".into(), format!("shardplan-{}{row}", shard.name).into());
    let path = if let [only] = paths { only.clone() } else { format!("{}\n", paths.join("\n")) };
    with.insert("path".into(), path.into());
    with.insert("include-hidden-files".into(), true.into());
    with.insert("if-no-files-found".into(), "error".into());
    let mut step = Mapping::new();
    step.insert("name".into(), UPLOAD.into());
    step.insert("if".into(), "${{ !cancelled() }}".into());
    step.insert("uses".into(), super::gate::action(file, "actions/upload-artifact").into());
    step.insert("with".into(), Value::Mapping(with));
    Value::Mapping(step)
}

/// Returns the command that installs the plugin where the tests run; nothing where that is not known.
fn installer(runners: &[&TestRunner]) -> Option<String> {
    let package = format!("shardplan=={}", super::super::VERSION);
    let Via::Pytest(command) = &runners.first()?.via else { return None };
    if command.elsewhere {
        return None;
    }
    let word = |at: usize| command.launcher.get(at).map(String::as_str);
    Some(match (word(0), word(1)) {
        (Some("uv"), _) => format!("uv pip install {package}"),
        (Some("poetry"), _) => format!("poetry run python -m pip install {package}"),
        (Some("pdm"), _) => format!("pdm run python -m ensurepip && pdm run python -m pip install {package}"),
        (Some("pipenv"), _) => format!("pipenv run pip install {package}"),
        (None | Some("coverage" | "xvfb-run" | "time" | "timeout" | "exec" | "env"), _) => {
            format!("python -m pip install {package}")
        }
        (Some(python), _) if python.starts_with("python") => format!("{python} -m pip install {package}"),
        _ => return None,
    })
}

/// Returns a way with keys added to it.
pub(super) fn below<'w>(way: &[Component<'w>], keys: &[&str]) -> Vec<Component<'w>> {
    way.iter().cloned().chain(keys.iter().map(|key| Component::from((*key).to_owned()))).collect()
}
