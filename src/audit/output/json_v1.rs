//! The machine format of findings, version 1. The JSON schema is `docs/schemas/audit-v1.json`.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::{Audit, Finding, Note};
use super::Counts;
use crate::inventory::python::Place;

/// What an audit found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "shardplan audit, version 1")]
pub struct AuditV1 {
    /// The version of the format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The findings, by file and line.
    pub findings: Vec<FindingV1>,
    /// How many there are.
    pub summary: SummaryV1,
}

/// How many findings there are.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SummaryV1 {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Notes.
    pub notes: usize,
    /// Left alone because of a comment, the manifest or the baseline.
    pub suppressed: usize,
}

/// One fault.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingV1 {
    /// The rule's code.
    pub code: String,
    /// The rule's name.
    pub rule: String,
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// `high`, `medium` or `low`.
    pub confidence: String,
    /// What is wrong.
    pub message: String,
    /// What it is about, independent of lines.
    pub identity: String,
    /// Where, if anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceV1>,
    /// The way to it.
    pub notes: Vec<NoteV1>,
    /// Whether `--fix` repairs it.
    pub fixable: bool,
}

/// A place in a file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlaceV1 {
    /// The file, relative to the project.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

/// What else is to be said.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NoteV1 {
    /// What.
    pub message: String,
    /// Where, if anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceV1>,
}

impl From<&Audit> for AuditV1 {
    fn from(audit: &Audit) -> Self {
        let Counts { errors, warnings, notes } = Counts::of(audit);
        let suppressed = audit.suppressed.inline + audit.suppressed.by_file + audit.suppressed.baseline;
        Self {
            version: 1,
            findings: audit.findings.iter().map(FindingV1::from).collect(),
            summary: SummaryV1 { errors, warnings, notes, suppressed },
        }
    }
}

impl From<&Finding> for FindingV1 {
    fn from(finding: &Finding) -> Self {
        let place = match &finding.spot {
            super::super::Spot::Source(place) => Some(PlaceV1::from(place)),
            super::super::Spot::Line { file, line } => {
                Some(PlaceV1 { file: file.clone(), line: *line, column: None })
            }
            super::super::Spot::Project => None,
        };
        Self {
            code: finding.rule.code.to_owned(),
            rule: finding.rule.name.to_owned(),
            severity: finding.rule.severity.to_string(),
            confidence: finding.confidence.to_string(),
            message: finding.message.clone(),
            identity: finding.identity.clone(),
            place,
            notes: finding.notes.iter().map(NoteV1::from).collect(),
            fixable: !finding.fix.is_empty(),
        }
    }
}

impl From<&Note> for NoteV1 {
    fn from(note: &Note) -> Self {
        Self { message: note.message.clone(), place: note.place.as_ref().map(PlaceV1::from) }
    }
}

impl From<&Place> for PlaceV1 {
    fn from(place: &Place) -> Self {
        Self { file: place.file.to_string(), line: place.line, column: Some(place.column) }
    }
}

/// Returns the text of the machine format.
#[must_use]
pub fn render(audit: &Audit) -> String {
    serde_json::to_string_pretty(&AuditV1::from(audit)).expect("texts are JSON") + "\n"
}
