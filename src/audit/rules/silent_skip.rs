//! A guarded test is in a lane that does not start what its guard looks for.
//!
//! # What it checks
//!
//! Tests that skip themselves when a service is not there (`skipif(not reachable())`, `pytest.skip` in a fixture),
//! in a lane whose job, by `today`, does not start that service.
//!
//! # Why it matters
//!
//! The test is skipped in every run: green and silent. This is how a misrouted test stays unseen.
//!
//! # Example
//!
//! ```python
//! pytestmark = pytest.mark.skipif(not postgres_reachable(), reason="no database")
//! ```
//!
//! in a file of a lane without PostgreSQL.
//!
//! # Remedy
//!
//! Move the test to a lane that starts the service. In CI let the guard fail instead of skip.

use std::collections::BTreeMap;

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::SILENT_SKIP;
use crate::ids::ServiceName;
use crate::inventory::Evidence;
use crate::inventory::python::TestFunction;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for tests in context.lanes() {
        let Some(today) = &tests.lane.today else { continue };
        let mut skipped: BTreeMap<&ServiceName, Vec<&TestFunction>> = BTreeMap::new();
        for function in &tests.functions {
            for need in &function.needs {
                if need.evidence == Evidence::Guard
                    && context.config.service(&need.service).is_some()
                    && !today.services.contains(&need.service)
                {
                    skipped.entry(&need.service).or_default().push(function);
                }
            }
        }
        for (service, functions) in skipped {
            let count = crate::report::plural(functions.len(), "test function");
            let skip = if functions.len() == 1 { "skips itself" } else { "skip themselves" };
            let message = format!(
                "lane `{}` starts no {service} today, and {count} of it {skip} without it",
                tests.lane.name
            );
            let finding = Finding::new(
                &SILENT_SKIP,
                context.spot_of(&today.origin),
                format!("{} {service}", tests.lane.name),
                message,
            );
            findings.push(super::with_examples(context, finding, &functions, service));
        }
    }
    findings
}
