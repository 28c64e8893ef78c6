//! The times of one test, and what is made of them.

use super::half_life::HalfLives;
use super::pace::Pace;
use super::{FAR_OFF, MOST_OFF, USUAL_SCATTER};
use crate::history::{Observed, Sample, StoredRun, TestHistory};
use crate::ids::{IxVec, LaneName, RunIx};
use crate::ingest::{Extent, Outcome, UnitKind};

/// What is concluded from the times of one test, the pace of their runs taken out, under every half-life.
pub(super) struct Measured {
    pub(super) under: Vec<Under>,
    pub(super) samples: u32,
    /// The lane of its latest run.
    pub(super) lane: Option<LaneName>,
}

/// What is concluded from the times of one test under one half-life.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Under {
    /// The mean, recent runs counting more.
    pub(super) mean: f64,
    /// How far each of its last runs was from the mean of those before it, added up.
    pub(super) error: f64,
    /// The squares of that in logarithm, added up.
    pub(super) log_squares: f64,
    /// How many runs were foretold so.
    pub(super) foretold: u32,
}

impl Measured {
    pub(super) fn of(
        test: &TestHistory,
        observed: &Observed,
        pace: &Pace,
        half_lives: &HalfLives,
    ) -> Option<Self> {
        let mut times = times_of(test, observed);
        let latest = times.last()?.0;
        for (run, time) in &mut times {
            *time /= pace.of_run(*run);
        }
        let age = |run: RunIx| observed.runs[run].age;
        pull_in(&mut times, |run| half_lives.wide_weight(age(run)));
        let mut under = vec![Under::default(); half_lives.len()];
        // The sums of weighted times and of weights so far, the last run counting 1.
        let mut sums = vec![(0.0, 0.0); half_lives.len()];
        let mut last_age = age(times[0].0);
        for of_run in times.chunk_by(|one, other| age(one.0) == age(other.0)) {
            let run_age = age(of_run[0].0);
            let took = of_run.iter().map(|(_, time)| time).sum::<f64>();
            let mean_took = took / of_run.len() as f64;
            let is_scored = run_age < SCORED_RUNS;
            let log_took = if is_scored { log(mean_took) } else { 0.0 };
            for (at, (under, (sum, weight))) in under.iter_mut().zip(&mut sums).enumerate() {
                if is_scored && *weight > 0.0 {
                    let foretold = *sum / *weight;
                    under.error += (foretold - mean_took).abs();
                    under.log_squares += (log_took - log(foretold)).powi(2);
                    under.foretold += 1;
                }
                // Of two lanes the ages do not follow each other: what can't be said counts as one age.
                let decay = half_lives.weight(at, last_age.saturating_sub(run_age));
                *sum = *sum * decay + took;
                *weight = *weight * decay + of_run.len() as f64;
            }
            last_age = run_age;
        }
        for (under, (sum, weight)) in under.iter_mut().zip(sums) {
            under.mean = sum / weight;
        }
        let samples = u32::try_from(times.len()).unwrap_or(u32::MAX);
        Some(Self { under, samples, lane: observed.runs[latest].facts.lane.clone() })
    }
}

/// So many of the latest runs show how good forecasts are: what a suite was like before says less.
const SCORED_RUNS: u32 = 16;

/// Returns the logarithm of a time in milliseconds; below half a millisecond there is only noise.
fn log(time: f64) -> f64 {
    time.max(0.5).ln()
}

/// So many of the latest times show what is usual of a test; older ones would weigh next to nothing.
const USUAL_TIMES: usize = 50;

/// Pulls in what is far off the other times of the same test (Winsor's rule).
fn pull_in(times: &mut [(RunIx, f64)], weight: impl Fn(RunIx) -> f64) {
    // With fewer than four times nobody can say which one is off.
    if times.len() < 4 {
        return;
    }
    let recent = &times[times.len().saturating_sub(USUAL_TIMES)..];
    let weighted: Vec<(f64, f64)> = recent.iter().map(|(run, time)| (*time, weight(*run))).collect();
    let middle = weighted_median(weighted.clone());
    let deviations: Vec<(f64, f64)> =
        weighted.iter().map(|(time, weight)| ((time - middle).abs(), *weight)).collect();
    let reach = FAR_OFF * 1.4826 * weighted_median(deviations.clone()).max(middle * 0.02);
    let total: f64 = weighted.iter().map(|(_, weight)| weight).sum();
    let beyond: f64 = deviations.iter().filter(|(off, _)| *off > reach).map(|(_, weight)| weight).sum();
    // What happens often is not off.
    if beyond > 0.0 && beyond <= MOST_OFF * total {
        for (_, time) in times {
            *time = time.clamp((middle - reach).max(0.0), middle + reach);
        }
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

/// Returns how far a test's time is from its forecast in logarithm, squared, over all tests whose runs were foretold
/// and that take long enough to be measured well.
pub(super) fn pooled_log_variance<'m>(foretold: impl Iterator<Item = &'m Under>) -> f64 {
    let (mut squares, mut count) = (0.0, 0.0);
    for under in foretold.filter(|under| under.mean >= 20.0) {
        squares += under.log_squares;
        count += f64::from(under.foretold);
    }
    (10.0 * USUAL_SCATTER.powi(2) + squares) / (10.0 + count)
}

/// Returns the value at which half the weight is reached, the mean of two where it falls between them.
fn weighted_median(mut sorted: Vec<(f64, f64)>) -> f64 {
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
