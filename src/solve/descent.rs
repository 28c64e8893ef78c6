//! Good shard counts without a proof: descent over which services each shard starts.
//!
//! For shards that are given, the earliest end at which divisible work fits is found by Newton's method on cuts
//! (Dinkelbach, 1967): as long as some classes of work find too little room, the end moves to where they would. A
//! lane begins with some number of shards that start everything, and one service after another is taken from one
//! of them, the one that delays the end least; every number of containers on the way gets a plan. Lanes are put
//! together by always giving to the one that ends last. Then single services change places.

use super::effort::Effort;
use super::flow::Transport;
use super::master::Counts;
use super::question::Caps;
use crate::ids::{IxVec, LaneIx};
use crate::model::{Problem, ServiceSet};
use crate::time::Millis;

/// How many shards of one lane are tried at the most.
const MOST_SHARDS: usize = 24;

/// One lane: how much work needs what.
struct Work {
    lane: LaneIx,
    /// Each requirement with its load.
    needs: Vec<(ServiceSet, u64)>,
    all: ServiceSet,
    most_shards: usize,
}

/// Shards of one lane, and when divisible work ends on them.
#[derive(Clone, Debug)]
struct Shape {
    shards: Vec<ServiceSet>,
    containers: u32,
    end: Millis,
}

/// Returns shard counts within the caps on containers and shards, good ones where the effort suffices.
pub(super) fn counts(problem: &Problem, caps: Caps, effort: &Effort) -> Option<Counts> {
    let lanes: Vec<Work> = problem.lanes.indices().map(|lane| Work::new(problem, lane)).collect();
    let other_lanes = u32::try_from(lanes.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let curves: Vec<Vec<Shape>> = lanes
        .iter()
        .map(|work| {
            let others: u32 = lanes
                .iter()
                .filter(|other| other.lane != work.lane)
                .map(|other| problem.containers(other.all))
                .sum();
            let most = caps.containers.checked_sub(others)?;
            Some(work.curve(problem, most, caps.shards.saturating_sub(other_lanes), effort))
        })
        .collect::<Option<_>>()?;
    let mut chosen: Vec<usize> = curves.iter().map(|_| 0).collect();
    let used = |chosen: &[usize]| {
        let shapes = || curves.iter().zip(chosen).map(|(curve, at)| &curve[*at]);
        (
            shapes().map(|shape| shape.containers).sum::<u32>(),
            shapes().map(|shape| shape.shards.len()).sum::<usize>(),
        )
    };
    if curves.iter().any(Vec::is_empty) || used(&chosen).0 > caps.containers {
        return None;
    }
    loop {
        let last = (0..curves.len())
            .max_by_key(|lane| (curves[*lane][chosen[*lane]].end, std::cmp::Reverse(*lane)))?;
        let mut next = chosen.clone();
        next[last] += 1;
        if next[last] >= curves[last].len() {
            break;
        }
        let (containers, shards) = used(&next);
        if containers > caps.containers || shards > caps.shards as usize {
            break;
        }
        chosen = next;
    }
    let mut shapes: Vec<Shape> = curves.iter().zip(&chosen).map(|(curve, at)| curve[*at].clone()).collect();
    let spare = caps.containers - used(&chosen).0;
    // What is left over may help the lane that ends last.
    if let Some(last) = (0..shapes.len()).max_by_key(|lane| (shapes[*lane].end, std::cmp::Reverse(*lane))) {
        let most = shapes[last].containers + spare;
        lanes[last].exchange(problem, &mut shapes[last], most, effort);
    }
    let mut shards: IxVec<LaneIx, Vec<ServiceSet>> = problem.lanes.iter().map(|_| Vec::new()).collect();
    for (work, shape) in lanes.iter().zip(shapes) {
        shards[work.lane] = shape.shards;
    }
    Some(Counts { shards, proven: false })
}

impl Work {
    fn new(problem: &Problem, lane: LaneIx) -> Self {
        let mut needs: std::collections::BTreeMap<ServiceSet, u64> = std::collections::BTreeMap::new();
        let mut units = 0;
        for (ix, unit) in problem.units.iter_enumerated().filter(|(_, unit)| unit.lane == lane) {
            *needs.entry(problem.needed(ix)).or_default() += unit.load.0;
            units += 1;
        }
        let all = needs.keys().fold(problem.lanes[lane].services, |all, needs| all.union(*needs));
        let most_shards = units.min(problem.lanes[lane].max_shards as usize).min(MOST_SHARDS);
        Self { lane, needs: needs.into_iter().collect(), all, most_shards }
    }

    /// Returns when divisible work ends on these shards, or nothing where some finds no shard.
    fn end(&self, problem: &Problem, shards: &[ServiceSet], effort: &Effort) -> Option<Millis> {
        let lane = &problem.lanes[self.lane];
        let allowed: Vec<Vec<u32>> = self
            .needs
            .iter()
            .map(|(needs, _)| {
                (0u32..).zip(shards).filter(|(_, shard)| shard.covers(*needs)).map(|(at, _)| at).collect()
            })
            .collect();
        if allowed.iter().any(Vec::is_empty) {
            return None;
        }
        let demand: Vec<u64> = self.needs.iter().map(|(_, load)| *load).collect();
        let overheads: Vec<u64> = shards.iter().map(|shard| problem.overhead(self.lane, *shard).0).collect();
        // The span in which these shards, started at once, work off this load together.
        let span = |load: u64, shards: &[usize]| {
            let overhead: u64 = shards.iter().map(|at| overheads[*at]).sum();
            let run = u64::try_from(u128::from(load) * 1000 / u128::from(lane.speed_on_runner()))
                .unwrap_or(u64::MAX / 4);
            (run + overhead).div_ceil(shards.len().max(1) as u64)
        };
        let everything: Vec<usize> = (0..shards.len()).collect();
        let total = demand.iter().sum();
        let mut end = span(total, &everything);
        let mut transport = Transport::new(allowed.clone(), demand.clone());
        for _ in 0..40 {
            effort.spend(self.needs.len() * shards.len() * 4);
            let room: Vec<u64> = overheads
                .iter()
                .map(|overhead| lane.capacity(Millis(end.saturating_sub(*overhead))).0.min(total))
                .collect();
            let Some(full) = transport.overflow(&room) else { break };
            let load: u64 = full.iter().map(|class| demand[*class]).sum();
            let mut able: Vec<usize> =
                full.iter().flat_map(|class| &allowed[*class]).map(|at| *at as usize).collect();
            able.sort_unstable();
            able.dedup();
            // A shard whose start alone outlasts the end takes no part.
            able.retain(|at| overheads[*at] < end);
            let later = if able.is_empty() { end } else { span(load, &able) };
            end = later.max(end + 1);
        }
        Some(Millis(end) + lane.head + lane.after)
    }

    fn shape(&self, problem: &Problem, shards: Vec<ServiceSet>, effort: &Effort) -> Option<Shape> {
        let end = self.end(problem, &shards, effort)?;
        let containers = shards.iter().map(|shard| problem.containers(*shard)).sum();
        Some(Shape { shards, containers, end })
    }

    /// Returns whether every shard finds room in its runner's memory.
    fn fits_memory(&self, problem: &Problem, shape: &Shape) -> bool {
        shape.shards.iter().all(|services| problem.fits_memory(self.lane, *services))
    }

    /// Returns the best shapes found, with more and more containers, each ending earlier than the one before.
    fn curve(&self, problem: &Problem, most: u32, most_shards: u32, effort: &Effort) -> Vec<Shape> {
        let mut found: Vec<Shape> = Vec::new();
        let most_shards = self.most_shards.min(most_shards as usize);
        for count in 1..=most_shards {
            let Some(mut shape) = self.shape(problem, vec![self.all; count], effort) else { continue };
            // No fewer containers could do with so many shards.
            if found
                .iter()
                .any(|other| other.shards.len() < count && other.end <= shape.end && other.containers <= most)
                && count > 4
                && effort.is_spent()
            {
                break;
            }
            loop {
                if shape.containers <= most && self.fits_memory(problem, &shape) {
                    found.push(shape.clone());
                }
                match self.with_one_less(problem, &shape, effort) {
                    Some(next) if !effort.is_spent() => shape = next,
                    _ => break,
                }
            }
        }
        if found.is_empty() {
            found.extend(
                self.shape(problem, vec![self.all], effort)
                    .filter(|shape| shape.containers <= most && self.fits_memory(problem, shape)),
            );
        }
        found.sort_by_key(|shape| (shape.containers, shape.end, shape.shards.len()));
        let mut curve: Vec<Shape> = Vec::new();
        for shape in found {
            if curve.last().is_none_or(|last| shape.end < last.end) {
                curve.push(shape);
            }
        }
        curve
    }

    /// Returns the shape without one service of one shard: what delays the end least for each container it saves.
    fn with_one_less(&self, problem: &Problem, shape: &Shape, effort: &Effort) -> Option<Shape> {
        let own = problem.lanes[self.lane].services;
        let mut best: Option<Shape> = None;
        for (at, services) in shape.shards.iter().enumerate() {
            if shape.shards[..at].contains(services) {
                continue;
            }
            for service in services.without(own).iter() {
                if effort.is_spent() {
                    return None;
                }
                let mut shards = shape.shards.clone();
                shards[at] = services.without(ServiceSet::from_iter([service]));
                let Some(next) = self.shape(problem, shards, effort) else { continue };
                let delay = |next: &Shape| {
                    let saved = u64::from(shape.containers - next.containers).max(1);
                    (next.end.saturating_sub(shape.end).0 / saved, next.end)
                };
                if best.as_ref().is_none_or(|best| delay(&next) < delay(best)) {
                    best = Some(next);
                }
            }
        }
        best
    }

    /// Takes a service from one shard and gives one to another, as long as that ends earlier.
    fn exchange(&self, problem: &Problem, shape: &mut Shape, most: u32, effort: &Effort) {
        let own = problem.lanes[self.lane].services;
        while !effort.is_spent() {
            let mut best: Option<Shape> = None;
            let mut consider = |shards: Vec<ServiceSet>| {
                let containers: u32 = shards.iter().map(|shard| problem.containers(*shard)).sum();
                if containers <= most
                    && let Some(next) = self.shape(problem, shards, effort)
                    && next.end < best.as_ref().map_or(shape.end, |best| best.end)
                    && self.fits_memory(problem, &next)
                {
                    best = Some(next);
                }
            };
            for (at, services) in shape.shards.iter().enumerate() {
                for service in self.all.without(*services).iter() {
                    if effort.is_spent() {
                        return;
                    }
                    let mut more = shape.shards.clone();
                    more[at].insert(service);
                    consider(more.clone());
                    for (other, services) in shape.shards.iter().enumerate() {
                        for taken in services.without(own).iter() {
                            let mut shards = more.clone();
                            shards[other] = shards[other].without(ServiceSet::from_iter([taken]));
                            consider(shards);
                        }
                    }
                }
            }
            match best {
                Some(next) => *shape = next,
                None => break,
            }
        }
    }
}
