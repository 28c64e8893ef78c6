//! A first manifest from what a repository says of itself: its workflow files and its pytest settings.
//!
//! What is proposed is either read off a file or said to be a guess; `shardplan init` prints both.

mod lanes;
mod manifest;
mod started;
mod tasks;

use std::collections::{BTreeMap, BTreeSet};

use super::github::WorkflowFile;
use crate::ids::{LaneName, ServiceName};
use crate::inventory::{Evidence, Inventory};

pub use manifest::render;

/// What a repository says of its tests beside its workflows.
pub struct Repository<'r> {
    /// The markers that its pytest settings register.
    pub markers: Vec<String>,
    /// The options that its pytest settings add to every run.
    pub options: Vec<String>,
    /// The files that pytest would take for tests.
    pub test_files: Vec<String>,
    /// Configurations of other CI systems, which are not read.
    pub other_systems: Vec<String>,
    /// Reads a file of the repository, relative to its root with `/`; nothing where there is none.
    pub read: &'r dyn Fn(&str) -> Option<String>,
}

/// A manifest before it is written.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    /// The workflow file that it is about, with the index of the file in the list that was given.
    pub file: Option<(usize, String)>,
    /// The services, by name.
    pub services: Vec<ProposedService>,
    /// The lanes, in the order of the file.
    pub lanes: Vec<ProposedLane>,
    /// The job that combines coverage, by its id.
    pub gate: Option<String>,
    /// What was read off the files.
    pub understood: Vec<String>,
    /// What was guessed and should be looked at.
    pub guessed: Vec<String>,
    /// What only the user can add.
    pub needed: Vec<String>,
}

/// A service of the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedService {
    /// Its name.
    pub name: ServiceName,
    /// Its image, where no expression stands in it.
    pub image: Option<String>,
    /// Its ports and health options, for a comment.
    pub remark: String,
    /// Registered markers that seem to be about it.
    pub markers: Vec<String>,
    /// The tests that need it by what their sources say, and the files that these are in.
    pub needed_by: (usize, usize),
}

impl ProposedService {
    /// Returns whether anything tells which tests need it, so that not every shard has to start it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.markers.is_empty() || self.needed_by.0 > 0
    }
}

/// A lane of the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedLane {
    /// Its name.
    pub name: LaneName,
    /// The id of its job.
    pub job: String,
    /// The line of its job.
    pub line: usize,
    /// The places that it selects.
    pub paths: Vec<String>,
    /// The places that it leaves out.
    pub exclude: Vec<String>,
    /// The marker expression that it selects by.
    pub markers: Option<String>,
    /// `"auto"` or a number, where it has several.
    pub workers: Option<String>,
    /// The services that its job starts.
    pub services: Vec<ServiceName>,
    /// How many jobs share its tests today.
    pub shards: usize,
    /// How many times each of these runs, over the rest of its matrix.
    pub rows: usize,
    /// Another lane that selects some of the same tests, by name: this one is then only a comment.
    pub repeats: Option<LaneName>,
}

impl ProposedLane {
    /// Returns how many shards it may have where every shard runs for each row of a matrix: as many jobs as a free
    /// organisation runs at once, and one step further than today where that is exceeded already.
    #[must_use]
    pub fn most_shards(&self) -> usize {
        const RUNNERS: usize = 20;
        (RUNNERS / self.rows.max(1)).max(self.shards + 1)
    }
}

impl Proposal {
    /// Adds the services that the sources of the tests need and that no job starts: started by a step, by hand, or not at
    /// all. A plan without them would start nothing for tests that need something.
    pub fn add_needed(&mut self, inventory: &Inventory) {
        let mut needed: BTreeMap<&ServiceName, usize> = BTreeMap::new();
        for test in &inventory.tests {
            for need in test.needs.iter().filter(|need| need.evidence < Evidence::Variable) {
                *needed.entry(&need.service).or_default() += 1;
            }
        }
        for name in needed.into_keys() {
            if self.services.iter().any(|service| service.name == *name) {
                continue;
            }
            self.needed.push(format!(
                "No job that was read starts `{name}`, which tests need by what their sources say: see that `[services.{name}]` tells its image, and how shards get it where a step starts it today."
            ));
            self.services.push(ProposedService {
                name: name.clone(),
                image: None,
                remark: "no job that was read starts it".to_owned(),
                markers: Vec::new(),
                needed_by: (0, 0),
            });
            // The tests pass today, so something starts it beside them.
            for lane in &mut self.lanes {
                lane.services.push(name.clone());
            }
        }
        self.services.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Takes in what the sources of the tests say about the services.
    pub fn learn(&mut self, inventory: &Inventory) {
        for service in &mut self.services {
            let needs =
                |test: &&crate::inventory::Test| test.needs.iter().any(|need| need.service == service.name);
            let tests: Vec<_> = inventory.tests.iter().filter(needs).collect();
            let files: BTreeSet<&str> = tests.iter().map(|test| test.file.as_str()).collect();
            service.needed_by = (tests.len(), files.len());
            if !tests.is_empty() {
                self.understood.push(format!(
                    "`{}` is needed by {} of {} tests ({} of their files), by what their sources say: `shardplan explain {}` shows why.",
                    service.name,
                    tests.len(),
                    inventory.tests.len(),
                    files.len(),
                    service.name
                ));
            } else if service.markers.is_empty() {
                self.guessed.push(format!(
                    "Nothing in the sources says which tests need `{}`: every shard of its lanes starts it.",
                    service.name
                ));
            }
        }
    }
}

/// Returns what the files propose. `only` is the file to take, where the user names one.
#[must_use]
pub fn propose(files: &[WorkflowFile], repository: &Repository<'_>, only: Option<usize>) -> Proposal {
    let mut proposal = Proposal::default();
    let scored = files.iter().enumerate().map(|(at, file)| (lanes::score(file, repository), at));
    let best =
        scored.filter(|(score, _)| *score > 0).max_by_key(|(score, at)| (*score, std::cmp::Reverse(*at)));
    let Some(at) = only.or(best.map(|(_, at)| at)) else {
        proposal.needed.extend(lanes::nothing_found(files, repository));
        return proposal;
    };
    let file = &files[at];
    proposal.file = Some((at, file.path.clone()));
    let jobs = if file.jobs.len() == 1 { "job" } else { "jobs" };
    proposal.understood.push(format!("{}: {} {jobs}", file.path, file.jobs.len()));
    lanes::add_services(&mut proposal, file, repository);
    lanes::add_lanes(&mut proposal, file, repository);
    lanes::add_gate(&mut proposal, file);
    for (other, file) in files.iter().enumerate().filter(|(other, _)| *other != at) {
        let score = lanes::score(file, repository);
        if score > 0 && files.get(other).is_some() {
            proposal.guessed.push(format!(
                "{} runs tests too; it is left as it is (`--workflow {}` takes it instead).",
                file.path, file.path
            ));
        }
    }
    for lines in [&mut proposal.understood, &mut proposal.guessed, &mut proposal.needed] {
        let mut said = BTreeSet::new();
        lines.retain(|line| said.insert(line.clone()));
    }
    proposal
}
