//! Names with their attributes as they are written: `redis.Redis.from_url`, `Cart().total`.

use ruff_python_ast::{Decorator, Expr};

/// What stands in a chain for a call: `Cart().total` is `Cart`, this, `total`.
pub(super) const CALLED: &str = "()";

/// What stands in a chain for the object as its class's bases see it: `super().set_up()`.
pub(super) const SUPER: &str = "super()";

/// Returns a name with its attributes, where the expression is nothing else.
pub(super) fn chain_of(expr: &Expr) -> Option<Box<[&str]>> {
    chain(expr, false)
}

/// Returns a name with its attributes and the calls between them.
pub(super) fn chain_through_calls(expr: &Expr) -> Option<Box<[&str]>> {
    chain(expr, true)
}

fn chain(expr: &Expr, through_calls: bool) -> Option<Box<[&str]>> {
    let mut chain = Vec::new();
    let mut at = expr;
    loop {
        match at {
            Expr::Attribute(attribute) => {
                chain.push(attribute.attr.as_str());
                at = &attribute.value;
            }
            Expr::Name(name) => {
                chain.push(name.id.as_str());
                break;
            }
            Expr::Call(call) if matches!(&*call.func, Expr::Name(name) if name.id.as_str() == "super") => {
                // `super(Cart, self)` mostly names the class around, as `super()` does by itself.
                chain.push(SUPER);
                break;
            }
            Expr::Call(call) if through_calls => {
                chain.push(CALLED);
                at = &call.func;
            }
            _ => return None,
        }
    }
    chain.reverse();
    Some(chain.into())
}

/// Returns the name of what decorates a function, whether it is called there or not.
pub(super) fn decorator_chain(decorator: &Decorator) -> Option<Box<[&str]>> {
    match &decorator.expression {
        Expr::Call(call) => chain_of(&call.func),
        expr => chain_of(expr),
    }
}

/// Returns the last name of a chain, which shows of most that they are not what is looked for.
pub(super) fn last_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
        Expr::Name(name) => Some(name.id.as_str()),
        _ => None,
    }
}

/// Returns whether an expression is one of these names, maybe behind others.
pub(super) fn is_name(expr: &Expr, names: &[&str]) -> bool {
    last_name(expr).is_some_and(|last| names.contains(&last)) && chain_of(expr).is_some()
}

/// Returns the literal strings of a string, list or tuple.
pub(super) fn strings_of(expr: &Expr) -> Vec<&str> {
    match expr {
        Expr::StringLiteral(text) => vec![text.value.to_str()],
        Expr::List(list) => list.elts.iter().flat_map(strings_of).collect(),
        Expr::Tuple(tuple) => tuple.elts.iter().flat_map(strings_of).collect(),
        Expr::Set(set) => set.elts.iter().flat_map(strings_of).collect(),
        Expr::BinOp(sum) => [&sum.left, &sum.right].into_iter().flat_map(|side| strings_of(side)).collect(),
        _ => Vec::new(),
    }
}
