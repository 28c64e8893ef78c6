//! The inventory as a table: a header, then a row per test.
//!
//! Columns: `test` (or `node_id`) is required; `file`, `markers`, `fixtures`, `observed` (services that the test
//! tried to reach), `needs` (services that it is declared to need) and `evidence` (of each of these in their order how
//! that is known and where, `guard:tests/conftest.py:12`) are optional, their values separated by spaces. Any other column is an error: a misspelt `markers` would send every test to the wrong shard.

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
    let columns =
        ["file", "markers", "fixtures", "observed", "needs", "evidence"].map(|name| column(&[name]));
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
        let [file, markers, fixtures, observed, needs, evidence] = columns;

        let id: NodeId = cell(Some(id_column)).parse().map_err(|error| at(format!("{error}")))?;
        let line_number = line.and_then(|line| usize::try_from(line).ok()).unwrap_or(0);
        let here = Origin::File { path: path.to_owned(), line: line_number };
        let need = |service: String, evidence, origin: Option<Origin>| {
            let service = service.parse().map_err(|error| at(format!("{error}")))?;
            Ok(Need { service, evidence, origin: origin.unwrap_or_else(|| here.clone()), way: [].into() })
        };
        let mut found = Vec::new();
        for service in words(observed) {
            found.push(need(service, Evidence::Observed, None)?);
        }
        let told: Vec<String> = words(evidence).collect();
        if !told.is_empty() && told.len() != words(needs).count() {
            let message = format!(
                "`evidence` has {} and `needs` {}: there must be as many of both, parted by spaces",
                told.len(),
                words(needs).count()
            );
            return Err(at(message));
        }
        for (position, service) in words(needs).enumerate() {
            let (evidence, origin) = match told.get(position) {
                Some(told) => known_by(told).map_err(at)?,
                None => (Evidence::Declared, None),
            };
            found.push(need(service, evidence, origin)?);
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

/// Returns how a need is known, and where: `guard:tests/conftest.py:12`.
fn known_by(told: &str) -> Result<(Evidence, Option<Origin>), String> {
    let (word, place) = told.split_once(':').unwrap_or((told, ""));
    let Some(evidence) = Evidence::from_word(word) else {
        return Err(format!("`{}` is no evidence", crate::ids::Printable(word)));
    };
    // Where it was seen is whatever the file says: it is shown, and not gone to.
    Ok((evidence, (!place.is_empty()).then(|| Origin::Seen(place.to_owned()))))
}

/// The columns of an inventory table; the first two are the same.
const COLUMNS: [&str; 8] =
    ["test", "node_id", "file", "markers", "fixtures", "observed", "needs", "evidence"];

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
