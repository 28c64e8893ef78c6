//! Faults planted in projects that are made at random: every one is found, and none in the project as it was.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// How many projects are made.
const SEEDS: u64 = 5;

/// Numbers that look random and are the same everywhere (xorshift64*).
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap() % end
    }

    fn pick<'p, T>(&mut self, from: &'p [T]) -> &'p T {
        &from[self.below(from.len())]
    }
}

/// A project in memory.
#[derive(Clone)]
struct Project {
    files: BTreeMap<String, String>,
    /// Test files that need nothing, PostgreSQL, Redis.
    plain: Vec<String>,
    postgres: Vec<String>,
    redis: Vec<String>,
    /// What every run of the history says: test, seconds, outcome.
    history: Vec<(String, f64, &'static str)>,
}

const MANIFEST: &str = r#"
[services.postgres]
markers = ["postgres"]
[services.redis]
markers = ["redis"]
[lanes.unit]
markers = "not postgres and not redis"
today = { services = [], shards = 1 }
[lanes.postgres]
markers = "postgres and not redis"
today = { services = ["postgres"], shards = 1 }
[lanes.redis]
markers = "redis and not postgres"
today = { services = ["redis"], shards = 1 }
"#;

const CONFTEST: &str = r#"
import psycopg
import pytest
import redis

from tests.helpers import opened


@pytest.fixture
def db():
    with psycopg.connect("dbname=test") as connection:
        yield connection


@pytest.fixture
def store(db):
    return db.cursor()


@pytest.fixture(scope="session")
def cache():
    return redis.Redis(host="localhost")


@pytest.fixture
def shelf():
    return opened("redis://localhost:6379/1")
"#;

const HELPERS: &str = r#"
import os
import socket

import psycopg
import redis


def opened(url):
    return redis.Redis.from_url(url)


def execute(statement):
    with psycopg.connect(os.environ["DSN"]) as connection:
        connection.execute(statement)


def postgres_reachable():
    try:
        socket.create_connection(("localhost", 5432), 1).close()
    except OSError:
        return False
    return True
"#;

/// Ways to need a service: parameters and body of a test.
const POSTGRES: &[(&str, &str)] = &[
    ("", "psycopg.connect('dbname=x').close()"),
    ("db", "db.execute('select 1')"),
    ("store", "store.execute('select 1')"),
    ("", "execute('select 1')"),
];
const REDIS: &[(&str, &str)] = &[
    ("", "redis.Redis().ping()"),
    ("cache", "cache.get('x')"),
    ("shelf", "assert shelf.get('x') is None"),
    ("request", "request.getfixturevalue('cache').get('x')"),
];
const PLAIN: &[(&str, &str)] = &[
    ("", "assert 1 + 1 == 2"),
    ("tmp_path", "assert tmp_path.is_dir()"),
    ("", "assert 'redis://localhost:6379'.startswith('redis')"),
    ("monkeypatch", "monkeypatch.setenv('DSN', 'x')"),
];

impl Project {
    fn made(dice: &mut Dice) -> Self {
        let mut project = Self {
            files: BTreeMap::new(),
            plain: Vec::new(),
            postgres: Vec::new(),
            redis: Vec::new(),
            history: Vec::new(),
        };
        project.write("shardplan.toml", MANIFEST);
        project.write("pytest.ini", "[pytest]\nmarkers =\n    postgres\n    redis\n");
        project.write("tests/__init__.py", "");
        project.write("tests/conftest.py", CONFTEST);
        project.write("tests/helpers.py", HELPERS);
        for at in 0..4 + dice.below(5) {
            let kind = if at < 3 { at } else { dice.below(3) };
            let folder = ["", "a/", "a/b/"][dice.below(3)];
            let path = format!("tests/{folder}test_m{at}.py");
            let text = project.module(&path, kind, dice);
            project.write(&path, &text);
            [&mut project.plain, &mut project.postgres, &mut project.redis][kind].push(path);
        }
        project
    }

    fn write(&mut self, path: &str, text: &str) {
        self.files.insert(path.to_owned(), text.to_owned());
    }

    /// Returns a test file, and remembers its tests.
    fn module(&mut self, path: &str, kind: usize, dice: &mut Dice) -> String {
        let (mark, ways) = [(None, PLAIN), (Some("postgres"), POSTGRES), (Some("redis"), REDIS)][kind];
        let mut text = "import psycopg\nimport pytest\nimport redis\nfrom tests.helpers import execute, postgres_reachable\n\n".to_owned();
        let whole = dice.below(2) == 0;
        if let (Some(mark), true) = (mark, whole) {
            writeln!(text, "pytestmark = pytest.mark.{mark}\n").unwrap();
        }
        let marked = |indent: &str| match mark {
            Some(mark) if !whole => format!("{indent}@pytest.mark.{mark}\n"),
            _ => String::new(),
        };
        for at in 0..=dice.below(4) {
            let (parameters, body) = *dice.pick(ways);
            match dice.below(3) {
                0 => {
                    let inner =
                        [parameters, "value"].into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>();
                    writeln!(
                        text,
                        "{}@pytest.mark.parametrize('value', [1, 'b'])\ndef test_f{at}({}):\n    {body}\n",
                        marked(""),
                        inner.join(", ")
                    )
                    .unwrap();
                    self.ran(format!("{path}::test_f{at}[1]"));
                    self.ran(format!("{path}::test_f{at}[b]"));
                }
                1 => {
                    let inner =
                        ["self", parameters].into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>();
                    writeln!(
                        text,
                        "{}class TestC{at}:\n    def test_g({}):\n        {body}\n",
                        marked(""),
                        inner.join(", ")
                    )
                    .unwrap();
                    self.ran(format!("{path}::TestC{at}::test_g"));
                }
                _ => {
                    writeln!(text, "{}def test_f{at}({parameters}):\n    {body}\n", marked("")).unwrap();
                    self.ran(format!("{path}::test_f{at}"));
                }
            }
        }
        text
    }

    fn ran(&mut self, id: String) {
        self.history.push((id, 1.0, "passed"));
    }

    /// Adds a test to a file, and to the history.
    fn add(&mut self, path: &str, name: &str, text: &str) {
        self.files.get_mut(path).unwrap().push_str(text);
        self.ran(format!("{path}::{name}"));
    }

    fn replace(&mut self, path: &str, from: &str, to: &str) {
        let text = self.files.get_mut(path).unwrap();
        assert!(text.contains(from), "{path} has no `{from}`:\n{text}");
        *text = text.replace(from, to);
    }

    /// Returns the findings: code and file.
    fn audited(&self) -> Vec<(String, String)> {
        let folder = TempDir::new().unwrap();
        for (path, text) in &self.files {
            let place = folder.path().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
        let mut rows = "test,seconds,outcome\n".to_owned();
        for (id, seconds, outcome) in &self.history {
            writeln!(rows, "{id},{seconds},{outcome}").unwrap();
        }
        let program = |words: &[&str]| {
            let mut command = Command::cargo_bin("shardplan").unwrap();
            command.args(words).current_dir(folder.path()).env_clear().output().unwrap()
        };
        for day in 1..=2 {
            // Two runs whose bytes differ, as those of two days do.
            fs::write(folder.path().join("run.csv"), format!("{rows}{}", "\n".repeat(day - 1))).unwrap();
            let output = program(&["ingest", "run.csv", "--at", &format!("2026-06-0{day}T08:00:00Z")]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let output = program(&["audit", "--format", "json"]);
        let said: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let findings = said["findings"].as_array().unwrap().iter();
        findings.map(|finding| (text(&finding["code"]), text(&finding["place"]["file"]))).collect()
    }
}

/// Plants a fault and returns the file that must be named, where one is.
type Plant = fn(&mut Project, &mut Dice) -> String;

/// Every fault with the rule that must find it.
const FAULTS: &[(&str, &str, Plant)] = &[
    ("SP101", "a missing mark", |project, dice| {
        let path = dice.pick(&project.postgres).clone();
        let text = project.files[&path]
            .replace("pytestmark = pytest.mark.postgres\n", "")
            .replace("@pytest.mark.postgres\n", "");
        project.write(&path, &text);
        path
    }),
    ("SP101", "the mark of another service", |project, dice| {
        let path = dice.pick(&project.redis).clone();
        project.replace(&path, "mark.redis", "mark.postgres");
        path
    }),
    ("SP102", "a mark without a need", |project, dice| {
        let path = dice.pick(&project.plain).clone();
        let mark = *dice.pick(&["postgres", "redis"]);
        project.add(
            &path,
            "test_marked",
            &format!("\n@pytest.mark.{mark}\ndef test_marked():\n    assert True\n"),
        );
        path
    }),
    ("SP103", "a mark that nobody registered", |project, dice| {
        let path = dice.pick(&project.plain).clone();
        project.add(&path, "test_new", "\n@pytest.mark.nightly\ndef test_new():\n    assert True\n");
        path
    }),
    ("SP103", "a misspelt mark", |project, dice| {
        let path = dice.pick(&project.postgres).clone();
        let wrong = *dice.pick(&["postgers", "postgre", "postgress", "pstgres"]);
        project.replace(&path, "mark.postgres", &format!("mark.{wrong}"));
        path
    }),
    ("SP104", "a mark that no test bears", |project, _| {
        project.replace("pytest.ini", "    redis\n", "    redis\n    elastic\n");
        "pytest.ini".to_owned()
    }),
    ("SP201", "a test in no lane", |project, dice| {
        let path = dice.pick(&project.plain).clone();
        project.replace(
            "shardplan.toml",
            "not postgres and not redis",
            "not postgres and not redis and not slow",
        );
        project.replace("pytest.ini", "    redis\n", "    redis\n    slow\n");
        project.add(&path, "test_slow", "\n@pytest.mark.slow\ndef test_slow():\n    assert True\n");
        path
    }),
    ("SP202", "a test in two lanes", |project, dice| {
        let path = dice.pick(&project.plain).clone();
        let manifest = format!(
            "{MANIFEST}[lanes.again]\npaths = [\"{path}\"]\ntoday = {{ services = [], shards = 1 }}\n"
        );
        project.write("shardplan.toml", &manifest);
        String::new()
    }),
    ("SP203", "a lane without what its tests need", |project, _| {
        project.replace("shardplan.toml", "services = [\"redis\"]", "services = []");
        String::new()
    }),
    ("SP204", "a lane with what none of its tests needs", |project, _| {
        project.replace("shardplan.toml", "services = []", "services = [\"redis\"]");
        String::new()
    }),
    ("SP205", "a guard in a lane without its service", |project, dice| {
        let path = dice.pick(&project.plain).clone();
        let guarded = *dice.pick(&[
            "\n@pytest.mark.skipif(not postgres_reachable(), reason='x')\ndef test_guarded():\n    assert True\n",
            "\ndef test_guarded():\n    if not postgres_reachable():\n        pytest.skip('x')\n",
        ]);
        project.add(&path, "test_guarded", guarded);
        String::new()
    }),
    ("SP206", "a lane that can select nothing", |project, _| {
        project.write(
            "shardplan.toml",
            &format!("{MANIFEST}[lanes.never]\nmarkers = \"redis and not redis\"\n"),
        );
        String::new()
    }),
    ("SP207", "a test for one worker beside others", |project, dice| {
        let path = dice.pick(&project.plain).clone();
        project.replace(
            "shardplan.toml",
            "markers = \"not postgres and not redis\"\n",
            "markers = \"not postgres and not redis\"\nworkers = 4\n",
        );
        project.replace("pytest.ini", "    redis\n", "    redis\n    serial\n");
        project.add(&path, "test_alone", "\n@pytest.mark.serial\ndef test_alone():\n    assert True\n");
        String::new()
    }),
    ("SP301", "a connection while tests are collected", |project, dice| {
        let path = dice.pick(&project.postgres).clone();
        let line = *dice.pick(&["\nCONNECTION = psycopg.connect('dbname=x')\n", "\nexecute('select 1')\n"]);
        project.files.get_mut(&path).unwrap().push_str(line);
        String::new()
    }),
    ("SP302", "a fixture that drags a service into every test", |project, _| {
        // The service is opened by another fixture, which the autouse one asks for.
        let text = format!(
            "{CONFTEST}\n@pytest.fixture\ndef cache_client():\n    return redis.Redis()\n\n@pytest.fixture(autouse=True)\ndef clean(cache_client):\n    cache_client.flushdb()\n"
        );
        project.write("tests/conftest.py", &text);
        "tests/conftest.py".to_owned()
    }),
    ("SP303", "ids that differ from run to run", |project, dice| {
        let path = dice.pick(&project.plain).clone();
        let value = *dice.pick(&["str(uuid.uuid4())", "time.time()", "str(random.random())"]);
        project.files.get_mut(&path).unwrap().push_str(&format!(
            "\nimport random, time, uuid\n\n@pytest.mark.parametrize('key', [{value}])\ndef test_unstable(key):\n    assert key\n"
        ));
        path
    }),
    ("SP304", "two tests of one name", |project, dice| {
        let path = dice.pick(&project.plain).clone();
        project.add(
            &path,
            "test_twice",
            "\ndef test_twice():\n    assert True\n\n\ndef test_twice():\n    assert True\n",
        );
        path
    }),
    ("SP305", "a file that is no Python", |project, dice| {
        let path = dice.pick(&project.plain).clone();
        project.files.get_mut(&path).unwrap().push_str("\nprint 'hello'\n");
        path
    }),
    ("SP401", "a test that is always skipped", |project, dice| {
        let path = dice.pick(&project.plain).clone();
        project.add(&path, "test_never", "\ndef test_never():\n    assert True\n");
        project.history.last_mut().unwrap().2 = "skipped";
        path
    }),
    ("SP402", "a test that is gone", |project, dice| {
        let path = dice.pick(&project.plain).clone();
        project.ran(format!("{path}::test_of_old"));
        String::new()
    }),
    ("SP403", "a test without a history", |project, dice| {
        let path = dice.pick(&project.plain).clone();
        project.files.get_mut(&path).unwrap().push_str("\ndef test_fresh():\n    assert True\n");
        String::new()
    }),
    ("SP404", "a file longer than the rest of its lane", |project, dice| {
        let path = dice.pick(&project.plain).clone();
        project.add(&path, "test_long", "\ndef test_long():\n    assert True\n");
        project.history.last_mut().unwrap().1 = 400.0;
        // There is a rest.
        project.write("tests/test_rest.py", "def test_rest():\n    assert True\n");
        project.ran("tests/test_rest.py::test_rest".to_owned());
        path
    }),
    ("SP516", "an expression in the workflow that selects nothing", |project, _| {
        let text = "on: push\njobs:\n  nightly:\n    runs-on: ubuntu-latest\n    steps:\n      - run: pytest tests -m nightly\n";
        project.write(".github/workflows/nightly.yml", text);
        ".github/workflows/nightly.yml".to_owned()
    }),
];

#[test]
fn every_planted_fault_is_found_and_none_in_the_project_as_it_was() {
    for seed in 1..=SEEDS {
        let mut dice = Dice::new(seed);
        let clean = Project::made(&mut dice);
        assert_eq!(clean.audited(), [], "seed {seed}: {:#?}", clean.files);
        for (code, fault, plant) in FAULTS {
            let mut project = clean.clone();
            let file = plant(&mut project, &mut dice);
            let found = project.audited();
            assert!(
                found.iter().any(|(known, at)| known == code && (file.is_empty() || *at == file)),
                "seed {seed}: {fault} in `{file}` is not found as {code}; found are {found:?}\n{}",
                project.files.get(&file).map_or("", String::as_str)
            );
        }
    }
}
