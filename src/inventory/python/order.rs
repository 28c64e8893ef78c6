//! The order in which Python looks for a name of a class.

use std::cell::Cell;
use std::sync::Arc;

use ruff_python_ast::Expr;

use super::fuel::with_fuel_kept;
use super::program::{ScopeIx, ScopeKind};
use super::resolve::{MAX_STEPS, Resolver, Target};

thread_local! {
    /// The classes that a class inherits from are being looked for.
    static ORDERING: Cell<bool> = const { Cell::new(false) };
}

impl Resolver<'_, '_, '_> {
    /// Returns a class and the classes that it inherits from, in the order in which Python looks for a name: depth
    /// first, each class once, at its last place.
    pub(super) fn mro(&self, class: ScopeIx) -> Arc<[Target]> {
        // Within the search for an order another is looked for with what fuel is left, and is not kept.
        if ORDERING.get() {
            return self.ordered(class);
        }
        let known = &self.names.orders[class.0 as usize];
        if let Some(known) = known.get() {
            return known.clone();
        }
        ORDERING.set(true);
        let order = with_fuel_kept(|| self.ordered(class));
        ORDERING.set(false);
        known.get_or_init(|| order).clone()
    }

    fn ordered(&self, class: ScopeIx) -> Arc<[Target]> {
        let mut order = Vec::new();
        self.linearise(class, &mut order, &mut Vec::new());
        let mut kept: Vec<Target> = Vec::new();
        for target in order.into_iter().rev() {
            if !kept.contains(&target) {
                kept.push(target);
            }
        }
        kept.reverse();
        kept.into()
    }

    fn linearise(&self, class: ScopeIx, order: &mut Vec<Target>, open: &mut Vec<ScopeIx>) {
        if open.contains(&class) || open.len() > 32 || order.len() > 256 {
            return;
        }
        open.push(class);
        order.push(Target::Scope(class));
        let scope = self.program.scope(class);
        if let Some(told) = &scope.told {
            self.linearise(told.of, order, open);
            open.pop();
            return;
        }
        if let ScopeKind::Class(def) = scope.kind {
            for base in def.bases() {
                let base = if let Expr::Subscript(generic) = base { &*generic.value } else { base };
                let outer = scope.parent.unwrap_or(class);
                match self.value(outer, base, &mut Vec::new(), MAX_STEPS) {
                    Some(Target::Scope(base))
                        if matches!(self.program.scope(base).kind, ScopeKind::Class(_)) =>
                    {
                        self.linearise(base, order, open);
                    }
                    Some(Target::External(path)) => order.push(Target::External(path)),
                    _ => {}
                }
            }
        }
        open.pop();
    }
}
