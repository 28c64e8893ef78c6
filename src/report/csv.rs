//! For a spreadsheet: plain numbers, times in seconds.

use super::summary::{FrontierSummary, PlanSummary};
use crate::ids::ServiceName;
use crate::time::Millis;

/// Returns a plan's shards, a row each.
#[must_use]
pub fn plan(summary: &PlanSummary) -> String {
    let has_runners = summary.shards.iter().any(|shard| shard.runner.is_some());
    let mut columns = vec![
        "shard",
        "lane",
        "services",
        "tests",
        "units",
        "base_seconds",
        "boot_seconds",
        "run_seconds",
        "tail_seconds",
        "wall_seconds",
        "p90_seconds",
        "slack_seconds",
    ];
    if has_runners {
        columns.push("runner");
    }
    let rows = summary.shards.iter().map(|shard| {
        let services: Vec<&str> = shard.services.iter().map(ServiceName::as_str).collect();
        let mut row = vec![
            shard.name.clone(),
            shard.lane.clone(),
            services.join(" "),
            shard.tests.to_string(),
            shard.units.to_string(),
            seconds(shard.base),
            seconds(shard.boot),
            seconds(shard.run),
            seconds(shard.tail),
            seconds(shard.wall),
            seconds(shard.p90),
            seconds(shard.slack),
        ];
        if has_runners {
            row.push(shard.runner.as_ref().map(|runner| runner.name.clone()).unwrap_or_default());
        }
        row
    });
    written(&columns, rows)
}

/// Returns a frontier, a plan a row, today's jobs in the last where they are known.
#[must_use]
pub fn frontier(summary: &FrontierSummary) -> String {
    let columns = ["lanes", "containers", "shards", "billed_minutes", "end_seconds", "gap", "knee"];
    let points = summary.points.iter().map(|point| {
        vec![
            point.shape.clone(),
            point.containers.to_string(),
            point.shards.to_string(),
            point.minutes.to_string(),
            seconds(point.end),
            point.gap.to_string(),
            point.knee.to_string(),
        ]
    });
    let today = summary.today.iter().map(|today| {
        vec![
            today.name.clone(),
            today.containers.to_string(),
            today.shards.to_string(),
            today.minutes.to_string(),
            seconds(today.end),
            String::new(),
            String::new(),
        ]
    });
    written(&columns, points.chain(today))
}

fn seconds(time: Millis) -> String {
    time.as_secs_f64().to_string()
}

fn written(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let header = columns.iter().map(ToString::to_string).collect();
    for row in std::iter::once::<Vec<String>>(header).chain(rows) {
        writer.write_record(row).expect("memory takes what is written");
    }
    String::from_utf8(writer.into_inner().expect("memory takes what is written")).expect("texts are UTF-8")
}
