//! Archives and compressed files as CI services hand them out: gz, bz2, xz, zst, zip and tar, one in the other.
//!
//! Nothing is ever unpacked to a path that an archive names: a member is read into memory, or, where it is large,
//! into a nameless temporary file. What could do harm all the same is refused: more bytes than any report has
//! ([`Limits`]), links, and names that lead out of the archive, because a name decides to which run a file belongs.

mod content;
mod members;

use std::io::{Cursor, Read};

pub use content::Content;

use super::IngestErrorKind;

/// How much an archive may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How deep archives may lie in one another; a compressed tar counts as two.
    pub depth: usize,
    /// How many members all archives of a file may have together.
    pub entries: usize,
    /// How many bytes may come out of a file.
    pub bytes: u64,
    /// How many bytes may come out for each that goes in, once more than [`Limits::FREE`] came out.
    pub ratio: u64,
}

impl Limits {
    /// So many bytes are no bomb, however well they were packed.
    pub const FREE: u64 = 64 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 5, entries: 100_000, bytes: 32 << 30, ratio: 250 }
    }
}

/// A file as it comes out of a container, or the file itself where it is none.
#[derive(Debug)]
pub struct Member {
    /// The names of the archives and of the member in them, `/` between them.
    pub name: String,
    /// What it holds, or why it is not read.
    pub content: Result<Content, IngestErrorKind>,
    /// Whether it came out of an archive, which may hold other files than reports.
    pub is_packed: bool,
}

/// How much memory the members of one batch may take together.
const BATCH_BYTES: u64 = 64 << 20;
/// How many members a batch may have.
const BATCH_MEMBERS: usize = 256;

/// Opens a file and hands out what is inside, in the order of the archive and in batches of a bounded size.
pub fn open(name: &str, content: Content, limits: &Limits, take: &mut dyn FnMut(Vec<Member>)) {
    let mut opening = Opening {
        allowance: Allowance { limits: *limits, packed: content.len(), entries: 0, bytes: 0 },
        batch: Vec::new(),
        batch_bytes: 0,
        take,
    };
    opening.file(name.to_owned(), content, Depth::default());
    opening.hand_out();
}

struct Opening<'a> {
    allowance: Allowance,
    batch: Vec<Member>,
    batch_bytes: u64,
    take: &'a mut dyn FnMut(Vec<Member>),
}

/// What may still come out of a file.
pub(super) struct Allowance {
    limits: Limits,
    /// How many bytes went in.
    packed: u64,
    entries: usize,
    bytes: u64,
}

/// Where a file lies.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Depth {
    /// How many containers are around it.
    containers: usize,
    /// Whether one of them holds several files.
    in_archive: bool,
}

/// The ways a file can be packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    Zip,
    Tar,
}

impl Packing {
    const TAR_MAGIC_AT: usize = 257;
    const HEAD: usize = Self::TAR_MAGIC_AT + 5;

    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1F, 0x8B, ..] => Some(Self::Gzip),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Self::Bzip2),
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Self::Zstd),
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Some(Self::Zip),
            _ => head
                .get(Self::TAR_MAGIC_AT..)
                .is_some_and(|rest| rest.starts_with(b"ustar"))
                .then_some(Self::Tar),
        }
    }
}

impl Opening<'_> {
    fn file(&mut self, name: String, content: Content, depth: Depth) {
        let head = content.read(|input| super::input::fill(&mut { input }, Packing::HEAD));
        let packing = match head {
            Ok(head) => Packing::of(&head),
            Err(error) => return self.give(name, Err(super::input::fault(error, None)), depth.in_archive),
        };
        let Some(packing) = packing else { return self.give(name, Ok(content), depth.in_archive) };
        if depth.containers >= self.allowance.limits.depth {
            let what = format!("archives more than {} deep in one another", self.allowance.limits.depth);
            return self.give(name, Err(IngestErrorKind::TooLarge { what, line: None }), depth.in_archive);
        }
        match packing {
            Packing::Zip => members::zip(self, &name, &content, depth),
            Packing::Tar => members::tar(self, &name, &content, depth),
            Packing::Gzip | Packing::Bzip2 | Packing::Xz | Packing::Zstd => {
                match content.read(|input| self.unpacked(packing, input)) {
                    // A compressed report is the report: its name stays.
                    Ok(inner) => self.file(name, inner, Depth { containers: depth.containers + 1, ..depth }),
                    Err(kind) => self.give(name, Err(kind), depth.in_archive),
                }
            }
        }
    }

    fn unpacked(&mut self, packing: Packing, input: &mut dyn Read) -> Result<Content, IngestErrorKind> {
        let unreadable =
            |problem: &str| IngestErrorKind::Unreadable { problem: problem.to_owned(), line: None };
        match packing {
            Packing::Gzip => self.allowance.content(flate2::read::MultiGzDecoder::new(input)),
            Packing::Bzip2 => self.allowance.content(bzip2::read::MultiBzDecoder::new(input)),
            Packing::Xz => {
                self.allowance.content(lzma_rust2::XzReader::new_mem_limit(input, true, XZ_MEMORY_KIB))
            }
            Packing::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(input)
                    .map_err(|_| unreadable("its zstd header is damaged"))?;
                decoder
                    .window_log_max(ZSTD_WINDOW_LOG)
                    .map_err(|_| unreadable("its zstd header is damaged"))?;
                self.allowance.content(decoder)
            }
            Packing::Zip | Packing::Tar => Err(unreadable("it is an archive of several files")),
        }
    }

    /// Takes a member of an archive: another archive, or a file to hand out.
    fn member(&mut self, name: String, content: Result<Content, IngestErrorKind>, depth: Depth) {
        match content {
            Ok(content) => {
                let depth = Depth { containers: depth.containers + 1, in_archive: true };
                self.file(name, content, depth);
            }
            Err(kind) => self.give(name, Err(kind), true),
        }
    }

    fn give(&mut self, name: String, content: Result<Content, IngestErrorKind>, is_packed: bool) {
        self.batch_bytes += content.as_ref().map_or(0, Content::in_memory);
        self.batch.push(Member { name, content, is_packed });
        if self.batch_bytes >= BATCH_BYTES || self.batch.len() >= BATCH_MEMBERS {
            self.hand_out();
        }
    }

    fn hand_out(&mut self) {
        if !self.batch.is_empty() {
            self.batch_bytes = 0;
            (self.take)(std::mem::take(&mut self.batch));
        }
    }
}

/// How much memory xz may ask for: level 9 takes 64 MiB.
const XZ_MEMORY_KIB: u32 = 128 * 1024;
/// The same for zstd: `--long=27` takes 128 MiB.
const ZSTD_WINDOW_LOG: u32 = 27;

impl Allowance {
    /// Reads what comes out of a container, and no more than may.
    fn content(&mut self, mut input: impl Read) -> Result<Content, IngestErrorKind> {
        let most = self.limits.bytes.min(Limits::FREE.max(self.packed.saturating_mul(self.limits.ratio)));
        let left = most.saturating_sub(self.bytes);
        let content = Content::take(&mut (&mut input).take(left + 1))
            .map_err(|error| super::input::fault(error, None))?;
        self.bytes += content.len();
        if content.len() > left {
            let what =
                format!("more than {} MiB unpacked, from {} KiB", most >> 20, self.packed.div_ceil(1024));
            return Err(IngestErrorKind::TooLarge { what, line: None });
        }
        Ok(content)
    }

    /// Counts a member; an error where there are too many.
    fn entry(&mut self) -> Result<(), IngestErrorKind> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            let what = format!("more than {} files in its archives", self.limits.entries);
            return Err(IngestErrorKind::TooLarge { what, line: None });
        }
        Ok(())
    }
}

/// Returns the content of bytes that are in memory: for tests, and for what was read from a pipe.
impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::in_bytes(bytes)
    }
}

/// Returns a reader of bytes that can seek.
fn cursor(bytes: &[u8]) -> Cursor<&[u8]> {
    Cursor::new(bytes)
}
