//! Findings for people and for machines. Everything from the repository under test is escaped here.

pub mod github;
pub mod json_v1;
pub mod markdown;
pub mod sarif;
pub mod text;

use super::{Audit, Severity};

/// How many findings there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Notes.
    pub notes: usize,
}

impl Counts {
    /// Returns the counts of an audit.
    #[must_use]
    pub fn of(audit: &Audit) -> Self {
        let count =
            |severity| audit.findings.iter().filter(|finding| finding.rule.severity == severity).count();
        Self {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
        }
    }
}
