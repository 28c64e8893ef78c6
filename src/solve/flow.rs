//! Whether divisible work fits the shards: a maximum flow between few nodes, and where it does not, which work
//! meets which shards there (a minimum cut).

/// Work on one side, capacity on the other, and who may go where.
#[derive(Debug, Default)]
pub(super) struct Transport {
    /// For every source, the sinks it may use.
    pub(super) allowed: Vec<Vec<u32>>,
    /// What every source sends.
    pub(super) demand: Vec<u64>,
    /// How much each source may send to each of its sinks; nothing where that is not limited.
    limits: Vec<Vec<u64>>,
    // Kept between calls, so that a search of many nodes allocates nothing.
    flow: Vec<Vec<u64>>,
    left: Vec<u64>,
    room: Vec<u64>,
    source_seen: Vec<bool>,
    sink_seen: Vec<bool>,
    queue: Vec<Step>,
}

/// A node of the search for an augmenting path, with the queue position it was reached from.
#[derive(Clone, Copy, Debug)]
struct Step {
    node: Node,
    from: usize,
}

#[derive(Clone, Copy, Debug)]
enum Node {
    Source(usize),
    /// A sink, and the position of the edge in its source's list.
    Sink(usize, usize),
    /// A source that could take back what it sent to a sink, by the edge at this position.
    Back(usize, usize),
}

impl Transport {
    pub(super) fn new(allowed: Vec<Vec<u32>>, demand: Vec<u64>) -> Self {
        Self { allowed, demand, ..Self::default() }
    }

    /// Returns the same with limits on what each source sends to each of its sinks.
    pub(super) fn limited(self, limits: Vec<Vec<u64>>) -> Self {
        Self { limits, ..self }
    }

    /// Returns how much more a source may send along an edge.
    fn open(&self, source: usize, edge: usize) -> u64 {
        self.limits.get(source).map_or(u64::MAX, |limits| limits[edge] - self.flow[source][edge])
    }

    /// Returns nothing where all work fits sinks of these capacities; else a set of sources whose work the sinks
    /// that it may use can not take.
    pub(super) fn overflow(&mut self, capacity: &[u64]) -> Option<Vec<usize>> {
        self.fill_greedily(capacity);
        self.source_seen.clear();
        self.source_seen.resize(self.demand.len(), false);
        self.sink_seen.clear();
        self.sink_seen.resize(capacity.len(), false);
        for source in 0..self.demand.len() {
            // What an earlier source has found to be full stays full: its reach is a closed set.
            while self.left[source] > 0 {
                if !self.augment(source) {
                    break;
                }
            }
        }
        if self.excess() == 0 {
            return None;
        }
        Some((0..self.demand.len()).filter(|source| self.source_seen[*source]).collect())
    }

    /// Returns how much work found no room.
    fn excess(&self) -> u64 {
        self.left.iter().sum()
    }

    fn fill_greedily(&mut self, capacity: &[u64]) {
        self.left.clear();
        self.left.extend_from_slice(&self.demand);
        self.room.clear();
        self.room.extend_from_slice(capacity);
        self.flow.resize(self.allowed.len(), Vec::new());
        for (source, sinks) in self.allowed.iter().enumerate() {
            let flow = &mut self.flow[source];
            flow.clear();
            let limits = self.limits.get(source);
            for (edge, sink) in sinks.iter().enumerate() {
                let open = limits.map_or(u64::MAX, |limits| limits[edge]);
                let sent = self.left[source].min(self.room[*sink as usize]).min(open);
                self.left[source] -= sent;
                self.room[*sink as usize] -= sent;
                flow.push(sent);
            }
        }
    }

    /// Sends as much as one shortest path takes; returns whether there was one. Nodes that earlier, failed
    /// searches have seen are not searched again: nothing leads out of them.
    fn augment(&mut self, source: usize) -> bool {
        if self.source_seen[source] {
            return false;
        }
        let mut new_sources = vec![source];
        let mut new_sinks = Vec::new();
        self.source_seen[source] = true;
        self.queue.clear();
        self.queue.push(Step { node: Node::Source(source), from: usize::MAX });
        let mut head = 0;
        while head < self.queue.len() {
            match self.queue[head].node {
                Node::Source(at) | Node::Back(at, _) => {
                    for (edge, sink) in self.allowed[at].iter().enumerate() {
                        let sink = *sink as usize;
                        if !self.sink_seen[sink] && self.open(at, edge) > 0 {
                            self.sink_seen[sink] = true;
                            new_sinks.push(sink);
                            self.queue.push(Step { node: Node::Sink(sink, edge), from: head });
                        }
                    }
                }
                Node::Sink(sink, _) => {
                    if self.room[sink] > 0 {
                        self.send(source, head, sink);
                        for source in new_sources {
                            self.source_seen[source] = false;
                        }
                        for sink in new_sinks {
                            self.sink_seen[sink] = false;
                        }
                        return true;
                    }
                    for other in 0..self.allowed.len() {
                        if self.source_seen[other] {
                            continue;
                        }
                        let sent = self.allowed[other].iter().position(|to| *to as usize == sink);
                        if let Some(edge) = sent.filter(|edge| self.flow[other][*edge] > 0) {
                            self.source_seen[other] = true;
                            new_sources.push(other);
                            self.queue.push(Step { node: Node::Back(other, edge), from: head });
                        }
                    }
                }
            }
            head += 1;
        }
        false
    }

    /// Returns the source from which a sink was reached.
    fn sender(&self, from: usize) -> usize {
        match self.queue[from].node {
            Node::Source(sender) | Node::Back(sender, _) => sender,
            Node::Sink(..) => unreachable!("a sink is reached from a source"),
        }
    }

    /// Moves work along the path that ends at the sink in the queue's position `end`.
    fn send(&mut self, source: usize, end: usize, sink: usize) {
        let mut amount = self.left[source].min(self.room[sink]);
        let mut at = end;
        while at != usize::MAX {
            let Step { node, from } = self.queue[at];
            match node {
                Node::Back(other, edge) => amount = amount.min(self.flow[other][edge]),
                Node::Sink(_, edge) => amount = amount.min(self.open(self.sender(from), edge)),
                Node::Source(_) => {}
            }
            at = from;
        }
        self.left[source] -= amount;
        self.room[sink] -= amount;
        let mut at = end;
        while at != usize::MAX {
            let Step { node, from } = self.queue[at];
            match node {
                Node::Sink(_, edge) => {
                    let sender = self.sender(from);
                    self.flow[sender][edge] += amount;
                }
                Node::Back(other, edge) => self.flow[other][edge] -= amount,
                Node::Source(_) => {}
            }
            at = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_goes_around_a_sink_that_was_filled_too_early() {
        // The first source fills sink 0 greedily; the second can use nothing else.
        let mut transport = Transport::new(vec![vec![0, 1], vec![0]], vec![10, 10]);
        assert_eq!(transport.overflow(&[10, 10]), None);
    }

    #[test]
    fn the_overflow_names_only_the_work_that_matters() {
        let mut transport = Transport::new(vec![vec![0], vec![1, 2], vec![0]], vec![6, 1, 6]);
        assert_eq!(transport.overflow(&[10, 10, 0]), Some(vec![0, 2]));
        assert_eq!(transport.excess(), 2);
    }

    #[test]
    fn a_source_without_sinks_overflows_alone() {
        let mut transport = Transport::new(vec![vec![], vec![0]], vec![1, 1]);
        assert_eq!(transport.overflow(&[5]), Some(vec![0]));
    }

    proptest::proptest! {
        #[test]
        fn work_fits_exactly_when_no_set_of_sources_is_too_large(
            masks in proptest::collection::vec((0u16..16, 0u64..20), 1..6),
            capacity in proptest::collection::vec(0u64..30, 4),
        ) {
            let allowed = masks.iter().map(|(mask, _)| (0..4).filter(|sink| mask >> sink & 1 == 1).collect());
            let demand: Vec<u64> = masks.iter().map(|(_, demand)| *demand).collect();
            let mut transport = Transport::new(allowed.collect(), demand.clone());
            // Hall's condition over every set of sources.
            let worst = (0u32..1 << masks.len()).map(|set| {
                let members = || (0..masks.len()).filter(|source| set >> source & 1 == 1);
                let work: u64 = members().map(|source| demand[source]).sum();
                let reach = members().fold(0, |reach, source| reach | masks[source].0);
                let room: u64 = (0..4).filter(|sink| reach >> sink & 1 == 1).map(|sink| capacity[sink]).sum();
                work.saturating_sub(room)
            }).max().unwrap();
            let fits = transport.overflow(&capacity).is_none();
            proptest::prop_assert_eq!(fits, worst == 0);
            proptest::prop_assert_eq!(transport.excess(), worst);
        }
    }
}
