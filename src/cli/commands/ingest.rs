//! `shardplan ingest`: files into the history.

use crate::cli::args::IngestArgs;
use crate::cli::console::{CommandResult, Failure};
use crate::cli::settings::Settings;

pub(in crate::cli) fn run(_args: &IngestArgs, _settings: &Settings) -> CommandResult {
    Err(Failure::bad_input("being built"))
}
