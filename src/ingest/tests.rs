//! The tests of a report while it is read: each once, in the order of the file.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use foldhash::fast::RandomState;

use super::Batches;
use super::observation::{Observation, Outcome, Report, RunFacts, Untimed};
use super::seconds::Seconds;
use super::warning::{WarningKind, Warnings};
use crate::ids::NodeId;
use crate::time::Micros;

/// How many tests without a time are kept by name.
const UNTIMED_KEPT: usize = 1_000_000;

/// What a second entry of one test means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeats {
    /// A node id is unique in a session: the last one counts.
    Replace,
    /// One name may stand for many cases (parameters that the report does not show): the times are added.
    AddUp,
}

/// The tests of a report so far.
pub(super) struct Tests<'a, 'b> {
    /// What is known about the run.
    pub(super) run: RunFacts,
    /// What was odd.
    pub(super) warnings: Warnings,
    /// What a second entry of one test means.
    pub(super) repeats: Repeats,
    batches: Option<&'a mut Batches<'b>>,
    observations: Vec<Observation>,
    untimed: Vec<Untimed>,
    positions: HashMap<u64, usize, BuildHasherDefault<AlreadyHashed>>,
    /// Where tests stand of which no entry was seen but those of sub-tests.
    in_parts: HashSet<usize>,
    /// Seeded by chance, so that no report can choose names that collide, and much faster than the standard one.
    hasher: RandomState,
    handed_out: u64,
}

impl<'a, 'b> Tests<'a, 'b> {
    pub(super) fn new(batches: Option<&'a mut Batches<'b>>) -> Self {
        Self {
            run: RunFacts::default(),
            warnings: Warnings::default(),
            repeats: Repeats::Replace,
            batches,
            observations: Vec::new(),
            untimed: Vec::new(),
            positions: HashMap::default(),
            in_parts: HashSet::new(),
            hasher: RandomState::default(),
            handed_out: 0,
        }
    }

    /// Returns how many tests were taken, with and without a time.
    pub(super) fn len(&self) -> u64 {
        self.handed_out + self.observations.len() as u64 + self.untimed.len() as u64
    }

    /// Returns the time that a text gives a test; where it gives none, the test is kept as one without.
    pub(super) fn timed(
        &mut self,
        test: &NodeId,
        outcome: Outcome,
        written: &str,
        line: Option<u64>,
    ) -> Option<Micros> {
        let subject = || format!("{}: {written}", test.as_str());
        let kind = match Seconds::parse(written) {
            Seconds::Plain(total) => return Some(total),
            Seconds::Local(total) => {
                self.warnings.add(WarningKind::LocaleTime, line, subject());
                return Some(total);
            }
            // What did not run took no time, whatever is written there.
            _ if outcome == Outcome::Skipped => return Some(Micros(0)),
            Seconds::Ambiguous => WarningKind::AmbiguousTime,
            Seconds::Impossible => WarningKind::ImpossibleTime,
            Seconds::Missing => {
                self.warnings.add(WarningKind::NoTime, line, test.as_str());
                self.keep_untimed(test.clone(), outcome);
                return None;
            }
        };
        self.warnings.add(kind, line, subject());
        self.keep_untimed(test.clone(), outcome);
        None
    }

    /// Takes a test that ran and has no usable time.
    pub(super) fn keep_untimed(&mut self, test: NodeId, outcome: Outcome) {
        if self.untimed.len() < UNTIMED_KEPT {
            self.untimed.push(Untimed { test, outcome });
        }
    }

    /// Takes the tear-down of a test that has an entry of its own.
    pub(super) fn add_teardown_error(&mut self, seen: Observation, line: Option<u64>) {
        match self.place_of(&seen.test) {
            Some(position) => {
                self.warnings.add(WarningKind::TeardownError, line, seen.test.as_str());
                let earlier = &mut self.observations[position];
                earlier.total = earlier.total + seen.total;
                earlier.outcome = Outcome::Error;
                earlier.reason = earlier.reason.take().or(seen.reason);
            }
            None => self.push(seen),
        }
    }

    /// Takes what a sub-test adds to its test.
    pub(super) fn add_subtest(&mut self, seen: Observation, line: Option<u64>) {
        let Some(position) = self.place_of(&seen.test) else {
            self.in_parts.insert(self.observations.len());
            return self.push(seen);
        };
        self.join(position, seen, line);
    }

    /// Takes an observation.
    pub(super) fn add(&mut self, seen: Observation, line: Option<u64>) {
        let Some(position) = self.place_of(&seen.test) else { return self.push(seen) };
        // What was seen of it are its sub-tests: this is the rest of the same try.
        if self.in_parts.remove(&position) {
            return self.join(position, seen, line);
        }
        let earlier = &mut self.observations[position];
        let was_bad = is_bad(earlier.outcome);
        let kind = if was_bad {
            // A runner that tries again what failed lists every try; one that counts them adds its own.
            let retries = earlier.retries + 1 + seen.retries;
            let reason = seen.reason.clone().or_else(|| earlier.reason.take());
            *earlier = Observation { reason, retries, ..seen };
            WarningKind::Retried
        } else if earlier.outcome == Outcome::Skipped || self.repeats == Repeats::Replace {
            // Shards list what they leave out as skipped; the one that ran it stands.
            if seen.outcome != Outcome::Skipped || earlier.outcome == Outcome::Skipped {
                *earlier = seen;
            }
            WarningKind::Duplicate
        } else {
            earlier.total = earlier.total + seen.total;
            if is_bad(seen.outcome) {
                earlier.outcome = seen.outcome;
                earlier.reason = seen.reason;
            }
            WarningKind::SameName
        };
        let subject = self.observations[position].test.as_str();
        self.warnings.add(kind, line, subject);
    }

    /// Joins two entries of one try of a test, which failed if one of them did.
    fn join(&mut self, position: usize, seen: Observation, line: Option<u64>) {
        let earlier = &mut self.observations[position];
        earlier.total = earlier.total + seen.total;
        earlier.retries += seen.retries;
        let was_skipped = earlier.outcome == Outcome::Skipped;
        if was_skipped || is_bad(seen.outcome) && !is_bad(earlier.outcome) {
            earlier.outcome = seen.outcome;
            earlier.reason = seen.reason;
        }
        let subject = self.observations[position].test.as_str();
        self.warnings.add(WarningKind::Subtest, line, subject);
    }

    /// Returns the report.
    pub(super) fn finish(mut self) -> (Report, u64) {
        if self.handed_out > 0 {
            self.hand_out();
        }
        let report = Report {
            run: self.run,
            observations: self.observations,
            untimed: self.untimed,
            warnings: self.warnings,
            ..Report::default()
        };
        (report, self.handed_out)
    }

    fn push(&mut self, seen: Observation) {
        self.observations.push(seen);
        if self.batches.as_ref().is_some_and(|batches| self.observations.len() >= batches.size) {
            self.hand_out();
        }
    }

    fn hand_out(&mut self) {
        if let Some(batches) = &mut self.batches {
            self.handed_out += self.observations.len() as u64;
            let mut batch = vec![(0, std::mem::take(&mut self.observations))];
            (batches.take)(&mut batch);
            self.observations = batch.pop().map(|(_, left)| left).unwrap_or_default();
            self.observations.clear();
            self.positions.clear();
            self.in_parts.clear();
        }
    }

    /// Returns where a test stands already; where it stands nowhere, its place is the next one.
    fn place_of(&mut self, test: &NodeId) -> Option<usize> {
        let mut hash = self.hasher.hash_one(test.as_str());
        loop {
            match self.positions.entry(hash) {
                std::collections::hash_map::Entry::Vacant(free) => {
                    free.insert(self.observations.len());
                    return None;
                }
                std::collections::hash_map::Entry::Occupied(taken) => {
                    let position = *taken.get();
                    if self.observations.get(position).is_none_or(|seen| seen.test == *test) {
                        return Some(position);
                    }
                    // Two names with one hash: the second takes the place behind.
                    hash = hash.wrapping_add(1);
                }
            }
        }
    }
}

fn is_bad(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Failed | Outcome::Error)
}

/// The keys are hashes: they need no second one, and the names are kept once.
#[derive(Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod checks {
    use super::*;

    fn seen(name: &str, outcome: Outcome, micros: u64) -> Observation {
        Observation::new(name.parse().unwrap(), outcome, Micros(micros))
    }

    fn both(repeats: Repeats, first: Outcome, second: Outcome) -> (Outcome, u64, u32) {
        let mut tests = Tests::new(None);
        tests.repeats = repeats;
        tests.add(seen("a", first, 10), None);
        tests.add(seen("b", Outcome::Passed, 1), None);
        tests.add(seen("a", second, 3), None);
        let (report, _) = tests.finish();
        assert_eq!(report.observations.len(), 2);
        assert_eq!(report.warnings.len(), 1);
        let a = &report.observations[0];
        (a.outcome, a.total.0, a.retries)
    }

    #[test]
    fn a_second_entry_means_what_the_first_one_allows() {
        use Outcome::{Error, Failed, Passed, Skipped};
        use Repeats::{AddUp, Replace};
        for repeats in [Replace, AddUp] {
            assert_eq!(both(repeats, Failed, Passed), (Passed, 3, 1), "tried again");
            assert_eq!(both(repeats, Failed, Error), (Error, 3, 1), "tried again in vain");
            assert_eq!(both(repeats, Skipped, Passed), (Passed, 3, 0), "left out by one shard");
        }
        assert_eq!(both(AddUp, Passed, Passed), (Passed, 13, 0), "two cases of one name");
        assert_eq!(both(AddUp, Passed, Failed), (Failed, 13, 0), "two cases of one name");
        assert_eq!(both(Replace, Passed, Passed), (Passed, 3, 0), "listed twice");
        assert_eq!(both(Replace, Passed, Skipped), (Passed, 10, 0), "left out by one shard");
    }

    /// Returns what a test comes to whose entries are these, those of sub-tests with a `true`.
    fn entries(all: &[(bool, Outcome)]) -> (Outcome, u64, u32) {
        let mut tests = Tests::new(None);
        for (is_subtest, outcome) in all {
            let seen = seen("a", *outcome, 1);
            if *is_subtest {
                tests.add_subtest(seen, None);
            } else {
                tests.add(seen, None);
            }
        }
        let (report, _) = tests.finish();
        let [a] = &report.observations[..] else { panic!("{:?}", report.observations) };
        (a.outcome, a.total.0, a.retries)
    }

    #[test]
    fn only_a_second_entry_of_a_whole_test_is_another_try() {
        use Outcome::{Error, Failed, Passed, Skipped};
        let (part, whole) = (true, false);
        assert_eq!(entries(&[(part, Failed), (part, Failed)]), (Failed, 2, 0), "two parts that fail");
        assert_eq!(entries(&[(part, Failed), (part, Passed)]), (Failed, 2, 0), "one of two parts fails");
        assert_eq!(entries(&[(part, Passed), (part, Error)]), (Error, 2, 0), "one of two parts fails");
        for rest in [Passed, Skipped, Failed] {
            assert_eq!(entries(&[(part, Failed), (whole, rest)]), (Failed, 2, 0), "{rest:?} after a part");
            assert_eq!(entries(&[(part, Failed), (part, Failed), (whole, rest)]), (Failed, 3, 0), "{rest:?}");
        }
        assert_eq!(entries(&[(part, Skipped), (whole, Passed)]), (Passed, 2, 0), "a part was skipped");
        assert_eq!(entries(&[(part, Passed), (whole, Skipped)]), (Passed, 2, 0), "the rest was skipped");
        assert_eq!(entries(&[(whole, Passed), (part, Failed)]), (Failed, 2, 0), "a part after the whole");
        assert_eq!(entries(&[(whole, Failed), (whole, Passed)]), (Passed, 1, 1), "tried again");
        assert_eq!(
            entries(&[(part, Failed), (whole, Failed), (whole, Passed)]),
            (Passed, 1, 1),
            "tried again after a try with parts"
        );
    }

    #[test]
    fn batches_leave_nothing_behind() {
        let mut sizes = Vec::new();
        let mut batches = Batches { size: 4, take: &mut |batch| sizes.push(batch[0].1.len()) };
        let mut tests = Tests::new(Some(&mut batches));
        for number in 0..10 {
            tests.add(seen(&format!("t{number}"), Outcome::Passed, 1), None);
        }
        let (report, handed_out) = tests.finish();
        assert_eq!((report.observations.len(), handed_out), (0, 10));
        assert_eq!(sizes, [4, 4, 2]);
    }
}
