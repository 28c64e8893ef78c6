//! `shardplan ingest`: files into the history.

mod inputs;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use super::history::history_failure;
use crate::cli::args::IngestArgs;
use crate::cli::console::{CommandResult, Console, Failure, shown_path};
use crate::cli::exit_status::ExitStatus;
use crate::cli::settings::Settings;
use crate::history::{Added, Digest, Store};
use crate::ids::{LaneName, Printable, ServiceName};
use crate::ingest::{
    self, Contents, Context, Extent, IngestErrorKind, Report, RunFacts, Warning, WarningKind,
};
use crate::report::plural;
use crate::time::{Micros, Millis, Timestamp};
pub(super) use inputs::{Input, find as find_inputs};

/// From how many files on a progress bar is worth its line.
const FILES_WORTH_A_BAR: usize = 10;

/// The largest file that is read. It is read as a whole.
const MAX_FILE_BYTES: u64 = 2 << 30;

pub(in crate::cli) fn run(args: &IngestArgs, settings: &Settings) -> CommandResult {
    let ingest = Ingest {
        stated: StatedFacts::new(args)?,
        store: Store::of_project(&settings.root),
        context: python_modules_of(settings),
        dry_run: args.dry_run,
        now: now(),
    };
    let (inputs, mut problems) = find_inputs(&args.files, settings);
    let console = &settings.console;
    let bar = progress_bar(console, inputs.len());
    let verb = if args.dry_run { "Would ingest" } else { "Ingested" };
    let mut tally = Tally { verb, ..Tally::default() };
    for input in &inputs {
        let done = ingest.file(input);
        bar.suspend(|| tally.take(input, done, console, &mut problems));
        bar.inc(1);
    }
    bar.finish_and_clear();
    for problem in &problems {
        console.failure(problem);
    }
    if let Some(summary) = tally.summary() {
        console.status("Finished", summary);
    }
    Ok(problems.iter().map(Failure::status).max().unwrap_or(ExitStatus::Success))
}

/// What is the same for every file.
struct Ingest {
    stated: StatedFacts,
    store: Store,
    context: Context,
    dry_run: bool,
    now: Timestamp,
}

/// What the command line says about the runs; it overrides what the files say.
struct StatedFacts {
    run: Option<String>,
    attempt: Option<u32>,
    commit: Option<String>,
    branch: Option<String>,
    at: Option<Timestamp>,
    lane: Option<LaneName>,
    shard: Option<String>,
    services: Option<Vec<ServiceName>>,
    partial: bool,
}

/// What came of one file.
enum Done {
    Ingested {
        contents: Contents,
    },
    AlreadyThere,
    /// It is a report of nothing.
    Hollow {
        contents: Contents,
    },
}

/// Why a file was not ingested.
enum NotDone {
    /// It is no report; inside of a folder that is no fault.
    NoReport { reason: String, failure: Failure },
    /// It is a report, and broken.
    Broken { reason: String, failure: Failure },
    /// The history can't be written.
    Failed(Failure),
}

impl Ingest {
    fn file(&self, input: &Input) -> Result<Done, NotDone> {
        let shown = shown_path(&input.shown);
        let bytes = read_file(&input.path, &shown)?;
        let digest = Digest::of(&bytes);
        let failed = |error| NotDone::Failed(history_failure(&error));
        if self.store.contains(&digest).map_err(failed)? {
            return Ok(Done::AlreadyThere);
        }
        let mut contents = ingest::read(&bytes, &shown, &self.context).map_err(|error| {
            let failure = Failure::bad_input(&error).with_hint(error.hint());
            match &error.kind {
                IngestErrorKind::Unrecognised { found, .. } => {
                    NotDone::NoReport { reason: Printable(found).to_string(), failure }
                }
                IngestErrorKind::Encoding { .. } => {
                    NotDone::NoReport { reason: error.kind.to_string(), failure }
                }
                _ => NotDone::Broken { reason: error.to_string(), failure },
            }
        })?;
        self.complete(&mut contents.reports, &digest);
        if contents.reports.iter().all(|report| report.observations.is_empty() && report.jobs.is_empty()) {
            return Ok(Done::Hollow { contents });
        }
        if !self.dry_run {
            let source = input.path.file_name().unwrap_or_default().to_string_lossy();
            let added = self.store.add(&digest, contents.format, &source, &contents.reports);
            if added.map_err(failed)? == Added::AlreadyThere {
                return Ok(Done::AlreadyThere);
            }
        }
        Ok(Done::Ingested { contents })
    }

    /// Adds what only the command line knows, and what makes a run a run where nobody says it.
    fn complete(&self, reports: &mut [Report], digest: &Digest) {
        let are_many = reports.len() > 1;
        for (number, report) in (1..).zip(reports) {
            self.stated.apply_to(&mut report.run);
            report.run.at.get_or_insert(self.now);
            report.run.run.get_or_insert_with(|| {
                let digest = digest.short();
                if are_many { format!("{digest}.{number}") } else { digest.to_owned() }
            });
        }
    }
}

impl StatedFacts {
    fn new(args: &IngestArgs) -> Result<Self, Failure> {
        let usage = |option: &str, problem: &dyn std::fmt::Display| {
            Failure::new(ExitStatus::Usage, format!("`{option}`: {problem}"))
        };
        let at = args.at.as_deref().map(|at| {
            let problem =
                format!("`{}` is not an ISO 8601 time, as `2026-06-16T08:00:00Z` is", Printable(at));
            Timestamp::parse(at).ok_or_else(|| usage("--at", &problem))
        });
        let lane = args.lane.as_deref().map(|lane| lane.parse().map_err(|error| usage("--lane", &error)));
        let services = args.services.as_ref().map(|names| {
            let names = names.iter().filter(|name| !name.is_empty());
            names.map(|name| name.parse().map_err(|error| usage("--services", &error))).collect()
        });
        Ok(Self {
            run: args.run.clone(),
            attempt: args.attempt,
            commit: args.commit.clone(),
            branch: args.branch.clone(),
            at: at.transpose()?,
            lane: lane.transpose()?,
            shard: args.shard.clone(),
            services: services.transpose()?,
            partial: args.partial,
        })
    }

    fn apply_to(&self, run: &mut RunFacts) {
        fn state<T: Clone>(fact: &mut Option<T>, stated: Option<&T>) {
            if let Some(stated) = stated {
                *fact = Some(stated.clone());
            }
        }
        state(&mut run.run, self.run.as_ref());
        state(&mut run.attempt, self.attempt.as_ref());
        state(&mut run.commit, self.commit.as_ref());
        state(&mut run.branch, self.branch.as_ref());
        state(&mut run.at, self.at.as_ref());
        state(&mut run.lane, self.lane.as_ref());
        state(&mut run.shard, self.shard.as_ref());
        state(&mut run.services, self.services.as_ref());
        if self.partial {
            run.extent = Extent::Partial;
        }
    }
}

/// What came of all files, for the last line.
#[derive(Default)]
struct Tally {
    /// What is said of a file that is new.
    verb: &'static str,
    ingested: usize,
    already_there: usize,
    hollow: usize,
    passed_over: usize,
    warnings: usize,
}

impl Tally {
    fn take(
        &mut self,
        input: &Input,
        done: Result<Done, NotDone>,
        console: &Console,
        problems: &mut Vec<Failure>,
    ) {
        let shown = shown_path(&input.shown);
        match done {
            Ok(Done::Ingested { contents }) => {
                self.ingested += 1;
                console.status(self.verb, format_args!("{shown}: {}", describe(&contents)));
                self.take_warnings(&shown, &contents, console);
            }
            Ok(Done::AlreadyThere) => {
                self.already_there += 1;
                console.status("Skipped", format_args!("{shown}: already in the history"));
            }
            Ok(Done::Hollow { contents }) => {
                self.hollow += 1;
                console.status(
                    "Skipped",
                    format_args!("{shown}: it holds nothing to keep ({})", contents.format),
                );
                self.take_warnings(&shown, &contents, console);
            }
            Err(NotDone::NoReport { reason, .. }) if !input.is_named => {
                self.passed_over += 1;
                console.detail("Passed over", format_args!("{shown}: {reason}"));
            }
            Err(NotDone::Broken { reason, .. }) if !input.is_named => {
                self.passed_over += 1;
                console.warning(format_args!("passed over: {reason}"));
            }
            Err(
                NotDone::NoReport { failure, .. }
                | NotDone::Broken { failure, .. }
                | NotDone::Failed(failure),
            ) => {
                problems.push(failure);
            }
        }
    }

    /// Says each kind of warning once, with its number and its first place; `-v` says each warning.
    fn take_warnings(&mut self, shown: &str, contents: &Contents, console: &Console) {
        let mut kinds: BTreeMap<WarningKind, Vec<&Warning>> = BTreeMap::new();
        for warning in contents.reports.iter().flat_map(|report| &report.warnings) {
            kinds.entry(warning.kind).or_default().push(warning);
        }
        for (kind, warnings) in kinds {
            self.warnings += warnings.len();
            let first = warnings[0];
            let place = first.line.map_or_else(String::new, |line| format!(":{line}"));
            let mut message = format!("{shown}{place}: {}", kind.describe());
            if !first.subject.is_empty() {
                let _ = write!(message, ": {}", Printable(&first.subject));
            }
            if warnings.len() > 1 {
                let _ = write!(message, " (and {} more)", warnings.len() - 1);
            }
            console.warning(message);
            for warning in &warnings[1..] {
                let line = warning.line.map_or_else(String::new, |line| format!(":{line}"));
                let subject = Printable(&warning.subject);
                console.detail("Warned", format_args!("{shown}{line}: {}: {subject}", kind.describe()));
            }
        }
    }

    /// Returns the last line, where there is more to say than the lines before it did.
    fn summary(&self) -> Option<String> {
        let parts = [
            (self.ingested, "ingested"),
            (self.already_there, "already in the history"),
            (self.hollow, "with nothing to keep"),
            (self.passed_over, "passed over"),
        ];
        let files: usize = parts.iter().map(|(number, _)| number).sum();
        if files < 2 && self.warnings == 0 && self.passed_over == 0 {
            return None;
        }
        let mut words: Vec<String> = parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{} {what}", plural(*number, "file")))
            .collect();
        if self.warnings > 0 {
            words.push(plural(self.warnings, "warning"));
        }
        Some(words.join(", "))
    }
}

/// Returns what a file said, in a few words.
fn describe(contents: &Contents) -> String {
    let observations = || contents.reports.iter().flat_map(|report| &report.observations);
    let jobs: usize = contents.reports.iter().map(|report| report.jobs.len()).sum();
    let mut parts = Vec::new();
    let tests = observations().count();
    if tests > 0 {
        let total: Micros = observations().map(|seen| seen.total).sum();
        parts.push(plural(tests, "test"));
        if contents.reports.len() > 1 {
            parts.push(plural(contents.reports.len(), "run"));
        }
        parts.push(Millis::from_f64(total.as_millis_f64()).to_string());
    }
    if jobs > 0 {
        parts.push(plural(jobs, "job"));
    }
    format!("{} ({})", parts.join(", "), contents.format)
}

fn read_file(path: &Path, shown: &str) -> Result<Vec<u8>, NotDone> {
    let refused = |problem: String| {
        let reason = format!("`{shown}` {problem}");
        NotDone::Broken { failure: Failure::bad_input(&reason), reason }
    };
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > MAX_FILE_BYTES => {
            Err(refused("is larger than 2 GiB; ingest the reports of its shards one by one".to_owned()))
        }
        _ => fs::read(path).map_err(|error| refused(format!("can't be read: {error}"))),
    }
}

/// Returns what readers may ask about the project.
pub(super) fn python_modules_of(settings: &Settings) -> Context {
    let root = settings.root.clone();
    Context::new(move || inputs::python_files(&root))
}

fn progress_bar(console: &Console, files: usize) -> ProgressBar {
    if !console.shows_progress() || files < FILES_WORTH_A_BAR {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix:>12.cyan.bold} [{bar:27}] {pos}/{len}")
        .expect("the template is right")
        .progress_chars("=> ");
    ProgressBar::new(files as u64).with_style(style).with_prefix("Reading")
}

#[expect(clippy::disallowed_methods, reason = "a report that does not say when it ran is filed under now")]
fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}
