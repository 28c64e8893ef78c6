//! What an application keeps for its requests: `app.state.redis = Redis()`, read as `request.app.state.redis`.

use std::collections::HashMap;

use ruff_python_ast::Expr;

use super::chains::{CALLED, chain_of};
use super::program::{Module, ScopeIx};
use super::resolve::{Resolver, Target};

/// What applications of Starlette, Sanic and Flask keep things in.
const HOLDERS: &[&str] = &["ctx", "g", "state"];

/// A value that is kept, by its name, with the scope that keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept<'s> {
    pub(super) name: &'s str,
    pub(super) value: &'s Expr,
    pub(super) by: ScopeIx,
}

/// Values by the names that they are kept under, where nothing else is.
pub(super) type Keepers<'s> = HashMap<&'s str, Option<Kept<'s>>>;

/// Returns the name that an assignment keeps its value under.
pub(super) fn kept_under(target: &Expr) -> Option<&str> {
    match *chain_of(target)? {
        [_, .., holder, name] if HOLDERS.contains(&holder) => Some(name),
        ["g", name] => Some(name),
        _ => None,
    }
}

/// Returns what the modules of a program keep. Of what is kept twice under a name, by a test for one, nobody knows which is
/// meant.
pub(super) fn keepers<'s>(modules: &[Module<'s>]) -> Keepers<'s> {
    let mut found = Keepers::new();
    for kept in modules.iter().flat_map(|module| &module.kept) {
        // `app.state.redis = None` says what is there before and after.
        if kept.value.is_none_literal_expr() {
            continue;
        }
        found.entry(kept.name).and_modify(|known| *known = None).or_insert(Some(*kept));
    }
    found
}

impl Resolver<'_, '_, '_> {
    /// Returns what a name with its attributes means that goes through what an application keeps.
    pub(super) fn behind_holder(&self, chain: &[&str], via: &mut Vec<u64>, steps: u32) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        let at = chain.iter().position(|name| HOLDERS.contains(name))?;
        let name = chain.get(at + 1).filter(|_| at > 0 || chain[0] == "g")?;
        let kept = (*self.program.kept.get(name)?)?;
        let mut found = self.value(kept.by, kept.value, via, steps)?;
        for name in &chain[at + 2..] {
            found = if *name == CALLED {
                self.called(found, via, steps)?
            } else {
                self.attribute(found, name, via, steps)?
            };
        }
        Some(found)
    }
}
