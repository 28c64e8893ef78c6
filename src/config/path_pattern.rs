//! Patterns that read facts about a run from the path of its report: `artifacts/{run}/{lane}-{shard}/*.xml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// A pattern of paths, with names in braces for the parts that say something.
///
/// `*` stands for anything within a folder's or file's name, `**` for folders. A name in braces stands for
/// something within a name too, and takes as much as it can. The pattern may begin anywhere between two folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    text: String,
    parts: Vec<Part>,
}

/// What a path can say of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathFact {
    /// The CI's id of the run.
    Run,
    /// The attempt within the run.
    Attempt,
    /// The commit that was tested.
    Commit,
    /// The branch that was tested.
    Branch,
    /// The lane whose tests it ran.
    Lane,
    /// The shard of that lane.
    Shard,
    /// The machine it ran on.
    Machine,
}

/// A text that is no pattern of paths.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathPatternError {
    /// It names something that a path can't say.
    #[error(
        "`{{{name}}}` is nothing that a path can say; use {{run}}, {{attempt}}, {{commit}}, {{branch}}, {{lane}}, {{shard}} or {{machine}}"
    )]
    UnknownName {
        /// The name.
        name: String,
    },
    /// It names one thing twice.
    #[error("`{{{name}}}` stands twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// A brace has no partner.
    #[error("a brace is not closed")]
    OpenBrace,
    /// It reads nothing.
    #[error("it names nothing; put a name in braces, as in `artifacts/{{run}}/*.xml`")]
    NoName,
    /// It is longer than any path that it could match.
    #[error("it is too long")]
    TooLong,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(char),
    /// `*`
    Any,
    /// `**`
    Folders,
    Fact(PathFact),
}

/// The longest pattern, in parts.
const MAX_PARTS: usize = 1_000;
/// The longest path that is looked at, in characters.
const MAX_PATH: usize = 1_024;

impl PathFact {
    const ALL: [(&'static str, Self); 7] = [
        ("run", Self::Run),
        ("attempt", Self::Attempt),
        ("commit", Self::Commit),
        ("branch", Self::Branch),
        ("lane", Self::Lane),
        ("shard", Self::Shard),
        ("machine", Self::Machine),
    ];
}

impl PathPattern {
    /// Returns what a path says; nothing where it is no such path. Folders are parted by `/`.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<BTreeMap<PathFact, String>> {
        let path: Vec<char> = path.chars().collect();
        if path.len() > MAX_PATH {
            return None;
        }
        let starts = std::iter::once(0).chain((1..path.len()).filter(|&at| path[at - 1] == '/'));
        let dead = vec![false; (self.parts.len() + 1) * (path.len() + 1)];
        let mut search = Search { parts: &self.parts, path: &path, facts: BTreeMap::new(), dead };
        for start in starts {
            if search.matches(0, start) {
                return Some(search.facts);
            }
        }
        None
    }

    /// Returns the pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A search that goes back where it went wrong, and never down the same way twice.
struct Search<'a> {
    parts: &'a [Part],
    path: &'a [char],
    facts: BTreeMap<PathFact, String>,
    /// The places that lead nowhere, by part and position.
    dead: Vec<bool>,
}

impl Search<'_> {
    fn matches(&mut self, part: usize, at: usize) -> bool {
        let (mut part, mut at) = (part, at);
        // Plain text needs no way back.
        while let Some(Part::Text(c)) = self.parts.get(part) {
            if self.path.get(at) != Some(c) {
                return false;
            }
            (part, at) = (part + 1, at + 1);
        }
        let Some(kind) = self.parts.get(part) else { return at == self.path.len() };
        let place = part * (self.path.len() + 1) + at;
        if self.dead[place] {
            return false;
        }
        let within_name = self.path[at..].iter().take_while(|&&c| c != '/').count();
        let (least, most) = match kind {
            Part::Folders => (0, self.path.len() - at),
            Part::Fact(_) => (1, within_name),
            Part::Any | Part::Text(_) => (0, within_name),
        };
        for length in (least..=most).rev() {
            // Folders are whole.
            if *kind == Part::Folders && length > 0 && self.path[at + length - 1] != '/' {
                continue;
            }
            if self.matches(part + 1, at + length) {
                if let Part::Fact(fact) = kind {
                    self.facts.insert(*fact, self.path[at..at + length].iter().collect());
                }
                return true;
            }
        }
        self.dead[place] = true;
        false
    }
}

impl FromStr for PathPattern {
    type Err = PathPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = Vec::new();
        let mut named = BTreeSet::new();
        let mut rest = text.strip_prefix("./").unwrap_or(text);
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix('{') {
                let (name, after) = after.split_once('}').ok_or(PathPatternError::OpenBrace)?;
                let fact = PathFact::ALL.iter().find(|(word, _)| *word == name);
                let Some(&(_, fact)) = fact else {
                    return Err(PathPatternError::UnknownName { name: name.to_owned() });
                };
                if !named.insert(fact) {
                    return Err(PathPatternError::Twice { name: name.to_owned() });
                }
                parts.push(Part::Fact(fact));
                rest = after;
            } else if let Some(after) = rest.strip_prefix("**/") {
                parts.push(Part::Folders);
                rest = after;
            } else if let Some(after) = rest.strip_prefix("**") {
                parts.push(Part::Folders);
                rest = after;
            } else if let Some(after) = rest.strip_prefix('*') {
                parts.push(Part::Any);
                rest = after;
            } else {
                parts.push(Part::Text(c));
                rest = &rest[c.len_utf8()..];
            }
        }
        if named.is_empty() {
            return Err(PathPatternError::NoName);
        }
        if parts.len() > MAX_PARTS {
            return Err(PathPatternError::TooLong);
        }
        Ok(Self { text: text.to_owned(), parts })
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: &str, path: &str) -> Option<String> {
        let facts = pattern.parse::<PathPattern>().unwrap().read(path)?;
        Some(facts.iter().map(|(fact, value)| format!("{fact:?}={value}")).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn names_take_what_stands_in_their_place() {
        let pattern = "artifacts/{run}/{lane}-{shard}/*.xml";
        assert_eq!(
            read(pattern, "artifacts/77/unit-fast-2/report.xml").as_deref(),
            Some("Run=77 Lane=unit-fast Shard=2")
        );
        assert_eq!(
            read(pattern, "/tmp/x/artifacts/77/unit-2/a.b.xml").as_deref(),
            Some("Run=77 Lane=unit Shard=2")
        );
        assert_eq!(read(pattern, "artifacts/77/unit/report.xml"), None);
        assert_eq!(read(pattern, "artifacts/77/unit-2/deep/report.xml"), None);
        assert_eq!(read(pattern, "xartifacts/77/unit-2/report.xml"), None);
    }

    #[test]
    fn folders_may_lie_between() {
        assert_eq!(
            read("{run}.zip/**/{lane}.xml", "77.zip/a/b/unit.xml").as_deref(),
            Some("Run=77 Lane=unit")
        );
        assert_eq!(read("{run}.zip/**/{lane}.xml", "77.zip/unit.xml").as_deref(), Some("Run=77 Lane=unit"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (pattern, error) in [
            ("a/*.xml", PathPatternError::NoName),
            ("{run", PathPatternError::OpenBrace),
            ("{runn}", PathPatternError::UnknownName { name: "runn".to_owned() }),
            ("{run}/{run}", PathPatternError::Twice { name: "run".to_owned() }),
        ] {
            assert_eq!(pattern.parse::<PathPattern>(), Err(error));
        }
    }

    #[test]
    fn a_hostile_path_takes_no_longer_than_another() {
        let path = "a".repeat(MAX_PATH);
        assert_eq!(read("{run}a{lane}a{shard}a{branch}a{commit}b", &path), None);
    }
}
