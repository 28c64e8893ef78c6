//! One file takes longer than all other tests of its lane together.
//!
//! # What it checks
//!
//! The expected time of every file of a lane that moves files whole (`unit = "file"`), against that of the lane.
//!
//! # Why it matters
//!
//! No number of shards makes the lane shorter than its longest file.
//!
//! # Example
//!
//! `tests/test_migrations.py` takes 4m10s of the lane's 6m.
//!
//! # Remedy
//!
//! Split the file, or set `unit = "auto"` in the lane, so that shardplan divides it.

use std::collections::BTreeMap;

use crate::audit::context::{Context, item_id};
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::OUTSIZED_UNIT;
use crate::config::Granularity;
use crate::inventory::python::TestFunction;
use crate::time::Millis;

/// Shorter units are not worth a word.
const LEAST: f64 = 30_000.0;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if context.observed.tests.is_empty() {
        return findings;
    }
    for tests in context.lanes() {
        let lane = tests.lane;
        if lane.unit != Granularity::File {
            continue;
        }
        let mut by_file: BTreeMap<&str, (f64, &TestFunction)> = BTreeMap::new();
        for function in &tests.functions {
            for item in context.items(function) {
                if let Some(id) = item_id(function, item) {
                    by_file.entry(&function.file).or_insert((0.0, function)).0 +=
                        context.estimates.of(&id, &function.file).mean;
                }
            }
        }
        let total: f64 = by_file.values().map(|(time, _)| time).sum();
        for (file, (time, function)) in by_file {
            if time > LEAST && time > total / 2.0 && time < total {
                let message = format!(
                    "this file takes {} of the {} of lane `{}`: no split makes the lane shorter",
                    Millis::from_f64(time),
                    Millis::from_f64(total),
                    lane.name
                );
                findings.push(Finding::new(
                    &OUTSIZED_UNIT,
                    Spot::Source(function.place.clone()),
                    format!("{file} {}", lane.name),
                    message,
                ));
            }
        }
    }
    findings
}
