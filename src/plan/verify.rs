//! After the run: whether the shards together ran every test exactly once, as the lock says.
//!
//! It fails closed: what can not be shown to have run counts as not run. What the check can not see without an
//! inventory is said in `docs/verify.md`.

mod finding;
mod merge;
mod pace;

use std::collections::{BTreeMap, BTreeSet};

pub use finding::{AWAY, Finding, FindingKind, Note};
pub use merge::{Attempt, Ended, Ran, merge};
pub use pace::{Pace, Verdict};

use super::lock::Owners;
use super::{Lock, Route, Router};
use crate::ids::{NodeId, Printable, ServiceName};
use crate::inventory::Inventory;

/// What is known beside the lock and the results.
#[derive(Clone, Copy, Debug)]
pub struct Known<'k> {
    /// Every test that exists, where that is known.
    pub inventory: Option<&'k Inventory>,
    /// The tests that ran, rather than skip, the last time they were seen on the way here; sorted.
    pub ran_before: &'k BTreeSet<NodeId>,
    /// Whether tests of no lane are meant to run nowhere.
    pub unassigned_is_fine: bool,
}

/// What came of the check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// What is wrong, the worst kind first; empty where all is well.
    pub findings: Vec<Finding>,
    /// What should be known and is no fault.
    pub notes: Vec<Note>,
    /// A line for every shard of the lock.
    pub shards: Vec<VerifiedShard>,
    /// How many tests ran and passed.
    pub passed: usize,
    /// How many skipped.
    pub skipped: usize,
    /// How many failed.
    pub failed: usize,
}

/// What is said of one shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedShard {
    /// Its name.
    pub name: String,
    /// How many attempts there are results of.
    pub attempts: usize,
    /// Its tests with a result.
    pub tests: usize,
    /// Those of them that skipped.
    pub skipped: usize,
    /// What it took, against what was expected.
    pub pace: Pace,
}

impl Verification {
    /// Returns whether every test ran exactly once and nothing else is wrong.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Checks results against a lock, whose identity is `digest`. `exists` says whether a file is there.
#[must_use]
pub fn verify(
    lock: &Lock,
    digest: &str,
    attempts: &[Attempt],
    known: Known<'_>,
    exists: &dyn Fn(&str) -> bool,
) -> Verification {
    let mut check = Check {
        lock,
        router: Router::new(lock),
        owners: lock.owners(),
        findings: Vec::new(),
        notes: Vec::new(),
    };
    let (usable, refused) = check.usable(attempts, digest);
    let merged = merge(lock, &usable);
    for (shard, results) in merged.iter().enumerate() {
        let is_refused = refused.contains(lock.shards[shard].name.as_str());
        check.shard(shard, results, known, is_refused, exists);
    }
    let ran_on = check.runs(&merged, known);
    if let Some(inventory) = known.inventory {
        check.inventory(inventory, &ran_on, known);
    }
    let mut verification = Verification::default();
    for (shard, results) in merged.iter().enumerate() {
        let count = |ended: Ended| results.tests.values().filter(|ran| ran.ended == ended).count();
        verification.passed += count(Ended::Passed);
        verification.skipped += count(Ended::Skipped);
        verification.failed += count(Ended::Failed);
        verification.shards.push(VerifiedShard {
            name: lock.shards[shard].name.to_string(),
            attempts: results.attempts.len(),
            tests: results.tests.len(),
            skipped: count(Ended::Skipped),
            pace: Pace::of(&lock.shards[shard].predicted, results),
        });
    }
    check.findings.sort();
    check.findings.dedup();
    check.notes.sort();
    check.notes.dedup();
    Verification { findings: check.findings, notes: check.notes, ..verification }
}

struct Check<'l> {
    lock: &'l Lock,
    router: Router<'l>,
    owners: Owners<'l>,
    findings: Vec<Finding>,
    notes: Vec<Note>,
}

impl Check<'_> {
    fn find(&mut self, kind: FindingKind, shard: Option<usize>, subject: &str, detail: String) {
        let shard = shard.map(|shard| self.lock.shards[shard].name.to_string());
        self.findings.push(Finding { kind, shard, subject: subject.to_owned(), detail });
    }

    /// Returns the results that belong to the lock, and the shards whose results do not.
    fn usable<'a>(&mut self, attempts: &'a [Attempt], digest: &str) -> (Vec<&'a Attempt>, BTreeSet<&'a str>) {
        let (mut usable, mut refused) = (Vec::new(), BTreeSet::new());
        for attempt in attempts {
            let known = self.lock.shards.iter().any(|shard| shard.name.as_str() == attempt.shard);
            if attempt.lock.as_ref().is_some_and(|theirs| theirs != digest) {
                refused.insert(attempt.shard.as_str());
                let detail =
                    format!("{} is of another lock: run the shard again with this one", attempt.source);
                self.find(FindingKind::OtherLock, None, &attempt.shard, detail);
            } else if known {
                usable.push(attempt);
            } else {
                let detail = format!("{}: the lock has no such shard", attempt.source);
                self.find(FindingKind::UnknownShard, None, &attempt.shard, detail);
            }
        }
        (usable, refused)
    }

    fn shard(
        &mut self,
        shard: usize,
        results: &merge::Results<'_>,
        known: Known<'_>,
        is_refused: bool,
        exists: &dyn Fn(&str) -> bool,
    ) {
        let locked = &self.lock.shards[shard];
        let Some(last) = results.attempts.last() else {
            if !is_refused {
                let detail = format!("no result of it: {} and more did not run", first_of(&locked.units));
                self.find(FindingKind::ShardMissing, Some(shard), locked.name.as_str(), detail);
            }
            return;
        };
        let left_out = last.not_run.iter().find(|test| !results.tests.contains_key(*test));
        if let Some(why) = &last.cut_short {
            self.find(FindingKind::CutShort, Some(shard), locked.name.as_str(), why.clone());
        } else if let Some(test) = left_out {
            // A re-run of what failed leaves the rest out, which an earlier attempt ran.
            let detail =
                format!("it left out `{}` and {} in all", Printable(test.as_str()), last.not_run.len());
            self.find(FindingKind::CutShort, Some(shard), locked.name.as_str(), detail);
        }
        for error in &last.errors {
            self.find(FindingKind::CollectionError, Some(shard), &error.0, error.1.clone());
        }
        for test in &last.unassigned {
            if !known.unassigned_is_fine {
                self.find(FindingKind::InNoLane, None, test, "no lane selects it".to_owned());
            }
        }
        for test in &last.adopted {
            self.notes.push(Note::Adopted { test: test.clone(), shard: locked.name.to_string() });
        }
        for (test, services) in &last.uncovered {
            self.notes.push(Note::Uncovered { test: test.clone(), services: services.clone() });
        }
        for file in &last.skipped_files {
            let why = self.service_away(&file.1, shard);
            if let Some(why) = why {
                self.find(FindingKind::SkippedForService, Some(shard), &file.0, why);
            } else {
                self.notes.push(Note::FileSkipped { file: file.0.clone(), reason: file.1.clone() });
            }
        }
        for (test, ran) in &results.tests {
            self.test(shard, test, ran, known);
        }
        // The plugin lists what it collected and did not run; other results must show that each unit ran.
        if last.lists_all || known.inventory.is_some() {
            return;
        }
        for unit in &locked.units {
            if results.tests.keys().any(|test| is_part_of(test.as_str(), unit)) {
                continue;
            }
            let file = unit.split("::").next().unwrap_or(unit);
            if exists(file) {
                let detail = "no test of it has a result".to_owned();
                self.find(FindingKind::NotRun, Some(shard), unit, detail);
            } else {
                self.notes.push(Note::Gone { unit: unit.clone() });
            }
        }
    }

    fn test(&mut self, shard: usize, test: &NodeId, ran: &Ran, known: Known<'_>) {
        let reason = ran.reason.as_deref().unwrap_or("no reason given");
        match ran.ended {
            Ended::Passed => {}
            Ended::Failed => self.find(FindingKind::Failed, Some(shard), test.as_str(), reason.to_owned()),
            Ended::Skipped => {
                if let Some(why) = self.service_away(reason, shard) {
                    self.find(FindingKind::SkippedForService, Some(shard), test.as_str(), why);
                } else if known.ran_before.contains(test) {
                    self.find(FindingKind::NewlySkipped, Some(shard), test.as_str(), reason.to_owned());
                }
            }
        }
    }

    /// Returns why a skip is for want of a service that the shard should have, or nothing.
    fn service_away(&self, reason: &str, shard: usize) -> Option<String> {
        let locked = &self.lock.shards[shard];
        let named = |name: &&ServiceName| finding::names_service(reason, name.as_str());
        let mut all: BTreeSet<&ServiceName> =
            self.lock.services.iter().map(|service| &service.name).collect();
        all.extend(self.lock.shards.iter().flat_map(|shard| shard.services.iter().chain(&shard.without)));
        let named: Vec<&ServiceName> = all.into_iter().filter(named).collect();
        if let Some(service) = named.iter().find(|name| locked.services.contains(name)) {
            return Some(format!("{reason} ({service} is started there)"));
        }
        let says_away = finding::says_away(reason);
        if let Some(service) = named.iter().find(|name| !locked.without.contains(name)) {
            return says_away.then(|| format!("{reason} ({service} is not started there)"));
        }
        (named.is_empty() && says_away).then(|| reason.to_owned())
    }

    /// Finds what ran on two shards or on the wrong one, and returns where every test ran.
    fn runs<'r>(
        &mut self,
        merged: &'r [merge::Results<'_>],
        known: Known<'_>,
    ) -> BTreeMap<&'r NodeId, Vec<usize>> {
        let mut ran_on: BTreeMap<&NodeId, Vec<usize>> = BTreeMap::new();
        for (shard, results) in merged.iter().enumerate() {
            for test in results.tests.keys() {
                ran_on.entry(test).or_default().push(shard);
            }
        }
        for (test, shards) in &ran_on {
            let names = |shards: &[usize]| {
                let names: Vec<&str> =
                    shards.iter().map(|shard| self.lock.shards[*shard].name.as_str()).collect();
                names.join(" and ")
            };
            if shards.len() > 1 {
                let detail = format!("on {}", names(shards));
                self.find(FindingKind::RanTwice, None, test.as_str(), detail);
                continue;
            }
            let belongs = match known.inventory.and_then(|inventory| inventory.test(test)) {
                Some(listed) => self.router.route(listed).shard().into_iter().collect(),
                // Without its marks, any lane's word counts: each takes its own tests of a file.
                None => self.owners_of(test, &merged[shards[0]]),
            };
            if !belongs.is_empty() && !belongs.contains(&shards[0]) {
                let detail = format!("on {}, and the lock has it on {}", names(shards), names(&belongs));
                self.find(FindingKind::WrongShard, Some(shards[0]), test.as_str(), detail);
            }
        }
        ran_on
    }

    /// Returns the shards that may run a test whose marks are not known; none where any may.
    fn owners_of(&self, test: &NodeId, results: &merge::Results<'_>) -> Vec<usize> {
        // The plugin, which knows the marks, found that no selector of the test's lane fits it.
        if results.attempts.iter().any(|attempt| attempt.adopted.iter().any(|id| id == test.as_str())) {
            return Vec::new();
        }
        let lanes = self.lock.lanes.iter();
        lanes.filter_map(|lane| self.owners.of(&lane.name, test.as_str())).collect()
    }

    fn inventory(&mut self, inventory: &Inventory, ran_on: &BTreeMap<&NodeId, Vec<usize>>, known: Known<'_>) {
        let refused: BTreeSet<String> = self
            .findings
            .iter()
            .filter(|finding| matches!(finding.kind, FindingKind::OtherLock | FindingKind::ShardMissing))
            .map(|finding| finding.subject.clone())
            .collect();
        let mut listed = BTreeSet::new();
        for test in &inventory.tests {
            listed.insert(&test.id);
            match self.router.route(test) {
                Route::Nowhere if known.unassigned_is_fine => {}
                Route::Nowhere => {
                    let detail = "no lane with a shard selects it".to_owned();
                    self.find(FindingKind::InNoLane, None, test.id.as_str(), detail);
                }
                Route::Planned(shard) | Route::Adopted(shard) if !ran_on.contains_key(&test.id) => {
                    // Where the whole shard is missing, that is said once.
                    if !refused.contains(self.lock.shards[shard].name.as_str()) {
                        let detail = "it has no result".to_owned();
                        self.find(FindingKind::NotRun, Some(shard), test.id.as_str(), detail);
                    }
                }
                Route::Planned(_) => {}
                Route::Adopted(shard) => {
                    let shard = self.lock.shards[shard].name.to_string();
                    self.notes.push(Note::Adopted { test: test.id.as_str().to_owned(), shard });
                }
            }
        }
        for test in ran_on.keys().filter(|test| !listed.contains(**test)) {
            self.notes.push(Note::NotListed { test: test.as_str().to_owned() });
        }
    }
}

fn first_of(units: &[String]) -> String {
    units.first().map_or_else(|| "nothing".to_owned(), |unit| format!("`{}`", Printable(unit)))
}

/// Returns whether a test is one of those that a selector fits.
fn is_part_of(test: &str, unit: &str) -> bool {
    test.strip_prefix(unit).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with("::") || rest.starts_with('[') || rest.starts_with(['/', '$'])
    })
}
