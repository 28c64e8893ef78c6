//! What can be typed. What it means is decided in [`super::settings`].

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::time::Millis;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Plan how to split a slow CI test job: which lanes and shards, with which service containers in each, end
/// the whole workflow soonest, and how far from the best possible that is.
#[derive(Debug, Parser)]
#[command(name = "shardplan", version, styles = STYLES, max_term_width = 100)]
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
    /// Find the best lanes and shards within a budget, and prove how good they are
    Suggest(SuggestArgs),
    /// Show what every further container, shard and minute buys
    Tradeoff(TradeoffArgs),
    /// Say why a test, shard, service or lane is where it is
    Explain(ExplainArgs),
    /// Write the CI configuration for the pinned plan
    Emit(EmitArgs),
    /// Draw the constraint graph as DOT
    Graph(GraphArgs),
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
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// Reports, duration files and job lists; a folder is searched; the format is recognised by content
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
    /// The run covered only a part of the suite
    #[arg(long)]
    pub partial: bool,
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
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text", global = true)]
    pub format: FormatArg,
}

/// The views of the history.
#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
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
    /// A row per observation.
    Csv,
    /// pytest-split's `.test_durations`: the estimate of every test in seconds.
    TestDurations,
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
    /// End the workflow within TIME (`5m`) with the fewest containers that can
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    pub target: Option<Millis>,
}

impl LimitArgs {
    /// Returns whether a limit was typed.
    pub(super) fn any(&self) -> bool {
        let Self { budget, max_shards, max_minutes, target } = self;
        budget.is_some() || max_shards.is_some() || max_minutes.is_some() || target.is_some()
    }
}

/// Where the tests come from.
#[derive(Debug, Args)]
pub struct InventoryArgs {
    /// The inventory (JSON or CSV), instead of the manifest's; without one, the tests of the history
    #[arg(long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
}

/// `shardplan suggest`
#[derive(Debug, Args)]
pub struct SuggestArgs {
    /// The limits of the plan.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Where the tests come from.
    #[command(flatten)]
    pub inventory: InventoryArgs,
    /// Pin the plan in `shardplan.lock`
    #[arg(long)]
    pub write: bool,
    /// Fail (exit 5) if `shardplan.lock` would change
    #[arg(long, conflicts_with = "write")]
    pub locked: bool,
    /// Score a plan made by hand, in the form of a lock, beside the suggested one
    #[arg(long, value_name = "FILE")]
    pub compare: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: FormatArg,
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
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: FormatArg,
}

/// `shardplan explain`
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A test, file, shard, service or lane
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
    /// A configuration for CircleCI.
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
    /// Draw only what has to do with this test, file, service, marker, fixture or lane
    #[arg(long, value_name = "NAME")]
    pub around: Option<String>,
}

/// The graphs that can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphKindArg {
    /// Units, markers, fixtures, services and lanes, and why one needs another.
    Needs,
    /// The jobs of the workflow with the lanes among them.
    Jobs,
}
