//! The history in the formats of others.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize as _;

use super::{Observed, Sample, TestHistory};
use crate::ids::RunIx;
use crate::ingest::csv::{self, Row};

/// Writes a row per observation, run by run and by node id in each, in the columns that `ingest` reads.
pub fn export_csv(observed: &Observed, out: impl io::Write) -> io::Result<()> {
    let mut samples: Vec<(RunIx, &TestHistory, &Sample)> = observed
        .tests
        .iter()
        .flat_map(|test| test.samples.iter().map(move |sample| (sample.run, test, sample)))
        .collect();
    // The sort is stable: within a run the tests stay in order.
    samples.sort_by_key(|(run, ..)| *run);
    let rows = samples.into_iter().map(|(run, test, sample)| Row {
        run: &observed.runs[run].facts,
        test: &test.test,
        file: &test.file,
        outcome: sample.outcome,
        total: sample.total,
        phases: sample.phases,
        reason: sample.reason.as_deref(),
    });
    csv::write(out, rows)
}

/// Writes pytest-split's `.test_durations`: seconds by node id, sorted, indented as pytest-split does.
pub fn export_test_durations(observed: &Observed, mut out: impl io::Write) -> io::Result<()> {
    let seconds: BTreeMap<&str, f64> =
        observed.tests.iter().map(|test| (test.test.as_str(), test.typical_time().as_secs_f64())).collect();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    seconds.serialize(&mut serializer)?;
    writeln!(out)
}
