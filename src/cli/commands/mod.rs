//! One command a file: load, call a stage, write.

pub(super) mod history;
pub(super) mod ingest;
