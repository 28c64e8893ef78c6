//! The tests of a Rust project, from `cargo nextest list --message-format json`.
//!
//! A test is called `binary-id$name`, as its JUnit report is read, and its binary stands for its file. Tests that
//! are ignored, or that a filter left out, are no tests of the run.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Test;

/// What is read of the list.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct List {
    rust_suites: BTreeMap<String, Suite>,
}

/// One test binary.
#[derive(Deserialize)]
struct Suite {
    #[serde(default)]
    testcases: BTreeMap<String, Testcase>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Testcase {
    #[serde(default)]
    ignored: bool,
    filter_match: Option<FilterMatch>,
}

#[derive(Deserialize)]
struct FilterMatch {
    status: String,
}

/// Returns whether a JSON text is such a list: its keys come early, and no other format has them.
pub(super) fn is_list(text: &str) -> bool {
    let mut end = text.len().min(4096);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].contains("\"rust-suites\"") || text[..end].contains("\"rust-build-meta\"")
}

/// Returns the tests of a list; on failure the line and what is wrong there.
pub(super) fn read(text: &str) -> Result<Vec<Test>, (Option<u64>, String)> {
    let list: List = serde_json::from_str(text).map_err(|error| {
        let line = (error.line() > 0).then_some(error.line() as u64);
        (line, format!("this is no list of nextest: {error}"))
    })?;
    let mut tests = Vec::new();
    for (binary, suite) in list.rust_suites {
        for (name, case) in suite.testcases {
            if case.ignored || case.filter_match.is_some_and(|found| found.status != "matches") {
                continue;
            }
            let id = format!("{binary}${name}").parse().map_err(|error| (None, format!("{error}")))?;
            tests.push(Test {
                id,
                file: binary.clone(),
                markers: Vec::new(),
                fixtures: Vec::new(),
                needs: Vec::new(),
            });
        }
    }
    if tests.is_empty() {
        return Err((None, "the list holds no test that would run".to_owned()));
    }
    Ok(tests)
}
