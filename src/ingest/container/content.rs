//! The bytes of a file, in memory or on the disk, that can be read more than once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::cursor;

/// Up to here what comes out of a container, or out of a pipe, is kept in memory.
const MOST_IN_MEMORY: u64 = 16 << 20;

/// What a file holds.
#[derive(Debug)]
pub struct Content(Place);

#[derive(Debug)]
enum Place {
    Memory(Vec<u8>),
    File { file: File, len: u64 },
}

/// What an archive of several files needs: to jump in it.
pub(super) trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

impl Content {
    /// Opens a file. What is no plain file (a pipe) is read to its end at once.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_file() {
            return Ok(Self(Place::File { file, len: metadata.len() }));
        }
        Self::take(&mut file)
    }

    /// Reads an input to its end: into memory, or into a nameless file where it is large.
    pub fn take(input: &mut dyn Read) -> io::Result<Self> {
        let mut bytes = Vec::new();
        input.take(MOST_IN_MEMORY + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= MOST_IN_MEMORY {
            return Ok(Self(Place::Memory(bytes)));
        }
        let mut file = tempfile::tempfile()?;
        file.write_all(&bytes)?;
        let len = bytes.len() as u64;
        drop(bytes);
        let len = len + io::copy(input, &mut file)?;
        Ok(Self(Place::File { file, len }))
    }

    pub(super) fn in_bytes(bytes: Vec<u8>) -> Self {
        Self(Place::Memory(bytes))
    }

    /// Returns how many bytes it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        match &self.0 {
            Place::Memory(bytes) => bytes.len() as u64,
            Place::File { len, .. } => *len,
        }
    }

    /// Returns whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how much memory it takes.
    pub(super) fn in_memory(&self) -> u64 {
        match &self.0 {
            Place::Memory(bytes) => bytes.len() as u64,
            Place::File { .. } => 0,
        }
    }

    /// Gives a reader of it from its beginning.
    pub fn read<R>(&self, read: impl FnOnce(&mut dyn Read) -> R) -> R {
        self.seek(|input| read(&mut { input }))
    }

    /// Gives a reader of it that can jump.
    pub(super) fn seek<R>(&self, read: impl FnOnce(&mut dyn ReadSeek) -> R) -> R {
        match &self.0 {
            Place::Memory(bytes) => read(&mut cursor(bytes)),
            Place::File { file, .. } => {
                let mut file = file;
                // A file that can't go back to its start gives an error when it is read.
                let _ = file.seek(SeekFrom::Start(0));
                read(&mut file)
            }
        }
    }
}
