//! `shardplan emit`: the CI configuration for the pinned plan.

use std::path::PathBuf;

use crate::cli::args::{EmitArgs, StyleArg, TargetArg};
use crate::cli::console::{CommandResult, Failure, chain, shown_path};
use crate::cli::exit_status::ExitStatus;
use crate::cli::files::write_whole;
use crate::cli::project::{read_declared, read_plan, read_workflow};
use crate::cli::settings::Settings;
use crate::config::HalfLife;
use crate::emit::{self, EmitError, github::Style};
use crate::ids::{LaneName, Printable};

pub(in crate::cli) fn run(args: &EmitArgs, settings: &Settings) -> CommandResult {
    let console = &settings.console;
    let output = args
        .output
        .as_ref()
        .map(|path| if path.as_os_str() == "-" { path.clone() } else { settings.located(path) });
    if args.target == TargetArg::TestDurations {
        return test_durations(output, args, settings);
    }
    let config = read_declared(settings)?.ok_or_else(|| {
        Failure::bad_input("there is no shardplan.toml here or above")
            .with_hint("`shardplan init` writes a first one")
    })?;
    let lock_path = settings.below_root("shardplan.lock".as_ref());
    let lock = read_plan(&lock_path)
        .map_err(|failure| failure.with_hint("`shardplan suggest --write` pins a plan"))?;
    let file = read_workflow(&config, settings)?;
    if args.target == TargetArg::Github {
        let Some(file) = file else {
            return Err(Failure::bad_input("the manifest names no workflow file").with_hint(
                "write `file = \".github/workflows/ci.yml\"` in `[workflow]`; `emit make`, `gitlab`, `circleci`, `buildkite` and `matrix` need none",
            ));
        };
        let style = match args.style {
            StyleArg::Auto => Style::Auto,
            StyleArg::Matrix => Style::Matrix,
            StyleArg::Jobs => Style::Jobs,
        };
        let emitted = emit::github::emit(&config, &file, &lock, style).map_err(|error| failure(&error))?;
        let target = match output {
            Some(typed) => typed,
            None => settings.writable(file.path.as_ref())?,
        };
        let status = deliver(&emitted.text, Some(target), args, settings)?;
        for note in &emitted.notes {
            console.warning(note);
        }
        // A matrix may have hundreds of checks: some stand for all.
        if !emitted.vanished.is_empty() {
            let (are, they) = if emitted.vanished.len() == 1 {
                ("check", "is gone: where it is")
            } else {
                ("checks", "are gone: where they are")
            };
            console.warning(format!(
                "the {are} {} {they} required, nothing can be merged",
                some(&emitted.vanished)
            ));
            console.hint(format!(
                "new checks: {}; `shardplan gate` alone stands for all of them",
                some(&emitted.appeared)
            ));
        }
        return Ok(status);
    }
    let lane = match &args.lane {
        Some(name) => Some(name.parse::<LaneName>().map_err(|error| Failure::new(ExitStatus::Usage, error))?),
        None => None,
    };
    let text = match args.target {
        TargetArg::Matrix => emit::matrix(&config, &lock, lane.as_ref()),
        TargetArg::Make => emit::make(&lock),
        TargetArg::Gitlab => emit::gitlab(&config, &lock),
        TargetArg::Circleci => emit::circleci(&config, &lock),
        TargetArg::Buildkite => emit::buildkite(&config, &lock),
        TargetArg::Github | TargetArg::TestDurations => unreachable!("answered above"),
    };
    deliver(&text.map_err(|error| failure(&error))?, output, args, settings)
}

/// Returns the first of some names, and how many more there are.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{}`", Printable(name))).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Writes, prints or checks a text.
fn deliver(text: &str, target: Option<PathBuf>, args: &EmitArgs, settings: &Settings) -> CommandResult {
    let console = &settings.console;
    let Some(target) = target.filter(|target| target.as_os_str() != "-") else {
        if args.check {
            return Err(Failure::new(ExitStatus::Usage, "`--check` needs the file to check")
                .with_hint("name it with `--output FILE`"));
        }
        console.data(text)?;
        return Ok(ExitStatus::Success);
    };
    let shown = shown_path(&target);
    // A pipe has nothing to compare with, and reading it would wait for ever.
    let present = if target.is_file() { std::fs::read_to_string(&target).ok() } else { None };
    if present.as_deref() == Some(text) {
        console.status("Fresh", shown);
    } else if args.check {
        let line = present.as_deref().map_or(1, |present| {
            1 + present.lines().zip(text.lines()).take_while(|(present, text)| present == text).count()
        });
        return Err(Failure::new(
            ExitStatus::CheckFailed,
            format!("{shown}:{line}: this is not what the lock says"),
        )
        .with_hint(format!("`shardplan emit {}` writes it anew", args.target.word())));
    } else {
        write_whole(&target, text)?;
        console.status("Wrote", shown);
    }
    Ok(ExitStatus::Success)
}

/// Returns the durations as pytest-split reads them, from the history.
fn test_durations(output: Option<PathBuf>, args: &EmitArgs, settings: &Settings) -> CommandResult {
    let store = crate::history::Store::of_project(&settings.root);
    let mut bytes = Vec::new();
    let observed = crate::history::load(&store, &crate::history::Filter::default())
        .map_err(|error| super::history::history_failure(&error))?;
    let half_life =
        read_declared(settings)?.map_or_else(HalfLife::default, |config| config.history.half_life);
    let estimates = crate::estimate::Estimates::from_history(&observed, half_life);
    let expected = observed.tests.iter().map(|test| (&test.test, estimates.expected(test).as_secs_f64()));
    crate::history::export_test_durations(expected, &mut bytes).map_err(|error| {
        Failure::new(ExitStatus::Internal, format!("could not export the history: {error}"))
    })?;
    deliver(&String::from_utf8_lossy(&bytes), output, args, settings)
}

fn failure(error: &EmitError) -> Failure {
    let status =
        if matches!(error, EmitError::NotProven(_)) { ExitStatus::Internal } else { ExitStatus::BadInput };
    let failure = Failure::new(status, chain(error));
    match error.hint() {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}
