//! The store to [`Observed`]: the same values whatever order the file system lists its files in.

use std::collections::HashMap;

use super::store::Table;
use super::tests_table::{self, RunRows};
use super::{Filter, HistoryError, Observed, Sample, Store, TestHistory, jobs_table};
use crate::ids::NodeId;
use crate::ingest::JobObservation;

/// Reads what the filter keeps of a store.
pub fn load(store: &Store, filter: &Filter) -> Result<Observed, HistoryError> {
    let mut observed = Observed { jobs: load_jobs(store, filter)?, ..Observed::default() };
    let mut positions: HashMap<NodeId, usize> = HashMap::new();
    for RunRows { run, rows, .. } in load_runs(store, filter)? {
        let run = observed.runs.push(run);
        for row in rows {
            let sample = Sample {
                run,
                total: row.total,
                outcome: row.outcome,
                phases: row.phases,
                reason: row.reason,
            };
            if let Some(&position) = positions.get(&row.test) {
                observed.tests[position].samples.push(sample);
            } else {
                positions.insert(row.test.clone(), observed.tests.len());
                let (test, file) = (row.test, row.file.into());
                observed.tests.push(TestHistory { test, file, samples: vec![sample] });
            }
        }
    }
    observed.tests.sort_unstable_by(|one, other| one.test.cmp(&other.test));
    Ok(observed)
}

/// Returns the runs, oldest first. Runs of one time keep the order of their digests, which is arbitrary but
/// the same everywhere.
fn load_runs(store: &Store, filter: &Filter) -> Result<Vec<RunRows>, HistoryError> {
    let mut runs = Vec::new();
    for (digest, path) in store.files(Table::Tests, filter)? {
        let of_file = tests_table::read(&path, &digest)?;
        runs.extend(of_file.into_iter().filter(|run| filter.keeps_run(&run.run.facts)));
    }
    runs.sort_by(|one, other| {
        let (at, other_at) = (one.run.facts.at, other.run.facts.at);
        at.cmp(&other_at)
            .then_with(|| one.run.digest.cmp(&other.run.digest))
            .then(one.report.cmp(&other.report))
    });
    Ok(runs)
}

/// Returns the jobs, oldest first. The jobs of a run are often fetched more than once, at first while some
/// still run; of the same job the answer that came last in its life counts.
fn load_jobs(store: &Store, filter: &Filter) -> Result<Vec<JobObservation>, HistoryError> {
    let mut jobs = Vec::new();
    for path in store.files(Table::Jobs, filter)?.into_values() {
        jobs.extend(jobs_table::read(&path)?.into_iter().filter(|job| filter.keeps_job(job)));
    }
    jobs.sort_by(|one, other| {
        let age = |job: &JobObservation| (job.completed, job.steps.len());
        (one.id, one.attempt).cmp(&(other.id, other.attempt)).then_with(|| age(other).cmp(&age(one)))
    });
    jobs.dedup_by(|later, first| (later.id, later.attempt) == (first.id, first.attempt));
    jobs.sort_by_key(|job| (job.started.or(job.created), job.id));
    Ok(jobs)
}
