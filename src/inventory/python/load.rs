//! Which files are read: the tests and conftest files, then wave by wave whatever of the project they import.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;

use super::commands::{MIGRATE, commands_called, commands_of};
use super::environment::{Environment, modules_named};
use super::frameworks::{DJANGO_VARIABLE, PICCOLO_VARIABLE};
use super::imports::imports_of;
use super::locate::{Locator, folder_of};
use super::plugins::{Plugins, files_matching, plugins_named};
use super::program::Import;
use super::settings::PytestSettings;
use super::shapes::is_for_tests;
use super::source::{Broken, MAX_BYTES, SourceFile};
use super::tables::paths_in;
use super::tree::Tree;

/// Variables of the environment that name a module.
const VARIABLES: &[&str] = &[DJANGO_VARIABLE, PICCOLO_VARIABLE];

/// The files that were read.
pub(super) struct Loaded {
    /// By path.
    pub(super) files: Vec<SourceFile>,
    /// The test files of each root.
    pub(super) tests: Vec<Vec<String>>,
}

/// Returns the files of the project that matter to its tests.
pub(super) fn load(
    project: &Path,
    tree: &Tree,
    roots: &[PytestSettings],
    locator: &Locator<'_>,
    environment: &Environment,
) -> Loaded {
    let tests: Vec<Vec<String>> = roots.iter().map(|root| tree.test_files(root)).collect();
    let mut known: BTreeSet<String> = tests.iter().flatten().cloned().collect();
    for file in tests.iter().flatten() {
        let mut folder = folder_of(file);
        loop {
            for name in ["conftest.py", "__init__.py"] {
                let beside = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                if tree.files.contains(&beside) {
                    known.insert(beside);
                }
            }
            if folder.is_empty() {
                break;
            }
            folder = folder_of(folder);
        }
    }
    for root in roots {
        let plugins = root.plugins.iter().map(String::as_str);
        let named = root.option("-p").into_iter().chain(root.django_settings.as_deref()).chain(plugins);
        known.extend(
            named
                .filter_map(|module| locator.file(&root.below_root("conftest.py"), 0, module))
                .map(str::to_owned),
        );
        known.extend(tree.files.get(&root.below_root("manage.py")).cloned());
        let by_variable = VARIABLES.iter().flat_map(|variable| environment.values(variable));
        let from = root.below_root("conftest.py");
        known.extend(by_variable.flat_map(|module| locator.files(&from, module)).map(str::to_owned));
    }
    let commands = commands_of(tree);
    known.extend(commands.get(MIGRATE).into_iter().flatten().map(|file| (*file).to_owned()));
    let mut wave: Vec<String> = known.iter().cloned().collect();
    let mut files: Vec<SourceFile> = Vec::new();
    while !wave.is_empty() {
        let read: Vec<(SourceFile, Vec<String>)> = wave
            .par_iter()
            .map(|path| {
                let file = read_file(project, path);
                let mut next: Vec<String> = Vec::new();
                for import in imports_of(&file) {
                    next.extend(files_of(locator, path, &import).into_iter().map(str::to_owned));
                }
                let named = VARIABLES.iter().flat_map(|variable| modules_named(&file.text, variable));
                next.extend(named.flat_map(|module| locator.files(path, module)).map(str::to_owned));
                if !commands.is_empty() {
                    let called = commands_called(&file.text).filter_map(|name| commands.get(name));
                    next.extend(called.flatten().map(|file| (*file).to_owned()));
                }
                for plugins in plugins_named(&file) {
                    match plugins {
                        Plugins::Module(name) => next.extend(locator.file(path, 0, &name).map(str::to_owned)),
                        Plugins::Files(pattern) => {
                            let files = tree.files.iter().map(String::as_str);
                            let files = files_matching(&pattern, path, &files);
                            next.extend(files.into_iter().map(str::to_owned));
                        }
                    }
                }
                if is_for_tests(path) || is_of_settings(path) {
                    // `"app.stores.redis"` in the settings, or in those of a test.
                    let named = paths_in(&file.text);
                    let modules =
                        named.flat_map(|path| [Some(path), path.rsplit_once('.').map(|(module, _)| module)]);
                    let found = modules.flatten().filter_map(|module| locator.file(path, 0, module));
                    next.extend(found.map(str::to_owned));
                }
                (file, next)
            })
            .collect();
        wave.clear();
        for (file, next) in read {
            files.push(file);
            for path in next {
                if known.insert(path.clone()) {
                    wave.push(path);
                }
            }
        }
        wave.sort_unstable();
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Loaded { files, tests }
}

/// Returns whether a file holds settings, by its name or the folder's.
fn is_of_settings(path: &str) -> bool {
    const NAMES: &[&str] = &["conf", "config", "settings"];
    path.split(['/', '_', '.']).any(|part| NAMES.contains(&part))
}

fn read_file(project: &Path, path: &str) -> SourceFile {
    match bytes_of(&project.join(path)) {
        Ok(bytes) => SourceFile::parse(path, &bytes),
        Err(error) => {
            let mut file = SourceFile::parse(path, b"");
            file.broken = Some(Broken { line: 1, message: format!("it can not be read: {error}") });
            file
        }
    }
}

/// Reads a file, of one that is too large only so much as shows it.
pub(super) fn bytes_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns the files that an import reads: its module, the module that a name of it may be, and the packages above.
fn files_of<'t>(locator: &Locator<'t>, from: &str, import: &Import<'_>) -> Vec<&'t str> {
    let mut found = Vec::new();
    found.extend(locator.module(from, import));
    if let Some(name) = import.name {
        let dotted =
            if import.module.is_empty() { name.to_owned() } else { format!("{}.{name}", import.module) };
        found.extend(locator.file(from, import.level, &dotted));
    }
    if import.first_only {
        let mut module = import.module;
        while let Some((above, _)) = module.rsplit_once('.') {
            found.extend(locator.file(from, 0, above));
            module = above;
        }
    }
    found
}
