//! The master: for an end time, which shard counts could do all the work if work were divisible.
//!
//! It is a relaxation of the problem, so what it refuses no plan can do. Each way in which it is looser than
//! the problem, with the reason why that is allowed, or in which it is tighter, with the reason why no plan is
//! lost:
//!
//! - Load is divisible among the shards that may run it. (Looser: every plan divides it somehow.)
//! - A unit's load may use only configurations on which the unit fits alone in the time given. (Tighter, but no
//!   plan puts a unit where it does not fit. It is asked unit by unit, never of a whole requirement: the
//!   largest unit of a requirement may not fit where the others do.)
//! - Configurations are unions of requirements that occur in the lane. (No plan is lost: a shard that starts
//!   more can drop the rest and only gains time.)
//! - Of units larger than 1/(k+1) of every shard that could take them, at most k share one. (Tighter; every
//!   plan keeps it.)
//! - Units of an apart-group need as many shards. (Looser than the rule itself.)
//! - Shards of one lane do not compete with those of another but for containers, number and billed time, of
//!   which each lane is given what the others leave at their least. (Looser.)
//! - Billed minutes are counted as the time of all shards together, not each rounded up. (Looser.)

use std::collections::BTreeSet;

use super::flow::Transport;
use super::search::{Caps, Column, Least, Question, Row, Use, Verdict};
use super::{at_most, end_of};
use crate::ids::{Ix, IxVec, LaneIx, UnitIx};
use crate::model::{Limits, Problem, ServiceSet};
use crate::time::Millis;

/// What the master knows of a problem before it is asked.
pub(super) struct Master<'p> {
    problem: &'p Problem,
    lanes: IxVec<LaneIx, LaneView>,
    unit_bound: (Millis, Option<UnitIx>),
}

/// One lane, with everything that does not depend on the end time.
struct LaneView {
    lane: LaneIx,
    configurations: Vec<Configuration>,
    classes: Vec<Class>,
    row_shapes: Vec<RowShape>,
    /// All its load.
    work: Millis,
    /// How many shards can make sense: its limit, and one for each unit.
    max_shards: u32,
}

struct Configuration {
    services: ServiceSet,
    containers: u32,
    overhead: Millis,
}

/// The units of one requirement.
struct Class {
    /// Configurations that cover it, by position, the one with the least overhead first.
    configurations: Vec<u16>,
    /// How long each unit takes alone, longest first.
    alone: Vec<Millis>,
    /// The load of the first n units in that order.
    load_before: Vec<u64>,
}

/// A row before the end time is known.
struct RowShape {
    services: ServiceSet,
    configurations: Vec<u16>,
    /// The loads of the units that need at least these services, largest first.
    loads: Vec<u64>,
    demand: u64,
    /// How many shards apart-groups ask for.
    apart: u32,
}

/// How many shards of each configuration: the master's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    /// For every lane, the services of each shard.
    pub(super) shards: IxVec<LaneIx, Vec<ServiceSet>>,
}

/// What the shard counts should be good for, when there is a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// Whatever is found first.
    Any,
    /// The least time billed.
    Overhead,
    /// The fewest containers.
    Containers,
}

const UNLIMITED: u32 = u32::MAX / 4;

/// A time that no plan takes.
pub(super) const UNLIMITED_TIME: u64 = u64::MAX / 4;

impl<'p> Master<'p> {
    pub(super) fn new(problem: &'p Problem) -> Self {
        let lanes = problem.lanes.indices().map(|lane| LaneView::new(problem, lane)).collect();
        let mut unit_bound = (Millis::ZERO, None);
        for (ix, unit) in problem.units.iter_enumerated() {
            let alone = end_of(problem, unit.lane, problem.needed(ix), unit.load, unit.piece);
            if alone > unit_bound.0 {
                unit_bound = (alone, Some(ix));
            }
        }
        Self { problem, lanes, unit_bound }
    }

    /// Returns the earliest end that the longest unit allows, and that unit.
    pub(super) fn unit_bound(&self) -> (Millis, Option<UnitIx>) {
        self.unit_bound
    }

    /// Returns the number of containers below which no plan ends by `end` within the other limits (where the
    /// search is cut off, the fewest it found); nothing where no number of them would do.
    pub(super) fn fewest_containers(&self, end: Millis, limits: &Limits) -> Option<u32> {
        let free = Limits { containers: None, minutes: None, ..limits.clone() };
        match self.counts(end, &free, Goal::Containers) {
            Verdict::Yes(counts) => Some(counts.containers(self.problem)),
            // Every lane starts what its units need at least once.
            Verdict::Unknown => Some(self.problem.container_range().0),
            Verdict::No => None,
        }
    }

    /// Returns the smallest end time that can not be refused within the limits, from `from` to `to`; `to` must
    /// be one that some plan reaches.
    pub(super) fn lower_bound(&self, limits: &Limits, from: Millis, to: Millis) -> Millis {
        let (mut low, mut high) = (from.0, to.0.max(from.0));
        while low < high {
            let middle = low + (high - low) / 2;
            match self.counts(Millis(middle), limits, Goal::Any) {
                Verdict::No => low = middle + 1,
                Verdict::Yes(_) | Verdict::Unknown => high = middle,
            }
        }
        Millis(low)
    }

    /// Returns shard counts that could end the workflow by `end` within the limits.
    pub(super) fn counts(&self, end: Millis, limits: &Limits, goal: Goal) -> Verdict<Counts> {
        if end < self.problem.floor.at || end < self.unit_bound.0 {
            return Verdict::No;
        }
        let mut questions: IxVec<LaneIx, Question> =
            self.lanes.indices().map(|lane| self.question(lane, end)).collect();
        let Some(caps) = self.caps(limits) else { return Verdict::No };
        let least = match self.least(&mut questions, caps) {
            Verdict::Yes(least) => least,
            Verdict::No => return Verdict::No,
            Verdict::Unknown => return Verdict::Unknown,
        };
        let mut combination = Combination { master: self, questions, least, goal, chosen: Vec::new() };
        match goal {
            Goal::Containers => combination.with_fewest_containers(caps),
            Goal::Any | Goal::Overhead => combination.within(caps),
        }
    }

    /// Returns what is asked of a lane for an end of the workflow.
    pub(super) fn question(&self, lane: LaneIx, end: Millis) -> Question {
        self.lanes[lane].question(self.problem, end)
    }

    /// Returns what every lane takes at the least, of each limit by itself.
    fn least(&self, questions: &mut IxVec<LaneIx, Question>, caps: Caps) -> Verdict<IxVec<LaneIx, Caps>> {
        let mut least: IxVec<LaneIx, Caps> = IxVec::default();
        let mut unknown = false;
        for (question, view) in questions.iter_mut().zip(self.lanes.iter()) {
            let shards = caps.shards.min(view.max_shards);
            let wide = Caps { containers: UNLIMITED, shards, overhead: UNLIMITED_TIME };
            let mut smallest = Caps { containers: 0, shards: 0, overhead: 0 };
            let containers = fewest(question, wide, caps.containers, |caps, n| caps.containers = n);
            let shards = fewest(question, wide, shards, |caps, n| caps.shards = n);
            for (found, slot) in [(containers, &mut smallest.containers), (shards, &mut smallest.shards)] {
                match found {
                    Verdict::Yes(n) => *slot = n,
                    Verdict::No => return Verdict::No,
                    Verdict::Unknown => unknown = true,
                }
            }
            if caps.overhead < UNLIMITED_TIME {
                match question.least_overhead(wide) {
                    Verdict::Yes(Least { counts, proven: true }) => {
                        smallest.overhead = question.usage(&counts).overhead;
                    }
                    Verdict::No => return Verdict::No,
                    Verdict::Yes(_) | Verdict::Unknown => unknown = true,
                }
            }
            least.push(smallest);
        }
        let total = |of: fn(&Caps) -> u64| least.iter().map(of).sum::<u64>();
        if total(|least| least.containers.into()) > caps.containers.into()
            || total(|least| least.shards.into()) > caps.shards.into()
            || total(|least| least.overhead) > caps.overhead
        {
            return Verdict::No;
        }
        if unknown { Verdict::Unknown } else { Verdict::Yes(least) }
    }

    /// Returns the limits as the search counts them, or nothing where the other jobs alone break one.
    fn caps(&self, limits: &Limits) -> Option<Caps> {
        let overhead = match &limits.minutes {
            None => UNLIMITED_TIME,
            Some(limit) => {
                let minutes = limit.value.checked_sub(self.problem.other_minutes)?;
                let run: u64 = self
                    .lanes
                    .iter()
                    .map(|view| {
                        // A shard that is never idle works off its load at its speed.
                        self.problem.lanes[view.lane].run(view.work, Millis::ZERO).0
                    })
                    .fold(0, u64::saturating_add);
                // Each lane's run was rounded up once.
                let run = run.saturating_sub(self.lanes.len() as u64);
                minutes.saturating_mul(Millis::MINUTE.0).checked_sub(run)?
            }
        };
        Some(Caps {
            containers: at_most(limits.containers.as_ref(), UNLIMITED).min(UNLIMITED),
            shards: at_most(limits.shards.as_ref(), UNLIMITED).min(UNLIMITED),
            overhead,
        })
    }
}

/// The search for shard counts of all lanes that keep the limits together.
///
/// Of every lane only those counts are tried that no others beat in shards, containers and, where it is
/// limited, overhead: whatever fits beside others fits beside these.
struct Combination<'m> {
    master: &'m Master<'m>,
    questions: IxVec<LaneIx, Question>,
    /// What every lane takes at the least, of each limit by itself.
    least: IxVec<LaneIx, Caps>,
    goal: Goal,
    /// The counts of the lanes so far.
    chosen: Vec<Vec<u32>>,
}

impl Combination<'_> {
    /// Returns counts within the caps with as few containers as there can be.
    fn with_fewest_containers(&mut self, caps: Caps) -> Verdict<Counts> {
        let enough = match self.within(caps) {
            Verdict::Yes(counts) => counts,
            other => return other,
        };
        // Upwards from what the lanes take each for itself.
        let least: u32 = self.least.iter().map(|least| least.containers).sum();
        for containers in least..enough.containers(self.master.problem) {
            if let Verdict::Yes(counts) = self.within(Caps { containers, ..caps }) {
                return Verdict::Yes(counts);
            }
        }
        Verdict::Yes(enough)
    }

    /// Returns counts within the caps.
    fn within(&mut self, caps: Caps) -> Verdict<Counts> {
        self.chosen.clear();
        match self.choose_from(LaneIx(0), caps) {
            Verdict::Yes(()) => {
                let shards = self.questions.iter().zip(&self.chosen).map(|(question, counts)| {
                    let columns = question.columns.iter().zip(counts);
                    columns
                        .flat_map(|(column, count)| std::iter::repeat_n(column.services, *count as usize))
                        .collect()
                });
                Verdict::Yes(Counts { shards: shards.collect() })
            }
            Verdict::No => Verdict::No,
            Verdict::Unknown => Verdict::Unknown,
        }
    }

    /// Chooses the counts of this lane and those after it.
    fn choose_from(&mut self, lane: LaneIx, left: Caps) -> Verdict<()> {
        if lane.position() == self.questions.len() {
            return Verdict::Yes(());
        }
        // What the lanes behind this one need at the least is not for it to take.
        let later = || self.least.iter().skip(lane.position() + 1);
        let mine = Caps {
            containers: left.containers.saturating_sub(later().map(|caps| caps.containers).sum()),
            shards: left
                .shards
                .saturating_sub(later().map(|caps| caps.shards).sum())
                .min(self.master.lanes[lane].max_shards),
            overhead: left.overhead.saturating_sub(later().map(|caps| caps.overhead).sum()),
        };
        if lane.position() + 1 == self.questions.len() {
            return self.choose_last(lane, mine);
        }
        let timed = mine.overhead < UNLIMITED_TIME;
        let mut unknown = false;
        let mut tried: Vec<Use> = Vec::new();
        for shards in self.least[lane].shards..=mine.shards {
            let mut caps = Caps { shards, ..mine };
            // With so many shards: from the least overhead to the fewest containers.
            loop {
                let counts = match unbeaten(&mut self.questions[lane], caps) {
                    Verdict::Yes(Least { counts, proven }) => {
                        unknown |= !proven;
                        counts
                    }
                    Verdict::No => break,
                    Verdict::Unknown => {
                        unknown = true;
                        break;
                    }
                };
                let used = self.questions[lane].usage(&counts);
                let cost = Use { overhead: if timed { used.overhead } else { 0 }, ..used };
                if !tried.iter().any(|other| other.is_within(cost)) {
                    tried.push(cost);
                    let rest = Caps {
                        containers: left.containers - used.containers,
                        shards: left.shards - used.shards,
                        overhead: left.overhead - used.overhead,
                    };
                    self.chosen.push(counts);
                    match self.choose_from(LaneIx(lane.0 + 1), rest) {
                        Verdict::Yes(()) => return Verdict::Yes(()),
                        Verdict::Unknown => unknown = true,
                        Verdict::No => {}
                    }
                    self.chosen.truncate(lane.position());
                }
                match used.containers.checked_sub(1) {
                    Some(fewer) if timed => caps.containers = fewer,
                    _ => break,
                }
            }
            // More shards can only save containers or overhead.
            let least = self.least[lane];
            if tried.iter().any(|cost| cost.containers == least.containers && cost.overhead == least.overhead)
            {
                break;
            }
        }
        if unknown { Verdict::Unknown } else { Verdict::No }
    }

    /// Chooses the counts of the last lane, for which nothing need be left over.
    fn choose_last(&mut self, lane: LaneIx, caps: Caps) -> Verdict<()> {
        let question = &mut self.questions[lane];
        let found = match self.goal {
            Goal::Any => question.find(caps),
            Goal::Overhead => question.least_overhead(caps).map(|least| least.counts),
            Goal::Containers => question.fewest_containers(caps).map(|least| least.counts),
        };
        found.map(|counts| self.chosen.push(counts))
    }
}

/// Returns counts within the caps of which none is better in both overhead, where it is limited, and
/// containers: the least overhead, and with it the fewest containers.
fn unbeaten(question: &mut Question, mut caps: Caps) -> Verdict<Least> {
    let mut proven = true;
    if caps.overhead < UNLIMITED_TIME {
        match question.least_overhead(caps) {
            Verdict::Yes(least) => {
                proven = least.proven;
                caps.overhead = question.usage(&least.counts).overhead;
            }
            other => return other,
        }
    }
    question.fewest_containers(caps).map(|least| Least { proven: proven && least.proven, ..least })
}

/// Returns the smallest cap up to `most` that the question can be answered within.
fn fewest(question: &mut Question, wide: Caps, most: u32, set: impl Fn(&mut Caps, u32)) -> Verdict<u32> {
    // First whether it can be answered at all; then upwards from nothing, each refusal a proof. The root bound
    // of the search refuses the hopeless ones at once.
    let mut widest = wide;
    set(&mut widest, most);
    match question.find(widest) {
        Verdict::Yes(_) => {}
        Verdict::No => return Verdict::No,
        Verdict::Unknown => return Verdict::Unknown,
    }
    for n in 0..=most {
        let mut caps = wide;
        set(&mut caps, n);
        match question.find(caps) {
            Verdict::Yes(_) => return Verdict::Yes(n),
            Verdict::No => {}
            Verdict::Unknown => return Verdict::Unknown,
        }
    }
    Verdict::No
}

impl LaneView {
    fn new(problem: &Problem, lane: LaneIx) -> Self {
        let mut requirements: BTreeSet<ServiceSet> = BTreeSet::new();
        let units: Vec<UnitIx> =
            problem.units.iter_enumerated().filter(|(_, unit)| unit.lane == lane).map(|(ix, _)| ix).collect();
        for ix in &units {
            requirements.insert(problem.needed(*ix));
        }
        let mut unions: BTreeSet<ServiceSet> = BTreeSet::new();
        for requirement in &requirements {
            let with: Vec<ServiceSet> = unions.iter().map(|union| union.union(*requirement)).collect();
            unions.extend(with);
            unions.insert(*requirement);
        }
        let mut configurations: Vec<Configuration> = unions
            .into_iter()
            .map(|services| Configuration {
                services,
                containers: problem.containers(services),
                overhead: problem.overhead(lane, services),
            })
            .collect();
        configurations.sort_by_key(|c| (c.overhead, c.containers, c.services));
        let covering = |services: ServiceSet| -> Vec<u16> {
            (0u16..)
                .zip(&configurations)
                .filter(|(_, c)| c.services.covers(services))
                .map(|(i, _)| i)
                .collect()
        };
        let model = &problem.lanes[lane];
        let classes = requirements
            .iter()
            .map(|requirement| {
                let mut members: Vec<(Millis, u64)> = units
                    .iter()
                    .filter(|ix| problem.needed(**ix) == *requirement)
                    .map(|ix| &problem.units[*ix])
                    .map(|unit| (model.run(unit.load, unit.piece), unit.load.0))
                    .collect();
                members.sort_unstable_by(|a, b| b.cmp(a));
                let mut load_before = vec![0];
                for (_, load) in &members {
                    load_before.push(load_before[load_before.len() - 1] + load);
                }
                let alone = members.into_iter().map(|(alone, _)| alone).collect();
                Class { configurations: covering(*requirement), alone, load_before }
            })
            .collect();

        let mut keys: BTreeSet<ServiceSet> = requirements.clone();
        keys.insert(model.services);
        for requirement in &requirements {
            keys.extend(requirement.iter().map(|service| ServiceSet::from_iter([service])));
        }
        let row_shapes = keys
            .into_iter()
            .map(|services| {
                let inside = |ix: &UnitIx| problem.needed(*ix).covers(services);
                let mut loads: Vec<u64> =
                    units.iter().copied().filter(inside).map(|ix| problem.units[ix].load.0).collect();
                loads.sort_unstable_by(|a, b| b.cmp(a));
                let demand = loads.iter().sum();
                let apart = problem
                    .apart
                    .iter()
                    .map(|group| {
                        group.units.iter().filter(|ix| problem.units[**ix].lane == lane && inside(ix)).count()
                    })
                    .max()
                    .unwrap_or(0);
                let apart = u32::try_from(apart).unwrap_or(u32::MAX);
                RowShape { services, configurations: covering(services), loads, demand, apart }
            })
            .filter(|row| !row.loads.is_empty())
            .collect();
        let work = units.iter().map(|ix| problem.units[*ix].load).sum();
        let max_shards = model.max_shards.min(u32::try_from(units.len()).unwrap_or(u32::MAX));
        Self { lane, configurations, classes, row_shapes, work, max_shards }
    }

    /// Returns what is asked of the lane for an end of the workflow.
    fn question(&self, problem: &Problem, end: Millis) -> Question {
        let model = &problem.lanes[self.lane];
        let span = end.saturating_sub(model.head + model.after);
        // Configurations are sorted by overhead, so those that leave no time are the last.
        let usable = self.configurations.partition_point(|configuration| configuration.overhead <= span);
        let columns: Vec<Column> = self.configurations[..usable]
            .iter()
            .map(|configuration| Column {
                services: configuration.services,
                containers: configuration.containers,
                overhead: configuration.overhead.0,
                // No more than all the work is ever used, and sums stay far from overflow.
                capacity: model.capacity(span - configuration.overhead).min(self.work).0,
            })
            .collect();
        let usable = u16::try_from(usable).unwrap_or(u16::MAX);

        let mut allowed = Vec::new();
        let mut demand = Vec::new();
        for class in &self.classes {
            let candidates = &class.configurations[..class.configurations.partition_point(|ix| *ix < usable)];
            // Units longer than what the configuration with most overhead leaves may use fewer of them. The
            // longest come first; the last, shortest ones may use all.
            let mut from = 0;
            for most in 1..=candidates.len() {
                let overhead_of =
                    |position: usize| self.configurations[usize::from(candidates[position])].overhead;
                // Units that fit the first `most` candidates, and not the next.
                let to = if most == candidates.len() {
                    class.alone.len()
                } else {
                    let next = span - overhead_of(most);
                    class.alone.partition_point(|alone| *alone > next)
                };
                if to > from {
                    allowed.push(candidates[..most].to_vec());
                    demand.push(class.load_before[to] - class.load_before[from]);
                    from = to;
                }
            }
        }

        let rows = self
            .row_shapes
            .iter()
            .map(|shape| {
                let columns_of =
                    shape.configurations[..shape.configurations.partition_point(|ix| *ix < usable)].to_vec();
                let largest =
                    columns_of.iter().map(|ix| columns[usize::from(*ix)].capacity).max().unwrap_or(0);
                Row {
                    services: shape.services,
                    shards: shape.apart.max(1).max(crowding(&shape.loads, largest)),
                    demand: shape.demand,
                    columns: columns_of,
                }
            })
            .collect();
        let service_containers = problem.services.iter().map(|service| service.containers).collect();
        Question {
            columns,
            rows,
            transport: Transport::new(allowed, demand),
            service_containers,
            prices: Default::default(),
        }
    }
}

/// Returns how many shards of at most this capacity the large units alone ask for: of units over 1/(k+1) of
/// the capacity, at most k fit one shard.
fn crowding(loads: &[u64], capacity: u64) -> u32 {
    (1..=4u64)
        .map(|k| {
            let large = loads.partition_point(|load| load.saturating_mul(k + 1) > capacity);
            u32::try_from((large as u64).div_ceil(k)).unwrap_or(u32::MAX)
        })
        .max()
        .unwrap_or(0)
}

impl Counts {
    /// Returns how many containers the shards start.
    pub(super) fn containers(&self, problem: &Problem) -> u32 {
        self.shards.iter().flatten().map(|services| problem.containers(*services)).sum()
    }
}
