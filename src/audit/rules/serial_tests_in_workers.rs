//! A lane with several workers holds tests that must run alone.
//!
//! # What it checks
//!
//! Lanes with `workers` above 1 and tests with a mark of `serial` in `[audit]` (by default `serial`).
//!
//! # Why it matters
//!
//! xdist runs them beside each other: they collide in the database, now and then.
//!
//! # Example
//!
//! ```toml
//! [lanes.all]
//! workers = "auto"
//! ```
//!
//! and a test is marked `@pytest.mark.serial`.
//!
//! # Remedy
//!
//! Give such tests a lane with one worker, or keep them together with `--dist loadgroup` and `xdist_group`.

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::SERIAL_TESTS_IN_WORKERS;
use crate::inventory::python::TestFunction;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let serial = &context.config.audit.serial;
    let mut findings = Vec::new();
    for tests in context.lanes() {
        let lane = tests.lane;
        if lane.workers.get() < 2 {
            continue;
        }
        let alone = |function: &&&TestFunction| {
            function.marks.iter().any(|mark| serial.contains(&mark.name))
                && !function.marks.iter().any(|mark| mark.name == "xdist_group")
        };
        let functions: Vec<&TestFunction> = tests.functions.iter().filter(alone).copied().collect();
        if functions.is_empty() {
            continue;
        }
        let count = crate::report::plural(functions.len(), "test function");
        let message =
            format!("lane `{}` has {} workers, and {count} of it must run alone", lane.name, lane.workers);
        let mut finding = Finding::new(
            &SERIAL_TESTS_IN_WORKERS,
            context.spot_of(&lane.origin),
            lane.name.as_str(),
            message,
        );
        for (id, place) in crate::audit::context::some_places(&functions) {
            finding = finding.with_note(format!("`{id}` is marked so"), Some(place));
        }
        findings.push(finding);
    }
    findings
}
