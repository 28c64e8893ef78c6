//! How much work a question may take, counted and never timed, so that every machine gives up at the same place.

use std::cell::Cell;

/// What is left of an allowance. One unit is about one operation of an inner loop; a thousand million are some
/// seconds.
#[derive(Debug)]
pub(super) struct Effort(Cell<u64>);

impl Effort {
    /// What one command may spend on its main answer.
    pub(super) const COMMAND: u64 = 6_000_000_000;

    /// Returns an allowance.
    #[must_use]
    pub(super) const fn new(units: u64) -> Self {
        Self(Cell::new(units))
    }

    /// Returns how much is left.
    pub(super) fn left(&self) -> u64 {
        self.0.get()
    }

    /// Gives a share of what is left to one question, and takes what that question spent.
    pub(super) fn share<T>(&self, parts: u64, ask: impl FnOnce(&Self) -> T) -> T {
        let given = self.left() / parts.max(1);
        let part = Self::new(given);
        let answer = ask(&part);
        self.0.set(self.left() - (given - part.left()));
        answer
    }

    /// Takes from the allowance; returns whether it sufficed.
    pub(super) fn spend(&self, units: usize) -> bool {
        let left = self.0.get().checked_sub(units as u64);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Returns whether nothing is left.
    #[must_use]
    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}
