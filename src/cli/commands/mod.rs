//! One command a file: load, call a stage, write.

pub(super) mod audit;
pub(super) mod backtest;
pub(super) mod completions;
pub(super) mod emit;
pub(super) mod explain;
pub(super) mod graph;
pub(in crate::cli) mod history;
pub(super) mod ingest;
pub(super) mod init;
pub(super) mod man;
pub(super) mod schema;
pub(super) mod select;
pub(super) mod simulate;
pub(super) mod suggest;
pub(super) mod tradeoff;
pub(super) mod verify;
