//! What names mean that `from … import *` brings.

use super::chains::strings_of;
use super::program::{Binding, Import, ModuleIx, Program, Scope, ScopeIx, ScopeKind, binding_mark};
use super::resolve::{Resolver, Target};

impl<'s> Resolver<'_, 's, '_> {
    /// Returns the module that a `from … import *` takes its names from.
    pub(super) fn star_module(&self, from: &str, star: &Import<'s>) -> Option<ModuleIx> {
        self.locator.module(from, star).and_then(|file| self.module_of(file))
    }

    /// Returns what a name means that a module has from another, whatever that one lists: a list may be put together.
    pub(super) fn starred(
        &self,
        module: ModuleIx,
        name: &str,
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        let stars = self.names.stars.get(module.0 as usize).filter(|stars| !stars.is_empty())?;
        let mut seen = vec![module];
        let mut all = stars.iter().rev();
        let from = all.find_map(|(from, _)| self.exporter(*from, name, false, &mut seen))?;
        self.exported(from, name, via, steps)
    }

    fn exported(&self, from: ScopeIx, name: &str, via: &mut Vec<u64>, steps: u32) -> Option<Target> {
        let binding = self.program.scope(from).binding(name)?;
        via.push(binding_mark(from, name));
        self.bound(from, binding, via, steps.checked_sub(1)?)
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
        let mut later = stars.iter().rev().filter(|(_, behind)| *behind > at);
        let from = later.find_map(|(from, _)| self.exporter(*from, name, true, &mut seen))?;
        self.exported(from, name, via, steps)
    }

    /// Returns the scope of the module that binds a name which a module exports, itself or one of which it imports all names;
    /// where it must be certain, only what the module lists, or what has no underscore.
    fn exporter(
        &self,
        module: ModuleIx,
        name: &str,
        certain: bool,
        seen: &mut Vec<ModuleIx>,
    ) -> Option<ScopeIx> {
        if seen.contains(&module) {
            return None;
        }
        seen.push(module);
        let scope = self.program.module(module).scope;
        let here = self.program.scope(scope);
        let exports = || match listed_in(self.program, here) {
            Some(names) if !names.is_empty() => names.contains(&name),
            _ => !name.starts_with('_'),
        };
        if certain && !exports() {
            return None;
        }
        if here.binding(name).is_some() {
            return Some(scope);
        }
        let stars = self.names.stars.get(module.0 as usize)?;
        stars.iter().rev().find_map(|(from, _)| self.exporter(*from, name, certain, seen))
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
