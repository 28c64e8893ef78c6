//! The timings of cypress-split: milliseconds by spec file.

use serde::Deserialize;
use serde_json::Value;

use super::framework::Framework;
use super::json::malformed;
use super::observation::{Observation, Outcome, Report, UnitKind};
use super::tests::Tests;
use super::warning::WarningKind;
use super::{IngestErrorKind, seconds};

#[derive(Deserialize)]
struct Document {
    durations: Vec<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    spec: String,
    duration: Value,
}

/// Reads the file.
pub(super) fn read(text: &str) -> Result<Report, IngestErrorKind> {
    let Document { durations } = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let mut tests = Tests::new(None);
    tests.run.framework = Some(Framework::Cypress);
    for Spec { spec, duration } in durations {
        let Ok(id) = spec.parse() else {
            tests.warnings.add(WarningKind::NoName, None, spec);
            continue;
        };
        if let Some(total) = duration.as_f64().and_then(|millis| seconds::micros(millis / 1000.0)) {
            let seen = Observation::new(id, Outcome::Unknown, total);
            tests.add(Observation { unit: UnitKind::File, ..seen }, None);
        } else {
            tests.warnings.add(WarningKind::ImpossibleTime, None, format!("{spec}: {duration}"));
            tests.keep_untimed(id, Outcome::Unknown);
        }
    }
    Ok(tests.finish().0)
}

#[cfg(test)]
mod checks {
    use super::*;
    use crate::time::Micros;

    #[test]
    fn durations_are_milliseconds() {
        let report = read(r#"{"durations": [{"spec": "a.cy.js", "duration": 10050}, {"spec": "b.cy.js", "duration": null}]}"#).unwrap();
        assert_eq!(report.observations.len(), 1);
        assert_eq!(report.observations[0].total, Micros(10_050_000));
        assert_eq!(report.warnings.count(WarningKind::ImpossibleTime), 1);
    }
}
