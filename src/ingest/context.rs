//! What a reader may ask about the project whose reports it reads.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use super::PythonModules;
use super::python_modules::{SplitClassName, may_be_collected};

/// The project, as far as readers need it. Only some reports need it, so nothing is looked up before the first
/// question.
pub struct Context {
    /// Who knows files of the project; the first that knows an answer gives it.
    sources: Vec<Source>,
    /// The columns of foreign CSV files: their name by ours.
    columns: BTreeMap<String, String>,
}

type Source = LazyLock<Files, Box<dyn FnOnce() -> Files + Send>>;

struct Files {
    all: HashSet<String>,
    modules: PythonModules,
}

/// Where CI services check projects out; `*` is one folder of any name. What follows is the project's own path.
const CHECKOUTS: [&str; 13] = [
    "/home/runner/work/*/*/",
    "/Users/runner/work/*/*/",
    "/__w/*/*/",
    "/github/workspace/",
    // GitHub's and Azure's machines with Windows.
    "?:/a/*/*/",
    "/home/vsts/work/*/s/",
    "/home/circleci/project/",
    "/home/travis/build/*/*/",
    "/opt/atlassian/pipelines/agent/build/",
    "/var/lib/buildkite-agent/builds/*/*/*/",
    "/var/lib/jenkins/workspace/*/",
    "/home/jenkins/agent/workspace/*/",
    "/drone/src/",
];

impl Context {
    /// Returns a context that calls `find_files` when a report first asks where something is. It returns every
    /// file of the project relative to its root, with `/` between the parts of a path.
    #[must_use]
    pub fn new(find_files: impl FnOnce() -> Vec<String> + Send + 'static) -> Self {
        Self { sources: Vec::new(), columns: BTreeMap::new() }.or(find_files)
    }

    /// Adds files that are asked where those before know no answer: the project's tree may not be there.
    #[must_use]
    pub fn or(mut self, find_files: impl FnOnce() -> Vec<String> + Send + 'static) -> Self {
        let find = move || {
            let all = find_files();
            let modules = all.iter().filter(|path| may_be_collected(path)).cloned().collect();
            Files { all: all.into_iter().collect(), modules }
        };
        self.sources.push(LazyLock::new(Box::new(find)));
        self
    }

    /// Names the columns of foreign CSV files: our name for each, and what stands in their header.
    #[must_use]
    pub fn with_columns(mut self, columns: BTreeMap<String, String>) -> Self {
        self.columns = columns;
        self
    }

    /// Returns the names of foreign columns by ours.
    pub(super) fn columns(&self) -> &BTreeMap<String, String> {
        &self.columns
    }

    /// Returns a class name split where a file of the project ends.
    pub(super) fn split(&self, class_name: &str) -> Option<SplitClassName> {
        self.sources.iter().find_map(|files| files.modules.split(class_name))
    }

    /// Returns a path as the project calls it: with `/`, without `./`, and relative where a machine's absolute path
    /// ends in the path of a file of the project, or begins where a CI service checks projects out.
    pub(super) fn relative(&self, path: &str) -> String {
        let path = path.replace('\\', "/");
        let path = path.strip_prefix("file://").filter(|path| path.starts_with('/')).unwrap_or(&path);
        let path = path.strip_prefix("./").unwrap_or(path);
        let is_absolute = path.starts_with('/') || path.as_bytes().get(1) == Some(&b':');
        if !is_absolute {
            return path.to_owned();
        }
        let tails = || {
            std::iter::successors(path.split_once('/'), |(_, rest)| rest.split_once('/'))
                .map(|(_, rest)| rest)
        };
        let known = self.sources.iter().find_map(|files| tails().find(|tail| files.all.contains(*tail)));
        known
            .or_else(|| CHECKOUTS.iter().find_map(|checkout| below(checkout, path)))
            .unwrap_or(path)
            .to_owned()
    }
}

/// Returns what follows a folder in a path.
fn below<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    let mut rest = path;
    for part in folder.split_terminator('/') {
        let (name, behind) = rest.split_once('/')?;
        let fits = match part {
            "*" => !name.is_empty(),
            "?:" => name.len() == 2 && name.ends_with(':'),
            _ => name == part,
        };
        rest = fits.then_some(behind)?;
    }
    (!rest.is_empty()).then_some(rest)
}

/// A project of which nothing is known.
impl Default for Context {
    fn default() -> Self {
        Self::new(Vec::new)
    }
}

#[cfg(test)]
mod checks {
    use super::*;

    #[test]
    fn a_machines_path_becomes_the_projects() {
        let context = Context::new(|| vec!["web/src/a.test.ts".to_owned()]);
        for (path, expected) in [
            ("/home/runner/work/x/x/web/src/a.test.ts", "web/src/a.test.ts"),
            ("D:\\a\\x\\web\\src\\a.test.ts", "web/src/a.test.ts"),
            ("./src/b.ts", "src/b.ts"),
            ("/tmp/c.ts", "/tmp/c.ts"),
            ("/home/runner/work/shop/shop/test/d.ts", "test/d.ts"),
            ("file:///home/runner/work/shop/shop/test/d.ts", "test/d.ts"),
            ("D:\\a\\1\\s\\test\\e.cs", "test/e.cs"),
            ("/home/runner/work/shop/shop/", "/home/runner/work/shop/shop/"),
            ("/home/runner/workshop/a/b/c.ts", "/home/runner/workshop/a/b/c.ts"),
        ] {
            assert_eq!(context.relative(path), expected);
        }
    }

    #[test]
    fn the_next_source_is_asked_where_the_first_knows_nothing() {
        let context = Context::new(Vec::new)
            .or(|| vec!["backend/tests/api.py".to_owned()])
            .or(|| unreachable!("the one before knows"));
        assert_eq!(context.split("tests.api.describe_it").unwrap().classes, "describe_it::");
        assert_eq!(context.relative("/srv/backend/tests/api.py"), "backend/tests/api.py");
    }
}
