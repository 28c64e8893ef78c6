//! `shardplan man`: a manual page for the program and for each command.

use clap::CommandFactory as _;

use crate::cli::args::{Cli, ManArgs};
use crate::cli::console::{CommandResult, Failure, shown_path};
use crate::cli::exit_status::ExitStatus;
use crate::cli::settings::Settings;

pub(in crate::cli) fn run(args: &ManArgs, settings: &Settings) -> CommandResult {
    let folder = settings.located(&args.folder);
    let failed = |error: std::io::Error| {
        Failure::bad_input(format!("could not write the pages into `{}`: {error}", shown_path(&folder)))
    };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), &folder).map_err(failed)?;
    settings.console.status("Wrote", format_args!("the manual pages into {}", shown_path(&folder)));
    settings.console.hint(format_args!("`man -l {}/shardplan.1` shows the first", shown_path(&folder)));
    Ok(ExitStatus::Success)
}
