use super::Case;

const TEXT: &str = "jobs:\n  unit:\n    steps:\n      - run: pytest --cov\n      - uses: actions/upload-artifact@v4\n        with:\n          path: .coverage.unit\n";

#[test]
fn an_upload_that_leaves_hidden_files_out_is_found() {
    let found = Case::new("SP504").workflow(TEXT).found();
    assert_eq!(
        found,
        [
            ".github/workflows/ci.yml:5 job `unit` uploads `.coverage` files, but hidden files are left out: set `include-hidden-files: true`"
        ]
    );
}

#[test]
fn an_upload_that_includes_them_is_no_fault() {
    let text = format!("{TEXT}          include-hidden-files: true\n");
    assert!(Case::new("SP504").workflow(&text).found().is_empty());
}

#[test]
fn a_comment_in_the_workflow_leaves_it_alone() {
    let text = TEXT.replace("      - uses", "      # shardplan: ignore[SP504]\n      - uses");
    assert!(Case::new("SP504").workflow(&text).found().is_empty());
}
