//! A bound where few big units decide: what units are worth against what shards can hold of it.
//!
//! Give every unit a worth, whichever. If the best that the shards of any plan can hold together is worth less than all
//! units, there is no plan. What one shard of a configuration holds at best is a knapsack of the units that fit it in
//! time, and the best shards within the limits on containers and shards are a second, smaller one; both are solved in
//! whole numbers, so any worths make a proof. Good ones are the dual prices of the packing program of Gilmore and Gomory
//! ("A linear programming approach to the cutting-stock problem", 1961), found row by row: every round adds the
//! fullest shards for prices half-way between the program's and the best so far (Wentges, 1997).

use super::assign::ApartIndex;
use super::effort::Effort;
use super::master::Master;
use super::question::{Caps, Column, UNLIMITED};
use super::simplex::{Outcome, Tableau};
use crate::ids::{Ix, IxVec, UnitIx};
use crate::model::Problem;
use crate::time::Millis;

/// Problems with more units or configurations are not looked at.
pub(super) const MOST_UNITS: usize = 150;
const MOST_COLUMNS: usize = 80;

/// With more containers to share out, units are seldom what decides.
const MOST_CONTAINERS: u32 = 1_000;

/// How many largest shard counts are looked at one by one.
const MOST_COUNTS: usize = 60;

/// How many rounds are made for one end, and how many partial knapsacks are looked at for one configuration.
const ROUNDS: usize = 150;
const KNAPSACK_NODES: u32 = 20_000;

/// What all units together are worth, about.
const ALL: f64 = (1u64 << 40) as f64;

/// The bound is not looked for more finely than this part of it.
const PRECISION: u64 = 20_000;

/// Returns an end, at least `from`, before which no plan within the caps ends; `to` is when one does.
pub(super) fn lower_bound(
    master: &Master<'_>,
    apart: &ApartIndex,
    caps: Caps,
    (from, to): (Millis, Millis),
    effort: &Effort,
) -> Millis {
    let (mut low, mut high) = (from.0, to.0);
    // What refused one end often refuses the next.
    let mut hints: Vec<Vec<f64>> = Vec::new();
    while high > low + low / PRECISION && !effort.is_spent() {
        let middle = low + (high - low) / 2;
        let shop = Shop::new(master, apart, Millis(middle));
        if shop.is_refused(caps, &mut hints, effort) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Millis(low)
}

/// One end time: which units fit which configuration.
struct Shop<'p> {
    problem: &'p Problem,
    apart: &'p ApartIndex,
    columns: Vec<Column>,
    /// The units that fit each column alone.
    fitting: Vec<Vec<UnitIx>>,
}

/// Which shards there may be.
enum Supply {
    /// Any within the caps.
    Caps(Caps),
    /// At most so many of each column.
    Counts(Vec<u32>),
}

/// The best that a shard can hold.
struct Filled {
    /// No choice of units is worth more.
    at_most: u64,
    /// The units of the best choice that was found.
    units: Vec<UnitIx>,
}

impl Supply {
    /// Returns how much there is of what has a price.
    fn amounts(&self) -> Vec<f64> {
        // What is not limited is too dear for any price.
        let amount = |cap: u32| if cap < UNLIMITED { f64::from(cap) } else { 1e6 };
        match self {
            Self::Caps(caps) => vec![amount(caps.containers), amount(caps.shards)],
            Self::Counts(counts) => counts.iter().map(|count| f64::from(*count)).collect(),
        }
    }

    /// Returns how much of it a shard of a column uses.
    fn used_by(&self, at: usize, column: &Column) -> Vec<f64> {
        match self {
            Self::Caps(_) => vec![f64::from(column.containers), 1.0],
            Self::Counts(counts) => (0..counts.len()).map(|other| f64::from(u8::from(other == at))).collect(),
        }
    }
}

impl<'p> Shop<'p> {
    fn new(master: &'p Master<'_>, apart: &'p ApartIndex, end: Millis) -> Self {
        let problem = master.problem();
        let columns = master.question(end).columns;
        let fitting = columns
            .iter()
            .map(|column| {
                let lane = &problem.lanes[column.lane];
                let span = end.saturating_sub(lane.head + lane.after + Millis(column.overhead));
                let fits = |ix: &UnitIx| {
                    let unit = &problem.units[*ix];
                    unit.lane == column.lane
                        && column.services.covers(problem.needed(*ix))
                        && lane.run(unit.load, unit.piece) <= span
                };
                problem.units.indices().filter(fits).collect()
            })
            .collect();
        Self { problem, apart, columns, fitting }
    }

    /// Returns whether no plan within the caps ends by then, by one proof for all shard counts, or by one for each.
    fn is_refused(&self, caps: Caps, hints: &mut Vec<Vec<f64>>, effort: &Effort) -> bool {
        let limited = caps.containers < UNLIMITED || caps.shards < UNLIMITED;
        if self.columns.len() > MOST_COLUMNS
            || !limited
            || caps.containers < UNLIMITED && caps.containers > MOST_CONTAINERS
        {
            return false;
        }
        if self.refuses(&Supply::Caps(caps), hints, effort) {
            return true;
        }
        let most = caps.shards.min(u32::try_from(self.problem.units.len()).unwrap_or(u32::MAX));
        let mut counts = Vec::new();
        let mut found = vec![0; self.columns.len()];
        self.largest_counts(0, caps.containers, most, &mut found, &mut counts)
            && counts.into_iter().all(|counts| self.refuses(&Supply::Counts(counts), hints, effort))
    }

    /// Lists all shard counts to which no shard can be added; returns whether they are few enough.
    fn largest_counts(
        &self,
        at: usize,
        containers: u32,
        shards: u32,
        counts: &mut Vec<u32>,
        found: &mut Vec<Vec<u32>>,
    ) -> bool {
        let Some(column) = self.columns.get(at) else {
            let more = |column: &Column| column.containers <= containers && shards > 0;
            if !self.columns.iter().any(more) {
                found.push(counts.clone());
            }
            return found.len() <= MOST_COUNTS;
        };
        let most = containers.checked_div(column.containers).unwrap_or(shards).min(shards);
        (0..=most).all(|count| {
            counts[at] = count;
            self.largest_counts(at + 1, containers - count * column.containers, shards - count, counts, found)
        })
    }

    /// Returns whether shards of this supply can't hold all units; worths that show it are kept as a hint.
    fn refuses(&self, supply: &Supply, hints: &mut Vec<Vec<f64>>, effort: &Effort) -> bool {
        let count = self.problem.units.len();
        let total: f64 = self.problem.units.iter().map(|unit| unit.load.as_f64()).sum::<f64>().max(1.0);
        let mut center: Vec<f64> = self.problem.units.iter().map(|unit| unit.load.as_f64() / total).collect();
        let mut least = self.held(&center, supply, effort).0;
        for hint in hints.iter().rev() {
            let held = self.held(hint, supply, effort).0;
            if held < 1.0 {
                return true;
            }
            if held < least {
                (center, least) = (hint.clone(), held);
            }
        }
        // The prices of the supply, then what each unit is worth; together they are worth one.
        let mut costs = supply.amounts();
        let prices = costs.len();
        costs.resize(prices + count, 0.0);
        let mut program = Tableau::new(costs, 256);
        let mut all = vec![0.0; prices];
        all.resize(prices + count, 1.0);
        program.add(&all, 1.0);
        for _ in 0..ROUNDS {
            if least < 1.0 {
                hints.push(center);
                return true;
            }
            if effort.is_spent() || program.solve(effort) != Outcome::Optimal {
                return false;
            }
            let solution = program.solution();
            let spent: f64 =
                supply.amounts().iter().zip(&solution).map(|(amount, price)| amount * price).sum();
            if spent >= 1.0 - 1e-7 {
                return false;
            }
            let sum: f64 = solution[prices..].iter().sum::<f64>().max(1e-12);
            let newest: Vec<f64> = solution[prices..].iter().map(|worth| worth / sum).collect();
            let between: Vec<f64> = newest.iter().zip(&center).map(|(a, b)| (a + b) / 2.0).collect();
            let mut added = false;
            for tried in [between, newest] {
                let (held, filled) = self.held(&tried, supply, effort);
                if held < least {
                    (center, least) = (tried, held);
                }
                for (at, filled) in filled.iter().enumerate() {
                    let mut row = supply.used_by(at, &self.columns[at]);
                    row.resize(prices + count, 0.0);
                    for unit in &filled.units {
                        row[prices + unit.position()] = -1.0;
                    }
                    let worth: f64 = row.iter().zip(&solution).map(|(a, b)| a * b).sum();
                    if worth < -1e-9 {
                        program.add(&row, 0.0);
                        added = true;
                    }
                }
                if added || least < 1.0 {
                    break;
                }
            }
            if !added && least >= 1.0 {
                return false;
            }
        }
        false
    }

    /// Returns how much of all worth a supply of shards holds at best, 1 or more where it holds all, and how each column is filled for it.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "worths are small shares")]
    fn held(&self, worth: &[f64], supply: &Supply, effort: &Effort) -> (f64, Vec<Filled>) {
        let worth: IxVec<UnitIx, u64> = worth.iter().map(|worth| (worth.max(0.0) * ALL) as u64).collect();
        let filled: Vec<Filled> = (0..self.columns.len()).map(|at| self.fill(at, &worth, effort)).collect();
        let all: u64 = worth.iter().sum();
        let held = match supply {
            Supply::Counts(counts) => {
                counts.iter().zip(&filled).map(|(count, filled)| u64::from(*count) * filled.at_most).sum()
            }
            Supply::Caps(caps) => self.best_within(*caps, &filled, effort),
        };
        let share = held as f64 / all.max(1) as f64;
        // Floating point only compares worths with each other; whether they refuse is decided in whole numbers.
        (if held < all { share.min(1.0 - 1e-12) } else { share.max(1.0) }, filled)
    }

    /// Returns what the best shards within the caps hold.
    fn best_within(&self, caps: Caps, filled: &[Filled], effort: &Effort) -> u64 {
        let most_shards = (caps.shards as usize).min(self.problem.units.len());
        let limited = caps.containers < UNLIMITED;
        let most_containers = if limited { caps.containers as usize } else { 0 };
        effort.spend(most_shards * (most_containers + 1) * self.columns.len());
        // The best for so many shards with at most so many containers.
        let mut best = vec![0u64; most_containers + 1];
        for _ in 0..most_shards {
            let before = best.clone();
            for (column, filled) in self.columns.iter().zip(filled) {
                let started = if limited { column.containers as usize } else { 0 };
                for containers in started..=most_containers {
                    best[containers] = best[containers].max(before[containers - started] + filled.at_most);
                }
            }
            if best == before {
                break;
            }
        }
        best[most_containers]
    }

    /// Fills a shard of a column with what is worth most.
    fn fill(&self, column: usize, worth: &IxVec<UnitIx, u64>, effort: &Effort) -> Filled {
        let load = |unit: UnitIx| self.problem.units[unit].load.0.max(1);
        let mut units: Vec<UnitIx> =
            self.fitting[column].iter().copied().filter(|unit| worth[*unit] > 0).collect();
        // The most worth for its load first.
        units.sort_by(|a, b| {
            let (one, other) =
                (u128::from(worth[*a]) * u128::from(load(*b)), u128::from(worth[*b]) * u128::from(load(*a)));
            other.cmp(&one).then(a.cmp(b))
        });
        let items = units.iter().map(|unit| {
            let groups = self.apart.of(*unit).iter().filter(|group| **group < 64);
            (worth[*unit], load(*unit), groups.fold(0, |all, group| all | 1 << group))
        });
        let mut knapsack = Knapsack::new(items.collect());
        // Loads were raised to one, which must not make a shard smaller.
        let zeros = units.iter().filter(|unit| self.problem.units[**unit].load.0 == 0).count() as u64;
        let room = self.columns[column].capacity + zeros;
        let at_most = knapsack.bound(0, room);
        knapsack.visit(0, room, 0, 0);
        effort.spend(
            (KNAPSACK_NODES - knapsack.nodes) as usize * (16 + units.len()) + units.len() * units.len(),
        );
        Filled {
            at_most: if knapsack.nodes == 0 { at_most } else { knapsack.best },
            units: knapsack.best_chosen.iter().map(|at| units[*at]).collect(),
        }
    }
}

/// Items with worth, load and groups, the most worth for its load first.
struct Knapsack {
    items: Vec<(u64, u64, u64)>,
    /// For the items from each one on: the sums of the smallest loads, and of the largest worths.
    smallest: Vec<Vec<u64>>,
    worthiest: Vec<Vec<u64>>,
    chosen: Vec<usize>,
    best: u64,
    best_chosen: Vec<usize>,
    nodes: u32,
}

impl Knapsack {
    fn new(items: Vec<(u64, u64, u64)>) -> Self {
        let sums = |sorted: &[u64]| {
            let add = |sum: &mut u64, next: &u64| {
                *sum += next;
                Some(*sum)
            };
            sorted.iter().scan(0, add).collect::<Vec<u64>>()
        };
        let (mut smallest, mut worthiest) = (vec![Vec::new()], vec![Vec::new()]);
        let (mut loads, mut worths): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
        for (worth, load, _) in items.iter().rev() {
            loads.insert(loads.partition_point(|other| other < load), *load);
            worths.insert(worths.partition_point(|other| other > worth), *worth);
            smallest.push(sums(&loads));
            worthiest.push(sums(&worths));
        }
        smallest.reverse();
        worthiest.reverse();
        let (chosen, best_chosen) = (Vec::new(), Vec::new());
        Self { items, smallest, worthiest, chosen, best: 0, best_chosen, nodes: KNAPSACK_NODES }
    }

    /// Returns what the items from one on are worth at most in so much room: as if the last one could be cut, and as
    /// if those that are worth most were as small as the smallest.
    fn bound(&self, from: usize, room: u64) -> u64 {
        let count = self.smallest[from].partition_point(|load| *load <= room);
        let by_count = if count == 0 { 0 } else { self.worthiest[from][count - 1] };
        by_count.min(self.fluid(from, room))
    }

    fn fluid(&self, from: usize, mut room: u64) -> u64 {
        let mut sum = 0;
        for (worth, load, _) in &self.items[from..] {
            if *load > room {
                let part = (u128::from(*worth) * u128::from(room)).div_ceil(u128::from(*load));
                return sum + u64::try_from(part).unwrap_or(u64::MAX);
            }
            sum += worth;
            room -= load;
        }
        sum
    }

    fn visit(&mut self, at: usize, room: u64, worth: u64, groups: u64) {
        let Some(nodes) = self.nodes.checked_sub(1) else { return };
        self.nodes = nodes;
        if worth > self.best {
            self.best = worth;
            self.best_chosen.clone_from(&self.chosen);
        }
        if at == self.items.len() || worth + self.bound(at, room) <= self.best {
            return;
        }
        let (item, load, in_groups) = self.items[at];
        if load <= room && in_groups & groups == 0 {
            self.chosen.push(at);
            self.visit(at + 1, room - load, worth + item, groups | in_groups);
            self.chosen.pop();
        }
        self.visit(at + 1, room, worth, groups);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{Memory, Origin, Sourced};
    use crate::ids::{LaneIx, ServiceIx};
    use crate::model::{Apart, LaneModel, Limits, ServiceKind, ServiceModel, ServiceSet, SuiteOrder, Unit};
    use crate::solve::exact;

    /// Returns a serial lane with two services and units of these loads, each with what it needs as bits.
    fn lane_of(units: &[(u64, u64)], apart: usize) -> Problem {
        let service = |at: u64| ServiceModel {
            name: format!("s{at}").parse().unwrap(),
            kind: ServiceKind::Container,
            containers: 1,
            pull: Millis(7 * at + 2),
            ready: Millis(3),
            attach: Millis::ZERO,
            memory: Memory(0),
        };
        let lane = LaneModel {
            name: "lane".parse().unwrap(),
            base: Millis(5),
            tail: Millis::ZERO,
            head: Millis::ZERO,
            after: Millis::ZERO,
            speed: 1000,
            services: ServiceSet::from_iter([ServiceIx(0)]),
            max_shards: u32::MAX,
            max_shards_origin: Origin::Default,
            memory: Memory(0),
            runner_memory: None,
            runners: Vec::new(),
            runner: None,
            needs: Vec::new(),
            order: SuiteOrder::Free,
        };
        let unit = |(load, needs): &(u64, u64)| Unit {
            name: String::new(),
            lane: LaneIx(0),
            load: Millis(*load),
            piece: Millis(*load),
            requirement: (0..2).filter(|at| needs >> at & 1 == 1).map(ServiceIx).collect(),
        };
        let members: Vec<UnitIx> = (0u32..).map(UnitIx).take(apart.min(units.len())).collect();
        let group = Apart { name: "apart".into(), origin: Origin::Default, units: members };
        Problem {
            services: (0..2).map(service).collect(),
            lanes: [lane].into_iter().collect(),
            units: units.iter().map(unit).collect(),
            apart: if apart > 1 { vec![group] } else { Vec::new() },
            ..Problem::default()
        }
    }

    /// Returns the bound and the end of the best plan, where there is one.
    fn bound_and_best(problem: &Problem, containers: u32, shards: u32) -> Option<(Millis, Millis)> {
        let limits = Limits {
            containers: Some(Sourced::new(containers, Origin::Default)),
            shards: Some(Sourced::new(shards, Origin::Default)),
            ..Limits::default()
        };
        let any = (Millis(u64::MAX), u64::MAX, u32::MAX, usize::MAX);
        let found = exact::search(problem, &limits, any, Millis::ZERO, u32::MAX);
        let best = super::super::planner::Candidate::new(problem, found.shards?).end;
        let (master, apart) = (Master::new(problem), ApartIndex::new(problem));
        let caps = master.caps(&limits)?;
        let bound =
            lower_bound(&master, &apart, caps, (Millis(1), best), &Effort::new(Effort::COMMAND / 1_000));
        Some((bound, best))
    }

    #[test]
    fn units_that_go_three_to_a_shard_are_counted() {
        // Work for two shards and a third, but no shard holds more than two units: four shards are needed.
        let units = [(40, 0), (41, 0), (42, 0), (43, 0), (44, 0), (45, 0), (46, 0)];
        let (bound, best) = bound_and_best(&lane_of(&units, 0), 3, 3).unwrap();
        assert_eq!(bound, best);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_plan_ends_before_the_bound(
            units in prop::collection::vec((0u64..100, 0u64..4), 1..8),
            containers in 1u32..7,
            shards in 1u32..5,
            apart in 0usize..4,
        ) {
            if let Some((bound, best)) = bound_and_best(&lane_of(&units, apart), containers, shards) {
                prop_assert!(bound <= best, "{bound} is after {best}");
            }
        }

        #[test]
        fn a_knapsack_is_filled_with_what_is_worth_most(
            mut items in prop::collection::vec((1u64..50, 1u64..30, 0u64..4), 0..9),
            room in 0u64..80,
        ) {
            items.sort_by(|a, b| (b.0 * a.1).cmp(&(a.0 * b.1)));
            let best = (0u32..1 << items.len())
                .filter_map(|chosen| {
                    let (mut worth, mut load, mut groups) = (0, 0, 0);
                    for (at, item) in items.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1) {
                        (worth, load) = (worth + item.0, load + items[at].1);
                        if groups & item.2 != 0 {
                            return None;
                        }
                        groups |= item.2;
                    }
                    (load <= room).then_some(worth)
                })
                .max()
                .unwrap_or(0);
            let mut knapsack = Knapsack::new(items);
            prop_assert!(knapsack.bound(0, room) >= best);
            knapsack.visit(0, room, 0, 0);
            prop_assert_eq!(knapsack.best, best);
        }
    }
}
