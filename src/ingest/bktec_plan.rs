//! A plan of Buildkite's test engine client: what the service expects each test to take.
//!
//! These are estimates of another planner, made from a history that is not here. A test of which it has no sample
//! bears a default, which is no measurement; it is passed over.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::json::malformed;
use super::observation::{Observation, Outcome, Report, UnitKind};
use super::tests::Tests;
use super::warning::WarningKind;
use super::{IngestErrorKind, seconds};

#[derive(Deserialize)]
struct Document {
    tasks: BTreeMap<String, Task>,
}

#[derive(Deserialize)]
struct Task {
    #[serde(default)]
    tests: Vec<PlannedTest>,
}

#[derive(Deserialize)]
struct PlannedTest {
    #[serde(default)]
    path: String,
    #[serde(default)]
    format: String,
    value: Option<String>,
    estimated_duration: Option<f64>,
    timing_sample_size: Option<u64>,
}

/// Reads the file.
pub(super) fn read(text: &str) -> Result<Report, IngestErrorKind> {
    let Document { tasks } = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let mut tests = Tests::new(None);
    for planned in tasks.into_values().flat_map(|task| task.tests) {
        let name = planned.value.as_deref().filter(|value| !value.is_empty()).unwrap_or(&planned.path);
        let Ok(id) = name.parse() else {
            tests.warnings.add(WarningKind::NoName, None, name);
            continue;
        };
        let millis = planned.estimated_duration.filter(|_| planned.timing_sample_size != Some(0));
        match millis.map(|millis| seconds::micros(millis / 1000.0)) {
            Some(Some(total)) => {
                let unit = if planned.format == "file" { UnitKind::File } else { UnitKind::Test };
                let mut seen = Observation { unit, ..Observation::new(id, Outcome::Unknown, total) };
                seen.file = Some(planned.path).filter(|path| !path.is_empty() && path != seen.test.file());
                tests.add(seen, None);
            }
            Some(None) => {
                tests.warnings.add(WarningKind::ImpossibleTime, None, name);
                tests.keep_untimed(id, Outcome::Unknown);
            }
            None => {
                tests.warnings.add(WarningKind::NoTime, None, name);
                tests.keep_untimed(id, Outcome::Unknown);
            }
        }
    }
    Ok(tests.finish().0)
}

#[cfg(test)]
mod checks {
    use super::*;
    use crate::time::Micros;

    #[test]
    fn estimates_without_a_sample_are_passed_over() {
        let report = read(
            r#"{"parallelism": 2, "tasks": {
                "0": {"node_number": 0, "tests": [{"path": "spec/a_spec.rb", "format": "file", "estimated_duration": 1500, "timing_sample_size": 4}]},
                "1": {"node_number": 1, "tests": [{"path": "tests/test_b.py", "format": "example", "value": "tests/test_b.py::t", "estimated_duration": 20},
                    {"path": "spec/c_spec.rb", "format": "file", "estimated_duration": 1000, "timing_sample_size": 0}]}}}"#,
        )
        .unwrap();
        let seen: Vec<_> =
            report.observations.iter().map(|seen| (seen.test.as_str(), seen.total, seen.unit)).collect();
        assert_eq!(
            seen,
            [
                ("spec/a_spec.rb", Micros(1_500_000), UnitKind::File),
                ("tests/test_b.py::t", Micros(20_000), UnitKind::Test)
            ]
        );
        assert_eq!(report.warnings.count(WarningKind::NoTime), 1);
    }
}
