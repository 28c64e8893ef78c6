//! Why a file could not be read, where, and what to do about it.

use crate::ids::Printable;

/// A file that no observation could be taken from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}{}` {kind}", Printable(.source_name), .kind.place())]
pub struct IngestError {
    /// The name of the file, as the caller gave it.
    pub source_name: String,
    /// What is wrong with it.
    pub kind: IngestErrorKind,
}

/// What can be wrong with a file as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IngestErrorKind {
    /// It has no content.
    #[error("is empty")]
    Empty,
    /// It is none of the formats that are read.
    #[error("is no report that can be read: it is {}", Printable(.found))]
    Unrecognised {
        /// What it looks like instead, with its article.
        found: String,
        /// What the user can do about it.
        remedy: &'static str,
    },
    /// Its bytes are not the text that they claim to be.
    #[error("is not {expected} text: {}", Printable(.found))]
    Encoding {
        /// The encoding that it declares, or UTF-8 where it declares none.
        expected: String,
        /// What stands there instead.
        found: String,
        /// The line of the first wrong byte, where lines can be told.
        line: Option<u64>,
    },
    /// It is broken at one place.
    #[error("is not valid {language}: {}", Printable(.problem))]
    Malformed {
        /// XML, JSON or CSV.
        language: &'static str,
        /// What is wrong there.
        problem: String,
        /// The line, from 1.
        line: u64,
        /// The column, from 1, where it is known.
        column: Option<u64>,
    },
    /// Its bytes can't be had: a damaged archive, a file that ends while it is read.
    #[error("can't be read: {problem}")]
    Unreadable {
        /// Why.
        problem: String,
        /// The line that was reached, where there are lines.
        line: Option<u64>,
    },
    /// It is something that could do harm.
    #[error("{problem}")]
    Refused {
        /// What it is.
        problem: String,
    },
    /// It would take more memory than any report needs.
    #[error("is too large: it has {what}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The line of it, where there are lines.
        line: Option<u64>,
    },
    /// It ends before it said anything.
    #[error("is cut short: it ends before its first {what}")]
    CutShort {
        /// What was hoped for.
        what: &'static str,
        /// The line that it ends in.
        line: u64,
    },
}

impl IngestError {
    /// Returns whether the file is of another kind, rather than broken.
    #[must_use]
    pub const fn is_unrecognised(&self) -> bool {
        matches!(self.kind, IngestErrorKind::Unrecognised { .. })
    }

    /// Returns what the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match &self.kind {
            IngestErrorKind::Empty => {
                "a test run that was killed leaves an empty file; take the report of a run that ended"
            }
            IngestErrorKind::Unrecognised { remedy, .. } => remedy,
            IngestErrorKind::Encoding { .. } => {
                "write the report again as UTF-8; UTF-16 with a byte order mark, ISO-8859-1 and Windows-1252 are read as well"
            }
            IngestErrorKind::Malformed { language: "CSV", .. } => {
                "the columns are described in docs/formats.md; \
                 `shardplan history export csv` writes a file to compare with"
            }
            IngestErrorKind::Malformed { .. } => {
                "a merge conflict or a run that was killed leaves such a file; write the report again"
            }
            IngestErrorKind::Unreadable { .. } => "download or pack it again",
            IngestErrorKind::Refused { .. } => "unpack it yourself and ingest the file that is meant",
            IngestErrorKind::TooLarge { .. } => {
                "no test tool writes such a file; if this one is right, ingest it in parts"
            }
            IngestErrorKind::CutShort { .. } => "take the report of a run that ended, or upload it again",
        }
    }
}

impl IngestErrorKind {
    /// Returns `:line` or `:line:column`, as compilers write a place, or nothing.
    fn place(&self) -> String {
        let (line, column) = match self {
            Self::Malformed { line, column, .. } => (Some(*line), *column),
            Self::CutShort { line, .. } => (Some(*line), None),
            Self::Encoding { line, .. } | Self::Unreadable { line, .. } | Self::TooLarge { line, .. } => {
                (*line, None)
            }
            Self::Empty | Self::Unrecognised { .. } | Self::Refused { .. } => (None, None),
        };
        match (line, column) {
            (Some(line), Some(column)) => format!(":{line}:{column}"),
            (Some(line), None) => format!(":{line}"),
            (None, _) => String::new(),
        }
    }
}
