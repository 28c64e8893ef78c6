//! What the readers make of files that other projects published.
//!
//! The files are theirs and not committed; the figures are in `tests/fixtures/published-reports.csv`, a row a file.
//! With `PUBLISHED_REPORTS=FOLDER` this test reads the files again and compares; with `UPDATE_PUBLISHED=1` as well it
//! writes the table anew. `tests/oracle/published_reports.py` holds the same table against junitparser.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use shardplan::ingest::{self, Context, Report};
use shardplan::time::Micros;

const TABLE: &str = "tests/fixtures/published-reports.csv";
const HEADER: &str = "file,format,framework,tests,seconds,untimed,jobs,extent,warnings";

#[expect(clippy::disallowed_methods, reason = "a test is told by the environment where its input lies")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn files_below(folder: &Path) -> BTreeMap<String, PathBuf> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(below).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "INDEX.json" && name != "README.md") {
                files.insert(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(), path);
            }
        }
    }
    files
}

/// Returns the row of a file: its figures, or why it is no report.
fn row(name: &str, path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    let contents = match ingest::read(&bytes, name, &Context::default()) {
        Ok(contents) => contents,
        Err(error) => {
            return format!("{name},refused,,,,,,,\"{}\"", error.kind.to_string().replace('"', "'"));
        }
    };
    let reports = || contents.reports.iter();
    let total: Micros = reports().flat_map(|report| &report.observations).map(|seen| seen.total).sum();
    let count = |of: fn(&Report) -> usize| reports().map(of).sum::<usize>();
    let mut warnings: BTreeMap<String, u64> = BTreeMap::new();
    for (kind, number, _) in reports().flat_map(|report| report.warnings.by_kind()) {
        *warnings.entry(format!("{kind:?}")).or_default() += number;
    }
    let warnings: Vec<String> = warnings.iter().map(|(kind, number)| format!("{kind} {number}")).collect();
    let framework = reports().find_map(|report| report.run.framework);
    format!(
        "{name},{},{},{},{:.3},{},{},{},{}",
        contents.format.as_str(),
        framework.map_or("", |framework| framework.as_str()),
        count(|report| report.observations.len()),
        total.as_secs_f64(),
        count(|report| report.untimed.len()),
        count(|report| report.jobs.len()),
        contents.reports.first().map_or("", |report| report.run.extent.as_str()),
        warnings.join("; "),
    )
}

#[test]
fn published_files_are_read_as_the_table_says() {
    let Some(folder) = variable("PUBLISHED_REPORTS") else { return };
    let mut table = format!("{HEADER}\n");
    for (name, path) in files_below(Path::new(&folder)) {
        writeln!(table, "{}", row(&name, &path)).unwrap();
    }
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE);
    if variable("UPDATE_PUBLISHED").is_some() {
        fs::write(&committed, &table).unwrap();
    }
    let expected = fs::read_to_string(committed).unwrap();
    for (found, expected) in table.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(table.lines().count(), expected.lines().count());
}

#[test]
fn the_table_is_one() {
    let table = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE)).unwrap();
    assert_eq!(table.lines().next(), Some(HEADER));
    assert!(table.lines().count() > 300, "a row a file");
}
