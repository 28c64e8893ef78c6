//! An exact search over shard counts: how many shards of each configuration of one lane do all its work.
//!
//! The search adds one shard at a time. It looks for a condition that the counts so far break (too few shards
//! that can take some work) and branches on every configuration that could mend it; a configuration that was
//! tried is not added again in the branches after it, so no combination is seen twice. A branch ends where a
//! lower bound on what is still missing exceeds a cap. All in whole numbers, cut off by counting nodes.

use std::cell::OnceCell;

use super::flow::Transport;
use super::milp::Prices;
use crate::model::ServiceSet;

/// The question for one lane and one end time: may these counts do all the work?
#[derive(Debug)]
pub(super) struct Question {
    /// The configurations that could be useful, with what one shard of each takes and gives.
    pub(super) columns: Vec<Column>,
    /// Conditions that every answer fulfils; broken ones guide the search.
    pub(super) rows: Vec<Row>,
    /// The exact condition on the work: it flows from requirements to configurations.
    pub(super) transport: Transport,
    /// The containers of every service, to bound what is still missing.
    pub(super) service_containers: Vec<u32>,
    /// For every resource the prices that bound what is missing, once a search has asked for them.
    pub(super) prices: [OnceCell<Option<Prices>>; 3],
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Containers,
    Shards,
    Overhead,
}

/// A configuration, as seen by one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) services: ServiceSet,
    pub(super) containers: u32,
    /// What a shard takes before and after its tests, in milliseconds.
    pub(super) overhead: u64,
    /// How much load a shard can work off in time, in milliseconds.
    pub(super) capacity: u64,
}

/// The shards that start at least `services` must be at least `shards`, and able to take `demand`.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) services: ServiceSet,
    pub(super) columns: Vec<u16>,
    pub(super) shards: u32,
    pub(super) demand: u64,
}

/// What an answer may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caps {
    pub(super) containers: u32,
    pub(super) shards: u32,
    /// The overhead of all shards together, in milliseconds.
    pub(super) overhead: u64,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict<T> {
    /// It can be done so.
    Yes(T),
    /// It can not be done: every way was tried or ruled out.
    No,
    /// The search was cut off.
    Unknown,
}

impl Resource {
    pub(super) const ALL: [Self; 3] = [Self::Containers, Self::Shards, Self::Overhead];

    /// Returns from where on a cap is none. What is left to the last of several lanes is less than unlimited.
    fn unlimited(self) -> u64 {
        match self {
            Self::Containers | Self::Shards => u64::from(UNLIMITED) / 2,
            Self::Overhead => UNLIMITED_TIME / 2,
        }
    }
}

impl Column {
    /// Returns what one shard uses.
    pub(super) fn cost(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Containers => self.containers.into(),
            Resource::Shards => 1,
            Resource::Overhead => self.overhead,
        }
    }
}

impl Caps {
    /// Returns what is left of the caps, or nothing where they are exceeded.
    pub(super) fn minus(self, used: Use) -> Option<Self> {
        Some(Self {
            containers: self.containers.checked_sub(used.containers)?,
            shards: self.shards.checked_sub(used.shards)?,
            overhead: self.overhead.checked_sub(used.overhead)?,
        })
    }

    fn of(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Containers => self.containers.into(),
            Resource::Shards => self.shards.into(),
            Resource::Overhead => self.overhead,
        }
    }
}

impl<T> Verdict<T> {
    /// Returns the verdict with another answer.
    pub(super) fn map<U>(self, answer: impl FnOnce(T) -> U) -> Verdict<U> {
        match self {
            Self::Yes(found) => Verdict::Yes(answer(found)),
            Self::No => Verdict::No,
            Self::Unknown => Verdict::Unknown,
        }
    }
}

/// The counts that use least of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Least {
    pub(super) counts: Vec<u32>,
    /// Whether it is proven that there is no less. If not, the search for less was cut off.
    pub(super) proven: bool,
}

/// More containers or shards than any plan has.
pub(super) const UNLIMITED: u32 = u32::MAX / 4;

/// More milliseconds than any plan takes.
pub(super) const UNLIMITED_TIME: u64 = u64::MAX / 4;

/// How many nodes one search may visit before it gives up.
pub(super) const NODE_LIMIT: u32 = 50_000;

/// The node at which a search asks for prices.
const ASK_FOR_PRICES: u32 = 200;

/// What a shard count uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) containers: u32,
    pub(super) shards: u32,
    pub(super) overhead: u64,
}

impl Use {
    /// Returns how much of a resource it is.
    pub(super) fn of(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Containers => self.containers.into(),
            Resource::Shards => self.shards.into(),
            Resource::Overhead => self.overhead,
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            containers: self.containers + other.containers,
            shards: self.shards + other.shards,
            overhead: self.overhead + other.overhead,
        }
    }

    /// Returns whether it is no more than another in every respect.
    pub(super) fn is_within(self, other: Self) -> bool {
        self.containers <= other.containers && self.shards <= other.shards && self.overhead <= other.overhead
    }
}

impl Question {
    /// Returns shard counts, one per column, that do all the work within the caps.
    pub(super) fn find(&mut self, caps: Caps) -> Verdict<Vec<u32>> {
        let mut search = Search::new(self, caps);
        match search.visit() {
            Some(true) => Verdict::Yes(search.counts),
            Some(false) => Verdict::No,
            None => Verdict::Unknown,
        }
    }

    /// Returns what every answer within the caps uses at the least, or nothing where there is clearly none.
    pub(super) fn floor(&mut self, caps: Caps) -> Option<Use> {
        Search::new(self, caps).missing().map(|missing| missing.at_least)
    }

    /// Returns the counts within the caps that use least of what `measure` counts.
    pub(super) fn least(
        &mut self,
        mut caps: Caps,
        measure: impl Fn(Use) -> u64,
        tighten: impl Fn(&mut Caps, u64),
    ) -> Verdict<Least> {
        let mut best = match self.find(caps) {
            Verdict::Yes(counts) => counts,
            Verdict::No => return Verdict::No,
            Verdict::Unknown => return Verdict::Unknown,
        };
        while let Some(below) = measure(self.usage(&best)).checked_sub(1) {
            tighten(&mut caps, below);
            match self.find(caps) {
                Verdict::Yes(counts) => best = counts,
                Verdict::No => break,
                Verdict::Unknown => return Verdict::Yes(Least { counts: best, proven: false }),
            }
        }
        Verdict::Yes(Least { counts: best, proven: true })
    }

    /// Returns the counts within the caps with the fewest containers.
    pub(super) fn fewest_containers(&mut self, caps: Caps) -> Verdict<Least> {
        self.least(
            caps,
            |used| used.containers.into(),
            |caps, below| caps.containers = u32::try_from(below).unwrap_or(caps.containers),
        )
    }

    /// Returns the counts within the caps with the least overhead.
    pub(super) fn least_overhead(&mut self, caps: Caps) -> Verdict<Least> {
        self.least(caps, |used| used.overhead, |caps, below| caps.overhead = below)
    }

    /// Returns whether prices show that the counts can not be completed within the caps. Prices are asked for
    /// on demand, as they take as long as some hundred nodes.
    fn refused_by_prices(&self, counts: &[u32], used: Use, caps: Caps, ask: bool) -> bool {
        Resource::ALL.into_iter().zip(&self.prices).any(|(resource, prices)| {
            let ask = ask && caps.of(resource) < resource.unlimited();
            let prices = if ask {
                prices.get_or_init(|| Prices::of(self, resource)).as_ref()
            } else {
                prices.get().and_then(Option::as_ref)
            };
            prices.is_some_and(|prices| prices.refuse(counts, caps.of(resource) - used.of(resource)))
        })
    }

    /// Returns what the counts use.
    pub(super) fn usage(&self, counts: &[u32]) -> Use {
        let mut used = Use::default();
        for (column, count) in self.columns.iter().zip(counts) {
            used.containers += column.containers * count;
            used.shards += count;
            used.overhead += column.overhead * u64::from(*count);
        }
        used
    }
}

struct Search<'q> {
    question: &'q mut Question,
    counts: Vec<u32>,
    frozen: Vec<bool>,
    used: Use,
    caps: Caps,
    nodes: u32,
    capacity: Vec<u64>,
}

/// What a row still misses, at the least.
struct Missing {
    /// What mending everything takes at the least.
    at_least: Use,
    /// The columns that could mend the worst row.
    candidates: Vec<u16>,
    /// For every service, the shards with it that are still missing.
    by_service: Vec<u32>,
}

impl<'q> Search<'q> {
    fn new(question: &'q mut Question, caps: Caps) -> Self {
        Self {
            counts: vec![0; question.columns.len()],
            frozen: question.columns.iter().map(|column| column.containers > caps.containers).collect(),
            used: Use::default(),
            caps,
            nodes: 0,
            capacity: vec![0; question.columns.len()],
            question,
        }
    }

    /// Returns whether the work can be done from here, or nothing where the search was cut off.
    fn visit(&mut self) -> Option<bool> {
        self.nodes += 1;
        if self.nodes > NODE_LIMIT {
            return None;
        }
        let ask = self.nodes == ASK_FOR_PRICES;
        if self.question.refused_by_prices(&self.counts, self.used, self.caps, ask) {
            return Some(false);
        }
        let Some(missing) = self.missing() else { return Some(false) };
        let mut candidates = missing.candidates;
        if candidates.is_empty() {
            for (capacity, (column, count)) in
                self.capacity.iter_mut().zip(self.question.columns.iter().zip(&self.counts))
            {
                *capacity = column.capacity * u64::from(*count);
            }
            let Some((sinks, _)) = self.question.transport.overflow(&self.capacity) else {
                return Some(true);
            };
            // Only more room helps; a shard without any would be added for ever.
            candidates = sinks;
            candidates.retain(|column| self.question.columns[usize::from(*column)].capacity > 0);
        }
        candidates.retain(|column| {
            let ix = usize::from(*column);
            let column = &self.question.columns[ix];
            !self.frozen[ix]
                && self.used.containers + column.containers <= self.caps.containers
                && self.used.shards < self.caps.shards
                && self.used.overhead + column.overhead <= self.caps.overhead
        });
        // First what wastes no container on a service that is not missing, then what takes most work.
        candidates.sort_by_key(|ix| {
            let column = &self.question.columns[usize::from(*ix)];
            let wasted: u32 = column
                .services
                .iter()
                .map(|service| service.0 as usize)
                .filter(|service| missing.by_service[*service] == 0)
                .map(|service| self.question.service_containers[service])
                .sum();
            (wasted, std::cmp::Reverse(column.capacity), *ix)
        });
        let mut tried = 0;
        let mut answer = Some(false);
        for ix in &candidates {
            self.add(*ix);
            let found = self.visit();
            if found == Some(true) {
                return found;
            }
            self.remove(*ix);
            self.frozen[usize::from(*ix)] = true;
            tried += 1;
            if found.is_none() {
                answer = None;
                break;
            }
        }
        for ix in &candidates[..tried] {
            self.frozen[usize::from(*ix)] = false;
        }
        answer
    }

    fn add(&mut self, ix: u16) {
        let column = &self.question.columns[usize::from(ix)];
        self.counts[usize::from(ix)] += 1;
        self.used.containers += column.containers;
        self.used.shards += 1;
        self.used.overhead += column.overhead;
    }

    fn remove(&mut self, ix: u16) {
        let column = &self.question.columns[usize::from(ix)];
        self.counts[usize::from(ix)] -= 1;
        self.used.containers -= column.containers;
        self.used.shards -= 1;
        self.used.overhead -= column.overhead;
    }

    /// Returns what is missing at the least, or nothing where the caps do not allow even that.
    fn missing(&self) -> Option<Missing> {
        let question = &*self.question;
        let mut by_service = vec![0u32; question.service_containers.len()];
        let mut worst: Option<(usize, &Row)> = None;
        let mut shards = 0;
        for row in &question.rows {
            let (mut have, mut room, mut largest, mut open) = (0u32, 0u64, 0u64, 0usize);
            for ix in &row.columns {
                let ix = usize::from(*ix);
                let column = &question.columns[ix];
                have += self.counts[ix];
                room += column.capacity * u64::from(self.counts[ix]);
                if !self.frozen[ix] && self.used.containers + column.containers <= self.caps.containers {
                    largest = largest.max(column.capacity);
                    open += 1;
                }
            }
            let unplaced = row.demand.saturating_sub(room);
            let by_work = match (unplaced, largest) {
                (0, _) => 0,
                (_, 0) => return None,
                (unplaced, largest) => u32::try_from(unplaced.div_ceil(largest)).ok()?,
            };
            let more = by_work.max(row.shards.saturating_sub(have));
            if more == 0 {
                continue;
            }
            if open == 0 {
                return None;
            }
            shards = shards.max(more);
            for service in row.services.iter() {
                let slot = &mut by_service[service.0 as usize];
                *slot = more.max(*slot);
            }
            if worst.is_none_or(|(least, _)| open < least) {
                worst = Some((open, row));
            }
        }
        let containers: u32 = by_service
            .iter()
            .zip(&question.service_containers)
            .map(|(more, containers)| more.saturating_mul(*containers))
            .fold(0, u32::saturating_add);
        let least_overhead = question.columns.iter().map(|column| column.overhead).min().unwrap_or(0);
        let overhead = least_overhead.saturating_mul(u64::from(shards));
        let at_least = Use { containers, shards, overhead };
        let fits = containers <= self.caps.containers - self.used.containers
            && shards <= self.caps.shards - self.used.shards
            && overhead <= self.caps.overhead - self.used.overhead;
        let candidates = worst.map_or_else(Vec::new, |(_, row)| row.columns.clone());
        fits.then_some(Missing { at_least, candidates, by_service })
    }
}
