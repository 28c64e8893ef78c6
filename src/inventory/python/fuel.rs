//! How long one name is followed.

use std::cell::Cell;

/// How many steps one name may take in all; what branches at every step would else take for ever.
const MAX_FUEL: u32 = 4_000;

thread_local! {
    static FUEL: Cell<u32> = const { Cell::new(MAX_FUEL) };
}

/// Takes a step of one name's fuel; nothing where it is spent.
pub(super) fn burn() -> Option<()> {
    FUEL.get().checked_sub(1).map(|left| FUEL.set(left))
}

/// Starts with a new name.
pub(super) fn refuel() {
    FUEL.set(MAX_FUEL);
}

/// Returns what something comes to that takes up names of its own, without what is left for the name at hand.
pub(super) fn with_fuel_kept<T>(search: impl FnOnce() -> T) -> T {
    let fuel = FUEL.replace(MAX_FUEL);
    let found = search();
    FUEL.set(fuel);
    found
}
