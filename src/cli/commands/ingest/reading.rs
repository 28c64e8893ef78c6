//! From a named file to what its reports say, without storing anything.

use std::io;

use indicatif::{HumanBytes, ProgressBar};
use rayon::prelude::*;

use super::inputs::Input;
use crate::cli::commands::history::history_failure;
use crate::cli::console::{Failure, shown_path};
use crate::history::{Digest, Store};
use crate::ids::Printable;
use crate::ingest::container::{self, Content, Limits, Member};
use crate::ingest::{self, Batch, Batches, Contents, Context, IngestError, IngestErrorKind};

/// What reading needs.
pub(super) struct Reading<'a> {
    pub(super) store: &'a Store,
    pub(super) context: &'a Context,
    pub(super) limits: Limits,
    /// How many tests of one file are held in memory.
    pub(super) tests: usize,
    /// Where what was read is shown.
    pub(super) bar: &'a ProgressBar,
}

/// What came of one file, or of one member of an archive.
pub(super) struct Read {
    /// What messages call it.
    pub(super) shown: String,
    pub(super) outcome: Result<Done, NotDone>,
    /// Whether it is the file itself, not one of several inside of it.
    pub(super) is_named: bool,
}

/// What came of one file.
pub(super) enum Done {
    Read {
        contents: Contents,
        digest: Digest,
        /// The file, for a second reading.
        content: Content,
        /// Its path with `/`, for the patterns of the manifest.
        name: String,
        /// How many tests were counted and not kept.
        handed_out: u64,
    },
    AlreadyThere,
    /// It is a report of nothing.
    Hollow {
        contents: Contents,
    },
}

impl Done {
    /// Returns that the report is one of nothing.
    pub(super) fn hollow(self) -> Self {
        match self {
            Self::Read { contents, .. } => Self::Hollow { contents },
            other => other,
        }
    }
}

/// Why a file was not ingested.
pub(super) enum NotDone {
    /// It is no report; inside of a folder that is no fault.
    NoReport { reason: String, failure: Failure },
    /// It is a report, and broken.
    Broken { reason: String, failure: Failure },
    /// The history can't be written.
    Failed(Failure),
}

impl Reading<'_> {
    /// Reads a file with everything inside of it.
    pub(super) fn file(&self, input: &Input) -> Vec<Read> {
        let name = shown_path(&input.shown).replace('\\', "/");
        let content = match &input.path {
            Some(path) => Content::open(path),
            None => Content::take(&mut io::stdin().lock()),
        };
        let content = match content {
            Ok(content) => content,
            Err(error) => {
                let reason = format!("`{name}` can't be read: {error}");
                let outcome = Err(NotDone::Broken { failure: Failure::bad_input(&reason), reason });
                return vec![Read { shown: name, outcome, is_named: true }];
            }
        };
        let mut read = Vec::new();
        container::open(&name, content, &self.limits, &mut |members| {
            read.par_extend(members.into_par_iter().map(|member| self.member(member)));
        });
        read
    }

    fn member(&self, member: Member) -> Read {
        let Member { name, content, is_packed } = member;
        let outcome = match content {
            Ok(content) => self.content(content, &name),
            Err(kind) => Err(not_read(&IngestError { source_name: name.clone(), kind })),
        };
        Read { is_named: !is_packed, shown: Printable(&name).to_string(), outcome }
    }

    fn content(&self, content: Content, name: &str) -> Result<Done, NotDone> {
        let unreadable = |error: io::Error| {
            let reason = format!("`{}` can't be read: {error}", Printable(name));
            NotDone::Broken { failure: Failure::bad_input(&reason), reason }
        };
        let digest =
            content.read(|input| Digest::of_reader(Watched::new(input, self.bar))).map_err(unreadable)?;
        if self.store.contains(&digest).map_err(|error| NotDone::Failed(history_failure(&error)))? {
            return Ok(Done::AlreadyThere);
        }
        let mut count = |_: &mut Batch| {};
        let mut batches = Batches { size: self.tests, take: &mut count };
        let read = content.read(|input| {
            ingest::read_stream(Watched::new(input, self.bar), name, self.context, Some(&mut batches))
        });
        let contents = read.map_err(|error| not_read(&error))?;
        let handed_out = contents.handed_out;
        Ok(Done::Read { contents, digest, content, name: name.to_owned(), handed_out })
    }
}

/// Returns what an error of a reader means for the command.
pub(super) fn not_read(error: &IngestError) -> NotDone {
    let failure = Failure::bad_input(error).with_hint(error.hint());
    match &error.kind {
        IngestErrorKind::Unrecognised { found, .. } => {
            NotDone::NoReport { reason: Printable(found).to_string(), failure }
        }
        // Trees are full of empty files, `__init__.py` in every folder; an empty report is worth a warning.
        IngestErrorKind::Empty if !may_be_a_report(&error.source_name) => {
            NotDone::NoReport { reason: "an empty file".to_owned(), failure }
        }
        IngestErrorKind::Encoding { .. } => NotDone::NoReport { reason: error.kind.to_string(), failure },
        _ => NotDone::Broken { reason: error.to_string(), failure },
    }
}

/// Shows how much of a file was read.
pub(super) struct Watched<'a, R> {
    input: R,
    bar: &'a ProgressBar,
    read: u64,
    shown: u64,
}

/// So much must have been read before it is shown anew.
const SHOWN_EVERY: u64 = 16 << 20;

impl<'a, R> Watched<'a, R> {
    pub(super) fn new(input: R, bar: &'a ProgressBar) -> Self {
        Self { input, bar, read: 0, shown: 0 }
    }
}

impl<R: io::Read> io::Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let number = self.input.read(buffer)?;
        self.read += number as u64;
        if self.read - self.shown >= SHOWN_EVERY {
            self.shown = self.read;
            self.bar.set_message(format!(", {} of one file", HumanBytes(self.read)));
        }
        Ok(number)
    }
}

/// Returns whether a file is called as reports are.
fn may_be_a_report(name: &str) -> bool {
    const USUAL: [&str; 8] = ["csv", "json", "jsonl", "log", "ndjson", "parquet", "tsv", "xml"];
    let extension = std::path::Path::new(name).extension().and_then(std::ffi::OsStr::to_str);
    extension.is_some_and(|extension| USUAL.contains(&extension))
}
