//! GitHub's REST answer to "list jobs for a workflow run": what each job and each of its steps took.
//!
//! A list of such jobs without the envelope, and one job alone, are read too: `gh api --jq` leaves them. Times
//! have a resolution of one second. The jobs that a job waits for are not in the answer.

use serde::Deserialize;

use super::IngestErrorKind;
use super::json::malformed;
use super::observation::{JobObservation, Report, StepObservation, Warning, WarningKind};
use crate::time::Timestamp;

/// Reads the file.
pub(super) fn read(text: &str) -> Result<Report, IngestErrorKind> {
    let jobs: Vec<RestJob> = if text.trim_ascii_start().starts_with('[') {
        parse(text)?
    } else if let Document { jobs: Some(jobs) } = parse(text)? {
        jobs
    } else {
        vec![parse(text)?]
    };
    let mut report = Report::default();
    for job in jobs {
        if job.completed_at.is_none() {
            // A job that still waits or runs has no duration yet; the list can be fetched again.
            let kind = WarningKind::NotFinished;
            report.warnings.push(Warning { line: None, kind, subject: job.name });
        } else {
            report.jobs.push(job.into());
        }
    }
    Ok(report)
}

#[derive(Deserialize)]
struct Document {
    jobs: Option<Vec<RestJob>>,
}

#[derive(Deserialize)]
struct RestJob {
    id: u64,
    run_id: u64,
    run_attempt: Option<u32>,
    name: String,
    conclusion: Option<String>,
    created_at: Option<String>,
    started_at: Option<String>,
    completed_at: Option<String>,
    head_branch: Option<String>,
    head_sha: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    steps: Vec<RestStep>,
}

#[derive(Deserialize)]
struct RestStep {
    name: String,
    conclusion: Option<String>,
    started_at: Option<String>,
    completed_at: Option<String>,
}

impl From<RestJob> for JobObservation {
    fn from(job: RestJob) -> Self {
        Self {
            id: job.id,
            name: job.name,
            run: Some(job.run_id.to_string()),
            attempt: job.run_attempt,
            branch: job.head_branch,
            commit: job.head_sha,
            conclusion: job.conclusion,
            labels: job.labels,
            created: timestamp(job.created_at),
            started: timestamp(job.started_at),
            completed: timestamp(job.completed_at),
            steps: job.steps.into_iter().map(StepObservation::from).collect(),
        }
    }
}

impl From<RestStep> for StepObservation {
    fn from(step: RestStep) -> Self {
        Self {
            name: step.name,
            conclusion: step.conclusion,
            started: timestamp(step.started_at),
            completed: timestamp(step.completed_at),
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, IngestErrorKind> {
    serde_json::from_str(text).map_err(|error| malformed(&error))
}

fn timestamp(text: Option<String>) -> Option<Timestamp> {
    Timestamp::parse(&text?)
}

#[cfg(test)]
mod tests {
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
    fn a_job_that_still_runs_is_passed_over() {
        let running = JOB.replace(r#""completed_at": "2026-06-16T08:08:23Z""#, r#""completed_at": null"#);
        let report = read(&running).unwrap();
        assert_eq!(report.jobs, []);
        assert_eq!(report.warnings[0].kind, WarningKind::NotFinished);
    }

    #[test]
    fn a_job_without_its_id_is_refused_with_its_place() {
        let error = read(r#"{"jobs": [{"name": "a"}]}"#).unwrap_err();
        assert_eq!(error.to_string(), "is not valid JSON: missing field `id`");
    }
}
