//! What an audit looks at, and the inventory that sources give where there is no better one.

use std::collections::BTreeSet;

use super::args::InventoryArgs;
use super::commands::history::history_failure;
use super::console::{Failure, chain};
use super::files::{read_text, workflow_paths};
use super::project::{read_inventory, read_manifest};
use super::settings::Settings;
use crate::audit::coverage::{self, CoverageSettings};
use crate::audit::{AuditedWorkflow, Context};
use crate::config::{Config, Origin};
use crate::estimate::Estimates;
use crate::history::{self, Filter, Observed, Store};
use crate::ids::Printable;
use crate::inventory::python::{self, PytestSettings, Sources};
use crate::inventory::{Evidence, Inventory};
use crate::report::plural;
use crate::workflow::github::WorkflowError;

/// What an audit looks at.
pub(crate) struct Audited {
    pub(crate) config: Config,
    pub(crate) sources: Sources,
    /// The inventory file, where there is one.
    pub(crate) inventory: Option<Inventory>,
    pub(crate) observed: Observed,
    pub(crate) estimates: Estimates,
    /// The manifest's name.
    pub(crate) manifest: String,
    pub(crate) workflows: Vec<AuditedWorkflow>,
    pub(crate) coverage: CoverageSettings,
    /// The files that are no sources and may have findings: the manifest, workflows, settings; names and texts.
    pub(crate) others: Vec<(String, String)>,
}

impl Audited {
    /// Returns it as the rules look at it.
    pub(crate) fn context<'p>(&'p self, settings: &Settings) -> Context<'p> {
        Context {
            config: &self.config,
            declared: settings.manifest.is_some(),
            manifest: &self.manifest,
            sources: &self.sources,
            inventory: self.inventory.as_ref(),
            observed: &self.observed,
            estimates: &self.estimates,
            workflows: &self.workflows,
            coverage: &self.coverage,
        }
    }

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
        let inventory = named.map(|path| read_inventory(&path)).transpose()?;
        let config = declared.unwrap_or_else(|| Config::without_manifest(&BTreeSet::new()));
        let busy = console.busy("Reading", "the sources");
        let sources = python::read(&settings.root, python::sought_services(&config, true));
        drop(busy);
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
        if sources.only_for_django > 0 {
            console.warning(format!(
                "pytest collects no file called `tests.py` by itself: {} here",
                match sources.only_for_django {
                    1 => "there is 1".to_owned(),
                    more => format!("there are {more}"),
                }
            ));
            console
                .hint("name it in `python_files` of pytest's configuration where Django's runner runs them");
        }
        if sources.roots.len() > 1 {
            console.status("Found", format!("several folders from which pytest runs: {}", roots(&sources)));
        }
        say_left_out(&sources, settings);
        let workflows = read_workflows(&config, settings)?;
        let known = coverage::FILES.iter().filter_map(|name| {
            Some((*name, std::fs::read_to_string(settings.below_root(name.as_ref())).ok()?))
        });
        let known: Vec<(&str, String)> = known.collect();
        let coverage = CoverageSettings::of_files(&known);
        let mut others: Vec<(String, String)> =
            workflows.iter().map(|workflow| (workflow.path.clone(), workflow.text.clone())).collect();
        others.extend(manifest_text.iter().map(|text| (manifest.clone(), text.clone())));
        others.extend(known.into_iter().map(|(name, text)| (name.to_owned(), text)));
        let by_dependency = sources.unfollowed.iter().filter(|found| found.by_dependency);
        let by_dependency: Vec<String> = by_dependency.map(|found| found.place.file.to_string()).collect();
        for file in sources.roots.iter().filter_map(|root| root.file.as_ref()).chain(&by_dependency) {
            if !others.iter().any(|(name, _)| name == file)
                && let Ok(text) = std::fs::read_to_string(settings.below_root(file.as_ref()))
            {
                others.push((file.clone(), text));
            }
        }
        Ok(Self {
            workflows,
            coverage,
            others,
            estimates: Estimates::from_history(&observed, config.history.half_life),
            observed,
            config,
            sources,
            inventory,
            manifest,
        })
    }
}

/// Says which folders pytest does not come to from here.
fn say_left_out(sources: &Sources, settings: &Settings) {
    const SHOWN: usize = 3;
    let Some((first, _)) = sources.left_out.first() else { return };
    let folder = |(folder, files): &(String, usize)| {
        format!("`{}` ({})", Printable(folder), plural(*files, "test file"))
    };
    let mut shown: Vec<String> = sources.left_out.iter().take(SHOWN).map(folder).collect();
    if let Some(more) = sources.left_out.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        shown.push(format!("{more} more"));
    }
    settings.console.status(
        "Left out",
        format!(
            "{}: pytest that is started here does not collect what is configured there; `shardplan audit -C {}` does",
            shown.join(", "),
            Printable(first)
        ),
    );
}

/// Returns the folders from which pytest runs, each with what configures it.
fn roots(sources: &Sources) -> String {
    let root = |root: &PytestSettings| match &root.file {
        Some(file) => format!("`{}`", Printable(file)),
        None if root.root.is_empty() => "the project's own, without a configuration".to_owned(),
        None => format!("`{}`, without a configuration", Printable(&root.root)),
    };
    sources.roots.iter().map(root).collect::<Vec<_>>().join("; ")
}

/// Returns the workflow files: the one that the manifest names, else those of `.github/workflows`.
fn read_workflows(config: &Config, settings: &Settings) -> Result<Vec<AuditedWorkflow>, Failure> {
    let paths =
        config.workflow.file.clone().map_or_else(|| workflow_paths(&settings.root), |named| vec![named]);
    let mut workflows = Vec::new();
    for path in paths {
        let text = read_text(&settings.below_root(path.as_ref()))?;
        let workflow = AuditedWorkflow::new(path, text, |path| settings.below_root(path.as_ref()).exists());
        match &workflow.parsed {
            Err(WorkflowError::DuplicateKey { .. }) | Ok(_) => {}
            Err(error) => settings.console.warning(format!("{}; no rule looks at this file", chain(error))),
        }
        workflows.push(workflow);
    }
    Ok(workflows)
}

/// Returns the inventory of the sources, with the tests that only the history knows where their file is no Python
/// that was read; nothing where the sources have no test.
pub(crate) fn inferred_inventory(
    settings: &Settings,
    declared: Option<&Config>,
    observed: &Observed,
) -> Option<Inventory> {
    let nothing = Config::without_manifest(&BTreeSet::new());
    let services = python::sought_services(declared.unwrap_or(&nothing), declared.is_none());
    let busy = settings.console.busy("Reading", "the sources");
    let sources = python::read(&settings.root, services);
    drop(busy);
    let joined = with_sources(
        &Inventory::from_history(observed, &crate::history::views::gone(observed)),
        &sources,
        declared,
    );
    if let Some(inventory) = &joined {
        report_sources(inventory, &sources, settings);
    }
    joined
}

fn with_sources(from_history: &Inventory, sources: &Sources, declared: Option<&Config>) -> Option<Inventory> {
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
    for test in &from_history.tests {
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
    for test in &inventory.tests {
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
    warn_of_unfollowed(sources, settings);
}

/// Warns of services that the sources use and no test was seen to come to.
pub(crate) fn warn_of_unfollowed(sources: &Sources, settings: &Settings) {
    const SHOWN: usize = 3;
    let console = &settings.console;
    for found in sources.unfollowed.iter().take(SHOWN) {
        console.warning(format!("{}: {}", found.place, found.said()));
    }
    if let Some(more) = sources.unfollowed.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        console.warning(format!("{} like these", plural(more, "further place")));
    }
    if sources.more_methods {
        console.warning(
            "so many methods are inherited that not all were followed for the classes that inherit them: what tests need \
             through them may be missing",
        );
    }
    if !sources.unfollowed.is_empty() {
        console.hint("`shardplan audit --explain SP306` says what to do");
    }
}

/// Returns how a need is known, and where, as one word of a table.
fn told(evidence: Evidence, origin: &Origin) -> String {
    let place = origin.to_string();
    if place.contains(char::is_whitespace) {
        evidence.as_str().to_owned()
    } else {
        format!("{}:{place}", evidence.as_str())
    }
}

/// Returns the inventory of the sources as a table.
pub(crate) fn source_inventory_csv(sources: &Sources, config: &Config) -> String {
    let mut names = sources.needed_services();
    names.extend(config.services.iter().map(|service| service.name.clone()));
    let all = Config::without_manifest(&names);
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    // Writing to memory can not fail.
    let _ = writer.write_record(["test", "file", "markers", "fixtures", "needs", "evidence"]);
    for test in &sources.inventory(&all).tests {
        let join = |words: Vec<String>| words.join(" ");
        let _ = writer.write_record([
            test.id.as_str(),
            &test.file,
            &join(test.markers.iter().map(ToString::to_string).collect()),
            &join(test.fixtures.clone()),
            &join(test.needs.iter().map(|need| need.service.to_string()).collect()),
            &join(test.needs.iter().map(|need| told(need.evidence, &need.origin)).collect()),
        ]);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}
