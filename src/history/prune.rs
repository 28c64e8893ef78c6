//! Forgetting: old runs, or all but the latest, leave the store.

use std::collections::BTreeSet;
use std::fs;

use polars::prelude::DataFrame;

use super::catalogue::{self, FileParts, PartKey};
use super::error::HistoryError;
use super::store::Table;
use super::{Filter, Observed, Store, StoredRun, jobs_table, load_runs, table, tests_table};
use crate::time::Timestamp;

/// Which runs are to be forgotten: those that every given condition fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// Only runs that this filter keeps.
    pub among: Filter,
    /// Only runs that began before this time; a run of an unknown time never did.
    pub before: Option<Timestamp>,
    /// All but this many of the latest runs of every lane.
    pub keep: Option<u32>,
}

/// What was forgotten, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs of the CI, as far as they were forgotten as a whole.
    pub runs: usize,
    /// Rows of the table of tests.
    pub observations: usize,
    /// CI jobs.
    pub jobs: usize,
    /// Files that were deleted.
    pub deleted: usize,
    /// Files that were written anew without a part of their runs.
    pub rewritten: usize,
}

/// Forgets runs, and the CI jobs of files all of whose jobs are that old. With `pretend`, only counts them.
///
/// A file is deleted, or replaced at once by one without the runs: a process that dies leaves each run whole,
/// forgotten or not. Reports of forgotten runs can be ingested again.
pub fn prune(store: &Store, which: &Which, pretend: bool) -> Result<Pruned, HistoryError> {
    // Also for a look only: whoever pretends wants to know what would happen.
    let lock = if pretend { None } else { Some(store.lock()?) };
    let observed = load_runs(store, &which.among)?;
    let (doomed, runs) = doomed(&observed, which);
    let mut pruned = Pruned { runs, ..Pruned::default() };
    for file in catalogue::files(store, &which.among)? {
        prune_file(store, &file, &doomed, pretend, &mut pruned)?;
    }
    if let (Some(before), None) = (which.before, &which.among.lane) {
        for file in store.files(Table::Jobs, &which.among)? {
            let jobs = jobs_table::read(&file.path)?;
            let is_old = |at: Option<Timestamp>| at.is_some_and(|at| at < before);
            if jobs.iter().all(|job| is_old(job.started.or(job.created)) && which.among.keeps_job(job)) {
                pruned.jobs += jobs.len();
                pruned.deleted += 1;
                if !pretend {
                    fs::remove_file(&file.path).map_err(HistoryError::io("delete", &file.path))?;
                }
            }
        }
    }
    store.forget();
    drop(lock);
    Ok(pruned)
}

/// Returns the parts to forget, and of how many runs they are.
fn doomed(observed: &Observed, which: &Which) -> (BTreeSet<PartKey>, usize) {
    let mut doomed = BTreeSet::new();
    let mut runs = 0;
    for whole in &observed.whole_runs {
        let old = which.before.is_none_or(|before| whole.at.is_some_and(|at| at < before));
        let late = |part: &StoredRun| which.keep.is_none_or(|keep| part.age >= keep);
        if old && observed.parts(whole).all(|(_, part)| late(part)) {
            doomed.extend(observed.parts(whole).map(|(_, part)| part.key()));
            runs += 1;
        }
    }
    (doomed, runs)
}

fn prune_file(
    store: &Store,
    FileParts { file, parts }: &FileParts,
    doomed: &BTreeSet<PartKey>,
    pretend: bool,
    pruned: &mut Pruned,
) -> Result<(), HistoryError> {
    let kept: Vec<bool> = parts.iter().map(|part| !doomed.contains(&part.key())).collect();
    if kept.iter().all(|kept| *kept) {
        return Ok(());
    }
    let forgotten = parts.iter().zip(&kept).filter(|(_, kept)| !**kept);
    pruned.observations += forgotten.map(|(part, _)| part.observations).sum::<usize>();
    if kept.iter().any(|kept| *kept) {
        pruned.rewritten += 1;
        if !pretend {
            store.replace(file, without(parts, &kept, &file.path)?)?;
        }
    } else {
        pruned.deleted += 1;
        if !pretend {
            fs::remove_file(&file.path).map_err(HistoryError::io("delete", &file.path))?;
        }
    }
    Ok(())
}

/// Returns the rows of those parts of a file that are kept.
fn without(
    parts: &[StoredRun],
    kept: &[bool],
    path: &std::path::Path,
) -> Result<(DataFrame, Vec<StoredRun>), HistoryError> {
    let frame = table::read(path, None)?.frame;
    let mut left: Option<DataFrame> = None;
    let mut left_parts = Vec::new();
    let mut start = 0;
    for (part, kept) in parts.iter().zip(kept) {
        let mut rows = frame.slice(i64::try_from(start).unwrap_or(i64::MAX), part.observations);
        start += part.observations;
        if !kept {
            continue;
        }
        tests_table::set_position(&mut rows, left_parts.len(), path)?;
        left_parts.push(part.clone());
        match &mut left {
            None => left = Some(rows),
            Some(left) => {
                left.vstack_mut(&rows).map_err(|error| table::unreadable(path, error.to_string()))?;
            }
        }
    }
    Ok((left.unwrap_or_default(), left_parts))
}
