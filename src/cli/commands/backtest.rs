//! `shardplan backtest`: past runs foretold from the runs before them.

use super::history::{filter, history_failure, print, say_if_empty};
use crate::cli::args::BacktestArgs;
use crate::cli::console::CommandResult;
use crate::cli::exit_status::ExitStatus;
use crate::cli::project::read_declared;
use crate::cli::settings::Settings;
use crate::cli::sheet::{Cell, Page, Sheet};
use crate::config::{Config, Granularity};
use crate::estimate::{Backtest, Question};
use crate::history::{self, Detail, Store, TestHistory};
use crate::ids::LaneName;
use crate::report::backtest::{BacktestSummary, BacktestV1};
use crate::report::plural;
use crate::time::Micros;

pub(in crate::cli) fn run(args: &BacktestArgs, settings: &Settings) -> CommandResult {
    let console = &settings.console;
    let declared = read_declared(settings)?;
    let of_manifest = declared.as_ref().and_then(|config| config.history.branch.clone());
    let branch = args.branch.as_deref().or(of_manifest.as_deref());
    let filter = filter(args.lane.as_deref(), branch, args.since.as_deref())?;
    let store = Store::of_project(&settings.root);
    let observed =
        history::load_detail(&store, &filter, Detail::Times).map_err(|error| history_failure(&error))?;
    say_if_empty(&observed, (&store, &filter), console)?;
    if observed.is_empty() {
        return Ok(ExitStatus::Success);
    }
    let shards = args.shards as usize;
    let question = Question {
        runs: args.runs as usize,
        shards,
        half_life: declared.as_ref().map(|config| config.history.half_life).unwrap_or_default(),
        unit_of: &|lane, test| unit_of(declared.as_ref(), lane, test),
    };
    let backtest = Backtest::of(&observed, &question);
    if backtest.runs.is_empty() {
        console.status(
            "Nothing",
            format!(
                "can be foretold: {}, and a lane needs two that were neither selected nor cut short",
                plural(observed.whole_runs.len(), "run")
            ),
        );
        console.hint("`shardplan history runs` lists them with their lanes and extents");
    }
    print(&page(&backtest, shards), &BacktestV1::new(&backtest, shards), args.format, console)
}

/// Returns the unit that a plan would move the test in.
fn unit_of(config: Option<&Config>, lane: Option<&LaneName>, test: &TestHistory) -> String {
    let of_lane = config.and_then(|config| config.lanes.iter().find(|known| Some(&known.name) == lane));
    match of_lane.map(|lane| lane.unit).unwrap_or_default() {
        Granularity::File | Granularity::Auto => test.file.clone(),
        Granularity::Class => test.test.class().to_owned(),
        Granularity::Test => test.test.as_str().to_owned(),
    }
}

fn page(backtest: &Backtest, shards: usize) -> Page {
    let BacktestSummary { forecasts, splits, shards_foretold, shards_within_p90 } =
        BacktestSummary::new(backtest, shards);
    let headline = if backtest.runs.is_empty() {
        "No run was foretold".to_owned()
    } else {
        format!(
            "{}, each foretold from the runs before it. {shards_within_p90} of {} took no longer than their p90. \
             Half-life: {}.",
            plural(backtest.runs.len(), "run"),
            plural(shards_foretold, "shard"),
            half_life(backtest.half_life),
        )
    };
    let forecast = |(way, errors): &(crate::estimate::Forecaster, crate::estimate::Errors)| {
        let share = |share| Cell::Share(Some(share));
        vec![
            Cell::Word(way.as_str().to_owned()),
            share(errors.tests),
            share(errors.files),
            share(errors.whole),
        ]
    };
    let split = |(split, longest, over): &(crate::estimate::Split, f64, f64)| {
        vec![
            Cell::Word(split.as_str().to_owned()),
            Cell::Word(if split.keeps_units() { "units" } else { "tests" }.to_owned()),
            Cell::Time(Micros::from_secs_f64(longest / 1000.0).unwrap_or_default()),
            Cell::Change(Some(*over)),
        ]
    };
    let is_empty = backtest.runs.is_empty();
    let sheets = vec![
        Sheet {
            columns: vec!["foretold by", "error of tests", "of files", "of the run"],
            rows: if is_empty { Vec::new() } else { forecasts.iter().map(forecast).collect() },
        },
        Sheet {
            columns: vec!["split by", "moves", "longest shard", "over equal shards"],
            rows: if is_empty { Vec::new() } else { splits.iter().map(split).collect() },
        },
    ];
    Page { subject: None, headline, sheets }
}

/// Returns the half-life in words.
fn half_life(runs: f64) -> String {
    if runs > 1e6 {
        "none: all runs count the same".to_owned()
    } else if runs < 0.5 {
        "none: the last run alone counts".to_owned()
    } else {
        format!("{runs} runs")
    }
}
