//! The project that a planning command works on: its manifest, history, inventory and lock, read.

use std::collections::BTreeSet;
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
use crate::inventory::Inventory;
use crate::inventory::python::{self, Sources};
use crate::model::{Inputs, Limits};
use crate::plan::Lock;
use crate::report::plural;

/// The name of the pinned plan, beside the manifest.
const LOCK_NAME: &str = "shardplan.lock";

/// Everything that planning starts from.
pub(crate) struct Project {
    pub(crate) config: Config,
    pub(crate) inventory: Inventory,
    pub(crate) estimates: Estimates,
    pub(crate) overheads: Overheads,
    pub(crate) lock_path: PathBuf,
}

impl Project {
    /// Reads the project, and says what was read.
    pub(crate) fn load(settings: &Settings, inventory: &InventoryArgs) -> Result<Self, Failure> {
        let console = &settings.console;
        let declared = match &settings.manifest {
            Some(path) => Some(read_manifest(path, settings)?),
            None => None,
        };
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
        let from_sources = named.is_none();
        let mut inventory = read_inventory(named.as_deref(), &observed)?;
        if from_sources {
            let known =
                declared.as_ref().map_or_else(|| Config::without_manifest(&BTreeSet::new()), Clone::clone);
            let sources = python::read(&settings.root, python::sought_services(&known, declared.is_none()));
            if let Some(joined) = with_sources(inventory.clone(), &sources, declared.as_ref()) {
                inventory = joined;
                report_sources(&inventory, &sources, settings);
            }
        }
        let config = declared.unwrap_or_else(|| {
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
        Ok(Self {
            estimates: Estimates::from_history(&observed, config.history.half_life),
            overheads: fit_overheads(&config, &observed),
            config,
            inventory,
            lock_path: settings.below_root(LOCK_NAME.as_ref()),
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

/// Returns a plan in the form of a lock: the lock itself, or one made by hand.
pub(crate) fn read_plan(path: &Path) -> Result<Lock, Failure> {
    Lock::parse(&read_text(path)?, path).map_err(|error| Failure::bad_input(chain(&error)))
}

fn read_manifest(path: &Path, settings: &Settings) -> Result<Config, Failure> {
    let text = read_text(path)?;
    let name = path.file_name().map_or_else(|| shown_path(path), |name| name.to_string_lossy().into_owned());
    Config::parse(&text, &name).map_err(|error| config_failure(&error, &settings.console))
}

/// What an audit looks at.
pub(crate) struct Audited {
    pub(crate) config: Config,
    pub(crate) sources: Sources,
    /// The inventory file, where there is one.
    pub(crate) inventory: Option<Inventory>,
    pub(crate) observed: Observed,
    pub(crate) estimates: Estimates,
    /// The manifest's name and text.
    pub(crate) manifest: String,
    pub(crate) manifest_text: Option<String>,
}

impl Audited {
    /// Reads the sources and whatever else is known of the project, and says what was read.
    pub(crate) fn load(settings: &Settings, inventory: &InventoryArgs) -> Result<Self, Failure> {
        let console = &settings.console;
        let declared = settings.manifest.as_ref().map(|path| read_manifest(path, settings)).transpose()?;
        let manifest_text = settings.manifest.as_ref().map(|path| read_text(path)).transpose()?;
        let manifest = settings
            .manifest
            .as_ref()
            .and_then(|path| path.file_name())
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let filter = Filter {
            branch: declared.as_ref().and_then(|config| config.history.branch.clone()),
            ..Filter::default()
        };
        let observed = history::load(&Store::of_project(&settings.root), &filter)
            .map_err(|error| history_failure(&error))?;
        let named = match (
            &inventory.inventory,
            declared.as_ref().and_then(|config| config.project.inventory.as_ref()),
        ) {
            (Some(path), _) => Some(settings.located(path)),
            (None, Some(path)) => Some(settings.below_root(path.as_ref())),
            (None, None) => None,
        };
        let inventory = named.map(|path| read_inventory(Some(&path), &observed)).transpose()?;
        let config = declared.unwrap_or_else(|| Config::without_manifest(&BTreeSet::new()));
        let sources = python::read(&settings.root, python::sought_services(&config, true));
        console.status(
            "Read",
            format!(
                "{} in {} and {} beside them",
                plural(sources.functions.len(), "test function"),
                plural(sources.test_files.len(), "file"),
                plural(sources.files.len() - sources.test_files.len(), "file")
            ),
        );
        if sources.functions.is_empty() {
            console.warning("no pytest test was found here");
        }
        Ok(Self {
            estimates: Estimates::from_history(&observed, config.history.half_life),
            observed,
            config,
            sources,
            inventory,
            manifest,
            manifest_text,
        })
    }
}

/// Returns the inventory of the sources, with the tests that only the history knows where their file is no Python
/// that was read; nothing where the sources have no test.
fn with_sources(from_history: Inventory, sources: &Sources, declared: Option<&Config>) -> Option<Inventory> {
    if sources.functions.is_empty() {
        return None;
    }
    let without = Config::without_manifest(&sources.needed_services());
    let inventory = sources.inventory(declared.unwrap_or(&without));
    // A history knows the ids of tests whose parameters only running tells: they stand for their function.
    let by_stem: std::collections::BTreeMap<&str, &crate::inventory::Test> =
        inventory.tests.iter().map(|test| (test.id.as_str(), test)).collect();
    let open: BTreeSet<&str> = sources
        .functions
        .iter()
        .filter(|function| function.items.is_none())
        .map(|function| function.id.as_str())
        .collect();
    let mut spelled: BTreeSet<String> = BTreeSet::new();
    let mut more = Vec::new();
    for test in from_history.tests.iter() {
        let id = test.id.as_str();
        let stem = id.find('[').map_or(id, |at| &id[..at]);
        if let (true, Some(known)) = (open.contains(stem), by_stem.get(stem)) {
            spelled.insert(stem.to_owned());
            more.push(crate::inventory::Test { id: test.id.clone(), ..(*known).clone() });
        } else if sources.file(&test.file).is_none() {
            more.push(test.clone());
        }
    }
    let kept = inventory.tests.iter().filter(|test| !spelled.contains(test.id.as_str())).cloned();
    Some(Inventory::from_tests(kept.chain(more).collect()))
}

/// Says how many tests rest on which strength of evidence.
fn report_sources(inventory: &Inventory, sources: &Sources, settings: &Settings) {
    let console = &settings.console;
    let mut counts: std::collections::BTreeMap<crate::inventory::Evidence, usize> =
        std::collections::BTreeMap::new();
    let mut none = 0;
    for test in inventory.tests.iter() {
        // A test is as sure as the weakest of its needs.
        match test.needs.iter().map(|need| need.evidence).max() {
            Some(evidence) => *counts.entry(evidence).or_default() += 1,
            None => none += 1,
        }
    }
    let mut parts: Vec<String> =
        counts.iter().map(|(evidence, count)| format!("{count} by {}", evidence.as_str())).collect();
    parts.push(format!("{none} without a need"));
    console.status(
        "Inferred",
        format!("what tests need from {}: {}", plural(sources.files.len(), "source"), parts.join(", ")),
    );
}

/// Returns the inventory of the sources as a table.
pub(crate) fn source_inventory_csv(sources: &Sources, config: &Config) -> String {
    let mut names = sources.needed_services();
    names.extend(config.services.iter().map(|service| service.name.clone()));
    let all = Config::without_manifest(&names);
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    // Writing to memory can not fail.
    let _ = writer.write_record(["test", "file", "markers", "fixtures", "needs", "evidence"]);
    for test in sources.inventory(&all).tests.iter() {
        let join = |words: Vec<String>| words.join(" ");
        let _ = writer.write_record([
            test.id.as_str(),
            &test.file,
            &join(test.markers.iter().map(ToString::to_string).collect()),
            &join(test.fixtures.clone()),
            &join(test.needs.iter().map(|need| need.service.to_string()).collect()),
            &join(
                test.needs.iter().map(|need| format!("{}:{}", need.evidence.as_str(), need.origin)).collect(),
            ),
        ]);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
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
