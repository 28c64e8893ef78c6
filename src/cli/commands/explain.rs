//! `shardplan explain`: why a test, a shard, a service or a lane is where it is.

use crate::cli::args::{ExplainArgs, FormatArg};
use crate::cli::console::{CommandResult, Failure};
use crate::cli::diagnostics::plan_failure;
use crate::cli::exit_status::ExitStatus;
use crate::cli::project::Project;
use crate::cli::settings::Settings;
use crate::plan::{self, Evaluation, PlanError};
use crate::report::explanation::{Known, explain, find};
use crate::report::{self, json_v1, plural};

pub(in crate::cli) fn run(args: &ExplainArgs, settings: &Settings) -> CommandResult {
    let mut project = Project::load(settings, &args.inventory)?;
    let lock = project.lock()?;
    project.settle_slots(&args.limits, lock.as_ref());
    let inputs = project.inputs();
    let (model, plan) = match lock {
        // What is pinned is explained as it stands, however good it may be by now.
        Some(lock) if !args.limits.any() => {
            let Evaluation { model, plan, faults } = plan::evaluate(inputs, &lock.limits, &lock)
                .map_err(|error| plan_failure(&PlanError::Model(error)))?;
            if let Some(first) = faults.first() {
                let all = plural(faults.len(), "fault");
                settings.console.warning(format!("shardplan.lock has {all}: {first}"));
                settings.console.hint("`shardplan suggest --write` writes it anew");
            }
            (model, plan)
        }
        lock => plan::suggest(inputs, &project.limits(&args.limits), lock.as_ref())
            .map_err(|error| plan_failure(&error))?,
    };
    let known = Known {
        config: &project.config,
        inventory: &project.inventory,
        estimates: &project.estimates,
        model: &model,
        plan: &plan,
    };
    let subject = find(known, &args.subject).map_err(|near| {
        let shown = crate::ids::Printable(&args.subject).to_string();
        let failure =
            Failure::bad_input(format!("no test, file, shard, service or lane is called `{shown}`"));
        near.into_iter().fold(failure, |failure, near| failure.with_hint(format!("did you mean `{near}`?")))
    })?;
    let explanation = explain(known, subject);
    match args.format {
        FormatArg::Text => settings.console.data(&report::explanation_text(&explanation))?,
        FormatArg::Markdown => {
            settings.console.data(&report::for_comment(report::explanation_markdown(&explanation)))?;
        }
        FormatArg::Json => {
            settings.console.data(&json_v1::to_string(&json_v1::ExplainV1::from(&explanation)))?;
        }
    }
    Ok(ExitStatus::Success)
}
