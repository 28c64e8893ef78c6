//! The project that a planning command works on: its manifest, history, inventory and lock, read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::args::{InventoryArgs, LeewayArgs, LimitArgs};
use super::audited::inferred_inventory;
use super::commands::history::history_failure;
use super::console::{Console, Failure, chain, shown_path};
use super::diagnostics::{config_failure, plan_failure};
use super::files::read_text;
use super::settings::Settings;
use crate::config::{Budget, Config, Origin, Sourced};
use crate::estimate::{Estimates, Overheads, fit_overheads};
use crate::history::{self, Detail, Filter, Observed, Store, views};
use crate::ids::{LaneName, NodeId, Printable, WholeRunIx};
use crate::inventory::Inventory;
use crate::model::{Inputs, Leeway, Limits, Model};
use crate::plan::{self, Evaluation, Lock, Plan, PlanError};
use crate::report::plural;
use crate::time::Tolerance;
use crate::workflow::{self, JobTimes, github::WorkflowFile};

/// The name of the pinned plan, beside the manifest.
const LOCK_NAME: &str = "shardplan.lock";

/// Everything that planning starts from.
pub(crate) struct Project {
    pub(crate) config: Config,
    pub(crate) inventory: Inventory,
    pub(crate) estimates: Estimates,
    pub(crate) overheads: Overheads,
    pub(crate) lock_path: PathBuf,
    /// What was measured of the workflow's jobs, by name; of those that run a lane, by its name as well.
    pub(crate) job_times: BTreeMap<String, JobTimes>,
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
        // Only who paid for a set-up is asked of the phases.
        let has_setups = declared.as_ref().is_some_and(|config| !config.setups.is_empty());
        let detail = if has_setups { Detail::Everything } else { Detail::Times };
        let mut observed =
            history::load_detail(&store, &filter, detail).map_err(|error| history_failure(&error))?;
        let left_out = runs_left_out(&store, &filter, &observed)?;

        let named = match (&inventory.inventory, declared.as_ref().and_then(|c| c.project.inventory.as_ref()))
        {
            (Some(path), _) => Some(settings.located(path)),
            (None, Some(path)) => Some(settings.below_root(path.as_ref())),
            (None, None) => None,
        };
        let inventory = match named.as_deref() {
            Some(path) => {
                let inventory = read_inventory(path)?;
                say_what_the_inventory_lacks(&inventory, &observed, console);
                inventory
            }
            None => inferred_inventory(settings, declared.as_ref(), &observed)
                .unwrap_or_else(|| inventory_of_history(&observed, console)),
        };
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
                "{} and {} in {}{}",
                plural(inventory.tests.len(), "test"),
                plural(observed.whole_runs.len(), "run"),
                plural(config.lanes.len(), "lane"),
                if left_out.is_empty() { "" } else { "; runs of other branches are left out" },
            ),
        );
        let lock_path = settings.below_root(LOCK_NAME.as_ref());
        let mut notes = Vec::new();
        let mut job_times = BTreeMap::new();
        if let Some(file) = read_workflow(&config, settings)? {
            let pinned = pinned_shards(&lock_path);
            notes = workflow::complete(&mut config, &file, &observed.jobs, &pinned);
            job_times = times_of_jobs(&config, &file, &observed, &pinned);
        }
        if let Some(branch) = filter.branch.filter(|_| !left_out.is_empty()) {
            let message = format!(
                "`[history] branch` keeps runs of `{}` only: {left_out} left out",
                Printable(&branch)
            );
            if observed.whole_runs.is_empty() {
                console.warning(format!("no duration is known, for {message}"));
                console.hint("remove the key or name another branch; `shardplan history runs` lists the runs with their branches");
            } else {
                console.detail("Left out", message);
            }
        }
        let overheads = fit_overheads(&config, &observed);
        Ok(Self {
            estimates: Estimates::apart_from_setups(&config, &inventory, &mut observed),
            overheads,
            config,
            inventory,
            lock_path,
            job_times,
            notes,
        })
    }

    /// Returns the runs that the estimates rest on, read again: planning keeps no more of them than it needs.
    pub(crate) fn observed(&self, settings: &Settings) -> Result<Observed, Failure> {
        let filter = Filter { branch: self.config.history.branch.clone(), ..Filter::default() };
        let store = Store::of_project(&settings.root);
        history::load_detail(&store, &filter, Detail::Times).map_err(|error| history_failure(&error))
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

    /// Returns the plan that a command speaks of: the pinned one as it stands, however good it may be by now, where
    /// no limit was typed; else the best within the limits.
    pub(crate) fn planned(
        &mut self,
        args: &LimitArgs,
        settings: &Settings,
    ) -> Result<(Model, Plan), Failure> {
        let lock = self.lock()?;
        self.settle_slots(args, lock.as_ref());
        let inputs = self.inputs();
        match lock {
            Some(lock) if !args.any() => {
                let Evaluation { model, plan, faults } = plan::evaluate(inputs, &lock.limits, &lock)
                    .map_err(|error| plan_failure(&PlanError::Model(error)))?;
                if let Some(first) = faults.first() {
                    let all = plural(faults.len(), "fault");
                    settings.console.warning(format!("shardplan.lock has {all}: {first}"));
                    settings.console.hint("`shardplan suggest --write` writes it anew");
                }
                Ok((model, plan))
            }
            lock => {
                plan::suggest(inputs, &self.limits(args), lock.as_ref()).map_err(|error| plan_failure(&error))
            }
        }
    }

    /// Settles how many jobs run at once, before anything is planned: what was typed, what a pinned plan that is
    /// followed was made for, what the manifest says.
    pub(crate) fn settle_slots(&mut self, args: &LimitArgs, followed: Option<&Lock>) {
        if let Some(slots) = args.slots {
            self.config.budget.slots = Some(Sourced::new(slots, Origin::CommandLine("--slots")));
        } else if let Some(lock) = followed.filter(|_| !args.any()) {
            self.config.budget.slots.clone_from(&lock.slots);
        }
    }

    /// Returns the limits and the leeway of the pinned plan where there is one and nothing else was typed; else
    /// [`Self::limits`] and [`Self::leeway`].
    pub(crate) fn pinned(
        &self,
        limits: &LimitArgs,
        leeway: &LeewayArgs,
        lock: Option<&Lock>,
    ) -> (Limits, Leeway) {
        match lock {
            Some(lock) if !limits.any() && !leeway.any() => {
                (lock.limits.clone().or(&Budget::default()), lock.leeway.clone())
            }
            _ => (self.limits(limits), self.leeway(leeway)),
        }
    }

    /// Returns how much later a plan may end: the command line, then the manifest, then the default.
    pub(crate) fn leeway(&self, args: &LeewayArgs) -> Leeway {
        typed_leeway(args, &self.config.budget)
    }

    /// Returns the limits: the command line, then the manifest, then what today's jobs start.
    pub(crate) fn limits(&self, args: &LimitArgs) -> Limits {
        let mut limits = typed_limits(args).or(&self.config.budget);
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
            if today.inside.is_some() {
                continue;
            }
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

/// Returns the times of every job that was measured.
fn times_of_jobs(
    config: &Config,
    file: &WorkflowFile,
    observed: &Observed,
    pinned: &BTreeMap<String, LaneName>,
) -> BTreeMap<String, JobTimes> {
    let lanes = workflow::lane_jobs(config, file, pinned);
    let mut times = BTreeMap::new();
    for job in &file.jobs {
        let Some(measured) = workflow::times_of(job, &observed.jobs) else { continue };
        if let Some(lane) = lanes.get(job.id.as_str()) {
            times.entry(lane.to_string()).or_insert(measured);
        }
        times.insert(job.id.clone(), measured);
    }
    times
}

/// Returns the lane of every pinned shard; nothing where no readable plan is pinned.
fn pinned_shards(lock_path: &Path) -> BTreeMap<String, LaneName> {
    let lock = read_plan(lock_path).map(|lock| lock.shards).unwrap_or_default();
    lock.into_iter().map(|shard| (shard.name.to_string(), shard.lane)).collect()
}

/// Returns the limits of the command line.
pub(crate) fn typed_limits(args: &LimitArgs) -> Limits {
    let typed = |option: &'static str| Origin::CommandLine(option);
    Limits {
        containers: args.budget.map(|value| Sourced::new(value, typed("--budget"))),
        shards: args.max_shards.map(|value| Sourced::new(value, typed("--max-shards"))),
        minutes: args.max_minutes.map(|value| Sourced::new(value, typed("--max-minutes"))),
        target: args.target.map(|value| Sourced::new(value, typed("--target"))),
    }
}

/// Returns the leeway of the command line, with the manifest's where it says nothing.
pub(crate) fn typed_leeway(args: &LeewayArgs, budget: &Budget) -> Leeway {
    let typed = |value: Option<Tolerance>, option: &'static str| {
        value.map(|value| Sourced::new(value, Origin::CommandLine(option)))
    };
    Leeway::new(
        typed(args.tolerance, "--tolerance"),
        typed(args.cheapest_within, "--cheapest-within"),
        budget,
    )
}

/// Returns a plan in the form of a lock: the lock itself, or one made by hand.
pub(crate) fn read_plan(path: &Path) -> Result<Lock, Failure> {
    Lock::parse(&read_text(path)?, path).map_err(|error| Failure::bad_input(chain(&error)))
}

/// Returns the pinned plan that a run follows, which must be there, and its identity.
pub(crate) fn read_lock(named: Option<&Path>, settings: &Settings) -> Result<(Lock, LockText), Failure> {
    let path = named.map_or_else(|| settings.below_root(LOCK_NAME.as_ref()), |path| settings.located(path));
    if named.is_none() && !path.is_file() {
        return Err(Failure::bad_input("there is no shardplan.lock: no plan is pinned")
            .with_hint("`shardplan suggest --write` pins one"));
    }
    let text = read_text(&path)?;
    let lock = Lock::parse(&text, &path).map_err(|error| Failure::bad_input(chain(&error)))?;
    Ok((lock, LockText(text)))
}

/// The text of a lock, whose identity not every command asks for.
pub(crate) struct LockText(String);

impl LockText {
    /// Returns the identity that results bear.
    pub(crate) fn identity(&self) -> String {
        crate::plan::identity(&self.0)
    }
}

/// Returns what was collected.
pub(crate) fn read_collection(path: &Path, settings: &Settings) -> Result<Inventory, Failure> {
    read_inventory(&settings.located(path))
}

pub(crate) fn read_manifest(path: &Path, settings: &Settings) -> Result<Config, Failure> {
    let text = read_text(path)?;
    let name = path.file_name().map_or_else(|| shown_path(path), |name| name.to_string_lossy().into_owned());
    Config::parse(&text, &name).map_err(|error| config_failure(&error, &settings.console))
}

pub(crate) fn read_inventory(path: &Path) -> Result<Inventory, Failure> {
    let shown = shown_path(path);
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::bad_input(format!("could not read the inventory `{shown}`: {error}")))?;
    let name = path.file_name().map_or(shown, |name| name.to_string_lossy().into_owned());
    Inventory::parse(&bytes, &name).map_err(|error| {
        Failure::bad_input(chain(&error)).with_hint("docs/formats.md shows both forms, JSON and CSV")
    })
}

/// Returns the tests of the history without those that are gone, and says of how many it can't tell.
fn inventory_of_history(observed: &Observed, console: &Console) -> Inventory {
    let gone = views::gone(observed);
    if !gone.is_empty() {
        let (tests, were) = (plural(gone.len(), "test"), if gone.len() == 1 { "was" } else { "were" });
        console.warning(format!(
            "{tests} of the history {were} not in the latest full run of the lane and {were} left out: {}",
            examples(gone.iter().map(|&at| &observed.tests[at].test))
        ));
    }
    let latest = views::latest_runs(observed);
    let unseen = observed.tests.iter().enumerate().filter(|(at, test)| {
        let last = test.samples.last().map(|sample| &observed.runs[sample.run]);
        let missed_one = |last: &history::StoredRun| {
            let latest = latest[&last.facts.lane.as_ref()];
            last.whole < latest && views::is_named(observed, &observed.whole_runs[latest])
        };
        last.is_some_and(missed_one) && gone.binary_search(at).is_err()
    });
    let unseen: Vec<&NodeId> = unseen.map(|(_, test)| &test.test).collect();
    if !unseen.is_empty() {
        console.warning(format!(
            "{} of the history {} not in the latest run of the lane and planned all the same, for nobody says that run was a full one: {}",
            plural(unseen.len(), "test"),
            if unseen.len() == 1 { "was" } else { "were" },
            examples(unseen.into_iter())
        ));
        console.hint("an inventory says which tests there are; `shardplan ingest --extent full` says that a run had them all");
    }
    Inventory::from_history(observed, &gone)
}

/// Says which tests of the latest runs no plan will hold, because the inventory does not know them.
fn say_what_the_inventory_lacks(inventory: &Inventory, observed: &Observed, console: &Console) {
    let known: BTreeSet<&NodeId> = inventory.tests.iter().map(|test| &test.id).collect();
    let latest = views::latest_runs(observed);
    let lacking: Vec<&NodeId> = observed
        .tests
        .iter()
        .filter(|test| {
            let last = test.samples.last().map(|sample| &observed.runs[sample.run]);
            last.is_some_and(|last| last.whole == latest[&last.facts.lane.as_ref()])
                && !known.contains(&test.test)
        })
        .map(|test| &test.test)
        .collect();
    if !lacking.is_empty() {
        console.warning(format!(
            "{} of the latest run {} not in the inventory, and so not in the plan: {}",
            plural(lacking.len(), "test"),
            if lacking.len() == 1 { "is" } else { "are" },
            examples(lacking.into_iter())
        ));
        console.hint("make the inventory anew; a test that it lacks runs in no shard of this plan");
    }
}

/// Returns the first few of many names.
fn examples<'n>(names: impl ExactSizeIterator<Item = &'n NodeId>) -> String {
    const MOST: usize = 3;
    let more = names.len().saturating_sub(MOST);
    let mut text = names.take(MOST).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

/// Returns the runs that the branch of the manifest leaves out, in words by branch; nothing where it leaves out
/// none.
fn runs_left_out(store: &Store, filter: &Filter, observed: &Observed) -> Result<String, Failure> {
    if filter.branch.is_none() {
        return Ok(String::new());
    }
    let all = history::load_runs(store, &Filter::default()).map_err(|error| history_failure(&error))?;
    if all.whole_runs.len() == observed.whole_runs.len() {
        return Ok(String::new());
    }
    let mut by_branch: BTreeMap<Option<&str>, BTreeSet<WholeRunIx>> = BTreeMap::new();
    for run in all.runs.iter().filter(|run| run.facts.branch != filter.branch) {
        by_branch.entry(run.facts.branch.as_deref()).or_default().insert(run.whole);
    }
    let in_words = |(branch, runs): (Option<&str>, BTreeSet<WholeRunIx>)| match branch {
        Some(branch) => format!("{} of `{}`", plural(runs.len(), "run"), Printable(branch)),
        None => format!("{} of an unknown branch", plural(runs.len(), "run")),
    };
    Ok(by_branch.into_iter().map(in_words).collect::<Vec<_>>().join(", "))
}
