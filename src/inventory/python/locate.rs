//! Which file a dotted module name means, seen from another file.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use foldhash::quality::RandomState;

use super::program::Import;
use super::settings::PytestSettings;
use super::tree::Tree;
use crate::config::Catalogue;

/// Finds the file of a module.
#[derive(Debug)]
pub(super) struct Locator<'t> {
    /// The files of modules, by their paths without an ending.
    modules: HashMap<&'t str, &'t str, RandomState>,
    /// The `__init__.py` of packages, by their folders.
    packages: HashMap<&'t str, &'t str, RandomState>,
    /// All folders that hold a source, at whatever depth.
    folders: HashSet<&'t str, RandomState>,
    /// Folders on the import path, relative to the project, beside those that a file's own place gives.
    roots: Vec<String>,
    /// Folders in which a top-level name stands, for layouts that nothing declares.
    tops: BTreeMap<&'t str, Vec<&'t str>>,
    /// Top-level modules of clients: a file of the same name is not theirs, wherever it stands.
    clients: BTreeSet<&'static str>,
    /// The folders of the clients' packages that are the project's own, with the folders that hold them.
    own_clients: Vec<(&'t str, &'t str)>,
}

impl<'t> Locator<'t> {
    pub(super) fn new(tree: &'t Tree, settings: &[PytestSettings]) -> Self {
        let mut roots = vec![String::new(), "src".to_owned(), "lib".to_owned()];
        for settings in settings {
            for path in settings.pythonpath.iter().map(String::as_str).chain([".", "src", "lib"]) {
                let root = settings.below_root(path);
                if !roots.contains(&root) {
                    roots.push(root);
                }
            }
        }
        let mut modules = HashMap::default();
        let mut packages = HashMap::default();
        let mut folders = HashSet::default();
        for file in &tree.files {
            let mut folder = folder_of(file);
            if file.rsplit('/').next() == Some("__init__.py") {
                packages.insert(folder, file.as_str());
            } else if let Some(path) = file.strip_suffix(".py") {
                modules.insert(path, file.as_str());
            }
            while folders.insert(folder) {
                folder = folder_of(folder);
            }
        }
        for (copy, file) in &tree.copies {
            if let Some(path) = copy.strip_suffix(".py") {
                modules.insert(path, file.as_str());
            }
        }
        // A package's top is its folder that stands in one that is no package.
        let mut tops: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for file in &tree.files {
            if let Some(folder) = file.strip_suffix("/__init__.py") {
                let (above, name) = folder.rsplit_once('/').unwrap_or(("", folder));
                if above.is_empty() || !packages.contains_key(above) {
                    tops.entry(name).or_default().push(above);
                }
            }
        }
        // What is hosted elsewhere has names that many give packages of their own (`google`, `consul`).
        let services = Catalogue::embedded().services().iter();
        let services = services.filter(|service| service.signs.emulated.is_empty());
        let theirs = services.flat_map(|service| &service.signs.modules);
        let clients: BTreeSet<&str> =
            theirs.map(|module| module.split('.').next().unwrap_or(module)).collect();
        let is_root = |folder: &&str| roots.iter().any(|root| root == folder);
        let own_clients =
            tops.iter().filter(|(name, _)| clients.contains(*name)).flat_map(|(name, folders)| {
                folders.iter().copied().filter(is_root).filter_map(|above| {
                    let (folder, _) = packages.get_key_value(&*joined(above, name))?;
                    Some((*folder, above))
                })
            });
        let own_clients = own_clients.collect();
        Self { modules, packages, folders, roots, tops, clients, own_clients }
    }

    /// Keeps of the clients' packages that the project has those that it is by its own name.
    pub(super) fn keep_own_clients(&mut self, is_named: impl Fn(&str) -> bool) {
        self.own_clients.retain(|(folder, _)| is_named(folder.rsplit('/').next().unwrap_or(folder)));
    }

    /// Returns the dotted name of a file's module where it belongs to a client that the project itself is.
    pub(super) fn module_of_client(&self, file: &str) -> Option<String> {
        let is_in = |folder: &&str| file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        let (_, above) = self.own_clients.iter().find(|(folder, _)| is_in(folder))?;
        let path = file.strip_prefix(above)?.trim_start_matches('/').strip_suffix(".py")?;
        Some(path.strip_suffix("/__init__").unwrap_or(path).replace('/', "."))
    }

    /// Returns the file of an import's module, seen from the file that imports it.
    pub(super) fn module(&self, from: &str, import: &Import<'_>) -> Option<&'t str> {
        self.file(from, import.level, import.module)
    }

    /// Returns the file of a module: `level` dots, then dotted names.
    pub(super) fn file(&self, from: &str, level: u32, module: &str) -> Option<&'t str> {
        let path = module.replace('.', "/");
        if level > 0 {
            let mut folder = folder_of(from);
            for _ in 1..level {
                folder = folder_of(folder);
            }
            return self.in_folder(folder, &path);
        }
        let top = module.split('.').next().unwrap_or(module);
        if !self.clients.contains(top) {
            // The folders of the file that are no packages are, or may be, on the import path.
            let mut folder = folder_of(from);
            loop {
                if !self.packages.contains_key(folder)
                    && let Some(file) = self.in_folder(folder, &path)
                    && file != from
                {
                    return Some(file);
                }
                if folder.is_empty() {
                    break;
                }
                folder = folder_of(folder);
            }
        }
        if let Some(file) = self.roots.iter().find_map(|root| self.in_folder(root, &path)) {
            return (file != from || !self.clients.contains(top)).then_some(file);
        }
        match self.tops.get(top).map(Vec::as_slice) {
            Some([folder]) if !self.clients.contains(top) => self.in_folder(folder, &path),
            _ => None,
        }
    }

    /// Returns whether a module is one of the project, if only a folder without a file of its own.
    pub(super) fn is_folder(&self, from: &str, level: u32, module: &str) -> bool {
        let path = module.replace('.', "/");
        let any_in = |folder: &str| self.folders.contains(&*joined(folder, &path));
        if level > 0 {
            let mut folder = folder_of(from);
            for _ in 1..level {
                folder = folder_of(folder);
            }
            return any_in(folder);
        }
        let top = module.split('.').next().unwrap_or(module);
        if self.clients.contains(top) {
            return false;
        }
        let mut folder = folder_of(from);
        loop {
            if any_in(folder) {
                return true;
            }
            if folder.is_empty() {
                return self.roots.iter().any(|root| any_in(root));
            }
            folder = folder_of(folder);
        }
    }

    /// Returns the files of a module, or of all modules of a package that a name with a dot at its end begins. A module
    /// that is on no path which shows here may be any file of its name.
    pub(super) fn files(&self, from: &str, name: &str) -> Vec<&'t str> {
        let Some(package) = name.strip_suffix('.') else {
            let path = name.replace('.', "/");
            let is_it = |module: &str| module.strip_suffix(&path).is_some_and(|above| above.ends_with('/'));
            // An example's own settings are none of the project's.
            let is_example = |file: &str| {
                file.split('/')
                    .any(|part| part.contains("example") || part.contains("cookiecutter") || part == "docs")
            };
            let elsewhere = || {
                let all = self.modules.iter().filter(|(module, file)| is_it(module) && !is_example(file));
                let mut found: Vec<&str> = all.map(|(_, file)| *file).collect();
                found.sort_unstable();
                found
            };
            return self.file(from, 0, name).map_or_else(elsewhere, |file| vec![file]);
        };
        let path = package.replace('.', "/");
        let mut folder = folder_of(from);
        loop {
            let below = joined(folder, &path);
            if self.folders.contains(&*below) {
                let mut found: Vec<&str> =
                    self.modules.values().copied().filter(|file| folder_of(file) == below).collect();
                found.sort_unstable();
                return found;
            }
            if folder.is_empty() {
                return Vec::new();
            }
            folder = folder_of(folder);
        }
    }

    fn in_folder(&self, folder: &str, path: &str) -> Option<&'t str> {
        let module = joined(folder, path);
        let own = || self.modules.get(&*module).filter(|_| !path.is_empty());
        self.packages.get(&*module).or_else(own).copied()
    }
}

pub(super) fn joined<'n>(folder: &'n str, name: &'n str) -> Cow<'n, str> {
    match (folder, name) {
        ("", only) | (only, "") => Cow::Borrowed(only),
        _ => Cow::Owned([folder, "/", name].concat()),
    }
}

/// Returns the folder of a path, empty for the project's own.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> Tree {
        Tree { files: files.iter().map(|file| (*file).to_owned()).collect(), ..Tree::default() }
    }

    #[test]
    fn modules_are_found_as_python_finds_them() {
        let tree = tree(&[
            "app/__init__.py",
            "app/db.py",
            "app/redis.py",
            "tests/helpers.py",
            "tests/unit/test_a.py",
            "src/lib/__init__.py",
            "services/pay/paylib/__init__.py",
        ]);
        let locator = Locator::new(&tree, &[]);
        assert_eq!(locator.file("tests/unit/test_a.py", 0, "app.db"), Some("app/db.py"));
        assert_eq!(locator.file("tests/unit/test_a.py", 0, "helpers"), Some("tests/helpers.py"));
        assert_eq!(locator.file("app/db.py", 1, "redis"), Some("app/redis.py"));
        assert_eq!(locator.file("app/db.py", 1, ""), Some("app/__init__.py"));
        assert_eq!(locator.file("app/db.py", 0, "redis"), None, "an absolute import never means a sibling");
        assert_eq!(locator.file("app/db.py", 0, "lib"), Some("src/lib/__init__.py"));
        assert_eq!(locator.file("app/db.py", 0, "paylib"), Some("services/pay/paylib/__init__.py"));
        assert!(locator.is_folder("app/db.py", 0, "tests.unit"));
    }
}
