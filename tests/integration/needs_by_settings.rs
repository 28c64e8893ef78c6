//! Which services the tests of a project need by what its settings and the files beside them say.

use crate::needs::needs;

const INI: (&str, &str) = ("pytest.ini", "[pytest]\nDJANGO_SETTINGS_MODULE = conf\n");

const ROW: (&str, &str) = (
    "test_row.py",
    "
from django.test import TestCase

class RowTests(TestCase):
    def test_row(self): pass
",
);

fn databases(engine: &str) -> String {
    format!("import os\nDATABASES = {{'default': {{'ENGINE': {engine}}}}}\n")
}

#[test]
fn what_a_setting_turns_off_does_not_run_for_tests_that_do_not_name_it() {
    let app = "
import psycopg
import redis
from django.conf import settings

def work():
    if settings.USE_REDIS:
        redis.Redis().get('a')

def late():
    if not settings.USE_REDIS:
        return
    redis.Redis().get('a')

def stored():
    if getattr(settings, 'USE_DB', False):
        psycopg.connect('')

def told():
    if settings.DEBUG:
        redis.Redis().get('a')

def set_by_the_environment():
    if settings.FROM_OUTSIDE:
        redis.Redis().get('a')

def with_a_text():
    if settings.REDIS_URL:
        redis.from_url(settings.REDIS_URL)

def asked_whether_it_is_there():
    if settings.USE_REDIS is not None:
        redis.Redis().get('a')

def set_twice():
    if settings.TWICE:
        redis.Redis().get('a')
";
    let conf = "
import os
DEBUG = True
USE_REDIS = False
USE_DB = True
FROM_OUTSIDE = os.environ.get('FROM_OUTSIDE', '0') == '1'
REDIS_URL = os.environ.get('REDIS_URL', 'redis://localhost')
TWICE = False
if USE_DB:
    TWICE = True
";
    let tests = "
import app

def test_debug(): app.told()
def test_environment(): app.set_by_the_environment()
def test_late(): app.late()
def test_off(): app.work()
def test_on(): app.stored()
def test_none(): app.asked_whether_it_is_there()
def test_text(): app.with_a_text()
def test_twice(): app.set_twice()
";
    let turning = "
import app
from django.test import override_settings

@override_settings(USE_REDIS=True)
def test_turned_on(): app.work()
";
    let project = |conftest: &str| {
        needs(&[
            INI,
            (".env", "FROM_OUTSIDE=1\n"),
            ("conf.py", conf),
            ("app.py", app),
            ("conftest.py", conftest),
            ("test_a.py", tests),
            ("test_b.py", turning),
        ])
    };
    assert_eq!(
        project(""),
        [
            "test_debug: redis",
            "test_environment: redis",
            "test_late:",
            "test_off:",
            "test_on: postgres",
            "test_none: redis",
            "test_text: redis",
            "test_twice: redis",
            "test_turned_on: redis",
        ]
    );
    let off = |conftest: &str| -> Vec<String> {
        project(conftest).into_iter().filter(|line| line.starts_with("test_off")).collect()
    };
    let conftest = "
import pytest

@pytest.fixture
def on(settings):
    settings.USE_REDIS = True
";
    assert_eq!(off(conftest), ["test_off: redis"], "a fixture turns it on, nobody knows for whom");
    assert_eq!(off("ON = {'USE_REDIS': True}\n"), ["test_off: redis"], "somebody may set it by its name");
}

#[test]
fn a_switch_that_anybody_else_may_turn_on_is_not_off() {
    let app = "
import redis
from django.conf import settings

def work():
    if settings.USE_REDIS:
        redis.Redis().get('a')
";
    let off = "USE_REDIS = False\n";
    let plain = "import app\ndef test_a(): app.work()\n";
    let project = |conf: &str, more: &[(&str, &str)]| {
        let mut files = vec![INI, ("conf.py", conf), ("app.py", app), ("test_a.py", plain)];
        files.extend_from_slice(more);
        let found = needs(&files).into_iter().filter(|line| line.starts_with("test_a:"));
        found.collect::<Vec<_>>()
    };
    assert_eq!(project(off, &[]), ["test_a:"]);
    // Settings of one's own machine, further settings, a runner of the tests, a class of another test file.
    let local = [("local.py", "USE_REDIS = True\n")];
    assert_eq!(project("USE_REDIS = False\nfrom local import *\n", &local), ["test_a: redis"]);
    let other = [(".env", "DJANGO_SETTINGS_MODULE=other\n"), ("other.py", "USE_REDIS = True\n")];
    assert_eq!(project(off, &other), ["test_a: redis"]);
    let runner = "from django.conf import settings\ndef run():\n    settings.USE_REDIS = True\n";
    let imported = ("app.py", "");
    assert_eq!(
        project(off, &[("runner.py", runner), imported, ("app.py", &format!("import runner\n{app}"))]),
        ["test_a: redis"]
    );
    assert_eq!(project(off, &[("apart/runner.py", runner)]), ["test_a: redis"], "nothing leads there");
    let base =
        "from django.test import override_settings\n@override_settings(USE_REDIS=True)\nclass On: pass\n";
    let inheriting =
        "import app\nfrom test_base import On\nclass TestOn(On):\n    def test_a(self): app.work()\n";
    assert_eq!(project(off, &[("test_base.py", base), ("test_a.py", inheriting)]), ["test_a: redis"]);
}

#[test]
fn other_settings_than_those_of_django_turn_nothing_off() {
    let app = "
import redis
from conf import settings

def work():
    if settings.USE_REDIS:
        redis.Redis().get('a')
";
    let conf = "class Settings:\n    USE_REDIS = False\nsettings = Settings()\n";
    let files = [("conf.py", conf), ("app.py", app), ("test_a.py", "import app\ndef test_a(): app.work()\n")];
    assert_eq!(needs(&files), ["test_a: redis"]);
}

#[test]
fn a_backend_is_known_by_what_it_is_named_after() {
    let project = |engine: &str| needs(&[INI, ("conf.py", &databases(engine)), ROW]);
    for engine in [
        "'django_prometheus.db.backends.postgresql'",
        "'django_tenants.postgresql_backend'",
        "f'django.db.backends.{os.environ.get(\"DB\", \"postgresql\")}'",
    ] {
        let files = [INI, ("requirements.txt", "psycopg\n"), ("conf.py", &databases(engine)), ROW];
        assert_eq!(needs(&files), ["test_row: postgres"], "{engine}");
    }
    assert_eq!(project("'django_prometheus.db.backends.sqlite3'"), ["test_row:"]);
    // Catalan, Spanish and Icelandic are no search engines.
    assert_eq!(project("'shop.backends.es'"), ["test_row:"]);
}

#[test]
fn settings_may_stand_in_a_class_and_be_named_by_the_pipeline_of_any_service() {
    let settings = "
from configurations import Configuration, values

class Base(Configuration):
    DATABASES = {'default': {'ENGINE': values.Value('django.db.backends.postgresql', environ_name='DB_ENGINE')}}
    CACHES = {'default': {'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'}}

class Development(Base):
    CACHES = {'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': 'redis://cache'}}

class Test(Base):
    pass
";
    let cached = "from django.core.cache import cache\n\ndef test_cached():\n    cache.get('a')\n";
    let pipeline =
        "    environment:\n      DJANGO_SETTINGS_MODULE: settings\n      DJANGO_CONFIGURATION: Test\n";
    let files = |settings: &str| {
        needs(&[
            (".circleci/config.yml", pipeline),
            ("sandbox/settings.py", settings),
            ("test_cached.py", cached),
            ROW,
        ])
    };
    assert_eq!(files(settings), ["test_cached:", "test_row: postgres"]);
    let cached = settings.replace("class Test(Base)", "class Test(Development)");
    assert_eq!(files(&cached), ["test_cached: redis", "test_row: postgres"]);
}

#[test]
fn the_beginning_of_a_name_means_all_settings_of_a_package() {
    let conftest = "
import pytest
from os import environ

@pytest.fixture
def cache(name):
    from django import setup
    environ['DJANGO_SETTINGS_MODULE'] = f'settings.{name}'
    setup()
    from django.core.cache import cache
    yield cache
    cache.clear()
";
    let one = "CACHES = {'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': 'redis://a'}}\n";
    let tests = "import pytest\n@pytest.mark.parametrize('name', ['one'])\ndef test_a(cache): pass\n";
    let files = [
        ("settings/__init__.py", ""),
        ("settings/one.py", one),
        ("conftest.py", conftest),
        ("test_a.py", tests),
    ];
    assert_eq!(needs(&files), ["test_a: redis"]);
}

#[test]
fn of_several_databases_of_a_matrix_the_one_counts_that_is_taken_where_nobody_says_another() {
    let engine = databases("os.environ.get('DB_ENGINE', 'django.db.backends.postgresql')");
    let project = |images: &str| {
        let jobs = format!(
            "jobs:\n  mysql:\n    env:\n      DB_ENGINE: django.db.backends.mysql\n    services:\n{images}"
        );
        needs(&[INI, (".github/workflows/ci.yml", &jobs), ("conf.py", &engine), ROW])
    };
    assert_eq!(project("  a:\n    image: mysql:8\n"), ["test_row: mysql"]);
    assert_eq!(project("  a:\n    image: mysql:8\n  b:\n    image: postgres:17\n"), ["test_row: postgres"]);
    // So it is where conditions set one after the other.
    let chosen = "import os
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}
if os.environ.get('DB') == 'postgres':
    DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql'}}
if os.environ.get('DB') == 'mysql':
    DATABASES = {'default': {'ENGINE': 'django.db.backends.mysql'}}
";
    assert_eq!(needs(&[INI, ("conf.py", chosen), ROW]), ["test_row: postgres"]);
    let otherwise = chosen.replace("if os.environ.get('DB') == 'mysql':", "else:");
    assert_eq!(needs(&[INI, ("conf.py", &otherwise), ROW]), ["test_row: mysql"]);
    let started = ("compose.yml", "services:\n  a:\n    image: mysql:8\n");
    assert_eq!(needs(&[INI, started, ("conf.py", chosen), ROW]), ["test_row: mysql"]);
    // What one file gives a variable twice is given by one of several environments.
    let tox = "[testenv]\nsetenv =\n    sqlite: DB=sqlite3\n    mysql: DB=mysql\n    pg: DB=postgresql\n";
    let conf = "import os\nDB = os.environ.get('DB', 'postgresql')\n\
        DATABASES = {'default': {'ENGINE': f'django.db.backends.{DB}', 'PORT': os.environ.get('PORT', 5432)}}\n";
    assert_eq!(needs(&[INI, ("tox.ini", tox), ("conf.py", conf), ROW]), ["test_row: postgres"]);
    // But a server must not go unseen beside a file.
    let opened = "import os\nfrom sqlalchemy import create_engine\n\
        def test_url(): create_engine(os.environ.get('DB_URL', 'sqlite://'))\n";
    for tox in [
        "[testenv]\nsetenv =\n    DB_URL=postgresql://localhost/t\n[testenv:fast]\nsetenv =\n    DB_URL=sqlite://\n",
        "[testenv]\nsetenv =\n    DB_URL=sqlite://\n[testenv:slow]\nsetenv =\n    DB_URL=postgresql://localhost/t\n",
    ] {
        assert_eq!(needs(&[("tox.ini", tox), ("test_a.py", opened)]), ["test_url: postgres"]);
    }
}

#[test]
fn a_plug_in_of_a_library_that_a_test_names_talks_to_what_it_is_named_after() {
    let tests = "
from kinto import main

def test_elsewhere():
    run({'storage_backend': 'other.storage.postgresql'})

def test_stored():
    settings = {}
    settings['storage_backend'] = 'kinto.core.storage.postgresql'
    run(settings)

def test_in_memory():
    settings = {}
    settings['storage_backend'] = 'kinto.core.storage.memory'
    run(settings)
";
    assert_eq!(
        needs(&[("test_a.py", tests)]),
        ["test_elsewhere:", "test_stored: postgres", "test_in_memory:"]
    );
}

#[test]
fn a_hosted_service_counts_only_where_one_of_the_tests_own_is_run() {
    let tests = "
from google.cloud import storage

def test_bucket():
    storage.Client().bucket('a')
";
    assert_eq!(needs(&[("test_a.py", tests)]), ["test_bucket:"]);
    let set = [("test_a.py", tests), (".env", "STORAGE_EMULATOR_HOST=http://localhost:4443\n")];
    assert_eq!(needs(&set), ["test_bucket: gcs"]);
    let image = "services:\n  gcs:\n    image: fsouza/fake-gcs-server\n";
    assert_eq!(needs(&[("test_a.py", tests), ("compose.yml", image)]), ["test_bucket: gcs"]);
}

#[test]
fn a_migrate_of_the_projects_own_runs_for_every_database_of_the_tests() {
    let command = "
import redis
from django.core.management.commands.migrate import Command as Migrate

class Command(Migrate):
    def handle(self, *args, **options):
        with redis.Redis().lock('migrations'):
            super().handle(*args, **options)
";
    let plain = "from django.test import SimpleTestCase\n\
        class PlainTests(SimpleTestCase):\n    def test_plain(self): pass\n";
    let files = [
        INI,
        ("conf.py", &databases("'django.db.backends.postgresql'")),
        ("shop/management/commands/migrate.py", command),
        ("test_plain.py", plain),
        ROW,
    ];
    assert_eq!(needs(&files), ["test_plain:", "test_row: postgres redis"]);
}

#[test]
fn a_command_that_is_called_by_its_name_does_what_it_does() {
    let command = "
import redis
from django.core.management.base import BaseCommand

class Command(BaseCommand):
    def handle(self, *args, **options):
        redis.Redis().get('a')
";
    let tests = "
from django.core.management import call_command
from shop.management.commands.fill import Command

def test_by_name(): call_command('fill', '--all')
def test_by_object(): call_command(Command())
def test_other(): call_command('check')
def test_rows(): call_command('migrate', verbosity=0)
def test_search(): call_command('search_index', '--create')
";
    let files = [
        INI,
        ("conf.py", &databases("'django.db.backends.postgresql'")),
        ("shop/__init__.py", ""),
        ("shop/management/__init__.py", ""),
        ("shop/management/commands/__init__.py", ""),
        ("shop/management/commands/fill.py", command),
        ("test_a.py", tests),
    ];
    assert_eq!(
        needs(&files),
        [
            "test_by_name: redis",
            "test_by_object: redis",
            "test_other:",
            "test_rows: postgres",
            "test_search: elasticsearch",
        ]
    );
}
