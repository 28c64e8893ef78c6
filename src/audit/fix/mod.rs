//! Repairs: marks written into sources or taken out of them, and registered in pytest's configuration.
//!
//! An edit touches whole lines and nothing else: comments, line ends and the encoding of every other byte stay.

mod apply;
mod diff;

use std::collections::BTreeSet;

use super::context::Context;
use crate::inventory::python::{AppliedMark, MarkLevel, TestFunction};

pub use apply::{FixError, apply};
pub use diff::unified;

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
        /// The mark.
        mark: String,
    },
    /// The module gets a `pytestmark`; several of one file are joined.
    MarkModule {
        /// The line behind which it stands.
        after: usize,
        /// The mark.
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

/// Returns the edits that mark one function.
pub(super) fn mark_function(context: &Context<'_>, function: &TestFunction, mark: &str) -> Vec<Edit> {
    // What a class inherits is marked for all that inherit it: no repair that a program should choose.
    if *function.place.file != *function.file {
        return Vec::new();
    }
    let Some(file) = context.sources.file(&function.file) else { return Vec::new() };
    let path = file.path.clone();
    let mut edits = vec![Edit {
        file: path.clone(),
        change: Change::Decorate { line: function.decorated_from, mark: mark.to_owned() },
    }];
    let site = file.mark_site();
    if !site.imports_pytest {
        edits.push(Edit { file: path, change: Change::ImportPytest { after: site.after } });
    }
    edits.extend(register_if_needed(context, mark));
    edits
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
        change: Change::MarkModule { after: site.after, mark: mark.to_owned() },
    }];
    if !site.imports_pytest {
        edits.push(Edit { file: file.to_owned(), change: Change::ImportPytest { after: site.after } });
    }
    edits.extend(register_if_needed(context, mark));
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

/// Returns the edit that registers a mark in the configuration that holds for the project.
pub(super) fn register(context: &Context<'_>, mark: &str) -> Vec<Edit> {
    let file = context.sources.roots.iter().find_map(|root| root.file.clone());
    file.map(|file| Edit { file, change: Change::Register { mark: mark.to_owned() } }).into_iter().collect()
}

fn register_if_needed(context: &Context<'_>, mark: &str) -> Vec<Edit> {
    let known =
        context.sources.registered.iter().any(|marker| marker.name == mark) || context.is_foreign_mark(mark);
    if known { Vec::new() } else { register(context, mark) }
}
