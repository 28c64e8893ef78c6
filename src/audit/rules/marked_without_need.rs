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
//! Remove the mark. `shardplan audit --fix` does.

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::fix;
use crate::audit::registry::MARKED_WITHOUT_NEED;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let marks_of = context.service_marks();
    let mut findings = Vec::new();
    for function in &context.sources.functions {
        // A fixture that nobody defines here is a plugin's: what it opens is not known.
        let opaque = function
            .fixtures
            .iter()
            .any(|fixture| fixture.place.is_none() && !super::is_harmless(&fixture.name));
        if opaque || function.opaque {
            continue;
        }
        for mark in &function.marks {
            let Some((service, _)) = marks_of.iter().find(|(_, marks)| marks.contains(&mark.name)) else {
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
            findings.push(finding.with_fix(fix::unmark(context, function, mark)));
        }
    }
    // A mark of a class or module that is right for one of its tests is not wrong for the others.
    let right = |finding: &Finding| {
        context.sources.functions.iter().any(|function| {
            function.marks.iter().any(|mark| {
                let here = Spot::Source(mark.place.clone()) == finding.spot;
                let service = marks_of
                    .iter()
                    .find(|(_, marks)| marks.contains(&mark.name))
                    .map(|(service, _)| *service);
                here && service.is_some_and(|service| {
                    function.needs.iter().any(|need| need.service == *service)
                        || context.seen_to_need(function, service)
                        || function.opaque
                })
            })
        })
    };
    findings.retain(|finding| !right(finding));
    super::one_per_spot(findings)
}
