//! The files of a project: which are Python, which pytest would take for tests, which configure it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::settings::{PytestSettings, is_below};

/// Folders in which neither tests nor the code under test stand.
const PASSED_OVER: &[&str] = &["node_modules", "__pycache__", "site-packages"];

/// As many links to folders are followed.
const MAX_LINKS: usize = 500;

/// The Python files of a project.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// Every Python file, relative to the project, sorted.
    pub(super) files: BTreeSet<String>,
    /// Folders with a file that may configure pytest.
    pub(super) configured: BTreeSet<String>,
    /// Folders that stand for themselves by a link, and are left alone.
    pub(super) loops: Vec<String>,
    /// How many links to folders were followed.
    pub(super) links: usize,
    /// Files that are there only once a job has copied another to where they are.
    pub(super) copies: BTreeMap<String, String>,
    /// Where the project lies.
    pub(super) place: String,
}

impl Tree {
    /// Returns the tree below a folder. What can not be read is passed over.
    pub(super) fn walk(project: &Path) -> Self {
        let mut tree = Self::default();
        let root = project.canonicalize().unwrap_or_else(|_| project.to_owned());
        tree.place = root.to_string_lossy().into_owned();
        tree.walk_folder(&root, "", &mut vec![root.clone()]);
        tree
    }

    fn walk_folder(&mut self, folder: &Path, shown: &str, above: &mut Vec<PathBuf>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        let mut folders = Vec::new();
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            let path = if shown.is_empty() { name.clone() } else { format!("{shown}/{name}") };
            // A link is followed as pytest follows it: files and folders alike.
            let (is_dir, is_file, linked) = if kind.is_symlink() {
                let target = std::fs::metadata(entry.path());
                target.map_or((false, false, true), |target| (target.is_dir(), target.is_file(), true))
            } else {
                (kind.is_dir(), kind.is_file(), false)
            };
            if is_dir && !name.starts_with('.') && !PASSED_OVER.contains(&name.as_str()) {
                folders.push((path, entry.path(), linked));
            } else if is_file && Path::new(&name).extension().is_some_and(|extension| extension == "py") {
                self.files.insert(path);
            } else if is_file
                && matches!(
                    name.as_str(),
                    "pytest.toml"
                        | ".pytest.toml"
                        | "pytest.ini"
                        | ".pytest.ini"
                        | "pyproject.toml"
                        | "tox.ini"
                        | "setup.cfg"
                )
            {
                self.configured.insert(shown.to_owned());
            }
        }
        folders.sort();
        for (path, place, linked) in folders {
            if place.join("pyvenv.cfg").is_file() || place.join("conda-meta").is_dir() {
                continue;
            }
            let real = if linked {
                match place.canonicalize() {
                    // A link to a folder above would never end; one that leads out of the project is not ours.
                    Ok(real) if above.contains(&real) || !real.starts_with(&above[0]) => {
                        self.loops.push(path);
                        continue;
                    }
                    // Folders that all link to each other have more ways through them than anybody can walk.
                    Ok(_) if self.links == MAX_LINKS => {
                        self.loops.push(path);
                        continue;
                    }
                    Ok(real) => {
                        self.links += 1;
                        real
                    }
                    Err(_) => continue,
                }
            } else {
                place
            };
            above.push(real.clone());
            self.walk_folder(&real, &path, above);
            above.pop();
        }
    }

    /// Adds the files that jobs copy to where there is none.
    pub(super) fn add_copies(&mut self, copies: &[(String, String)]) {
        for (from, to) in copies {
            if self.files.contains(from) && !self.files.contains(to) {
                self.copies.entry(to.clone()).or_insert_with(|| from.clone());
            }
        }
    }

    /// Returns whether there is such a folder with Python files in or below it.
    pub(super) fn has_folder(&self, folder: &str) -> bool {
        let start = format!("{folder}/");
        self.files.range(start.clone()..).next().is_some_and(|file| file.starts_with(&start))
    }

    /// Returns pytest's configurations within the project, by folder: that of its own folder, else those of the nearest
    /// folders below it, and the defaults for the tests outside of these.
    pub(super) fn settings(&self, project: &Path) -> Vec<PytestSettings> {
        let mut settings = self.configurations(project);
        let packaged = self.packaged();
        for root in &mut settings {
            // A package below a root is there for its tests where its plug-in is named so.
            let outer = root.root.clone();
            root.add_plugins(&project.join(&outer), |_| true);
            for folder in packaged.iter().filter(|folder| **folder != outer && is_below(folder, &outer)) {
                root.add_plugins(&project.join(folder), is_named_for_tests);
            }
        }
        settings
    }

    /// Returns the folders with a file that may describe a package.
    fn packaged(&self) -> BTreeSet<&str> {
        let by_program = self.files.iter().filter_map(|file| match file.strip_suffix("setup.py")? {
            "" => Some(""),
            folder => folder.strip_suffix('/'),
        });
        self.configured.iter().map(String::as_str).chain(by_program).collect()
    }

    fn configurations(&self, project: &Path) -> Vec<PytestSettings> {
        if let Some(settings) = PytestSettings::of_folder(project, "") {
            return vec![settings];
        }
        let mut found: Vec<PytestSettings> = Vec::new();
        for folder in &self.configured {
            let inside = |outer: &PytestSettings| is_below(folder, &outer.root);
            if !found.iter().any(inside)
                && let Some(settings) = PytestSettings::of_folder(project, folder)
            {
                found.push(settings);
            }
        }
        let configured = found.len();
        // pytest takes the nearest folder with a project file for its root, also where that says nothing of pytest.
        for folder in self.configured.iter().filter(|folder| !folder.is_empty()) {
            let inside = |outer: &PytestSettings| is_below(folder, &outer.root);
            if !found.iter().any(inside) && self.has_test_outside(&found, folder) {
                let mut root = PytestSettings::defaults(folder);
                root.apart = below(&found, folder);
                found.push(root);
            }
        }
        if self.has_test_outside(&found, "") {
            // Where nothing is configured, one root holds them all.
            if configured == 0 {
                found.clear();
            }
            let apart = below(&found, "");
            found.push(PytestSettings { apart, ..PytestSettings::defaults("") });
        }
        if found.is_empty() {
            return vec![PytestSettings::defaults("")];
        }
        found.sort_by(|a, b| a.root.cmp(&b.root));
        found
    }

    /// Returns whether a folder has a file that pytest would take for tests in none of these roots.
    fn has_test_outside(&self, roots: &[PytestSettings], folder: &str) -> bool {
        self.files.iter().filter(|file| is_below(file, folder)).any(|file| {
            let name = file.rsplit('/').next().unwrap_or(file);
            let is_test = name.starts_with("test_") || name.ends_with("_test.py");
            is_test && !roots.iter().any(|root| is_below(file, &root.root))
        })
    }

    /// Returns the folders that configure pytest for themselves and of which no test file is collected from these roots,
    /// outermost only, each with how many it has. pytest that is started there collects them.
    pub(super) fn left_out(
        &self,
        project: &Path,
        roots: &[PytestSettings],
        collected: &[Vec<String>],
    ) -> Vec<(String, usize)> {
        let mut found: Vec<(String, usize)> = Vec::new();
        for folder in &self.configured {
            let known = roots.iter().any(|root| root.root == *folder)
                || found.iter().any(|(outer, _)| is_below(folder, outer))
                || collected.iter().flatten().any(|file| is_below(file, folder));
            if known {
                continue;
            }
            let settings = PytestSettings::of_folder(project, folder);
            let files = settings.map_or(0, |settings| self.test_files(&settings).len());
            if files > 0 {
                found.push((folder.clone(), files));
            }
        }
        found
    }

    /// Returns how many files called `tests.py` a project of Django's has that are not collected.
    pub(super) fn only_for_django(&self, collected: &[Vec<String>]) -> usize {
        let is_named = |file: &&String, name: &str| file.rsplit('/').next() == Some(name);
        if !self.files.iter().any(|file| is_named(&file, "manage.py")) {
            return 0;
        }
        let collected: BTreeSet<&String> = collected.iter().flatten().collect();
        self.files.iter().filter(|file| is_named(file, "tests.py") && !collected.contains(file)).count()
    }

    /// Returns the test files of a configuration, in order.
    pub(super) fn test_files(&self, settings: &PytestSettings) -> Vec<String> {
        let given: Vec<String> =
            settings.testpaths.iter().flat_map(|path| self.expanded(&settings.below_root(path))).collect();
        // Like pytest, the whole root is searched where no test path is there.
        let starts = if given.is_empty() { vec![settings.root.clone()] } else { given };
        let ignored: Vec<String> =
            settings.option("--ignore").into_iter().map(|path| settings.below_root(path)).collect();
        let ignored_globs: Vec<String> =
            settings.option("--ignore-glob").into_iter().map(|path| settings.below_root(path)).collect();
        let mut files = BTreeSet::new();
        for start in &starts {
            for file in &self.files {
                if start == file {
                    files.insert(file.clone());
                    continue;
                }
                let Some(inside) = inside(file, start) else { continue };
                let folders: Vec<&str> =
                    inside.rsplit_once('/').map_or(Vec::new(), |(folders, _)| folders.split('/').collect());
                let name = inside.rsplit('/').next().unwrap_or(inside);
                let passed_over =
                    |folder: &&str| settings.norecursedirs.iter().any(|pattern| fnmatch(pattern, folder));
                if folders.iter().any(passed_over) {
                    continue;
                }
                if ignored.iter().chain(&settings.apart).any(|path| is_below(file, path))
                    || ignored_globs.iter().any(|glob| fnmatch(glob, file))
                {
                    continue;
                }
                let matches = settings.python_files.iter().any(|pattern| {
                    if pattern.contains('/') {
                        // As pytest does it: `shop/tests/*.py` may name the folder of the project too.
                        fnmatch(&format!("*/{pattern}"), &format!("{}/{file}", self.place))
                    } else {
                        fnmatch(pattern, name)
                    }
                });
                if matches {
                    files.insert(file.clone());
                }
            }
        }
        files.into_iter().collect()
    }

    /// Returns what a test path means: itself, or what its wildcards match.
    fn expanded(&self, path: &str) -> Vec<String> {
        if path.contains(['*', '?', '[']) {
            let mut found = BTreeSet::new();
            for file in &self.files {
                if fnmatch(path, file) {
                    found.insert(file.clone());
                }
                let depth = path.split('/').count();
                let parts: Vec<&str> = file.split('/').collect();
                if parts.len() > depth {
                    let folder = parts[..depth].join("/");
                    if fnmatch(path, &folder) {
                        found.insert(folder);
                    }
                }
            }
            return found.into_iter().collect();
        }
        if path.is_empty() || self.files.contains(path) || self.has_folder(path) {
            vec![path.to_owned()]
        } else {
            Vec::new()
        }
    }
}

/// Returns the folders of the roots below a folder.
fn below(roots: &[PytestSettings], folder: &str) -> Vec<String> {
    roots.iter().filter(|root| is_below(&root.root, folder)).map(|root| root.root.clone()).collect()
}

/// Returns the rest of a path below a folder.
fn inside<'f>(file: &'f str, folder: &str) -> Option<&'f str> {
    if folder.is_empty() { Some(file) } else { file.strip_prefix(folder)?.strip_prefix('/') }
}

/// Returns whether a name matches a pattern of Python's `fnmatch`: `*`, `?`, `[a-z]`, `[!x]`; `*` matches `/` too.
pub(super) fn fnmatch(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let one = match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some('?') => Some(p + 1),
            Some('[') => class(&pattern, p, name[n]),
            Some(c) => (*c == name[n]).then_some(p + 1),
            None => None,
        };
        match (one, star) {
            (Some(next), _) => {
                p = next;
                n += 1;
            }
            (None, Some((at, from))) => {
                star = Some((at, from + 1));
                p = at + 1;
                n = from + 1;
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Returns where the pattern goes on behind a `[…]` that takes the character.
fn class(pattern: &[char], open: usize, c: char) -> Option<usize> {
    let negated = pattern.get(open + 1) == Some(&'!');
    let start = open + 1 + usize::from(negated);
    let length = pattern.get(start + 1..)?.iter().position(|c| *c == ']');
    let Some(length) = length else { return (c == '[').then_some(open + 1) };
    let close = start + 1 + length;
    let (mut at, mut found) = (start, false);
    while at < close {
        if at + 2 < close && pattern[at + 1] == '-' {
            found |= (pattern[at]..=pattern[at + 2]).contains(&c);
            at += 3;
        } else {
            found |= pattern[at] == c;
            at += 1;
        }
    }
    (found != negated).then_some(close + 1)
}

/// Returns whether a module is one for tests by its name: `pytest_app.plugin`, `apptesting`.
fn is_named_for_tests(module: &str) -> bool {
    module.split('.').next().is_some_and(|package| package.contains("test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_pythons_do() {
        for (pattern, name, expected) in [
            ("test_*.py", "test_a.py", true),
            ("test_*.py", "tests.py", false),
            ("*", "", true),
            ("[tT]est[!_]?", "TestAb", true),
            ("[tT]est[!_]?", "Test_b", false),
            ("a[b", "a[b", true),
            ("*a*b", "xaxxb", true),
            ("*a*b", "xaxxbc", false),
            (".*", ".git", true),
        ] {
            assert_eq!(fnmatch(pattern, name), expected, "{pattern} {name}");
        }
    }
}
