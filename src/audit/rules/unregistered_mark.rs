//! A mark is used and not registered, or is within an edit of a registered one.
//!
//! # What it checks
//!
//! Every mark that a test bears against `markers` of pytest's configuration and the marks that hooks register. Marks of
//! pytest and of well-known plugins are known. Where a project registers none at all, only misspelt ones are found.
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
use crate::inventory::python::Place;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let registered: Vec<&str> =
        context.sources.registered.iter().map(|marker| marker.name.as_str()).collect();
    let mut used: BTreeMap<&str, (Place, usize)> = BTreeMap::new();
    for function in &context.sources.functions {
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
    let mut findings = Vec::new();
    for (name, (place, times)) in used {
        let near = registered.iter().find(|known| name.len() > 3 && strsim::osa_distance(known, name) == 1);
        let tests = crate::report::plural(times, "test");
        let finding =
            |message: String| Finding::new(&UNREGISTERED_MARK, Spot::Source(place.clone()), name, message);
        match near {
            Some(near) => findings.push(finding(format!(
                "the mark `{name}` ({tests}) is not registered; `{near}` is: one of the two is misspelt"
            ))),
            // Whoever registers nothing has chosen not to.
            None if registered.is_empty() => {}
            None => {
                let mut found = finding(format!("the mark `{name}` ({tests}) is not registered"))
                    .with_fix(fix::register(context, name));
                found.confidence = Confidence::Medium;
                findings.push(found);
            }
        }
    }
    findings
}
