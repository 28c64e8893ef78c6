//! Patterns that pick tests by where they stand.

use std::fmt;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};

use crate::ids::NodeId;

/// A folder, a file, a glob over files (`tests/**/test_*.py`) or the beginning of a node id
/// (`tests/test_a.py::TestB`).
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    glob: Option<GlobMatcher>,
}

/// A text that is no pattern.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// It is empty, or leads out of the project.
    #[error("`{0}` must be a path inside the project, written with `/`")]
    NotInside(String),
    /// Its glob is broken.
    #[error("`{text}` is not a glob: {reason}")]
    Glob {
        /// The pattern.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A longer path exists nowhere, and braces in so many others are no use: what is beyond that could exhaust memory or stack.
const MOST_BYTES: usize = 4_096;
const MOST_BRACES: usize = 20;

/// Returns what matches paths by a glob in which only `**` crosses a `/`, or why it is none.
pub fn glob(text: &str) -> Result<GlobMatcher, String> {
    if text.len() > MOST_BYTES {
        return Err(format!("it is longer than {MOST_BYTES} bytes"));
    }
    let deepest = text.bytes().scan(0usize, |depth, byte| {
        *depth = (*depth + usize::from(byte == b'{')).saturating_sub(usize::from(byte == b'}'));
        Some(*depth)
    });
    if deepest.max().unwrap_or(0) > MOST_BRACES {
        return Err("its braces nest too deep".to_owned());
    }
    let built = GlobBuilder::new(text).literal_separator(true).build();
    built.map(|glob| glob.compile_matcher()).map_err(|error| error.kind().to_string())
}

impl Pattern {
    /// Returns whether the test of this id, in this file, is meant.
    #[must_use]
    pub fn matches(&self, test: &NodeId, file: &str) -> bool {
        if let Some(glob) = &self.glob {
            return glob.is_match(file);
        }
        if self.text.contains("::") {
            let id = test.as_str();
            return id
                .strip_prefix(self.text.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with('['));
        }
        self.text == "."
            || file
                .strip_prefix(self.text.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Returns the pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim().trim_start_matches("./").trim_end_matches('/');
        if text.trim().is_empty() || text.starts_with('/') || trimmed.split('/').any(|part| part == "..") {
            return Err(PatternError::NotInside(text.to_owned()));
        }
        let path = trimmed.split("::").next().unwrap_or(trimmed);
        let is_glob = !trimmed.contains("::") && path.contains(['*', '?', '{']);
        let glob = if is_glob {
            let refused = |reason| PatternError::Glob { text: text.to_owned(), reason };
            Some(glob(trimmed).map_err(refused)?)
        } else {
            None
        };
        Ok(Self { text: if trimmed.is_empty() { ".".to_owned() } else { trimmed.to_owned() }, glob })
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, id: &str) -> bool {
        let id: NodeId = id.parse().unwrap();
        pattern.parse::<Pattern>().unwrap().matches(&id, id.file())
    }

    #[test]
    fn globs_that_are_too_long_or_nest_too_deep_are_refused() {
        let refused = |text: String| text.parse::<Pattern>().unwrap_err().to_string();
        assert!(refused("?".repeat(5_000)).ends_with("is not a glob: it is longer than 4096 bytes"));
        let nested = |depth: usize| ["{".repeat(depth), "a".to_owned(), "}".repeat(depth)].concat();
        assert!(refused(nested(21)).ends_with("is not a glob: its braces nest too deep"));
        assert!(nested(20).parse::<Pattern>().is_ok());
    }

    #[test]
    fn a_folder_holds_what_is_below_it_and_nothing_beside_it() {
        assert!(matches("tests/unit", "tests/unit/a/test_b.py::t"));
        assert!(matches("./tests/unit/", "tests/unit/test_b.py::t"));
        assert!(!matches("tests/unit", "tests/unit_more/test_b.py::t"));
        assert!(matches(".", "anything.py::t"));
    }

    #[test]
    fn a_glob_star_stays_within_one_folder() {
        assert!(matches("tests/*/test_*.py", "tests/a/test_b.py::t"));
        assert!(!matches("tests/*.py", "tests/a/test_b.py::t"));
        assert!(matches("tests/**/test_*.py", "tests/a/b/test_b.py::t"));
    }

    #[test]
    fn the_beginning_of_a_node_id_ends_at_a_boundary() {
        assert!(matches("t.py::TestA", "t.py::TestA::x"));
        assert!(matches("t.py::test_a", "t.py::test_a[1]"));
        assert!(!matches("t.py::test_a", "t.py::test_ab"));
    }

    #[test]
    fn a_pattern_can_not_leave_the_project() {
        for bad in ["", "/etc", "../x", "tests/../../x", "tests/{a"] {
            assert!(bad.parse::<Pattern>().is_err(), "{bad}");
        }
    }
}
