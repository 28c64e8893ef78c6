//! The inventory from Python sources: what pytest would collect, and which services its tests need, without
//! importing or running anything.
//!
//! Files are parsed in parallel with ruff's parser, wave by wave: the tests and their conftest files first, then
//! whatever of the project they import. Names are followed through imports, classes, values and calls; what a test
//! reaches of a service's client, a guard's condition or a variable is the evidence that it needs the service.

mod arguments;
mod asked;
mod by_path;
mod caches;
mod chains;
mod choices;
mod collect;
mod commands;
mod conditions;
mod connections;
mod containers;
mod decorated;
mod dispatch;
mod elements;
mod environment;
mod facts;
mod fixtures;
mod flags;
mod frameworks;
mod fuel;
mod functions;
mod gather;
mod handed;
mod hints;
mod hooks;
mod ignored;
mod imports;
mod ini;
mod kept;
mod lifespan;
mod links;
mod literal;
mod load;
mod locate;
mod marks;
mod needs;
mod objects;
mod openings;
mod order;
mod parameters;
mod patches;
mod plugins;
mod program;
mod proxies;
mod put_off;
mod reach;
mod reasons;
mod requests;
mod resolve;
mod routes;
mod settings;
mod shadowed;
mod shapes;
mod signs;
mod site;
mod source;
mod stars;
mod supposing;
mod switches;
mod tables;
mod tree;
mod unfollowed;
mod variables;
mod visible;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::config::{Catalogue, Config, Origin};
use crate::ids::{MarkerName, NodeId, ServiceName};
use crate::inventory::{Evidence, Inventory, Need, Test, WayStep};

pub use marks::MarkLevel;
pub use settings::{PytestSettings, RegisteredMarker};
pub use signs::SoughtService;
pub use site::MarkSite;
pub use source::{Broken, MAX_BYTES, Place, SourceFile};

/// What the sources of a project say about its tests.
#[derive(Debug)]
pub struct Sources {
    /// pytest's configuration, one for each root that was found.
    pub roots: Vec<PytestSettings>,
    /// Every file that was read, by path.
    pub files: Vec<SourceFile>,
    /// The test files among them, relative to the project.
    pub test_files: BTreeSet<String>,
    /// Files that look like tests, and that conftest files keep from being collected.
    pub ignored: BTreeSet<String>,
    /// The test functions in pytest's order.
    pub functions: Vec<TestFunction>,
    /// The fixtures of the project.
    pub fixtures: Vec<FixtureFacts>,
    /// Connections that are opened while tests are collected.
    pub connections: Vec<ImportConnection>,
    /// Marks that fixtures, hooks or other code ask a test for.
    pub marks_read: BTreeSet<String>,
    /// The services that were looked for.
    pub services: Vec<SoughtService>,
    /// Tests that another of their name replaces.
    pub shadowed: Vec<Shadowed>,
    /// Folders that configure pytest for themselves and whose tests are not collected from the project's, each with how
    /// many test files it has.
    pub left_out: Vec<(String, usize)>,
    /// How many files called `tests.py`, as Django's own runner finds them, pytest does not collect.
    pub only_for_django: usize,
    /// Folders that a link leads back to.
    pub loops: Vec<String>,
    /// What uses a service without anybody seeing which tests come to it, by place.
    pub unfollowed: Vec<Unfollowed>,
    /// There are more inherited methods than are followed for every class: needs may be missing.
    pub more_methods: bool,
}

/// Something that uses a service without anybody seeing which tests come to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfollowed {
    /// Where.
    pub place: Place,
    /// The full name of the call.
    pub what: String,
    /// The service; nothing where it opens a database of which nothing says which it is.
    pub service: Option<ServiceName>,
    /// The project depends on what talks to it, which is a package, and nobody is seen to call that.
    pub by_dependency: bool,
    /// How many test functions come to a database of an unknown kind.
    pub tests: usize,
}

/// A test that never runs, because another of its name follows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shadowed {
    /// Its place.
    pub place: Place,
    /// Its name, with its class.
    pub name: String,
    /// The one that replaces it.
    pub by: Place,
}

/// A test function or method, with all of its items.
#[derive(Clone, Debug)]
pub struct TestFunction {
    /// Its address without parameters, as pytest writes it.
    pub id: String,
    /// The position of its root among those of the project.
    pub root: usize,
    /// The file that collects it, relative to the project.
    pub file: Arc<str>,
    /// Its name.
    pub name: String,
    /// The names of the classes around it, outermost first.
    pub classes: Vec<String>,
    /// Where it is defined; in another file where a class inherits it.
    pub place: Place,
    /// The line before which a decorator of it would stand, from 1.
    pub decorated_from: usize,
    /// Its items; nothing where only running tells which there are.
    pub items: Option<Vec<TestItem>>,
    /// Its marks, nearest first.
    pub marks: Vec<AppliedMark>,
    /// Its fixture closure in the order of set-up.
    pub fixtures: Vec<FixtureUse>,
    /// The services that it needs, by name, each with the strongest evidence.
    pub needs: Vec<SourceNeed>,
    /// Whether `unittest` runs it.
    pub unittest: bool,
    /// It inherits from a class that can't be followed: what that does is not known.
    pub opaque: bool,
    /// Why its ids differ from run to run, where they do.
    pub unstable: Option<(Place, &'static str)>,
}

/// One item of a test function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestItem {
    /// What stands between the brackets; empty for a function without parameters.
    pub parameters: String,
    /// Marks of its parameters alone.
    pub marks: Vec<AppliedMark>,
}

/// A mark on a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedMark {
    /// Its name.
    pub name: String,
    /// Where it is applied.
    pub place: Place,
    /// What bears it.
    pub level: MarkLevel,
    /// Its literal keyword arguments.
    pub arguments: Vec<(String, crate::config::MarkerValue)>,
}

/// A fixture in a test's closure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixtureUse {
    /// Its name.
    pub name: String,
    /// Where it is defined, if in the project.
    pub place: Option<Place>,
    /// The test gets it without asking.
    pub autouse: bool,
}

/// A service that a test needs, by its sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceNeed {
    /// The service.
    pub service: ServiceName,
    /// How strongly that is known.
    pub evidence: Evidence,
    /// The way from the test to what touches the service.
    pub steps: Arc<[Step]>,
    /// What touches it: the full name of a call, a variable.
    pub what: Arc<str>,
    /// The autouse fixture that brings it, where nothing else does.
    pub by_autouse: Option<String>,
}

/// A step on the way from a test to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What the step is in.
    pub kind: StepKind,
    /// Its name.
    pub name: String,
    /// Where it leads on.
    pub place: Place,
}

/// What a step is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepKind {
    /// The test function itself.
    Test,
    /// A fixture.
    Fixture,
    /// A method that sets a class up.
    SetUp,
    /// A function or method.
    Function,
    /// A value of a module or class.
    Value,
    /// A module, while it is imported.
    Module,
    /// A mark.
    Mark,
}

/// A fixture of the project.
#[derive(Clone, Debug)]
pub struct FixtureFacts {
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub place: Place,
    /// Every test in its reach gets it.
    pub autouse: bool,
    /// The services that it reaches, by name.
    pub needs: Vec<SourceNeed>,
    /// How many test functions have it in their closure.
    pub users: usize,
    /// How many of these need a service only because of it.
    pub only_reason: usize,
}

/// A connection that is opened while tests are collected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImportConnection {
    /// Where.
    pub place: Place,
    /// The service.
    pub service: ServiceName,
    /// The test files whose collection opens it.
    pub files: BTreeSet<String>,
}

/// Returns what the sources of a project say; `services` are looked for in them.
#[must_use]
pub fn read(project: &Path, services: Vec<SoughtService>) -> Sources {
    // Parsing and following go as deep as the sources nest: the ordinary stack of a thread is too small for that.
    const STACK: usize = 256 * 1024 * 1024;
    match rayon::ThreadPoolBuilder::new().stack_size(STACK).build() {
        Ok(pool) => pool.install(|| facts::read(project, services)),
        Err(_) => facts::read(project, services),
    }
}

/// Returns the files of a project that pytest would take for tests, sorted; none of them is read.
#[must_use]
pub fn test_files(project: &Path) -> Vec<String> {
    let tree = tree::Tree::walk(project);
    let found: BTreeSet<String> =
        tree.settings(project).iter().flat_map(|settings| tree.test_files(settings)).collect();
    found.into_iter().collect()
}

/// Returns the services to look for: those that the manifest declares under their own names and, with `usual`, the
/// others of the catalogue.
#[must_use]
pub fn sought_services(config: &Config, usual: bool) -> Vec<SoughtService> {
    let catalogue = Catalogue::embedded();
    let lower = |word: &str| word.to_ascii_lowercase();
    let mut sought: Vec<SoughtService> = Vec::new();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for declared in &config.services {
        let known = catalogue.find(declared.name.as_str(), declared.image.as_deref());
        let mut words = vec![lower(declared.name.as_str())];
        let mut signs = crate::config::Signs::default();
        if let Some(known) = known.filter(|known| taken.insert(&known.names[0])) {
            words.extend(known.names.iter().map(|name| lower(name)));
            signs = known.signs.clone();
        }
        // A role ("db", "cache") is a word of too many other things.
        words.retain(|word| {
            !matches!(
                word.as_str(),
                "db" | "cache" | "queue" | "broker" | "search" | "database" | "s3" | "app" | "api" | "test"
            )
        });
        signs.extend(&declared.evidence);
        sought.push(SoughtService { name: declared.name.clone(), words, signs, declared: true });
    }
    if usual {
        for known in catalogue.services() {
            if let (true, Ok(name)) =
                (!taken.contains(known.names[0].as_str()), known.names[0].parse::<ServiceName>())
                && !sought.iter().any(|sought| sought.name == name)
            {
                let words = known.names.iter().map(|name| lower(name)).filter(|word| word != "s3").collect();
                sought.push(SoughtService { name, words, signs: known.signs.clone(), declared: false });
            }
        }
    }
    sought
}

impl Sources {
    /// Returns the file of that path.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok().map(|at| &self.files[at])
    }

    /// Returns the inventory of these sources: the needs of services that the manifest declares. Where
    /// several folders configure pytest, ids begin with the folder.
    #[must_use]
    pub fn inventory(&self, config: &Config) -> Inventory {
        let mut tests = Vec::new();
        for function in &self.functions {
            let declared = function.needs.iter().filter(|need| config.service(&need.service).is_some());
            let needs: Vec<Need> = declared.map(Need::from).collect();
            let fixtures: Vec<String> =
                function.fixtures.iter().map(|fixture| fixture.name.clone()).collect();
            let none = [TestItem { parameters: String::new(), marks: Vec::new() }];
            for item in function.items.as_deref().unwrap_or(&none) {
                let id = if item.parameters.is_empty() {
                    function.id.clone()
                } else {
                    format!("{}[{}]", function.id, item.parameters)
                };
                let Ok(id) = id.parse::<NodeId>() else { continue };
                let markers = function
                    .marks
                    .iter()
                    .chain(&item.marks)
                    .filter_map(|mark| mark.name.parse::<MarkerName>().ok());
                tests.push(Test {
                    id,
                    file: function.file.to_string(),
                    markers: markers.collect(),
                    fixtures: fixtures.clone(),
                    needs: needs.clone(),
                });
            }
        }
        Inventory::from_tests(tests)
    }

    /// Returns the root that collects a test.
    #[must_use]
    pub fn root_of(&self, function: &TestFunction) -> &PytestSettings {
        &self.roots[function.root]
    }

    /// Returns whether a hook of any root adds such a mark to tests.
    #[must_use]
    pub fn is_added_by_hooks(&self, mark: &str) -> bool {
        self.roots.iter().any(|root| root.marks_by_hooks.contains(mark))
    }

    /// Returns the services that some test needs, by name.
    #[must_use]
    pub fn needed_services(&self) -> BTreeSet<ServiceName> {
        self.functions.iter().flat_map(|function| &function.needs).map(|need| need.service.clone()).collect()
    }
}

impl Unfollowed {
    /// Returns what is not known because of it, for people.
    #[must_use]
    pub fn said(&self) -> String {
        let what = crate::ids::Printable(&self.what);
        if let Some(service) = self.service.as_ref().filter(|_| self.by_dependency) {
            return format!(
                "the project depends on `{what}` and its files start a {service} or have the address of one, and no test was seen to need it: name those that do by `paths`, `markers` or `fixtures` of `[services.{service}]`"
            );
        }
        if let Some(service) = &self.service {
            return format!(
                "`{what}` uses {service} and no test was seen to come to it: name those that need it by `paths`, `markers` or `fixtures` of `[services.{service}]`"
            );
        }
        let tests = match self.tests {
            1 => "1 test function comes to it, and what it needs".to_owned(),
            tests => format!("{tests} test functions come to it, and what they need"),
        };
        format!("nothing says which database `{what}` opens: {tests} is not known")
    }
}

impl Step {
    /// Returns what the step is, for people; `what` is what its last one comes to.
    #[must_use]
    pub fn said(&self, what: Option<&str>) -> String {
        let kind = match self.kind {
            StepKind::Test => "the test",
            StepKind::Fixture => "the fixture",
            StepKind::SetUp => "the set-up",
            StepKind::Function => "the function",
            StepKind::Value => "the value",
            StepKind::Module => "the module",
            StepKind::Mark => "the mark",
        };
        match what {
            Some(what) => format!("{kind} `{}` comes to {what}", self.name),
            None => format!("{kind} `{}` leads on", self.name),
        }
    }
}

impl From<&SourceNeed> for Need {
    fn from(need: &SourceNeed) -> Self {
        let last = need.steps.last();
        let origin = last.map_or(Origin::Default, |step| Origin::File {
            path: step.place.file.to_string(),
            line: step.place.line,
        });
        let way = need.steps.iter().enumerate().map(|(at, step)| WayStep {
            what: step.said((at + 1 == need.steps.len()).then_some(&*need.what)),
            origin: Origin::File { path: step.place.file.to_string(), line: step.place.line },
        });
        Self { service: need.service.clone(), evidence: need.evidence, origin, way: way.collect() }
    }
}
