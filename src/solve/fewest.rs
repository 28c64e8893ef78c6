//! The fewest moves in a small problem: every way to put its units on shards is tried.
//!
//! Units go longest first, each first where it was, then onto other shards. A branch ends where more has moved than in
//! the nearest plan so far, or where the plan is no longer good enough: ends, minutes and containers only ever grow.

use super::seats::{Distance, Seats};
use crate::ids::UnitIx;

/// Problems with more units are not searched.
pub(super) const MAX_UNITS: usize = 14;

/// How many partial plans are looked at.
const NODES: u32 = 400_000;

/// Returns a plan that is nearer to the one before than this one, which is good enough; nothing where none was found.
pub(super) fn search<'p>(nearest: &Seats<'p>) -> Option<Seats<'p>> {
    let problem = nearest.problem;
    let mut units: Vec<UnitIx> = problem.units.indices().collect();
    units.sort_by_key(|unit| (std::cmp::Reverse(problem.units[*unit].load), *unit));
    let mut seats = nearest.clone();
    seats.clear();
    let mut search = Search { seats, units, below: nearest.distance(), best: None, nodes: NODES };
    search.visit(0);
    search.best
}

struct Search<'p> {
    seats: Seats<'p>,
    units: Vec<UnitIx>,
    /// How far the nearest plan so far is.
    below: Distance,
    best: Option<Seats<'p>>,
    nodes: u32,
}

impl Search<'_> {
    fn visit(&mut self, depth: usize) {
        let Some(nodes) = self.nodes.checked_sub(1) else { return };
        self.nodes = nodes;
        if !self.seats.fits() || self.seats.distance() >= self.below {
            return;
        }
        let Some(unit) = self.units.get(depth).copied() else {
            if !self.seats.is_good() {
                return;
            }
            self.below = self.seats.distance();
            self.best = Some(self.seats.clone());
            return;
        };
        let home = self.seats.home[unit];
        let lane = self.seats.problem.units[unit].lane;
        let mut tried_new = false;
        let others = (0..self.seats.slots.len()).filter(|slot| Some(*slot) != home);
        for slot in home.into_iter().chain(others) {
            if self.seats.slots[slot].lane != lane {
                continue;
            }
            // Empty shards that nobody left to come calls home are alike.
            if self.seats.slots[slot].units.is_empty()
                && Some(slot) != home
                && !self.units[depth + 1..].iter().any(|other| self.seats.home[*other] == Some(slot))
                && std::mem::replace(&mut tried_new, true)
            {
                continue;
            }
            self.seats.put(unit, slot);
            self.visit(depth + 1);
            self.seats.remove(unit);
        }
    }
}
