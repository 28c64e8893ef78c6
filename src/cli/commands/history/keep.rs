//! `history prune` and `history compact`: what is done to the store.

use super::{History, history_failure, time_of};
use crate::cli::args::HistoryFormatArg;
use crate::cli::console::{CommandResult, Failure};
use crate::cli::exit_status::ExitStatus;
use crate::history::json_v1::{ChangedV1, to_string};
use crate::history::{self, Which};
use crate::report::plural;

pub(super) fn prune(
    history: &History<'_>,
    before: Option<&str>,
    keep: Option<u32>,
    dry_run: bool,
) -> CommandResult {
    if history.filter.since.is_some() {
        return Err(Failure::new(
            ExitStatus::Usage,
            "`--since` names what a view reads, not what is forgotten",
        )
        .with_hint("`history prune --before TIME` forgets what is older"));
    }
    let before = before.map(|before| time_of("--before", before)).transpose()?;
    let which = Which { among: history.filter.clone(), before, keep };
    let pruned = history::prune(&history.store, &which, dry_run).map_err(|error| history_failure(&error))?;
    let mut what = vec![plural(pruned.runs, "run"), plural(pruned.observations, "observation")];
    if pruned.jobs > 0 {
        what.push(plural(pruned.jobs, "CI job"));
    }
    let verb = if dry_run { "Would forget" } else { "Forgot" };
    let files = match (pruned.deleted, pruned.rewritten) {
        (0, 0) => String::new(),
        (deleted, 0) => format!("; {} deleted", plural(deleted, "file")),
        (deleted, rewritten) => format!("; {} deleted, {rewritten} written anew", plural(deleted, "file")),
    };
    history.settings.console.status(verb, format!("{}{files}", what.join(", ")));
    say(history, &ChangedV1::pruned(&pruned, dry_run))
}

pub(super) fn compact(history: &History<'_>, dry_run: bool) -> CommandResult {
    if history.filter != history::Filter::default() {
        return Err(Failure::new(ExitStatus::Usage, "the store is compacted as a whole")
            .with_hint("leave `--lane`, `--branch` and `--since` out"));
    }
    let compacted = history::compact(&history.store, dry_run).map_err(|error| history_failure(&error))?;
    let (before, after) = (plural(compacted.files_before, "file"), compacted.files_after);
    let message = match compacted.bytes_after {
        Some(bytes) if compacted.files_before != after => {
            format!(
                "{before} to {after}, {} kB to {} kB",
                kilobytes(compacted.bytes_before),
                kilobytes(bytes)
            )
        }
        None if compacted.files_before != after => format!("{before} to {after}"),
        _ => format!("{before}: there is nothing to merge"),
    };
    let verb = match (compacted.files_before == after, dry_run) {
        (true, _) => "Kept",
        (false, true) => "Would merge",
        (false, false) => "Compacted",
    };
    history.settings.console.status(verb, message);
    say(history, &ChangedV1::compacted(&compacted, dry_run))
}

/// What was done is talk; a program may ask for it as data.
fn say(history: &History<'_>, changed: &ChangedV1) -> CommandResult {
    if history.format == HistoryFormatArg::Json {
        history.settings.console.data(&to_string(changed))?;
    }
    Ok(ExitStatus::Success)
}

fn kilobytes(bytes: u64) -> u64 {
    bytes.div_ceil(1000)
}
