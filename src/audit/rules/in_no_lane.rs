//! A test is selected by no lane.
//!
//! # What it checks
//!
//! Every test against `paths`, `exclude` and `markers` of every lane of the manifest.
//!
//! # Why it matters
//!
//! The test runs nowhere, and nothing is red.
//!
//! # Example
//!
//! ```toml
//! [lanes.unit]
//! markers = "not integration and not slow"
//! [lanes.integration]
//! markers = "integration"
//! ```
//!
//! A test that is `slow` and no more is in neither.
//!
//! # Remedy
//!
//! Widen a lane, or leave such tests out on purpose with `unassigned = "ignore"` in `[project]`.

use std::collections::BTreeMap;

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::IN_NO_LANE;
use crate::config::Unassigned;
use crate::inventory::python::TestFunction;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    if !context.declared || context.config.project.unassigned == Unassigned::Ignore {
        return Vec::new();
    }
    let mut lost: BTreeMap<&str, Vec<(&TestFunction, usize)>> = BTreeMap::new();
    for function in &context.sources.functions {
        let items = context.items(function);
        let out = items
            .iter()
            .filter(|item| !context.config.lanes.iter().any(|lane| context.selects(lane, function, item)))
            .count();
        if out > 0 {
            lost.entry(&function.file).or_default().push((function, out));
        }
    }
    let mut findings = Vec::new();
    for (file, functions) in lost {
        let all = context.sources.functions.iter().filter(|function| *function.file == *file).count();
        if all > 1 && functions.len() == all {
            let tests: usize = functions.iter().map(|(_, items)| items).sum();
            let message = format!("no lane selects the {tests} tests of this file: they run nowhere");
            findings.push(Finding::new(
                &IN_NO_LANE,
                Spot::Source(functions[0].0.place.clone()),
                file,
                message,
            ));
        } else {
            for (function, _) in functions {
                let message = format!("no lane selects `{}`: it runs nowhere", function.name);
                findings.push(Finding::new(
                    &IN_NO_LANE,
                    Spot::Source(function.place.clone()),
                    function.id.clone(),
                    message,
                ));
            }
        }
    }
    findings
}
