use super::Case;

const TEXT: &str = "jobs:\n  unit:\n    strategy: {matrix: {os: [ubuntu-latest, macos-latest]}}\n    runs-on: ${{ matrix.os }}\n    steps:\n      - run: pytest --cov\n  gate:\n    needs: unit\n    steps:\n      - run: coverage combine\n";

#[test]
fn runners_that_differ_without_a_map_are_found() {
    let found = Case::new("SP512").workflow(TEXT).found();
    assert_eq!(
        found,
        [
            ".github/workflows/ci.yml:10 gate `gate` combines coverage of macos and ubuntu, where the project lies in different places"
        ]
    );
}

#[test]
fn a_map_relative_files_or_one_system_is_no_fault() {
    for settings in [
        "[tool.coverage.paths]\nsource = ['src', '/home/runner/src']\n",
        "[tool.coverage.run]\nrelative_files = true\n",
    ] {
        assert!(Case::new("SP512").workflow(TEXT).file("pyproject.toml", settings).found().is_empty());
    }
    let one = TEXT.replace("macos-latest", "ubuntu-24.04");
    assert!(Case::new("SP512").workflow(&one).found().is_empty());
}
