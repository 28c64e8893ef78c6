//! Many small files to few: what is stored stays the same at every instant.
//!
//! The new file is written whole before the first old one is deleted, and readers take each part from one file
//! only. The one rule for deleting: *another file holds all that this one holds, and more* (of two that hold the
//! same, the first by name stays). That is a strict order, so even two processes that know nothing of each other
//! can't delete the last copy of a part. A process that dies leaves files that the next compaction recognises by
//! the same rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use polars::prelude::{Column, DataFrame};

use super::catalogue::{FileParts, PartKey};
use super::error::HistoryError;
use super::store::{Added, StoredFile, Table, bring_names_to_the_disk};
use super::table::{self, text_column};
use super::{Digest, Filter, Store, StoredRun, footer, jobs_table, tests_table};

/// A compacted file is about this long: long enough to compress well and short enough to be read as a whole.
const FULL_ROWS: usize = 1 << 19;

/// What compaction did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// How many files there were.
    pub files_before: usize,
    /// How many there are now.
    pub files_after: usize,
    /// Their bytes before.
    pub bytes_before: u64,
    /// Their bytes now; unknown before it is done.
    pub bytes_after: Option<u64>,
}

/// One deed of a compaction. A process may die after any of them.
#[derive(Debug)]
pub(super) enum Step {
    /// Writes one file with all that these hold.
    Merge { table: Table, folder: PathBuf, files: Vec<FileParts> },
    /// Deletes a file whose parts another one holds, with more.
    Delete(StoredFile),
}

/// Merges the small files of every folder of the store. With `pretend`, only says what it would do.
pub fn compact(store: &Store, pretend: bool) -> Result<Compacted, HistoryError> {
    let before = held_files(store)?;
    let files = before.values().map(Vec::len).sum();
    let mut compacted = Compacted { files_before: files, files_after: files, ..Compacted::default() };
    compacted.bytes_before = bytes_of(&before)?;
    if pretend {
        for step in before.iter().flat_map(|((table, folder), files)| plan(*table, folder, files)) {
            match step {
                Step::Merge { files, .. } => compacted.files_after -= files.len() - 1,
                Step::Delete(_) => compacted.files_after -= 1,
            }
        }
        return Ok(compacted);
    }
    let lock = store.lock()?;
    // Until nothing is left to do: the files that a merge made redundant are deleted in the next round.
    loop {
        let mut done = 0;
        for ((table, folder), files) in &held_files(store)? {
            for step in plan(*table, folder, files) {
                take(store, &step)?;
                done += 1;
            }
        }
        if done == 0 {
            break;
        }
    }
    drop(lock);
    let after = held_files(store)?;
    compacted.files_after = after.values().map(Vec::len).sum();
    compacted.bytes_after = Some(bytes_of(&after)?);
    Ok(compacted)
}

/// The files of every folder of both tables.
type Folders = BTreeMap<(Table, PathBuf), Vec<FileParts>>;

fn held_files(store: &Store) -> Result<Folders, HistoryError> {
    super::store::again_where_files_vanish(|| {
        let mut folders = Folders::new();
        for table in [Table::Tests, Table::Jobs] {
            for file in store.files(table, &Filter::default())? {
                let parts = match table {
                    Table::Tests => tests_table::parts(&file.path, &file.name)?,
                    Table::Jobs => jobs_table::parts(&file.path, &file.name)?,
                };
                let folder = file.path.parent().map(Path::to_owned).unwrap_or_default();
                folders.entry((table, folder)).or_default().push(FileParts { file, parts });
            }
        }
        Ok(folders)
    })
}

fn bytes_of(folders: &Folders) -> Result<u64, HistoryError> {
    let mut bytes = 0;
    for FileParts { file, .. } in folders.values().flatten() {
        bytes += fs::metadata(&file.path).map_err(HistoryError::io("read", &file.path))?.len();
    }
    Ok(bytes)
}

/// Returns what is to be done in one folder, first of all deleting what is there twice. Nothing, once all is
/// well.
pub(super) fn plan(table: Table, folder: &Path, files: &[FileParts]) -> Vec<Step> {
    let keys: Vec<BTreeSet<PartKey>> = files.iter().map(FileParts::keys).collect();
    let of_many: Vec<usize> = (0..files.len()).filter(|&at| keys[at].len() > 1).collect();
    let is_redundant = |at: usize| {
        of_many.iter().any(|&other| {
            let more = keys[other].len().cmp(&keys[at].len());
            let wins = more.then_with(|| files[at].file.name.cmp(&files[other].file.name)).is_gt();
            wins && keys[at].is_subset(&keys[other])
        })
    };
    let redundant: Vec<usize> = (0..files.len()).filter(|&at| is_redundant(at)).collect();
    if !redundant.is_empty() {
        return redundant.into_iter().map(|at| Step::Delete(files[at].file.clone())).collect();
    }
    let mut small: Vec<&FileParts> = files.iter().filter(|file| file.rows() < FULL_ROWS / 2).collect();
    // Oldest first, so that a question about the last weeks reads few files.
    small.sort_by_cached_key(|file| {
        (file.parts.iter().map(|part| part.facts.at).min(), file.file.name.clone())
    });
    let mut merges = Vec::new();
    let (mut group, mut rows) = (Vec::new(), 0);
    for file in small {
        if rows + file.rows() > FULL_ROWS {
            merges.push(std::mem::take(&mut group));
            rows = 0;
        }
        rows += file.rows();
        group.push(file.clone());
    }
    merges.push(group);
    let merges = merges.into_iter().filter(|files| files.len() > 1);
    merges.map(|files| Step::Merge { table, folder: folder.to_owned(), files }).collect()
}

/// Does one step.
pub(super) fn take(store: &Store, step: &Step) -> Result<(), HistoryError> {
    match step {
        Step::Delete(file) => {
            match fs::remove_file(&file.path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(HistoryError::io("delete", &file.path)(error));
                }
                _ => {}
            }
            if let Some(folder) = file.path.parent() {
                bring_names_to_the_disk(folder);
            }
            Ok(())
        }
        Step::Merge { table, folder, files } => {
            let merged = merged(*table, files)?;
            let text = footer::render(&merged.1);
            for other in 0.. {
                let name = Digest::of_compacted(&text, other);
                match store.write(folder, &name, merged.clone())? {
                    Added::Stored => break,
                    // A process that died wrote it already, or a pruned file bears the name.
                    Added::AlreadyThere => {
                        let path = Store::place(folder, &name);
                        if table::read_footer(&path)?.parts.as_deref() == Some(&text) {
                            break;
                        }
                    }
                }
            }
            Ok(())
        }
    }
}

/// Returns all that these files hold, each part once. Columns that this version does not know are kept.
fn merged(table: Table, files: &[FileParts]) -> Result<(DataFrame, Vec<StoredRun>), HistoryError> {
    let mut seen = BTreeSet::new();
    let mut parts: Vec<StoredRun> = Vec::new();
    let mut joined: Option<DataFrame> = None;
    let mut jobs = 0;
    for FileParts { file, parts: of_file } in files {
        let frame = table::read(&file.path, None)?.frame;
        let mut start = 0;
        for part in of_file {
            let rows = part.observations;
            let mut frame = frame.slice(i64::try_from(start).unwrap_or(i64::MAX), rows);
            start += rows;
            if !seen.insert(part.key()) {
                continue;
            }
            set_digest(&mut frame, part, &file.path)?;
            match table {
                Table::Tests => tests_table::set_position(&mut frame, parts.len(), &file.path)?,
                Table::Jobs => jobs += jobs_table::shift_positions(&mut frame, jobs, &file.path)?,
            }
            parts.push(part.clone());
            let polars =
                |error: polars::prelude::PolarsError| table::unreadable(&file.path, error.to_string());
            match &mut joined {
                None => joined = Some(frame),
                Some(joined) => {
                    add_missing_columns(joined, &frame).map_err(polars)?;
                    add_missing_columns(&mut frame, joined).map_err(polars)?;
                    let names: Vec<_> = joined.get_column_names_owned();
                    let frame = frame.select(names).map_err(polars)?;
                    joined.vstack_mut(&frame).map_err(polars)?;
                }
            }
        }
    }
    Ok((joined.unwrap_or_default(), parts))
}

/// Writes into rows which file they came from: those of version 1 do not say it.
fn set_digest(frame: &mut DataFrame, part: &StoredRun, path: &Path) -> Result<(), HistoryError> {
    let digest = text_column("digest", std::iter::repeat_n(Some(part.digest.as_str()), frame.height()));
    match frame.with_column(digest) {
        Ok(_) => Ok(()),
        Err(error) => Err(table::unreadable(path, error.to_string())),
    }
}

/// Adds the columns that `other` has and `frame` has not, blank.
fn add_missing_columns(frame: &mut DataFrame, other: &DataFrame) -> polars::prelude::PolarsResult<()> {
    for column in other.columns() {
        if frame.column(column.name()).is_err() {
            let blank = Column::full_null(column.name().clone(), frame.height(), column.dtype());
            frame.with_column(blank)?;
        }
    }
    Ok(())
}
