//! Plans how to split a slow CI test job.

pub mod cli;
pub mod config;
pub mod estimate;
pub mod history;
pub mod ids;
pub mod ingest;
pub mod inventory;
pub mod model;
pub mod plan;
pub mod report;
pub mod solve;
pub mod time;
pub mod workflow;
