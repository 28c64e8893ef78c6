//! What was odd in a report that did not stop its reading.
//!
//! All of it is counted; of each kind only so many are kept with their place, so that a file that is odd in
//! every line takes no more memory than another.

use std::collections::BTreeMap;

/// How many warnings of a kind are kept with their place.
const KEPT: usize = 1_000;

/// The longest subject that is kept, in characters.
const SUBJECT_CHARS: usize = 300;

/// The warnings of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings {
    kinds: BTreeMap<WarningKind, OfKind>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct OfKind {
    number: u64,
    first: Vec<Warning>,
}

/// Something odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The line, from 1, where the format has lines.
    pub line: Option<u64>,
    /// What is odd.
    pub kind: WarningKind,
    /// The value or id in question.
    pub subject: String,
}

/// The kinds of odd things, each with one rule for what is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WarningKind {
    /// A time that is negative, not a number or beyond ten years: the test is passed over.
    ImpossibleTime,
    /// A time longer than the whole session that it was part of, by a clock that was set: passed over.
    ClockJump,
    /// A time with separators of thousands or a decimal comma that leave no doubt: read.
    LocaleTime,
    /// A time whose one comma can mean two things: passed over.
    AmbiguousTime,
    /// A test that ran and has no time: passed over.
    NoTime,
    /// A test without a name: passed over.
    NoName,
    /// The file ends before its last element: what was read until there is kept, as a partial run.
    CutShort,
    /// A run that was interrupted or broke: what it says is kept, as a partial run.
    Interrupted,
    /// A test whose tear-down broke stands twice: the times are added.
    TeardownError,
    /// A test that failed and was tried again: the last try counts.
    Retried,
    /// Several cases bear one name: their times are added.
    SameName,
    /// An entry of a sub-test: it counts with its test.
    Subtest,
    /// A test that stands twice: the last one counts.
    Duplicate,
    /// A suite that has a time and whose tests have none: kept as a whole.
    SuiteTimeOnly,
    /// A suite without a test: nothing is kept.
    EmptySuite,
    /// A suite took far longer than its tests together: set-up that no test is charged with.
    SuiteOverhead,
    /// The same time again and again, as a placeholder: kept.
    Placeholder,
    /// A key that is no test id: passed over.
    NotATest,
    /// A module that could not be collected: its tests are missing, and the run is partial.
    NotCollected,
    /// A CI job that has not ended: passed over.
    NotFinished,
    /// A CI job that ended before it began: passed over.
    BackwardJob,
    /// A column of a CSV file that means nothing here: not read.
    UnknownColumn,
    /// A line of a log that is not of its kind: passed over.
    OddLine,
}

impl Warnings {
    /// Adds one.
    pub fn add(&mut self, kind: WarningKind, line: Option<u64>, subject: impl Into<String>) {
        let of_kind = self.kinds.entry(kind).or_default();
        of_kind.number += 1;
        if of_kind.first.len() < KEPT {
            let mut subject = subject.into();
            if let Some((end, _)) = subject.char_indices().nth(SUBJECT_CHARS) {
                subject.truncate(end);
                subject.push('…');
            }
            of_kind.first.push(Warning { line, kind, subject });
        }
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.kinds.values().map(|of_kind| of_kind.number).sum()
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Returns the number of each kind and the first ones of it, in the order of the file.
    pub fn by_kind(&self) -> impl Iterator<Item = (WarningKind, u64, &[Warning])> {
        self.kinds.iter().map(|(kind, of_kind)| (*kind, of_kind.number, of_kind.first.as_slice()))
    }

    /// Returns the number of a kind.
    #[must_use]
    pub fn count(&self, kind: WarningKind) -> u64 {
        self.kinds.get(&kind).map_or(0, |of_kind| of_kind.number)
    }

    /// Adds all of another report.
    pub fn extend(&mut self, other: Self) {
        for (kind, of_kind) in other.kinds {
            let mine = self.kinds.entry(kind).or_default();
            mine.number += of_kind.number;
            let room = KEPT - mine.first.len();
            mine.first.extend(of_kind.first.into_iter().take(room));
        }
    }
}

impl WarningKind {
    /// Returns what is odd and what is done about it, as the summary says it.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::ImpossibleTime => "impossible time, passed over",
            Self::ClockJump => "time longer than its whole session, passed over",
            Self::LocaleTime => "time in a local notation, read",
            Self::AmbiguousTime => "time that can mean two things, passed over",
            Self::NoTime => "no time, passed over",
            Self::NoName => "test without a name, passed over",
            Self::CutShort => "file cut short, kept as a partial run",
            Self::Interrupted => "run interrupted, kept as a partial run",
            Self::TeardownError => "tear-down broke, times added",
            Self::Retried => "test tried again, the last try counts",
            Self::SameName => "several cases of one name, times added",
            Self::Subtest => "sub-test, counted with its test",
            Self::Duplicate => "test listed twice, the last one counts",
            Self::SuiteTimeOnly => "tests without times, kept as one suite",
            Self::EmptySuite => "suite without tests",
            Self::SuiteOverhead => "suite took longer than its tests",
            Self::Placeholder => "one time for many tests, probably a placeholder",
            Self::NotATest => "not a test id, passed over",
            Self::NotCollected => "module not collected, kept as a partial run",
            Self::NotFinished => "job not finished, passed over",
            Self::BackwardJob => "job ended before it began, passed over",
            Self::UnknownColumn => "unknown column, not read",
            Self::OddLine => "line of another kind, passed over",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_some_are_kept() {
        let mut warnings = Warnings::default();
        for line in 1..=5_000 {
            warnings.add(WarningKind::NoTime, Some(line), "x".repeat(10_000));
        }
        assert_eq!(warnings.count(WarningKind::NoTime), 5_000);
        let (_, number, first) = warnings.by_kind().next().unwrap();
        assert_eq!((number, first.len()), (5_000, KEPT));
        assert_eq!(first[0].subject.chars().count(), SUBJECT_CHARS + 1);
    }
}
