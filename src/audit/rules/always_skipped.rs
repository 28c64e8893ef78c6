//! A test is skipped in every run of the history.
//!
//! # What it checks
//!
//! The outcomes of every test in the history: at least two runs, and never anything but a skip.
//!
//! # Why it matters
//!
//! It tests nothing. A service that only such tests need is a container for nothing.
//!
//! # Example
//!
//! ```python
//! @pytest.mark.skipif(sys.platform == "win32", reason="…")  # and CI has only Windows
//! ```
//!
//! # Remedy
//!
//! Make it run somewhere, or delete it.

use std::collections::BTreeMap;

use crate::audit::context::{Context, item_id};
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::ALWAYS_SKIPPED;
use crate::estimate::SkipRecord;
use crate::inventory::python::TestFunction;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut by_file: BTreeMap<&str, Vec<(&TestFunction, &SkipRecord)>> = BTreeMap::new();
    for function in &context.sources.functions {
        let records: Vec<_> = context
            .items(function)
            .iter()
            .filter_map(|item| context.estimates.skips(&item_id(function, item)?))
            .collect();
        if records.len() == context.items(function).len()
            && let Some(first) = records.first()
            && records.iter().all(|record| record.always_skipped() && record.skipped > 1)
        {
            by_file.entry(&function.file).or_default().push((function, first));
        }
    }
    let mut findings = Vec::new();
    for (file, functions) in by_file {
        let all = context.sources.functions.iter().filter(|function| *function.file == *file).count();
        let reason = |record: &SkipRecord| {
            record
                .reason
                .as_ref()
                .map(|reason| format!(": {}", crate::ids::Printable(reason)))
                .unwrap_or_default()
        };
        if all > 1 && functions.len() == all {
            let (first, record) = functions[0];
            let message =
                format!("all {all} test functions of this file are skipped in every run{}", reason(record));
            findings.push(Finding::new(&ALWAYS_SKIPPED, Spot::Source(first.place.clone()), file, message));
            continue;
        }
        for (function, record) in functions {
            let message = format!("`{}` is skipped in every run{}", function.name, reason(record));
            findings.push(Finding::new(
                &ALWAYS_SKIPPED,
                Spot::Source(function.place.clone()),
                function.id.clone(),
                message,
            ));
        }
    }
    findings
}
