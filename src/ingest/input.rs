//! Bytes on their way in, each kind with its end: a line, a document, a file that is not what it seems.

use std::fmt;
use std::io::{self, Read};

use memchr::{memchr, memrchr};

use super::IngestErrorKind;

/// How much of a file is looked at to tell what it is.
pub(super) const HEAD_BYTES: usize = 64 * 1024;

/// The longest line of a log or a table. pytest-reportlog writes a test's whole output into one line.
const MAX_LINE: usize = 64 * 1024 * 1024;

/// The largest document that has to be in memory as a whole: JSON and Parquet are no streams.
const MAX_DOCUMENT: usize = 1024 * 1024 * 1024;

/// What is wrong with bytes, on its way through a reader that knows only errors of input and output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InputFault(pub(super) IngestErrorKind);

impl fmt::Display for InputFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for InputFault {}

/// Returns what an error of input and output means for the file.
pub(super) fn fault(error: io::Error, line: Option<u64>) -> IngestErrorKind {
    if error.get_ref().is_some_and(|inner| inner.downcast_ref::<InputFault>().is_some())
        && let Some(inner) = error.into_inner()
        && let Ok(fault) = inner.downcast::<InputFault>()
    {
        return match fault.0 {
            IngestErrorKind::Encoding { expected, found, line: None } => {
                IngestErrorKind::Encoding { expected, found, line }
            }
            kind => kind,
        };
    }
    IngestErrorKind::Unreadable { problem: "it ends too early or was damaged on its way".to_owned(), line }
}

/// Returns an error that [`fault`] turns back.
pub(super) fn io_error(kind: IngestErrorKind) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, InputFault(kind))
}

/// Reads until a buffer is full or the input ends.
pub(super) fn fill(input: &mut impl Read, bytes: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(bytes as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Returns a whole document.
pub(super) fn whole(input: impl Read) -> Result<Vec<u8>, IngestErrorKind> {
    let mut bytes = Vec::new();
    let mut input = input.take(MAX_DOCUMENT as u64 + 1);
    input.read_to_end(&mut bytes).map_err(|error| fault(error, None))?;
    if bytes.len() > MAX_DOCUMENT {
        let what = "one JSON document of more than 1 GiB".to_owned();
        return Err(IngestErrorKind::TooLarge { what, line: None });
    }
    Ok(bytes)
}

/// Lines of an input, one after the other.
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    number: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: vec![0; HEAD_BYTES], start: 0, end: 0, number: 0 }
    }

    /// Returns the next line without its end, and whether it has one: a last line without may be cut.
    pub(super) fn next(&mut self) -> Result<Option<(&[u8], bool)>, IngestErrorKind> {
        let mut looked_at = self.start;
        loop {
            if let Some(length) = memchr(b'\n', &self.buffer[looked_at..self.end]) {
                let line = self.start..looked_at + length;
                self.start = line.end + 1;
                self.number += 1;
                return Ok(Some((self.buffer[line].trim_ascii_end(), true)));
            }
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            looked_at = self.end;
            if self.end == self.buffer.len() {
                if self.end >= MAX_LINE {
                    return Err(too_long(self.number + 1));
                }
                self.buffer.resize(2 * self.end, 0);
            }
            let line = Some(self.number + 1);
            let read = read_some(&mut self.input, &mut self.buffer[self.end..]);
            match read.map_err(|error| fault(error, line))? {
                0 if self.end == 0 => return Ok(None),
                0 => {
                    let line = 0..self.end;
                    self.start = self.end;
                    self.number += 1;
                    return Ok(Some((&self.buffer[line], false)));
                }
                number => self.end += number,
            }
        }
    }
}

/// An input whose lines end, for readers that would wait for the end of one for ever.
pub(super) struct LineLimit<R> {
    input: R,
    since_line_end: usize,
    line: u64,
}

impl<R: Read> LineLimit<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, since_line_end: 0, line: 1 }
    }
}

impl<R: Read> Read for LineLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let number = self.input.read(buffer)?;
        match memrchr(b'\n', &buffer[..number]) {
            Some(last) => {
                self.line += memchr::memchr_iter(b'\n', &buffer[..=last]).count() as u64;
                self.since_line_end = number - last - 1;
            }
            None => self.since_line_end += number,
        }
        if self.since_line_end > MAX_LINE {
            return Err(io_error(too_long(self.line)));
        }
        Ok(number)
    }
}

fn too_long(line: u64) -> IngestErrorKind {
    let what = format!("a line of more than {} MiB", MAX_LINE >> 20);
    IngestErrorKind::TooLarge { what, line: Some(line) }
}

pub(super) fn read_some(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod checks {
    use super::*;

    #[test]
    fn lines_come_one_by_one() {
        let text = format!("a\r\n\n{}\nlast", "x".repeat(3 * HEAD_BYTES));
        let mut lines = Lines::new(text.as_bytes());
        let mut seen = Vec::new();
        while let Some((line, is_whole)) = lines.next().unwrap() {
            seen.push((line.len(), is_whole));
        }
        assert_eq!(seen, [(1, true), (0, true), (3 * HEAD_BYTES, true), (4, false)]);
        assert_eq!(lines.number, 4);
    }

    #[test]
    fn an_endless_line_is_refused() {
        let endless = || io::repeat(b'x');
        assert!(matches!(Lines::new(endless()).next(), Err(IngestErrorKind::TooLarge { line: Some(1), .. })));
        let error = io::copy(&mut LineLimit::new(endless()), &mut io::sink()).unwrap_err();
        assert!(matches!(fault(error, None), IngestErrorKind::TooLarge { line: Some(1), .. }));
    }
}
