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
import pytest
from code_of import Strategy

@pytest.fixture
def redis():
    return object()

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
fn what_a_call_says_counts_before_what_a_parameter_is_by_default() {
    let tests = "
import socket
import pytest

def up(port=5432, host='localhost'):
    try:
        socket.create_connection((host, port)).close()
    except OSError:
        return False
    return True

def search_up(port=9200):
    return up(port)

@pytest.mark.skipif(not up(6379), reason='no Redis')
def test_redis():
    pass

@pytest.mark.skipif(not up(host='db'), reason='no PostgreSQL')
def test_by_default():
    pass

@pytest.mark.skipif(not search_up(), reason='no search')
def test_search_by_default():
    pass

@pytest.mark.skipif(not search_up(port=8983), reason='no search')
def test_solr():
    pass
";
    assert_eq!(
        needs(&[("test_a.py", tests)]),
        [
            "test_redis: redis",
            "test_by_default: postgres",
            "test_search_by_default: elasticsearch",
            "test_solr: solr"
        ]
    );
}

#[test]
fn a_task_of_celery_is_put_into_its_broker_and_called_it_asks_nobody() {
    let app = "
from celery import Celery

app = Celery('shop', broker='redis://cache')
app.conf.update(task_serializer='json')

@app.task
def add(a, b):
    return a + b
";
    let tests = "
from app import add

def test_put_off():
    add.delay(1, 2)

def test_called():
    assert add(1, 2) == 3
";
    let needed = needs(&[("app.py", app), ("test_a.py", tests)]);
    assert_eq!(needed, ["test_put_off: redis", "test_called:"]);
}

#[test]
fn a_session_of_a_fixture_asks_the_address_that_it_is_given() {
    let tests = "
import pytest
import requests

@pytest.fixture
def session():
    return requests.Session()

def test_of_a_fixture(session):
    session.get('http://localhost:9200/_cat')

def test_of_its_own():
    with requests.Session() as session:
        session.get('http://localhost:9200/_cat')

def test_elsewhere(session):
    session.get('http://example.org')
";
    let needed = needs(&[("test_a.py", tests)]);
    assert_eq!(
        needed,
        ["test_of_a_fixture: elasticsearch", "test_of_its_own: elasticsearch", "test_elsewhere:"]
    );
}

const FROM_ENVIRONMENT: &str = "
import os
from sqlalchemy import create_engine

engine = create_engine(os.getenv('DATABASE_URL', 'postgresql://localhost/app'))

def read():
    with engine.connect() as connection:
        return connection.execute('select 1')
";

const READS: &str = "
from app import read

def test_read():
    read()
";

#[test]
fn what_the_tests_set_a_variable_to_counts_before_what_the_application_falls_back_to() {
    let set = |file: &'static str, text: &'static str| {
        needs(&[("app.py", FROM_ENVIRONMENT), ("tests/test_a.py", READS), (file, text)])
    };
    assert_eq!(needs(&[("app.py", FROM_ENVIRONMENT), ("tests/test_a.py", READS)]), ["test_read: postgres"]);
    let sqlite = [
        ("tests/conftest.py", "import os\nos.environ['DATABASE_URL'] = 'sqlite://'\n"),
        ("tests/conftest.py", "import os\nURL = 'sqlite://'\nos.environ.update({'DATABASE_URL': URL})\n"),
        ("tests/conftest.py", "import os\nos.environ.setdefault('DATABASE_URL', 'sqlite:///x.db')\n"),
        (
            "tests/conftest.py",
            "import pytest\n@pytest.fixture(autouse=True)\ndef url(monkeypatch, tmp_path):\n    monkeypatch.setenv('DATABASE_URL', f'sqlite:///{tmp_path}/x')\n",
        ),
        ("pytest.ini", "[pytest]\nenv =\n    DATABASE_URL=sqlite://\n"),
        ("tox.ini", "[testenv]\nsetenv =\n    DATABASE_URL = sqlite://\n"),
        (".github/workflows/ci.yml", "jobs:\n  test:\n    env:\n      DATABASE_URL: sqlite://\n"),
    ];
    for (file, text) in sqlite {
        assert_eq!(set(file, text), ["test_read:"], "{file}: {text}");
    }
    let server = [
        ("tests/conftest.py", "import os\nos.environ['DATABASE_URL'] = 'mysql://db/x'\n"),
        (".github/workflows/ci.yml", "jobs:\n  test:\n    env:\n      DATABASE_URL: mysql://db/x\n"),
    ];
    for (file, text) in server {
        assert_eq!(set(file, text), ["test_read: mysql"], "{file}: {text}");
    }
}

#[test]
fn a_fixture_that_not_every_test_has_sets_no_variable_for_all() {
    let conftest = "
import pytest

@pytest.fixture
def local(monkeypatch):
    monkeypatch.setenv('DATABASE_URL', 'sqlite://')
";
    let files = [("app.py", FROM_ENVIRONMENT), ("tests/test_a.py", READS), ("tests/conftest.py", conftest)];
    assert_eq!(needs(&files), ["test_read: postgres"]);
}

#[test]
fn where_a_file_and_a_server_are_set_the_server_is_meant() {
    let tox = "[testenv]\nsetenv =\n    DATABASE_URL = sqlite://\n";
    let workflow = "jobs:\n  test:\n    env:\n      DATABASE_URL: postgresql://localhost/x\n";
    let files = [
        ("app.py", FROM_ENVIRONMENT),
        ("tests/test_a.py", READS),
        ("tox.ini", tox),
        (".github/workflows/ci.yml", workflow),
    ];
    assert_eq!(needs(&files), ["test_read: postgres"]);
}

#[test]
fn settings_of_pydantic_are_what_the_environment_says() {
    let app = "
from pydantic_settings import BaseSettings
from sqlalchemy import create_engine

class Settings(BaseSettings):
    database_url: str = 'postgresql://localhost/app'

settings = Settings()
engine = create_engine(settings.database_url)

def read():
    return engine.connect()
";
    let conftest = "import os\nos.environ['APP_DATABASE_URL'] = 'sqlite://'\n";
    let files = [("app.py", app), ("tests/test_a.py", READS)];
    assert_eq!(needs(&files), ["test_read: postgres"]);
    let set = [files[0], files[1], ("tests/conftest.py", conftest)];
    assert_eq!(needs(&set), ["test_read:"]);
}

#[test]
fn actors_and_tasks_that_are_put_off_go_to_their_broker() {
    let app = "
import dramatiq
from dramatiq.brokers.redis import RedisBroker
from taskiq_aio_pika import AioPikaBroker

dramatiq.set_broker(RedisBroker(url='redis://cache'))
broker = AioPikaBroker('amqp://mq')

@dramatiq.actor
def mail(to):
    return to

@broker.task
async def count(n):
    return n
";
    let tests = "
from app import count, mail

def test_mail():
    mail.send('a')

def test_mail_now():
    mail('a')

async def test_count():
    await count.kiq(1)
";
    let needed = needs(&[("app.py", app), ("test_a.py", tests)]);
    assert_eq!(needed, ["test_mail: redis", "test_mail_now:", "test_count: rabbitmq"]);
    let stub = "
import dramatiq
from dramatiq.brokers.stub import StubBroker

dramatiq.set_broker(StubBroker())
";
    let needed = needs(&[("app.py", app), ("test_a.py", tests), ("conftest.py", stub)]);
    assert_eq!(needed, ["test_mail:", "test_mail_now:", "test_count: rabbitmq"]);
}

#[test]
fn a_call_that_opens_databases_opens_no_cache() {
    let tests = "
import alembic.command
from app import config

def test_upgrade():
    alembic.command.upgrade(config(settings={'sessions': 'redis://cache', 'database': None}), 'head')
";
    let app = "
def config(settings):
    return settings
";
    let files = [("app.py", app), ("test_a.py", tests), ("requirements.txt", "psycopg\n")];
    assert_eq!(needs(&files), ["test_upgrade: postgres"]);
}

#[test]
fn what_a_conftest_sets_for_some_tests_says_nothing_of_the_others() {
    let files = [
        ("app.py", FROM_ENVIRONMENT),
        ("tests/unit/conftest.py", "import os\nos.environ['DATABASE_URL'] = 'sqlite://'\n"),
        ("tests/unit/test_a.py", "def test_sum():\n    pass\n"),
        ("tests/integration/test_b.py", READS),
    ];
    assert_eq!(needs(&files), ["test_read: postgres", "test_sum:"]);
}

#[test]
fn what_an_option_or_one_test_sets_is_not_set_for_all() {
    let app = ("app.py", FROM_ENVIRONMENT);
    let option = "
import os

def pytest_configure(config):
    if config.getoption('--sqlite'):
        os.environ['DATABASE_URL'] = 'sqlite://'
";
    assert_eq!(needs(&[app, ("test_a.py", READS), ("conftest.py", option)]), ["test_read: postgres"]);
    let local = "import os\nos.environ['DATABASE_URL'] = 'sqlite://'\n";
    let sets = "
from app import read

def test_read(monkeypatch):
    monkeypatch.setenv('DATABASE_URL', 'postgresql://localhost/x')
    read()
";
    assert_eq!(needs(&[app, ("test_a.py", sets), ("conftest.py", local)]), ["test_read: postgres"]);
}

#[test]
fn an_address_that_a_validator_puts_together_is_that_of_the_field() {
    let config = "
from pydantic import Field, PostgresDsn, field_validator
from pydantic_settings import BaseSettings

class DatabaseSettings(BaseSettings):
    uri: str = Field(default='')
    other: str = Field(default='')

    @field_validator('uri', mode='before')
    @classmethod
    def assemble(cls, given, info):
        if isinstance(given, str) and given:
            return given
        return str(PostgresDsn.build(scheme='postgresql', username=info.data.get('user')))

class Config:
    database: DatabaseSettings

def get_config() -> Config:
    return Config()

CONFIG = get_config()
";
    let database = "
from sqlalchemy import create_engine

def engine(*, config=None, uri=None):
    if not uri and config:
        uri = config.database.uri
    return create_engine(uri)
";
    let tests = "
import pytest
from sqlalchemy import create_engine
from config import CONFIG
from database import engine

@pytest.fixture
def config():
    return CONFIG

@pytest.fixture
def db(config):
    return engine(uri=config.database.uri)

def test_fixture(db):
    db.connect()

def test_formatted():
    create_engine(f'{CONFIG.database.uri}?pool=1')

def test_handed_on():
    engine(uri=CONFIG.database.uri)

def test_other():
    create_engine(CONFIG.database.other)
";
    let files = [("config.py", config), ("database.py", database), ("test_a.py", tests)];
    assert_eq!(
        needs(&files),
        ["test_fixture: postgres", "test_formatted: postgres", "test_handed_on: postgres", "test_other:"]
    );
}
