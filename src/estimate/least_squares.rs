//! Least squares with parts that can not be negative, drawn towards what is usual.
//!
//! The sum of squared errors, each against its spread, plus the squared distances from the usual values, each
//! against theirs, is convex; going from one unknown to the next, each set to the best value that is not
//! negative, finds its least (Franc, Hlaváč and Navara, "Sequential coordinate-wise algorithm for the
//! non-negative least squares problem", 2005).

/// One measurement: which unknowns it adds up, how often each, and what came out.
#[derive(Clone, Debug, Default)]
pub(super) struct Measurement {
    /// Position and factor of the unknowns in it.
    pub(super) parts: Vec<(usize, f64)>,
    /// What was measured.
    pub(super) sum: f64,
    /// By how much it usually errs; more than 0.
    pub(super) spread: f64,
}

/// What is usual of an unknown, and how far from it one may expect to be; more than 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usual {
    pub(super) value: f64,
    pub(super) spread: f64,
}

/// The most rounds; most fits settle long before. It is a count and no time, so that every machine finds the same.
const ROUNDS: usize = 20_000;

/// Returns the unknowns that fit best, none below 0.
pub(super) fn fit(measurements: &[Measurement], usual: &[Usual]) -> Vec<f64> {
    // The normal equations: `weights · found = sums` where nothing is held at 0.
    let mut weights = vec![vec![0.0; usual.len()]; usual.len()];
    let mut sums = vec![0.0; usual.len()];
    for (at, usual) in usual.iter().enumerate() {
        weights[at][at] = usual.spread.powi(-2);
        sums[at] = usual.value * usual.spread.powi(-2);
    }
    for measurement in measurements {
        let precision = measurement.spread.powi(-2);
        for (at, factor) in &measurement.parts {
            sums[*at] += factor * measurement.sum * precision;
            for (other, others) in &measurement.parts {
                weights[*at][*other] += factor * others * precision;
            }
        }
    }
    let mut found: Vec<f64> = usual.iter().map(|usual| usual.value.max(0.0)).collect();
    for _ in 0..ROUNDS {
        let mut moved = 0.0_f64;
        for at in 0..found.len() {
            let others: f64 = weights[at]
                .iter()
                .zip(&found)
                .enumerate()
                .filter(|(other, _)| *other != at)
                .map(|(_, (w, x))| w * x)
                .sum();
            let best = ((sums[at] - others) / weights[at][at]).max(0.0);
            moved = moved.max((best - found[at]).abs());
            found[at] = best;
        }
        if moved < 1e-9 {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Half the derivative of what is made least, by one unknown.
    fn slope(measurements: &[Measurement], usual: &[Usual], found: &[f64], at: usize) -> f64 {
        let from_usual = (found[at] - usual[at].value) / usual[at].spread.powi(2);
        let from_measured: f64 = measurements
            .iter()
            .map(|measurement| {
                let sum: f64 = measurement.parts.iter().map(|(part, factor)| factor * found[*part]).sum();
                let factor: f64 =
                    measurement.parts.iter().filter(|(part, _)| *part == at).map(|(_, factor)| factor).sum();
                factor * (sum - measurement.sum) / measurement.spread.powi(2)
            })
            .sum();
        from_usual + from_measured
    }

    proptest! {
        /// The conditions of Karush, Kuhn and Tucker hold at the least and nowhere else, as the problem is convex.
        #[test]
        fn nothing_near_fits_better(
            sums in prop::collection::vec((0.0..90.0_f64, 1_u8..16, 0.5..10.0_f64), 0..12),
            usual in prop::collection::vec((0.0..30.0_f64, 0.5..20.0_f64), 4),
        ) {
            let measurements: Vec<Measurement> = sums
                .into_iter()
                .map(|(sum, set, spread)| {
                    let parts = (0..4).filter(|at| set >> at & 1 == 1).map(|at| (at, 1.0)).collect();
                    Measurement { parts, sum, spread }
                })
                .collect();
            let usual: Vec<Usual> = usual.into_iter().map(|(value, spread)| Usual { value, spread }).collect();
            let found = fit(&measurements, &usual);
            for at in 0..usual.len() {
                let slope = slope(&measurements, &usual, &found, at);
                prop_assert!(found[at] >= 0.0);
                if found[at] > 1e-6 {
                    prop_assert!(slope.abs() < 1e-3, "{} has slope {slope}", found[at]);
                } else {
                    prop_assert!(slope > -1e-3, "0 has slope {slope}");
                }
            }
        }
    }

    #[test]
    fn sets_of_services_that_differ_by_one_tell_what_it_costs() {
        let measured = |parts: &[usize], sum: f64| Measurement {
            parts: parts.iter().map(|part| (*part, 1.0)).collect(),
            sum,
            spread: 1.0,
        };
        let runs: Vec<Measurement> = (0..20)
            .flat_map(|_| [measured(&[0, 1], 40.0), measured(&[0], 12.0), measured(&[1], 28.0)])
            .collect();
        let usual = [Usual { value: 10.0, spread: 10.0 }, Usual { value: 10.0, spread: 10.0 }];
        let found = fit(&runs, &usual);
        assert!((found[0] - 12.0).abs() < 0.1 && (found[1] - 28.0).abs() < 0.1, "{found:?}");
    }
}
