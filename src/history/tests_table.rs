//! The table of tests: a row per test of a run, with what is known about the run in every row.
//!
//! Equal cells in a row's neighbours cost next to nothing in Parquet, and whoever reads the files with another
//! tool needs no second table. What is known about the runs stands in the footer as well, for us.

use std::path::Path;

use polars::prelude::DataFrame;

use super::error::HistoryError;
use super::footer;
use super::table::{
    self, Rows, count_column, integer_column, stored_micros, stored_time, text_column, unreadable,
};
use super::{Digest, StoredRun};
use crate::ids::{LaneName, ServiceName, WholeRunIx};
use crate::ingest::columns;
use crate::ingest::{Format, Framework, Observation, Phases, Report, RunFacts, UnitKind};
use crate::time::{Micros, Timestamp};

/// Returns the runs of a file as a table, and the parts that they are.
pub(super) fn frame<'a>(
    reports: &(impl Iterator<Item = &'a Report> + Clone),
    (digest, format, source): (&Digest, Format, &str),
) -> (DataFrame, Vec<StoredRun>) {
    let numbered = || (0..).zip(reports.clone());
    let parts: Vec<StoredRun> = numbered()
        .map(|(number, report)| {
            let rows = report.observations.len();
            footer::part_of((digest, number), (format, source), report.run.clone(), rows)
        })
        .collect();
    let rows: Vec<Row<'_>> = numbered()
        .zip(&parts)
        .flat_map(|((_, report), part)| report.observations.iter().map(move |seen| Row::of(part, seen)))
        .collect();
    (frame_of(&parts, &rows), parts)
}

/// One row: an observation in the part that told of it.
pub(super) struct Row<'a> {
    part: &'a StoredRun,
    test: &'a str,
    file: &'a str,
    outcome: &'static str,
    total: Micros,
    phases: Option<Phases>,
    reason: Option<&'a str>,
    unit: UnitKind,
    retries: u32,
    worker: Option<&'a str>,
    project: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(part: &'a StoredRun, seen: &'a Observation) -> Self {
        Self {
            part,
            test: seen.test.as_str(),
            file: seen.file.as_deref().unwrap_or_else(|| seen.test.file()),
            outcome: seen.outcome.as_str(),
            total: seen.total,
            phases: seen.phases,
            reason: seen.reason.as_deref(),
            unit: seen.unit,
            retries: seen.retries,
            worker: seen.worker.as_deref(),
            project: seen.project.as_deref(),
        }
    }

    /// Returns the row that a stored sample was.
    pub(super) fn stored(
        part: &'a StoredRun,
        test: &'a super::TestHistory,
        sample: &'a super::Sample,
    ) -> Self {
        Self {
            part,
            test: test.test.as_str(),
            file: &test.file,
            outcome: sample.outcome.as_str(),
            total: sample.total,
            phases: sample.phases(),
            reason: sample.reason.as_deref(),
            unit: sample.unit,
            retries: sample.retries.into(),
            worker: sample.worker(),
            project: sample.project(),
        }
    }
}

/// Returns the table of rows that stand part by part.
pub(super) fn frame_of(parts: &[StoredRun], rows: &[Row<'_>]) -> DataFrame {
    let positions: Vec<u32> =
        (0..).zip(parts).flat_map(|(at, part)| std::iter::repeat_n(at, part.observations)).collect();
    let of_run = |cell: fn(&RunFacts) -> Option<&str>| rows.iter().map(move |row| cell(&row.part.facts));
    let phase = |of: fn(Phases) -> Micros| {
        rows.iter().map(move |row| row.phases.map(|phases| stored_micros(of(phases))))
    };
    let cells = vec![
        text_column(columns::TEST, rows.iter().map(|row| Some(row.test))),
        text_column(columns::FILE, rows.iter().map(|row| Some(row.file))),
        text_column(columns::OUTCOME, rows.iter().map(|row| Some(row.outcome))),
        integer_column(columns::TOTAL, rows.iter().map(|row| Some(stored_micros(row.total)))),
        integer_column(columns::PHASES[0], phase(|phases| phases.setup)),
        integer_column(columns::PHASES[1], phase(|phases| phases.call)),
        integer_column(columns::PHASES[2], phase(|phases| phases.teardown)),
        text_column(columns::REASON, rows.iter().map(|row| row.reason)),
        count_column(columns::REPORT, positions.into_iter().map(Some)),
        text_column(columns::RUN, of_run(|run| run.run.as_deref())),
        count_column(columns::ATTEMPT, rows.iter().map(|row| row.part.facts.attempt)),
        text_column(columns::COMMIT, of_run(|run| run.commit.as_deref())),
        text_column(columns::BRANCH, of_run(|run| run.branch.as_deref())),
        integer_column(columns::AT, rows.iter().map(|row| stored_time(row.part.facts.at))),
        text_column(columns::LANE, of_run(|run| run.lane.as_ref().map(LaneName::as_str))),
        text_column(columns::SHARD, of_run(|run| run.shard.as_deref())),
        text_column(columns::MACHINE, of_run(|run| run.machine.as_deref())),
        text_column(columns::SERVICES, rows.iter().map(|row| row.part.facts.services.as_deref().map(joined))),
        text_column(columns::EXTENT, of_run(|run| Some(run.extent.as_str()))),
        text_column(columns::UNIT, rows.iter().map(|row| Some(row.unit.as_str()))),
        count_column(columns::RETRIES, rows.iter().map(|row| Some(row.retries))),
        text_column(columns::WORKER, rows.iter().map(|row| row.worker)),
        text_column(columns::PROJECT, rows.iter().map(|row| row.project)),
        text_column(columns::FRAMEWORK, of_run(|run| run.framework.map(Framework::as_str))),
        integer_column(columns::SESSION, rows.iter().map(|row| row.part.facts.session.map(stored_micros))),
        text_column(columns::FORMAT, rows.iter().map(|row| Some(&*row.part.format))),
        text_column(columns::SOURCE, rows.iter().map(|row| Some(&*row.part.source))),
        text_column(columns::DIGEST, rows.iter().map(|row| Some(row.part.digest.as_str()))),
    ];
    DataFrame::new(rows.len(), cells).expect("the columns have different names and one length")
}

/// Writes into the rows of one part that it is the one at `position` in its file.
pub(super) fn set_position(frame: &mut DataFrame, position: usize, path: &Path) -> Result<(), HistoryError> {
    let position = u32::try_from(position).unwrap_or(u32::MAX);
    let column = count_column(columns::REPORT, std::iter::repeat_n(Some(position), frame.height()));
    match frame.with_column(column) {
        Ok(_) => Ok(()),
        Err(error) => Err(unreadable(path, error.to_string())),
    }
}

/// Returns the parts of a file in the order of their rows. `digest` is what its name says: the file of an
/// older version says it nowhere else.
pub(super) fn parts(path: &Path, digest: &Digest) -> Result<Vec<StoredRun>, HistoryError> {
    let footer = table::read_footer(path)?;
    let Some(text) = &footer.parts else { return parts_of_rows(path, digest) };
    let parts = footer::parse(text).map_err(|problem| unreadable(path, problem))?;
    if parts.iter().map(|part| part.observations).sum::<usize>() != footer.rows {
        return Err(unreadable(path, "its footer speaks of another number of rows".to_owned()));
    }
    Ok(parts)
}

/// Returns the parts of a file of version 1: they stand in its rows.
fn parts_of_rows(path: &Path, digest: &Digest) -> Result<Vec<StoredRun>, HistoryError> {
    const COLUMNS: [&str; 13] = [
        columns::REPORT,
        columns::RUN,
        columns::ATTEMPT,
        columns::COMMIT,
        columns::BRANCH,
        columns::AT,
        columns::LANE,
        columns::SHARD,
        columns::MACHINE,
        columns::SERVICES,
        columns::EXTENT,
        columns::FORMAT,
        columns::SOURCE,
    ];
    let rows = table::read(path, Some(&COLUMNS))?;
    let reports = rows.count(columns::REPORT)?;
    let mut parts: Vec<StoredRun> = Vec::new();
    for row in 0..rows.len() {
        let report = reports.get(row).ok_or_else(|| rows.senseless(&format!("row {row} is not whole")))?;
        if parts.last().is_none_or(|part| part.report != report) {
            parts.push(part_at(&rows, row, (digest, report))?);
        }
        if let Some(part) = parts.last_mut() {
            part.observations += 1;
        }
    }
    Ok(parts)
}

/// Returns what a row says about its run.
fn part_at(rows: &Rows<'_>, row: usize, (digest, report): (&Digest, u32)) -> Result<StoredRun, HistoryError> {
    let text = |name| Ok::<_, HistoryError>(rows.text(name)?.get(row));
    let owned = |name| Ok::<_, HistoryError>(rows.text(name)?.get(row).map(str::to_owned));
    let services = text(columns::SERVICES)?
        .map(|names| names.split(' ').filter(|name| !name.is_empty()).map(str::parse).collect());
    let facts = RunFacts {
        run: owned(columns::RUN)?,
        attempt: rows.count(columns::ATTEMPT)?.get(row),
        commit: owned(columns::COMMIT)?,
        branch: owned(columns::BRANCH)?,
        at: rows.integer(columns::AT)?.get(row).map(Timestamp),
        lane: text(columns::LANE)?.map(str::parse).transpose().map_err(|error| rows.senseless(&error))?,
        shard: owned(columns::SHARD)?,
        machine: owned(columns::MACHINE)?,
        services: services.transpose().map_err(|error| rows.senseless(&error))?,
        extent: text(columns::EXTENT)?.unwrap_or_default().parse().map_err(|error| rows.senseless(&error))?,
        // Stores that are older than these columns do without; a word of a later version says nothing here.
        framework: text(columns::FRAMEWORK).ok().flatten().and_then(|word| word.parse().ok()),
        session: rows.integer(columns::SESSION).ok().and_then(|cells| cells.get(row)).and_then(table::micros),
    };
    let (format, source) =
        (text(columns::FORMAT)?.unwrap_or_default(), text(columns::SOURCE)?.unwrap_or_default());
    Ok(StoredRun {
        digest: digest.clone(),
        report,
        format: format.into(),
        source: source.into(),
        facts,
        whole: WholeRunIx(0),
        age: 0,
        observations: 0,
    })
}

fn joined(services: &[ServiceName]) -> String {
    services.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(" ")
}
