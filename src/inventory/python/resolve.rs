//! What a name means, followed through imports, classes and the values that were assigned.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use ruff_python_ast::{Expr, ExprCall};

use super::arguments::{Callees, is_stand_in};
use super::by_path::{DJANGO_SETTINGS, Importers};
use super::chains::{CALLED, SUPER, chain_of};
use super::decorated::{Decorators, is_given_class};
use super::dispatch::Methods;
use super::elements::Owners;
use super::fuel::{burn, refuel};
use super::hints::Validators;
use super::links::speaks_http;
use super::locate::Locator;
use super::program::{
    Binding, Import, Module, ModuleIx, Program, ScopeIx, ScopeKind, binding_mark, is_property,
};
use super::shapes::returns_of;
use super::variables::Variables;
use super::visible::VisibleFixtures;

/// How many steps a name is followed; cyclic imports and values that refer to each other end here.
pub(super) const MAX_STEPS: u32 = 24;

/// What a name was found to mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A scope of the program.
    Scope(ScopeIx),
    /// An object of a class of the program.
    Instance(ScopeIx),
    /// Something outside of it, by its full name. What a call gave goes by the name of what was called.
    External(String),
}

/// What a dotted path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A name that a scope of the program binds.
    In(ScopeIx, String),
    /// Something outside of it, by its full name: `app.redis.Redis` is `redis.Redis`.
    Outside(String),
}

/// Where an import leads.
#[derive(Clone, Copy, Debug)]
struct Imported {
    /// Its module, where that is one of the program.
    module: Option<ModuleIx>,
    /// The module that the name is which it takes from a package.
    submodule: Option<ModuleIx>,
    /// It is of the project, if only by a folder.
    ours: bool,
}

/// A meaning, and the marks of the names that led to it: whoever replaces one of them changes the meaning.
#[derive(Clone, Debug, Default)]
pub(super) struct Resolved {
    pub(super) target: Option<Target>,
    pub(super) via: Vec<u64>,
}

/// Where the names of modules and classes lead.
#[derive(Debug, Default)]
pub(super) struct Names<'s> {
    by_file: HashMap<&'s str, ModuleIx>,
    /// Where the imports of every module lead.
    imports: Vec<HashMap<Import<'s>, Imported>>,
    /// The modules of which every module imports all names.
    pub(super) stars: Vec<Vec<(ModuleIx, usize)>>,
    /// For every class that was asked for, itself and those that it inherits from.
    pub(super) orders: Vec<OnceLock<Arc<[Target]>>>,
}

/// Follows names.
#[derive(Debug)]
pub(super) struct Resolver<'p, 's, 't> {
    pub(super) program: &'p Program<'s>,
    pub(super) locator: &'p Locator<'t>,
    pub(super) names: Names<'s>,
    /// Methods as inheriting classes see them.
    methods: Methods,
    /// Functions and classes as calls see them that say something by their arguments.
    pub(super) callees: Callees<'s>,
    /// What parameters of tests and fixtures stand for.
    pub(super) fixtures: VisibleFixtures,
    /// Functions that decorate methods.
    pub(super) decorators: Decorators,
    /// Functions that import a class by its path.
    pub(super) importers: Importers,
    /// The methods that validate fields.
    pub(super) validators: Validators<'s>,
    /// The modules of Django's settings, once they are known.
    pub(super) settings: OnceLock<Vec<ScopeIx>>,
    /// What variables of the environment are while the tests run.
    pub(super) variables: Variables,
    /// Whose methods bear a name that no other class has.
    pub(super) owners: OnceLock<Owners<'s>>,
    /// The top-level packages from which the program imports something.
    pub(super) libraries: OnceLock<HashSet<&'s str>>,
}

impl<'p, 's, 't> Resolver<'p, 's, 't> {
    pub(super) fn new(program: &'p Program<'s>, locator: &'p Locator<'t>) -> Self {
        let files = program.modules.iter().enumerate();
        let by_file = files
            .map(|(at, module)| (module.file.path.as_str(), ModuleIx(u32::try_from(at).unwrap_or(u32::MAX))))
            .collect();
        let orders = vec![OnceLock::new(); program.scopes.len()];
        let names = Names { by_file, orders, ..Names::default() };
        let mut resolver = Self::with(program, locator, names, Methods::default(), Callees::default());
        let starred = |module: &Module<'s>| -> Vec<(ModuleIx, usize)> {
            let found = module.stars.iter().filter_map(|star| {
                Some((resolver.star_module(&module.file.path, &star.import)?, star.behind))
            });
            found.collect()
        };
        let stars = program.modules.iter().map(starred).collect();
        resolver.names.stars = stars;
        let mut wanted: Vec<HashSet<Import<'s>>> = vec![HashSet::new(); program.modules.len()];
        for scope in &program.scopes {
            wanted[scope.module.0 as usize].extend(scope.names.iter().filter_map(
                |(_, binding)| match binding {
                    Binding::Import(import) => Some(*import),
                    _ => None,
                },
            ));
        }
        resolver.names.imports = wanted
            .into_par_iter()
            .zip(&program.modules)
            .map(|(imports, module)| {
                let from = module.file.path.as_str();
                imports.into_iter().map(|import| (import, resolver.imported(from, &import))).collect()
            })
            .collect();
        resolver
    }

    /// Returns one that follows names of which it is known where they lead, with methods as inheriting classes see them.
    pub(super) fn with(
        program: &'p Program<'s>,
        locator: &'p Locator<'t>,
        mut names: Names<'s>,
        methods: Methods,
        callees: Callees<'s>,
    ) -> Self {
        names.orders.resize(program.scopes.len(), OnceLock::new());
        let (fixtures, variables) = (VisibleFixtures::default(), Variables::default());
        Self {
            program,
            locator,
            names,
            methods,
            callees,
            fixtures,
            decorators: Decorators::new(),
            importers: Importers::new(),
            validators: Validators::new(),
            settings: OnceLock::new(),
            variables,
            owners: OnceLock::new(),
            libraries: OnceLock::new(),
        }
    }

    /// Returns where the names lead, and what calls see that say something by their arguments.
    pub(super) fn into_parts(self) -> (Names<'s>, Callees<'s>) {
        (self.names, self.callees)
    }

    /// Returns a function or a class as a call within a scope sees it.
    pub(super) fn as_called(&self, scope: ScopeIx, callee: ScopeIx, call: &ExprCall) -> ScopeIx {
        self.callees.variant(self.program, scope, callee, call)
    }

    /// Returns a method, or another scope, as objects of a class see it.
    pub(super) fn as_seen(&self, class: ScopeIx, scope: ScopeIx) -> ScopeIx {
        self.methods.get(&(class, scope)).copied().unwrap_or(scope)
    }

    /// Finds where an import leads.
    fn imported(&self, from: &str, import: &Import<'_>) -> Imported {
        let found = |file: Option<&str>| file.and_then(|file| self.module_of(file));
        if import.first_only {
            let first = import.module.split('.').next().unwrap_or(import.module);
            let file = self.locator.file(from, 0, first);
            let ours = file.is_some() || self.locator.is_folder(from, 0, first);
            return Imported { module: found(file), submodule: None, ours };
        }
        let file = self.locator.module(from, import);
        let submodule = import.name.and_then(|name| {
            let dotted =
                if import.module.is_empty() { name.to_owned() } else { format!("{}.{name}", import.module) };
            found(self.locator.file(from, import.level, &dotted))
        });
        let ours = file.is_some()
            || import.level > 0
            || submodule.is_some()
            || self.locator.is_folder(from, import.level, import.module);
        Imported { module: found(file), submodule, ours }
    }

    fn import_of(&self, scope: ScopeIx, import: &Import<'s>) -> Imported {
        let module = self.program.scope(scope).module;
        match self.names.imports.get(module.0 as usize).and_then(|imports| imports.get(import)) {
            Some(known) => *known,
            None => self.imported(self.program.file_of(scope).path.as_str(), import),
        }
    }

    /// Returns the module of a file.
    pub(super) fn module_of(&self, file: &str) -> Option<ModuleIx> {
        self.names.by_file.get(file).copied()
    }

    /// Returns the module of a dotted name as seen from a file.
    pub(super) fn find_module(&self, from: &str, module: &str) -> Option<ModuleIx> {
        self.locator.file(from, 0, module).and_then(|file| self.module_of(file))
    }

    /// Returns the modules that a name means, several where it is only the beginning of one.
    pub(super) fn find_modules(&self, from: &str, name: &str) -> Vec<ModuleIx> {
        self.locator.files(from, name).into_iter().filter_map(|file| self.module_of(file)).collect()
    }

    /// Returns what a name with its attributes means within a scope.
    pub(super) fn resolve(&self, scope: ScopeIx, chain: &[&str]) -> Resolved {
        refuel();
        let mut resolved = Resolved::default();
        resolved.target = self.chain(scope, chain, &mut resolved.via, MAX_STEPS);
        resolved
    }

    /// Returns what a dotted path means (`app.cache.client`), as `unittest.mock.patch` reads it; nothing where it begins
    /// with no module of the project.
    pub(super) fn resolve_path(&self, from: ScopeIx, path: &str) -> Option<Named> {
        refuel();
        let parts: Vec<&str> = path.split('.').collect();
        let file = self.program.file_of(from).path.as_str();
        for split in (1..parts.len()).rev() {
            let module = parts[..split].join(".");
            if let Some(module) = self.find_module(file, &module) {
                let mut at = self.program.module(module).scope;
                for (behind, name) in parts[split..parts.len() - 1].iter().enumerate() {
                    match self.member(at, name, &mut Vec::new(), MAX_STEPS)? {
                        Target::Scope(scope) | Target::Instance(scope) => at = scope,
                        Target::External(outside) => {
                            let rest = &parts[split + behind + 1..];
                            return Some(Named::Outside(format!("{outside}.{}", rest.join("."))));
                        }
                    }
                }
                return Some(Named::In(at, parts[parts.len() - 1].to_owned()));
            }
        }
        None
    }

    pub(super) fn chain(
        &self,
        scope: ScopeIx,
        chain: &[&str],
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        match self.followed(scope, chain, via, steps) {
            // What a library's application is asked for the project may keep there.
            None | Some(Target::External(_)) if let Some(kept) = self.behind_holder(chain, via, steps) => {
                Some(kept)
            }
            found => found,
        }
    }

    fn followed(&self, scope: ScopeIx, chain: &[&str], via: &mut Vec<u64>, steps: u32) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        let (first, rest) = chain.split_first()?;
        // `import a.b.c` binds `a` alone and may have consumed more of the chain.
        let named = self.name(scope, first, rest, via, steps);
        let by_method = || Some((self.by_method(scope, chain, &mut Vec::new(), steps)?, 0));
        let (mut at, skip) = named.or_else(by_method)?;
        for name in &rest[skip.min(rest.len())..] {
            at = if *name == CALLED {
                self.called(at, via, steps)?
            } else {
                self.attribute(at, name, via, steps)?
            };
        }
        Some(at)
    }

    /// Returns what a bare name means, and how many of the attributes behind it belong to it already.
    fn name(
        &self,
        scope: ScopeIx,
        name: &str,
        rest: &[&str],
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<(Target, usize)> {
        if name == SUPER {
            let class = self.class_around(scope)?;
            let defining = self.class_written_around(scope)?;
            let method = rest.first()?;
            let mro = self.mro(class);
            let above = mro.iter().skip_while(|base| **base != Target::Scope(defining)).skip(1);
            for base in above {
                match base {
                    Target::Scope(base) => {
                        if let Some(binding) = self.program.scope(*base).binding(method) {
                            return Some((self.bound_in(class, *base, binding, via, steps)?, 1));
                        }
                    }
                    Target::External(path) => return Some((Target::External(format!("{path}.{method}")), 1)),
                    Target::Instance(_) => {}
                }
            }
            return None;
        }
        let mut at = Some(scope);
        let mut inner = true;
        while let Some(ix) = at {
            let here = self.program.scope(ix);
            // A class's names are seen in its own body, not in its methods.
            let visible = inner || !matches!(here.kind, ScopeKind::Class(_));
            if visible && let Some(binding) = here.binding(name) {
                via.push(binding_mark(ix, name));
                if let Some(later) = self.starred_later(ix, name, via, steps) {
                    return Some((later, 0));
                }
                if let Binding::Parameter(annotation) = binding {
                    let found = self.parameter(ix, name, annotation, via, steps)?;
                    return Some((found, 0));
                }
                // `Session = scoped_session(Session)` means the one before.
                let binding = match binding {
                    Binding::Scope(own) if self.is_of_value(scope, own) => {
                        here.binding_before(name, own).unwrap_or(binding)
                    }
                    binding => binding,
                };
                if let Binding::Import(import) = binding {
                    return self.import(ix, &import, rest, via, steps);
                }
                return Some((self.bound(ix, binding, via, steps)?, 0));
            }
            inner = inner && matches!(here.kind, ScopeKind::Value(_));
            at = here.parent;
        }
        let module = self.program.scope(scope).module;
        self.starred(module, name, via, steps).map(|target| (target, 0))
    }

    /// Returns whether a scope is that of a value.
    fn is_of_value(&self, scope: ScopeIx, value: ScopeIx) -> bool {
        scope == value && matches!(self.program.scope(value).kind, ScopeKind::Value(_))
    }

    fn parameter(
        &self,
        scope: ScopeIx,
        name: &str,
        annotation: Option<&'s Expr>,
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        let here = self.program.scope(scope);
        let first = match here.kind {
            ScopeKind::Function(def) => {
                (&*def.parameters).into_iter().next().map(|parameter| parameter.name().as_str())
            }
            _ => None,
        };
        if first == Some(name) && matches!(name, "self" | "cls") {
            let class = self.class_around(scope).or_else(|| self.class_decorated(scope))?;
            let is_class = name == "cls" && is_given_class(here.kind);
            return Some(if is_class { Target::Scope(class) } else { Target::Instance(class) });
        }
        if let Some(found) = self.given_by_fixture(scope, name, via, steps) {
            return Some(found);
        }
        let annotation = annotation?;
        let outer = here.parent.unwrap_or(scope);
        self.instance_of(outer, annotation, via, steps)
    }

    /// Returns what the fixture gives that a parameter of a test or a fixture names: an object of the project, or a
    /// function that makes one. An object of a library was made by the fixture, and it is the fixture's matter.
    fn given_by_fixture(&self, scope: ScopeIx, name: &str, via: &mut Vec<u64>, steps: u32) -> Option<Target> {
        let fixture = self.fixtures.find(self.program, scope, name)?;
        let before = via.len();
        match self.returned(fixture, via, steps.checked_sub(1)?) {
            // What speaks HTTP is told by every request whom to ask.
            Some(Target::External(path)) if speaks_http(&path) => Some(Target::External(path)),
            Some(Target::External(_)) | None => {
                via.truncate(before);
                None
            }
            found => found,
        }
    }

    pub(super) fn bound(
        &self,
        scope: ScopeIx,
        binding: Binding<'s>,
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        match binding {
            Binding::Scope(ix) => Some(Target::Scope(ix)),
            Binding::Import(import) => self.import(scope, &import, &[], via, steps).map(|(target, _)| target),
            Binding::Local(value, at) => self.value(at, value, via, steps),
            Binding::Parameter(annotation) => self.instance_of(scope, annotation?, via, steps),
            Binding::Element(values, at) => self.element(at, values, via, steps),
            Binding::Opaque => None,
        }
    }

    /// Returns what a name of a class means for objects of a class that inherits from it.
    fn bound_in(
        &self,
        class: ScopeIx,
        base: ScopeIx,
        binding: Binding<'s>,
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        let binding = match binding {
            Binding::Scope(method) => Binding::Scope(self.as_seen(class, method)),
            Binding::Local(value, at) => Binding::Local(value, self.as_seen(class, at)),
            binding => binding,
        };
        self.bound(base, binding, via, steps)
    }

    fn import(
        &self,
        scope: ScopeIx,
        import: &Import<'s>,
        rest: &[&str],
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<(Target, usize)> {
        let steps = steps.checked_sub(1)?;
        let from = self.program.file_of(scope).path.as_str();
        let imported = self.import_of(scope, import);
        if import.first_only {
            // The longest part of `a.b.c.name` that is a module.
            let first = import.module.split('.').next().unwrap_or(import.module);
            let longest = if imported.ours {
                rest.len()
            } else {
                return Some((Target::External(first.to_owned()), 0));
            };
            for taken in (0..=longest).rev() {
                let mut dotted = first.to_owned();
                for name in &rest[..taken] {
                    dotted.push('.');
                    dotted.push_str(name);
                }
                if let Some(module) = self.find_module(from, &dotted) {
                    return Some((Target::Scope(self.program.module(module).scope), taken));
                }
            }
            return Some((Target::External(first.to_owned()), 0));
        }
        let Some(name) = import.name else {
            return match imported.module {
                Some(module) => Some((Target::Scope(self.program.module(module).scope), 0)),
                None => Some((Target::External(import.module.to_owned()), 0)),
            };
        };
        if let Some(module) = imported.module {
            let own = self.program.module(module).scope;
            if (own != scope
                || self
                    .program
                    .scope(own)
                    .binding(name)
                    .is_some_and(|binding| !matches!(binding, Binding::Import(other) if other == *import)))
                && let Some(target) = self.member(own, name, via, steps)
            {
                return Some((target, 0));
            }
        }
        // `from package import module`
        if let Some(module) = imported.submodule {
            return Some((Target::Scope(self.program.module(module).scope), 0));
        }
        let dotted = || {
            if import.module.is_empty() { name.to_owned() } else { format!("{}.{name}", import.module) }
        };
        (!imported.ours).then(|| (Target::External(dotted()), 0))
    }

    /// Returns what a name means as seen from outside of a scope.
    pub(super) fn member(
        &self,
        scope: ScopeIx,
        name: &str,
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        let here = self.program.scope(scope);
        match here.kind {
            ScopeKind::Module => {
                via.push(binding_mark(scope, name));
                if let Some(later) = self.starred_later(scope, name, via, steps) {
                    return Some(later);
                }
                if let Some(binding) = here.binding(name) {
                    return self.bound(scope, binding, via, steps);
                }
                if let Some(target) = self.starred(here.module, name, via, steps) {
                    return Some(target);
                }
                // A submodule is an attribute of its package.
                let file = self.program.file_of(scope).path.as_str();
                let package = file.strip_suffix("__init__.py")?;
                let module = self
                    .locator
                    .file(&format!("{package}__init__.py"), 1, name)
                    .and_then(|file| self.module_of(file))?;
                Some(Target::Scope(self.program.module(module).scope))
            }
            ScopeKind::Class(_) => {
                for base in self.mro(scope).iter() {
                    match base {
                        Target::Scope(base) => {
                            if let Some(binding) = self.program.scope(*base).binding(name) {
                                via.push(binding_mark(self.program.written_as(*base), name));
                                return self.bound_in(scope, *base, binding, via, steps);
                            }
                        }
                        Target::External(path) => {
                            via.push(binding_mark(scope, name));
                            return Some(Target::External(format!("{path}.{name}")));
                        }
                        Target::Instance(_) => {}
                    }
                }
                self.behind_proxy(scope, name, via, steps)
            }
            ScopeKind::Value(value) => {
                let target = self.value(here.parent.unwrap_or(scope), value, via, steps)?;
                self.attribute(target, name, via, steps)
            }
            ScopeKind::Function(_) => {
                let given = self.returned(self.property(scope)?, via, steps)?;
                self.attribute(given, name, via, steps)
            }
        }
    }

    /// Returns the method that runs where a property is read that a method belongs to: itself, or the one beside its setter.
    pub(super) fn property(&self, method: ScopeIx) -> Option<ScopeIx> {
        let scope = self.program.scope(method);
        if !self.program.properties.contains(scope.name) {
            return None;
        }
        let class = self.program.scope(scope.parent?);
        let mut namesakes = class.names.iter().filter_map(|(name, binding)| match binding {
            Binding::Scope(ix) if *name == scope.name => Some(*ix),
            _ => None,
        });
        let getter = namesakes.find(
            |ix| matches!(self.program.scope(*ix).kind, ScopeKind::Function(def) if is_property(def)),
        )?;
        Some(scope.seen.map_or(getter, |seen| self.as_seen(seen.class, getter)))
    }

    pub(super) fn attribute(
        &self,
        target: Target,
        name: &str,
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        let steps = steps.checked_sub(1)?;
        match target {
            Target::Scope(scope) | Target::Instance(scope) => self.member(scope, name, via, steps),
            Target::External(path) => {
                let setting = || self.setting(name, via, steps);
                let known = (path == DJANGO_SETTINGS).then(setting).flatten();
                Some(known.unwrap_or_else(|| Target::External(format!("{path}.{name}"))))
            }
        }
    }

    /// Returns what is called, with what the calls before it say by their arguments: `Service(client=fake).read`.
    pub(super) fn resolve_called(&self, scope: ScopeIx, chain: &[&str], call: &'s ExprCall) -> Resolved {
        if !chain.contains(&CALLED) || chain.contains(&SUPER) {
            return self.resolve(scope, chain);
        }
        refuel();
        let mut resolved = Resolved::default();
        resolved.target = self.value(scope, &call.func, &mut resolved.via, MAX_STEPS);
        resolved
    }

    /// Returns what a call of something gives.
    pub(super) fn called(&self, target: Target, via: &mut Vec<u64>, steps: u32) -> Option<Target> {
        match target {
            Target::Scope(ix) => match self.program.scope(ix).kind {
                ScopeKind::Class(_) => Some(Target::Instance(ix)),
                ScopeKind::Function(_) => self.returned(ix, via, steps),
                _ => None,
            },
            Target::Instance(_) => None,
            Target::External(path) => Some(Target::External(path)),
        }
    }

    /// Returns what an expression gives.
    pub(super) fn value(
        &self,
        scope: ScopeIx,
        value: &'s Expr,
        via: &mut Vec<u64>,
        steps: u32,
    ) -> Option<Target> {
        burn()?;
        let steps = steps.checked_sub(1)?;
        match value {
            Expr::Name(_) | Expr::Attribute(_) => {
                if let Some(chain) = chain_of(value) {
                    return match self.chain(scope, &chain, via, steps)? {
                        // The value of another value, as far as it can be seen.
                        Target::Scope(other)
                            if matches!(self.program.scope(other).kind, ScopeKind::Value(_)) =>
                        {
                            let ScopeKind::Value(inner) = self.program.scope(other).kind else { return None };
                            self.value(self.program.scope(other).parent.unwrap_or(other), inner, via, steps)
                        }
                        Target::Scope(other) => match self.property(other) {
                            Some(getter) => self.returned(getter, via, steps),
                            None => Some(Target::Scope(other)),
                        },
                        target => Some(target),
                    };
                }
                let Expr::Attribute(attribute) = value else { return None };
                let target = self.value(scope, &attribute.value, via, steps)?;
                self.attribute(target, attribute.attr.as_str(), via, steps)
            }
            Expr::Call(call) => {
                let callee = self.value(scope, &call.func, via, steps)?;
                if let Some(given) = self.by_path(scope, &callee, call) {
                    return Some(given);
                }
                match callee {
                    // A client with a transport of its own never reaches the network.
                    Target::External(path)
                        if path.starts_with("httpx.")
                            && call.arguments.keywords.iter().any(|keyword| {
                                keyword
                                    .arg
                                    .as_ref()
                                    .is_some_and(|arg| matches!(arg.as_str(), "transport" | "app" | "mounts"))
                            }) =>
                    {
                        None
                    }
                    Target::Scope(callee) => {
                        self.called(Target::Scope(self.as_called(scope, callee, call)), via, steps)
                    }
                    target => self.called(target, via, steps),
                }
            }
            Expr::Await(inner) => self.value(scope, &inner.value, via, steps),
            Expr::Named(named) => self.value(scope, &named.value, via, steps),
            Expr::If(choice) => self
                .value(scope, &choice.body, via, steps)
                .or_else(|| self.value(scope, &choice.orelse, via, steps)),
            Expr::BoolOp(choice) => {
                choice.values.iter().find_map(|value| self.value(scope, value, via, steps))
            }
            _ => None,
        }
    }

    /// Returns what a function of the program returns, or yields.
    fn returned(&self, function: ScopeIx, via: &mut Vec<u64>, steps: u32) -> Option<Target> {
        let ScopeKind::Function(def) = self.program.scope(function).kind else { return None };
        if let Some(target) = def.returns.as_deref().and_then(|annotation| {
            self.instance_of(self.program.scope(function).parent?, annotation, via, steps)
        }) {
            // What is said to give an object of a class mostly gives one of a class that inherits from it.
            let nearer = returns_of(&def.body).into_iter().find_map(|value| {
                let mut taken = Vec::new();
                match self.value(function, value, &mut taken, steps)? {
                    Target::Instance(class) if self.inherits(class, &target) => {
                        via.extend(taken);
                        Some(Target::Instance(class))
                    }
                    _ => None,
                }
            });
            return Some(nearer.unwrap_or(target));
        }
        // Of several the first; in a test's own code the first that is no stand-in, which is there for who has no service.
        let for_tests = self.program.is_for_tests(function);
        let mut first = None;
        for value in returns_of(&def.body) {
            let mut taken = Vec::new();
            let Some(target) = self.value(function, value, &mut taken, steps) else { continue };
            let stands_in = for_tests && is_stand_in(self.name_of(&target));
            if !stands_in {
                first = Some((target, taken));
                break;
            }
            first.get_or_insert((target, taken));
        }
        let (target, taken) = first?;
        via.extend(taken);
        Some(target)
    }

    fn name_of<'a>(&'a self, target: &'a Target) -> &'a str {
        match target {
            Target::Scope(ix) | Target::Instance(ix) => self.program.scope(*ix).name,
            Target::External(path) => path.rsplit('.').next().unwrap_or(path),
        }
    }

    /// Returns whether a class is not that of an object and inherits from it.
    fn inherits(&self, class: ScopeIx, object: &Target) -> bool {
        let Target::Instance(base) = object else { return false };
        class != *base && self.mro(class).contains(&Target::Scope(*base))
    }

    /// Returns the class of what is `self` in a function: the one that it stands in, or one that inherits from it.
    pub(super) fn class_around(&self, scope: ScopeIx) -> Option<ScopeIx> {
        self.program.scope(scope).seen.map(|seen| seen.class).or_else(|| self.class_written_around(scope))
    }

    /// Returns the class that a function stands in.
    fn class_written_around(&self, scope: ScopeIx) -> Option<ScopeIx> {
        let mut at = Some(scope);
        while let Some(ix) = at {
            let here = self.program.scope(ix);
            if matches!(here.kind, ScopeKind::Class(_)) {
                return Some(ix);
            }
            at = here.parent;
        }
        None
    }
}
