//! All that is known of the project, as the rules look at it.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Config, Lane, MarkerValue, Origin};
use crate::estimate::Estimates;
use crate::history::Observed;
use crate::ids::{NodeId, ServiceName};
use crate::inventory::Inventory;
use crate::inventory::python::{Place, PytestSettings, SourceNeed, Sources, TestFunction, TestItem};

use super::coverage::CoverageSettings;
use super::finding::Spot;
use super::workflows::AuditedWorkflow;

/// Marks that pytest and well-known plugins register themselves.
const FOREIGN_MARKS: &[&str] = &[
    "parametrize",
    "skip",
    "skipif",
    "xfail",
    "usefixtures",
    "filterwarnings",
    "tryfirst",
    "trylast",
    "hookwrapper",
    "asyncio",
    "anyio",
    "trio",
    "twisted",
    "tornado",
    "django_db",
    "urls",
    "ignore_template_errors",
    "timeout",
    "flaky",
    "xdist_group",
    "order",
    "run",
    "dependency",
    "depends",
    "benchmark",
    "vcr",
    "block_network",
    "default_cassette",
    "freeze_time",
    "time_machine",
    "respx",
    "httpx_mock",
    "enable_socket",
    "disable_socket",
    "allow_hosts",
    "forked",
    "repeat",
    "no_cover",
    "celery",
    "mpl_image_compare",
    "datafiles",
    "gen_test",
    "hypothesis",
    "allure_label",
    "qt_no_exception_capture",
    "subprocess",
    "sphinx",
    "responses",
    "requests_mock",
    "moto",
    "recwarn",
    "limit_memory",
    "limit_leaks",
    "randomize",
    "random_order",
    "parallel_threads",
    "thread_unsafe",
    "snapshot",
    "testinfra",
    "moduletest",
    "postgresql",
    "redisdb",
    "server_fixtures",
    "options",
    "pglite",
    "async_timeout",
    "gevent",
    "aioresponses",
    "loop_scope",
    "only_browser",
    "skip_browser",
    "browser_context_args",
    "base_url",
    "nondestructive",
    "sensitive_url",
    "firefox_arguments",
    "cov",
    "faker",
    "dbfixture",
    "withoutresponses",
    "serial_group",
];

/// What an audit looks at.
#[derive(Clone, Copy, Debug)]
pub struct Context<'c> {
    /// The manifest, or what stands for one.
    pub config: &'c Config,
    /// Whether there is a manifest: lanes and services that nobody declared are not held against anybody.
    pub declared: bool,
    /// The name of the manifest, relative to the project.
    pub manifest: &'c str,
    /// What the sources say.
    pub sources: &'c Sources,
    /// What a better source says: the tests as they were collected, the services that they were seen to reach.
    pub inventory: Option<&'c Inventory>,
    /// What the history holds.
    pub observed: &'c Observed,
    /// What it says about times and skips.
    pub estimates: &'c Estimates,
    /// The workflow files, by path.
    pub workflows: &'c [AuditedWorkflow],
    /// What the project says about coverage.
    pub coverage: &'c CoverageSettings,
}

/// The tests that a lane selects.
#[derive(Clone, Debug)]
pub struct LaneTests<'c> {
    /// The lane.
    pub lane: &'c Lane,
    /// Its functions: those of which it selects at least one item.
    pub functions: Vec<&'c TestFunction>,
}

/// The marks that stand for each service in one root.
pub(super) type ServiceMarks<'c> = BTreeMap<&'c ServiceName, Vec<String>>;

/// An item of a function without parameters.
const PLAIN: TestItem = TestItem { parameters: String::new(), marks: Vec::new() };

impl<'c> Context<'c> {
    /// Returns the items of a function; one without parameters where only running tells.
    #[must_use]
    pub fn items(&self, function: &'c TestFunction) -> &'c [TestItem] {
        const FALLBACK: &[TestItem] = &[PLAIN];
        match &function.items {
            Some(items) => items,
            None => FALLBACK,
        }
    }

    /// Returns the marks of an item, each with its keyword arguments.
    #[must_use]
    pub fn marks(
        &self,
        function: &'c TestFunction,
        item: &'c TestItem,
    ) -> Vec<(&'c str, &'c [(String, MarkerValue)])> {
        function
            .marks
            .iter()
            .chain(&item.marks)
            .map(|mark| (mark.name.as_str(), mark.arguments.as_slice()))
            .collect()
    }

    /// Returns whether a lane selects an item.
    #[must_use]
    pub fn selects(&self, lane: &Lane, function: &'c TestFunction, item: &'c TestItem) -> bool {
        let Some(id) = item_id(function, item) else { return false };
        let inside = |patterns: &[crate::config::Pattern]| {
            patterns.iter().any(|pattern| pattern.matches(&id, &function.file))
        };
        (lane.paths.is_empty() || inside(&lane.paths))
            && !inside(&lane.exclude)
            && lane
                .markers
                .as_ref()
                .is_none_or(|expression| expression.selects_marks(&self.marks(function, item)))
    }

    /// Returns the lanes with the functions that each selects, in the manifest's order.
    #[must_use]
    pub fn lanes(&self) -> Vec<LaneTests<'c>> {
        let lane_tests = |lane: &'c Lane| LaneTests {
            lane,
            functions: self
                .sources
                .functions
                .iter()
                .filter(|function| self.items(function).iter().any(|item| self.selects(lane, function, item)))
                .collect(),
        };
        self.config.lanes.iter().map(lane_tests).collect()
    }

    /// Returns the marks that stand for each service in each of pytest's roots: those of the manifest, and a mark that
    /// the root registers and that bears its name where the manifest says nothing.
    #[must_use]
    pub(super) fn service_marks(&self) -> Vec<ServiceMarks<'c>> {
        self.sources.roots.iter().map(|root| self.service_marks_of(root)).collect()
    }

    fn service_marks_of(&self, root: &PytestSettings) -> ServiceMarks<'c> {
        let mut marks: BTreeMap<&ServiceName, Vec<String>> = BTreeMap::new();
        for service in &self.sources.services {
            let declared = self.config.service(&service.name);
            let own: Vec<String> = declared
                .map(|declared| declared.markers.iter().map(|marker| marker.value.to_string()).collect())
                .unwrap_or_default();
            let found: Vec<String> = if own.is_empty() {
                let registered = root.markers.iter().map(|marker| &marker.name);
                let means = |name: &&String| stands_for(name, &service.words);
                registered.filter(means).cloned().collect::<BTreeSet<_>>().into_iter().collect()
            } else {
                own
            };
            if !found.is_empty() {
                marks.insert(&service.name, found);
            }
        }
        marks
    }

    /// Returns the needs of a function that are sure enough to be held against its marks. A variable that is read
    /// is a hint only.
    pub fn firm_needs(&self, function: &'c TestFunction) -> impl Iterator<Item = &'c SourceNeed> {
        function.needs.iter().filter(|need| need.evidence < crate::inventory::Evidence::Variable)
    }

    /// Returns whether a test was seen to reach a service, where somebody looked.
    #[must_use]
    pub fn seen_to_need(&self, function: &TestFunction, service: &ServiceName) -> bool {
        let Some(inventory) = self.inventory else { return false };
        let stem = format!("{}[", function.id);
        let is_of = |id: &str| id == function.id || id.starts_with(&stem);
        inventory.tests.iter().any(|test| {
            test.file == *function.file
                && is_of(test.id.as_str())
                && test.needs.iter().any(|need| need.service == *service)
        })
    }

    /// Returns whether a mark belongs to pytest or a plugin.
    #[must_use]
    pub fn is_foreign_mark(&self, name: &str) -> bool {
        FOREIGN_MARKS.contains(&name)
    }

    /// Returns where the manifest says something.
    #[must_use]
    pub fn spot_of(&self, origin: &Origin) -> Spot {
        match origin {
            Origin::File { line, .. } => Spot::Line { file: self.manifest.to_owned(), line: *line },
            _ => Spot::Project,
        }
    }
}

/// Returns the node id of an item.
#[must_use]
pub(super) fn item_id(function: &TestFunction, item: &TestItem) -> Option<NodeId> {
    if item.parameters.is_empty() {
        function.id.parse().ok()
    } else {
        format!("{}[{}]", function.id, item.parameters).parse().ok()
    }
}

/// Returns whether a mark is named after a service: `postgres`, `needs_redis`, `elasticsearch_integration`.
fn stands_for(mark: &str, words: &[String]) -> bool {
    const AROUND: &[&str] = &[
        "requires",
        "require",
        "required",
        "needs",
        "need",
        "uses",
        "use",
        "with",
        "integration",
        "test",
        "tests",
        "live",
        "real",
        "service",
        "db",
        "server",
        "only",
    ];
    let lower = mark.to_ascii_lowercase();
    let parts: Vec<&str> =
        lower.split('_').filter(|part| !part.is_empty() && !AROUND.contains(part)).collect();
    matches!(parts.as_slice(), [one] if words.iter().any(|word| word == one))
}

/// Returns the places of several functions as the notes of one finding, the first few.
pub(super) fn some_places(functions: &[&TestFunction]) -> Vec<(String, Place)> {
    const SHOWN: usize = 3;
    functions.iter().take(SHOWN).map(|function| (function.id.clone(), function.place.clone())).collect()
}
