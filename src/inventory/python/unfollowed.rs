//! What uses a service without anybody seeing which tests come to it.
//!
//! An inventory that finds no need is worth nothing where the sources use a database all the same: it must not look
//! like that of a project that needs nothing.

use std::collections::{BTreeMap, VecDeque};

use ruff_text_size::TextRange;

use super::links::{Links, TouchKind};
use super::openings::UnknownCall;
use super::program::{ScopeIx, ScopeKind};
use super::resolve::Resolver;
use super::signs::{SignBook, Sought};
use super::{Place, TestFunction, Unfollowed};
use crate::inventory::Evidence;

/// As many calls of unknown databases are told apart.
const MAX_CALLS: usize = 16;

/// A call that opens a database of which nothing says which it is.
#[derive(Debug)]
pub(super) struct UnknownDatabase {
    call: UnknownCall,
    /// For every scope whether it leads there.
    leads: Vec<bool>,
}

impl UnknownDatabase {
    /// Returns whether one of these scopes leads to the call.
    pub(super) fn is_reached(&self, scopes: impl IntoIterator<Item = ScopeIx>) -> bool {
        scopes.into_iter().any(|scope| self.leads[scope.0 as usize])
    }
}

/// Returns the calls that open a database of which nothing says which it is.
pub(super) fn unknown_databases(links: &[Links]) -> Vec<UnknownDatabase> {
    // By the call, with the scopes that come to it without saying what it opens.
    let mut calls: BTreeMap<&UnknownCall, Vec<usize>> = BTreeMap::new();
    for (from, links) in links.iter().enumerate() {
        for call in &links.unknown {
            calls.entry(call).or_default().push(from);
        }
    }
    if calls.is_empty() {
        return Vec::new();
    }
    let mut backwards: Vec<Vec<usize>> = vec![Vec::new(); links.len()];
    for (from, out) in links.iter().enumerate() {
        for link in &out.out {
            backwards[link.to.0 as usize].push(from);
        }
    }
    let leading = |(call, from): (&UnknownCall, Vec<usize>)| {
        let mut leads = vec![false; links.len()];
        let mut open = VecDeque::from(from);
        while let Some(scope) = open.pop_front() {
            if !std::mem::replace(&mut leads[scope], true) {
                open.extend(&backwards[scope]);
            }
        }
        UnknownDatabase { call: call.clone(), leads }
    };
    calls.into_iter().take(MAX_CALLS).map(leading).collect()
}

/// Returns what is not followed: databases of an unknown kind, by how many tests come to each, and services that the
/// sources use, that something starts or declares, and that no test was seen to need. Where not even the sources are seen
/// to use one, the project may depend on what talks to it.
pub(super) fn unfollowed(
    resolver: &Resolver<'_, '_, '_>,
    book: &SignBook<'_>,
    links: &[Links],
    started: impl Fn(Sought) -> bool,
    depended: impl Fn(Sought, bool) -> Option<(Place, String)>,
    unknown: &[(&UnknownDatabase, usize)],
    functions: &[TestFunction],
) -> Vec<Unfollowed> {
    let place = |at: ScopeIx, range: TextRange| resolver.program.file_of(at).place(range);
    let mut found: Vec<Unfollowed> = unknown
        .iter()
        .filter(|(_, tests)| *tests > 0)
        .map(|(unknown, tests)| Unfollowed {
            place: place(unknown.call.at, unknown.call.range()),
            what: unknown.call.what.clone(),
            service: None,
            by_dependency: false,
            tests: *tests,
        })
        .collect();
    if functions.is_empty() {
        return found;
    }
    let firm = |function: &TestFunction| function.needs.iter().any(|need| need.evidence < Evidence::Variable);
    let nothing = found.is_empty() && !functions.iter().any(firm);
    for (service, sought) in book.all() {
        let needed = functions.iter().flat_map(|function| &function.needs);
        let mut firm = needed.filter(|need| need.evidence < Evidence::Variable);
        if firm.any(|need| need.service == sought.name) || !(nothing || started(service)) {
            continue;
        }
        let touches = links.iter().enumerate().flat_map(|(at, links)| {
            let at = ScopeIx(u32::try_from(at).unwrap_or(u32::MAX));
            links.touches.iter().map(move |touch| (at, touch))
        });
        let clients = touches.filter(|(at, touch)| {
            touch.service == service
                && touch.kind == TouchKind::Client
                && !matches!(resolver.program.scope(*at).kind, ScopeKind::Module)
        });
        let first = clients.map(|(at, touch)| (place(at, touch.range), touch.what.clone())).min();
        let (by_dependency, used) = match first {
            Some(used) => (false, Some(used)),
            None => (true, depended(service, nothing)),
        };
        if let Some((place, what)) = used {
            let service = Some(sought.name.clone());
            found.push(Unfollowed { place, what, service, by_dependency, tests: 0 });
        }
    }
    found.sort_by(|a, b| (&a.place, &a.what).cmp(&(&b.place, &b.what)));
    found
}
