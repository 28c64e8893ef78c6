//! Which files are meant: those that were named, those inside of a folder, and those that a glob picks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::console::{Failure, shown_path};
use crate::cli::project::read_inventory;
use crate::cli::settings::Settings;
use crate::config::glob;
use crate::history::{Store, known_files};
use crate::ingest::Context;

/// Folders that hold no reports and no tests of the project, and very many files.
const SKIPPED_FOLDERS: [&str; 8] =
    [".git", ".hg", ".shardplan", ".tox", ".venv", "__pycache__", "node_modules", "target"];

/// How many files are looked at below one folder.
const MAX_FILES: usize = 500_000;

/// What stands for standard input.
const STDIN: &str = "-";

/// A file to read.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli::commands) struct Input {
    /// Where it is; nothing for standard input.
    pub(in crate::cli::commands) path: Option<PathBuf>,
    /// How the user calls it.
    pub(in crate::cli::commands) shown: PathBuf,
    /// Whether it was named itself, or lies in a folder that was.
    pub(in crate::cli::commands) is_named: bool,
}

/// What was found.
#[derive(Default)]
pub(in crate::cli::commands) struct Found {
    /// The files that are meant, each once and in order.
    pub(in crate::cli::commands) inputs: Vec<Input>,
    /// What is wrong with the rest.
    pub(in crate::cli::commands) problems: Vec<Failure>,
    /// Symbolic links inside of folders, which are not followed: a folder may come from anywhere.
    pub(in crate::cli::commands) links: Vec<PathBuf>,
}

/// The files below a folder, relative to it and sorted.
#[derive(Default)]
struct Below {
    files: Vec<PathBuf>,
    links: Vec<PathBuf>,
}

/// Returns the files that are meant.
pub(in crate::cli::commands) fn find(named: &[PathBuf], settings: &Settings) -> Found {
    let (mut found, mut seen) = (Found::default(), BTreeSet::new());
    for shown in named {
        if shown.as_os_str() == STDIN {
            let shown = PathBuf::from("standard input");
            if seen.insert(shown.clone()) {
                found.inputs.push(Input { path: None, shown, is_named: true });
            }
            continue;
        }
        let path = settings.located(shown);
        let picked = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                let Below { files, links } = files_below(&path);
                found.links.extend(links.into_iter().map(|link| shown.join(link)));
                files
                    .into_iter()
                    .map(|below| Input {
                        path: Some(path.join(&below)),
                        shown: shown.join(below),
                        is_named: false,
                    })
                    .collect()
            }
            Ok(_) => vec![Input { path: Some(path), shown: shown.clone(), is_named: true }],
            Err(_) if is_glob(shown) => match matching(shown, settings, &mut found.links) {
                Ok(picked) => picked,
                Err(problem) => {
                    found.problems.push(problem);
                    continue;
                }
            },
            Err(error) => {
                let message = format!("`{}` can't be read: {error}", shown_path(shown));
                found.problems.push(Failure::bad_input(message).with_hint(
                    "give the reports that a test run left, or a folder of them; \
                     `pytest --junitxml=report.xml` writes one",
                ));
                continue;
            }
        };
        let new = picked.into_iter().filter(|input| input.path.clone().is_some_and(|path| seen.insert(path)));
        found.inputs.extend(new);
    }
    found
}

/// Returns what readers may ask about the project: its tree, then the manifest's inventory, then the history. A job
/// that only gathers reports has no tree.
pub(super) fn context(settings: &Settings, inventory: Option<&str>) -> Context {
    let root = settings.root.clone();
    let inventory = inventory.map(|path| settings.below_root(path.as_ref()));
    let store = Store::of_project(&settings.root);
    // What can't be read is told by the commands that need it; here it only knows no file.
    Context::new(move || project_files(&root))
        .or(move || {
            let Some(inventory) = inventory.and_then(|path| read_inventory(&path).ok()) else {
                return Vec::new();
            };
            let files: BTreeSet<&String> = inventory.tests.iter().map(|test| &test.file).collect();
            files.into_iter().cloned().collect()
        })
        .or(move || known_files(&store).unwrap_or_default())
}

/// Returns every file of a project, relative to it, with `/` between the parts of a path.
pub(in crate::cli::commands) fn project_files(root: &Path) -> Vec<String> {
    let files = files_below(root).files.into_iter();
    files.filter_map(|path| Some(path.to_str()?.replace(std::path::MAIN_SEPARATOR, "/"))).collect()
}

fn is_glob(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// Returns the files that a glob picks. Shells hand such a word on where nothing fits, or where it is quoted.
fn matching(shown: &Path, settings: &Settings, links: &mut Vec<PathBuf>) -> Result<Vec<Input>, Failure> {
    let text = shown.to_string_lossy();
    let problem = |problem: String| Failure::bad_input(format!("`{}` {problem}", shown_path(shown)));
    let glob = glob(&text).map_err(|reason| problem(format!("is no glob: {reason}")))?;
    let folder: PathBuf = shown.components().take_while(|part| !is_glob(Path::new(part))).collect();
    let start = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.clone() };
    let below = files_below(&settings.located(&start));
    links.extend(below.links.into_iter().map(|link| folder.join(link)).filter(|link| glob.is_match(link)));
    let picked: Vec<Input> = below
        .files
        .into_iter()
        .map(|file| folder.join(file))
        .filter(|file| glob.is_match(file))
        .map(|file| Input { path: Some(settings.located(&file)), shown: file, is_named: true })
        .collect();
    if picked.is_empty() {
        return Err(
            problem("fits no file".to_owned()).with_hint("`**` stands for folders, `*` for a part of a name")
        );
    }
    Ok(picked)
}

/// Returns every file below a folder. Links are not followed, so that the search ends, and stays where it began; a
/// folder that can't be listed holds nothing.
fn files_below(folder: &Path) -> Below {
    let mut found = Below::default();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder.join(&below)) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            let path = below.join(&name);
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) => {}
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_symlink() => found.links.push(path),
                // A pipe or a device would be waited for.
                Ok(kind) if kind.is_file() && found.files.len() < MAX_FILES => found.files.push(path),
                _ => {}
            }
        }
    }
    found.files.sort_unstable();
    found.links.sort_unstable();
    found
}
