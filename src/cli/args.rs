//! What can be typed. What it means is decided in [`super::settings`].

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::time::{Millis, Tolerance};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// What a report of a fault should say of the program.
static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("{}\nplatform: {os} {arch}\nbuild: {build}", env!("CARGO_PKG_VERSION"))
});

/// Plan how to split a slow CI test job: which lanes and shards, with which service containers in each, end
/// the whole workflow soonest, and how far from the best possible that is.
#[derive(Debug, Parser)]
#[command(name = "shardplan", version, long_version = LONG_VERSION.as_str(), styles = STYLES, max_term_width = 100)]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Args)]
pub struct GlobalArgs {
    /// Work as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// The manifest, instead of the nearest `shardplan.toml` here or above
    #[arg(long, value_name = "FILE", global = true)]
    pub manifest_path: Option<PathBuf>,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: ColorArg,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ColorArg {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a first `shardplan.toml` from the workflow files and the pytest settings
    Init(InitArgs),
    /// Read test reports and durations into the history
    Ingest(IngestArgs),
    /// Show what the history holds, or write it out
    History(HistoryArgs),
    /// Find tests that need a service nobody says they need, and other faults of marks and lanes
    Audit(AuditArgs),
    /// Find the best lanes and shards within a budget, and prove how good they are
    Suggest(SuggestArgs),
    /// Show what every further container, shard and minute buys
    Tradeoff(TradeoffArgs),
    /// Foretell past runs from the runs before them, and say how far off that was
    Backtest(BacktestArgs),
    /// Say why a test, file, shard, service, lane or runner is where it is
    Explain(ExplainArgs),
    /// Draw many runs of the plan: when the workflow ends, how often, and which shard decides it
    Simulate(SimulateArgs),
    /// Print the tests of one shard, for a runner without the pytest plugin
    Select(SelectArgs),
    /// After the run: prove that the shards together ran every test exactly once
    Verify(VerifyArgs),
    /// Write the CI configuration for the pinned plan
    Emit(EmitArgs),
    /// Draw the constraint graph as DOT
    Graph(GraphArgs),
    /// Print the JSON schema of a file, for an editor that completes and checks it
    Schema(SchemaArgs),
    /// Print the script that completes the program's words in a shell
    Completions(CompletionsArgs),
    /// Write the manual pages
    Man(ManArgs),
}

/// `shardplan init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The workflow file whose tests are to be split, instead of the one that looks most like it
    #[arg(long, value_name = "FILE")]
    pub workflow: Option<PathBuf>,
    /// Write over a manifest that is there
    #[arg(long)]
    pub force: bool,
    /// Print the manifest and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `shardplan ingest`
#[derive(Debug, Default, Args)]
pub struct IngestArgs {
    /// Reports, duration files, job lists and archives of them; a folder or a glob is searched, `-` is standard
    /// input; the format is recognised by content
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The lane whose tests these are
    #[arg(long, value_name = "NAME")]
    pub lane: Option<String>,
    /// The shard of that lane
    #[arg(long, value_name = "NAME")]
    pub shard: Option<String>,
    /// The CI's id of the run
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// The attempt within the run
    #[arg(long, value_name = "N")]
    pub attempt: Option<u32>,
    /// The branch that was tested
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// The commit that was tested
    #[arg(long, value_name = "ID")]
    pub commit: Option<String>,
    /// When it ran (ISO 8601)
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// The services that were up, so that a skip for want of another is understood
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub services: Option<Vec<String>>,
    /// The machine it ran on
    #[arg(long, value_name = "NAME")]
    pub machine: Option<String>,
    /// How much of the suite the run covered: full, partial, only-failed or selected
    #[arg(long, value_name = "EXTENT")]
    pub extent: Option<String>,
    /// The run covered only a part of the suite: short for `--extent partial`
    #[arg(long, conflicts_with = "extent")]
    pub partial: bool,
    /// Take what nobody says about the runs from the environment of the CI job that this is
    #[arg(long)]
    pub ci: bool,
    /// Say what would be stored and store nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `shardplan history`
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// What to show; the overview when nothing is named
    #[command(subcommand)]
    pub command: Option<HistoryCommand>,
    /// Only runs of this lane
    #[arg(long, value_name = "NAME", global = true, help_heading = "Which runs")]
    pub lane: Option<String>,
    /// Only runs of this branch
    #[arg(long, value_name = "NAME", global = true, help_heading = "Which runs")]
    pub branch: Option<String>,
    /// Only runs from TIME on: ISO 8601, or `30d` and `8w` for the last days and weeks
    #[arg(long, value_name = "TIME", global = true, help_heading = "Which runs")]
    pub since: Option<String>,
    /// How to print it; csv prints the first table
    #[arg(long, value_name = "FORMAT", default_value = "text", global = true)]
    pub format: HistoryFormatArg,
}

/// `shardplan backtest`
#[derive(Debug, Args)]
pub struct BacktestArgs {
    /// How many of the last runs are foretold
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Into how many shards each lane is split
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub shards: u32,
    /// Only runs of this lane
    #[arg(long, value_name = "NAME", help_heading = "Which runs")]
    pub lane: Option<String>,
    /// Only runs of this branch, instead of the manifest's
    #[arg(long, value_name = "NAME", help_heading = "Which runs")]
    pub branch: Option<String>,
    /// Only runs from TIME on: ISO 8601, or `30d` and `8w` for the last days and weeks
    #[arg(long, value_name = "TIME", help_heading = "Which runs")]
    pub since: Option<String>,
    /// How to print it; csv prints the first table
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: HistoryFormatArg,
}

/// The views of the history, and what can be done to it.
#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// The tests that are expected to take longest
    Slowest {
        /// How many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// What every lane took in its last runs, and the tests that became slower or faster
    Trend {
        /// How many of each
        #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
        limit: usize,
    },
    /// Tests that pass and fail on one commit, or go back and forth
    Flaky,
    /// Tests that never ran, or are skipped lately
    Skipped,
    /// Tests that the last runs did not see, and lanes that fell behind
    Stale {
        /// How many runs of its lane must have gone without a test
        #[arg(long, value_name = "N", default_value_t = 5)]
        runs: u32,
    },
    /// The runs of the CI, the latest first
    Runs {
        /// How many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// Every execution of one test
    Show {
        /// The test's node id
        #[arg(value_name = "TEST")]
        test: String,
    },
    /// Forget runs: those before a time, or all but the latest of every lane
    #[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["before", "keep"])))]
    Prune {
        /// Only runs that began before TIME, written as for `--since`
        #[arg(long, value_name = "TIME")]
        before: Option<String>,
        /// All but the latest N runs of every lane
        #[arg(long, value_name = "N")]
        keep: Option<u32>,
        /// Say what would be forgotten and forget nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Merge the many small files of the store into few; nothing is lost
    Compact {
        /// Say what would be done and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Write every observation out
    Export {
        /// The format to write
        #[arg(value_name = "FORMAT")]
        target: ExportArg,
        /// The file to write, instead of stdout
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// What `history export` can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportArg {
    /// A row per observation; `ingest` reads it.
    Csv,
    /// A row per observation, in the layout of the store.
    Parquet,
    /// Every observation under its report.
    Json,
    /// pytest-split's `.test_durations`: what every test is expected to take, in seconds.
    TestDurations,
}

/// How to print a view of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HistoryFormatArg {
    /// Tables for a terminal.
    Text,
    /// A versioned machine format.
    Json,
    /// For a pull request or a step summary.
    Markdown,
    /// For a spreadsheet: the first table.
    Csv,
}

/// How to print data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// Tables for a terminal.
    Text,
    /// A versioned machine format.
    Json,
    /// For a pull request or a step summary.
    Markdown,
}

/// How to print a plan or plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanFormatArg {
    /// Tables for a terminal.
    Text,
    /// A versioned machine format.
    Json,
    /// For a pull request or a step summary.
    Markdown,
    /// For a spreadsheet: a row for each shard (`suggest`) or plan (`tradeoff`).
    Csv,
}

/// The limits that a plan must keep; what is not given comes from the manifest.
#[derive(Debug, Args)]
pub struct LimitArgs {
    /// At most N service containers over all shards
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub budget: Option<u32>,
    /// At most N shards over all lanes
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub max_shards: Option<u32>,
    /// At most N billed minutes a run, over all jobs of the workflow
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub max_minutes: Option<u64>,
    /// At most N jobs of the workflow run at once, the other jobs included: what is more waits for a runner
    #[arg(long, value_name = "N", help_heading = "Limits", value_parser = clap::value_parser!(u32).range(1..))]
    pub slots: Option<u32>,
    /// End the workflow within TIME (`5m`) with the fewest containers that can
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    pub target: Option<Millis>,
}

impl LimitArgs {
    /// Returns whether a limit was typed.
    pub(super) fn any(&self) -> bool {
        let Self { budget, max_shards, max_minutes, slots, target } = self;
        budget.is_some()
            || max_shards.is_some()
            || max_minutes.is_some()
            || slots.is_some()
            || target.is_some()
    }
}

/// How much later than the earliest the workflow may end, and what for.
#[derive(Debug, Args)]
pub struct LeewayArgs {
    /// Let the workflow end this much later (`2%`, `5s`), so that fewer tests leave the shard that shardplan.lock has
    /// them on [default: the manifest's, else 1%]
    #[arg(long, value_name = "SHARE|TIME", help_heading = "Leeway")]
    pub tolerance: Option<Tolerance>,
    /// Of the plans that end at most this much later than the fastest (`5%`, `20s`), take the one that bills the fewest
    /// minutes, then starts the fewest containers
    #[arg(long, value_name = "SHARE|TIME", help_heading = "Leeway", conflicts_with = "target")]
    pub cheapest_within: Option<Tolerance>,
}

impl LeewayArgs {
    /// Returns whether a leeway was typed.
    pub(super) fn any(&self) -> bool {
        let Self { tolerance, cheapest_within } = self;
        tolerance.is_some() || cheapest_within.is_some()
    }
}

/// Where the tests come from.
#[derive(Debug, Args)]
pub struct InventoryArgs {
    /// The inventory (JSON or CSV), instead of the manifest's; without one, the tests of the history
    #[arg(long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
}

/// `shardplan audit`
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Run only these rules (codes, names, or the beginning of codes)
    #[arg(long, value_name = "RULE,…", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Leave these rules out
    #[arg(long, value_name = "RULE,…", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Repair what can be repaired: write and remove marks, register them
    #[arg(long, conflicts_with_all = ["diff", "write_baseline"])]
    pub fix: bool,
    /// Show what `--fix` would change, and change nothing
    #[arg(long, conflicts_with = "write_baseline")]
    pub diff: bool,
    /// Leave the findings of this file alone
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write today's findings into the baseline
    #[arg(long)]
    pub write_baseline: bool,
    /// Say what a rule checks, why it matters and what to do; `all` lists the rules
    #[arg(long, value_name = "RULE")]
    pub explain: Option<String>,
    /// Write the inventory that the sources give as CSV
    #[arg(long, value_name = "FILE")]
    pub write_inventory: Option<PathBuf>,
    /// Where a better source of tests and needs is.
    #[command(flatten)]
    pub inventory: InventoryArgs,
    /// How to print the findings
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: FindingsFormatArg,
}

/// How to print findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FindingsFormatArg {
    /// With excerpts of the sources.
    Text,
    /// A versioned machine format.
    Json,
    /// SARIF 2.1.0, for code-scanning services.
    Sarif,
    /// Workflow commands, which GitHub shows beside the lines.
    Github,
    /// For a comment on a pull request or a step summary.
    Markdown,
}

/// Pictures of the plan and of what it was chosen from.
#[derive(Debug, Args)]
pub struct PictureArgs {
    /// Write a page with the trade-off, the plan, what services cost and how good forecasts were; it needs no
    /// network
    #[arg(long, value_name = "FILE", help_heading = "Pictures", conflicts_with = "from_model")]
    pub html: Option<PathBuf>,
    /// Write every chart as an SVG file into DIR
    #[arg(long, value_name = "DIR", help_heading = "Pictures", conflicts_with = "from_model")]
    pub svg: Option<PathBuf>,
    /// Write every chart as a PNG file into DIR
    #[arg(long, value_name = "DIR", help_heading = "Pictures", conflicts_with = "from_model")]
    pub png: Option<PathBuf>,
}

impl PictureArgs {
    /// Returns whether a picture is wanted.
    pub(super) fn wanted(&self) -> bool {
        self.html.is_some() || self.svg.is_some() || self.png.is_some()
    }
}

/// `shardplan suggest`
#[derive(Debug, Args)]
pub struct SuggestArgs {
    /// The limits of the plan.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// How much later it may end.
    #[command(flatten)]
    pub leeway: LeewayArgs,
    /// Where the tests come from.
    #[command(flatten)]
    pub inventory: InventoryArgs,
    /// Plan a problem that `--save-model` wrote, instead of the project's
    #[arg(long, value_name = "FILE", conflicts_with_all = ["inventory", "write", "locked", "compare"])]
    pub from_model: Option<PathBuf>,
    /// Write the problem as it is solved, with its limits, so that it can be solved again elsewhere
    #[arg(long, value_name = "FILE", conflicts_with = "from_model")]
    pub save_model: Option<PathBuf>,
    /// Pin the plan in `shardplan.lock`
    #[arg(long)]
    pub write: bool,
    /// Fail (exit 5) if `shardplan.lock` would change
    #[arg(long, conflicts_with = "write")]
    pub locked: bool,
    /// Score a plan made by hand, in the form of a lock, beside the suggested one
    #[arg(long, value_name = "FILE")]
    pub compare: Vec<PathBuf>,
    /// Pictures of it.
    #[command(flatten)]
    pub pictures: PictureArgs,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: PlanFormatArg,
}

/// `shardplan tradeoff`
#[derive(Debug, Args)]
pub struct TradeoffArgs {
    /// The limits of every plan on the frontier.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Where the tests come from.
    #[command(flatten)]
    pub inventory: InventoryArgs,
    /// Look at a problem that `suggest --save-model` wrote, instead of the project's
    #[arg(long, value_name = "FILE", conflicts_with_all = ["inventory", "compare"])]
    pub from_model: Option<PathBuf>,
    /// Mark a plan made by hand, in the form of a lock, in the pictures
    #[arg(long, value_name = "FILE")]
    pub compare: Vec<PathBuf>,
    /// Pictures of it.
    #[command(flatten)]
    pub pictures: PictureArgs,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: PlanFormatArg,
}

/// `shardplan explain`
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A test, file, shard, service, lane or runner
    #[arg(value_name = "NAME")]
    pub subject: String,
    /// The limits of the plan, where none is pinned.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Where the tests come from.
    #[command(flatten)]
    pub inventory: InventoryArgs,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: FormatArg,
}

/// `shardplan simulate`
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Say as well in how many of 100 runs the workflow ends within TIME (`5m`)
    #[arg(long, value_name = "TIME")]
    pub by: Option<Millis>,
    /// The limits of the plan, where none is pinned.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Where the tests come from.
    #[command(flatten)]
    pub inventory: InventoryArgs,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: FormatArg,
}

/// `shardplan select`
#[derive(Debug, Args)]
pub struct SelectArgs {
    /// The shard
    #[arg(long, value_name = "NAME")]
    pub shard: String,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "lines")]
    pub format: SelectFormatArg,
    /// What was collected (`pytest --shardplan-collect`, `cargo nextest list --message-format json`), so that
    /// tests which the lock does not know are selected too
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// The lock, instead of the one beside the manifest
    #[arg(long, value_name = "FILE")]
    pub lock: Option<PathBuf>,
}

/// How `select` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SelectFormatArg {
    /// A file or test a line.
    Lines,
    /// Arguments for `pytest @FILE` (pytest 8.2 or later).
    Pytest,
    /// A filterset for `cargo nextest run -E`; needs `--against`.
    Nextest,
    /// A versioned machine format.
    Json,
}

/// `shardplan verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The results of all shards: reports of the pytest plugin or JUnit XML, files or folders. `SHARD=FILE`
    /// where neither the file nor its path says which shard it is of
    #[arg(required = true, value_name = "RESULT")]
    pub results: Vec<PathBuf>,
    /// Every test that exists; without it, what the shards collected themselves
    #[arg(long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
    /// The lock, instead of the one beside the manifest
    #[arg(long, value_name = "FILE")]
    pub lock: Option<PathBuf>,
    /// Add the results to the history
    #[arg(long)]
    pub ingest: bool,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: FormatArg,
}

/// `shardplan emit`
#[derive(Debug, Args)]
pub struct EmitArgs {
    /// What to write it for
    #[arg(value_name = "TARGET")]
    pub target: TargetArg,
    /// Fail (exit 1) if the file is not what the lock says, and write nothing
    #[arg(long)]
    pub check: bool,
    /// How shards are written into the workflow (github)
    #[arg(long, value_name = "STYLE", default_value = "auto")]
    pub style: StyleArg,
    /// The shards of this lane only (matrix)
    #[arg(long, value_name = "NAME")]
    pub lane: Option<String>,
    /// The file to write, `-` for stdout; by default the workflow file (github), else stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What CI configuration is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TargetArg {
    /// The team's own GitHub Actions workflow, edited in place.
    Github,
    /// JSON for a matrix that a job computes.
    Matrix,
    /// A makefile with a target for every shard.
    Make,
    /// Jobs for GitLab.
    Gitlab,
    /// A configuration for `CircleCI`.
    Circleci,
    /// A pipeline for Buildkite.
    Buildkite,
    /// pytest-split's `.test_durations`.
    TestDurations,
}

/// How shards are written into a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StyleArg {
    /// A matrix; a job for each shard where the job's own matrix can not take them.
    Auto,
    /// A matrix over the shards.
    Matrix,
    /// A job for each shard.
    Jobs,
}

impl TargetArg {
    /// Returns the word that is typed for it.
    #[must_use]
    pub fn word(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// `shardplan graph`
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// Where the tests come from.
    #[command(flatten)]
    pub inventory: InventoryArgs,
    /// Which graph to draw
    #[arg(long, value_name = "KIND", default_value = "needs")]
    pub kind: GraphKindArg,
    /// Draw when every job of the workflow runs, by the pinned plan or today's jobs: the path that decides the
    /// end, and how much longer every other job could take
    #[arg(long, conflicts_with_all = ["kind", "around"])]
    pub critical_path: bool,
    /// How the critical path is written
    #[arg(long, value_name = "FORMAT", default_value = "dot", requires = "critical_path")]
    pub format: GraphFormatArg,
    /// With --critical-path: as if JOB took TIME (`lint=30s`; `lint=0s` as if it were gone); may be repeated
    #[arg(long, value_name = "JOB=TIME", requires = "critical_path")]
    pub what_if: Vec<String>,
    /// Draw only what has to do with this test, file, service, marker, fixture or lane
    #[arg(long, value_name = "NAME")]
    pub around: Option<String>,
}

/// How a critical path is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormatArg {
    /// For Graphviz.
    Dot,
    /// A table for a terminal.
    Text,
    /// A versioned machine format.
    Json,
    /// For a pull request or a step summary.
    Markdown,
}

/// The graphs that can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphKindArg {
    /// Units, markers, fixtures, services and lanes, and why one needs another.
    Needs,
    /// The jobs of the workflow with the lanes among them.
    Jobs,
}

/// `shardplan schema`
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub file: SchemaArg,
}

/// The files that people write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaArg {
    /// `shardplan.toml`.
    Manifest,
}

/// `shardplan completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// `shardplan man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The folder to write them into; it is made where it is missing
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}
