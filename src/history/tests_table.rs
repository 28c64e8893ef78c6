//! The table of tests: a row per test of a run, with what is known about the run in every row.
//!
//! Equal cells in a row's neighbours cost next to nothing in Parquet, and whoever reads the files with another
//! tool needs no second table.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use polars::prelude::DataFrame;

use super::error::HistoryError;
use super::table::{self, Rows, count_column, integer_column, stored_micros, stored_time, text_column};
use super::{Digest, StoredRun};
use crate::ids::{NodeId, ServiceName};
use crate::ingest::{Format, Framework, Observation, Outcome, Phases, Report, RunFacts};
use crate::time::{Micros, Timestamp};

/// A run with its rows.
pub(super) struct RunRows {
    pub(super) run: StoredRun,
    /// Where the run stands in its file.
    pub(super) report: u32,
    pub(super) rows: Vec<TestRow>,
}

/// What one row says about its test.
pub(super) struct TestRow {
    pub(super) test: NodeId,
    pub(super) file: Box<str>,
    pub(super) total: Micros,
    pub(super) outcome: Outcome,
    pub(super) phases: Option<Phases>,
    pub(super) reason: Option<Arc<str>>,
}

/// Returns the reports of a file as a table.
pub(super) fn frame<'a>(
    reports: impl Iterator<Item = &'a Report> + Clone,
    format: Format,
    source: &str,
) -> DataFrame {
    let rows: Vec<(u32, &RunFacts, &Observation)> = (0..)
        .zip(reports)
        .flat_map(|(position, report)| {
            report.observations.iter().map(move |seen| (position, &report.run, seen))
        })
        .collect();
    let of_run = |cell: fn(&RunFacts) -> Option<&str>| rows.iter().map(move |(_, run, _)| cell(run));
    let phase = |of: fn(Phases) -> Micros| {
        rows.iter().map(move |(_, _, seen)| seen.phases.map(|phases| stored_micros(of(phases))))
    };
    let columns = vec![
        text_column("test", rows.iter().map(|(_, _, seen)| Some(seen.test.as_str()))),
        text_column("file", rows.iter().map(|(_, _, seen)| Some(file_of(seen)))),
        text_column("outcome", rows.iter().map(|(_, _, seen)| Some(seen.outcome.as_str()))),
        integer_column("total_us", rows.iter().map(|(_, _, seen)| Some(stored_micros(seen.total)))),
        integer_column("setup_us", phase(|phases| phases.setup)),
        integer_column("call_us", phase(|phases| phases.call)),
        integer_column("teardown_us", phase(|phases| phases.teardown)),
        text_column("reason", rows.iter().map(|(_, _, seen)| seen.reason.as_deref())),
        count_column("report", rows.iter().map(|(report, ..)| Some(*report))),
        text_column("run", of_run(|run| run.run.as_deref())),
        count_column("attempt", rows.iter().map(|(_, run, _)| run.attempt)),
        text_column("commit", of_run(|run| run.commit.as_deref())),
        // Not `branch`: pandas refuses a file with a column that is also the name of a partition.
        text_column("git_branch", of_run(|run| run.branch.as_deref())),
        integer_column("at_ms", rows.iter().map(|(_, run, _)| stored_time(run.at))),
        text_column("lane", of_run(|run| run.lane.as_ref().map(crate::ids::LaneName::as_str))),
        text_column("shard", of_run(|run| run.shard.as_deref())),
        text_column("machine", of_run(|run| run.machine.as_deref())),
        text_column("services", rows.iter().map(|(_, run, _)| run.services.as_deref().map(joined))),
        text_column("extent", of_run(|run| Some(run.extent.as_str()))),
        text_column("unit", rows.iter().map(|(_, _, seen)| Some(seen.unit.as_str()))),
        count_column("retries", rows.iter().map(|(_, _, seen)| Some(seen.retries))),
        text_column("worker", rows.iter().map(|(_, _, seen)| seen.worker.as_deref())),
        text_column("project", rows.iter().map(|(_, _, seen)| seen.project.as_deref())),
        text_column("framework", of_run(|run| run.framework.map(Framework::as_str))),
        integer_column("session_us", rows.iter().map(|(_, run, _)| run.session.map(stored_micros))),
        text_column("format", rows.iter().map(|_| Some(format.as_str()))),
        text_column("source", rows.iter().map(|_| Some(source))),
    ];
    DataFrame::new(rows.len(), columns).expect("the columns have different names and one length")
}

/// Reads a file of the table.
pub(super) fn read(path: &Path, digest: &Digest) -> Result<Vec<RunRows>, HistoryError> {
    let rows = table::read(path)?;
    let (tests, files, outcomes) = (rows.text("test")?, rows.text("file")?, rows.text("outcome")?);
    let (reports, totals, reasons) = (rows.count("report")?, rows.integer("total_us")?, rows.text("reason")?);
    let phase_columns = [rows.integer("setup_us")?, rows.integer("call_us")?, rows.integer("teardown_us")?];
    let mut shared_reasons = SharedTexts::default();
    let mut runs: Vec<RunRows> = Vec::new();
    for row in 0..rows.len() {
        let missing = || rows.senseless(&format!("row {row} is not whole"));
        let report = reports.get(row).ok_or_else(missing)?;
        if runs.last().is_none_or(|run| run.report != report) {
            let run = run_at(&rows, row, digest)?;
            runs.push(RunRows { run, report, rows: Vec::new() });
        }
        let phases = match phase_columns.map(|column| column.get(row).and_then(table::micros)) {
            [Some(setup), Some(call), Some(teardown)] => Some(Phases { setup, call, teardown }),
            _ => None,
        };
        let test_row = TestRow {
            test: tests.get(row).ok_or_else(missing)?.parse().map_err(|error| rows.senseless(&error))?,
            file: files.get(row).ok_or_else(missing)?.into(),
            total: totals.get(row).and_then(table::micros).ok_or_else(missing)?,
            outcome: outcomes
                .get(row)
                .ok_or_else(missing)?
                .parse()
                .map_err(|error| rows.senseless(&error))?,
            phases,
            reason: reasons.get(row).map(|reason| shared_reasons.get(reason)),
        };
        if let Some(run) = runs.last_mut() {
            run.run.observations += 1;
            run.rows.push(test_row);
        }
    }
    Ok(runs)
}

/// Returns what a row says about its run.
fn run_at(rows: &Rows<'_>, row: usize, digest: &Digest) -> Result<StoredRun, HistoryError> {
    let text = |name| Ok::<_, HistoryError>(rows.text(name)?.get(row));
    let owned = |name| Ok::<_, HistoryError>(rows.text(name)?.get(row).map(str::to_owned));
    let services = text("services")?
        .map(|names| names.split(' ').filter(|name| !name.is_empty()).map(str::parse).collect());
    let facts = RunFacts {
        run: owned("run")?,
        attempt: rows.count("attempt")?.get(row),
        commit: owned("commit")?,
        branch: owned("git_branch")?,
        at: rows.integer("at_ms")?.get(row).map(Timestamp),
        lane: text("lane")?.map(str::parse).transpose().map_err(|error| rows.senseless(&error))?,
        shard: owned("shard")?,
        machine: owned("machine")?,
        services: services.transpose().map_err(|error| rows.senseless(&error))?,
        extent: text("extent")?.unwrap_or_default().parse().map_err(|error| rows.senseless(&error))?,
        // Stores that are older than these columns do without; a word of a later version says nothing here.
        framework: text("framework").ok().flatten().and_then(|word| word.parse().ok()),
        session: rows.integer("session_us").ok().and_then(|cells| cells.get(row)).and_then(table::micros),
    };
    let format = text("format")?.unwrap_or_default().parse().map_err(|error| rows.senseless(&error))?;
    let source = text("source")?.unwrap_or_default().into();
    Ok(StoredRun { digest: digest.clone(), format, source, facts, observations: 0 })
}

fn file_of(seen: &Observation) -> &str {
    seen.file.as_deref().unwrap_or_else(|| seen.test.file())
}

fn joined(services: &[ServiceName]) -> String {
    services.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(" ")
}

/// Texts that many rows share: the skips of a run mostly have a handful of reasons.
#[derive(Default)]
struct SharedTexts(HashMap<String, Arc<str>>);

impl SharedTexts {
    fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = text.into();
        self.0.insert(text.to_owned(), Arc::clone(&shared));
        shared
    }
}
