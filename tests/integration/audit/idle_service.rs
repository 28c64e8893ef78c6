use super::Case;

#[test]
fn a_service_that_nobody_needs_is_found() {
    let found = Case::new("SP204")
        .manifest(
            "[services.postgres]\n[services.redis]\n[lanes.all]\nservices = [\"postgres\", \"redis\"]\n",
        )
        .file("tests/test_a.py", "import psycopg\n\ndef test_a():\n    psycopg.connect('dbname=x')\n")
        .found();
    assert_eq!(found, ["shardplan.toml:4 lane `all` starts redis, and none of its tests needs it"]);
}

#[test]
fn a_service_that_the_manifest_gives_to_a_fixture_is_needed() {
    let found = Case::new("SP204")
        .manifest("[services.redis]\nfixtures = [\"cache\"]\n[lanes.all]\nservices = [\"redis\"]\n")
        .file("tests/conftest.py", "import pytest\n@pytest.fixture\ndef cache(): return object()\n")
        .file("tests/test_a.py", "def test_a(cache): pass\n")
        .found();
    assert!(found.is_empty(), "{found:?}");
}
