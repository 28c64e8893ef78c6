//! A test bears the mark of a service that it does not need.
//!
//! # What it checks
//!
//! Every test with a mark that stands for a service, against what its sources reach. A test of which a fixture or a
//! base class can't be followed, or that a run saw reach the service, is left alone.
//!
//! # Why it matters
//!
//! The test goes to a lane that starts a container for nothing, and makes that lane longer.
//!
//! # Example
//!
//! ```python
//! @pytest.mark.redis
//! def test_sum():
//!     assert 1 + 1 == 2
//! ```
//!
//! # Remedy
//!
//! Remove the mark. `shardplan audit --fix` does, except where a fixture or a hook asks tests for it
//! (`request.node.get_closest_marker("redis")`).

use std::collections::BTreeSet;

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::fix;
use crate::audit::registry::MARKED_WITHOUT_NEED;
use crate::inventory::python::{FixtureUse, Place, TestFunction};

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let marks_of = context.service_marks();
    let mut findings = Vec::new();
    for function in &context.sources.functions {
        if is_not_known(function) {
            continue;
        }
        for mark in &function.marks {
            let Some((service, _)) =
                marks_of[function.root].iter().find(|(_, marks)| marks.contains(&mark.name))
            else {
                continue;
            };
            let needed = function.needs.iter().any(|need| need.service == **service);
            if needed || context.seen_to_need(function, service) {
                continue;
            }
            let message =
                format!("`{}` is marked `{}`, and nothing in it reaches {service}", function.name, mark.name);
            let finding = Finding::new(
                &MARKED_WITHOUT_NEED,
                Spot::Source(mark.place.clone()),
                format!("{} {}", function.id, mark.name),
                message,
            );
            // What fixtures and hooks ask a test for does something, whatever it is: that mark is a person's to remove.
            findings.push(if context.sources.marks_read.contains(&mark.name) {
                finding.with_note(
                    "a fixture or a hook asks tests for this mark: look at what it does first",
                    None,
                )
            } else {
                finding.with_fix(fix::unmark(context, function, mark))
            });
        }
    }
    // A mark of a class or module that is right for one of its tests, or may be, is not wrong for the others.
    let mut right: BTreeSet<&Place> = BTreeSet::new();
    for function in &context.sources.functions {
        for mark in &function.marks {
            let stands_for = marks_of[function.root].iter().find(|(_, marks)| marks.contains(&mark.name));
            let is_right = stands_for.is_some_and(|(service, _)| {
                function.needs.iter().any(|need| need.service == **service)
                    || context.seen_to_need(function, service)
                    || is_not_known(function)
            });
            if is_right {
                right.insert(&mark.place);
            }
        }
    }
    findings.retain(|finding| !matches!(&finding.spot, Spot::Source(place) if right.contains(place)));
    super::one_per_spot(findings)
}

/// Returns whether a test may reach what its sources do not show. A fixture that nobody defines here is a plugin's: what it
/// opens is not known.
fn is_not_known(function: &TestFunction) -> bool {
    let of_plugin = |fixture: &FixtureUse| fixture.place.is_none() && !super::is_harmless(&fixture.name);
    function.opaque || function.fixtures.iter().any(of_plugin)
}
