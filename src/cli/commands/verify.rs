//! `shardplan verify`: after the run, whether the shards together ran every test exactly once.

mod results;

use std::collections::BTreeSet;
use std::path::Path;

use super::history::history_failure;
use crate::cli::args::{FormatArg, VerifyArgs};
use crate::cli::console::{CommandResult, Failure, shown_path, stdout_width};
use crate::cli::exit_status::ExitStatus;
use crate::cli::project::{read_collection, read_declared, read_lock};
use crate::cli::settings::Settings;
use crate::config::{Config, Unassigned};
use crate::history::{self, Filter, Store};
use crate::ids::NodeId;
use crate::ingest::Outcome;
use crate::plan::Lock;
use crate::plan::verify::{FindingKind, Known, Verification, verify};
use crate::report::{for_comment, json_v1, plural, verification};

pub(in crate::cli) fn run(args: &VerifyArgs, settings: &Settings) -> CommandResult {
    let console = &settings.console;
    let config = read_declared(settings)?;
    let (lock, text) = read_lock(args.lock.as_deref(), settings)?;
    let digest = text.identity();
    let results = results::read(&args.results, &lock, settings)?;
    let inventory = match &args.inventory {
        Some(path) => Some(read_collection(path, settings)?),
        None => None,
    };
    let ran_before = ran_before(settings, config.as_ref())?;
    let known = Known {
        inventory: inventory.as_ref(),
        ran_before: &ran_before,
        unassigned_is_fine: config.is_some_and(|config| config.project.unassigned == Unassigned::Ignore),
    };
    let exists = |file: &str| settings.below_root(Path::new(file)).exists();
    let attempts: Vec<_> = results.iter().map(|result| result.attempt.clone()).collect();
    let verification = verify(&lock, &digest, &attempts, known, &exists);
    console.status(
        "Verified",
        format!("{} against {}", plural(results.len(), "result"), plural(lock.shards.len(), "shard")),
    );
    match args.format {
        FormatArg::Text => console.screen(&verification::text(&verification, stdout_width()))?,
        FormatArg::Markdown => console.data(&for_comment(verification::markdown(&verification)))?,
        FormatArg::Json => console.data(&json_v1::to_string(&verification::json(&verification)))?,
    }
    hints(&verification, settings);
    if args.ingest {
        ingest(&results, &lock, &digest, settings)?;
    }
    Ok(if verification.holds() { ExitStatus::Success } else { ExitStatus::CheckFailed })
}

fn hints(verification: &Verification, settings: &Settings) {
    let has = |kind| verification.findings.iter().any(|finding| finding.kind == kind);
    if has(FindingKind::OtherLock) {
        settings
            .console
            .hint("results must come from the lock that is checked out here: run those shards again");
    }
    if has(FindingKind::ShardMissing) {
        settings.console.hint(
            "give the results of all shards; a job that was cancelled, timed out or skipped leaves none and must run again",
        );
    }
}

/// Returns the tests that the history saw run, rather than skip, on the branch that counts.
fn ran_before(settings: &Settings, config: Option<&Config>) -> Result<BTreeSet<NodeId>, Failure> {
    let store = Store::of_project(&settings.root);
    let branch = config.and_then(|config| config.history.branch.clone());
    let filter = Filter { branch, ..Filter::default() };
    let observed = history::load(&store, &filter).map_err(|error| history_failure(&error))?;
    let ran = |test: &history::TestHistory| {
        let mut known = test.samples.iter().filter(|sample| sample.outcome != Outcome::Unknown);
        // The last word counts: a test that skips since last week is not new today.
        known.next_back().is_some_and(|sample| sample.outcome != Outcome::Skipped)
    };
    Ok(observed.tests.into_iter().filter(ran).map(|test| test.test).collect())
}

/// Adds the results to the history, those of another lock aside.
fn ingest(results: &[results::ShardResult], lock: &Lock, digest: &str, settings: &Settings) -> CommandResult {
    let mut status = ExitStatus::Success;
    let is_of_another =
        |result: &results::ShardResult| result.attempt.lock.as_ref().is_some_and(|theirs| theirs != digest);
    let mut taken = BTreeSet::new();
    for result in results.iter().filter(|result| !is_of_another(result)) {
        if let Some(archive) = result.archive() {
            // An archive is ingested as a whole, so that what is said of it must hold for all of it.
            let inside = || results.iter().filter(|other| other.archive() == Some(archive));
            if inside().any(is_of_another) || inside().any(|other| !other.agrees_with(result)) {
                return Err(Failure::bad_input(format!(
                    "`--ingest`: `{}` holds results that belong apart",
                    shown_path(archive)
                ))
                .with_hint("unpack it and name the folder"));
            }
            if !taken.insert(archive) {
                continue;
            }
        }
        status = status.max(super::ingest::run(&result.ingest_args(lock), settings)?);
    }
    Ok(status)
}
