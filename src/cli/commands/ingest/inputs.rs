//! Which files are meant: those that were named, and those inside of a folder that was named.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::console::{Failure, shown_path};
use crate::cli::settings::Settings;
use crate::ingest::PythonModules;

/// Folders that hold no reports and no tests of the project, and very many files.
const SKIPPED_FOLDERS: [&str; 8] =
    [".git", ".hg", ".shardplan", ".tox", ".venv", "__pycache__", "node_modules", "target"];

/// How many files are looked at below one folder.
const MAX_FILES: usize = 500_000;

/// A file to read.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli::commands) struct Input {
    /// Where it is.
    pub(in crate::cli::commands) path: PathBuf,
    /// How the user calls it.
    pub(in crate::cli::commands) shown: PathBuf,
    /// Whether it was named itself, or lies in a folder that was.
    pub(in crate::cli::commands) is_named: bool,
}

/// Returns the files that are meant, each once and in order, and what is wrong with the rest.
pub(in crate::cli::commands) fn find(named: &[PathBuf], settings: &Settings) -> (Vec<Input>, Vec<Failure>) {
    let (mut inputs, mut problems, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for shown in named {
        let path = settings.located(shown);
        let found = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => files_below(&path)
                .into_iter()
                .map(|below| Input { path: path.join(&below), shown: shown.join(below), is_named: false })
                .collect(),
            Ok(_) => vec![Input { path, shown: shown.clone(), is_named: true }],
            Err(error) => {
                let message = format!("`{}` can't be read: {error}", shown_path(shown));
                problems.push(Failure::bad_input(message).with_hint(
                    "give the reports that a test run left, or a folder of them; \
                     `pytest --junitxml=report.xml` writes one",
                ));
                continue;
            }
        };
        inputs.extend(found.into_iter().filter(|input| seen.insert(input.path.clone())));
    }
    (inputs, problems)
}

/// Returns the Python files of a project.
pub(super) fn python_files(root: &Path) -> PythonModules {
    let is_python = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "py");
    files_below(root)
        .into_iter()
        .filter(is_python)
        .filter_map(|path| Some(path.to_str()?.replace(std::path::MAIN_SEPARATOR, "/")))
        .collect()
}

/// Returns every file below a folder, relative to it and sorted. Links to folders are not followed, so that
/// the search ends; a folder that can't be listed holds nothing.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder.join(&below)) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            let path = below.join(&name);
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) => {}
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(_) if files.len() < MAX_FILES => files.push(path),
                _ => {}
            }
        }
    }
    files.sort_unstable();
    files
}
