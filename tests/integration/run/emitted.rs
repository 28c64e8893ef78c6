//! The `run` lines of an emitted workflow, run for real: bash, pytest with the plugin, the program itself, PostgreSQL
//! and Redis; one folder for each runner, and one for the gate, to which the uploads are brought.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::servers::Servers;
use super::{Workshop, copy, plugin, python_with, root};

const WORKFLOW: &str = r"
name: CI
on: [push]
jobs:
  unit:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: python -m pytest tests/unit -n 2 --cov=shop --cov-report=
  integration:
    runs-on: ubuntu-latest
    services:
      postgres: {image: 'postgres:17', ports: ['5432:5432']}
      redis: {image: 'redis:8', ports: ['6379:6379']}
    steps:
      - uses: actions/checkout@v4
      - name: Tests
        run: |
          set -eu
          cd .
          python -m pytest tests/integration \
            --cov=shop --cov-report= --cov-fail-under=80
          echo done
";

const TESTS: [(&str, &str); 6] = [
    ("shop.py", "def a():\n    return 1\n\n\ndef b():\n    return 2\n\n\ndef c():\n    return 3\n"),
    ("tests/unit/test_c.py", "import shop\ndef test_c():\n    assert shop.c() == 3\ndef test_d(): pass\n"),
    (
        "tests/integration/test_a.py",
        "import os, psycopg, shop\ndef test_a():\n    with psycopg.connect(host='127.0.0.1', port=os.environ['PG_PORT'], user='postgres') as db:\n        assert db.execute('select %s::int', [shop.a()]).fetchone() == (1,)\n",
    ),
    (
        "tests/integration/test_b.py",
        "import os, redis, shop\ndef test_b():\n    client = redis.Redis(port=int(os.environ['REDIS_PORT']))\n    client.set('b', shop.b())\n    assert client.get('b') == b'2'\n",
    ),
    (
        "pyproject.toml",
        "[tool.pytest.ini_options]\npythonpath = [\".\"]\n[tool.coverage.run]\nrelative_files = true\n[tool.coverage.report]\nfail_under = 100\n",
    ),
    (
        "shardplan.toml",
        "[workflow]\nfile = \".github/workflows/ci.yml\"\n[services.postgres]\n[services.redis]\n[lanes.unit]\npaths = [\"tests/unit\"]\n[lanes.integration]\npaths = [\"tests/integration\"]\n",
    ),
];

/// The shards with their lanes, services and files.
const SHARDS: [(&str, &str, &[&str], &str); 3] = [
    ("integration-1", "integration", &["postgres"], "tests/integration/test_a.py"),
    ("integration-2", "integration", &["redis"], "tests/integration/test_b.py"),
    ("unit-1", "unit", &[], "tests/unit/test_c.py"),
];

/// Runs a script as the runner would: bash, failing at the first error.
fn bash(workshop: &Workshop, folder: &Path, script: &str, environment: &BTreeMap<String, String>) -> Output {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let program = assert_cmd::cargo::cargo_bin("shardplan");
    for (name, target) in [("shardplan", program.as_path()), ("python", &workshop.python)] {
        if !bin.join(name).exists() {
            // A link would not find the virtual environment that it belongs to.
            let line = format!("#!/bin/sh\nexec '{}' \"$@\"\n", target.display());
            fs::write(bin.join(name), line).unwrap();
            assert!(Command::new("chmod").arg("+x").arg(bin.join(name)).status().unwrap().success());
        }
    }
    let coverage = workshop.python.parent().unwrap();
    Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
        .current_dir(folder)
        .env_clear()
        .env("PATH", format!("{}:{}:/usr/bin:/bin", bin.display(), coverage.display()))
        .env("HOME", folder)
        .env("PYTHONPATH", plugin())
        .env("PYTEST_PLUGINS", "pytest_shardplan.plugin")
        .envs(environment)
        .output()
        .unwrap()
}

fn parsed(workshop: &Workshop) -> Value {
    let text = workshop.read(".github/workflows/ci.yml");
    let value: yaml_serde::Value = yaml_serde::from_str(&text).unwrap();
    serde_json::to_value(value).unwrap()
}

/// Runs the steps of a shard's job and brings what it uploads to the gate.
fn run_shard(workshop: &Workshop, job: &Value, shard: &str, ports: &BTreeMap<String, String>, gate: &Path) {
    let runner = tempfile::TempDir::new().unwrap();
    copy(workshop.folder.path(), runner.path());
    let filled = |text: &str| text.replace("${{ matrix.shard }}", shard);
    for step in job["steps"].as_array().unwrap() {
        let mut environment = ports.clone();
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            environment.insert(name.clone(), filled(value.as_str().unwrap()));
        }
        // What installs would ask the registry for a version that is not published yet.
        if let Some(script) = step["run"].as_str().filter(|script| !script.contains("pip install")) {
            let output = bash(workshop, runner.path(), script, &environment);
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{shard}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
        }
        if step["name"] == "Upload what the shard ran" {
            for path in step["with"]["path"].as_str().unwrap().lines() {
                let path = filled(path.trim_end_matches('/'));
                let (from, to) = (runner.path().join(&path), gate.join(&path));
                assert!(from.exists(), "{shard} leaves no {path}");
                if from.is_dir() { copy(&from, &to) } else { fs::copy(from, to).map(drop).unwrap() }
            }
        }
    }
}

/// Runs the gate's scripts, and returns the name or the first words of the first step that fails.
fn run_gate(workshop: &Workshop, job: &Value, folder: &Path, results: &str) -> Option<String> {
    let environment = BTreeMap::from([("RESULTS".to_owned(), results.to_owned())]);
    for step in job["steps"].as_array().unwrap() {
        let Some(script) = step["run"].as_str().filter(|script| !script.contains("pip install")) else {
            continue;
        };
        let output = bash(workshop, folder, script, &environment);
        if !output.status.success() {
            return Some(step["name"].as_str().unwrap_or(script).to_owned());
        }
    }
    None
}

#[test]
fn the_emitted_scripts_run_every_test_once_and_the_gate_holds_the_sum() {
    let named = "the_emitted_scripts_run_every_test_once_and_the_gate_holds_the_sum";
    let Some(python) = python_with(named, &["pytest", "pytest_cov", "xdist", "psycopg", "redis"]) else {
        return;
    };
    let Some(servers) = Servers::start(named, &python) else { return };
    for style in ["matrix", "jobs"] {
        let workshop = Workshop::new(root().join(&python));
        for (name, text) in TESTS {
            workshop.write(name, text);
        }
        workshop.write(".github/workflows/ci.yml", WORKFLOW);
        let mut lock = "version = 1\ninputs = \"by hand\"\n[limits]\n[predicted]\n".to_owned();
        for (shard, lane, services, file) in SHARDS {
            lock.push_str(&format!("[[shard]]\nname = \"{shard}\"\nlane = \"{lane}\"\nservices = {services:?}\nunits = [\"{file}\"]\n"));
        }
        workshop.write("shardplan.lock", lock);
        workshop.shardplan_ends(0, &format!("emit github --style {style}"));
        let jobs = parsed(&workshop)["jobs"].clone();
        let gate = tempfile::TempDir::new().unwrap();
        copy(workshop.folder.path(), gate.path());
        for (shard, lane, services, _) in SHARDS {
            // What its job does not start is not there.
            let port = |service: &str| {
                if services.contains(&service) { servers.ports[service].to_string() } else { "9".to_owned() }
            };
            let ports = BTreeMap::from([
                ("PG_PORT".to_owned(), port("postgres")),
                ("REDIS_PORT".to_owned(), port("redis")),
            ]);
            run_shard(
                &workshop,
                &jobs[if style == "matrix" { lane } else { shard }],
                shard,
                &ports,
                gate.path(),
            );
        }
        let job = &jobs["shardplan-gate"];
        let well = "success success success";
        assert_eq!(run_gate(&workshop, job, gate.path(), well), None, "{job}");
        // The XML is written before the threshold is held; all of the shop is covered by the sum alone.
        let xml = fs::read_to_string(gate.path().join("coverage.xml")).unwrap();
        assert!(xml.contains("line-rate=\"1\""), "{xml}");
        for bad in ["failure", "cancelled", "skipped"] {
            let failed = run_gate(&workshop, job, gate.path(), &format!("success {bad} success"));
            assert_eq!(failed.as_deref(), Some("Every lane succeeded"));
        }
        // Without the results of one shard it is the completeness that fails, before anything is combined.
        fs::remove_file(gate.path().join("shardplan-results/integration-2.json")).unwrap();
        let failed = run_gate(&workshop, job, gate.path(), well);
        assert_eq!(failed.as_deref(), Some("Every test ran exactly once"));
    }
}
