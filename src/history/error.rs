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
}

impl HistoryError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Returns what the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => "the folder `.shardplan/history` must be readable and writable",
            Self::Unreadable { .. } => {
                "delete that file and ingest its report again; every other file of the history is untouched"
            }
        }
    }
}
