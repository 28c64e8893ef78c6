//! The id of a test, from what a report says of its place.

use super::Context;
use super::framework::Framework;
use super::python_modules::{SplitClassName, is_python, may_be_method, without_group, without_subtest};

/// Where a report says that a test is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place<'a> {
    pub(super) class_name: &'a str,
    pub(super) name: &'a str,
    pub(super) file: Option<&'a str>,
    /// The suite around it, for tests without a class and a file.
    pub(super) suite: &'a str,
    /// The project or browser that it runs under.
    pub(super) project: Option<&'a str>,
}

/// Which test an entry of a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The test's id in the words of its tool.
    pub(super) id: String,
    /// Whether the entry is that of one of its sub-tests.
    pub(super) is_subtest: bool,
}

/// Makes ids. The tests of a class follow each other, so that the last class is remembered.
pub(super) struct Addresses<'a> {
    context: &'a Context,
    last: Option<LastClass>,
}

struct LastClass {
    class_name: String,
    file: Option<String>,
    suite: String,
    prefix: String,
}

impl<'a> Addresses<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self { context, last: None }
    }

    /// Returns which test an entry is about.
    pub(super) fn of(&mut self, place: Place<'_>, framework: Option<Framework>) -> Address {
        let whole = |id: String| Address { id, is_subtest: false };
        match framework {
            Some(Framework::Nextest) => return whole(format!("{}${}", place.class_name, place.name)),
            Some(Framework::Playwright) => {
                let file = self.context.relative(place.class_name);
                return whole(format!("{file}::{}", in_project(place.project, place.name)));
            }
            _ => {}
        }
        let last = self.last.as_ref().filter(|last| {
            last.class_name == place.class_name
                && last.file.as_deref() == place.file
                && last.suite == place.suite
        });
        if last.is_none() {
            self.last = Some(LastClass {
                class_name: place.class_name.to_owned(),
                file: place.file.map(str::to_owned),
                suite: place.suite.to_owned(),
                prefix: self.prefix(place, framework),
            });
        }
        let prefix = self.last.as_ref().map_or("", |last| &last.prefix);
        // CTest, and Jest by default, write the same words in both places. So does pytest for the examples of a text,
        // which it calls by its file and its name.
        if framework != Some(Framework::Pytest) && prefix.strip_suffix("::") == Some(place.name) {
            return whole(place.name.to_owned());
        }
        // pytest's reports have one entry for a test and its sub-tests.
        let may_be_subtest = framework.is_none() && prefix.contains(".py::");
        let outer = without_subtest(place.name).filter(|_| may_be_subtest);
        let name = outer.unwrap_or(place.name);
        let mut id = String::with_capacity(prefix.len() + name.len());
        id += prefix;
        id += name;
        id.truncate(without_group(&id).len());
        Address { id, is_subtest: outer.is_some() }
    }

    /// Returns the part of an id before the test's name, `::` included.
    fn prefix(&self, place: Place<'_>, framework: Option<Framework>) -> String {
        if let Some(split) = self.python_class(place, framework) {
            return format!("{}::{}", split.file, split.classes);
        }
        let file = place.file.map(|file| self.context.relative(file)).unwrap_or_default();
        let class = match place.class_name {
            "" if file.is_empty() => place.suite,
            class if class == file || Some(class) == place.file || is_dotted(class, &file) => "",
            // Mocha's name is the whole title, of which the class is the end.
            class if framework == Some(Framework::Mocha) && place.name.ends_with(class) => "",
            class => class,
        };
        let parts = [file.as_str(), class].into_iter().filter(|part| !part.is_empty());
        parts.fold(String::new(), |id, part| id + part + "::")
    }

    fn python_class(&self, place: Place<'_>, framework: Option<Framework>) -> Option<SplitClassName> {
        let class_name = place.class_name;
        let python_file = place.file.filter(|file| is_python(file));
        if class_name.is_empty() {
            return None;
        }
        if let Some(split) = python_file.and_then(|file| SplitClassName::at_file(class_name, file)) {
            return Some(split);
        }
        let is_pythons = framework == Some(Framework::Pytest) || python_file.is_some();
        // pytest under a suite name of the user's: only a file that really exists tells.
        let known = || self.context.split(class_name);
        match framework {
            None | Some(Framework::Pytest) if is_pythons => {
                known().or_else(|| SplitClassName::guess(class_name, place.name))
            }
            // behave's scenarios have features, and sentences for names: no module of that name has them.
            None => known().filter(|_| may_be_method(place.name)),
            Some(_) => None,
        }
    }
}

/// Returns the name of a test that a runner runs under several projects, as Playwright prints it.
pub(super) fn in_project(project: Option<&str>, name: &str) -> String {
    match project.filter(|project| !project.is_empty()) {
        Some(project) => format!("[{project}] \u{203a} {name}"),
        None => name.to_owned(),
    }
}

/// Returns whether a class name is only its file's path with dots, as `RSpec` writes it.
fn is_dotted(class_name: &str, file: &str) -> bool {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    !stem.is_empty() && class_name.len() == stem.len() && class_name == stem.replace('/', ".")
}
