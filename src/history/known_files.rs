//! The files that tests were seen in lately, for reports that name none.

use std::collections::BTreeSet;

use super::catalogue::{self, Placed};
use super::store::again_where_files_vanish;
use super::{Filter, HistoryError, Store, table};

/// How many observations are looked at: the latest runs tell of the files that there are.
const OBSERVATIONS: usize = 200_000;

/// Returns the files of the latest runs, sorted.
pub fn known_files(store: &Store) -> Result<Vec<String>, HistoryError> {
    again_where_files_vanish(|| {
        let mut parts = catalogue::parts(store, &Filter::default())?;
        parts.sort_by(|one, other| {
            (other.run.facts.at, &one.run.digest).cmp(&(one.run.facts.at, &other.run.digest))
        });
        let mut seen = 0;
        let latest = parts.iter().take_while(|Placed { rows, .. }| {
            seen += rows.len();
            seen - rows.len() < OBSERVATIONS
        });
        let paths: BTreeSet<_> = latest.map(|part| &part.path).collect();
        let mut files = BTreeSet::new();
        for path in paths {
            let rows = table::read(path, Some(&["file"]))?;
            let mut last = None;
            for file in rows.text("file")?.iter().flatten() {
                // The tests of a file follow each other.
                if last != Some(file) {
                    last = Some(file);
                    files.insert(file.to_owned());
                }
            }
        }
        Ok(files.into_iter().collect())
    })
}
