//! A mark is registered and no test bears it.
//!
//! # What it checks
//!
//! Every name in `markers` of pytest's configuration against the marks that tests bear and those that hooks add.
//!
//! # Why it matters
//!
//! A lane that selects by it runs nothing. Marks that are registered and never applied have hidden whole suites.
//!
//! # Example
//!
//! ```ini
//! [pytest]
//! markers =
//!     elastic: needs a running Elasticsearch
//! ```
//!
//! and no test bears `@pytest.mark.elastic`.
//!
//! # Remedy
//!
//! Apply the mark to the tests that it was meant for (SP101 names them), or remove the line.

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::UNUSED_MARK;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let sources = context.sources;
    let borne = |name: &str| {
        sources.functions.iter().any(|function| {
            let items = function.items.iter().flatten().flat_map(|item| &item.marks);
            function.marks.iter().chain(items).any(|mark| mark.name == name)
        })
    };
    let mut findings = Vec::new();
    for marker in &sources.registered {
        let known = sources.marks_by_hooks.contains(&marker.name)
            || context.is_foreign_mark(&marker.name)
            || borne(&marker.name);
        // What is written anywhere may be borne in a way that only running tells.
        let written = format!("mark.{}", marker.name);
        if !known && !sources.files.iter().any(|file| file.text.contains(&written)) {
            let spot = Spot::Line { file: marker.file.clone(), line: marker.line };
            findings.push(Finding::new(
                &UNUSED_MARK,
                spot,
                marker.name.clone(),
                format!("the mark `{}` is registered and no test bears it", marker.name),
            ));
        }
    }
    findings
}
