//! `shardplan history`: what the store holds.

mod render;

use crate::cli::args::{ExportArg, FormatArg, HistoryArgs, HistoryCommand};
use crate::cli::console::{CommandResult, Failure, chain, stdout_width};
use crate::cli::exit_status::ExitStatus;
use crate::cli::files::write_whole;
use crate::cli::settings::Settings;
use crate::history::{self, Filter, HistoryError, Observed, Overview, Store};

pub(in crate::cli) fn run(args: &HistoryArgs, settings: &Settings) -> CommandResult {
    let console = &settings.console;
    let store = Store::of_project(&settings.root);
    let observed = history::load(&store, &Filter::default()).map_err(|error| history_failure(&error))?;
    if observed.is_empty() {
        console.status("Empty", "the history holds no run yet");
        console.hint("`shardplan ingest FILE…` reads test reports into it");
    }
    match &args.command {
        Some(HistoryCommand::Export { target, output }) => {
            let text = export(*target, &observed)?;
            match output {
                Some(path) => write_whole(&settings.located(path), &text)?,
                None => console.data(&text)?,
            }
        }
        None => {
            let overview = Overview::of(&observed);
            match args.format {
                FormatArg::Text if observed.is_empty() => {}
                FormatArg::Text => console.data(&render::text(&overview, stdout_width()))?,
                FormatArg::Json => console.data(&render::json(&overview))?,
                FormatArg::Markdown => console.data(&render::markdown(&overview))?,
            }
        }
    }
    Ok(ExitStatus::Success)
}

/// Returns a fault of the history as the user sees it.
pub(in crate::cli) fn history_failure(error: &HistoryError) -> Failure {
    Failure::bad_input(chain(error)).with_hint(error.hint())
}

fn export(target: ExportArg, observed: &Observed) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    match target {
        ExportArg::Csv => history::export_csv(observed, &mut bytes),
        ExportArg::TestDurations => history::export_test_durations(observed, &mut bytes),
    }
    .map_err(|error| Failure::new(ExitStatus::Internal, format!("could not export the history: {error}")))?;
    String::from_utf8(bytes).map_err(|error| Failure::new(ExitStatus::Internal, error))
}
