//! The master stated as a mixed-integer linear program, for any solver that `good_lp` knows.
//!
//! The search answers almost every question by itself. Where it is cut off, the linear relaxation is asked
//! whether it can refuse the question; and the tests hold the search against the whole program.

use good_lp::{Expression, ProblemVariables, Solution as _, SolverModel, Variable, constraint, variable};

use super::search::{Caps, Question};

#[cfg(feature = "highs")]
use good_lp::highs as engine;
#[cfg(not(feature = "highs"))]
use good_lp::microlp as engine;

/// Whether shard counts are whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shards {
    /// They may be any number from 0: a relaxation.
    Divisible,
    /// They are whole.
    Whole,
}

/// Floating-point engines answer within a tolerance. A refusal counts only where it is this clear, relative to
/// the number of containers.
const CLEARLY: f64 = 1e-6;

/// Returns whether the relaxation proves that the question has no answer within the caps.
pub(super) fn refuses(question: &Question, caps: Caps) -> bool {
    let uncapped = Caps { containers: u32::MAX, ..caps };
    match fewest_containers(question, uncapped, Shards::Divisible) {
        Some(containers) => containers * (1.0 - CLEARLY) > f64::from(caps.containers) + CLEARLY,
        // That nothing fits at all is a claim without a margin; it is left to the search.
        None => false,
    }
}

/// Returns the fewest containers that answer the question within the caps, or nothing where none do.
pub(super) fn fewest_containers(question: &Question, caps: Caps, shards: Shards) -> Option<f64> {
    let mut variables = ProblemVariables::new();
    let counts: Vec<Variable> = question
        .columns
        .iter()
        .map(|_| {
            let count = variable().min(0.0);
            variables.add(if shards == Shards::Whole { count.integer() } else { count })
        })
        .collect();
    // Work is measured in shares of all work, which keeps the numbers near one.
    let total: u64 = question.transport.demand.iter().sum::<u64>().max(1);
    let share = |work: u64| work as f64 / total as f64;
    let flows: Vec<Vec<(usize, Variable)>> = question
        .transport
        .allowed
        .iter()
        .map(|columns| {
            columns.iter().map(|column| (usize::from(*column), variables.add(variable().min(0.0)))).collect()
        })
        .collect();

    let containers: Expression = question
        .columns
        .iter()
        .zip(&counts)
        .map(|(column, count)| f64::from(column.containers) * *count)
        .sum();
    let number: Expression = counts.iter().sum();
    let overhead: Expression =
        question.columns.iter().zip(&counts).map(|(column, count)| share(column.overhead) * *count).sum();

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
    if caps.shards < u32::MAX / 8 {
        program = program.with(constraint!(number <= f64::from(caps.shards)));
    }
    if caps.containers < u32::MAX / 8 {
        program = program.with(constraint!(containers.clone() <= f64::from(caps.containers)));
    }
    if caps.overhead < u64::MAX / 8 {
        program = program.with(constraint!(overhead <= share(caps.overhead)));
    }
    let solution = program.solve().ok()?;
    Some(solution.eval(containers))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Origin;
    use crate::ids::{LaneIx, ServiceIx};
    use crate::model::{LaneModel, Problem, ServiceModel, ServiceSet, Unit};
    use crate::solve::master::Master;
    use crate::solve::search::Verdict;
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
            let program = fewest_containers(&question, caps, Shards::Whole);
            match question.fewest_containers(caps) {
                Verdict::Yes(found) => {
                    prop_assert!(found.proven);
                    let containers = question.usage(&found.counts).containers;
                    let program = program.expect("the search has an answer");
                    prop_assert!((program - f64::from(containers)).abs() < 1e-3, "{} {}", program, containers);
                    let enough = Caps { containers, ..caps };
                    prop_assert!(!refuses(&question, enough), "the relaxation refuses an answer");
                }
                Verdict::No => prop_assert!(program.is_none(), "the program starts {program:?}"),
                Verdict::Unknown => prop_assert!(false, "so small a question is answered"),
            }
        }
    }
}
