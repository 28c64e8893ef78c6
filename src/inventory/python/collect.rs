//! Tests as pytest would collect them, read off the sources.

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::{Expr, Stmt};

use super::asked::{asked_by_name, asked_by_parameter, parameter_calls};
use super::chains::{chain_of, is_name};
use super::fixtures::{Fixture, Fixtures, Home, fixture_decorator, folders_of, parameters_of, starred_names};
use super::hooks::Given;
use super::marks::{self, Mark, MarkLevel};
use super::parameters::{Axis, axis_of_fixture, axis_of_mark};
use super::program::{Binding, ModuleIx, ScopeIx, ScopeKind};
use super::resolve::{MAX_STEPS, Resolver, Target};
use super::settings::PytestSettings;
use super::signs::words_of;
use super::tree::fnmatch;

/// Methods that run around each test of a class, or around all of them.
const AROUND: &[&str] = &[
    "setUp",
    "setUpClass",
    "asyncSetUp",
    "setUpTestData",
    "setup_method",
    "setup_class",
    "setup",
    "tearDown",
    "tearDownClass",
    "asyncTearDown",
    "teardown_method",
    "teardown_class",
    "teardown",
];

/// Functions that run around each test of a module, or around all of them.
const AROUND_MODULE: &[&str] = &[
    "setUpModule",
    "setup_function",
    "setup_module",
    "tearDownModule",
    "teardown_function",
    "teardown_module",
];

/// Those that run each test of unittest's classes, which some libraries and projects give their own set-up.
const AROUND_UNITTEST: &[&str] =
    &["__call__", "run", "_pre_setup", "_post_teardown", "_fixture_setup", "_fixture_teardown"];

/// What test classes of libraries ask their objects for before each test, by the modules of these classes.
const ASKED_BY_LIBRARIES: &[(&str, &str)] = &[
    ("aiohttp.test_utils.", "get_app"),
    ("aiohttp.test_utils.", "get_application"),
    ("aiohttp.test_utils.", "get_server"),
    ("flask_testing.", "create_app"),
    ("kinto.core.testing.", "get_app_settings"),
    ("kinto.core.testing.", "make_app"),
    ("tornado.testing.", "get_app"),
    ("tornado.testing.", "get_new_ioloop"),
];

/// A test function within its class, before its needs are known.
#[derive(Debug)]
pub(super) struct Collected<'s> {
    pub(super) module: ModuleIx,
    pub(super) function: ScopeIx,
    /// The class that is collected, which may inherit the function.
    pub(super) class: Option<ScopeIx>,
    /// The names of the classes around it, outermost first.
    pub(super) classes: Vec<String>,
    pub(super) name: String,
    pub(super) unittest: bool,
    pub(super) marks: Vec<Mark<'s>>,
    pub(super) axes: Vec<Axis<'s>>,
    /// Fixture names in the order of their set-up, with the scopes that make them.
    pub(super) fixtures: Vec<(String, Vec<ScopeIx>)>,
    /// Those among them that the test gets without asking, each with the autouse fixture that brings it.
    pub(super) autouse: BTreeMap<String, String>,
    /// Its class inherits from one that can't be followed.
    pub(super) opaque: bool,
    /// What runs around its class or its module.
    pub(super) set_up: Vec<ScopeIx>,
}

/// What all tests of a module or a class have in common.
struct Around<'s> {
    module: ModuleIx,
    class: Option<ScopeIx>,
    /// The names of the classes, outermost first.
    classes: Vec<String>,
    unittest: bool,
    marks: Vec<Mark<'s>>,
    /// Where their fixtures are looked for, outermost first.
    homes: Vec<Home>,
    /// The fixtures that they get without asking.
    auto: Vec<String>,
    /// Those that hooks give them.
    given: Vec<Given>,
    opaque: bool,
    set_up: Vec<ScopeIx>,
}

/// Collects the tests of one pytest root.
pub(super) struct Collector<'c, 'p, 's, 't> {
    pub(super) resolver: &'c Resolver<'p, 's, 't>,
    pub(super) settings: &'c PytestSettings,
    pub(super) fixtures: &'c Fixtures<'s>,
    /// What the hooks of conftest files give to tests, by folder.
    pub(super) given: &'c BTreeMap<String, Vec<Given>>,
}

impl<'s> Collector<'_, '_, 's, '_> {
    /// Returns the tests of a module in pytest's order.
    pub(super) fn module(&self, module: ModuleIx) -> Vec<Collected<'s>> {
        let program = self.resolver.program;
        let scope = program.module(module).scope;
        let mut found = Vec::new();
        let marks = marks::of_pytestmark(self.resolver, scope, MarkLevel::Module);
        let around = self.around(module, None, Vec::new(), false, marks);
        for (name, target) in self.members(scope) {
            match program.scope(target).kind {
                ScopeKind::Function(_) if self.is_test_name(name) => {
                    found.extend(self.function(&around, target, name));
                }
                ScopeKind::Class(_) => self.class(&around, target, name, &mut found),
                _ => {}
            }
        }
        found
    }

    /// Returns the functions and classes that a module's names stand for, in the order in which it binds them.
    fn members(&self, scope: ScopeIx) -> Vec<(&'s str, ScopeIx)> {
        let program = self.resolver.program;
        let here = program.scope(scope);
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let module = program.module(here.module);
        let starred = module
            .stars
            .iter()
            .flat_map(|star| starred_names(self.resolver, module.file.path.as_str(), &star.import, 8));
        let starred: Vec<&str> = starred.filter(|name| here.binding(name).is_none()).collect();
        for name in here.names.iter().map(|(name, _)| *name).chain(starred) {
            if !seen.insert(name) {
                continue;
            }
            let target = match here.binding(name) {
                Some(Binding::Scope(ix)) => match program.scope(ix).kind {
                    // `TestFast = TestSlow` is another name of the same class.
                    ScopeKind::Value(value) => match self.resolver.value(scope, value, &mut Vec::new(), 16) {
                        Some(Target::Scope(target)) => Some(target),
                        _ => None,
                    },
                    _ => Some(ix),
                },
                Some(Binding::Import(_)) | None => match self.resolver.resolve(scope, &[name]).target {
                    Some(Target::Scope(target)) if !self.settings.own_tests_only => Some(target),
                    _ => None,
                },
                _ => None,
            };
            found.extend(target.map(|target| (name, target)));
        }
        found
    }

    fn is_test_name(&self, name: &str) -> bool {
        matches_any(&self.settings.python_functions, name)
    }

    fn class(&self, outer: &Around<'s>, class: ScopeIx, name: &str, found: &mut Vec<Collected<'s>>) {
        let program = self.resolver.program;
        let mro = self.resolver.mro(class);
        let named = matches_any(&self.settings.python_classes, name);
        let unittest = self.is_for_unittest(&mro) || !named && mro.iter().any(is_case_of_a_library);
        if !(unittest || named) || outer.classes.len() > 16 {
            return;
        }
        if is_false(self.resolver, &mro, "__test__")
            || !unittest && (self.makes_itself(&mro) || self.is_abstract(&mro))
        {
            return;
        }
        let mut classes = outer.classes.clone();
        classes.push(name.to_owned());
        let mut class_marks = marks::of_class(self.resolver, class);
        class_marks.extend(outer.marks.iter().cloned());
        let around = self.around(outer.module, Some(class), classes, unittest, class_marks);
        let mut seen = BTreeSet::new();
        let mut by_class: Vec<Vec<(&'s str, ScopeIx)>> = Vec::new();
        for base in mro.iter() {
            let Target::Scope(base) = base else { continue };
            let mut own = Vec::new();
            for (member, _) in &program.scope(*base).names {
                if let Some(Binding::Scope(ix)) = program.scope(*base).binding(member)
                    && seen.insert(*member)
                {
                    let target = match program.scope(ix).kind {
                        ScopeKind::Value(value) => {
                            match self.resolver.value(*base, value, &mut Vec::new(), 16) {
                                Some(Target::Scope(target)) => target,
                                _ => continue,
                            }
                        }
                        _ => ix,
                    };
                    own.push((*member, target));
                }
            }
            by_class.push(own);
        }
        if !unittest {
            by_class.reverse();
        }
        let mut members: Vec<(&str, ScopeIx)> = by_class.into_iter().flatten().collect();
        let is_function = |target: ScopeIx| matches!(program.scope(target).kind, ScopeKind::Function(_));
        // A class without any other test is one by its `runTest`.
        let by_name = |name: &str| if unittest { name.starts_with("test") } else { self.is_test_name(name) };
        let alone = unittest && !members.iter().any(|(name, target)| by_name(name) && is_function(*target));
        if unittest {
            // `unittest` sorts the names of its tests.
            members.sort_by_key(|(name, _)| *name);
        }
        for (member, target) in members {
            match program.scope(target).kind {
                ScopeKind::Function(_) if by_name(member) || alone && member == "runTest" => {
                    found.extend(self.function(&around, target, member));
                }
                ScopeKind::Class(_) if !unittest => {
                    self.class(&around, target, member, found);
                }
                _ => {}
            }
        }
    }

    /// Returns whether a class inherits from `unittest`'s: not where only a type checker is told so.
    fn is_for_unittest(&self, mro: &[Target]) -> bool {
        let program = self.resolver.program;
        let externally = |base: &Target| matches!(base, Target::External(path) if is_unittest(path));
        let inherits = |class: &Target| {
            let Target::Scope(class) = class else { return false };
            let scope = program.scope(*class);
            let ScopeKind::Class(def) = scope.kind else { return false };
            let outer = scope.parent.unwrap_or(*class);
            let body = &program.module(scope.module).file.syntax.body;
            def.bases().iter().any(|base| {
                let base = if let Expr::Subscript(generic) = base { &*generic.value } else { base };
                let found = self.resolver.value(outer, base, &mut Vec::new(), MAX_STEPS);
                found.is_some_and(|found| externally(&found)) && !is_typed_only(body, base)
            })
        };
        mro.iter().any(externally) && mro.iter().any(inherits)
    }

    /// Returns whether a class has a constructor of its own: pytest does not collect it.
    fn makes_itself(&self, mro: &[Target]) -> bool {
        mro.iter().any(|base| match base {
            Target::Scope(base) => ["__init__", "__new__"]
                .iter()
                .any(|name| self.resolver.program.scope(*base).binding(name).is_some()),
            _ => false,
        })
    }

    fn is_abstract(&self, mro: &[Target]) -> bool {
        let program = self.resolver.program;
        if !mro.iter().any(|base| matches!(base, Target::External(path) if path == "abc.ABC"))
            && !mro.iter().any(|base| self.has_abc_meta(base))
        {
            return false;
        }
        let mut seen = BTreeSet::new();
        for base in mro {
            let Target::Scope(base) = base else { continue };
            for (name, _) in &program.scope(*base).names {
                if !seen.insert(*name) {
                    continue;
                }
                if let Some(Binding::Scope(ix)) = program.scope(*base).binding(name)
                    && let ScopeKind::Function(def) = program.scope(ix).kind
                    && def.decorator_list.iter().any(|decorator| {
                        chain_of(&decorator.expression).is_some_and(|chain| {
                            chain.last().is_some_and(|last| last.starts_with("abstract"))
                        })
                    })
                {
                    return true;
                }
            }
        }
        false
    }

    fn has_abc_meta(&self, base: &Target) -> bool {
        let Target::Scope(base) = base else { return false };
        let ScopeKind::Class(def) = self.resolver.program.scope(*base).kind else { return false };
        def.keywords().iter().any(|keyword| {
            keyword.arg.as_ref().is_some_and(|arg| arg.as_str() == "metaclass")
                && chain_of(&keyword.value).is_some_and(|chain| chain.last() == Some(&"ABCMeta"))
        })
    }

    fn around(
        &self,
        module: ModuleIx,
        class: Option<ScopeIx>,
        classes: Vec<String>,
        unittest: bool,
        marks: Vec<Mark<'s>>,
    ) -> Around<'s> {
        let homes = self.homes(module, class);
        let auto = self.fixtures.autouse(&homes).into_iter().map(str::to_owned).collect();
        let unknown = |base: &Target| matches!(base, Target::External(path) if !is_unittest(path) && path != "abc.ABC" && path != "object");
        let file = &self.resolver.program.module(module).file.path;
        let above = self.given.iter().filter(|(folder, _)| {
            folder.is_empty() || file.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
        });
        Around {
            given: above.flat_map(|(_, given)| given.iter().cloned()).collect(),
            opaque: class.is_some_and(|class| self.resolver.mro(class).iter().any(unknown)),
            set_up: self.set_up(module, class, unittest),
            module,
            class,
            classes,
            unittest,
            marks,
            homes,
            auto,
        }
    }

    fn function(&self, around: &Around<'s>, function: ScopeIx, name: &str) -> Option<Collected<'s>> {
        let Around { class, unittest, homes, auto, .. } = around;
        let (class, unittest) = (*class, *unittest);
        let program = self.resolver.program;
        let ScopeKind::Function(def) = program.scope(function).kind else { return None };
        if fixture_decorator(def).is_some()
            || def
                .decorator_list
                .iter()
                .any(|decorator| chain_of(&decorator.expression).is_some_and(|chain| *chain == ["property"]))
        {
            return None;
        }
        if sets_false(program.file_of(function).syntax.body.iter(), name) {
            return None;
        }
        let mut marks = marks::of_function(self.resolver, function);
        marks.extend(around.marks.iter().cloned());
        let parametrised = marks.iter().filter(|mark| mark.name == "parametrize" && !unittest);
        let mark_axes: Vec<Axis<'s>> = parametrised
            .filter_map(|mark| mark.call)
            .map(|(scope, call)| axis_of_mark(self.resolver, scope, call))
            .collect();
        let direct: BTreeSet<String> = mark_axes
            .iter()
            .flat_map(|axis| axis.names.iter().filter(|name| !axis.indirect.contains(*name)))
            .cloned()
            .collect();
        let by_mark: BTreeSet<String> = mark_axes.iter().flat_map(|axis| &axis.names).cloned().collect();

        let mut initial = auto.clone();
        initial.extend(self.settings.usefixtures.iter().cloned());
        for mark in marks.iter().rev().filter(|mark| mark.name == "usefixtures") {
            if let Some((_, call)) = mark.call {
                initial.extend(call.arguments.args.iter().filter_map(|arg| {
                    if let Expr::StringLiteral(text) = arg {
                        Some(text.value.to_str().to_owned())
                    } else {
                        None
                    }
                }));
            }
        }
        initial.extend(given_by_marks(around, &marks, def.is_async));
        if !unittest {
            initial.extend(parameters_of(def, class.is_some(), injected(def)));
        }
        initial.extend(asked_by_name(self.resolver, function));
        let mut seen = BTreeSet::new();
        initial.retain(|name| seen.insert(name.clone()));
        let closure = self.fixtures.closure(homes, &initial, &direct);
        let mut axes = Vec::new();
        for (name, used) in &closure {
            // A fixture's own values count where no mark gives them; of overriding ones those of the outermost.
            if let Some(fixture) = used.first()
                && !by_mark.contains(name)
                && !unittest
            {
                let with_params = used.iter().find_map(|fixture| {
                    fixture.call.and_then(|call| axis_of_fixture(self.resolver, fixture.scope, name, call))
                });
                let owner = fixture.scope;
                axes.extend(with_params.filter(|_| owner == fixture.scope));
            }
        }
        axes.extend(mark_axes);
        // What parameters ask for comes after the ids are made: it adds needs and no items.
        let given = parameter_calls(&marks, &closure);
        let mut closure = closure;
        for _ in 0..4 {
            let running: Vec<ScopeIx> = std::iter::once(function)
                .chain(closure.iter().flat_map(|(_, used)| used.iter().map(|fixture| fixture.scope)))
                .collect();
            let asked = asked_by_parameter(self.resolver, self.fixtures, homes, &given, &running);
            let before = initial.len();
            let known: BTreeSet<&String> = closure.iter().map(|(name, _)| name).collect();
            let new: Vec<String> = asked.into_iter().filter(|name| !known.contains(name)).collect();
            initial.extend(new);
            if initial.len() == before {
                break;
            }
            closure = self.fixtures.closure(homes, &initial, &direct);
        }
        let autouse = self.brought(homes, auto, &initial, &direct, &closure);
        Some(Collected {
            module: around.module,
            function,
            class,
            classes: around.classes.clone(),
            name: name.to_owned(),
            unittest,
            marks,
            axes,
            // What a mark gives by itself is no fixture, whatever bears its name.
            fixtures: closure
                .into_iter()
                .filter(|(name, _)| !direct.contains(name))
                .map(|(name, used)| (name, used.into_iter().map(|fixture| fixture.scope).collect()))
                .collect(),
            autouse,
            opaque: around.opaque,
            set_up: around.set_up.clone(),
        })
    }

    /// Returns the fixtures that a test gets only because of an autouse fixture, each with that one: itself, or the
    /// first that asks for it, directly or not.
    fn brought(
        &self,
        homes: &[Home],
        auto: &[String],
        initial: &[String],
        direct: &BTreeSet<String>,
        closure: &[(String, Vec<&Fixture<'s>>)],
    ) -> BTreeMap<String, String> {
        let names = closure.iter().map(|(name, _)| name);
        let mut brought: BTreeMap<String, String> = names
            .clone()
            .filter(|name| auto.contains(name))
            .map(|name| (name.clone(), name.clone()))
            .collect();
        if brought.is_empty() || brought.len() == closure.len() {
            return brought;
        }
        let asked: Vec<String> = initial.iter().filter(|name| !auto.contains(name)).cloned().collect();
        let by_asking: BTreeSet<String> =
            self.fixtures.closure(homes, &asked, direct).into_iter().map(|(name, _)| name).collect();
        if names.clone().all(|name| by_asking.contains(name) || brought.contains_key(name)) {
            return brought;
        }
        for bringer in auto {
            for (name, _) in self.fixtures.closure(homes, std::slice::from_ref(bringer), direct) {
                if !by_asking.contains(&name) {
                    brought.entry(name).or_insert_with(|| bringer.clone());
                }
            }
        }
        brought
    }

    /// Returns where the fixtures of a test are looked for, outermost first.
    fn homes(&self, module: ModuleIx, class: Option<ScopeIx>) -> Vec<Home> {
        let program = self.resolver.program;
        let mut homes = vec![Home::Plugin];
        homes.extend(folders_of(&self.settings.root, &program.module(module).file.path));
        homes.push(Home::Module(module));
        let mut classes = Vec::new();
        let mut at = class;
        while let Some(class) = at {
            classes.push(Home::Class(class));
            at = program
                .scope(class)
                .parent
                .filter(|parent| matches!(program.scope(*parent).kind, ScopeKind::Class(_)));
        }
        classes.reverse();
        homes.extend(classes);
        homes
    }

    /// Returns the methods and functions that run around the tests of a class, or of a module.
    fn set_up(&self, module: ModuleIx, class: Option<ScopeIx>, unittest: bool) -> Vec<ScopeIx> {
        let mut found = Vec::new();
        self.add_bound(
            self.resolver.program.module(module).scope,
            AROUND_MODULE,
            &mut BTreeSet::new(),
            &mut found,
        );
        let Some(class) = class else { return found };
        let order = self.resolver.mro(class);
        let is_of = |library: &str| {
            order.iter().any(|base| matches!(base, Target::External(path) if path.starts_with(library)))
        };
        let asked = ASKED_BY_LIBRARIES.iter().filter(|(library, _)| is_of(library)).map(|(_, name)| name);
        let of_unittest = unittest.then_some(AROUND_UNITTEST).into_iter().flatten();
        let names: Vec<&str> = AROUND.iter().chain(of_unittest).chain(asked).copied().collect();
        let mut seen = BTreeSet::new();
        for base in order.iter() {
            let Target::Scope(base) = *base else { continue };
            self.add_bound(base, &names, &mut seen, &mut found);
        }
        found
    }

    /// Adds what a scope binds to these names, but for those that are found already.
    fn add_bound(
        &self,
        scope: ScopeIx,
        names: &[&str],
        seen: &mut BTreeSet<&'s str>,
        found: &mut Vec<ScopeIx>,
    ) {
        // Of two of a name the later holds.
        let bindings = self.resolver.program.scope(scope).names.iter().rev();
        for (name, binding) in bindings.filter(|(name, _)| names.contains(name)) {
            if let Binding::Scope(ix) = *binding
                && seen.insert(*name)
            {
                found.push(ix);
            }
        }
    }
}

/// Returns the fixtures that a test gets by its marks: from hooks, and from anyio's plugin the one that says on which
/// backends it runs.
fn given_by_marks(around: &Around<'_>, marks: &[Mark<'_>], is_async: bool) -> Vec<String> {
    let bears = |name: &str| marks.iter().any(|mark| mark.name == name);
    let given = around.given.iter().filter(|given| given.mark.as_deref().is_none_or(bears));
    let by_hooks = given.map(|given| given.fixture.clone());
    by_hooks.chain((is_async && bears("anyio")).then(|| "anyio_backend".to_owned())).collect()
}

/// Returns whether names match one of pytest's prefixes or patterns.
fn matches_any(options: &[String], name: &str) -> bool {
    options.iter().any(|option| {
        name.starts_with(option.as_str()) || option.contains(['*', '?', '[']) && fnmatch(option, name)
    })
}

fn is_unittest(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path);
    last.ends_with("TestCase") || last.ends_with("LiveServerTestCase")
}

/// Returns whether a class that is not read is one of tests by its name, `WebTest` or `TestBase`: those that are known inherit
/// from `unittest`'s.
fn is_case_of_a_library(base: &Target) -> bool {
    let Target::External(path) = base else { return false };
    let words = words_of(path.rsplit('.').next().unwrap_or(path));
    // `TestClient` and `TestServer` are no cases.
    !is_unittest(path) && (words.last().is_some_and(|word| word == "test") || words == ["test", "base"])
}

/// Returns whether a name is a class for type checkers alone: `if TYPE_CHECKING: Base = TestCase`, `else: Base = object`.
fn is_typed_only(body: &[Stmt], base: &Expr) -> bool {
    let Expr::Name(base) = base else { return false };
    let is_object = |stmt: &Stmt| match stmt {
        Stmt::Assign(assign) => {
            is_name(&assign.value, &["object"])
                && assign
                    .targets
                    .iter()
                    .any(|target| matches!(target, Expr::Name(name) if name.id == base.id))
        }
        _ => false,
    };
    body.iter().any(|stmt| match stmt {
        Stmt::If(branch) if is_name(&branch.test, &["TYPE_CHECKING"]) => {
            branch.elif_else_clauses.iter().any(|clause| clause.body.iter().any(is_object))
        }
        _ => false,
    })
}

/// Returns whether the nearest binding of a name in a class says `False`.
fn is_false(resolver: &Resolver<'_, '_, '_>, mro: &[Target], name: &str) -> bool {
    for base in mro {
        let Target::Scope(base) = base else { continue };
        if let Some(Binding::Scope(ix)) = resolver.program.scope(*base).binding(name) {
            return matches!(resolver.program.scope(ix).kind, ScopeKind::Value(Expr::BooleanLiteral(value)) if !value.value);
        }
    }
    false
}

/// Returns whether a module says `name.__test__ = False`.
fn sets_false<'a>(mut body: impl Iterator<Item = &'a Stmt>, name: &str) -> bool {
    body.any(|stmt| match stmt {
        Stmt::Assign(assign) => {
            let target = assign.targets.first().and_then(chain_of);
            target.is_some_and(|chain| *chain == [name, "__test__"])
                && matches!(&*assign.value, Expr::BooleanLiteral(value) if !value.value)
        }
        _ => false,
    })
}

/// Returns how many of a function's first parameters `unittest.mock.patch` gives it.
fn injected(def: &ruff_python_ast::StmtFunctionDef) -> usize {
    def.decorator_list
        .iter()
        .filter(|decorator| {
            let Expr::Call(call) = &decorator.expression else { return false };
            let Some(chain) = chain_of(&call.func) else { return false };
            let plain = chain.last() == Some(&"patch");
            let object = chain.last() == Some(&"object")
                && chain.iter().rev().nth(1).is_some_and(|name| name.ends_with("patch"));
            let given = if plain { 1 } else { 2 };
            let new = call.arguments.args.len() > given || call.arguments.find_keyword("new").is_some();
            (plain || object) && !new
        })
        .count()
}

/// Returns the marks that hooks of a module add to tests while they are collected.
pub(super) fn marks_by_hooks(resolver: &Resolver<'_, '_, '_>, module: ModuleIx) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for ix in resolver.program.scopes_of(module) {
        let scope = resolver.program.scope(ix);
        if !matches!(scope.kind, ScopeKind::Function(_)) {
            continue;
        }
        if !scope.uses.iter().any(|used| used.chain.last() == Some(&"add_marker")) {
            continue;
        }
        for used in &scope.uses {
            if let [.., "mark", name] = &*used.chain {
                names.insert((*name).to_owned());
            }
            if let (super::program::How::Call(call), Some(&"add_marker")) = (used.how, used.chain.last())
                && let Some(Expr::StringLiteral(name)) = call.arguments.args.first()
            {
                names.insert(name.value.to_str().to_owned());
            }
        }
    }
    names
}

/// Returns the marks that a module registers (`config.addinivalue_line("markers", "slow: …")`), with their lines.
pub(super) fn registered_by_hooks(
    resolver: &Resolver<'_, '_, '_>,
    module: ModuleIx,
) -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    let file = resolver.program.module(module).file;
    for ix in resolver.program.scopes_of(module) {
        let scope = resolver.program.scope(ix);
        for used in &scope.uses {
            if let (super::program::How::Call(call), Some(&"addinivalue_line")) =
                (used.how, used.chain.last())
                && let [Expr::StringLiteral(key), line, ..] = &*call.arguments.args
                && key.value.to_str() == "markers"
                && let Some(super::literal::Literal::Text(line)) = super::literal::literal(resolver, ix, line)
                && let Some(name) = super::settings::marker_name(&line)
            {
                names.insert(name, file.line(used.range.start()));
            }
        }
    }
    names
}
