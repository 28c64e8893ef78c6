//! Rows of the table of tests in memory, as narrow as they can be: there may be ten million of them.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use polars::prelude::PlHashMap;

use super::error::HistoryError;
use super::load::Detail;
use super::{More, Reason, table};
use crate::ids::{NodeId, RunIx};
use crate::ingest::{Outcome, Phases, UnitKind, columns};
use crate::time::Micros;

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
    pub(super) more: Vec<Option<Box<More>>>,
    /// Empty where all are tests.
    pub(super) units: Vec<UnitKind>,
    /// Empty where there were none.
    pub(super) retries: Vec<u16>,
}

/// What many rows share, each once.
#[derive(Default)]
pub(super) struct Names {
    pub(super) tests: Vec<NodeId>,
    /// The file of a test where a report named another one than its id begins with, and the run that said so;
    /// of several the latest.
    pub(super) files: PlHashMap<u32, (RunIx, Box<str>)>,
    pub(super) reasons: Vec<Reason>,
    test_positions: PlHashMap<Box<str>, u32>,
    /// For every test the one that stood in the row after it, the last time.
    followers: Vec<u32>,
    reason_positions: PlHashMap<Box<str>, u32>,
    places: PlHashMap<Box<str>, Arc<str>>,
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
    let chosen = columns_of(&table::read_footer(path)?, detail);
    let has = |name: &str| chosen.contains(&name);
    let file = table::read(path, Some(&chosen))?;
    if wanted.last().is_some_and(|part| part.rows.end > file.len()) {
        // It was rewritten since its footer was read.
        return Err(HistoryError::io("read", path)(std::io::ErrorKind::NotFound.into()));
    }
    let optional = |name: &str| if has(name) { file.text(name).map(Some) } else { Ok(None) };
    let mut file_cells = optional(columns::FILE)?.map(polars::prelude::ChunkedArray::iter);
    let mut unit_cells = optional(columns::UNIT)?.map(polars::prelude::ChunkedArray::iter);
    let mut reason_cells = optional(columns::REASON)?.map(polars::prelude::ChunkedArray::iter);
    let mut worker_cells = optional(columns::WORKER)?.map(polars::prelude::ChunkedArray::iter);
    let mut project_cells = optional(columns::PROJECT)?.map(polars::prelude::ChunkedArray::iter);
    let mut retry_cells =
        if has(columns::RETRIES) { Some(file.count(columns::RETRIES)?.iter()) } else { None };
    let phases = if has(columns::PHASES[0]) {
        let [setup, call, teardown] = columns::PHASES;
        Some([file.integer(setup)?, file.integer(call)?, file.integer(teardown)?])
    } else {
        None
    };
    let mut phase_cells = phases.map(|columns| columns.map(polars::prelude::ChunkedArray::iter));
    let has_more = phase_cells.is_some() || worker_cells.is_some() || project_cells.is_some();
    let (has_units, has_retries) = (unit_cells.is_some(), retry_cells.is_some());
    let has_reasons = reason_cells.is_some();
    let (tests, outcomes) = (file.text(columns::TEST)?, file.text(columns::OUTCOME)?);
    let totals = file.integer(columns::TOTAL)?;
    let mut cells = tests.iter().zip(outcomes.iter()).zip(totals.iter());
    let mut row = 0;
    let mut parts = Vec::with_capacity(wanted.len());
    for &&Wanted { ref rows, run } in wanted {
        let count = if only.is_some() { 0 } else { rows.len() };
        let mut part = PartRows {
            run,
            tests: Vec::with_capacity(count),
            totals: Vec::with_capacity(count),
            outcomes: Vec::with_capacity(count),
            reasons: Vec::with_capacity(if has_reasons { count } else { 0 }),
            more: Vec::with_capacity(if has_more { count } else { 0 }),
            units: Vec::with_capacity(if has_units { count } else { 0 }),
            retries: Vec::with_capacity(if has_retries { count } else { 0 }),
        };
        let mut last = None;
        while row < rows.end {
            let at = row;
            row += 1;
            let missing = || file.senseless(&format!("row {at} is not whole"));
            let ((test, outcome), total) = cells.next().ok_or_else(missing)?;
            let of_file = file_cells.as_mut().and_then(|cells| cells.next().flatten());
            let unit = unit_cells.as_mut().and_then(|cells| cells.next().flatten());
            let retries = retry_cells.as_mut().and_then(|cells| cells.next().flatten());
            let reason = reason_cells.as_mut().and_then(|cells| cells.next().flatten());
            let phases = phase_cells.as_mut().and_then(|[setup, call, teardown]| {
                let micros = |cell: Option<Option<i64>>| cell.flatten().and_then(table::micros);
                match (micros(setup.next()), micros(call.next()), micros(teardown.next())) {
                    (Some(setup), Some(call), Some(teardown)) => Some(Phases { setup, call, teardown }),
                    _ => None,
                }
            });
            let worker = worker_cells.as_mut().and_then(|cells| cells.next().flatten());
            let project = project_cells.as_mut().and_then(|cells| cells.next().flatten());
            let test = test.ok_or_else(missing)?;
            if at < rows.start || only.is_some_and(|only| only.as_str() != test) {
                continue;
            }
            let position = names.test(last, test);
            let position = position.ok_or_else(|| file.senseless(&format!("row {at} names no test")))?;
            last = Some(position);
            if let Some(of_file) = of_file.filter(|of_file| !begins_with_file(test, of_file)) {
                names.see_file(position, of_file, run);
            }
            let outcome: Outcome =
                outcome.ok_or_else(missing)?.parse().map_err(|error| file.senseless(&error))?;
            part.tests.push(position);
            part.totals.push(total.and_then(table::micros).ok_or_else(missing)?);
            part.outcomes.push(outcome);
            if has_reasons {
                let needed = detail == Detail::Everything || outcome == Outcome::Skipped;
                part.reasons.push(reason.filter(|_| needed).map_or(0, |reason| names.reason(reason)));
            }
            if has_more {
                let knows_more = phases.is_some() || worker.is_some() || project.is_some();
                let mut place = |name: Option<&str>| name.map(|name| names.place(name));
                let (worker, project) = (place(worker), place(project));
                part.more.push(knows_more.then(|| Box::new(More { phases, worker, project })));
            }
            if has_units {
                // A word of a later version says nothing here.
                part.units.push(unit.and_then(|unit| unit.parse().ok()).unwrap_or_default());
            }
            if has_retries {
                part.retries.push(u16::try_from(retries.unwrap_or(0)).unwrap_or(u16::MAX));
            }
        }
        parts.push(part);
    }
    Ok(parts)
}

/// Returns the columns that say something, as far as they are wanted.
fn columns_of(footer: &table::Footer, detail: Detail) -> Vec<&'static str> {
    let mut wanted = vec![columns::FILE, columns::UNIT, columns::RETRIES, columns::REASON];
    if detail == Detail::Everything {
        wanted.extend([columns::WORKER, columns::PROJECT]);
        wanted.extend(columns::PHASES);
    }
    wanted.retain(|name| footer.speaks(name));
    wanted.extend([columns::TEST, columns::OUTCOME, columns::TOTAL]);
    wanted
}

/// Returns whether the id of a test says that it is in this file.
pub(super) fn begins_with_file(test: &str, file: &str) -> bool {
    test.strip_prefix(file).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        && !file.contains("::")
}

impl Names {
    /// Returns the position of a test. Reports tell of the same tests in the same order run after run, so the
    /// one that followed `last` before is tried first: that spares the search.
    fn test(&mut self, last: Option<u32>, name: &str) -> Option<u32> {
        let guess = last.map(|last| self.followers[last as usize]);
        if let Some(guess) =
            guess.filter(|&guess| self.tests.get(guess as usize).is_some_and(|id| id.as_str() == name))
        {
            return Some(guess);
        }
        let position = if let Some(&position) = self.test_positions.get(name) {
            position
        } else {
            let position = u32::try_from(self.tests.len()).ok()?;
            self.tests.push(name.parse().ok()?);
            self.followers.push(u32::MAX);
            self.test_positions.insert(name.into(), position);
            position
        };
        if let Some(last) = last {
            self.followers[last as usize] = position;
        }
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

    /// Returns the name of a worker or project, which thousands of rows share.
    fn place(&mut self, name: &str) -> Arc<str> {
        if let Some(place) = self.places.get(name) {
            return place.clone();
        }
        let place: Arc<str> = name.into();
        self.places.insert(name.into(), place.clone());
        place
    }

    /// Keeps the file of a test as the latest run that names another one than its id tells it.
    fn see_file(&mut self, test: u32, file: &str, run: RunIx) {
        match self.files.get_mut(&test) {
            Some((known, _)) if *known > run => {}
            Some(known) => *known = (run, file.into()),
            None => {
                self.files.insert(test, (run, file.into()));
            }
        }
    }
}
