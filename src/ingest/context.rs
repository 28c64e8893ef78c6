//! What a reader may ask about the project whose reports it reads.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use super::PythonModules;
use super::python_modules::{SplitClassName, is_python};

/// The project, as far as readers need it. Only some reports need it, so nothing is looked up before the first
/// question.
pub struct Context {
    files: LazyLock<Files, Box<dyn FnOnce() -> Files + Send>>,
    /// The columns of foreign CSV files: their name by ours.
    columns: BTreeMap<String, String>,
}

struct Files {
    all: HashSet<String>,
    modules: PythonModules,
}

impl Context {
    /// Returns a context that calls `find_files` when a report first asks where something is. It returns every
    /// file of the project relative to its root, with `/` between the parts of a path.
    #[must_use]
    pub fn new(find_files: impl FnOnce() -> Vec<String> + Send + 'static) -> Self {
        let find = move || {
            let all = find_files();
            let modules = all.iter().filter(|path| is_python(path)).cloned().collect();
            Files { all: all.into_iter().collect(), modules }
        };
        Self { files: LazyLock::new(Box::new(find)), columns: BTreeMap::new() }
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
        self.files.modules.split(class_name)
    }

    /// Returns a path as the project calls it: with `/`, without `./`, and relative where a machine's absolute path
    /// ends in the path of a file of the project.
    pub(super) fn relative(&self, path: &str) -> String {
        let path = path.replace('\\', "/");
        let path = path.strip_prefix("./").unwrap_or(&path);
        let is_absolute = path.starts_with('/') || path.as_bytes().get(1) == Some(&b':');
        if is_absolute {
            let mut tail = path;
            while let Some((_, rest)) = tail.split_once('/') {
                if self.files.all.contains(rest) {
                    return rest.to_owned();
                }
                tail = rest;
            }
        }
        path.to_owned()
    }
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
        ] {
            assert_eq!(context.relative(path), expected);
        }
    }
}
