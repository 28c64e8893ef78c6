//! `shardplan graph`: the constraint graph or the job graph as DOT.

use std::collections::BTreeSet;

use crate::cli::args::{GraphArgs, GraphKindArg};
use crate::cli::console::{CommandResult, Failure};
use crate::cli::diagnostics::plan_failure;
use crate::cli::exit_status::ExitStatus;
use crate::cli::project::Project;
use crate::cli::settings::Settings;
use crate::ids::Printable;
use crate::plan::PlanError;
use crate::report;

pub(in crate::cli) fn run(args: &GraphArgs, settings: &Settings) -> CommandResult {
    let project = Project::load(settings, &args.inventory)?;
    let model = crate::model::build(project.inputs(), &BTreeSet::new())
        .map_err(|error| plan_failure(&PlanError::Model(error)))?;
    let text = match args.kind {
        GraphKindArg::Needs => report::constraint_graph(&model, &project.inventory, args.around.as_deref())
            .ok_or_else(|| {
            let around = args.around.as_deref().unwrap_or_default();
            Failure::bad_input(format!("nothing in the graph has `{}` in its name", Printable(around)))
                .with_hint("tests without needs are not drawn; `shardplan explain NAME` knows every test")
        })?,
        GraphKindArg::Jobs => report::job_graph(&model),
    };
    settings.console.data(&text)?;
    Ok(ExitStatus::Success)
}
