//! `results.json`, which `CircleCI` makes of the reports that a job stores.

use serde::Deserialize;

use super::address::{Addresses, Place};
use super::json::malformed;
use super::observation::{Observation, Outcome, Report, first_line};
use super::tests::{Repeats, Tests};
use super::warning::WarningKind;
use super::{Context, IngestErrorKind, seconds};
use crate::ids::NodeId;

#[derive(Deserialize)]
struct Document {
    tests: Vec<StoredTest>,
}

#[derive(Deserialize)]
struct StoredTest {
    classname: Option<String>,
    file: Option<String>,
    name: Option<String>,
    result: Option<String>,
    run_time: Option<f64>,
    message: Option<String>,
}

/// Reads the file.
pub(super) fn read(text: &str, context: &Context) -> Result<Report, IngestErrorKind> {
    let Document { tests: stored } = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let mut tests = Tests::new(None);
    tests.repeats = Repeats::AddUp;
    let mut addresses = Addresses::new(context);
    for stored in stored {
        let name = stored.name.unwrap_or_default();
        let place = Place {
            class_name: stored.classname.as_deref().unwrap_or_default(),
            name: &name,
            file: stored.file.as_deref().filter(|file| !file.is_empty()),
            ..Place::default()
        };
        let address = Some(place).filter(|_| !name.trim().is_empty()).map(|place| addresses.of(place, None));
        let (id, is_subtest) = address.map(|address| (address.id, address.is_subtest)).unwrap_or_default();
        let Ok(id) = NodeId::try_from(id) else {
            tests.warnings.add(WarningKind::NoName, None, place.class_name);
            continue;
        };
        let outcome = match stored.result.as_deref() {
            Some("success") => Outcome::Passed,
            Some("failure") => Outcome::Failed,
            Some("error") => Outcome::Error,
            Some("skipped") => Outcome::Skipped,
            _ => Outcome::Unknown,
        };
        let total = match stored.run_time {
            Some(time) => seconds::micros(time).ok_or(WarningKind::ImpossibleTime),
            None if outcome == Outcome::Skipped => seconds::micros(0.0).ok_or(WarningKind::NoTime),
            None => Err(WarningKind::NoTime),
        };
        match total {
            Ok(total) => {
                let mut seen = Observation::new(id, outcome, total);
                seen.reason = stored.message.as_deref().and_then(first_line);
                if is_subtest {
                    tests.add_subtest(seen, None);
                } else {
                    tests.add(seen, None);
                }
            }
            Err(kind) => {
                tests.warnings.add(kind, None, id.as_str());
                tests.keep_untimed(id, outcome);
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
    fn ids_are_those_of_the_report_it_was_made_of() {
        let report = read(
            r#"{"tests": [
                {"classname": "tests.test_a.TestA", "file": "tests/test_a.py", "name": "test_x", "result": "success", "run_time": 0.5, "message": "", "source": "unknown", "source_type": "unknown"},
                {"classname": "tests.test_b", "file": null, "name": "test_y", "result": "skipped", "run_time": null, "message": "no redis"},
                {"classname": "tests.test_b.T", "file": "tests/test_b.py", "name": "test_z (number=1)", "result": "failure", "run_time": 1.0},
                {"classname": "tests.test_b.T", "file": "tests/test_b.py", "name": "test_z", "result": "success", "run_time": 2.0}]}"#,
            &Context::new(|| vec!["tests/test_b.py".to_owned()]),
        )
        .unwrap();
        let seen: Vec<_> = report
            .observations
            .iter()
            .map(|seen| (seen.test.as_str(), seen.total, seen.outcome, seen.reason.as_deref()))
            .collect();
        assert_eq!(
            seen,
            [
                ("tests/test_a.py::TestA::test_x", Micros(500_000), Outcome::Passed, None),
                ("tests/test_b.py::test_y", Micros(0), Outcome::Skipped, Some("no redis")),
                ("tests/test_b.py::T::test_z", Micros(3_000_000), Outcome::Failed, None),
            ]
        );
    }
}
