//! Observations as CSV, so that an export can be read back without a loss.

use std::io;

use ::csv::WriterBuilder;

use super::NO_SERVICES;
use super::column::{COLUMNS, Column};
use crate::ids::NodeId;
use crate::ingest::observation::{Outcome, Phases, RunFacts, UnitKind};
use crate::time::Micros;

/// One row to write.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The run that the test was seen in.
    pub run: &'a RunFacts,
    /// The test.
    pub test: &'a NodeId,
    /// Its file.
    pub file: &'a str,
    /// How it ended.
    pub outcome: Outcome,
    /// Set-up, call and tear-down together.
    pub total: Micros,
    /// The phases, where they are known.
    pub phases: Option<Phases>,
    /// Why it was skipped or failed.
    pub reason: Option<&'a str>,
    /// What was measured as a whole.
    pub unit: UnitKind,
    /// How often it was tried in vain before.
    pub retries: u16,
    /// The worker that ran it.
    pub worker: Option<&'a str>,
    /// The project or browser it ran under.
    pub project: Option<&'a str>,
}

/// Writes rows under a header line.
pub fn write<'a>(out: impl io::Write, rows: impl IntoIterator<Item = Row<'a>>) -> io::Result<()> {
    let mut writer = WriterBuilder::new().from_writer(out);
    writer.write_record(COLUMNS.map(Column::name))?;
    for row in rows {
        writer.write_record(COLUMNS.map(|column| row.cell(column)))?;
    }
    writer.flush()
}

impl Row<'_> {
    fn cell(&self, column: Column) -> String {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let phase =
            |of: fn(Phases) -> Micros| self.phases.map(|phases| seconds(of(phases))).unwrap_or_default();
        match column {
            Column::Test => self.test.as_str().to_owned(),
            Column::Seconds => seconds(self.total),
            Column::File => self.file.to_owned(),
            Column::Outcome => self.outcome.to_string(),
            Column::Lane => self.run.lane.as_ref().map(ToString::to_string).unwrap_or_default(),
            Column::Shard => text(&self.run.shard),
            Column::Run => text(&self.run.run),
            Column::Attempt => self.run.attempt.map(|attempt| attempt.to_string()).unwrap_or_default(),
            Column::Branch => text(&self.run.branch),
            Column::Commit => text(&self.run.commit),
            Column::At => self.run.at.map(|at| at.to_string()).unwrap_or_default(),
            Column::Machine => text(&self.run.machine),
            Column::Services => match self.run.services.as_deref() {
                None => String::new(),
                Some([]) => NO_SERVICES.to_owned(),
                Some(names) => names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            },
            Column::Extent => self.run.extent.as_str().to_owned(),
            Column::SetupSeconds => phase(|phases| phases.setup),
            Column::CallSeconds => phase(|phases| phases.call),
            Column::TeardownSeconds => phase(|phases| phases.teardown),
            Column::Reason => self.reason.unwrap_or_default().to_owned(),
            // Blank means a test that was tried once, as nearly all are.
            Column::Unit if self.unit != UnitKind::Test => self.unit.as_str().to_owned(),
            Column::Retries if self.retries > 0 => self.retries.to_string(),
            Column::Worker => self.worker.unwrap_or_default().to_owned(),
            Column::Project => self.project.unwrap_or_default().to_owned(),
            Column::Unit | Column::Retries | Column::Milliseconds => String::new(),
        }
    }
}

/// Returns a duration in seconds with every digit that it has: an export must not round.
fn seconds(duration: Micros) -> String {
    let Micros(micros) = duration;
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod checks {
    use super::*;

    #[test]
    fn seconds_keep_every_digit() {
        for micros in [0, 1, 300, 1_000_000, 10_000_000, 123_456_789_012, 315_000_000_000_001] {
            let text = seconds(Micros(micros));
            assert_eq!(text.parse().ok().and_then(Micros::from_secs_f64), Some(Micros(micros)), "{text}");
        }
    }
}
