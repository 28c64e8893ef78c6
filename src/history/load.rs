//! The store to [`Observed`]: the same values whatever order the file system lists its files in.

use rayon::prelude::*;

use super::catalogue::{self, Placed};
use super::rows::{self, Names, PartRows, Wanted};
use super::store::{Table, again_where_files_vanish};
use super::{Filter, HistoryError, Observed, Sample, Store, TestHistory, identity, jobs_table};
use crate::ids::{Ix as _, IxVec, NodeId, RunIx};
use crate::ingest::JobObservation;

/// How much of every sample is read. Whoever asks for less waits for less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Outcome and time, and the reasons of skips.
    Times,
    /// Phases and every reason as well.
    Everything,
}

/// Reads all that the filter keeps of a store.
pub fn load(store: &Store, filter: &Filter) -> Result<Observed, HistoryError> {
    load_detail(store, filter, Detail::Everything)
}

/// Reads as much as is asked for of what the filter keeps of a store.
pub fn load_detail(store: &Store, filter: &Filter, detail: Detail) -> Result<Observed, HistoryError> {
    again_where_files_vanish(|| read_observed(store, filter, Some((detail, None))))
}

/// Reads what the filter keeps of one test, with the runs in which it could have been seen.
pub fn load_test(store: &Store, filter: &Filter, test: &NodeId) -> Result<Observed, HistoryError> {
    again_where_files_vanish(|| read_observed(store, filter, Some((Detail::Everything, Some(test)))))
}

/// Reads the runs that the filter keeps, and no test: only the footers of the store.
pub fn load_runs(store: &Store, filter: &Filter) -> Result<Observed, HistoryError> {
    again_where_files_vanish(|| read_observed(store, filter, None))
}

fn read_observed(
    store: &Store,
    filter: &Filter,
    rows: Option<(Detail, Option<&NodeId>)>,
) -> Result<Observed, HistoryError> {
    let mut parts = catalogue::parts(store, filter)?;
    let whole_runs = identity::arrange(&mut parts);
    let jobs = if rows.is_some_and(|(_, only)| only.is_some()) { Vec::new() } else { jobs(store, filter)? };
    let (runs, places): (Vec<_>, Vec<_>) =
        parts.into_iter().map(|Placed { path, rows, run }| (run, (path, rows))).unzip();
    let runs: IxVec<RunIx, _> = runs.into_iter().collect();
    let mut observed = Observed { runs, whole_runs, tests: Vec::new(), jobs };
    let Some(rows) = rows else { return Ok(observed) };

    let mut wanted: Vec<(_, Wanted)> =
        (0..).zip(places).map(|(run, (path, rows))| (path, Wanted { rows, run: RunIx(run) })).collect();
    wanted.sort_by(|(path, part), (other, other_part)| {
        path.cmp(other).then(part.rows.start.cmp(&other_part.rows.start))
    });
    let files: Vec<&[(_, Wanted)]> = wanted.chunk_by(|one, other| one.0 == other.0).collect();
    let read = |share: &[&[(std::path::PathBuf, Wanted)]]| {
        let mut of_share = Share::default();
        for file in share {
            let parts: Vec<&Wanted> = file.iter().map(|(_, wanted)| wanted).collect();
            of_share.parts.extend(rows::read(&file[0].0, &parts, rows, &mut of_share.names)?);
        }
        Ok(of_share)
    };
    // A share a thread: each has its own names, so that none waits for another.
    let weight = |file: &&[(_, Wanted)]| file.iter().map(|(_, part)| part.rows.len() + 100).sum::<usize>();
    let shares: Vec<Share> = shares(&files, rayon::current_num_threads(), weight)
        .into_par_iter()
        .map(read)
        .collect::<Result<_, HistoryError>>()?;
    observed.tests = join(shares, &observed);
    Ok(observed)
}

/// What one thread read.
#[derive(Default)]
struct Share {
    names: Names,
    parts: Vec<PartRows>,
}

/// Cuts a list into at most `count` pieces of about equal weight.
fn shares<T>(items: &[T], count: usize, weight: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let total: usize = items.iter().map(&weight).sum();
    let each = total.div_ceil(count.max(1)).max(1);
    let mut shares = Vec::new();
    let (mut start, mut heavy) = (0, 0);
    for (at, item) in items.iter().enumerate() {
        heavy += weight(item);
        if heavy >= each || at + 1 == items.len() {
            shares.push(&items[start..=at]);
            (start, heavy) = (at + 1, 0);
        }
    }
    shares
}

/// Returns the tests of all shares, sorted, each with its samples in the order of their runs.
fn join(shares: Vec<Share>, observed: &Observed) -> Vec<TestHistory> {
    let mut all: Vec<(&NodeId, usize, usize)> = Vec::new();
    for (share, read) in shares.iter().enumerate() {
        all.extend(read.names.tests.iter().enumerate().map(|(local, test)| (test, share, local)));
    }
    all.sort_unstable();
    let mut positions: Vec<Vec<u32>> = shares.iter().map(|share| vec![0; share.names.tests.len()]).collect();
    let mut tests: Vec<TestHistory> = Vec::new();
    for same in all.chunk_by(|one, other| one.0 == other.0) {
        let named = same.iter().filter_map(|&(_, share, local)| {
            shares[share].names.files.get(&u32::try_from(local).unwrap_or(u32::MAX))
        });
        let test = same[0].0;
        let file = named.max().map_or_else(|| test.file(), |(_, file)| file).to_owned();
        for &(_, share, local) in same {
            positions[share][local] = u32::try_from(tests.len()).expect("fewer than 2^32 tests");
        }
        tests.push(TestHistory { test: test.clone(), file, samples: Vec::new() });
    }
    let mut parts: Vec<(usize, PartRows)> = Vec::new();
    let mut reasons = Vec::new();
    let mut counts = vec![0; tests.len()];
    for (share, read) in shares.into_iter().enumerate() {
        for part in &read.parts {
            for &local in &part.tests {
                counts[positions[share][local as usize] as usize] += 1;
            }
        }
        parts.extend(read.parts.into_iter().map(|part| (share, part)));
        reasons.push(read.names.reasons);
    }
    for (test, count) in tests.iter_mut().zip(counts) {
        test.samples.reserve_exact(count);
    }
    parts.sort_unstable_by_key(|(_, part)| part.run.position());
    for (share, mut part) in parts {
        for (row, local) in part.tests.iter().enumerate() {
            let reason = part.reasons.get(row).and_then(|&reason| (reason as usize).checked_sub(1));
            tests[positions[share][*local as usize] as usize].samples.push(Sample {
                run: part.run,
                total: part.totals[row],
                outcome: part.outcomes[row],
                more: part.more.get_mut(row).and_then(Option::take),
                unit: part.units.get(row).copied().unwrap_or_default(),
                retries: part.retries.get(row).copied().unwrap_or(0),
                reason: reason.map(|reason| reasons[share][reason].clone()),
            });
        }
    }
    tests.par_iter_mut().for_each(|test| identity::drop_retold(&mut test.samples, &observed.runs));
    tests
}

/// Returns the jobs, oldest first. The jobs of a run are often fetched more than once, at first while some
/// still run; of the same job the answer that came last in its life counts.
fn jobs(store: &Store, filter: &Filter) -> Result<Vec<JobObservation>, HistoryError> {
    let mut jobs = Vec::new();
    for file in store.files(Table::Jobs, filter)? {
        jobs.extend(jobs_table::read(&file.path)?.into_iter().filter(|job| filter.keeps_job(job)));
    }
    jobs.sort_by(|one, other| {
        let age = |job: &JobObservation| (job.completed, job.steps.len());
        (one.id, one.attempt).cmp(&(other.id, other.attempt)).then_with(|| age(other).cmp(&age(one)))
    });
    jobs.dedup_by(|later, first| (later.id, later.attempt) == (first.id, first.attempt));
    jobs.sort_by_key(|job| (job.started.or(job.created), job.id));
    Ok(jobs)
}
