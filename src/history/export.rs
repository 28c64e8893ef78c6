//! The history in the formats of others.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize as _;

use super::json_v1::ExportV1;
use super::tests_table::{self, Row as TableRow};
use super::{Observed, Sample, StoredRun, TestHistory, footer, table};
use crate::ids::{NodeId, RunIx};
use crate::ingest::csv::{self, Row};

/// Returns the samples run by run, and by node id in each.
pub(super) fn by_run(observed: &Observed) -> Vec<(RunIx, &TestHistory, &Sample)> {
    let mut samples: Vec<(RunIx, &TestHistory, &Sample)> = observed
        .tests
        .iter()
        .flat_map(|test| test.samples.iter().map(move |sample| (sample.run, test, sample)))
        .collect();
    // The sort is stable: within a run the tests stay in order.
    samples.sort_by_key(|(run, ..)| *run);
    samples
}

/// Writes a row per observation, run by run and by node id in each, in the columns that `ingest` reads.
pub fn export_csv(observed: &Observed, out: impl io::Write) -> io::Result<()> {
    let rows = by_run(observed).into_iter().map(|(run, test, sample)| Row {
        run: &observed.runs[run].facts,
        test: &test.test,
        file: &test.file,
        outcome: sample.outcome,
        total: sample.total,
        phases: sample.phases(),
        reason: sample.reason.as_deref(),
        unit: sample.unit,
        retries: sample.retries,
        worker: sample.worker(),
        project: sample.project(),
    });
    csv::write(out, rows)
}

/// Writes all observations as one file in the layout of the store.
pub fn export_parquet(observed: &Observed, out: impl io::Write) -> io::Result<()> {
    let samples = by_run(observed);
    let mut parts: Vec<StoredRun> = Vec::new();
    for of_run in samples.chunk_by(|(one, ..), (other, ..)| one == other) {
        parts.push(StoredRun { observations: of_run.len(), ..observed.runs[of_run[0].0].clone() });
    }
    let rows: Vec<TableRow<'_>> = samples
        .into_iter()
        .map(|(run, test, sample)| TableRow::stored(&observed.runs[run], test, sample))
        .collect();
    table::write(tests_table::frame_of(&parts, &rows), footer::render(&parts), out)
}

/// Writes runs, observations and jobs as JSON; see `docs/schemas/history-export-v1.json`.
pub fn export_json(observed: &Observed, mut out: impl io::Write) -> io::Result<()> {
    serde_json::to_writer(&mut out, &ExportV1::from(observed))?;
    writeln!(out)
}

/// Writes pytest-split's `.test_durations`: these seconds by node id, sorted, indented as pytest-split does.
pub fn export_test_durations<'a>(
    expected: impl IntoIterator<Item = (&'a NodeId, f64)>,
    mut out: impl io::Write,
) -> io::Result<()> {
    let seconds: BTreeMap<&str, f64> =
        expected.into_iter().map(|(test, seconds)| (test.as_str(), seconds)).collect();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    seconds.serialize(&mut serializer)?;
    writeln!(out)
}
