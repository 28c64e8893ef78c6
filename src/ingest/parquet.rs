//! A file of another history: the table of tests, as the store writes it.
//!
//! So a history that was copied from somewhere, or kept by CI as an artifact, joins this one. Rows belong to one
//! run where all that is said about the run is equal. Columns that a file lacks are unknown.

use std::collections::HashMap;
use std::io::Cursor;

use polars::prelude::{DataFrame, DataType, ParquetReader, SerReader};

use super::IngestErrorKind;
use super::columns::{self, OF_THE_RUN};
use super::observation::{Observation, Outcome, Phases, Report, RunFacts};
use super::warning::WarningKind;
use crate::time::{Micros, Timestamp};

/// The most rows that are read. A file of the store has one for each test of a run.
const MAX_ROWS: usize = 20_000_000;

/// Reads the file.
pub(super) fn read(bytes: Vec<u8>) -> Result<Vec<Report>, IngestErrorKind> {
    let frame = frame_of(bytes)?;
    if [columns::TEST, columns::TOTAL].iter().any(|name| frame.column(name).is_err()) {
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
        let names = OF_THE_RUN.into_iter().chain(columns::OF_THE_TEST);
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
    let services = texts.get(columns::SERVICES, row).map(|names| {
        names.split(' ').filter(|name| !name.is_empty()).map(str::parse).collect::<Result<Vec<_>, _>>()
    });
    Ok(RunFacts {
        run: owned(columns::RUN),
        attempt: texts.number(columns::ATTEMPT, row),
        commit: owned(columns::COMMIT),
        branch: owned(columns::BRANCH),
        at: texts.number(columns::AT, row).map(Timestamp),
        lane: texts
            .get("lane", row)
            .map(str::parse)
            .transpose()
            .map_err(|error| senseless(columns::LANE, &error))?,
        shard: owned(columns::SHARD),
        machine: owned(columns::MACHINE),
        services: services.transpose().map_err(|error| senseless(columns::SERVICES, &error))?,
        extent: texts.number(columns::EXTENT, row).unwrap_or_default(),
        framework: texts.number(columns::FRAMEWORK, row),
        session: texts.number(columns::SESSION, row).map(Micros),
    })
}

fn take(report: &mut Report, texts: &Texts, row: usize) {
    let line = Some(row as u64 + 1);
    let id = texts.get(columns::TEST, row).unwrap_or_default();
    let Ok(test) = id.parse() else { return report.warnings.add(WarningKind::NoName, line, id) };
    let micros = |name| texts.number::<u64>(name, row).map(Micros).filter(|time| is_possible(*time));
    let Some(total) = micros(columns::TOTAL) else {
        return report.warnings.add(WarningKind::ImpossibleTime, line, id);
    };
    let outcome = texts.number(columns::OUTCOME, row).unwrap_or(Outcome::Unknown);
    let mut seen = Observation::new(test, outcome, total);
    seen.file = texts.get(columns::FILE, row).filter(|file| *file != seen.test.file()).map(str::to_owned);
    if let [Some(setup), Some(call), Some(teardown)] = columns::PHASES.map(micros) {
        seen.phases = Some(Phases { setup, call, teardown });
    }
    seen.reason = texts.get(columns::REASON, row).map(str::to_owned);
    seen.unit = texts.number(columns::UNIT, row).unwrap_or_default();
    seen.retries = texts.number(columns::RETRIES, row).unwrap_or(0);
    seen.worker = texts.get(columns::WORKER, row).map(str::to_owned);
    seen.project = texts.get(columns::PROJECT, row).map(str::to_owned);
    report.observations.push(seen);
}

/// Returns whether the store would take this time.
fn is_possible(time: Micros) -> bool {
    Micros::from_secs_f64(time.as_secs_f64()).is_some()
}

fn damaged(problem: &str) -> IngestErrorKind {
    IngestErrorKind::Unreadable { problem: format!("as Parquet: {problem}"), line: None }
}

#[cfg(test)]
mod checks {
    use polars::prelude::{Column, ParquetWriter};

    use super::*;
    use crate::ingest::{Extent, UnitKind};

    fn file(columns: Vec<Column>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let height = columns.first().map_or(0, Column::len);
        let mut frame = DataFrame::new(height, columns).unwrap();
        ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
        bytes
    }

    fn two_runs() -> Vec<u8> {
        file(vec![
            Column::new("test".into(), ["a.py::t", "a.py::u", "a.py::t"]),
            Column::new("total_us".into(), [1_500_000_i64, 250_000, 2_000_000]),
            Column::new("run".into(), ["1", "1", "2"]),
            Column::new("outcome".into(), ["passed", "skipped", "a word of later"]),
            Column::new("reason".into(), [None, Some("no redis"), None]),
            Column::new("services".into(), [Some("postgres redis"), Some("postgres redis"), None]),
            Column::new("extent".into(), ["full", "full", "partial"]),
            Column::new("setup_us".into(), [Some(500_000_i64), None, None]),
            Column::new("call_us".into(), [Some(900_000_i64), None, None]),
            Column::new("teardown_us".into(), [Some(100_000_i64), None, None]),
            Column::new("unit".into(), ["test", "test", "file"]),
            Column::new("nobody knows".into(), [1_u32, 2, 3]),
        ])
    }

    #[test]
    fn rows_of_one_run_are_one_report() {
        let reports = read(two_runs()).unwrap();
        let [first, second] = reports.as_slice() else { panic!("{reports:?}") };
        assert_eq!((first.run.run.as_deref(), first.observations.len()), (Some("1"), 2));
        assert_eq!(first.run.services.as_ref().unwrap().len(), 2);
        assert_eq!((first.run.extent, second.run.extent), (Extent::Full, Extent::Partial));
        assert_eq!(second.run.services, None);
        let [measured, skipped] = first.observations.as_slice() else { panic!("two tests") };
        assert_eq!((measured.test.as_str(), measured.total), ("a.py::t", Micros(1_500_000)));
        assert_eq!(measured.phases.unwrap().call, Micros(900_000));
        assert_eq!((skipped.outcome, skipped.reason.as_deref()), (Outcome::Skipped, Some("no redis")));
        assert_eq!(skipped.phases, None);
        let last = &second.observations[0];
        assert_eq!((last.outcome, last.unit), (Outcome::Unknown, UnitKind::File));
    }

    #[test]
    fn what_the_store_would_not_take_is_passed_over_with_its_row() {
        let bytes = file(vec![
            Column::new("test".into(), [Some("a.py::t"), Some(" "), None, Some("a.py::u")]),
            Column::new("total_us".into(), [Some(-1_i64), Some(1), Some(1), None]),
        ]);
        let reports = read(bytes).unwrap();
        assert!(reports[0].observations.is_empty());
        let warnings: Vec<_> =
            reports[0].warnings.by_kind().map(|(kind, number, _)| (kind, number)).collect();
        assert_eq!(warnings, [(WarningKind::ImpossibleTime, 2), (WarningKind::NoName, 2)]);
    }

    #[test]
    fn another_table_is_called_by_its_name() {
        for (column, said) in
            [("job_id", "a table of CI jobs"), ("price", "a Parquet table of something else")]
        {
            match read(file(vec![Column::new(column.into(), ["1"])])) {
                Err(IngestErrorKind::Unrecognised { found, .. }) => assert!(found.contains(said), "{found}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_service_that_is_no_name_is_an_error() {
        let bytes = file(vec![
            Column::new("test".into(), ["a.py::t"]),
            Column::new("total_us".into(), [1_i64]),
            Column::new("services".into(), ["$(reboot)"]),
        ]);
        let error = read(bytes).unwrap_err();
        assert!(
            matches!(&error, IngestErrorKind::Unreadable { problem, .. } if problem.contains("services")),
            "{error:?}"
        );
    }

    #[test]
    fn a_damaged_file_is_an_error_and_ends_nothing() {
        let whole = two_runs();
        for end in 0..whole.len() {
            assert!(read(whole[..end].to_vec()).is_err(), "cut at {end}");
        }
        for at in 0..whole.len() {
            let mut spoilt = whole.clone();
            spoilt[at] ^= 0xFF;
            let _ = read(spoilt);
        }
    }
}
