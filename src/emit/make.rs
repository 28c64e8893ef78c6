//! `emit make`: a target for every shard that starts only its services with docker compose, then runs it.

use std::fmt::Write as _;

use super::{EmitError, checked, lanes_of};
use crate::plan::Lock;

/// Returns the makefile. All that it takes from the lock are names of letters, digits, `-` and `_`, which neither
/// make nor a shell reads as anything else.
pub fn make(lock: &Lock) -> Result<String, EmitError> {
    checked(lock)?;
    let mut text = String::from(
        "# The shards of shardplan.lock, one target each. Written by `shardplan emit make`; include it or run\n\
         # `make -f shardplan.mk shardplan`. The services are those of the project's compose file.\n\n\
         COMPOSE ?= docker compose\n\
         PYTEST ?= python -m pytest\n",
    );
    let shards: Vec<String> = lock.shards.iter().map(|shard| format!("test-{}", shard.name)).collect();
    let lanes: Vec<String> = lanes_of(lock).iter().map(|(lane, _)| format!("test-lane-{lane}")).collect();
    let _ = write!(text, "\n.PHONY: shardplan {} {}\n", lanes.join(" "), shards.join(" "));
    let _ = write!(text, "\nshardplan: {}\n\tshardplan verify shardplan-results\n", lanes.join(" "));
    for (lane, shards) in lanes_of(lock) {
        let targets: Vec<String> = shards.iter().map(|shard| format!("test-{}", shard.name)).collect();
        let _ = write!(text, "\ntest-lane-{lane}: {}\n", targets.join(" "));
        for shard in shards {
            let _ = write!(text, "\ntest-{}:\n", shard.name);
            if !shard.services.is_empty() {
                let services: Vec<&str> =
                    shard.services.iter().map(crate::ids::ServiceName::as_str).collect();
                let _ = writeln!(text, "\t$(COMPOSE) up --detach --wait {}", services.join(" "));
            }
            let _ = writeln!(text, "\tCOVERAGE_FILE=.coverage.{0} $(PYTEST) --shardplan {0}", shard.name);
        }
    }
    Ok(text)
}
