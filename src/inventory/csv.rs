//! The inventory as a table: a header, then a row per test.
//!
//! Columns: `test` (or `node_id`) is required; `file`, `markers`, `fixtures`, `observed` (services that the test
//! tried to reach) and `needs` (services that it is declared to need) are optional, their values separated by
//! spaces. Any other column is an error: a misspelt `markers` would send every test to the wrong shard.

use super::{Evidence, Need, Test};
use crate::config::{Origin, nearest};
use crate::ids::NodeId;

/// Returns the tests of an inventory table; on failure the line and what is wrong there.
pub(super) fn read(text: &str, path: &str) -> Result<Vec<Test>, (Option<u64>, String)> {
    let mut reader = ::csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| (Some(1), error.to_string()))?.clone();
    let column = |names: &[&str]| headers.iter().position(|header| names.contains(&header.trim()));
    let Some(id_column) = column(&["test", "node_id"]) else {
        let message = "this is no inventory: its first line has neither a column `test` nor `node_id`";
        return Err((Some(1), message.to_owned()));
    };
    check_columns(&headers).map_err(|message| (Some(1), message))?;
    let columns = ["file", "markers", "fixtures", "observed", "needs"].map(|name| column(&[name]));
    let mut tests = Vec::new();
    for record in reader.into_records() {
        let record = record.map_err(|error| {
            let line = error.position().map(::csv::Position::line);
            (line, error.to_string())
        })?;
        let line = record.position().map(::csv::Position::line);
        let at = |message: String| (line, message);
        let cell = |column: Option<usize>| column.and_then(|column| record.get(column)).unwrap_or("");
        let words = |column: Option<usize>| cell(column).split_whitespace().map(str::to_owned);
        let [file, markers, fixtures, observed, needs] = columns;

        let id: NodeId = cell(Some(id_column)).parse().map_err(|error| at(format!("{error}")))?;
        let mut found = Vec::new();
        for (column, evidence) in [(observed, Evidence::Observed), (needs, Evidence::Declared)] {
            for service in words(column) {
                let service = service.parse().map_err(|error| at(format!("{error}")))?;
                let line = line.and_then(|line| usize::try_from(line).ok()).unwrap_or(0);
                found.push(Need {
                    service,
                    evidence,
                    origin: Origin::File { path: path.to_owned(), line },
                    way: [].into(),
                });
            }
        }
        let markers = words(markers)
            .map(|name| name.parse().map_err(|error| at(format!("{error}"))))
            .collect::<Result<_, _>>()?;
        tests.push(Test {
            file: if cell(file).is_empty() { id.file().to_owned() } else { cell(file).to_owned() },
            markers,
            fixtures: words(fixtures).collect(),
            needs: found,
            id,
        });
    }
    if tests.is_empty() {
        return Err((None, "the inventory lists no test".to_owned()));
    }
    Ok(tests)
}

/// The columns of an inventory table; the first two are the same.
const COLUMNS: [&str; 7] = ["test", "node_id", "file", "markers", "fixtures", "observed", "needs"];

/// Refuses a header that holds a column twice or one that is not known.
fn check_columns(headers: &::csv::StringRecord) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for header in headers.iter().map(str::trim) {
        if !COLUMNS.contains(&header) {
            let hint = match nearest(header, COLUMNS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the columns are {}", COLUMNS.map(|name| format!("`{name}`")).join(", ")),
            };
            return Err(format!("column `{}` is not known; {hint}", crate::ids::Printable(header)));
        }
        if !seen.insert(if header == "node_id" { "test" } else { header }) {
            return Err(format!("column `{header}` stands twice"));
        }
    }
    Ok(())
}
