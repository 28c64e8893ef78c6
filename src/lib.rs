//! Plans how to split a slow CI test job.

pub mod cli;
pub mod history;
pub mod ids;
pub mod ingest;
pub mod time;
