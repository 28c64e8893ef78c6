//! What pytest is configured to collect, from the file that pytest itself would take.

use std::collections::BTreeSet;
use std::path::Path;

use super::ini::{self, IniValue};
use super::load::bytes_of;
use super::plugins::entry_points_of;
use super::source::SourceFile;

/// pytest's configuration of one root folder.
#[derive(Clone, Debug, Default)]
pub struct PytestSettings {
    /// The folder that node ids are relative to, relative to the project; empty for the project's own.
    pub root: String,
    /// The file that says so, relative to the project; nothing where pytest's defaults hold.
    pub file: Option<String>,
    /// Folders below the root that are roots of their own, relative to the project.
    pub apart: Vec<String>,
    /// Where tests are looked for, relative to the root; the root itself where empty.
    pub testpaths: Vec<String>,
    /// Patterns of test files' names.
    pub python_files: Vec<String>,
    /// Prefixes or patterns of test classes' names.
    pub python_classes: Vec<String>,
    /// Prefixes or patterns of test functions' names.
    pub python_functions: Vec<String>,
    /// Patterns of folders that are passed over.
    pub norecursedirs: Vec<String>,
    /// The marks that are registered, in their order: those of the file, then those of hooks.
    pub markers: Vec<RegisteredMarker>,
    /// Marks that hooks add while its tests are collected: which test bears one, only running tells.
    pub marks_by_hooks: BTreeSet<String>,
    /// Words that are added to the command line.
    pub addopts: Vec<String>,
    /// Fixtures that every test uses.
    pub usefixtures: Vec<String>,
    /// Folders on the import path, relative to the root.
    pub pythonpath: Vec<String>,
    /// Whether a mark that is not registered is an error.
    pub strict_markers: bool,
    /// The module of Django's settings.
    pub django_settings: Option<String>,
    /// The modules that the project gives pytest as plugins by its entry points.
    pub plugins: Vec<String>,
    /// Whether tests that a module imports are not collected in it.
    pub own_tests_only: bool,
}

/// A mark that the configuration registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredMarker {
    /// Its name.
    pub name: String,
    /// The file, relative to the project.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// A value of the configuration: words or lines, with where they stand.
#[derive(Clone, Debug)]
enum Value {
    Text(Vec<(usize, String)>),
    List(Vec<(usize, String)>),
}

impl PytestSettings {
    /// Returns what holds where nothing is configured.
    #[must_use]
    pub fn defaults(root: &str) -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            root: root.to_owned(),
            python_files: words(&["test_*.py", "*_test.py"]),
            python_classes: words(&["Test"]),
            python_functions: words(&["test"]),
            norecursedirs: words(&[
                "*.egg",
                ".*",
                "_darcs",
                "build",
                "CVS",
                "dist",
                "node_modules",
                "venv",
                "{arch}",
            ]),
            ..Self::default()
        }
    }

    /// Returns the settings of a folder of the project, in pytest's order of files, or nothing where none of its
    /// files configures pytest.
    #[must_use]
    pub fn of_folder(project: &Path, folder: &str) -> Option<Self> {
        let path = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let read = |name: &str| {
            std::fs::read(project.join(path(name)))
                .ok()
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        for name in ["pytest.toml", ".pytest.toml"] {
            if let Some(text) = read(name) {
                let values = toml_values(&text, &["pytest"]).unwrap_or_default();
                return Some(Self::from_values(folder, &path(name), values));
            }
        }
        for name in ["pytest.ini", ".pytest.ini"] {
            // Such a file counts even where it is empty.
            if let Some(text) = read(name) {
                return Some(Self::from_values(
                    folder,
                    &path(name),
                    ini_values(&text, "pytest").unwrap_or_default(),
                ));
            }
        }
        if let Some(text) = read("pyproject.toml") {
            let values = toml_values(&text, &["tool", "pytest", "ini_options"])
                .or_else(|| toml_values(&text, &["tool", "pytest"]));
            if let Some(values) = values {
                return Some(Self::from_values(folder, &path("pyproject.toml"), values));
            }
        }
        for (name, section) in [("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")] {
            if let Some(values) = read(name).and_then(|text| ini_values(&text, section)) {
                return Some(Self::from_values(folder, &path(name), values));
            }
        }
        None
    }

    /// Adds the plugins that a package in a folder gives pytest by its entry points: `[project.entry-points.pytest11]`,
    /// Poetry's table, the section of `setup.cfg` or the argument of `setup.py`.
    pub(super) fn add_plugins(&mut self, folder: &Path, wanted: impl Fn(&str) -> bool) {
        let read = |name: &str| text_of(folder, name);
        let tables: [&[&str]; 2] =
            [&["project", "entry-points", "pytest11"], &["tool", "poetry", "plugins", "pytest11"]];
        let written = read("pyproject.toml").filter(|text| text.contains("pytest11"));
        let listed = tables.into_iter().filter_map(|table| toml_values(written.as_deref()?, table)).flatten();
        let mut modules: Vec<String> = listed.flat_map(|(_, value)| value.words()).collect();
        let section = read("setup.cfg").and_then(|text| ini_values(&text, "options.entry_points"));
        for (_, value) in section.into_iter().flatten().filter(|(key, _)| key == "pytest11") {
            let names = value
                .lines()
                .into_iter()
                .filter_map(|(_, line)| line.split_once('=').map(|(_, module)| module.trim().to_owned()));
            modules.extend(names);
        }
        if let Some(text) = read("setup.py").filter(|text| text.contains("pytest11")) {
            modules.extend(entry_points_of(&SourceFile::parse("setup.py", text.as_bytes())));
        }
        // `package.plugin:object` names something in the module.
        let module = |named: String| named.split(':').next().map(|module| module.trim().to_owned());
        self.plugins.extend(modules.into_iter().filter_map(module).filter(|module| wanted(module)));
    }

    fn from_values(root: &str, file: &str, values: Vec<(String, Value)>) -> Self {
        let mut settings = Self { file: Some(file.to_owned()), ..Self::defaults(root) };
        for (key, value) in values {
            match key.as_str() {
                "testpaths" => settings.testpaths = value.words(),
                "python_files" => settings.python_files = value.words(),
                "python_classes" => settings.python_classes = value.words(),
                "python_functions" => settings.python_functions = value.words(),
                "norecursedirs" => settings.norecursedirs = value.words(),
                "usefixtures" => settings.usefixtures = value.words(),
                "pythonpath" => settings.pythonpath = value.words(),
                "addopts" => settings.addopts = value.words(),
                "DJANGO_SETTINGS_MODULE" => settings.django_settings = value.words().into_iter().next(),
                "strict" | "strict_markers" if value.is_true() => settings.strict_markers = true,
                "collect_imported_tests" if value.is_false() => settings.own_tests_only = true,
                "markers" => {
                    settings.markers = value
                        .lines()
                        .into_iter()
                        .filter_map(|(line, text)| {
                            let name = marker_name(&text)?;
                            Some(RegisteredMarker { name, file: file.to_owned(), line })
                        })
                        .collect();
                }
                _ => {}
            }
        }
        if settings.addopts.iter().any(|word| word == "--strict-markers" || word == "--strict") {
            settings.strict_markers = true;
        }
        if let Some(module) = settings.addopts.iter().find_map(|word| word.strip_prefix("--ds=")) {
            settings.django_settings = Some(module.to_owned());
        }
        settings
    }

    /// Returns the values of an option of `addopts` that may be written `--name=value` or `--name value`.
    #[must_use]
    pub fn option(&self, name: &str) -> Vec<&str> {
        let mut values = Vec::new();
        let mut words = self.addopts.iter();
        while let Some(word) = words.next() {
            if word == name {
                values.extend(words.next().map(String::as_str));
            } else if let Some(value) = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                values.push(value);
            }
        }
        values
    }

    /// Returns whether a file of the project lies in this root, and in none of those below it.
    #[must_use]
    pub fn holds(&self, file: &str) -> bool {
        is_below(file, &self.root) && !self.apart.iter().any(|root| is_below(file, root))
    }

    /// Returns a path of the root as a path of the project.
    #[must_use]
    pub fn below_root(&self, path: &str) -> String {
        let path = path.trim_start_matches("./").trim_end_matches('/');
        match (self.root.is_empty(), path.is_empty() || path == ".") {
            (_, true) => self.root.clone(),
            (true, false) => path.to_owned(),
            (false, false) => normalised(&format!("{}/{path}", self.root)),
        }
    }
}

/// Returns whether a path is a folder or lies below it; everything lies below the project's own.
pub(super) fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Returns the name that a line of `markers` registers: `slow(reason): what it is for`.
#[must_use]
pub(super) fn marker_name(line: &str) -> Option<String> {
    let end = line.find([':', '(']).unwrap_or(line.len());
    let name = line[..end].trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Returns a path without `.` and `..`.
#[must_use]
pub(super) fn normalised(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

impl Value {
    fn words(self) -> Vec<String> {
        match self {
            Self::Text(lines) => lines.iter().flat_map(|(_, line)| split_words(line)).collect(),
            Self::List(items) => items.into_iter().map(|(_, item)| item).collect(),
        }
    }

    fn lines(self) -> Vec<(usize, String)> {
        let (Self::Text(lines) | Self::List(lines)) = self;
        lines.into_iter().filter(|(_, line)| !line.trim().is_empty()).collect()
    }

    fn is_true(&self) -> bool {
        let (Self::Text(lines) | Self::List(lines)) = self;
        lines
            .iter()
            .any(|(_, line)| matches!(line.trim().to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1"))
    }

    fn is_false(&self) -> bool {
        let (Self::Text(lines) | Self::List(lines)) = self;
        lines.iter().any(|(_, line)| {
            matches!(line.trim().to_ascii_lowercase().as_str(), "false" | "no" | "off" | "0")
        })
    }
}

/// Returns the text of a file of a folder, where it is a file.
fn text_of(folder: &Path, name: &str) -> Option<String> {
    let path = folder.join(name);
    std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
    Some(String::from_utf8_lossy(&bytes_of(&path).ok()?).into_owned())
}

/// Returns the words of a line as a shell would part them.
fn split_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quote, mut any) = (None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                any = true;
            }
            (None, c) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                    any = false;
                }
            }
            (_, c) => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

fn ini_values(text: &str, section: &str) -> Option<Vec<(String, Value)>> {
    let keys = ini::section(text, section)?;
    Some(keys.into_iter().map(|(key, IniValue { lines })| (key, Value::Text(lines))).collect())
}

fn toml_values(text: &str, path: &[&str]) -> Option<Vec<(String, Value)>> {
    let (document, _) = toml::de::DeTable::parse_recoverable(text);
    let mut table = document.get_ref();
    let found = path.iter().try_fold(table, |table, key| match table.get(*key)?.get_ref() {
        toml::de::DeValue::Table(inner) => Some(inner),
        _ => None,
    })?;
    table = found;
    let line =
        |span: std::ops::Range<usize>| 1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..span.start]).count();
    let values = table.iter().filter_map(|(key, value)| {
        let plain = |value: &toml::Spanned<toml::de::DeValue<'_>>| match value.get_ref() {
            toml::de::DeValue::String(text) => Some((line(value.span()), text.to_string())),
            toml::de::DeValue::Boolean(word) => Some((line(value.span()), word.to_string())),
            _ => None,
        };
        let read = match value.get_ref() {
            toml::de::DeValue::Array(items) => Value::List(items.iter().filter_map(plain).collect()),
            toml::de::DeValue::String(text) => {
                let first = line(value.span());
                Value::Text(
                    text.lines().enumerate().map(|(at, line)| (first + at, line.to_owned())).collect(),
                )
            }
            _ => Value::Text(vec![plain(value)?]),
        };
        Some((key.get_ref().to_string(), read))
    });
    Some(values.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_and_ini_say_the_same() {
        let toml = toml_values("[tool.pytest.ini_options]\naddopts = \"-ra -m 'not slow'\"\nmarkers = [\n  \"db: a database\",\n  \"slow\",\n]\n", &["tool", "pytest", "ini_options"]).expect("a table");
        let ini = ini_values(
            "[pytest]\naddopts = -ra -m 'not slow'\nmarkers =\n  db: a database\n  slow\n",
            "pytest",
        )
        .expect("a section");
        for values in [toml, ini] {
            let settings = PytestSettings::from_values("", "x", values);
            assert_eq!(settings.option("-m"), ["not slow"]);
            let markers: Vec<(&str, usize)> =
                settings.markers.iter().map(|marker| (marker.name.as_str(), marker.line)).collect();
            assert_eq!(markers, [("db", 4), ("slow", 5)]);
        }
    }

    #[test]
    fn a_path_of_the_root_is_one_of_the_project() {
        let settings = PytestSettings::defaults("backend");
        assert_eq!(settings.below_root("./tests/"), "backend/tests");
        assert_eq!(settings.below_root("."), "backend");
        assert_eq!(settings.below_root("../shared"), "shared");
    }
}
