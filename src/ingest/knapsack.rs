//! Seconds by file: the report of Knapsack, and the list that Knapsack Pro's API gives.
//!
//! The values are times of whole files, measured in one run or merged from several; the report does not say.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::json::malformed;
use super::observation::{Observation, Outcome, Report, UnitKind};
use super::tests::Tests;
use super::warning::WarningKind;
use super::{IngestErrorKind, seconds};

/// Reads the file.
pub(super) fn read(text: &str) -> Result<Report, IngestErrorKind> {
    let Files(files) = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let mut tests = Tests::new(None);
    for (path, value) in files {
        let path = path.strip_prefix("./").unwrap_or(&path);
        let Ok(id) = path.parse() else {
            tests.warnings.add(WarningKind::NoName, None, path);
            continue;
        };
        if let Some(total) = value.as_f64().and_then(seconds::micros) {
            let seen = Observation::new(id, Outcome::Unknown, total);
            tests.add(Observation { unit: UnitKind::File, ..seen }, None);
        } else {
            tests.warnings.add(WarningKind::ImpossibleTime, None, format!("{path}: {value}"));
            tests.keep_untimed(id, Outcome::Unknown);
        }
    }
    Ok(tests.finish().0)
}

struct Files(Vec<(String, Value)>);

#[derive(Deserialize)]
struct TestFile {
    path: String,
    time_execution: Value,
}

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FilesVisitor;

        impl<'de> Visitor<'de> for FilesVisitor {
            type Value = Files;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of seconds by file, or a list of files")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Files, A::Error> {
                let mut files = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    files.push(entry);
                }
                Ok(Files(files))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Files, A::Error> {
                let mut files = Vec::new();
                while let Some(TestFile { path, time_execution }) = list.next_element()? {
                    files.push((path, time_execution));
                }
                Ok(Files(files))
            }
        }

        deserializer.deserialize_any(FilesVisitor)
    }
}

#[cfg(test)]
mod checks {
    use super::*;

    #[test]
    fn both_shapes_give_whole_files() {
        let object = read(r#"{"./spec/a_spec.rb": 1.5, "spec/b_spec.rb": -1}"#).unwrap();
        let list = read(r#"[{"path": "spec/a_spec.rb", "time_execution": 1.5}]"#).unwrap();
        assert_eq!(object.observations, list.observations);
        assert_eq!(object.observations[0].unit, UnitKind::File);
        assert_eq!(object.warnings.count(WarningKind::ImpossibleTime), 1);
    }
}
