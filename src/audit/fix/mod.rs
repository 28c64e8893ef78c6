//! Repairs: marks written into sources or taken out of them, and registered in pytest's configuration.
//!
//! An edit touches whole lines and nothing else: comments, line ends and the encoding of every other byte stay.

mod apply;
mod diff;
mod registration;
mod repairs;

use std::collections::BTreeSet;

use super::context::Context;
use crate::inventory::python::{AppliedMark, MarkLevel, MarkSite, PytestSettings, TestFunction};

pub use apply::apply;
pub use diff::unified;
pub use repairs::{RepairedFile, Repairs, repairs};

/// A change of one file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// The file, relative to the project.
    pub file: String,
    /// What is changed.
    pub change: Change,
}

/// What is changed in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// A decorator is written above a line, as deep as that line.
    Decorate {
        /// The line, from 1.
        line: usize,
        /// The mark, as it is written: `pytest.mark.db`.
        mark: String,
    },
    /// The module gets a `pytestmark`; several of one file are joined.
    MarkModule {
        /// The line behind which it stands.
        after: usize,
        /// The mark, as it is written.
        mark: String,
    },
    /// The module imports pytest.
    ImportPytest {
        /// The line behind which the import stands.
        after: usize,
    },
    /// A line is taken out.
    Remove {
        /// The line, from 1.
        line: usize,
    },
    /// A mark is registered in pytest's configuration.
    Register {
        /// The mark.
        mark: String,
    },
}

/// A file that can not be repaired.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {obstacle}", crate::ids::Printable(file))]
pub struct FixError {
    /// The file, relative to the project.
    pub file: String,
    /// The line that stands in the way, from 1.
    pub line: usize,
    /// What stands in the way, and what to do.
    pub obstacle: Obstacle,
}

/// What stands in the way of a repair.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// What came out would not be Python.
    #[error("the repair would break the file here ({reason}): make the change by hand")]
    Breaks {
        /// What the parser says.
        reason: String,
    },
    /// The file can not be read.
    #[error("the file can not be read ({reason})")]
    Unreadable {
        /// What the system says.
        reason: String,
    },
    /// The configuration can not be edited.
    #[error("the mark `{mark}` can not be registered here: {why}")]
    Unregistered {
        /// The mark.
        mark: String,
        /// Why, and what to do.
        why: Why,
    },
}

/// Why a configuration can not be edited, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It is not UTF-8.
    #[error("the file is not UTF-8: save it as UTF-8 and repair again")]
    NotUtf8,
    /// It is no TOML.
    #[error("the file is no TOML ({reason}): correct it and repair again")]
    NoToml {
        /// What the parser says.
        reason: String,
    },
    /// It has no place for pytest.
    #[error("the file has no table or section for pytest: add one and repair again")]
    NoTable,
    /// Its `markers` are no list.
    #[error("`markers` is no list: make it one and repair again")]
    NoList,
}

/// Returns the edits that mark one function.
pub(super) fn mark_function(context: &Context<'_>, function: &TestFunction, mark: &str) -> Vec<Edit> {
    // What a class inherits is marked for all that inherit it: no repair that a program should choose.
    if *function.place.file != *function.file {
        return Vec::new();
    }
    let Some(file) = context.sources.file(&function.file) else { return Vec::new() };
    let path = file.path.clone();
    let site = file.mark_site();
    let written = written(&site, mark);
    let mut edits = vec![Edit {
        file: path.clone(),
        change: Change::Decorate { line: function.decorated_from, mark: written },
    }];
    if site.marks.is_none() {
        edits.push(Edit { file: path, change: Change::ImportPytest { after: site.after } });
    }
    edits.extend(register_if_needed(context, context.sources.root_of(function), mark));
    edits
}

/// Returns how a mark is written in a file, by what is imported there or will be.
fn written(site: &MarkSite, mark: &str) -> String {
    format!("{}.{mark}", site.marks.as_deref().unwrap_or("pytest.mark"))
}

/// Returns the edits that mark every function of a file.
pub(super) fn mark_file(
    context: &Context<'_>,
    file: &str,
    mark: &str,
    functions: &[&TestFunction],
) -> Vec<Edit> {
    let Some(source) = context.sources.file(file) else { return Vec::new() };
    let site = source.mark_site();
    if site.has_pytestmark {
        let edits: BTreeSet<Edit> =
            functions.iter().flat_map(|function| mark_function(context, function, mark)).collect();
        return edits.into_iter().collect();
    }
    let mut edits = vec![Edit {
        file: file.to_owned(),
        change: Change::MarkModule { after: site.after, mark: written(&site, mark) },
    }];
    if site.marks.is_none() {
        edits.push(Edit { file: file.to_owned(), change: Change::ImportPytest { after: site.after } });
    }
    let root = functions.first().map(|function| context.sources.root_of(function));
    edits.extend(root.and_then(|root| register_if_needed(context, root, mark)));
    edits
}

/// Returns the edit that takes a mark away, where it has a line of its own.
pub(super) fn unmark(context: &Context<'_>, function: &TestFunction, mark: &AppliedMark) -> Vec<Edit> {
    let Some(file) = context.sources.file(&mark.place.file) else { return Vec::new() };
    let own = mark.level != MarkLevel::Parameters
        && (*function.place.file == *mark.place.file)
        && file.is_lone_mark(mark.place.line);
    if own {
        vec![Edit { file: file.path.clone(), change: Change::Remove { line: mark.place.line } }]
    } else {
        Vec::new()
    }
}

/// Returns the edit that registers a mark in the configuration of a root; nothing where no file configures it.
pub(super) fn register(root: &PytestSettings, mark: &str) -> Option<Edit> {
    let file = root.file.clone()?;
    Some(Edit { file, change: Change::Register { mark: mark.to_owned() } })
}

fn register_if_needed(context: &Context<'_>, root: &PytestSettings, mark: &str) -> Option<Edit> {
    let known = root.markers.iter().any(|marker| marker.name == mark) || context.is_foreign_mark(mark);
    if known { None } else { register(root, mark) }
}
