//! Methods as objects of the classes that inherit them see them.
//!
//! A method of a base class that asks for `self.make_store()` means what the class of its object makes of the name. For
//! every class that inherits such a method, and in whose objects one of the names means something else than in the base
//! class, the method stands in the program once more, as a scope of its own whose `self` is an object of that class.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;

use super::arguments::{as_told, runs};
use super::chains::SUPER;
use super::conditions::{Condition, Known, Subject};
use super::flags::{flags_of, is_known_base, names_otherwise};
use super::program::{Binding, Knowledge, Module, Program, Scope, ScopeIx, ScopeKind, Told};
use super::resolve::{Resolver, Target};

/// As many methods are seen once more, and as many names that they use in all: what is in a project decides how much memory
/// they take. Beyond them, every object's methods are those of the class that defines them, and the inventory says so.
const MAX_METHODS: usize = 100_000;
const MAX_USES: usize = 2_000_000;

/// As many classes are looked at above one.
const MAX_BASES: usize = 32;

/// For a class and a method that it inherits, the scope that is the method for its objects.
pub(super) type Methods = HashMap<(ScopeIx, ScopeIx), ScopeIx>;

/// A method and what it asks its object for.
struct Method<'s> {
    scope: ScopeIx,
    /// The first names behind `self`.
    own: BTreeSet<&'s str>,
    /// The names behind `super()`.
    above: BTreeSet<&'s str>,
}

/// Adds to a program the methods that objects of inheriting classes see differently, and returns where they are.
pub(super) fn add_methods<'s>(program: &mut Program<'s>, wanted: &Wanted<'s>) -> Methods {
    let mut methods = Methods::with_capacity(wanted.methods.len());
    for (class, method) in &wanted.methods {
        let seen = ScopeIx(u32::try_from(program.scopes.len()).unwrap_or(u32::MAX));
        let written: Scope<'s> = program.scope(*method).clone();
        let flags = wanted.flags.get(class).map_or(&[][..], |flags| flags);
        let mut scope = match program.scope(*class).told.clone() {
            // An object knows what it was given.
            Some(told) => {
                let parameters = if told.constructor == Some(*method) { &*told.parameters } else { &[] };
                // What is given to it holds before what its class says.
                let attributes: Vec<_> = told.attributes.iter().chain(flags).copied().collect();
                let mut scope = as_told(written, parameters, &attributes);
                scope.told = Some(Box::new(Told {
                    of: *method,
                    constructor: None,
                    parameters: parameters.into(),
                    attributes: Box::default(),
                }));
                scope
            }
            None if flags.is_empty() => written,
            None => as_told(written, &[], flags),
        };
        scope.seen = Some(super::program::Seen { method: *method, class: *class });
        for (_, binding) in &mut scope.names {
            if let Binding::Local(_, at) | Binding::Element(_, at) = binding
                && at == method
            {
                *at = seen;
            }
        }
        program.scopes.push(scope);
        methods.insert((*class, *method), seen);
    }
    methods
}

/// The methods that are seen once more, and whether there are more of them than are.
pub(super) struct Wanted<'s> {
    pub(super) methods: Vec<(ScopeIx, ScopeIx)>,
    pub(super) more: bool,
    /// What is known of the attributes of a class's objects.
    flags: HashMap<ScopeIx, Knowledge<'s>>,
}

/// Returns every class with the methods that its objects see differently than the class that defines them.
pub(super) fn seen_differently<'s>(resolver: &Resolver<'_, 's, '_>) -> Wanted<'s> {
    let program = resolver.program;
    let classes: Vec<ScopeIx> =
        program.all_indices().filter(|ix| matches!(program.scope(*ix).kind, ScopeKind::Class(_))).collect();
    let bases: Vec<(ScopeIx, Vec<ScopeIx>)> = classes
        .par_iter()
        .filter_map(|class| {
            let own = resolver.mro(*class);
            let own: Vec<ScopeIx> = own
                .iter()
                .filter_map(|base| if let Target::Scope(base) = *base { Some(base) } else { None })
                .take(MAX_BASES)
                .collect();
            (own.len() > 1).then_some((*class, own))
        })
        .collect();
    let above: BTreeSet<ScopeIx> = bases.iter().flat_map(|(_, order)| order[1..].iter().copied()).collect();
    let methods: BTreeMap<ScopeIx, Vec<Method<'_>>> =
        above.into_iter().map(|class| (class, methods_of(program, class))).collect();
    let found: Vec<(Knowledge<'s>, BTreeSet<ScopeIx>)> = bases
        .par_iter()
        .map(|(class, order)| {
            let flags = {
                let known = resolver.mro(*class).iter().all(|base| match base {
                    Target::External(path) => is_known_base(path),
                    Target::Scope(_) | Target::Instance(_) => true,
                });
                let otherwise = |name: &str| {
                    let is_named = |module: &Module<'_>| names_otherwise(&module.file.text, name);
                    resolver.callees.set_from_outside.contains(name) || program.modules.iter().any(is_named)
                };
                if known && is_of_tests(resolver, *class) {
                    flags_of(program, order, otherwise)
                } else {
                    Knowledge::default()
                }
            };
            let found = seen_by(resolver, order, &methods, &flags);
            (flags, found)
        })
        .collect();
    let uses = |method: ScopeIx| program.scope(method).uses.len();
    let wanted = bases.iter().zip(&found);
    let wanted = wanted.flat_map(|((class, _), (_, found))| found.iter().map(|method| (*class, *method)));
    let (wanted, more) = within(wanted, uses, MAX_METHODS, MAX_USES);
    let flags = bases.iter().zip(found).filter(|(_, (flags, _))| !flags.is_empty());
    Wanted { methods: wanted, more, flags: flags.map(|((class, _), (flags, _))| (*class, flags)).collect() }
}

/// Takes methods for as long as there are few enough of them, with few enough uses of names.
fn within(
    found: impl Iterator<Item = (ScopeIx, ScopeIx)>,
    uses_of: impl Fn(ScopeIx) -> usize,
    max_methods: usize,
    max_uses: usize,
) -> (Vec<(ScopeIx, ScopeIx)>, bool) {
    let mut taken = Vec::new();
    let mut sum = 0;
    for (class, method) in found {
        sum += uses_of(method);
        if taken.len() == max_methods || sum > max_uses {
            return (taken, true);
        }
        taken.push((class, method));
    }
    (taken, false)
}

fn methods_of<'s>(program: &Program<'s>, class: ScopeIx) -> Vec<Method<'s>> {
    let mut found = Vec::new();
    for ix in program.methods_of(class) {
        let scope = program.scope(ix);
        let mut method = Method { scope: ix, own: BTreeSet::new(), above: BTreeSet::new() };
        for used in &scope.uses {
            match *used.chain {
                ["self" | "cls", name, ..] => method.own.insert(name),
                [SUPER, name, ..] => method.above.insert(name),
                _ => false,
            };
        }
        let asks = |condition: &Condition<'_>| matches!(condition.subject, Subject::Own(_));
        if !(method.own.is_empty() && method.above.is_empty()) || scope.conditions.iter().any(asks) {
            found.push(method);
        }
    }
    found
}

/// Returns the methods of the classes above the first one of `order` that objects of the first one see differently.
fn seen_by<'s>(
    resolver: &Resolver<'_, 's, '_>,
    order: &[ScopeIx],
    methods: &BTreeMap<ScopeIx, Vec<Method<'_>>>,
    flags: &[(&'s str, Known)],
) -> BTreeSet<ScopeIx> {
    let program = resolver.program;
    // The class in which a name is found, of those from a position on.
    let owner = |from: usize, name: &str| {
        order[from..].iter().copied().find(|class| program.scope(*class).binding(name).is_some())
    };
    let inherited = || {
        let classes = order.iter().enumerate().skip(1);
        classes.flat_map(|(at, class)| methods.get(class).into_iter().flatten().map(move |one| (at, one)))
    };
    let mut found: BTreeSet<ScopeIx> = inherited()
        .filter(|(at, method)| {
            let differs = |name: &&str| {
                let here = owner(0, name);
                // Most names are found where the method is, and nowhere before.
                here.is_some_and(|here| order[..*at].contains(&here))
                    && here != defined(resolver, order[*at], name)
            };
            let stops = || {
                let scope = program.scope(method.scope);
                scope.uses.iter().any(|used| !runs(scope, used, &[], flags))
            };
            method.own.iter().any(differs) || !flags.is_empty() && stops()
        })
        .map(|(_, method)| method.scope)
        .collect();
    if let Some(told) = order.first().and_then(|class| program.scope(*class).told.as_ref()) {
        found.extend(told.constructor);
    }
    if found.is_empty() {
        return found;
    }
    // Whoever calls such a method calls it for the same object.
    loop {
        let calls = |at: usize, method: &Method<'_>| {
            let leads = |from: usize, name: &str| {
                let class = owner(from, name)?;
                match program.scope(class).binding(name)? {
                    // A method, or what a method gave the object.
                    Binding::Scope(ix) | Binding::Local(_, ix) => Some(found.contains(&ix)),
                    _ => None,
                }
            };
            method.own.iter().any(|name| leads(0, name) == Some(true))
                || method.above.iter().any(|name| leads(at + 1, name) == Some(true))
        };
        let more: Vec<ScopeIx> = inherited()
            .filter(|(at, method)| !found.contains(&method.scope) && calls(*at, method))
            .map(|(_, method)| method.scope)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// Returns whether a class is one of tests: nobody but their runner makes objects of it.
fn is_of_tests(resolver: &Resolver<'_, '_, '_>, class: ScopeIx) -> bool {
    let is_case = |base: &Target| matches!(base, Target::External(path) if path.ends_with("TestCase"));
    resolver.program.scope(class).name.starts_with("Test") || resolver.mro(class).iter().any(is_case)
}

/// Returns the class in which objects of a class find a name.
fn defined(resolver: &Resolver<'_, '_, '_>, class: ScopeIx, name: &str) -> Option<ScopeIx> {
    resolver.mro(class).iter().find_map(|base| match *base {
        Target::Scope(base) => resolver.program.scope(base).binding(name).map(|_| base),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_taken_up_to_the_bounds_and_it_is_said_where_there_are_more() {
        let found = || (0..10).map(|at| (ScopeIx(at), ScopeIx(100 + at)));
        let taken = |max_methods, max_uses| {
            let (taken, more) = within(found(), |_| 3, max_methods, max_uses);
            (taken.len(), more)
        };
        assert_eq!(taken(10, 30), (10, false));
        assert_eq!(taken(9, 30), (9, true));
        assert_eq!(taken(10, 29), (9, true));
        assert_eq!(taken(10, 2), (0, true));
    }
}
