//! What a plan may give up for something else.

use crate::config::{Budget, Origin, Sourced};
use crate::time::Tolerance;

/// How much later than the earliest the workflow may end, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leeway {
    /// So that fewer units move away from where the last lock has them.
    pub tolerance: Sourced<Tolerance>,
    /// So that fewer minutes are billed, and then fewer containers started.
    pub cheapest_within: Option<Sourced<Tolerance>>,
}

impl Leeway {
    /// What is given up for fewer moves when nobody says. Runs of one commit differ by more than one in a hundred, so
    /// nobody sees the difference, while the plan to the millisecond is another one after every run that is ingested.
    pub const DEFAULT_TOLERANCE: Tolerance = Tolerance::Share(10_000);

    /// Returns what is given up by these words, those of the manifest where they say nothing, and the default.
    #[must_use]
    pub fn new(
        tolerance: Option<Sourced<Tolerance>>,
        cheapest_within: Option<Sourced<Tolerance>>,
        budget: &Budget,
    ) -> Self {
        let default = || Sourced::new(Self::DEFAULT_TOLERANCE, Origin::Default);
        Self {
            tolerance: tolerance.or_else(|| budget.tolerance.clone()).unwrap_or_else(default),
            cheapest_within,
        }
    }
}

/// Nothing is given up but what nobody sees.
impl Default for Leeway {
    fn default() -> Self {
        Self::new(None, None, &Budget::default())
    }
}
