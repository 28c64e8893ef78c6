//! Two tests of one name: the first never runs.
//!
//! # What it checks
//!
//! Test functions, methods and classes that are defined twice in one module or class.
//!
//! # Why it matters
//!
//! Python keeps the last. The first is collected by nobody, and both would have the same node id.
//!
//! # Example
//!
//! ```python
//! def test_add(): ...
//!
//! def test_add(): ...  # replaces the one above
//! ```
//!
//! # Remedy
//!
//! Rename one of the two.

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::SHADOWED_TEST;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let shadowed = context.sources.shadowed.iter();
    let finding = |shadowed: &crate::inventory::python::Shadowed| {
        let message = format!(
            "`{}` never runs: another of its name follows in line {}",
            shadowed.name, shadowed.by.line
        );
        let identity = format!("{} {}", shadowed.place.file, shadowed.name);
        Finding::new(&SHADOWED_TEST, Spot::Source(shadowed.place.clone()), identity, message)
            .with_note("this is the one that runs", Some(shadowed.by.clone()))
    };
    shadowed.map(finding).collect()
}
