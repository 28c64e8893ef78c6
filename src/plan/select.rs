//! The tests of one shard, for a runner without the plugin.
//!
//! From the lock alone come its selectors, which a runner expands itself. Against a collection comes every test
//! that the rule of [`super::Router`] gives to the shard, those that the lock does not know included.

use super::{Lock, Route, Router};
use crate::ids::{NodeId, Printable};
use crate::inventory::{Inventory, Test};

/// What a shard runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// What the lock says, for a runner that expands files and classes itself.
    Selectors {
        /// The selectors, sorted.
        units: Vec<String>,
        /// The marker expression that goes with them.
        markers: Option<String>,
    },
    /// Tests of a collection.
    Tests(Vec<Group>),
}

/// The collected tests of one file, or binary, of which the shard runs some or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The file.
    pub file: String,
    /// Those that the shard runs, in order; never empty.
    pub tests: Vec<SelectedTest>,
    /// Whether these are all that were collected of the file.
    pub whole: bool,
}

/// A test of the shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedTest {
    /// Its id.
    pub id: NodeId,
    /// Whether the lock knew it.
    pub planned: bool,
}

/// A selection that can not be made or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// The lock has no such shard.
    #[error("the lock has no shard `{}`; its shards are {}", Printable(.name), .shards.join(", "))]
    NoSuchShard {
        /// The name.
        name: String,
        /// The shards that there are.
        shards: Vec<String>,
    },
    /// The lock's selectors do not say it in the runner's words.
    #[error("{reason}, so the lock alone can not be written for {runner}")]
    NeedsCollection {
        /// Why.
        reason: String,
        /// The runner.
        runner: &'static str,
    },
    /// A line can not hold it.
    #[error("`{}` has a line break in it: no line can hold it", Printable(.0))]
    LineBreak(String),
}

impl SelectError {
    /// Returns what the user can do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoSuchShard { .. } => "`shardplan.lock` names the shards, a `[[shard]]` each",
            Self::NeedsCollection { .. } => {
                "name what was collected with `--against FILE`: `pytest --shardplan-collect FILE` or \
                 `cargo nextest list --message-format json`; the plugin (`pytest --shardplan SHARD`) needs no list"
            }
            Self::LineBreak(_) => "use `--format json`, or the plugin (`pytest --shardplan SHARD`)",
        }
    }
}

/// Returns the position of the shard of that name.
pub fn shard_named(lock: &Lock, name: &str) -> Result<usize, SelectError> {
    lock.shards.iter().position(|shard| shard.name.as_str() == name).ok_or_else(|| SelectError::NoSuchShard {
        name: name.to_owned(),
        shards: lock.shards.iter().map(|shard| shard.name.to_string()).collect(),
    })
}

/// Returns what the lock alone says of a shard.
#[must_use]
pub fn select(lock: &Lock, shard: usize) -> Selection {
    let shard = &lock.shards[shard];
    let lane = lock.lanes.iter().find(|lane| lane.name == shard.lane);
    let markers = lane.and_then(|lane| lane.markers.as_ref()).map(ToString::to_string);
    Selection::Selectors { units: shard.units.clone(), markers }
}

/// Returns the tests of a collection that the shard runs, in the collection's order.
#[must_use]
pub fn select_against(lock: &Lock, shard: usize, collected: &Inventory) -> Selection {
    let router = Router::new(lock);
    let mut groups: Vec<Group> = Vec::new();
    // The inventory is sorted by id, so a file's tests follow each other nearly always; where they do not, the
    // file has two groups, and none of them is whole.
    let mut at = 0;
    let tests: Vec<&Test> = collected.tests.iter().collect();
    while at < tests.len() {
        let file = tests[at].file.as_str();
        let end = at + tests[at..].iter().take_while(|test| test.file == file).count();
        let mine: Vec<SelectedTest> = tests[at..end]
            .iter()
            .filter_map(|test| {
                let route = router.route(test);
                let planned = matches!(route, Route::Planned(_));
                (route.shard() == Some(shard)).then(|| SelectedTest { id: test.id.clone(), planned })
            })
            .collect();
        if !mine.is_empty() {
            let whole = mine.len() == end - at;
            groups.push(Group { file: file.to_owned(), tests: mine, whole });
        }
        at = end;
    }
    for at in 1..groups.len() {
        if groups[..at].iter().any(|earlier| earlier.file == groups[at].file) {
            groups[at].whole = false;
        }
    }
    Selection::Tests(groups)
}

/// Returns one selector or test a line.
pub fn lines(selection: &Selection) -> Result<String, SelectError> {
    let mut text = String::new();
    let mut line = |line: &str| push_line(&mut text, line);
    match selection {
        Selection::Selectors { units, .. } => units.iter().try_for_each(|unit| line(unit))?,
        Selection::Tests(groups) => {
            groups.iter().flat_map(|group| &group.tests).try_for_each(|test| line(test.id.as_str()))?;
        }
    }
    Ok(text)
}

/// Returns a file for `pytest @FILE`: an argument a line.
///
/// A shard without a test gets `--version`, since an empty file would let pytest run everything.
pub fn pytest(lock: &Lock, shard: usize, selection: &Selection) -> Result<String, SelectError> {
    let mut text = String::new();
    match selection {
        Selection::Selectors { units, markers } => {
            if let Some(reason) = torn(lock, shard) {
                return Err(SelectError::NeedsCollection { reason, runner: "pytest" });
            }
            if let Some(markers) = markers.as_ref().filter(|_| !units.is_empty()) {
                push_line(&mut text, "-m")?;
                push_line(&mut text, markers)?;
            }
            units.iter().try_for_each(|unit| push_line(&mut text, &argument(unit)))?;
        }
        Selection::Tests(groups) => {
            for group in groups {
                if group.whole {
                    push_line(&mut text, &argument(&group.file))?;
                } else {
                    let mut tests = group.tests.iter();
                    tests.try_for_each(|test| push_line(&mut text, &argument(test.id.as_str())))?;
                }
            }
        }
    }
    if text.is_empty() {
        text.push_str("--version\n");
    }
    Ok(text)
}

/// Returns a filterset for `cargo nextest run -E`, on one line.
pub fn nextest(selection: &Selection) -> Result<String, SelectError> {
    let Selection::Tests(groups) = selection else {
        let reason = "a selector does not say where the binary's id ends".to_owned();
        return Err(SelectError::NeedsCollection { reason, runner: "nextest" });
    };
    let group = |group: &Group| {
        let binary = format!("binary_id(={})", quoted(&group.file));
        if group.whole {
            return binary;
        }
        let name = |test: &SelectedTest| {
            let id = test.id.as_str();
            let name = id.strip_prefix(&group.file).and_then(|rest| rest.strip_prefix('$')).unwrap_or(id);
            format!("test(={})", quoted(name))
        };
        let names: Vec<String> = group.tests.iter().map(name).collect();
        format!("({binary} & ({}))", names.join(" | "))
    };
    let groups: Vec<String> = groups.iter().map(group).collect();
    Ok(if groups.is_empty() { "none()\n".to_owned() } else { format!("{}\n", groups.join(" | ")) })
}

/// Returns why the shard's selectors take more than the shard's tests, or nothing.
fn torn(lock: &Lock, shard: usize) -> Option<String> {
    let mine = &lock.shards[shard];
    let lane = lock.lanes.iter().find(|lane| lane.name == mine.lane)?;
    let inside_a_file =
        lane.paths.iter().chain(&lane.exclude).find(|pattern| pattern.as_str().contains("::"));
    if let Some(pattern) = inside_a_file {
        return Some(format!("lane `{}` selects by `{pattern}`, a part of a file", lane.name));
    }
    let owners = lock.owners();
    for (at, other) in lock.shards.iter().enumerate() {
        if at == shard || other.lane != mine.lane {
            continue;
        }
        for unit in other.units.iter().filter(|unit| unit.contains("::")) {
            let above = unit.rfind("::").map_or(unit.as_str(), |end| &unit[..end]);
            if owners.of(&mine.lane, above) == Some(shard) {
                let (unit, name) = (Printable(unit), &other.name);
                return Some(format!("`{unit}` of shard `{name}` lies in a file of shard `{}`", mine.name));
            }
        }
    }
    None
}

/// Returns an id as an argument that pytest takes for a path: one that begins with `-` would be an option, one
/// with `@` another file of arguments.
fn argument(id: &str) -> String {
    if id.starts_with(['-', '@']) { format!("./{id}") } else { id.to_owned() }
}

fn push_line(text: &mut String, line: &str) -> Result<(), SelectError> {
    // Python's `splitlines` ends a line at more than a line feed.
    let breaks =
        ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
    if line.contains(breaks) {
        return Err(SelectError::LineBreak(line.to_owned()));
    }
    text.push_str(line);
    text.push('\n');
    Ok(())
}

/// Returns a text as nextest's filtersets quote it.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' | ')' | ',' => out.extend(['\\', c]),
            c if c.is_control() || c.is_whitespace() => {
                out.push_str(&format!("\\u{{{:x}}}", c as u32));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_what_pytest_takes_for_a_path() {
        assert_eq!(argument("-x.py::t"), "./-x.py::t");
        assert_eq!(argument("@a.py"), "./@a.py");
        assert_eq!(argument("a.py::t[-x@]"), "a.py::t[-x@]");
    }

    #[test]
    fn a_line_break_is_refused() {
        for bad in ["a\nb.py", "a\u{2028}.py", "a\r.py", "a\u{85}.py"] {
            assert_eq!(push_line(&mut String::new(), bad), Err(SelectError::LineBreak(bad.to_owned())));
        }
    }

    #[test]
    fn a_filterset_quotes_what_would_end_it() {
        assert_eq!(quoted("a::b"), "a::b");
        assert_eq!(quoted("a)b,c\\d"), "a\\)b\\,c\\\\d");
        assert_eq!(quoted("a b\n"), "a\\u{20}b\\u{a}");
    }
}
