//! What both tables share: Parquet out, Parquet in, and columns by name.

use std::fs::{self, File};
use std::io::{self, Cursor};
use std::path::Path;

use polars::io::mmap::MmapBytesReader;
use polars::io::parquet::write::KeyValueMetadata;
use polars::prelude::{
    Column, DataFrame, Int64Chunked, IntoColumn as _, NewChunkedArray as _, ParallelStrategy, ParquetReader,
    ParquetWriter, SerReader as _, StringChunked, UInt32Chunked,
};

use super::error::HistoryError;
use super::footer::{PARTS_KEY, SILENT_KEY, VERSION, VERSION_KEY};
use super::rows::begins_with_file;
use crate::ingest::columns;
use crate::time::{Micros, Timestamp};

/// The columns that files of version 1 may lack.
const LATER_COLUMNS: [&str; 4] = [columns::UNIT, columns::RETRIES, columns::WORKER, columns::PROJECT];

/// What a file says about itself, without a look at its rows.
pub(super) struct Footer {
    /// How many rows it has.
    pub(super) rows: usize,
    /// Its parts, as [`super::footer`] writes them; nothing in a file of version 1.
    pub(super) parts: Option<String>,
    /// The columns in which no row says anything of its own.
    pub(super) silent: String,
}

impl Footer {
    /// Returns whether a column may say something.
    pub(super) fn speaks(&self, column: &str) -> bool {
        self.silent.split(' ').all(|silent| silent != column)
    }
}

/// Writes a table as Parquet, compressed with zstd, with its parts in the footer.
pub(super) fn write(mut frame: DataFrame, parts: String, out: impl io::Write) -> io::Result<()> {
    let pairs = vec![
        (VERSION_KEY.to_owned(), VERSION.to_string()),
        (PARTS_KEY.to_owned(), parts),
        (SILENT_KEY.to_owned(), silent_columns(&frame)),
    ];
    ParquetWriter::new(out)
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(pairs)))
        .finish(&mut frame)
        .map_err(io::Error::other)?;
    Ok(())
}

/// Returns the columns in which no row says anything of its own: nothing, or what is meant by nothing.
fn silent_columns(frame: &DataFrame) -> String {
    let texts = |name: &str| frame.column(name).ok().and_then(|column| column.str().ok());
    let says_nothing = |column: &Column| {
        let all_null = || column.null_count() == frame.height();
        match column.name().as_str() {
            columns::FILE => texts(columns::TEST).zip(texts(columns::FILE)).is_some_and(|(tests, files)| {
                tests
                    .iter()
                    .zip(files.iter())
                    .all(|cells| matches!(cells, (Some(test), Some(file)) if begins_with_file(test, file)))
            }),
            columns::UNIT => {
                texts(columns::UNIT).is_some_and(|units| units.iter().all(|unit| unit == Some("test")))
            }
            columns::RETRIES => {
                column.u32().is_ok_and(|retries| retries.iter().all(|retries| retries == Some(0)))
            }
            _ => all_null(),
        }
    };
    let silent = frame.columns().iter().filter(|column| says_nothing(column));
    silent.map(|column| column.name().as_str()).collect::<Vec<_>>().join(" ")
}

/// Reads what a file says about itself.
pub(super) fn read_footer(path: &Path) -> Result<Footer, HistoryError> {
    let file = File::open(path).map_err(HistoryError::io("read", path))?;
    footer_of(&mut ParquetReader::new(file), path)
}

fn footer_of<R: MmapBytesReader>(reader: &mut ParquetReader<R>, path: &Path) -> Result<Footer, HistoryError> {
    let metadata = reader.get_metadata().map_err(|error| unreadable(path, error.to_string()))?;
    let value = |key: &str| {
        let pairs = metadata.key_value_metadata().as_deref().unwrap_or_default();
        pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone())
    };
    let version = match value(VERSION_KEY) {
        None => 1,
        Some(version) => version.parse().map_err(|_| unreadable(path, "its version is no number".into()))?,
    };
    if version > VERSION {
        return Err(HistoryError::FromTheFuture { path: path.to_owned(), version });
    }
    let silent = value(SILENT_KEY).unwrap_or_default();
    let has = |name: &str| metadata.schema().fields().iter().any(|field| field.name() == name);
    // Columns that came later are not in older files.
    let missing = LATER_COLUMNS.iter().filter(|name| !has(name)).map(|name| format!(" {name}"));
    let silent = silent + &missing.collect::<String>();
    Ok(Footer { rows: metadata.num_rows, parts: value(PARTS_KEY), silent })
}

/// Reads columns of a file of the store, or all of them where none is named.
///
/// The bytes are read rather than mapped: a mapped file that shrinks would end the process.
pub(super) fn read<'a>(path: &'a Path, columns: Option<&[&str]>) -> Result<Rows<'a>, HistoryError> {
    let bytes = fs::read(path).map_err(HistoryError::io("read", path))?;
    // Files are read side by side; starting threads within one costs more than it saves.
    let mut reader = ParquetReader::new(Cursor::new(bytes)).read_parallel(ParallelStrategy::None);
    let footer = footer_of(&mut reader, path)?;
    let columns = columns.map(|columns| columns.iter().map(|&name| name.to_owned()).collect());
    let frame = reader.with_columns(columns).finish().map_err(|error| unreadable(path, error.to_string()))?;
    Ok(Rows { path, footer, frame })
}

/// The rows of a file of the store.
pub(super) struct Rows<'a> {
    path: &'a Path,
    pub(super) footer: Footer,
    pub(super) frame: DataFrame,
}

impl Rows<'_> {
    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.footer.rows
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

pub(super) fn unreadable(path: &Path, problem: String) -> HistoryError {
    HistoryError::Unreadable { path: path.to_owned(), problem }
}

/// Returns a column of texts.
pub(super) fn text_column<T: AsRef<str>>(name: &str, cells: impl IntoIterator<Item = Option<T>>) -> Column {
    let cells: Vec<Option<T>> = cells.into_iter().collect();
    let chunked = StringChunked::from_iter_options(
        name.into(),
        cells.iter().map(Option::as_ref).map(|cell| cell.map(AsRef::as_ref)),
    );
    chunked.into_column()
}

/// Returns a column of whole numbers.
pub(super) fn integer_column(name: &str, cells: impl IntoIterator<Item = Option<i64>>) -> Column {
    let cells: Vec<Option<i64>> = cells.into_iter().collect();
    Int64Chunked::from_iter_options(name.into(), cells.into_iter()).into_column()
}

/// Returns a column of counts from 0.
pub(super) fn count_column(name: &str, cells: impl IntoIterator<Item = Option<u32>>) -> Column {
    let cells: Vec<Option<u32>> = cells.into_iter().collect();
    UInt32Chunked::from_iter_options(name.into(), cells.into_iter()).into_column()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_later_version_is_refused_by_its_version() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("later.parquet");
        let mut frame = DataFrame::new(1, vec![text_column("test", [Some("a.py::x")])]).expect("a table");
        let pairs = vec![(VERSION_KEY.to_owned(), (VERSION + 1).to_string())];
        let file = File::create(&path).expect("a file");
        ParquetWriter::new(file)
            .with_key_value_metadata(Some(KeyValueMetadata::from_static(pairs)))
            .finish(&mut frame)
            .expect("it is written");
        let refused = read_footer(&path).err().expect("it is refused");
        assert!(matches!(refused, HistoryError::FromTheFuture { version: 3, .. }), "{refused}");
        assert!(refused.hint().contains("the version of shardplan that wrote it"));
    }
}
