//! Fixtures: where each is defined, who sees it, and what a test gets with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ruff_python_ast::{Expr, ExprCall, StmtFunctionDef};

use super::asked::asked_by_name;
use super::chains::{chain_of, is_name};
use super::locate::folder_of;
use super::program::{Binding, ModuleIx, ScopeIx, ScopeKind};
use super::resolve::{Resolver, Target};
use super::shapes::returns_of;
use super::stars::listed_in;

/// A fixture as its decorator declares it.
#[derive(Clone, Debug)]
pub(super) struct Fixture<'s> {
    pub(super) name: String,
    /// The function, or the value that wraps one.
    pub(super) scope: ScopeIx,
    pub(super) autouse: bool,
    pub(super) rank: ScopeRank,
    /// The call of the decorator, with its `params` and `ids`.
    pub(super) call: Option<&'s ExprCall>,
    /// The fixtures that it asks for itself.
    pub(super) asks: Vec<String>,
}

/// How long a fixture lives; longer ones are set up first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ScopeRank {
    Session,
    Package,
    Module,
    Class,
    Function,
}

/// Where a fixture is visible, outermost first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Home {
    /// Everywhere: a plugin.
    Plugin,
    /// Below a folder, by its `conftest.py`.
    Folder(String),
    /// In a module.
    Module(ModuleIx),
    /// In a class and those that inherit from it.
    Class(ScopeIx),
}

/// All fixtures of a pytest root.
#[derive(Debug, Default)]
pub(super) struct Fixtures<'s> {
    by_home: BTreeMap<Home, Place<'s>>,
}

/// The fixtures of one place.
#[derive(Debug, Default)]
struct Place<'s> {
    fixtures: Vec<Fixture<'s>>,
    by_name: HashMap<String, Vec<usize>>,
    /// The positions of those that every test in reach uses.
    autouse: Vec<usize>,
}

impl<'s> Place<'s> {
    fn add(&mut self, fixture: Fixture<'s>) {
        let at = self.fixtures.len();
        self.by_name.entry(fixture.name.clone()).or_default().push(at);
        if fixture.autouse {
            self.autouse.push(at);
        }
        self.fixtures.push(fixture);
    }
}

impl<'s> Fixtures<'s> {
    /// Adds the fixtures that a module's names stand for.
    pub(super) fn add_module(&mut self, resolver: &Resolver<'_, 's, '_>, module: ModuleIx, home: Home) {
        let found = of_scope(resolver, resolver.program.module(module).scope);
        let place = self.by_home.entry(home).or_default();
        for fixture in found {
            place.add(fixture);
        }
    }

    /// Adds the fixtures that are methods of a class or of one that it inherits from.
    pub(super) fn add_class(&mut self, resolver: &Resolver<'_, 's, '_>, class: ScopeIx) {
        let home = Home::Class(class);
        if self.by_home.contains_key(&home) {
            return;
        }
        let mut found: Vec<Fixture<'s>> = Vec::new();
        for base in resolver.mro(class).iter() {
            if let Target::Scope(base) = *base {
                for fixture in of_scope(resolver, base) {
                    if !found.iter().any(|known| known.name == fixture.name) {
                        found.push(fixture);
                    }
                }
            }
        }
        let place = self.by_home.entry(home).or_default();
        for fixture in found {
            place.add(fixture);
        }
    }

    /// Returns the definitions of a name that a test sees, the one that holds last.
    fn definitions(&self, homes: &[Home], name: &str) -> Vec<&Fixture<'s>> {
        let places = homes.iter().filter_map(|home| self.by_home.get(home));
        places
            .flat_map(|place| place.by_name.get(name).into_iter().flatten().map(|at| &place.fixtures[*at]))
            .collect()
    }

    /// Returns whether a test sees a fixture of that name.
    pub(super) fn sees(&self, homes: &[Home], name: &str) -> bool {
        !self.definitions(homes, name).is_empty()
    }

    /// Returns the names of fixtures that every test in these places uses, in order.
    pub(super) fn autouse(&self, homes: &[Home]) -> Vec<&str> {
        let places = homes.iter().filter_map(|home| self.by_home.get(home));
        let mut names: Vec<&str> = Vec::new();
        for fixture in places.flat_map(|place| place.autouse.iter().map(|at| &place.fixtures[*at])) {
            if !names.contains(&fixture.name.as_str()) {
                names.push(&fixture.name);
            }
        }
        names
    }

    /// Returns the names of all fixtures that a test needs, directly or not, in the order in which pytest sets them
    /// up, with the definitions that are used of each.
    pub(super) fn closure<'f>(
        &'f self,
        homes: &[Home],
        initial: &[String],
        direct: &BTreeSet<String>,
    ) -> Vec<(String, Vec<&'f Fixture<'s>>)> {
        let mut closure =
            Closure { fixtures: self, homes, direct, depth: BTreeMap::new(), found: Vec::new() };
        for name in initial {
            closure.visit(name, 0);
        }
        let mut found = closure.found;
        let rank = |(_, used): &(String, Vec<&Fixture<'s>>)| {
            used.first().map_or(ScopeRank::Function, |fixture| fixture.rank)
        };
        found.sort_by_key(rank);
        found
    }

    /// Returns every fixture with its home.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Home, &Fixture<'s>)> {
        self.by_home
            .iter()
            .flat_map(|(home, place)| place.fixtures.iter().map(move |fixture| (home, fixture)))
    }
}

struct Closure<'f, 's, 'h> {
    fixtures: &'f Fixtures<'s>,
    homes: &'h [Home],
    direct: &'h BTreeSet<String>,
    /// How many overriding definitions of a name are open.
    depth: BTreeMap<String, usize>,
    found: Vec<(String, Vec<&'f Fixture<'s>>)>,
}

impl Closure<'_, '_, '_> {
    fn visit(&mut self, name: &str, nesting: usize) {
        let open = self.depth.get(name).copied();
        let known = self.found.iter().position(|(found, _)| found == name);
        if known.is_some() && open.unwrap_or(0) == 0 || nesting > 200 {
            return;
        }
        let at = known.unwrap_or_else(|| {
            self.found.push((name.to_owned(), Vec::new()));
            self.found.len() - 1
        });
        if self.direct.contains(name) {
            return;
        }
        let definitions = self.fixtures.definitions(self.homes, name);
        let used = open.unwrap_or(0);
        let Some(fixture) = definitions.len().checked_sub(used + 1).map(|at| definitions[at]) else { return };
        self.found[at].1.push(fixture);
        self.depth.insert(name.to_owned(), used + 1);
        for ask in &fixture.asks {
            self.visit(ask, nesting + 1);
        }
        self.depth.insert(name.to_owned(), used);
    }
}

/// Returns the folders of a file from the outermost to its own, as the homes of their conftest files.
pub(super) fn folders_of(root: &str, file: &str) -> Vec<Home> {
    let mut folders = Vec::new();
    let mut folder = folder_of(file);
    loop {
        folders.push(Home::Folder(folder.to_owned()));
        if folder == root || folder.is_empty() {
            break;
        }
        folder = folder_of(folder);
    }
    folders.reverse();
    folders
}

/// Returns the fixtures that the names of a module or class stand for.
pub(super) fn of_scope<'s>(resolver: &Resolver<'_, 's, '_>, scope: ScopeIx) -> Vec<Fixture<'s>> {
    let program = resolver.program;
    let mut found: Vec<Fixture<'s>> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for (name, _) in &program.scope(scope).names {
        if !seen.insert(name) {
            continue;
        }
        let fixture = match program.scope(scope).binding(name) {
            Some(Binding::Scope(ix)) => fixture_at(resolver, ix, name),
            Some(Binding::Import(_)) => match resolver.resolve(scope, &[name]).target {
                Some(Target::Scope(ix)) => fixture_at(resolver, ix, name),
                _ => None,
            },
            _ => None,
        };
        found.extend(fixture);
    }
    let module = program.module(program.scope(scope).module);
    if module.scope == scope {
        for star in &module.stars {
            for name in starred_names(resolver, module.file.path.as_str(), &star.import, 8) {
                if seen.insert(name)
                    && let Some(Target::Scope(ix)) = resolver.resolve(scope, &[name]).target
                {
                    found.extend(fixture_at(resolver, ix, name));
                }
            }
        }
    }
    found
}

/// Returns the names that `from module import *` binds.
pub(super) fn starred_names<'s>(
    resolver: &Resolver<'_, 's, '_>,
    from: &str,
    star: &super::program::Import<'s>,
    depth: u32,
) -> Vec<&'s str> {
    let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
    let Some(module) = resolver.star_module(from, star) else { return Vec::new() };
    let module = resolver.program.module(module);
    let scope = resolver.program.scope(module.scope);
    let all = listed_in(resolver.program, scope);
    let mut names: Vec<&'s str> = match all {
        Some(names) if !names.is_empty() => names,
        _ => scope.names.iter().map(|(name, _)| *name).filter(|name| !name.starts_with('_')).collect(),
    };
    for star in &module.stars {
        names.extend(starred_names(resolver, module.file.path.as_str(), &star.import, depth));
    }
    names
}

fn fixture_at<'s>(resolver: &Resolver<'_, 's, '_>, ix: ScopeIx, bound: &str) -> Option<Fixture<'s>> {
    let scope = resolver.program.scope(ix);
    match scope.kind {
        ScopeKind::Function(def) => {
            let call = fixture_decorator(def)?;
            let mut fixture = declared(bound, ix, call.1);
            fixture.asks = parameters_of(def, resolver.class_around(ix).is_some(), 0);
            fixture.asks.extend(asked_by_name(resolver, ix));
            Some(fixture)
        }
        // `client = pytest.fixture(make_client)`, `client = pytest.fixture(scope="module")(make_client)`
        ScopeKind::Value(Expr::Call(call)) => {
            let (options, function) = match &*call.func {
                Expr::Call(inner) if is_fixture(&inner.func) => (inner, call.arguments.args.first()?),
                func if is_fixture(func) => (call, call.arguments.args.first()?),
                func => return made_by_call(resolver, ix, bound, call, func),
            };
            let mut fixture = declared(bound, ix, Some(options));
            if let Some(Target::Scope(inner)) =
                chain_of(function).and_then(|chain| resolver.resolve(ix, &chain).target)
                && let ScopeKind::Function(def) = resolver.program.scope(inner).kind
            {
                fixture.asks = parameters_of(def, false, 0);
            }
            Some(fixture)
        }
        _ => None,
    }
}

/// Returns the fixture that a call makes: of a function of the project that defines one and returns it, or of a plugin
/// of pytest, as in `database = factories.postgresql("server")`; the texts that a plugin is given name other fixtures.
fn made_by_call<'s>(
    resolver: &Resolver<'_, 's, '_>,
    ix: ScopeIx,
    bound: &str,
    call: &'s ExprCall,
    function: &Expr,
) -> Option<Fixture<'s>> {
    match resolver.resolve(ix, &chain_of(function)?).target? {
        Target::Scope(maker) => {
            let ScopeKind::Function(def) = resolver.program.scope(maker).kind else { return None };
            let mut made = returns_of(&def.body).into_iter().filter_map(|value| {
                let Expr::Name(name) = value else { return None };
                match resolver.program.scope(maker).binding(name.id.as_str())? {
                    Binding::Scope(inner) => fixture_at(resolver, inner, bound),
                    _ => None,
                }
            });
            // What the maker does when it is called is part of it.
            made.next().map(|fixture| Fixture { scope: ix, ..fixture })
        }
        Target::External(path) if path.starts_with("pytest_") => {
            let texts = call.arguments.args.iter().filter_map(|argument| match argument {
                Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
                _ => None,
            });
            let asks = texts.collect();
            Some(Fixture { asks, ..declared(bound, ix, None) })
        }
        _ => None,
    }
}

fn declared<'s>(bound: &str, scope: ScopeIx, call: Option<&'s ExprCall>) -> Fixture<'s> {
    let text = |name: &str| {
        let keyword = call?.arguments.find_keyword(name)?;
        if let Expr::StringLiteral(text) = &keyword.value { Some(text.value.to_str()) } else { None }
    };
    let autouse = call.is_some_and(|call| {
        let keyword = call.arguments.find_keyword("autouse");
        keyword.is_some_and(|keyword| matches!(&keyword.value, Expr::BooleanLiteral(value) if value.value))
    });
    let rank = match text("scope") {
        Some("session") => ScopeRank::Session,
        Some("package") => ScopeRank::Package,
        Some("module") => ScopeRank::Module,
        Some("class") => ScopeRank::Class,
        _ => ScopeRank::Function,
    };
    Fixture { name: text("name").unwrap_or(bound).to_owned(), scope, autouse, rank, call, asks: Vec::new() }
}

fn is_fixture(expr: &Expr) -> bool {
    is_name(expr, &["fixture", "yield_fixture", "async_fixture"])
}

/// Returns whether a function is a fixture, with the call of its decorator where it is one.
pub(super) fn fixture_decorator(def: &StmtFunctionDef) -> Option<((), Option<&ExprCall>)> {
    def.decorator_list.iter().find_map(|decorator| match &decorator.expression {
        Expr::Call(call) if is_fixture(&call.func) => Some(((), Some(call))),
        expr if is_fixture(expr) => Some(((), None)),
        _ => None,
    })
}

/// Returns the names of the fixtures that a function's parameters ask for; `injected` of the first are given by
/// decorators.
pub(super) fn parameters_of(def: &StmtFunctionDef, method: bool, injected: usize) -> Vec<String> {
    let is_static = def
        .decorator_list
        .iter()
        .any(|decorator| chain_of(&decorator.expression).is_some_and(|chain| *chain == ["staticmethod"]));
    let parameters = &def.parameters;
    let positional: Vec<_> = parameters
        .posonlyargs
        .iter()
        .chain(&*parameters.args)
        .filter(|parameter| parameter.default.is_none())
        .collect();
    let own = usize::from(method && !is_static);
    let keyword_only = parameters.kwonlyargs.iter().filter(|parameter| parameter.default.is_none());
    positional
        .into_iter()
        .skip(own + injected)
        .chain(keyword_only)
        .map(|parameter| parameter.name().as_str().to_owned())
        .collect()
}
