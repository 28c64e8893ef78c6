//! How many shards of one capacity large units ask for, although all their work together would fit fewer.
//!
//! Two families of bounds for bin packing: L2 (Martello and Toth, "Lower bounds and reduction procedures for the
//! bin packing problem", 1990), which fills up what large units leave only with units that are not too small to
//! matter, and the dual feasible functions u(k) (Fekete and Schepers, "New classes of fast lower bounds for bin
//! packing problems", 2001), which count a unit of over m/(k+1) of a shard as m/k of it.

/// Units smaller than this share of the capacity are left out as fillers of their own: they fill any hole.
const SMALLEST_SHARE: u64 = 60;

/// The largest k of the functions u(k).
const MOST_PARTS: u64 = 12;

/// Returns a number of shards of at most this capacity below which the loads (largest first, none over the
/// capacity) do not fit.
pub(super) fn at_least(loads: &[u64], capacity: u64) -> u32 {
    if capacity == 0 {
        return u32::from(!loads.is_empty());
    }
    let large = loads.partition_point(|load| load.saturating_mul(SMALLEST_SHARE) >= capacity);
    let shards = filled(&loads[..large], capacity).max(stepped(&loads[..large], capacity));
    u32::try_from(shards).unwrap_or(u32::MAX)
}

/// L2 over every smallest load that could matter.
fn filled(loads: &[u64], capacity: u64) -> u64 {
    let halves = loads.partition_point(|load| load.saturating_mul(2) > capacity);
    let mut sums = vec![0u64];
    for load in loads {
        sums.push(sums[sums.len() - 1] + load);
    }
    let sum = |from: usize, to: usize| sums[to] - sums[from];
    let mut most = halves as u64;
    for fillers in halves + 1..=loads.len() {
        let smallest = loads[fillers - 1];
        if loads.get(fillers) == Some(&smallest) {
            continue;
        }
        // Units that leave less than the smallest filler are alone; the others of more than a half leave holes.
        let alone = loads[..halves].partition_point(|load| load + smallest > capacity);
        let holes = (halves - alone) as u64 * capacity - sum(alone, halves);
        let rest = sum(halves, fillers).saturating_sub(holes);
        most = most.max(halves as u64 + rest.div_ceil(capacity));
    }
    most
}

/// The functions u(k).
fn stepped(loads: &[u64], capacity: u64) -> u64 {
    let of = |k: u64| {
        // A load of exactly m/(k+1) counts as it is, one of more as m/k; both in parts of k·(k+1).
        let parts: u64 = loads
            .iter()
            .take_while(|load| load.saturating_mul(k + 1) >= capacity)
            .map(|load| {
                let steps = load * (k + 1) / capacity;
                if (load * (k + 1)).is_multiple_of(capacity) { steps * k } else { steps * (k + 1) }
            })
            .sum();
        parts.div_ceil(k * (k + 1))
    };
    (1..=MOST_PARTS).map(of).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the fewest bins, by trying everything.
    fn fewest(loads: &[u64], bins: &mut Vec<u64>, capacity: u64) -> usize {
        let Some((load, rest)) = loads.split_first() else { return bins.len() };
        let mut best = usize::MAX;
        for at in 0..bins.len() {
            if bins[at] + load <= capacity {
                bins[at] += load;
                best = best.min(fewest(rest, bins, capacity));
                bins[at] -= load;
            }
        }
        bins.push(*load);
        best = best.min(fewest(rest, bins, capacity));
        bins.pop();
        best
    }

    #[test]
    fn three_units_of_over_a_third_do_not_share_a_shard() {
        assert_eq!(at_least(&[40, 40, 40, 40, 40], 100), 3);
    }

    #[test]
    fn holes_that_nothing_fills_are_lost() {
        // Work for 2.4 shards, but 70 + 40 is too much.
        assert_eq!(at_least(&[70, 70, 40, 40], 100), 3);
    }

    proptest! {
        #[test]
        fn no_packing_needs_fewer(mut loads in prop::collection::vec(1u64..100, 1..8), capacity in 100u64..250) {
            loads.sort_unstable_by(|a, b| b.cmp(a));
            let fewest = fewest(&loads, &mut Vec::new(), capacity);
            prop_assert!(at_least(&loads, capacity) as usize <= fewest);
        }
    }
}
