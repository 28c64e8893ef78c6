//! A job for every shard of a lane, each a copy of the lane's own job.

use yaml_serde::Value;
use yamlpath::Component;

use super::super::EmitError;
use super::super::editor::Editor;
use super::gate::Coverage;
use super::lane::{self, Shard, below};
use super::{LaneJob, image, splits};
use crate::workflow::github::{WorkflowFile, WorkflowJob};
use crate::workflow::shards_of;

/// Writes the jobs and returns their ids.
pub(super) fn write(
    editor: &mut Editor,
    file: &WorkflowFile,
    lane: &LaneJob<'_>,
    notes: &mut Vec<String>,
    coverage: &mut Coverage,
) -> Result<Vec<String>, EmitError> {
    let edit = |error| EmitError::Edit { file: file.path.clone(), error };
    let services = lane::services_by_shard(file, lane)?;
    refuse_references(file, lane)?;
    let ids: Vec<String> = lane.shards.iter().map(|shard| job_id(shard.name.as_str())).collect();
    let mut copies = Vec::new();
    for ((shard, id), services) in lane.shards.iter().zip(&ids).zip(&services) {
        // A shard that has its job already keeps it: only what the lock changed changes.
        let mut all = std::iter::once(lane.job).chain(lane.siblings.iter().copied());
        let own = all.find(|job| shards_of(job).iter().eq([shard.name.as_str()])).unwrap_or(lane.job);
        let template = template_text(editor, lane, own, services).map_err(edit)?;
        // Copies of an anchor would stand for each other.
        if yamlpath::Document::new(format!("jobs:\n{template}")).is_ok_and(|document| document.has_anchors())
        {
            return Err(edit(super::super::EditError::Misunderstood));
        }
        let shard = Shard { name: shard.name.to_string(), by_matrix: false };
        copies.push(copy(file, &template, lane, &shard, id, services, notes, coverage)?);
        // Notes are about the template; once is enough.
        notes.dedup();
    }
    let mut old: Vec<&str> = vec![&lane.job.id];
    old.extend(lane.siblings.iter().map(|sibling| sibling.id.as_str()));
    editor.replace_jobs(&old, &ids, &copies).map_err(edit)?;
    rewrite_needs(editor, file, &old, &ids).map_err(edit)?;
    notes.sort();
    notes.dedup();
    Ok(ids)
}

/// Fails where an expression asks for the result or the outputs of the job that is to become several.
fn refuse_references(file: &WorkflowFile, lane: &LaneJob<'_>) -> Result<(), EmitError> {
    let wanted = format!("needs.{}", lane.job.id).to_ascii_lowercase();
    for (number, line) in file.text.lines().enumerate() {
        let folded = line.to_ascii_lowercase();
        let ends = |at: usize| {
            !folded[at + wanted.len()..]
                .starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        if !folded.trim_start().starts_with('#') && folded.match_indices(&wanted).any(|(at, _)| ends(at)) {
            return Err(EmitError::Referenced {
                file: file.path.clone(),
                line: number + 1,
                job: lane.job.id.clone(),
            });
        }
    }
    Ok(())
}

/// Returns the id of a shard's job: ids begin with a letter.
fn job_id(shard: &str) -> String {
    if shard.starts_with(|c: char| c.is_ascii_alphabetic()) {
        shard.to_owned()
    } else {
        format!("shard-{shard}")
    }
}

/// Returns the lines of a job, with those of the services it lacks, as the lane's other jobs define them.
fn template_text(
    editor: &Editor,
    lane: &LaneJob<'_>,
    own: &WorkflowJob,
    services: &[&str],
) -> Result<String, super::super::EditError> {
    let of = |job: &WorkflowJob| -> Vec<Component<'_>> { vec!["jobs".into(), job.id.clone().into()] };
    let text = editor.text()[editor.lines(&of(own))?].to_owned();
    let mut alone = Editor::new(&format!("jobs:\n{text}"))?;
    for service in services {
        if own.services.iter().any(|known| known.id == *service) {
            continue;
        }
        let all = || std::iter::once(lane.job).chain(lane.siblings.iter().copied());
        let Some(source) = all().find(|job| job.services.iter().any(|known| known.id == *service)) else {
            continue;
        };
        let way = below(&of(source), &["services", service]);
        let Some(value) = editor.get(&way).cloned() else { continue };
        let lines = editor.text()[editor.lines(&way)?].to_owned();
        alone.graft(&below(&of(own), &["services"]), service, value, &lines)?;
    }
    Ok(alone.finish()?["jobs:\n".len()..].to_owned())
}

#[expect(clippy::too_many_arguments, reason = "what a copy is made from, and where its notes go")]
fn copy(
    file: &WorkflowFile,
    template: &str,
    lane: &LaneJob<'_>,
    shard: &Shard,
    id: &str,
    services: &[&str],
    notes: &mut Vec<String>,
    coverage: &mut Coverage,
) -> Result<String, EmitError> {
    let edit = |error| EmitError::Edit { file: file.path.clone(), error };
    let whole = format!("on: push\njobs:\n{template}");
    let parsed =
        WorkflowFile::parse(&whole, &file.path).map_err(|error| EmitError::NotProven(error.to_string()))?;
    let mut alone = Editor::new(&whole).map_err(edit)?;
    let Some(job) = parsed.jobs.first() else {
        return Err(EmitError::NotProven("a copied job can not be read".to_owned()));
    };
    let job = WorkflowJob { line: lane.job.line, ..job.clone() };
    let way: Vec<Component<'_>> = vec!["jobs".into(), job.id.clone().into()];
    for service in &job.services {
        let own = below(&way, &["services"]);
        if services.contains(&service.id.as_str()) {
            lane::set_image(&mut alone, &way, &service.id, image::original(&service.id, &service.image))
                .map_err(edit)?;
        } else if job.services.iter().all(|service| !services.contains(&service.id.as_str())) {
            alone.remove(&way, "services").map_err(edit)?;
        } else {
            alone.remove(&own, &service.id).map_err(edit)?;
        }
    }
    lane::write_runner(&mut alone, &way, file, lane, &job)?;
    let base = job.name.clone().map(|name| name.split(" (shard ").next().unwrap_or(&name).to_owned());
    if let Some(base) = base {
        alone.set(&way, "name", format!("{base} (shard {})", shard.name).into(), &[]).map_err(edit)?;
    }
    // The steps of a sibling bear its shard's name; they are written anew.
    let old =
        job.steps.iter().flat_map(|step| &step.env).find(|(name, _)| name == crate::workflow::SHARD_VARIABLE);
    let mut text = None;
    if let Some((_, old)) = old.filter(|(_, old)| **old != *shard.name) {
        text = Some(renamed(&alone, &job, old, &shard.name).map_err(edit)?);
    }
    if let Some(text) = text {
        let parsed = WorkflowFile::parse(&text, &file.path)
            .map_err(|error| EmitError::NotProven(error.to_string()))?;
        let mut again = Editor::new(&text).map_err(edit)?;
        if let Some(job) = parsed.jobs.first() {
            let job = WorkflowJob { line: lane.job.line, ..job.clone() };
            lane::write_steps(&mut again, file, &way, &job, shard, notes, coverage)?;
            splits::replace(&mut again, &way, &job, shard).map_err(edit)?;
        }
        return finished(again, &way, id).map_err(edit);
    }
    lane::write_steps(&mut alone, file, &way, &job, shard, notes, coverage)?;
    splits::replace(&mut alone, &way, &job, shard).map_err(edit)?;
    finished(alone, &way, id).map_err(edit)
}

/// Returns the text in which the names that the old shard gave to files and artifacts are the new one's.
fn renamed(
    editor: &Editor,
    job: &WorkflowJob,
    old: &str,
    new: &str,
) -> Result<String, super::super::EditError> {
    let mut editor = editor.clone();
    let steps: Vec<Component<'_>> = vec!["jobs".into(), job.id.clone().into(), "steps".into()];
    for step in &job.steps {
        let own: Vec<Component<'_>> = steps.iter().cloned().chain([step.index.into()]).collect();
        let places =
            [("env", "COVERAGE_FILE"), ("env", "PYTEST_ADDOPTS"), ("with", "name"), ("with", "path")];
        for (part, key) in places {
            let way = below(&own, &[part]);
            if let Some(Value::String(value)) = editor.get(&below(&way, &[key])).cloned()
                && value.contains(old)
            {
                editor.set(&way, key, value.replace(old, new).into(), &[])?;
            }
        }
    }
    editor.finish()
}

/// Returns the lines of the job under its new id.
fn finished(editor: Editor, way: &[Component<'_>], id: &str) -> Result<String, super::super::EditError> {
    let range = editor.lines(way)?;
    let text = editor.finish()?;
    let lines = &text[range];
    let Some(Component::Key(old)) = way.last() else { return Err(super::super::EditError::Misunderstood) };
    // The key is the first line that is no comment.
    let at = lines
        .match_indices(old.as_ref())
        .map(|(at, _)| at)
        .find(|at| {
            lines[..*at]
                .rfind('\n')
                .map_or(&lines[..*at], |line| &lines[line + 1..*at])
                .trim()
                .trim_matches(['"', '\''])
                .is_empty()
        })
        .ok_or(super::super::EditError::Misunderstood)?;
    Ok(format!("{}{id}{}", &lines[..at], &lines[at + old.len()..]))
}

/// Lets the jobs that waited for the old ones wait for the new ones.
fn rewrite_needs(
    editor: &mut Editor,
    file: &WorkflowFile,
    old: &[&str],
    new: &[String],
) -> Result<(), super::super::EditError> {
    for job in file.jobs.iter().filter(|job| !old.contains(&job.id.as_str())) {
        // Another lane may have been written before: what counts is what stands there now.
        let present = match editor.get(&["jobs".into(), job.id.clone().into(), "needs".into()]) {
            Some(Value::String(need)) => vec![need.clone()],
            Some(Value::Sequence(needs)) => {
                needs.iter().filter_map(|need| need.as_str().map(str::to_owned)).collect()
            }
            _ => continue,
        };
        if !present.iter().any(|need| old.contains(&need.as_str())) {
            continue;
        }
        let mut needs: Vec<Value> = Vec::new();
        let mut placed = false;
        for need in present {
            if !old.contains(&need.as_str()) {
                needs.push(need.into());
            } else if !std::mem::replace(&mut placed, true) {
                needs.extend(new.iter().map(|id| Value::from(id.as_str())));
            }
        }
        let way: Vec<Component<'_>> = vec!["jobs".into(), job.id.clone().into()];
        editor.set(&way, "needs", Value::Sequence(needs), &[])?;
    }
    Ok(())
}
