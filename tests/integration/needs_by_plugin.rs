//! Which services tests need by plug-ins of the project itself, by objects in lists, and where the project is a client.

use crate::needs::needs;

const HELPERS: (&str, &str) = ("helpers.py", "import redis\ndef reset():\n    redis.Redis().flushall()\n");

const PLUGIN: &str = "
import pytest
import helpers

@pytest.fixture
def reset():
    return helpers.reset

@pytest.fixture
def clean(reset):
    reset()
";

const TESTS: (&str, &str) = (
    "test_a.py",
    "
import pytest

@pytest.mark.usefixtures('clean')
def test_clean(): pass

def test_plain(): pass

def test_reset(reset):
    reset()
",
);

#[test]
fn what_the_fixtures_of_a_plug_in_give_is_known_to_who_asks_for_them() {
    let expected = ["test_clean: redis", "test_plain:", "test_reset: redis"];
    let named =
        |conftest: &str, plugin: &str| needs(&[HELPERS, (plugin, PLUGIN), ("conftest.py", conftest), TESTS]);
    assert_eq!(named("pytest_plugins = ['stores']\n", "stores.py"), expected);
    assert_eq!(
        named("pytest_plugins: list[str] = []\npytest_plugins += ['stores']\n", "stores.py"),
        expected
    );
    let globbed = "from glob import glob\n\
        pytest_plugins = [p.replace('/', '.').replace('.py', '') for p in glob('fixtures/[!_]*.py')]\n";
    assert_eq!(named(globbed, "fixtures/stores.py"), expected);
    let formatted = "pytest_plugins = [f'fixtures.{name}' for name in NAMES]\n";
    assert_eq!(named(formatted, "fixtures/stores.py"), expected);
    let entry = "[options.entry_points]\npytest11 =\n    stores = stores\n";
    assert_eq!(needs(&[HELPERS, ("stores.py", PLUGIN), ("setup.cfg", entry), TESTS]), expected);
    let setup =
        "from setuptools import setup\nsetup(name='x', entry_points={'pytest11': ['stores = stores']})\n";
    assert_eq!(needs(&[HELPERS, ("stores.py", PLUGIN), ("setup.py", setup), TESTS]), expected);
    // A package below the root is there for its tests where it is named so.
    let below = |package: &str| {
        let setup = setup.replace("= stores", &format!("= {package}"));
        let (file, manifest) = (format!("plugin/{package}/__init__.py"), "plugin/setup.py");
        needs(&[HELPERS, (file.as_str(), PLUGIN), (manifest, setup.as_str()), TESTS])
    };
    assert_eq!(below("pytest_stores"), expected);
    assert_eq!(below("stores"), ["test_clean:", "test_plain:", "test_reset:"]);
    let of_variable =
        "from os import environ\npytest_plugins = [f\"fixtures.{environ.get('DB', 'none')}\"]\n";
    assert_eq!(named(of_variable, "fixtures/stores.py"), ["test_clean:", "test_plain:", "test_reset:"]);
    // Of several that conditions choose from nobody knows which.
    let one_of = "pytest_plugins = []\nif BACKEND == 'redis':\n    pytest_plugins.append('stores')\n";
    assert_eq!(named(one_of, "stores.py"), ["test_clean:", "test_plain:", "test_reset:"]);
}

#[test]
fn a_plug_in_of_one_root_is_none_of_another() {
    let plugin = "
import pytest
import redis

class Store:
    def read(self):
        redis.Redis().get('a')

@pytest.fixture
def store():
    return Store()
";
    let tests = |name: &str| format!("def test_{name}(store):\n    store.read()\n");
    let files = [
        ("a/pytest.ini", "[pytest]\naddopts = -p plug\n"),
        ("a/plug.py", plugin),
        ("a/tests/test_a.py", &tests("a")),
        ("b/pytest.ini", "[pytest]\n"),
        ("b/tests/test_b.py", &tests("b")),
    ];
    assert_eq!(needs(&files), ["test_a: redis", "test_b:"]);
}

#[test]
fn what_a_plug_in_does_when_the_session_starts_is_done_for_all() {
    let plugin = "import helpers\ndef pytest_sessionstart(session):\n    helpers.reset()\n";
    let files = [
        HELPERS,
        ("stores.py", plugin),
        ("conftest.py", "pytest_plugins = ('stores',)\n"),
        ("test_a.py", "def test_plain(): pass\n"),
    ];
    assert_eq!(needs(&files), ["test_plain: redis"]);
}

#[test]
fn a_session_that_no_file_defines_is_one_of_the_projects_database() {
    let tests = "def test_user(session): pass\ndef test_plain(request): pass\n";
    assert_eq!(
        needs(&[("requirements.txt", "psycopg2\n"), ("test_a.py", tests)]),
        ["test_user: postgres", "test_plain:"]
    );
    assert_eq!(needs(&[("test_a.py", tests)]), ["test_user:", "test_plain:"]);
}

#[test]
fn a_project_that_is_a_client_itself_is_asked_by_the_names_that_others_use() {
    let connection = "
def connect(db=None):
    return _settings

def disconnect():
    pass

_settings = {}
";
    let tests = "
import unittest
from mongoengine import connect, disconnect
from mongoengine.connection import connect as other

class StoredTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        connect(db='x')
    def test_stored(self): pass

def test_other():
    other()

def test_plain():
    disconnect()
";
    let files = [
        ("setup.py", "setup(\n    name=\"mongoengine\",\n)\n"),
        ("mongoengine/__init__.py", "from mongoengine.connection import *\n"),
        ("mongoengine/connection.py", connection),
        ("tests/__init__.py", ""),
        ("tests/test_a.py", tests),
    ];
    assert_eq!(needs(&files), ["test_stored: mongo", "test_other: mongo", "test_plain:"]);
    // Who only has a package of that name shows by itself what it does.
    assert_eq!(needs(&files[1..]), ["test_stored:", "test_other:", "test_plain:"]);
}

#[test]
fn what_a_loop_takes_from_a_value_is_known_where_all_of_it_is_the_same() {
    let app = "
import redis

class Store:
    def flush_all(self):
        redis.Redis().flushall()
    def get(self):
        redis.Redis().get('a')

class Other:
    def get(self):
        pass

class Many:
    def __init__(self):
        self.written = [Store(), Store()]
        self.mixed = [Other(), Other()]
        self.made = {name: Store() for name in 'ab'}
        self.filled = {}
        for name in ('a', 'b'):
            self.filled[name] = Store()

    def by_list(self):
        for store in self.written:
            store.get()

    def by_others(self):
        for store in self.mixed:
            store.get()

    def by_comprehension(self):
        for name, store in self.made.items():
            store.get()

    def by_method(self):
        for store in self.filled.values():
            store.flush_all()

    def by_annotation(self, stores: list[Store]):
        for store in stores:
            store.get()

    def by_parameter(self, stores):
        for store in stores:
            store.flush_all()
";
    let tests = "
from app import Many

class Fake: pass

def test_annotation(): Many().by_annotation([])
def test_comprehension(): Many().by_comprehension()
def test_given(): Many().by_parameter([Fake()])
def test_list(): Many().by_list()
def test_method(): Many().by_method()
def test_others(): Many().by_others()
";
    assert_eq!(
        needs(&[("app.py", app), ("test_a.py", tests)]),
        [
            "test_annotation: redis",
            "test_comprehension: redis",
            "test_given:",
            "test_list: redis",
            "test_method: redis",
            "test_others:",
        ]
    );
}

#[test]
fn what_a_constructor_gives_an_address_holds_for_who_reads_no_file() {
    let config = "
from sqlalchemy import create_engine

class Database:
    def __init__(self):
        self.host = 'localhost'
        self.port = 5432

    def read(self, parser):
        self.host = parser.get('host')
        self.port = parser.get('port')

    def open(self):
        return create_engine(make_url(host=self.host, port=self.port))
";
    let tests = "from config import Database\ndef test_open():\n    Database().open()\n";
    assert_eq!(needs(&[("config.py", config), ("test_a.py", tests)]), ["test_open: postgres"]);
}

#[test]
fn a_class_among_the_parameters_of_a_fixture_or_a_test_is_made_by_them() {
    let tests = "
import pytest
import redis

@pytest.fixture(params=[redis.Redis, dict])
def store(request):
    return request.param()

def test_fixture(store): pass

@pytest.mark.parametrize('kind', [redis.Redis, dict])
def test_mark(kind): kind()

@pytest.mark.parametrize('error', [redis.ConnectionError])
def test_error(error): pass

def test_looks():
    assert issubclass(dict, redis.Redis) is False
";
    let mut found = needs(&[("test_a.py", tests)]);
    found.sort();
    assert_eq!(found, ["test_error:", "test_fixture: redis", "test_looks:", "test_mark: redis"]);
}
