//! Plans how to split a slow CI test job.

pub mod cli;
pub mod config;
pub mod ids;
pub mod ingest;
pub mod model;
pub mod plan;
pub mod solve;
pub mod time;
