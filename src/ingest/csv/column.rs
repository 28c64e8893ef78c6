//! The columns of the CSV by their names.

use std::collections::BTreeMap;

/// The columns in the order they are written.
pub(super) const COLUMNS: [Column; 22] = [
    Column::Test,
    Column::Seconds,
    Column::File,
    Column::Outcome,
    Column::Lane,
    Column::Shard,
    Column::Run,
    Column::Attempt,
    Column::Branch,
    Column::Commit,
    Column::At,
    Column::Machine,
    Column::Services,
    Column::Extent,
    Column::SetupSeconds,
    Column::CallSeconds,
    Column::TeardownSeconds,
    Column::Reason,
    Column::Unit,
    Column::Retries,
    Column::Worker,
    Column::Project,
];

/// A column that is read and not written, instead of the seconds.
const READ_ONLY: [Column; 1] = [Column::Milliseconds];

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Test,
    Seconds,
    File,
    Outcome,
    Lane,
    Shard,
    Run,
    Attempt,
    Branch,
    Commit,
    At,
    Machine,
    Services,
    Extent,
    SetupSeconds,
    CallSeconds,
    TeardownSeconds,
    Reason,
    /// Instead of the seconds.
    Milliseconds,
    Unit,
    Retries,
    Worker,
    Project,
}

impl Column {
    /// The columns that say which run a row belongs to.
    pub(super) const OF_THE_RUN: [Self; 10] = [
        Self::Lane,
        Self::Shard,
        Self::Run,
        Self::Attempt,
        Self::Branch,
        Self::Commit,
        Self::At,
        Self::Machine,
        Self::Services,
        Self::Extent,
    ];

    pub(super) fn from_name(name: &str, columns: &BTreeMap<String, String>) -> Option<Self> {
        let name = name.trim();
        let named = |column: &Self| columns.get(column.name()).map(String::as_str) == Some(name);
        let mut all = COLUMNS.into_iter().chain(READ_ONLY);
        if let Some(column) = all.find(named) {
            return Some(column);
        }
        // Once the manifest names another column for something, the usual one means something else.
        let free = |column: &Self| !columns.contains_key(column.name());
        if name.eq_ignore_ascii_case("node_id") {
            return Some(Self::Test).filter(free);
        }
        let mut all = COLUMNS.into_iter().chain(READ_ONLY);
        all.find(|column| column.name().eq_ignore_ascii_case(name)).filter(free)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Seconds => "seconds",
            Self::File => "file",
            Self::Outcome => "outcome",
            Self::Lane => "lane",
            Self::Shard => "shard",
            Self::Run => "run",
            Self::Attempt => "attempt",
            Self::Branch => "branch",
            Self::Commit => "commit",
            Self::At => "at",
            Self::Machine => "machine",
            Self::Services => "services",
            Self::Extent => "extent",
            Self::SetupSeconds => "setup_seconds",
            Self::CallSeconds => "call_seconds",
            Self::TeardownSeconds => "teardown_seconds",
            Self::Reason => "reason",
            Self::Milliseconds => "milliseconds",
            Self::Unit => "unit",
            Self::Retries => "retries",
            Self::Worker => "worker",
            Self::Project => "project",
        }
    }
}
