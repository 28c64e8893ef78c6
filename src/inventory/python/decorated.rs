//! What a decorator's inner function is given as `self`: an object of the class whose methods it decorates.

use std::collections::{HashMap, HashSet};

use super::chains::decorator_chain;
use super::program::{ScopeIx, ScopeKind};
use super::resolve::{Resolver, Target};

/// The functions that decorate methods, each with the class where it is one only.
pub(super) type Decorators = HashMap<ScopeIx, Option<ScopeIx>>;

/// Finds the functions with one within them that is given `self`, and the classes whose methods they decorate.
pub(super) fn decorators(resolver: &Resolver<'_, '_, '_>) -> Decorators {
    let program = resolver.program;
    let given_self = |ix: &ScopeIx| match program.scope(*ix).kind {
        ScopeKind::Function(def) => {
            (&*def.parameters).into_iter().next().is_some_and(|first| first.name().as_str() == "self")
        }
        _ => false,
    };
    let around: HashSet<ScopeIx> =
        program.scope_indices().filter(given_self).filter_map(|ix| outermost(resolver, ix)).collect();
    let names: HashSet<&str> = around.iter().map(|ix| program.scope(*ix).name).collect();
    let mut found = Decorators::new();
    if names.is_empty() {
        return found;
    }
    for method in program.scope_indices() {
        let scope = program.scope(method);
        let Some(class) = scope.parent.filter(|ix| matches!(program.scope(*ix).kind, ScopeKind::Class(_)))
        else {
            continue;
        };
        let decorating = scope.uses.iter().filter(|used| used.decorator);
        for used in decorating.filter(|used| used.chain.last().is_some_and(|name| names.contains(name))) {
            if let Some(Target::Scope(decorator)) = resolver.resolve(method, &used.chain).target
                && around.contains(&decorator)
            {
                let known = found.entry(decorator).or_insert(Some(class));
                *known = known.filter(|known| *known == class);
            }
        }
    }
    found
}

impl Resolver<'_, '_, '_> {
    /// Returns the class of what is `self` in a function that stands within a decorator.
    pub(super) fn class_decorated(&self, scope: ScopeIx) -> Option<ScopeIx> {
        *self.decorators.get(&outermost(self, scope)?)?
    }
}

/// Returns whether a function is given its class, and no object of it.
pub(super) fn is_given_class(kind: ScopeKind<'_>) -> bool {
    let ScopeKind::Function(def) = kind else { return false };
    matches!(def.name.as_str(), "__new__" | "__init_subclass__" | "__class_getitem__")
        || def.decorator_list.iter().filter_map(decorator_chain).any(|chain| {
            chain.last().is_some_and(|last| {
                matches!(
                    *last,
                    "classmethod" | "declared_attr" | "root_validator" | "validator" | "field_validator"
                )
            })
        })
}

/// Returns the outermost function around one, where that belongs to no class.
fn outermost(resolver: &Resolver<'_, '_, '_>, scope: ScopeIx) -> Option<ScopeIx> {
    let program = resolver.program;
    let mut at = program.scope(scope).parent?;
    loop {
        let here = program.scope(at);
        match (here.kind, here.parent) {
            (ScopeKind::Function(_), Some(parent)) => match program.scope(parent).kind {
                ScopeKind::Module => return Some(at),
                _ => at = parent,
            },
            _ => return None,
        }
    }
}
