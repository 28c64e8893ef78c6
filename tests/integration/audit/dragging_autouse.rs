use super::Case;

#[test]
fn an_autouse_fixture_that_opens_a_service_is_found() {
    let found = Case::new("SP302")
        .file("tests/conftest.py", "import pytest, psycopg\n\n@pytest.fixture(autouse=True)\ndef clean():\n    psycopg.connect('x').execute('truncate carts')\n")
        .file("tests/test_a.py", "import psycopg\n\ndef test_a(): pass\n\ndef test_b():\n    psycopg.connect('x')\n")
        .found();
    assert_eq!(
        found,
        [
            "tests/conftest.py:4 the autouse fixture `clean` brings postgres into 2 test functions; 1 of them need it for nothing else"
        ]
    );
}

#[test]
fn an_autouse_fixture_that_has_another_open_the_service_is_found() {
    let found = Case::new("SP302")
        .file("tests/conftest.py", "import pytest, psycopg\n\n@pytest.fixture\ndef connection():\n    return psycopg.connect('x')\n\n@pytest.fixture\ndef cursor(connection):\n    return connection.cursor()\n\n@pytest.fixture(autouse=True)\ndef clean(cursor):\n    cursor.execute('truncate carts')\n")
        .file("tests/test_a.py", "def test_a(): pass\n\ndef test_b(cursor): pass\n")
        .found();
    assert_eq!(
        found,
        [
            "tests/conftest.py:12 the autouse fixture `clean` brings postgres into 2 test functions; 1 of them need it for nothing else"
        ]
    );
}
