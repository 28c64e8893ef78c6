//! `shardplan completions`: what a shell needs to complete the program's words.

use clap::CommandFactory as _;

use crate::cli::args::{Cli, CompletionsArgs};
use crate::cli::console::{CommandResult, Failure};
use crate::cli::exit_status::ExitStatus;
use crate::cli::settings::Settings;

pub(in crate::cli) fn run(args: &CompletionsArgs, settings: &Settings) -> CommandResult {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "shardplan", &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| Failure::new(ExitStatus::Internal, format!("the script is no text: {error}")))?;
    settings.console.data(&script)?;
    Ok(ExitStatus::Success)
}
