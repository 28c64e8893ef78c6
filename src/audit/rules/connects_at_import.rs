//! A connection is opened while tests are collected.
//!
//! # What it checks
//!
//! Statements of modules that run when they are imported: calls that open a connection at once, or that reach one
//! through functions, in test files, conftest files and whatever they import.
//!
//! # Why it matters
//!
//! Every shard imports every file that it collects. Without the service collection fails, or waits for a time-out, even
//! where no selected test needs it; with it, the shard needs a container for nothing.
//!
//! # Example
//!
//! ```python
//! connection = psycopg.connect(DSN)  # at the top of tests/conftest.py
//! ```
//!
//! # Remedy
//!
//! Open it in a fixture. A guard such as `skipif(not reachable())` asks once per file: ask once per session instead.

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::CONNECTS_AT_IMPORT;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for connection in &context.sources.connections {
        let files = crate::report::plural(connection.files.len(), "test file");
        let message = format!(
            "a connection to {} is opened while this is imported, in the collection of {files}",
            connection.service
        );
        let identity = format!("{} {}", connection.place.file, connection.service);
        findings.push(Finding::new(
            &CONNECTS_AT_IMPORT,
            Spot::Source(connection.place.clone()),
            identity,
            message,
        ));
    }
    findings.dedup_by(|a, b| a.identity == b.identity);
    findings
}
