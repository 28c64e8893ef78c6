//! The audit: each rule on a small project, and what holds for all of them.

mod always_skipped;
mod combine_before_completeness;
mod connects_at_import;
mod dragging_autouse;
mod duplicate_key;
mod empty_selection;
mod empty_upload;
mod gate_that_skips;
mod gate_without_a_lane;
mod hidden_file_not_uploaded;
mod idle_job_service;
mod idle_service;
mod ignore_without_rule;
mod in_no_lane;
mod in_two_lanes;
mod lane_lacks_service;
mod marked_without_need;
mod more_jobs_than_runners;
mod need_not_followed;
mod no_history;
mod outsized_unit;
mod parallel_for_ci_only;
mod paths_not_mapped;
mod report_after_threshold;
mod selects_nothing;
mod serial_tests_in_workers;
mod shadowed_test;
mod shared_data_file;
mod silent_skip;
mod stale_durations;
mod switch_on_some_lanes;
mod threshold_of_a_part;
mod timeout_below_usual;
mod unmarked_service;
mod unreadable_file;
mod unregistered_mark;
mod unstable_ids;
mod unused_mark;

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// A project in a temporary folder, audited by one rule.
struct Case {
    folder: TempDir,
    rule: &'static str,
    runs: usize,
}

impl Case {
    fn new(rule: &'static str) -> Self {
        Self { folder: TempDir::new().unwrap(), rule, runs: 0 }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn file(self, name: &str, text: &str) -> Self {
        self.bytes(name, text.as_bytes())
    }

    fn bytes(self, name: &str, bytes: &[u8]) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    fn manifest(self, text: &str) -> Self {
        self.file("shardplan.toml", text)
    }

    /// Writes the one workflow file.
    fn workflow(self, text: &str) -> Self {
        self.file(".github/workflows/ci.yml", text)
    }

    /// Ingests a run of these tests.
    fn ran(mut self, rows: &str) -> Self {
        self.runs += 1;
        let runs = self.runs;
        let case = self.file("run.csv", &format!("test,seconds,outcome\n{rows}"));
        let at = format!("2026-06-{runs:02}T08:00:00Z");
        let output = case.program(&["ingest", "run.csv", "--at", &at]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        case
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn program(&self, words: &[&str]) -> std::process::Output {
        Command::cargo_bin("shardplan")
            .unwrap()
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .output()
            .unwrap()
    }

    /// Returns the findings of the rule, each as its place and its message.
    fn found(&self) -> Vec<String> {
        let output = self.program(&["audit", "--select", self.rule, "--format", "json"]);
        let said: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        let findings = said["findings"].as_array().unwrap();
        let code = output.status.code().unwrap();
        assert_eq!(code, i32::from(!findings.is_empty()), "the exit code says whether there are findings");
        let line = |finding: &Value| {
            assert_eq!(finding["code"], self.rule);
            let message = finding["message"].as_str().unwrap();
            match finding.get("place") {
                Some(place) => format!("{}:{} {message}", place["file"].as_str().unwrap(), place["line"]),
                None => message.to_owned(),
            }
        };
        findings.iter().map(line).collect()
    }

    /// Returns the project with the rule's repairs made, in a folder of its own.
    fn fixed(&self) -> Self {
        let fixed = Self { folder: TempDir::new().unwrap(), rule: self.rule, runs: 0 };
        copy(self.folder.path(), fixed.folder.path());
        let output = fixed.program(&["audit", "--select", self.rule, "--fix"]);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
        fixed
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&place).unwrap();
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

#[test]
fn every_rule_has_its_file_its_test_its_section_and_its_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let stems = |folder: &str| {
        let files = fs::read_dir(root.join(folder)).unwrap();
        let mut names: Vec<String> = files
            .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .filter(|name| name != "mod")
            .collect();
        names.sort();
        names
    };
    let rules = shardplan::audit::registry::RULES;
    let mut registered: Vec<String> = rules.iter().map(|rule| rule.name.replace('-', "_")).collect();
    registered.sort();
    assert_eq!(registered, stems("src/audit/rules"));
    assert_eq!(registered, stems("tests/integration/audit"));
    let mut docs = "# Audit rules\n\nWhat `shardplan audit` looks for. The text of each rule is that of `shardplan audit --explain CODE`.\n".to_owned();
    let mut codes: Vec<&str> = Vec::new();
    for rule in rules {
        assert!(!codes.contains(&rule.code), "{} is taken twice", rule.code);
        codes.push(rule.code);
        let text = rule.explanation();
        for heading in ["# What it checks", "# Why it matters", "# Example", "# Remedy"] {
            assert!(text.contains(&format!("\n{heading}\n")), "{} has no `{heading}`", rule.name);
        }
        docs += &format!(
            "\n## {} {}\n\n*{}, {} confidence.* {}",
            rule.code,
            rule.name,
            rule.severity,
            rule.confidence,
            text.replace("\n# ", "\n### ")
        );
    }
    assert!(codes.is_sorted(), "rules stand by code");
    let path = root.join("docs/audits.md");
    #[expect(clippy::disallowed_methods, reason = "a test may be asked to write its expectation")]
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &docs).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap_or_default() == docs,
        "docs/audits.md is out of date: run the tests with UPDATE_DOCS=1"
    );
}

#[test]
fn a_finding_is_left_alone_where_a_comment_the_manifest_or_the_baseline_says_so() {
    let text = "def test_a(): pass\n\ndef test_a(): pass\n";
    let case = Case::new("SP304").file("tests/test_a.py", text);
    assert_eq!(case.found().len(), 1);
    let commented = Case::new("SP304")
        .file("tests/test_a.py", &text.replacen("pass", "pass  # shardplan: ignore[SP304]", 1));
    assert!(commented.found().is_empty());
    let above =
        Case::new("SP304").file("tests/test_a.py", &format!("# shardplan: ignore[shadowed-test]\n{text}"));
    assert!(above.found().is_empty());
    let by_file = Case::new("SP304")
        .file("tests/test_a.py", text)
        .manifest("[audit.per-file-ignores]\n\"tests/test_*.py\" = [\"SP3\"]\n");
    assert!(by_file.found().is_empty());
    let ignored =
        Case::new("SP304").file("tests/test_a.py", text).manifest("[audit]\nignore = [\"shadowed-test\"]\n");
    assert!(ignored.found().is_empty());
    let old = case
        .manifest("[audit]\nbaseline = \"known.json\"\n")
        .file("known.json", "{\"version\":1,\"findings\":[]}");
    assert_eq!(old.found().len(), 1);
    assert_eq!(old.program(&["audit", "--write-baseline"]).status.code(), Some(0));
    assert!(old.found().is_empty());
    let moved = old.file("tests/test_a.py", &format!("import os\n\n{text}"));
    assert!(moved.found().is_empty(), "a baseline knows findings by what they are about, not by lines");
}

#[test]
fn hostile_names_can_drive_neither_a_terminal_nor_a_workflow() {
    let case = Case::new("SP304")
        .file("tests/test_a%0A::error::x.py", "def test_a(): '\u{1b}[2J\u{202e}'\ndef test_a(): pass\n");
    for format in ["text", "github", "sarif", "json", "markdown"] {
        let output = case.program(&["audit", "--format", format, "--color", "never"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{format}: {text}");
        if format == "github" {
            assert!(
                text.lines()
                    .all(|line| line
                        .starts_with("::error file=tests/test_a%250A%3A%3Aerror%3A%3Ax.py,line=1,")),
                "{text}"
            );
        }
    }
}

#[test]
fn findings_for_a_comment_are_markdown_and_nothing_of_the_project_is_markup() {
    let case = Case::new("SP304")
        .file("tests/test_b.py", "def test_a(): pass\ndef test_a(): pass\n")
        .file("tests/test_@team.py", "def test_b(): pass\ndef test_b(): pass\n");
    let output = case.program(&["audit", "--select", "SP304", "--format", "markdown"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "### Audit\n\n2 findings: 2 errors.\n\n#### ❌ SP304 shadowed-test\n\nTwo tests of one name: the first never runs.\n\n\
         - **tests/test\\_\\@team.py:1** \\`test\\_b\\` never runs: another of its name follows in line 2\n\
         \x20 - this is the one that runs (tests/test\\_\\@team.py:2)\n\
         - **tests/test\\_b.py:1** \\`test\\_a\\` never runs: another of its name follows in line 2\n\
         \x20 - this is the one that runs (tests/test\\_b.py:2)\n\n\
         `shardplan audit --explain CODE` tells more of a rule.\n"
    );
}

#[test]
fn more_findings_than_a_comment_takes_are_cut_after_a_whole_line_and_the_rest_is_counted() {
    let twice = |at: usize| format!("def test_{at:0>60}(): pass\n").repeat(2);
    let text: String = (0..600).map(twice).collect();
    let case = Case::new("SP304").file("tests/test_a.py", &text);
    let output = case.program(&["audit", "--select", "SP304", "--format", "markdown"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.chars().count() <= 65_536, "{}", shown.chars().count());
    assert!(shown.starts_with("### Audit\n\n600 findings: 600 errors"), "{}", &shown[..80]);
    assert_eq!(shown.matches("<details>").count(), shown.matches("</details>").count());
    assert!(shown.trim_end().ends_with("`--format json` has them all.*"), "{}", &shown[shown.len() - 200..]);
}

#[test]
fn a_rule_explains_itself_and_an_unknown_one_names_the_nearest() {
    let case = Case::new("SP101");
    let output = case.program(&["audit", "--explain", "unmarked-service"]);
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .starts_with("SP101 unmarked-service (error, medium confidence)\n\nA test needs")
    );
    let output = case.program(&["audit", "--explain", "SP10l"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("did you mean `SP101`?"));
    assert_eq!(case.program(&["audit", "--select", "nonsense"]).status.code(), Some(3));
}

#[test]
fn a_preview_changes_nothing() {
    let case = Case::new("SP103")
        .file("pytest.ini", "[pytest]\nmarkers =\n    db\n")
        .file("tests/test_a.py", "import pytest\n\n@pytest.mark.slow\ndef test_a(): pass\n");
    let output = case.program(&["audit", "--select", "SP103", "--diff"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "--- a/pytest.ini\n+++ b/pytest.ini\n@@ -1,3 +1,4 @@\n [pytest]\n markers =\n     db\n+    slow\n"
    );
    assert_eq!(case.text("pytest.ini"), "[pytest]\nmarkers =\n    db\n");
}

/// Bytes that editors and other systems leave in sources: a mark of the encoding, other line ends, tabs, form feeds,
/// another encoding, no end of the last line.
const ODD_SOURCES: &[&[u8]] = &[
    b"\xef\xbb\xbfdef test_hit(cache): pass\n\ndef test_sum(): pass\n",
    b"\xef\xbb\xbf\"\"\"All.\"\"\"\r\n\r\ndef test_hit(cache): pass\r\n",
    b"import os\r\n\r\nclass TestA:\r\n\tdef test_hit(self, cache):\r\n\t\tpass\r\n\tdef test_sum(self): pass",
    b"import os\n\x0c\ndef test_hit(cache):  \n    pass  # \xc3\xa9\n\x0c\nclass TestB:\n\x0c    def test_hit(self, cache): pass\n    def test_sum(self): pass\n",
    b"# coding: latin-1\nNAME = '\xe9'\ndef test_hit(cache): pass\ndef test_sum(): pass",
    b"import os\rdef test_hit(cache): pass\rdef test_sum(): pass\r",
    b"#!/usr/bin/env python\n# a licence\n\n\n\ndef test_hit(cache):\n\tpass\n\ndef test_sum(): pass\n\n\n",
];

#[test]
fn a_repair_keeps_every_byte_that_is_not_its_own_and_twice_changes_nothing() {
    for (at, bytes) in ODD_SOURCES.iter().enumerate() {
        let case = Case::new("SP101")
            .bytes("pytest.ini", b"[pytest]\r\nmarkers =\r\n\tredis: needs a server\r\n")
            .file(
                "tests/conftest.py",
                "import pytest, redis\n@pytest.fixture\ndef cache():\n    return redis.Redis()\n",
            )
            .bytes("tests/test_a.py", bytes);
        assert!(!case.found().is_empty(), "source {at} has a test that is not marked");
        let fixed = case.fixed();
        let after = fs::read(fixed.folder.path().join("tests/test_a.py")).unwrap();
        assert_ne!(after, *bytes, "source {at}");
        assert!(fixed.found().is_empty(), "source {at}: {:?}", fixed.found());
        // What was there is still there in its order: the repair only put bytes between.
        let mut rest = after.as_slice();
        for byte in *bytes {
            let here = rest.iter().position(|other| other == byte);
            rest = &rest[here.unwrap_or_else(|| panic!("source {at} lost a byte: {after:?}")) + 1..];
        }
        let added = after.len() - bytes.len();
        assert!(added < 80, "source {at}: {added} bytes are more than a mark and an import");
        let again = fixed.fixed();
        assert_eq!(fs::read(again.folder.path().join("tests/test_a.py")).unwrap(), after, "source {at}");
    }
}

#[test]
fn sarif_is_what_its_schema_says() {
    let Some(check) = crate::emitted::tool("check-jsonschema") else { return };
    let case = Case::new("SP")
        .file("pytest.ini", "[pytest]\nmarkers =\n    elastic\n")
        .manifest("[lanes.fast]\nmarkers = \"unit and not unit\"\n")
        .workflow("on: push\njobs:\n  a:\n    steps:\n      - run: pytest --cov\n        env: {A: 1}\n        env: {A: 2}\n")
        .file("tests/test_a b.py", "import redis\n\ndef test_a():\n    redis.Redis()\n\ndef test_a(): pass\n")
        .file("tests/test_c.py", "print 'é'\n");
    for words in [&["audit", "--format", "sarif"][..], &["audit", "--format", "sarif", "--select", "SP403"]] {
        let output = case.program(words);
        let log: Value = serde_json::from_slice(&output.stdout).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap().len();
        assert!(results >= 4 || words.contains(&"SP403"), "{log}");
        let path = case.path().join("log.sarif");
        fs::write(&path, &output.stdout).unwrap();
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sarif/sarif-2.1.0.json");
        let said = Command::new(&check).arg("--schemafile").arg(schema).arg(&path).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    }
}

#[test]
fn a_file_that_can_not_be_repaired_is_named_and_all_others_are_repaired() {
    let marked = "import pytest\n\n@pytest.mark.slow\ndef test_a(): pass\n";
    let toml = "[tool.pytest.ini_options]\nmarkers = \"redis\"\n";
    let case = Case::new("SP103")
        .file("api/pyproject.toml", toml)
        .file("api/tests/test_a.py", marked)
        .bytes("lib/pytest.ini", b"[pytest]\n# \xe9\nmarkers =\n    redis\n")
        .file("lib/tests/test_b.py", marked)
        .file("worker/pytest.ini", "[pytest]\nmarkers =\n    redis\n")
        .file("worker/tests/test_c.py", marked);
    let said = [
        "api/pyproject.toml:2: the mark `slow` can not be registered here: `markers` is no list: make it one and repair again",
        "lib/pytest.ini:2: the mark `slow` can not be registered here: the file is not UTF-8: save it as UTF-8 and repair again",
    ];
    let diff = case.program(&["audit", "--select", "SP103", "--diff"]);
    assert_eq!(diff.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(diff.stdout).unwrap(),
        "--- a/worker/pytest.ini\n+++ b/worker/pytest.ini\n@@ -1,3 +1,4 @@\n [pytest]\n markers =\n     redis\n+    slow\n"
    );
    let output = case.program(&["audit", "--select", "SP103", "--fix"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    for line in said {
        assert_eq!(told.matches(line).count(), 1, "{told}");
        assert_eq!(String::from_utf8_lossy(&diff.stderr).matches(line).count(), 1);
    }
    assert!(told.contains("Repaired 1 finding"), "{told}");
    assert_eq!(case.text("worker/pytest.ini"), "[pytest]\nmarkers =\n    redis\n    slow\n");
    assert_eq!(case.text("api/pyproject.toml"), toml);
    assert_eq!(case.found().len(), 2);
}

#[test]
fn a_test_is_not_marked_where_its_mark_can_not_be_registered() {
    let text = "import redis\n\ndef test_hit():\n    redis.Redis()\n";
    let case = Case::new("SP101")
        .manifest("[services.redis]\nmarkers = [\"cache\"]\n")
        .file("pyproject.toml", "[tool.pytest.ini_options]\nmarkers = \"slow\"\n")
        .file("tests/test_a.py", text);
    let output = case.program(&["audit", "--select", "SP101", "--fix"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(case.text("tests/test_a.py"), text);
}
