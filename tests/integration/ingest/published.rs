//! What the readers make of whole files, in tables with a row a file.
//!
//! `tests/fixtures/formats` holds small reports of our own in the shapes of many tools. Files that other projects
//! published are theirs and not committed; with `PUBLISHED_REPORTS=FOLDER` they are read again and compared.
//! `UPDATE_PUBLISHED=1` writes the tables anew. `tests/oracle/published_reports.py` holds both against junitparser.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use shardplan::ingest::{self, Context, Report};
use shardplan::time::Micros;

const PUBLISHED: &str = "tests/fixtures/published-reports.csv";
const SAMPLES: [&str; 2] = ["tests/fixtures/formats", "tests/fixtures/formats.csv"];
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

/// Holds the files of a folder against a committed table.
fn compare(folder: &Path, table: &str) {
    let mut found = format!("{HEADER}\n");
    for (name, path) in files_below(folder) {
        writeln!(found, "{}", row(&name, &path)).unwrap();
    }
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join(table);
    if variable("UPDATE_PUBLISHED").is_some() {
        fs::write(&committed, &found).unwrap();
    }
    let expected = fs::read_to_string(committed).unwrap();
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

#[test]
fn the_samples_are_read_as_their_table_says() {
    let [folder, table] = SAMPLES;
    compare(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), table);
}

#[test]
fn published_files_are_read_as_the_table_says() {
    let Some(folder) = variable("PUBLISHED_REPORTS") else { return };
    compare(Path::new(&folder), PUBLISHED);
}

#[test]
fn the_table_is_one() {
    let table = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PUBLISHED)).unwrap();
    assert_eq!(table.lines().next(), Some(HEADER));
    assert!(table.lines().count() > 300, "a row a file");
}
