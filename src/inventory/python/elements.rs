//! What a loop takes from a value, `for store in self.stores: store.flush()`, and what an annotation says.
//!
//! Of a list that is written out, or made of calls, it is what all of them are; of one that is annotated what the annotation
//! says. Where neither shows it, a method that only one class of the project has says whose object it is.

use std::collections::HashMap;

use ruff_python_ast::Expr;

use super::chains::{chain_of, is_name};
use super::program::{Binding, Program, ScopeIx, ScopeKind, binding_mark};
use super::resolve::{Resolver, Target};

/// For the name of a method the one class that has it, or nothing where several have it.
pub(super) type Owners<'s> = HashMap<&'s str, Option<ScopeIx>>;

/// Returns whose methods bear a name that no other class has, be it one of tests. Names of one word are those of too many
/// things of libraries.
fn owners_of<'s>(program: &Program<'s>) -> Owners<'s> {
    let mut owners = Owners::new();
    for class in program.scope_indices() {
        if !matches!(program.scope(class).kind, ScopeKind::Class(_)) {
            continue;
        }
        for method in program.methods_of(class) {
            let name = program.scope(method).name;
            if !name.starts_with('_') && name.contains('_') {
                owners.entry(name).and_modify(|owner| *owner = None).or_insert(Some(class));
            }
        }
    }
    owners
}

impl<'s> Resolver<'_, 's, '_> {
    /// Returns what the elements of a value are.
    pub(super) fn element(
        &self,
        scope: ScopeIx,
        values: &'s Expr,
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        self.each(scope, values, false, via, steps)
    }

    /// The same; `mapped` asks for the values of a dictionary rather than for its keys.
    fn each(
        &self,
        scope: ScopeIx,
        values: &'s Expr,
        mapped: bool,
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        match values {
            Expr::List(list) => self.common(scope, list.elts.iter(), via, steps),
            Expr::Tuple(tuple) => self.common(scope, tuple.elts.iter(), via, steps),
            Expr::Set(set) => self.common(scope, set.elts.iter(), via, steps),
            Expr::Dict(dict) if mapped => {
                self.common(scope, dict.items.iter().map(|item| &item.value), via, steps)
            }
            Expr::Dict(dict) => {
                self.common(scope, dict.items.iter().filter_map(|item| item.key.as_ref()), via, steps)
            }
            Expr::ListComp(list) => self.value(scope, &list.elt, via, steps),
            Expr::SetComp(set) => self.value(scope, &set.elt, via, steps),
            Expr::Generator(each) => self.value(scope, &each.elt, via, steps),
            Expr::DictComp(dict) if mapped => self.value(scope, &dict.value, via, steps),
            Expr::Call(call) => match (&*call.func, call.arguments.args.first()) {
                (Expr::Attribute(method), None)
                    if matches!(method.attr.as_str(), "values" | "items" | "copy") =>
                {
                    self.each(scope, &method.value, mapped || method.attr.as_str() != "copy", via, steps)
                }
                (func, Some(first))
                    if is_name(
                        func,
                        &["enumerate", "iter", "list", "reversed", "set", "sorted", "tuple"],
                    ) =>
                {
                    self.each(scope, first, mapped, via, steps)
                }
                _ => None,
            },
            Expr::Name(_) | Expr::Attribute(_) => match self.held(scope, &chain_of(values)?, via, steps)? {
                (_, Binding::Local(value, at)) => self.each(at, value, mapped, via, steps),
                (_, Binding::Scope(ix)) => match self.program.scope(ix).kind {
                    ScopeKind::Value(value) => {
                        let around = self.program.scope(ix).parent.unwrap_or(ix);
                        self.each(around, value, mapped, via, steps)
                    }
                    _ => None,
                },
                (at, Binding::Parameter(annotation)) => match annotation? {
                    Expr::Subscript(subscript) => {
                        let element = match &*subscript.slice {
                            // `dict[str, Store]`
                            Expr::Tuple(tuple) => tuple.elts.last()?,
                            element => element,
                        };
                        self.instance_of(self.program.scope(at).parent.unwrap_or(at), element, via, steps)
                    }
                    _ => None,
                },
                (_, Binding::Import(_) | Binding::Element(..) | Binding::Opaque) => None,
            },
            _ => None,
        }
    }

    /// Returns what a name of a loop is by the method that is called upon it, where the application itself fills what the loop
    /// goes over: `self.stores = {}`. What tests fill, or a parameter is given, can be a stand-in.
    pub(super) fn by_method(
        &self,
        scope: ScopeIx,
        chain: &[&str],
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        let [name, method, ..] = chain else { return None };
        let owner = (*self.owners.get_or_init(|| owners_of(self.program)).get(method)?)?;
        let (_, Binding::Element(values, at)) = self.held(scope, &[name], via, steps)? else { return None };
        let inner = match values {
            Expr::Call(call) if call.arguments.is_empty() => match &*call.func {
                Expr::Attribute(method) => &*method.value,
                _ => values,
            },
            values => values,
        };
        let filled = match self.held(at, &chain_of(inner)?, via, steps)? {
            (_, Binding::Local(value, _)) => value,
            (_, Binding::Scope(ix)) => match self.program.scope(ix).kind {
                ScopeKind::Value(value) => value,
                _ => return None,
            },
            _ => return None,
        };
        let is_empty = match filled {
            Expr::Dict(dict) => dict.items.is_empty(),
            Expr::List(list) => list.elts.is_empty(),
            Expr::Call(call) => is_name(&call.func, &["defaultdict", "dict", "list", "set"]),
            _ => false,
        };
        (is_empty && !self.program.is_for_tests(scope)).then_some(Target::Instance(owner))
    }

    /// Returns an object of the class that an annotation names.
    pub(super) fn instance_of(
        &self,
        scope: ScopeIx,
        annotation: &Expr,
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        match annotation {
            Expr::Name(_) | Expr::Attribute(_) => {
                match self.chain(scope, &chain_of(annotation)?, via, steps)? {
                    Target::Scope(class) if matches!(self.program.scope(class).kind, ScopeKind::Class(_)) => {
                        Some(Target::Instance(class))
                    }
                    // Whoever passes an object of a library in has made it elsewhere.
                    _ => None,
                }
            }
            // `Annotated[Redis, Depends(get_redis)]`, `Optional[Redis]`, `Redis | None`
            Expr::Subscript(subscript) => match &*subscript.slice {
                Expr::Tuple(tuple) => self.instance_of(scope, tuple.elts.first()?, via, steps),
                inner => self.instance_of(scope, inner, via, steps),
            },
            Expr::BinOp(union) => self.instance_of(scope, &union.left, via, steps),
            _ => None,
        }
    }

    /// Returns what all of these values are, where they are the same.
    fn common(
        &self,
        scope: ScopeIx,
        mut values: impl Iterator<Item = &'s Expr>,
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        let first = self.value(scope, values.next()?, via, steps)?;
        // A long list is data.
        values
            .take(16)
            .all(|value| self.value(scope, value, via, steps).as_ref() == Some(&first))
            .then_some(first)
    }

    /// Returns what a name is bound to in a class and in those that it inherits from, the nearest first, each with the class.
    pub(super) fn bindings_of(&self, class: ScopeIx, name: &str) -> Vec<(ScopeIx, Binding<'s>)> {
        let bound = |base: &Target| match *base {
            Target::Scope(base) => Some((base, self.program.scope(base).binding(name)?)),
            Target::External(_) | Target::Instance(_) => None,
        };
        self.mro(class).iter().filter_map(bound).collect()
    }

    /// Returns what holds a name, or an attribute of `self`, with the scope that it is of.
    fn held(
        &self,
        scope: ScopeIx,
        chain: &[&str],
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<(ScopeIx, Binding<'s>)> {
        steps.checked_sub(1)?;
        match chain {
            ["self" | "cls", name] => self.bindings_of(self.class_around(scope)?, name).into_iter().next(),
            [name] => {
                let mut at = Some(scope);
                while let Some(ix) = at {
                    let here = self.program.scope(ix);
                    let visible = ix == scope || !matches!(here.kind, ScopeKind::Class(_));
                    if visible && let Some(binding) = here.binding(name) {
                        via.push(binding_mark(ix, name));
                        return Some((ix, binding));
                    }
                    at = here.parent;
                }
                None
            }
            _ => None,
        }
    }
}
