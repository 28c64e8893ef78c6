//! `shardplan schema`: the JSON schema of a file that people write, for their editor.

use crate::cli::args::{SchemaArg, SchemaArgs};
use crate::cli::console::{CommandResult, Failure};
use crate::cli::exit_status::ExitStatus;
use crate::cli::settings::Settings;

pub(in crate::cli) fn run(args: &SchemaArgs, settings: &Settings) -> CommandResult {
    let schema = match args.file {
        SchemaArg::Manifest => crate::config::schema(),
    };
    let text = serde_json::to_string_pretty(&schema)
        .map_err(|error| Failure::new(ExitStatus::Internal, format!("the schema is no JSON: {error}")))?;
    settings.console.data(&(text + "\n"))?;
    Ok(ExitStatus::Success)
}
