//! Where a request leads whose path is not written down, and what runs for every request.

use crate::needs::needs;

const APP: &str = "
import redis
from fastapi import Depends, FastAPI

app = FastAPI()

def get_cache():
    return redis.Redis()

@app.get('/users/{id}')
def user(id, cache=Depends(get_cache)):
    return cache.get(id)

@app.post('/users')
def create(cache=Depends(get_cache)):
    return cache.set('x', 1)
";

#[test]
fn a_path_is_read_from_fixtures_attributes_and_functions() {
    let app = format!("{APP}\n@app.get('/health')\ndef health():\n    return 'up'\n");
    let tests = "
import pytest
from fastapi.testclient import TestClient
from app import app

client = TestClient(app)

@pytest.fixture
def url():
    return '/users/1'

@pytest.fixture
def health():
    return '/health'

def url_of(id):
    return f'/users/{id}'

def test_fixture(url):
    client.get(url)

def test_other_fixture(health):
    client.get(health)

def test_function():
    client.get(url_of(1))

class TestAttribute:
    def setup_method(self):
        self.url = '/users/2'
        self.other = '/health'

    def test_a(self):
        client.get(self.url)

    def test_b(self):
        client.get(self.other)
";
    assert_eq!(
        needs(&[("app.py", &app), ("tests/test_a.py", tests)]),
        ["test_fixture: redis", "test_other_fixture:", "test_function: redis", "test_a: redis", "test_b:"]
    );
}

#[test]
fn a_request_that_may_go_anywhere_needs_what_nearly_every_route_needs() {
    let tests = "
import pytest
from fastapi.testclient import TestClient
from app import app

client = TestClient(app)

@pytest.mark.parametrize('path', list(app.routes))
def test_every(path):
    client.get(path)

@pytest.fixture
def redis_client():
    return {}

def test_key(redis_client):
    redis_client.get(path)

def test_no_path(client):
    client.get('key')
";
    assert_eq!(
        needs(&[("app.py", APP), ("tests/test_a.py", tests)]),
        ["test_every: redis", "test_key:", "test_no_path:"]
    );
    let plain = format!("{APP}\n@app.get('/health')\ndef health():\n    return 'up'\n");
    assert_eq!(needs(&[("app.py", &plain), ("tests/test_a.py", tests)])[0], "test_every:");
    let replaced =
        format!("{tests}\nfrom app import get_cache\napp.dependency_overrides[get_cache] = dict\n");
    assert_eq!(needs(&[("app.py", APP), ("tests/test_a.py", &replaced)])[0], "test_every:");
}

#[test]
fn a_view_that_a_path_is_asked_of_answers_it() {
    let app = "
import redis
from flask import Flask
from flask_restful import Api, Resource

app = Flask(__name__)
api = Api(app)

class Users(Resource):
    def get(self):
        return redis.Redis().get('x')

class Health(Resource):
    def get(self):
        return 'up'

api.add_resource(Users, '/users')
api.add_resource(Health, '/health')
";
    let tests = "
from app import *

client = app.test_client()

def test_users():
    client.get(api.url_for(Users))

def test_health():
    client.get(api.url_for(Health))
";
    assert_eq!(needs(&[("app.py", app), ("tests/test_a.py", tests)]), ["test_users: redis", "test_health:"]);
}

#[test]
fn a_class_in_the_middle_runs_for_every_request() {
    let app = "
import redis
from fastapi import FastAPI
from starlette.middleware.base import BaseHTTPMiddleware

class Throttle(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        redis.Redis().incr(request.client.host)
        return await call_next(request)

app = FastAPI()
app.add_middleware(Throttle)

@app.get('/health')
def health():
    return 'up'
";
    let tests = "
from fastapi.testclient import TestClient
from app import app, health

def test_request():
    TestClient(app).get('/health')

def test_function():
    health()
";
    let needed = ["test_request: redis", "test_function:"];
    assert_eq!(needs(&[("app.py", app), ("tests/test_a.py", tests)]), needed);
    let listed = app
        .replace("app.add_middleware(Throttle)\n", "")
        .replace("FastAPI()", "FastAPI(middleware=[Middleware(Throttle)])");
    assert_eq!(needs(&[("app.py", &listed), ("tests/test_a.py", tests)]), needed);
}

#[test]
fn djangos_settings_name_what_runs_for_every_request() {
    let tests = "
from django.test import Client, SimpleTestCase

class PlainTests(SimpleTestCase):
    def test_request(self):
        self.client.get('/health/')

    def test_sum(self):
        assert 1 + 1 == 2
";
    assert_eq!(
        needs(&[
            ("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = shop.settings\n"),
            ("shop/__init__.py", ""),
            (
                "shop/settings.py",
                "MIDDLEWARE = ['django.middleware.common.CommonMiddleware', 'shop.throttle.Throttle']\n",
            ),
            (
                "shop/throttle.py",
                "import redis\n\nclass Throttle:\n    def __init__(self, get_response):\n        self.get_response = get_response\n\n    def __call__(self, request):\n        redis.Redis().incr('x')\n        return self.get_response(request)\n",
            ),
            (
                "shop/urls.py",
                "from django.urls import path\nfrom shop.views import health\n\nurlpatterns = [path('health/', health)]\n",
            ),
            ("shop/views.py", "def health(request):\n    return 'up'\n"),
            ("tests/test_a.py", tests),
        ]),
        ["test_request: redis", "test_sum:"]
    );
}

#[test]
fn what_limits_the_requests_of_a_view_counts_them_in_the_cache() {
    let settings = "
ROOT_URLCONF = 'shop.urls'
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}
CACHES = {'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': 'redis://cache:6379'}}
";
    let views = "
from rest_framework.throttling import SimpleRateThrottle, UserRateThrottle
from rest_framework.views import APIView

class ByKey(SimpleRateThrottle):
    rate = '1/minute'

class Base(APIView):
    def get_throttles(self):
        return [ByKey()]

class Items(Base):
    def get(self, request):
        return []

class Listed(APIView):
    throttle_classes = [ByKey]

    def get(self, request):
        return []

class Outside(APIView):
    throttle_classes = [UserRateThrottle]

    def get(self, request):
        return []

class Free(APIView):
    def get(self, request):
        return []
";
    let urls = "
from django.urls import path
from shop.views import Free, Items, Listed, Outside

urlpatterns = [
    path('items/', Items.as_view()),
    path('listed/', Listed.as_view()),
    path('outside/', Outside.as_view()),
    path('free/', Free.as_view()),
]
";
    let tests = "
from rest_framework.test import APIClient

def test_items():
    APIClient().get('/items/')

def test_listed():
    APIClient().get('/listed/')

def test_outside():
    APIClient().get('/outside/')

def test_free():
    APIClient().get('/free/')
";
    let found = needs(&[
        ("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = shop.settings\n"),
        ("shop/__init__.py", ""),
        ("shop/settings.py", settings),
        ("shop/urls.py", urls),
        ("shop/views.py", views),
        ("tests/test_a.py", tests),
    ]);
    assert_eq!(found, ["test_items: redis", "test_listed: redis", "test_outside: redis", "test_free:"]);
}
