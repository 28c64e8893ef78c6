//! The whole reading: files, program, links, tests, needs; and their facts as plain values.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;
use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::{Ranged, TextRange};

use super::arguments::{add_variants, callees};
use super::by_path::importers;
use super::chains::chain_of;
use super::choices::Choices;
use super::collect::{Collector, marks_by_hooks, registered_by_hooks};
use super::commands::needs_of_migrate;
use super::conditions::{Subject, mark_asked_by};
use super::connections::{Connection, connections, with_imports};
use super::decorated::decorators;
use super::dispatch::{Methods, add_methods, seen_differently};
use super::environment::Environment;
use super::fixtures::{Fixture, Fixtures, Home};
use super::gather::{Gathered, gather};
use super::hints::validators;
use super::hooks::{Given, given_by_hooks, runs_for_every_test};
use super::ignored::Ignored;
use super::kept::keepers;
use super::links::link_all;
use super::load::{Loaded, load};
use super::locate::{Locator, folder_of};
use super::needs::{Memory, NeedFinder};
use super::plugins::plugins_of;
use super::program::{Binding, How, ModuleIx, Program, ScopeIx, ScopeKind, is_property};
use super::reach::Reach;
use super::resolve::{Resolver, Target};
use super::routes::{Routes, UsualAnswer, usual_answers};
use super::shadowed::shadowed;
use super::signs::{SignBook, Sought, SoughtService};
use super::tree::Tree;
use super::unfollowed::{unfollowed, unknown_databases};
use super::variables::variables;
use super::visible::VisibleFixtures;
use super::{
    FixtureFacts, ImportConnection, PytestSettings, RegisteredMarker, SourceFile, SourceNeed, Sources,
    TestFunction,
};
use crate::ids::ServiceName;

/// Hooks of conftest files and plug-ins that run before or around every test below them.
const HOOKS: &[&str] = &[
    "pytest_configure",
    "pytest_sessionstart",
    "pytest_runtest_protocol",
    "pytest_runtest_setup",
    "pytest_runtest_call",
    "pytest_runtest_teardown",
    "pytest_pyfunc_call",
];

/// Returns what the sources of a project say.
pub(super) fn read(project: &Path, mut services: Vec<SoughtService>) -> Sources {
    let mut tree = Tree::walk(project);
    let mut roots = tree.settings(project);
    let environment = Environment::of(project, &roots);
    tree.add_copies(&environment.copies);
    let mut locator = Locator::new(&tree, &roots);
    locator.keep_own_clients(|name| environment.is_named(name));
    let Loaded { files, tests } = load(project, &tree, &roots, &locator, &environment);
    services.retain(|service| service.declared || is_run_here(service, &environment, &files));
    let left_out = tree.left_out(project, &roots, &tests);
    let only_for_django = tree.only_for_django(&tests);
    let named_within = named_within(&tree, &roots, &tests);
    let (facts, more_methods) = {
        let mut program = assemble(&files);
        let (names, mut callees) = {
            let resolver = Resolver::new(&program, &locator);
            let callees = callees(&resolver);
            (resolver.into_parts().0, callees)
        };
        add_variants(&mut program, &mut callees);
        let (names, callees, wanted) = {
            let resolver = Resolver::with(&program, &locator, names, Methods::default(), callees);
            let wanted = seen_differently(&resolver);
            let (names, callees) = resolver.into_parts();
            (names, callees, wanted)
        };
        let methods = add_methods(&mut program, &wanted);
        let mut resolver = Resolver::with(&program, &locator, names, methods, callees);
        resolver.variables = variables(&files, &tests, &environment);
        resolver.fixtures = VisibleFixtures::of_tests(&resolver, &roots, &tests);
        resolver.decorators = decorators(&resolver);
        resolver.importers = importers(&resolver);
        resolver.validators = validators(&program);
        let reader =
            Reader { project, roots: &roots, named_within, resolver: &resolver, environment: &environment };
        (reader.read(&services, &tests), wanted.more)
    };
    let ignored = facts.ignored;
    let test_files = tests.into_iter().flatten().filter(|file| !ignored.contains(file)).collect();
    for (root, hooked) in roots.iter_mut().zip(facts.hooked) {
        root.markers.extend(hooked.registered);
        root.marks_by_hooks = hooked.added;
    }
    Sources {
        roots,
        files,
        test_files,
        ignored,
        functions: facts.functions,
        fixtures: facts.fixtures,
        connections: facts.connections,
        marks_read: facts.marks_read,
        services,
        shadowed: facts.shadowed,
        left_out,
        only_for_django,
        loops: tree.loops,
        unfollowed: facts.unfollowed,
        more_methods,
    }
}

/// Returns whether a service can be one of the tests' own: of what is mostly hosted elsewhere only where an image of it is
/// started or its emulator is set up.
fn is_run_here(service: &SoughtService, environment: &Environment, files: &[SourceFile]) -> bool {
    let SoughtService { signs, .. } = service;
    if signs.emulated.is_empty() || environment.starts(&service.words) {
        return true;
    }
    let is_used = environment.dependencies.is_empty()
        || signs.packages.iter().any(|package| environment.depends_on(package));
    let stands = |text: &String| {
        let find = memchr::memmem::Finder::new(text);
        files.par_iter().any(|file| find.find(file.text.as_bytes()).is_some())
    };
    signs.emulated.iter().any(|text| !environment.values(text).is_empty() || is_used && stands(text))
        || environment.depends_on("testcontainers") && signs.testing.iter().any(stands)
}

/// Returns the position of the root whose ids begin in its own folder, as pytest writes them there: the only one, or the
/// only one that is configured, where nothing makes the project's folder a root of pytest and no two tests would bear one
/// id.
fn named_within(tree: &Tree, roots: &[PytestSettings], tests: &[Vec<String>]) -> Option<usize> {
    if roots.len() == 1 {
        return Some(0);
    }
    let mut configured = (0..roots.len()).filter(|at| roots[*at].file.is_some());
    let (Some(only), None) = (configured.next(), configured.next()) else { return None };
    let within = format!("{}/", roots[only].root);
    let ours: BTreeSet<&str> = tests[only].iter().filter_map(|file| file.strip_prefix(&within)).collect();
    let others = (0..roots.len()).filter(|at| *at != only).flat_map(|at| &tests[at]);
    let distinct = others.filter(|file| ours.contains(file.as_str())).count() == 0;
    (distinct && !tree.configured.contains("")).then_some(only)
}

/// Gathers all files, in parallel, into one program.
fn assemble(files: &[SourceFile]) -> Program<'_> {
    let gathered: Vec<Gathered<'_>> = files
        .par_iter()
        .enumerate()
        .map(|(at, file)| gather(file, ModuleIx(u32::try_from(at).unwrap_or(u32::MAX))))
        .collect();
    // The positions of a file's scopes depend on how many those before it have.
    let mut first = 0;
    let mut firsts = Vec::with_capacity(files.len());
    for gathered in &gathered {
        firsts.push(first);
        first += u32::try_from(gathered.scopes.len()).unwrap_or(u32::MAX);
    }
    let placed: Vec<_> = gathered
        .into_par_iter()
        .zip(files)
        .zip(firsts)
        .map(|((gathered, file), first)| gathered.into_module(file, first))
        .collect();
    let mut program = Program::default();
    program.scopes.reserve(first as usize);
    for (module, scopes) in placed {
        program.modules.push(module);
        program.scopes.extend(scopes);
    }
    program.written = first;
    program.kept = keepers(&program.modules);
    program.properties = program
        .scopes
        .iter()
        .filter(|scope| matches!(scope.kind, ScopeKind::Function(def) if is_property(def)))
        .map(|scope| scope.name)
        .collect();
    program
}

pub(super) struct Reader<'r, 'p, 's, 't> {
    pub(super) project: &'r Path,
    pub(super) roots: &'r [PytestSettings],
    /// The position of the root whose ids begin in its own folder; those of the others begin in the project's.
    pub(super) named_within: Option<usize>,
    pub(super) resolver: &'r Resolver<'p, 's, 't>,
    pub(super) environment: &'r Environment,
}

#[derive(Default)]
struct Facts {
    functions: Vec<TestFunction>,
    fixtures: Vec<FixtureFacts>,
    connections: Vec<ImportConnection>,
    /// What the hooks of each root say of marks.
    hooked: Vec<Hooked>,
    marks_read: BTreeSet<String>,
    shadowed: Vec<super::Shadowed>,
    /// The test files that conftest files keep from being collected.
    ignored: BTreeSet<String>,
    unfollowed: Vec<super::Unfollowed>,
    /// How many tests come to each of the unknown databases.
    to_unknown: Vec<usize>,
}

/// What hooks say of marks.
#[derive(Default)]
struct Hooked {
    /// Those that they register.
    registered: Vec<RegisteredMarker>,
    /// Those that they add to tests.
    added: BTreeSet<String>,
}

impl Hooked {
    fn read(&mut self, resolver: &Resolver<'_, '_, '_>, module: ModuleIx) {
        self.added.extend(marks_by_hooks(resolver, module));
        let file = &resolver.program.module(module).file.path;
        let registered = registered_by_hooks(resolver, module);
        let marker = |(name, line)| RegisteredMarker { name, file: file.clone(), line };
        self.registered.extend(registered.into_iter().map(marker));
    }
}

/// The names of a test's fixtures with the scopes that make them.
type UsedFixtures = Vec<(String, Vec<ScopeIx>)>;

impl<'s> Reader<'_, '_, 's, '_> {
    fn read(&self, services: &[SoughtService], tests: &[Vec<String>]) -> Facts {
        let program = self.resolver.program;
        let (tests, ignored) = self.without_ignored(tests);
        let tests = tests.as_slice();
        let mut book = SignBook::new(services);
        let django = self.read_settings(&mut book);
        let routes = Routes::of(self.resolver, &self.middleware());
        let mut links = link_all(self.resolver, &book, &routes);
        let (reaches, opening, usual): (Vec<bool>, Vec<bool>, Vec<UsualAnswer>) = {
            let reach = Reach::new(&links);
            let scopes = program.all_indices();
            let (reaches, opening) =
                scopes.map(|scope| (reach.reaches_any(scope), reach.opens_any(scope))).unzip();
            (reaches, opening, usual_answers(&routes, &reach))
        };
        for out in &mut links {
            for (range, guard) in std::mem::take(&mut out.unread) {
                out.out.extend(usual.iter().map(|answer| answer.link(range, guard)));
            }
        }
        // Who gives an address to code that opens services opens the one that the address is of.
        let opens = |to: ScopeIx| {
            opening[to.0 as usize]
                || self.resolver.mro(to).iter().any(|base| {
                    let Target::Scope(base) = base else { return false };
                    program.scope(*base).names.iter().any(|(_, binding)| {
                        matches!(binding, Binding::Scope(method) if opening[method.0 as usize])
                    })
                })
        };
        // A guard's name counts where nothing that it does says what it looks for.
        for out in &mut links {
            for directed in std::mem::take(&mut out.directed) {
                if opens(directed.to) {
                    out.touches.extend(directed.services.iter().map(|service| super::links::Touch {
                        service: *service,
                        kind: super::links::TouchKind::Client,
                        range: directed.range,
                        guard: directed.guard,
                        via: directed.via.clone(),
                        what: directed.what.clone(),
                    }));
                }
            }
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
        let test_modules: BTreeSet<ModuleIx> =
            tests.iter().flatten().filter_map(|file| self.resolver.module_of(file)).collect();
        let at_import = with_imports(self.resolver, &own, &test_modules);
        let mut choices = Choices::of(program, self.project, &reaches, &test_modules);
        self.add_switches(&test_modules, &mut choices);
        let unknown = unknown_databases(&links);
        let marks = self.marks_asked_for();
        let memory: Vec<Memory> = links.iter().map(|_| Memory::default()).collect();
        let mut finder = NeedFinder {
            memory: &memory,
            migrations: Vec::new(),
            unknown: &unknown,
            marks: &marks,
            choices: &choices,
            resolver: self.resolver,
            book: &book,
            links: &links,
            reach: &reach,
            connections: &at_import,
        };
        finder.migrations = needs_of_migrate(&finder);

        let mut facts = Facts { to_unknown: vec![0; unknown.len()], ignored, ..Facts::default() };
        for (at, files) in tests.iter().enumerate() {
            self.read_root(at, files, &finder, django, &mut facts);
        }
        facts.unfollowed = self.unfollowed(&finder, &facts, django);
        facts.marks_read = self.marks_read();
        facts.connections = self.opened_at_import(&at_import, tests, &book);
        facts
    }

    /// Returns the connections that an import opens, each with the test files that it is charged to.
    fn opened_at_import(
        &self,
        at_import: &BTreeMap<ModuleIx, Vec<Connection>>,
        tests: &[Vec<String>],
        book: &SignBook<'_>,
    ) -> Vec<ImportConnection> {
        let program = self.resolver.program;
        let mut files_of: BTreeMap<(ScopeIx, Sought, u32), (TextRange, BTreeSet<String>)> = BTreeMap::new();
        for file in tests.iter().flatten() {
            let Some(module) = self.resolver.module_of(file) else { continue };
            for found in at_import.get(&module).into_iter().flatten() {
                let key = (found.scope, found.service, found.range.start().to_u32());
                files_of.entry(key).or_insert_with(|| (found.range, BTreeSet::new())).1.insert(file.clone());
            }
        }
        let found = files_of
            .into_iter()
            .map(|((scope, service, _), (range, files))| ImportConnection {
                place: program.file_of(scope).place(range),
                service: book.get(service).name.clone(),
                files,
            })
            .collect::<BTreeSet<_>>();
        found.into_iter().collect()
    }

    /// Returns the test files of each root less those that its conftest files keep from being collected, and these.
    fn without_ignored(&self, tests: &[Vec<String>]) -> (Vec<Vec<String>>, BTreeSet<String>) {
        let mut kept = Vec::new();
        let mut left_out = BTreeSet::new();
        for (root, files) in self.roots.iter().zip(tests) {
            let ignored = Ignored::of(self.resolver, &self.conftests(root));
            let (out, ours): (Vec<String>, Vec<String>) =
                files.iter().cloned().partition(|file| ignored.holds(file));
            left_out.extend(out);
            kept.push(ours);
        }
        left_out.retain(|file| !kept.iter().flatten().any(|kept| kept == file));
        (kept, left_out)
    }

    /// Returns the marks that conditions of fixtures and hooks are about.
    fn marks_in_conditions(&self) -> impl Iterator<Item = &'s str> {
        let conditions = self.resolver.program.scopes.iter().flat_map(|scope| &scope.conditions);
        conditions.filter_map(|condition| match condition.subject {
            Subject::Mark(name) => Some(name),
            Subject::Parameter(_) | Subject::Own(_) | Subject::Setting(_) => None,
        })
    }

    /// Returns the marks that any code asks a test for.
    fn marks_read(&self) -> BTreeSet<String> {
        let used = self.resolver.program.scopes.iter().flat_map(|scope| &scope.uses);
        let called = used.filter_map(|used| match used.how {
            How::Call(call) => mark_asked_by(call),
            _ => None,
        });
        called.chain(self.marks_in_conditions()).map(str::to_owned).collect()
    }

    /// Returns the marks that fixtures and hooks ask a test for, those aside that hooks give.
    fn marks_asked_for(&self) -> BTreeSet<&'s str> {
        let program = self.resolver.program;
        let mut asked: BTreeSet<&str> = self.marks_in_conditions().collect();
        if asked.is_empty() {
            return asked;
        }
        // Where a hook gives marks that nobody can tell, nobody can tell which test bears which.
        let called = program.scopes.iter().flat_map(|scope| &scope.uses);
        let adds = |call: &ExprCall| {
            let mark = call.arguments.args.first().map(|arg| match arg {
                Expr::Call(made) => &*made.func,
                arg => arg,
            });
            mark.and_then(chain_of).is_some_and(|chain| chain.contains(&"mark"))
        };
        let told = called.filter(|used| matches!(used.chain.last(), Some(&("add_marker" | "applymarker"))));
        let mut calls =
            told.filter_map(|used| if let How::Call(call) = used.how { Some(call) } else { None });
        if !calls.all(adds) {
            return BTreeSet::new();
        }
        for module in (0..program.modules.len()).map(|at| ModuleIx(u32::try_from(at).unwrap_or(u32::MAX))) {
            for given in marks_by_hooks(self.resolver, module) {
                asked.remove(given.as_str());
            }
        }
        asked
    }

    fn unfollowed(
        &self,
        finder: &NeedFinder<'_, '_, 's, '_, '_>,
        facts: &Facts,
        django: bool,
    ) -> Vec<super::Unfollowed> {
        let counted: Vec<_> = finder.unknown.iter().zip(facts.to_unknown.iter().copied()).collect();
        let started = |service: Sought| {
            let sought = finder.book.get(service);
            sought.declared || self.environment.starts(&sought.words)
        };
        // What Django's settings say of the database holds, whatever else the project can talk to; but hardly that it is a
        // file, where a job starts a server.
        let settled = |service: Sought| {
            let is_database = finder.book.databases().any(|(database, _)| database == service);
            let in_doubt = finder.book.database.is_none()
                && self.environment.starts_in_jobs(&finder.book.get(service).words);
            django && is_database && !in_doubt
        };
        let depended = |service: Sought, nothing: bool| {
            let sought = finder.book.get(service);
            let in_jobs = self.environment.starts_in_jobs(&sought.words);
            // What only a developer starts may be for the application, and stood in for by the tests.
            let beside = || {
                self.environment.starts(&sought.words)
                    || self.environment.names_address(&sought.signs.schemes)
            };
            let named = in_jobs || nothing && beside();
            let mut packages = sought.signs.packages.iter().filter(|_| named && !settled(service));
            packages.find_map(|package| {
                let (file, line) = self.environment.depends_at(package)?;
                Some((super::Place { file: file.into(), line, column: 1, width: 1 }, package.clone()))
            })
        };
        unfollowed(self.resolver, finder.book, finder.links, started, depended, &counted, &facts.functions)
    }

    fn read_root(
        &self,
        at: usize,
        files: &[String],
        finder: &NeedFinder<'_, '_, 's, '_, '_>,
        django: bool,
        facts: &mut Facts,
    ) {
        let (program, root) = (self.resolver.program, &self.roots[at]);
        let modules: Vec<ModuleIx> = files.iter().filter_map(|file| self.resolver.module_of(file)).collect();
        let mut fixtures = Fixtures::default();
        let mut hooked = Hooked::default();
        let conftests: Vec<ModuleIx> = self.conftests(root);
        let mut hooks: BTreeMap<String, Vec<ScopeIx>> = BTreeMap::new();
        let mut given: BTreeMap<String, Vec<Given>> = BTreeMap::new();
        let plugins = plugins_of(self.resolver, root, conftests.iter().chain(&modules).copied());
        let folder_of_conftest = |module: &ModuleIx| folder_of(&program.module(*module).file.path).to_owned();
        let by_home = conftests.iter().map(|module| (*module, Some(folder_of_conftest(module))));
        for (module, folder) in plugins.into_iter().map(|module| (module, None)).chain(by_home) {
            let home = folder.clone().map_or(Home::Plugin, Home::Folder);
            let folder = folder.unwrap_or_default();
            fixtures.add_module(self.resolver, module, home);
            hooked.read(self.resolver, module);
            given.entry(folder.clone()).or_default().extend(given_by_hooks(self.resolver, module));
            for name in HOOKS {
                if let Some(Binding::Scope(ix)) = program.scope(program.module(module).scope).binding(name)
                    && runs_for_every_test(program.scope(ix).kind)
                {
                    hooks.entry(folder.clone()).or_default().push(ix);
                }
            }
        }
        facts.hooked.push(hooked);
        for module in &modules {
            fixtures.add_module(self.resolver, *module, Home::Module(*module));
        }
        // Only classes of tests, and those that they inherit from, are asked for their fixtures.
        let of_tests: BTreeSet<ModuleIx> = modules.iter().copied().collect();
        for ix in program.scope_indices() {
            let scope = program.scope(ix);
            if matches!(scope.kind, ScopeKind::Class(_))
                && (of_tests.contains(&scope.module) || program.is_for_tests(ix))
            {
                for base in self.resolver.mro(ix).iter() {
                    if let Target::Scope(base) = *base {
                        fixtures.add_class(self.resolver, base);
                    }
                }
            }
        }
        let collector =
            Collector { resolver: self.resolver, settings: root, fixtures: &fixtures, given: &given };
        let read: Vec<Vec<(TestFunction, UsedFixtures, Vec<usize>)>> = modules
            .par_iter()
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
                    let (function, not_known) = self.function(at, &collected, finder, &above, django);
                    (function, collected.fixtures, not_known)
                });
                functions.collect()
            })
            .collect();
        for module in &modules {
            facts.shadowed.extend(shadowed(root, program.module(*module).file));
        }
        let mut users: BTreeMap<ScopeIx, (usize, usize)> = BTreeMap::new();
        let mut brought: BTreeMap<ScopeIx, BTreeMap<ServiceName, SourceNeed>> = BTreeMap::new();
        for (function, used, not_known) in read.into_iter().flatten() {
            for at in not_known {
                facts.to_unknown[at] += 1;
            }
            for (_, scopes) in &used {
                for scope in scopes {
                    let entry = users.entry(*scope).or_default();
                    entry.0 += 1;
                    let name = program.scope(*scope).name;
                    let mut brings = function
                        .needs
                        .iter()
                        .filter(|need| need.by_autouse.as_deref() == Some(name))
                        .peekable();
                    entry.1 += usize::from(brings.peek().is_some());
                    for need in brings {
                        let known = brought.entry(*scope).or_default();
                        known.entry(need.service.clone()).or_insert_with(|| need.clone());
                    }
                }
            }
            facts.functions.push(function);
        }
        facts.fixtures.extend(self.fixture_facts(&fixtures, finder, &users, brought));
        facts.fixtures.sort_by(|a, b| (&a.place, &a.name).cmp(&(&b.place, &b.name)));
    }

    /// Returns the facts of all fixtures: what each opens itself, and what the fixtures open that it asks for.
    fn fixture_facts(
        &self,
        fixtures: &Fixtures<'s>,
        finder: &NeedFinder<'_, '_, 's, '_, '_>,
        users: &BTreeMap<ScopeIx, (usize, usize)>,
        mut brought: BTreeMap<ScopeIx, BTreeMap<ServiceName, SourceNeed>>,
    ) -> Vec<FixtureFacts> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let each: Vec<&Fixture<'s>> = fixtures
            .iter()
            .map(|(_, fixture)| fixture)
            .filter(|fixture| seen.insert(fixture.scope))
            .collect();
        let needs: Vec<Vec<SourceNeed>> =
            each.par_iter().map(|fixture| finder.of_scope(fixture.scope)).collect();
        for (fixture, mut needs) in each.into_iter().zip(needs) {
            let (users, only_reason) = users.get(&fixture.scope).copied().unwrap_or_default();
            for need in brought.remove(&fixture.scope).unwrap_or_default().into_values() {
                if !needs.iter().any(|known| known.service == need.service) {
                    needs.push(need);
                }
            }
            found.push(FixtureFacts {
                name: fixture.name.clone(),
                place: self.definition(fixture.scope),
                autouse: fixture.autouse,
                needs,
                users,
                only_reason,
            });
        }
        found
    }

    /// Returns the place of the name of a function, class or value.
    pub(super) fn definition(&self, scope: ScopeIx) -> super::Place {
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
            path.rsplit('/').next() == Some("conftest.py") && root.holds(path)
        });
        ours.map(|(at, _)| ModuleIx(u32::try_from(at).unwrap_or(u32::MAX))).collect()
    }
}
