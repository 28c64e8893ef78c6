use super::Case;

fn jobs(seconds: u32) -> String {
    let run = |day: u32| {
        format!(
            r#"{{"id": {day}, "run_id": {day}, "name": "heavy", "conclusion": "success", "created_at": "2026-06-{day:02}T08:00:00Z", "started_at": "2026-06-{day:02}T08:00:00Z", "completed_at": "2026-06-{day:02}T08:{:02}:{:02}Z", "steps": []}}"#,
            seconds / 60,
            seconds % 60
        )
    };
    let runs: Vec<String> = (1..=10).map(run).collect();
    format!(r#"{{"total_count": 10, "jobs": [{}]}}"#, runs.join(","))
}

fn case(seconds: u32) -> Case {
    let case = Case::new("SP513")
        .workflow("jobs:\n  heavy:\n    timeout-minutes: 9\n    steps:\n      - run: pytest\n")
        .file("jobs.json", &jobs(seconds));
    let output = case.program(&["ingest", "jobs.json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    case
}

#[test]
fn a_limit_that_usual_runs_reach_is_found() {
    let found = case(560).found();
    assert_eq!(
        found,
        [
            ".github/workflows/ci.yml:2 job `heavy` is stopped after 9m00s, and one of ten runs takes 9m20s or more"
        ]
    );
}

#[test]
fn a_limit_well_above_them_is_no_fault() {
    assert!(case(300).found().is_empty());
}
