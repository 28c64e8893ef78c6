//! The project that a planning command works on: its manifest, history, inventory and lock, read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::args::{InventoryArgs, LimitArgs};
use super::commands::history::history_failure;
use super::console::{Failure, chain, shown_path};
use super::diagnostics::config_failure;
use super::files::read_text;
use super::settings::Settings;
use crate::config::{Budget, Config, Origin, Sourced};
use crate::estimate::{Estimates, Overheads, fit_overheads};
use crate::history::{self, Filter, Observed, Store};
use crate::ids::LaneName;
use crate::inventory::Inventory;
use crate::model::{Inputs, Limits};
use crate::plan::Lock;
use crate::report::plural;
use crate::workflow::{self, github::WorkflowFile};

/// The name of the pinned plan, beside the manifest.
const LOCK_NAME: &str = "shardplan.lock";

/// Everything that planning starts from.
pub(crate) struct Project {
    pub(crate) config: Config,
    pub(crate) inventory: Inventory,
    pub(crate) estimates: Estimates,
    pub(crate) overheads: Overheads,
    pub(crate) lock_path: PathBuf,
    /// What the time of the workflow's jobs goes into, by name, where the history knows it.
    pub(crate) job_parts: BTreeMap<String, String>,
    /// What the user should know about how the project was read.
    pub(crate) notes: Vec<String>,
}

impl Project {
    /// Reads the project, and says what was read.
    pub(crate) fn load(settings: &Settings, inventory: &InventoryArgs) -> Result<Self, Failure> {
        let console = &settings.console;
        let declared = read_declared(settings)?;
        let filter = Filter {
            branch: declared.as_ref().and_then(|config| config.history.branch.clone()),
            ..Filter::default()
        };
        let store = Store::of_project(&settings.root);
        let observed = history::load(&store, &filter).map_err(|error| history_failure(&error))?;

        let named = match (&inventory.inventory, declared.as_ref().and_then(|c| c.project.inventory.as_ref()))
        {
            (Some(path), _) => Some(settings.located(path)),
            (None, Some(path)) => Some(settings.below_root(path.as_ref())),
            (None, None) => None,
        };
        let inventory = read_inventory(named.as_deref(), &observed)?;
        let mut config = declared.unwrap_or_else(|| {
            let needs = inventory.tests.iter().flat_map(|test| &test.needs);
            Config::without_manifest(&needs.map(|need| need.service.clone()).collect())
        });
        if settings.manifest.is_none() {
            console.warning("there is no shardplan.toml: all tests are taken as one lane, and only services that the inventory names are known");
        }
        console.status(
            "Read",
            format!(
                "{} and {} in {}",
                plural(inventory.tests.len(), "test"),
                plural(observed.runs.len(), "run"),
                plural(config.lanes.len(), "lane"),
            ),
        );
        let lock_path = settings.below_root(LOCK_NAME.as_ref());
        let mut notes = Vec::new();
        let mut job_parts = BTreeMap::new();
        if let Some(file) = read_workflow(&config, settings)? {
            notes = workflow::complete(&mut config, &file, &observed.jobs, &pinned_shards(&lock_path));
            job_parts = parts_of_jobs(&file, &observed);
        }
        Ok(Self {
            estimates: Estimates::from_history(&observed, config.history.half_life),
            overheads: fit_overheads(&config, &observed),
            config,
            inventory,
            lock_path,
            job_parts,
            notes,
        })
    }

    /// Returns the pinned plan, where there is one.
    pub(crate) fn lock(&self) -> Result<Option<Lock>, Failure> {
        if !self.lock_path.is_file() {
            return Ok(None);
        }
        let lock = read_plan(&self.lock_path);
        lock.map(Some).map_err(|failure| failure.with_hint("`shardplan suggest --write` writes it anew"))
    }

    /// Returns what the model is built from.
    pub(crate) fn inputs(&self) -> Inputs<'_> {
        Inputs {
            config: &self.config,
            inventory: &self.inventory,
            estimates: &self.estimates,
            overheads: &self.overheads,
        }
    }

    /// Returns the limits of the pinned plan where there is one and nothing else was typed; else [`Self::limits`].
    pub(crate) fn pinned_limits(&self, args: &LimitArgs, lock: Option<&Lock>) -> Limits {
        match lock {
            Some(lock) if !args.any() => lock.limits.clone().or(&Budget::default()),
            _ => self.limits(args),
        }
    }

    /// Returns the limits: the command line, then the manifest, then what today's jobs start.
    pub(crate) fn limits(&self, args: &LimitArgs) -> Limits {
        let typed = |option: &'static str| Origin::CommandLine(option);
        let limits = Limits {
            containers: args.budget.map(|value| Sourced::new(value, typed("--budget"))),
            shards: args.max_shards.map(|value| Sourced::new(value, typed("--max-shards"))),
            minutes: args.max_minutes.map(|value| Sourced::new(value, typed("--max-minutes"))),
            target: args.target.map(|value| Sourced::new(value, typed("--target"))),
        };
        let mut limits = limits.or(&self.config.budget);
        if limits.containers.is_none() && limits.target.is_none() {
            limits.containers = self.containers_today();
        }
        limits
    }

    /// Returns the containers that today's jobs start, where every lane says what it starts.
    fn containers_today(&self) -> Option<Sourced<u32>> {
        let mut total = 0;
        let mut origin = Origin::Default;
        for lane in &self.config.lanes {
            let today = lane.today.as_ref()?;
            let containers = today.services.iter().filter_map(|name| self.config.service(name));
            total += today.shards * containers.map(|service| service.containers).sum::<u32>();
            origin = today.origin.clone();
        }
        Some(Sourced::new(total, origin))
    }
}

/// Returns the manifest, where there is one.
pub(crate) fn read_declared(settings: &Settings) -> Result<Option<Config>, Failure> {
    settings.manifest.as_deref().map(|path| read_manifest(path, settings)).transpose()
}

/// Returns the workflow file that the manifest names.
pub(crate) fn read_workflow(config: &Config, settings: &Settings) -> Result<Option<WorkflowFile>, Failure> {
    let Some(name) = &config.workflow.file else { return Ok(None) };
    let text = read_text(&settings.below_root(name.as_ref()))
        .map_err(|failure| failure.with_hint("`file` in `[workflow]` names it, relative to the manifest"))?;
    let file = WorkflowFile::parse(&text, name).map_err(|error| Failure::bad_input(chain(&error)))?;
    Ok(Some(file))
}

/// Returns what the time of every job that was measured goes into.
fn parts_of_jobs(file: &WorkflowFile, observed: &Observed) -> BTreeMap<String, String> {
    let parts = file.jobs.iter().filter_map(|job| {
        let times = workflow::times_of(job, &observed.jobs)?;
        let parts = format!(
            "queue {}, set-up {}, containers {}, longest step {}, after {} ({})",
            times.queue,
            times.setup,
            times.containers,
            times.tests,
            times.rest,
            plural(times.runs, "run"),
        );
        Some((job.id.clone(), parts))
    });
    parts.collect()
}

/// Returns the lane of every pinned shard; nothing where no readable plan is pinned.
fn pinned_shards(lock_path: &Path) -> BTreeMap<String, LaneName> {
    let lock = read_plan(lock_path).map(|lock| lock.shards).unwrap_or_default();
    lock.into_iter().map(|shard| (shard.name.to_string(), shard.lane)).collect()
}

/// Returns a plan in the form of a lock: the lock itself, or one made by hand.
pub(crate) fn read_plan(path: &Path) -> Result<Lock, Failure> {
    Lock::parse(&read_text(path)?, path).map_err(|error| Failure::bad_input(chain(&error)))
}

fn read_manifest(path: &Path, settings: &Settings) -> Result<Config, Failure> {
    let text = read_text(path)?;
    let name = path.file_name().map_or_else(|| shown_path(path), |name| name.to_string_lossy().into_owned());
    Config::parse(&text, &name).map_err(|error| config_failure(&error, &settings.console))
}

fn read_inventory(path: Option<&Path>, observed: &Observed) -> Result<Inventory, Failure> {
    let Some(path) = path else { return Ok(Inventory::from_history(observed)) };
    let shown = shown_path(path);
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::bad_input(format!("could not read the inventory `{shown}`: {error}")))?;
    let name = path.file_name().map_or(shown, |name| name.to_string_lossy().into_owned());
    Inventory::parse(&bytes, &name).map_err(|error| {
        Failure::bad_input(chain(&error)).with_hint("docs/formats.md shows both forms, JSON and CSV")
    })
}
