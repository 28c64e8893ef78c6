//! What the history says about whether a test runs at all.

use std::collections::BTreeSet;

use crate::history::{Observed, TestHistory};
use crate::ids::{IxVec, RunIx, ServiceName};
use crate::ingest::Outcome;

/// What the history says about whether a test runs at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkipRecord {
    /// How often it was skipped.
    pub skipped: u32,
    /// How often it ran.
    pub ran: u32,
    /// The last reason given.
    pub reason: Option<String>,
    /// The services that were up in runs that it passed, where they are known; each set once.
    pub passed_with: Vec<Vec<ServiceName>>,
    /// The services that were up in runs that skipped it, where they are known; each set once.
    pub skipped_with: Vec<Vec<ServiceName>>,
    /// Whether a run skipped it of which nobody knows what services were up.
    pub skipped_anyhow: bool,
}

/// The services of every run, each set once: millions of samples share a handful.
pub(super) struct ServicesUp {
    sets: Vec<Vec<ServiceName>>,
    of_run: IxVec<RunIx, Option<usize>>,
}

impl ServicesUp {
    pub(super) fn of(observed: &Observed) -> Self {
        let services = || observed.runs.iter().map(|run| run.facts.services.as_ref());
        let sets: BTreeSet<&Vec<ServiceName>> = services().flatten().collect();
        let sets: Vec<Vec<ServiceName>> = sets.into_iter().cloned().collect();
        let position = |services: Option<&Vec<ServiceName>>| sets.binary_search(services?).ok();
        Self { of_run: services().map(position).collect(), sets }
    }

    fn sets(&self, positions: BTreeSet<usize>) -> Vec<Vec<ServiceName>> {
        positions.into_iter().map(|position| self.sets[position].clone()).collect()
    }
}

impl SkipRecord {
    pub(super) fn of(test: &TestHistory, services: &ServicesUp) -> Self {
        let mut record = Self::default();
        let (mut passed_with, mut skipped_with) = (BTreeSet::new(), BTreeSet::new());
        let mut reason = None;
        for sample in &test.samples {
            let up = services.of_run[sample.run];
            match sample.outcome {
                Outcome::Skipped => {
                    record.skipped += 1;
                    skipped_with.extend(up);
                    record.skipped_anyhow |= up.is_none();
                    reason = sample.reason.as_deref().or(reason);
                }
                Outcome::Passed => {
                    record.ran += 1;
                    passed_with.extend(up);
                }
                Outcome::Failed | Outcome::Error | Outcome::Unknown => record.ran += 1,
            }
        }
        record.reason = reason.map(str::to_owned);
        record.passed_with = services.sets(passed_with);
        record.skipped_with = services.sets(skipped_with);
        record
    }

    /// Returns whether the test was seen, and never ran.
    #[must_use]
    pub fn always_skipped(&self) -> bool {
        self.skipped > 0 && self.ran == 0
    }

    /// Returns whether the test never ran though, as far as anybody knows, all these services were up: it will
    /// not run with them either. Skips in runs that lacked one say nothing about that.
    #[must_use]
    pub fn skips_even_with(&self, needs: &[&ServiceName]) -> bool {
        let had_all = |up: &Vec<ServiceName>| needs.iter().all(|need| up.contains(need));
        self.always_skipped() && (self.skipped_anyhow || self.skipped_with.iter().any(had_all))
    }

    /// Returns whether the test passed while this service was known to be away.
    #[must_use]
    pub fn passes_without(&self, service: &ServiceName) -> bool {
        self.passed_with.iter().any(|up| !up.contains(service))
    }
}
