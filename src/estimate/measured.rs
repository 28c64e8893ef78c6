//! The times of one test, and what is made of them.

use super::pace::Pace;
use super::{FAR_OFF, MOST_OFF, USUAL_SCATTER};
use crate::history::{Observed, Sample, StoredRun, TestHistory};
use crate::ids::{IxVec, RunIx};
use crate::ingest::{Extent, Outcome, UnitKind};

/// The times of one test, the pace of their runs taken out.
pub(super) struct Measured {
    pub(super) mean: f64,
    /// The sum of the weights, the latest run counting 1.
    pub(super) weight: f64,
    pub(super) samples: u32,
    /// The squared deviations from the mean of their logarithms, added up.
    pub(super) log_squares: f64,
}

impl Measured {
    pub(super) fn of(
        test: &TestHistory,
        observed: &Observed,
        pace: &Pace,
        weight: impl Fn(RunIx) -> f64,
    ) -> Option<Self> {
        let times: Vec<(f64, f64)> = times_of(test, observed)
            .into_iter()
            .map(|(run, time)| (time / pace.of_run(run), weight(run)))
            .collect();
        if times.is_empty() {
            return None;
        }
        let middle = weighted_median(&times);
        let deviations: Vec<(f64, f64)> =
            times.iter().map(|(time, weight)| ((time - middle).abs(), *weight)).collect();
        let usual = FAR_OFF * 1.4826 * weighted_median(&deviations).max(middle * 0.02);
        let total: f64 = times.iter().map(|(_, weight)| weight).sum();
        let beyond: f64 = deviations.iter().filter(|(off, _)| *off > usual).map(|(_, weight)| weight).sum();
        // With fewer than four times nobody can say which one is off, and what happens often is not off.
        let reach = if times.len() < 4 || beyond > MOST_OFF * total { f64::INFINITY } else { usual };
        let pulled_in = |time: f64| time.clamp((middle - reach).max(0.0), middle + reach);
        let mean = times.iter().map(|(time, weight)| pulled_in(*time) * weight).sum::<f64>() / total;
        let logs: Vec<f64> = times.iter().map(|(time, _)| pulled_in(*time).max(0.5).ln()).collect();
        let log_mean = logs.iter().sum::<f64>() / logs.len() as f64;
        let log_squares = logs.iter().map(|log| (log - log_mean).powi(2)).sum();
        let samples = u32::try_from(times.len()).unwrap_or(u32::MAX);
        Some(Self { mean, weight: total, samples, log_squares })
    }
}

/// Returns what a test took each time it ran, in milliseconds, as far as that says what it takes.
///
/// Within one run an execution that failed counts only where none passed: a retry tells what the test takes. A
/// unit that is no single test (a file, where the report names no tests) may have been split over the shards of
/// its run: its times are added up, of each shard those of the last attempt; and what a partial run has of it
/// counts only where no other run has it.
pub(super) fn times_of(test: &TestHistory, observed: &Observed) -> Vec<(RunIx, f64)> {
    let runs = &observed.runs;
    let of_one_run = |one: &&Sample, other: &&Sample| runs[one.run].whole == runs[other.run].whole;
    let ran: Vec<&Sample> = test.samples.iter().filter(|sample| sample.ran()).collect();
    if ran.windows(2).all(|pair| !of_one_run(&pair[0], &pair[1])) {
        return ran.into_iter().map(|sample| (sample.run, sample.total.as_millis_f64())).collect();
    }
    let may_be_split = ran.iter().any(|sample| sample.unit != UnitKind::Test);
    let mut times = Vec::with_capacity(ran.len());
    let mut sums: Vec<(bool, (RunIx, f64))> = Vec::new();
    for of_run in ran.chunk_by(of_one_run) {
        if may_be_split && let Some(sum) = sum_of_places(of_run, runs) {
            let is_partial = of_run
                .iter()
                .any(|sample| !matches!(runs[sample.run].facts.extent, Extent::Full | Extent::Unknown));
            sums.push((is_partial, sum));
            continue;
        }
        let held = |sample: &Sample| matches!(sample.outcome, Outcome::Passed | Outcome::Unknown);
        let some_held = of_run.iter().any(|sample| held(sample));
        let counted = of_run.iter().filter(|sample| held(sample) || !some_held);
        times.extend(counted.map(|sample| (sample.run, sample.total.as_millis_f64())));
    }
    let some_whole = !times.is_empty() || sums.iter().any(|(is_partial, _)| !is_partial);
    times.extend(sums.iter().filter(|(is_partial, _)| !is_partial || !some_whole).map(|(_, sum)| *sum));
    times.sort_by_key(|(run, _)| *run);
    times
}

/// Returns what the places of one run took together; nothing where it was only one.
fn sum_of_places(of_run: &[&Sample], runs: &IxVec<RunIx, StoredRun>) -> Option<(RunIx, f64)> {
    let place = |sample: &Sample| (runs[sample.run].facts.lane.as_ref(), runs[sample.run].place());
    // The parts of a run stand in the order of its attempts: the last of a place is that of its last attempt.
    let last_of_place: std::collections::BTreeMap<_, f64> =
        of_run.iter().map(|sample| (place(sample), sample.total.as_millis_f64())).collect();
    let last = of_run.last()?.run;
    (last_of_place.len() > 1).then(|| (last, last_of_place.values().sum()))
}

/// Returns the variance of the logarithm of one test's times, over all tests that were measured more than once
/// and take long enough to be measured well.
pub(super) fn pooled_log_variance<'m>(measured: impl Iterator<Item = &'m Measured>) -> f64 {
    let (mut squares, mut freedom) = (0.0, 0.0);
    for measured in measured.filter(|measured| measured.samples > 1 && measured.mean >= 20.0) {
        squares += measured.log_squares;
        freedom += f64::from(measured.samples - 1);
    }
    (10.0 * USUAL_SCATTER.powi(2) + squares) / (10.0 + freedom)
}

/// Returns the value at which half the weight is reached, the mean of two where it falls between them.
fn weighted_median(values: &[(f64, f64)]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let half = sorted.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut reached = 0.0;
    for (at, (value, weight)) in sorted.iter().enumerate() {
        reached += weight;
        if (reached - half).abs() < 1e-12 * half {
            return sorted.get(at + 1).map_or(*value, |(next, _)| f64::midpoint(*value, *next));
        }
        if reached > half {
            return *value;
        }
    }
    sorted.last().map_or(0.0, |(value, _)| *value)
}

/// Returns the middle of the values, the mean of the middle two where their number is even.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() {
        return 0.0;
    }
    let is_odd = values.len() % 2 == 1;
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if is_odd {
        return upper;
    }
    f64::midpoint(below.iter().copied().fold(f64::MIN, f64::max), upper)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Digest, Filter, Store, load};
    use crate::ingest::{Format, Observation, Report, RunFacts};
    use crate::time::{Micros, Timestamp};

    /// One report a line: run, attempt, shard, extent, then seconds with `F` behind where it failed.
    fn observed(unit: UnitKind, reports: &[(&str, u32, &str, Extent, &str)]) -> Observed {
        let folder = tempfile::TempDir::new().unwrap();
        let store = Store::of_project(folder.path());
        for (at, (run, attempt, shard, extent, seconds)) in (0_u8..).zip(reports) {
            let run = RunFacts {
                run: Some((*run).to_owned()),
                attempt: Some(*attempt),
                shard: Some((*shard).to_owned()),
                at: Some(Timestamp(at.into())),
                extent: *extent,
                ..RunFacts::default()
            };
            let failed = seconds.strip_suffix('F');
            let outcome = if failed.is_some() { Outcome::Failed } else { Outcome::Passed };
            let total = Micros::from_secs_f64(failed.unwrap_or(seconds).parse().unwrap()).unwrap();
            let seen = Observation { unit, ..Observation::new("a.spec.js".parse().unwrap(), outcome, total) };
            let report = Report { run, observations: vec![seen], ..Report::default() };
            store.add(&Digest::of(&[at]), Format::JUnit, "a.xml", &[report]).unwrap();
        }
        load(&store, &Filter::default()).unwrap()
    }

    fn seconds(observed: &Observed) -> Vec<f64> {
        times_of(&observed.tests[0], observed).into_iter().map(|(_, millis)| millis / 1000.0).collect()
    }

    #[test]
    fn a_file_that_was_split_over_shards_takes_their_sum() {
        use Extent::{OnlyFailed, Unknown};
        let reports = [
            ("1", 1, "1", Unknown, "10"),
            ("1", 1, "2", Unknown, "4F"),
            ("1", 2, "2", OnlyFailed, "6"),
            ("2", 1, "1", Unknown, "11"),
            ("2", 1, "2", Unknown, "5"),
        ];
        // The re-run was one of what failed only, so that its run is whole in no single attempt: where another
        // run is, that one speaks.
        assert_eq!(seconds(&observed(UnitKind::File, &reports)), [16.0]);
        assert_eq!(seconds(&observed(UnitKind::File, &reports[..3])), [16.0]);
        // A single test can't be split: it ran twice.
        assert_eq!(seconds(&observed(UnitKind::Test, &reports[3..])), [11.0, 5.0]);
    }

    #[test]
    fn what_a_partial_run_has_of_a_split_file_counts_only_where_nothing_else_does() {
        use Extent::{Partial, Unknown};
        let reports = [
            ("1", 1, "1", Unknown, "10"),
            ("1", 1, "2", Unknown, "5"),
            ("2", 1, "1", Partial, "3"),
            ("2", 1, "2", Unknown, "5"),
        ];
        assert_eq!(seconds(&observed(UnitKind::File, &reports)), [15.0]);
        assert_eq!(seconds(&observed(UnitKind::File, &reports[2..])), [8.0]);
    }

    #[test]
    fn a_retry_that_passed_tells_what_the_test_takes() {
        let reports = [
            ("1", 1, "1", Extent::Unknown, "0.1F"),
            ("1", 2, "1", Extent::OnlyFailed, "7"),
            ("2", 1, "1", Extent::Unknown, "0.2F"),
        ];
        assert_eq!(seconds(&observed(UnitKind::Test, &reports)), [7.0, 0.2]);
    }
}
