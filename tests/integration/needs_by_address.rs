//! Which service an address is of, where who opens it does not say so himself.

use crate::needs::needs;

#[test]
fn who_calls_a_function_says_what_it_opens_and_where_nobody_does_it_is_the_projects_database() {
    let code = "
from sqlalchemy import create_engine

def engine_of(url, echo=False):
    return create_engine(url, echo=echo)

def stored(settings):
    return engine_of(settings.address)

def kept():
    return engine_of('sqlite://')
";
    let tests = "
from code_of import engine_of, kept, stored

def test_kept():
    kept()

def test_other():
    engine_of('mysql+pymysql://db/x')

def test_stored(settings):
    stored(settings)
";
    let project = |packages: &'static str| {
        needs(&[("requirements.txt", packages), ("code_of.py", code), ("tests/test_a.py", tests)])
    };
    assert_eq!(project("asyncpg\n"), ["test_kept:", "test_other: mysql", "test_stored: postgres"]);
    assert_eq!(project("attrs\n"), ["test_kept:", "test_other: mysql", "test_stored:"]);
}

#[test]
fn an_object_opens_the_address_that_it_was_made_with() {
    let code = "
from sqlalchemy.ext.asyncio import create_async_engine

class Database:
    def __init__(self, url):
        self.url = url

    def connect(self):
        return create_async_engine(self.url)
";
    let tests = "
import pytest
from code_of import Database

@pytest.fixture
def url():
    return 'sqlite+aiosqlite://'

@pytest.fixture
def database(url):
    return Database(url)

def test_file(database):
    database.connect()

def test_server(config):
    Database(config.url).connect()

@pytest.mark.parametrize('kept', ['sqlite+aiosqlite:///x', 'sqlite+aiosqlite:///y'])
def test_files(kept):
    Database(kept).connect()
";
    assert_eq!(
        needs(&[("requirements.txt", "asyncpg\n"), ("code_of.py", code), ("tests/test_a.py", tests)]),
        ["test_file:", "test_server: postgres", "test_files:"]
    );
}

#[test]
fn a_file_of_settings_says_under_whatever_name_which_database_it_is() {
    let code = "
from sqlalchemy import engine_from_config

def main(global_config, **settings):
    return engine_from_config(settings, 'sqlalchemy.')
";
    let tests = "
from app import main

def test_a(settings):
    main({}, **settings)
";
    let project = |name: &'static str, text: &'static str| {
        needs(&[(name, text), ("app.py", code), ("tests/test_a.py", tests)])
    };
    assert_eq!(
        project("testing.ini", "[app:main]\nsqlalchemy.url = postgresql://u@localhost/x\n"),
        ["test_a: postgres"]
    );
    assert_eq!(project("config/db.yaml", "db:\n  url: \"mysql://localhost/x\"\n"), ["test_a: mysql"]);
    assert_eq!(project("testing.ini", "# sqlalchemy.url = postgresql://localhost/x\n"), ["test_a:"]);
    assert_eq!(project("shardplan.txt", "url = postgresql://localhost/x\n"), ["test_a:"]);
}

#[test]
fn what_is_closed_wired_or_only_named_is_not_asked_for() {
    let app = "
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
migrate = Migrate()

class Config:
    SQLALCHEMY_DATABASE_URI = 'postgresql://db/x'

class User(db.Model):
    id = db.Column(db.Integer)

def create_app():
    app = Flask(__name__)
    app.config.from_object(Config)
    db.init_app(app)
    migrate.init_app(app, db)

    @app.teardown_appcontext
    def close(error=None):
        db.session.remove()

    @app.route('/users')
    def users():
        return db.session.execute('select 1')

    return app

def kind():
    return db.Model
";
    let tests = "
import pytest
from app import create_app, db, kind

@pytest.fixture
def app():
    return create_app()

@pytest.fixture
def client(app):
    return app.test_client()

def test_app(app):
    kind()

def test_tables(app):
    db.create_all()

def test_request(client):
    client.get('/users')
";
    assert_eq!(
        needs(&[("app.py", app), ("tests/test_a.py", tests)]),
        ["test_app:", "test_tables: postgres", "test_request: postgres"]
    );
}

#[test]
fn djangos_settings_ask_for_variables_that_they_do_not_name() {
    let project = |settings: &str, job: &str| {
        needs(&[
            ("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = app.settings\n"),
            ("requirements.txt", "celery\n"),
            ("app/__init__.py", ""),
            ("app/settings.py", settings),
            ("app/tasks.py", "from celery import shared_task\n\n@shared_task\ndef work():\n    pass\n"),
            (".github/workflows/ci.yml", job),
            (
                "tests/test_a.py",
                "import pytest\nfrom app.tasks import work\n\n@pytest.mark.django_db\ndef test_a():\n    pass\n\ndef test_b():\n    work.delay()\n",
            ),
        ])
    };
    let implied = "import dj_database_url\nDATABASES = {'default': dj_database_url.config(default='mysql://root@localhost/x')}\n";
    assert_eq!(project(implied, ""), ["test_a: mysql", "test_b:"]);
    assert_eq!(
        project(
            implied,
            "run: sed -e 's#^DATABASE_URL=.*#DATABASE_URL=postgres://u@localhost/x#' a > .env\n"
        ),
        ["test_a: postgres", "test_b:"]
    );
    let broker = "import os\nBROKER_URL = os.environ.get('RABBITMQ_URL')\nCELERY_ALWAYS_EAGER = os.environ.get('EAGER', 'True') != 'False'\n";
    assert_eq!(project(broker, ""), ["test_a:", "test_b:"]);
    assert_eq!(project(&broker.replace("'True'", "'False'"), ""), ["test_a:", "test_b: rabbitmq"]);
}

#[test]
fn parameters_that_a_comprehension_takes_of_a_table_ask_only_for_what_it_takes() {
    let conftest = "
import pytest, redis, pymemcache

@pytest.fixture
def cache():
    return redis.Redis()

@pytest.fixture
def memory():
    return pymemcache.Client('localhost')
";
    let tests = "
import pytest
from pytest_lazy_fixtures import lf

CASES = {
    'plain': pytest.param('memory://', None),
    'redis': pytest.param('redis://', lf('cache')),
    'memcached': pytest.param('memcached://', lf('memory')),
}
every = pytest.mark.parametrize('uri, fixture', CASES.values())

@every
def test_all(uri, fixture):
    pass

@pytest.mark.parametrize('uri, fixture', [case for name, case in CASES.items() if name in {'redis'}])
def test_one(uri, fixture):
    pass

@pytest.mark.parametrize('uri, fixture', [case for name, case in CASES.items() if not name.startswith('redis')])
def test_others(uri, fixture):
    pass
";
    assert_eq!(
        needs(&[("tests/conftest.py", conftest), ("tests/test_a.py", tests)]),
        ["test_all: memcached redis", "test_one: redis", "test_others: memcached"]
    );
}

#[test]
fn a_client_that_is_handed_on_is_no_address() {
    let code = "
import httpx

class Strategy:
    def __init__(self, session, backend):
        self.backend = backend

    def ask(self):
        return httpx.get(self.backend)
";
    let tests = "
from code_of import Strategy

def test_handed(session, redis):
    Strategy(session, redis).ask()

def test_address(session, redis_url):
    Strategy(session, redis_url).ask()
";
    assert_eq!(
        needs(&[("code_of.py", code), ("tests/test_a.py", tests)]),
        ["test_handed:", "test_address: redis"]
    );
}

#[test]
fn what_a_function_gives_is_nearer_than_the_class_that_it_is_said_to_give() {
    let code = "
from abc import ABC, abstractmethod
import clickhouse_connect

class Pool(ABC):
    @abstractmethod
    def command(self, text): ...

class RealPool(Pool):
    def command(self, text):
        return clickhouse_connect.get_client().command(text)

def pool() -> Pool:
    return RealPool()
";
    let tests = "from code_of import pool\n\ndef test_a():\n    found = pool()\n    found.command('select 1')\n\ndef test_b():\n    pool()\n";
    assert_eq!(needs(&[("code_of.py", code), ("tests/test_a.py", tests)]), ["test_a: clickhouse", "test_b:"]);
}

#[test]
fn what_a_guard_is_given_counts_before_the_defaults_of_its_parameters() {
    let tests = "
import socket
import threading
import pytest

def is_up(host='localhost', port=5432):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False

def is_there(port=6379):
    return is_up('localhost', port)

@pytest.mark.skipif(not is_up(), reason='no database')
def test_default():
    pass

@pytest.mark.skipif(not is_up('localhost', 9200), reason='no index')
def test_given():
    pass

@pytest.mark.skipif(not is_up(port=8983), reason='no index')
def test_named():
    pass

@pytest.mark.skipif(not is_there(), reason='no cache')
def test_passed_on():
    pass

@pytest.mark.skipif(not is_there(27017), reason='no store')
def test_given_to_pass_on():
    pass

def test_thread():
    threading.Thread(target=is_up).start()

def test_none():
    pass
";
    assert_eq!(
        needs(&[("tests/test_a.py", tests)]),
        [
            "test_default: postgres",
            "test_given: elasticsearch",
            "test_named: solr",
            "test_passed_on: redis",
            "test_given_to_pass_on: mongo",
            "test_thread: postgres",
            "test_none:"
        ]
    );
}

#[test]
fn what_an_import_only_tries_is_needed_by_those_that_ask_how_it_went() {
    let conftest = "
import socket

try:
    socket.create_connection(('localhost', 6379), 1).close()
    HAVE_REDIS = True
except OSError:
    HAVE_REDIS = False
";
    let tests = "
import psycopg2
import pytest
from conftest import HAVE_REDIS

HAVE_POSTGRES = False
try:
    connection = psycopg2.connect('dbname=shop')
    HAVE_POSTGRES = True
except psycopg2.OperationalError:
    pass

@pytest.mark.skipif(not HAVE_REDIS, reason='no cache')
def test_cache():
    pass

@pytest.mark.skipif(not HAVE_POSTGRES, reason='no database')
def test_database():
    pass

def test_connection():
    connection.cursor()

def test_none():
    pass
";
    let firm = "
import psycopg2

try:
    connection = psycopg2.connect('dbname=shop')
except psycopg2.OperationalError as error:
    raise RuntimeError('start the database') from error

def test_all():
    pass
";
    assert_eq!(
        needs(&[("tests/conftest.py", conftest), ("tests/test_a.py", tests), ("tests/test_b.py", firm)]),
        [
            "test_cache: redis",
            "test_database: postgres",
            "test_connection: postgres",
            "test_none:",
            "test_all: postgres"
        ]
    );
}
