//! `shardplan history`: what the store holds.

use crate::cli::args::HistoryArgs;
use crate::cli::console::{CommandResult, Failure};
use crate::cli::settings::Settings;

pub(in crate::cli) fn run(_args: &HistoryArgs, _settings: &Settings) -> CommandResult {
    Err(Failure::bad_input("being built"))
}
