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

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::fix;
use crate::audit::registry::UNMARKED_SERVICE;
use crate::ids::ServiceName;
use crate::inventory::python::{Place, TestFunction};
use crate::report::plural;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let marks_of = context.service_marks();
    let mut lacking: BTreeMap<(usize, &str, &ServiceName), Vec<&TestFunction>> = BTreeMap::new();
    for function in &context.sources.functions {
        for need in context.firm_needs(function) {
            let Some(marks) = marks_of[function.root].get(&need.service) else { continue };
            // A mark that a hook adds may be on any test.
            let bears = |mark: &String| {
                context.sources.root_of(function).marks_by_hooks.contains(mark)
                    || function.marks.iter().any(|own| own.name == *mark)
            };
            let by_items = context
                .items(function)
                .iter()
                .all(|item| item.marks.iter().any(|own| marks.contains(&own.name)));
            if !marks.iter().any(bears) && !by_items {
                lacking.entry((function.root, &function.file, &need.service)).or_default().push(function);
            }
        }
    }
    let lacks: BTreeSet<(&str, &ServiceName)> = lacking
        .iter()
        .flat_map(|((.., service), functions)| {
            functions.iter().map(|function| (function.id.as_str(), *service))
        })
        .collect();
    let mut findings = Vec::new();
    for ((root, file, service), functions) in lacking {
        let mark = marks_of[root][service][0].as_str();
        let all = context
            .sources
            .functions
            .iter()
            .filter(|function| function.root == root && *function.file == *file)
            .count();
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
        // What classes inherit is written once, and one finding.
        let mut by_place: BTreeMap<&Place, Vec<&TestFunction>> = BTreeMap::new();
        for function in functions {
            by_place.entry(&function.place).or_default().push(function);
        }
        for (place, functions) in by_place {
            let (first, others) = (functions[0], functions.len() - 1);
            let (also, is) = match others {
                0 => (String::new(), "needs"),
                _ => (format!(" and {}", plural(others, "other class that inherits it")), "need"),
            };
            let names = [&first.classes[..], std::slice::from_ref(&first.name)].concat().join("::");
            let not = if others == 0 { "is" } else { "are" };
            let message = format!("`{names}`{also} {is} {service} and {not} not marked `{mark}`");
            let finding = Finding::new(
                &UNMARKED_SERVICE,
                Spot::Source(place.clone()),
                format!("{} {service}", first.id),
                message,
            );
            // A mark there is one for all that inherit it, so that all have to lack it.
            let mut here = context.sources.functions.iter().filter(|function| function.place == *place);
            let fix = if here.all(|function| lacks.contains(&(function.id.as_str(), service))) {
                fix::mark_function(context, first, mark)
            } else {
                Vec::new()
            };
            findings.push(explained(context, finding, first, service).with_fix(fix));
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
