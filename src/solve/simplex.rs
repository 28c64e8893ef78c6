//! A dense simplex tableau for covering programs: minimise cost · y with rows a · y ≥ b and y ≥ 0.
//!
//! No cost is negative, so the slacks are a start that the dual simplex method (Lemke, 1954) can go on from, and
//! so is every optimum to which further rows are added. Floating point decides here which way to go and never
//! what is true: the multipliers of the rows are checked in whole numbers by whoever uses them, and any
//! multipliers that are not negative will do.

use super::effort::Effort;

/// What is taken for zero.
const TINY: f64 = 1e-9;

/// The smallest pivot that is divided by.
const PIVOT: f64 = 1e-7;

/// The program, solved as far as it was asked to be.
#[derive(Clone, Debug)]
pub(super) struct Tableau {
    /// How many columns are variables; behind them comes a slack for each row.
    variables: usize,
    /// The coefficients of all rows in terms of the variables out of the basis, row by row.
    cells: Vec<f64>,
    /// How far rows lie apart: there is room for further slacks.
    stride: usize,
    /// The value of each row's basic variable.
    values: Vec<f64>,
    /// The basic variable of each row.
    basis: Vec<usize>,
    /// The reduced cost of every variable and slack.
    reduced: Vec<f64>,
}

/// What solving came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// No cheaper solution exists, as far as floating point can tell.
    Optimal,
    /// The multipliers of this row show that nothing fulfils all rows.
    Infeasible(usize),
    /// The allowance was spent, or the numbers went astray.
    CutOff,
}

impl Tableau {
    /// Returns a program without rows; `rows` is how many are expected.
    pub(super) fn new(costs: Vec<f64>, rows: usize) -> Self {
        Self {
            variables: costs.len(),
            cells: Vec::with_capacity((costs.len() + rows) * rows),
            stride: costs.len() + rows,
            values: Vec::new(),
            basis: Vec::new(),
            reduced: costs,
        }
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.cells[row * self.stride..row * self.stride + self.reduced.len()]
    }

    /// Makes room for further slacks.
    fn widen(&mut self) {
        let stride = self.stride + 64;
        let mut cells = vec![0.0; stride * self.values.len()];
        for (wide, row) in cells.chunks_mut(stride).zip(self.cells.chunks(self.stride)) {
            wide[..row.len()].copy_from_slice(row);
        }
        self.cells = cells;
        self.stride = stride;
    }

    /// Adds the row a · y ≥ b.
    pub(super) fn add(&mut self, coefficients: &[f64], at_least: f64) {
        let slack = self.reduced.len();
        if slack == self.stride {
            self.widen();
        }
        self.reduced.push(0.0);
        let mut row: Vec<f64> = coefficients.iter().map(|coefficient| -coefficient).collect();
        row.resize(slack, 0.0);
        row.push(1.0);
        let mut value = -at_least;
        for (at, basic) in self.basis.iter().enumerate() {
            let factor = coefficients.get(*basic).copied().unwrap_or(0.0);
            if factor != 0.0 {
                // The basic variable is its value less what the others of its row take.
                subtract(&mut row, self.row(at), -factor);
                value += factor * self.values[at];
                row[*basic] = 0.0;
            }
        }
        row.resize(self.stride, 0.0);
        self.cells.extend_from_slice(&row);
        self.values.push(value);
        self.basis.push(slack);
    }

    /// Goes on until no row is broken.
    pub(super) fn solve(&mut self, effort: &Effort) -> Outcome {
        let most = 50 * (self.values.len() + 20);
        for _ in 0..most {
            let broken = (0..self.values.len()).min_by(|a, b| self.values[*a].total_cmp(&self.values[*b]));
            let Some(leaving) = broken.filter(|row| self.values[*row] < -TINY) else {
                return Outcome::Optimal;
            };
            let Some(entering) = self.entering(leaving) else { return Outcome::Infeasible(leaving) };
            if !effort.spend(self.values.len() * self.reduced.len()) {
                return Outcome::CutOff;
            }
            self.pivot(leaving, entering);
        }
        Outcome::CutOff
    }

    /// Returns the column that can mend a row at the least cost for it; of those that cost about the same, the one
    /// with the largest pivot (Harris, 1973).
    fn entering(&self, leaving: usize) -> Option<usize> {
        let able = || {
            let all = self.row(leaving).iter().zip(&self.reduced).enumerate();
            all.filter(|(_, (coefficient, _))| **coefficient < -PIVOT)
        };
        let limit = able()
            .map(|(_, (coefficient, reduced))| (reduced.max(0.0) + TINY) / -coefficient)
            .fold(f64::INFINITY, f64::min);
        let mut best: Option<(f64, usize)> = None;
        for (column, (coefficient, reduced)) in able() {
            let cheap = reduced.max(0.0) / -coefficient <= limit;
            if cheap && best.is_none_or(|(largest, _)| -coefficient > largest) {
                best = Some((-coefficient, column));
            }
        }
        best.map(|(_, column)| column)
    }

    fn pivot(&mut self, leaving: usize, entering: usize) {
        let width = self.reduced.len();
        let mut row = self.row(leaving).to_vec();
        let factor = 1.0 / row[entering];
        for coefficient in &mut row {
            *coefficient *= factor;
        }
        row[entering] = 1.0;
        let value = self.values[leaving] * factor;
        for (other, slot) in self.cells.chunks_exact_mut(self.stride).zip(&mut self.values) {
            let factor = other[entering];
            if factor != 0.0 {
                subtract(&mut other[..width], &row, factor);
                other[entering] = 0.0;
                *slot -= factor * value;
            }
        }
        let factor = self.reduced[entering];
        if factor != 0.0 {
            subtract(&mut self.reduced, &row, factor);
            self.reduced[entering] = 0.0;
        }
        self.cells[leaving * self.stride..][..width].copy_from_slice(&row);
        self.values[leaving] = value;
        self.basis[leaving] = entering;
    }

    /// Returns the value of every variable.
    pub(super) fn solution(&self) -> Vec<f64> {
        let mut solution = vec![0.0; self.variables];
        for (basic, value) in self.basis.iter().zip(&self.values) {
            if let Some(slot) = solution.get_mut(*basic) {
                *slot = value.max(0.0);
            }
        }
        solution
    }

    /// Returns what each row is worth at the margin.
    pub(super) fn prices(&self) -> Vec<f64> {
        self.reduced[self.variables..].iter().map(|price| price.max(0.0)).collect()
    }

    /// Returns the multipliers of all rows that make up a row which nothing fulfils, the largest 1.
    pub(super) fn ray(&self, row: usize) -> Vec<f64> {
        let multipliers = self.row(row)[self.variables..].iter();
        let multipliers: Vec<f64> = multipliers.map(|multiplier| multiplier.max(0.0)).collect();
        let largest = multipliers.iter().copied().fold(TINY, f64::max);
        multipliers.into_iter().map(|multiplier| multiplier / largest).collect()
    }

    /// Returns which rows hold with something to spare, so that the solution does not depend on them.
    pub(super) fn is_slack(&self) -> Vec<bool> {
        let mut slack = vec![false; self.values.len()];
        for basic in &self.basis {
            if let Some(row) = basic.checked_sub(self.variables) {
                slack[row] = true;
            }
        }
        slack
    }

    /// Makes these variables basic, as far as there are rows for them: a fresh start near a known solution, without
    /// the errors that have added up. Returns whether it is one that the dual method can go on from.
    pub(super) fn start_from(&mut self, basic: &[usize], effort: &Effort) -> bool {
        let mut free: Vec<usize> = (0..self.values.len()).collect();
        for entering in basic {
            let pivot = |row: &usize| self.row(*row)[*entering].abs();
            let best = (0..free.len()).max_by(|a, b| pivot(&free[*a]).total_cmp(&pivot(&free[*b])));
            let Some(at) = best.filter(|at| pivot(&free[*at]) > 1e-5) else { continue };
            let leaving = free.swap_remove(at);
            effort.spend(self.values.len() * self.reduced.len());
            self.pivot(leaving, *entering);
        }
        self.reduced.iter().all(|reduced| *reduced > -TINY)
    }

    /// Returns the variables in the basis.
    pub(super) fn basic(&self) -> impl Iterator<Item = usize> + '_ {
        self.basis.iter().copied().filter(|basic| *basic < self.variables)
    }
}

/// Takes `factor` times one row from another.
fn subtract(from: &mut [f64], row: &[f64], factor: f64) {
    for (coefficient, other) in from.iter_mut().zip(row) {
        *coefficient -= factor * other;
    }
}
