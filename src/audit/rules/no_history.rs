//! Tests have no history: their times are guessed.
//!
//! # What it checks
//!
//! The tests of the sources against the history, where there is one.
//!
//! # Why it matters
//!
//! Their times come from their file, folder or lane. A plan that rests on many guesses is one.
//!
//! # Example
//!
//! A file that was added after the last ingested run.
//!
//! # Remedy
//!
//! Ingest a run that has them.

use crate::audit::context::{Context, item_id};
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::NO_HISTORY;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    if context.observed.tests.is_empty() {
        return Vec::new();
    }
    let known: std::collections::BTreeSet<&str> =
        context.observed.tests.iter().map(|test| test.test.as_str()).collect();
    let stems: std::collections::BTreeSet<&str> =
        known.iter().map(|id| &id[..id.find('[').unwrap_or(id.len())]).collect();
    let (mut fresh, mut all, mut first) = (0, 0, None);
    for function in &context.sources.functions {
        for item in context.items(function) {
            all += 1;
            let has = match &function.items {
                Some(_) => item_id(function, item).is_some_and(|id| known.contains(id.as_str())),
                None => stems.contains(function.id.as_str()),
            };
            if !has {
                fresh += 1;
                first.get_or_insert(function);
            }
        }
    }
    let Some(first) = first else { return Vec::new() };
    let message = format!(
        "{fresh} of {all} tests have no history, `{}` for one: their times are guessed",
        crate::ids::Printable(&first.id)
    );
    vec![Finding::new(&NO_HISTORY, Spot::Project, "no-history", message)]
}
