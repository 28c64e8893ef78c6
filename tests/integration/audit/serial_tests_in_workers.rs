use super::Case;

#[test]
fn a_test_that_must_run_alone_is_found_among_workers() {
    let case = |workers: u32| {
        Case::new("SP207")
            .manifest(&format!("[lanes.all]\nworkers = {workers}\n"))
            .file("tests/test_a.py", "import pytest\n\n@pytest.mark.serial\ndef test_a(): pass\n")
            .found()
    };
    assert_eq!(
        case(4),
        ["shardplan.toml:1 lane `all` has 4 workers, and 1 test function of it must run alone"]
    );
    assert!(case(1).is_empty());
}
