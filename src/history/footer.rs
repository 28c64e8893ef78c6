//! What a file of the store says about itself in its footer, so that a question about runs reads no row.
//!
//! Files of version 1 have no such footer; what it would say stands in the columns of their rows.

use serde::{Deserialize, Serialize};

use super::{Digest, StoredRun};
use crate::ids::{LaneName, ServiceName, WholeRunIx};
use crate::ingest::{Format, RunFacts};
use crate::time::{Micros, Timestamp};

/// The version of the layout that is written.
pub(super) const VERSION: u32 = 2;

/// The key of the version among the key-value pairs of a Parquet footer.
pub(super) const VERSION_KEY: &str = "shardplan.version";

/// The key of the parts, a JSON list.
pub(super) const PARTS_KEY: &str = "shardplan.parts";

/// The key of the columns that say nothing of their own, with blanks between: no reader need look at them.
pub(super) const SILENT_KEY: &str = "shardplan.silent";

/// A part as the footer writes it. Its rows follow those of the part before it.
#[derive(Serialize, Deserialize)]
struct PartV2 {
    digest: String,
    report: u32,
    rows: usize,
    format: String,
    source: String,
    run: Option<String>,
    attempt: Option<u32>,
    commit: Option<String>,
    branch: Option<String>,
    at_ms: Option<i64>,
    lane: Option<LaneName>,
    shard: Option<String>,
    machine: Option<String>,
    services: Option<Vec<ServiceName>>,
    extent: String,
    /// Files that are older than these two do without.
    framework: Option<String>,
    session_us: Option<u64>,
}

/// Returns the parts of a file as its footer says them; `observations` is the number of their rows.
pub(super) fn render<'a>(parts: impl IntoIterator<Item = &'a StoredRun>) -> String {
    let part = |run: &StoredRun| PartV2 {
        digest: run.digest.to_string(),
        report: run.report,
        rows: run.observations,
        format: run.format.to_string(),
        source: run.source.to_string(),
        run: run.facts.run.clone(),
        attempt: run.facts.attempt,
        commit: run.facts.commit.clone(),
        branch: run.facts.branch.clone(),
        at_ms: run.facts.at.map(|at| at.0),
        lane: run.facts.lane.clone(),
        shard: run.facts.shard.clone(),
        machine: run.facts.machine.clone(),
        services: run.facts.services.clone(),
        extent: run.facts.extent.as_str().to_owned(),
        framework: run.facts.framework.map(|framework| framework.as_str().to_owned()),
        session_us: run.facts.session.map(|session| session.0),
    };
    let parts: Vec<PartV2> = parts.into_iter().map(part).collect();
    serde_json::to_string(&parts).expect("texts and numbers are JSON")
}

/// Reads what [`render`] wrote.
pub(super) fn parse(text: &str) -> Result<Vec<StoredRun>, String> {
    let parts: Vec<PartV2> =
        serde_json::from_str(text).map_err(|error| format!("its footer makes no sense: {error}"))?;
    parts.into_iter().map(StoredRun::try_from).collect()
}

impl TryFrom<PartV2> for StoredRun {
    type Error = String;

    fn try_from(part: PartV2) -> Result<Self, String> {
        let digest = Digest::parse(&part.digest).ok_or_else(|| format!("`{}` is no digest", part.digest))?;
        let facts = RunFacts {
            run: part.run,
            attempt: part.attempt,
            commit: part.commit,
            branch: part.branch,
            at: part.at_ms.map(Timestamp),
            lane: part.lane,
            shard: part.shard,
            machine: part.machine,
            services: part.services,
            extent: part.extent.parse()?,
            // A word of a later version says nothing here.
            framework: part.framework.and_then(|word| word.parse().ok()),
            session: part.session_us.map(Micros),
        };
        Ok(Self {
            digest,
            report: part.report,
            format: part.format.into(),
            source: part.source.into(),
            facts,
            whole: WholeRunIx(0),
            age: 0,
            observations: part.rows,
        })
    }
}

/// Returns the part that a run of an ingested file becomes.
pub(super) fn part_of(
    (digest, report): (&Digest, u32),
    (format, source): (Format, &str),
    facts: RunFacts,
    rows: usize,
) -> StoredRun {
    StoredRun {
        digest: digest.clone(),
        report,
        format: format.as_str().into(),
        source: source.into(),
        facts,
        whole: WholeRunIx(0),
        age: 0,
        observations: rows,
    }
}
