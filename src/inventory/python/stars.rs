//! What names mean that `from … import *` brings.

use super::program::{Import, ModuleIx, ScopeIx, ScopeKind};
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
        let steps = steps.checked_sub(1)?;
        let here = self.program.scope(scope);
        let stars = self.names.stars.get(here.module.0 as usize).filter(|stars| !stars.is_empty())?;
        if !matches!(here.kind, ScopeKind::Module) {
            return None;
        }
        let at = here.position(name)?;
        let mut later = stars.iter().rev().filter(|(_, behind)| *behind > at);
        later.find_map(|(from, _)| self.member(self.program.module(*from).scope, name, via, steps))
    }
}
