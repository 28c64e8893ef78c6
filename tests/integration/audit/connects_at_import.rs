use super::Case;

#[test]
fn a_connection_at_import_is_found_where_it_is_opened() {
    let found = Case::new("SP301")
        .file("app/db.py", "import psycopg\n\nconnection = psycopg.connect('dbname=x')\n")
        .file("tests/test_a.py", "from app import db\n\ndef test_a(): pass\n")
        .file("tests/test_b.py", "import redis\n\nclient = redis.Redis()\n\ndef test_b(): pass\n")
        .found();
    assert_eq!(
        found,
        [
            "app/db.py:3 a connection to postgres is opened while this is imported, in the collection of 1 test file"
        ],
        "a client that connects later is none"
    );
}
