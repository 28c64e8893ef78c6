//! What a plan must keep within.

use crate::config::{Budget, Origin, Sourced};
use crate::time::Millis;

/// The limits of a plan, each with where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Service containers over all shards.
    pub containers: Option<Sourced<u32>>,
    /// Shards over all lanes.
    pub shards: Option<Sourced<u32>>,
    /// Billed minutes over all jobs of the workflow.
    pub minutes: Option<Sourced<u64>>,
    /// The end of the workflow.
    pub target: Option<Sourced<Millis>>,
}

impl Limits {
    /// How many shards a plan may have when nobody says: the jobs that a free GitHub organisation runs at once.
    /// More would wait for a runner. Who says how many run at once (`slots`) may have as many shards.
    pub const DEFAULT_SHARDS: u32 = 20;

    /// Returns these limits with the manifest's and the default where they say nothing.
    #[must_use]
    pub fn or(self, budget: &Budget) -> Self {
        let slots = budget.slots.as_ref().filter(|slots| slots.value > Self::DEFAULT_SHARDS).cloned();
        let default_shards = || slots.unwrap_or(Sourced::new(Self::DEFAULT_SHARDS, Origin::Default));
        Self {
            containers: self.containers.or_else(|| budget.containers.clone()),
            shards: Some(self.shards.or_else(|| budget.shards.clone()).unwrap_or_else(default_shards)),
            minutes: self.minutes.or_else(|| budget.minutes.clone()),
            target: self.target,
        }
    }
}
