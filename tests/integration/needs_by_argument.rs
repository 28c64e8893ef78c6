//! Which services a test needs where what it gives to a call decides what runs.

use crate::needs::needs;

const SERVICE: &str = "
import redis
import psycopg

class Service:
    def __init__(self, client=None, retries=3):
        self.client = client or redis.Redis()
        self.retries = retries

    def read(self):
        return self.client.get('a')

class Lazy:
    def __init__(self, client=None):
        self._client = client

    @property
    def client(self):
        if self._client is None:
            self._client = redis.Redis()
        return self._client

    def read(self):
        return self.client.get('a')

def store(row, connection=None):
    if connection is None:
        connection = psycopg.connect('postgres://db/x')
    return connection.execute('insert', row)

def store_all(rows, connection=None):
    for row in rows:
        store(row, connection=connection)

def count(url=None):
    if not url:
        return 0
    return redis.Redis.from_url(url).dbsize()

def audit(row, to_cache=False):
    if to_cache:
        redis.Redis().set('row', row)
";

#[test]
fn a_stand_in_that_a_test_gives_is_used_instead_of_what_would_be_made() {
    let tests = "
from unittest.mock import Mock
import pytest
from app import Lazy, Service, store, store_all

class Fake:
    def get(self, key):
        return key

@pytest.fixture
def service():
    return Service(client=Fake())

def test_default():
    assert Service().read()

def test_given():
    assert Service(client=Fake()).read()

def test_given_by_place():
    fake = Fake()
    service = Service(fake)
    assert service.read()

def test_given_by_a_fixture(service):
    assert service.read()

def test_none():
    assert Service(client=None, retries=2).read()

def test_lazy():
    assert Lazy().read()

def test_lazy_given():
    assert Lazy(Mock()).read()

def test_store():
    store({})

def test_store_given():
    store({}, connection=Mock())

def test_store_all():
    store_all([{}])

def test_store_all_given():
    store_all([{}], connection=Mock())

@pytest.mark.parametrize('client', [None, Fake()])
def test_both(client):
    assert Service(client).read()
";
    assert_eq!(
        needs(&[("app.py", SERVICE), ("tests/test_a.py", tests)]),
        [
            "test_default: redis",
            "test_given:",
            "test_given_by_place:",
            "test_given_by_a_fixture:",
            "test_none: redis",
            "test_lazy: redis",
            "test_lazy_given:",
            "test_store: postgres",
            "test_store_given:",
            "test_store_all: postgres",
            "test_store_all_given:",
            "test_both: redis",
        ]
    );
}

#[test]
fn an_object_of_the_application_that_is_given_may_come_to_the_service_itself() {
    let app = "
import redis

class Repository:
    def __init__(self, url):
        self.url = url

    def get(self, key):
        return redis.Redis.from_url(self.url).get(key)

class Service:
    def __init__(self, repository=None):
        self.repository = repository or Repository('redis://cache')

    def read(self):
        return self.repository.get('a')
";
    let tests = "
from app import Repository, Service

def test_given():
    Service(Repository('redis://other')).read()
";
    assert_eq!(needs(&[("app.py", app), ("tests/test_a.py", tests)]), ["test_given: redis"]);
}

#[test]
fn what_a_call_leaves_off_does_not_run() {
    let tests = "
from app import audit, count

FLAG = True

def test_count():
    assert count() == 0

def test_count_of():
    assert count('redis://cache') == 0

def test_count_of_nothing():
    assert count('') == 0

def test_audit():
    audit({})

def test_audit_to_cache():
    audit({}, to_cache=True)

def test_audit_by_place():
    audit({}, FLAG)

def test_spread(arguments):
    audit({}, **arguments)
";
    assert_eq!(
        needs(&[("app.py", SERVICE), ("tests/test_a.py", tests)]),
        [
            "test_count:",
            "test_count_of: redis",
            "test_count_of_nothing:",
            "test_audit:",
            "test_audit_to_cache: redis",
            "test_audit_by_place: redis",
            "test_spread: redis",
        ]
    );
}

#[test]
fn what_is_not_certain_runs() {
    let app = "
import redis

def provide(function):
    return function

def changed(client=None):
    client = look_up(client)
    if client is None:
        client = redis.Redis()
    return client.get('a')

@provide
def decorated(client=None):
    if client:
        return redis.Redis().get('a')

def loses(client=None):
    if client is None:
        client = 3
    if client:
        return redis.Redis().get('a')

class Keeper:
    def __init__(self, client=None):
        self.client = client

    def drop(self):
        self.client = look_up('a')

    def read(self):
        if self.client is None:
            self.client = redis.Redis()
        return self.client.get('a')

class Heir(Keeper):
    pass

def look_up(client):
    return client

def passes_on(client):
    return made(client=client)

def made(client=None):
    if client is None:
        client = redis.Redis()
    return client.get('a')

class Either:
    def __init__(self, other, client=None):
        self.client = redis.Redis()
        if other:
            self.client = client

    def read(self):
        return self.client.get('a')
";
    let tests = "
import os
from app import Either, Heir, Keeper, changed, decorated, loses, passes_on

SHARED = None

def set_up_shared():
    global SHARED
    SHARED = Fake()

class Fake:
    pass

def test_changed():
    changed(Fake())

def test_decorated():
    decorated()

def test_loses():
    loses()

def test_environment():
    Heir(os.environ.get('CLIENT')).read()

def test_keeper():
    keeper = Keeper(Fake())
    keeper.drop()
    keeper.read()

def test_passed_on():
    passes_on(os.environ.get('CLIENT'))

def test_passed_on_given():
    passes_on(Fake())

def test_either():
    Either(False, Fake()).read()
";
    assert_eq!(
        needs(&[("app.py", app), ("tests/test_a.py", tests)]),
        [
            "test_changed: redis",
            "test_decorated: redis",
            "test_loses: redis",
            "test_environment: redis",
            "test_keeper: redis",
            "test_passed_on: redis",
            "test_passed_on_given:",
            "test_either: redis",
        ]
    );
}

#[test]
fn what_an_inheriting_class_is_given_its_objects_keep() {
    let app = "
import redis

class Base:
    def __init__(self, client=None):
        self.client = client if client is not None else redis.Redis()

    def read(self):
        return self.fetch()

    def fetch(self):
        return self.client.get('a')

class Heir(Base):
    def fetch(self):
        return self.client.get('b')
";
    let tests = "
from app import Heir

class Fake:
    pass

class TestHeir:
    def setup_method(self):
        self.heir = Heir(client=Fake())
        self.plain = Heir()

    def test_given(self):
        fake = Heir(client=Fake())
        fake.read()

class TestPlain:
    def setup_method(self):
        self.plain = Heir()

    def test_plain(self):
        self.plain.read()

class TestKept:
    def setup_method(self):
        self.heir = Heir(client=Fake())

    def test_kept(self):
        self.heir.read()
";
    assert_eq!(
        needs(&[("app.py", app), ("tests/test_a.py", tests)]),
        ["test_given: redis", "test_plain: redis", "test_kept:"]
    );
}

#[test]
fn a_parameter_that_is_given_another_value_in_any_way_is_not_known() {
    let bodies = [
        "    client += 1\n",
        "    for client in [None]:\n        pass\n",
        "    try:\n        pass\n    except ValueError as client:\n        pass\n",
        "    (a, (client, b)) = look_up()\n",
        "    if (client := look_up()):\n        pass\n",
        "    with look_up() as client:\n        pass\n",
        "    match look_up():\n        case [client]:\n            pass\n",
        "    def drop():\n        nonlocal client\n        client = None\n    drop()\n",
        "    [client for client in look_up()]\n",
        "    del client\n",
    ];
    for body in bodies {
        let app = format!(
            "import redis\n\ndef look_up():\n    return None\n\ndef read(client=None):\n{body}    if client is None:\n        client = redis.Redis()\n    return client.get('a')\n"
        );
        let tests =
            "from unittest.mock import Mock\nfrom app import read\n\ndef test_read():\n    read(Mock())\n";
        let found = needs(&[("app.py", &app), ("tests/test_a.py", tests)]);
        assert_eq!(found, ["test_read: redis"], "{app}");
    }
}

#[test]
fn an_attribute_that_others_set_or_that_is_dropped_is_not_known() {
    let app = "
import redis

class Store:
    def __init__(self, client=None):
        self._client = client

    def close(self):
        self._client = None

    def read(self):
        if self._client is None:
            self._client = redis.Redis()
        return self._client.get('a')

class Shelf:
    def __init__(self, owner=None):
        self.owner = owner

    def read(self):
        return (self.owner or redis.Redis()).get('a')

def swap(shelf):
    shelf.owner = None
";
    let tests = "
from unittest.mock import Mock
from app import Shelf, Store, swap

def test_dropped():
    store = Store(Mock())
    store.close()
    store.read()

def test_swapped():
    shelf = Shelf(Mock())
    swap(shelf)
    shelf.read()

def test_may_be_nothing(store_or_none):
    Shelf(store_or_none).read()

def test_of_a_call():
    Shelf(find_store()).read()

def find_store():
    return None
";
    assert_eq!(
        needs(&[("app.py", app), ("tests/test_a.py", tests)]),
        ["test_dropped: redis", "test_swapped: redis", "test_may_be_nothing: redis", "test_of_a_call: redis"]
    );
}

#[test]
fn arguments_that_a_decorator_or_a_class_gives_are_not_known() {
    let app = "
import redis

def with_session(function):
    return lambda *given: function(None, *given)

@with_session
def load(client, key=None):
    if client is None:
        client = redis.Redis()
    return client.get(key)

class Store:
    def save(self, row, client=None):
        if client is None:
            client = redis.Redis()
        return client.set('row', row)

def view(request):
    if request.method == 'POST':
        return redis.Redis().get('a')
";
    let tests = "
from unittest.mock import Mock
from app import Store, load, view

def test_decorated():
    load(Mock())

def test_of_the_class():
    Store.save(Store(), Mock())

def test_view(request_factory):
    view(request_factory.post('/'))
";
    assert_eq!(
        needs(&[("app.py", app), ("tests/test_a.py", tests)]),
        ["test_decorated: redis", "test_of_the_class: redis", "test_view: redis"]
    );
}

#[test]
fn an_object_that_a_test_hands_on_is_used_as_whoever_is_given_it_uses_it() {
    let app = "
import psycopg

class Base:
    def get(self):
        raise NotImplementedError

class Rows(Base):
    def __init__(self, dsn):
        self.dsn = dsn

    def get(self):
        return psycopg.connect(self.dsn)

    def close(self):
        pass

class Typed:
    def __init__(self, rows: Base):
        self.rows = rows

    def read(self):
        return self.rows.get()

class Untyped:
    def __init__(self, rows):
        self.rows = rows

    def read(self):
        return self.rows.get()

def shut(rows):
    rows.close()

def read(rows):
    return rows.get()
";
    let tests = "
import pytest
from app import Rows, Typed, Untyped, read, shut

@pytest.fixture
def rows():
    return Rows('')

@pytest.fixture
def service():
    return Typed(Rows(''))

def test_typed():
    Typed(Rows('')).read()

def test_untyped():
    Untyped(Rows('')).read()

def test_local():
    rows = Rows('')
    Untyped(rows).read()

def test_fixture(rows):
    read(rows)

def test_made_by_a_fixture(service):
    service.read()

def test_other_method(rows):
    shut(rows)

def test_looked_at(rows):
    print(rows)
";
    assert_eq!(
        needs(&[("app.py", app), ("tests/test_a.py", tests)]),
        [
            "test_typed: postgres",
            "test_untyped: postgres",
            "test_local: postgres",
            "test_fixture: postgres",
            "test_made_by_a_fixture: postgres",
            "test_other_method:",
            "test_looked_at:",
        ]
    );
}
