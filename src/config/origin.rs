//! Where a setting or a constraint comes from, so that an answer can say so.

use std::fmt;

/// Where a setting, a constraint or a piece of evidence comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// An option of the command line.
    CommandLine(&'static str),
    /// A line of a file; lines count from 1.
    File {
        /// The file as it was named.
        path: String,
        /// The line.
        line: usize,
    },
    /// What somebody, or something, wrote down about where a thing was seen.
    Seen(String),
    /// Learned from the history.
    History,
    /// The catalogue of usual services.
    Catalogue,
    /// A default of the program.
    Default,
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// Returns a value with its origin.
    pub const fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine(option) => write!(f, "`{option}`"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Seen(place) => write!(f, "{}", crate::ids::Printable(place)),
            Self::History => f.write_str("the history"),
            Self::Catalogue => f.write_str("the catalogue"),
            Self::Default => f.write_str("the default"),
        }
    }
}
