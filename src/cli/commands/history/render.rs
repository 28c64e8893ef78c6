//! The overview of the history as text, JSON and Markdown. All figures come from [`Overview`].

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::history::{Overview, RunsOfLane, SlowTest};
use crate::ids::Printable;
use crate::report::plural;
use crate::time::{Micros, Millis, Timestamp};

/// Returns tables for a terminal of this width, or of any width where it is none.
pub(super) fn text(overview: &Overview, width: Option<u16>) -> String {
    let mut text = headline(overview) + "\n";
    if !overview.lanes.is_empty() {
        let mut table = plain_table(["lane", "runs", "tests", "test time", "last run"], width);
        for lane in &overview.lanes {
            table.add_row(lane_cells(lane));
        }
        align_right(&mut table, &[1, 2, 3]);
        let _ = writeln!(text, "\n{}", trimmed(&table));
    }
    if !overview.slowest.is_empty() {
        let mut table = plain_table(["slowest tests", "time", "seen"], width);
        for slow in &overview.slowest {
            table.add_row(slow_cells(slow));
        }
        align_right(&mut table, &[1, 2]);
        let _ = writeln!(text, "\n{}", trimmed(&table));
    }
    text
}

/// Returns tables for a pull request.
pub(super) fn markdown(overview: &Overview) -> String {
    let mut page = format!("{}\n", headline(overview));
    if !overview.lanes.is_empty() {
        page.push_str("\n| lane | runs | tests | test time | last run |\n|---|--:|--:|--:|---|\n");
        for lane in &overview.lanes {
            let _ = writeln!(page, "| {} |", lane_cells(lane).join(" | "));
        }
    }
    if !overview.slowest.is_empty() {
        page.push_str("\n| slowest tests | time | seen |\n|---|--:|--:|\n");
        for slow in &overview.slowest {
            let [test, time, seen] = slow_cells(slow);
            let _ = writeln!(page, "| {} | {time} | {seen} |", markdown_code(&test));
        }
    }
    page
}

/// Returns the first version of the machine format.
pub(super) fn json(overview: &Overview) -> String {
    let json = serde_json::to_string_pretty(&OverviewV1::from(overview));
    json.expect("texts and numbers are JSON") + "\n"
}

fn headline(overview: &Overview) -> String {
    let formats: Vec<_> =
        overview.formats.iter().map(|(format, runs)| format!("{runs} from {format}")).collect();
    let mut line = plural(overview.runs, "run");
    if !formats.is_empty() {
        let _ = write!(line, " ({})", formats.join(", "));
    }
    if let (Some(first), Some(last)) = (overview.first, overview.last) {
        let (first, last) = (day(first), day(last));
        let _ =
            if first == last { write!(line, " on {first}") } else { write!(line, " from {first} to {last}") };
    }
    let Overview { observations, tests, files, jobs, .. } = overview;
    let seen = plural(*observations, "observation");
    let (tests, files, jobs) = (plural(*tests, "test"), plural(*files, "file"), plural(*jobs, "CI job"));
    let _ = write!(line, ": {seen} of {tests} in {files}; {jobs}");
    line
}

fn lane_cells(lane: &RunsOfLane) -> [String; 5] {
    [
        lane.lane.as_ref().map_or_else(|| "(none)".to_owned(), ToString::to_string),
        lane.runs.to_string(),
        lane.tests_of_last.to_string(),
        shown(lane.typical_total),
        lane.last.map_or_else(String::new, |last| last.to_string()),
    ]
}

fn slow_cells(slow: &SlowTest) -> [String; 3] {
    [slow.test.to_string(), shown(slow.typical), slow.seen.to_string()]
}

fn shown(duration: Micros) -> String {
    Millis::from_f64(duration.as_millis_f64()).to_string()
}

fn day(time: Timestamp) -> String {
    time.to_string().chars().take("2026-06-16".len()).collect()
}

fn plain_table<const N: usize>(header: [&str; N], width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table
}

fn align_right(table: &mut Table, columns: &[usize]) {
    for &column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// Returns the table without the blanks that fill its last column.
fn trimmed(table: &Table) -> String {
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Returns foreign text as Markdown code that can't end early, in a cell that can't either.
fn markdown_code(text: &str) -> String {
    let longest_run = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest_run + 1);
    let pad = if longest_run > 0 { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", Printable(text)).replace('|', "\\|")
}

/// `history --format json`, version 1. Fields are only ever added.
#[derive(Serialize)]
struct OverviewV1<'a> {
    version: u32,
    runs: usize,
    tests: usize,
    files: usize,
    observations: usize,
    jobs: usize,
    first: Option<String>,
    last: Option<String>,
    formats: Vec<FormatV1>,
    lanes: Vec<LaneV1<'a>>,
    slowest: Vec<SlowTestV1<'a>>,
}

#[derive(Serialize)]
struct FormatV1 {
    format: &'static str,
    runs: usize,
}

#[derive(Serialize)]
struct LaneV1<'a> {
    lane: Option<&'a str>,
    runs: usize,
    tests_of_last: usize,
    typical_seconds: f64,
    last: Option<String>,
}

#[derive(Serialize)]
struct SlowTestV1<'a> {
    test: &'a str,
    typical_seconds: f64,
    seen: usize,
}

impl<'a> From<&'a Overview> for OverviewV1<'a> {
    fn from(overview: &'a Overview) -> Self {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        Self {
            version: 1,
            runs: overview.runs,
            tests: overview.tests,
            files: overview.files,
            observations: overview.observations,
            jobs: overview.jobs,
            first: time(overview.first),
            last: time(overview.last),
            formats: overview
                .formats
                .iter()
                .map(|&(format, runs)| FormatV1 { format: format.as_str(), runs })
                .collect(),
            lanes: overview
                .lanes
                .iter()
                .map(|lane| LaneV1 {
                    lane: lane.lane.as_ref().map(crate::ids::LaneName::as_str),
                    runs: lane.runs,
                    tests_of_last: lane.tests_of_last,
                    typical_seconds: lane.typical_total.as_secs_f64(),
                    last: time(lane.last),
                })
                .collect(),
            slowest: overview
                .slowest
                .iter()
                .map(|slow| SlowTestV1 {
                    test: slow.test.as_str(),
                    typical_seconds: slow.typical.as_secs_f64(),
                    seen: slow.seen,
                })
                .collect(),
        }
    }
}
