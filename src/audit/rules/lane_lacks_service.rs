//! A lane lacks a service that one of its tests needs.
//!
//! # What it checks
//!
//! For every lane that says what its job starts (`today`), the services that its tests need by their sources or by a
//! run, against those that the job starts. Tests with a guard are SP205's matter.
//!
//! # Why it matters
//!
//! The tests fail there, or pass for another reason than they should.
//!
//! # Example
//!
//! ```toml
//! [lanes.unit]
//! paths = ["tests/unit"]
//! today = { services = [], shards = 1 }
//! ```
//!
//! and `tests/unit/test_store.py` opens PostgreSQL.
//!
//! # Remedy
//!
//! Start the service in the lane, move the tests to a lane that has it, or replace the service in them by a stand-in.

use std::collections::BTreeMap;

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::LANE_LACKS_SERVICE;
use crate::ids::ServiceName;
use crate::inventory::Evidence;
use crate::inventory::python::TestFunction;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for tests in context.lanes() {
        let Some(today) = &tests.lane.today else { continue };
        let mut lacking: BTreeMap<&ServiceName, Vec<&TestFunction>> = BTreeMap::new();
        for function in &tests.functions {
            for need in context.firm_needs(function) {
                let fails = !matches!(need.evidence, Evidence::Guard | Evidence::Container);
                if fails
                    && context.config.service(&need.service).is_some()
                    && !today.services.contains(&need.service)
                {
                    lacking.entry(&need.service).or_default().push(function);
                }
            }
        }
        for (service, functions) in lacking {
            let count = crate::report::plural(functions.len(), "test function");
            let need = if functions.len() == 1 { "needs" } else { "need" };
            let message =
                format!("lane `{}` starts no {service} today, and {count} of it {need} it", tests.lane.name);
            let finding = Finding::new(
                &LANE_LACKS_SERVICE,
                context.spot_of(&today.origin),
                format!("{} {service}", tests.lane.name),
                message,
            );
            findings.push(super::with_examples(context, finding, &functions, service));
        }
    }
    for finding in &mut findings {
        debug_assert!(!matches!(finding.spot, Spot::Source(_)), "a lane stands in the manifest");
    }
    findings
}
