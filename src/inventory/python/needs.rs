//! From what a test reaches to the services that it needs, each with the strongest evidence and the way there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use ruff_text_size::TextRange;

use super::choices::Choices;
use super::connections::Connection;
use super::links::{Links, bears_mark};
use super::patches::{patched, patched_here};
use super::program::{ModuleIx, ScopeIx, ScopeKind};
use super::reach::{Reach, Strength, Way};
use super::resolve::Resolver;
use super::signs::{SignBook, Sought};
use super::unfollowed::UnknownDatabase;
use super::{SourceNeed, Step, StepKind};
use crate::inventory::Evidence;

/// Where the search for a test's needs begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Root {
    /// The function itself, or a decorator or mark of it, its class or its module.
    Test(ScopeIx),
    /// A method that sets its class up.
    SetUp(ScopeIx),
    /// A fixture of its closure, with the autouse fixture that brings it where the test does not ask for it.
    Fixture(ScopeIx, Option<ScopeIx>),
    /// Its module while it is imported: only guards of the whole module count.
    Module(ScopeIx),
}

impl Root {
    /// Returns where the search begins.
    pub(super) fn scope(self) -> ScopeIx {
        match self {
            Self::Test(scope) | Self::SetUp(scope) | Self::Fixture(scope, _) | Self::Module(scope) => scope,
        }
    }
}

/// What a root comes to where nothing is replaced: many tests begin at the same fixtures.
#[derive(Debug)]
struct Known {
    kind: StepKind,
    needs: Vec<(Sought, SourceNeed)>,
    /// The names that the ways go through, sorted.
    via: Box<[u64]>,
}

/// What was found once for a scope.
#[derive(Debug, Default)]
pub(super) struct Memory {
    needs: OnceLock<Known>,
    /// What it replaces, by itself or through helpers.
    patched: OnceLock<Box<[u64]>>,
}

/// Finds the needs of tests.
pub(super) struct NeedFinder<'n, 'p, 's, 't, 'c> {
    /// For every scope what was found.
    pub(super) memory: &'n [Memory],
    pub(super) unknown: &'n [UnknownDatabase],
    /// The marks that fixtures and hooks ask a test for, of which it is known which test bears them.
    pub(super) marks: &'n BTreeSet<&'n str>,
    pub(super) choices: &'n Choices,
    pub(super) resolver: &'n Resolver<'p, 's, 't>,
    pub(super) book: &'n SignBook<'c>,
    pub(super) links: &'n [Links],
    pub(super) reach: &'n Reach<'n>,
    /// What comes with every database of Django's tests.
    pub(super) migrations: Vec<SourceNeed>,
    /// The connections that a module's import opens.
    pub(super) connections: &'n BTreeMap<ModuleIx, Vec<Connection>>,
}

impl NeedFinder<'_, '_, '_, '_, '_> {
    /// Returns what a test needs that begins at these roots; `bears` says, where it is known, whether it
    /// bears a mark.
    pub(super) fn of_roots(
        &self,
        module: ModuleIx,
        roots: &[Root],
        bears: impl Fn(&str) -> Option<bool>,
    ) -> Vec<SourceNeed> {
        let mut replaced: Vec<u64> = Vec::new();
        let mut modules = BTreeSet::from([module]);
        for root in roots {
            let (Root::Test(scope) | Root::SetUp(scope) | Root::Fixture(scope, _)) = root else { continue };
            replaced.extend_from_slice(self.patched(*scope));
            modules.insert(self.resolver.program.scope(*scope).module);
        }
        // What a test file or a conftest replaces while it is imported is replaced for all.
        for module in modules {
            replaced.extend(patched_here(self.resolver, self.resolver.program.module(module).scope));
        }
        replaced.extend(self.choices.not_of(module));
        replaced.extend(self.marks.iter().filter_map(|name| Some(bears_mark(name, !bears(name)?))));
        replaced.sort_unstable();
        let mut best: BTreeMap<Sought, SourceNeed> = BTreeMap::new();
        // A service that anything but an autouse fixture brings is no matter of that fixture.
        let mut asked: BTreeMap<Sought, bool> = BTreeMap::new();
        for root in roots {
            for (service, need, auto) in self.of_root(*root, &replaced) {
                let by_asking = asked.entry(service).or_default();
                *by_asking |= auto.is_none();
                let better = best.get(&service).is_none_or(|known| need.evidence < known.evidence);
                if better {
                    best.insert(service, SourceNeed { by_autouse: auto, ..need });
                }
            }
        }
        for Connection { service, scope, range, .. } in
            self.connections.get(&module).into_iter().flatten().filter(|found| !found.guard)
        {
            asked.insert(*service, true);
            best.entry(*service).or_insert_with(|| SourceNeed {
                service: self.book.get(*service).name.clone(),
                evidence: Evidence::Client,
                steps: Arc::from([self.step(*scope, *range, StepKind::Module)]),
                what: "a connection while it is imported".into(),
                by_autouse: None,
            });
        }
        for (service, need) in &mut best {
            if asked.get(service).copied().unwrap_or(false) {
                need.by_autouse = None;
            }
        }
        let mut needs: Vec<SourceNeed> = best.into_values().collect();
        needs.sort_by(|a, b| a.service.cmp(&b.service));
        needs
    }

    fn patched(&self, scope: ScopeIx) -> &[u64] {
        let memory = &self.memory[scope.0 as usize];
        memory.patched.get_or_init(|| patched(self.resolver, self.links, scope).into())
    }

    /// Returns what a root comes to, each with the name of the autouse fixture that brings it; `replaced` is sorted.
    fn of_root(&self, root: Root, replaced: &[u64]) -> Vec<(Sought, SourceNeed, Option<String>)> {
        let (scope, kind, auto) = match root {
            Root::Test(scope) => (scope, StepKind::Test, None),
            Root::SetUp(scope) => (scope, StepKind::SetUp, None),
            Root::Fixture(scope, bringer) => (scope, StepKind::Fixture, bringer),
            Root::Module(scope) => (scope, StepKind::Module, None),
        };
        let name = auto.map(|bringer| self.resolver.program.scope(bringer).name.to_owned());
        let known = self.memory[scope.0 as usize].needs.get_or_init(|| {
            let mut via = Vec::new();
            let needs = self.by_ways(scope, kind, &[], &mut via);
            via.sort_unstable();
            via.dedup();
            Known { kind, needs, via: via.into() }
        });
        let needs =
            if known.kind == kind && !replaced.iter().any(|mark| known.via.binary_search(mark).is_ok()) {
                known.needs.clone()
            } else {
                self.by_ways(scope, kind, replaced, &mut Vec::new())
            };
        needs.into_iter().map(|(service, need)| (service, need, name.clone())).collect()
    }

    /// Returns the needs that a scope's ways come to, and adds the names that they go through.
    fn by_ways(
        &self,
        scope: ScopeIx,
        kind: StepKind,
        replaced: &[u64],
        via: &mut Vec<u64>,
    ) -> Vec<(Sought, SourceNeed)> {
        let mut found = Vec::new();
        for (service, way) in self.reach.ways(scope, replaced) {
            if kind == StepKind::Module && way.strength != Strength::Guard {
                continue;
            }
            let evidence = match (way.strength, kind) {
                (Strength::Guard, _) => Evidence::Guard,
                (Strength::Client, StepKind::Fixture | StepKind::SetUp) => Evidence::Fixture,
                (Strength::Client, _) => Evidence::Client,
                (Strength::Container, _) => Evidence::Container,
                (Strength::Variable, _) => Evidence::Variable,
            };
            found.push((service, self.need(service, evidence, &way, kind)));
            via.extend_from_slice(&way.via);
        }
        found
    }

    fn need(&self, service: Sought, evidence: Evidence, way: &Way, first: StepKind) -> SourceNeed {
        let steps = way.steps.iter().enumerate().map(|(at, (scope, range))| {
            let kind = match (at, self.resolver.program.scope(*scope).kind) {
                (_, ScopeKind::Value(_)) => StepKind::Value,
                (0, _) => first,
                (_, ScopeKind::Module) => StepKind::Module,
                _ => StepKind::Function,
            };
            self.step(*scope, *range, kind)
        });
        SourceNeed {
            service: self.book.get(service).name.clone(),
            evidence,
            steps: steps.collect(),
            what: way.what.as_str().into(),
            by_autouse: None,
        }
    }

    fn step(&self, scope: ScopeIx, range: TextRange, kind: StepKind) -> Step {
        let program = self.resolver.program;
        let file = program.file_of(scope);
        let name = if matches!(program.scope(scope).kind, ScopeKind::Module) {
            file.path.clone()
        } else {
            program.title(scope)
        };
        Step { kind, name, place: file.place(range) }
    }

    /// Returns the services that a scope reaches by itself, for a fixture seen alone.
    pub(super) fn of_scope(&self, scope: ScopeIx) -> Vec<SourceNeed> {
        let mut replaced = self.patched(scope).to_vec();
        replaced.extend(self.choices.not_of(self.resolver.program.scope(scope).module));
        replaced.sort_unstable();
        let found = self.of_root(Root::Fixture(scope, None), &replaced);
        found.into_iter().map(|(_, need, _)| need).collect()
    }
}
