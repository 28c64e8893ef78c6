//! pytest-split's `.test_durations`: a JSON object of seconds by node id, or the older list of pairs.
//!
//! Each value is set-up, call and tear-down together. The file says neither when nor where it was measured,
//! nor how a test ended, and it may hold tests that are long gone.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::IngestErrorKind;
use super::json::malformed;
use super::observation::{Observation, Outcome, Report, Warning, WarningKind};
use crate::ids::NodeId;
use crate::time::Micros;

/// Reads the file.
pub(super) fn read(text: &str) -> Result<Report, IngestErrorKind> {
    let Durations(entries) = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let mut report = Report::default();
    let mut positions = HashMap::with_capacity(entries.len());
    for (key, value) in &entries {
        match observation(key, value) {
            Err(warning) => report.warnings.push(warning),
            Ok(observation) => match positions.entry(key) {
                Entry::Occupied(earlier) => {
                    report.warnings.push(warning(WarningKind::Duplicate, key.clone()));
                    report.observations[*earlier.get()] = observation;
                }
                Entry::Vacant(free) => {
                    free.insert(report.observations.len());
                    report.observations.push(observation);
                }
            },
        }
    }
    Ok(report)
}

fn observation(key: &str, value: &Value) -> Result<Observation, Warning> {
    // pytest writes `::` into every node id; people keep notes such as ".scaled" beside them.
    let test = key
        .parse::<NodeId>()
        .ok()
        .filter(|_| key.contains("::"))
        .ok_or_else(|| warning(WarningKind::NotATest, key.to_owned()))?;
    let total = value
        .as_f64()
        .and_then(Micros::from_secs_f64)
        .ok_or_else(|| warning(WarningKind::ImpossibleTime, format!("{key}: {value}")))?;
    Ok(Observation { test, file: None, outcome: Outcome::Unknown, total, phases: None, reason: None })
}

fn warning(kind: WarningKind, subject: String) -> Warning {
    Warning { line: None, kind, subject }
}

/// The entries in the order of the file: an object read into a map would lose keys that stand twice.
struct Durations(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Durations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Durations;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of seconds by test id, or a list of pairs")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Durations, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Durations(entries))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Durations, A::Error> {
                let mut entries = Vec::new();
                while let Some(pair) = list.next_element()? {
                    entries.push(pair);
                }
                Ok(Durations(entries))
            }
        }

        deserializer.deserialize_any(EntriesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids_and_micros(report: &Report) -> Vec<(&str, u64)> {
        report.observations.iter().map(|seen| (seen.test.as_str(), seen.total.0)).collect()
    }

    #[test]
    fn both_shapes_say_the_same() {
        let object = read(r#"{"a.py::t": 1.5, "a.py::u[x::y]": 0}"#).unwrap();
        let pairs = read(r#"[["a.py::t", 1.5], ["a.py::u[x::y]", 0]]"#).unwrap();
        assert_eq!(object, pairs);
        assert_eq!(ids_and_micros(&object), [("a.py::t", 1_500_000), ("a.py::u[x::y]", 0)]);
    }

    #[test]
    fn notes_and_impossible_times_are_passed_over() {
        let report =
            read(r#"{".scaled": 1, "a.py::t": -1, "a.py::u": "x", "a.py::v": 1e300, "a.py::w": 2}"#).unwrap();
        assert_eq!(ids_and_micros(&report), [("a.py::w", 2_000_000)]);
        let kinds: Vec<_> = report.warnings.iter().map(|warning| warning.kind).collect();
        assert_eq!(
            kinds,
            [
                WarningKind::NotATest,
                WarningKind::ImpossibleTime,
                WarningKind::ImpossibleTime,
                WarningKind::ImpossibleTime
            ]
        );
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        let report = read(r#"{"a.py::t": 1, "a.py::u": 5, "a.py::t": 2}"#).unwrap();
        assert_eq!(ids_and_micros(&report), [("a.py::t", 2_000_000), ("a.py::u", 5_000_000)]);
        assert_eq!(report.warnings[0].kind, WarningKind::Duplicate);
    }

    #[test]
    fn broken_json_is_named_with_its_place() {
        let error = read("{\n  \"a.py::t\": 1,\n<<<<<<< HEAD\n}").unwrap_err();
        assert_eq!(
            error,
            IngestErrorKind::Malformed {
                language: "JSON",
                problem: "key must be a string".to_owned(),
                line: 3,
                column: Some(1),
            }
        );
    }
}
