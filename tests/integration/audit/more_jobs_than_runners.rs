use super::Case;

fn text(rows: usize, system: &str) -> String {
    let rows: Vec<String> = (1..=rows).map(|row| row.to_string()).collect();
    format!(
        "jobs:\n  lint:\n    runs-on: ubuntu-latest\n    steps: [{{run: ruff check}}]\n  unit:\n    runs-on: {system}\n    strategy: {{matrix: {{shard: [{}]}}}}\n    steps: [{{run: pytest}}]\n",
        rows.join(",")
    )
}

#[test]
fn jobs_that_must_wait_for_a_runner_are_found() {
    let found = Case::new("SP514").workflow(&text(22, "ubuntu-latest")).found();
    assert_eq!(
        found,
        [
            ".github/workflows/ci.yml:5 23 jobs are ready at once, and the free plan has 20 Linux and Windows runners: 3 wait"
        ]
    );
    let apple = Case::new("SP514").workflow(&text(6, "macos-latest")).found();
    assert_eq!(
        apple,
        [
            ".github/workflows/ci.yml:5 6 jobs are ready at once, and the free plan has 5 macOS runners: 1 wait"
        ]
    );
}

#[test]
fn few_jobs_and_runners_of_ones_own_are_no_fault() {
    assert!(Case::new("SP514").workflow(&text(19, "ubuntu-latest")).found().is_empty());
    assert!(Case::new("SP514").workflow(&text(60, "[self-hosted, linux]")).found().is_empty());
}
