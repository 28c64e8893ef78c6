//! Which run a report belongs to: who may say it, and who counts first.
//!
//! The command line, then the path by a pattern of the manifest, then the file itself, then the environment.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::cli::args::IngestArgs;
use crate::cli::console::Failure;
use crate::cli::exit_status::ExitStatus;
use crate::config::{PathFact, PathPattern};
use crate::ids::{LaneName, Printable, ServiceName};
use crate::ingest::{Extent, RunFacts};
use crate::time::Timestamp;

/// Everything beside the files that says something about their runs.
pub(super) struct Facts {
    pub(super) stated: StatedFacts,
    pub(super) paths: Vec<PathPattern>,
    pub(super) environment: StatedFacts,
}

/// What someone says about a run.
#[derive(Clone, Default)]
pub(super) struct StatedFacts {
    pub(super) run: Option<String>,
    pub(super) attempt: Option<u32>,
    pub(super) commit: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) at: Option<Timestamp>,
    pub(super) lane: Option<LaneName>,
    pub(super) shard: Option<String>,
    pub(super) machine: Option<String>,
    pub(super) services: Option<Vec<ServiceName>>,
    pub(super) extent: Option<Extent>,
}

impl Facts {
    /// Returns what the first pattern that fits says of a path; an error where it says what can't be.
    pub(super) fn of_path(&self, name: &str) -> Result<StatedFacts, String> {
        let Some((pattern, facts)) =
            self.paths.iter().find_map(|pattern| Some((pattern, pattern.read(name)?)))
        else {
            return Ok(StatedFacts::default());
        };
        StatedFacts::of_path(&facts).map_err(|problem| format!("fits the pattern `{pattern}`, but {problem}"))
    }

    /// Adds to what the file says about its run.
    pub(super) fn complete(&self, run: &mut RunFacts, of_path: &StatedFacts) {
        self.environment.fill(run);
        of_path.override_in(run);
        self.stated.override_in(run);
        // A report that is cut is partial whatever is said about its run.
        if self.stated.extent.is_some_and(|extent| extent != Extent::Full || run.extent == Extent::Unknown) {
            run.extent = self.stated.extent.unwrap_or_default();
        }
    }
}

impl StatedFacts {
    /// Returns what the command line says.
    pub(super) fn new(args: &IngestArgs) -> Result<Self, Failure> {
        let usage = |option: &str, problem: &dyn Display| {
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
        let extent = args
            .extent
            .as_deref()
            .map(|extent| extent.parse().map_err(|error: String| usage("--extent", &error)));
        Ok(Self {
            run: args.run.clone(),
            attempt: args.attempt,
            commit: args.commit.clone(),
            branch: args.branch.clone(),
            at: at.transpose()?,
            lane: lane.transpose()?,
            shard: args.shard.clone(),
            machine: args.machine.clone(),
            services: services.transpose()?,
            extent: if args.partial { Some(Extent::Partial) } else { extent.transpose()? },
        })
    }

    fn of_path(facts: &BTreeMap<PathFact, String>) -> Result<Self, String> {
        let text = |fact| facts.get(&fact).cloned();
        let attempt = facts.get(&PathFact::Attempt).map(|attempt| {
            attempt.parse().map_err(|_| format!("`{}` is not the number of an attempt", Printable(attempt)))
        });
        let lane = facts.get(&PathFact::Lane).map(|lane| lane.parse().map_err(|error| format!("{error}")));
        Ok(Self {
            run: text(PathFact::Run),
            attempt: attempt.transpose()?,
            commit: text(PathFact::Commit),
            branch: text(PathFact::Branch),
            lane: lane.transpose()?,
            shard: text(PathFact::Shard),
            machine: text(PathFact::Machine),
            ..Self::default()
        })
    }

    /// Says what is known here, whatever the run says of itself.
    fn override_in(&self, run: &mut RunFacts) {
        self.state(run, |fact, stated| *fact = stated, |fact, stated| *fact = stated);
    }

    /// Says what is known here where the run says nothing.
    fn fill(&self, run: &mut RunFacts) {
        let is_other_run = run.run.is_some() && run.run != self.run;
        if is_other_run {
            // The environment knows its own run; a file of another one is none of its business.
            return;
        }
        let of_text = |fact: &mut Option<String>, stated: Option<String>| {
            if fact.is_none() {
                *fact = stated;
            }
        };
        self.state(run, of_text, |fact, stated| {
            if fact.is_none() {
                *fact = stated;
            }
        });
    }

    fn state(
        &self,
        run: &mut RunFacts,
        text: impl Fn(&mut Option<String>, Option<String>),
        number: impl Fn(&mut Option<u32>, Option<u32>),
    ) {
        for (fact, stated) in [
            (&mut run.run, &self.run),
            (&mut run.commit, &self.commit),
            (&mut run.branch, &self.branch),
            (&mut run.shard, &self.shard),
            (&mut run.machine, &self.machine),
        ] {
            if stated.is_some() {
                text(fact, stated.clone());
            }
        }
        if self.attempt.is_some() {
            number(&mut run.attempt, self.attempt);
        }
        // Only the command line and the path know these, and both override.
        run.at = self.at.or(run.at);
        run.lane = self.lane.clone().or(run.lane.take());
        run.services = self.services.clone().or(run.services.take());
    }
}
