//! `shardplan init`: a commented manifest from what the repository says of itself.

use std::path::{Component, Path};

use crate::cli::args::InitArgs;
use crate::cli::audited::warn_of_unfollowed;
use crate::cli::console::{CommandResult, Console, Failure, chain, shown_path};
use crate::cli::exit_status::ExitStatus;
use crate::cli::files::{workflow_paths, write_whole};
use crate::cli::settings::{MANIFEST_NAME, Settings};
use crate::config::Config;
use crate::inventory::python::{self, PytestSettings};
use crate::workflow::github::WorkflowFile;
use crate::workflow::propose::{Proposal, Repository, propose, render};

/// Where pytest-split leaves the durations that it stored.
const DURATIONS: [&str; 4] =
    [".test_durations", ".test_durations.gz", "tests/.test_durations", "test/.test_durations"];

/// Configurations of other CI systems.
const OTHER_SYSTEMS: [&str; 9] = [
    ".circleci/config.yml",
    ".gitlab-ci.yml",
    ".buildkite/pipeline.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    ".travis.yml",
    ".cirrus.yml",
    ".woodpecker.yml",
    "Jenkinsfile",
];

/// The longest file that is looked into, in bytes.
const MOST_BYTES: u64 = 2 * 1024 * 1024;

pub(in crate::cli) fn run(args: &InitArgs, settings: &Settings) -> CommandResult {
    let console = &settings.console;
    let target = settings.located(MANIFEST_NAME.as_ref());
    if target.exists() && !args.force && !args.dry_run {
        return Err(Failure::bad_input(format!("`{}` is there already", shown_path(&target)))
            .with_hint("`--force` writes it anew, `--dry-run` only prints what would be written"));
    }
    let root = &settings.directory;
    let (files, only) = workflow_files(args, root, console)?;
    let pytest = PytestSettings::of_folder(root, "").unwrap_or_default();
    let read = |path: &str| read_inside(root, path);
    let repository = Repository {
        markers: pytest.markers.into_iter().map(|marker| marker.name).collect(),
        options: pytest.addopts,
        test_files: python::test_files(root),
        other_systems: OTHER_SYSTEMS
            .iter()
            .filter(|path| root.join(path).is_file())
            .map(|path| (*path).to_owned())
            .collect(),
        read: &read,
    };
    let mut proposal = propose(&files, &repository, only);
    let config = read_back(&render(&proposal))?;
    let busy = console.busy("Reading", "the sources");
    let sources = python::read(root, python::sought_services(&config, true));
    drop(busy);
    warn_of_unfollowed(&sources, settings);
    let mut known = sources.needed_services();
    known.extend(config.services.iter().map(|service| service.name.clone()));
    let inventory = sources.inventory(&Config::without_manifest(&known));
    proposal.add_needed(&inventory);
    proposal.learn(&inventory);
    let text = render(&proposal);
    read_back(&text)?;
    if args.dry_run {
        console.data(&text)?;
        return Ok(ExitStatus::Success);
    }
    write_whole(&target, &text)?;
    console.screen(&told(&proposal))?;
    console.status("Wrote", shown_path(&target));
    match DURATIONS.iter().find(|name| root.join(name).is_file()) {
        Some(name) => console.hint(format!(
            "`shardplan ingest {name}` reads the durations that are here; `shardplan suggest` plans with them"
        )),
        None => {
            console.hint("`shardplan suggest` plans with it; `shardplan ingest FILE…` gives it durations");
        }
    }
    Ok(ExitStatus::Success)
}

/// Returns a proposed manifest as it is read: what is written is read back before anybody else has to.
fn read_back(text: &str) -> Result<Config, Failure> {
    Config::parse(text, MANIFEST_NAME).map_err(|error| {
        let problems: Vec<&str> = error.problems.iter().map(|problem| problem.message.as_str()).collect();
        Failure::new(
            ExitStatus::Internal,
            format!("the proposed manifest is not valid: {}", problems.join("; ")),
        )
        .with_hint("this is a fault of shardplan: please report it with the workflow file")
    })
}

/// Returns the workflow files that can be read, and which of them the user named.
fn workflow_files(
    args: &InitArgs,
    root: &Path,
    console: &Console,
) -> Result<(Vec<WorkflowFile>, Option<usize>), Failure> {
    let mut names = workflow_paths(root);
    if let Some(named) = &args.workflow {
        let wanted = named.to_string_lossy().trim_start_matches("./").to_owned();
        if !names.contains(&wanted) {
            names.push(wanted);
        }
    }
    let mut files = Vec::new();
    let mut only = None;
    for name in names {
        let wanted = args
            .workflow
            .as_ref()
            .is_some_and(|named| named.to_string_lossy().trim_start_matches("./") == name);
        let parsed = match read_inside(root, &name) {
            Some(text) => WorkflowFile::parse(&text, &name).map_err(|error| chain(&error)),
            None => Err(format!("could not read `{name}`")),
        };
        match parsed {
            Ok(file) => {
                if wanted {
                    only = Some(files.len());
                }
                files.push(file);
            }
            Err(message) if wanted => return Err(Failure::bad_input(message)),
            Err(message) => console.warning(format!("{message}; it is left out")),
        }
    }
    Ok((files, only))
}

/// Returns the text of a file of the repository; nothing for one outside it, a folder, or one too long.
fn read_inside(root: &Path, path: &str) -> Option<String> {
    let inside =
        Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside {
        return None;
    }
    let path = root.join(path);
    let metadata = std::fs::metadata(&path).ok()?;
    if !metadata.is_file() || metadata.len() > MOST_BYTES {
        return None;
    }
    String::from_utf8(std::fs::read(path).ok()?).ok()
}

/// Returns what was understood, guessed and is missing, for the user to read.
fn told(proposal: &Proposal) -> String {
    let mut text = String::new();
    let parts =
        [("Understood", &proposal.understood), ("Guessed", &proposal.guessed), ("Missing", &proposal.needed)];
    for (title, lines) in parts {
        if !lines.is_empty() {
            text.extend([title, "\n"]);
            for line in lines {
                text.extend(["  · ", line, "\n"]);
            }
        }
    }
    text
}
