//! Which services a test needs through what a name stands for: properties, other names of a function, replaced ones.

use crate::needs::needs;

#[test]
fn a_property_runs_where_its_name_is_asked_for() {
    let app = "
import functools
import redis

class Store:
    @property
    def client(self):
        return redis.Redis()

    @functools.cached_property
    def other(self):
        return Inner()

    def read(self):
        return self.client.get('a')

    def nothing(self):
        return 1

class Inner:
    def ping(self):
        return redis.Redis().ping()

    def pong(self):
        return 1
";
    let tests = "
from unittest.mock import PropertyMock, patch
import pytest
from app import Store

@pytest.fixture
def store():
    return Store()

def test_of_a_method():
    Store().read()

def test_alone():
    assert Store().client

def test_of_a_fixture(store):
    store.client.get('a')

def test_of_what_it_gives(store):
    store.other.ping()

def test_of_what_it_gives_and_does_not_open(store):
    store.other.pong()

def test_not_asked_for(store):
    store.nothing()

def test_replaced(store):
    with patch.object(Store, 'client', new_callable=PropertyMock):
        store.read()
";
    assert_eq!(
        needs(&[("app.py", app), ("tests/test_a.py", tests)]),
        [
            "test_of_a_method: redis",
            "test_alone: redis",
            "test_of_a_fixture: redis",
            "test_of_what_it_gives: redis",
            "test_of_what_it_gives_and_does_not_open:",
            "test_not_asked_for:",
            "test_replaced:",
        ]
    );
}

#[test]
fn a_property_runs_where_it_is_read() {
    let app = "
import redis
from functools import cached_property

class Store:
    @property
    def client(self):
        return self._client

    @client.setter
    def client(self, client):
        self._client = client

    @property
    def pool(self):
        return redis.ConnectionPool()

    @cached_property
    def cache(self) -> redis.Redis:
        return redis.Redis()

    def get(self, key):
        return self.cache.get(key)

    def open(self):
        pool = self.pool
        pool.connect()

class Shop:
    @property
    def store(self):
        return Store()

    def total(self):
        return self.store.get('total')

    def name(self):
        return self.store.client
";
    let tests = "
from app import Shop, Store

def test_method():
    assert Store().get('a')

def test_local():
    Store().open()

def test_itself():
    assert Store().cache.get('a')

def test_through_another():
    assert Shop().total()

def test_none():
    assert Shop().name() is None

def test_replaced(mocker):
    mocker.patch.object(Store, 'cache')
    assert Store().get('a')
";
    assert_eq!(
        needs(&[("app.py", app), ("tests/test_a.py", tests)]),
        [
            "test_method: redis",
            "test_local: redis",
            "test_itself: redis",
            "test_through_another: redis",
            "test_none:",
            "test_replaced:"
        ]
    );
}

#[test]
fn another_name_of_a_client_is_called_as_the_client_is() {
    let app = "
import psycopg
import redis

def opened():
    return redis.Redis()

class Store:
    def __init__(self):
        self.client = redis.Redis()

connect = psycopg.connect
reopened = opened
Shelf = Store

class Base:
    client_class = dict

    def client(self):
        return self.client_class()
";
    let tests = "
import redis
import app
from app import Base, Shelf, connect, reopened

def test_library():
    connect('')

def test_attribute():
    app.connect('')

def test_function():
    reopened()

def test_class():
    Shelf()

def test_named_only():
    assert connect and reopened

class TestRedis(Base):
    client_class = redis.Redis

    def test_client(self):
        self.client()

class TestNone(Base):
    def test_none(self):
        self.client()
";
    assert_eq!(
        needs(&[("app.py", app), ("tests/test_a.py", tests)]),
        [
            "test_library: postgres",
            "test_attribute: postgres",
            "test_function: redis",
            "test_class: redis",
            "test_named_only:",
            "test_client: redis",
            "test_none:"
        ]
    );
}

#[test]
fn a_class_of_a_library_that_is_replaced_by_its_path_through_a_module_is_not_made() {
    let app = "
import redis

class Store:
    def __init__(self):
        self.client = redis.Redis.from_url('redis://cache')

def opened():
    return redis.Redis()
";
    let tests = "
from unittest.mock import patch
import app

@patch('app.redis.Redis')
def test_class(redis):
    app.opened()

def test_method():
    with patch('app.redis.Redis.from_url'):
        app.Store()

def test_attribute(monkeypatch):
    monkeypatch.setattr('app.redis.Redis', dict)
    app.opened()

@patch.object(app.Store, '__init__', return_value=None)
def test_constructor(init):
    app.Store()

@patch('app.redis.Sentinel')
def test_other(sentinel):
    app.opened()
";
    assert_eq!(
        needs(&[("app.py", app), ("tests/test_a.py", tests)]),
        ["test_class:", "test_method:", "test_attribute:", "test_constructor:", "test_other: redis"]
    );
}

#[test]
fn a_name_that_is_made_of_itself_means_the_one_before() {
    let app = "
from sqlalchemy import create_engine
from sqlalchemy.orm import scoped_session, sessionmaker

engine = create_engine('postgresql://db/x')
Session = sessionmaker(bind=engine)
Session = scoped_session(Session)

def read():
    return Session().execute('select 1')
";
    let tests = "
from app import read

def test_read():
    read()
";
    assert_eq!(needs(&[("app.py", app), ("test_a.py", tests)]), ["test_read: postgres"]);
}

#[test]
fn the_entry_of_a_table_counts_for_whoever_names_its_key() {
    let app = "
import redis
import psycopg

class RedisStore:
    def __init__(self):
        self.client = redis.Redis()

class RowStore:
    def __init__(self):
        self.connection = psycopg.connect('postgres://db/x')

class MemoryStore:
    pass

def by_redis(row):
    redis.Redis().set('a', row)

def by_nothing(row):
    pass

STORES = {'ext:redis': RedisStore, 'ext:rows': RowStore, 'memory': MemoryStore}
WRITERS = {'to-redis': by_redis, 'to-nothing': by_nothing}
CLIENTS = {'plain-redis': redis.Redis, 'plain-dict': dict}

def store(kind):
    return STORES[kind]()

def write(kind, row):
    WRITERS[kind](row)

def client(kind):
    return CLIENTS[kind]()
";
    let of_redis = "
from app import client, store, write

def test_redis():
    store('ext:redis')

def test_write():
    write('to-redis', 1)
";
    let of_rows = "
from app import store

def test_rows():
    store('ext:rows')
";
    let of_others = "
from app import client, store, write

def test_memory():
    store('memory')

def test_nothing():
    write('to-nothing', 1)

def test_client():
    client('plain-redis')
";
    assert_eq!(
        needs(&[("app.py", app), ("test_a.py", of_redis), ("test_b.py", of_rows), ("test_c.py", of_others)]),
        [
            "test_redis: redis",
            "test_write: redis",
            "test_rows: postgres",
            "test_memory:",
            "test_nothing:",
            "test_client: redis",
        ]
    );
}

#[test]
fn a_plug_in_that_settings_name_by_its_path_is_asked_for_what_it_makes() {
    let plug_in = "
import redis

class Store:
    def __init__(self):
        self.client = redis.Redis()

def load_from_config(config):
    return Store()

def describe():
    redis.Redis().info()
";
    let memory = "
class Store:
    pass

def load_from_config(config):
    return Store()
";
    let tests = "
import logging
from unittest.mock import patch

def application(settings):
    return settings

def test_named():
    application({'store': 'app.stores.redis'})

def test_set():
    settings = {}
    settings['store'] = 'app.stores.redis'
    application(settings)

def test_class():
    application({'store': 'app.stores.redis.Store'})

def test_memory():
    application({'store': 'app.stores.memory'})

def test_no_choice():
    application({'task': 'app.stores.redis'})

def test_expected(made):
    made.assert_called_with({'store': 'app.stores.redis'})

def test_said():
    logging.getLogger('app.stores.redis').info('app.stores.redis')

def test_elsewhere():
    application({'store': 'other.stores.redis'})
";
    assert_eq!(
        needs(&[
            ("app/__init__.py", ""),
            ("app/stores/__init__.py", ""),
            ("app/stores/redis.py", plug_in),
            ("app/stores/memory.py", memory),
            ("tests/test_a.py", tests),
        ]),
        [
            "test_named: redis",
            "test_set: redis",
            "test_class: redis",
            "test_memory:",
            "test_no_choice:",
            "test_expected:",
            "test_said:",
            "test_elsewhere:",
        ]
    );
}

#[test]
fn the_reason_of_a_skip_names_what_is_looked_for() {
    let tests = "
import unittest
import pytest
from elsewhere import answers, PORT

@pytest.mark.skipif(not answers(PORT), reason='Redis is not running')
def test_marked():
    pass

@unittest.skipUnless(answers(PORT), 'needs a PostgreSQL server')
class Rows(unittest.TestCase):
    def test_class(self):
        pass

def test_within():
    if not answers(PORT):
        pytest.skip(f'memcached is unreachable at {PORT}')

@pytest.mark.skipif(answers is None, reason='the redis library is not installed')
def test_of_a_library():
    pass

@pytest.mark.skip(reason='Redis is not running in CI')
def test_never():
    pass
";
    assert_eq!(
        needs(&[("test_a.py", tests)]),
        [
            "test_marked: redis",
            "test_class: postgres",
            "test_within: memcached",
            "test_of_a_library:",
            "test_never:",
        ]
    );
    let module = "
import unittest
from elsewhere import answers

if not answers(11211):
    raise unittest.SkipTest('Memcached is not running at %s' % 11211)

def test_of_the_module():
    pass
";
    assert_eq!(needs(&[("test_a.py", module)]), ["test_of_the_module: memcached"]);
}

#[test]
fn of_several_caches_of_django_the_one_that_is_meant_counts() {
    let settings = "
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'x'}}
CACHES = {
    'default': {'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'},
    'sessions': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': 'redis://cache:6379/1'},
}
";
    let views = "
from django.core.cache import cache, caches
from django.views.decorators.cache import cache_page

def total():
    return cache.get('total')

def session(key):
    return caches['sessions'].get(key)

def page(view):
    return cache_page(60)(view)

def page_of_sessions(view):
    return cache_page(60, cache='sessions')(view)
";
    let tests = "
from django.test import override_settings
from shop.views import page, page_of_sessions, session, total

def test_total():
    total()

def test_session():
    session('a')

def test_page():
    page(None)

def test_page_of_sessions():
    page_of_sessions(None)

@override_settings(CACHES={'sessions': {'BACKEND': 'django.core.cache.backends.dummy.DummyCache'}})
def test_overridden():
    session('a')

@override_settings(CACHES={'sessions': {'BACKEND': 'django_redis.cache.RedisCache'}})
def test_overridden_by_a_server():
    session('a')

def test_set(settings):
    caches = settings.CACHES.copy()
    caches['sessions'] = {'BACKEND': 'django.core.cache.backends.dummy.DummyCache'}
    settings.CACHES = caches
    session('a')
";
    assert_eq!(
        needs(&[
            ("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = shop.settings\n"),
            ("shop/__init__.py", ""),
            ("shop/settings.py", settings),
            ("shop/views.py", views),
            ("tests/test_a.py", tests),
        ]),
        [
            "test_total:",
            "test_session: redis",
            "test_page:",
            "test_page_of_sessions: redis",
            "test_overridden:",
            "test_overridden_by_a_server: redis",
            "test_set:",
        ]
    );
}
