//! From values to pixels, and the round values that an axis names.

use crate::time::Millis;

/// The steps between the named times of an axis, in milliseconds.
const TIME_STEPS: [u64; 18] = [
    10, 50, 100, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000,
    1_800_000, 3_600_000, 7_200_000, 14_400_000,
];

/// A straight scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    from: (f64, f64),
    to: (f64, f64),
}

impl Scale {
    /// Returns the scale on which the first value is drawn at the first pixel and the second at the second.
    pub(super) fn new(values: (f64, f64), pixels: (f64, f64)) -> Self {
        let to = if values.1 > values.0 { values.1 } else { values.0 + 1.0 };
        Self { from: (values.0, pixels.0), to: (to, pixels.1) }
    }

    /// Returns where a value is drawn.
    pub(super) fn at(self, value: f64) -> f64 {
        let share = (value - self.from.0) / (self.to.0 - self.from.0);
        self.from.1 + share * (self.to.1 - self.from.1)
    }

    /// Returns where a time is drawn.
    pub(super) fn time(self, value: Millis) -> f64 {
        self.at(value.as_f64())
    }
}

/// Returns round times from `from` to at least `to`, some `count` of them.
pub(super) fn times(from: Millis, to: Millis, count: usize) -> Vec<Millis> {
    let span = to.saturating_sub(from).0.max(1);
    let wanted = span.div_ceil(count.max(1) as u64);
    let longest = TIME_STEPS[TIME_STEPS.len() - 1];
    let step = TIME_STEPS
        .into_iter()
        .find(|step| *step >= wanted)
        .unwrap_or_else(|| wanted.div_ceil(longest) * longest);
    let first = from.0 / step;
    let last = to.0.div_ceil(step).max(first + 1);
    (first..=last).map(|at| Millis(at * step)).collect()
}

/// Returns round whole numbers from `from` or below to `to` or above, some `count` of them.
pub(super) fn counts(from: u64, to: u64, count: usize) -> Vec<u64> {
    let wanted = to.saturating_sub(from).max(1).div_ceil(count.max(1) as u64);
    let mut steps = (0..19).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)).into_iter());
    let step = steps.find(|step| *step >= wanted).unwrap_or(wanted);
    let first = from / step;
    let last = to.div_ceil(step).max(first + 1);
    (first..=last).map(|at| at * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_names_round_times_around_its_values() {
        let named = times(Millis::ZERO, Millis::from_secs(518), 6);
        let named: Vec<String> = named.iter().map(ToString::to_string).collect();
        assert_eq!(named, ["0s", "2m00s", "4m00s", "6m00s", "8m00s", "10m00s"]);
        assert_eq!(times(Millis::ZERO, Millis::ZERO, 5).len(), 2);
    }

    #[test]
    fn an_axis_names_round_numbers_around_its_values() {
        assert_eq!(counts(33, 36, 4), [33, 34, 35, 36]);
        assert_eq!(counts(0, 97, 5), [0, 20, 40, 60, 80, 100]);
        assert_eq!(counts(7, 7, 5), [7, 8]);
    }

    #[test]
    fn a_scale_of_one_value_is_still_a_scale() {
        assert!(Scale::new((5.0, 5.0), (0.0, 100.0)).at(5.0).abs() < 1e-9);
    }
}
