//! `shardplan graph`: the constraint graph or the job graph as DOT, and the critical path.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::args::{GraphArgs, GraphFormatArg, GraphKindArg};
use crate::cli::console::{CommandResult, Failure, chain, stdout_width};
use crate::cli::diagnostics::plan_failure;
use crate::cli::exit_status::ExitStatus;
use crate::cli::project::Project;
use crate::cli::settings::Settings;
use crate::config::nearest;
use crate::ids::Printable;
use crate::model::{Limits, Model};
use crate::plan::{self, Plan, PlanError};
use crate::report::{self, ScheduleSummary, ScheduleV1, json_v1, plural};
use crate::time::{Millis, ParseMillisError};
use crate::workflow::{JobTimes, Network};

pub(in crate::cli) fn run(args: &GraphArgs, settings: &Settings) -> CommandResult {
    let project = Project::load(settings, &args.inventory)?;
    let model = crate::model::build(project.inputs(), &BTreeSet::new())
        .map_err(|error| plan_failure(&PlanError::Model(error)))?;
    let text = match args.kind {
        _ if args.critical_path => critical_path(args, &project, &model)?,
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

/// Returns when every job runs: by the pinned plan, else as today's jobs stand, else by the best plan that keeps
/// the manifest's limits.
fn critical_path(args: &GraphArgs, project: &Project, model: &Model) -> Result<String, Failure> {
    let inputs = project.inputs();
    let (network, parts) = if let Some(lock) = project.lock()? {
        let evaluated = plan::evaluate(inputs, &lock.limits.clone(), &lock);
        let evaluated = evaluated.map_err(|error| plan_failure(&PlanError::Model(error)))?;
        (evaluated.plan.network(&evaluated.model), parts(project, &evaluated.plan))
    } else {
        let plan = if let Some(today) = plan::today(inputs, model) {
            today
        } else {
            let limits = Limits::default().or(&project.config.budget);
            plan::suggest(inputs, &limits, None).map_err(|error| plan_failure(&error))?.1
        };
        (plan.network(model), parts(project, &plan))
    };
    let changes = changes(&args.what_if, &network)?;
    let summary = || ScheduleSummary::new(&network, &changes, &parts);
    Ok(match args.format {
        GraphFormatArg::Dot => {
            let then =
                changes.iter().fold(network.clone(), |network, (job, takes)| network.with(job, *takes));
            report::critical_path(&then, &parts)
        }
        GraphFormatArg::Text => summary().text(stdout_width()),
        GraphFormatArg::Markdown => summary().markdown(),
        GraphFormatArg::Json => json_v1::to_string(&ScheduleV1::from(&summary())),
    })
}

/// Returns what the time of every job goes into, as far as that is known.
fn parts(project: &Project, plan: &Plan) -> BTreeMap<String, String> {
    let of_shards = plan.shards.iter().map(|shard| {
        let times = &shard.times;
        let parts = format!(
            "set-up {}, containers {}, tests {}, after {}",
            times.base, times.boot, times.run, times.tail
        );
        (shard.name.to_string(), parts)
    });
    let of_jobs = project.job_times.iter().map(|(job, times)| (job.clone(), parts_of(times)));
    of_shards.chain(of_jobs).collect()
}

/// Returns the jobs that are to take another time, with that time.
fn changes(what_if: &[String], network: &Network) -> Result<Vec<(String, Millis)>, Failure> {
    let usage = |message: String| Failure::new(ExitStatus::Usage, message);
    let change = |text: &String| {
        // A job's name may hold `=`; a time does not.
        let (job, takes) = text.rsplit_once('=').ok_or_else(|| {
            usage(format!("`{}` is not of the form JOB=TIME", Printable(text)))
                .with_hint("such as `--what-if lint=30s`")
        })?;
        let takes: Millis = takes.parse().map_err(|error: ParseMillisError| usage(chain(&error)))?;
        if !network.names().any(|name| name == job) {
            let near = nearest(job, network.names());
            let hint = match near {
                Some(near) => format!("did you mean `{}`?", Printable(near)),
                None => format!(
                    "the jobs are {}",
                    network
                        .names()
                        .map(|name| format!("`{}`", Printable(name)))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            };
            return Err(usage(format!("there is no job `{}`", Printable(job))).with_hint(hint));
        }
        Ok((job.to_owned(), takes))
    };
    what_if.iter().map(change).collect()
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
