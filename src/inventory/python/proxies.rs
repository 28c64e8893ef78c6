//! Objects that hand what is asked of them on to another: `def __getattr__(self, name): return getattr(self.client, name)`.

use ruff_python_ast::Expr;

use super::chains::{chain_of, is_name};
use super::program::{Binding, ScopeIx, ScopeKind};
use super::resolve::{Resolver, Target};
use super::shapes::returns_of;

/// What asks an object for a name that its class does not have.
const ASKED: &str = "__getattr__";

impl Resolver<'_, '_, '_> {
    /// Returns what a name means that a class does not have and whose objects hand it on to another.
    pub(super) fn behind_proxy(
        &self,
        class: ScopeIx,
        name: &str,
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        // What Python looks up by itself is never asked for.
        if name.starts_with("__") {
            return None;
        }
        let (_, binding) = self.bindings_of(class, ASKED).into_iter().next()?;
        let Binding::Scope(method) = binding else { return None };
        let ScopeKind::Function(def) = self.program.scope(method).kind else { return None };
        let method = self.as_seen(class, method);
        returns_of(&def.body).into_iter().find_map(|value| {
            let Expr::Call(call) = value else { return None };
            let behind = call.arguments.args.first().filter(|_| is_name(&call.func, &["getattr"]))?;
            // Of `self` itself it would ask for ever.
            chain_of(behind).filter(|chain| chain.len() > 1 || !matches!(chain[0], "self" | "cls"))?;
            let object = self.value(method, behind, via, steps)?;
            self.attribute(object, name, via, steps)
        })
    }
}
