//! Why the history could not be read or written.

use std::io;
use std::path::{Path, PathBuf};

/// A fault of the store, or of the disk under it.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The operating system refused.
    #[error("could not {action} `{}`", .path.display())]
    Io {
        /// What was to be done: "read", "write" …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file of the store is not what was written there.
    #[error("the history file `{}` can't be read: {problem}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of the store was written by a version that did not exist yet.
    #[error("the history file `{}` has version {version} of the layout, and this program knows 1 and 2", .path.display())]
    FromTheFuture {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// Another process compacts or prunes.
    #[error("another process is compacting or pruning the history: it holds `{}`", .path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// The files of the store changed each time they were looked at.
    #[error("the files of the history changed while they were read, {times} times in a row")]
    Restless {
        /// How often the reading was begun.
        times: u32,
    },
}

impl HistoryError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Returns whether a file was gone that had been there: compaction came in between.
    pub(super) fn is_vanished(&self) -> bool {
        matches!(self, Self::Io { action: "read", source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Returns what the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if is_full(source.kind()) => {
                "the disk is full: free some space and ingest again; what was stored before is untouched"
            }
            Self::Io { .. } => "the folder `.shardplan/history` must be readable and writable",
            Self::Unreadable { .. } => {
                "delete that file and ingest its report again; every other file of the history is untouched"
            }
            Self::FromTheFuture { .. } => "use the version of shardplan that wrote it, or a later one",
            Self::Locked { .. } => "try again when it is done; a process that died holds no lock",
            Self::Restless { .. } => "try again when no other process compacts the history",
        }
    }
}

fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}
