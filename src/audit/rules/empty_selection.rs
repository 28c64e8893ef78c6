//! A lane selects no test, or its marker expression never can.
//!
//! # What it checks
//!
//! Every lane against the tests that there are, and its `markers` by themselves: an expression that no combination of
//! marks meets is named as such.
//!
//! # Why it matters
//!
//! pytest ends with code 5 where nothing is selected, and with code 0 where the job forgives that. Whole suites were
//! lost this way for months.
//!
//! # Example
//!
//! ```toml
//! [lanes.fast]
//! markers = "unit and not unit"
//! ```
//!
//! # Remedy
//!
//! Correct the expression or the paths, or remove the lane.

use std::collections::BTreeSet;

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::EMPTY_SELECTION;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if context.sources.functions.is_empty() || !context.declared {
        return findings;
    }
    for tests in context.lanes() {
        let lane = tests.lane;
        if !tests.functions.is_empty() {
            continue;
        }
        let message = match &lane.markers {
            Some(expression) if expression.witness().is_none() => {
                format!("lane `{}` selects `{expression}`, which no test can ever meet", lane.name)
            }
            // What a hook marks is not seen here.
            Some(expression)
                if expression.names().iter().any(|name| context.sources.is_added_by_hooks(name)) =>
            {
                continue;
            }
            _ => format!("lane `{}` selects no test", lane.name),
        };
        let mut finding =
            Finding::new(&EMPTY_SELECTION, context.spot_of(&lane.origin), lane.name.as_str(), message);
        let names: BTreeSet<&str> = lane.markers.iter().flat_map(|expression| expression.names()).collect();
        for name in names {
            let borne = context
                .sources
                .functions
                .iter()
                .any(|function| function.marks.iter().any(|mark| mark.name == name));
            if !borne {
                finding = finding.with_note(format!("no test bears the mark `{name}`"), None);
            }
        }
        findings.push(finding);
    }
    findings
}
