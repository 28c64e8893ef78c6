//! When every job of the workflow runs: the critical path, and what a change of one job would buy.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::Cell;
use schemars::JsonSchema;
use serde::Serialize;

use super::markdown;
use super::sentences::change;
use super::text::{table, trimmed};
use crate::time::Millis;
use crate::workflow::{Network, Schedule};

/// The jobs of a workflow in time.
#[derive(Clone, Debug)]
pub struct ScheduleSummary {
    /// When the workflow ends.
    pub end: Millis,
    /// When it ends without the changes that were asked for, and these in words; nothing where none was.
    pub changed: Option<(Millis, String)>,
    /// The jobs that decide the end, in order.
    pub critical: Vec<String>,
    /// All jobs in the order of their starts, equal ones by name.
    pub jobs: Vec<JobLine>,
}

/// A job in time.
#[derive(Clone, Debug)]
pub struct JobLine {
    /// Its name.
    pub name: String,
    /// When it starts, from the start of the workflow.
    pub start: Millis,
    /// How long it takes.
    pub takes: Millis,
    /// When it ends.
    pub end: Millis,
    /// How much longer it could take without the workflow ending later.
    pub slack: Millis,
    /// When the workflow would end if it took no time at all.
    pub end_without: Millis,
    /// What its time goes into, where that is known.
    pub parts: Option<String>,
}

impl ScheduleSummary {
    /// Returns the schedule of a network. `changes` are jobs with the time that they are to take instead; `parts` says of
    /// a job what its time goes into.
    #[must_use]
    pub fn new(network: &Network, changes: &[(String, Millis)], parts: &BTreeMap<String, String>) -> Self {
        let mut then = network.clone();
        for (name, takes) in changes {
            then = then.with(name, *takes);
        }
        let Schedule { jobs, end, critical } = then.schedule();
        let mut jobs: Vec<JobLine> = jobs
            .into_iter()
            .map(|job| JobLine {
                end_without: then.end_if(&job.name, Millis::ZERO),
                // What a changed job is made of is not known.
                parts: parts
                    .get(&job.name)
                    .filter(|_| changes.iter().all(|(name, _)| *name != job.name))
                    .cloned(),
                name: job.name,
                start: job.start,
                takes: job.takes,
                end: job.end,
                slack: job.slack,
            })
            .collect();
        jobs.sort_by(|a, b| a.start.cmp(&b.start).then_with(|| a.name.cmp(&b.name)));
        let words: Vec<String> = changes.iter().map(|(name, takes)| format!("{name} took {takes}")).collect();
        let now = (!changes.is_empty()).then(|| (network.schedule().end, words.join(" and ")));
        Self { end, changed: now, critical, jobs }
    }

    fn headline(&self) -> String {
        match &self.changed {
            None => format!("The workflow ends in {}.", self.end),
            Some((now, words)) => {
                format!(
                    "If {words}, the workflow would end in {} ({} against {now}).",
                    self.end,
                    change(*now, self.end)
                )
            }
        }
    }

    /// Returns what a job would save if it took no time; nothing where that is nothing.
    fn saved(&self, job: &JobLine) -> Option<Millis> {
        Some(self.end - job.end_without).filter(|saved| *saved > Millis::ZERO)
    }

    /// Returns the schedule for a terminal of this width.
    #[must_use]
    pub fn text(&self, width: Option<u16>) -> String {
        let mut text = format!("{}\n\n", self.headline());
        let headings = ["job", "starts", "takes", "ends", "slack", "without it"];
        let mut jobs = table(&headings, &[1, 2, 3, 4, 5], width);
        for job in &self.jobs {
            let saved = self.saved(job).map_or_else(|| "—".to_owned(), |_| change(self.end, job.end_without));
            let slack = if job.slack == Millis::ZERO { "—".to_owned() } else { job.slack.to_string() };
            jobs.add_row([
                Cell::new(&job.name),
                Cell::new(job.start),
                Cell::new(job.takes),
                Cell::new(job.end),
                Cell::new(slack),
                Cell::new(saved),
            ]);
        }
        let _ = writeln!(text, "{}\n", trimmed(&jobs));
        let _ = writeln!(text, "  Critical path  {}", self.critical.join(" → "));
        for job in self.jobs.iter().filter(|job| self.critical.contains(&job.name)) {
            if let Some(parts) = &job.parts {
                let _ = writeln!(text, "  {}: {parts}", job.name);
            }
        }
        text
    }

    /// Returns the schedule as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("### Critical path\n\n{}\n\n", markdown::escaped(&self.headline()));
        let rows = self.jobs.iter().map(|job| {
            vec![
                job.name.clone(),
                job.start.to_string(),
                job.takes.to_string(),
                job.end.to_string(),
                job.slack.to_string(),
                self.saved(job).map_or_else(|| "—".to_owned(), |_| change(self.end, job.end_without)),
            ]
        });
        markdown::table(&mut text, &["job", "starts:", "takes:", "ends:", "slack:", "without it:"], rows);
        let _ = writeln!(text, "\n**Critical path:** {}", markdown::escaped(&self.critical.join(" → ")));
        text
    }
}

/// `shardplan graph --critical-path --format json`, version 1. Times are whole milliseconds.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "shardplan graph --critical-path, version 1")]
pub struct ScheduleV1 {
    version: u32,
    end_ms: u64,
    /// With `--what-if`: when the workflow ends as it stands.
    end_now_ms: Option<u64>,
    critical_path: Vec<String>,
    jobs: Vec<JobV1>,
}

/// A job in time.
#[derive(Debug, Serialize, JsonSchema)]
struct JobV1 {
    name: String,
    start_ms: u64,
    takes_ms: u64,
    end_ms: u64,
    /// How much longer it could take without the workflow ending later.
    slack_ms: u64,
    /// When the workflow would end if it took no time at all.
    end_without_ms: u64,
    /// What its time goes into, where that is known.
    parts: Option<String>,
}

impl From<&ScheduleSummary> for ScheduleV1 {
    fn from(summary: &ScheduleSummary) -> Self {
        let jobs = summary.jobs.iter().map(|job| JobV1 {
            name: job.name.clone(),
            start_ms: job.start.0,
            takes_ms: job.takes.0,
            end_ms: job.end.0,
            slack_ms: job.slack.0,
            end_without_ms: job.end_without.0,
            parts: job.parts.clone(),
        });
        Self {
            version: 1,
            end_ms: summary.end.0,
            end_now_ms: summary.changed.as_ref().map(|(now, _)| now.0),
            critical_path: summary.critical.clone(),
            jobs: jobs.collect(),
        }
    }
}
