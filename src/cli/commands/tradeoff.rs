//! `shardplan tradeoff`: what every further container, shard and minute buys.

use crate::cli::args::{LimitArgs, PlanFormatArg, TradeoffArgs};
use crate::cli::console::{CommandResult, Failure, stdout_width};
use crate::cli::diagnostics::plan_failure;
use crate::cli::exit_status::ExitStatus;
use crate::cli::pictures::{self, Drawn};
use crate::cli::project::Project;
use crate::cli::saved_model;
use crate::cli::settings::Settings;
use crate::config::{Origin, Sourced};
use crate::model::{Limits, Model};
use crate::plan::{self, Plan, PlanError, check};
use crate::report::summary::{FrontierSummary, PlanSummary};
use crate::report::{self, json_v1};
use crate::solve::{Frontier, frontier, solve};

pub(in crate::cli) fn run(args: &TradeoffArgs, settings: &Settings) -> CommandResult {
    if let Some(path) = &args.from_model {
        let (model, limits) = saved_model::read(&settings.located(path), &args.limits)?;
        let frontier = checked(&model, &free(limits, &args.limits))?;
        return show(args.format, &FrontierSummary::new(&model, &frontier, None), settings);
    }
    let mut project = Project::load(settings, &args.inventory)?;
    project.settle_slots(&args.limits, None);
    let busy = settings.console.busy("Planning", "every budget");
    let (model, limits) = divided(&project, &args.limits)?;
    let frontier = checked(&model, &limits)?;
    drop(busy);
    let today = plan::today(project.inputs(), &model);
    let summary = FrontierSummary::new(&model, &frontier, today.as_ref());
    let status = show(args.format, &summary, settings)?;
    if args.pictures.wanted() {
        let (model, plan) = best(&project, &chosen(&model, &frontier, &limits, &args.limits))?;
        let of_plan = PlanSummary::new(&model, &plan).with_notes(
            &model,
            &project.config,
            &project.estimates,
            &project.overheads,
        );
        let of_plan = pictures::compared(of_plan, &project, (&model, &limits), &args.compare, settings)?;
        let drawn =
            Drawn { project: &project, model: &model, plan: &plan, summary: of_plan, frontier: summary };
        pictures::write(drawn, &args.pictures, &args.inventory, settings)?;
    }
    Ok(status)
}

/// Returns the frontier of a project, as it is shown.
pub(super) fn of_project(project: &Project, typed: &LimitArgs) -> Result<FrontierSummary, Failure> {
    let (model, limits) = divided(project, typed)?;
    let today = plan::today(project.inputs(), &model);
    Ok(FrontierSummary::new(&model, &checked(&model, &limits)?, today.as_ref()))
}

/// Returns the model for many budgets, and what every plan must keep.
fn divided(project: &Project, typed: &LimitArgs) -> Result<(Model, Limits), Failure> {
    let limits = free(project.limits(typed), typed);
    let model =
        plan::divided(project.inputs(), &limits).map_err(|error| plan_failure(&PlanError::Model(error)))?;
    Ok((model, limits))
}

/// Frees the containers: the frontier goes over them. The manifest's budget does not end it, the command line does.
fn free(mut limits: Limits, typed: &LimitArgs) -> Limits {
    if typed.budget.is_none() {
        limits.containers = None;
    }
    limits
}

/// Returns the frontier, every plan of it checked.
fn checked(model: &Model, limits: &Limits) -> Result<Frontier, Failure> {
    let frontier = frontier(&model.problem, limits);
    if frontier.points.is_empty() {
        let failed = solve(&model.problem, limits);
        if let Err(conflict) = failed {
            return Err(plan_failure(&PlanError::Infeasible { conflict, model: Box::new(model.clone()) }));
        }
    }
    for point in &frontier.points {
        let limits = Limits {
            containers: Some(Sourced::new(point.containers, Origin::Default)),
            target: None,
            ..limits.clone()
        };
        let faults = check(&model.problem, &limits, &point.solution);
        if !faults.is_empty() {
            return Err(plan_failure(&PlanError::Wrong(faults)));
        }
    }
    Ok(frontier)
}

/// Returns the limits of the plan that is drawn: those that were typed, else those of the knee.
fn chosen(model: &Model, frontier: &Frontier, limits: &Limits, typed: &LimitArgs) -> Limits {
    let knee = frontier.knee.map(|at| &frontier.points[at].solution).filter(|_| !typed.any());
    let Some(knee) = knee else { return limits.clone() };
    let typed = |value: u32, option: &'static str| Some(Sourced::new(value, Origin::CommandLine(option)));
    // Without services there are only shards to choose; the advice says the same.
    if frontier.points.iter().any(|point| point.solution.containers != knee.containers) {
        Limits { containers: typed(knee.containers, "--budget"), ..limits.clone() }
    } else if frontier.points.iter().filter(|point| point.solution.shards.len() == knee.shards.len()).count()
        > 1
    {
        let minutes = model.problem.whole_minutes(knee.minutes);
        let minutes = Some(Sourced::new(minutes, Origin::CommandLine("--max-minutes")));
        Limits { minutes, ..limits.clone() }
    } else {
        let shards = u32::try_from(knee.shards.len()).unwrap_or(u32::MAX);
        Limits { shards: typed(shards, "--max-shards"), ..limits.clone() }
    }
}

fn best(project: &Project, limits: &Limits) -> Result<(Model, Plan), Failure> {
    // A lock that can not be read is for the commands to tell of that rest on it.
    let lock = project.lock().unwrap_or_default();
    plan::suggest(project.inputs(), limits, lock.as_ref()).map_err(|error| plan_failure(&error))
}

fn show(format: PlanFormatArg, summary: &FrontierSummary, settings: &Settings) -> CommandResult {
    match format {
        PlanFormatArg::Text => settings.console.screen(&report::frontier_text(summary, stdout_width()))?,
        PlanFormatArg::Markdown => {
            settings.console.data(&report::for_comment(report::frontier_markdown(summary)))?;
        }
        PlanFormatArg::Csv => settings.console.data(&report::frontier_csv(summary))?,
        PlanFormatArg::Json => {
            settings.console.data(&json_v1::to_string(&json_v1::TradeoffV1::from(summary)))?;
        }
    }
    Ok(ExitStatus::Success)
}
