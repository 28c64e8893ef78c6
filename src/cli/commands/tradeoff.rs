//! `shardplan tradeoff`: what every further container, shard and minute buys.

use crate::cli::args::{FormatArg, TradeoffArgs};
use crate::cli::console::{CommandResult, stdout_width};
use crate::cli::diagnostics::plan_failure;
use crate::cli::exit_status::ExitStatus;
use crate::cli::project::Project;
use crate::cli::saved_model;
use crate::cli::settings::Settings;
use crate::config::Sourced;
use crate::model::Limits;
use crate::plan::{self, PlanError, check};
use crate::report::summary::FrontierSummary;
use crate::report::{self, json_v1};
use crate::solve::{frontier, solve};

pub(in crate::cli) fn run(args: &TradeoffArgs, settings: &Settings) -> CommandResult {
    // The frontier goes over the containers; the manifest's budget does not end it, the command line does.
    let free = |mut limits: Limits| {
        if args.limits.budget.is_none() {
            limits.containers = None;
        }
        limits
    };
    let (model, limits, today) = if let Some(path) = &args.from_model {
        let (model, limits) = saved_model::read(&settings.located(path), &args.limits)?;
        (model, free(limits), None)
    } else {
        let project = Project::load(settings, &args.inventory)?;
        let limits = free(project.limits(&args.limits));
        let inputs = project.inputs();
        let model = plan::divided(inputs, &limits).map_err(|error| plan_failure(&PlanError::Model(error)))?;
        let today = plan::today(inputs, &model);
        (model, limits, today)
    };
    let frontier = frontier(&model.problem, &limits);
    if frontier.points.is_empty() {
        let failed = solve(&model.problem, &limits, None);
        if let Err(conflict) = failed {
            return Err(plan_failure(&PlanError::Infeasible { conflict, model: Box::new(model) }));
        }
    }
    for point in &frontier.points {
        let origin = crate::config::Origin::Default;
        let limits = Limits {
            containers: Some(Sourced::new(point.containers, origin)),
            target: None,
            ..limits.clone()
        };
        let faults = check(&model.problem, &limits, &point.solution);
        if !faults.is_empty() {
            return Err(plan_failure(&PlanError::Wrong(faults)));
        }
    }
    let summary = FrontierSummary::new(&model, &frontier, today.as_ref());
    match args.format {
        FormatArg::Text => settings.console.data(&report::frontier_text(&summary, stdout_width()))?,
        FormatArg::Markdown => settings.console.data(&report::frontier_markdown(&summary))?,
        FormatArg::Json => {
            settings.console.data(&json_v1::to_string(&json_v1::TradeoffV1::from(&summary)))?;
        }
    }
    Ok(ExitStatus::Success)
}
