//! An autouse fixture drags a service into tests that do not ask for it.
//!
//! # What it checks
//!
//! Fixtures with `autouse=True` that reach a service, and the tests that need the service only because of them.
//!
//! # Why it matters
//!
//! Every test in the fixture's reach needs the container, so none of them can go to a lane without it.
//!
//! # Example
//!
//! ```python
//! @pytest.fixture(autouse=True)
//! def clean_database():
//!     psycopg.connect(DSN).execute("truncate carts")
//! ```
//!
//! # Remedy
//!
//! Let the tests that need it ask for it, or move the fixture to the conftest file of their folder.

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::DRAGGING_AUTOUSE;
use crate::inventory::Evidence;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for fixture in
        context.sources.fixtures.iter().filter(|fixture| fixture.autouse && fixture.only_reason > 0)
    {
        for need in fixture.needs.iter().filter(|need| need.evidence < Evidence::Variable) {
            let users = crate::report::plural(fixture.users, "test function");
            let message = format!(
                "the autouse fixture `{}` brings {} into {users}; {} of them need it for nothing else",
                fixture.name, need.service, fixture.only_reason
            );
            let identity = format!("{} {} {}", fixture.place.file, fixture.name, need.service);
            let finding =
                Finding::new(&DRAGGING_AUTOUSE, Spot::Source(fixture.place.clone()), identity, message);
            findings.push(super::with_way(finding, need));
        }
    }
    findings
}
