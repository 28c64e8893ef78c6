//! `shardplan history`: what the store holds, and what is done to it.

mod keep;
mod pages;

use serde::Serialize;

use crate::cli::args::{ExportArg, HistoryArgs, HistoryCommand, HistoryFormatArg};
use crate::cli::console::{CommandResult, Console, Failure, chain, stdout_width};
use crate::cli::exit_status::ExitStatus;
use crate::cli::files::write_whole;
use crate::cli::project::read_manifest;
use crate::cli::settings::Settings;
use crate::cli::sheet::Page;
use crate::config::Config;
use crate::estimate::Estimates;
use crate::history::json_v1::{
    self, FlakyV1, OverviewV1, RunsV1, ShownV1, SkippedV1, SlowestV1, StaleV1, TrendV1,
};
use crate::history::{self, Detail, Filter, HistoryError, Observed, Store, TestHistory, views};
use crate::ids::{NodeId, Printable};
use crate::time::Timestamp;

pub(in crate::cli) fn run(args: &HistoryArgs, settings: &Settings) -> CommandResult {
    let history = History {
        store: Store::of_project(&settings.root),
        filter: filter(args.lane.as_deref(), args.branch.as_deref(), args.since.as_deref())?,
        format: args.format,
        settings,
    };
    match &args.command {
        None => history.overview(),
        Some(HistoryCommand::Slowest { limit }) => history.slowest(*limit),
        Some(HistoryCommand::Trend { limit }) => history.view(Detail::Times, |observed| {
            let trend = views::trend(observed, *limit);
            Ok((pages::trend(&trend), TrendV1::from(&trend)))
        }),
        Some(HistoryCommand::Flaky) => history.view(Detail::Everything, |observed| {
            let flaky = views::flaky(observed);
            Ok((pages::flaky(&flaky), FlakyV1::from(flaky.as_slice())))
        }),
        Some(HistoryCommand::Skipped) => history.view(Detail::Times, |observed| {
            let skipped = views::skipped(observed);
            Ok((pages::skipped(&skipped), SkippedV1::from(skipped.as_slice())))
        }),
        Some(HistoryCommand::Stale { runs }) => history.view(Detail::Times, |observed| {
            let stale = views::stale(observed, *runs);
            Ok((pages::stale(&stale), StaleV1::from(&stale)))
        }),
        Some(HistoryCommand::Runs { limit }) => history.runs(*limit),
        Some(HistoryCommand::Show { test }) => history.show(test),
        Some(HistoryCommand::Prune { before, keep, dry_run }) => {
            keep::prune(&history, before.as_deref(), *keep, *dry_run)
        }
        Some(HistoryCommand::Compact { dry_run }) => keep::compact(&history, *dry_run),
        Some(HistoryCommand::Export { target, output }) => history.export(*target, output.as_deref()),
    }
}

/// Returns a fault of the history as the user sees it.
pub(in crate::cli) fn history_failure(error: &HistoryError) -> Failure {
    Failure::bad_input(chain(error)).with_hint(error.hint())
}

/// What every view starts from.
struct History<'s> {
    store: Store,
    filter: Filter,
    format: HistoryFormatArg,
    settings: &'s Settings,
}

impl History<'_> {
    fn overview(&self) -> CommandResult {
        self.view(Detail::Times, |observed| {
            let estimates = self.estimates(observed)?;
            let overview = views::Overview::of(observed, &|test: &TestHistory| estimates.expected(test));
            Ok((pages::overview(&overview), OverviewV1::from(&overview)))
        })
    }

    fn slowest(&self, limit: usize) -> CommandResult {
        self.view(Detail::Times, |observed| {
            let estimates = self.estimates(observed)?;
            let slowest = views::slowest(observed, &|test: &TestHistory| estimates.expected(test), limit);
            Ok((pages::slowest(&slowest), SlowestV1::from(slowest.as_slice())))
        })
    }

    /// Reads as much as a view needs, and prints it. For people, what is empty is said in one line.
    fn view<V: Serialize>(
        &self,
        detail: Detail,
        view: impl FnOnce(&Observed) -> Result<(Page, V), Failure>,
    ) -> CommandResult {
        let observed = self.load(detail)?;
        if observed.is_empty() && self.format == HistoryFormatArg::Text {
            return Ok(ExitStatus::Success);
        }
        let (page, json) = view(&observed)?;
        self.print(&page, &json)
    }

    fn runs(&self, limit: usize) -> CommandResult {
        let observed =
            history::load_runs(&self.store, &self.filter).map_err(|error| history_failure(&error))?;
        self.say_if_empty(&observed)?;
        if observed.is_empty() && self.format == HistoryFormatArg::Text {
            return Ok(ExitStatus::Success);
        }
        let mut runs = views::runs(&observed);
        let all = runs.len();
        runs.truncate(limit);
        self.print(&pages::runs(all, &runs), &RunsV1::from(runs.as_slice()))
    }

    fn show(&self, name: &str) -> CommandResult {
        let unknown = || Failure::bad_input(format!("the history knows no test `{}`", Printable(name)));
        let test: NodeId = name.parse().map_err(|_| unknown())?;
        let failed = |error| history_failure(&error);
        let observed = history::load_test(&self.store, &self.filter, &test).map_err(failed)?;
        let Some(shown) = views::show(&observed, &test) else {
            return Err(self.with_similar_tests(name, unknown()));
        };
        // What is expected depends on the whole suite: the pace of its runs, how fast they lose their worth.
        let all = history::load_detail(&self.store, &self.filter, Detail::Times).map_err(failed)?;
        let estimates = self.estimates(&all)?;
        let expected = all.test(&test).map(|known| estimates.expected(known)).unwrap_or_default();
        self.print(&pages::show(&shown, expected), &ShownV1::new(&shown, expected.as_secs_f64()))
    }

    /// Adds the tests that were probably meant: those of the file or class, else the nearest name.
    fn with_similar_tests(&self, name: &str, failure: Failure) -> Failure {
        const MOST: usize = 5;
        let Ok(observed) = history::load_detail(&self.store, &self.filter, Detail::Times) else {
            return failure;
        };
        let below: Vec<&NodeId> = observed
            .tests
            .iter()
            .map(|test| &test.test)
            .filter(|test| test.as_str().contains(name))
            .collect();
        if !below.is_empty() {
            let more = below.len().saturating_sub(MOST);
            let failure = below
                .iter()
                .take(MOST)
                .fold(failure, |failure, test| failure.with_hint(format!("there is `{test}`")));
            return if more > 0 { failure.with_hint(format!("and {more} more")) } else { failure };
        }
        let distance = |test: &NodeId| strsim::damerau_levenshtein(test.as_str(), name);
        let nearest = observed.tests.iter().map(|test| (distance(&test.test), &test.test)).min();
        match nearest.filter(|(distance, _)| distance * 3 <= name.len()) {
            Some((_, near)) => failure.with_hint(format!("did you mean `{near}`?")),
            None => failure.with_hint("`shardplan history export csv` writes every test that is known"),
        }
    }

    fn export(&self, target: ExportArg, output: Option<&std::path::Path>) -> CommandResult {
        if target == ExportArg::Parquet && output.is_none() {
            return Err(Failure::new(ExitStatus::Usage, "Parquet is no text: it needs a file to go to")
                .with_hint("name it with `--output history.parquet`"));
        }
        let detail = if target == ExportArg::TestDurations { Detail::Times } else { Detail::Everything };
        let observed = self.load(detail)?;
        let mut bytes = Vec::new();
        match target {
            ExportArg::Csv => history::export_csv(&observed, &mut bytes),
            ExportArg::Parquet => history::export_parquet(&observed, &mut bytes),
            ExportArg::Json => history::export_json(&observed, &mut bytes),
            ExportArg::TestDurations => {
                let estimates = self.estimates(&observed)?;
                let expected =
                    observed.tests.iter().map(|test| (&test.test, estimates.expected(test).as_secs_f64()));
                history::export_test_durations(expected, &mut bytes)
            }
        }
        .map_err(|error| {
            Failure::new(ExitStatus::Internal, format!("could not export the history: {error}"))
        })?;
        if let Some(path) = output {
            write_whole(&self.settings.located(path), &bytes)?;
        } else {
            let text = String::from_utf8(bytes).map_err(|error| Failure::new(ExitStatus::Internal, error))?;
            self.settings.console.data(&text)?;
        }
        Ok(ExitStatus::Success)
    }

    /// Reads as much as a question needs, and says where there is nothing to answer it from.
    fn load(&self, detail: Detail) -> Result<Observed, Failure> {
        let observed = history::load_detail(&self.store, &self.filter, detail)
            .map_err(|error| history_failure(&error))?;
        self.say_if_empty(&observed)?;
        Ok(observed)
    }

    fn say_if_empty(&self, observed: &Observed) -> Result<(), Failure> {
        say_if_empty(observed, (&self.store, &self.filter), &self.settings.console)
    }

    fn estimates(&self, observed: &Observed) -> Result<Estimates, Failure> {
        let config = match &self.settings.manifest {
            Some(path) => read_manifest(path, self.settings)?,
            None => Config::without_manifest(&std::collections::BTreeSet::new()),
        };
        Ok(Estimates::from_history(observed, config.history.half_life))
    }

    fn print(&self, page: &Page, json: &impl Serialize) -> CommandResult {
        print(page, json, self.format, &self.settings.console)
    }
}

/// Says where there is nothing to answer a question from.
pub(in crate::cli) fn say_if_empty(
    observed: &Observed,
    (store, filter): (&Store, &Filter),
    console: &Console,
) -> Result<(), Failure> {
    if !observed.is_empty() {
        return Ok(());
    }
    if *filter != Filter::default() {
        let all = history::load_runs(store, &Filter::default()).map_err(|error| history_failure(&error))?;
        if !all.whole_runs.is_empty() {
            let runs = crate::report::plural(all.whole_runs.len(), "run");
            console.status("Empty", format!("none of the {runs} in the history fits the options"));
            console.hint("`shardplan history runs` lists them with their branches and lanes");
            return Ok(());
        }
    }
    console.status("Empty", "the history holds no run yet");
    console.hint("`shardplan ingest FILE…` reads test reports into it");
    Ok(())
}

/// Prints a page in one of its forms.
pub(in crate::cli) fn print(
    page: &Page,
    json: &impl Serialize,
    format: HistoryFormatArg,
    console: &Console,
) -> CommandResult {
    match format {
        HistoryFormatArg::Text => console.screen(&page.text(stdout_width()))?,
        HistoryFormatArg::Json => console.data(&json_v1::to_string(json))?,
        HistoryFormatArg::Markdown => console.data(&page.markdown())?,
        HistoryFormatArg::Csv => console.data(&page.csv())?,
    }
    Ok(ExitStatus::Success)
}

/// Returns which runs were asked for.
pub(in crate::cli) fn filter(
    lane: Option<&str>,
    branch: Option<&str>,
    since: Option<&str>,
) -> Result<Filter, Failure> {
    let usage = |option: &str, problem: &dyn std::fmt::Display| {
        Failure::new(ExitStatus::Usage, format!("`{option}`: {problem}"))
    };
    let lane = lane.map(|lane| lane.parse().map_err(|error| usage("--lane", &error)));
    let since = since.map(|since| time_of("--since", since));
    Ok(Filter { lane: lane.transpose()?, branch: branch.map(str::to_owned), since: since.transpose()? })
}

/// Returns the time that was typed: a point in time, or so many days or weeks ago.
fn time_of(option: &str, text: &str) -> Result<Timestamp, Failure> {
    const DAY_MILLIS: i64 = 86_400_000;
    let span = |days: i64, count: &str| {
        let ago = count.parse::<i64>().ok()?.checked_mul(days * DAY_MILLIS)?;
        (ago >= 0).then(|| now().0.checked_sub(ago)).flatten().map(Timestamp)
    };
    let time = match (text.strip_suffix('d'), text.strip_suffix('w')) {
        (Some(days), _) => span(1, days),
        (None, Some(weeks)) => span(7, weeks),
        (None, None) => Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z"))),
    };
    time.ok_or_else(|| {
        let problem = format!(
            "`{}` is no time: use `2026-06-16`, `2026-06-16T08:00:00Z`, `30d` or `8w`",
            Printable(text)
        );
        Failure::new(ExitStatus::Usage, format!("`{option}`: {problem}"))
    })
}

#[expect(clippy::disallowed_methods, reason = "`30d` counts back from now")]
fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}
