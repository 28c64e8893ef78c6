//! How much work a question may take, counted and never timed, so that every machine gives up at the same place.

use std::cell::Cell;

/// What is left of an allowance. One unit is about one operation of an inner loop; a thousand million are some
/// seconds.
#[derive(Debug)]
pub struct Effort(Cell<u64>);

impl Effort {
    /// What one command may spend; half of it goes to its first answer.
    pub const COMMAND: u64 = 24_000_000_000;

    /// Returns an allowance.
    #[must_use]
    pub const fn new(units: u64) -> Self {
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

    /// Keeps all but a share of what is left back, to be given back later.
    pub(super) fn keep_back(&self, parts: u64) -> u64 {
        let part = self.left() / parts.max(1);
        let kept = self.left() - part;
        self.0.set(part);
        kept
    }

    /// Takes from the allowance.
    pub(super) fn take(&self, units: u64) {
        self.0.set(self.left().saturating_sub(units));
    }

    /// Gives back what was kept back.
    pub(super) fn give_back(&self, kept: u64) {
        self.0.set(self.left() + kept);
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
