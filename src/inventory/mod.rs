//! The inventory: every test that exists, with its marks, its fixtures and what it was seen to need.
//!
//! It is read from a file ([`json_v1`], [`csv`]); without one, it is the tests that the history knows. What a
//! mark, a fixture or a path says about services is the manifest's business and joined in by the model.

pub mod csv;
pub mod json_v1;
mod nextest;
pub mod python;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Origin;
use crate::history::Observed;
use crate::ids::{IxVec, MarkerName, NodeId, ServiceName, TestIx};

/// Every test that exists, sorted by node id, each once.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The tests.
    pub tests: IxVec<TestIx, Test>,
}

/// A test as the inventory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Its address.
    pub id: NodeId,
    /// Its file, relative to the project, written with `/`.
    pub file: String,
    /// Its marks, sorted, each once.
    pub markers: Vec<MarkerName>,
    /// The fixtures that it needs, directly or not, sorted, each once.
    pub fixtures: Vec<String>,
    /// The services that it was seen or is known to need, sorted by service.
    pub needs: Vec<Need>,
}

impl Test {
    /// Returns whether the test bears a mark of this name.
    #[must_use]
    pub fn bears(&self, marker: &str) -> bool {
        self.markers.binary_search_by(|name| name.as_str().cmp(marker)).is_ok()
    }
}

/// A service that a test needs by itself, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// The service.
    pub service: ServiceName,
    /// How strongly that is known.
    pub evidence: Evidence,
    /// Where that was seen.
    pub origin: Origin,
    /// The way from the test to the service through the sources, step by step; empty where nobody followed it.
    pub way: Arc<[WayStep]>,
}

/// A step on the way from a test to a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WayStep {
    /// What is there, for people.
    pub what: String,
    /// Where it stands.
    pub origin: Origin,
}

/// How strongly a need is known, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The test, one of its fixtures or its module tried to reach the service at run time.
    Observed,
    /// Somebody declared it in the inventory.
    Declared,
    /// What decides whether the test is skipped looks for the service.
    Guard,
    /// A fixture or set-up method of the test makes a client of it.
    Fixture,
    /// The test itself, or what it calls, makes a client of it.
    Client,
    /// The test starts it in a container by itself.
    Container,
    /// An environment variable about it is read.
    Variable,
}

/// An inventory that can not be used.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// The file can not be read.
    #[error("could not read the inventory `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not of a form that is known.
    #[error("{path}{}: {message}", Line(*line))]
    Malformed {
        /// The file.
        path: String,
        /// The line, where the form has lines.
        line: Option<u64>,
        /// What is wrong.
        message: String,
    },
}

struct Line(Option<u64>);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

impl Inventory {
    /// Returns the inventory that the bytes of a file hold, JSON or CSV by their content; `path` names it in
    /// errors and origins.
    pub fn parse(bytes: &[u8], path: &str) -> Result<Self, InventoryError> {
        let malformed =
            |line, message: String| InventoryError::Malformed { path: path.to_owned(), line, message };
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = 1 + bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count() as u64 - 1;
            malformed(Some(line), "this is not UTF-8: save the inventory as UTF-8".to_owned())
        })?;
        let text = text.trim_start_matches('\u{feff}');
        let tests = match text.trim_start().chars().next() {
            None => Err((None, "the inventory is empty: it needs at least one test".to_owned())),
            Some('{') if nextest::is_list(text) => nextest::read(text),
            Some('{' | '[') => json_v1::read(text, path),
            Some(_) => csv::read(text, path),
        };
        Ok(Self::from_tests(tests.map_err(|(line, message)| malformed(line, message))?))
    }

    /// Returns the tests that a history knows, without those at these sorted positions; of their
    /// marks and fixtures it knows nothing.
    #[must_use]
    pub fn from_history(observed: &Observed, without: &[usize]) -> Self {
        let test = |history: &crate::history::TestHistory| Test {
            id: history.test.clone(),
            file: history.file.clone(),
            markers: Vec::new(),
            fixtures: Vec::new(),
            needs: Vec::new(),
        };
        let kept = observed.tests.iter().enumerate().filter(|(at, _)| without.binary_search(at).is_err());
        Self::from_tests(kept.map(|(_, history)| test(history)).collect())
    }

    /// Returns the test of that id.
    #[must_use]
    pub fn test(&self, id: &NodeId) -> Option<&Test> {
        let tests = self.tests.as_slice();
        tests.binary_search_by(|test| test.id.cmp(id)).ok().map(|at| &tests[at])
    }

    /// Returns the inventory of these tests, in any order; what is said twice of a test is joined.
    #[must_use]
    pub fn from_tests(tests: Vec<Test>) -> Self {
        let mut joined: BTreeMap<NodeId, Test> = BTreeMap::new();
        for test in tests {
            match joined.get_mut(&test.id) {
                None => {
                    joined.insert(test.id.clone(), test);
                }
                Some(known) => {
                    known.markers.extend(test.markers);
                    known.fixtures.extend(test.fixtures);
                    known.needs.extend(test.needs);
                }
            }
        }
        let tidy = |mut test: Test| {
            test.markers.sort_unstable();
            test.markers.dedup();
            test.fixtures.sort_unstable();
            test.fixtures.dedup();
            test.needs.sort_unstable();
            test.needs.dedup_by(|a, b| a.service == b.service);
            test
        };
        Self { tests: joined.into_values().map(tidy).collect() }
    }
}

impl Evidence {
    const ALL: [Self; 7] = [
        Self::Observed,
        Self::Declared,
        Self::Guard,
        Self::Fixture,
        Self::Client,
        Self::Container,
        Self::Variable,
    ];

    /// Returns the evidence that a word of the machine format means.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|evidence| evidence.as_str() == word)
    }

    /// Returns the word that the machine format uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Declared => "declared",
            Self::Guard => "guard",
            Self::Fixture => "fixture",
            Self::Client => "client",
            Self::Container => "container",
            Self::Variable => "variable",
        }
    }
}
