//! What can be wrong with a run, in the order in which it should be looked at.

use crate::config::Catalogue;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What kind of fault.
    pub kind: FindingKind,
    /// The shard, where it is one shard's.
    pub shard: Option<String>,
    /// The test, file or shard that it is about.
    pub subject: String,
    /// What was seen.
    pub detail: String,
}

/// The kinds of faults, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// Results of another lock.
    OtherLock,
    /// Results of a shard that the lock does not have.
    UnknownShard,
    /// A shard without a result.
    ShardMissing,
    /// A shard that did not come to its end.
    CutShort,
    /// A file that could not be collected: its tests are hidden.
    CollectionError,
    /// A test that ran on no shard.
    NotRun,
    /// A test that ran on two.
    RanTwice,
    /// A test that ran on another shard than the lock says.
    WrongShard,
    /// A test that no lane selects.
    InNoLane,
    /// A test that skipped because a service was away.
    SkippedForService,
    /// A test that skipped and ran before.
    NewlySkipped,
    /// A test that failed.
    Failed,
}

/// Something that should be known and is no fault.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// A test that the lock does not know ran on the shard that the rule gives it to.
    Adopted {
        /// The test.
        test: String,
        /// The shard.
        shard: String,
    },
    /// A test needs services that its shard does not start.
    Uncovered {
        /// The test.
        test: String,
        /// The services.
        services: Vec<String>,
    },
    /// A unit of the lock whose file is gone.
    Gone {
        /// The selector.
        unit: String,
    },
    /// A file that skips itself as a whole.
    FileSkipped {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// A test that ran and that the inventory does not list.
    NotListed {
        /// The test.
        test: String,
    },
}

impl FindingKind {
    /// All kinds, worst first.
    pub const ALL: [Self; 12] = [
        Self::OtherLock,
        Self::UnknownShard,
        Self::ShardMissing,
        Self::CutShort,
        Self::CollectionError,
        Self::NotRun,
        Self::RanTwice,
        Self::WrongShard,
        Self::InNoLane,
        Self::SkippedForService,
        Self::NewlySkipped,
        Self::Failed,
    ];

    /// Returns the word that the machine format uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OtherLock => "other-lock",
            Self::UnknownShard => "unknown-shard",
            Self::ShardMissing => "shard-missing",
            Self::CutShort => "cut-short",
            Self::CollectionError => "collection-error",
            Self::NotRun => "not-run",
            Self::RanTwice => "ran-twice",
            Self::WrongShard => "wrong-shard",
            Self::InNoLane => "in-no-lane",
            Self::SkippedForService => "skipped-for-service",
            Self::NewlySkipped => "newly-skipped",
            Self::Failed => "failed",
        }
    }
}

/// What people write when a service can not be reached. The plugin has the same words; a test compares them.
pub const AWAY: &[&str] = &[
    "unreachable",
    "not reachable",
    "unavailable",
    "not available",
    "cannot connect",
    "can not connect",
    "can't connect",
    "could not connect",
    "couldn't connect",
    "unable to connect",
    "failed to connect",
    "cannot reach",
    "can not reach",
    "can't reach",
    "could not reach",
    "couldn't reach",
    "unable to reach",
    "connection refused",
    "connection failed",
    "connection error",
    "not running",
    "isn't running",
    "is down",
    "not up",
    "no server",
    "no connection",
    "not started",
    "not responding",
    "not accessible",
    "timed out",
];

/// The shortest word that stands for a service beside its own name: a shorter one is in every sentence.
const SHORTEST_WORD: usize = 3;

/// Returns whether the reason of a skip says that something could not be reached.
pub(super) fn says_away(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    AWAY.iter().any(|words| has_word(&reason, words))
}

/// Returns whether the reason of a skip names a service, as a word of its own: by its name or, where the catalogue
/// knows it, by another of its kind.
pub(super) fn names_service(reason: &str, service: &str) -> bool {
    let reason = reason.to_lowercase();
    let service = service.to_lowercase();
    let kinds = Catalogue::embedded().services().iter();
    let of_kind = kinds.filter(|kind| kind.names.contains(&service)).flat_map(|kind| &kind.names);
    has_word(&reason, &service)
        || of_kind.filter(|name| name.len() >= SHORTEST_WORD).any(|name| has_word(&reason, name))
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphabetic)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_by_a_word_of_its_own() {
        assert!(names_service("PostgreSQL is not reachable", "postgres"));
        assert!(names_service("needs redis6", "redis"));
        assert!(!names_service("rediscovered later", "redis"));
        assert!(!names_service("no test", "es"));
        assert!(names_service("valkey is away", "redis"));
        assert!(!names_service("the pg of it", "postgres"));
    }

    #[test]
    fn a_word_of_a_longer_one_says_nothing() {
        assert!(says_away("Postgres is DOWN"));
        assert!(says_away("redis: connection refused."));
        assert!(!says_away("the model is downloaded in CI"));
        assert!(!says_away("not updated yet"));
    }

    #[test]
    fn all_kinds_are_listed_once_and_in_order() {
        assert!(FindingKind::ALL.is_sorted());
        let words: std::collections::BTreeSet<_> = FindingKind::ALL.map(FindingKind::as_str).into();
        assert_eq!(words.len(), FindingKind::ALL.len());
    }
}
