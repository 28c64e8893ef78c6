//! Switches of Django's settings: `if settings.USE_CELERY: task.delay()`.
//!
//! What the settings of the tests turn off does not run. Only what is certain counts: pytest's own configuration names the
//! settings, they say `True` or `False` and nothing else, and nobody gives the name another value. A test file that names the
//! switch may turn it on for itself and for those that import it.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use ruff_python_ast::Expr;
use ruff_text_size::Ranged;

use super::by_path::DJANGO_SETTINGS;
use super::choices::Choices;
use super::conditions::Subject;
use super::facts::Reader;
use super::flags::names_otherwise;
use super::frameworks::DJANGO_VARIABLE;
use super::links::setting_mark;
use super::load::bytes_of;
use super::program::{ModuleIx, ScopeIx};
use super::resolve::{Resolver, Target};
use super::tree::Tree;

/// So many switches are looked at.
const MAX_SWITCHES: usize = 256;

/// Returns whether what is called so in a scope is the object of Django's settings.
pub(super) fn is_django(resolver: &Resolver<'_, '_, '_>, scope: ScopeIx) -> bool {
    matches!(resolver.resolve(scope, &["settings"]).target,
        Some(Target::External(path)) if path == DJANGO_SETTINGS)
}

impl<'s> Reader<'_, '_, 's, '_> {
    /// Adds to the choices what stands behind a setting that is off, or behind the absence of one that is on.
    pub(super) fn add_switches(&self, tests: &BTreeSet<ModuleIx>, choices: &mut Choices) {
        let program = self.resolver.program;
        let asked: BTreeSet<&str> = program
            .scopes
            .iter()
            .flat_map(|scope| &scope.conditions)
            .filter_map(|condition| match condition.subject {
                Subject::Setting(name) => Some(name),
                Subject::Parameter(_) | Subject::Own(_) | Subject::Mark(_) => None,
            })
            .collect();
        if asked.is_empty() {
            return;
        }
        let Some(settings) = self.settings_of_tests() else { return };
        let mut known: BTreeMap<&str, (bool, BTreeSet<ModuleIx>)> = BTreeMap::new();
        for name in asked {
            let values: Vec<(ScopeIx, &Expr)> =
                settings.iter().filter_map(|module| self.value_of(&[*module], name)).collect();
            let mut each = values.iter().map(|(ix, value)| self.is_on(name, *ix, value));
            if let Some(Some(on)) = each.next()
                && each.all(|other| other == Some(on))
                && known.len() < MAX_SWITCHES
            {
                let said_by = values.iter().map(|(ix, _)| program.scope(*ix).module).collect();
                known.insert(name, (on, said_by));
            }
        }
        self.leave_out_given(&mut known);
        for (name, (on, said_by)) in known {
            if let Some(naming) = self.naming(name, &said_by, tests) {
                choices.add(setting_mark(name, !on), naming);
            }
        }
    }

    /// Leaves out what files give a value that nothing leads to from the tests: a runner of tests, an application's
    /// `ready`, the settings of another environment.
    fn leave_out_given(&self, known: &mut BTreeMap<&str, (bool, BTreeSet<ModuleIx>)>) {
        if known.is_empty() {
            return;
        }
        let tree = Tree::walk(self.project);
        let is_unread = |file: &&String| self.resolver.module_of(file).is_none();
        let names: Vec<&str> = known.keys().copied().collect();
        // One file after the other: a tree may hold more text than fits in memory.
        let given_in = |file: &String| -> Vec<&str> {
            let bytes = bytes_of(&self.project.join(file)).unwrap_or_default();
            let Ok(text) = String::from_utf8(bytes) else { return Vec::new() };
            names.iter().copied().filter(|name| text.contains(name) && is_given(&text, name)).collect()
        };
        let given: BTreeSet<&str> = tree.files.par_iter().filter(is_unread).flat_map_iter(given_in).collect();
        known.retain(|name, _| !given.contains(name));
    }

    /// Returns the modules of settings with which pytest runs, where its own configuration names them for every root and
    /// whatever a file beside the sources names is known.
    fn settings_of_tests(&self) -> Option<Vec<ModuleIx>> {
        let mut modules: Vec<ModuleIx> = Vec::new();
        for root in self.roots {
            let from = root.below_root("conftest.py");
            let own = root.django_settings.as_deref()?;
            let set = self.environment.values(DJANGO_VARIABLE).iter().map(String::as_str);
            for name in set.chain([own]) {
                let module = self.resolver.find_module(&from, name)?;
                if !modules.contains(&module) {
                    modules.push(module);
                }
            }
        }
        Some(modules)
    }

    /// Returns whether a value of the settings is true, where it is a literal, is written once, and nothing behind it can
    /// take its place.
    fn is_on(&self, name: &str, ix: ScopeIx, value: &'s Expr) -> Option<bool> {
        let Expr::BooleanLiteral(literal) = value else { return None };
        let program = self.resolver.program;
        let module = program.module(program.scope(ix).module);
        let scope = program.scope(module.scope);
        let written = scope.names.iter().filter(|(bound, _)| *bound == name).count();
        let text = &module.file.text;
        let behind = text.get(value.range().end().to_usize()..)?;
        let replaced =
            behind.contains("import *") || text.contains("globals()") || text.contains("split_settings");
        let plain = written == 1 && !replaced && !scope.rebound.iter().any(|(bound, _)| *bound == name);
        plain.then_some(literal.value)
    }

    /// Returns the test modules that name a setting, and those that may take something from them; nothing where anybody else
    /// gives it a value.
    fn naming(
        &self,
        name: &str,
        said_by: &BTreeSet<ModuleIx>,
        tests: &BTreeSet<ModuleIx>,
    ) -> Option<BTreeSet<ModuleIx>> {
        let program = self.resolver.program;
        let mut naming: BTreeSet<ModuleIx> = BTreeSet::new();
        for (at, module) in program.modules.iter().enumerate() {
            let ix = ModuleIx(u32::try_from(at).unwrap_or(u32::MAX));
            let text = &module.file.text;
            if said_by.contains(&ix) || !text.contains(name) {
                continue;
            }
            if tests.contains(&ix) {
                naming.insert(ix);
            } else if module.for_tests || is_given(text, name) {
                return None;
            }
        }
        // `from test_base import TurnedOn`
        let stem = |ix: ModuleIx| {
            let path = program.module(ix).file.path.as_str();
            path.rsplit('/').next().and_then(|name| name.strip_suffix(".py")).unwrap_or(path)
        };
        let mut open: Vec<ModuleIx> = naming.iter().copied().collect();
        while let Some(named) = open.pop() {
            for other in tests {
                if program.module(*other).file.text.contains(stem(named)) && naming.insert(*other) {
                    open.push(*other);
                }
            }
        }
        Some(naming)
    }
}

/// Returns whether a text gives something of this name a value, or names it as a text that somebody may.
fn is_given(text: &str, name: &str) -> bool {
    let assigned = text.match_indices(name).any(|(at, _)| {
        let after = text[at + name.len()..].trim_start();
        after.starts_with('=') && !after.starts_with("==")
            || after.starts_with(": ") && !text[..at].ends_with('.')
    });
    assigned || names_otherwise(text, name)
}
