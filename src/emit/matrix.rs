//! `emit matrix`: the shards as JSON for a matrix that a job computes (`fromJSON`), on one line as an output of a
//! step must be.

use serde::Serialize;
use serde_json::Value;

use super::{EmitError, checked, lanes_of, runner_of};
use crate::config::Config;
use crate::ids::{LaneName, ServiceName};
use crate::plan::Lock;

/// GitHub decides the form: an object with `include`, a row for each job.
#[derive(Serialize)]
struct Matrix<'l> {
    include: Vec<Row<'l>>,
}

#[derive(Serialize)]
struct Row<'l> {
    lane: &'l str,
    /// Where the lane has a choice: what `runs-on` takes, a label or a list of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    runs_on: Option<Value>,
    services: Vec<&'l str>,
    shard: &'l str,
}

/// Returns the matrix of a lane, or of all.
pub fn matrix(config: &Config, lock: &Lock, lane: Option<&LaneName>) -> Result<String, EmitError> {
    checked(lock)?;
    let mut include = Vec::new();
    for (name, shards) in lanes_of(lock).into_iter().filter(|(name, _)| lane.is_none_or(|lane| *name == lane))
    {
        let runs_on = runner_of(config, &shards)?.map(|runner| match runner.runs_on.as_slice() {
            [label] => Value::from(label.as_str()),
            labels => Value::from(labels),
        });
        include.extend(shards.iter().map(|shard| Row {
            lane: name.as_str(),
            runs_on: runs_on.clone(),
            services: shard.services.iter().map(ServiceName::as_str).collect(),
            shard: shard.name.as_str(),
        }));
    }
    if include.is_empty() {
        return Err(EmitError::NothingToEmit);
    }
    let text = serde_json::to_string(&Matrix { include })
        .map_err(|error| EmitError::NotProven(error.to_string()))?;
    Ok(text + "\n")
}
