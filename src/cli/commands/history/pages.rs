//! The views of the history as pages. All figures come from [`crate::history::views`].

use std::fmt::Write as _;

use crate::cli::sheet::{Cell, Page, Sheet, shown_time};
use crate::history::views::{
    FlakyTest, Overview, RunLine, RunsOfLane, Shown, SkippedTest, SlowTest, Stale, Trend,
};
use crate::ids::LaneName;
use crate::ingest::{Extent, Format};
use crate::report::plural;
use crate::time::{Micros, Timestamp};

pub(super) fn overview(overview: &Overview) -> Page {
    let Overview { observations, tests, files, jobs, .. } = overview;
    let formats: Vec<String> = overview
        .formats
        .iter()
        .map(|(format, reports)| {
            // A later version may have stored what this one has no name for.
            let name = format.parse::<Format>().map_or_else(|_| "other".to_owned(), |name| name.to_string());
            format!("{reports} {name}")
        })
        .collect();
    let mut line = plural(overview.runs, "run");
    if !formats.is_empty() {
        let _ = write!(line, " ({}: {})", plural(overview.reports, "report"), formats.join(", "));
    }
    if let (Some(first), Some(last)) = (overview.first, overview.last) {
        let (first, last) = (day(first), day(last));
        let _ =
            if first == last { write!(line, " on {first}") } else { write!(line, " from {first} to {last}") };
    }
    let seen = plural(*observations, "observation");
    let (tests, files, jobs) = (plural(*tests, "test"), plural(*files, "file"), plural(*jobs, "CI job"));
    let _ = write!(line, ": {seen} of {tests} in {files}; {jobs}");
    let row = |lane: &RunsOfLane| {
        vec![
            lane_cell(lane.lane.as_ref()),
            Cell::count(lane.runs),
            Cell::count(lane.tests_of_last),
            Cell::Time(lane.typical_total),
            Cell::At(lane.last),
        ]
    };
    let lanes = Sheet {
        columns: vec!["lane", "runs", "tests", "test time", "last run"],
        rows: overview.lanes.iter().map(row).collect(),
    };
    Page {
        subject: None,
        headline: line,
        sheets: vec![lanes, slow_sheet("slowest tests", &overview.slowest)],
    }
}

pub(super) fn slowest(tests: &[SlowTest]) -> Page {
    let share: f64 = tests.iter().map(|test| test.share).sum();
    let together: Micros = tests.iter().map(|test| test.expected).sum();
    let headline = format!(
        "The {} that take longest: {} together, {:.0} % of all test time",
        plural(tests.len(), "test"),
        shown_time(together),
        share * 100.0
    );
    Page { subject: None, headline, sheets: vec![slow_sheet("test", tests)] }
}

fn slow_sheet(heading: &'static str, tests: &[SlowTest]) -> Sheet {
    let row = |slow: &SlowTest| {
        vec![
            Cell::foreign(slow.test.as_str()),
            Cell::Time(slow.expected),
            Cell::Share(Some(slow.share)),
            Cell::Time(slow.median),
            Cell::count(slow.seen),
        ]
    };
    let columns = vec![heading, "expected", "share", "median", "seen"];
    Sheet { columns, rows: tests.iter().map(row).collect() }
}

pub(super) fn trend(trend: &Trend) -> Page {
    let runs = trend.runs.iter().map(|run| {
        vec![
            lane_cell(run.lane.as_ref()),
            Cell::foreign(&run.run),
            Cell::At(run.at),
            Cell::count(run.ran),
            Cell::count(run.failed),
            Cell::count(run.skipped),
            Cell::Time(run.total),
            Cell::Change(run.change),
        ]
    });
    let runs = Sheet {
        columns: vec!["lane", "run", "began", "ran", "failed", "skipped", "test time", "change"],
        rows: runs.collect(),
    };
    let changes = trend.changes.iter().map(|change| {
        vec![
            Cell::foreign(change.test.as_str()),
            Cell::Time(change.before),
            Cell::Time(change.now),
            Cell::Change((change.before.0 > 0).then(|| change.now.0 as f64 / change.before.0 as f64 - 1.0)),
        ]
    });
    let changes =
        Sheet { columns: vec!["test that moved", "before", "now", "change"], rows: changes.collect() };
    let headline = match trend.changes.len() {
        0 => "No test became slower or faster by 20 % and 100 ms or more".to_owned(),
        moved => format!("{} became slower or faster by 20 % and 100 ms or more", plural(moved, "test")),
    };
    Page { subject: None, headline, sheets: vec![runs, changes] }
}

pub(super) fn flaky(tests: &[FlakyTest]) -> Page {
    let proven = tests.iter().filter(|test| test.proofs > 0).count();
    let headline = format!(
        "{} passed and failed on one commit or in one run; {} went back and forth between runs",
        plural(proven, "test"),
        tests.len() - proven
    );
    let rows = tests.iter().map(|test| {
        vec![
            Cell::foreign(test.test.as_str()),
            Cell::count(test.proofs),
            Cell::count(test.changes),
            Cell::count(test.failed),
            Cell::count(test.ran),
            Cell::At(test.last_failure),
            reason_cell(test.reason.as_deref()),
        ]
    });
    let columns = vec!["test", "proofs", "changes", "failed", "ran", "last failure", "reason"];
    Page { subject: None, headline, sheets: vec![Sheet { columns, rows: rows.collect() }] }
}

pub(super) fn skipped(tests: &[SkippedTest]) -> Page {
    let always = tests.iter().filter(|test| !test.ever_ran).count();
    let headline = format!("{} never ran; {} skipped lately", plural(always, "test"), tests.len() - always);
    let rows = tests.iter().map(|test| {
        vec![
            Cell::foreign(test.test.as_str()),
            Cell::Word(if test.ever_ran { "lately" } else { "always" }.to_owned()),
            Cell::count(test.in_a_row),
            Cell::At(test.since),
            Cell::At(test.last_ran),
            reason_cell(test.reason.as_deref()),
        ]
    });
    let columns = vec!["test", "skipped", "in a row", "since", "last ran", "reason"];
    Page { subject: None, headline, sheets: vec![Sheet { columns, rows: rows.collect() }] }
}

pub(super) fn stale(stale: &Stale) -> Page {
    let gone = stale.tests.iter().filter(|test| test.is_gone).count();
    let headline = format!(
        "{} gone (a full run went without), {} more not seen lately",
        plural(gone, "test"),
        stale.tests.len() - gone
    );
    let tests = stale.tests.iter().map(|test| {
        vec![
            Cell::foreign(test.test.as_str()),
            lane_cell(test.lane.as_ref()),
            Cell::At(test.last_seen),
            Cell::Count(test.runs_since.into()),
            Cell::Word(if test.is_gone { "gone" } else { "unseen" }.to_owned()),
        ]
    });
    let lanes = stale.lanes.iter().map(|lane| {
        let behind = lane.days_behind.and_then(|days| u64::try_from(days).ok());
        vec![lane_cell(lane.lane.as_ref()), Cell::At(lane.last), Cell::Count(behind.unwrap_or(0))]
    });
    let tests =
        Sheet { columns: vec!["test", "lane", "last seen", "runs since", "it is"], rows: tests.collect() };
    let lanes = Sheet { columns: vec!["lane", "last run", "days behind"], rows: lanes.collect() };
    Page { subject: None, headline, sheets: vec![tests, lanes] }
}

pub(super) fn runs(all: usize, shown: &[RunLine]) -> Page {
    let headline = if shown.len() < all {
        format!("The last {} of {}", plural(shown.len(), "run"), all)
    } else {
        plural(all, "run")
    };
    let rows = shown.iter().map(|run| {
        let lanes: Vec<String> = run
            .lanes
            .iter()
            .map(|(lane, shards)| {
                let lane = lane.as_ref().map_or("(none)", LaneName::as_str);
                if shards.is_empty() { lane.to_owned() } else { format!("{lane} ×{}", shards.len()) }
            })
            .collect();
        let attempts: Vec<String> = run.attempts.iter().map(ToString::to_string).collect();
        vec![
            Cell::foreign(&run.run),
            Cell::At(run.at),
            Cell::foreign(run.branch.as_deref().unwrap_or_default()),
            Cell::foreign(&run.commit.as_deref().unwrap_or_default().chars().take(12).collect::<String>()),
            Cell::Word(attempts.join(" ")),
            Cell::Word(lanes.join(", ")),
            Cell::count(run.reports),
            Cell::count(run.observations),
            Cell::Word(if run.extent == Extent::Unknown { "" } else { run.extent.as_str() }.to_owned()),
        ]
    });
    let columns =
        vec!["run", "began", "branch", "commit", "attempts", "lanes", "reports", "observations", "extent"];
    Page { subject: None, headline, sheets: vec![Sheet { columns, rows: rows.collect() }] }
}

pub(super) fn show(shown: &Shown, expected: Micros) -> Page {
    let Shown { ran, failed, skipped, .. } = shown;
    let headline = if *ran > 0 {
        format!(
            "expected {}; ran {ran}×, {failed}× failed, {skipped}× skipped; median {}, {} to {}",
            shown_time(expected),
            shown_time(shown.median),
            shown_time(shown.shortest),
            shown_time(shown.longest)
        )
    } else {
        format!("never ran; skipped {skipped}×")
    };
    let rows = shown.executions.iter().map(|seen| {
        let phase = |of: fn(crate::ingest::Phases) -> Micros| {
            seen.phases.map_or_else(|| Cell::Word(String::new()), |phases| Cell::Time(of(phases)))
        };
        let mut run = seen.run.clone();
        if let Some(attempt) = seen.attempt {
            let _ = write!(run, "#{attempt}");
        }
        let mut row = vec![
            Cell::At(seen.at),
            Cell::Foreign(run),
            lane_cell(seen.lane.as_ref()),
            Cell::foreign(seen.shard.as_deref().unwrap_or_default()),
            Cell::foreign(seen.machine.as_deref().unwrap_or_default()),
            Cell::Word(seen.outcome.to_string()),
            Cell::Time(seen.total),
        ];
        if has_phases(shown) {
            row.extend([phase(|p| p.setup), phase(|p| p.call), phase(|p| p.teardown)]);
        }
        row.push(reason_cell(seen.reason.as_deref()));
        row
    });
    let mut columns = vec!["began", "run", "lane", "shard", "machine", "outcome", "time"];
    if has_phases(shown) {
        columns.extend(["setup", "call", "teardown"]);
    }
    columns.push("reason");
    Page {
        subject: Some(shown.test.as_str().to_owned()),
        headline,
        sheets: vec![Sheet { columns, rows: rows.collect() }],
    }
}

fn has_phases(shown: &Shown) -> bool {
    shown.executions.iter().any(|seen| seen.phases.is_some())
}

fn lane_cell(lane: Option<&LaneName>) -> Cell {
    Cell::Word(lane.map_or_else(|| "(none)".to_owned(), ToString::to_string))
}

/// The first words are enough to tell one reason from another; `show` and the other formats have them all.
fn reason_cell(reason: Option<&str>) -> Cell {
    Cell::foreign(reason.unwrap_or_default())
}

fn day(time: Timestamp) -> String {
    time.to_string().chars().take("2026-06-16".len()).collect()
}
