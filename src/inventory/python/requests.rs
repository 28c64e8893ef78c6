//! What a test asks an application for: `client.get("/users/1")`, `client.post(reverse("user-list"))`.

use ruff_python_ast::{Expr, ExprCall, InterpolatedStringElement, Operator};

use super::chains::{CALLED, chain_of};
use super::program::{Binding, ScopeIx, ScopeKind, Use};
use super::resolve::{Resolver, Target};
use super::routes::{MAX_DEPTH, VERBS, literal};
use super::shapes::returns_of;
use super::signs::words_of;

/// What of a path only running tells.
const UNKNOWN: char = '…';

/// Further methods of test clients that name a path first, with the verb that they stand for.
const CLIENT_METHODS: &[(&str, &str)] = &[
    ("get", "get"),
    ("post", "post"),
    ("put", "put"),
    ("patch", "patch"),
    ("delete", "delete"),
    ("head", "head"),
    ("options", "options"),
    ("get_json", "get"),
    ("post_json", "post"),
    ("put_json", "put"),
    ("patch_json", "patch"),
    ("delete_json", "delete"),
    ("aget", "get"),
    ("apost", "post"),
    ("websocket_connect", ""),
    ("open", ""),
    ("stream", ""),
    ("request", ""),
];

/// Calls that give the path of a route by its name.
const BY_NAME: &[&str] =
    &["reverse", "reverse_lazy", "url_for", "url_path_for", "app_path", "route_url", "route_path"];

/// A request that a call makes.
pub(super) struct Request {
    /// Its method in lower case; empty where it may be any.
    pub(super) verb: String,
    pub(super) asked: Asked,
    /// What makes it is called like a client of the application: it is a request even where nothing answers it.
    pub(super) by_client: bool,
}

/// What a request asks for.
pub(super) enum Asked {
    Path(Vec<Option<String>>),
    /// A route by its name.
    Name(String),
    /// A route by what answers it: `api.url_for(UserList)`.
    Handler(ScopeIx),
    /// Only running tells.
    Unread,
}

/// Returns the request that a call makes, where it is one.
pub(super) fn request_of(
    resolver: &Resolver<'_, '_, '_>,
    scope: ScopeIx,
    used: &Use<'_>,
    call: &ExprCall,
) -> Option<Request> {
    let last = used.chain.last().filter(|_| used.chain.len() > 1)?;
    let arguments = &call.arguments.args;
    let text = |at: usize| match arguments.get(at) {
        Some(Expr::StringLiteral(text)) => Some(text.value.to_str().to_ascii_lowercase()),
        _ => None,
    };
    // `client.request("GET", "/users")`, `self.make_request("get", "/users")`
    let named_verb = text(0).filter(|verb| VERBS.contains(&verb.as_str()));
    let (verb, path) = if let (Some(verb), Some(path)) = (named_verb, arguments.get(1)) {
        (verb, path)
    } else {
        let (_, verb) = CLIENT_METHODS.iter().find(|(method, _)| method == last)?;
        let keyword = ["url", "path"].iter().find_map(|name| call.arguments.find_keyword(name));
        ((*verb).to_owned(), arguments.first().or(keyword.map(|keyword| &keyword.value))?)
    };
    let by_client = is_client(used);
    let asked = match asked(resolver, scope, path, MAX_DEPTH) {
        Some(asked) => asked,
        // A word without a slash is a key rather than a path.
        None if by_client && literal(path).is_none_or(|text| text.contains('/')) => Asked::Unread,
        None => return None,
    };
    Some(Request { verb, asked, by_client })
}

/// Returns whether what a method is called on bears the name of a test client, and of no service's.
fn is_client(used: &Use<'_>) -> bool {
    const OTHERS: &[&str] =
        &["aws", "boto", "cache", "es", "http", "kafka", "mock", "mongo", "redis", "s3", "search"];
    // `client.get(…)`, `TestClient(app).get(…)`
    let mut before = used.chain.iter().rev().skip(1).skip_while(|name| **name == CALLED);
    let Some(name) = before.next() else { return false };
    let words = words_of(name);
    words.iter().any(|word| matches!(word.as_str(), "client" | "testapp"))
        && !words.iter().any(|word| OTHERS.contains(&word.as_str()))
}

/// Returns the parts of a path, without what follows a question mark.
pub(super) fn parts_of(path: &str) -> Vec<Option<String>> {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let known = |part: &str| !part.contains([UNKNOWN, '{', '<', '*']) && !part.starts_with(':');
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.map(|part| known(part).then(|| part.to_owned())).collect()
}

/// Returns what a request's argument asks for: a path from the root of the application, or a route by its name.
fn asked(resolver: &Resolver<'_, '_, '_>, scope: ScopeIx, expr: &Expr, depth: u32) -> Option<Asked> {
    if let Some(named) = name_of(resolver, scope, expr, depth) {
        return Some(named);
    }
    let text = path_of(resolver, scope, expr, depth)?;
    let path = match text.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => text.as_str(),
    };
    if !(path.starts_with('/') || path.starts_with(UNKNOWN) && path.contains('/')) {
        return None;
    }
    let parts = parts_of(path);
    (parts.is_empty() || parts.iter().any(Option::is_some)).then_some(Asked::Path(parts))
}

/// Returns the name of the route whose path an expression is.
fn name_of(resolver: &Resolver<'_, '_, '_>, scope: ScopeIx, expr: &Expr, depth: u32) -> Option<Asked> {
    let depth = depth.checked_sub(1)?;
    match expr {
        Expr::Call(call) => {
            let by_name = chain_of(&call.func)?.last().is_some_and(|last| BY_NAME.contains(last));
            let named =
                ["viewname", "name", "endpoint"].iter().find_map(|name| call.arguments.find_keyword(name));
            let name = call.arguments.args.first().or(named.map(|keyword| &keyword.value))?;
            if !by_name {
                return None;
            }
            if let Some(text) = path_of(resolver, scope, name, depth) {
                return Some(if text.contains(UNKNOWN) { Asked::Unread } else { Asked::Name(text) });
            }
            match resolver.resolve(scope, &chain_of(name)?).target? {
                Target::Scope(to) if !matches!(resolver.program.scope(to).kind, ScopeKind::Value(_)) => {
                    Some(Asked::Handler(to))
                }
                _ => Some(Asked::Unread),
            }
        }
        Expr::Name(_) | Expr::Attribute(_) => {
            let (owner, value) = value_of(resolver, scope, expr)?;
            name_of(resolver, owner, value, depth)
        }
        // `reverse("users") + "?page=2"`
        Expr::BinOp(sum) => name_of(resolver, scope, &sum.left, depth),
        _ => None,
    }
}

/// Returns the text of a path as far as it can be seen.
pub(super) fn path_of(
    resolver: &Resolver<'_, '_, '_>,
    scope: ScopeIx,
    expr: &Expr,
    depth: u32,
) -> Option<String> {
    use InterpolatedStringElement as Element;
    let Some(depth) = depth.checked_sub(1) else { return Some(UNKNOWN.to_string()) };
    let known = |expr: &Expr| path_of(resolver, scope, expr, depth).unwrap_or_else(|| UNKNOWN.to_string());
    Some(match expr {
        Expr::StringLiteral(text) => text.value.to_str().to_owned(),
        Expr::FString(text) => {
            let parts = text.value.elements().map(|element| match element {
                Element::Literal(literal) => literal.value.to_string(),
                Element::Interpolation(inner) => known(&inner.expression),
            });
            parts.collect()
        }
        Expr::BinOp(sum) if sum.op == Operator::Add => known(&sum.left) + &known(&sum.right),
        Expr::BinOp(format) if format.op == Operator::Mod => {
            let text = literal(&format.left)?;
            text.replace("%s", &UNKNOWN.to_string()).replace("%d", &UNKNOWN.to_string())
        }
        // `"/users/{}".format(id)`
        Expr::Call(call) => match &*call.func {
            Expr::Attribute(method)
                if matches!(method.attr.as_str(), "format" | "lstrip" | "replace" | "rstrip" | "strip") =>
            {
                known(&method.value)
            }
            func => {
                let chain = chain_of(func)?;
                match (chain.last(), &*call.arguments.args) {
                    (Some(&("str" | "URL")), [inner]) | (Some(&"urljoin"), [_, inner]) => known(inner),
                    // `client.get(self.url_of(user))`
                    _ => {
                        let Target::Scope(to) = resolver.resolve(scope, &chain).target? else { return None };
                        let ScopeKind::Function(def) = resolver.program.scope(to).kind else { return None };
                        let value = returns_of(&def.body).into_iter().next()?;
                        return path_of(resolver, to, value, depth);
                    }
                }
            }
        },
        Expr::Name(_) | Expr::Attribute(_) => {
            let (owner, value) = value_of(resolver, scope, expr)?;
            return path_of(resolver, owner, value, depth);
        }
        _ => return None,
    })
}

/// Returns the value of a name, with the scope that it stands in.
fn value_of<'s>(resolver: &Resolver<'_, 's, '_>, scope: ScopeIx, expr: &Expr) -> Option<(ScopeIx, &'s Expr)> {
    let program = resolver.program;
    let chain = chain_of(expr)?;
    match *chain {
        [name] => {
            let mut at = Some(scope);
            while let Some(ix) = at.filter(|ix| matches!(program.scope(*ix).kind, ScopeKind::Function(_))) {
                match program.scope(ix).binding(name) {
                    Some(Binding::Local(value, owner)) => return Some((owner, value)),
                    Some(Binding::Parameter(_)) => {
                        let fixture = resolver.fixtures.find(program, ix, name)?;
                        let ScopeKind::Function(def) = program.scope(fixture).kind else { return None };
                        return Some((fixture, returns_of(&def.body).into_iter().next()?));
                    }
                    Some(_) => break,
                    None => at = program.scope(ix).parent,
                }
            }
        }
        // `self.url`, which the class or a method that sets it up gives.
        ["self" | "cls", name] => {
            let class = resolver.class_around(scope)?;
            return resolver.mro(class).iter().find_map(|base| {
                let Target::Scope(base) = *base else { return None };
                match program.scope(base).binding(name)? {
                    Binding::Local(value, owner) => Some((resolver.as_seen(class, owner), value)),
                    Binding::Scope(ix) => match program.scope(ix).kind {
                        ScopeKind::Value(value) => Some((ix, value)),
                        // A property.
                        ScopeKind::Function(def) => Some((ix, returns_of(&def.body).into_iter().next()?)),
                        _ => None,
                    },
                    _ => None,
                }
            });
        }
        _ => {}
    }
    // `settings.API_PREFIX`: an attribute of an object's class.
    match resolver.resolve(scope, &chain).target? {
        Target::Scope(to) => match program.scope(to).kind {
            ScopeKind::Value(value) => Some((to, value)),
            _ => None,
        },
        _ => None,
    }
}
