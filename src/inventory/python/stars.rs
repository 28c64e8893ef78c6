//! What names mean that `from … import *` brings.

use super::chains::strings_of;
use super::program::{Binding, Import, ModuleIx, Program, Scope, ScopeIx, ScopeKind, binding_mark};
use super::resolve::{Resolver, Target};

impl<'s> Resolver<'_, 's, '_> {
    /// Returns the module that a `from … import *` takes its names from.
    pub(super) fn star_module(&self, from: &str, star: &Import<'s>) -> Option<ModuleIx> {
        self.locator.module(from, star).and_then(|file| self.module_of(file))
    }

    pub(super) fn starred(
        &self,
        module: ModuleIx,
        name: &str,
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        let stars = self.names.stars.get(module.0 as usize)?;
        let mut stars = stars.iter().rev();
        stars.find_map(|(from, _)| self.member(self.program.module(*from).scope, name, via, steps))
    }

    /// Returns what a name of a module means to which an import of all names gives another meaning further down:
    /// `from .local_settings import *`.
    pub(super) fn starred_later(
        &self,
        scope: ScopeIx,
        name: &str,
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        let here = self.program.scope(scope);
        let stars = self.names.stars.get(here.module.0 as usize).filter(|stars| !stars.is_empty())?;
        if !matches!(here.kind, ScopeKind::Module) {
            return None;
        }
        let at = here.position(name)?;
        let mut seen = vec![here.module];
        let later = stars.iter().rev().filter(|(_, behind)| *behind > at);
        let from = later.into_iter().find_map(|(from, _)| self.exporter(*from, name, &mut seen))?;
        let binding = self.program.scope(from).binding(name)?;
        via.push(binding_mark(from, name));
        self.bound(from, binding, via, steps.checked_sub(1)?)
    }

    /// Returns the scope of the module that binds a name which a module exports, itself or one of which it imports all names.
    fn exporter(&self, module: ModuleIx, name: &str, seen: &mut Vec<ModuleIx>) -> Option<ScopeIx> {
        if seen.contains(&module) {
            return None;
        }
        seen.push(module);
        let scope = self.program.module(module).scope;
        let here = self.program.scope(scope);
        let listed = listed_in(self.program, here);
        let exports = match listed {
            Some(names) if !names.is_empty() => names.contains(&name),
            _ => !name.starts_with('_'),
        };
        if !exports {
            return None;
        }
        if here.binding(name).is_some() {
            return Some(scope);
        }
        let stars = self.names.stars.get(module.0 as usize)?;
        stars.iter().rev().find_map(|(from, _)| self.exporter(*from, name, seen))
    }
}

/// Returns the names that a module lists in `__all__`.
pub(super) fn listed_in<'s>(program: &Program<'s>, module: &Scope<'s>) -> Option<Vec<&'s str>> {
    let Binding::Scope(ix) = module.binding("__all__")? else { return None };
    match program.scope(ix).kind {
        ScopeKind::Value(value) => Some(strings_of(value)),
        _ => None,
    }
}
