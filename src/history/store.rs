//! The store: files that are written once, whole, and never changed.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use polars::prelude::DataFrame;

use super::error::HistoryError;
use super::partition::Partition;
use super::{Filter, StoredRun, footer, jobs_table, table, tests_table};
use crate::ingest::{Format, Report};

const EXTENSION: &str = "parquet";

/// The folder that holds the history of a project.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    /// The digests that were stored when somebody first asked, and those that were added since.
    known: Arc<Mutex<Option<BTreeSet<Digest>>>>,
}

/// The first digits of the name of a compacted file. The digest of an ingested file begins so once in 2⁶⁴, so
/// that the files whose footers name further digests are known by their names.
const COMPACTED: &str = "0000000000000000";

/// How often a listing that changes meanwhile is begun anew.
const MOST_LISTINGS: u32 = 20;

/// A file of the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StoredFile {
    /// What its name says: the digest of the ingested file, or of the parts of a compacted one.
    pub(super) name: Digest,
    pub(super) path: PathBuf,
}

/// The identity of an ingested file: the BLAKE3 digest of its bytes in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Box<str>);

/// What came of adding a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is stored now.
    Stored,
    /// A file with these bytes was stored before; nothing was changed.
    AlreadyThere,
}

/// The two tables of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    Tests,
    Jobs,
}

impl Digest {
    /// Returns the digest of a file's bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).to_hex().as_str().into())
    }

    /// Returns the digest of what a reader gives until its end.
    pub fn of_reader(input: impl io::Read) -> io::Result<Self> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(input)?;
        Ok(Self(hasher.finalize().to_hex().as_str().into()))
    }

    /// Returns the digest of a part of a file that is stored in parts, by its number.
    #[must_use]
    pub fn of_part(&self, number: u64) -> Self {
        Self(blake3::hash(format!("{self} {number}").as_bytes()).to_hex().as_str().into())
    }

    /// Returns the first twelve digits: enough to tell files apart on a screen.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
    }

    /// Returns the digest in hexadecimal.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of a compacted file of these parts, or another one where that is taken.
    pub(super) fn of_compacted(parts: &str, other: u32) -> Self {
        let digest = blake3::hash(format!("{other} {parts}").as_bytes()).to_hex();
        Self(format!("{COMPACTED}{}", &digest[COMPACTED.len()..]).into())
    }

    pub(super) fn is_of_compacted(&self) -> bool {
        self.0.starts_with(COMPACTED)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_digest = text.len() == 64 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        is_digest.then(|| Self(text.into()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Store {
    /// Returns the store of the project in `root`. Nothing is created before the first file is added.
    #[must_use]
    pub fn of_project(root: &Path) -> Self {
        let within = Path::new(".shardplan").join("history");
        // Messages name the files of the store; `./` before them would be noise.
        let root = if root == Path::new(".") { within } else { root.join(within) };
        Self { root, known: Arc::default() }
    }

    /// Returns whether a file with these bytes was stored before.
    ///
    /// The store is looked at once; what other processes add later is found when it is written.
    pub fn contains(&self, digest: &Digest) -> Result<bool, HistoryError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            *known = Some(self.digests()?);
        }
        Ok(known.as_ref().is_some_and(|known| known.contains(digest)))
    }

    /// Returns the digest of every ingested file.
    fn digests(&self) -> Result<BTreeSet<Digest>, HistoryError> {
        again_where_files_vanish(|| {
            let mut digests = BTreeSet::new();
            for table in [Table::Tests, Table::Jobs] {
                for StoredFile { name, path } in self.files(table, &Filter::default())? {
                    if name.is_of_compacted() {
                        let parts = table::read_footer(&path)?.parts.unwrap_or_default();
                        let parts =
                            footer::parse(&parts).map_err(|problem| table::unreadable(&path, problem))?;
                        digests.extend(parts.into_iter().map(|part| part.digest));
                    } else {
                        digests.insert(name);
                    }
                }
            }
            Ok(digests)
        })
    }

    /// Stores what a file said. Many processes may add files at once; the same file is stored once.
    pub fn add(
        &self,
        digest: &Digest,
        format: Format,
        source: &str,
        reports: &[Report],
    ) -> Result<Added, HistoryError> {
        if self.contains(digest)? {
            return Ok(Added::AlreadyThere);
        }
        let origin = (digest, format, source);
        let mut added = Added::AlreadyThere;
        if reports.iter().any(|report| !report.jobs.is_empty()) {
            let jobs: Vec<_> = reports.iter().flat_map(|report| &report.jobs).collect();
            let facts = jobs.iter().map(|job| (job.branch.as_deref(), job.started.or(job.created)));
            let folder = self.folder(Table::Jobs, &Partition::of(facts));
            added = self.write(&folder, digest, jobs_table::frame(&jobs, origin))?;
        }
        let with_tests = || reports.iter().filter(|report| !report.observations.is_empty());
        if with_tests().next().is_some() {
            let facts = with_tests().map(|report| (report.run.branch.as_deref(), report.run.at));
            let folder = self.folder(Table::Tests, &Partition::of(facts));
            added = self.write(&folder, digest, tests_table::frame(&with_tests(), origin))?;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_or_insert_default().insert(digest.clone());
        Ok(added)
    }

    /// Returns the files of a table that may hold what the filter keeps, in the order of their names.
    ///
    /// A folder that is listed while another process compacts it may show neither the new file nor one of the
    /// old: so it is listed until nothing has changed in between.
    pub(super) fn files(&self, table: Table, filter: &Filter) -> Result<Vec<StoredFile>, HistoryError> {
        let mut last = self.list(table, filter)?;
        for _ in 0..MOST_LISTINGS {
            let files = self.list(table, filter)?;
            // What came since lies here now; what went since was there at first.
            if last.iter().all(|file| files.binary_search(file).is_ok())
                && files.iter().all(|file| !file.name.is_of_compacted() || last.binary_search(file).is_ok())
            {
                return Ok(files);
            }
            last = files;
        }
        Err(HistoryError::Restless { times: MOST_LISTINGS })
    }

    fn list(&self, table: Table, filter: &Filter) -> Result<Vec<StoredFile>, HistoryError> {
        let mut files = Vec::new();
        for branch in entries(&self.root.join(table.folder()))? {
            for month in entries(&branch)? {
                let Some(partition) = partition_of(&branch, &month) else { continue };
                if filter.branch.as_deref().is_some_and(|wanted| !partition.may_hold_branch(wanted))
                    || filter.since.is_some_and(|since| !partition.may_reach(since))
                {
                    continue;
                }
                let paths = entries(&month)?.into_iter();
                files.extend(paths.filter_map(|path| Some(StoredFile { name: digest_of(&path)?, path })));
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    fn folder(&self, table: Table, partition: &Partition) -> PathBuf {
        let [branch, month] = partition.folders();
        self.root.join(table.folder()).join(branch).join(month)
    }

    /// Returns where a file of this name lies.
    pub(super) fn place(folder: &Path, name: &Digest) -> PathBuf {
        folder.join(format!("{name}.{EXTENSION}"))
    }

    /// Takes the lock that those hold who delete. It is let go of with the returned file, and by the system
    /// where the process dies.
    pub(super) fn lock(&self) -> Result<File, HistoryError> {
        let waiting_room = self.root.join("tmp");
        fs::create_dir_all(&waiting_room).map_err(HistoryError::io("create the folder", &waiting_room))?;
        let path = waiting_room.join("lock");
        let lock = File::create(&path).map_err(HistoryError::io("write", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(fs::TryLockError::WouldBlock) => Err(HistoryError::Locked { path }),
            Err(fs::TryLockError::Error(error)) => Err(HistoryError::io("lock", &path)(error)),
        }
    }

    /// Deletes what writers that died left behind: nobody writes one file for a day.
    pub(super) fn sweep(&self) -> Result<(), HistoryError> {
        const DAY: std::time::Duration = std::time::Duration::from_hours(24);
        #[expect(clippy::disallowed_methods, reason = "a file that is written right now is young")]
        let now = std::time::SystemTime::now();
        for path in entries(&self.root.join("tmp"))? {
            let written = fs::metadata(&path).and_then(|metadata| metadata.modified());
            let age = written.ok().and_then(|written| now.duration_since(written).ok());
            if age.is_some_and(|age| age > DAY) && path.file_name().is_some_and(|name| name != "lock") {
                // Another may sweep at the same time.
                let _ = fs::remove_file(&path);
            }
        }
        Ok(())
    }

    /// Forgets which digests were stored: files were deleted.
    pub(super) fn forget(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Writes a file beside its place and renames it into it.
    pub(super) fn write(
        &self,
        folder: &Path,
        name: &Digest,
        written: (DataFrame, Vec<StoredRun>),
    ) -> Result<Added, HistoryError> {
        let file = self.write_beside(folder, name, written)?;
        let place = Self::place(folder, name);
        match file.persist_noclobber(&place) {
            Ok(_) => {
                bring_names_to_the_disk(folder);
                Ok(Added::Stored)
            }
            // A rival stored the same bytes first: what is there is what would have been written.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(Added::AlreadyThere),
            Err(error) => Err(HistoryError::io("write", &place)(error.error)),
        }
    }

    /// Puts a file in the place of another, at once.
    pub(super) fn replace(
        &self,
        file: &StoredFile,
        written: (DataFrame, Vec<StoredRun>),
    ) -> Result<(), HistoryError> {
        let folder = file.path.parent().unwrap_or(&self.root);
        let new = self.write_beside(folder, &file.name, written)?;
        new.persist(&file.path).map_err(|error| HistoryError::io("write", &file.path)(error.error))?;
        bring_names_to_the_disk(folder);
        Ok(())
    }

    fn write_beside(
        &self,
        folder: &Path,
        name: &Digest,
        (frame, parts): (DataFrame, Vec<StoredRun>),
    ) -> Result<tempfile::NamedTempFile, HistoryError> {
        let waiting_room = self.root.join("tmp");
        for folder in [waiting_room.as_path(), folder] {
            fs::create_dir_all(folder).map_err(HistoryError::io("create the folder", folder))?;
        }
        // As any file of the user's: a temporary one would be readable by its owner alone.
        let mut file = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .prefix(name.short())
            .tempfile_in(&waiting_room)
            .map_err(HistoryError::io("write a file in", &waiting_room))?;
        // By way of the memory: so the error of a full disk is the disk's, not the Parquet library's.
        let mut bytes = Vec::new();
        table::write(frame, footer::render(&parts), &mut bytes)
            .and_then(|()| file.write_all(&bytes))
            .and_then(|()| file.as_file().sync_all())
            .map_err(HistoryError::io("write a file in", &waiting_room))?;
        Ok(file)
    }
}

/// Does something again where a file was gone that had been there: another process compacted the history.
pub(super) fn again_where_files_vanish<T>(
    mut attempt: impl FnMut() -> Result<T, HistoryError>,
) -> Result<T, HistoryError> {
    for _ in 0..MOST_LISTINGS {
        match attempt() {
            Err(error) if error.is_vanished() => {}
            done => return done,
        }
    }
    Err(HistoryError::Restless { times: MOST_LISTINGS })
}

/// Makes a rename survive a power cut. Some systems can't open a folder to say so.
pub(super) fn bring_names_to_the_disk(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

impl Table {
    const fn folder(self) -> &'static str {
        match self {
            Self::Tests => "tests",
            Self::Jobs => "jobs",
        }
    }
}

/// Returns what lies in a folder, sorted; nothing where there is no such folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, HistoryError> {
    let listed = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>());
    match listed {
        Ok(mut paths) => {
            paths.sort_unstable();
            Ok(paths)
        }
        // A stray file among the partitions is none of ours.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(HistoryError::io("list", folder)(error)),
    }
}

fn partition_of(branch: &Path, month: &Path) -> Option<Partition> {
    Partition::parse(branch.file_name()?.to_str()?, month.file_name()?.to_str()?)
}

fn digest_of(path: &Path) -> Option<Digest> {
    if path.extension()? != EXTENSION {
        return None;
    }
    Digest::parse(path.file_stem()?.to_str()?)
}
