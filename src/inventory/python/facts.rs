//! The whole reading: files, program, links, tests, needs; and their facts as plain values.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::collect::{Collected, Collector, marks_by_hooks, registered_by_hooks};
use super::fixtures::{Fixtures, Home};
use super::gather::{Gathered, gather, strings_of};
use super::hints::hints_of;
use super::links::link_all;
use super::literal::{Literal, literal};
use super::load::{Loaded, load};
use super::locate::{Locator, folder_of};
use super::marks::Mark;
use super::needs::{Connection, NeedFinder, Root, connections};
use super::parameters::combined;
use super::program::{Binding, ModuleIx, Program, ScopeIx, ScopeKind};
use super::reach::Reach;
use super::resolve::{Resolver, Target};
use super::signs::{Address, SignBook, Sought, SoughtService};
use super::tree::Tree;
use super::{
    AppliedMark, FixtureFacts, FixtureUse, ImportConnection, PytestSettings, RegisteredMarker, SourceFile,
    SourceNeed, Sources, Step, StepKind, TestFunction, TestItem,
};
use crate::config::{Catalogue, MarkerValue};
use crate::inventory::Evidence;

/// Files that say which packages a project depends on.
const DEPENDENCY_FILES: &[&str] = &[
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "requirements.txt",
    "requirements-dev.txt",
    "requirements/test.txt",
    "Pipfile",
];

/// Returns what the sources of a project say.
pub(super) fn read(project: &Path, services: Vec<SoughtService>) -> Sources {
    let tree = Tree::walk(project);
    let roots = tree.settings(project);
    let locator = Locator::new(&tree, &roots);
    let Loaded { files, tests } = load(project, &tree, &roots, &locator);
    let facts = {
        let program = assemble(&files);
        let resolver = Resolver::new(&program, &locator);
        let reader = Reader { project, tree: &tree, roots: &roots, resolver: &resolver };
        reader.read(&services, &tests)
    };
    let test_files = tests.into_iter().flatten().collect();
    let mut registered: Vec<RegisteredMarker> =
        roots.iter().flat_map(|root| root.markers.iter().cloned()).collect();
    registered.extend(facts.registered);
    Sources {
        roots,
        files,
        test_files,
        functions: facts.functions,
        fixtures: facts.fixtures,
        connections: facts.connections,
        marks_by_hooks: facts.marks_by_hooks,
        registered,
        services,
        shadowed: facts.shadowed,
        loops: tree.loops,
    }
}

/// Gathers all files, in parallel, into one program.
fn assemble(files: &[SourceFile]) -> Program<'_> {
    // The positions of a file's scopes depend on how many those before it have: gather first, then place them.
    let counts: Vec<u32> = files.par_iter().map(|file| count(&gather(file, ModuleIx(0), 0))).collect();
    let mut first = 0;
    let mut firsts = Vec::with_capacity(files.len());
    for count in counts {
        firsts.push(first);
        first += count;
    }
    let gathered: Vec<Gathered<'_>> = files
        .par_iter()
        .zip(&firsts)
        .enumerate()
        .map(|(at, (file, first))| gather(file, ModuleIx(u32::try_from(at).unwrap_or(u32::MAX)), *first))
        .collect();
    let mut program = Program::default();
    for ((file, first), gathered) in files.iter().zip(firsts).zip(gathered) {
        let (module, scopes) = gathered.into_module(file, first);
        program.modules.push(module);
        program.scopes.extend(scopes);
    }
    program
}

fn count(gathered: &Gathered<'_>) -> u32 {
    u32::try_from(gathered.scopes.len()).unwrap_or(u32::MAX)
}

struct Reader<'r, 'p, 's, 't> {
    project: &'r Path,
    tree: &'r Tree,
    roots: &'r [PytestSettings],
    resolver: &'r Resolver<'p, 's, 't>,
}

#[derive(Default)]
struct Facts {
    functions: Vec<TestFunction>,
    fixtures: Vec<FixtureFacts>,
    connections: Vec<ImportConnection>,
    marks_by_hooks: BTreeSet<String>,
    registered: Vec<RegisteredMarker>,
    shadowed: Vec<super::Shadowed>,
}

/// The names of a test's fixtures with the scopes that make them.
type UsedFixtures = Vec<(String, Vec<ScopeIx>)>;

impl<'s> Reader<'_, '_, 's, '_> {
    fn read(&self, services: &[SoughtService], tests: &[Vec<String>]) -> Facts {
        let program = self.resolver.program;
        let mut book = SignBook::new(services);
        let django = self.django_database(&book);
        book.database = match &django {
            Some(address) => match &address {
                Address::Of(services) => services.first().copied(),
                Address::None => None,
                Address::Unknown => self.usual_database(&book),
            },
            None => self.usual_database(&book),
        };
        let mut links = link_all(self.resolver, &book);
        let reaches: Vec<bool> = {
            let reach = Reach::new(&links);
            program.scope_indices().map(|scope| reach.reaches_any(scope)).collect()
        };
        // A guard's name counts where nothing that it does says what it looks for.
        for out in &mut links {
            for (service, range, to) in std::mem::take(&mut out.named_guards) {
                if to.is_none_or(|to| !reaches[to.0 as usize]) {
                    let what = "the name of the guard".to_owned();
                    out.touches.push(super::links::Touch {
                        service,
                        kind: super::links::TouchKind::Named,
                        range,
                        guard: true,
                        via: Box::default(),
                        what,
                    });
                }
            }
        }
        let reach = Reach::new(&links);
        let own = connections(self.resolver, &links);
        let at_import = self.with_imports(&own);
        let finder = NeedFinder {
            resolver: self.resolver,
            book: &book,
            links: &links,
            reach: &reach,
            connections: &at_import,
        };

        let mut facts = Facts::default();
        for (root, files) in self.roots.iter().zip(tests) {
            self.read_root(root, files, &finder, django.is_some(), &mut facts);
        }
        let mut files_of: BTreeMap<(ScopeIx, Sought, u32), (TextRange, BTreeSet<String>)> = BTreeMap::new();
        for file in tests.iter().flatten() {
            let Some(module) = self.resolver.module_of(file) else { continue };
            for found in at_import.get(&module).into_iter().flatten() {
                let key = (found.scope, found.service, found.range.start().to_u32());
                files_of.entry(key).or_insert_with(|| (found.range, BTreeSet::new())).1.insert(file.clone());
            }
        }
        facts.connections = files_of
            .into_iter()
            .map(|((scope, service, _), (range, files))| ImportConnection {
                place: program.file_of(scope).place(range),
                service: book.get(service).name.clone(),
                files,
            })
            .collect();
        facts.connections.sort();
        facts
    }

    fn read_root(
        &self,
        root: &PytestSettings,
        files: &[String],
        finder: &NeedFinder<'_, '_, 's, '_, '_>,
        django: bool,
        facts: &mut Facts,
    ) {
        let program = self.resolver.program;
        let modules: Vec<ModuleIx> = files.iter().filter_map(|file| self.resolver.module_of(file)).collect();
        let mut fixtures = Fixtures::default();
        let conftests: Vec<ModuleIx> = self.conftests(root);
        let mut hooks: BTreeMap<String, Vec<ScopeIx>> = BTreeMap::new();
        for module in &conftests {
            let file = program.module(*module).file;
            let folder = folder_of(&file.path).to_owned();
            fixtures.add_module(self.resolver, *module, Home::Folder(folder.clone()));
            facts.marks_by_hooks.extend(marks_by_hooks(self.resolver, *module));
            facts.registered.extend(
                registered_by_hooks(self.resolver, *module)
                    .into_iter()
                    .map(|(name, line)| RegisteredMarker { name, file: file.path.clone(), line }),
            );
            for name in ["pytest_configure", "pytest_sessionstart"] {
                if let Some(Binding::Scope(ix)) = program.scope(program.module(*module).scope).binding(name) {
                    hooks.entry(folder.clone()).or_default().push(ix);
                }
            }
        }
        for module in self.plugins(root, &conftests) {
            fixtures.add_module(self.resolver, module, Home::Plugin);
            facts.marks_by_hooks.extend(marks_by_hooks(self.resolver, module));
            let file = program.module(module).file;
            facts.registered.extend(
                registered_by_hooks(self.resolver, module).into_iter().map(|(name, line)| RegisteredMarker {
                    name,
                    file: file.path.clone(),
                    line,
                }),
            );
        }
        for module in &modules {
            fixtures.add_module(self.resolver, *module, Home::Module(*module));
        }
        for ix in program.scope_indices() {
            if matches!(program.scope(ix).kind, ScopeKind::Class(_))
                && program.scope(ix).names.iter().any(|_| true)
            {
                fixtures.add_class(self.resolver, ix);
            }
        }
        let collector = Collector { resolver: self.resolver, settings: root, fixtures: &fixtures };
        let ignored = self.ignored(&conftests);
        let several = self.roots.len() > 1;
        let read: Vec<Vec<(TestFunction, UsedFixtures)>> = modules
            .par_iter()
            .filter(|module| !ignored.iter().any(|path| is_below(&program.module(**module).file.path, path)))
            .map(|module| {
                let folder = folder_of(&program.module(*module).file.path);
                let above: Vec<ScopeIx> = hooks
                    .iter()
                    .filter(|(home, _)| {
                        home.is_empty() || folder == home.as_str() || folder.starts_with(&format!("{home}/"))
                    })
                    .flat_map(|(_, scopes)| scopes.iter().copied())
                    .collect();
                let functions = collector.module(*module).into_iter().map(|collected| {
                    let used = collected.fixtures.clone();
                    (self.function(root, several, &collected, finder, &above, django), used)
                });
                functions.collect()
            })
            .collect();
        for module in &modules {
            facts.shadowed.extend(shadowed(root, program.module(*module).file));
        }
        let mut users: BTreeMap<ScopeIx, (usize, usize)> = BTreeMap::new();
        for (function, used) in read.into_iter().flatten() {
            for (_, scopes) in &used {
                for scope in scopes {
                    let entry = users.entry(*scope).or_default();
                    entry.0 += 1;
                    let name = program.scope(*scope).name;
                    entry.1 += usize::from(
                        function.needs.iter().any(|need| need.by_autouse.as_deref() == Some(name)),
                    );
                }
            }
            facts.functions.push(function);
        }
        let mut seen = BTreeSet::new();
        for (_, fixture) in fixtures.iter() {
            if seen.insert(fixture.scope) {
                let (users, only_reason) = users.get(&fixture.scope).copied().unwrap_or_default();
                facts.fixtures.push(FixtureFacts {
                    name: fixture.name.clone(),
                    place: self.definition(fixture.scope),
                    autouse: fixture.autouse,
                    needs: finder.of_scope(fixture.scope),
                    users,
                    only_reason,
                });
            }
        }
        facts.fixtures.sort_by(|a, b| (&a.place, &a.name).cmp(&(&b.place, &b.name)));
    }

    /// Returns the place of the name of a function, class or value.
    fn definition(&self, scope: ScopeIx) -> super::Place {
        let program = self.resolver.program;
        let file = program.file_of(scope);
        match program.scope(scope).kind {
            ScopeKind::Function(def) => file.place(def.name.range()),
            ScopeKind::Class(def) => file.place(def.name.range()),
            ScopeKind::Value(value) => file.place(value.range()),
            ScopeKind::Module => file.place(TextRange::default()),
        }
    }

    fn conftests(&self, root: &PytestSettings) -> Vec<ModuleIx> {
        let modules = self.resolver.program.modules.iter().enumerate();
        let ours = modules.filter(|(_, module)| {
            let path = &module.file.path;
            path.rsplit('/').next() == Some("conftest.py") && is_below(path, &root.root)
        });
        ours.map(|(at, _)| ModuleIx(u32::try_from(at).unwrap_or(u32::MAX))).collect()
    }

    /// Returns the modules of the project that are named as plugins, and those that these name.
    fn plugins(&self, root: &PytestSettings, conftests: &[ModuleIx]) -> Vec<ModuleIx> {
        let program = self.resolver.program;
        let from = root.below_root("conftest.py");
        let mut found: Vec<ModuleIx> = Vec::new();
        let mut open: Vec<ModuleIx> = conftests.to_vec();
        let named = root.option("-p").into_iter().filter_map(|name| self.resolver.find_module(&from, name));
        for module in named {
            found.push(module);
            open.push(module);
        }
        while let Some(module) = open.pop() {
            let scope = program.module(module).scope;
            let Some(Binding::Scope(ix)) = program.scope(scope).binding("pytest_plugins") else { continue };
            let ScopeKind::Value(value) = program.scope(ix).kind else { continue };
            for name in strings_of(value) {
                if let Some(plugin) = self.resolver.find_module(&program.module(module).file.path, name)
                    && !found.contains(&plugin)
                {
                    found.push(plugin);
                    open.push(plugin);
                }
            }
        }
        found
    }

    /// Returns the paths that conftest files keep from being collected.
    fn ignored(&self, conftests: &[ModuleIx]) -> Vec<String> {
        let program = self.resolver.program;
        let mut paths = Vec::new();
        for module in conftests {
            let folder = folder_of(&program.module(*module).file.path);
            let below =
                |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let scope = program.scope(program.module(*module).scope);
            if let Some(Binding::Scope(ix)) = scope.binding("collect_ignore")
                && let ScopeKind::Value(value) = program.scope(ix).kind
            {
                paths.extend(strings_of(value).into_iter().map(below));
            }
            if let Some(Binding::Scope(ix)) = scope.binding("collect_ignore_glob")
                && let ScopeKind::Value(value) = program.scope(ix).kind
            {
                for glob in strings_of(value) {
                    let glob = below(glob);
                    paths.extend(
                        self.tree.files.iter().filter(|file| super::tree::fnmatch(&glob, file)).cloned(),
                    );
                }
            }
        }
        paths
    }

    fn function(
        &self,
        root: &PytestSettings,
        several: bool,
        collected: &Collected<'s>,
        finder: &NeedFinder<'_, '_, 's, '_, '_>,
        hooks: &[ScopeIx],
        django: bool,
    ) -> TestFunction {
        let program = self.resolver.program;
        let module = program.module(collected.module);
        let file = &module.file.path;
        let relative = if several || root.root.is_empty() {
            file.as_str()
        } else {
            file.strip_prefix(&format!("{}/", root.root)).unwrap_or(file)
        };
        let mut id = relative.to_owned();
        for class in &collected.classes {
            id.push_str("::");
            id.push_str(class);
        }
        id.push_str("::");
        id.push_str(&collected.name);

        let mut roots = vec![Root::Test(collected.function), Root::Module(module.scope)];
        for mark in &collected.marks {
            // A mark may be a value of its own, or be written in a `pytestmark`.
            roots.extend(self.mark_scopes(mark).into_iter().map(Root::Test));
        }
        if let Some(class) = collected.class {
            roots.extend(self.class_scopes(class).into_iter().map(Root::Test));
        }
        if let Some(Binding::Scope(ix)) = program.scope(module.scope).binding("pytestmark") {
            roots.push(Root::Test(ix));
        }
        roots.extend(collected.set_up.iter().map(|scope| Root::SetUp(*scope)));
        roots.extend(["setup_module", "setup_function", "setUpModule"].iter().filter_map(|name| {
            match program.scope(module.scope).binding(name) {
                Some(Binding::Scope(ix)) => Some(Root::SetUp(ix)),
                _ => None,
            }
        }));
        for (name, scopes) in &collected.fixtures {
            let auto = collected.autouse.contains(name);
            roots.extend(scopes.iter().map(|scope| Root::Fixture(*scope, auto)));
        }
        roots.extend(hooks.iter().map(|scope| Root::Fixture(*scope, false)));
        let mut needs = finder.of_roots(collected.module, &roots);
        self.add_framework_needs(collected, finder, django, &mut needs);

        let def_place = self.definition(collected.function);
        let decorated_from = match program.scope(collected.function).kind {
            ScopeKind::Function(def) => {
                let first = def.decorator_list.first().map_or(def.range().start(), Ranged::start);
                program.file_of(collected.function).line(first)
            }
            _ => def_place.line,
        };
        let unstable = collected.axes.iter().find_map(|axis| self.unstable(collected.function, axis.values?));
        // anyio's plugin runs such a test once for each of its backends: which, only running tells.
        let by_backend = collected.marks.iter().any(|mark| mark.name == "anyio")
            && !collected.fixtures.iter().any(|(name, scopes)| name == "anyio_backend" && !scopes.is_empty());
        let items = if by_backend {
            None
        } else if collected.unittest || collected.axes.is_empty() {
            Some(vec![(String::new(), Vec::new())])
        } else {
            combined(&collected.axes)
        };
        let items = items.map(|items| {
            let applied = |(parameters, marks): (String, Vec<Mark<'s>>)| TestItem {
                parameters,
                marks: marks.iter().map(|mark| self.applied(mark)).collect(),
            };
            items.into_iter().map(applied).collect()
        });
        let fixtures = collected.fixtures.iter().map(|(name, scopes)| FixtureUse {
            name: name.clone(),
            place: scopes.first().map(|scope| self.definition(*scope)),
            autouse: collected.autouse.contains(name),
        });
        TestFunction {
            id,
            file: Arc::from(file.as_str()),
            name: collected.name.clone(),
            classes: collected.classes.clone(),
            place: def_place,
            decorated_from,
            items,
            marks: collected.marks.iter().map(|mark| self.applied(mark)).collect(),
            fixtures: fixtures.collect(),
            needs,
            unittest: collected.unittest,
            opaque: collected.opaque,
            unstable,
        }
    }

    /// Returns the scopes that a mark's guard is written in: the value that it stands for.
    fn mark_scopes(&self, mark: &Mark<'s>) -> Vec<ScopeIx> {
        let (scope, range) = mark.applied;
        let program = self.resolver.program;
        let inside = |used: &&super::program::Use<'_>| range.contains_range(used.range);
        let uses = program.scope(scope).uses.iter().filter(inside);
        uses.filter_map(|used| match self.resolver.resolve(scope, &used.chain).target {
            Some(Target::Scope(ix)) if matches!(program.scope(ix).kind, ScopeKind::Value(_)) => Some(ix),
            _ => None,
        })
        .collect()
    }

    /// Returns a class and those it inherits from, whose decorators and `pytestmark` guard its tests.
    fn class_scopes(&self, class: ScopeIx) -> Vec<ScopeIx> {
        let program = self.resolver.program;
        let mut found = Vec::new();
        for base in self.resolver.mro(class) {
            if let Target::Scope(base) = base {
                found.push(base);
                if let Some(Binding::Scope(ix)) = program.scope(base).binding("pytestmark") {
                    found.push(ix);
                }
            }
        }
        found
    }

    fn applied(&self, mark: &Mark<'s>) -> AppliedMark {
        let (scope, range) = mark.applied;
        let mut arguments = Vec::new();
        if let Some((owner, call)) = mark.call {
            for keyword in &call.arguments.keywords {
                let Some(name) = &keyword.arg else { continue };
                let value = match literal(self.resolver, owner, &keyword.value) {
                    Some(Literal::Text(text)) => MarkerValue::Text(text),
                    Some(Literal::Int(value)) => match i64::try_from(value) {
                        Ok(value) => MarkerValue::Int(value),
                        Err(_) => continue,
                    },
                    Some(Literal::Bool(value)) => MarkerValue::Bool(value),
                    Some(Literal::None) => MarkerValue::None,
                    _ => continue,
                };
                arguments.push((name.as_str().to_owned(), value));
            }
        }
        AppliedMark {
            name: mark.name.clone(),
            place: self.resolver.program.file_of(scope).place(range),
            level: mark.level,
            arguments,
        }
    }

    /// Adds the project's database where a framework opens it: Django's test cases, its mark and its fixtures.
    fn add_framework_needs(
        &self,
        collected: &Collected<'s>,
        finder: &NeedFinder<'_, '_, 's, '_, '_>,
        django: bool,
        needs: &mut Vec<SourceNeed>,
    ) {
        let addressed = Catalogue::embedded().addressed();
        let program = self.resolver.program;
        let mut steps: Vec<(Sought, Step, &str)> = Vec::new();
        if let (Some(database), true) = (finder.book.database, django) {
            let by_class = collected.class.and_then(|class| {
                self.resolver.mro(class).into_iter().find_map(|base| match base {
                    Target::External(path) if addressed.classes.contains(&path) => Some(path),
                    _ => None,
                })
            });
            if let (Some(path), Some(class)) = (by_class, collected.class) {
                steps.push((
                    database,
                    Step { kind: StepKind::SetUp, name: path, place: self.definition(class) },
                    "a test case that opens the database",
                ));
            }
            if let Some(mark) = collected.marks.iter().find(|mark| mark.name == "django_db") {
                let place = program.file_of(mark.applied.0).place(mark.applied.1);
                steps.push((
                    database,
                    Step { kind: StepKind::Mark, name: mark.name.clone(), place },
                    "the mark that opens the database",
                ));
            }
        }
        for (name, scopes) in &collected.fixtures {
            if !scopes.is_empty() {
                continue;
            }
            let service = finder
                .book
                .plugin_fixture(name)
                .or_else(|| finder.book.database.filter(|_| django && addressed.fixtures.contains(name)));
            if let Some(service) = service {
                steps.push((
                    service,
                    Step {
                        kind: StepKind::Fixture,
                        name: name.clone(),
                        place: self.definition(collected.function),
                    },
                    "a fixture of a plugin",
                ));
            }
        }
        for (service, step, what) in steps {
            let name = &finder.book.get(service).name;
            match needs.iter_mut().find(|need| need.service == *name) {
                Some(known) if known.evidence <= Evidence::Fixture => {}
                found => {
                    let need = SourceNeed {
                        service: name.clone(),
                        evidence: Evidence::Fixture,
                        steps: Arc::from([step]),
                        what: what.into(),
                        by_autouse: None,
                    };
                    match found {
                        Some(known) => *known = need,
                        None => needs.push(need),
                    }
                }
            }
        }
        needs.sort_by(|a, b| a.service.cmp(&b.service));
    }

    /// Returns what in the values of a parametrisation gives another id in every run.
    fn unstable(&self, scope: ScopeIx, values: &'s Expr) -> Option<(super::Place, &'static str)> {
        let outer = self.resolver.program.scope(scope).parent.unwrap_or(scope);
        super::parameters::unstable(self.resolver, outer, values)
            .map(|(owner, range, why)| (self.resolver.program.file_of(owner).place(range), why))
    }

    /// Returns, for every module, the connections that its import and the imports of what it imports open.
    fn with_imports(&self, own: &BTreeMap<ModuleIx, Vec<Connection>>) -> BTreeMap<ModuleIx, Vec<Connection>> {
        let program = self.resolver.program;
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
                    && let Some(Target::Scope(target)) = self.resolver.resolve(module.scope, &[name]).target
                {
                    imported.insert(program.scope(target).module);
                }
            }
            imported.extend(
                module.stars.iter().filter_map(|star| self.resolver.star_module(&module.file.path, star)),
            );
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

    /// Returns what Django's settings say about the database, where the project is one of Django.
    fn django_database(&self, book: &SignBook<'_>) -> Option<Address> {
        let program = self.resolver.program;
        let mut modules: Vec<ModuleIx> = Vec::new();
        for root in self.roots {
            if let Some(name) = &root.django_settings {
                modules.extend(self.resolver.find_module(&root.below_root("conftest.py"), name));
            }
        }
        for ix in program.scope_indices() {
            for used in &program.scope(ix).uses {
                if let super::program::How::Call(call) = used.how
                    && matches!(used.chain.last(), Some(&"setdefault"))
                    && let [Expr::StringLiteral(key), Expr::StringLiteral(value), ..] = &*call.arguments.args
                    && key.value.to_str() == "DJANGO_SETTINGS_MODULE"
                {
                    modules
                        .extend(self.resolver.find_module(&program.file_of(ix).path, value.value.to_str()));
                }
            }
        }
        for module in &modules {
            let scope = program.module(*module).scope;
            let resolved = self.resolver.resolve(scope, &["DATABASES"]).target;
            if let Some(Target::Scope(ix)) = resolved
                && let ScopeKind::Value(value) = program.scope(ix).kind
            {
                return Some(book.address(&hints_of(self.resolver, ix, [value])));
            }
        }
        // `settings.configure(DATABASES={…})`
        for ix in program.scope_indices() {
            for used in &program.scope(ix).uses {
                if let (super::program::How::Call(call), Some(&"configure")) = (used.how, used.chain.last())
                    && let Some(keyword) = call.arguments.find_keyword("DATABASES")
                {
                    return Some(book.address(&hints_of(self.resolver, ix, [&keyword.value])));
                }
            }
        }
        let named = !modules.is_empty() || self.roots.iter().any(|root| root.django_settings.is_some());
        named.then_some(Address::Unknown)
    }

    /// Returns the one database that the project depends on, where it is one.
    fn usual_database(&self, book: &SignBook<'_>) -> Option<Sought> {
        let mut text = String::new();
        let folders = self.roots.iter().map(|root| root.root.as_str()).chain([""]);
        for folder in folders.collect::<BTreeSet<_>>() {
            for name in DEPENDENCY_FILES {
                if let Ok(content) = std::fs::read_to_string(self.project.join(folder).join(name)) {
                    text.push_str(&content.to_ascii_lowercase());
                    text.push('\n');
                }
            }
        }
        let depends = |package: &String| {
            text.match_indices(package.as_str()).any(|(at, _)| {
                let before = text[..at].chars().next_back();
                let after = text[at + package.len()..].chars().next();
                let edge = |c: Option<char>| {
                    c.is_none_or(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
                };
                edge(before) && edge(after)
            })
        };
        let found: Vec<Sought> = book
            .databases()
            .filter(|(_, service)| service.signs.packages.iter().any(depends))
            .map(|(sought, _)| sought)
            .collect();
        match found.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }
}

/// Returns the tests of a file that another of their name, in the same block, replaces.
fn shadowed(root: &PytestSettings, file: &SourceFile) -> Vec<super::Shadowed> {
    let mut found = Vec::new();
    let is_test = |name: &str| root.python_functions.iter().any(|prefix| name.starts_with(prefix.as_str()));
    let is_class = |name: &str| root.python_classes.iter().any(|prefix| name.starts_with(prefix.as_str()));
    let mut open: Vec<(String, &[Stmt])> = vec![(String::new(), &file.syntax.body)];
    while let Some((around, body)) = open.pop() {
        let mut last: BTreeMap<&str, (TextRange, bool)> = BTreeMap::new();
        for stmt in body {
            let (name, range, plain) = match stmt {
                // A decorator may keep the first: `@overload`, `@case.setter`, `@singledispatch.register`.
                Stmt::FunctionDef(def) if is_test(def.name.as_str()) => (
                    def.name.as_str(),
                    def.name.range(),
                    def.decorator_list.iter().all(|decorator| is_mark(&decorator.expression)),
                ),
                Stmt::ClassDef(def) => {
                    let title = if around.is_empty() {
                        def.name.to_string()
                    } else {
                        format!("{around}.{}", def.name)
                    };
                    open.push((title, &def.body));
                    if !is_class(def.name.as_str()) {
                        continue;
                    }
                    (def.name.as_str(), def.name.range(), true)
                }
                // What is taken away or used in between was meant.
                _ => continue,
            };
            if let Some((before, true)) = last.insert(name, (range, plain))
                && plain
            {
                let name = if around.is_empty() { name.to_owned() } else { format!("{around}.{name}") };
                found.push(super::Shadowed { place: file.place(before), name, by: file.place(range) });
            }
        }
    }
    found.sort();
    found
}

fn is_mark(expr: &Expr) -> bool {
    let callee = if let Expr::Call(call) = expr { &*call.func } else { expr };
    super::gather::chain_of(callee)
        .is_some_and(|chain| chain.contains(&"mark") || chain.iter().any(|name| name.contains("patch")))
}

fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
