//! Which services a test needs where fixtures and hooks ask for its marks, and where conditions are texts.

use crate::needs::needs;

#[test]
fn a_fixture_that_asks_for_a_mark_runs_for_those_that_bear_it() {
    let conftest = "
import psycopg
import pytest
import redis

@pytest.fixture(autouse=True)
def database(request):
    if not request.node.get_closest_marker('db'):
        yield None
        return
    with psycopg.connect('postgres://db/x') as connection:
        yield connection

@pytest.fixture(autouse=True)
def cache(request):
    mark = request.node.get_closest_marker('cache')
    if mark is None:
        return None
    return redis.Redis(**mark.kwargs)

@pytest.fixture(autouse=True)
def no_search(request):
    if 'search' in request.keywords:
        return
    import elasticsearch
    elasticsearch.Elasticsearch('http://es').ping()
";
    let tests = "
import pytest

def test_nothing():
    pass

@pytest.mark.db
@pytest.mark.search
def test_db():
    pass

@pytest.mark.cache(db=3)
@pytest.mark.search
class TestCache:
    def test_in_a_class(self):
        pass

@pytest.mark.search
@pytest.mark.parametrize('x', [1, pytest.param(2, marks=pytest.mark.cache)])
def test_one_of_two(x):
    pass
";
    assert_eq!(
        needs(&[("conftest.py", conftest), ("test_a.py", tests)]),
        [
            "test_nothing: elasticsearch",
            "test_db: postgres",
            "test_in_a_class: redis",
            "test_one_of_two: redis",
        ]
    );
}

#[test]
fn a_hook_that_skips_tests_of_a_mark_guards_them() {
    let conftest = "
import socket
import pytest

def up(port):
    try:
        socket.create_connection(('localhost', port)).close()
    except OSError:
        return False
    return True

def pytest_runtest_setup(item):
    if item.get_closest_marker('postgres') and not up(5432):
        pytest.skip('no PostgreSQL')
    for mark in item.iter_markers(name='redis'):
        if not up(6379):
            pytest.skip('no Redis')
";
    let tests = "
import pytest, subprocess

@pytest.mark.postgres
def test_shell():
    subprocess.run(['psql', '-c', 'select 1'])

@pytest.mark.redis
def test_cache():
    subprocess.run(['redis-cli', 'ping'])

def test_plain():
    pass
";
    assert_eq!(
        needs(&[("conftest.py", conftest), ("test_a.py", tests)]),
        ["test_shell: postgres", "test_cache: redis", "test_plain:"]
    );
}

#[test]
fn marks_that_a_hook_gives_decide_nothing() {
    let conftest = "
import pytest
import redis

def pytest_collection_modifyitems(items):
    for item in items:
        if 'cache' in item.name:
            item.add_marker(pytest.mark.cache)

@pytest.fixture(autouse=True)
def cache(request):
    if request.node.get_closest_marker('cache'):
        redis.Redis().flushdb()
";
    let tests = "
def test_cache():
    pass
";
    assert_eq!(needs(&[("conftest.py", conftest), ("test_a.py", tests)]), ["test_cache: redis"]);
}

#[test]
fn a_condition_that_is_a_text_guards_like_any_other() {
    let tests = "
import pytest
import redis

def cache_up():
    try:
        return redis.Redis().ping()
    except redis.ConnectionError:
        return False

@pytest.mark.skipif('not cache_up()', reason='no cache')
def test_guarded():
    pass

@pytest.mark.skipif('sys.version_info < (3, 9) or . ..', reason='old')
def test_version():
    pass
";
    assert_eq!(needs(&[("test_a.py", tests)]), ["test_guarded: redis", "test_version:"]);
}

#[test]
fn plugins_that_the_project_gives_pytest_bring_their_fixtures() {
    let plugin = "
import pytest
import redis

@pytest.fixture
def store():
    return redis.Redis()
";
    let tests = "
def test_of_a_plugin(store):
    pass
";
    let metadata =
        "[project]\nname = \"stores\"\n[project.entry-points.pytest11]\nstores = \"stores.plugin\"\n";
    let setup = "[options.entry_points]\npytest11 =\n    stores = stores.plugin\n";
    for (file, text) in [("pyproject.toml", metadata), ("setup.cfg", setup)] {
        let files = [
            (file, text),
            ("stores/__init__.py", ""),
            ("stores/plugin.py", plugin),
            ("tests/test_a.py", tests),
        ];
        assert_eq!(needs(&files), ["test_of_a_plugin: redis"], "{file}");
    }
}

#[test]
fn where_nobody_can_tell_a_tests_marks_a_fixture_that_asks_for_them_runs() {
    let conftest = "
import pytest
import redis

@pytest.fixture(autouse=True)
def cache(request):
    if 'cache' in request.keywords:
        redis.Redis().flushdb()
";
    let plain = "def test_a():\n    pass\n";
    let marked_by = |tests: &str| {
        let found = needs(&[("conftest.py", conftest), ("tests/test_a.py", tests)]);
        found == ["test_a: redis"]
    };
    assert!(!marked_by(plain));
    assert!(marked_by("import marks\n\n@marks.cached\ndef test_a():\n    pass\n"));
    assert!(marked_by(&format!("{plain}\npytestmark = []\npytestmark += MARKS\n")));
    assert!(marked_by(&format!("{plain}\ntest_a.pytestmark = MARKS\n")));
    // The names of folders are keywords as well.
    assert_eq!(needs(&[("conftest.py", conftest), ("cache/test_a.py", plain)]), ["test_a: redis"]);
    let hook = "\ndef pytest_collection_modifyitems(items):\n    for item in items:\n        item.add_marker(item.name)\n";
    let with_hook = format!("{conftest}{hook}");
    assert_eq!(needs(&[("conftest.py", &with_hook), ("tests/test_a.py", plain)]), ["test_a: redis"]);
}
