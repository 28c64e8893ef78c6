//! The ids of a test differ from run to run.
//!
//! # What it checks
//!
//! Values of `parametrize` and of fixtures' `params` that show in the id and are made of the time, a fresh uuid, a random
//! value, a memory address, or the order of a set.
//!
//! # Why it matters
//!
//! A plan names tests by their ids. Such a test is unknown in every run; under xdist the workers' collections differ
//! and nothing runs.
//!
//! # Example
//!
//! ```python
//! @pytest.mark.parametrize("key", [str(uuid.uuid4()) for _ in range(3)])
//! ```
//!
//! # Remedy
//!
//! Give the values fixed ids: `ids=["first", "second", "third"]`, or sort the set.

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::UNSTABLE_IDS;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for function in &context.sources.functions {
        if let Some((place, why)) = &function.unstable {
            let message =
                format!("the ids of `{}` differ from run to run: {why} is part of them", function.name);
            findings.push(Finding::new(
                &UNSTABLE_IDS,
                Spot::Source(place.clone()),
                function.id.clone(),
                message,
            ));
        }
    }
    findings
}
