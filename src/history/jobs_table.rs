//! The table of CI jobs: a row per step, with what is known about the job in every row.
//!
//! A job without steps has one row with blank step columns.

use std::path::Path;

use polars::prelude::DataFrame;

use super::error::HistoryError;
use super::table::{self, Rows, count_column, integer_column, stored_time, text_column};
use super::{Digest, StoredRun, footer};
use crate::ingest::{Format, JobObservation, RunFacts, StepObservation};
use crate::time::Timestamp;

/// A step with its number from 1, where the job has any.
type NumberedStep<'a> = Option<(u32, &'a StepObservation)>;

/// Returns the jobs of a file as a table, and the one part that they are.
pub(super) fn frame(
    jobs: &[&JobObservation],
    (digest, format, source): (&Digest, Format, &str),
) -> (DataFrame, Vec<StoredRun>) {
    let mut rows: Vec<(u32, &JobObservation, NumberedStep<'_>)> = Vec::new();
    for (position, &job) in (0..).zip(jobs) {
        if job.steps.is_empty() {
            rows.push((position, job, None));
        }
        rows.extend((1..).zip(&job.steps).map(|step| (position, job, Some(step))));
    }
    let text = |cell: fn(&JobObservation) -> Option<&str>| rows.iter().map(move |(_, job, _)| cell(job));
    let time = |cell: fn(&JobObservation) -> Option<Timestamp>| {
        rows.iter().map(move |(_, job, _)| stored_time(cell(job)))
    };
    let step_text = |cell: fn(&StepObservation) -> Option<&str>| {
        rows.iter().map(move |(_, _, step)| step.and_then(|(_, step)| cell(step)))
    };
    let step_time = |cell: fn(&StepObservation) -> Option<Timestamp>| {
        rows.iter().map(move |(_, _, step)| step.and_then(|(_, step)| stored_time(cell(step))))
    };
    let columns = vec![
        count_column("position", rows.iter().map(|(position, ..)| Some(*position))),
        // The CI's number, as text: no reader rounds it, and nobody adds it up.
        text_column("job_id", rows.iter().map(|(_, job, _)| Some(job.id.to_string()))),
        text_column("job", text(|job| Some(&job.name))),
        text_column("run", text(|job| job.run.as_deref())),
        count_column("attempt", rows.iter().map(|(_, job, _)| job.attempt)),
        text_column("git_branch", text(|job| job.branch.as_deref())),
        text_column("commit", text(|job| job.commit.as_deref())),
        text_column("conclusion", text(|job| job.conclusion.as_deref())),
        // GitHub's runners are registered with labels separated by commas, so that none can hold one.
        text_column("labels", rows.iter().map(|(_, job, _)| Some(job.labels.join(",")))),
        integer_column("created_ms", time(|job| job.created)),
        integer_column("started_ms", time(|job| job.started)),
        integer_column("completed_ms", time(|job| job.completed)),
        count_column("step_number", rows.iter().map(|(_, _, step)| step.map(|(number, _)| number))),
        text_column("step", step_text(|step| Some(&step.name))),
        text_column("step_conclusion", step_text(|step| step.conclusion.as_deref())),
        integer_column("step_started_ms", step_time(|step| step.started)),
        integer_column("step_completed_ms", step_time(|step| step.completed)),
        text_column("format", rows.iter().map(|_| Some(format.as_str()))),
        text_column("source", rows.iter().map(|_| Some(source))),
        text_column("digest", rows.iter().map(|_| Some(digest.as_str()))),
    ];
    let frame = DataFrame::new(rows.len(), columns).expect("the columns have different names and one length");
    (frame, vec![footer::part_of((digest, 0), (format, source), RunFacts::default(), rows.len())])
}

/// Returns the parts of a file: the ingested files that its jobs came from.
pub(super) fn parts(path: &Path, digest: &Digest) -> Result<Vec<StoredRun>, HistoryError> {
    let footer = table::read_footer(path)?;
    if let Some(text) = &footer.parts {
        footer::parse(text).map_err(|problem| table::unreadable(path, problem))
    } else {
        let origin = (Format::GitHubJobs, "");
        Ok(vec![footer::part_of((digest, 0), origin, RunFacts::default(), footer.rows)])
    }
}

/// Counts the jobs of one part from `first` on. Returns how many they are.
pub(super) fn shift_positions(frame: &mut DataFrame, first: u32, path: &Path) -> Result<u32, HistoryError> {
    let polars = |error: polars::prelude::PolarsError| table::unreadable(path, error.to_string());
    let positions: Vec<Option<u32>> =
        frame.column("position").and_then(|column| column.u32()).map_err(polars)?.iter().collect();
    let jobs = positions.iter().flatten().max().map_or(0, |last| last + 1);
    let shifted = positions.into_iter().map(|position| position.map(|position| first + position));
    frame.with_column(count_column("position", shifted)).map_err(polars)?;
    Ok(jobs)
}

/// Reads a file of the table.
pub(super) fn read(path: &Path) -> Result<Vec<JobObservation>, HistoryError> {
    let rows = table::read(path, None)?;
    let positions = rows.count("position")?;
    let steps = rows.text("step")?;
    let mut jobs: Vec<JobObservation> = Vec::new();
    let mut last = None;
    for row in 0..rows.len() {
        let position = positions.get(row);
        if last != Some(position) {
            jobs.push(job_at(&rows, row)?);
            last = Some(position);
        }
        if let Some(name) = steps.get(row)
            && let Some(job) = jobs.last_mut()
        {
            job.steps.push(StepObservation {
                name: name.to_owned(),
                conclusion: rows.text("step_conclusion")?.get(row).map(str::to_owned),
                started: rows.integer("step_started_ms")?.get(row).map(Timestamp),
                completed: rows.integer("step_completed_ms")?.get(row).map(Timestamp),
            });
        }
    }
    Ok(jobs)
}

fn job_at(rows: &Rows<'_>, row: usize) -> Result<JobObservation, HistoryError> {
    let text = |name| Ok::<_, HistoryError>(rows.text(name)?.get(row).map(str::to_owned));
    let time = |name| Ok::<_, HistoryError>(rows.integer(name)?.get(row).map(Timestamp));
    let id = text("job_id")?.unwrap_or_default();
    let labels = text("labels")?.unwrap_or_default();
    Ok(JobObservation {
        id: id.parse().map_err(|_| rows.senseless(&format!("`{id}` is no id of a job")))?,
        name: text("job")?.unwrap_or_default(),
        run: text("run")?,
        attempt: rows.count("attempt")?.get(row),
        branch: text("git_branch")?,
        commit: text("commit")?,
        conclusion: text("conclusion")?,
        labels: labels.split(',').filter(|label| !label.is_empty()).map(str::to_owned).collect(),
        created: time("created_ms")?,
        started: time("started_ms")?,
        completed: time("completed_ms")?,
        steps: Vec::new(),
    })
}
