//! Lanes that keep the suite's order: their shards are contiguous cuts of it.
//!
//! For an end of the workflow, which cuts need least is a shortest path over the places where the suite can be cut
//! (dynamic programming, exact). A cut that ends before a unit needs no more than one with it, so the fewest
//! containers for a beginning of the suite never fall as that grows; of all cuts that end at a place and start the same
//! services only the longest that is done in time can matter. There are no more of these than services.

use super::SolvedShard;
use super::effort::Effort;
use super::question::Verdict;
use crate::ids::{LaneIx, UnitIx};
use crate::model::{Problem, ServiceSet, SuiteOrder};
use crate::time::Millis;

/// The lanes that keep the order.
pub(super) struct Suites<'p> {
    problem: &'p Problem,
    suites: Vec<Suite>,
}

/// The units of one such lane in order.
struct Suite {
    lane: LaneIx,
    units: Vec<UnitIx>,
    /// The load of the units before each place.
    load_before: Vec<u64>,
    /// The longest piece of 2^n units from each place on.
    pieces: Vec<Vec<Millis>>,
    /// For every unit the first place from which on no two up to it must be apart.
    apart_from: Vec<usize>,
    most_shards: usize,
}

/// The last cut of a beginning of the suite.
#[derive(Clone, Copy)]
struct Cut {
    from: usize,
    containers: u32,
}

/// The best cuts of a suite for an end: what each beginning needs with at most so many shards, by their number.
struct Table {
    /// For at most n + 1 shards, the fewest containers for all units; nothing where so few do not end in time.
    curve: Vec<Option<u32>>,
    /// For at most n + 1 shards and every beginning, the last cut.
    last: Vec<Vec<Option<Cut>>>,
}

impl<'p> Suites<'p> {
    pub(super) fn new(problem: &'p Problem) -> Self {
        let keeps = |lane: &LaneIx| matches!(problem.lanes[*lane].order, SuiteOrder::Keep(_));
        let suites = problem.lanes.indices().filter(keeps).map(|lane| Suite::new(problem, lane));
        let suites = suites.filter(|suite| !suite.units.is_empty()).collect();
        Self { problem, suites }
    }

    /// Returns whether no lane keeps the order.
    pub(super) fn is_empty(&self) -> bool {
        self.suites.is_empty()
    }

    /// Returns whether a lane is one of these.
    pub(super) fn has(&self, lane: LaneIx) -> bool {
        self.suites.iter().any(|suite| suite.lane == lane)
    }

    /// Returns whether two shards of a lane may be joined.
    pub(super) fn may_join(&self, one: &SolvedShard, other: &SolvedShard) -> bool {
        self.suites.iter().filter(|suite| suite.lane == one.lane).all(|suite| {
            let place = |unit: Option<&UnitIx>| unit.and_then(|unit| suite.units.binary_search(unit).ok());
            let ends = |shard: &SolvedShard| {
                Some((place(shard.units.iter().min())?, place(shard.units.iter().max())?))
            };
            match (ends(one), ends(other)) {
                (Some(one), Some(other)) => one.1 + 1 == other.0 || other.1 + 1 == one.0,
                _ => false,
            }
        })
    }

    /// Returns for every lane the fewest shards that end its suite in time, nothing inside where so many as there may be
    /// do not; lanes for which the effort does not suffice are left out.
    pub(super) fn fewest_shards(
        &self,
        end: Millis,
        shards: u32,
        effort: &Effort,
    ) -> Vec<(LaneIx, Option<u32>)> {
        self.suites
            .iter()
            .filter_map(|suite| {
                let most = suite.most_shards.min(shards as usize);
                let table = suite.table(self.problem, end, most, effort)?;
                let fewest = table.curve.iter().position(Option::is_some);
                Some((suite.lane, fewest.and_then(|at| u32::try_from(at + 1).ok())))
            })
            .collect()
    }

    /// Returns whether no cuts end by then with so many containers and shards in these lanes together.
    pub(super) fn refuse(&self, end: Millis, containers: u32, shards: u32, effort: &Effort) -> bool {
        !self.is_empty() && self.choose(end, containers, shards, effort) == Verdict::No
    }

    /// Returns the shards of the earliest cuts with so many containers and shards, which end no earlier than `from`.
    pub(super) fn soonest(
        &self,
        from: Millis,
        containers: u32,
        shards: u32,
        effort: &Effort,
    ) -> Option<Vec<SolvedShard>> {
        let does = |end: u64| matches!(self.choose(Millis(end), containers, shards, effort), Verdict::Yes(_));
        let (mut low, mut high) = (from.0, from.0.max(1_000));
        while !does(high) {
            if high > u64::MAX >> 12 || effort.is_spent() {
                return None;
            }
            low = high + 1;
            high *= 2;
        }
        while low < high && !effort.is_spent() {
            let middle = low + (high - low) / 2;
            if does(middle) { high = middle } else { low = middle + 1 }
        }
        self.cuts(Millis(high), containers, shards, effort)
    }

    /// Returns cuts that end by then within so many containers and shards: the fewest containers, then shards.
    fn cuts(&self, end: Millis, containers: u32, shards: u32, effort: &Effort) -> Option<Vec<SolvedShard>> {
        let Verdict::Yes(chosen) = self.choose(end, containers, shards, effort) else { return None };
        let mut cuts = Vec::new();
        for (suite, count) in self.suites.iter().zip(chosen) {
            let table = suite.table(self.problem, end, count, effort)?;
            cuts.extend(suite.shards(self.problem, &table, count));
        }
        Some(cuts)
    }

    /// Returns how many shards each suite gets for all together to take the fewest containers, where so many of both
    /// suffice.
    fn choose(&self, end: Millis, containers: u32, shards: u32, effort: &Effort) -> Verdict<Vec<usize>> {
        // The fewest containers for at most n shards in the suites so far, and how many each has.
        let mut best: Vec<Option<(u32, Vec<usize>)>> = vec![Some((0, Vec::new()))];
        for suite in &self.suites {
            let most = suite.most_shards.min(shards as usize);
            let Some(Table { curve, .. }) = suite.table(self.problem, end, most, effort) else {
                return Verdict::Unknown;
            };
            let mut next: Vec<Option<(u32, Vec<usize>)>> =
                vec![None; (best.len() + curve.len()).min(shards as usize + 1)];
            for (used, before) in best.iter().enumerate() {
                let Some((taken, counts)) = before else { continue };
                for (at, more) in curve.iter().enumerate() {
                    let Some(slot) = next.get_mut(used + at + 1) else { break };
                    let Some(more) = more else { continue };
                    let total = taken.saturating_add(*more);
                    if slot.as_ref().is_none_or(|(least, _)| total < *least) {
                        let counts = counts.iter().copied().chain([at + 1]).collect();
                        *slot = Some((total, counts));
                    }
                }
            }
            best = next;
        }
        let cheapest =
            best.into_iter().flatten().min_by_key(|(taken, counts)| (*taken, counts.iter().sum::<usize>()));
        match cheapest {
            Some((taken, counts)) if taken <= containers => Verdict::Yes(counts),
            _ => Verdict::No,
        }
    }
}

impl Suite {
    fn new(problem: &Problem, lane: LaneIx) -> Self {
        let units: Vec<UnitIx> =
            problem.units.iter_enumerated().filter(|(_, unit)| unit.lane == lane).map(|(ix, _)| ix).collect();
        let mut load_before = vec![0];
        for unit in &units {
            load_before.push(load_before[load_before.len() - 1] + problem.units[*unit].load.0);
        }
        let mut pieces: Vec<Vec<Millis>> =
            vec![units.iter().map(|unit| problem.units[*unit].piece).collect()];
        while 1 << pieces.len() <= units.len() {
            let half = 1 << (pieces.len() - 1);
            let shorter = &pieces[pieces.len() - 1];
            let longer = (0..=units.len() - 2 * half).map(|at| shorter[at].max(shorter[at + half]));
            pieces.push(longer.collect());
        }
        let mut apart_from = vec![0; units.len()];
        for group in &problem.apart {
            let mut before = None;
            for (at, _) in units.iter().enumerate().filter(|(_, unit)| group.units.contains(unit)) {
                if let Some(before) = before {
                    apart_from[at] = apart_from[at].max(before + 1);
                }
                before = Some(at);
            }
        }
        for at in 1..units.len() {
            apart_from[at] = apart_from[at].max(apart_from[at - 1]);
        }
        let most_shards = units.len().min(problem.lanes[lane].max_shards as usize);
        Self { lane, units, load_before, pieces, apart_from, most_shards }
    }

    /// Returns the longest piece of the units from one place to before another.
    fn piece(&self, from: usize, to: usize) -> Millis {
        let power = (to - from).ilog2() as usize;
        self.pieces[power][from].max(self.pieces[power][to - (1 << power)])
    }

    /// Returns the cuts that can matter, for every place where one ends: where each begins, and its containers.
    fn cuts_by(&self, problem: &Problem, end: Millis) -> Vec<Vec<Cut>> {
        let lane = &problem.lanes[self.lane];
        let span = end.saturating_sub(lane.head + lane.after);
        // The place of the last unit so far that needs each service, the latest first.
        let mut last: Vec<(usize, ServiceSet)> = Vec::new();
        let mut all = Vec::with_capacity(self.units.len());
        for (at, unit) in self.units.iter().enumerate() {
            let needs = problem.units[*unit].requirement.without(lane.services);
            for (_, services) in &mut last {
                *services = services.without(needs);
            }
            last.retain(|(_, services)| !services.is_empty());
            last.insert(0, (at, needs));
            let mut cuts = Vec::new();
            let mut services = lane.services;
            for (rank, (place, more)) in last.iter().enumerate() {
                services = services.union(*more);
                let overhead = problem.overhead(self.lane, services);
                if overhead > span || !problem.fits_memory(self.lane, services) {
                    break;
                }
                // Cuts that begin after the next service's last user, up to this one's, start just these.
                let first = last.get(rank + 1).map_or(0, |(next, _)| next + 1).max(self.apart_from[at]);
                let in_time = |from: usize| {
                    let load = Millis(self.load_before[at + 1] - self.load_before[from]);
                    lane.run(load, self.piece(from, at + 1)) <= span - overhead
                };
                if *place < first || !in_time(*place) {
                    break;
                }
                let (mut low, mut high) = (first, *place);
                while low < high {
                    let middle = low + (high - low) / 2;
                    if in_time(middle) { high = middle } else { low = middle + 1 }
                }
                cuts.push(Cut { from: high, containers: problem.containers(services) });
                if high > first {
                    break;
                }
            }
            all.push(cuts);
        }
        all
    }

    /// Returns the best cuts for an end; nothing where the effort does not suffice.
    fn table(&self, problem: &Problem, end: Millis, most: usize, effort: &Effort) -> Option<Table> {
        let count = self.units.len();
        let cuts = self.cuts_by(problem, end);
        let transitions: usize = cuts.iter().map(Vec::len).sum();
        if !effort.spend(transitions * (20 + most.min(count)) + count * 8) {
            return None;
        }
        let mut table = Table { curve: Vec::new(), last: Vec::new() };
        let mut fewest: Vec<Option<u32>> = vec![None; count + 1];
        fewest[0] = Some(0);
        for _ in 0..most.min(count) {
            let before = fewest.clone();
            let mut last: Vec<Option<Cut>> = vec![None; count + 1];
            for (at, cuts) in cuts.iter().enumerate() {
                for cut in cuts {
                    let Some(taken) = before[cut.from] else { continue };
                    let total = taken.saturating_add(cut.containers);
                    if fewest[at + 1].is_none_or(|least| total < least) {
                        fewest[at + 1] = Some(total);
                        last[at + 1] = Some(*cut);
                    }
                }
            }
            table.curve.push(fewest[count]);
            table.last.push(last);
            if fewest == before {
                break;
            }
        }
        Some(table)
    }

    /// Returns the shards of the best cuts with at most so many of them.
    fn shards(&self, problem: &Problem, table: &Table, most: usize) -> Vec<SolvedShard> {
        let mut shards = Vec::new();
        let (mut to, mut layer) = (self.units.len(), most.min(table.last.len()));
        while to > 0 && layer > 0 {
            layer -= 1;
            // A beginning that more shards did not help was cut the same way with fewer.
            let Some(cut) = table.last[layer][to] else { continue };
            let units = self.units[cut.from..to].to_vec();
            let services = units
                .iter()
                .fold(problem.lanes[self.lane].services, |all, unit| all.union(problem.needed(*unit)));
            shards.push(SolvedShard { lane: self.lane, services, units });
            to = cut.from;
        }
        shards.reverse();
        shards
    }
}
