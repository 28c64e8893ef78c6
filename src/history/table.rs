//! What both tables share: Parquet out, Parquet in, and columns by name.

use std::fs;
use std::io::{self, Cursor};
use std::path::Path;

use polars::prelude::{
    Column, DataFrame, Int64Chunked, NewChunkedArray as _, ParallelStrategy, ParquetReader, ParquetWriter,
    SerReader as _, StringChunked, UInt32Chunked,
};

use super::error::HistoryError;
use crate::time::{Micros, Timestamp};

/// Writes a table as Parquet, compressed with zstd.
pub(super) fn write(mut frame: DataFrame, out: impl io::Write) -> io::Result<()> {
    ParquetWriter::new(out).finish(&mut frame).map_err(io::Error::other)?;
    Ok(())
}

/// Reads a whole file of the store.
///
/// The bytes are read rather than mapped: a mapped file that shrinks would end the process.
pub(super) fn read(path: &Path) -> Result<Rows<'_>, HistoryError> {
    let bytes = fs::read(path).map_err(HistoryError::io("read", path))?;
    // The files are small and many; starting threads for one costs more than it saves.
    let frame = ParquetReader::new(Cursor::new(bytes))
        .read_parallel(ParallelStrategy::None)
        .set_rechunk(true)
        .finish()
        .map_err(|error| unreadable(path, error.to_string()))?;
    Ok(Rows { path, frame })
}

/// The rows of a file of the store.
pub(super) struct Rows<'a> {
    path: &'a Path,
    frame: DataFrame,
}

impl Rows<'_> {
    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.frame.height()
    }

    pub(super) fn text(&self, name: &str) -> Result<&StringChunked, HistoryError> {
        self.column(name)?.str().map_err(|error| unreadable(self.path, error.to_string()))
    }

    pub(super) fn integer(&self, name: &str) -> Result<&Int64Chunked, HistoryError> {
        self.column(name)?.i64().map_err(|error| unreadable(self.path, error.to_string()))
    }

    pub(super) fn count(&self, name: &str) -> Result<&UInt32Chunked, HistoryError> {
        self.column(name)?.u32().map_err(|error| unreadable(self.path, error.to_string()))
    }

    /// Returns the error that a value of the file makes no sense.
    pub(super) fn senseless(&self, problem: &dyn ToString) -> HistoryError {
        unreadable(self.path, problem.to_string())
    }

    fn column(&self, name: &str) -> Result<&Column, HistoryError> {
        self.frame.column(name).map_err(|_| unreadable(self.path, format!("there is no column `{name}`")))
    }
}

fn unreadable(path: &Path, problem: String) -> HistoryError {
    HistoryError::Unreadable { path: path.to_owned(), problem }
}

/// Returns a column of texts.
pub(super) fn text_column<T: AsRef<str>>(name: &str, cells: impl IntoIterator<Item = Option<T>>) -> Column {
    let cells: Vec<Option<T>> = cells.into_iter().collect();
    let chunked = StringChunked::from_iter_options(
        name.into(),
        cells.iter().map(Option::as_ref).map(|cell| cell.map(AsRef::as_ref)),
    );
    polars::prelude::IntoColumn::into_column(chunked)
}

/// Returns a column of whole numbers.
pub(super) fn integer_column(name: &str, cells: impl IntoIterator<Item = Option<i64>>) -> Column {
    let cells: Vec<Option<i64>> = cells.into_iter().collect();
    polars::prelude::IntoColumn::into_column(Int64Chunked::from_iter_options(name.into(), cells.into_iter()))
}

/// Returns a column of counts from 0.
pub(super) fn count_column(name: &str, cells: impl IntoIterator<Item = Option<u32>>) -> Column {
    let cells: Vec<Option<u32>> = cells.into_iter().collect();
    polars::prelude::IntoColumn::into_column(UInt32Chunked::from_iter_options(name.into(), cells.into_iter()))
}

/// Returns a duration as it is stored. [`Micros`] of a measurement end at ten years.
pub(super) fn stored_micros(duration: Micros) -> i64 {
    i64::try_from(duration.0).unwrap_or(i64::MAX)
}

/// Returns a stored duration.
pub(super) fn micros(stored: i64) -> Option<Micros> {
    u64::try_from(stored).ok().map(Micros)
}

/// Returns a time as it is stored.
pub(super) fn stored_time(time: Option<Timestamp>) -> Option<i64> {
    time.map(|Timestamp(millis)| millis)
}
