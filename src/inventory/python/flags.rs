//! Attributes of a class that say what its objects do: `use_cache = True`.
//!
//! A test class inherits a set-up that asks for them, `if self.use_cache: connect()`. What one is for the objects of a
//! class is known where it is a literal there, all that the methods of the class and of those above it give it is the
//! same, and nothing else in the program names it but by reading it. Only classes of tests are looked at, without
//! decorators, keywords and bases that may do more: of all others too many may be given something.

use super::arguments::literal;
use super::chains::{chain_of, decorator_chain};
use super::conditions::{Known, Subject};
use super::program::{Binding, How, Knowledge, Program, Scope, ScopeIx, ScopeKind};

/// Returns what is known of the attributes that methods of a class ask for; `order` is the class and those above it.
pub(super) fn flags_of<'s>(
    program: &Program<'s>,
    order: &[ScopeIx],
    is_set_elsewhere: impl Fn(&str) -> bool,
) -> Knowledge<'s> {
    if !order.iter().all(|class| program.is_for_tests(*class) && is_plain(program, *class)) {
        return Knowledge::default();
    }
    let methods = || order.iter().flat_map(|class| program.methods_of(*class)).map(|ix| program.scope(ix));
    let mut asked: Vec<&'s str> = methods()
        .flat_map(|method| &method.conditions)
        .filter_map(|condition| if let Subject::Own(name) = condition.subject { Some(name) } else { None })
        .collect();
    if asked.is_empty() || methods().any(sets_by_name) {
        return Knowledge::default();
    }
    asked.sort_unstable();
    asked.dedup();
    let known = |name: &'s str| {
        (!is_set_elsewhere(name)).then(|| flag(program, order, name)).flatten().map(|known| (name, known))
    };
    asked.into_iter().filter_map(known).collect()
}

/// Returns what an attribute is for the objects of a class.
fn flag(program: &Program<'_>, order: &[ScopeIx], name: &str) -> Option<Known> {
    let mut of_class = None;
    let mut given: Vec<Known> = Vec::new();
    for class in order {
        let scope = program.scope(*class);
        let mut by_methods = 0;
        let mut here = None;
        for (_, binding) in scope.names.iter().filter(|(bound, _)| *bound == name) {
            match *binding {
                Binding::Scope(value) => match program.scope(value).kind {
                    ScopeKind::Value(value) => here = Some(literal(value)?),
                    ScopeKind::Function(_) | ScopeKind::Class(_) | ScopeKind::Module => return None,
                },
                Binding::Local(value, owner) => {
                    by_methods += usize::from(program.scope(owner).name != "__init__");
                    given.push(literal(value)?);
                }
                Binding::Import(_) | Binding::Element(..) | Binding::Parameter(_) | Binding::Opaque => {
                    return None;
                }
            }
        }
        // Something is written to it that no name tells: `self.use_cache |= other`.
        if scope.rebound.iter().filter(|(bound, _)| *bound == name).count() > by_methods {
            return None;
        }
        of_class = of_class.or(here);
    }
    let mut all = of_class.into_iter().chain(given);
    let first = all.next()?;
    all.all(|known| known == first).then_some(first)
}

/// Returns whether nothing but its body makes a class what it is.
fn is_plain(program: &Program<'_>, class: ScopeIx) -> bool {
    let ScopeKind::Class(def) = program.scope(class).kind else { return false };
    let is_mark = |decorator| decorator_chain(decorator).is_some_and(|chain| chain.contains(&"mark"));
    def.keywords().is_empty() && def.decorator_list.iter().all(is_mark)
}

/// Returns whether a base from outside of the program gives its classes no attributes of the project's.
pub(super) fn is_known_base(path: &str) -> bool {
    path == "object" || path.ends_with("TestCase")
}

/// Returns whether a file names an attribute other than by reading it or giving it to `self`: by a text, which
/// `setattr` may get, or as the argument of a call.
pub(super) fn names_otherwise(text: &str, attribute: &str) -> bool {
    text.match_indices(attribute).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + attribute.len()..]);
        let quoted = |quote| before.ends_with(quote) || after.starts_with(quote);
        let whole = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let argument = whole && after.starts_with('=') && !after.starts_with("==");
        let walrus = whole && after.trim_start().starts_with(":=");
        quoted('"') || quoted('\'') || argument || walrus
    })
}

/// Returns whether a method gives attributes whose names are not written: `setattr(self, name, value)`.
fn sets_by_name(method: &Scope<'_>) -> bool {
    method.uses.iter().any(|used| match (&*used.chain, used.how) {
        (["setattr"], How::Call(call)) => {
            let object = call.arguments.args.first().and_then(chain_of);
            object.is_none_or(|object| matches!(*object, ["self" | "cls"] | ["type" | "self", ..]))
        }
        (["self" | "cls", "__dict__", ..], _) => true,
        _ => false,
    })
}
