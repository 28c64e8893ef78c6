use super::Case;

const TEXT: &str = "jobs:\n  unit:\n    services:\n      search: {image: 'elasticsearch:8.15.0'}\n      redis: {image: 'redis:7'}\n    steps:\n      - run: pytest tests/unit\n";

fn case(workflow: &str) -> Case {
    Case::new("SP515")
        .workflow(workflow)
        .file("tests/unit/test_a.py", "import redis\n\ndef test_a():\n    redis.Redis().ping()\n")
        .file(
            "tests/heavy/test_b.py",
            "import elasticsearch\n\ndef test_b():\n    elasticsearch.Elasticsearch()\n",
        )
}

#[test]
fn a_service_that_no_test_of_the_job_needs_is_found() {
    let found = case(TEXT).found();
    assert_eq!(
        found,
        [".github/workflows/ci.yml:4 job `unit` starts search, and none of its 1 test function needs it"]
    );
}

#[test]
fn a_job_that_needs_it_or_may_use_it_elsewhere_is_no_fault() {
    assert!(case(&TEXT.replace("tests/unit", "tests")).found().is_empty());
    assert!(
        case(
            &TEXT.replace("      - run: pytest", "      - run: curl elasticsearch:9200\n      - run: pytest")
        )
        .found()
        .is_empty()
    );
    assert!(
        case(&TEXT.replace("pytest tests/unit", "make test")).found().is_empty(),
        "what make runs is not known"
    );
}
