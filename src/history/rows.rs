//! Rows of the table of tests in memory, as narrow as they can be: there may be ten million of them.

use std::ops::Range;
use std::path::Path;

use polars::prelude::PlHashMap;

use super::error::HistoryError;
use super::load::Detail;
use super::{Reason, table};
use crate::ids::{NodeId, RunIx};
use crate::ingest::{Outcome, Phases};
use crate::time::Micros;

/// Names shorter than this lie within the row in Polars' memory, so that their address says nothing.
const LIES_ELSEWHERE: usize = 13;

/// The rows of one part, column by column.
pub(super) struct PartRows {
    pub(super) run: RunIx,
    /// Positions among [`Names::tests`].
    pub(super) tests: Vec<u32>,
    pub(super) totals: Vec<Micros>,
    pub(super) outcomes: Vec<Outcome>,
    /// Positions among [`Names::reasons`], from 1; 0 for none. Empty where no row has any.
    pub(super) reasons: Vec<u32>,
    /// Empty where no row has any.
    pub(super) phases: Vec<Option<Box<Phases>>>,
}

/// What many rows share, each once.
#[derive(Default)]
pub(super) struct Names {
    pub(super) tests: Vec<NodeId>,
    /// For every test the latest run that saw it, and its file where its id does not begin with it.
    pub(super) files: Vec<(RunIx, Option<Box<str>>)>,
    pub(super) reasons: Vec<Reason>,
    test_positions: PlHashMap<Box<str>, u32>,
    reason_positions: PlHashMap<Box<str>, u32>,
}

/// A part to read: its rows within the file, and the place of its run.
pub(super) struct Wanted {
    pub(super) rows: Range<usize>,
    pub(super) run: RunIx,
}

/// Reads parts of a file, in the order of their rows. `only` leaves out all tests but one.
pub(super) fn read(
    path: &Path,
    wanted: &[&Wanted],
    (detail, only): (Detail, Option<&NodeId>),
    names: &mut Names,
) -> Result<Vec<PartRows>, HistoryError> {
    let mut columns = vec!["test", "file", "outcome", "total_us", "reason"];
    if detail == Detail::Everything {
        columns.extend(["setup_us", "call_us", "teardown_us"]);
    }
    let file = table::read(path, Some(&columns))?;
    if wanted.last().is_some_and(|part| part.rows.end > file.len()) {
        // It was rewritten since its footer was read.
        return Err(HistoryError::io("read", path)(std::io::ErrorKind::NotFound.into()));
    }
    let (tests, files, outcomes) = (file.text("test")?, file.text("file")?, file.text("outcome")?);
    let (totals, reasons) = (file.integer("total_us")?, file.text("reason")?);
    let have_reasons = reasons.null_count() < file.len();
    let phases = match detail {
        Detail::Times => None,
        Detail::Everything => {
            Some([file.integer("setup_us")?, file.integer("call_us")?, file.integer("teardown_us")?])
        }
    };
    let have_phases = phases.filter(|[setup, ..]| setup.null_count() < file.len());
    let mut cells = tests.iter().zip(files.iter()).zip(outcomes.iter().zip(totals.iter()));
    let mut reason_cells = have_reasons.then(|| reasons.iter());
    let mut phase_cells = have_phases.map(|columns| columns.map(|column| column.iter()));
    // Equal names of a page lie at one address: most rows of a compacted file need no look at their text.
    let mut addresses: PlHashMap<usize, u32> = PlHashMap::default();
    let repeats = wanted.len() > 1;
    let mut row = 0;
    let mut parts = Vec::with_capacity(wanted.len());
    for &&Wanted { ref rows, run } in wanted {
        let count = if only.is_some() { 0 } else { rows.len() };
        let mut part = PartRows {
            run,
            tests: Vec::with_capacity(count),
            totals: Vec::with_capacity(count),
            outcomes: Vec::with_capacity(count),
            reasons: Vec::with_capacity(if have_reasons { count } else { 0 }),
            phases: Vec::with_capacity(if have_phases.is_some() { count } else { 0 }),
        };
        while row < rows.end {
            let at = row;
            row += 1;
            let missing = || file.senseless(&format!("row {at} is not whole"));
            let ((test, of_file), (outcome, total)) = cells.next().ok_or_else(missing)?;
            let reason = reason_cells.as_mut().and_then(|cells| cells.next().flatten());
            let phases = phase_cells.as_mut().and_then(|[setup, call, teardown]| {
                let micros = |cell: Option<Option<i64>>| cell.flatten().and_then(table::micros);
                match (micros(setup.next()), micros(call.next()), micros(teardown.next())) {
                    (Some(setup), Some(call), Some(teardown)) => {
                        Some(Box::new(Phases { setup, call, teardown }))
                    }
                    _ => None,
                }
            });
            let test = test.ok_or_else(missing)?;
            if at < rows.start || only.is_some_and(|only| only.as_str() != test) {
                continue;
            }
            let of_file = of_file.ok_or_else(missing)?;
            let known = if repeats && test.len() >= LIES_ELSEWHERE {
                addresses.get(&test.as_ptr().addr()).copied()
            } else {
                None
            };
            let position = match known {
                Some(position) => position,
                None => {
                    let position =
                        names.test(test).ok_or_else(|| file.senseless(&format!("row {at} names no test")))?;
                    if repeats && test.len() >= LIES_ELSEWHERE {
                        addresses.insert(test.as_ptr().addr(), position);
                    }
                    position
                }
            };
            names.see_file(position, of_file, run);
            let outcome: Outcome =
                outcome.ok_or_else(missing)?.parse().map_err(|error| file.senseless(&error))?;
            part.tests.push(position);
            part.totals.push(total.and_then(table::micros).ok_or_else(missing)?);
            part.outcomes.push(outcome);
            if have_reasons {
                let needed = detail == Detail::Everything || outcome == Outcome::Skipped;
                part.reasons.push(reason.filter(|_| needed).map_or(0, |reason| names.reason(reason)));
            }
            if have_phases.is_some() {
                part.phases.push(phases);
            }
        }
        parts.push(part);
    }
    Ok(parts)
}

impl Names {
    fn test(&mut self, name: &str) -> Option<u32> {
        if let Some(&position) = self.test_positions.get(name) {
            return Some(position);
        }
        let position = u32::try_from(self.tests.len()).ok()?;
        self.tests.push(name.parse().ok()?);
        self.files.push((RunIx(0), None));
        self.test_positions.insert(name.into(), position);
        Some(position)
    }

    fn reason(&mut self, text: &str) -> u32 {
        if let Some(&position) = self.reason_positions.get(text) {
            return position;
        }
        self.reasons.push(Reason::new(text));
        let position = u32::try_from(self.reasons.len()).unwrap_or(0);
        self.reason_positions.insert(text.into(), position);
        position
    }

    /// Keeps the file of a test as the latest run tells it.
    fn see_file(&mut self, test: u32, file: &str, run: RunIx) {
        let slot = &mut self.files[test as usize];
        if slot.0 > run {
            return;
        }
        slot.0 = run;
        let id = self.tests[test as usize].as_str();
        let told = id.strip_prefix(file).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            && !file.contains("::");
        if told {
            slot.1 = None;
        } else if slot.1.as_deref() != Some(file) {
            slot.1 = Some(file.into());
        }
    }
}
