//! Which shard of a plan continues which shard of the plan before, and what has moved.
//!
//! Every new shard continues one old shard at the most, and none two. Of all ways to say which, the one counts in which
//! the fewest units move, and of those the one in which these take the least time: an assignment problem, solved by
//! shortest paths over dual prices (Kuhn, "The Hungarian method for the assignment problem", 1955, in the form of Jonker
//! and Volgenant, 1987).

use super::{Placement, Solution, SolvedShard};
use crate::ids::UnitIx;
use crate::model::Problem;

/// With more shards than this the pairs that share most are taken first, which need not be best.
const MOST_SHARDS: usize = 400;

/// Returns, for every shard of the solution, the old shard that it continues.
#[must_use]
pub fn homes(problem: &Problem, solution: &Solution, previous: &Placement) -> Vec<Option<u32>> {
    let everything: u64 = problem.units.iter().map(|unit| unit.load.0).sum();
    let mut old_shards: Vec<u32> = previous.iter().copied().flatten().collect();
    old_shards.sort_unstable();
    old_shards.dedup();
    let mut shared = vec![vec![0i128; old_shards.len()]; solution.shards.len()];
    for (row, shard) in shared.iter_mut().zip(&solution.shards) {
        for unit in &shard.units {
            if let Some(old) = home_of(previous, *unit)
                && let Ok(at) = old_shards.binary_search(&old)
            {
                // Any unit counts for more than all time together.
                row[at] += i128::from(everything) + 1 + i128::from(problem.units[*unit].load.0);
            }
        }
    }
    let chosen = if shared.len().max(old_shards.len()) <= MOST_SHARDS {
        heaviest_pairs(&shared)
    } else {
        largest_first(&shared)
    };
    chosen.into_iter().map(|at| at.map(|at| old_shards[at])).collect()
}

/// Returns the units that are on a shard which does not continue the one they were on, in order.
#[must_use]
pub fn moved(problem: &Problem, solution: &Solution, previous: &Placement) -> Vec<UnitIx> {
    let homes = homes(problem, solution, previous);
    let away = |(shard, home): (&SolvedShard, Option<u32>)| {
        let has_left = move |unit: &UnitIx| home_of(previous, *unit).is_some_and(|old| Some(old) != home);
        shard.units.iter().copied().filter(has_left).collect::<Vec<_>>()
    };
    let mut moved: Vec<UnitIx> = solution.shards.iter().zip(homes).flat_map(away).collect();
    moved.sort_unstable();
    moved
}

/// Returns where a unit was.
pub(super) fn home_of(previous: &Placement, unit: UnitIx) -> Option<u32> {
    previous.get(unit).copied().flatten()
}

/// Returns for every row the column that it is paired with, so that the pairs weigh most together; pairs without
/// weight are none.
fn heaviest_pairs(weights: &[Vec<i128>]) -> Vec<Option<usize>> {
    let rows = weights.len();
    let columns = weights.first().map_or(0, Vec::len);
    // Every row finds a column: one that is made up, where it pairs with none.
    let width = rows + columns;
    let cost = |row: usize, column: usize| if column < columns { -weights[row][column] } else { 0 };
    let (mut row_price, mut column_price) = (vec![0i128; rows], vec![0i128; width]);
    let mut row_of: Vec<Option<usize>> = vec![None; width];
    for row in 0..rows {
        // The shortest way from this row to a free column, over what pairs cost beyond their prices.
        let mut distance = vec![i128::MAX; width];
        let mut before: Vec<Option<usize>> = vec![None; width];
        let mut done = vec![false; width];
        let (mut at_row, mut at_column, mut length) = (row, None, 0i128);
        let free = loop {
            for column in (0..width).filter(|column| !done[*column]) {
                let way = length + cost(at_row, column) - row_price[at_row] - column_price[column];
                if way < distance[column] {
                    (distance[column], before[column]) = (way, at_column);
                }
            }
            let nearest = (0..width).filter(|column| !done[*column]).min_by_key(|column| distance[*column]);
            let Some(column) = nearest else { break None };
            done[column] = true;
            length = distance[column];
            match row_of[column] {
                Some(next) => (at_row, at_column) = (next, Some(column)),
                None => break Some(column),
            }
        };
        let Some(mut column) = free else { continue };
        row_price[row] += length;
        for other in (0..width).filter(|other| done[*other] && *other != column) {
            column_price[other] -= length - distance[other];
            if let Some(held) = row_of[other] {
                row_price[held] += length - distance[other];
            }
        }
        while let Some(earlier) = before[column] {
            row_of[column] = row_of[earlier];
            column = earlier;
        }
        row_of[column] = Some(row);
    }
    let mut chosen = vec![None; rows];
    for (column, row) in row_of.into_iter().enumerate().take(columns) {
        if let Some(row) = row.filter(|row| weights[*row][column] > 0) {
            chosen[row] = Some(column);
        }
    }
    chosen
}

/// Returns pairs as [`heaviest_pairs`] does, the heaviest one first and so on.
fn largest_first(weights: &[Vec<i128>]) -> Vec<Option<usize>> {
    let mut pairs: Vec<(i128, usize, usize)> = Vec::new();
    for (row, weights) in weights.iter().enumerate() {
        let heavy = weights.iter().enumerate().filter(|(_, weight)| **weight > 0);
        pairs.extend(heavy.map(|(column, weight)| (-*weight, row, column)));
    }
    pairs.sort_unstable();
    let mut chosen = vec![None; weights.len()];
    let mut taken = vec![false; weights.first().map_or(0, Vec::len)];
    for (_, row, column) in pairs {
        if chosen[row].is_none() && !taken[column] {
            (chosen[row], taken[column]) = (Some(column), true);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns what the best pairs weigh, by trying everything.
    fn heaviest(weights: &[Vec<i128>], taken: &mut Vec<bool>) -> i128 {
        let Some((row, rest)) = weights.split_first() else { return 0 };
        let mut best = heaviest(rest, taken);
        for (column, weight) in row.iter().enumerate() {
            if !taken[column] {
                taken[column] = true;
                best = best.max(weight + heaviest(rest, taken));
                taken[column] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_pairs_weigh_more(
            columns in 0usize..6,
            rows in prop::collection::vec(prop::collection::vec(prop_oneof![Just(0i128), 0i128..30], 6), 0..6),
        ) {
            let weights: Vec<Vec<i128>> = rows.iter().map(|row| row[..columns].to_vec()).collect();
            let chosen = heaviest_pairs(&weights);
            let mut used: Vec<usize> = chosen.iter().copied().flatten().collect();
            let found: i128 =
                weights.iter().zip(&chosen).filter_map(|(row, at)| at.map(|at| row[at])).sum();
            prop_assert_eq!(found, heaviest(&weights, &mut vec![false; columns]));
            used.sort_unstable();
            used.dedup();
            prop_assert_eq!(used.len(), chosen.iter().flatten().count(), "a column is taken twice");
            prop_assert!(weights.iter().zip(&chosen).all(|(row, at)| at.is_none_or(|at| row[at] > 0)));
        }
    }
}
