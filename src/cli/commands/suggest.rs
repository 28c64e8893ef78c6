//! `shardplan suggest`: the best lanes and shards within the limits.

use std::path::Path;

use crate::cli::args::{PlanFormatArg, SuggestArgs};
use crate::cli::console::{CommandResult, Failure, shown_path, stdout_width};
use crate::cli::diagnostics::plan_failure;
use crate::cli::exit_status::ExitStatus;
use crate::cli::files::write_whole;
use crate::cli::pictures::{self, Drawn};
use crate::cli::project::Project;
use crate::cli::saved_model;
use crate::cli::settings::Settings;
use crate::plan::{self, Lock, PlanError};
use crate::report::summary::PlanSummary;
use crate::report::{self, json_v1, plural};

/// How many further budgets are looked at.
const STEPS: usize = 3;

pub(in crate::cli) fn run(args: &SuggestArgs, settings: &Settings) -> CommandResult {
    let console = &settings.console;
    if let Some(path) = &args.from_model {
        return run_saved(args, &settings.located(path), settings);
    }
    let mut project = Project::load(settings, &args.inventory)?;
    let lock = match project.lock() {
        // Whoever writes the lock anew need not be able to read the old one.
        Err(failure) if args.write => {
            console.warning(failure.message());
            None
        }
        lock => lock?,
    };
    project.settle_slots(&args.limits, lock.as_ref().filter(|_| args.locked));
    let limits = if args.locked {
        project.pinned_limits(&args.limits, lock.as_ref())
    } else {
        project.limits(&args.limits)
    };
    let inputs = project.inputs();
    let (model, plan) =
        plan::suggest(inputs, &limits, lock.as_ref()).map_err(|error| plan_failure(&error))?;
    console.status(
        "Planned",
        format!("{} on {}, checked", plural(model.units.len(), "unit"), plural(plan.shards.len(), "shard")),
    );

    let further = plan::divided(inputs, &limits).map_err(|error| plan_failure(&PlanError::Model(error)))?;
    let mut summary = PlanSummary::new(&model, &plan)
        .with_notes(&model, &project.config, &project.estimates, &project.overheads)
        .with_steps(&further, &plan::steps(project.estimates.pace_deviation, &further, &plan, STEPS));
    summary.notes.extend(project.notes.iter().cloned());
    summary = pictures::compared(summary, &project, (&model, &limits), &args.compare, settings)?;
    show(args.format, &summary, settings)?;
    if args.pictures.wanted() {
        let frontier = super::tradeoff::of_project(&project, &args.limits)?;
        let drawn = Drawn { project: &project, model: &model, plan: &plan, summary, frontier };
        pictures::write(drawn, &args.pictures, &args.inventory, settings)?;
    }
    if let Some(path) = &args.save_model {
        let path = settings.located(path);
        saved_model::write(&path, &model, &limits)?;
        console.status("Saved", shown_path(&path));
    }

    let text = Lock::render(&project.config, &model, &plan);
    let changes = std::fs::read_to_string(&project.lock_path).ok().as_deref() != Some(&text);
    if args.locked && changes {
        let why = if lock.is_some() { "shardplan.lock is out of date" } else { "there is no shardplan.lock" };
        return Err(Failure::new(ExitStatus::LockOutOfDate, why)
            .with_hint("`shardplan suggest --write` writes it anew"));
    }
    if args.write && changes {
        write_whole(&project.lock_path, &text)?;
        console.status("Wrote", shown_path(&project.lock_path));
    } else if args.write {
        console.status("Fresh", shown_path(&project.lock_path));
    } else if !args.locked && args.format == PlanFormatArg::Text {
        console.hint("`--write` pins this plan in shardplan.lock; `shardplan explain NAME` says why something is where it is");
    }
    Ok(ExitStatus::Success)
}

/// Plans a saved problem.
fn run_saved(args: &SuggestArgs, path: &Path, settings: &Settings) -> CommandResult {
    let (model, limits) = saved_model::read(path, &args.limits)?;
    let (model, plan) = plan::suggest_for(model, &limits).map_err(|error| plan_failure(&error))?;
    settings.console.status(
        "Planned",
        format!("{} on {}, checked", plural(model.units.len(), "unit"), plural(plan.shards.len(), "shard")),
    );
    let steps = plan::steps(0.0, &model, &plan, STEPS);
    show(args.format, &PlanSummary::new(&model, &plan).with_steps(&model, &steps), settings)?;
    Ok(ExitStatus::Success)
}

fn show(format: PlanFormatArg, summary: &PlanSummary, settings: &Settings) -> Result<(), Failure> {
    match format {
        PlanFormatArg::Text => settings.console.data(&report::plan_text(summary, stdout_width())),
        PlanFormatArg::Markdown => {
            settings.console.data(&report::for_comment(report::plan_markdown(summary)))
        }
        PlanFormatArg::Csv => settings.console.data(&report::plan_csv(summary)),
        PlanFormatArg::Json => settings.console.data(&json_v1::to_string(&json_v1::SuggestV1::from(summary))),
    }
}
