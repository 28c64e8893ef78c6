//! `shardplan graph`: the constraint graph or the job graph as DOT.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::args::{GraphArgs, GraphKindArg};
use crate::cli::console::{CommandResult, Failure};
use crate::cli::diagnostics::plan_failure;
use crate::cli::exit_status::ExitStatus;
use crate::cli::project::Project;
use crate::cli::settings::Settings;
use crate::ids::Printable;
use crate::model::{Limits, Model};
use crate::plan::{self, Plan, PlanError};
use crate::report::{self, plural};
use crate::workflow::JobTimes;

pub(in crate::cli) fn run(args: &GraphArgs, settings: &Settings) -> CommandResult {
    let project = Project::load(settings, &args.inventory)?;
    let model = crate::model::build(project.inputs(), &BTreeSet::new())
        .map_err(|error| plan_failure(&PlanError::Model(error)))?;
    let text = match args.kind {
        _ if args.critical_path => critical_path(&project, &model)?,
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

/// Returns the drawing of when every job runs: by the pinned plan, else as today's jobs stand, else by the best
/// plan that keeps the manifest's limits.
fn critical_path(project: &Project, model: &Model) -> Result<String, Failure> {
    let inputs = project.inputs();
    let pinned = match project.lock()? {
        Some(lock) => {
            let evaluated = plan::evaluate(inputs, &lock.limits.clone(), &lock);
            Some(evaluated.map_err(|error| plan_failure(&PlanError::Model(error)))?)
        }
        None => None,
    };
    if let Some(evaluation) = pinned {
        return Ok(drawn(project, &evaluation.model, &evaluation.plan));
    }
    let plan = if let Some(today) = plan::today(inputs, model) {
        today
    } else {
        let limits = Limits::default().or(&project.config.budget);
        plan::suggest(inputs, &limits, None).map_err(|error| plan_failure(&error))?.1
    };
    Ok(drawn(project, model, &plan))
}

fn drawn(project: &Project, model: &Model, plan: &Plan) -> String {
    let mut parts = BTreeMap::new();
    for shard in &plan.shards {
        let times = &shard.times;
        parts.insert(
            shard.name.to_string(),
            format!(
                "set-up {}, containers {}, tests {}, after {}",
                times.base, times.boot, times.run, times.tail
            ),
        );
    }
    parts.extend(project.job_times.iter().map(|(job, times)| (job.clone(), parts_of(times))));
    report::critical_path(&plan.network(model), &parts)
}

fn parts_of(times: &JobTimes) -> String {
    format!(
        "queue {}, set-up {}, containers {}, longest step {}, after {} ({})",
        times.queue,
        times.setup,
        times.containers,
        times.tests,
        times.rest,
        plural(times.runs, "run"),
    )
}
