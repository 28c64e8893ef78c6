//! One fault that a rule found.

use std::fmt;

use super::fix::Edit;
use super::registry::Rule;
use crate::inventory::python::Place;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Tests do not run, or not as somebody believes.
    Error,
    /// Something is started, marked or waited for in vain, or may be.
    Warning,
    /// Worth knowing.
    Note,
}

/// How sure the rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// It follows from what was read.
    High,
    /// Only code that can't be followed could make it wrong.
    Medium,
    /// A hint.
    Low,
}

/// Where a finding is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spot {
    /// A place in a source file.
    Source(Place),
    /// A line of another file of the project, from 1.
    Line {
        /// The file, relative to the project.
        file: String,
        /// The line.
        line: usize,
    },
    /// The project as a whole.
    Project,
}

/// What else is to be said about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What.
    pub message: String,
    /// Where, if anywhere.
    pub place: Option<Place>,
}

/// A fault.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// How sure the rule is of this one.
    pub confidence: Confidence,
    /// What is wrong.
    pub message: String,
    /// Where it is shown.
    pub spot: Spot,
    /// What it is about, independent of lines, so that a baseline knows it again: a test, a mark, a lane.
    pub identity: String,
    /// The way to it, and what to do.
    pub notes: Vec<Note>,
    /// How it can be repaired.
    pub fix: Vec<Edit>,
}

impl Finding {
    /// Returns a finding without notes and repair, as sure as its rule.
    #[must_use]
    pub fn new(
        rule: &'static Rule,
        spot: Spot,
        identity: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            confidence: rule.confidence,
            message: message.into(),
            spot,
            identity: identity.into(),
            notes: Vec::new(),
            fix: Vec::new(),
        }
    }

    /// Adds a note.
    #[must_use]
    pub fn with_note(mut self, message: impl Into<String>, place: Option<Place>) -> Self {
        self.notes.push(Note { message: message.into(), place });
        self
    }

    /// Adds what would repair it.
    #[must_use]
    pub fn with_fix(mut self, edits: impl IntoIterator<Item = Edit>) -> Self {
        self.fix.extend(edits);
        self
    }

    pub(super) fn order(&self) -> (&Spot, &str) {
        (&self.spot, &self.identity)
    }
}

impl Spot {
    /// Returns the file and the line, where there is one.
    #[must_use]
    pub fn file_and_line(&self) -> Option<(&str, usize)> {
        match self {
            Self::Source(place) => Some((&place.file, place.line)),
            Self::Line { file, line } => Some((file, *line)),
            Self::Project => None,
        }
    }
}

impl Severity {
    /// Returns the word that machine formats use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl Confidence {
    /// Returns the word that machine formats use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
