//! What each job of a workflow run and each of its steps took, as GitHub tells it.
//!
//! The REST answer to "list jobs for a workflow run", page by page or as one list of pages; a list of such jobs
//! without the envelope, and one job alone, as `gh api --jq` leaves them; what `gh run view --json jobs` prints;
//! and the payload of a `workflow_job` webhook. Times have a resolution of one second. The time in the queue lies
//! between `created` and `started`. The jobs that a job waits for are not in the answer.

use serde::Deserialize;
use serde_json::Value;

use super::IngestErrorKind;
use super::json::malformed;
use super::observation::{JobObservation, Report, StepObservation};
use super::warning::WarningKind;
use crate::time::Timestamp;

/// Reads the file.
pub(super) fn read(text: &str) -> Result<Report, IngestErrorKind> {
    let mut report = Report::default();
    // `gh api --paginate` writes one document behind the other.
    for document in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        take(&mut report, document.map_err(|error| malformed(&error))?, None)?;
    }
    Ok(report)
}

/// What `gh run view` says of the run around its jobs.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    database_id: Option<u64>,
    attempt: Option<u32>,
    head_branch: Option<String>,
    head_sha: Option<String>,
}

#[derive(Deserialize)]
struct Job {
    #[serde(alias = "databaseId")]
    id: u64,
    run_id: Option<u64>,
    run_attempt: Option<u32>,
    #[serde(default)]
    name: String,
    conclusion: Option<String>,
    created_at: Option<String>,
    #[serde(alias = "startedAt")]
    started_at: Option<String>,
    #[serde(alias = "completedAt")]
    completed_at: Option<String>,
    head_branch: Option<String>,
    head_sha: Option<String>,
    url: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    name: String,
    conclusion: Option<String>,
    #[serde(alias = "startedAt")]
    started_at: Option<String>,
    #[serde(alias = "completedAt")]
    completed_at: Option<String>,
}

fn take(report: &mut Report, document: Value, run: Option<&Run>) -> Result<(), IngestErrorKind> {
    match document {
        Value::Array(items) => {
            for item in items {
                take(report, item, run)?;
            }
            Ok(())
        }
        Value::Object(mut entries) => {
            if let Some(job) = entries.remove("workflow_job") {
                return take(report, job, run);
            }
            let Some(jobs) = entries.remove("jobs") else {
                keep(report, parsed(Value::Object(entries))?, run);
                return Ok(());
            };
            let around: Run = parsed(Value::Object(entries)).unwrap_or_default();
            take(report, jobs, Some(&around))
        }
        other => {
            // The parser's own words for what it did not expect.
            parsed::<Job>(other).map(|_| ())
        }
    }
}

fn keep(report: &mut Report, job: Job, run: Option<&Run>) {
    let completed = timestamp(job.completed_at.as_deref());
    let Some(completed) = completed else {
        // A job that still waits or runs has no duration yet; the list can be fetched again.
        report.warnings.add(WarningKind::NotFinished, None, job.name);
        return;
    };
    let started = timestamp(job.started_at.as_deref());
    let is_skipped = job.conclusion.as_deref() == Some("skipped");
    if !is_skipped && started.is_some_and(|started| started > completed) {
        report.warnings.add(WarningKind::BackwardJob, None, job.name);
        return;
    }
    let in_url = |part: &str| {
        let (_, after) = job.url.as_deref()?.split_once(part)?;
        after.split('/').next()?.parse::<u64>().ok()
    };
    let run_id = job.run_id.or_else(|| run.and_then(|run| run.database_id)).or_else(|| in_url("/runs/"));
    report.jobs.push(JobObservation {
        id: job.id,
        run: run_id.map(|id| id.to_string()),
        attempt: job.run_attempt.or_else(|| run.and_then(|run| run.attempt)),
        branch: job.head_branch.or_else(|| run.and_then(|run| run.head_branch.clone())),
        commit: job.head_sha.or_else(|| run.and_then(|run| run.head_sha.clone())),
        name: job.name,
        conclusion: job.conclusion,
        labels: job.labels,
        created: timestamp(job.created_at.as_deref()),
        started,
        completed: Some(completed),
        steps: job
            .steps
            .into_iter()
            .map(|step| StepObservation {
                name: step.name,
                conclusion: step.conclusion,
                started: timestamp(step.started_at.as_deref()),
                completed: timestamp(step.completed_at.as_deref()),
            })
            .collect(),
    });
}

fn parsed<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, IngestErrorKind> {
    serde_json::from_value(value).map_err(|error| malformed(&error))
}

/// `gh` writes the year 1 where GitHub has nothing.
fn timestamp(text: Option<&str>) -> Option<Timestamp> {
    Timestamp::parse(text?).filter(|at| at.0 > 0)
}

#[cfg(test)]
mod checks {
    use super::*;

    const JOB: &str = r#"{"id": 7, "run_id": 3, "run_attempt": 2, "name": "heavy (1)", "status": "completed",
        "conclusion": "success", "created_at": "2026-06-16T08:00:00Z", "started_at": "2026-06-16T08:00:09Z",
        "completed_at": "2026-06-16T08:08:23Z", "head_branch": "main", "head_sha": "abc",
        "labels": ["ubuntu-latest"], "steps": [{"name": "Initialize containers", "status": "completed",
        "conclusion": "success", "number": 2, "started_at": "2026-06-16T08:00:11Z",
        "completed_at": "2026-06-16T08:00:41Z"}]}"#;

    #[test]
    fn the_answer_a_list_and_one_job_say_the_same() {
        let answer = read(&format!(r#"{{"total_count": 1, "jobs": [{JOB}]}}"#)).unwrap();
        assert_eq!(answer, read(&format!("[{JOB}]")).unwrap());
        assert_eq!(answer, read(JOB).unwrap());
        let job = &answer.jobs[0];
        assert_eq!((job.id, job.run.as_deref(), job.attempt), (7, Some("3"), Some(2)));
        assert_eq!(job.steps[0].started, Timestamp::parse("2026-06-16T08:00:11Z"));
    }

    #[test]
    fn pages_and_webhooks_say_the_same() {
        let answer = read(&format!(r#"{{"total_count": 1, "jobs": [{JOB}]}}"#)).unwrap();
        let webhook =
            read(&format!(r#"{{"action": "completed", "workflow_job": {JOB}, "sender": {{}}}}"#)).unwrap();
        assert_eq!(answer, webhook);
        let page = format!(r#"{{"total_count": 2, "jobs": [{JOB}]}}"#);
        assert_eq!(read(&format!("{page}\n{page}")).unwrap().jobs.len(), 2);
        assert_eq!(read(&format!("[{page}, {page}]")).unwrap().jobs.len(), 2);
    }

    #[test]
    fn the_command_line_program_has_its_own_words() {
        let report = read(
            r#"{"attempt": 2, "headBranch": "main", "headSha": "abc", "jobs": [{"databaseId": 7, "name": "heavy", "status": "completed",
            "conclusion": "success", "startedAt": "2026-06-16T08:00:09Z", "completedAt": "2026-06-16T08:08:23Z",
            "url": "https://github.com/o/r/actions/runs/3/job/7", "steps": [{"name": "Set up job", "number": 1, "status": "completed",
            "conclusion": "success", "startedAt": "2026-06-16T08:00:11Z", "completedAt": "2026-06-16T08:00:12Z"}]}]}"#,
        )
        .unwrap();
        let job = &report.jobs[0];
        assert_eq!(
            (job.id, job.run.as_deref(), job.attempt, job.branch.as_deref()),
            (7, Some("3"), Some(2), Some("main"))
        );
        assert_eq!(job.steps[0].started, Timestamp::parse("2026-06-16T08:00:11Z"));
    }

    #[test]
    fn a_job_that_ends_before_it_begins_is_passed_over() {
        let backward = JOB.replace("08:08:23", "07:08:23");
        let report = read(&backward).unwrap();
        assert_eq!((report.jobs.len(), report.warnings.count(WarningKind::BackwardJob)), (0, 1));
    }

    #[test]
    fn a_job_that_still_runs_is_passed_over() {
        let running = JOB.replace(r#""completed_at": "2026-06-16T08:08:23Z""#, r#""completed_at": null"#);
        let report = read(&running).unwrap();
        assert_eq!(report.jobs, []);
        assert_eq!(report.warnings.count(WarningKind::NotFinished), 1);
    }

    #[test]
    fn a_job_without_its_id_is_refused_with_its_place() {
        let error = read(r#"{"jobs": [{"name": "a"}]}"#).unwrap_err();
        assert_eq!(error.to_string(), "is not valid JSON: missing field `id`");
    }
}
