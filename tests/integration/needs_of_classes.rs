//! Which services the tests of a class need: by what runs around them, by its flags and by what its bases do.

use crate::needs::needs;

const BASE: &str = "
import unittest
import redis

class Base(unittest.TestCase):
    use_cache = False

    def setUp(self):
        self.cache = redis.Redis()
        self.cache.ping()
";

#[test]
fn a_set_up_above_runs_however_super_is_written() {
    let tests = "
from base import Base

class Plain(Base):
    def test_plain(self):
        pass

class New(Base):
    def setUp(self):
        super().setUp()
    def test_new(self):
        pass

class Old(Base):
    def setUp(self):
        super(Old, self).setUp()
    def test_old(self):
        pass

class Replaced(Base):
    def setUp(self):
        self.cache = {}
    def test_replaced(self):
        pass
";
    assert_eq!(
        needs(&[("base.py", BASE), ("test_a.py", tests)]),
        ["test_plain: redis", "test_new: redis", "test_old: redis", "test_replaced:"]
    );
}

#[test]
fn whatever_runs_around_a_test_counts() {
    let tests = "
import unittest
import redis
import psycopg
from flask_testing import TestCase as FlaskTestCase
from tornado.testing import AsyncHTTPTestCase

class Cleans(unittest.TestCase):
    def tearDown(self):
        redis.Redis().flushdb()
    def test_tear_down(self):
        pass

class TestCleansAll:
    @classmethod
    def teardown_class(cls):
        redis.Redis().flushdb()
    def test_teardown_class(self):
        pass

class Called(unittest.TestCase):
    def _begin(self):
        psycopg.connect('postgres://db/x')
    def __call__(self, result=None):
        self._begin()
        super(Called, self).__call__(result)
    def test_called(self):
        pass

class Flask(FlaskTestCase):
    def create_app(self):
        psycopg.connect('postgres://db/x')
    def test_flask(self):
        pass

class Tornado(AsyncHTTPTestCase):
    def get_app(self):
        redis.Redis().ping()
    def test_tornado(self):
        pass

class TestNoneOfThem:
    def create_app(self):
        redis.Redis().ping()
    def run(self):
        redis.Redis().ping()
    def test_helpers(self):
        pass
";
    assert_eq!(
        needs(&[("test_a.py", tests)]),
        [
            "test_tear_down: redis",
            "test_teardown_class: redis",
            "test_called: postgres",
            "test_flask: postgres",
            "test_tornado: redis",
            "test_helpers:",
        ]
    );
    let module = "
import redis

def teardown_module():
    redis.Redis().flushall()

def test_module():
    pass
";
    assert_eq!(needs(&[("test_a.py", module)]), ["test_module: redis"]);
}

const FLAGGED: &str = "
import os
import unittest
import redis

class Base(unittest.TestCase):
    use_cache = False
    with_client = None

    @classmethod
    def setUpClass(cls):
        cls.loud = False
        cls.prepare()
        if cls.use_cache and not os.environ.get('SKIP_REDIS'):
            redis.Redis().ping()
        elif cls.use_cache:
            cls.skipTest(cls, 'no redis')
        if cls.loud:
            redis.Redis().publish('a', 'b')

    @classmethod
    def prepare(cls):
        pass
";

#[test]
fn a_flag_of_a_class_says_what_its_set_up_does() {
    let tests = "
import base

class Quiet(base.Base):
    def test_quiet(self):
        pass

class Caching(base.Base):
    use_cache = True
    def test_caching(self):
        pass

class Below(Caching):
    def test_below(self):
        pass

class BelowQuiet(Caching):
    use_cache = False
    def test_below_quiet(self):
        pass

class Loud(base.Base):
    @classmethod
    def prepare(cls):
        cls.loud = True
    def test_loud(self):
        pass

class Computed(base.Base):
    use_cache = bool(1)
    def test_computed(self):
        pass

class Added(base.Base):
    @classmethod
    def prepare(cls):
        cls.loud |= True
    def test_added(self):
        pass
";
    assert_eq!(
        needs(&[("tests/base.py", FLAGGED), ("tests/test_a.py", tests)]),
        [
            "test_quiet:",
            "test_caching: redis",
            "test_below: redis",
            "test_caching: redis",
            "test_below_quiet:",
            "test_caching:",
            "test_loud: redis",
            "test_computed: redis",
            "test_added: redis",
        ]
    );
}

#[test]
fn a_flag_that_anything_else_may_give_a_value_says_nothing() {
    let quiet = "
import pytest
import base

class Quiet(base.Base):
    def test_quiet(self):
        pass
";
    for more in [
        "base.Base.use_cache = True",
        "setattr(base.Base, 'use_cache', True)",
        "def enable(cls):\n    cls.use_cache = True",
        "def on():\n    enable(use_cache=True)",
        "@pytest.fixture(autouse=True)\ndef on(request):\n    cls = request.cls\n    cls.use_cache = True",
        "def on(monkeypatch):\n    monkeypatch.setattr('base.Base.use_cache', True)",
    ] {
        let tests = format!("{quiet}\n{more}\n");
        assert_eq!(
            needs(&[("tests/base.py", FLAGGED), ("tests/test_a.py", &tests)]),
            ["test_quiet: redis"],
            "{more}"
        );
    }
    for class in [
        "class Quiet(Mixin, base.Base):",
        "@switched\nclass Quiet(base.Base):",
        "class Quiet(base.Base, metaclass=Meta):",
    ] {
        let tests = format!("from elsewhere import Meta, Mixin, switched\n{quiet}")
            .replace("class Quiet(base.Base):", class);
        assert_eq!(
            needs(&[("tests/base.py", FLAGGED), ("tests/test_a.py", &tests)]),
            ["test_quiet: redis"],
            "{class}"
        );
    }
}

#[test]
fn what_a_sibling_opens_of_what_their_base_keeps_is_no_matter_of_the_other() {
    let app = "
import psycopg
import requests

class Runner:
    def __init__(self, configuration):
        self.configuration = configuration

class Web(Runner):
    def run(self):
        return requests.get(self.configuration['url'])

class Rows(Runner):
    def __init__(self, configuration):
        super(Rows, self).__init__(configuration)
    def run(self):
        return psycopg.connect(self.configuration['url'])

class Nothing(Runner):
    def run(self):
        return self.configuration['url']

class Bird(Nothing):
    def fly(self):
        return requests.get(self.configuration['url'])
";
    let tests = "
from app import Nothing, Rows, Web

def test_web():
    Web({'url': 'http://localhost:9200/'}).run()

def test_rows():
    Rows({'url': 'postgres://localhost:5432/x'}).run()

def test_nothing():
    Nothing({'url': 'http://localhost:9200/'}).run()
";
    assert_eq!(
        needs(&[("app.py", app), ("test_a.py", tests)]),
        ["test_web: elasticsearch", "test_rows: postgres", "test_nothing:"]
    );
}

#[test]
fn a_class_that_stands_in_for_another_opens_nothing_by_being_made() {
    let app = "
import requests

class Search:
    def __init__(self, url):
        self.url = url
    def find(self, what):
        return requests.get(self.url, params={'q': what}).json()
";
    let tests = "
from app import Search

class FakeSearch(Search):
    def find(self, what):
        return []

def test_fake():
    FakeSearch('http://localhost:9200/').find('a')

def test_real():
    Search('http://localhost:9200/').find('a')
";
    assert_eq!(needs(&[("app.py", app), ("test_a.py", tests)]), ["test_fake:", "test_real: elasticsearch"]);
}

#[test]
fn whoever_replaces_what_all_requests_go_through_keeps_the_library_from_the_network() {
    let app = "
import httpx
import requests

def search():
    return requests.get('http://localhost:9200/').json()

async def search_too():
    async with httpx.AsyncClient() as client:
        return await client.get('http://localhost:9200/')
";
    let tests = "
import pytest
from app import search, search_too

@pytest.fixture
def no_requests(monkeypatch):
    m = monkeypatch
    m.setattr('requests.sessions.Session.request', lambda *args: None)

def test_kept(no_requests):
    search()

def test_not_kept():
    search()

def test_other_kept(monkeypatch):
    import httpx
    monkeypatch.setattr(httpx.AsyncClient, 'send', None)
    search_too()

def test_other_not_kept(no_requests):
    search_too()
";
    assert_eq!(
        needs(&[("app.py", app), ("test_a.py", tests)]),
        [
            "test_kept:",
            "test_not_kept: elasticsearch",
            "test_other_kept:",
            "test_other_not_kept: elasticsearch",
        ]
    );
}

#[test]
fn an_object_is_called_and_used_by_operators_as_its_class_says() {
    let app = "
import redis

class Ping:
    def __call__(self):
        return redis.Redis().ping()

class Below(Ping):
    pass

class Table:
    def __getitem__(self, key):
        return redis.Redis().get(key)

class Cached:
    def __init__(self, function):
        self.function = function
    def __call__(self, *args):
        return redis.Redis().get('a') or self.function(*args)

class Retry:
    def __init__(self, times):
        self.times = times
    def __call__(self, function):
        redis.Redis().ping()
        return function

ping = Ping()

@Cached
def total():
    return 1

@Retry(3)
def count():
    return 1

def plain():
    return 1
";
    let tests = "
from functools import partial
import redis
from app import Below, Ping, Table, count, ping, plain, total

def test_made():
    Ping()

def test_called():
    here = Ping()
    here()

def test_called_at_once():
    Ping()()

def test_called_below():
    below = Below()
    below()

def test_of_a_module():
    ping()

def test_item():
    table = Table()
    table['a']

def test_decorated():
    total()

def test_decorated_with_arguments():
    count()

def test_plain():
    plain()

def test_partial():
    make = partial(redis.Redis, db=3)
    make().ping()

def test_given_to_be_called(retry):
    retry(redis.from_url, 'redis://x')

def test_looked_at(value):
    assert not isinstance(value, redis.Redis) and callable(redis.from_url)
";
    assert_eq!(
        needs(&[("app.py", app), ("test_a.py", tests)]),
        [
            "test_made:",
            "test_called: redis",
            "test_called_at_once: redis",
            "test_called_below: redis",
            "test_of_a_module: redis",
            "test_item: redis",
            "test_decorated: redis",
            "test_decorated_with_arguments: redis",
            "test_plain:",
            "test_partial: redis",
            "test_given_to_be_called: redis",
            "test_looked_at:",
        ]
    );
}

#[test]
fn a_fixture_that_gives_one_of_several_objects_may_give_the_one_that_is_no_stand_in() {
    let app = "
import redis

class Store:
    def read(self):
        return redis.Redis().get('a')

class FakeStore:
    def read(self):
        return None
";
    let tests = "
import pytest
from app import FakeStore, Store

@pytest.fixture
def store(request):
    if request.config.getoption('--fake'):
        return FakeStore()
    return Store()

@pytest.fixture
def fake():
    return FakeStore()

def test_either(store):
    store.read()

def test_fake(fake):
    fake.read()
";
    assert_eq!(needs(&[("app.py", app), ("test_a.py", tests)]), ["test_either: redis", "test_fake:"]);
}

#[test]
fn an_address_that_a_base_keeps_counts_wherever_the_class_is_not_certain() {
    let app = "
import os
from sqlalchemy import create_engine

class Store:
    def __init__(self, url, echo=False):
        self.url = url
        self.echo = echo
    def go(self):
        if self.echo:
            print(self.url)
        return create_engine(self.url)

class Below(Store):
    def other(self):
        return self.go()

class Web(Store):
    def go(self):
        return None

class Settings:
    def __init__(self, url):
        self.url = url

class Engine:
    def __init__(self, url):
        self.settings = Settings(url)
    def open(self):
        return create_engine(self.settings.url)

class FakeStore:
    def __init__(self, url):
        self.engine = create_engine(url)

class CrispyStore(Store):
    pass

def pick(kind):
    if kind:
        return Web
    return Store
";
    let tests = "
from app import Below, CrispyStore, Engine, FakeStore, Store, Web, pick

URL = 'postgresql://h/x'

def test_told():
    Store(URL, echo=True).go()

def test_below():
    Below(URL).other()

class TestHeld:
    store_class = Store
    def test_held(self):
        self.store_class(URL).go()

def test_two_objects():
    Engine(URL).open()

def test_picked():
    pick(0)(URL).go()

def test_variable(kind):
    cls = Web if kind else Store
    cls(URL).go()

def test_fake_that_opens():
    FakeStore(URL)

def test_crispy():
    CrispyStore(URL).go()
";
    assert_eq!(
        needs(&[("app.py", app), ("test_a.py", tests)]),
        [
            "test_told: postgres",
            "test_below: postgres",
            "test_held: postgres",
            "test_two_objects: postgres",
            "test_picked: postgres",
            "test_variable: postgres",
            "test_fake_that_opens: postgres",
            "test_crispy: postgres",
        ]
    );
    let many: Vec<String> = (0..40)
        .map(|at| {
            format!("class C{at}(Base):\n    def go(self):\n        return create_engine(self.url)\n\n")
        })
        .collect();
    let base = "class Base:\n    def __init__(self, url):\n        self.url = url\n\n";
    let app = format!("from sqlalchemy import create_engine\n\n{base}{}", many.concat());
    let tests: Vec<String> =
        (0..40).map(|at| format!("def test_{at}():\n    app.C{at}('postgresql://h/x').go()\n\n")).collect();
    let found = needs(&[("app.py", &app), ("test_a.py", &format!("import app\n\n{}", tests.concat()))]);
    assert_eq!(found.len(), 40);
    assert!(found.iter().all(|test| test.ends_with(": postgres")), "{found:?}");
}
