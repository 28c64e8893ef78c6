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
