//! What runs where an object is made, called or used by what Python writes without a name: `with`, `in`, `[…]`.

use std::collections::BTreeSet;

use ruff_python_ast::ExprCall;

use super::chains::last_name;
use super::links::{Linker, TouchKind};
use super::patches::marks_of_external;
use super::program::{Binding, How, ScopeIx, Use, binding_mark};
use super::resolve::Target;
use super::signs::Called;

/// The methods that run where an object is made, or is used by a statement or an operator. Who makes an object uses it.
const LIFE_METHODS: &[&str] = &[
    "__init__",
    "__new__",
    "__post_init__",
    "__enter__",
    "__aenter__",
    "__exit__",
    "__aexit__",
    "__iter__",
    "__aiter__",
    "__next__",
    "__anext__",
    "__len__",
    "__contains__",
    "__getitem__",
    "__setitem__",
    "__delitem__",
];

/// Calls that keep what they are given for somebody who makes something of it: `params=[redis.Redis]`.
const MAKE_LATER: &[&str] = &["fixture", "param", "parametrize", "partial"];

/// Calls that look at a function that they are given, or stand in for it.
const LOOK_AT: &[&str] = &[
    "AsyncMock",
    "MagicMock",
    "Mock",
    "callable",
    "create_autospec",
    "getattr",
    "hasattr",
    "id",
    "isinstance",
    "patch",
    "repr",
    "setattr",
    "signature",
    "str",
    "type",
    "wraps",
];

impl<'s> Linker<'_, '_, 's, '_, '_> {
    /// Making an object runs its class's own methods of life, or makes a client where it inherits from one.
    pub(super) fn construct(&mut self, used: &Use<'s>, call: &'s ExprCall, class: ScopeIx, via: &[u64]) {
        self.make(used, class, via);
        for base in self.resolver.mro(class).iter() {
            if let Target::External(path) = base {
                self.external(used, call, path, via.to_vec());
            }
        }
    }

    /// The same where nothing says what the object is given.
    pub(super) fn make(&mut self, used: &Use<'s>, class: ScopeIx, via: &[u64]) {
        self.run(used, class, LIFE_METHODS, via);
    }

    /// `build_instance(settings.STORAGE)`: an object of the class that the setting names.
    pub(super) fn make_by_path(&mut self, used: &Use<'s>, target: Option<&Target>, via: &[u64]) {
        if let (Some(target), How::Call(call)) = (target, used.how)
            && let Some(Target::Instance(class)) = self.resolver.by_path(self.scope, target, call)
        {
            self.make(used, class, via);
        }
    }

    /// Calling an object runs its class's `__call__`.
    pub(super) fn call_object(&mut self, used: &Use<'s>, class: ScopeIx, via: &[u64]) {
        self.run(used, class, &["__call__"], via);
    }

    /// Links to the methods of these names that the objects of a class have.
    fn run(&mut self, used: &Use<'s>, class: ScopeIx, methods: &[&str], via: &[u64]) {
        let program = self.resolver.program;
        let mut found: BTreeSet<&str> = BTreeSet::new();
        for base in self.resolver.mro(class).iter() {
            let Target::Scope(base) = base else { continue };
            // Of two of a name the later holds.
            let own = program.scope(*base).names.iter().rev().filter(|(name, _)| name.starts_with("__"));
            for (method, binding) in own.filter(|(name, _)| methods.contains(name)) {
                if let Binding::Scope(to) = *binding
                    && found.insert(*method)
                {
                    // Who replaces the method has its class's own never run.
                    let mut via = via.to_vec();
                    via.push(binding_mark(*base, method));
                    self.push(used, self.resolver.as_seen(class, to), &via);
                }
            }
        }
    }

    /// `partial(redis.Redis, db=3)`, `retry(psycopg2.connect)`, `{"redis": redis.Redis}`: whoever has it makes a client.
    pub(super) fn call_later(&mut self, used: &Use<'s>, path: &str, via: &[u64]) {
        // A class may only be looked at: `isinstance(client, redis.Redis)`.
        let is_function =
            path.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_lowercase()));
        let later = matches!(used.how, How::Entry)
            || used.given_to.is_some_and(|call| {
                let name = last_name(&call.func).unwrap_or_default();
                MAKE_LATER.contains(&name)
                    || is_function && !(LOOK_AT.contains(&name) || name.starts_with("assert"))
            });
        if later && let Some(Called::Client(service) | Called::Connects(service)) = self.book.call(path) {
            let via = self.with_choice(used, via);
            let via: Vec<u64> = via.iter().copied().chain(marks_of_external(path)).collect();
            self.touch(used, service, TouchKind::Client, path, &via);
        }
    }
}
