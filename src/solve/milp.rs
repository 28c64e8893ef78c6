//! The master stated as a linear program, for any solver that `good_lp` knows.
//!
//! Where a search does not come to an end quickly, the dual of the program's relaxation is asked for *prices*: so
//! much for every piece of work that a column takes, so much for a shard that a row asks for, such that no
//! column earns more than it costs. Then all work and all rows together, at these prices, are a lower bound on
//! the cost of any answer, and what the columns chosen so far earn less than they cost adds to it. The engine
//! computes in floating point, but prices need not be the best ones: they are rounded to whole numbers and
//! checked, so what they refuse is refused exactly.
//!
//! The tests hold the search against the whole program, with shard counts as integers.

use good_lp::{Expression, ProblemVariables, Solution as _, SolverModel, Variable, constraint, variable};

use super::search::{Question, Resource};

#[cfg(feature = "highs")]
use good_lp::highs as engine;
#[cfg(not(feature = "highs"))]
use good_lp::microlp as engine;

/// What one unit of a resource is worth in the whole numbers that prices are rounded to.
const ONE: u64 = 1 << 48;

/// By how much prices are lowered, so that rounding never makes a column earn more than it costs.
const LOWERED: f64 = 1.0 - 1e-9;

/// Prices for the work and the rows of a question, in one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prices {
    /// What all work and all rows are worth.
    due: i128,
    /// What one shard of each column earns, at most what it costs.
    earned: Vec<i128>,
}

impl Prices {
    /// Returns the best prices of a question, or nothing where the engine finds none.
    pub(super) fn of(question: &Question, resource: Resource) -> Option<Self> {
        let mut variables = ProblemVariables::new();
        let mut price = || variables.add(variable().min(0.0));
        let work: Vec<Variable> = question.transport.demand.iter().map(|_| price()).collect();
        let rows: Vec<Variable> = question.rows.iter().map(|_| price()).collect();
        // Work is measured in shares of all work, which keeps the numbers near one.
        let total: u64 = question.transport.demand.iter().sum::<u64>().max(1);
        let share = |work: u64| work as f64 / total as f64;

        let demand = question.transport.demand.iter().zip(&work);
        let worth: Expression = demand.map(|(demand, price)| share(*demand) * *price).sum::<Expression>()
            + question
                .rows
                .iter()
                .zip(&rows)
                .map(|(row, price)| f64::from(row.shards) * *price)
                .sum::<Expression>();
        let mut program = variables.maximise(worth).using(engine);
        for (ix, column) in (0u16..).zip(&question.columns) {
            let cost = column.cost(resource) as f64;
            let for_rows = |expression: Expression| {
                let asking = question.rows.iter().zip(&rows).filter(|(row, _)| row.columns.contains(&ix));
                asking.fold(expression, |sum, (_, price)| sum + *price)
            };
            let mut takes_work = false;
            for (allowed, price) in question.transport.allowed.iter().zip(&work) {
                if allowed.contains(&ix) && column.capacity > 0 {
                    takes_work = true;
                    program = program.with(constraint!(for_rows(share(column.capacity) * *price) <= cost));
                }
            }
            if !takes_work {
                program = program.with(constraint!(for_rows(Expression::from(0.0)) <= cost));
            }
        }
        let solution = program.solve().ok()?;
        let work: Vec<f64> = work.iter().map(|price| solution.value(*price) / total as f64).collect();
        let rows: Vec<f64> = rows.iter().map(|price| solution.value(*price)).collect();
        Self::rounded(question, resource, &work, &rows)
    }

    /// Returns prices (a millisecond of work of every source, a shard of every row) as whole numbers, or nothing
    /// where a column would earn more than it costs.
    fn rounded(question: &Question, resource: Resource, work: &[f64], rows: &[f64]) -> Option<Self> {
        let is_free = |ix: &u16| question.columns[usize::from(*ix)].cost(resource) == 0;
        let whole = |price: f64, columns: &[u16]| {
            if columns.iter().any(is_free) { 0 } else { rounded_down(price * LOWERED * ONE as f64) }
        };
        let mut prices = Self { due: 0, earned: vec![0; question.columns.len()] };
        let transport = &question.transport;
        for ((demand, allowed), price) in transport.demand.iter().zip(&transport.allowed).zip(work) {
            let price = whole(*price, allowed);
            prices.due += i128::from(*demand) * price;
            for ix in allowed.iter().map(|ix| usize::from(*ix)) {
                let earned = i128::from(question.columns[ix].capacity) * price;
                prices.earned[ix] = prices.earned[ix].max(earned);
            }
        }
        for (row, price) in question.rows.iter().zip(rows) {
            let price = whole(*price, &row.columns);
            prices.due += i128::from(row.shards) * price;
            for ix in &row.columns {
                prices.earned[usize::from(*ix)] += price;
            }
        }
        let mut columns = question.columns.iter().zip(&prices.earned);
        let sound =
            columns.all(|(column, earned)| *earned <= i128::from(column.cost(resource)) * i128::from(ONE));
        sound.then_some(prices)
    }

    /// Returns whether shards that cost `left` at the most can not do what these counts leave undone.
    pub(super) fn refuse(&self, counts: &[u32], left: u64) -> bool {
        let earned: i128 =
            self.earned.iter().zip(counts).map(|(earned, count)| earned * i128::from(*count)).sum();
        self.due - earned > i128::from(left) * i128::from(ONE)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
fn rounded_down(price: f64) -> i128 {
    price.max(0.0).floor() as i128
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Origin;
    use crate::ids::{LaneIx, ServiceIx};
    use crate::model::{LaneModel, Problem, ServiceModel, ServiceSet, Unit};
    use crate::solve::master::Master;
    use crate::solve::search::{Caps, Verdict};
    use crate::time::Millis;

    /// Returns a lane of units, each with its load and its services as bits.
    fn lane_of(units: &[(u64, u64)], boots: &[u64]) -> Problem {
        let services_of = |bits: u64| -> ServiceSet {
            (0u32..).zip(boots).filter(|(at, _)| bits >> at & 1 == 1).map(|(at, _)| ServiceIx(at)).collect()
        };
        let service = |(at, boot): (usize, &u64)| ServiceModel {
            name: format!("s{at}").parse().unwrap(),
            containers: 1,
            pull: Millis(*boot),
            ready: Millis::ZERO,
            attach: Millis::ZERO,
        };
        let lane = LaneModel {
            name: "lane".parse().unwrap(),
            base: Millis::ZERO,
            tail: Millis::ZERO,
            head: Millis::ZERO,
            after: Millis::ZERO,
            speed: 1000,
            services: ServiceSet::EMPTY,
            max_shards: u32::MAX,
            max_shards_origin: Origin::Default,
        };
        let unit = |(load, bits): &(u64, u64)| Unit {
            name: String::new(),
            lane: LaneIx(0),
            load: Millis(*load),
            piece: Millis(*load),
            requirement: services_of(*bits),
        };
        Problem {
            services: boots.iter().enumerate().map(service).collect(),
            lanes: [lane].into_iter().collect(),
            units: units.iter().map(unit).collect(),
            ..Problem::default()
        }
    }

    /// Returns the fewest containers that answer the question within the caps, or nothing where none do.
    fn fewest_containers(question: &Question, caps: Caps) -> Option<f64> {
        let mut variables = ProblemVariables::new();
        let counts: Vec<Variable> =
            question.columns.iter().map(|_| variables.add(variable().min(0.0).integer())).collect();
        let total: u64 = question.transport.demand.iter().sum::<u64>().max(1);
        let share = |work: u64| work as f64 / total as f64;
        let flows: Vec<Vec<(usize, Variable)>> = question
            .transport
            .allowed
            .iter()
            .map(|columns| {
                let flow = |column: &u16| (usize::from(*column), variables.add(variable().min(0.0)));
                columns.iter().map(flow).collect()
            })
            .collect();
        let containers: Expression = question
            .columns
            .iter()
            .zip(&counts)
            .map(|(column, count)| f64::from(column.containers) * *count)
            .sum();
        let number: Expression = counts.iter().sum();
        let mut program = variables.minimise(containers.clone()).using(engine);
        for (flow, demand) in flows.iter().zip(&question.transport.demand) {
            let sent: Expression = flow.iter().map(|(_, work)| *work).sum();
            program = program.with(constraint!(sent == share(*demand)));
        }
        for (ix, (column, count)) in question.columns.iter().zip(&counts).enumerate() {
            let taken: Expression =
                flows.iter().flatten().filter(|(to, _)| *to == ix).map(|(_, work)| *work).sum();
            program = program.with(constraint!(taken <= share(column.capacity) * *count));
        }
        for row in &question.rows {
            let with_these: Expression = row.columns.iter().map(|ix| counts[usize::from(*ix)]).sum();
            program = program.with(constraint!(with_these >= f64::from(row.shards)));
        }
        program = program.with(constraint!(number <= f64::from(caps.shards)));
        let solution = program.solve().ok()?;
        Some(solution.eval(containers))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_search_and_the_program_agree_on_the_fewest_containers(
            units in prop::collection::vec((0u64..100, 0u64..16), 1..9),
            boots in prop::collection::vec(0u64..20, 4),
            slack in 0u64..150,
            shards in 1u32..8,
        ) {
            let problem = lane_of(&units, &boots);
            let master = Master::new(&problem);
            let mut question = master.question(LaneIx(0), master.unit_bound().0 + Millis(slack));
            let caps = Caps { containers: u32::MAX / 4, shards, overhead: u64::MAX / 4 };
            let program = fewest_containers(&question, caps);
            match question.fewest_containers(caps) {
                Verdict::Yes(found) => {
                    prop_assert!(found.proven);
                    let containers = question.usage(&found.counts).containers;
                    let program = program.expect("the search has an answer");
                    prop_assert!((program - f64::from(containers)).abs() < 1e-3, "{} {}", program, containers);
                    for resource in Resource::ALL {
                        let prices = Prices::of(&question, resource).expect("there are prices");
                        let used = question.usage(&found.counts).of(resource);
                        let none = vec![0; question.columns.len()];
                        prop_assert!(!prices.refuse(&none, used), "prices refuse an answer");
                        prop_assert!(!prices.refuse(&found.counts, 0), "prices refuse a full answer");
                    }
                }
                Verdict::No => prop_assert!(program.is_none(), "the program starts {program:?}"),
                Verdict::Unknown => prop_assert!(false, "so small a question is answered"),
            }
        }
    }
}
