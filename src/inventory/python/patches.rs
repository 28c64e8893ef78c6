//! What is replaced by something else while a test runs.

use std::collections::BTreeSet;

use super::links::Links;
use super::program::{Patch, ScopeIx, ScopeKind, binding_mark};
use super::resolve::{Named, Resolver, Target};

/// Returns the marks of the names that a scope replaces while a test runs, by itself or through a helper that it
/// calls.
pub(super) fn patched(resolver: &Resolver<'_, '_, '_>, links: &[Links], scope: ScopeIx) -> Vec<u64> {
    let mut marks = patched_here(resolver, scope);
    let mut seen = BTreeSet::from([scope]);
    let mut open = vec![(scope, 0)];
    while let Some((at, depth)) = open.pop() {
        for link in &links[at.0 as usize].out {
            let helper = resolver.program.scope(link.to);
            if depth < 2
                && matches!(helper.kind, ScopeKind::Function(_))
                && seen.len() < 64
                && seen.insert(link.to)
            {
                marks.extend(patched_here(resolver, link.to));
                open.push((link.to, depth + 1));
            }
        }
    }
    marks
}

/// Returns the marks of the names that a scope itself replaces.
pub(super) fn patched_here(resolver: &Resolver<'_, '_, '_>, scope: ScopeIx) -> Vec<u64> {
    let mut marks = Vec::new();
    for patch in &resolver.program.scope(scope).patches {
        match patch {
            Patch::Path(path) => match resolver.resolve_path(scope, path) {
                Some(Named::In(at, name)) => marks.push(binding_mark(at, &name)),
                // A class of a library: whoever uses it by that name.
                Some(Named::Outside(path)) => marks.push(external_mark(&path)),
                None => marks.push(external_mark(path)),
            },
            Patch::Attribute(chain, name) => match resolver.resolve(scope, chain).target {
                Some(Target::Scope(at) | Target::Instance(at)) => {
                    marks.push(binding_mark(at, name));
                    // The name may be one that the class inherits.
                    if matches!(resolver.program.scope(at).kind, ScopeKind::Class(_)) {
                        marks.extend(resolver.mro(at).iter().filter_map(|base| match base {
                            Target::Scope(base) => Some(binding_mark(*base, name)),
                            _ => None,
                        }));
                    }
                }
                Some(Target::External(path)) => marks.push(external_mark(&format!("{path}.{name}"))),
                None => {}
            },
            Patch::Function(chain) => {
                let program = resolver.program;
                if let Some(Target::Scope(at)) = resolver.resolve(scope, chain).target
                    && let Some(around) = program.scope(at).parent
                {
                    marks.push(binding_mark(around, program.scope(at).name));
                }
            }
        }
    }
    marks
}

/// Returns what stands for something outside of the program and for all that it is a part of: whoever replaces one of them
/// replaces it.
pub(super) fn marks_of_external(path: &str) -> impl Iterator<Item = u64> {
    path.match_indices('.').map(|(at, _)| &path[..at]).chain([path]).map(external_mark)
}

fn external_mark(path: &str) -> u64 {
    binding_mark(ScopeIx(u32::MAX), path)
}
