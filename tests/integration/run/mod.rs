//! Runs for real: pytest with the plugin, nextest, servers. What a test needs and is not there makes it a failure
//! in CI, and a skip that is named elsewhere.

mod drivers;
mod emitted;
mod loop_nextest;
mod loop_sample;
mod rule;
mod servers;
mod shards;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The folder of the pytest plugin.
pub(crate) fn plugin() -> PathBuf {
    root().join("plugin")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[expect(clippy::disallowed_methods, reason = "a test may be told where its tools are")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Copies a folder, without what Python compiled.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true if entry.file_name() == "__pycache__" => {}
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Says that the test can not run here; in CI it must.
fn skip(test: &str, missing: &str) {
    assert!(variable("CI").is_none(), "{test} needs {missing}: `.ci/run` installs it");
    let message = format!("skipped {test}: it needs {missing} (`.ci/run` installs it)");
    #[expect(clippy::print_stderr, reason = "a skipped test says so by name")]
    {
        eprintln!("{message}");
    }
}

/// Returns the Python that has these packages: that of the virtual environment which `.ci/run` makes, or
/// `SHARDPLAN_TEST_PYTHON`.
pub(crate) fn python_with(test: &str, packages: &[&str]) -> Option<PathBuf> {
    let python = variable("SHARDPLAN_TEST_PYTHON")
        .map_or_else(|| root().join("target/test-venv-9/bin/python"), PathBuf::from);
    let imports = packages.iter().fold(String::new(), |text, package| format!("{text}import {package}\n"));
    let found =
        Command::new(&python).args(["-c", &imports]).output().is_ok_and(|output| output.status.success());
    if !found {
        skip(test, &format!("a Python with {}", packages.join(", ")));
    }
    found.then_some(python)
}

/// A folder in which things are run.
struct Workshop {
    folder: TempDir,
    python: PathBuf,
    environment: Vec<(String, String)>,
}

impl Workshop {
    fn new(python: PathBuf) -> Self {
        Self { folder: TempDir::new().unwrap(), python, environment: Vec::new() }
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// Runs pytest with the plugin, which stands first or last among the plugins.
    fn pytest(&self, args: &[&str]) -> Output {
        let mut command = Command::new(&self.python);
        command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]);
        // What the environment names is loaded after the plugins that are installed.
        if !self.environment.iter().any(|(name, _)| name == "PYTEST_PLUGINS") {
            command.args(["-p", "pytest_shardplan.plugin"]);
        }
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("PYTHONPATH", plugin())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env_remove("GITHUB_RUN_ATTEMPT")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.output().unwrap()
    }

    /// Runs pytest and expects it to end with this code.
    fn pytest_ends(&self, code: i32, args: &[&str]) -> String {
        let output = self.pytest(args);
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "pytest {args:?}:\n{said}");
        said
    }

    fn shardplan(&self, words: &str) -> Output {
        assert_cmd::Command::cargo_bin("shardplan")
            .unwrap()
            .args(words.split_ascii_whitespace())
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// Runs the program and expects it to end with this code; returns its stdout.
    fn shardplan_ends(&self, code: i32, words: &str) -> String {
        let output = self.shardplan(words);
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "shardplan {words}:\n{stdout}{stderr}");
        stdout.into_owned()
    }

    /// Returns the kinds of what `verify` finds, in order.
    fn findings(&self, words: &str) -> Vec<String> {
        let output = self.shardplan(&format!("verify {words} --format json"));
        let json: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        let findings = json["findings"].as_array().unwrap();
        let kinds: Vec<String> =
            findings.iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect();
        assert_eq!(output.status.code(), Some(i32::from(!kinds.is_empty())));
        kinds
    }
}
