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
    store.sweep()?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Observed, load};
    use crate::ingest::{Format, Observation, Outcome, Report, RunFacts};
    use crate::time::{Micros, Timestamp};

    fn filled_store(root: &Path) -> Store {
        let store = Store::of_project(root);
        for number in 0..7_u8 {
            let run = RunFacts {
                run: Some(format!("run-{number}")),
                branch: Some(if number < 5 { "main" } else { "next" }.to_owned()),
                at: Some(Timestamp(i64::from(number))),
                ..RunFacts::default()
            };
            let seen =
                |test: &str| Observation::new(test.parse().unwrap(), Outcome::Passed, Micros(number.into()));
            let report =
                Report { run, observations: vec![seen("a.py::x"), seen("b.py::y")], ..Report::default() };
            store.add(&Digest::of(&[number]), Format::JUnit, "a.xml", &[report]).unwrap();
        }
        store
    }

    fn everything(store: &Store) -> Observed {
        load(store, &Filter::default()).unwrap()
    }

    fn steps(store: &Store) -> Vec<Step> {
        let folders = held_files(store).unwrap();
        folders.iter().flat_map(|((table, folder), files)| plan(*table, folder, files)).collect()
    }

    #[test]
    fn after_every_step_of_a_compaction_the_history_is_the_same() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = filled_store(folder.path());
        let before = everything(&store);
        let mut taken = 0;
        // The files of a folder are deleted in any order: the last first, then the first, by turns.
        while let Some(step) = {
            let mut steps = steps(&store);
            if taken % 2 == 0 { steps.pop() } else { steps.into_iter().next() }
        } {
            take(&store, &step).unwrap();
            taken += 1;
            assert_eq!(everything(&store), before, "after step {taken}");
            for number in 0..7_u8 {
                let fresh = Store::of_project(folder.path());
                assert!(fresh.contains(&Digest::of(&[number])).unwrap(), "{number} after step {taken}");
            }
        }
        assert_eq!(taken, 2 + 7, "two folders were merged, and their files deleted");
    }

    #[test]
    fn a_compaction_that_died_at_any_step_is_brought_to_its_end_by_the_next() {
        for survived in 0..9 {
            let folder = tempfile::TempDir::new().unwrap();
            let store = filled_store(folder.path());
            let before = everything(&store);
            for _ in 0..survived {
                take(&store, &steps(&store)[0]).unwrap();
            }
            let compacted = compact(&store, false).unwrap();
            assert_eq!((compacted.files_after, everything(&store)), (2, before), "after {survived} steps");
        }
    }

    #[test]
    fn what_a_writer_left_behind_long_ago_is_swept_away() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = filled_store(folder.path());
        let left = folder.path().join(".shardplan/history/tmp");
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
        fs::write(left.join("young"), "x").unwrap();
        fs::write(left.join("old"), "x").unwrap();
        fs::File::options().append(true).open(left.join("old")).unwrap().set_modified(long_ago).unwrap();
        compact(&store, false).unwrap();
        assert!(left.join("young").exists() && !left.join("old").exists());
    }

    #[test]
    fn two_compacted_files_that_overlap_become_one() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = filled_store(folder.path());
        let before = everything(&store);
        let folders = held_files(&store).unwrap();
        let ((table, place), files) = folders.first_key_value().unwrap();
        for members in [&files[0..3], &files[2..5]] {
            let (table, folder, files) = (*table, place.clone(), members.to_vec());
            take(&store, &Step::Merge { table, folder, files }).unwrap();
        }
        assert_eq!(everything(&store), before);
        assert_eq!(compact(&store, false).unwrap().files_after, 2);
        assert_eq!(everything(&store), before);
    }

    #[test]
    fn a_file_of_the_first_version_is_merged_with_its_digest() {
        let folder = tempfile::TempDir::new().unwrap();
        let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/history-v1/tests");
        let within = Path::new("branch=main/month=2026-06");
        let place = folder.path().join(".shardplan/history/tests").join(within);
        fs::create_dir_all(&place).unwrap();
        let mut names = fs::read_dir(old.join(within)).unwrap().map(|entry| entry.unwrap().path());
        let old = names.next().unwrap();
        fs::copy(&old, place.join(old.file_name().unwrap())).unwrap();
        let store = Store::of_project(folder.path());
        let run = RunFacts {
            run: Some("77".to_owned()),
            branch: Some("main".to_owned()),
            at: Timestamp::parse("2026-06-20T00:00:00Z"),
            ..RunFacts::default()
        };
        let seen = Observation::new("tests/a.py::test_x".parse().unwrap(), Outcome::Passed, Micros(5));
        let report = Report { run, observations: vec![seen], ..Report::default() };
        store.add(&Digest::of(b"new"), Format::JUnit, "a.xml", &[report]).unwrap();
        let before = everything(&store);
        assert_eq!((before.whole_runs.len(), before.observations()), (3, 6));
        assert_eq!(compact(&store, false).unwrap().files_after, 1);
        assert_eq!(everything(&store), before);
        let digest = Digest::parse(old.file_stem().unwrap().to_str().unwrap()).unwrap();
        assert!(Store::of_project(folder.path()).contains(&digest).unwrap());
    }
}
