//! `shardplan select`: the tests of one shard, for a runner without the plugin.

use crate::cli::args::{SelectArgs, SelectFormatArg};
use crate::cli::console::{CommandResult, Failure, chain};
use crate::cli::exit_status::ExitStatus;
use crate::cli::project::{read_collection, read_lock};
use crate::cli::settings::Settings;
use crate::plan::select::{self, SelectError};
use crate::report::select_v1::SelectV1;

pub(in crate::cli) fn run(args: &SelectArgs, settings: &Settings) -> CommandResult {
    let (lock, text) = read_lock(args.lock.as_deref(), settings)?;
    let shard = select::shard_named(&lock, &args.shard).map_err(|error| failure(&error))?;
    let selection = match &args.against {
        None => select::select(&lock, shard),
        Some(path) => {
            let collected = read_collection(path, settings)?;
            select::select_against(&lock, shard, &collected)
        }
    };
    let printed = match args.format {
        SelectFormatArg::Lines => select::lines(&selection),
        SelectFormatArg::Pytest => select::pytest(&lock, shard, &selection),
        SelectFormatArg::Nextest => select::nextest(&selection),
        SelectFormatArg::Json => {
            Ok(crate::report::json_v1::to_string(&SelectV1::new(&lock, text.identity(), shard, &selection)))
        }
    };
    settings.console.data(&printed.map_err(|error| failure(&error))?)?;
    Ok(ExitStatus::Success)
}

fn failure(error: &SelectError) -> Failure {
    Failure::bad_input(chain(error)).with_hint(error.hint())
}
