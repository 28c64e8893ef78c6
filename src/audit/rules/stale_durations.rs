//! The history knows tests that are gone.
//!
//! # What it checks
//!
//! The tests of the history against those of the sources. Tests of functions whose parameters only running tells are
//! left alone.
//!
//! # Why it matters
//!
//! Their times would be planned for if they came back under another name, and a history full of them says that it is
//! old: its times are, too.
//!
//! # Example
//!
//! `tests/test_cart.py::test_add` was renamed; its old name still has durations.
//!
//! # Remedy
//!
//! Ingest a recent run.

use std::collections::BTreeSet;

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::STALE_DURATIONS;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    if context.sources.functions.is_empty() {
        return Vec::new();
    }
    let known: BTreeSet<&str> =
        context.sources.functions.iter().map(|function| function.id.as_str()).collect();
    let stem = |id: &str| id[..id.find('[').unwrap_or(id.len())].to_owned();
    let gone: Vec<&str> = context
        .observed
        .tests
        .iter()
        .map(|test| test.test.as_str())
        .filter(|id| !known.contains(stem(id).as_str()))
        .collect();
    let Some(first) = gone.first() else { return Vec::new() };
    let (count, all) = (gone.len(), context.observed.tests.len());
    let message = format!(
        "{count} of the {all} tests of the history are gone, `{}` for one",
        crate::ids::Printable(first)
    );
    vec![Finding::new(&STALE_DURATIONS, Spot::Project, "stale", message)]
}
