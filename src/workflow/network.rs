//! The critical path: when every job starts and ends, how much longer each could take, and what would change if
//! one took less (the critical path method: Kelley and Walker, 1959).

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::time::Millis;

/// Jobs with the time each takes, and what waits for what.
#[derive(Clone, Debug)]
pub struct Network {
    graph: DiGraph<(String, Millis), ()>,
    order: Vec<NodeIndex>,
}

/// When a job runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Its name.
    pub name: String,
    /// How long it takes.
    pub takes: Millis,
    /// When it starts, from the start of the workflow.
    pub start: Millis,
    /// When it ends.
    pub end: Millis,
    /// How much longer it could take without the workflow ending later.
    pub slack: Millis,
}

/// When all jobs run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// The jobs, none before one that it waits for.
    pub jobs: Vec<Activity>,
    /// When the last one ends.
    pub end: Millis,
    /// The names on the longest path, in order.
    pub critical: Vec<String>,
}

impl Network {
    /// Returns the network of these jobs; `waits` holds positions, the earlier job first. Nothing where jobs wait
    /// for each other in a circle.
    #[must_use]
    pub fn new(jobs: impl IntoIterator<Item = (String, Millis)>, waits: &[(usize, usize)]) -> Option<Self> {
        let mut graph = DiGraph::new();
        let nodes: Vec<NodeIndex> = jobs.into_iter().map(|job| graph.add_node(job)).collect();
        for (before, after) in waits {
            graph.update_edge(*nodes.get(*before)?, *nodes.get(*after)?, ());
        }
        let order = petgraph::algo::toposort(&graph, None).ok()?;
        Some(Self { graph, order })
    }

    /// Returns when every job runs if each starts as soon as it can.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        let mut ends = vec![Millis::default(); self.graph.node_count()];
        for ix in &self.order {
            ends[ix.index()] = self.start(*ix, &ends) + self.graph[*ix].1;
        }
        let end = ends.iter().copied().max().unwrap_or_default();
        // When a job must have ended for the whole not to end later.
        let mut latest = vec![end; ends.len()];
        for ix in self.order.iter().rev() {
            let after = self.graph.neighbors_directed(*ix, Direction::Outgoing);
            let must = after.map(|next| latest[next.index()] - self.graph[next].1).min().unwrap_or(end);
            latest[ix.index()] = must;
        }
        let jobs = self.order.iter().map(|ix| Activity {
            name: self.graph[*ix].0.clone(),
            takes: self.graph[*ix].1,
            start: self.start(*ix, &ends),
            end: ends[ix.index()],
            slack: latest[ix.index()] - ends[ix.index()],
        });
        Schedule { jobs: jobs.collect(), end, critical: self.critical(&ends, end) }
    }

    /// Returns the network in which a job takes this long.
    #[must_use]
    pub fn with(&self, name: &str, takes: Millis) -> Self {
        let mut changed = self.clone();
        for node in changed.graph.node_weights_mut().filter(|node| node.0 == name) {
            node.1 = takes;
        }
        changed
    }

    /// Returns when the workflow would end if a job took this long.
    #[must_use]
    pub fn end_if(&self, name: &str, takes: Millis) -> Millis {
        self.with(name, takes).schedule().end
    }

    /// Returns the names of the jobs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.graph.node_weights().map(|(name, _)| name.as_str())
    }

    /// Returns which job waits for which, by name, the earlier first.
    pub fn waits(&self) -> impl Iterator<Item = (&str, &str)> {
        let ends = |edge| self.graph.edge_endpoints(edge);
        let pairs = self.graph.edge_indices().filter_map(ends);
        pairs.map(|(before, after)| (self.graph[before].0.as_str(), self.graph[after].0.as_str()))
    }

    fn start(&self, ix: NodeIndex, ends: &[Millis]) -> Millis {
        let before = self.graph.neighbors_directed(ix, Direction::Incoming);
        before.map(|earlier| ends[earlier.index()]).max().unwrap_or_default()
    }

    /// Returns the longest path, backwards from the job that ends last; of equal ones the first by name.
    fn critical(&self, ends: &[Millis], end: Millis) -> Vec<String> {
        let last = |nodes: &mut dyn Iterator<Item = NodeIndex>, at: Millis| {
            nodes.filter(|ix| ends[ix.index()] == at).min_by(|a, b| self.graph[*a].0.cmp(&self.graph[*b].0))
        };
        let mut path = Vec::new();
        let mut next = last(&mut self.graph.node_indices(), end);
        while let Some(ix) = next {
            path.push(self.graph[ix].0.clone());
            let start = self.start(ix, ends);
            next = last(&mut self.graph.neighbors_directed(ix, Direction::Incoming), start);
        }
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> Network {
        let seconds = |name: &str, seconds| (name.to_owned(), Millis::from_secs(seconds));
        let jobs = [
            seconds("build", 60),
            seconds("unit", 30),
            seconds("heavy", 200),
            seconds("gate", 20),
            seconds("lint", 90),
        ];
        Network::new(jobs, &[(0, 1), (0, 2), (1, 3), (2, 3)]).unwrap()
    }

    #[test]
    fn slack_is_what_a_job_may_take_longer() {
        let network = network();
        let schedule = network.schedule();
        assert_eq!(schedule.end, Millis::from_secs(280));
        assert_eq!(schedule.critical, ["build", "heavy", "gate"]);
        for job in &schedule.jobs {
            assert_eq!(network.end_if(&job.name, job.takes + job.slack), schedule.end, "{}", job.name);
            let more = job.takes + job.slack + Millis::from_secs(1);
            assert_eq!(network.end_if(&job.name, more), schedule.end + Millis::from_secs(1), "{}", job.name);
        }
    }

    #[test]
    fn a_job_off_the_path_changes_nothing_by_being_faster() {
        let network = network();
        assert_eq!(network.end_if("lint", Millis::default()), Millis::from_secs(280));
        assert_eq!(network.end_if("heavy", Millis::from_secs(10)), Millis::from_secs(110));
    }

    #[test]
    fn jobs_that_wait_for_each_other_are_no_network() {
        let job = |name: &str| (name.to_owned(), Millis::default());
        assert!(Network::new([job("a"), job("b")], &[(0, 1), (1, 0)]).is_none());
        assert_eq!(Network::new([], &[]).unwrap().schedule(), Schedule::default());
    }
}
