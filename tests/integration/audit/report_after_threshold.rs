use super::Case;

const TEXT: &str = "jobs:\n  gate:\n    needs: unit\n    steps:\n      - run: coverage combine\n      - run: coverage report\n      - run: coverage xml\n  unit:\n    steps:\n      - run: pytest --cov\n";

#[test]
fn a_report_behind_the_threshold_is_found_in_steps_and_in_lines() {
    let said = "gate `gate` writes its report after the threshold: where that fails, nobody sees why";
    assert_eq!(Case::new("SP508").workflow(TEXT).found(), [format!(".github/workflows/ci.yml:7 {said}")]);
    let lines = TEXT.replace(
        "      - run: coverage report\n      - run: coverage xml\n",
        "      - run: |\n          coverage report\n          coverage xml\n",
    );
    assert_eq!(Case::new("SP508").workflow(&lines).found(), [format!(".github/workflows/ci.yml:6 {said}")]);
}

#[test]
fn a_report_before_it_or_in_any_case_is_no_fault() {
    let before = TEXT.replace("report\n      - run: coverage xml", "xml\n      - run: coverage report");
    assert!(Case::new("SP508").workflow(&before).found().is_empty());
    let always = TEXT.replace("coverage xml\n", "coverage xml\n        if: always()\n");
    assert!(Case::new("SP508").workflow(&always).found().is_empty());
}
