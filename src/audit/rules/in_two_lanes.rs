//! A test is selected by two lanes.
//!
//! # What it checks
//!
//! Every test against `paths`, `exclude` and `markers` of every lane; and, for lanes that select by marks in the same
//! places, whether any test could ever be in both.
//!
//! # Why it matters
//!
//! The test runs twice, is paid for twice, and its coverage counts twice. `shardplan suggest` refuses such a manifest.
//!
//! # Example
//!
//! ```toml
//! [lanes.db]
//! markers = "db"
//! [lanes.slow]
//! markers = "slow"
//! ```
//!
//! A test with both marks is in both.
//!
//! # Remedy
//!
//! Make the lanes exclude each other: `markers = "slow and not db"`.

use std::collections::BTreeMap;

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::IN_TWO_LANES;
use crate::inventory::python::TestFunction;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut twice: BTreeMap<(usize, usize), Vec<&TestFunction>> = BTreeMap::new();
    let lanes = &context.config.lanes;
    for function in &context.sources.functions {
        for item in context.items(function) {
            let mut taken = (0..lanes.len()).filter(|lane| context.selects(&lanes[*lane], function, item));
            if let (Some(first), Some(second)) = (taken.next(), taken.next()) {
                twice.entry((first, second)).or_default().push(function);
                break;
            }
        }
    }
    let mut findings = Vec::new();
    for ((first, second), functions) in twice {
        let (first, second) = (&lanes[first], &lanes[second]);
        let tests = crate::report::plural(functions.len(), "test function");
        let message =
            format!("lanes `{}` and `{}` both select {tests}: they run twice", first.name, second.name);
        let mut finding = Finding::new(
            &IN_TWO_LANES,
            context.spot_of(&second.origin),
            format!("{} {}", first.name, second.name),
            message,
        );
        for (id, place) in crate::audit::context::some_places(&functions) {
            finding = finding.with_note(format!("`{id}` is in both"), Some(place));
        }
        findings.push(finding);
    }
    findings
}
