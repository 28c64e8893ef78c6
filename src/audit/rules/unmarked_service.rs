//! A test needs a service and lacks the mark that stands for it.
//!
//! # What it checks
//!
//! Every test for which the sources, or a run, show that it needs a service, against the marks that stand for the
//! service: `markers` of `[services.NAME]`, or a registered mark that bears the service's name.
//!
//! # Why it matters
//!
//! Lanes are chosen by marks. Such a test runs in a lane that does not start its service, where it fails or, worse,
//! skips itself.
//!
//! # Example
//!
//! ```python
//! @pytest.fixture
//! def cache():
//!     return redis.Redis()
//!
//! def test_hit(cache):  # needs redis, and nothing says so
//!     ...
//! ```
//!
//! # Remedy
//!
//! Mark the test: `@pytest.mark.redis`. `shardplan audit --fix` writes it.

use std::collections::BTreeMap;

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::fix;
use crate::audit::registry::UNMARKED_SERVICE;
use crate::ids::ServiceName;
use crate::inventory::python::TestFunction;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let marks_of = context.service_marks();
    let mut lacking: BTreeMap<(&str, &ServiceName), Vec<&TestFunction>> = BTreeMap::new();
    for function in &context.sources.functions {
        for need in context.firm_needs(function) {
            let Some(marks) = marks_of.get(&need.service) else { continue };
            // A mark that a hook adds may be on any test.
            let bears = |mark: &String| {
                context.sources.marks_by_hooks.contains(mark)
                    || function.marks.iter().any(|own| own.name == *mark)
            };
            let by_items = context
                .items(function)
                .iter()
                .all(|item| item.marks.iter().any(|own| marks.contains(&own.name)));
            if !marks.iter().any(bears) && !by_items {
                lacking.entry((&function.file, &need.service)).or_default().push(function);
            }
        }
    }
    let mut findings = Vec::new();
    for ((file, service), functions) in lacking {
        let mark = marks_of[service][0].as_str();
        let all = context.sources.functions.iter().filter(|function| *function.file == *file).count();
        if all > 1 && functions.len() == all {
            let first = functions[0];
            let message =
                format!("none of the {all} tests of this file is marked `{mark}`, and all need {service}");
            let finding = Finding::new(
                &UNMARKED_SERVICE,
                Spot::Source(first.place.clone()),
                format!("{file} {service}"),
                message,
            );
            findings.push(
                explained(context, finding, first, service)
                    .with_fix(fix::mark_file(context, file, mark, &functions)),
            );
            continue;
        }
        for function in functions {
            let message = format!("`{}` needs {service} and is not marked `{mark}`", function.name);
            let finding = Finding::new(
                &UNMARKED_SERVICE,
                Spot::Source(function.place.clone()),
                format!("{} {service}", function.id),
                message,
            );
            findings.push(
                explained(context, finding, function, service)
                    .with_fix(fix::mark_function(context, function, mark)),
            );
        }
    }
    findings
}

fn explained(
    context: &Context<'_>,
    finding: Finding,
    function: &TestFunction,
    service: &ServiceName,
) -> Finding {
    let need = context.firm_needs(function).find(|need| need.service == *service);
    need.map_or(finding.clone(), |need| super::with_way(finding, need))
}
