//! The store: files that are written once, whole, and never changed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use polars::prelude::DataFrame;

use super::error::HistoryError;
use super::partition::Partition;
use super::{Filter, jobs_table, table, tests_table};
use crate::ingest::{Format, Report};

const EXTENSION: &str = "parquet";

/// The folder that holds the history of a project.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    /// Returns the first twelve digits: enough to tell files apart on a screen.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
    }

    fn parse(text: &str) -> Option<Self> {
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
        Self { root: if root == Path::new(".") { within } else { root.join(within) } }
    }

    /// Returns whether a file with these bytes was stored before.
    pub fn contains(&self, digest: &Digest) -> Result<bool, HistoryError> {
        for table in [Table::Tests, Table::Jobs] {
            if self.files(table, &Filter::default())?.contains_key(digest) {
                return Ok(true);
            }
        }
        Ok(false)
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
        let mut added = Added::AlreadyThere;
        if reports.iter().any(|report| !report.jobs.is_empty()) {
            let jobs = reports.iter().flat_map(|report| &report.jobs);
            let partition =
                Partition::of(jobs.clone().map(|job| (job.branch.as_deref(), job.started.or(job.created))));
            added = self.write(Table::Jobs, &partition, digest, jobs_table::frame(jobs, format, source))?;
        }
        let with_tests = || reports.iter().filter(|report| !report.observations.is_empty());
        if with_tests().next().is_some() {
            let partition =
                Partition::of(with_tests().map(|report| (report.run.branch.as_deref(), report.run.at)));
            let frame = tests_table::frame(with_tests(), format, source);
            added = self.write(Table::Tests, &partition, digest, frame)?;
        }
        Ok(added)
    }

    /// Returns the files of a table that may hold what the filter keeps, in the order of their digests.
    pub(super) fn files(
        &self,
        table: Table,
        filter: &Filter,
    ) -> Result<BTreeMap<Digest, PathBuf>, HistoryError> {
        let mut files = BTreeMap::new();
        for branch in entries(&self.root.join(table.folder()))? {
            for month in entries(&branch)? {
                let Some(partition) = partition_of(&branch, &month) else { continue };
                if filter.branch.as_deref().is_some_and(|wanted| !partition.may_hold_branch(wanted))
                    || filter.since.is_some_and(|since| !partition.may_reach(since))
                {
                    continue;
                }
                for path in entries(&month)? {
                    // Two clocks on both sides of midnight can have filed one digest under two months.
                    if let Some(digest) = digest_of(&path) {
                        files.entry(digest).or_insert(path);
                    }
                }
            }
        }
        Ok(files)
    }

    /// Writes a file beside its place and renames it into it.
    fn write(
        &self,
        table: Table,
        partition: &Partition,
        digest: &Digest,
        frame: DataFrame,
    ) -> Result<Added, HistoryError> {
        let waiting_room = self.root.join("tmp");
        let [branch, month] = partition.folders();
        let folder = self.root.join(table.folder()).join(branch).join(month);
        for folder in [&waiting_room, &folder] {
            fs::create_dir_all(folder).map_err(HistoryError::io("create the folder", folder))?;
        }
        let place = folder.join(format!("{digest}.{EXTENSION}"));
        // As any file of the user's: a temporary one would be readable by its owner alone.
        let mut file = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .prefix(digest.short())
            .tempfile_in(&waiting_room)
            .map_err(HistoryError::io("write a file in", &waiting_room))?;
        table::write(frame, file.as_file_mut())
            .and_then(|()| file.as_file().sync_all())
            .map_err(HistoryError::io("write", file.path()))?;
        match file.persist_noclobber(&place) {
            Ok(_) => {
                // The name must survive a power cut as well. Some systems can't open a folder to say so.
                if let Ok(folder) = File::open(&folder) {
                    let _ = folder.sync_all();
                }
                Ok(Added::Stored)
            }
            // A rival stored the same bytes first: what is there is what would have been written.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(Added::AlreadyThere),
            Err(error) => Err(HistoryError::io("write", &place)(error.error)),
        }
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
