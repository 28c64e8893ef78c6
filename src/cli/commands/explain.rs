//! `shardplan explain`: why a test, a shard, a service, a lane or a runner is where it is.

use crate::cli::args::{ExplainArgs, FormatArg};
use crate::cli::console::{CommandResult, Failure};
use crate::cli::exit_status::ExitStatus;
use crate::cli::project::Project;
use crate::cli::settings::Settings;
use crate::config::Unassigned;
use crate::report::explanation::{Known, explain, find};
use crate::report::{self, json_v1, plural};

pub(in crate::cli) fn run(args: &ExplainArgs, settings: &Settings) -> CommandResult {
    let mut project = Project::load(settings, &args.inventory)?;
    // One test can be explained whatever becomes of the others.
    let must_be_assigned = std::mem::replace(&mut project.config.project.unassigned, Unassigned::Ignore);
    let (model, plan) = project.planned(&args.limits, settings)?;
    if must_be_assigned == Unassigned::Fail && !model.notes.unassigned.is_empty() {
        let tests = plural(model.notes.unassigned.len(), "test");
        settings.console.warning(format!("no lane selects {tests}: `shardplan suggest` refuses to plan"));
        settings.console.hint("`shardplan audit --select SP201` names them");
    }
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
            Failure::bad_input(format!("no test, file, shard, service, lane or runner is called `{shown}`"));
        near.into_iter().fold(failure, |failure, near| failure.with_hint(format!("did you mean `{near}`?")))
    })?;
    let explanation = explain(known, subject);
    match args.format {
        FormatArg::Text => settings.console.screen(&report::explanation_text(&explanation))?,
        FormatArg::Markdown => {
            settings.console.data(&report::for_comment(report::explanation_markdown(&explanation)))?;
        }
        FormatArg::Json => {
            settings.console.data(&json_v1::to_string(&json_v1::ExplainV1::from(&explanation)))?;
        }
    }
    Ok(ExitStatus::Success)
}
