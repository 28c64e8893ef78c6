//! The gate: all lanes ended well, every test ran exactly once, and only then is coverage combined.

use yaml_serde::{Mapping, Value};
use yamlpath::Component;

use super::super::editor::{EditError, Editor};
use super::lane::{INSTALL, RESULTS, below, remark_uses};
use crate::config::Config;
use crate::ids::Printable;
use crate::workflow::github::{WorkflowFile, WorkflowJob};

/// The id of the gate that is ours.
pub(super) const GATE: &str = "shardplan-gate";

/// The names of the steps that are put into a gate of the team.
const DOWNLOAD: &str = "Download what the shards ran";
const VERIFY: &str = "Every test ran exactly once";

/// An action that is pinned by its digest.
pub(super) struct Pinned {
    name: &'static str,
    digest: &'static str,
    /// The version that the digest is of.
    pub(super) version: &'static str,
}

/// The actions that are used where the workflow has none of its own.
pub(super) const ACTIONS: [Pinned; 4] = [
    Pinned {
        name: "actions/checkout",
        digest: "de0fac2e4500dabe0009e67214ff5f5447ce83dd",
        version: "v6.0.2",
    },
    Pinned {
        name: "actions/setup-python",
        digest: "a309ff8b426b58ec0e2a45f0f869d46889d02405",
        version: "v6.2.0",
    },
    Pinned {
        name: "actions/upload-artifact",
        digest: "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a",
        version: "v7.0.1",
    },
    Pinned {
        name: "actions/download-artifact",
        digest: "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
        version: "v8.0.1",
    },
];

impl Pinned {
    /// Returns the action as `uses` names it.
    pub(super) fn reference(&self) -> String {
        format!("{}@{}", self.name, self.digest)
    }
}

/// What the lanes do about coverage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Coverage {
    /// Some lane measures it.
    pub(super) measured: bool,
    /// A threshold that stood on a pytest line.
    pub(super) threshold: Option<String>,
    /// The folders that tests run in; `.` is the repository's own.
    pub(super) folders: std::collections::BTreeSet<String>,
}

/// Returns an action as the workflow itself pins it by a digest, else as it is pinned here: what is written adds
/// no action that can be moved. Of the artifact actions only the versions known here are sure to fit together.
pub(super) fn action(file: &WorkflowFile, name: &str) -> String {
    let is_digest = |uses: &&String| {
        let version = uses.split('@').nth(1).unwrap_or_default();
        version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let own =
        file.jobs.iter().flat_map(|job| &job.steps).filter(|step| step.action().as_deref() == Some(name));
    let own =
        own.filter_map(|step| step.uses.as_ref()).find(is_digest).filter(|_| !name.ends_with("-artifact"));
    own.cloned().unwrap_or_else(|| {
        ACTIONS.iter().find(|pinned| pinned.name == name).map(Pinned::reference).unwrap_or_default()
    })
}

/// Writes the gate: into the team's own where the manifest names one, and one of ours that fails unless every
/// lane succeeded.
pub(super) fn write(
    editor: &mut Editor,
    config: &Config,
    file: &WorkflowFile,
    lanes: &[String],
    coverage: &Coverage,
    notes: &mut Vec<String>,
) -> Result<(), EditError> {
    let team =
        config.workflow.gate.as_deref().and_then(|name| file.job_called(name)).filter(|job| job.id != GATE);
    if let (Some(name), None) = (&config.workflow.gate, team) {
        notes.push(format!(
            "{}: there is no job `{}`, which `gate` in `[workflow]` names.",
            file.path,
            Printable(name)
        ));
    }
    let verified = match team {
        Some(job) => write_into(editor, file, job, lanes, coverage, notes)?,
        None => false,
    };
    if let Some(folder) = coverage.folders.iter().find(|folder| !is_plain(folder)) {
        notes.push(format!("tests run in `{}`, a folder that is not written into a script: let the gate look for {RESULTS} there.", Printable(folder)));
    }
    let way: Vec<Component<'_>> = vec!["jobs".into(), GATE.into()];
    let mut needs: Vec<String> = lanes.to_vec();
    needs.extend(team.map(|job| job.id.clone()));
    needs.sort();
    needs.dedup();
    let combines = coverage.measured && team.is_none();
    let wanted = own_gate(file, &needs, coverage, !verified, combines);
    if let Some(present) = editor.get(&way).cloned() {
        // Of a gate that is there, what the team added stays.
        let (Value::Mapping(wanted), Value::Mapping(present)) = (&wanted, &present) else {
            return Err(EditError::Misunderstood);
        };
        for (key, value) in wanted {
            let is_choice = matches!(key.as_str(), Some("steps" | "runs-on" | "timeout-minutes" | "name"))
                && present.contains_key(key);
            if !is_choice {
                editor.set(&way, key.as_str().unwrap_or_default(), value.clone(), &[])?;
            }
        }
        return Ok(());
    }
    editor.set(&["jobs".into()], GATE, wanted.clone(), &[])?;
    let steps = below(&way, &["steps"]);
    let count = wanted.get("steps").and_then(Value::as_sequence).map_or(0, Vec::len);
    (0..count).try_for_each(|at| remark_uses(editor, &steps, at))
}

/// Writes what proves completeness into a gate of the team, before it combines; returns whether it does so.
fn write_into(
    editor: &mut Editor,
    file: &WorkflowFile,
    job: &WorkflowJob,
    lanes: &[String],
    coverage: &Coverage,
    notes: &mut Vec<String>,
) -> Result<bool, EditError> {
    let way: Vec<Component<'_>> = vec!["jobs".into(), job.id.clone().into()];
    let mut needs: Vec<String> = match editor.get(&below(&way, &["needs"])) {
        Some(Value::String(need)) => vec![need.clone()],
        Some(Value::Sequence(needs)) => {
            needs.iter().filter_map(|need| need.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    };
    let missing: Vec<&String> = lanes.iter().filter(|lane| !needs.contains(lane)).collect();
    if !missing.is_empty() {
        needs.extend(missing.into_iter().cloned());
        let needs = needs.into_iter().map(Value::from).collect();
        editor.set(&way, "needs", Value::Sequence(needs), &["if", "name"])?;
    }
    // An artifact of one name is now one for each shard.
    let uploaded: Vec<&str> = lanes
        .iter()
        .filter_map(|lane| file.job(lane))
        .flat_map(|lane| &lane.steps)
        .filter(|step| step.action().as_deref() == Some("actions/upload-artifact"))
        .filter_map(|step| step.input("name"))
        .collect();
    for step in job.steps.iter().filter(|step| step.action().as_deref() == Some("actions/download-artifact"))
    {
        let Some(name) = step.input("name").filter(|name| uploaded.contains(name)) else { continue };
        let with: Vec<Component<'_>> =
            below(&way, &["steps"]).into_iter().chain([step.index.into(), "with".into()]).collect();
        editor.set(&with, "pattern", format!("{name}-*").into(), &["name"])?;
        editor.set(&with, "merge-multiple", true.into(), &["pattern"])?;
        editor.remove(&with, "name")?;
    }
    let steps = below(&way, &["steps"]);
    let combine = job
        .steps
        .iter()
        .position(|step| step.run.as_deref().is_some_and(|run| run.contains("coverage combine")));
    let Some(at) = combine else {
        notes.push(format!("{}:{}: gate `{}` does not combine coverage in a way that is seen: put `shardplan verify {RESULTS}` where it should stand.", file.path, job.line, Printable(&job.id)));
        return Ok(false);
    };
    if !job.steps.iter().any(|step| step.name.as_deref() == Some(VERIFY)) {
        let new = [download(file), install(&[]), verify(coverage)];
        for (offset, step) in new.iter().enumerate() {
            editor.insert(&steps, at + offset, step)?;
            remark_uses(editor, &steps, at + offset)?;
        }
    }
    if job.condition.is_none() {
        // Without a condition it is skipped when a lane fails, and a skipped check counts as a passed one: our gate
        // needs it and fails then.
        notes.push(format!(
            "gate `{}` is skipped when a lane fails; make `{GATE}` the required check, which fails then.",
            Printable(&job.id)
        ));
    }
    Ok(true)
}

fn step(name: &str, entries: &[(&str, Value)]) -> Value {
    let mut step = Mapping::new();
    step.insert("name".into(), name.into());
    step.extend(entries.iter().map(|(key, value)| (Value::from(*key), value.clone())));
    Value::Mapping(step)
}

fn mapping(entries: &[(&str, Value)]) -> Value {
    Value::Mapping(entries.iter().map(|(key, value)| (Value::from(*key), value.clone())).collect())
}

fn download(file: &WorkflowFile) -> Value {
    let with = mapping(&[("pattern", "shardplan-*".into()), ("merge-multiple", true.into())]);
    step(DOWNLOAD, &[("uses", action(file, "actions/download-artifact").into()), ("with", with)])
}

/// Returns whether a path can stand in a script without being read as anything else.
fn is_plain(path: &str) -> bool {
    let inside = !path.starts_with(['-', '/']) && path.split('/').all(|part| part != "..");
    inside && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte))
}

fn install(more: &[&str]) -> Value {
    let packages: Vec<String> = std::iter::once(format!("shardplan=={}", super::super::VERSION))
        .chain(more.iter().map(|package| (*package).to_owned()))
        .collect();
    step(INSTALL, &[("run", format!("python -m pip install {}", packages.join(" ")).into())])
}

fn verify(coverage: &Coverage) -> Value {
    let plain = coverage.folders.iter().filter(|folder| is_plain(folder));
    let folders: Vec<String> = plain
        .map(|folder| if folder == "." { RESULTS.to_owned() } else { format!("{folder}/{RESULTS}") })
        .collect();
    step(VERIFY, &[("run", format!("shardplan verify {}", folders.join(" ")).into())])
}

/// Returns the gate of ours.
fn own_gate(
    file: &WorkflowFile,
    needs: &[String],
    coverage: &Coverage,
    verifies: bool,
    combines: bool,
) -> Value {
    let results = mapping(&[("RESULTS", "${{ join(needs.*.result, ' ') }}".into())]);
    let script = "for result in $RESULTS; do\n  if [ \"$result\" != success ]; then\n    echo \"::error::a job that this one needs ended as $result\"\n    exit 1\n  fi\ndone\n";
    let mut steps = vec![step("Every lane succeeded", &[("env", results), ("run", script.into())])];
    if verifies {
        let checkout = mapping(&[("persist-credentials", false.into())]);
        steps.push(mapping(&[("uses", action(file, "actions/checkout").into()), ("with", checkout)]));
        let python = mapping(&[("python-version", "3.x".into())]);
        steps.push(mapping(&[("uses", action(file, "actions/setup-python").into()), ("with", python)]));
        steps.push(download(file));
        steps.push(install(if combines { &["coverage[toml]"] } else { &[] }));
        steps.push(verify(coverage));
    }
    if combines {
        let folders: Vec<&str> =
            coverage.folders.iter().map(String::as_str).filter(|folder| is_plain(folder)).collect();
        let combine = if folders == ["."] {
            "coverage combine".to_owned()
        } else {
            format!("coverage combine {}", folders.join(" "))
        };
        steps.push(step("Combine the coverage of the shards", &[("run", combine.into())]));
        steps.push(step(
            "Write the report before the threshold is held against it",
            &[("run", "coverage xml".into())],
        ));
        let threshold = coverage
            .threshold
            .as_deref()
            .filter(|threshold| threshold.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
        let report = threshold.map_or_else(
            || "coverage report".to_owned(),
            |threshold| format!("coverage report --fail-under={threshold}"),
        );
        steps.push(step("Hold the threshold", &[("run", report.into())]));
    }
    mapping(&[
        ("name", "shardplan gate".into()),
        ("needs", Value::Sequence(needs.iter().map(|need| Value::from(need.as_str())).collect())),
        ("if", "${{ always() }}".into()),
        ("runs-on", "ubuntu-latest".into()),
        ("permissions", mapping(&[("contents", "read".into())])),
        ("timeout-minutes", 10.into()),
        ("steps", Value::Sequence(steps)),
    ])
}
