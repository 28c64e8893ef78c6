//! What tests replace while they run: by `unittest.mock`, a monkeypatch or an override of a dependency.

use std::collections::BTreeSet;

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ExprCall, Stmt};

use super::chains::{chain_of, is_name};
use super::gather::Gatherer;
use super::links::Links;
use super::program::{Patch, ScopeIx, ScopeKind, binding_mark};
use super::resolve::{Named, Resolver, Target};
use super::signs::words_of;
use super::tables::is_path;

/// What keeps libraries from the network while a test runs, by the names that it is called by.
const KEEP: &[(&[&str], &[&str])] = &[
    (&["responses", "activate"], &["requests"]),
    (&["responses", "RequestsMock"], &["requests"]),
    (&["RequestsMock"], &["requests"]),
    (&["requests_mock", "Mocker"], &["requests"]),
    (&["requests_mock", "mock"], &["requests"]),
    (&["respx", "mock"], &["httpx"]),
    (&["respx", "MockRouter"], &["httpx"]),
    (&["aioresponses"], &["aiohttp"]),
    (&["httpretty", "activate"], HTTP),
    (&["pook", "on"], HTTP),
    (&["mark", "respx"], &["httpx"]),
    (&["mock_aws"], AWS),
    (&["mock_dynamodb"], AWS),
    (&["mock_s3"], AWS),
    (&["mock_secretsmanager"], AWS),
    (&["mock_sns"], AWS),
    (&["mock_sqs"], AWS),
    (&["mongomock", "patch"], &["pymongo"]),
    (&["TestConfluentKafkaBroker"], &["faststream.confluent"]),
    (&["TestKafkaBroker"], &["faststream.kafka", "faststream.confluent"]),
    (&["TestNatsBroker"], &["faststream.nats"]),
    (&["TestRabbitBroker"], &["faststream.rabbit"]),
];

/// The same of fixtures.
const KEEP_FIXTURES: &[(&str, &[&str])] = &[
    ("requests_mock", &["requests"]),
    ("httpx_mock", &["httpx"]),
    ("respx_mock", &["httpx"]),
    ("aioresponses", &["aiohttp"]),
    ("mock_aioresponse", &["aiohttp"]),
];

/// Methods that all others of a class, or of a library, go through, with what has no way out where one is replaced.
const GATES: &[(&str, &str)] = &[
    ("aiohttp.ClientSession._request", "aiohttp.ClientSession"),
    ("httpx.AsyncClient.request", "httpx.AsyncClient"),
    ("httpx.AsyncClient.send", "httpx.AsyncClient"),
    ("httpx.Client.request", "httpx.Client"),
    ("httpx.Client.send", "httpx.Client"),
    ("requests.Session.request", "requests"),
    ("requests.Session.send", "requests"),
    ("requests.adapters.HTTPAdapter.send", "requests"),
    ("requests.sessions.Session.request", "requests"),
    ("requests.sessions.Session.send", "requests"),
];

const HTTP: &[&str] = &["requests", "httpx", "aiohttp", "urllib", "urllib3"];
const AWS: &[&str] = &["boto3", "botocore", "aiobotocore", "aioboto3"];

/// Returns the libraries that something of this name keeps from the network while a test runs.
pub(super) fn replaced_by<'k>(chain: &[&str]) -> impl Iterator<Item = &'k &'static str> + use<'k> {
    // Most calls are of something else, which the last name shows.
    let known = KEEP.iter().find(|(names, _)| names.last() == chain.last() && chain.ends_with(names));
    known.map_or(&[][..], |(_, libraries)| *libraries).iter()
}

/// Returns the libraries that a fixture of this name keeps from the network.
pub(super) fn replaced_by_fixture<'k>(name: &str) -> impl Iterator<Item = &'k &'static str> + use<'k> {
    let known = KEEP_FIXTURES.iter().find(|(known, _)| *known == name);
    known.map_or(&[][..], |(_, libraries)| *libraries).iter()
}

/// Returns what a call replaces while a test runs, where it is one of `unittest.mock` or a monkeypatch.
pub(super) fn patches_of<'s>(chain: &[&'s str], call: &'s ExprCall) -> Vec<Patch<'s>> {
    let text = |at: usize| match call.arguments.args.get(at) {
        Some(Expr::StringLiteral(text)) => Some(text.value.to_str().to_owned()),
        _ => None,
    };
    let Some(last) = chain.last().copied() else { return Vec::new() };
    let first = call.arguments.args.first();
    let of_patch = chain.iter().rev().nth(1).is_some_and(|name| name.ends_with("patch"));
    let keywords = || call.arguments.keywords.iter().filter_map(|keyword| keyword.arg.as_ref());
    // `sys.modules`, as a name or as a path to it.
    let modules = match first {
        Some(Expr::StringLiteral(path)) => path.value.to_str() == "sys.modules",
        Some(named) => chain_of(named).as_deref() == Some(&["sys", "modules"]),
        None => false,
    };
    match last {
        "patch" | "setattr" | "async_patch" => match (text(0), first, text(1)) {
            (Some(path), ..) => vec![Patch::Path(path)],
            (None, Some(target), Some(name)) => {
                chain_of(target).map(|chain| Patch::Attribute(chain, name)).into_iter().collect()
            }
            _ => Vec::new(),
        },
        "object" if of_patch => {
            let target = first.and_then(chain_of);
            target.zip(text(1)).map(|(chain, name)| Patch::Attribute(chain, name)).into_iter().collect()
        }
        // `patch.multiple("app.cache", client=DEFAULT)`
        "multiple" if of_patch => {
            let patch = |name: &str| match text(0) {
                Some(path) => Some(Patch::Path(format!("{path}.{name}"))),
                None => Some(Patch::Attribute(chain_of(first?)?, name.to_owned())),
            };
            keywords().filter_map(|name| patch(name.as_str())).collect()
        }
        "dict" if of_patch && modules => match call.arguments.args.get(1) {
            Some(Expr::Dict(dict)) => {
                let names = dict.items.iter().filter_map(|item| match &item.key {
                    Some(Expr::StringLiteral(name)) => Some(name.value.to_str()),
                    _ => None,
                });
                names.map(|name| Patch::Path(name.to_owned())).collect()
            }
            _ => Vec::new(),
        },
        "setitem" if modules => text(1).map(Patch::Path).into_iter().collect(),
        // `flexmock(cache, client=fake)`
        "flexmock" => {
            let target = first.and_then(chain_of);
            let patch = |name: &str| Some(Patch::Attribute(target.clone()?, name.to_owned()));
            keywords().filter_map(|name| patch(name.as_str())).collect()
        }
        // `@override_settings(CACHES={…})`
        "override_settings" | "modify_settings" => {
            let caches = call.arguments.find_keyword("CACHES").map(|keyword| &keyword.value);
            caches.and_then(|caches| patch_of_caches(caches, &[])).into_iter().collect()
        }
        // A helper of the project: `self.patching("app.cache.client")`.
        name if patches(name) => text(0).filter(|path| is_path(path)).map(Patch::Path).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Returns whether a helper's name says that it replaces something: not so `dispatch`.
fn patches(name: &str) -> bool {
    words_of(name)
        .last()
        .is_some_and(|word| matches!(word.as_str(), "patch" | "patched" | "patcher" | "patching"))
}

/// What all of Django's caches are reached through.
pub(super) const CACHES: &str = "django.core.cache";

/// Returns what is replaced where Django's caches are set to something else for a test, where what is set, or the function
/// that sets it, says by literals that nothing is a server's.
pub(super) fn patch_of_caches<'s>(said: &Expr, body: &[Stmt]) -> Option<Patch<'s>> {
    struct Backends {
        local: bool,
        other: bool,
    }
    impl<'a> Visitor<'a> for Backends {
        fn visit_expr(&mut self, expr: &'a Expr) {
            match expr {
                Expr::StringLiteral(text) => {
                    let text = text.value.to_str().to_ascii_lowercase();
                    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
                    self.local |=
                        has(&["backends.locmem.", "backends.dummy.", "backends.filebased.", "backends.db."]);
                    self.other |= has(&["redis://", "rediss://", "valkey", "rediscache"])
                        || text.replace("locmemcache", "").contains("memcache");
                }
                // `{**settings.CACHES, "other": …}` keeps what was there.
                Expr::Dict(dict) => self.other |= dict.items.iter().any(|item| item.key.is_none()),
                _ => {}
            }
            walk_expr(self, expr);
        }
    }
    let mut backends = Backends { local: false, other: false };
    backends.visit_expr(said);
    backends.visit_body(body);
    (backends.local && !backends.other).then(|| Patch::Path(CACHES.to_owned()))
}

/// Returns what a call replaces that names it behind the object: `flexmock(redis).should_receive("Redis")`,
/// `when(redis).Redis()`.
pub(super) fn patch_behind(call: &ExprCall) -> Option<Patch<'_>> {
    let Expr::Attribute(method) = &*call.func else { return None };
    let Expr::Call(object) = &*method.value else { return None };
    let by = chain_of(&object.func)?;
    let target = chain_of(object.arguments.args.first()?)?;
    let name = match (*by.last()?, method.attr.as_str()) {
        ("flexmock", "should_receive") => match call.arguments.args.first()? {
            Expr::StringLiteral(name) => name.value.to_str(),
            _ => return None,
        },
        ("when" | "expect", name) if object.arguments.len() == 1 => name,
        _ => return None,
    };
    Some(Patch::Attribute(target, name.split('.').next().unwrap_or(name).to_owned()))
}

impl<'s> Gatherer<'s> {
    /// Reads `app.dependency_overrides[get_db] = fake_db` and returns whether it is such a thing.
    pub(super) fn overridden(&mut self, target: &'s Expr, value: &'s Expr) -> bool {
        let mut replaced: Vec<(&'s Expr, &'s Expr)> = Vec::new();
        match target {
            Expr::Subscript(subscript) if is_name(&subscript.value, &["dependency_overrides"]) => {
                replaced.push((&subscript.slice, value));
            }
            Expr::Attribute(attribute) if attribute.attr.as_str() == "dependency_overrides" => {
                let Expr::Dict(dict) = value else { return false };
                replaced.extend(dict.items.iter().filter_map(|item| Some((item.key.as_ref()?, &item.value))));
            }
            _ => return false,
        }
        for (key, value) in replaced {
            if let Some(chain) = chain_of(key) {
                self.replace(Patch::Function(chain));
            }
            let before = std::mem::replace(&mut self.argument, true);
            self.visit_expr(value);
            self.argument = before;
        }
        true
    }
}

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
                Some(Named::Outside(path)) => marks.extend(marks_of_replaced(&path)),
                None => marks.extend(marks_of_replaced(path)),
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
                Some(Target::External(path)) => marks.extend(marks_of_replaced(&format!("{path}.{name}"))),
                None => {}
            },
            // A fixture of this name that the project has may be anything.
            Patch::Fixture(name) => {
                if resolver.fixtures.find(resolver.program, scope, name).is_none() {
                    marks.extend(replaced_by_fixture(name).map(|library| external_mark(library)));
                }
            }
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

/// Returns what stands for something outside of the program and for all that it is a part of: whoever replaces one of
/// them replaces it.
pub(super) fn marks_of_external(path: &str) -> impl Iterator<Item = u64> {
    path.match_indices('.').map(|(at, _)| &path[..at]).chain([path]).map(external_mark)
}

/// Returns what stands for something outside of the program that is replaced, and for all that goes through it.
fn marks_of_replaced(path: &str) -> impl Iterator<Item = u64> {
    let gate = GATES.iter().find(|(gate, _)| *gate == path).map(|(_, library)| *library);
    // Who replaces how an object is made replaces the object.
    let class = path.strip_suffix(".__init__").or_else(|| path.strip_suffix(".__new__"));
    [Some(path), gate, class].into_iter().flatten().map(external_mark)
}

fn external_mark(path: &str) -> u64 {
    binding_mark(ScopeIx(u32::MAX), path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_keeps_a_library_from_the_network_is_looked_for_by_its_last_part() {
        for (names, libraries) in KEEP {
            assert_eq!(replaced_by(names).count(), libraries.len(), "{names:?}");
        }
    }
}
