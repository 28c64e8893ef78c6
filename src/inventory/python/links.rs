//! What leads from one scope to another, and what in a scope touches a service by itself.

use std::collections::BTreeSet;

use rayon::prelude::*;
use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::TextRange;

use super::conditions::{Question, Subject};
use super::hints::{Defaults, Hints, hints_of, hints_with};
use super::openings::{Opening, UnknownCall, open_all, parameters_of};
use super::patches::marks_of_external;
use super::program::{How, ModuleIx, ScopeIx, ScopeKind, Use, binding_mark};
use super::requests::request_of;
use super::resolve::{MAX_STEPS, Resolver, Target};
use super::routes::{Routes, THROTTLES};
use super::signs::{Address, Called, SignBook, Sought, words_of};
use super::switches::is_django;

/// A step from one scope to another.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) to: ScopeIx,
    pub(super) range: TextRange,
    /// It decides whether a test is skipped.
    pub(super) guard: bool,
    /// The names that it went through, as [`binding_mark`] writes them.
    pub(super) via: Box<[u64]>,
    /// The services that it can lead to, where the call's first argument is an address that says so: of what
    /// `connect("redis://cache")` could open only redis is meant, of `connect("memory://")` nothing.
    pub(super) only: Option<Box<[Sought]>>,
}

impl Link {
    /// Returns whether the link can lead to a service.
    pub(super) fn leads_to(&self, service: Sought) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&service))
    }
}

/// A call of the project's code with the address of services as its first argument.
#[derive(Clone, Debug)]
pub(super) struct Directed {
    pub(super) services: Box<[Sought]>,
    pub(super) to: ScopeIx,
    pub(super) range: TextRange,
    pub(super) guard: bool,
    pub(super) via: Box<[u64]>,
    pub(super) what: String,
}

/// Something in a scope that touches a service.
#[derive(Clone, Debug)]
pub(super) struct Touch {
    pub(super) service: Sought,
    pub(super) kind: TouchKind,
    pub(super) range: TextRange,
    pub(super) guard: bool,
    pub(super) via: Box<[u64]>,
    /// What it is, for people: the full name of a call, the name of a variable.
    pub(super) what: String,
}

/// How a service is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TouchKind {
    /// A client is made, or a connection opened.
    Client,
    /// A container is started.
    Container,
    /// An environment variable about it is read.
    Variable,
    /// A guard is named after it.
    Named,
}

/// What goes out from a scope.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    pub(super) out: Vec<Link>,
    pub(super) touches: Vec<Touch>,
    /// Opens a connection at once: matters where it runs at import.
    pub(super) connects: Vec<(Sought, TextRange)>,
    /// Run only by who runs the application's lifespan.
    lifespans: Vec<Link>,
    /// Calls that open an address which somebody else gives.
    pub(super) opens: Vec<Opening>,
    /// Calls that open a database of which nothing says which it is.
    pub(super) unknown: Vec<UnknownCall>,
    /// Requests of which it is not known what answers them.
    pub(super) unread: Vec<(TextRange, bool)>,
    /// Calls that say by an address which service they are about.
    pub(super) directed: Vec<Directed>,
    /// Guards whose names say what they are about, where nothing else does.
    pub(super) named_guards: Vec<(Sought, TextRange, Option<ScopeIx>)>,
}

/// Returns the links of every scope, in the order of the scopes.
pub(super) fn link_all(resolver: &Resolver<'_, '_, '_>, book: &SignBook<'_>, routes: &Routes) -> Vec<Links> {
    let scopes: Vec<ScopeIx> = resolver.program.all_indices().collect();
    let mut all: Vec<Links> = scopes
        .par_iter()
        .map(|scope| {
            Linker { resolver, book, routes, scope: *scope, only: None, links: Links::default() }.link()
        })
        .collect();
    open_all(resolver, book, &scopes, &mut all);
    boot_all(resolver, &scopes, &mut all);
    all
}

/// Links whoever runs an application's lifespan to what the lifespan does.
fn boot_all(resolver: &Resolver<'_, '_, '_>, scopes: &[ScopeIx], all: &mut [Links]) {
    let mut booted: Vec<(usize, Vec<Link>)> = Vec::new();
    for scope in scopes {
        for used in &resolver.program.scope(*scope).uses {
            let How::Boot(call) = used.how else { continue };
            let mut links = Vec::new();
            let named: Option<Box<[&str]>> =
                if let [app @ .., "test_client" | "asgi_client", _] = &*used.chain {
                    // `self.test_client` may be anything.
                    match resolver.resolve(*scope, &used.chain).target {
                        Some(Target::External(path)) if path.starts_with("sanic.") => Some(app.into()),
                        _ => continue,
                    }
                } else {
                    arguments(call).next().and_then(|argument| match argument {
                        Expr::Call(inner) => super::chains::chain_of(&inner.func),
                        argument => super::chains::chain_of(argument),
                    })
                };
            if let Some(target) = named.and_then(|chain| application(resolver, *scope, &chain)) {
                lifespans_of(resolver, all, target, &mut BTreeSet::new(), &mut links);
            } else {
                // An application that can't be followed starts whatever an application of the project starts.
                links.extend(all.iter().flat_map(|links| links.lifespans.iter().cloned()));
            }
            for link in &mut links {
                link.range = used.range;
                link.guard = used.guard;
            }
            if !links.is_empty() {
                booted.push((scope.0 as usize, links));
            }
        }
    }
    for (at, links) in booted {
        all[at].out.extend(links);
    }
}

/// Returns what a name stands for that is an application: its value, what makes it, or the fixture that gives it.
fn application(resolver: &Resolver<'_, '_, '_>, scope: ScopeIx, chain: &[&str]) -> Option<ScopeIx> {
    if let Some(Target::Scope(target)) = resolver.resolve(scope, chain).target {
        return Some(target);
    }
    let [name] = chain else { return None };
    match resolver.program.scope(scope).binding(name)? {
        super::program::Binding::Parameter(_) => resolver.fixtures.find(resolver.program, scope, name),
        super::program::Binding::Local(Expr::Call(call), owner) => {
            let made = super::chains::chain_of(&call.func)?;
            match resolver.resolve(owner, &made).target? {
                Target::Scope(target) => Some(target),
                _ => None,
            }
        }
        _ => None,
    }
}

fn lifespans_of(
    resolver: &Resolver<'_, '_, '_>,
    all: &[Links],
    scope: ScopeIx,
    seen: &mut BTreeSet<ScopeIx>,
    found: &mut Vec<Link>,
) {
    if !seen.insert(scope) || seen.len() > 64 {
        return;
    }
    let links = &all[scope.0 as usize];
    let here = resolver.program.scope(scope);
    found.extend(links.lifespans.iter().cloned());
    // `app.add_event_handler("startup", connect)` stands beside the value, in its module.
    if matches!(here.kind, ScopeKind::Value(_)) {
        let module = resolver.program.module(here.module).scope;
        found.extend(all[module.0 as usize].lifespans.iter().cloned());
    }
    // `app = create_app()`: the function makes what has the lifespan.
    if matches!(here.kind, ScopeKind::Value(_)) || links.lifespans.is_empty() {
        for link in &links.out {
            if matches!(resolver.program.scope(link.to).kind, ScopeKind::Function(_) | ScopeKind::Value(_)) {
                lifespans_of(resolver, all, link.to, seen, found);
            }
        }
    }
}

/// Returns whether something of a library, by its full name, asks an address over HTTP.
pub(super) fn speaks_http(path: &str) -> bool {
    ["httpx.", "requests.", "urllib.", "boto3.", "aiohttp."].iter().any(|start| path.starts_with(start))
}

pub(super) fn has_keyword(call: &ExprCall, names: &[&str]) -> bool {
    call.arguments
        .keywords
        .iter()
        .any(|keyword| keyword.arg.as_ref().is_some_and(|arg| names.contains(&arg.as_str())))
}

/// Returns the arguments of a call over HTTP that are its address: what it sends says nothing.
fn address_arguments(call: &ExprCall) -> impl Iterator<Item = &Expr> {
    let keywords = call.arguments.keywords.iter().filter(|keyword| {
        keyword
            .arg
            .as_ref()
            .is_some_and(|arg| matches!(arg.as_str(), "url" | "base_url" | "endpoint_url" | "service_url"))
    });
    // `client.request("GET", url)` names the method first.
    let first = call.arguments.args.iter().take(2).filter(|arg| !is_method(arg)).take(1);
    first.chain(keywords.map(|keyword| &keyword.value))
}

fn is_method(expr: &Expr) -> bool {
    matches!(expr, Expr::StringLiteral(text) if text.value.to_str().len() < 8 && text.value.to_str().chars().all(|c| c.is_ascii_uppercase()))
}

/// Returns the values of a call's arguments.
pub(super) fn arguments(call: &ExprCall) -> impl Iterator<Item = &Expr> {
    call.arguments.args.iter().chain(call.arguments.keywords.iter().map(|keyword| &keyword.value))
}

/// Returns what stands for what runs only where something in a module equals a text.
pub(super) fn choice_mark(module: ModuleIx, text: &str, is_key: bool) -> u64 {
    let asks = if is_key { "key" } else { "==" };
    binding_mark(ScopeIx(module.0), &format!("{asks} {text}"))
}

/// Returns what stands for what runs only for tests that bear a mark, or for those that do not.
pub(super) fn bears_mark(name: &str, bears: bool) -> u64 {
    binding_mark(ScopeIx(u32::MAX), &format!("{} @{name}", if bears { "with" } else { "without" }))
}

/// Returns what stands for what runs only where a setting of Django's is on, or where it is off.
pub(super) fn setting_mark(name: &str, on: bool) -> u64 {
    binding_mark(ScopeIx(u32::MAX), &format!("{} setting {name}", if on { "with" } else { "without" }))
}

pub(super) struct Linker<'l, 'p, 's, 't, 'c> {
    pub(super) resolver: &'l Resolver<'p, 's, 't>,
    pub(super) book: &'l SignBook<'c>,
    routes: &'l Routes,
    pub(super) scope: ScopeIx,
    /// The services that the call at hand can lead to.
    only: Option<Box<[Sought]>>,
    pub(super) links: Links,
}

impl<'s> Linker<'_, '_, 's, '_, '_> {
    fn link(mut self) -> Links {
        let program = self.resolver.program;
        let requests = !self.routes.is_empty() && program.is_for_tests(self.scope);
        for used in &program.scope(self.scope).uses {
            match used.how {
                How::Environ(key) => {
                    let hints = hints_of(self.resolver, self.scope, [key]);
                    self.variable(used, hints.texts.first().map_or("", String::as_str));
                }
                How::Boot(_) => {}
                How::Lifespan => {
                    if let Some(Target::Scope(to)) = self.resolver.resolve(self.scope, &used.chain).target {
                        self.links.lifespans.push(Link {
                            to,
                            range: used.range,
                            guard: false,
                            via: Box::default(),
                            only: None,
                        });
                    }
                }
                How::Call(_) | How::Load | How::Key(_) | How::Argument | How::Entry => self.follow(used),
                How::Path => self.plug_in(used),
            }
            if let (true, How::Call(call)) = (requests, used.how)
                && let Some(request) = request_of(self.resolver, self.scope, used, call)
            {
                let answering = self.routes.answering(self.resolver, &request);
                if answering.read || request.by_client {
                    for to in answering.by {
                        self.push(used, to, &[]);
                    }
                }
                if !answering.read && request.by_client {
                    self.links.unread.push((used.range, used.guard));
                }
            }
        }
        self.links
    }

    fn follow(&mut self, used: &Use<'s>) {
        if let How::Call(call) = used.how {
            self.put_off(used);
            self.started_beside(used, call);
            self.reason(used, call);
        }
        let resolved = match used.how {
            How::Call(call) => self.resolver.resolve_called(self.scope, &used.chain, call),
            _ => self.resolver.resolve(self.scope, &used.chain),
        };
        let mut via = resolved.via;
        if let (Some(Target::Scope(_)), Some(call), How::Argument) =
            (&resolved.target, used.given_to, used.how)
            && let Some(chain) = super::chains::chain_of(&call.func)
        {
            let given_to = self.resolver.resolve(self.scope, &chain);
            if self.is_put_off(used, call, &chain, given_to.target.as_ref()) {
                return;
            }
            // Who replaces what it is given to has nobody run it.
            via.extend(given_to.via);
            if let Some(Target::External(path)) = given_to.target {
                via.extend(marks_of_external(&path));
            }
        }
        if used.guard {
            self.named_guard(used, resolved.target.as_ref());
        }
        // What is used of a value needs the value, whatever the attribute means.
        if used.chain.len() > 1
            && !leaves_alone(used)
            && let root = self.resolver.resolve(self.scope, &used.chain[..1])
            && let Some(Target::Scope(to)) = root.target
            && matches!(self.resolver.program.scope(to).kind, ScopeKind::Value(_))
        {
            self.push(used, to, &via);
        }
        self.read_properties(used);
        self.hands_on(used, resolved.target.as_ref(), &via);
        if let (Some(Target::Scope(to)), How::Call(call)) = (&resolved.target, used.how) {
            self.only = self.meant_by(call);
            if let Some(services) = self.only.clone().filter(|services| !services.is_empty()) {
                self.links.directed.push(Directed {
                    services,
                    to: *to,
                    range: used.range,
                    guard: used.guard,
                    via: via.as_slice().into(),
                    what: used.chain.join("."),
                });
            }
        }
        if let (Some(Target::Scope(to)), How::Call(call)) = (&resolved.target, used.how)
            && let Some(path) = self.name_in_client(*to)
            && !(used.chain.len() > 1 && leaves_alone(used))
        {
            self.external(used, call, &path, via.clone());
        }
        self.make_by_path(used, resolved.target.as_ref(), &via);
        if let (Some(target), How::Load) = (&resolved.target, used.how)
            && self.resolver.program.scope(self.scope).name == THROTTLES
        {
            self.throttle(used, target, &via);
        }
        match (resolved.target, used.how) {
            (Some(Target::Scope(to)), how) => match (self.resolver.program.scope(to).kind, how) {
                (ScopeKind::Value(value), How::Call(call)) => {
                    self.push(used, to, &via);
                    self.by_another_name(used, call, to, value, via);
                }
                (ScopeKind::Function(_), How::Call(call)) => {
                    self.push(used, self.resolver.as_called(self.scope, to, call), &via);
                }
                (ScopeKind::Function(_), How::Argument | How::Entry) | (ScopeKind::Value(_), _) => {
                    self.push(used, to, &via);
                }
                (ScopeKind::Function(_), _) if used.decorator => self.push(used, to, &via),
                (ScopeKind::Class(_), How::Call(call)) => {
                    self.construct(used, call, self.resolver.as_called(self.scope, to, call), &via);
                    if used.decorator {
                        self.call_object(used, to, &via);
                    }
                }
                (ScopeKind::Class(_), How::Entry) => self.make(used, to, &via),
                // `@Cached`: what it decorates is given to it, and called through it.
                (ScopeKind::Class(_), _) if used.decorator => {
                    self.make(used, to, &via);
                    self.call_object(used, to, &via);
                }
                _ => {}
            },
            (Some(Target::Instance(class)), How::Call(_)) => self.call_object(used, class, &via),
            // `caches["sessions"].get(key)`
            (Some(Target::External(path)), How::Load | How::Key(_)) if path == "django.core.cache.caches" => {
                self.cache(used, &path, &via);
            }
            (Some(Target::External(path)), How::Argument | How::Entry) => self.call_later(used, &path, &via),
            (Some(Target::External(path)), How::Call(call))
                if !(self.is_known_before(used) || used.chain.len() > 1 && leaves_alone(used)) =>
            {
                self.external(used, call, &path, via);
            }
            // `engine` from another module, whose value is a client.
            (Some(Target::External(_) | Target::Instance(_)) | None, _) => {}
        }
        self.only = None;
    }

    /// Returns the full name by which others know what belongs to a client's package, where the project is that package itself.
    /// Its own modules know what they do, and lead on.
    fn name_in_client(&self, ix: ScopeIx) -> Option<String> {
        let program = self.resolver.program;
        let module = |scope: ScopeIx| self.resolver.locator.module_of_client(&program.file_of(scope).path);
        let mut name = module(program.written_as(ix))?;
        // `asyncpg._testbase` is there for tests as well.
        let path = program.file_of(self.scope).path.as_str();
        let for_tests = program.is_for_tests(self.scope)
            || path.split(['/', '_', '.']).any(|part| part.starts_with("test"));
        if !for_tests && module(self.scope).is_some() {
            return None;
        }
        for part in program.title(program.written_as(ix)).split('.') {
            name.push('.');
            name.push_str(part);
        }
        Some(name)
    }

    /// Links to the properties that are read on the way: `self.client.get()` runs `client`.
    fn read_properties(&mut self, used: &Use<'s>) {
        let program = self.resolver.program;
        for (at, name) in used.chain.iter().enumerate().skip(1) {
            if program.properties.contains(name)
                && let read = self.resolver.resolve(self.scope, &used.chain[..=at])
                && let Some(Target::Scope(method)) = read.target
                && let Some(getter) = self.resolver.property(method)
            {
                self.push(used, getter, &read.via);
            }
        }
    }

    /// `connect = psycopg.connect`: who calls the value calls what it is another name of.
    fn by_another_name(
        &mut self,
        used: &Use<'s>,
        call: &'s ExprCall,
        name: ScopeIx,
        value: &'s Expr,
        mut via: Vec<u64>,
    ) {
        let is_name = matches!(value, Expr::Name(_) | Expr::Attribute(_));
        if !is_name && !value.is_call_expr() {
            return;
        }
        let program = self.resolver.program;
        let around = program.scope(name).parent.unwrap_or(name);
        match self.resolver.value(around, value, &mut via, MAX_STEPS) {
            Some(Target::Instance(class)) => self.call_object(used, class, &via),
            // What another call gave is no other name of what was called.
            _ if !is_name => {}
            Some(Target::External(path)) => self.external(used, call, &path, via),
            Some(Target::Scope(to)) => match program.scope(to).kind {
                ScopeKind::Function(_) => {
                    self.push(used, self.resolver.as_called(self.scope, to, call), &via);
                }
                ScopeKind::Class(_) => {
                    self.construct(used, call, self.resolver.as_called(self.scope, to, call), &via);
                }
                _ => {}
            },
            None => {}
        }
    }

    /// Returns whether the call behind which a method is called is known by itself: of `opened().execute()` the
    /// connection is what counts, and it is made where `opened` makes it.
    fn is_known_before(&self, used: &Use<'s>) -> bool {
        let Some(at) = used.chain.iter().rposition(|name| *name == super::chains::CALLED) else {
            return false;
        };
        match self.resolver.resolve(self.scope, &used.chain[..=at]).target {
            Some(Target::External(path)) => self.book.call(&path).is_some(),
            _ => false,
        }
    }

    /// Returns the services that a call's first argument names, where it is a literal URL or a constant of one. What
    /// speaks HTTP is addressed by too many that are no service.
    fn meant_by(&self, call: &'s ExprCall) -> Option<Box<[Sought]>> {
        let first = call.arguments.args.first()?;
        let literal = match first {
            Expr::StringLiteral(_) | Expr::FString(_) => true,
            Expr::Name(_) | Expr::Attribute(_) => {
                let target = self.resolver.resolve(self.scope, &super::chains::chain_of(first)?).target;
                matches!(target, Some(Target::Scope(to)) if matches!(self.resolver.program.scope(to).kind,
                    ScopeKind::Value(Expr::StringLiteral(_) | Expr::FString(_))))
            }
            _ => false,
        };
        if !literal {
            return None;
        }
        let hints = hints_of(self.resolver, self.scope, [first]);
        let mut urls = hints.texts.into_iter().filter(|text| text.contains("://") && !text.starts_with('…'));
        let url = urls.next().filter(|url| urls.next().is_none() && !url.starts_with("http"))?;
        match self.book.address(&Hints { texts: vec![url], ..Hints::default() }) {
            Address::Of(services) => Some(services.into()),
            Address::None => Some(Box::default()),
            Address::Unknown => None,
        }
    }

    /// Adds the text that must be chosen for this to run, and the marks that a test must bear or not.
    pub(super) fn with_choice(&self, used: &Use<'s>, via: &[u64]) -> Box<[u64]> {
        let scope = self.resolver.program.scope(self.scope);
        let is_key = matches!(used.how, How::Entry);
        let choice = used.when.map(|text| choice_mark(scope.module, text, is_key));
        let marks = scope.conditions_of(used).filter_map(|condition| match condition.subject {
            Subject::Mark(name) => Some(bears_mark(name, condition.asks_for_it())),
            Subject::Setting(name) if condition.question == Question::IsTrue => {
                is_django(self.resolver, self.scope).then(|| setting_mark(name, condition.answer))
            }
            Subject::Setting(_) | Subject::Parameter(_) | Subject::Own(_) => None,
        });
        via.iter().copied().chain(choice).chain(marks).collect()
    }

    pub(super) fn push(&mut self, used: &Use<'s>, to: ScopeIx, via: &[u64]) {
        if to != self.scope {
            self.links.out.push(Link {
                to,
                range: used.range,
                guard: used.guard,
                via: self.with_choice(used, via),
                only: self.only.clone(),
            });
        }
    }

    pub(super) fn external(&mut self, used: &Use<'s>, call: &'s ExprCall, path: &str, mut via: Vec<u64>) {
        // Tasks of huey that run where they are called are put into no queue.
        if path.starts_with("huey.") && has_keyword(call, &["immediate"]) {
            return;
        }
        if path == super::commands::CALL {
            return self.command(used, call, &via);
        }
        if let Some(images) = super::containers::images_of(path, call) {
            let texts = hints_of(self.resolver, self.scope, images).texts;
            let scope = self.resolver.program.scope(self.scope);
            let services = super::containers::services_of(path, &texts, scope.name, self.book);
            for service in services {
                self.touch(used, service, TouchKind::Container, path, &via);
            }
            return;
        }
        let called = self.book.call(path);
        if called.is_some() {
            via.extend(marks_of_external(path));
        }
        match called {
            Some(Called::Client(service)) => self.touch(used, service, TouchKind::Client, path, &via),
            Some(Called::Connects(service)) => {
                self.links.connects.push((service, used.range));
                self.touch(used, service, TouchKind::Client, path, &via);
            }
            Some(Called::Starts(service)) => self.touch(used, service, TouchKind::Container, path, &via),
            Some(Called::Variable) => {
                let name = call.arguments.args.first().map(|arg| hints_of(self.resolver, self.scope, [arg]));
                let name = name.and_then(|hints| hints.texts.into_iter().next()).unwrap_or_default();
                self.variable(used, &name);
            }
            Some(Called::Addressed { database }) => {
                // A transport of its own is a stand-in for the network.
                if speaks_http(path) && has_keyword(call, &["transport", "mounts", "app"]) {
                    return;
                }
                let address = |hints: &Hints| match self.book.address(hints) {
                    address if database => self.book.of_database(address),
                    address => address,
                };
                let hints = self.address_hints(used, path, call, Defaults::Count);
                let (address, usual) = match address(&hints) {
                    // What the defaults of the function's own parameters say holds for callers that say nothing else.
                    Address::Of(services)
                        if hints.open.first().is_some_and(|(by, _)| *by == self.scope)
                            && address(&self.address_hints(used, path, call, Defaults::LeftOut))
                                == Address::Unknown =>
                    {
                        (Address::Unknown, services)
                    }
                    address => (address, Vec::new()),
                };
                let connects = connects_at_once(path, database);
                if connects {
                    self.links.connects.extend(usual.iter().map(|service| (*service, used.range)));
                }
                match address {
                    Address::Of(services) => {
                        for service in services {
                            if connects {
                                self.links.connects.push((service, used.range));
                            }
                            self.touch(used, service, TouchKind::Client, path, &via);
                        }
                    }
                    Address::None => {}
                    Address::Unknown if path.starts_with("flask_sqlalchemy") => {
                        self.database(used, path, &via);
                    }
                    Address::Unknown => match (hints.open.first(), self.book.database) {
                        (Some((by, _)), _) => {
                            let via = self.with_choice(used, &via);
                            self.links.opens.push(Opening {
                                by: *by,
                                parameters: parameters_of(&hints, *by),
                                place: UnknownCall::new(self.scope, used.range, path),
                                at: self.scope,
                                range: used.range,
                                guard: used.guard,
                                via,
                                what: path.to_owned(),
                                database,
                                usual,
                            });
                        }
                        (None, Some(service)) if database => {
                            if connects {
                                self.links.connects.push((service, used.range));
                            }
                            self.touch(used, service, TouchKind::Client, path, &via);
                        }
                        (None, None) if database => {
                            self.links.unknown.push(UnknownCall::new(self.scope, used.range, path));
                        }
                        (None, _) => {}
                    },
                }
            }
            Some(Called::Database) => self.database(used, path, &via),
            Some(Called::Cache) => self.cache(used, path, &via),
            None => {}
        }
    }

    /// Returns what the arguments of a call are made of that say which address it opens.
    fn address_hints(&self, used: &Use<'s>, path: &str, call: &'s ExprCall, defaults: Defaults) -> Hints {
        // `engine.connect()` opens what the engine is made with.
        if call.arguments.is_empty()
            && let Some((_, before)) = used.chain.split_last().filter(|(_, before)| !before.is_empty())
            && let Some(Target::Scope(made)) = self.resolver.resolve(self.scope, before).target
            && let ScopeKind::Value(Expr::Call(engine)) = self.resolver.program.scope(made).kind
        {
            return hints_with(self.resolver, made, arguments(engine), defaults);
        }
        if speaks_http(path) {
            hints_with(self.resolver, self.scope, address_arguments(call), defaults)
        } else {
            hints_with(self.resolver, self.scope, arguments(call), defaults)
        }
    }

    /// The database that the project's settings name, else the one that it depends on.
    pub(super) fn database(&mut self, used: &Use<'s>, path: &str, via: &[u64]) {
        let flask = self.book.flask.as_ref().filter(|_| path.starts_with("flask_sqlalchemy"));
        let services: Vec<Sought> = match flask {
            Some(Address::Of(services)) => services.clone(),
            Some(Address::None) => Vec::new(),
            Some(Address::Unknown) | None => self.book.database.into_iter().collect(),
        };
        if services.is_empty() && flask.is_none_or(|address| *address == Address::Unknown) {
            self.links.unknown.push(UnknownCall::new(self.scope, used.range, path));
        }
        for service in services {
            self.touch(used, service, TouchKind::Client, path, via);
        }
    }

    pub(super) fn touch(
        &mut self,
        used: &Use<'s>,
        service: Sought,
        kind: TouchKind,
        what: &str,
        via: &[u64],
    ) {
        self.links.touches.push(Touch {
            service,
            kind,
            range: used.range,
            guard: used.guard,
            via: self.with_choice(used, via),
            what: what.to_owned(),
        });
    }

    fn variable(&mut self, used: &Use<'s>, name: &str) {
        if let Some(service) = self.book.word(name) {
            self.touch(used, service, TouchKind::Variable, name, &[]);
        }
    }

    /// A guard such as `redis_available` says by its name what it looks for.
    fn named_guard(&mut self, used: &Use<'s>, target: Option<&Target>) {
        const LOOKS_FOR: &[&str] = &[
            "reachable",
            "available",
            "running",
            "up",
            "ready",
            "alive",
            "ping",
            "online",
            "responsive",
            "connect",
            "connected",
            "connection",
            "server",
            "live",
            "requires",
            "require",
            "required",
            "needs",
            "no",
            "without",
            "check",
        ];
        if let Some(Target::Scope(ix)) = target
            && let ScopeKind::Value(Expr::BooleanLiteral(_)) = self.resolver.program.scope(*ix).kind
        {
            return;
        }
        let Some(last) = used.chain.last() else { return };
        if words_of(last).iter().any(|word| LOOKS_FOR.contains(&word.as_str()))
            && let Some(service) = self.book.word(last)
        {
            let to = if let Some(Target::Scope(to)) = target { Some(*to) } else { None };
            self.links.named_guards.push((service, used.range, to));
        }
    }
}

/// Returns whether a call of this name opens the address at once that it is given: not so what makes an engine.
fn connects_at_once(path: &str, database: bool) -> bool {
    ["socket.", "asyncio.", "requests.", "httpx.get"].iter().any(|start| path.starts_with(start))
        || database && [".begin", ".connect"].iter().any(|end| path.ends_with(end))
}

/// Returns whether what is done with a value asks a service for nothing: it is closed, told of an application, or only
/// a type of it is named (`db.Model`).
fn leaves_alone(used: &Use<'_>) -> bool {
    const CLOSES: &[&str] =
        &["aclose", "close", "disconnect", "dispose", "init_app", "remove", "shutdown", "stop", "terminate"];
    if matches!(used.how, How::Call(_)) {
        return used.chain.last().is_some_and(|last| CLOSES.contains(last));
    }
    used.chain.get(1).is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.contains(|c: char| c.is_ascii_lowercase())
    })
}
