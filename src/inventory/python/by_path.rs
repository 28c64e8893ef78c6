//! Classes that are named by their dotted paths and imported while the program runs: `import_string(settings.BACKEND)()`.

use std::cell::Cell;
use std::collections::HashMap;

use ruff_python_ast::{Expr, ExprCall};

use super::chains::{chain_of, is_name};
use super::fuel::with_fuel_kept;
use super::hints::hints_of;
use super::program::{Binding, How, ScopeIx, ScopeKind};
use super::resolve::{Named, Resolver, Target};
use super::shapes::returns_of;
use super::tables::is_path;

/// Functions of libraries that import what they are given by its path, or the module that it stands in.
const IMPORTS: &[&str] = &[
    "__import__",
    "import_by_path",
    "import_module",
    "import_object",
    "import_string",
    "load_object",
    "locate",
    "symbol_by_name",
];

/// What Django's settings are known by.
pub(super) const DJANGO_SETTINGS: &str = "django.conf.settings";

/// How far functions are followed that call one which imports.
const ROUNDS: usize = 3;

thread_local! {
    /// A class is being looked for by its path.
    static SEARCHING: Cell<bool> = const { Cell::new(false) };
}

/// What a function gives that imports a class by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    Class,
    Object,
}

/// The functions of the program that import a class by its path, each with what it gives.
pub(super) type Importers = HashMap<ScopeIx, Gives>;

/// Finds the functions that import a class by its path, or that call one.
pub(super) fn importers(resolver: &Resolver<'_, '_, '_>) -> Importers {
    let program = resolver.program;
    let mut found = Importers::new();
    let mut names: Vec<&str> = Vec::new();
    for round in 0..=ROUNDS {
        let mut more: Vec<(ScopeIx, Gives)> = Vec::new();
        for ix in program.scope_indices() {
            let ScopeKind::Function(def) = program.scope(ix).kind else { continue };
            if found.contains_key(&ix) {
                continue;
            }
            let imports = program.scope(ix).uses.iter().any(|used| match used.how {
                How::Call(call) if round == 0 => {
                    used.chain.last().is_some_and(|last| IMPORTS.contains(last))
                        && !call.arguments.args.first().is_some_and(Expr::is_string_literal_expr)
                }
                How::Call(_) => {
                    used.chain.last().is_some_and(|last| names.contains(last))
                        && matches!(resolver.resolve(ix, &used.chain).target,
                            Some(Target::Scope(to)) if found.contains_key(&to))
                }
                _ => false,
            });
            let returned = returns_of(&def.body);
            if imports && !returned.is_empty() {
                let makes = |value: &&Expr| makes_object(resolver, &found, ix, value);
                more.push((ix, if returned.iter().any(makes) { Gives::Object } else { Gives::Class }));
            }
        }
        names = more.iter().map(|(ix, _)| program.scope(*ix).name).collect();
        found.extend(more);
        if names.is_empty() {
            break;
        }
    }
    found
}

/// Returns whether a function that imports a class returns an object of it by this expression: `cls(**options)`.
fn makes_object(resolver: &Resolver<'_, '_, '_>, known: &Importers, function: ScopeIx, value: &Expr) -> bool {
    let program = resolver.program;
    let local = |name: &str| match program.scope(function).binding(name) {
        Some(Binding::Local(value, _)) => Some(value),
        _ => None,
    };
    match value {
        Expr::Name(name) => match local(name.id.as_str()) {
            Some(Expr::Call(call)) => makes_by(resolver, known, function, call),
            _ => false,
        },
        Expr::Call(call) => makes_by(resolver, known, function, call),
        _ => false,
    }
}

fn makes_by(resolver: &Resolver<'_, '_, '_>, known: &Importers, function: ScopeIx, call: &ExprCall) -> bool {
    match &*call.func {
        // `import_string(path)(**options)`
        Expr::Call(inner) => {
            is_name(&inner.func, IMPORTS)
                || is_name(&inner.func, &["getattr"])
                || chain_of(&inner.func).is_some_and(|chain| {
                    matches!(resolver.resolve(function, &chain).target,
                        Some(Target::Scope(to)) if known.contains_key(&to))
                })
        }
        Expr::Name(name)
            if matches!(
                resolver.program.scope(function).binding(name.id.as_str()),
                Some(Binding::Local(Expr::Call(_), _))
            ) =>
        {
            true
        }
        func => chain_of(func).is_some_and(|chain| {
            matches!(resolver.resolve(function, &chain).target,
                Some(Target::Scope(to)) if known.get(&to) == Some(&Gives::Object))
        }),
    }
}

impl<'s> Resolver<'_, 's, '_> {
    /// Returns the value of a setting of Django's.
    pub(super) fn setting(&self, name: &str, via: &mut Vec<u64>, steps: u32) -> Option<Target> {
        self.settings.get()?.iter().find_map(|module| match self.member(*module, name, via, steps)? {
            Target::Scope(ix) if matches!(self.program.scope(ix).kind, ScopeKind::Value(_)) => {
                Some(Target::Scope(ix))
            }
            _ => None,
        })
    }

    /// Returns the class, or the object of it, that a call gives which imports it by its path.
    pub(super) fn by_path(&self, scope: ScopeIx, callee: &Target, call: &'s ExprCall) -> Option<Target> {
        let (gives, within) = match callee {
            Target::External(path) => {
                let last = path.rsplit('.').next().unwrap_or(path);
                (IMPORTS.contains(&last).then_some(Gives::Class)?, None)
            }
            Target::Scope(function) => (*self.importers.get(function)?, Some(*function)),
            Target::Instance(_) => return None,
        };
        if SEARCHING.replace(true) {
            return None;
        }
        let class = with_fuel_kept(|| {
            let said = call.arguments.args.iter().take(1);
            let said = said.chain(call.arguments.keywords.iter().map(|keyword| &keyword.value));
            let class = self.class_named(scope, said);
            class.or_else(|| {
                // The function itself knows which: `import_string(settings.BACKEND)`.
                let function = within?;
                self.program.scope(function).uses.iter().find_map(|used| match used.how {
                    How::Call(call) if used.chain.last().is_some_and(|last| IMPORTS.contains(last)) => {
                        self.class_named(function, call.arguments.args.iter().take(1))
                    }
                    _ => None,
                })
            })
        });
        SEARCHING.set(false);
        let class = class?;
        Some(if gives == Gives::Object { Target::Instance(class) } else { Target::Scope(class) })
    }

    /// Returns the class of the program that expressions name by a path, where it is one only.
    fn class_named(&self, scope: ScopeIx, exprs: impl Iterator<Item = &'s Expr>) -> Option<ScopeIx> {
        let hints = hints_of(self, scope, exprs);
        let mut classes: Vec<ScopeIx> = Vec::new();
        for path in hints.texts.iter().filter(|text| is_path(text)).take(16) {
            if let Some(Named::In(at, name)) = self.resolve_path(scope, path)
                && let Some(Target::Scope(class)) = self.resolve(at, &[name.as_str()]).target
                && matches!(self.program.scope(class).kind, ScopeKind::Class(_))
                && !classes.contains(&class)
            {
                classes.push(class);
            }
        }
        let [class] = classes[..] else { return None };
        Some(class)
    }
}
