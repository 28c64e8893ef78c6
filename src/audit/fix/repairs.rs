//! The repairs of many findings together, file by file.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, FixError, Obstacle, apply};
use crate::audit::Finding;

/// What the findings' repairs come to.
#[derive(Debug, Default)]
pub struct Repairs {
    /// The files that they change: pytest's configuration first, so that no source bears a mark that could not be
    /// registered; then by path.
    pub files: Vec<RepairedFile>,
    /// The files that can not be repaired, by path.
    pub refused: Vec<FixError>,
    /// How many findings are repaired.
    pub repaired: usize,
    /// How many are left because one of their files can not be.
    pub left: usize,
}

/// A file with its repairs made.
#[derive(Debug)]
pub struct RepairedFile {
    /// Its path, relative to the project.
    pub path: String,
    /// Its bytes as they are.
    pub before: Vec<u8>,
    /// Its bytes repaired.
    pub after: Vec<u8>,
}

/// Returns the repairs of the findings. One that can't be made in each of its files is made in none, and every other is;
/// the files of `barred` are not touched.
#[must_use]
pub fn repairs(
    findings: &[Finding],
    barred: &BTreeSet<String>,
    mut read: impl FnMut(&str) -> Result<Vec<u8>, String>,
) -> Repairs {
    let mut bytes: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    let mut refused: BTreeMap<&str, FixError> = BTreeMap::new();
    let repairable: Vec<&Finding> = findings.iter().filter(|finding| !finding.fix.is_empty()).collect();
    loop {
        let is_whole = |finding: &&&Finding| {
            !finding
                .fix
                .iter()
                .any(|edit| refused.contains_key(edit.file.as_str()) || barred.contains(&edit.file))
        };
        let chosen: Vec<&&Finding> = repairable.iter().filter(is_whole).collect();
        let mut by_file: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
        for edit in chosen.iter().flat_map(|finding| &finding.fix) {
            let changes = by_file.entry(&edit.file).or_default();
            if !changes.contains(&&edit.change) {
                changes.push(&edit.change);
            }
        }
        let (mut files, known) = (Vec::new(), refused.len());
        for (path, changes) in by_file {
            let before = match bytes.get(path) {
                Some(before) => before,
                None => match read(path) {
                    Ok(read) => bytes.entry(path).or_insert(read),
                    Err(reason) => {
                        let obstacle = Obstacle::Unreadable { reason };
                        refused.insert(path, FixError { file: path.to_owned(), line: 1, obstacle });
                        continue;
                    }
                },
            };
            match apply(path, before, &changes) {
                Ok(after) if after != *before => {
                    files.push(RepairedFile { path: path.to_owned(), before: before.clone(), after });
                }
                Ok(_) => {}
                Err(error) => {
                    refused.insert(path, error);
                }
            }
        }
        // What hangs on a file that was refused is taken out of the others as well.
        if refused.len() == known {
            let (repaired, left) = (chosen.len(), repairable.len() - chosen.len());
            let is_source =
                |file: &RepairedFile| std::path::Path::new(&file.path).extension() == Some("py".as_ref());
            files.sort_by_key(is_source);
            return Repairs { files, refused: refused.into_values().collect(), repaired, left };
        }
    }
}
