use super::Case;

#[test]
fn a_lane_without_what_its_test_opens_is_found() {
    let case = |today: &str| {
        Case::new("SP203")
            .manifest(&format!(
                "[services.postgres]\n[lanes.unit]\ntoday = {{ services = [{today}], shards = 1 }}\n"
            ))
            .file("tests/test_a.py", "import psycopg\n\ndef test_a():\n    psycopg.connect('dbname=x')\n")
            .found()
    };
    assert_eq!(
        case(""),
        ["shardplan.toml:3 lane `unit` starts no postgres today, and 1 test function of it needs it"]
    );
    assert!(case("\"postgres\"").is_empty());
}
