//! A lane starts a service that none of its tests needs.
//!
//! # What it checks
//!
//! For every lane, the services that each of its shards starts (`services`) and those that its job starts today
//! (`today`), against what its tests need. A lane with a test that can't be followed is left alone.
//!
//! # Why it matters
//!
//! Every run pulls and boots the container, and it holds memory, for nothing.
//!
//! # Example
//!
//! ```toml
//! [lanes.unit]
//! services = ["elasticsearch"]
//! ```
//!
//! and no test of the lane reaches Elasticsearch.
//!
//! # Remedy
//!
//! Take the service out of the lane.

use crate::audit::context::Context;
use crate::audit::finding::Finding;
use crate::audit::registry::IDLE_SERVICE;
use crate::ids::ServiceName;

pub(in crate::audit) fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for tests in context.lanes() {
        let lane = tests.lane;
        if tests.functions.is_empty() || tests.functions.iter().any(|function| function.opaque) {
            continue;
        }
        let always = lane.services.iter().map(|service| (&service.value, &service.origin));
        let today = lane
            .today
            .iter()
            .filter(|today| today.inside.is_none())
            .flat_map(|today| today.services.iter().map(|service| (service, &today.origin)));
        let mut seen: Vec<&ServiceName> = Vec::new();
        for (service, origin) in always.chain(today) {
            if seen.contains(&service) {
                continue;
            }
            seen.push(service);
            let declared = context.config.service(service);
            // What the manifest says of marks, fixtures and places is somebody's word for the need.
            let said =
                declared.is_some_and(|declared| {
                    tests.functions.iter().any(|function| {
                        declared.markers.iter().any(|marker| {
                            function.marks.iter().any(|mark| mark.name == marker.value.as_str())
                        }) || declared
                            .fixtures
                            .iter()
                            .any(|fixture| function.fixtures.iter().any(|used| used.name == fixture.value))
                            || declared.paths.iter().any(|pattern| {
                                function.id.parse().is_ok_and(|id| pattern.value.matches(&id, &function.file))
                            })
                    })
                });
            let needed = tests.functions.iter().any(|function| {
                function.needs.iter().any(|need| need.service == *service)
                    || context.seen_to_need(function, service)
            });
            let by_other = tests.functions.iter().flat_map(|function| &function.needs).any(|need| {
                context
                    .config
                    .service(&need.service)
                    .is_some_and(|other| other.needs.iter().any(|needed| needed.value == *service))
            });
            if !needed && !said && !by_other {
                let message =
                    format!("lane `{}` starts {service}, and none of its tests needs it", lane.name);
                findings.push(Finding::new(
                    &IDLE_SERVICE,
                    context.spot_of(origin),
                    format!("{} {service}", lane.name),
                    message,
                ));
            }
        }
    }
    findings
}
