//! The constraint graph: which test needs which service, and why.
//!
//! Nodes are tests, marks, fixtures, services and lanes; edges say "has the mark", "uses the fixture", "implies
//! the service", "needs", each with where that was seen. A test's requirement is what it reaches. Marks and
//! fixtures that imply no service are left out: they decide nothing.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use petgraph::visit::EdgeRef;

use super::ServiceSet;
use crate::config::{Config, Origin, nearest};
use crate::ids::{Ix, IxVec, LaneName, MarkerName, NodeId, ServiceIx, ServiceName, TestIx};
use crate::inventory::{Evidence, Inventory};

/// A thing that constrains.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// A test.
    Test(TestIx),
    /// A mark.
    Marker(MarkerName),
    /// A fixture.
    Fixture(String),
    /// A service.
    Service(ServiceIx),
    /// A lane.
    Lane(LaneName),
}

/// Why one thing leads to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// A test bears a mark.
    HasMarker,
    /// A test's fixture closure holds a fixture.
    UsesFixture,
    /// A mark or fixture stands for a service.
    Implies,
    /// A test tried to reach a service.
    Reaches,
    /// A test is declared to need a service.
    Declared,
    /// What decides whether the test is skipped looks for a service.
    Guards,
    /// A fixture of a test makes a client of a service.
    FixtureOpens,
    /// A test, or what it calls, makes a client of a service.
    Opens,
    /// A test starts a service in a container by itself.
    StartsItself,
    /// A test reads a variable about a service.
    ReadsVariable,
    /// A test's place stands for a service.
    PathImplies,
    /// A service needs another.
    Needs,
    /// Every shard of a lane starts a service.
    Starts,
}

/// An edge of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Why.
    pub relation: Relation,
    /// Where that was seen.
    pub origin: Origin,
}

/// The constraint graph of a project.
#[derive(Clone, Debug, Default)]
pub struct ConstraintGraph {
    graph: DiGraph<Node, Reason>,
    tests: IxVec<TestIx, NodeIndex>,
    services: IxVec<ServiceIx, NodeIndex>,
    named: IxVec<TestIx, ServiceSet>,
    closures: IxVec<ServiceIx, ServiceSet>,
}

/// A service that a test needs and the manifest does not declare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownService {
    /// The service.
    pub service: ServiceName,
    /// The first test that needs it.
    pub test: NodeId,
    /// Where the need was seen.
    pub origin: Origin,
    /// The declared service that was probably meant.
    pub near: Option<ServiceName>,
}

impl ConstraintGraph {
    /// Returns the graph of these tests; on failure every service that is needed and not declared.
    pub fn new(config: &Config, inventory: &Inventory) -> Result<Self, Vec<UnknownService>> {
        let mut builder = Builder::new(config);
        let mut unknown: BTreeMap<&ServiceName, UnknownService> = BTreeMap::new();
        let mut tests = IxVec::default();
        for (ix, test) in inventory.tests.iter_enumerated() {
            let node = builder.graph.add_node(Node::Test(ix));
            tests.push(node);
            for need in &test.needs {
                if let Some(service) = builder.service(&need.service) {
                    let relation = match need.evidence {
                        Evidence::Observed => Relation::Reaches,
                        Evidence::Declared => Relation::Declared,
                        Evidence::Guard => Relation::Guards,
                        Evidence::Fixture => Relation::FixtureOpens,
                        Evidence::Client => Relation::Opens,
                        Evidence::Container => Relation::StartsItself,
                        Evidence::Variable => Relation::ReadsVariable,
                    };
                    builder.connect(node, builder.services[service], relation, need.origin.clone());
                } else {
                    unknown.entry(&need.service).or_insert_with(|| UnknownService {
                        service: need.service.clone(),
                        test: test.id.clone(),
                        origin: need.origin.clone(),
                        near: nearest(
                            need.service.as_str(),
                            config.services.iter().map(|service| service.name.as_str()),
                        )
                        .and_then(|near| near.parse().ok()),
                    });
                }
            }
            for marker in &test.markers {
                if let Some(to) = builder.markers.get(marker).copied() {
                    builder.connect(node, to, Relation::HasMarker, Origin::Seen(test.file.clone()));
                }
            }
            for fixture in &test.fixtures {
                if let Some(to) = builder.fixtures.get(fixture.as_str()).copied() {
                    builder.connect(node, to, Relation::UsesFixture, Origin::Seen(test.file.clone()));
                }
            }
            for (pattern, service) in &builder.paths {
                if pattern.value.matches(&test.id, &test.file) {
                    let reason = Reason { relation: Relation::PathImplies, origin: pattern.origin.clone() };
                    builder.graph.add_edge(node, builder.services[*service], reason);
                }
            }
        }
        if !unknown.is_empty() {
            return Err(unknown.into_values().collect());
        }
        let Builder { graph, services, .. } = builder;
        let named = tests.iter().map(|test| named(&graph, *test)).collect();
        let closures = services.iter().map(|service| reached(&graph, *service)).collect();
        Ok(Self { graph, tests, services, named, closures })
    }

    /// Returns the services that a test names: it tried to reach them, or they follow from its marks, fixtures
    /// or place. What these need themselves is left out.
    #[must_use]
    pub fn named(&self, test: TestIx) -> ServiceSet {
        self.named[test]
    }

    /// Returns these services and all that they need.
    #[must_use]
    pub fn with_needs(&self, services: ServiceSet) -> ServiceSet {
        services.iter().fold(services, |all, service| all.union(self.closures[service]))
    }

    /// Returns the services that a test reaches: those that it names, and what they need.
    #[must_use]
    pub fn requirement(&self, test: TestIx) -> ServiceSet {
        self.with_needs(self.named(test))
    }

    /// Returns the shortest way from a test to a service: for every step its reason and where it leads. It is
    /// empty where the test does not need the service.
    #[must_use]
    pub fn path(&self, test: TestIx, service: ServiceIx) -> Vec<(&Reason, &Node)> {
        let (from, to) = (self.tests[test], self.services[service]);
        let mut came_by: BTreeMap<NodeIndex, EdgeIndex> = BTreeMap::new();
        let mut open = VecDeque::from([from]);
        while let Some(at) = open.pop_front() {
            if at == to {
                break;
            }
            // Stronger evidence first, so that of two ways as short the stronger is shown.
            let mut edges: Vec<_> = self.graph.edges(at).collect();
            edges.sort_by_key(|edge| (strength(edge.weight().relation), edge.id()));
            for edge in edges {
                if edge.target() != from && !came_by.contains_key(&edge.target()) {
                    came_by.insert(edge.target(), edge.id());
                    open.push_back(edge.target());
                }
            }
        }
        let mut path = Vec::new();
        let mut at = to;
        while let Some(edge) = came_by.get(&at) {
            path.push((&self.graph[*edge], &self.graph[at]));
            at = self.graph.edge_endpoints(*edge).map_or(from, |(source, _)| source);
        }
        path.reverse();
        path
    }

    /// Returns the graph itself.
    #[must_use]
    pub fn graph(&self) -> &DiGraph<Node, Reason> {
        &self.graph
    }
}

/// Returns the services that a test leads to by itself or over a mark or fixture.
fn named(graph: &DiGraph<Node, Reason>, test: NodeIndex) -> ServiceSet {
    let mut set = ServiceSet::EMPTY;
    for to in graph.neighbors(test) {
        let inner = graph.neighbors(to).filter(|_| !matches!(graph[to], Node::Service(_)));
        for node in inner.chain([to]) {
            if let Node::Service(service) = graph[node] {
                set.insert(service);
            }
        }
    }
    set
}

/// Returns the services that can be reached from a node.
fn reached(graph: &DiGraph<Node, Reason>, start: NodeIndex) -> ServiceSet {
    let mut set = ServiceSet::EMPTY;
    let mut visit = petgraph::visit::Dfs::new(graph, start);
    while let Some(at) = visit.next(graph) {
        if let Node::Service(service) = graph[at] {
            set.insert(service);
        }
    }
    set
}

/// What is known before the tests are looked at.
struct Builder<'c> {
    config: &'c Config,
    graph: DiGraph<Node, Reason>,
    services: IxVec<ServiceIx, NodeIndex>,
    markers: BTreeMap<&'c MarkerName, NodeIndex>,
    fixtures: BTreeMap<&'c str, NodeIndex>,
    paths: Vec<(&'c crate::config::Sourced<crate::config::Pattern>, ServiceIx)>,
}

impl<'c> Builder<'c> {
    fn new(config: &'c Config) -> Self {
        let mut graph = DiGraph::new();
        let services: IxVec<ServiceIx, NodeIndex> = (0..config.services.len())
            .map(|position| graph.add_node(Node::Service(ServiceIx::from_position(position))))
            .collect();
        let mut builder = Self {
            config,
            graph,
            services,
            markers: BTreeMap::new(),
            fixtures: BTreeMap::new(),
            paths: Vec::new(),
        };
        for (position, service) in config.services.iter().enumerate() {
            let ix = ServiceIx::from_position(position);
            let node = builder.services[ix];
            for marker in &service.markers {
                let graph = &mut builder.graph;
                let from = *builder
                    .markers
                    .entry(&marker.value)
                    .or_insert_with(|| graph.add_node(Node::Marker(marker.value.clone())));
                builder.connect(from, node, Relation::Implies, marker.origin.clone());
            }
            for fixture in &service.fixtures {
                let graph = &mut builder.graph;
                let from = *builder
                    .fixtures
                    .entry(&fixture.value)
                    .or_insert_with(|| graph.add_node(Node::Fixture(fixture.value.clone())));
                builder.connect(from, node, Relation::Implies, fixture.origin.clone());
            }
            for need in &service.needs {
                if let Some(other) = builder.service(&need.value) {
                    let to = builder.services[other];
                    builder.connect(node, to, Relation::Needs, need.origin.clone());
                }
            }
            builder.paths.extend(service.paths.iter().map(|pattern| (pattern, ix)));
        }
        for lane in &config.lanes {
            let node = builder.graph.add_node(Node::Lane(lane.name.clone()));
            for service in &lane.services {
                if let Some(ix) = builder.service(&service.value) {
                    let to = builder.services[ix];
                    builder.connect(node, to, Relation::Starts, service.origin.clone());
                }
            }
        }
        builder
    }

    fn service(&self, name: &ServiceName) -> Option<ServiceIx> {
        let position = self.config.services.binary_search_by(|service| service.name.cmp(name));
        position.ok().map(ServiceIx::from_position)
    }

    fn connect(&mut self, from: NodeIndex, to: NodeIndex, relation: Relation, origin: Origin) {
        self.graph.add_edge(from, to, Reason { relation, origin });
    }
}

/// Returns the rank of a relation as evidence, the strongest first.
fn strength(relation: Relation) -> u8 {
    match relation {
        Relation::Reaches => 0,
        Relation::Declared => 1,
        Relation::Guards => 2,
        Relation::FixtureOpens => 3,
        Relation::Opens => 4,
        Relation::StartsItself => 5,
        Relation::UsesFixture => 6,
        Relation::HasMarker => 7,
        Relation::PathImplies => 8,
        Relation::ReadsVariable => 9,
        Relation::Implies | Relation::Needs | Relation::Starts => 10,
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HasMarker => "has the mark",
            Self::UsesFixture => "uses the fixture",
            Self::Implies => "which stands for",
            Self::Reaches => "tried to reach",
            Self::Declared => "is declared to need",
            Self::Guards => "is guarded by a look for",
            Self::FixtureOpens => "has a fixture that opens",
            Self::Opens => "opens",
            Self::StartsItself => "starts by itself",
            Self::ReadsVariable => "reads a variable about",
            Self::PathImplies => "stands in a place that needs",
            Self::Needs => "which needs",
            Self::Starts => "starts everywhere",
        })
    }
}
