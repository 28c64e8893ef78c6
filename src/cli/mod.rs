//! The command line: the only place that sees every stage.
//!
//! [`run`] is the whole program. Each command loads its inputs, calls a stage and writes what comes out.

pub mod args;
mod audited;
mod busy;
mod commands;
mod console;
mod diagnostics;
mod exit_status;
mod files;
mod folding;
mod pictures;
mod project;
mod saved_model;
mod settings;
mod sheet;

use std::ffi::OsString;

use clap::Parser;

use args::{Cli, Command};
use console::{CommandResult, Console, Verbosity};
pub use exit_status::ExitStatus;
use settings::Settings;

/// Runs the program with these arguments, its own name first, and returns how it ended.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitStatus {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come this way too. A closed stream leaves nobody to tell.
            let _ = error.print();
            return if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Success };
        }
    };
    match Settings::new(&cli.global) {
        Ok(settings) => match dispatch(&cli.command, &settings) {
            Ok(status) => status,
            Err(failure) => {
                settings.console.failure(&failure);
                failure.status()
            }
        },
        Err(failure) => {
            Console::new(Verbosity::Normal, anstream::ColorChoice::Auto).failure(&failure);
            failure.status()
        }
    }
}

fn dispatch(command: &Command, settings: &Settings) -> CommandResult {
    match command {
        Command::Init(args) => commands::init::run(args, settings),
        Command::Ingest(args) => commands::ingest::run(args, settings),
        Command::History(args) => commands::history::run(args, settings),
        Command::Audit(args) => commands::audit::run(args, settings),
        Command::Select(args) => commands::select::run(args, settings),
        Command::Verify(args) => commands::verify::run(args, settings),
        Command::Suggest(args) => commands::suggest::run(args, settings),
        Command::Backtest(args) => commands::backtest::run(args, settings),
        Command::Tradeoff(args) => commands::tradeoff::run(args, settings),
        Command::Explain(args) => commands::explain::run(args, settings),
        Command::Simulate(args) => commands::simulate::run(args, settings),
        Command::Emit(args) => commands::emit::run(args, settings),
        Command::Graph(args) => commands::graph::run(args, settings),
        Command::Schema(args) => commands::schema::run(args, settings),
        Command::Completions(args) => commands::completions::run(args, settings),
        Command::Man(args) => commands::man::run(args, settings),
    }
}
