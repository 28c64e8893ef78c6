//! Connections that are opened while modules are imported.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ruff_text_size::TextRange;

use super::links::Links;
use super::locate::{folder_of, joined};
use super::program::{Binding, How, ModuleIx, Program, Scope, ScopeIx, ScopeKind, Use};
use super::resolve::{Resolver, Target};
use super::signs::Sought;

/// A connection that is opened while a module is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    pub(super) service: Sought,
    pub(super) scope: ScopeIx,
    pub(super) range: TextRange,
    /// It only decides whether tests are skipped, or the import goes on where it fails.
    pub(super) guard: bool,
}

/// Returns, for every module, the connections that its own statements open while it is imported.
pub(super) fn connections(
    resolver: &Resolver<'_, '_, '_>,
    links: &[Links],
) -> BTreeMap<ModuleIx, Vec<Connection>> {
    let program = resolver.program;
    // A function that opens a connection passes it on to what calls it.
    let mut opens: Vec<Option<Sought>> =
        links.iter().map(|links| links.connects.first().map(|(service, _)| *service)).collect();
    let calls = |from: usize, at: usize| {
        is_call(program, ScopeIx(u32::try_from(from).unwrap_or(u32::MAX)), links[from].out[at].range)
    };
    for _ in 0..8 {
        let mut changed = false;
        for (from, out) in links.iter().enumerate() {
            if opens[from].is_some() || !matches!(program.scopes[from].kind, ScopeKind::Function(_)) {
                continue;
            }
            let found = out.out.iter().enumerate().find_map(|(at, link)| {
                opens[link.to.0 as usize].filter(|_| {
                    matches!(program.scope(link.to).kind, ScopeKind::Function(_)) && calls(from, at)
                })
            });
            if found.is_some() {
                opens[from] = found;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    let mut own: BTreeMap<ModuleIx, Vec<Connection>> = BTreeMap::new();
    for (from, out) in links.iter().enumerate() {
        let ix = ScopeIx(u32::try_from(from).unwrap_or(u32::MAX));
        let scope = program.scope(ix);
        let at_import = match scope.kind {
            ScopeKind::Module => true,
            ScopeKind::Value(_) => scope.parent.is_some_and(|parent| runs_at_import(program, parent)),
            _ => false,
        };
        if !at_import {
            continue;
        }
        let opening = out.out.iter().filter_map(|link| {
            let service = opens[link.to.0 as usize]?;
            matches!(program.scope(link.to).kind, ScopeKind::Function(_)).then_some((service, link.range))
        });
        let opening: Vec<(Sought, TextRange)> = opening.collect();
        if opening.is_empty() && out.connects.is_empty() {
            continue;
        }
        let guarded = ranges_of(scope, |used| used.guard || used.tried);
        let called = ranges_of(scope, |used| matches!(used.how, How::Call(_)));
        let connection = |(service, range): &(Sought, TextRange)| Connection {
            service: *service,
            scope: ix,
            range: *range,
            guard: guarded.contains(range),
        };
        let direct = out.connects.iter().map(connection);
        let through = opening.iter().filter(|(_, range)| called.contains(range)).map(connection);
        let found: Vec<_> = direct.chain(through).collect();
        if !found.is_empty() {
            own.entry(scope.module).or_default().extend(found);
        }
    }
    own
}

/// Returns where a scope uses names in some way.
fn ranges_of(scope: &Scope<'_>, fits: impl Fn(&Use<'_>) -> bool) -> HashSet<TextRange> {
    scope.uses.iter().filter(|used| fits(used)).map(|used| used.range).collect()
}

fn runs_at_import(program: &Program<'_>, scope: ScopeIx) -> bool {
    match program.scope(scope).kind {
        ScopeKind::Module => true,
        ScopeKind::Class(_) => {
            program.scope(scope).parent.is_some_and(|parent| runs_at_import(program, parent))
        }
        _ => false,
    }
}

fn is_call(program: &Program<'_>, scope: ScopeIx, range: TextRange) -> bool {
    program.scope(scope).uses.iter().any(|used| used.range == range && matches!(used.how, How::Call(_)))
}

/// Returns, for every module, the connections that its import and the imports of what it imports open. Before a test's
/// module pytest imports the conftest files above it and the packages that it stands in.
pub(super) fn with_imports(
    resolver: &Resolver<'_, '_, '_>,
    own: &BTreeMap<ModuleIx, Vec<Connection>>,
    tests: &BTreeSet<ModuleIx>,
) -> BTreeMap<ModuleIx, Vec<Connection>> {
    let program = resolver.program;
    let mut all: BTreeMap<ModuleIx, Vec<Connection>> = BTreeMap::new();
    if own.is_empty() {
        return all;
    }
    let count = program.modules.len();
    let mut importers: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (at, module) in program.modules.iter().enumerate() {
        let mut imported = BTreeSet::new();
        for (name, binding) in &program.scope(module.scope).names {
            if matches!(binding, Binding::Import(_))
                && let Some(Target::Scope(target)) = resolver.resolve(module.scope, &[name]).target
            {
                imported.insert(program.scope(target).module);
            }
        }
        imported.extend(
            module.stars.iter().filter_map(|star| resolver.star_module(&module.file.path, &star.import)),
        );
        if tests.contains(&ModuleIx(u32::try_from(at).unwrap_or(u32::MAX))) {
            imported.extend(before(resolver, &module.file.path));
        }
        for other in imported {
            if other.0 as usize != at {
                importers[other.0 as usize].push(at);
            }
        }
    }
    for (module, found) in own {
        let mut seen = BTreeSet::from([module.0 as usize]);
        let mut open = vec![module.0 as usize];
        while let Some(at) = open.pop() {
            let list = all.entry(ModuleIx(u32::try_from(at).unwrap_or(u32::MAX))).or_default();
            for connection in found {
                if !list.contains(connection) {
                    list.push(*connection);
                }
            }
            for importer in &importers[at] {
                if seen.insert(*importer) {
                    open.push(*importer);
                }
            }
        }
    }
    all
}

/// Returns the modules that pytest imports before that of a test: conftest files and packages from its folder upwards.
fn before(resolver: &Resolver<'_, '_, '_>, test: &str) -> Vec<ModuleIx> {
    let mut found = Vec::new();
    let mut folder = folder_of(test);
    loop {
        for name in ["conftest.py", "__init__.py"] {
            found.extend(resolver.module_of(&joined(folder, name)));
        }
        if folder.is_empty() {
            return found;
        }
        folder = folder_of(folder);
    }
}
