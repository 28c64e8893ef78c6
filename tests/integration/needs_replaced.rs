//! Which services a test needs that keeps libraries from the network, and one that starts containers by itself.

use crate::needs::needs;

#[test]
fn what_answers_for_the_network_keeps_a_library_from_it() {
    let app = "
import boto3
import httpx
import requests

def search():
    return requests.get('http://localhost:9200/_search').json()

def search_too():
    return httpx.get('http://localhost:9200/_search').json()

def store():
    return boto3.client('s3', endpoint_url='http://localhost:9000').list_buckets()
";
    let tests = "
import pytest
import requests_mock as mocker
import responses
from moto import mock_aws
from app import search, search_too, store

def test_plain():
    search()

@responses.activate
def test_activated():
    search()

def test_within():
    with responses.RequestsMock() as answers:
        search()

def test_fixture(requests_mock):
    search()

def test_other_library(httpx_mock):
    search()
    search_too()

def test_httpx(httpx_mock):
    search_too()

@mock_aws
def test_store():
    store()

def test_store_plain():
    store()
";
    assert_eq!(
        needs(&[("app.py", app), ("test_a.py", tests)]),
        [
            "test_plain: elasticsearch",
            "test_activated:",
            "test_within:",
            "test_fixture:",
            "test_other_library: elasticsearch",
            "test_httpx:",
            "test_store:",
            "test_store_plain: minio",
        ]
    );
}

#[test]
fn a_library_that_is_put_in_place_of_another_is_none() {
    let app = "
import redis

class Store:
    client = redis.Redis()

def read():
    return Store.client.get('a')
";
    let tests = "
import sys
from unittest import mock
import app

def test_dict():
    with mock.patch.dict('sys.modules', {'redis': mock.Mock()}):
        app.read()

def test_setitem(monkeypatch):
    monkeypatch.setitem(sys.modules, 'redis', mock.Mock())
    app.read()

def test_several():
    with mock.patch.multiple('app.Store', client=mock.DEFAULT):
        app.read()

def test_plain():
    app.read()
";
    assert_eq!(
        needs(&[("app.py", app), ("test_a.py", tests)]),
        ["test_dict:", "test_setitem:", "test_several:", "test_plain: redis"]
    );
}

#[test]
fn containers_that_tests_start_by_themselves_are_services() {
    let tests = "
import subprocess
import docker

def test_library():
    docker.from_env().containers.run('postgres:16', detach=True)

def test_client():
    client = docker.from_env()
    client.containers.run(image='docker.io/library/redis:7')

def test_command():
    subprocess.run(['docker', 'run', '-d', '--rm', 'redis:7-alpine'], check=True)

def test_shell():
    subprocess.check_call('docker compose up -d elasticsearch', shell=True)

def test_other_command():
    subprocess.run(['echo', 'redis'])

def test_other_use():
    subprocess.run(['docker', 'ps'])
";
    assert_eq!(
        needs(&[("test_a.py", tests)]),
        [
            "test_library: postgres",
            "test_client: redis",
            "test_command: redis",
            "test_shell: elasticsearch",
            "test_other_command:",
            "test_other_use:",
        ]
    );
}

#[test]
fn stand_ins_of_flexmock_and_mockito_replace_what_they_name() {
    let app = "
import redis

class Store:
    def client(self):
        return redis.Redis()

def read():
    return Store().client().get('a')
";
    let tests = "
import redis
from flexmock import flexmock
from mockito import when
import app

def test_library():
    flexmock(redis).should_receive('Redis').and_return(flexmock())
    app.read()

def test_method():
    flexmock(app.Store).should_receive('client.get').and_return(None).once()
    app.read()

def test_attribute():
    flexmock(app.Store, client=dict)
    app.read()

def test_other():
    flexmock(app.Store).should_receive('other')
    app.read()

def test_mockito():
    when(app.Store).client().thenReturn({})
    app.read()
";
    assert_eq!(
        needs(&[("app.py", app), ("test_a.py", tests)]),
        ["test_library:", "test_method:", "test_attribute:", "test_other: redis", "test_mockito:"]
    );
}

#[test]
fn what_only_bears_the_name_of_a_stand_in_is_none() {
    let app = "
import requests

def search():
    return requests.get('http://localhost:9200/_search').json()
";
    let tests = "
import pytest
import requests_mock as mocker
import app

@pytest.fixture
def requests_mock():
    return []

def when(store):
    return store

def test_own_fixture(requests_mock):
    app.search()

def test_passes_through():
    with mocker.Mocker(real_http=True):
        app.search()

def test_own_function():
    when(app).search()
    app.search()
";
    assert_eq!(
        needs(&[("app.py", app), ("test_a.py", tests)]),
        [
            "test_own_fixture: elasticsearch",
            "test_passes_through: elasticsearch",
            "test_own_function: elasticsearch",
        ]
    );
}

#[test]
fn a_helper_that_patches_a_path_replaces_what_the_path_names() {
    let app = "
import redis

def total():
    return redis.Redis().get('total')
";
    let tests = "
from app import total
from elsewhere import http

class TestTotal:
    def setup_method(self):
        self.redis = self.patching('app.redis.Redis')

    def test_replaced(self):
        total()

def test_of_a_request():
    http.patch('/users/1')
    total()
";
    assert_eq!(
        needs(&[("app.py", app), ("test_a.py", tests)]),
        ["test_replaced:", "test_of_a_request: redis"]
    );
}
