//! Objects that tests hand on: `Service(Repository(url)).read()` calls the repository's methods, whatever the service calls
//! the class of what it is given.

use std::collections::{BTreeSet, HashSet};

use super::chains::chain_of;
use super::links::Linker;
use super::program::{Binding, How, ScopeIx, ScopeKind, Use};
use super::resolve::Target;

impl<'s> Linker<'_, '_, 's, '_, '_> {
    /// Leads from where a test, or a fixture, hands an object of the project on to the methods of it that bear a name which
    /// whoever is given it uses.
    pub(super) fn hands_on(&mut self, used: &Use<'s>, target: Option<&Target>, via: &[u64]) {
        let program = self.resolver.program;
        let Some(call) = used.given_to.filter(|_| program.is_for_tests(self.scope)) else { return };
        let class = match (used.how, target) {
            (How::Argument, Some(Target::Instance(class))) => *class,
            (How::Call(_), Some(Target::Scope(class)))
                if matches!(program.scope(*class).kind, ScopeKind::Class(_)) =>
            {
                *class
            }
            _ => return,
        };
        let Some(chain) = chain_of(&call.func) else { return };
        let Some(Target::Scope(receiver)) = self.resolver.resolve(self.scope, &chain).target else { return };
        let names = self.names_used_by(receiver);
        if names.is_empty() {
            return;
        }
        let mut found: BTreeSet<&str> = BTreeSet::new();
        for base in self.resolver.mro(class).iter() {
            let Target::Scope(base) = *base else { continue };
            for (name, binding) in &program.scope(base).names {
                if let Binding::Scope(method) = *binding
                    && matches!(program.scope(method).kind, ScopeKind::Function(_))
                    && names.contains(name)
                    && found.insert(name)
                {
                    self.push(used, self.resolver.as_seen(class, method), via);
                }
            }
        }
    }

    /// Returns the names behind others that a function uses, or all methods of a class.
    fn names_used_by(&self, receiver: ScopeIx) -> HashSet<&'s str> {
        let program = self.resolver.program;
        let names = |scope: ScopeIx| {
            program.scope(scope).uses.iter().flat_map(|used| used.chain.iter().skip(1).copied())
        };
        match program.scope(receiver).kind {
            ScopeKind::Function(_) => names(receiver).collect(),
            ScopeKind::Class(_) => {
                let order = self.resolver.mro(receiver);
                let own = order
                    .iter()
                    .filter_map(|base| if let Target::Scope(base) = *base { Some(base) } else { None });
                let methods =
                    own.flat_map(|base| &program.scope(base).names).filter_map(
                        |(_, binding)| match binding {
                            Binding::Scope(method) => Some(*method),
                            _ => None,
                        },
                    );
                methods.flat_map(names).collect()
            }
            _ => HashSet::new(),
        }
    }
}
