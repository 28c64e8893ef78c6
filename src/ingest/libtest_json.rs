//! The events of libtest: a JSON object a line, as `cargo nextest run --message-format libtest-json(-plus)` and
//! `cargo test -- --format json --report-time` write them.
//!
//! nextest calls a test `crate::binary$test`. The same test in its JUnit report stands under the id of its binary,
//! which differs by the kind of the binary; where the suite says its kind, the ids of both are the same here.

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use serde_json::Value;

use super::framework::Framework;
use super::input::Lines;
use super::observation::{Extent, Observation, Outcome, Report, first_line};
use super::tests::Tests;
use super::warning::WarningKind;
use super::{Batches, IngestErrorKind, encoding, seconds};
use crate::ids::NodeId;
use crate::time::Micros;

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: Option<String>,
    event: Option<String>,
    #[serde(default)]
    name: String,
    /// A number of seconds, or `"0.12s"` from an older libtest.
    exec_time: Option<Value>,
    stdout: Option<String>,
    nextest: Option<Nextest>,
}

#[derive(Deserialize)]
struct Nextest {
    #[serde(rename = "crate")]
    krate: String,
    test_binary: String,
    kind: Option<String>,
}

/// Reads the file.
pub(super) fn read(
    input: impl Read,
    batches: Option<&mut Batches<'_>>,
) -> Result<(Report, u64), IngestErrorKind> {
    let mut lines = Lines::new(input);
    let mut tests = Tests::new(batches);
    let mut binaries: BTreeMap<String, String> = BTreeMap::new();
    let mut open_suites = 0_u64;
    let mut number = 0;
    while let Some((text, is_whole)) = lines.next()? {
        number += 1;
        if text.is_empty() {
            continue;
        }
        let Some(line) = encoding::text(text).ok().and_then(|text| serde_json::from_str::<Line>(text).ok())
        else {
            if is_whole {
                let start = String::from_utf8_lossy(&text[..text.len().min(80)]);
                tests.warnings.add(WarningKind::OddLine, Some(number), start);
            }
            continue;
        };
        let event = line.event.clone().unwrap_or_default();
        match (line.kind.as_deref(), event.as_str()) {
            (Some("suite"), "started") => {
                open_suites += 1;
                if let Some(Nextest { krate, test_binary, kind }) = line.nextest {
                    tests.run.framework = Some(Framework::Nextest);
                    let id = match kind.as_deref() {
                        Some("lib" | "proc-macro") => krate.clone(),
                        Some(kind @ ("bin" | "example" | "bench")) => {
                            format!("{krate}::{kind}/{test_binary}")
                        }
                        _ => format!("{krate}::{test_binary}"),
                    };
                    binaries.insert(format!("{krate}::{test_binary}"), id);
                }
            }
            (Some("suite"), "ok" | "failed") => open_suites = open_suites.saturating_sub(1),
            (Some("test"), "ok" | "failed" | "ignored" | "timeout") => {
                keep(&mut tests, &binaries, &event, &line, number);
            }
            _ => {}
        }
    }
    if open_suites > 0 {
        tests.run.extent = Extent::Partial;
        tests.warnings.add(WarningKind::CutShort, Some(number), "");
    }
    tests.run.framework.get_or_insert(Framework::Libtest);
    Ok(tests.finish())
}

fn keep(
    tests: &mut Tests<'_, '_>,
    binaries: &BTreeMap<String, String>,
    event: &str,
    line: &Line,
    number: u64,
) {
    let place = Some(number);
    let name = without_try(&line.name);
    let (id, binary) = match name.split_once('$') {
        Some((binary, test)) => {
            tests.run.framework = Some(Framework::Nextest);
            let binary = binaries.get(binary).map_or(binary, String::as_str);
            (format!("{binary}${test}"), Some(binary.to_owned()))
        }
        None => (name.to_owned(), None),
    };
    let Ok(test) = id.parse::<NodeId>() else {
        return tests.warnings.add(WarningKind::NoName, place, id);
    };
    let outcome = match event {
        "ok" => Outcome::Passed,
        "ignored" => Outcome::Skipped,
        _ => Outcome::Failed,
    };
    let total = match &line.exec_time {
        Some(Value::Number(time)) => match time.as_f64().and_then(seconds::micros) {
            Some(total) => Some(total),
            None => return odd(tests, test, outcome, WarningKind::ImpossibleTime, place),
        },
        Some(Value::String(words)) => match seconds::Seconds::parse(words) {
            seconds::Seconds::Plain(total) | seconds::Seconds::Local(total) => Some(total),
            _ => return odd(tests, test, outcome, WarningKind::ImpossibleTime, place),
        },
        _ => (outcome == Outcome::Skipped).then_some(Micros(0)),
    };
    let Some(total) = total else { return odd(tests, test, outcome, WarningKind::NoTime, place) };
    let mut seen = Observation::new(test, outcome, total);
    seen.file = binary;
    if outcome == Outcome::Failed {
        seen.reason = line.stdout.as_deref().and_then(panic_message);
    }
    tests.add(seen, place);
}

fn odd(tests: &mut Tests<'_, '_>, test: NodeId, outcome: Outcome, kind: WarningKind, line: Option<u64>) {
    tests.warnings.add(kind, line, test.as_str());
    tests.keep_untimed(test, outcome);
}

/// Returns a name without the number of its try, which nextest writes behind a `#`.
fn without_try(name: &str) -> &str {
    match name.rsplit_once('#') {
        Some((test, number)) if !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()) => test,
        _ => name,
    }
}

/// Returns what a test's output says of its panic: the line behind the one that names the place.
fn panic_message(stdout: &str) -> Option<String> {
    let (_, after) = stdout.split_once("panicked at ")?;
    let (place, rest) = after.split_once('\n').unwrap_or((after, ""));
    first_line(rest).or_else(|| first_line(place))
}

#[cfg(test)]
mod checks {
    use super::*;

    fn read(text: &str) -> Report {
        super::read(text.as_bytes(), None).unwrap().0
    }

    #[test]
    fn tries_of_nextest_are_one_test_in_the_words_of_its_junit_report() {
        let report = read(
            r#"{"type":"suite","event":"started","test_count":3,"nextest":{"crate":"a-b","test_binary":"a_b","kind":"lib"}}
{"type":"test","event":"started","name":"a-b::a_b$x::adds"}
{"type":"test","event":"failed","name":"a-b::a_b$x::adds","exec_time":2.0,"stdout":"thread 'x' panicked at src/lib.rs:3:5:\nassertion failed\nnote"}
{"type":"test","event":"started","name":"a-b::a_b$x::adds#2"}
{"type":"test","event":"ok","name":"a-b::a_b$x::adds#2","exec_time":0.5}
{"type":"test","event":"ignored","name":"a-b::a_b$x::later"}
{"type":"suite","event":"ok","passed":1,"failed":0,"ignored":1,"measured":0,"filtered_out":0,"exec_time":2.6,"nextest":{"crate":"a-b","test_binary":"a_b","kind":"lib"}}
"#,
        );
        let seen: Vec<_> = report
            .observations
            .iter()
            .map(|seen| (seen.test.as_str(), seen.file.as_deref(), seen.total.0, seen.outcome, seen.retries))
            .collect();
        assert_eq!(
            seen,
            [
                ("a-b$x::adds", Some("a-b"), 500_000, Outcome::Passed, 1),
                ("a-b$x::later", Some("a-b"), 0, Outcome::Skipped, 0),
            ]
        );
        assert_eq!(report.observations[0].reason.as_deref(), Some("assertion failed"));
        assert_eq!(report.run.framework, Some(Framework::Nextest));
        assert_eq!(report.run.extent, Extent::Unknown);
    }

    #[test]
    fn plain_libtest_has_no_binary_and_often_no_time() {
        let report = read(
            "{\"type\":\"suite\",\"event\":\"started\",\"test_count\":2}\n\
             {\"type\":\"test\",\"name\":\"x::a\",\"event\":\"ok\",\"exec_time\":\"0.25s\"}\n\
             {\"type\":\"test\",\"name\":\"x::b\",\"event\":\"ok\"}\n{\"type\":\"te",
        );
        assert_eq!(report.observations[0].total, Micros(250_000));
        assert_eq!(report.untimed.len(), 1);
        assert_eq!(report.run.framework, Some(Framework::Libtest));
        assert_eq!(report.run.extent, Extent::Partial, "the suite has no end");
    }
}
