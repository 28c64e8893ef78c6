//! The command line: a project in a temporary folder, the program in it, and what it said.

mod backtest;
mod completions;
mod emit;
mod emit_splits;
mod explain;
mod graph;
mod history;
mod history_crash;
mod history_kills;
mod ingest;
mod init;
mod lock;
mod man;
mod manifest;
mod manifest_schema;
mod memory;
mod order;
mod parted;
mod provision;
mod replan;
mod report;
mod runners;
mod select;
mod setups;
mod simulate;
mod slots;
mod suggest;
mod tradeoff;
mod verify;

use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// A project of its own for one test.
struct Project {
    folder: TempDir,
}

/// What a run of the program said and how it ended, without what differs from machine to machine.
#[derive(Debug)]
struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Project {
    /// Returns an empty project.
    fn new() -> Self {
        let project = Self { folder: TempDir::new().unwrap() };
        project.write("shardplan.toml", "");
        project
    }

    /// Returns a folder without even a manifest.
    fn empty() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Puts a file of `tests/fixtures` into the project.
    fn add_fixture(&self, name: &str) {
        self.write(name, fs::read(fixture(name)).unwrap());
    }

    /// Runs the program with these words, parted by blanks.
    fn shardplan(&self, words: &str) -> Said {
        self.shardplan_with(words, b"", &[])
    }

    /// Does the same with something on standard input and in the environment.
    fn shardplan_with(&self, words: &str, input: &[u8], environment: &[(&str, &str)]) -> Said {
        let output = Command::cargo_bin("shardplan")
            .unwrap()
            .args(words.split_ascii_whitespace())
            .current_dir(self.folder.path())
            .env_clear()
            .envs(environment.iter().copied())
            .write_stdin(input)
            .output()
            .unwrap();
        Said {
            code: output.status.code().unwrap(),
            stdout: self.redacted(output.stdout),
            stderr: self.redacted(output.stderr),
        }
    }

    /// Returns every file of the history, relative to it and sorted.
    fn stored_files(&self) -> Vec<String> {
        let root = self.path(".shardplan/history");
        let mut files = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/"));
                }
            }
        }
        files.sort();
        files
    }

    fn redacted(&self, bytes: Vec<u8>) -> String {
        let text = String::from_utf8(bytes).unwrap();
        let text = text.replace(self.folder.path().to_str().unwrap(), "[PROJECT]");
        // Digests name the files of the store; their digits say nothing to a reader.
        let digits = |c: char| c.is_ascii_hexdigit();
        let mut redacted = String::new();
        let mut rest = text.as_str();
        while let Some(start) = rest.find(digits) {
            let length = rest[start..].find(|c| !digits(c)).unwrap_or(rest.len() - start);
            redacted.push_str(&rest[..start]);
            let word = &rest[start..start + length];
            redacted.push_str(if length == 64 { "[DIGEST]" } else { word });
            rest = &rest[start + length..];
        }
        redacted + rest
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit: {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "--- {name}\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

impl Project {
    /// Returns a project with this manifest, these tests and a run of them; see [`Project::add_tests`].
    fn planned(manifest: &str, tests: &str) -> Self {
        let project = Self::new();
        project.write("shardplan.toml", format!("project.inventory = \"inventory.csv\"\n{manifest}"));
        project.add_tests(tests);
        project
    }

    /// Writes the inventory and ingests a run, from one test a line: its id, its seconds (`skip` where it is
    /// skipped, `-` where it never ran), then the services that it reaches for, its `@marks` and its
    /// `fixtures()`.
    fn add_tests(&self, tests: &str) {
        let mut inventory = "test,markers,fixtures,observed\n".to_owned();
        let mut report = "test,seconds,outcome\n".to_owned();
        for line in tests.lines().filter(|line| !line.trim().is_empty()) {
            let mut words = line.split_whitespace();
            let (test, seconds) = (words.next().unwrap(), words.next().unwrap());
            let (mut marks, mut fixtures, mut services) = (Vec::new(), Vec::new(), Vec::new());
            for word in words {
                match (word.strip_prefix('@'), word.strip_suffix("()")) {
                    (Some(mark), _) => marks.push(mark),
                    (None, Some(fixture)) => fixtures.push(fixture),
                    (None, None) => services.push(word),
                }
            }
            let cells = [marks, fixtures, services].map(|words| words.join(" "));
            writeln!(inventory, "{test},{}", cells.join(",")).unwrap();
            match seconds {
                "-" => {}
                "skip" => writeln!(report, "{test},0,skipped").unwrap(),
                seconds => writeln!(report, "{test},{seconds},passed").unwrap(),
            }
        }
        self.write("inventory.csv", inventory);
        if report.lines().count() > 1 {
            self.write("report.csv", report);
            let said = self.shardplan("ingest report.csv --at 2026-06-16T08:00:00Z");
            assert_eq!(said.code, 0, "{said}");
        }
    }
}

/// Returns the texts of a JSON list.
fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

impl Said {
    /// Returns the shards of a plan as `name: services: number of tests`.
    fn shards(&self) -> Vec<String> {
        let json = self.json();
        let shard = |shard: &Value| {
            format!(
                "{}: {}: {}",
                shard["name"].as_str().unwrap(),
                strings(&shard["services"]).join(" "),
                shard["tests"]
            )
        };
        json["shards"].as_array().unwrap().iter().map(shard).collect()
    }

    /// Returns the notes of a plan, a line each.
    fn notes(&self) -> String {
        strings(&self.json()["notes"]).join("\n")
    }

    /// Returns the JSON on stdout.
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }
}
