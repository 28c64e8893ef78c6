//! A mark is registered and no test bears it.
//!
//! # What it checks
//!
//! Every name in `markers` of pytest's configuration against the marks that the tests of its folder bear and those that
//! hooks add.
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

use std::collections::BTreeSet;

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::UNUSED_MARK;
use crate::inventory::python::RegisteredMarker;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let markers = context.sources.roots.iter().flat_map(|root| &root.markers);
    // A plugin may register its marks in several roots, each by the same line.
    let mut seen = BTreeSet::new();
    let distinct = markers.filter(|marker| seen.insert((&marker.file, marker.line, &marker.name)));
    let finding = |marker: &RegisteredMarker| {
        let spot = Spot::Line { file: marker.file.clone(), line: marker.line };
        let message = format!("the mark `{}` is registered and no test bears it", marker.name);
        Finding::new(&UNUSED_MARK, spot, marker.name.clone(), message)
    };
    distinct.filter(|marker| !is_used(context, marker)).map(finding).collect()
}

/// Returns whether a mark is used in any of the roots in which that line registers it.
fn is_used(context: &Context<'_>, marker: &RegisteredMarker) -> bool {
    let sources = context.sources;
    let name = &marker.name;
    if context.is_foreign_mark(name) {
        return true;
    }
    let written = format!("mark.{name}");
    let roots = sources.roots.iter().enumerate().filter(|(_, root)| root.markers.contains(marker));
    for (at, root) in roots {
        let borne = sources.functions.iter().filter(|function| function.root == at).any(|function| {
            let items = function.items.iter().flatten().flat_map(|item| &item.marks);
            function.marks.iter().chain(items).any(|mark| mark.name == *name)
        });
        // What is written anywhere may be borne in a way that only running tells; another root has its own marks.
        let is_ours = |file: &str| {
            root.holds(file)
                || !sources.roots.iter().any(|other| other.root != root.root && other.holds(file))
        };
        if borne
            || root.marks_by_hooks.contains(name)
            || sources.files.iter().any(|file| is_ours(&file.path) && file.text.contains(&written))
        {
            return true;
        }
    }
    false
}
