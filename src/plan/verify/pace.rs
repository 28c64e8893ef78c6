//! Predicted against actual: whether a shard still takes what the plan was made with.

use super::merge::Results;
use crate::plan::PredictedShard;
use crate::time::{Micros, Millis};

/// What a shard's tests took, against what was expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// What was expected.
    pub predicted: Millis,
    /// What it was, where it is known.
    pub actual: Option<Millis>,
    /// What to make of it.
    pub verdict: Verdict,
}

/// What to make of the difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// There is nothing to compare.
    #[default]
    Unknown,
    /// Within what runs differ by.
    InBand,
    /// Outside of it: a new plan would be another one.
    Drifted,
}

/// The least difference that counts: below it, a job's start weighs more.
const LEAST: Millis = Millis::from_secs(5);

impl Pace {
    /// Returns the pace of a shard. The time that its workers took counts where the report has it, else the
    /// sum of its tests. The last attempt that ran the whole shard is taken: a part of it is no measure.
    #[must_use]
    pub fn of(predicted: &PredictedShard, results: &Results<'_>) -> Self {
        let whole = results
            .attempts
            .iter()
            .rev()
            .find(|attempt| attempt.cut_short.is_none() && attempt.tests.len() == results.tests.len());
        let Some(attempt) = whole else { return Self { predicted: predicted.run, ..Self::default() } };
        let (expected, actual) = if let Some(run) = attempt.run {
            (predicted.run, run)
        } else {
            let sum: Micros = attempt.tests.iter().map(|(_, ran)| ran.total).sum();
            (predicted.load, Millis::from_f64(sum.as_millis_f64()))
        };
        if expected == Millis::ZERO {
            return Self { predicted: expected, actual: Some(actual), verdict: Verdict::Unknown };
        }
        // The forecast's own spread, and a fifth at the least: machines differ by as much.
        let spread = predicted.p90.saturating_sub(predicted.wall);
        let band = spread.max(Millis(expected.0 / 5)).max(LEAST);
        let difference = Millis(expected.0.abs_diff(actual.0));
        let verdict = if difference <= band { Verdict::InBand } else { Verdict::Drifted };
        Self { predicted: expected, actual: Some(actual), verdict }
    }
}

impl Verdict {
    /// Returns the word that the machine format uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::InBand => "in-band",
            Self::Drifted => "drifted",
        }
    }
}
