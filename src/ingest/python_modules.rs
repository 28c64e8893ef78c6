//! From pytest's dotted class names back to files.
//!
//! The default family of JUnit reports names no file: `tests.api.test_user.TestLogin` is all there is for
//! `tests/api/test_user.py::TestLogin`. Only the project can say where the path ends and the class begins.

use std::collections::HashMap;

/// The Python files of a project, by the dotted names that pytest makes of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PythonModules {
    /// Every dotted name, and every tail of one, with its path. pytest counts paths from its own root, which
    /// may lie below the project's: `backend/tests/test_a.py` is `tests.test_a` to a pytest run in `backend`.
    paths: HashMap<String, String>,
}

/// A class name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SplitClassName {
    /// The path of the module with `/` between its parts.
    pub(super) file: String,
    /// The classes with `::` between and after them, so that a test's name can follow; empty for functions.
    pub(super) classes: String,
}

impl FromIterator<String> for PythonModules {
    /// Collects paths relative to the project's root, with `/` between their parts. Their order does not
    /// matter.
    fn from_iter<T: IntoIterator<Item = String>>(paths: T) -> Self {
        let mut paths: Vec<String> = paths.into_iter().collect();
        // Two paths can have one dotted name (`a.b/c.py`, `a/b/c.py`); the first in this order keeps it.
        paths.sort_unstable();
        let mut modules = Self::default();
        for path in paths {
            let mut tail = path.as_str();
            loop {
                let dotted = tail.strip_suffix(".py").unwrap_or(tail).replace('/', ".");
                modules.paths.entry(dotted).or_insert_with(|| tail.to_owned());
                match tail.split_once('/') {
                    Some((_, rest)) => tail = rest,
                    None => break,
                }
            }
        }
        modules
    }
}

impl PythonModules {
    /// Returns the longest leading part of a class name that is a file of the project, and the rest.
    pub(super) fn split(&self, class_name: &str) -> Option<SplitClassName> {
        let mut end = class_name.len();
        loop {
            if let Some(path) = self.paths.get(&class_name[..end]) {
                return Some(SplitClassName::new(path.clone(), &class_name[end..]));
            }
            end = class_name[..end].rfind('.')?;
        }
    }
}

impl SplitClassName {
    /// Returns the class name of a test called `name` split by custom alone: modules are lower case and classes are
    /// not. Nothing where that leaves no module.
    pub(super) fn guess(class_name: &str, name: &str) -> Option<Self> {
        if let Some(text) = Self::guess_text(class_name, name) {
            return Some(text);
        }
        let is_class = |part: &str| part.starts_with(|c: char| c.is_uppercase());
        let mut module_end = 0;
        for part in class_name.split('.') {
            if part.is_empty() || is_class(part) {
                break;
            }
            module_end += part.len() + 1;
        }
        let module_end = module_end.checked_sub(1)?;
        let file = class_name[..module_end].replace('.', "/") + ".py";
        Some(Self::new(file, &class_name[module_end..]))
    }

    /// Returns the class name of what plugins collect from files that are no Python. The examples in a text are one
    /// test, called by its file's name.
    fn guess_text(class_name: &str, name: &str) -> Option<Self> {
        let (stem, extension) = class_name.rsplit_once('.')?;
        if !TEXTS.contains(&extension) {
            return None;
        }
        let folders =
            class_name.strip_suffix(name).filter(|folders| folders.is_empty() || folders.ends_with('.'));
        let file = match folders {
            Some(folders) => folders.replace('.', "/") + name,
            None => format!("{}.{extension}", stem.replace('.', "/")),
        };
        Some(Self { file, classes: String::new() })
    }

    /// Returns a class name split where the report's `file` attribute says that the module ends. Nothing
    /// where the two do not agree: a test that is inherited from a class of another file is reported with
    /// that file, and pytest would not find it there.
    pub(super) fn at_file(class_name: &str, file: &str) -> Option<Self> {
        let file = file.replace('\\', "/");
        let dotted = file.strip_suffix(".py").unwrap_or(&file).replace('/', ".");
        // `--junit-prefix` puts a word of the user's before the dotted name.
        let start = match class_name.find(&dotted)? {
            0 => 0,
            start if class_name[..start].ends_with('.') => start,
            _ => return None,
        };
        let rest = &class_name[start + dotted.len()..];
        (rest.is_empty() || rest.starts_with('.')).then(|| Self::new(file, rest))
    }

    /// `classes` starts with a dot, where it is not empty.
    fn new(file: String, classes: &str) -> Self {
        let classes = match classes.strip_prefix('.') {
            Some(classes) if !classes.is_empty() => classes.replace('.', "::") + "::",
            _ => String::new(),
        };
        Self { file, classes }
    }
}

/// What pytest or a plugin of it collects beside Python: texts with examples, notebooks, features.
const TEXTS: [&str; 7] = ["feature", "ipynb", "md", "rst", "txt", "yaml", "yml"];

/// Returns whether tests may come from a file.
pub(super) fn may_be_collected(file: &str) -> bool {
    let extension = std::path::Path::new(file).extension().and_then(std::ffi::OsStr::to_str);
    extension.is_some_and(|extension| extension == "py" || TEXTS.contains(&extension))
}

/// Returns whether a test of Python can have this name: no blanks but in parameters and in what follows of a sub-test.
pub(super) fn may_be_method(name: &str) -> bool {
    name.split_once(' ').is_none_or(|(start, rest)| start.contains('[') || rest.starts_with(['[', '(']))
}

/// Returns the test of which this is a sub-test, as unittest names those that fail: `test_all [message] (number=1)`.
/// Nothing where it is a test of its own; pytest's parameters follow a name at once.
pub(super) fn without_subtest(name: &str) -> Option<&str> {
    let (test, part) = name.split_once(' ')?;
    let is_part =
        part.starts_with('[') && part.ends_with([']', ')']) || part.starts_with('(') && part.ends_with(')');
    (is_part && is_identifier(test)).then_some(test)
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c == '_' || c.is_alphabetic())
        && name.chars().all(|c| c == '_' || c.is_alphanumeric())
}

/// Returns a pytest id without the group that xdist adds to it (`--dist loadgroup`): `a.py::test_x[1]@group`.
pub(super) fn without_group(id: &str) -> &str {
    if !id.contains('@') || !id.contains(".py::") {
        return id;
    }
    let end = match id.find('[') {
        Some(open) => id.rfind(']').filter(|close| *close > open).map(|close| close + 1),
        None => id.rfind("::").map(|colons| {
            let name = &id[colons + 2..];
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            id.len() - name.trim_start_matches(is_name).len()
        }),
    };
    match end {
        Some(end) if id[end..].starts_with('@') => &id[..end],
        _ => id,
    }
}

/// Returns whether a path is that of a Python file.
pub(super) fn is_python(file: &str) -> bool {
    std::path::Path::new(file).extension().is_some_and(|extension| extension == "py")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn modules(paths: &[&str]) -> PythonModules {
        paths.iter().map(|&path| path.to_owned()).collect()
    }

    fn parts(split: Option<&SplitClassName>) -> Option<(&str, &str)> {
        split.map(|split| (split.file.as_str(), split.classes.as_str()))
    }

    #[test]
    fn the_longest_known_path_is_the_module() {
        let known = modules(&["tests/api.py", "tests/api/test_user.py"]);
        assert_eq!(parts(known.split("tests.api.test_user").as_ref()), Some(("tests/api/test_user.py", "")));
        assert_eq!(
            parts(known.split("tests.api.TestA.TestB").as_ref()),
            Some(("tests/api.py", "TestA::TestB::"))
        );
        assert_eq!(parts(known.split("tests.other").as_ref()), None);
    }

    #[test]
    fn folders_with_dots_and_lower_case_classes_are_no_riddle() {
        let known = modules(&["tests/v1.2/test_a.py"]);
        let split = known.split("tests.v1.2.test_a.describe_it");
        assert_eq!(parts(split.as_ref()), Some(("tests/v1.2/test_a.py", "describe_it::")));
    }

    #[test]
    fn pytest_may_have_run_in_a_folder_of_the_project() {
        let known = modules(&["backend/tests/test_a.py"]);
        assert_eq!(parts(known.split("tests.test_a.TestA").as_ref()), Some(("tests/test_a.py", "TestA::")));
    }

    #[test]
    fn without_the_project_the_first_capital_begins_the_class() {
        assert_eq!(
            parts(SplitClassName::guess("tests.test_a.TestA", "test_x").as_ref()),
            Some(("tests/test_a.py", "TestA::"))
        );
        assert_eq!(
            parts(SplitClassName::guess("tests.test_a", "test_x").as_ref()),
            Some(("tests/test_a.py", ""))
        );
        assert_eq!(parts(SplitClassName::guess("TestA", "test_x").as_ref()), None);
        assert_eq!(parts(SplitClassName::guess("", "test_x").as_ref()), None);
    }

    #[test]
    fn texts_with_examples_are_files() {
        for (class_name, name, file) in [
            ("README.rst", "README.rst", "README.rst"),
            ("docs.guide.usage.rst", "usage.rst", "docs/guide/usage.rst"),
            ("docs.v1.2.rst", "v1.2.rst", "docs/v1.2.rst"),
            ("notebooks.plot.ipynb", "Cell 3", "notebooks/plot.ipynb"),
        ] {
            let split = SplitClassName::guess(class_name, name);
            assert_eq!(parts(split.as_ref()), Some((file, "")), "{class_name}");
        }
        // The examples of a module bear the module's dotted name.
        let split = SplitClassName::guess("pkg.mod", "pkg.mod");
        assert_eq!(parts(split.as_ref()), Some(("pkg/mod.py", "")));
    }

    #[test]
    fn the_group_of_xdist_is_no_part_of_an_id() {
        for (id, expected) in [
            ("t/a.py::test_x@db", "t/a.py::test_x"),
            ("t/a.py::TestA::test_x[b@c]@db", "t/a.py::TestA::test_x[b@c]"),
            ("t/a.py::test_x[b@c]", "t/a.py::test_x[b@c]"),
            ("t/a.py::test_x[b]@c]", "t/a.py::test_x[b]@c]"),
            ("t/a.py::send to a@b", "t/a.py::send to a@b"),
            ("web/a@b.ts::x", "web/a@b.ts::x"),
        ] {
            assert_eq!(without_group(id), expected);
        }
    }

    #[test]
    fn the_file_of_an_inherited_test_is_not_its_module() {
        let base = "tests/base.py";
        assert_eq!(parts(SplitClassName::at_file("tests.test_a.TestA", base).as_ref()), None);
        assert_eq!(
            parts(SplitClassName::at_file("tests.base.TestA", base).as_ref()),
            Some((base, "TestA::"))
        );
        assert_eq!(
            parts(SplitClassName::at_file("linux.tests.base.TestA", base).as_ref()),
            Some((base, "TestA::"))
        );
        assert_eq!(parts(SplitClassName::at_file("tests.baseline.TestA", base).as_ref()), None);
    }

    #[test]
    fn windows_paths_get_the_slashes_of_node_ids() {
        assert_eq!(
            parts(SplitClassName::at_file("tests.base", "tests\\base.py").as_ref()),
            Some(("tests/base.py", ""))
        );
    }

    /// Few names, so that folders, modules and classes bear the same ones.
    fn name() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["a", "b", "tests", "test_a", "TestA", "v1.2"]).prop_map(str::to_owned)
    }

    fn file() -> impl Strategy<Value = String> {
        (prop::collection::vec(name(), 0..4), name()).prop_map(|(folders, module)| {
            folders.into_iter().map(|folder| folder + "/").collect::<String>() + &module + ".py"
        })
    }

    proptest! {
        /// What pytest makes of a file, counted from the project or from a folder of it where it ran, and of classes, is
        /// taken apart again: to that file, or to one that is called the same and reaches further.
        #[test]
        fn what_pytest_put_together_is_taken_apart(
            files in prop::collection::vec(file(), 1..8),
            which in any::<prop::sample::Index>(),
            below in 0..3_usize,
            classes in prop::collection::vec(name().prop_filter("no class has a dot", |name| !name.contains('.')), 0..3),
        ) {
            let tails = |path: &str| -> Vec<String> {
                let parts: Vec<&str> = path.split('/').collect();
                (0..parts.len()).map(|from| parts[from..].join("/")).collect()
            };
            let dotted = |path: &str| path.strip_suffix(".py").unwrap().replace('/', ".");
            let of_file = tails(&files[which.index(files.len())]);
            let seen = &of_file[below.min(of_file.len() - 1)];
            let class_name = std::iter::once(dotted(seen)).chain(classes.iter().cloned()).collect::<Vec<_>>().join(".");
            let split: PythonModules = files.iter().cloned().collect();
            let split = split.split(&class_name).expect("the file is there");

            let fits = |tail: &String| {
                class_name.strip_prefix(&dotted(tail)).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            let fitting: Vec<String> = files.iter().flat_map(|file| tails(file)).filter(fits).collect();
            let longest = fitting.iter().map(|tail| dotted(tail).len()).max().unwrap_or(0);
            prop_assert!(fitting.contains(&split.file), "{} is the end of no file", split.file);
            prop_assert_eq!(dotted(&split.file).len(), longest);
            let rest = split.classes.strip_suffix("::").map(|classes| format!(".{}", classes.replace("::", ".")));
            prop_assert_eq!(dotted(&split.file) + &rest.unwrap_or_default(), class_name);
            if fitting.iter().all(|tail| tail == seen) {
                prop_assert_eq!(&split.file, seen);
                let expected: String = classes.iter().map(|class| class.clone() + "::").collect();
                prop_assert_eq!(split.classes, expected);
            }
        }
    }
}
