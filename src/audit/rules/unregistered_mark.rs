//! A mark is used and not registered, or is within an edit of a registered one.
//!
//! # What it checks
//!
//! Every mark that a test bears against `markers` of pytest's configuration and the marks that hooks register. Of several
//! folders with a configuration of their own each is judged by its own. Marks of pytest and of well-known plugins are
//! known. Where a configuration registers none at all, nothing is found, except where it demands it (`--strict-markers`).
//!
//! # Why it matters
//!
//! pytest lets `-m "not dbb"` pass: a misspelt mark selects nothing, or everything, and says so only in a warning.
//!
//! # Example
//!
//! ```python
//! @pytest.mark.integraton  # registered: integration
//! def test_cart(): ...
//! ```
//!
//! # Remedy
//!
//! Correct the name, or register the mark: `shardplan audit --fix` adds it to `markers`. Set `--strict-markers`, so that
//! pytest refuses unknown ones.

use std::collections::BTreeMap;

use crate::audit::context::Context;
use crate::audit::finding::{Confidence, Finding, Spot};
use crate::audit::fix;
use crate::audit::registry::UNREGISTERED_MARK;
use crate::inventory::python::{Place, PytestSettings};
use crate::report::plural;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let roots = context.sources.roots.iter().enumerate();
    roots.flat_map(|(at, root)| in_root(context, at, root)).collect()
}

/// Returns the findings about the tests of one root, held against its own configuration.
fn in_root(context: &Context<'_>, at: usize, root: &PytestSettings) -> Vec<Finding> {
    let registered: Vec<&str> = root.markers.iter().map(|marker| marker.name.as_str()).collect();
    let mut used: BTreeMap<&str, (Place, usize)> = BTreeMap::new();
    for function in context.sources.functions.iter().filter(|function| function.root == at) {
        let items = function.items.iter().flatten().flat_map(|item| &item.marks);
        for mark in function.marks.iter().chain(items) {
            if !registered.contains(&mark.name.as_str()) && !context.is_foreign_mark(&mark.name) {
                let entry = used.entry(&mark.name).or_insert_with(|| (mark.place.clone(), 0));
                entry.1 += 1;
                if mark.place < entry.0 {
                    entry.0 = mark.place.clone();
                }
            }
        }
    }
    let several = context.sources.roots.len() > 1;
    let whose = match &root.file {
        Some(file) if several => format!(" in `{}`", crate::ids::Printable(file)),
        _ => String::new(),
    };
    let mut findings = Vec::new();
    for (name, (place, times)) in used {
        let near = registered.iter().find(|known| name.len() > 3 && strsim::osa_distance(known, name) == 1);
        let tests = plural(times, "test");
        let identity =
            if several && !root.root.is_empty() { format!("{} {name}", root.root) } else { name.to_owned() };
        let finding = |message: String| {
            Finding::new(&UNREGISTERED_MARK, Spot::Source(place.clone()), identity.clone(), message)
        };
        match near {
            Some(near) => findings.push(finding(format!(
                "the mark `{name}` ({tests}) is not registered{whose}; `{near}` is: one of the two is misspelt"
            ))),
            // Whoever registers nothing and demands nothing has chosen not to.
            None if registered.is_empty() && !root.strict_markers => {}
            None => {
                let mut found = finding(format!("the mark `{name}` ({tests}) is not registered{whose}"))
                    .with_fix(fix::register(root, name));
                found.confidence = Confidence::Medium;
                findings.push(found);
            }
        }
    }
    findings
}
