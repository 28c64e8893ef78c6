//! How fast runs lose their worth, measured on the history itself.
//!
//! Where times only scatter, all runs are worth the same and their mean is best; where tests change, the last run
//! tells more than all before it. Which of the two a history is shows in its past: every half-life is asked to
//! foretell each of the last runs from the runs before it, and the one that was least wrong foretells the next
//! (exponential smoothing with its parameter fitted one step ahead: Gardner, "Exponential smoothing: the state of
//! the art", 1985).

use super::measured::Measured;
use crate::config::HalfLife;

/// The half-lives that are tried, in runs: from "only the last run counts" to "all runs count the same".
const TRIED: [f64; 8] = [0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 1e9];

/// Which of them counts before anything was measured. Two runs can't show which is right, and this one is nowhere
/// far from the best.
const USUAL: usize = 2;

/// The half-life under which a time is far off the others: what is usual needs more runs than what is next.
const WIDE: f64 = 10.0;

/// What a run is worth by its age.
pub(super) struct HalfLives {
    tried: Vec<f64>,
    usual: usize,
    /// By half-life and age.
    weights: Vec<Vec<f64>>,
    wide: Vec<f64>,
}

impl HalfLives {
    pub(super) fn new(half_life: HalfLife, oldest: u32) -> Self {
        let (tried, usual) = match half_life {
            HalfLife::Measured => (TRIED.to_vec(), USUAL),
            HalfLife::Runs(runs) => (vec![runs], 0),
        };
        let weights =
            |half_life: f64| (0..=oldest).map(|age| 0.5_f64.powf(f64::from(age) / half_life)).collect();
        let by_age = tried.iter().copied().map(weights).collect();
        Self { tried, usual, weights: by_age, wide: weights(WIDE) }
    }

    pub(super) fn len(&self) -> usize {
        self.tried.len()
    }

    /// Returns how many runs it takes until a run counts half.
    pub(super) fn runs(&self, at: usize) -> f64 {
        self.tried[at]
    }

    /// Returns what a run of this age is worth, the latest being worth 1.
    pub(super) fn weight(&self, at: usize, age: u32) -> f64 {
        self.weights[at][age as usize]
    }

    /// Returns what a run of this age is worth where it is asked what is usual.
    pub(super) fn wide_weight(&self, age: u32) -> f64 {
        self.wide[age as usize]
    }

    /// Returns the one that foretold best.
    pub(super) fn best<'m>(&self, measured: impl Iterator<Item = &'m Measured>) -> usize {
        let mut errors = vec![0.0; self.len()];
        let mut foretold = 0.0;
        for measured in measured {
            for (error, under) in errors.iter_mut().zip(&measured.under) {
                *error += under.error;
            }
            foretold += f64::from(measured.under[0].foretold);
        }
        // A handful of forecasts shows little: it must show the more, the further from the usual it leads.
        let doubt = |at: usize| 1.0 + at.abs_diff(self.usual) as f64 / (1.0 + foretold);
        let judged = |at: &usize| (errors[*at] * doubt(*at), at.abs_diff(self.usual));
        let better = |one: &usize, other: &usize| {
            let (one, other) = (judged(one), judged(other));
            one.0.total_cmp(&other.0).then(one.1.cmp(&other.1))
        };
        (0..self.len()).min_by(better).unwrap_or(self.usual)
    }
}
