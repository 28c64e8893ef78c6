//! What is said about each file, and about all of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::reading::{Done, NotDone};
use crate::cli::console::{Console, Failure, shown_path};
use crate::ids::Printable;
use crate::ingest::{Contents, Warning, WarningKind};
use crate::report::plural;
use crate::time::{Micros, Millis};

/// What came of all files, for the last line.
pub(super) struct Tally {
    /// What is said of a file that is new.
    verb: &'static str,
    /// Whether a report was filed under a run that its digest names.
    pub(super) has_nameless_runs: bool,
    ingested: usize,
    already_there: usize,
    hollow: usize,
    passed_over: usize,
    links: Vec<PathBuf>,
    warnings: u64,
}

impl Tally {
    pub(super) fn new(dry_run: bool, links: Vec<PathBuf>) -> Self {
        Self {
            verb: if dry_run { "Would ingest" } else { "Ingested" },
            has_nameless_runs: false,
            ingested: 0,
            already_there: 0,
            hollow: 0,
            passed_over: 0,
            links,
            warnings: 0,
        }
    }

    /// Takes what came of a file and says it.
    pub(super) fn take(
        &mut self,
        shown: &str,
        is_named: bool,
        done: Result<Done, NotDone>,
        console: &Console,
        problems: &mut Vec<Failure>,
    ) {
        match done {
            Ok(Done::Read { contents, digest, handed_out, .. }) => {
                self.ingested += 1;
                let is_nameless = |run: &Option<String>| {
                    run.as_deref().is_some_and(|run| run.split('.').next() == Some(digest.short()))
                };
                self.has_nameless_runs |= contents
                    .reports
                    .iter()
                    .any(|report| !report.observations.is_empty() && is_nameless(&report.run.run));
                console.status(self.verb, format_args!("{shown}: {}", describe(&contents, handed_out)));
                self.take_warnings(shown, &contents, console);
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
                self.take_warnings(shown, &contents, console);
            }
            Err(NotDone::NoReport { reason, .. }) if !is_named => {
                self.passed_over += 1;
                console.detail("Passed over", format_args!("{shown}: {reason}"));
            }
            Err(NotDone::Broken { reason, .. }) if !is_named => {
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
        let mut kinds: BTreeMap<WarningKind, (u64, Vec<&Warning>)> = BTreeMap::new();
        for (kind, number, warnings) in contents.reports.iter().flat_map(|report| report.warnings.by_kind()) {
            let (all, kept) = kinds.entry(kind).or_default();
            *all += number;
            kept.extend(warnings);
        }
        for (kind, (number, warnings)) in kinds {
            self.warnings += number;
            let Some(first) = warnings.first() else { continue };
            let mut message = format!("{shown}{}: {}", place(first), kind.describe());
            if !first.subject.is_empty() {
                let _ = write!(message, ": {}", Printable(&first.subject));
            }
            if number > 1 {
                let _ = write!(message, " (and {} more)", number - 1);
            }
            console.warning(message);
            for warning in &warnings[1..] {
                let subject = Printable(&warning.subject);
                let place = place(warning);
                console.detail("Warned", format_args!("{shown}{place}: {}: {subject}", kind.describe()));
            }
            let untold = number - warnings.len() as u64;
            if untold > 0 {
                console.detail("Warned", format_args!("{shown}: {}: {untold} more", kind.describe()));
            }
        }
    }

    /// Says what the folders held that is not followed, and returns the last line, where there is more to say than
    /// the lines before it did.
    pub(super) fn summary(&mut self, console: &Console) -> Option<String> {
        for link in &self.links {
            console.detail("Passed over", format_args!("{}: a symbolic link", shown_path(link)));
        }
        let parts = [
            (self.ingested, "ingested"),
            (self.already_there, "already in the history"),
            (self.hollow, "with nothing to keep"),
            (self.passed_over, "passed over"),
        ];
        let files: usize = parts.iter().map(|(number, _)| number).sum();
        if files < 2 && self.warnings == 0 && self.passed_over == 0 && self.links.is_empty() {
            return None;
        }
        let mut words: Vec<String> = parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{} {what}", plural(*number, "file")))
            .collect();
        if !self.links.is_empty() {
            words.push(format!("{} not followed", plural(self.links.len(), "symbolic link")));
        }
        if self.warnings > 0 {
            words.push(plural(usize::try_from(self.warnings).unwrap_or(usize::MAX), "warning"));
        }
        Some(words.join(", "))
    }
}

fn place(warning: &Warning) -> String {
    warning.line.map_or_else(String::new, |line| format!(":{line}"))
}

/// Returns what a file said, in a few words. `handed_out` tests were counted and not kept.
fn describe(contents: &Contents, handed_out: u64) -> String {
    let observations = || contents.reports.iter().flat_map(|report| &report.observations);
    let jobs: usize = contents.reports.iter().map(|report| report.jobs.len()).sum();
    let mut parts = Vec::new();
    let tests = observations().count() + usize::try_from(handed_out).unwrap_or(usize::MAX);
    if tests > 0 {
        parts.push(plural(tests, "test"));
        let runs = contents.reports.iter().filter(|report| !report.observations.is_empty()).count();
        if runs > 1 {
            parts.push(plural(runs, "run"));
        }
        if handed_out == 0 {
            let total: Micros = observations().map(|seen| seen.total).sum();
            parts.push(Millis::from_f64(total.as_millis_f64()).to_string());
        }
    }
    if jobs > 0 {
        parts.push(plural(jobs, "job"));
    }
    let untimed: usize = contents.reports.iter().map(|report| report.untimed.len()).sum();
    if untimed > 0 {
        parts.push(format!("{untimed} without a time"));
    }
    let framework = contents.reports.iter().find_map(|report| report.run.framework);
    match framework.map(crate::ingest::Framework::title) {
        Some(framework) if !contents.format.title().to_lowercase().contains(&framework.to_lowercase()) => {
            format!("{} ({}, {framework})", parts.join(", "), contents.format)
        }
        _ => format!("{} ({})", parts.join(", "), contents.format),
    }
}
