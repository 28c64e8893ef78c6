//! Which columns to search among, where there are too many to carry along.

use super::cuts::Cut;
use super::question::Column;
use super::rows::{Proof, Row};
use super::search::{CUT_ROUNDS, Search, Visit};
use super::simplex::Outcome;
use crate::model::ServiceSet;

/// From how many columns on only those are searched among that could matter.
pub(super) const MANY_COLUMNS: usize = 1_000;

/// How many columns are searched among at the most. Where more could matter, a search that finds nothing proves
/// nothing.
const MOST_COLUMNS: usize = 1_500;

/// How many times columns are added, and how many at once.
const PRICING_ROUNDS: usize = 40;
const COLUMNS_AT_ONCE: usize = 200;

impl Search<'_> {
    /// Chooses the columns to search among, where there are too many to carry along: the relaxation is solved over
    /// a few, those of all that its prices call for are added, and in the end all are kept that its proof does not
    /// rule out. Returns what everything came to, where the relaxation says it.
    pub(super) fn choose_columns(&mut self) -> Option<Visit> {
        let whole = self.whole;
        let few: Vec<ServiceSet> = whole.classes.iter().map(|class| class.needs).collect();
        let mut active: Vec<bool> = whole
            .columns
            .iter()
            .map(|column| {
                // Requirements, unions of two of them, and nearly everything.
                let inside = few.iter().filter(|needs| column.services.covers(**needs));
                let union = inside.clone().fold(ServiceSet::EMPTY, |all, needs| all.union(*needs));
                inside.count() <= 4
                    || union.len() + 1 >= few.iter().fold(ServiceSet::EMPTY, |all, n| all.union(*n)).len()
            })
            .collect();
        let mut cuts = Vec::new();
        let given = self.given_rows(whole);
        for _ in 0..PRICING_ROUNDS {
            let kept: Vec<usize> = (0..active.len()).filter(|at| active[*at]).collect();
            self.question = whole.clone();
            self.question.keep(&kept);
            self.cuts.renew(&self.question, self.effort);
            self.columns = kept;
            let mut rows = self.given_rows(&self.question);
            rows.extend(cuts.iter().filter_map(|cut: &Cut| cut.row(&self.question)));
            let mut node = self.node(&rows);
            let mut rounds = CUT_ROUNDS[0];
            let outcome = loop {
                let outcome = node.tableau.solve(self.effort);
                if outcome != Outcome::Optimal || rounds == 0 {
                    break outcome;
                }
                rounds -= 1;
                let solution = node.tableau.solution();
                self.effort.spend(self.cuts.cost(&solution));
                let broken = self.cuts.broken_by(&self.question, &solution, true);
                if broken.is_empty() {
                    break outcome;
                }
                for cut in broken {
                    if let Some(row) = cut.row(&self.question) {
                        node.add(row);
                        cuts.push(cut);
                    }
                }
            };
            let (multipliers, cap) = match outcome {
                Outcome::CutOff => return Some(Visit::CutOff),
                Outcome::Infeasible(row) => (node.tableau.ray(row), None),
                Outcome::Optimal => (node.tableau.prices(), Some(self.caps.of(self.resource))),
            };
            // A row that is worth nothing need not be written out over all columns.
            let (of_given, of_cuts) = multipliers.split_at(given.len().min(multipliers.len()));
            let cuts = cuts.iter().zip(of_cuts).filter(|(_, multiplier)| **multiplier > 0.0);
            let cuts = cuts.filter_map(|(cut, multiplier)| Some((cut.row(whole)?, *multiplier)));
            let given = given.iter().cloned().zip(of_given.iter().copied());
            let (rows, multipliers): (Vec<Row>, Vec<f64>) = given.chain(cuts).unzip();
            self.effort.spend(rows.len() * whole.columns.len());
            let proof = Proof::of(rows.iter(), &multipliers, whole.columns.len())?;
            let cost = |column: &Column| if cap.is_some() { column.cost(self.resource) } else { 0 };
            let most: Vec<u32> = whole.columns.iter().map(|column| self.most_of(column)).collect();
            let slack = match proof.refuses(whole.columns.iter().map(cost), &most, cap.unwrap_or(0)) {
                Ok(()) => return Some(Visit::Done),
                Err(slack) => slack,
            };
            let mut wanted: Vec<(i128, usize)> = whole
                .columns
                .iter()
                .enumerate()
                .filter(|(at, _)| !active[*at])
                .map(|(at, column)| (proof.profit(at, cost(column)), at))
                .filter(|(profit, _)| *profit > 0)
                .collect();
            if wanted.is_empty() {
                let mut kept: Vec<(i128, usize)> = whole
                    .columns
                    .iter()
                    .enumerate()
                    .map(|(at, column)| (-proof.profit(at, cost(column)), at))
                    .filter(|(loss, at)| *loss <= slack || active[*at] && cap.is_none())
                    .collect();
                self.complete = kept.len() <= MOST_COLUMNS;
                kept.sort_unstable();
                kept.truncate(MOST_COLUMNS);
                let mut kept: Vec<usize> = kept.into_iter().map(|(_, at)| at).collect();
                kept.sort_unstable();
                self.question = whole.clone();
                self.question.keep(&kept);
                self.cuts.renew(&self.question, self.effort);
                self.columns = kept;
                return None;
            }
            wanted.sort_unstable_by(|a, b| b.cmp(a));
            wanted.into_iter().take(COLUMNS_AT_ONCE).for_each(|(_, at)| active[at] = true);
        }
        self.complete = false;
        None
    }
}
