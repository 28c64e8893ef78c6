//! The project's one database: where a framework opens it, and which it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use ruff_python_ast::{CmpOp, Expr, ExprCall, Stmt, UnaryOp};
use ruff_text_size::{Ranged, TextRange};

use super::chains::is_name;
use super::collect::Collected;
use super::environment::{Environment, modules_named, scheme_of};
use super::facts::Reader;
use super::hints::{Hints, hints_of};
use super::needs::NeedFinder;
use super::patches::patch_of_caches;
use super::program::{Binding, How, ModuleIx, ScopeIx, ScopeKind};
use super::resolve::{Named, Target};
use super::signs::{Address, Called, SignBook, Sought};
use super::variables::given_in;
use super::{SourceNeed, Step, StepKind};
use crate::config::Catalogue;
use crate::inventory::Evidence;

/// What Flask applications say about their database goes by these names.
pub(super) const FLASK_SETTINGS: &[&str] = &["SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_BINDS"];

/// Variables that name the module of Django's settings, and of piccolo's engine.
pub(super) const DJANGO_VARIABLE: &str = "DJANGO_SETTINGS_MODULE";
pub(super) const PICCOLO_VARIABLE: &str = "PICCOLO_CONF";

/// The variable that names the class of the settings, for django-configurations.
const CONFIGURATION_VARIABLE: &str = "DJANGO_CONFIGURATION";

impl<'s> Reader<'_, '_, 's, '_> {
    /// Adds the project's database where a framework opens it: Django's test cases, its mark and its fixtures.
    pub(super) fn add_framework_needs(
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
                self.resolver.mro(class).iter().find_map(|base| match base {
                    Target::External(path) if addressed.classes.contains(path) => Some(path.clone()),
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
        let with_database = steps.iter().find(|(service, ..)| Some(*service) == finder.book.database);
        let with_database = with_database.filter(|_| django).map(|(_, step, _)| step.clone());
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
        for need in with_database.iter().flat_map(|_| &finder.migrations) {
            if !needs.iter().any(|known| known.service == need.service) {
                let steps: Vec<Step> = with_database.iter().chain(need.steps.iter()).cloned().collect();
                needs.push(SourceNeed { steps: steps.into(), by_autouse: None, ..need.clone() });
            }
        }
        needs.sort_by(|a, b| a.service.cmp(&b.service));
    }

    /// Fills in what the project's settings say about its database, cache and broker; returns whether it is one of
    /// Django.
    pub(super) fn read_settings(&self, book: &mut SignBook<'_>) -> bool {
        book.database = self.piccolo_database(book).or_else(|| self.usual_database(book));
        book.flask = self.flask_database(book);
        let settings = self.django_settings();
        let scopes = settings.iter().map(|module| self.resolver.program.module(*module).scope);
        let _ = self.resolver.settings.set(scopes.collect());
        let django = self.django_database(book, &settings);
        match &django {
            Some(Address::Of(services)) => book.database = services.first().copied(),
            Some(Address::None) => book.database = None,
            Some(Address::Unknown) | None => {}
        }
        if let Some((ix, value)) = self.value_of(&settings, "CACHES") {
            let of = |value| match self.address_in(book, ix, value) {
                Address::Of(services) => services,
                Address::None | Address::Unknown => Vec::new(),
            };
            let every = of(value);
            // What keeps whole pages may be another than the default.
            let of_pages = self.value_of(&settings, "CACHE_MIDDLEWARE_ALIAS").is_some();
            let default = default_entry(value).filter(|_| !of_pages);
            let default = default.map_or_else(|| every.clone(), of);
            book.named_caches = self.named_caches(book, ix, value);
            book.cache = default;
            book.caches = every;
        }
        self.read_tasks(book, &settings);
        django.is_some()
    }

    /// Returns where the caches lie of which it is known.
    fn named_caches(&self, book: &SignBook<'_>, ix: ScopeIx, caches: &'s Expr) -> Vec<(String, Vec<Sought>)> {
        let Expr::Dict(caches) = caches else { return Vec::new() };
        let entries = caches.items.iter().filter_map(|item| {
            let name = hints_of(self.resolver, ix, [item.key.as_ref()?]).texts.into_iter().next()?;
            match self.address_in(book, ix, &item.value) {
                Address::Of(services) => Some((name, services)),
                Address::None => Some((name, Vec::new())),
                Address::Unknown => patch_of_caches(&item.value, &[]).map(|_| (name, Vec::new())),
            }
        });
        entries.collect()
    }

    /// Returns what a setting of Django's says about addresses.
    fn setting(&self, book: &SignBook<'_>, settings: &[ModuleIx], name: &str) -> Option<Address> {
        let (last, value) = self.value_of(settings, name)?;
        let address = self.address_in(book, last, value);
        let Address::Of(services) = &address else { return Some(address) };
        // The last holds, but where it hangs on a variable that nobody says, `if os.environ.get("DB") == "postgres":`: there
        // it is what the manifest declares or a file starts, else the first of those.
        let program = self.resolver.program;
        let body = &program.file_of(last).syntax.body;
        if !hangs_on_a_variable(body, value.range()) {
            return Some(address);
        }
        let around = program.scope(last).parent.unwrap_or(last);
        let others = program.scope(around).names.iter().filter(|(bound, _)| *bound == name);
        let others = others.filter_map(|(_, binding)| match *binding {
            Binding::Scope(ix) => match program.scope(ix).kind {
                ScopeKind::Value(value) if hangs_on_a_variable(body, value.range()) => {
                    Some(self.address_in(book, ix, value))
                }
                _ => None,
            },
            _ => None,
        });
        let all: Vec<Vec<Sought>> = others
            .filter_map(|address| match address {
                Address::Of(services) => Some(services),
                Address::None | Address::Unknown => None,
            })
            .collect();
        let is_declared = |services: &&Vec<Sought>| services.iter().any(|one| book.get(*one).declared);
        let is_started = |services: &&Vec<Sought>| {
            services.iter().any(|one| self.environment.starts(&book.get(*one).words))
        };
        let meant = all.iter().find(is_declared).or_else(|| all.iter().find(is_started)).or(all.first());
        Some(Address::Of(meant.unwrap_or(services).clone()))
    }

    /// Returns the value of a setting of Django's, with its scope: that of the module, or of a class of django-configurations.
    pub(super) fn value_of(&self, settings: &[ModuleIx], name: &str) -> Option<(ScopeIx, &'s Expr)> {
        let program = self.resolver.program;
        let value = |ix: ScopeIx| match program.scope(ix).kind {
            ScopeKind::Value(value) => Some((ix, value)),
            ScopeKind::Function(_) | ScopeKind::Class(_) | ScopeKind::Module => None,
        };
        let of_class = |class: ScopeIx| {
            self.resolver.bindings_of(class, name).into_iter().find_map(|(_, binding)| match binding {
                Binding::Scope(ix) => value(ix),
                _ => None,
            })
        };
        settings.iter().find_map(|module| {
            let scope = program.module(*module).scope;
            match self.resolver.resolve(scope, &[name]).target {
                Some(Target::Scope(ix)) => value(ix),
                _ => self.configurations(scope).into_iter().find_map(of_class),
            }
        })
    }

    /// Returns the classes of a module of settings: first what the tests' runner names, then that of the tests, then those that a
    /// variable names.
    fn configurations(&self, module: ScopeIx) -> Vec<ScopeIx> {
        let program = self.resolver.program;
        let named = self.environment.values(CONFIGURATION_VARIABLE);
        let of_tests = self.environment.of_tests(CONFIGURATION_VARIABLE);
        let rank = |class: &str| match class {
            class if of_tests == Some(class) => 0,
            "Test" | "Tests" | "Testing" => 1,
            other if named.iter().any(|name| name == other) => 2,
            _ => 3,
        };
        let classes = program.scope(module).names.iter().filter_map(|(name, binding)| match *binding {
            Binding::Scope(ix) if matches!(program.scope(ix).kind, ScopeKind::Class(_)) => {
                Some((rank(name), ix))
            }
            _ => None,
        });
        let mut classes: Vec<(u8, ScopeIx)> = classes.collect();
        classes.sort_by_key(|(rank, _)| *rank);
        classes.into_iter().map(|(_, class)| class).collect()
    }

    /// Returns what a value within the settings says about addresses.
    fn address_in(&self, book: &SignBook<'_>, ix: ScopeIx, value: &'s Expr) -> Address {
        let mut hints = hints_of(self.resolver, ix, [value]);
        let body = &self.resolver.program.file_of(ix).syntax.body;
        let given = hints_of(self.resolver, ix, given_in(body, &hints.texts));
        hints.texts.extend(given.texts);
        hints.words.extend(given.words);
        let unsaid: Vec<String> = unsaid_variables(&hints).map(str::to_owned).collect();
        hints.texts.extend(unsaid);
        // What the tests' own runner gives a variable that the setting asks for is what it is.
        let given = hints.texts.iter().chain(&hints.words).find_map(|name| self.environment.of_tests(name));
        if let Some(value) = given.filter(|value| value.contains("://")) {
            return book.address(&Hints { texts: vec![value.to_owned()], ..Hints::default() });
        }
        // What a setting falls back to holds only where nobody sets the variables that it asks for; of several that the jobs
        // of a matrix start it is the one that is taken where a job says nothing.
        let own = book.address(&hints);
        let elsewhere = self.set_elsewhere(book, &hints);
        match &own {
            Address::Of(services)
                if services.iter().any(|service| {
                    elsewhere.contains(service) || self.environment.starts_in_jobs(&book.get(*service).words)
                }) =>
            {
                own
            }
            _ if elsewhere.is_empty() => own,
            _ => Address::Of(elsewhere),
        }
    }

    /// Returns the services that the files beside the sources name in the variables that a setting asks for.
    fn set_elsewhere(&self, book: &SignBook<'_>, hints: &Hints) -> Vec<Sought> {
        let is_variable =
            |text: &&String| text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let values = hints.texts.iter().filter(is_variable).flat_map(|name| self.environment.values(name));
        let named = values.filter(|value| value.contains("://") || value.contains('.'));
        let services: BTreeSet<Sought> = named
            .filter_map(|value| {
                match book.address(&Hints { texts: vec![value.clone()], ..Hints::default() }) {
                    Address::Of(services) => Some(services),
                    Address::None | Address::Unknown => None,
                }
            })
            .flatten()
            .collect();
        services.into_iter().collect()
    }

    /// Reads where tasks go that are put off.
    fn read_tasks(&self, book: &mut SignBook<'_>, settings: &[ModuleIx]) {
        const EAGER: &[&str] = &["CELERY_TASK_ALWAYS_EAGER", "CELERY_ALWAYS_EAGER", "task_always_eager"];
        let program = self.resolver.program;
        let is_true = |ix: ScopeIx| {
            let ScopeKind::Value(value) = program.scope(ix).kind else { return false };
            truth(value, self.environment) == Some(true)
        };
        let says = |call: &ExprCall, name: &str, said: bool| {
            call.arguments.find_keyword(name).is_some_and(
                |keyword| matches!(&keyword.value, Expr::BooleanLiteral(value) if value.value == said),
            )
        };
        // Methods as inheriting classes see them say nothing that is not written.
        let written = || program.scope_indices().flat_map(|ix| &program.scope(ix).uses);
        let calls = |fits: &dyn Fn(&ExprCall) -> bool| {
            written().any(|used| matches!(used.how, How::Call(call) if fits(call)))
        };
        book.tasks.eager = settings.iter().any(|module| {
            let scope = program.module(*module).scope;
            EAGER.iter().any(|name| {
                matches!(self.resolver.resolve(scope, &[name]).target, Some(Target::Scope(ix)) if is_true(ix))
            })
        }) || calls(&|call| EAGER.iter().any(|name| says(call, name, true)));
        // `Queue(is_async=False)` of rq, or a worker that tests let run: `worker.work(burst=True)`.
        book.tasks.queues_run = calls(&|call| says(call, "is_async", false) || says(call, "burst", true));
        let by_settings =
            ["CELERY_BROKER_URL", "BROKER_URL"].iter().find_map(|name| self.setting(book, settings, name));
        if let Some(Address::Of(services)) = by_settings {
            book.tasks.services = services;
        } else {
            book.tasks.services = self.celery_services(book);
        }
        book.tasks.of_actors = self.broker_of_actors(book);
    }

    /// Returns the services of the brokers of dramatiq's that are made, where none of them is a stand-in.
    fn broker_of_actors(&self, book: &SignBook<'_>) -> Vec<Sought> {
        let program = self.resolver.program;
        let made =
            program.scope_indices().flat_map(|ix| program.scope(ix).uses.iter().map(move |used| (ix, used)));
        let mut found = Vec::new();
        for (ix, used) in made {
            let Some(class) = used.chain.last().filter(|name| name.ends_with("Broker")) else { continue };
            if !matches!(used.how, How::Call(_)) {
                continue;
            }
            let Some(Target::External(path)) = self.resolver.resolve(ix, &used.chain).target else {
                continue;
            };
            if !path.starts_with("dramatiq.") {
                continue;
            }
            if *class == "StubBroker" {
                return Vec::new();
            }
            if let Some(Called::Client(service) | Called::Connects(service)) = book.call(&path) {
                found.push(service);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Returns the services that applications of Celery are made with: `Celery(broker="redis://mq")`. To make one asks
    /// them for nothing.
    fn celery_services(&self, book: &SignBook<'_>) -> Vec<Sought> {
        const ADDRESSES: &[&str] = &["broker", "backend", "broker_url", "result_backend"];
        let program = self.resolver.program;
        let mut found: BTreeSet<Sought> = BTreeSet::new();
        for ix in program.scope_indices() {
            for used in &program.scope(ix).uses {
                let (How::Call(call), Some(&("Celery" | "update"))) = (used.how, used.chain.last()) else {
                    continue;
                };
                let said = ADDRESSES.iter().filter_map(|name| call.arguments.find_keyword(name));
                let said: Vec<&Expr> = said.map(|keyword| &keyword.value).collect();
                let of_celery = || match self.resolver.resolve(ix, &used.chain).target {
                    Some(Target::External(path)) => path.starts_with("celery."),
                    _ => false,
                };
                if said.is_empty() || !of_celery() {
                    continue;
                }
                for value in said {
                    if let Address::Of(services) = book.address(&hints_of(self.resolver, ix, [value])) {
                        found.extend(services);
                    }
                }
            }
        }
        found.into_iter().collect()
    }

    /// Returns what the configuration of a Flask application says about its database: that of the tests, where there
    /// is one of their own.
    fn flask_database(&self, book: &SignBook<'_>) -> Option<Address> {
        let program = self.resolver.program;
        let mut found: Vec<(u8, Address)> = Vec::new();
        for ix in program.scope_indices() {
            let scope = program.scope(ix);
            let bound = scope.names.iter().filter(|(name, _)| FLASK_SETTINGS.contains(name));
            for (_, binding) in bound {
                let (owner, value) = match binding {
                    Binding::Local(value, owner) => (*owner, *value),
                    Binding::Scope(value) => match program.scope(*value).kind {
                        ScopeKind::Value(expr) => (*value, expr),
                        _ => continue,
                    },
                    _ => continue,
                };
                let of_tests = program.is_for_tests(ix);
                let rank = u8::from(!of_tests) + u8::from(!scope.name.to_ascii_lowercase().contains("test"));
                match book.address(&hints_of(self.resolver, owner, [value])) {
                    Address::Unknown => {}
                    address => found.push((rank, address)),
                }
            }
        }
        found.sort_by_key(|(rank, _)| *rank);
        found.into_iter().next().map(|(_, address)| address)
    }

    /// Returns the service of the engine that piccolo's configuration makes.
    fn piccolo_database(&self, book: &SignBook<'_>) -> Option<Sought> {
        let program = self.resolver.program;
        self.named_modules(PICCOLO_VARIABLE).into_iter().find_map(|module| {
            let scope = program.module(module).scope;
            let Some(Binding::Scope(ix)) = program.scope(scope).binding("DB") else { return None };
            program.scope(ix).uses.iter().find_map(|used| {
                match self.resolver.resolve(ix, &used.chain).target? {
                    Target::External(path) => match book.call(&path)? {
                        Called::Client(service) | Called::Connects(service) => Some(service),
                        _ => None,
                    },
                    _ => None,
                }
            })
        })
    }

    /// Returns the modules that a variable of the environment names: first by the tests' own word.
    fn named_modules(&self, variable: &str) -> Vec<ModuleIx> {
        let program = self.resolver.program;
        let mut named: Vec<(u8, ModuleIx)> = Vec::new();
        let mut add = |rank: u8, from: &str, name: &str| {
            named.extend(self.resolver.find_modules(from, name).into_iter().map(|module| (rank, module)));
        };
        for module in &program.modules {
            let file = &module.file;
            let rank = if file.path.ends_with("conftest.py") { 0 } else { 2 };
            for name in modules_named(&file.text, variable) {
                add(rank, &file.path, name);
            }
        }
        for root in self.roots {
            for value in self.environment.values(variable) {
                add(1, &root.below_root("conftest.py"), value);
            }
        }
        named.sort_by_key(|(rank, _)| *rank);
        named.into_iter().map(|(_, module)| module).collect()
    }

    pub(super) fn django_settings(&self) -> Vec<ModuleIx> {
        let mut modules: Vec<ModuleIx> = Vec::new();
        for root in self.roots {
            if let Some(name) = &root.django_settings {
                modules.extend(self.resolver.find_module(&root.below_root("conftest.py"), name));
            }
        }
        modules.extend(self.named_modules(DJANGO_VARIABLE));
        modules
    }

    /// Returns the classes that Django's settings have run for every request.
    pub(super) fn middleware(&self) -> Vec<ScopeIx> {
        let Some((settings, listed)) = self.value_of(&self.django_settings(), "MIDDLEWARE") else {
            return Vec::new();
        };
        let paths = super::chains::strings_of(listed);
        let classes = paths.into_iter().filter_map(|path| {
            let Named::In(at, name) = self.resolver.resolve_path(settings, path)? else { return None };
            match self.resolver.resolve(at, &[name.as_str()]).target? {
                Target::Scope(class) => Some(class),
                _ => None,
            }
        });
        classes.collect()
    }

    /// Returns what Django's settings say about the database, where the project is one of Django.
    fn django_database(&self, book: &SignBook<'_>, settings: &[ModuleIx]) -> Option<Address> {
        let program = self.resolver.program;
        if let Some(address) = self.setting(book, settings, "DATABASES") {
            return Some(address);
        }
        // `settings.configure(DATABASES={…})`
        for ix in program.scope_indices() {
            for used in &program.scope(ix).uses {
                if let (How::Call(call), Some(&"configure")) = (used.how, used.chain.last())
                    && let Some(keyword) = call.arguments.find_keyword("DATABASES")
                {
                    return Some(book.address(&hints_of(self.resolver, ix, [&keyword.value])));
                }
            }
        }
        let named = !settings.is_empty() || self.roots.iter().any(|root| root.django_settings.is_some());
        named.then_some(Address::Unknown)
    }

    /// Returns the one database that the manifest declares, else the one that the project depends on; where it depends
    /// on several, the one that the files beside it give an address of, or start.
    fn usual_database(&self, book: &SignBook<'_>) -> Option<Sought> {
        let one = |found: BTreeSet<Sought>| {
            let mut found = found.into_iter();
            found.next().filter(|_| found.next().is_none())
        };
        let depended = book.databases().filter(|(_, service)| {
            service.signs.packages.iter().any(|package| self.environment.depends_on(package))
        });
        let by_scheme = |url: &String| {
            let scheme = scheme_of(url)?;
            let mut databases = book.databases();
            databases
                .find(|(_, known)| known.signs.schemes.iter().any(|known| known == scheme))
                .map(|(at, _)| at)
        };
        let by_image = |image: &String| {
            let name = image.rsplit('/').next().unwrap_or(image);
            book.databases().find(|(_, known)| known.words.iter().any(|word| word == name)).map(|(at, _)| at)
        };
        let declared = book.databases().filter(|(_, service)| service.declared);
        one(declared.map(|(sought, _)| sought).collect())
            .or_else(|| one(depended.map(|(sought, _)| sought).collect()))
            .or_else(|| one(self.environment.all_values().filter_map(by_scheme).collect()))
            .or_else(|| one(self.environment.urls.iter().filter_map(by_scheme).collect()))
            .or_else(|| one(self.environment.images.iter().filter_map(by_image).collect()))
    }
}

/// Returns whether something runs only where a variable of the environment is a text, and no text is meant where it is not
/// set: `if os.getenv("DB") == "postgres":`.
fn hangs_on_a_variable(body: &[Stmt], range: TextRange) -> bool {
    let asks = |test: &Expr| {
        let Expr::Compare(compare) = test else { return false };
        let Expr::Call(call) = &*compare.left else { return false };
        is_name(&call.func, &["get", "getenv"])
            && call.arguments.args.len() == 1
            && call.arguments.keywords.is_empty()
    };
    body.iter().any(|stmt| match stmt {
        Stmt::If(choice) if choice.range().contains_range(range) => {
            let clauses =
                choice.elif_else_clauses.iter().map(|clause| (clause.test.as_ref(), clause.range()));
            let around =
                clauses.filter(|(_, clause)| clause.contains_range(range)).map(|(test, _)| test).last();
            around.unwrap_or(Some(&*choice.test)).is_some_and(asks)
        }
        _ => false,
    })
}

/// Returns the variables that a setting asks for without naming them: `dj_database_url.config()`, `env.db()`.
fn unsaid_variables(hints: &Hints) -> impl Iterator<Item = &'static str> {
    const UNSAID: &[(&str, &str)] = &[
        ("dj_database_url", "DATABASE_URL"),
        ("db", "DATABASE_URL"),
        ("db_url", "DATABASE_URL"),
        ("dj_db_url", "DATABASE_URL"),
        ("cache", "CACHE_URL"),
        ("cache_url", "CACHE_URL"),
        ("dj_cache_url", "CACHE_URL"),
    ];
    let asked: Vec<&'static str> = UNSAID
        .iter()
        .filter(|(word, variable)| {
            hints.words.iter().any(|known| known == word) && !hints.texts.iter().any(|text| text == variable)
        })
        .map(|(_, variable)| *variable)
        .collect();
    asked.into_iter()
}

/// Returns whether a setting is true where the tests run, by what their runner sets and what it falls back to:
/// `os.environ.get("EAGER", "True") != "False"`, `env.bool("EAGER", default=True)`.
fn truth(value: &Expr, environment: &Environment) -> Option<bool> {
    match value {
        Expr::BooleanLiteral(value) => Some(value.value),
        Expr::UnaryOp(not) if not.op == UnaryOp::Not => Some(!truth(&not.operand, environment)?),
        Expr::Compare(compare) => {
            let ([op], [right]) = (&*compare.ops, &*compare.comparators) else { return None };
            let left = text_of(&compare.left, environment)?;
            match op {
                CmpOp::Eq | CmpOp::NotEq => {
                    let Expr::StringLiteral(right) = right else { return None };
                    Some((left == right.value.to_str()) == (*op == CmpOp::Eq))
                }
                CmpOp::In | CmpOp::NotIn => {
                    Some(super::chains::strings_of(right).contains(&left.as_str()) == (*op == CmpOp::In))
                }
                _ => None,
            }
        }
        Expr::Call(_) => {
            let text = text_of(value, environment)?;
            Some(matches!(text.to_ascii_lowercase().as_str(), "1" | "on" | "t" | "true" | "y" | "yes"))
        }
        _ => None,
    }
}

/// Returns what a variable is that an expression asks for, where it is set or falls back to something written there.
fn text_of(value: &Expr, environment: &Environment) -> Option<String> {
    let Expr::Call(call) = value else {
        return match value {
            Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
            Expr::BooleanLiteral(value) => Some(value.value.to_string()),
            _ => None,
        };
    };
    let first = call.arguments.args.first();
    match first {
        // `os.environ.get("EAGER", "true").lower()`, `bool(int(…))`
        None => {
            let Expr::Attribute(method) = &*call.func else { return None };
            let text = text_of(&method.value, environment)?;
            Some(if method.attr.as_str() == "lower" { text.to_ascii_lowercase() } else { text })
        }
        Some(Expr::StringLiteral(name)) => {
            if environment.is_unsure(name.value.to_str()) {
                return None;
            }
            if let Some(set) = environment.of_tests(name.value.to_str()) {
                return Some(set.to_owned());
            }
            let keyword = call.arguments.find_keyword("default").map(|keyword| &keyword.value);
            text_of(call.arguments.args.get(1).or(keyword)?, environment)
        }
        Some(inner) => text_of(inner, environment),
    }
}

/// Returns the entry of Django's caches that is meant where none is named, where a literal shows it.
fn default_entry(caches: &Expr) -> Option<&Expr> {
    let Expr::Dict(dict) = caches else { return None };
    let is_default = |key: &Expr| matches!(key, Expr::StringLiteral(key) if key.value.to_str() == "default");
    dict.items.iter().find(|item| item.key.as_ref().is_some_and(is_default)).map(|item| &item.value)
}
