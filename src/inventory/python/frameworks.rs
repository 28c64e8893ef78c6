//! The project's one database: where a framework opens it, and which it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use ruff_python_ast::Expr;

use super::collect::Collected;
use super::facts::Reader;
use super::hints::hints_of;
use super::needs::NeedFinder;
use super::program::{ModuleIx, ScopeKind};
use super::resolve::Target;
use super::signs::{Address, SignBook, Sought};
use super::{SourceNeed, Step, StepKind};
use crate::config::Catalogue;
use crate::inventory::Evidence;

/// Files that say which packages a project depends on.
const DEPENDENCY_FILES: &[&str] = &[
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "requirements.txt",
    "requirements-dev.txt",
    "requirements/test.txt",
    "Pipfile",
];

impl<'s> Reader<'_, '_, 's, '_> {
    /// Adds the project's database where a framework opens it: Django's test cases, its mark and its fixtures.
    pub(super) fn add_framework_needs(
        &self,
        collected: &Collected<'s>,
        finder: &NeedFinder<'_, '_, 's, '_, '_>,
        django: bool,
        needs: &mut Vec<SourceNeed>,
    ) {
        let addressed = Catalogue::embedded().addressed();
        let program = self.resolver.program;
        let mut steps: Vec<(Sought, Step, &str)> = Vec::new();
        if let (Some(database), true) = (finder.book.database, django) {
            let by_class = collected.class.and_then(|class| {
                self.resolver.mro(class).into_iter().find_map(|base| match base {
                    Target::External(path) if addressed.classes.contains(&path) => Some(path),
                    _ => None,
                })
            });
            if let (Some(path), Some(class)) = (by_class, collected.class) {
                steps.push((
                    database,
                    Step { kind: StepKind::SetUp, name: path, place: self.definition(class) },
                    "a test case that opens the database",
                ));
            }
            if let Some(mark) = collected.marks.iter().find(|mark| mark.name == "django_db") {
                let place = program.file_of(mark.applied.0).place(mark.applied.1);
                steps.push((
                    database,
                    Step { kind: StepKind::Mark, name: mark.name.clone(), place },
                    "the mark that opens the database",
                ));
            }
        }
        for (name, scopes) in &collected.fixtures {
            if !scopes.is_empty() {
                continue;
            }
            let service = finder
                .book
                .plugin_fixture(name)
                .or_else(|| finder.book.database.filter(|_| django && addressed.fixtures.contains(name)));
            if let Some(service) = service {
                steps.push((
                    service,
                    Step {
                        kind: StepKind::Fixture,
                        name: name.clone(),
                        place: self.definition(collected.function),
                    },
                    "a fixture of a plugin",
                ));
            }
        }
        for (service, step, what) in steps {
            let name = &finder.book.get(service).name;
            match needs.iter_mut().find(|need| need.service == *name) {
                Some(known) if known.evidence <= Evidence::Fixture => {}
                found => {
                    let need = SourceNeed {
                        service: name.clone(),
                        evidence: Evidence::Fixture,
                        steps: Arc::from([step]),
                        what: what.into(),
                        by_autouse: None,
                    };
                    match found {
                        Some(known) => *known = need,
                        None => needs.push(need),
                    }
                }
            }
        }
        needs.sort_by(|a, b| a.service.cmp(&b.service));
    }

    /// Returns what Django's settings say about the database, where the project is one of Django.
    pub(super) fn django_database(&self, book: &SignBook<'_>) -> Option<Address> {
        let program = self.resolver.program;
        let mut modules: Vec<ModuleIx> = Vec::new();
        for root in self.roots {
            if let Some(name) = &root.django_settings {
                modules.extend(self.resolver.find_module(&root.below_root("conftest.py"), name));
            }
        }
        for ix in program.scope_indices() {
            for used in &program.scope(ix).uses {
                if let super::program::How::Call(call) = used.how
                    && matches!(used.chain.last(), Some(&"setdefault"))
                    && let [Expr::StringLiteral(key), Expr::StringLiteral(value), ..] = &*call.arguments.args
                    && key.value.to_str() == "DJANGO_SETTINGS_MODULE"
                {
                    modules
                        .extend(self.resolver.find_module(&program.file_of(ix).path, value.value.to_str()));
                }
            }
        }
        for module in &modules {
            let scope = program.module(*module).scope;
            let resolved = self.resolver.resolve(scope, &["DATABASES"]).target;
            if let Some(Target::Scope(ix)) = resolved
                && let ScopeKind::Value(value) = program.scope(ix).kind
            {
                return Some(book.address(&hints_of(self.resolver, ix, [value])));
            }
        }
        // `settings.configure(DATABASES={…})`
        for ix in program.scope_indices() {
            for used in &program.scope(ix).uses {
                if let (super::program::How::Call(call), Some(&"configure")) = (used.how, used.chain.last())
                    && let Some(keyword) = call.arguments.find_keyword("DATABASES")
                {
                    return Some(book.address(&hints_of(self.resolver, ix, [&keyword.value])));
                }
            }
        }
        let named = !modules.is_empty() || self.roots.iter().any(|root| root.django_settings.is_some());
        named.then_some(Address::Unknown)
    }

    /// Returns the one database that the project depends on, where it is one.
    pub(super) fn usual_database(&self, book: &SignBook<'_>) -> Option<Sought> {
        let mut text = String::new();
        let folders = self.roots.iter().map(|root| root.root.as_str()).chain([""]);
        for folder in folders.collect::<BTreeSet<_>>() {
            for name in DEPENDENCY_FILES {
                if let Ok(content) = std::fs::read_to_string(self.project.join(folder).join(name)) {
                    text.push_str(&content.to_ascii_lowercase());
                    text.push('\n');
                }
            }
        }
        let depends = |package: &String| {
            text.match_indices(package.as_str()).any(|(at, _)| {
                let before = text[..at].chars().next_back();
                let after = text[at + package.len()..].chars().next();
                let edge = |c: Option<char>| {
                    c.is_none_or(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
                };
                edge(before) && edge(after)
            })
        };
        let found: Vec<Sought> = book
            .databases()
            .filter(|(_, service)| service.signs.packages.iter().any(depends))
            .map(|(sought, _)| sought)
            .collect();
        match found.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }
}
