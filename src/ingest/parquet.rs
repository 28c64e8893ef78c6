//! A file of another history: the table of tests, as the store writes it.
//!
//! So a history that was copied from somewhere, or kept by CI as an artifact, joins this one. Rows belong to one
//! run where all that is said about the run is equal. Columns that a file lacks are unknown.

use std::collections::HashMap;
use std::io::Cursor;

use polars::prelude::{DataFrame, DataType, ParquetReader, SerReader};

use super::IngestErrorKind;
use super::observation::{Observation, Outcome, Phases, Report, RunFacts};
use super::warning::WarningKind;
use crate::time::{Micros, Timestamp};

/// The most rows that are read. A file of the store has one for each test of a run.
const MAX_ROWS: usize = 20_000_000;

/// The columns that say which run a row belongs to.
const OF_THE_RUN: [&str; 13] = [
    "report",
    "run",
    "attempt",
    "commit",
    "git_branch",
    "at_ms",
    "lane",
    "shard",
    "machine",
    "services",
    "extent",
    "framework",
    "session_us",
];

/// Reads the file.
pub(super) fn read(bytes: Vec<u8>) -> Result<Vec<Report>, IngestErrorKind> {
    let frame = frame_of(bytes)?;
    if ["test", "total_us"].iter().any(|name| frame.column(name).is_err()) {
        let found = if frame.column("job_id").is_ok() {
            "a table of CI jobs; ingest the jobs JSON that it was made of"
        } else {
            "a Parquet table of something else"
        };
        return Err(super::format::unrecognised(found));
    }
    let texts = Texts::new(&frame);
    let (mut reports, mut positions) = (Vec::<Report>::new(), HashMap::new());
    for row in 0..frame.height() {
        let key = OF_THE_RUN.map(|name| texts.get(name, row).map(str::to_owned));
        let position = if let Some(&position) = positions.get(&key) {
            position
        } else {
            reports.push(Report { run: run_of(&texts, row)?, ..Report::default() });
            positions.insert(key, reports.len() - 1);
            reports.len() - 1
        };
        take(&mut reports[position], &texts, row);
    }
    Ok(reports)
}

/// Reads the table. The library panics over some damaged files; here that is one more way to be damaged.
fn frame_of(bytes: Vec<u8>) -> Result<DataFrame, IngestErrorKind> {
    let read = std::panic::AssertUnwindSafe(|| {
        let mut reader = ParquetReader::new(Cursor::new(bytes));
        let rows = reader.num_rows()?;
        if rows > MAX_ROWS { Ok(Err(rows)) } else { reader.finish().map(Ok) }
    });
    match std::panic::catch_unwind(read) {
        Ok(Ok(Ok(frame))) => Ok(frame),
        Ok(Ok(Err(rows))) => Err(IngestErrorKind::TooLarge { what: format!("{rows} rows"), line: None }),
        Ok(Err(error)) => {
            let error = error.to_string();
            Err(damaged(error.lines().next().unwrap_or_default()))
        }
        Err(_) => Err(damaged("its pages do not fit its footer")),
    }
}

/// The cells of a table as text, whatever type they are stored in.
struct Texts {
    columns: HashMap<String, Vec<Option<String>>>,
}

impl Texts {
    fn new(frame: &DataFrame) -> Self {
        let read = |name: &str| -> Option<Vec<Option<String>>> {
            let column = frame.column(name).ok()?.cast(&DataType::String).ok()?;
            Some(column.str().ok()?.iter().map(|cell| cell.map(str::to_owned)).collect())
        };
        let names = OF_THE_RUN.into_iter().chain([
            "test",
            "file",
            "outcome",
            "total_us",
            "setup_us",
            "call_us",
            "teardown_us",
            "reason",
            "unit",
            "retries",
            "worker",
            "project",
        ]);
        Self { columns: names.filter_map(|name| Some((name.to_owned(), read(name)?))).collect() }
    }

    fn get(&self, name: &str, row: usize) -> Option<&str> {
        self.columns.get(name)?.get(row)?.as_deref()
    }

    fn number<T: std::str::FromStr>(&self, name: &str, row: usize) -> Option<T> {
        self.get(name, row)?.parse().ok()
    }
}

fn run_of(texts: &Texts, row: usize) -> Result<RunFacts, IngestErrorKind> {
    let owned = |name| texts.get(name, row).map(str::to_owned);
    let senseless = |name: &str, error: &dyn std::fmt::Display| damaged(&format!("column `{name}`: {error}"));
    let services = texts.get("services", row).map(|names| {
        names.split(' ').filter(|name| !name.is_empty()).map(str::parse).collect::<Result<Vec<_>, _>>()
    });
    Ok(RunFacts {
        run: owned("run"),
        attempt: texts.number("attempt", row),
        commit: owned("commit"),
        branch: owned("git_branch"),
        at: texts.number("at_ms", row).map(Timestamp),
        lane: texts
            .get("lane", row)
            .map(str::parse)
            .transpose()
            .map_err(|error| senseless("lane", &error))?,
        shard: owned("shard"),
        machine: owned("machine"),
        services: services.transpose().map_err(|error| senseless("services", &error))?,
        extent: texts.number("extent", row).unwrap_or_default(),
        framework: texts.number("framework", row),
        session: texts.number("session_us", row).map(Micros),
    })
}

fn take(report: &mut Report, texts: &Texts, row: usize) {
    let line = Some(row as u64 + 1);
    let id = texts.get("test", row).unwrap_or_default();
    let Ok(test) = id.parse() else { return report.warnings.add(WarningKind::NoName, line, id) };
    let micros = |name| texts.number::<u64>(name, row).map(Micros).filter(|time| is_possible(*time));
    let Some(total) = micros("total_us") else {
        return report.warnings.add(WarningKind::ImpossibleTime, line, id);
    };
    let outcome = texts.number("outcome", row).unwrap_or(Outcome::Unknown);
    let mut seen = Observation::new(test, outcome, total);
    seen.file = texts.get("file", row).filter(|file| *file != seen.test.file()).map(str::to_owned);
    if let [Some(setup), Some(call), Some(teardown)] = ["setup_us", "call_us", "teardown_us"].map(micros) {
        seen.phases = Some(Phases { setup, call, teardown });
    }
    seen.reason = texts.get("reason", row).map(str::to_owned);
    seen.unit = texts.number("unit", row).unwrap_or_default();
    seen.retries = texts.number("retries", row).unwrap_or(0);
    seen.worker = texts.get("worker", row).map(str::to_owned);
    seen.project = texts.get("project", row).map(str::to_owned);
    report.observations.push(seen);
}

/// Returns whether the store would take this time.
fn is_possible(time: Micros) -> bool {
    Micros::from_secs_f64(time.as_secs_f64()).is_some()
}

fn damaged(problem: &str) -> IngestErrorKind {
    IngestErrorKind::Unreadable { problem: format!("as Parquet: {problem}"), line: None }
}
