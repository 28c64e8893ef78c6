//! `shardplan simulate`: when the workflow ends, as a distribution over many runs.

use crate::cli::args::{FormatArg, SimulateArgs};
use crate::cli::console::{CommandResult, stdout_width};
use crate::cli::exit_status::ExitStatus;
use crate::cli::project::Project;
use crate::cli::settings::Settings;
use crate::plan;
use crate::report::{SimulationSummary, SimulationV1, for_comment, json_v1, plural};

/// How many runs are drawn: enough for the 99th of a hundred.
const RUNS: usize = 10_000;

pub(in crate::cli) fn run(args: &SimulateArgs, settings: &Settings) -> CommandResult {
    let mut project = Project::load(settings, &args.inventory)?;
    let (model, plan) = project.planned(&args.limits, settings)?;
    let shards: Vec<_> = plan.shards.iter().cloned().collect();
    let simulation = plan::simulate(&model, &shards, project.estimates.pace_deviation, RUNS);
    settings.console.status("Drew", format!("{} of {}", plural(RUNS, "run"), plural(shards.len(), "shard")));
    let summary = SimulationSummary::new(&model, &plan, &simulation, args.by);
    match args.format {
        FormatArg::Text => settings.console.screen(&summary.text(stdout_width()))?,
        FormatArg::Markdown => settings.console.data(&for_comment(summary.markdown()))?,
        FormatArg::Json => settings.console.data(&json_v1::to_string(&SimulationV1::from(&summary)))?,
    }
    Ok(ExitStatus::Success)
}
