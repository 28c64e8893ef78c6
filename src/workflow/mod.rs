//! The jobs around the lanes: what each lane waits for, what waits for it, and how long the rest takes.

pub mod github;
mod join;
mod network;
pub mod propose;
mod times;

pub use join::{LaneJobs, complete, lane_jobs, shards_of};
pub use network::{Activity, Network, Schedule};
pub use times::{CONTAINER_STEP, JobTimes, times_of};

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::config::Config;
use crate::ids::{JobName, LaneName};
use crate::time::Millis;

/// The variable by which a CI job is told which shard it runs.
pub const SHARD_VARIABLE: &str = "SHARDPLAN_SHARD";

/// The jobs of the workflow, the lanes among them, with an edge from every job to those that wait for it.
#[derive(Clone, Debug, Default)]
pub struct JobGraph {
    graph: DiGraph<JobNode, ()>,
    order: Vec<NodeIndex>,
}

/// A job of the workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobNode {
    /// A job that is not planned, with the time it takes.
    Job(JobName, Millis),
    /// A lane; how long it takes is what the plan decides.
    Lane(LaneName),
}

/// A path through the job graph and how long its jobs take, the lanes aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// The time.
    pub length: Millis,
    /// The jobs on it in order, the lanes aside.
    pub jobs: Vec<JobName>,
}

impl JobGraph {
    /// Returns the graph that the manifest describes; the manifest was checked to hold no circle.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let mut graph = DiGraph::new();
        let lanes: Vec<NodeIndex> =
            config.lanes.iter().map(|lane| graph.add_node(JobNode::Lane(lane.name.clone()))).collect();
        let jobs: Vec<NodeIndex> = config
            .workflow
            .jobs
            .iter()
            .map(|job| graph.add_node(JobNode::Job(job.name.clone(), job.wall)))
            .collect();
        let find = |graph: &DiGraph<JobNode, ()>, name: &JobName| {
            graph.node_indices().find(|ix| graph[*ix].name() == name.as_str())
        };
        let needs = config
            .lanes
            .iter()
            .map(|lane| &lane.needs)
            .chain(config.workflow.jobs.iter().map(|job| &job.needs));
        for (node, needs) in lanes.into_iter().chain(jobs).zip(needs) {
            for need in needs {
                if let Some(before) = find(&graph, &need.value) {
                    graph.update_edge(before, node, ());
                }
            }
        }
        let order = petgraph::algo::toposort(&graph, None).unwrap_or_default();
        Self { graph, order }
    }

    /// Returns the longest path of jobs that a lane waits for.
    #[must_use]
    pub fn head(&self, lane: &LaneName) -> Path {
        self.longest(petgraph::Direction::Incoming, lane)
    }

    /// Returns the longest path of jobs that wait for a lane.
    #[must_use]
    pub fn after(&self, lane: &LaneName) -> Path {
        let mut path = self.longest(petgraph::Direction::Outgoing, lane);
        path.jobs.reverse();
        path
    }

    /// Returns the longest path when every lane takes no time: the workflow can not end earlier.
    #[must_use]
    pub fn floor(&self) -> Path {
        let lengths = self.lengths(petgraph::Direction::Incoming);
        self.graph
            .node_indices()
            .map(|ix| self.joined(ix, &lengths[ix.index()]))
            .max_by(|a, b| a.length.cmp(&b.length).then_with(|| b.jobs.cmp(&a.jobs)))
            .unwrap_or_default()
    }

    /// Returns the minutes that are billed for the jobs that are no lanes.
    #[must_use]
    pub fn other_minutes(&self) -> u64 {
        self.graph
            .node_weights()
            .map(|node| match node {
                JobNode::Job(_, wall) => wall.billed_minutes(),
                JobNode::Lane(_) => 0,
            })
            .sum()
    }

    /// Returns the jobs in an order in which none comes before one that it waits for.
    pub fn jobs(&self) -> impl Iterator<Item = &JobNode> {
        self.order.iter().map(|ix| &self.graph[*ix])
    }

    /// Returns which job waits for which: pairs of the earlier and the later.
    pub fn waits(&self) -> impl Iterator<Item = (&JobNode, &JobNode)> {
        self.graph.edge_references().map(|edge| (&self.graph[edge.source()], &self.graph[edge.target()]))
    }

    /// Returns the network in which every lane is replaced by its shards, each with its name and the time that
    /// its job takes.
    #[must_use]
    pub fn network(&self, shards: &[(LaneName, String, Millis)]) -> Network {
        let mut jobs = Vec::new();
        let mut places: Vec<Vec<usize>> = vec![Vec::new(); self.graph.node_count()];
        for ix in self.graph.node_indices() {
            let here: Vec<(String, Millis)> = match &self.graph[ix] {
                JobNode::Job(name, wall) => vec![(name.to_string(), *wall)],
                JobNode::Lane(lane) => shards
                    .iter()
                    .filter(|(of, _, _)| of == lane)
                    .map(|(_, name, wall)| (name.clone(), *wall))
                    .collect(),
            };
            for job in here {
                places[ix.index()].push(jobs.len());
                jobs.push(job);
            }
        }
        let mut waits = Vec::new();
        for edge in self.graph.edge_references() {
            for before in &places[edge.source().index()] {
                waits.extend(places[edge.target().index()].iter().map(|after| (*before, *after)));
            }
        }
        Network::new(jobs, &waits)
            .unwrap_or_else(|| unreachable!("the manifest was checked to hold no circle"))
    }

    fn longest(&self, direction: petgraph::Direction, lane: &LaneName) -> Path {
        let lengths = self.lengths(direction);
        let found = self.graph.node_indices().find(|ix| self.graph[*ix] == JobNode::Lane(lane.clone()));
        found.map(|ix| lengths[ix.index()].clone()).unwrap_or_default()
    }

    /// Returns for every job the longest path of jobs before it (or behind it), itself not on it.
    fn lengths(&self, direction: petgraph::Direction) -> Vec<Path> {
        let mut lengths = vec![Path::default(); self.graph.node_count()];
        let order: Vec<NodeIndex> = match direction {
            petgraph::Direction::Incoming => self.order.clone(),
            petgraph::Direction::Outgoing => self.order.iter().rev().copied().collect(),
        };
        for ix in order {
            let best = self
                .graph
                .neighbors_directed(ix, direction)
                .map(|near| self.joined(near, &lengths[near.index()]))
                .max_by(|a, b| a.length.cmp(&b.length).then_with(|| b.jobs.cmp(&a.jobs)));
            lengths[ix.index()] = best.unwrap_or_default();
        }
        lengths
    }

    /// Returns the path with the job itself at its end.
    fn joined(&self, ix: NodeIndex, path: &Path) -> Path {
        let mut path = path.clone();
        if let JobNode::Job(name, wall) = &self.graph[ix] {
            path.length += *wall;
            path.jobs.push(name.clone());
        }
        path
    }
}

impl JobNode {
    /// Returns the job's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Job(name, _) => name.as_str(),
            Self::Lane(name) => name.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(manifest: &str) -> JobGraph {
        JobGraph::new(&Config::parse(manifest, "shardplan.toml").unwrap())
    }

    #[test]
    fn a_lane_knows_what_comes_before_and_after_it() {
        let graph = graph(
            r#"
            [lanes.heavy]
            needs = ["build"]
            [workflow.jobs.lint]
            wall = "3m"
            [workflow.jobs.build]
            wall = "1m"
            [workflow.jobs.gate]
            wall = "24s"
            needs = ["heavy", "lint"]
            [workflow.jobs.deploy]
            wall = "10s"
            needs = ["gate"]
            "#,
        );
        let heavy = "heavy".parse().unwrap();
        assert_eq!(graph.head(&heavy).length, Millis::from_secs(60));
        let after = graph.after(&heavy);
        assert_eq!(after.length, Millis::from_secs(34));
        assert_eq!(after.jobs.iter().map(JobName::as_str).collect::<Vec<_>>(), ["gate", "deploy"]);
        assert_eq!(graph.floor().length, Millis::from_secs(180 + 34));
        assert_eq!(graph.other_minutes(), 3 + 1 + 1 + 1);
    }

    #[test]
    fn a_workflow_of_lanes_alone_has_no_floor() {
        assert_eq!(graph("[lanes.a]\n[lanes.b]\n").floor(), Path::default());
    }
}
