//! What the names of properties, of other names and of what tests replace lead to.

use crate::needs::needs;

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
fn a_task_asks_the_broker_of_its_application_where_it_is_put_off_and_not_where_it_is_called() {
    let tasks = "
from celery import Celery

app = Celery('shop', broker='redis://mq:6379/0')

@app.task
def add(a, b):
    return a + b

def plain():
    return 1
";
    let tests = "
import tasks
from tasks import add, app

def test_called():
    assert add(1, 2) == 3

def test_beside():
    tasks.plain()

def test_delayed():
    add.delay(1, 2)

def test_applied():
    tasks.add.apply_async((1, 2))

def test_by_name():
    app.send_task('add')
";
    let project = |tasks: &str| needs(&[("tasks.py", tasks), ("tests/test_a.py", tests)]);
    assert_eq!(
        project(tasks),
        ["test_called:", "test_beside:", "test_delayed: redis", "test_applied: redis", "test_by_name: redis"]
    );
    let in_memory = tasks.replace("redis://mq:6379/0", "memory://");
    assert!(project(&in_memory).iter().all(|line| line.ends_with(':')));
    let updated =
        tasks.replace(", broker='redis://mq:6379/0')", ")\napp.conf.update(broker_url='amqp://mq')");
    assert_eq!(project(&updated)[2], "test_delayed: rabbitmq");
}
