//! The results of the shards: which file is which shard's, and what it says.

use std::path::{Path, PathBuf};

use crate::cli::args::IngestArgs;
use crate::cli::commands::ingest::{Found, Input, find_inputs, project_files};
use crate::cli::console::{Failure, shown_path};
use crate::cli::settings::Settings;
use crate::ingest::container::{self, Content, Limits, Member};
use crate::ingest::{
    self, Context, Extent, Format, IngestError, Outcome, Report, UnitKind, WarningKind, shard_report,
};
use crate::plan::Lock;
use crate::plan::verify::{Attempt, Ended, Ran};
use crate::time::{Micros, Millis};

/// One file, read.
pub(super) struct ShardResult {
    path: PathBuf,
    /// Whether it came out of an archive.
    is_packed: bool,
    /// Whether the file says itself which shard it is of.
    says_shard: bool,
    pub(super) attempt: Attempt,
}

impl ShardResult {
    /// Returns the archive that it came out of, where one file is that of several results.
    pub(super) fn archive(&self) -> Option<&Path> {
        self.is_packed.then_some(self.path.as_path())
    }

    /// Returns whether both can be ingested with the same words about them.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let partial = |one: &Self| one.attempt.cut_short.is_some() || !one.attempt.not_run.is_empty();
        partial(self) == partial(other)
            && self.says_shard == other.says_shard
            && (self.says_shard || self.attempt.shard == other.attempt.shard)
    }

    /// Returns how to ingest the file.
    pub(super) fn ingest_args(&self, lock: &Lock) -> IngestArgs {
        let shard = lock.shards.iter().find(|shard| shard.name.as_str() == self.attempt.shard);
        let stated = shard.filter(|_| !self.says_shard);
        IngestArgs {
            files: vec![self.path.clone()],
            lane: stated.map(|shard| shard.lane.to_string()),
            shard: stated.map(|shard| shard.name.to_string()),
            services: stated.map(|shard| shard.services.iter().map(ToString::to_string).collect()),
            partial: self.attempt.cut_short.is_some() || !self.attempt.not_run.is_empty(),
            ..IngestArgs::default()
        }
    }
}

/// Returns what the files say, each with its shard.
pub(super) fn read(named: &[PathBuf], lock: &Lock, settings: &Settings) -> Result<Vec<ShardResult>, Failure> {
    let root = settings.root.clone();
    let units: Vec<String> = lock.shards.iter().flat_map(|shard| shard.units.iter().cloned()).collect();
    let file_of = |unit: &String| unit.split("::").next().unwrap_or_default().to_owned();
    let context = Context::new(move || project_files(&root)).or(move || units.iter().map(file_of).collect());
    let mut results = Vec::new();
    for named in named {
        let (stated, path) = stated_shard(named, lock, settings);
        let Found { inputs, mut problems, .. } = find_inputs(&[path], settings);
        if let Some(problem) = problems.pop() {
            return Err(problem);
        }
        for input in inputs {
            results.extend(read_one(&input, stated.as_deref(), lock, &context)?);
        }
    }
    if results.is_empty() {
        return Err(Failure::bad_input(
            "there is no result in what was named: no shard can be shown to have run",
        )
        .with_hint("name the reports of the shards, or the folder that they were downloaded to"));
    }
    Ok(results)
}

/// Returns the shard of `SHARD=FILE` and the file. A file of that very name comes first.
fn stated_shard(named: &Path, lock: &Lock, settings: &Settings) -> (Option<String>, PathBuf) {
    let text = named.to_string_lossy();
    if let Some((shard, path)) = text.split_once('=')
        && lock.shards.iter().any(|known| known.name.as_str() == shard)
        && !settings.located(named).exists()
    {
        return (Some(shard.to_owned()), PathBuf::from(path));
    }
    (None, named.to_owned())
}

fn read_one(
    input: &Input,
    stated: Option<&str>,
    lock: &Lock,
    context: &Context,
) -> Result<Vec<ShardResult>, Failure> {
    let shown = shown_path(&input.shown);
    let Some(path) = &input.path else {
        return Err(Failure::bad_input(
            "a result is a file: standard input has no name to tell its shard by",
        ));
    };
    let opened = Content::open(path)
        .map_err(|error| Failure::bad_input(format!("`{shown}` can't be read: {error}")))?;
    let (mut results, mut failure) = (Vec::new(), None);
    container::open(&shown, opened, &Limits::default(), &mut |members| {
        for member in members {
            match read_member(member, path, input, (stated, lock), context) {
                Ok(found) => results.extend(found),
                Err(error) => failure = failure.take().or(Some(error)),
            }
        }
    });
    match failure {
        None => Ok(results),
        Some(failure) => Err(failure),
    }
}

/// Reads a file, or a member of the archive that it is.
fn read_member(
    member: Member,
    path: &Path,
    input: &Input,
    (stated, lock): (Option<&str>, &Lock),
    context: &Context,
) -> Result<Vec<ShardResult>, Failure> {
    let Member { name: shown, content, is_packed } = member;
    let failure = |error: &IngestError| Failure::bad_input(error).with_hint(error.hint());
    let of_kind = |kind| IngestError { source_name: shown.clone(), kind };
    let mut bytes = Vec::new();
    let read = content.map_err(|kind| failure(&of_kind(kind)))?.read(|input| input.read_to_end(&mut bytes));
    read.map_err(|error| Failure::bad_input(format!("`{shown}` can't be read: {error}")))?;
    let contents = match ingest::read(&bytes, &shown, context) {
        Ok(contents) => contents,
        // Beside reports a folder or an archive may hold anything; what was named itself, or broke, is no report that
        // counts.
        Err(error) if (is_packed || !input.is_named) && error.is_unrecognised() => return Ok(Vec::new()),
        Err(error) => return Err(failure(&error)),
    };
    match contents.format {
        Format::GitHubJobs => Ok(Vec::new()),
        Format::ShardReport => {
            let text = String::from_utf8_lossy(&bytes);
            let file = shard_report::parse(text.trim_start_matches('\u{feff}'))
                .map_err(|kind| failure(&IngestError { source_name: shown.clone(), kind }))?;
            let says_shard = file.shard.is_some();
            let shard = match file.shard.clone() {
                Some(shard) => shard,
                None => shard_of(&shown, stated, lock)?,
            };
            let reports = contents.reports.first();
            let attempt = of_report(&file, shard, shown, reports);
            Ok(vec![ShardResult { path: path.to_owned(), is_packed, says_shard, attempt }])
        }
        _ => {
            let shard = shard_of(&shown, stated, lock)?;
            let result = |report: &Report| ShardResult {
                path: path.to_owned(),
                is_packed,
                says_shard: report.run.shard.is_some(),
                attempt: of_foreign(report, &shard, &shown),
            };
            Ok(contents.reports.iter().map(result).collect())
        }
    }
}

/// Returns the shard that a report of a foreign format is of: the longest name of a shard in its path.
fn shard_of(path: &str, stated: Option<&str>, lock: &Lock) -> Result<String, Failure> {
    if let Some(stated) = stated {
        return Ok(stated.to_owned());
    }
    let in_path = |name: &str| {
        path.match_indices(name).any(|(start, _)| {
            let before = path[..start].chars().next_back();
            let after = path[start + name.len()..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        })
    };
    let names = lock.shards.iter().map(|shard| shard.name.as_str()).filter(|name| in_path(name));
    names.max_by_key(|name| name.len()).map(str::to_owned).ok_or_else(|| {
        Failure::bad_input(format!("`{path}` does not say which shard it is of")).with_hint(
            "put the shard's name into the file's or the folder's name, or write `SHARD=FILE`; \
             the reports of `pytest --shardplan SHARD` say it themselves",
        )
    })
}

fn of_report(
    file: &shard_report::ShardReportV1,
    shard: String,
    source: String,
    report: Option<&Report>,
) -> Attempt {
    let run = (!file.tests.is_empty()).then_some(Millis(file.tests_ms));
    Attempt {
        cut_short: (!file.complete && file.errors.is_empty()).then(|| match file.exit {
            2 => "the session was interrupted".to_owned(),
            exit => format!("the session did not come to its end (exit code {exit})"),
        }),
        attempt: file.attempt,
        lock: file.lock.clone(),
        not_run: file.not_run.iter().filter_map(|test| test.parse().ok()).collect(),
        lists_all: file.lock.is_some(),
        tests: report.map(tests_of).unwrap_or_default(),
        errors: file.errors.iter().map(|error| (error.at.clone(), error.message.clone())).collect(),
        skipped_files: file.skipped_files.iter().map(|skip| (skip.at.clone(), skip.reason.clone())).collect(),
        adopted: file.adopted.clone(),
        unassigned: file.unassigned.clone(),
        uncovered: file.uncovered.iter().map(|entry| (entry.test.clone(), entry.services.clone())).collect(),
        run,
        source,
        shard,
    }
}

fn of_foreign(report: &Report, shard: &str, source: &str) -> Attempt {
    let cut = report.warnings.count(WarningKind::CutShort) > 0;
    let interrupted = report.warnings.count(WarningKind::Interrupted) > 0;
    let subjects = |wanted: WarningKind, why: &str| -> Vec<(String, String)> {
        let of_kind = report.warnings.by_kind().find(|(kind, _, _)| *kind == wanted);
        let warnings = of_kind.map(|(_, _, first)| first).unwrap_or_default();
        warnings.iter().map(|warning| (warning.subject.clone(), why.to_owned())).collect()
    };
    let errors = subjects(WarningKind::NotCollected, "it could not be collected");
    // pytest's JUnit lists a module that skips itself as if it were a test.
    let skipped_files = subjects(WarningKind::NotATest, "it skips itself");
    let is_partial = !matches!(report.run.extent, Extent::Full | Extent::Unknown);
    let cut_short = if cut {
        Some(format!("{source} is cut short"))
    } else if interrupted {
        Some(format!("{source} says that the run was interrupted"))
    } else {
        (is_partial && errors.is_empty()).then(|| format!("{source} says that it is a partial run"))
    };
    Attempt {
        source: source.to_owned(),
        shard: shard.to_owned(),
        attempt: report.run.attempt.unwrap_or(1),
        cut_short,
        tests: tests_of(report),
        errors,
        skipped_files,
        ..Attempt::default()
    }
}

fn tests_of(report: &Report) -> Vec<(crate::ids::NodeId, Ran)> {
    let ended = |outcome: Outcome| match outcome {
        Outcome::Passed => Some(Ended::Passed),
        Outcome::Failed | Outcome::Error => Some(Ended::Failed),
        Outcome::Skipped => Some(Ended::Skipped),
        // A list of durations does not say that anything ran.
        Outcome::Unknown => None,
    };
    let timed = report.observations.iter().filter(|seen| seen.unit == UnitKind::Test).filter_map(|seen| {
        let ended = ended(seen.outcome)?;
        Some((seen.test.clone(), Ran { ended, reason: seen.reason.clone(), total: seen.total }))
    });
    // A test without a usable time ran all the same.
    let untimed = report.untimed.iter().filter_map(|seen| {
        Some((seen.test.clone(), Ran { ended: ended(seen.outcome)?, reason: None, total: Micros(0) }))
    });
    timed.chain(untimed).collect()
}
