//! What people ask the history, each answered once for every way to print it.
//!
//! What a test is expected to take is for `estimate` to say; the views that show it are handed it.

mod extent;
mod flaky;
mod overview;
mod runs;
mod show;
mod skipped;
mod slowest;
mod stale;
mod trend;

pub use extent::{gone, is_named, latest_full_runs, latest_runs};
pub use flaky::{FlakyTest, flaky};
pub use overview::{Overview, RunsOfLane};
pub use runs::{RunLine, runs};
pub use show::{Execution, Shown, show};
pub use skipped::{SkippedTest, skipped};
pub use slowest::{SlowTest, slowest};
pub use stale::{Stale, StaleLane, StaleTest, stale};
pub use trend::{Change, LaneRun, Trend, trend};

use super::TestHistory;
use crate::time::Micros;

/// Says what a test is expected to take.
pub type Expected<'e> = &'e dyn Fn(&TestHistory) -> Micros;

/// Returns the middle of the times, the mean of the middle two where their number is even.
pub(super) fn median(times: impl Iterator<Item = Micros>) -> Option<Micros> {
    let mut times: Vec<Micros> = times.collect();
    times.sort_unstable();
    let upper = *times.get(times.len() / 2)?;
    if times.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = times[times.len() / 2 - 1];
    Some(Micros(lower.0.midpoint(upper.0)))
}
