//! Real servers for the tests that need them.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::{root, skip};

/// PostgreSQL and Redis on ports of their own, as long as this lives.
pub(super) struct Servers {
    process: Child,
    said: BufReader<ChildStdout>,
    pub(super) ports: BTreeMap<String, u16>,
}

impl Servers {
    pub(super) fn start(test: &str, python: &Path) -> Option<Self> {
        let mut process = Command::new(python)
            .arg(root().join("tests/e2e/servers.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        if let Some(missing) = line.trim().strip_prefix("missing: ") {
            process.wait().unwrap();
            skip(test, missing);
            return None;
        }
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let ports = told["ports"].as_object().unwrap();
        let ports =
            ports.iter().map(|(name, port)| (name.clone(), port.as_u64().unwrap().try_into().unwrap()));
        Some(Self { process, said, ports: ports.collect() })
    }

    pub(super) fn stop(&mut self, name: &str) {
        writeln!(self.process.stdin.as_mut().unwrap(), "{name}").unwrap();
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        assert_eq!(line, "stopped\n");
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
