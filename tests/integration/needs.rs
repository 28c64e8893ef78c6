//! Which services the sources of a project say that its tests need: small applications as people write them.

use std::collections::BTreeSet;
use std::fs;

use shardplan::config::Config;
use shardplan::inventory::Evidence;
use shardplan::inventory::python::{read, sought_services};
use tempfile::TempDir;

/// Returns the needs of an application's tests, each as `test: services`; those of a variable that is read are left
/// out, as they are nobody's need for sure.
pub(crate) fn needs(files: &[(&str, &str)]) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let sources = read(folder.path(), sought_services(&Config::without_manifest(&BTreeSet::new()), true));
    let said = sources.functions.iter().map(|function| {
        let firm = function.needs.iter().filter(|need| need.evidence < Evidence::Variable);
        let services: Vec<&str> = firm.map(|need| need.service.as_str()).collect();
        format!("{}: {}", function.name, services.join(" "))
    });
    said.map(|line| line.trim_end().to_owned()).collect()
}

const ROUTES: &str = "
import redis
from fastapi import APIRouter, Depends, FastAPI

router = APIRouter(prefix='/users')

def get_cache():
    return redis.Redis()

@router.get('/{id}')
def user(id, cache=Depends(get_cache)):
    return cache.get(id)

@router.get('/')
def users():
    return []

app = FastAPI()
app.include_router(router, prefix='/api')
";

#[test]
fn a_request_leads_to_the_handler_whose_route_fits_it() {
    let tests = "
from fastapi.testclient import TestClient
from app import app

client = TestClient(app)

def test_one():
    assert client.get('/api/users/7')

def test_one_of_many(id):
    assert client.get(f'/api/users/{id}?full=1')

def test_all():
    assert client.get('/api/users/') == []

def test_other_method():
    assert client.post('/api/users/7')

def test_by_name():
    assert client.get(app.url_path_for('user', id=7))
";
    assert_eq!(
        needs(&[("app.py", ROUTES), ("tests/test_a.py", tests)]),
        [
            "test_one: redis",
            "test_one_of_many: redis",
            "test_all:",
            "test_other_method:",
            "test_by_name: redis"
        ]
    );
}

#[test]
fn a_dependency_that_a_test_file_overrides_is_not_asked_for() {
    let tests = "
from fastapi.testclient import TestClient
from app import app, get_cache

def fake():
    return {}

app.dependency_overrides[get_cache] = fake

def test_one():
    assert TestClient(app).get('/api/users/7')
";
    assert_eq!(needs(&[("app.py", ROUTES), ("tests/test_a.py", tests)]), ["test_one:"]);
}

#[test]
fn what_is_replaced_in_one_branch_alone_is_not_replaced_for_all() {
    let tests = "
import pytest
from fastapi.testclient import TestClient
from app import app, get_cache

@pytest.fixture
def make_client():
    def make(broken):
        if broken:
            app.dependency_overrides[get_cache] = lambda: {}
        return TestClient(app)
    yield make

def test_one(make_client):
    assert make_client(False).get('/api/users/7')
";
    assert_eq!(needs(&[("app.py", ROUTES), ("tests/test_a.py", tests)]), ["test_one: redis"]);
}

#[test]
fn what_an_application_starts_with_counts_for_who_starts_it() {
    let app = "
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

app = FastAPI()

def connect():
    app.client = AsyncIOMotorClient('mongodb://db')

app.add_event_handler('startup', connect)
";
    let tests = "
from fastapi.testclient import TestClient
from app import app

def test_started():
    with TestClient(app) as client:
        client.get('/')

def test_not_started():
    TestClient(app).get('/')
";
    assert_eq!(
        needs(&[("app.py", app), ("tests/test_a.py", tests)]),
        ["test_started: mongo", "test_not_started:"]
    );
}

#[test]
fn the_files_beside_the_sources_say_which_database_a_variable_is_of() {
    let conftest = "
import os
import pytest
from sqlalchemy import create_engine

@pytest.fixture
def engine():
    return create_engine(os.environ['DATABASE_URL'])
";
    let project = |name: &'static str, text: &'static str| {
        needs(&[
            (name, text),
            ("tests/conftest.py", conftest),
            ("tests/test_a.py", "def test_a(engine): pass\n"),
        ])
    };
    assert_eq!(
        project("tox.ini", "setenv =\n  DATABASE_URL = {env:URL:postgresql://db/x}\n"),
        ["test_a: postgres"]
    );
    assert_eq!(
        project("docker-compose.yml", "services:\n  db:\n    image: \"mysql:8\"\n"),
        ["test_a: mysql"]
    );
    assert_eq!(project("requirements/base.in", "psycopg2-binary\n"), ["test_a: postgres"]);
    assert_eq!(project("README.txt", "DATABASE_URL=postgresql://db/x\n"), ["test_a:"]);
}

#[test]
fn a_model_of_flask_lies_where_the_configuration_of_the_tests_says() {
    let models = "
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()

class User(db.Model):
    pass
";
    let tests = "
from app.models import User

def test_a():
    assert User.query.all() == []

def test_b():
    User()
";
    let project = |config: &str| {
        needs(&[
            ("app/__init__.py", ""),
            ("app/models.py", models),
            ("app/config.py", config),
            ("tests/__init__.py", ""),
            ("tests/conftest.py", "import app.config\n"),
            ("tests/test_a.py", tests),
        ])
    };
    let url = "import os\nclass Config:\n    SQLALCHEMY_DATABASE_URI = os.environ.get('URL', 'postgresql:///app')\n";
    assert_eq!(project(url), ["test_a: postgres", "test_b:"]);
    let tested = format!("{url}class TestConfig(Config):\n    SQLALCHEMY_DATABASE_URI = 'sqlite://'\n");
    assert_eq!(project(&tested), ["test_a:", "test_b:"]);
}

#[test]
fn a_module_that_a_variable_names_says_what_its_tables_lie_in() {
    let tests = "
from tables import Band

def test_a():
    Band.select().run_sync()

def test_b():
    Band(name='x')
";
    let project = |engine: &str| {
        needs(&[
            (".env", "PICCOLO_CONF=settings.database\n"),
            ("settings/__init__.py", ""),
            ("settings/database.py", engine),
            ("tables.py", "from piccolo.table import Table\n\nclass Band(Table):\n    pass\n"),
            ("tests/test_a.py", tests),
        ])
    };
    let postgres = "from piccolo.engine.postgres import PostgresEngine\n\nDB = PostgresEngine(config={})\n";
    assert_eq!(project(postgres), ["test_a: postgres", "test_b:"]);
    assert_eq!(
        project("from piccolo.engine.sqlite import SQLiteEngine\n\nDB = SQLiteEngine()\n"),
        ["test_a:", "test_b:"]
    );
}

#[test]
fn djangos_settings_are_found_where_they_are_named_and_say_where_cache_and_tasks_lie() {
    let settings = "
import environ
env = environ.Env()
DATABASES = {'default': env.db()}
CACHES = {'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': env('CACHE_URL')}}
CELERY_BROKER_URL = env('BROKER', default='amqp://mq')
";
    let code = "
from celery import shared_task
from django.core.cache import cache

@shared_task
def work():
    pass

def hit():
    return cache.get('x')
";
    let tests = "
from unittest.mock import patch
from django.test import SimpleTestCase, TestCase
from shop.code import hit, work

class StoredTests(TestCase):
    def test_row(self): pass

class PlainTests(SimpleTestCase):
    def test_cache(self):
        hit()

    def test_task(self):
        work.delay()

    @patch('shop.code.work.delay')
    def test_no_task(self, delay):
        work.delay()
";
    let project = |more: &str, ini: &str| {
        needs(&[
            ("pytest.ini", ini),
            ("manage.py", "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"),
            ("requirements.txt", "psycopg[binary]\n"),
            ("shop/__init__.py", ""),
            ("shop/settings.py", &format!("{settings}{more}")),
            ("shop/code.py", code),
            ("shop/test_all.py", tests),
        ])
    };
    assert_eq!(
        project("", ""),
        ["test_row: postgres", "test_cache: redis", "test_no_task:", "test_task: rabbitmq"]
    );
    assert_eq!(
        project("", "[pytest]\nenv =\n    BROKER = memory://\n"),
        ["test_row: postgres", "test_cache: redis", "test_no_task:", "test_task:"]
    );
    assert_eq!(
        project("CELERY_TASK_ALWAYS_EAGER = True\n", ""),
        ["test_row: postgres", "test_cache: redis", "test_no_task:", "test_task:"]
    );
}

#[test]
fn a_search_is_needed_where_it_is_run_and_not_where_it_is_described() {
    let code = "
from opensearch_dsl import Document, Search

class Page(Document):
    pass

def query():
    return Search(index='pages').filter('term', title='x')

def found():
    return query().execute()
";
    let tests = "
from code_of import Page, found, query

def test_query():
    assert query().to_dict()

def test_found():
    assert found()

def test_saved():
    Page(title='x').save()
";
    assert_eq!(
        needs(&[("code_of.py", code), ("tests/test_a.py", tests)]),
        ["test_query:", "test_found: opensearch", "test_saved: opensearch"]
    );
}

#[test]
fn a_method_of_what_a_call_gives_is_followed() {
    let code = "
import psycopg

def opened():
    return psycopg.connect('dbname=shop')

class Cart:
    def total(self):
        return opened().execute('select 1')

    def name(self):
        return 'cart'
";
    let tests = "from shop import Cart\n\ndef test_total():\n    Cart().total()\n\ndef test_name():\n    Cart().name()\n";
    assert_eq!(
        needs(&[("shop.py", code), ("tests/test_a.py", tests)]),
        ["test_total: postgres", "test_name:"]
    );
}

#[test]
fn a_fallback_to_a_file_is_no_answer_where_the_job_names_a_server() {
    let project = |settings: &str, job: &str| {
        needs(&[
            ("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = app.settings\n"),
            ("app/__init__.py", ""),
            ("app/settings.py", settings),
            (".github/workflows/ci.yml", job),
            (
                "tests/test_a.py",
                "import pytest\n\n@pytest.mark.django_db\ndef test_a():\n    pass\n\ndef test_b():\n    pass\n",
            ),
        ])
    };
    let url = "
from decouple import config
import dj_database_url
DATABASE_URL = config('DATABASE_URL', default='sqlite:///db.sqlite3')
DATABASES = {'default': dj_database_url.parse(DATABASE_URL)}
";
    let engine = "
import os
DATABASES = {'default': {'ENGINE': os.environ.get('DB_ENGINE', 'django.db.backends.sqlite3'), 'NAME': ':memory:'}}
";
    assert_eq!(
        project(url, "env:\n  DATABASE_URL: postgres://u:p@localhost:5432/x\n"),
        ["test_a: postgres", "test_b:"]
    );
    assert_eq!(
        project(url, "run: echo \"DATABASE_URL=mysql://localhost/x\" >> $GITHUB_ENV\n"),
        ["test_a: mysql", "test_b:"]
    );
    assert_eq!(
        project(engine, "env:\n  DB_ENGINE: django.db.backends.mysql\n"),
        ["test_a: mysql", "test_b:"]
    );
    // Where nobody names a server, the file it is.
    assert_eq!(project(url, "env:\n  DATABASE_URL: sqlite:///x\n"), ["test_a:", "test_b:"]);
    assert_eq!(project(engine, "env:\n  OTHER: postgres://x\n"), ["test_a:", "test_b:"]);
}

#[test]
fn a_test_of_anyio_runs_on_the_backends_that_the_project_names() {
    let ids = |fixture: &str| {
        let folder = TempDir::new().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("conftest.py", &format!("import pytest\n{fixture}"));
        write(
            "test_a.py",
            "import pytest\npytestmark = pytest.mark.anyio\n\nasync def test_a(): pass\n\ndef test_b(): pass\n",
        );
        let sources = read(folder.path(), sought_services(&Config::without_manifest(&BTreeSet::new()), true));
        let items = sources.functions.into_iter().map(|function| {
            let items = function.items?.into_iter().map(|item| item.parameters);
            Some(items.collect::<Vec<_>>().join(" "))
        });
        items.collect::<Vec<_>>()
    };
    let plain = || Some(String::new());
    assert_eq!(ids(""), [None, plain()], "which backends are there, only running tells");
    assert_eq!(ids("@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"), [plain(), plain()]);
    assert_eq!(
        ids(
            "@pytest.fixture(params=['asyncio', 'trio'])\ndef anyio_backend(request):\n    return request.param\n"
        ),
        [Some("asyncio trio".to_owned()), plain()]
    );
    assert_eq!(
        ids(
            "@pytest.fixture(params=[pytest.param(('asyncio', {'use_uvloop': True}), id='uvloop')])\ndef anyio_backend(request):\n    return request.param\n"
        ),
        [Some("uvloop".to_owned()), plain()]
    );
}

#[test]
fn a_hook_gives_a_fixture_to_all_tests_or_to_those_that_bear_a_mark() {
    let conftest = "
import pytest, psycopg, redis

def pytest_collection_modifyitems(items):
    for item in items:
        item.fixturenames.insert(0, 'rows')
        if item.get_closest_marker('cached'):
            item.fixturenames.append('cache')
        else:
            item.fixturenames.append('no_cache')

@pytest.fixture
def rows():
    psycopg.connect('dbname=x')

@pytest.fixture
def cache():
    redis.Redis()

@pytest.fixture
def no_cache():
    import pymemcache
    pymemcache.Client('localhost')
";
    let tests = "
import pytest

@pytest.mark.cached
def test_a(): pass

def test_b(): pass
";
    assert_eq!(
        needs(&[("conftest.py", conftest), ("test_a.py", tests)]),
        ["test_a: postgres redis", "test_b: postgres"]
    );
}

#[test]
fn a_method_that_tests_inherit_asks_their_own_class_for_what_it_calls() {
    let tests = "
from stores import RedisStore, MemoryStore

class Contract:
    backend = None

    def make(self):
        raise NotImplementedError

    def setup_method(self):
        self.given = self.backend() if self.backend else None

    def test_set(self):
        self.make().set('key', 1)

    def test_plain(self):
        assert True

class TestRedis(Contract):
    def make(self):
        return RedisStore()

class TestMemory(Contract):
    def make(self):
        return MemoryStore()

class TestBackend(Contract):
    backend = RedisStore
";
    let stores = "
import redis

class Store:
    def set(self, key, value):
        self.put(key, value)

    def put(self, key, value):
        raise NotImplementedError

class RedisStore(Store):
    def put(self, key, value):
        redis.Redis().set(key, value)

class MemoryStore(Store):
    def put(self, key, value):
        self.kept = value
";
    let found = needs(&[("stores.py", stores), ("tests/conftest.py", ""), ("tests/test_a.py", tests)]);
    assert_eq!(
        found,
        ["test_set: redis", "test_plain:", "test_set:", "test_plain:", "test_set:", "test_plain:",],
        "of the class that has a backend only its set-up makes one, and never uses it"
    );
}

#[test]
fn what_a_base_class_calls_above_itself_is_asked_for_the_object_too() {
    let tests = "
import redis

class Base:
    def set_up(self):
        self.client = self.connect()

    def connect(self):
        return None

class Middle(Base):
    def set_up(self):
        super().set_up()

class TestOne(Middle):
    def connect(self):
        return redis.Redis()

    def test_a(self):
        self.set_up()

class TestTwo(Middle):
    def test_b(self):
        self.set_up()
";
    assert_eq!(needs(&[("tests/test_a.py", tests)]), ["test_a: redis", "test_b:"]);
}

#[test]
fn tests_of_a_project_beside_a_folder_that_configures_pytest_are_collected() {
    let found = needs(&[
        ("pyproject.toml", "[project]\nname = 'a'\n"),
        ("tests/test_a.py", "import redis\n\ndef test_a():\n    redis.Redis()\n"),
        ("charm/pyproject.toml", "[tool.pytest.ini_options]\n"),
        ("charm/tests/test_b.py", "def test_b(): pass\n"),
    ]);
    assert_eq!(found, ["test_a: redis", "test_b:"]);
}

#[test]
fn fixtures_that_plugins_make_are_fixtures() {
    let conftest = r#"
import pytest
from pytest_mock_resources import create_postgres_fixture
from pytest_postgresql import factories
from pytest_redis import factories as redis_factories

server = factories.postgresql_noproc(host="db")
rows = factories.postgresql("server")
own_server = factories.postgresql_proc()
own_rows = factories.postgresql("own_server")
cache_server = redis_factories.redis_noproc()
cache = redis_factories.redisdb("cache_server")
mocked = create_postgres_fixture()

def made(name):
    @pytest.fixture
    def inner(rows):
        return rows
    return inner

wrapped = made("x")

@pytest.fixture(scope="session")
def queue(docker_ip, docker_services):
    return docker_services.port_for("rabbitmq", 5672)
"#;
    let tests = "
def test_rows(rows): pass
def test_own_rows(own_rows): pass
def test_cache(cache): pass
def test_mocked(mocked): pass
def test_wrapped(wrapped): pass
def test_queue(queue): pass
def test_version(postgres_16_service): pass
def test_newest(valkey_service): pass
def test_plain(): pass
";
    let found = needs(&[("tests/conftest.py", conftest), ("tests/test_a.py", tests)]);
    assert_eq!(
        found,
        [
            "test_rows: postgres",
            "test_own_rows:",
            "test_cache: redis",
            "test_mocked: postgres",
            "test_wrapped: postgres",
            "test_queue: rabbitmq",
            "test_version: postgres",
            "test_newest: redis",
            "test_plain:"
        ],
        "a server that the plugin starts by itself is no container's matter"
    );
}

const JOBS: &str = "
import redis
from rq import Queue

queue = Queue('low')

def clean():
    redis.Redis().flushall()

def put(func, **kwargs):
    queue.enqueue(func, **kwargs)

def run(func):
    func()

def tidy():
    put(func=clean)

def tidy_now():
    run(clean)
";

#[test]
fn what_is_put_into_a_queue_runs_elsewhere() {
    let tests = "
import jobs

def test_put():
    jobs.tidy()

def test_put_itself():
    jobs.queue.enqueue(jobs.clean)

def test_run():
    jobs.tidy_now()

def test_replaced(mocker):
    mocker.patch('jobs.run')
    jobs.tidy_now()
";
    let found = needs(&[("jobs.py", JOBS), ("tests/test_a.py", tests)]);
    assert_eq!(found, ["test_put:", "test_put_itself:", "test_run: redis", "test_replaced:"]);
    let at_once = JOBS.replace("Queue('low')", "Queue('low', is_async=False)");
    let found = needs(&[("jobs.py", &at_once), ("tests/test_a.py", tests)]);
    assert_eq!(found, ["test_put: redis", "test_put_itself: redis", "test_run: redis", "test_replaced:"]);
}

#[test]
fn a_method_of_a_library_that_a_test_replaces_on_a_class_of_the_project_is_not_called() {
    let models = "
import peewee

class Insight(peewee.Model):
    pass

def remove():
    Insight.delete().execute()
";
    let tests = "
import models

def test_replaced(mocker):
    mocker.patch.object(models.Insight, 'delete')
    models.remove()

def test_real():
    models.remove()
";
    let setup = "[project]\nname = 'a'\ndependencies = ['psycopg']\n";
    let found = needs(&[("pyproject.toml", setup), ("models.py", models), ("tests/test_a.py", tests)]);
    assert_eq!(found, ["test_replaced:", "test_real: postgres"]);
}
