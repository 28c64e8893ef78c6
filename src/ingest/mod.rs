//! Foreign files to observations: one file per format, the only place that knows them.
//!
//! [`read`] looks at the content alone. A name or an extension says nothing: CI systems rename what they keep,
//! and `report.xml` may come from a dozen tools. What each reader takes, passes over and refuses is written
//! down in `docs/formats.md`.
//!
//! [`read_stream`] reads a file that need not fit into memory. XML, logs of JSON lines and CSV are read as streams;
//! JSON documents and Parquet are held as a whole. [`container`] opens archives before that.

mod address;
mod bktec_plan;
mod circleci;
pub(crate) mod columns;
pub mod container;
mod context;
pub mod csv;
mod cypress_split;
mod encoding;
mod error;
mod format;
mod framework;
mod github_jobs;
mod input;
mod jest_json;
mod json;
mod junit;
mod knapsack;
mod libtest_json;
mod observation;
mod parquet;
mod playwright_json;
mod pytest_balance;
mod pytest_json;
mod python_modules;
mod reportlog;
mod seconds;
pub mod shard_report;
mod test_durations;
mod tests;
mod warning;
mod words;
mod xml;

use std::io::{Cursor, Read};

pub use context::Context;
pub use error::{IngestError, IngestErrorKind};
pub use format::Format;
pub use framework::Framework;
pub use observation::{
    Extent, JobObservation, Observation, Outcome, Phases, Report, RunFacts, StepObservation, UnitKind,
    Untimed,
};
pub use python_modules::PythonModules;
pub use warning::{Warning, WarningKind, Warnings};

use encoding::Decoded;
use format::Shape;

/// What a file turned out to be, and everything it said.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// The format that was recognised.
    pub format: Format,
    /// One report per run that the file speaks of; most files speak of one.
    pub reports: Vec<Report>,
    /// How many observations were handed out in [`Batches`] while it was read. Where it is not 0, the reports hold
    /// none themselves.
    pub handed_out: u64,
}

/// Observations with the place of their report among [`Contents::reports`].
pub type Batch = Vec<(usize, Vec<Observation>)>;

/// Takes observations while a file is still read, so that a huge one needs no memory for all of them.
///
/// Only formats that are streams hand out: JUnit XML, logs of JSON lines and CSV. A file with fewer tests than a
/// batch has hands out nothing.
pub struct Batches<'a> {
    /// How many observations a batch has.
    pub size: usize,
    /// Takes a batch. What it leaves is forgotten, and the memory serves the next one.
    pub take: &'a mut dyn FnMut(&mut Batch),
}

/// Reads the bytes of a file of any known format. `source` is the name that errors call it by.
pub fn read(bytes: &[u8], source: &str, context: &Context) -> Result<Contents, IngestError> {
    read_stream(bytes, source, context, None)
}

/// Reads a file of any known format, see [`read`]. A test that stands twice is merged within a batch only.
pub fn read_stream(
    input: impl Read,
    source: &str,
    context: &Context,
    batches: Option<&mut Batches<'_>>,
) -> Result<Contents, IngestError> {
    read_any(input, context, batches).map_err(|kind| IngestError { source_name: source.to_owned(), kind })
}

fn read_any(
    mut input: impl Read,
    context: &Context,
    batches: Option<&mut Batches<'_>>,
) -> Result<Contents, IngestErrorKind> {
    let broken = |error| input::fault(error, None);
    let head = input::fill(&mut input, input::HEAD_BYTES).map_err(broken)?;
    if let Some(shape) = Shape::of_bytes(&head)? {
        debug_assert_eq!(shape, Shape::Parquet, "all else is text");
        let bytes = input::whole(Cursor::new(head).chain(input))?;
        return Ok(Contents { format: Format::Parquet, reports: parquet::read(bytes)?, handed_out: 0 });
    }
    let mut text = Decoded::new(head, input)?;
    let head = input::fill(&mut text, input::HEAD_BYTES).map_err(broken)?;
    let shape = Shape::of_text(&head, context)?;
    let text = Cursor::new(head).chain(text);
    let one = |format, (report, handed_out)| Contents { format, reports: vec![report], handed_out };
    let many = |format, reports| Contents { format, reports, handed_out: 0 };
    Ok(match shape {
        Shape::Xml => one(Format::JUnit, junit::read(text, context, batches)?),
        Shape::Lines(Format::ReportLog) => one(Format::ReportLog, reportlog::read(text, batches)?),
        Shape::Lines(Format::LibtestJson) => one(Format::LibtestJson, libtest_json::read(text, batches)?),
        Shape::Lines(_) => many(Format::PytestBalance, pytest_balance::read(text)?),
        Shape::Table => {
            let (reports, handed_out) = csv::read(text, context.columns(), batches)?;
            Contents { format: Format::Csv, reports, handed_out }
        }
        Shape::Document | Shape::Parquet => {
            let bytes = input::whole(text)?;
            let (format, reports) = read_document(encoding::text(&bytes)?, context)?;
            many(format, reports)
        }
    })
}

/// Reads a JSON document.
fn read_document(text: &str, context: &Context) -> Result<(Format, Vec<Report>), IngestErrorKind> {
    let mended = json::without_nan(text);
    let text = mended.as_deref().unwrap_or(text);
    let format = format::of_document(text)?;
    let report = match format {
        Format::TestDurations => test_durations::read(text)?,
        Format::GitHubJobs => github_jobs::read(text)?,
        Format::PytestJson => pytest_json::read(text)?,
        Format::JestJson => jest_json::read(text, context)?,
        Format::PlaywrightJson => playwright_json::read(text)?,
        Format::Knapsack => knapsack::read(text)?,
        Format::CypressSplit => cypress_split::read(text)?,
        Format::BktecPlan => bktec_plan::read(text)?,
        Format::CircleCi => circleci::read(text, context)?,
        Format::ShardReport => shard_report::read(text)?,
        Format::JUnit
        | Format::Csv
        | Format::Parquet
        | Format::ReportLog
        | Format::LibtestJson
        | Format::PytestBalance => unreachable!("no JSON document is recognised as {format}"),
    };
    Ok((format, vec![report]))
}
