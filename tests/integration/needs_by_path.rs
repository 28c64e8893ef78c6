//! Which services tests need by classes that settings name, by files that a job puts into place, and by decorators.

use crate::needs::needs;

const INI: (&str, &str) = ("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = app.settings\n");

const STORES: (&str, &str) = (
    "app/stores.py",
    "
import redis

class RedisStore:
    def __init__(self, size=1): pass
    def get(self, key):
        return redis.Redis().get(key)

class MemoryStore:
    def get(self, key): return key
",
);

#[test]
fn a_class_that_a_setting_names_is_the_one_that_is_made() {
    let settings = "
SHARED = 'app.stores.RedisStore'
OWN = 'app.stores.MemoryStore'
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}
";
    let store = "
from django.conf import settings
from django.utils.module_loading import import_string

def shared():
    return import_string(settings.SHARED)()

def own():
    return import_string(settings.OWN)()

class Service:
    def __init__(self):
        self.store = import_string(settings.SHARED)()
    def read(self):
        return self.store.get('a')
";
    let tests = "
from app.store import Service, own, shared

def test_shared():
    assert shared().get('a')

def test_named():
    store = shared()
    assert store.get('a')

def test_own():
    assert own().get('a')

def test_service():
    assert Service().read()
";
    assert_eq!(
        needs(&[INI, STORES, ("app/settings.py", settings), ("app/store.py", store), ("test_a.py", tests)]),
        ["test_shared: redis", "test_named: redis", "test_own:", "test_service: redis"]
    );
}

#[test]
fn functions_of_the_project_import_a_class_by_its_path_as_well() {
    let build = "
import importlib

def import_class(path):
    module, name = path.rsplit('.', 1)
    return getattr(importlib.import_module(module), name)

def build(path, options):
    cls = import_class(path)
    return cls(**options)

def build_from(value):
    return build(value['class'], value['options'])

class Factory:
    def create(self):
        parts = config.DEFAULT.split('.')
        module = '.'.join(parts[:-1])
        loaded = __import__(module, globals(), locals(), [parts[-1]])
        return getattr(loaded, parts[-1])(size=3)

from app import config
";
    let config = "
STORAGE = {'class': 'app.stores.RedisStore', 'options': {'size': 1}}
DEFAULT = 'app.stores.RedisStore'
MEMORY = {'class': 'app.stores.MemoryStore', 'options': {}}
EITHER = ['app.stores.RedisStore', 'app.stores.MemoryStore']
";
    let tests = "
import pytest
from app import config
from app.build import Factory, build_from, import_class

@pytest.fixture
def store():
    return build_from(config.STORAGE)

def test_fixture(store):
    assert store.get('a')

def test_memory():
    assert build_from(config.MEMORY).get('a')

def test_either():
    assert build_from(config.EITHER).get('a')

def test_class():
    assert import_class('app.stores.RedisStore')().get('a')

def test_factory():
    assert Factory().create().get('a')
";
    assert_eq!(
        needs(&[STORES, ("app/build.py", build), ("app/config.py", config), ("test_a.py", tests)]),
        ["test_fixture: redis", "test_memory:", "test_either:", "test_class: redis", "test_factory: redis"]
    );
}

#[test]
fn settings_that_a_job_copies_into_place_hold_over_those_that_import_them() {
    let settings = "
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}
try:
    from .local import *
except ImportError:
    pass
";
    let local = "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql'}}\n";
    let tests = "
from django.test import TestCase

class RowTests(TestCase):
    def test_row(self): pass
";
    let copied = |run: &str| {
        let workflow = format!("jobs:\n  test:\n    steps:\n      - run: {run}\n");
        let files = [
            INI,
            ("app/__init__.py", ""),
            ("app/settings.py", settings),
            ("ci/local.py", local),
            (".github/workflows/ci.yml", workflow.as_str()),
            ("test_a.py", tests),
        ];
        needs(&files)
    };
    assert_eq!(copied("cp ci/local.py app/local.py && pytest"), ["test_row: postgres"]);
    assert_eq!(copied("cp -f ci/local.py ./app/"), ["test_row: postgres"]);
    assert_eq!(copied("scp ci/local.py app/local.py"), ["test_row:"]);
    assert_eq!(copied("pytest"), ["test_row:"]);
}

#[test]
fn what_a_branch_imports_is_one_of_several_choices() {
    let settings = |last: &str| {
        let text = format!("DATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3'}}}}\n{last}\n");
        let other =
            ("app/other.py", "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql'}}\n");
        let tests = "from django.test import TestCase\nclass T(TestCase):\n    def test_row(self): pass\n";
        needs(&[INI, ("app/__init__.py", ""), ("app/settings.py", &text), other, ("test_a.py", tests)])
    };
    assert_eq!(settings("from .other import *"), ["test_row: postgres"]);
    assert_eq!(settings("if PRODUCTION:\n    from .other import *"), ["test_row:"]);
    assert_eq!(
        settings("from .other import *\nDATABASES = {'default': {'ENGINE': 'django.db.backends.mysql'}}"),
        ["test_row: mysql"]
    );
}

#[test]
fn of_several_caches_the_one_counts_that_is_named() {
    let settings = "
OWN = 'own'
CACHES = {
    'default': {'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'},
    OWN: {'BACKEND': 'django.core.cache.backends.db.DatabaseCache'},
    'shared': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': 'redis://cache'},
}
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}
";
    let tests = "
from django.conf import settings
from django.core.cache import cache, caches
from django.test import override_settings

own = caches[settings.OWN]

def test_usual():
    cache.set('a', 1)

def test_default():
    caches['default'].set('a', 1)

def test_own():
    own.set('a', 1)

def test_shared():
    caches['shared'].set('a', 1)

def test_any(name):
    caches[name].set('a', 1)

@override_settings(CACHES={'shared': {'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'}})
def test_replaced():
    caches['shared'].set('a', 1)
";
    assert_eq!(
        needs(&[INI, ("app/__init__.py", ""), ("app/settings.py", settings), ("test_a.py", tests)]),
        [
            "test_usual:",
            "test_default:",
            "test_own:",
            "test_shared: redis",
            "test_any: redis",
            "test_replaced:"
        ]
    );
}

#[test]
fn a_decorator_is_given_the_object_whose_method_it_decorates() {
    let database = "
from neo4j import GraphDatabase

def connected(func):
    def wrapper(self, *args, **kwargs):
        db = self
        if not db.driver:
            db.connect('bolt://localhost')
        return func(self, *args, **kwargs)
    return wrapper

class Database:
    _instance = None

    def __init__(self):
        self.driver = None

    @classmethod
    def get_instance(cls):
        if cls._instance is None:
            cls._instance = cls()
        return cls._instance

    def connect(self, url):
        self.driver = GraphDatabase.driver(url)

    @connected
    def query(self, text):
        return self.driver.run(text)

    def quote(self, text):
        return repr(text)

db = Database.get_instance()
";
    let tests = "
from database import db

def test_query():
    assert db.query('a')

def test_quote():
    assert db.quote('a')
";
    assert_eq!(
        needs(&[("database.py", database), ("test_a.py", tests)]),
        ["test_query: neo4j", "test_quote:"]
    );
}

#[test]
fn a_container_whose_image_is_not_known_is_what_its_function_is_named_after() {
    let conftest = "
import docker as library
import pytest

@pytest.fixture
def docker():
    yield library.from_env()

@pytest.fixture
def image(request):
    return request.config.getoption('--image')

@pytest.fixture
def kafka_server(docker, image):
    return docker.containers.run(image=image, name='x', detach=True)

@pytest.fixture
def kafka_tools(docker):
    return docker.containers.run('curlimages/curl:8')
";
    let tests = "
def test_server(kafka_server): pass

def test_tools(kafka_tools): pass
";
    assert_eq!(
        needs(&[("conftest.py", conftest), ("test_a.py", tests)]),
        ["test_server: kafka", "test_tools:"]
    );
}

#[test]
fn a_broker_of_faststream_that_a_test_stands_in_for_is_none() {
    let app = "
from faststream.rabbit import RabbitBroker

broker = RabbitBroker('amqp://localhost')

@broker.subscriber('q')
async def handle(message):
    await broker.publish('x', 'y')
";
    let tests = "
from app import broker, handle
from faststream.rabbit import TestRabbitBroker

async def test_stand_in():
    async with TestRabbitBroker(broker) as tested:
        await tested.publish(1, 'q')

async def test_real():
    await broker.publish(1, 'q')
";
    assert_eq!(needs(&[("app.py", app), ("test_a.py", tests)]), ["test_stand_in:", "test_real: rabbitmq"]);
}

#[test]
fn an_object_that_hands_on_what_it_is_asked_is_what_it_hands_it_to() {
    let database = "
import redis

class Proxy:
    instance = None

    def connect(self, **options):
        self.instance = redis.Redis(**options)

    def __getattr__(self, name):
        return getattr(self.instance, name)

    def name(self):
        return 'a'

DB = Proxy()
";
    let tests = "
import database
from database import DB

def test_handed_on():
    DB.flushdb()

def test_of_module():
    database.DB.get('a')

def test_own():
    assert DB.name() == 'a'
";
    assert_eq!(
        needs(&[("database.py", database), ("test_a.py", tests)]),
        ["test_handed_on: redis", "test_of_module: redis", "test_own:"]
    );
}

#[test]
fn what_an_application_keeps_is_known_where_it_is_read() {
    let app = "
import redis
from fastapi import FastAPI

app = FastAPI()

async def start(app):
    app.state.cache = redis.Redis()

async def cached(request):
    return request.app.state.cache.get('a')

async def named(request):
    return request.app.state.title
";
    let tests = "
import app

async def test_cached(request):
    await app.cached(request)

async def test_named(request):
    await app.named(request)
";
    assert_eq!(needs(&[("app.py", app), ("test_a.py", tests)]), ["test_cached: redis", "test_named:"]);
    // A test that keeps something else there may stand in for it.
    let stand_in = ("conftest.py", "from app import app\ndef fake():\n    app.state.cache = Fake()\n");
    assert_eq!(needs(&[("app.py", app), stand_in, ("test_a.py", tests)]), ["test_cached:", "test_named:"]);
}

#[test]
fn a_request_to_an_application_of_sanic_starts_it() {
    let app = "
import aio_pika
import redis.asyncio
from sanic import Sanic

app = Sanic('app')

class Worker:
    async def setup(self):
        self.connection = await aio_pika.connect_robust('amqp://localhost')
        self.cache = redis.asyncio.from_url('redis://localhost')

@app.before_server_start
async def start(app, loop):
    app.ctx.worker = Worker()
    await app.ctx.worker.setup()

@app.route('/')
async def health(request):
    return {}
";
    let tests = "
from app import app

def test_health():
    app.test_client.get('/')

def test_name():
    assert app.name == 'app'
";
    assert_eq!(
        needs(&[("app.py", app), ("test_a.py", tests)]),
        ["test_health: rabbitmq redis", "test_name:"]
    );
}

#[test]
fn what_a_hook_clears_after_every_test_every_test_needs() {
    let conftest = "
def pytest_runtest_teardown(item):
    import redis
    redis.Redis().flushdb()
";
    assert_eq!(needs(&[("conftest.py", conftest), ("test_a.py", "def test_a(): pass\n")]), ["test_a: redis"]);
}

#[test]
fn a_compose_file_names_the_files_of_its_variables() {
    let settings = "
import dj_database_url
from decouple import config

url = config('DATABASE_URL', default='sqlite:///app.db')
DATABASES = {'default': dj_database_url.parse(url)}
";
    let tests = "from django.test import TestCase\nclass T(TestCase):\n    def test_row(self): pass\n";
    let with = |compose: &str| {
        let files = [
            INI,
            ("app/__init__.py", ""),
            ("app/settings.py", settings),
            ("docker/env/test.env", "DATABASE_URL=mysql://db/app\n"),
            ("docker-compose.yml", compose),
            ("test_a.py", tests),
        ];
        needs(&files)
    };
    assert_eq!(with("services:\n  test:\n    env_file: ./docker/env/test.env\n"), ["test_row: mysql"]);
    assert_eq!(with("services:\n  test:\n    env_file:\n      - docker/env/test.env\n"), ["test_row: mysql"]);
    assert_eq!(with("services:\n  test:\n    build: .\n"), ["test_row:"]);
}

#[test]
fn settings_follow_a_name_through_all_that_it_is_made_of() {
    let settings = "
import os
from decouple import config

class Types:
    MYSQL = 'mysql'
    SQLITE = 'sqlite3'

TYPE = os.getenv('DATABASE_TYPE', Types.MYSQL).lower()
ENGINE = f'django.db.backends.{TYPE}'
CONFIGS = {
    Types.MYSQL: {'ENGINE': ENGINE, 'NAME': 'app'},
}
DATABASES = {'default': CONFIGS[TYPE]}

REDIS_URL = config('REDIS_URL', default='')
if REDIS_URL:
    os.environ['CACHE_URL'] = f'{REDIS_URL}/1'
CACHES = {'default': config('CACHE_URL', parser=parse, default='locmem://')}
";
    let tests = "
from django.core.cache import cache
from django.test import TestCase

class T(TestCase):
    def test_row(self): pass

def test_cached():
    cache.get('a')
";
    let files = [
        INI,
        (".env", "REDIS_URL=redis://cache:6379\n"),
        ("app/__init__.py", ""),
        ("app/settings.py", settings),
        ("test_a.py", tests),
    ];
    assert_eq!(needs(&files), ["test_row: mysql", "test_cached: redis"]);
}

#[test]
fn a_class_of_tests_of_a_library_makes_cases_of_those_that_inherit_from_it() {
    let tests = "
from django_webtest import WebTest
from opentelemetry.test.test_base import TestBase
from library import Client, TestMixin

class LoginTests(WebTest):
    def test_login(self): pass

class FormatterTests(TestBase):
    def test_format(self): pass

class Helper(Client):
    def test_connection(self): pass

class Mixed(TestMixin):
    def test_mixed(self): pass
";
    assert_eq!(needs(&[("test_a.py", tests)]), ["test_login:", "test_format:"]);
}

#[test]
fn what_is_opened_while_conftest_files_are_imported_every_test_below_them_needs() {
    let database = "
from sqlalchemy import create_engine

engine = create_engine('postgresql://localhost/app')
";
    let conftest = "
from database import engine

with engine.connect() as connection:
    connection.execute('CREATE EXTENSION pg_trgm')
";
    let test = "def test_a(): pass\n";
    let other = "def test_b(): pass\n";
    let files = [
        ("database.py", database),
        ("tests/api/conftest.py", conftest),
        ("tests/api/v1/test_a.py", test),
        ("tests/unit/test_b.py", other),
    ];
    assert_eq!(needs(&files), ["test_a: postgres", "test_b:"]);
    // An engine alone asks nobody.
    let files = [
        ("database.py", database),
        ("conftest.py", "from database import engine\n"),
        ("tests/test_a.py", test),
    ];
    assert_eq!(needs(&files), ["test_a:"]);
    let package = ("tests/api/__init__.py", "import psycopg\npsycopg.connect('dbname=app')\n");
    assert_eq!(needs(&[package, ("tests/api/test_a.py", test)]), ["test_a: postgres"]);
    // What goes on where it fails only looks whether there is one.
    let probe = "import psycopg\ntry:\n    psycopg.connect('dbname=app')\n    found = True\nexcept psycopg.Error:\n    found = False\n";
    assert_eq!(needs(&[("conftest.py", probe), ("test_a.py", test)]), ["test_a:"]);
}

#[test]
fn what_may_be_any_of_several_counts_as_all_of_them() {
    let settings = "
CACHES = {
    'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': 'redis://cache'},
    'own': {'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'},
}
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}
";
    let tests = "
from django.core.cache import caches

def read(alias='own'):
    return caches[alias].get('a')

def test_told():
    read(alias='default')

def test_either(flag):
    caches['own' if flag else 'default'].get('a')

def test_each():
    for alias in ('own', 'default'):
        caches[alias].clear()

def test_own():
    caches['own'].get('a')
";
    assert_eq!(
        needs(&[INI, ("app/__init__.py", ""), ("app/settings.py", settings), ("test_a.py", tests)]),
        ["test_told: redis", "test_either: redis", "test_each: redis", "test_own:"]
    );
    // A validator that only tidies says nothing of its own.
    let tidied = "
import redis
from pydantic import BaseModel, field_validator

class Conf(BaseModel):
    url: str = 'redis://localhost'

    @field_validator('url')
    def strip(cls, value):
        return value.strip()

conf = Conf()
";
    let tests = "
import socket
from conf import conf

def test_open():
    socket.create_connection(conf.url)
";
    assert_eq!(needs(&[("conf.py", tidied), ("test_a.py", tests)]), ["test_open: redis"]);
}

#[test]
fn an_import_of_all_names_brings_only_what_its_module_exports() {
    let core = |last: &str| format!("import redis\n\ndef connect():\n    return redis.Redis()\n\n{last}\n");
    let extra = "__all__ = ['other']\n\ndef connect(): pass\n\ndef other(): pass\n";
    let tests = "from app.core import connect\n\ndef test_connect():\n    connect()\n";
    let with = |last: &str, extra: &str| {
        let core = core(last);
        needs(&[
            ("app/__init__.py", ""),
            ("app/core.py", &core),
            ("app/extra.py", extra),
            ("test_a.py", tests),
        ])
    };
    assert_eq!(with("from .extra import *", extra), ["test_connect: redis"]);
    assert_eq!(with("from .extra import *", "def connect(): pass\n"), ["test_connect:"]);
    let tried = "try:\n    import fast\nexcept ImportError:\n    from .extra import *";
    assert_eq!(with(tried, "def connect(): pass\n"), ["test_connect: redis"]);
    // Modules that import each other's names come to an end.
    let ring: Vec<(String, String)> = (0..12)
        .map(|at| {
            let stars: Vec<String> = (0..12).map(|other| format!("from .m{other} import *\n")).collect();
            (format!("app/m{at}.py"), format!("def f{at}(): pass\n{}", stars.concat()))
        })
        .collect();
    let mut files: Vec<(&str, &str)> =
        ring.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("test_a.py", "from app.m0 import f0, f11\n\ndef test_a():\n    f0()\n    f11()\n"));
    assert_eq!(needs(&files), ["test_a:"]);
}

#[test]
fn a_hook_that_asks_a_test_something_is_not_for_all() {
    let conftest = "
def pytest_runtest_teardown(item):
    if 'cache' in item.fixturenames:
        import redis
        redis.Redis().flushdb()
";
    let with = |conftest: &str| needs(&[("conftest.py", conftest), ("test_a.py", "def test_a(): pass\n")]);
    assert_eq!(with(conftest), ["test_a:"]);
    let kept = "
def pytest_runtest_teardown(item):
    client = getattr(item, '_client', None)
    if client is None:
        return
    import redis
    redis.Redis().flushdb()
";
    assert_eq!(with(kept), ["test_a:"]);
    let of_settings = "
def pytest_runtest_teardown(item):
    import redis
    redis.Redis().flushdb()
    if settings.STORE == 'other':
        pass
";
    assert_eq!(with(of_settings), ["test_a: redis"]);
}

#[test]
fn a_client_of_tests_that_is_no_application_of_sanic_starts_none() {
    let app = "
import redis
from contextlib import asynccontextmanager
from fastapi import FastAPI

@asynccontextmanager
async def lifespan(app):
    redis.Redis().ping()
    yield

app = FastAPI(lifespan=lifespan)
";
    let tests = "
import unittest
from fastapi.testclient import TestClient
from app import app

class Cases(unittest.TestCase):
    def setUp(self):
        self.test_client = TestClient(app)

    def test_get(self):
        self.test_client.get('/')
";
    assert_eq!(needs(&[("app.py", app), ("test_a.py", tests)]), ["test_get:"]);
}
