//! `shardplan ingest`: files into the history.
//!
//! Files are read in parallel, a handful at a time, and stored and told of one after the other in their order, so
//! that the same files give the same words and the same history on every machine.

mod environment;
mod facts;
mod inputs;
mod reading;
mod summary;

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use super::history::history_failure;
use crate::cli::args::IngestArgs;
use crate::cli::console::{CommandResult, Console, Failure};
use crate::cli::diagnostics::config_failure;
use crate::cli::exit_status::ExitStatus;
use crate::cli::files::read_text;
use crate::cli::settings::Settings;
use crate::config::{Config, IngestSettings};
use crate::history::{Added, Digest, Store};
use crate::ingest::container::Limits;
use crate::ingest::{Batch, Batches, Context, Observation, Report};
use crate::time::Timestamp;
use facts::{Facts, StatedFacts};
pub(super) use inputs::{Found, Input, find as find_inputs, project_files};
use reading::{Done, NotDone, Read, Reading, Watched};
use summary::Tally;

/// From how many files on a progress bar is worth its line.
const FILES_WORTH_A_BAR: usize = 10;

/// From how many bytes on it is.
const BYTES_WORTH_A_BAR: u64 = 64 << 20;

/// How many files are read before the first of them is stored.
const FILES_AT_ONCE: usize = 64;

/// How many tests of one file are held in memory. A file with more is read twice: first for what it says about its
/// run, then for its tests.
const TESTS_AT_ONCE: usize = 100_000;

pub(in crate::cli) fn run(args: &IngestArgs, settings: &Settings) -> CommandResult {
    let manifest = manifest(settings)?;
    let facts = Facts {
        stated: StatedFacts::new(args)?,
        paths: manifest.ingest.paths,
        environment: if args.ci { environment::of_job()? } else { StatedFacts::default() },
    };
    let ingest = Ingest {
        store: Store::of_project(&settings.root),
        context: inputs::context(settings, manifest.inventory.as_deref())
            .with_columns(manifest.ingest.columns),
        facts,
        dry_run: args.dry_run,
        now: now(),
    };
    let Found { inputs, mut problems, links } = find_inputs(&args.files, settings);
    let console = &settings.console;
    if inputs.is_empty() && problems.is_empty() {
        console.warning("there is no file in what was named: nothing is ingested");
    }
    let bar = progress_bar(console, &inputs);
    let mut tally = Tally::new(args.dry_run, links);
    let reading = Reading {
        store: &ingest.store,
        context: &ingest.context,
        limits: Limits::default(),
        tests: TESTS_AT_ONCE,
        bar: &bar,
    };
    for inputs in inputs.chunks(FILES_AT_ONCE) {
        let read: Vec<Vec<Read>> = inputs.par_iter().map(|input| reading.file(input)).collect();
        for (input, read) in inputs.iter().zip(read) {
            bar.suspend(|| {
                for read in read {
                    let Read { shown, outcome, is_named } = read;
                    let done = outcome.and_then(|done| ingest.keep(done, &shown, &bar));
                    tally.take(&shown, is_named && input.is_named, done, console, &mut problems);
                }
            });
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    if !args.ci
        && tally.has_nameless_runs
        && let Some(job) = environment::name()
    {
        console.hint(format!("this is a job of {job}: with `--ci` its run, commit and branch are filed too"));
    }
    for problem in &problems {
        console.failure(problem);
    }
    if let Some(summary) = tally.summary(console) {
        console.status("Finished", summary);
    }
    Ok(problems.iter().map(Failure::status).max().unwrap_or(ExitStatus::Success))
}

/// What is the same for every file.
struct Ingest {
    facts: Facts,
    store: Store,
    context: Context,
    dry_run: bool,
    now: Timestamp,
}

impl Ingest {
    /// Stores what was read.
    fn keep(&self, mut done: Done, shown: &str, bar: &ProgressBar) -> Result<Done, NotDone> {
        let failed = |error| NotDone::Failed(history_failure(&error));
        let Done::Read { contents, digest, content, name, handed_out } = &mut done else { return Ok(done) };
        self.complete(&mut contents.reports, digest, name).map_err(|problem| {
            let reason = format!("`{shown}` {problem}");
            NotDone::Broken { failure: Failure::bad_input(&reason), reason }
        })?;
        let is_hollow = |report: &Report| report.observations.is_empty() && report.jobs.is_empty();
        if contents.handed_out == 0 && contents.reports.iter().all(is_hollow) {
            return Ok(done.hollow());
        }
        if self.dry_run {
            // Of two equal files only the first would be stored.
            return Ok(done);
        }
        let source = name.rsplit('/').next().unwrap_or(name);
        if contents.handed_out > 0 {
            let kept =
                self.keep_huge(&contents.reports, digest, content, (contents.format, source), (shown, bar))?;
            debug_assert_eq!(kept, *handed_out, "the second reading finds what the first one found");
            return Ok(done);
        }
        let added = self.store.add(digest, contents.format, source, &contents.reports).map_err(failed)?;
        Ok(if added == Added::AlreadyThere { Done::AlreadyThere } else { done })
    }

    /// Stores a file that has more tests than are held in memory, as several files of the history. The last one to
    /// be stored bears the digest by which the whole is known, so that a crash leaves nothing that looks whole: a
    /// second ingest adds what is missing.
    fn keep_huge(
        &self,
        reports: &[Report],
        digest: &Digest,
        content: &crate::ingest::container::Content,
        (format, source): (crate::ingest::Format, &str),
        (shown, bar): (&str, &ProgressBar),
    ) -> Result<u64, NotDone> {
        let (mut number, mut kept, mut failure) = (0_u64, 0_u64, None);
        let mut waiting: Option<Batch> = None;
        let store = |digest: &Digest, batch: Batch| {
            let report = |(at, observations): (usize, Vec<Observation>)| {
                let run = reports.get(at).map(|report| report.run.clone()).unwrap_or_default();
                Report { run, observations, ..Report::default() }
            };
            let of_batch: Vec<Report> = batch.into_iter().map(report).collect();
            self.store.add(digest, format, source, &of_batch)
        };
        let mut take = |batch: &mut Batch| {
            kept += batch.iter().map(|(_, observations)| observations.len() as u64).sum::<u64>();
            if failure.is_none()
                && let Some(before) = waiting.replace(std::mem::take(batch))
            {
                number += 1;
                failure = store(&digest.of_part(number), before).err();
            }
        };
        let mut batches = Batches { size: TESTS_AT_ONCE, take: &mut take };
        let read = content.read(|input| {
            let input = Watched::new(input, bar);
            crate::ingest::read_stream(input, shown, &self.context, Some(&mut batches))
        });
        let failed = |error| NotDone::Failed(history_failure(&error));
        read.map_err(|error| reading::not_read(&error))?;
        if let Some(error) = failure {
            return Err(failed(error));
        }
        if let Some(last) = waiting {
            store(digest, last).map_err(failed)?;
        }
        Ok(kept)
    }

    /// Adds what the file does not say, and what makes a run a run where nobody says it.
    fn complete(&self, reports: &mut [Report], digest: &Digest, name: &str) -> Result<(), String> {
        let are_many = reports.len() > 1;
        let of_path = self.facts.of_path(name)?;
        for (number, report) in (1..).zip(reports) {
            self.facts.complete(&mut report.run, &of_path);
            report.run.at.get_or_insert(self.now);
            report.run.run.get_or_insert_with(|| {
                let digest = digest.short();
                if are_many { format!("{digest}.{number}") } else { digest.to_owned() }
            });
        }
        Ok(())
    }
}

/// What the manifest says about reading.
#[derive(Default)]
struct Manifest {
    ingest: IngestSettings,
    inventory: Option<String>,
}

/// Returns what the manifest says about reading, where there is one.
fn manifest(settings: &Settings) -> Result<Manifest, Failure> {
    let Some(path) = &settings.manifest else { return Ok(Manifest::default()) };
    let text = read_text(path)?;
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    match Config::parse(&text, &name) {
        Ok(config) => Ok(Manifest { ingest: config.ingest, inventory: config.project.inventory }),
        Err(error) => Err(config_failure(&error, &settings.console)),
    }
}

fn progress_bar(console: &Console, inputs: &[Input]) -> ProgressBar {
    let size = |input: &Input| {
        input.path.as_ref().and_then(|path| path.metadata().ok()).map_or(0, |file| file.len())
    };
    let is_long =
        inputs.len() >= FILES_WORTH_A_BAR || inputs.iter().map(size).sum::<u64>() >= BYTES_WORTH_A_BAR;
    if !console.shows_progress() || !is_long {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix:>12.cyan.bold} [{bar:27}] {pos}/{len}{msg}")
        .expect("the template is right")
        .progress_chars("=> ");
    ProgressBar::new(inputs.len() as u64).with_style(style).with_prefix("Reading")
}

#[expect(clippy::disallowed_methods, reason = "a report that does not say when it ran is filed under now")]
fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}
