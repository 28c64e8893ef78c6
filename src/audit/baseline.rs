//! Findings that are known and left alone, so that an old code base can adopt the audit.
//!
//! A finding is known again by its rule and what it is about, never by its line.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::Finding;

/// The findings that are left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    known: BTreeSet<(String, String)>,
}

/// A file that is no baseline.
#[derive(Debug, thiserror::Error)]
#[error("this is no baseline of version 1: {0}")]
pub struct BaselineError(String);

/// The baseline file, version 1.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "shardplan audit baseline, version 1")]
pub struct BaselineV1 {
    /// The version of the format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The findings, by code and identity.
    pub findings: Vec<KnownFindingV1>,
}

/// A finding that is left alone.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnownFindingV1 {
    /// The rule's code.
    pub code: String,
    /// What the finding is about.
    pub identity: String,
}

impl Baseline {
    /// Returns the baseline that the text of a file holds.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let file: BaselineV1 =
            serde_json::from_str(text).map_err(|error| BaselineError(error.to_string()))?;
        if file.version != 1 {
            return Err(BaselineError(format!("version {} is not known here", file.version)));
        }
        Ok(Self { known: file.findings.into_iter().map(|known| (known.code, known.identity)).collect() })
    }

    /// Returns a baseline of these findings.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        Self {
            known: findings
                .iter()
                .map(|finding| (finding.rule.code.to_owned(), finding.identity.clone()))
                .collect(),
        }
    }

    /// Returns whether a finding is known.
    #[must_use]
    pub fn knows(&self, finding: &Finding) -> bool {
        self.known.contains(&(finding.rule.code.to_owned(), finding.identity.clone()))
    }

    /// Returns how many findings are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Returns whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Returns the text of the file.
    #[must_use]
    pub fn render(&self) -> String {
        let findings = self
            .known
            .iter()
            .map(|(code, identity)| KnownFindingV1 { code: code.clone(), identity: identity.clone() });
        let file = BaselineV1 { version: 1, findings: findings.collect() };
        serde_json::to_string_pretty(&file).expect("names are JSON") + "\n"
    }
}
