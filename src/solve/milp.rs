//! The master stated as a mixed-integer program, for any solver that `good_lp` knows.
//!
//! It shares nothing with the search but the question, and is what the search is held against: with the pure-Rust
//! engine by default, with `HiGHS` under the feature `highs`.

use good_lp::{Expression, ProblemVariables, Solution as _, SolverModel, Variable, constraint, variable};

use super::question::{Caps, Question};

#[cfg(feature = "highs")]
use good_lp::highs as engine;
#[cfg(not(feature = "highs"))]
use good_lp::microlp as engine;

/// Returns the fewest containers that answer the question within the caps, or nothing where none do.
pub(super) fn fewest_containers(question: &Question, caps: Caps) -> Option<f64> {
    let mut variables = ProblemVariables::new();
    let counts: Vec<Variable> =
        question.columns.iter().map(|_| variables.add(variable().min(0.0).integer())).collect();
    // Work is measured in shares of all work, which keeps the numbers near one.
    let total: u64 = question.classes.iter().map(|class| class.demand).sum::<u64>().max(1);
    let share = |work: u64| work as f64 / total as f64;
    let flows: Vec<Vec<(usize, Variable)>> = question
        .classes
        .iter()
        .map(|class| {
            let able = question.columns.iter().enumerate().filter(|(_, column)| column.takes(class));
            able.map(|(at, _)| (at, variables.add(variable().min(0.0)))).collect()
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
    for (flow, class) in flows.iter().zip(&question.classes) {
        let sent: Expression = flow.iter().map(|(_, work)| *work).sum();
        program = program.with(constraint!(sent == share(class.demand)));
    }
    for (ix, (column, count)) in question.columns.iter().zip(&counts).enumerate() {
        let taken: Expression =
            flows.iter().flatten().filter(|(to, _)| *to == ix).map(|(_, work)| *work).sum();
        program = program.with(constraint!(taken <= share(column.capacity) * *count));
    }
    for cover in &question.covers {
        let able = question.columns.iter().zip(&counts).filter(|(column, _)| cover.counts(column));
        let with_these: Expression = able.map(|(_, count)| *count).sum();
        program = program.with(constraint!(with_these >= f64::from(cover.shards)));
    }
    program = program.with(constraint!(number <= f64::from(caps.shards)));
    let solution = program.solve().ok()?;
    Some(solution.eval(containers))
}

mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{Memory, Origin};
    use crate::ids::{LaneIx, ServiceIx};
    use crate::model::{LaneModel, Problem, ServiceKind, ServiceModel, ServiceSet, SuiteOrder, Unit};
    use crate::solve::effort::Effort;
    use crate::solve::master::Master;
    use crate::solve::question::{Caps, Resource, Verdict};
    use crate::time::Millis;

    /// Returns a lane of units, each with its load and its services as bits.
    fn lane_of(units: &[(u64, u64)], boots: &[u64]) -> Problem {
        let services_of = |bits: u64| -> ServiceSet {
            (0u32..).zip(boots).filter(|(at, _)| bits >> at & 1 == 1).map(|(at, _)| ServiceIx(at)).collect()
        };
        let service = |(at, boot): (usize, &u64)| ServiceModel {
            name: format!("s{at}").parse().unwrap(),
            kind: ServiceKind::Container,
            containers: 1,
            pull: Millis(*boot),
            ready: Millis::ZERO,
            attach: Millis::ZERO,
            memory: Memory(0),
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
            memory: Memory(0),
            runner_memory: None,
            runners: Vec::new(),
            runner: None,
            needs: Vec::new(),
            order: SuiteOrder::Free,
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
            let question = master.question(master.unit_bound().0 + Millis(slack));
            let caps = Caps { containers: u32::MAX / 4, shards, overhead: u64::MAX / 4 };
            let program = fewest_containers(&question, caps);
            match question.least(caps, Resource::Containers, &Effort::new(Effort::COMMAND)) {
                Verdict::Yes(found) => {
                    prop_assert!(found.proven);
                    let containers = question.usage(&found.counts, Resource::Containers);
                    let program = program.expect("the search has an answer");
                    prop_assert!((program - containers as f64).abs() < 1e-3, "{} {}", program, containers);
                }
                Verdict::No => prop_assert!(program.is_none(), "the program starts {program:?}"),
                Verdict::Unknown => prop_assert!(false, "so small a question is answered"),
            }
        }
    }
}
