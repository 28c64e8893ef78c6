//! A test function as plain values: its address, items, marks, fixtures and needs.

use std::sync::Arc;

use ruff_python_ast::{Decorator, Expr};
use ruff_text_size::Ranged;

use super::chains::decorator_chain;
use super::collect::Collected;
use super::facts::Reader;
use super::literal::{Literal, literal};
use super::marks::Mark;
use super::needs::{NeedFinder, Root};
use super::parameters::combined;
use super::program::{Binding, ScopeIx, ScopeKind};
use super::resolve::Target;
use super::{AppliedMark, FixtureUse, TestFunction, TestItem};
use crate::config::MarkerValue;

impl<'s> Reader<'_, '_, 's, '_> {
    /// Returns the facts of a test that the root at that position collects, and the positions of the unknown databases
    /// that it comes to; `hooks` run before it.
    pub(super) fn function(
        &self,
        at: usize,
        collected: &Collected<'s>,
        finder: &NeedFinder<'_, '_, 's, '_, '_>,
        hooks: &[ScopeIx],
        django: bool,
    ) -> (TestFunction, Vec<usize>) {
        let (program, root) = (self.resolver.program, &self.roots[at]);
        let module = program.module(collected.module);
        let file = &module.file.path;
        let relative = if self.named_within == Some(at) && !root.root.is_empty() {
            file.strip_prefix(&format!("{}/", root.root)).unwrap_or(file)
        } else {
            file.as_str()
        };
        let mut id = relative.to_owned();
        for class in &collected.classes {
            id.push_str("::");
            id.push_str(class);
        }
        id.push_str("::");
        id.push_str(&collected.name);

        // What the class inherits is asked for as its own objects see it.
        let as_seen =
            |scope: ScopeIx| collected.class.map_or(scope, |class| self.resolver.as_seen(class, scope));
        let mut roots = vec![Root::Test(as_seen(collected.function)), Root::Module(module.scope)];
        for mark in &collected.marks {
            // A mark may be a value of its own, or be written in a `pytestmark`.
            roots.extend(self.mark_scopes(mark).into_iter().map(Root::Test));
        }
        if let Some(class) = collected.class {
            roots.extend(self.class_scopes(class).into_iter().map(Root::Test));
        }
        if let Some(Binding::Scope(ix)) = program.scope(module.scope).binding("pytestmark") {
            roots.push(Root::Test(ix));
        }
        roots.extend(collected.set_up.iter().map(|scope| Root::SetUp(as_seen(*scope))));
        for (name, scopes) in &collected.fixtures {
            let bringer = collected.autouse.get(name).and_then(|bringer| {
                let (_, scopes) = collected.fixtures.iter().find(|(known, _)| known == bringer)?;
                scopes.first().copied()
            });
            roots.extend(scopes.iter().map(|scope| Root::Fixture(as_seen(*scope), bringer)));
        }
        roots.extend(hooks.iter().map(|scope| Root::Fixture(*scope, None)));
        let mut needs = finder.of_roots(collected.module, &roots, |name| self.bears(collected, name));
        self.add_framework_needs(collected, finder, django, &mut needs);
        let of_roots = || roots.iter().map(|root| root.scope());
        let not_known = finder.unknown.iter().enumerate().filter(|(_, call)| call.is_reached(of_roots()));
        let not_known: Vec<usize> = not_known.map(|(at, _)| at).collect();

        let def_place = self.definition(collected.function);
        let decorated_from = match program.scope(collected.function).kind {
            ScopeKind::Function(def) => {
                let first = def.decorator_list.first().map_or(def.range().start(), Ranged::start);
                program.file_of(collected.function).line(first)
            }
            _ => def_place.line,
        };
        let unstable = collected.axes.iter().find_map(|axis| self.unstable(collected.function, axis.shown?));
        // anyio's plugin runs such a test once for each backend that is there, where the project does not say on which.
        let by_backend =
            collected.fixtures.iter().any(|(name, scopes)| name == "anyio_backend" && scopes.is_empty());
        let items = if by_backend {
            None
        } else if collected.unittest || collected.axes.is_empty() {
            Some(vec![(String::new(), Vec::new())])
        } else {
            combined(&collected.axes)
        };
        let items = items.map(|items| {
            let applied = |(parameters, marks): (String, Vec<Mark<'s>>)| TestItem {
                parameters,
                marks: marks.iter().map(|mark| self.applied(mark)).collect(),
            };
            items.into_iter().map(applied).collect()
        });
        let fixtures = collected.fixtures.iter().map(|(name, scopes)| FixtureUse {
            name: name.clone(),
            place: scopes.first().map(|scope| self.definition(*scope)),
            autouse: collected.autouse.get(name) == Some(name),
        });
        let function = TestFunction {
            id,
            root: at,
            file: Arc::from(file.as_str()),
            name: collected.name.clone(),
            classes: collected.classes.clone(),
            place: def_place,
            decorated_from,
            items,
            marks: collected.marks.iter().map(|mark| self.applied(mark)).collect(),
            fixtures: fixtures.collect(),
            needs,
            unittest: collected.unittest,
            opaque: collected.opaque,
            unstable,
        };
        (function, not_known)
    }

    /// Returns whether a test bears a mark, where that is for certain. Its items may bear marks of their own, a decorator
    /// may give one, and pytest takes the names of what it stands in for keywords too.
    fn bears(&self, collected: &Collected<'s>, name: &str) -> Option<bool> {
        let is = |marks: &[Mark<'_>]| marks.iter().any(|mark| mark.name == name);
        if is(&collected.marks) {
            return Some(true);
        }
        let program = self.resolver.program;
        let file = program.module(collected.module).file;
        let of_some = collected
            .axes
            .iter()
            .any(|axis| axis.sets.as_ref().is_none_or(|sets| sets.iter().any(|(_, marks)| is(marks))));
        let named = collected.name == name
            || collected.classes.iter().any(|class| class == name)
            || file.path.split('/').any(|part| part == name);
        let plain = |decorator: &Decorator| {
            decorator_chain(decorator).is_some_and(|chain| {
                chain.iter().any(|part| matches!(*part, "mark" | "patch" | "staticmethod" | "classmethod"))
            })
        };
        let decorated = match program.scope(collected.function).kind {
            ScopeKind::Function(def) => !def.decorator_list.iter().all(plain),
            _ => false,
        };
        let added = ["pytestmark +=", "pytestmark.", ".pytestmark", "pytest_generate_tests"];
        let unsure = of_some || named || decorated || added.iter().any(|words| file.text.contains(words));
        (!unsure).then_some(false)
    }

    /// Returns the scopes that a mark's guard is written in: the value that it stands for.
    fn mark_scopes(&self, mark: &Mark<'s>) -> Vec<ScopeIx> {
        let (scope, range) = mark.applied;
        let program = self.resolver.program;
        let inside = |used: &&super::program::Use<'_>| range.contains_range(used.range);
        let uses = program.scope(scope).uses.iter().filter(inside);
        uses.filter_map(|used| match self.resolver.resolve(scope, &used.chain).target {
            Some(Target::Scope(ix)) if matches!(program.scope(ix).kind, ScopeKind::Value(_)) => Some(ix),
            _ => None,
        })
        .collect()
    }

    /// Returns a class and those it inherits from, whose decorators and `pytestmark` guard its tests.
    fn class_scopes(&self, class: ScopeIx) -> Vec<ScopeIx> {
        let program = self.resolver.program;
        let mut found = Vec::new();
        for base in self.resolver.mro(class).iter() {
            if let Target::Scope(base) = *base {
                found.push(base);
                if let Some(Binding::Scope(ix)) = program.scope(base).binding("pytestmark") {
                    found.push(ix);
                }
            }
        }
        found
    }

    fn applied(&self, mark: &Mark<'s>) -> AppliedMark {
        let (scope, range) = mark.applied;
        let mut arguments = Vec::new();
        if let Some((owner, call)) = mark.call {
            for keyword in &call.arguments.keywords {
                let Some(name) = &keyword.arg else { continue };
                let value = match literal(self.resolver, owner, &keyword.value) {
                    Some(Literal::Text(text)) => MarkerValue::Text(text),
                    Some(Literal::Int(value)) => match i64::try_from(value) {
                        Ok(value) => MarkerValue::Int(value),
                        Err(_) => continue,
                    },
                    Some(Literal::Bool(value)) => MarkerValue::Bool(value),
                    Some(Literal::None) => MarkerValue::None,
                    _ => continue,
                };
                arguments.push((name.as_str().to_owned(), value));
            }
        }
        AppliedMark {
            name: mark.name.clone(),
            place: self.resolver.program.file_of(scope).place(range),
            level: mark.level,
            arguments,
        }
    }

    /// Returns what in the values or the ids of a parametrisation gives another id in every run.
    fn unstable(&self, scope: ScopeIx, shown: &'s Expr) -> Option<(super::Place, &'static str)> {
        let outer = self.resolver.program.scope(scope).parent.unwrap_or(scope);
        super::parameters::unstable(self.resolver, outer, shown)
            .map(|(owner, range, why)| (self.resolver.program.file_of(owner).place(range), why))
    }
}
