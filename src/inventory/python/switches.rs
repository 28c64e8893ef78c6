//! Switches of Django's settings: `if settings.CELERY_ENABLED: task.delay()`.
//!
//! What the settings of the tests turn off does not run. A test that names the switch may turn it on for itself; where a
//! conftest file or a helper names it, nobody knows for whom.

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::Expr;
use ruff_python_ast::visitor::{Visitor, walk_expr};

use super::choices::Choices;
use super::conditions::Subject;
use super::facts::Reader;
use super::frameworks::truth;
use super::links::setting_mark;
use super::program::{ModuleIx, Program, ScopeIx};
use super::resolve::{Resolver, Target};

/// The runners of tests turn this off, whatever the settings say.
const DEBUG: &str = "DEBUG";

/// Returns whether what is called so in a scope is the object of Django's settings.
pub(super) fn is_django(resolver: &Resolver<'_, '_, '_>, scope: ScopeIx) -> bool {
    matches!(resolver.resolve(scope, &["settings"]).target,
        Some(Target::External(path)) if path == "django.conf.settings")
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
        let settings = self.django_settings();
        let mut on: BTreeMap<&str, bool> = BTreeMap::new();
        let mut said_by: BTreeSet<ModuleIx> = settings.iter().copied().collect();
        for name in asked {
            let values: Vec<(ScopeIx, &Expr)> =
                settings.iter().filter_map(|module| self.value_of(&[*module], name)).collect();
            said_by.extend(values.iter().map(|(ix, _)| program.scope(*ix).module));
            let known = if name == DEBUG { Some(false) } else { self.agreed(name, &values) };
            on.extend(known.map(|known| (name, known)));
        }
        for (name, on) in on {
            let naming = naming(program, name, &said_by);
            if naming.is_subset(tests) {
                choices.add(setting_mark(name, !on), naming);
            }
        }
    }

    /// Returns whether a setting is on, where all modules that have it say the same.
    fn agreed(&self, name: &str, values: &[(ScopeIx, &'s Expr)]) -> Option<bool> {
        let mut each = values.iter().map(|(ix, value)| self.is_on(name, *ix, value));
        let first = each.next()??;
        each.all(|other| other == Some(first)).then_some(first)
    }

    /// Returns whether a value of the settings is true, where it is written once and nobody but the tests' own runner sets a
    /// variable that it asks for.
    fn is_on(&self, name: &str, ix: ScopeIx, value: &'s Expr) -> Option<bool> {
        let program = self.resolver.program;
        let scope = program.scope(program.module(program.scope(ix).module).scope);
        let written = scope.names.iter().filter(|(bound, _)| *bound == name).count();
        if written != 1 || scope.rebound.iter().any(|(bound, _)| *bound == name) {
            return None;
        }
        let sets = |variable: &&str| {
            self.environment.of_tests(variable).is_none() && !self.environment.values(variable).is_empty()
        };
        let mut texts = Texts(Vec::new());
        texts.visit_expr(value);
        if texts.0.iter().any(sets) {
            return None;
        }
        truth(value, self.environment)
    }
}

/// The texts within a value.
struct Texts<'s>(Vec<&'s str>);

impl<'s> Visitor<'s> for Texts<'s> {
    fn visit_expr(&mut self, expr: &'s Expr) {
        if let Expr::StringLiteral(text) = expr {
            self.0.push(text.value.to_str());
        }
        walk_expr(self, expr);
    }
}

/// Returns the modules of tests that name a setting, those aside that say what it is.
fn naming(program: &Program<'_>, name: &str, said_by: &BTreeSet<ModuleIx>) -> BTreeSet<ModuleIx> {
    let names = |module: &ModuleIx| {
        let module = program.module(*module);
        module.for_tests && module.file.text.contains(name)
    };
    (0..u32::try_from(program.modules.len()).unwrap_or(u32::MAX))
        .map(ModuleIx)
        .filter(|module| !said_by.contains(module) && names(module))
        .collect()
}
