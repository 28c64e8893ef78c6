//! The tests that take longest.

use std::cmp::Reverse;

use super::Expected;
use crate::history::Observed;
use crate::ids::NodeId;
use crate::time::Micros;

/// A test and what it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct SlowTest {
    /// The test.
    pub test: NodeId,
    /// What it is expected to take.
    pub expected: Micros,
    /// That as a share of what all tests are expected to take.
    pub share: f64,
    /// The median of the times it ran.
    pub median: Micros,
    /// How often it was seen.
    pub seen: usize,
}

/// Returns the tests that are expected to take longest, slowest first. Tests that never ran are none of them.
#[must_use]
pub fn slowest(observed: &Observed, expected: Expected<'_>, most: usize) -> Vec<SlowTest> {
    let ran = |at: &usize| observed.tests[*at].samples.iter().any(super::super::Sample::ran);
    let mut tests: Vec<(Micros, usize)> =
        (0..observed.tests.len()).filter(ran).map(|at| (expected(&observed.tests[at]), at)).collect();
    let all: Micros = tests.iter().map(|(expected, _)| *expected).sum();
    // Equal times keep the order of their ids.
    tests.sort_unstable_by_key(|&(expected, at)| (Reverse(expected), at));
    let slow = |(expected, at): (Micros, usize)| {
        let test = &observed.tests[at];
        SlowTest {
            test: test.test.clone(),
            expected,
            share: if all.0 == 0 { 0.0 } else { expected.0 as f64 / all.0 as f64 },
            median: test.typical_time(),
            seen: test.samples.len(),
        }
    };
    tests.into_iter().take(most).map(slow).collect()
}
