//! The sources use a service, and which tests come to it was not seen.
//!
//! # What it checks
//!
//! Calls that open a database of which neither the sources nor the files beside them say which it is, where tests come to
//! them; and services that the sources use and a job starts or the manifest declares, of which no test was seen to need
//! any. Where no test needs anything at all, every service that the sources use is named. A service that is started, or of
//! which the files beside the sources have an address, is named as well where the project depends on what talks to it and
//! nobody is seen to call that: a library of yours may, which is not read.
//!
//! # Why it matters
//!
//! An inventory without needs looks like a project that needs nothing. A plan made of it starts no container, and its
//! tests fail or, worse, skip themselves.
//!
//! # Example
//!
//! ```python
//! engine = create_engine(load_settings().url)  # and nothing says which database that is
//! ```
//!
//! # Remedy
//!
//! Say in the manifest what the tests need, by the fixtures, markers or paths of `[services.NAME]`; where it declares one
//! database alone, that is the one that is opened. A run with `--shardplan-observe` shows it as well.

use crate::audit::context::Context;
use crate::audit::finding::{Finding, Spot};
use crate::audit::registry::NEED_NOT_FOLLOWED;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let seen = |service: &crate::ids::ServiceName| {
        context.inventory.is_some_and(|inventory| {
            inventory.tests.iter().flat_map(|test| &test.needs).any(|need| need.service == *service)
        })
    };
    let declared = |service: &crate::ids::ServiceName| {
        context.config.service(service).is_some_and(|known| {
            !(known.markers.is_empty() && known.fixtures.is_empty() && known.paths.is_empty())
        })
    };
    let unfollowed = context.sources.unfollowed.iter();
    let open = unfollowed
        .filter(|found| !found.service.as_ref().is_some_and(|service| seen(service) || declared(service)));
    open.map(|found| {
        let service = found.service.as_ref().map_or("", |service| service.as_str());
        let identity = format!("{} {} {service}", found.place.file, found.what);
        let spot = if found.by_dependency {
            Spot::Line { file: found.place.file.to_string(), line: found.place.line }
        } else {
            Spot::Source(found.place.clone())
        };
        Finding::new(&NEED_NOT_FOLLOWED, spot, identity, found.said())
    })
    .collect()
}
