//! pytest-split's `.test_durations`: a JSON object of seconds by node id, or the older list of pairs.
//!
//! Each value is set-up, call and tear-down together. The file says neither when nor where it was measured,
//! nor how a test ended, and it may hold tests that are long gone.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::framework::Framework;
use super::json::malformed;
use super::observation::{Observation, Outcome, Report};
use super::python_modules::without_group;
use super::tests::Tests;
use super::warning::WarningKind;
use super::{IngestErrorKind, seconds};
use crate::ids::NodeId;
use crate::time::Micros;

/// From how many tests with one and the same time on it is taken for a placeholder.
const PLACEHOLDERS: usize = 20;

/// Reads the file.
pub(super) fn read(text: &str) -> Result<Report, IngestErrorKind> {
    let Durations(entries) = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let mut tests = Tests::new(None);
    tests.run.framework = Some(Framework::Pytest);
    let mut times: HashMap<u64, usize> = HashMap::new();
    for (key, value) in entries {
        // pytest writes `::` into every node id; people keep notes such as ".scaled" beside them.
        let id = match without_group(&key).parse::<NodeId>() {
            Ok(id) if key.contains("::") => id,
            _ => {
                tests.warnings.add(WarningKind::NotATest, None, key);
                continue;
            }
        };
        let Some(total) = value.as_f64().and_then(seconds::micros) else {
            tests.warnings.add(WarningKind::ImpossibleTime, None, format!("{key}: {value}"));
            tests.keep_untimed(id, Outcome::Unknown);
            continue;
        };
        // A measured time has digits behind the dot; a round one that stands again and again was put there.
        if total.0 >= 1_000_000 && total.0 % 100_000 == 0 {
            *times.entry(total.0).or_default() += 1;
        }
        tests.add(Observation::new(id, Outcome::Unknown, total), None);
    }
    let mut placeholders: Vec<_> = times.into_iter().filter(|(_, number)| *number >= PLACEHOLDERS).collect();
    placeholders.sort_unstable();
    for (time, number) in placeholders {
        let subject = format!("{} s in {number} tests", Micros(time).as_secs_f64());
        tests.warnings.add(WarningKind::Placeholder, None, subject);
    }
    Ok(tests.finish().0)
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
mod checks {
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
        assert_eq!(report.warnings.count(WarningKind::NotATest), 1);
        assert_eq!(report.warnings.count(WarningKind::ImpossibleTime), 3);
        assert_eq!(report.untimed.len(), 3);
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        let report = read(r#"{"a.py::t": 1, "a.py::u": 5, "a.py::t": 2}"#).unwrap();
        assert_eq!(ids_and_micros(&report), [("a.py::t", 2_000_000), ("a.py::u", 5_000_000)]);
        assert_eq!(report.warnings.count(WarningKind::Duplicate), 1);
    }

    #[test]
    fn one_round_time_for_many_tests_is_told() {
        let entries: Vec<String> = (0..30).map(|number| format!("\"a.py::t{number}\": 60.0")).collect();
        let report = read(&format!("{{{}}}", entries.join(","))).unwrap();
        assert_eq!(report.observations.len(), 30);
        let (kind, _, first) = report.warnings.by_kind().next().unwrap();
        assert_eq!((kind, first[0].subject.as_str()), (WarningKind::Placeholder, "60 s in 30 tests"));
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
