//! `shardplan select --format json`, version 1.

use schemars::JsonSchema;
use serde::Serialize;

use crate::plan::Lock;
use crate::plan::select::{SelectedTest, Selection};

/// What a shard runs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "shardplan select, version 1")]
pub struct SelectV1 {
    version: u32,
    /// The identity of the lock.
    lock: String,
    shard: String,
    lane: String,
    services: Vec<String>,
    /// The selectors of the lock: files, classes and node ids.
    units: Vec<String>,
    /// The marker expression of the lane.
    markers: Option<String>,
    /// With `--against`: every test of the shard.
    tests: Option<Vec<String>>,
    /// With `--against`: those of them that the lock does not know.
    adopted: Option<Vec<String>>,
}

impl SelectV1 {
    /// Returns the machine format of a shard's selection.
    #[must_use]
    pub fn new(lock: &Lock, identity: String, shard: usize, selection: &Selection) -> Self {
        let locked = &lock.shards[shard];
        let lane = lock.lanes.iter().find(|lane| lane.name == locked.lane);
        let ids = |keep: fn(&SelectedTest) -> bool| match selection {
            Selection::Selectors { .. } => None,
            Selection::Tests(groups) => {
                let tests = groups.iter().flat_map(|group| &group.tests).filter(|test| keep(test));
                Some(tests.map(|test| test.id.as_str().to_owned()).collect())
            }
        };
        Self {
            version: 1,
            lock: identity,
            shard: locked.name.to_string(),
            lane: locked.lane.to_string(),
            services: locked.services.iter().map(ToString::to_string).collect(),
            units: locked.units.clone(),
            markers: lane.and_then(|lane| lane.markers.as_ref()).map(ToString::to_string),
            tests: ids(|_| true),
            adopted: ids(|test| !test.planned),
        }
    }
}
