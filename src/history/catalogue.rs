//! Which part of the history lies where: read from names and footers, without a look at a row.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rayon::prelude::*;

use super::error::HistoryError;
use super::store::{StoredFile, Table};
use super::{Digest, Filter, Store, StoredRun, tests_table};

/// The identity of a part: the digest of the ingested file and the place of the run in it.
pub(super) type PartKey = (Digest, u32);

/// A file of either table and the parts in it, in the order of its rows.
#[derive(Clone, Debug)]
pub(super) struct FileParts {
    pub(super) file: StoredFile,
    pub(super) parts: Vec<StoredRun>,
}

impl FileParts {
    pub(super) fn rows(&self) -> usize {
        self.parts.iter().map(|part| part.observations).sum()
    }

    pub(super) fn keys(&self) -> BTreeSet<PartKey> {
        self.parts.iter().map(StoredRun::key).collect()
    }
}

impl StoredRun {
    pub(super) fn key(&self) -> PartKey {
        (self.digest.clone(), self.report)
    }
}

/// Returns what lies in the files that may hold what the filter keeps: all parts of all of them.
pub(super) fn files(store: &Store, filter: &Filter) -> Result<Vec<FileParts>, HistoryError> {
    let files = store.files(Table::Tests, filter)?;
    let read = |file: StoredFile| {
        let parts = tests_table::parts(&file.path, &file.name)?;
        Ok(FileParts { file, parts })
    };
    files.into_par_iter().map(read).collect()
}

/// A part that is to be read, where it lies.
pub(super) struct Placed {
    pub(super) path: PathBuf,
    /// Its rows in the file.
    pub(super) rows: std::ops::Range<usize>,
    pub(super) run: StoredRun,
}

/// Returns every part that the filter keeps, once, though it may lie in several files for a while: compaction
/// writes before it deletes.
pub(super) fn parts(store: &Store, filter: &Filter) -> Result<Vec<Placed>, HistoryError> {
    let mut files = files(store, filter)?;
    // Of a part that lies in a compacted file and in its own, the former is read: it is read anyway.
    files.sort_by(|one, other| {
        other.parts.len().cmp(&one.parts.len()).then_with(|| one.file.path.cmp(&other.file.path))
    });
    let mut seen: BTreeSet<PartKey> = BTreeSet::new();
    let mut placed = Vec::new();
    for FileParts { file, parts } in files {
        let mut start = 0;
        for run in parts {
            let rows = start..start + run.observations;
            start = rows.end;
            if filter.keeps_run(&run.facts) && seen.insert(run.key()) {
                placed.push(Placed { path: file.path.clone(), rows, run });
            }
        }
    }
    Ok(placed)
}
