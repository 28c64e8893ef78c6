//! Foreign files to observations: one file per format, the only place that knows them.
//!
//! [`read`] looks at the content alone. A name or an extension says nothing: CI systems rename what they keep,
//! and `report.xml` may come from a dozen tools. What each reader takes, passes over and refuses is written
//! down in `docs/formats.md`.

pub mod csv;
mod encoding;
mod error;
mod format;
mod github_jobs;
mod json;
mod junit;
mod observation;
mod python_modules;
pub mod shard_report;
mod test_durations;

pub use error::{IngestError, IngestErrorKind};
pub use format::Format;
pub use observation::{
    Extent, JobObservation, Observation, Outcome, Phases, Report, RunFacts, StepObservation, Warning,
    WarningKind,
};
pub use python_modules::PythonModules;

use std::cell::LazyCell;

/// What a reader may ask about the project whose reports it reads.
///
/// Only some reports need it, so nothing is looked up before the first question.
pub struct Context {
    modules: LazyCell<PythonModules, Box<dyn FnOnce() -> PythonModules>>,
}

/// What a file turned out to be, and everything it said.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// The format that was recognised.
    pub format: Format,
    /// One report per run that the file speaks of; most files speak of one.
    pub reports: Vec<Report>,
}

/// Reads the bytes of a file of any known format. `source` is the name that errors call it by.
pub fn read(bytes: &[u8], source: &str, context: &Context) -> Result<Contents, IngestError> {
    let read_document = || {
        let text = encoding::decode(bytes)?;
        let format = format::recognise(&text)?;
        let reports = match format {
            Format::JUnit => vec![junit::read(&text, context)?],
            Format::TestDurations => vec![test_durations::read(&text)?],
            Format::GitHubJobs => vec![github_jobs::read(&text)?],
            Format::Csv => csv::read(&text)?,
            Format::ShardReport => vec![shard_report::read(&text)?],
        };
        Ok(Contents { format, reports })
    };
    read_document().map_err(|kind| IngestError { source_name: source.to_owned(), kind })
}

impl Context {
    /// Returns a context that calls `find_modules` when a report first asks where a module is.
    #[must_use]
    pub fn new(find_modules: impl FnOnce() -> PythonModules + 'static) -> Self {
        Self { modules: LazyCell::new(Box::new(find_modules)) }
    }

    /// Returns the Python files of the project.
    fn modules(&self) -> &PythonModules {
        &self.modules
    }
}

/// A project of which nothing is known.
impl Default for Context {
    fn default() -> Self {
        Self::new(PythonModules::default)
    }
}
