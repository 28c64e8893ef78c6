//! From a request of a test client to the code that answers it: `client.get("/users/1")`, `reverse("user-detail")`.
//!
//! The test and its handler are joined by nothing but a path or a route's name. Routes are gathered wherever the
//! usual frameworks declare them; a request leads to the routes that fit it best. A route may be mounted below a prefix
//! that can't be seen, so it fits a path by its end; a part that only running tells fits anything.

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::{Expr, ExprCall, StmtFunctionDef};
use ruff_text_size::TextRange;

use super::chains::{chain_of, decorator_chain, strings_of};
use super::links::Link;
use super::program::{Binding, How, ScopeIx, ScopeKind, Use};
use super::reach::Reach;
use super::requests::{Asked, Request, parts_of, path_of};
use super::resolve::{Resolver, Target};
use super::signs::Sought;

/// How deep values are followed for a path, and routers are mounted in each other.
pub(super) const MAX_DEPTH: u32 = 6;

/// How many routes one request leads to at most.
const MAX_HANDLERS: usize = 64;

/// Decorators that name no verb, or several.
const ROUTES: [&str; 4] = ["route", "api_route", "websocket", "websocket_route"];

pub(super) const VERBS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options", "trace"];

/// Decorators of functions that run for every request.
const EVERY_REQUEST: &[&str] = &[
    "before_request",
    "before_app_request",
    "after_request",
    "after_app_request",
    "teardown_request",
    "middleware",
];

/// The routes of a program.
#[derive(Debug, Default)]
pub(super) struct Routes {
    all: Vec<Route>,
    /// By the last part of their path, where that is literal; the others by an empty text.
    by_end: BTreeMap<String, Vec<usize>>,
    by_name: BTreeMap<String, BTreeSet<usize>>,
    /// What runs for every request.
    every: Vec<ScopeIx>,
}

#[derive(Debug)]
struct Route {
    /// The parts of its path; nothing for one that can be anything.
    parts: Vec<Option<String>>,
    /// The methods that it answers in lower case, empty for any.
    verbs: Vec<String>,
    handlers: Vec<ScopeIx>,
}

/// The attribute of a class of views that names what limits its requests.
pub(super) const THROTTLES: &str = "throttle_classes";

/// What answers a request.
pub(super) struct Answering {
    /// The handlers, and what runs for every request.
    pub(super) by: Vec<ScopeIx>,
    /// A route was found for it; else which of all handlers it goes to is not known.
    pub(super) read: bool,
}

impl Routes {
    /// Returns the routes that the scopes of a program declare; `middleware` are classes that settings name.
    pub(super) fn of(resolver: &Resolver<'_, '_, '_>, middleware: &[ScopeIx]) -> Self {
        let program = resolver.program;
        let mut routes = Self::default();
        routes.every.extend(middleware.iter().flat_map(|class| handlers_of(resolver, *class)));
        let mounts = mounts(resolver);
        for ix in program.scope_indices() {
            if program.is_for_tests(ix) {
                continue;
            }
            for used in &program.scope(ix).uses {
                let How::Call(call) = used.how else {
                    if used.decorator && ends_in(used, EVERY_REQUEST) {
                        routes.every.push(ix);
                    }
                    continue;
                };
                if used.decorator {
                    if ends_in(used, EVERY_REQUEST) {
                        routes.every.push(ix);
                    }
                    routes.add_decorated(resolver, &mounts, ix, used, call);
                } else {
                    routes.every.extend(added_middleware(resolver, ix, used, call));
                    routes.add_called(resolver, &mounts, ix, used, call);
                }
            }
        }
        routes.every.sort_unstable();
        routes.every.dedup();
        routes
    }

    /// Returns whether nothing was found that a request could lead to.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.every.is_empty()
    }

    /// Returns what answers a request of test code.
    pub(super) fn answering(&self, resolver: &Resolver<'_, '_, '_>, request: &Request) -> Answering {
        let found = match &request.asked {
            Asked::Path(parts) => self.fitting(parts, &request.verb),
            Asked::Name(name) => self.named(name, &request.verb),
            Asked::Handler(handler) => handlers_of(resolver, *handler).into_iter().collect(),
            Asked::Unread => BTreeSet::new(),
        };
        let read = !found.is_empty();
        Answering { by: found.into_iter().chain(self.every.iter().copied()).collect(), read }
    }

    fn fitting(&self, asked: &[Option<String>], verb: &str) -> BTreeSet<ScopeIx> {
        let end = asked.last().cloned().flatten().unwrap_or_default();
        let ends = if end.is_empty() {
            // A path that ends in something unknown may be that of any route.
            self.by_end.values().flatten().copied().collect()
        } else {
            let of = |key: &str| self.by_end.get(key).into_iter().flatten().copied();
            of(&end).chain(of("")).collect::<Vec<_>>()
        };
        let mut best = (0, 0);
        let mut found: BTreeSet<usize> = BTreeSet::new();
        for at in ends {
            let route = &self.all[at];
            if !route.verbs.is_empty() && !verb.is_empty() && !route.verbs.iter().any(|known| known == verb) {
                continue;
            }
            let Some(score) = fit(&route.parts, asked) else { continue };
            if score > best {
                best = score;
                found.clear();
            }
            if score == best {
                found.insert(at);
            }
        }
        self.handlers(found, verb)
    }

    fn named(&self, name: &str, verb: &str) -> BTreeSet<ScopeIx> {
        let plain = name.rsplit([':', '.']).next().unwrap_or(name);
        let mut found = self.by_name.get(plain).cloned().unwrap_or_default();
        // Django REST framework names the routes of a view set after its base name.
        let mut base = plain;
        while let (true, Some((front, _))) = (found.is_empty(), base.rsplit_once(['-', '_'])) {
            found = self.by_name.get(&format!("{front}-*")).cloned().unwrap_or_default();
            base = front;
        }
        self.handlers(found, verb)
    }

    fn handlers(&self, routes: BTreeSet<usize>, verb: &str) -> BTreeSet<ScopeIx> {
        let fits = |route: &&Route| {
            route.verbs.is_empty() || verb.is_empty() || route.verbs.iter().any(|known| known == verb)
        };
        let routes = routes.into_iter().map(|at| &self.all[at]).filter(fits);
        routes.flat_map(|route| route.handlers.iter().copied()).take(MAX_HANDLERS).collect()
    }

    fn add(&mut self, path: Option<&str>, names: &[&str], verbs: Vec<String>, handlers: Vec<ScopeIx>) {
        if handlers.is_empty() {
            return;
        }
        let at = self.all.len();
        let parts = path.map(parts_of);
        if let Some(parts) = &parts {
            let end = parts.last().cloned().flatten().unwrap_or_default();
            self.by_end.entry(end).or_default().push(at);
        }
        for name in names {
            self.by_name.entry((*name).to_owned()).or_default().insert(at);
        }
        self.all.push(Route { parts: parts.unwrap_or_default(), verbs, handlers });
    }

    /// `@router.get("/users/{id}")`, `@app.route("/users", methods=["GET"])`, also of a class of methods.
    fn add_decorated(
        &mut self,
        resolver: &Resolver<'_, '_, '_>,
        mounts: &Mounts,
        ix: ScopeIx,
        used: &Use<'_>,
        call: &ExprCall,
    ) {
        let Some(last) = used.chain.last().filter(|_| used.chain.len() > 1) else { return };
        let verbs = match *last {
            route if ROUTES.contains(&route) => methods_of(call),
            verb if VERBS.contains(&verb) => vec![verb.to_owned()],
            _ => return,
        };
        let keyword = ["path", "rule", "url"].iter().find_map(|name| call.arguments.find_keyword(name));
        let Some(path) = call.arguments.args.first().or(keyword.map(|keyword| &keyword.value)) else {
            return;
        };
        let Some(path) = path_of(resolver, ix, path, MAX_DEPTH) else { return };
        let program = resolver.program;
        let around = program.scope(ix).parent.unwrap_or(ix);
        let prefix = mounts.prefix_before(resolver, around, used);
        let whole = format!("{prefix}/{path}");
        let own = call.arguments.find_keyword("name").or_else(|| call.arguments.find_keyword("endpoint"));
        let own = own.and_then(|keyword| literal(&keyword.value));
        self.add(Some(&whole), &[own.unwrap_or(program.scope(ix).name)], verbs, handlers_of(resolver, ix));
    }

    /// `path("users/", UserList.as_view(), name="users")`, `app.add_url_rule(…)`, `router.register("users", UserViewSet)`.
    fn add_called(
        &mut self,
        resolver: &Resolver<'_, '_, '_>,
        mounts: &Mounts,
        ix: ScopeIx,
        used: &Use<'_>,
        call: &ExprCall,
    ) {
        let Some(last) = used.chain.last() else { return };
        let arguments = &call.arguments;
        let keyword = |name: &str| arguments.find_keyword(name).map(|keyword| &keyword.value);
        let at = |position: usize| arguments.args.get(position);
        let (path, handler, register) = match *last {
            "path" | "re_path" | "url" | "Route" | "WebSocketRoute" | "add_api_route" | "add_route" => {
                let handler = at(1).or(keyword("view")).or(keyword("endpoint"));
                (at(0).or(keyword("route")).or(keyword("path")), handler, false)
            }
            "add_url_rule" => (at(0).or(keyword("rule")), keyword("view_func").or(at(2)), false),
            "add_resource" => (at(1), at(0), false),
            "add_get" | "add_post" | "add_put" | "add_patch" | "add_delete" | "add_view" => {
                (at(0), at(1), false)
            }
            "register" => (at(0).or(keyword("prefix")), at(1).or(keyword("viewset")), true),
            _ => return,
        };
        let (Some(path), Some(handler)) = (path, handler) else { return };
        let Some(handler) = handler_of(resolver, ix, handler) else { return };
        let regular = matches!(*last, "re_path" | "url");
        let text = path_of(resolver, ix, path, MAX_DEPTH);
        let prefix = mounts.prefix_before(resolver, ix, used);
        let verbs = match last.strip_prefix("add_") {
            Some(verb) if VERBS.contains(&verb) => vec![verb.to_owned()],
            _ => methods_of(call),
        };
        let name = keyword("name").or(keyword("basename")).or(keyword("endpoint")).and_then(literal);
        let handlers = handlers_of(resolver, handler);
        if register {
            let Some(text) = text.as_deref() else { return };
            let basename = format!("{}-*", name.unwrap_or_else(|| text.trim_matches(['/', '^', '$'])));
            let kind = resolver.program.scope(handler).name.trim_end_matches("ViewSet").to_ascii_lowercase();
            let by_kind = format!("{kind}-*");
            self.add(Some(&format!("{prefix}/{text}")), &[&basename, &by_kind], Vec::new(), handlers.clone());
            self.add(Some(&format!("{prefix}/{text}/{{id}}")), &[], Vec::new(), handlers);
            return;
        }
        let whole = text.filter(|_| !regular).map(|text| format!("{prefix}/{text}"));
        let name = name.unwrap_or(resolver.program.scope(handler).name);
        self.add(whole.as_deref(), &[name], verbs, handlers);
    }
}

/// Where routers are mounted: the prefix, and the router that they are mounted in.
#[derive(Debug, Default)]
struct Mounts {
    by_router: BTreeMap<ScopeIx, (String, Option<ScopeIx>)>,
}

impl Mounts {
    /// Returns the prefix of the router that something is called on, as a scope names it.
    fn prefix_before(&self, resolver: &Resolver<'_, '_, '_>, ix: ScopeIx, used: &Use<'_>) -> String {
        let owner = owner_before(resolver, ix, used);
        owner.map(|owner| self.prefix(resolver, owner, MAX_DEPTH)).unwrap_or_default()
    }

    fn prefix(&self, resolver: &Resolver<'_, '_, '_>, owner: ScopeIx, depth: u32) -> String {
        let Some(depth) = depth.checked_sub(1) else { return String::new() };
        let mut prefix = String::new();
        if let Some((mounted, above)) = self.by_router.get(&owner) {
            if let Some(above) = above.filter(|above| *above != owner) {
                prefix = self.prefix(resolver, above, depth);
            }
            prefix.push('/');
            prefix.push_str(mounted);
        }
        if let ScopeKind::Value(Expr::Call(call)) = resolver.program.scope(owner).kind {
            let own = ["prefix", "url_prefix"].iter().find_map(|name| call.arguments.find_keyword(name));
            if let Some(own) = own.and_then(|keyword| path_of(resolver, owner, &keyword.value, MAX_DEPTH)) {
                prefix.push('/');
                prefix.push_str(&own);
            }
        }
        prefix
    }
}

fn mounts(resolver: &Resolver<'_, '_, '_>) -> Mounts {
    let mut found = Mounts::default();
    for ix in resolver.program.scope_indices() {
        for used in &resolver.program.scope(ix).uses {
            let How::Call(call) = used.how else { continue };
            if !ends_in(used, &["include_router", "register_blueprint", "mount"]) {
                continue;
            }
            let router =
                call.arguments.args.iter().rev().find_map(|argument| {
                    owner_of(resolver.resolve(ix, &chain_of(argument)?).target.as_ref())
                });
            let Some(router) = router else { continue };
            let keyword = ["prefix", "url_prefix"].iter().find_map(|name| call.arguments.find_keyword(name));
            let prefix = keyword.and_then(|keyword| path_of(resolver, ix, &keyword.value, MAX_DEPTH));
            let above = owner_before(resolver, ix, used);
            found.by_router.entry(router).or_insert((prefix.unwrap_or_default(), above));
        }
    }
    found
}

/// Returns whether a decorator has a function answer requests, or run for all of them.
pub(super) fn is_decorated(def: &StmtFunctionDef) -> bool {
    def.decorator_list.iter().filter_map(decorator_chain).any(|chain| {
        chain.len() > 1
            && chain.last().is_some_and(|last| {
                EVERY_REQUEST.contains(last) || VERBS.contains(last) || ROUTES.contains(last)
            })
    })
}

/// Returns what something is called on, as a scope names it.
fn owner_before(resolver: &Resolver<'_, '_, '_>, ix: ScopeIx, used: &Use<'_>) -> Option<ScopeIx> {
    owner_of(resolver.resolve(ix, &used.chain[..used.chain.len() - 1]).target.as_ref())
}

fn owner_of(target: Option<&Target>) -> Option<ScopeIx> {
    if let Some(Target::Scope(owner)) = target { Some(*owner) } else { None }
}

fn ends_in(used: &Use<'_>, names: &[&str]) -> bool {
    used.chain.len() > 1 && used.chain.last().is_some_and(|last| names.contains(last))
}

pub(super) fn literal(expr: &Expr) -> Option<&str> {
    if let Expr::StringLiteral(text) = expr { Some(text.value.to_str()) } else { None }
}

fn methods_of(call: &ExprCall) -> Vec<String> {
    let methods = call.arguments.find_keyword("methods").map(|keyword| strings_of(&keyword.value));
    methods.unwrap_or_default().into_iter().map(str::to_ascii_lowercase).collect()
}

/// Returns the function or class that an expression names as the answerer of requests.
fn handler_of(resolver: &Resolver<'_, '_, '_>, ix: ScopeIx, expr: &Expr) -> Option<ScopeIx> {
    match expr {
        Expr::Name(_) | Expr::Attribute(_) => {
            let mut chain = chain_of(expr)?.into_vec();
            if chain.last() == Some(&"as_view") {
                chain.pop();
            }
            match resolver.resolve(ix, &chain).target? {
                Target::Scope(to) => match resolver.program.scope(to).kind {
                    ScopeKind::Function(_) | ScopeKind::Class(_) => Some(to),
                    // `user_list = UserList.as_view()`
                    ScopeKind::Value(Expr::Call(call)) => handler_of(resolver, to, &call.func),
                    _ => None,
                },
                _ => None,
            }
        }
        // `UserList.as_view()`, or a decorator around a view.
        Expr::Call(call) => handler_of(resolver, ix, &call.func)
            .filter(|to| matches!(resolver.program.scope(*to).kind, ScopeKind::Class(_)))
            .or_else(|| call.arguments.args.iter().find_map(|argument| handler_of(resolver, ix, argument))),
        _ => None,
    }
}

/// Returns what runs where a function or a class answers: of a class all of its methods.
fn handlers_of(resolver: &Resolver<'_, '_, '_>, handler: ScopeIx) -> Vec<ScopeIx> {
    let program = resolver.program;
    if !matches!(program.scope(handler).kind, ScopeKind::Class(_)) {
        return vec![handler];
    }
    let mut found = Vec::new();
    for base in resolver.mro(handler).iter() {
        let Target::Scope(base) = *base else { continue };
        for (_, binding) in &program.scope(base).names {
            let Binding::Scope(member) = binding else { continue };
            let runs = match program.scope(*member).kind {
                ScopeKind::Function(_) => true,
                ScopeKind::Value(_) => program.scope(*member).name == THROTTLES,
                _ => false,
            };
            if runs && found.len() < MAX_HANDLERS {
                found.push(resolver.as_seen(handler, *member));
            }
        }
    }
    found
}

/// Returns what runs for every request because of a call: `app.add_middleware(Throttle)`, `Middleware(Throttle)`.
fn added_middleware(
    resolver: &Resolver<'_, '_, '_>,
    ix: ScopeIx,
    used: &Use<'_>,
    call: &ExprCall,
) -> Vec<ScopeIx> {
    if !matches!(used.chain.last(), Some(&("add_middleware" | "Middleware"))) {
        return Vec::new();
    }
    let class = call.arguments.args.first().and_then(|class| handler_of(resolver, ix, class));
    class.map(|class| handlers_of(resolver, class)).unwrap_or_default()
}

/// Returns how well a route fits: how many of its parts there are, and how many of them are the same.
fn fit(route: &[Option<String>], asked: &[Option<String>]) -> Option<(usize, usize)> {
    let skipped = asked.len().checked_sub(route.len())?;
    if route.is_empty() && skipped > 0 {
        return None;
    }
    let mut same = 0;
    for (route, asked) in route.iter().zip(&asked[skipped..]) {
        match (route, asked) {
            (Some(route), Some(asked)) if route == asked => same += 1,
            (Some(_), Some(_)) => return None,
            _ => {}
        }
    }
    // What only the unknown holds together fits nothing in particular.
    (same > 0 || skipped == 0).then_some((route.len() + 1, same))
}

/// A handler to which a request may go of which it is not known what answers it.
#[derive(Debug)]
pub(super) struct UsualAnswer {
    handler: ScopeIx,
    /// The services to which nearly all handlers come, of which this is one that does.
    services: Box<[Sought]>,
}

impl UsualAnswer {
    /// Returns the link of such a request.
    pub(super) fn link(&self, range: TextRange, guard: bool) -> Link {
        Link { to: self.handler, range, guard, via: Box::default(), only: Some(self.services.clone()) }
    }
}

/// Returns what stands for all handlers where nearly all of them come to a service: whatever a request goes to, it
/// needs the service as well.
pub(super) fn usual_answers(routes: &Routes, reach: &Reach<'_>) -> Vec<UsualAnswer> {
    /// As many of ten routes must come to a service.
    const NEARLY_ALL: usize = 9;
    /// What a test replaces may close the way of one handler and not of another.
    const ASKED: usize = 8;
    let opens: Vec<(&Route, BTreeSet<Sought>)> = routes
        .all
        .iter()
        .map(|route| (route, route.handlers.iter().flat_map(|handler| reach.opens(*handler)).collect()))
        .collect();
    let mut counts: BTreeMap<Sought, usize> = BTreeMap::new();
    for service in opens.iter().flat_map(|(_, services)| services) {
        *counts.entry(*service).or_default() += 1;
    }
    let usual: Vec<Sought> = counts
        .into_iter()
        .filter(|(_, count)| count * 10 >= opens.len() * NEARLY_ALL)
        .map(|(at, _)| at)
        .collect();
    let step = opens.len().div_ceil(ASKED).max(1);
    let asked = opens.iter().step_by(step).flat_map(|(route, services)| {
        let common: Box<[Sought]> =
            usual.iter().copied().filter(|service| services.contains(service)).collect();
        route.handlers.iter().map(move |handler| UsualAnswer { handler: *handler, services: common.clone() })
    });
    asked.filter(|answer| !answer.services.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(route: &str, asked: &str) -> Option<(usize, usize)> {
        fit(&parts_of(route), &parts_of(asked))
    }

    #[test]
    fn a_route_fits_a_path_by_its_end() {
        assert_eq!(fits("/users/{id}", "/api/v1/users/7?full=1"), Some((3, 1)));
        assert_eq!(fits("/users/<int:id>/", "/users/…/"), Some((3, 1)));
        assert_eq!(fits("/users", "/users/7"), None);
        assert_eq!(fits("/users/me", "/users/7"), None);
        assert!(
            fits("/users/me", "/users/me") > fits("/users/{id}", "/users/me"),
            "a literal part is nearer"
        );
    }

    #[test]
    fn what_fits_everything_fits_only_a_whole_path() {
        assert_eq!(fits("/{slug}", "/about"), Some((2, 0)));
        assert_eq!(fits("/{slug}", "/users/7"), None);
        assert_eq!(fits("/", "/"), Some((1, 0)));
        assert_eq!(fits("/", "/users"), None, "the root of a router is not that of the application");
    }
}
