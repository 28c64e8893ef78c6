//! `shardplan audit`: what is wrong with marks, lanes and guards, before anything is sharded.

use std::collections::BTreeSet;
use std::mem::ManuallyDrop;

use crate::audit::fix::{self, RepairedFile, Repairs};
use crate::audit::output::{github, json_v1, markdown, sarif, text};
use crate::audit::{self, Audit, Baseline, Selection, registry};
use crate::cli::args::{AuditArgs, FindingsFormatArg};
use crate::cli::audited::{Audited, source_inventory_csv};
use crate::cli::console::{CommandResult, Failure, chain, shown_path};
use crate::cli::exit_status::ExitStatus;
use crate::cli::files::{read_text, write_whole, write_whole_bytes};
use crate::cli::settings::Settings;
use crate::report::{for_comment, plural};

/// How often repairs are made before what is left is somebody's own.
const ROUNDS: usize = 3;

pub(in crate::cli) fn run(args: &AuditArgs, settings: &Settings) -> CommandResult {
    let console = &settings.console;
    if let Some(name) = &args.explain {
        return explain(name, settings);
    }
    // Thousands of syntax trees are not taken apart one by one when the program is about to end.
    let mut project = ManuallyDrop::new(Audited::load(settings, &args.inventory)?);
    let selection = Selection::new(&args.select, &args.ignore, &project.config.audit).map_err(|error| {
        Failure::bad_input(chain(&error)).with_hint("`shardplan audit --explain all` lists the rules")
    })?;
    if let Some(path) = &args.write_inventory {
        let path = settings.located(path);
        write_whole(&path, source_inventory_csv(&project.sources, &project.config))?;
        console.status("Wrote", shown_path(&path));
    }
    let baseline_path =
        args.baseline.as_ref().map(|path| settings.located(path)).or_else(|| {
            project.config.audit.baseline.as_ref().map(|path| settings.below_root(path.as_ref()))
        });
    let baseline = match &baseline_path {
        Some(path) if !args.write_baseline => Baseline::parse(&read_text(path)?).map_err(|error| {
            Failure::bad_input(format!("{}: {error}", shown_path(path)))
                .with_hint("`--write-baseline` writes it anew")
        })?,
        _ => Baseline::default(),
    };
    let mut audit = audit::run(&project.context(settings), &selection, &baseline);
    if args.write_baseline {
        let Some(path) = &baseline_path else {
            return Err(Failure::new(ExitStatus::Usage, "`--write-baseline` needs a file")
                .with_hint("name it with `--baseline FILE`, or `baseline` in `[audit]`"));
        };
        let baseline = Baseline::of(&audit.findings);
        write_whole(path, baseline.render())?;
        console
            .status("Wrote", format!("{} to {}", plural(baseline.len(), "known finding"), shown_path(path)));
        return Ok(ExitStatus::Success);
    }
    if args.diff {
        let repairs = repairs(&audit, &BTreeSet::new(), settings);
        console.data(&repairs.files.iter().map(diff).collect::<String>())?;
        say_refused(&repairs, &mut BTreeSet::new(), settings);
        let nothing = repairs.files.is_empty() && repairs.refused.is_empty();
        return Ok(if nothing { ExitStatus::Success } else { ExitStatus::CheckFailed });
    }
    if args.fix {
        let (mut fixed, mut barred, mut said) = (0, BTreeSet::new(), BTreeSet::new());
        for _ in 0..ROUNDS {
            let repairs = repairs(&audit, &barred, settings);
            say_refused(&repairs, &mut said, settings);
            if repairs.files.is_empty() {
                break;
            }
            match write_all(&repairs.files, settings) {
                None => fixed += repairs.repaired,
                Some(path) => {
                    barred.insert(path);
                }
            }
            *project = Audited::load(settings, &args.inventory)?;
            audit = audit::run(&project.context(settings), &selection, &baseline);
        }
        console.status("Repaired", plural(fixed, "finding"));
    }
    match args.format {
        FindingsFormatArg::Text => {
            console.data(&text::render(
                &audit,
                &project.sources,
                &project.others,
                console.colors_stdout(),
            ))?;
        }
        FindingsFormatArg::Json => console.data(&json_v1::render(&audit))?,
        FindingsFormatArg::Sarif => console.data(&sarif::render(&audit))?,
        FindingsFormatArg::Markdown => console.data(&for_comment(markdown::render(&audit)))?,
        FindingsFormatArg::Github => {
            console.data(&github::render(&audit))?;
            console.status("Audited", text::summary(&audit).trim_end());
        }
    }
    Ok(if audit.findings.is_empty() { ExitStatus::Success } else { ExitStatus::CheckFailed })
}

fn explain(name: &str, settings: &Settings) -> CommandResult {
    if name == "all" {
        let lines = registry::RULES.iter().map(|rule| {
            format!("{}  {:<24} {:<8} {}\n", rule.code, rule.name, rule.severity, rule.summary())
        });
        settings.console.data(&lines.collect::<String>())?;
        return Ok(ExitStatus::Success);
    }
    let Some(rule) = registry::find(name) else {
        let error = name.parse::<registry::RuleName>().err().map_or_else(
            || format!("`{}` is no single rule", crate::ids::Printable(name)),
            |error| chain(&error),
        );
        return Err(Failure::new(ExitStatus::Usage, error)
            .with_hint("`shardplan audit --explain all` lists the rules"));
    };
    let head = format!("{} {} ({}, {} confidence)\n\n", rule.code, rule.name, rule.severity, rule.confidence);
    settings.console.data(&(head + &rule.explanation()))?;
    Ok(ExitStatus::Success)
}

/// Returns the repairs of what was found; the files of `barred` are not touched.
fn repairs(audit: &Audit, barred: &BTreeSet<String>, settings: &Settings) -> Repairs {
    let read =
        |path: &str| std::fs::read(settings.below_root(path.as_ref())).map_err(|error| error.to_string());
    fix::repairs(&audit.findings, barred, read)
}

fn diff(file: &RepairedFile) -> String {
    let (before, after) = (String::from_utf8_lossy(&file.before), String::from_utf8_lossy(&file.after));
    fix::unified(&file.path, &before, &after)
}

/// Writes repaired files, and returns the first that can not be written; those behind it are left as they were.
fn write_all(files: &[RepairedFile], settings: &Settings) -> Option<String> {
    for file in files {
        if let Err(failure) = write_whole_bytes(&settings.below_root(file.path.as_ref()), &file.after) {
            settings.console.warning(failure.message());
            return Some(file.path.clone());
        }
        settings.console.status("Fixed", crate::ids::Printable(&file.path));
    }
    None
}

/// Says once which files can not be repaired.
fn say_refused(repairs: &Repairs, said: &mut BTreeSet<String>, settings: &Settings) {
    let errors = repairs.refused.iter().map(|error| chain(error));
    let new: Vec<String> = errors.filter(|error| said.insert(error.clone())).collect();
    for error in &new {
        settings.console.warning(error);
    }
    if !new.is_empty() {
        let left = plural(repairs.left, "finding");
        settings
            .console
            .hint(format!("{left} that would change this are left as they are; all others are repaired"));
    }
}
