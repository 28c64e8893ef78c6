//! `emit matrix`: the shards as JSON for a matrix that a job computes (`fromJSON`), on one line as an output of a
//! step must be.

use serde::Serialize;

use super::{EmitError, checked};
use crate::ids::LaneName;
use crate::plan::Lock;

/// GitHub decides the form: an object with `include`, a row for each job.
#[derive(Serialize)]
struct Matrix<'l> {
    include: Vec<Row<'l>>,
}

#[derive(Serialize)]
struct Row<'l> {
    lane: &'l str,
    services: Vec<&'l str>,
    shard: &'l str,
}

/// Returns the matrix of a lane, or of all.
pub fn matrix(lock: &Lock, lane: Option<&LaneName>) -> Result<String, EmitError> {
    checked(lock)?;
    let shards = lock.shards.iter().filter(|shard| lane.is_none_or(|lane| shard.lane == *lane));
    let row = |shard: &'_ crate::plan::LockedShard| -> (String, String, Vec<String>) {
        let services = shard.services.iter().map(ToString::to_string).collect();
        (shard.lane.to_string(), shard.name.to_string(), services)
    };
    let rows: Vec<_> = shards.map(row).collect();
    if rows.is_empty() {
        return Err(EmitError::NothingToEmit);
    }
    let include = rows
        .iter()
        .map(|(lane, shard, services)| Row {
            lane,
            shard,
            services: services.iter().map(String::as_str).collect(),
        })
        .collect();
    let text = serde_json::to_string(&Matrix { include })
        .map_err(|error| EmitError::NotProven(error.to_string()))?;
    Ok(text + "\n")
}
