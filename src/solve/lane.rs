//! One lane as the master sees it: its configurations, and what must be done by when.

use std::collections::{BTreeMap, BTreeSet};

use num_integer::Integer;

use super::packing;
use super::question::{Class, Column, Cover, Question};
use crate::ids::{LaneIx, UnitIx};
use crate::model::{LaneModel, Problem, ServiceSet};
use crate::time::Millis;

/// By how much the work of one requirement is divided at the most, by what its units fit.
const MOST_GROUPS: usize = 6;

/// How many unions are made at the most, and how many different ones: enough for 16 services in whatever combinations.
const UNIONS_MADE: usize = 3_000_000;
const MOST_UNIONS: usize = 1 << 16;

/// One lane, with everything that does not depend on the end time.
pub(super) struct LaneView {
    lane: LaneIx,
    /// Those with the least overhead first.
    configurations: Vec<Configuration>,
    requirements: Vec<Requirement>,
    shapes: Vec<Shape>,
    /// All its load.
    pub(super) work: Millis,
    /// How many shards can make sense: its limit, and one for each unit.
    pub(super) max_shards: u32,
}

struct Configuration {
    services: ServiceSet,
    containers: u32,
    overhead: Millis,
    /// Whatever its shards hold, their load is a multiple of this.
    step: u64,
}

/// The units of one requirement.
struct Requirement {
    needs: ServiceSet,
    /// The overheads of the configurations that cover it, the least first, each once.
    overheads: Vec<Millis>,
    /// How long each unit takes alone, longest first.
    alone: Vec<Millis>,
    /// The load of the first n units in that order.
    load_before: Vec<u64>,
}

/// A condition on shard counts before the end time is known.
struct Shape {
    services: ServiceSet,
    /// The least overhead with these services.
    overhead: Millis,
    /// The loads of the units that need at least these services, largest first.
    loads: Vec<u64>,
    /// Each of these loads is a multiple of this.
    step: u64,
    /// How many shards apart-groups ask for.
    apart: u32,
}

impl LaneView {
    /// Returns the view of a lane; nothing where its requirements have too many unions to list.
    pub(super) fn new(problem: &Problem, lane: LaneIx) -> Option<Self> {
        let units: Vec<UnitIx> =
            problem.units.iter_enumerated().filter(|(_, unit)| unit.lane == lane).map(|(ix, _)| ix).collect();
        let needs: BTreeSet<ServiceSet> = units.iter().map(|ix| problem.needed(*ix)).collect();
        let model = &problem.lanes[lane];
        let mut members: BTreeMap<ServiceSet, Vec<(Millis, u64)>> = BTreeMap::new();
        for ix in &units {
            let (unit, needs) = (&problem.units[*ix], problem.needed(*ix));
            members.entry(needs).or_default().push((model.run(unit.load, unit.piece), unit.load.0));
        }
        let step_of = |(needs, members): (&ServiceSet, &Vec<(Millis, u64)>)| {
            (*needs, greatest_common_divisor(members.iter().map(|(_, load)| *load)))
        };
        let steps: Vec<(ServiceSet, u64)> = members.iter().map(step_of).collect();
        let mut configurations: Vec<Configuration> = unions(&needs)?
            .into_iter()
            .filter(|services| problem.fits_memory(lane, *services))
            .map(|services| {
                let held = steps.iter().filter(|(needs, _)| services.covers(*needs));
                Configuration {
                    services,
                    containers: problem.containers(services),
                    overhead: problem.overhead(lane, services),
                    step: greatest_common_divisor(held.map(|(_, step)| *step)),
                }
            })
            .collect();
        configurations.sort_by_key(|c| (c.overhead, c.containers, c.services));
        let requirements = members
            .into_iter()
            .map(|(needs, mut members)| {
                members.sort_unstable_by(|a, b| b.cmp(a));
                let mut load_before = vec![0];
                for (_, load) in &members {
                    load_before.push(load_before[load_before.len() - 1] + load);
                }
                let covering = configurations.iter().filter(|c| c.services.covers(needs));
                let mut overheads: Vec<Millis> = covering.map(|c| c.overhead).collect();
                overheads.dedup();
                let alone = members.into_iter().map(|(alone, _)| alone).collect();
                Requirement { needs, overheads, alone, load_before }
            })
            .collect();

        let mut keys = needs.clone();
        keys.insert(model.services);
        for needs in &needs {
            keys.extend(needs.iter().map(|service| ServiceSet::from_iter([service])));
        }
        let shapes = keys
            .into_iter()
            .filter_map(|services| {
                let inside = |ix: &UnitIx| problem.needed(*ix).covers(services);
                let mut loads: Vec<u64> =
                    units.iter().copied().filter(inside).map(|ix| problem.units[ix].load.0).collect();
                loads.sort_unstable_by(|a, b| b.cmp(a));
                let apart = problem.apart.iter().map(|group| {
                    group.units.iter().filter(|ix| problem.units[**ix].lane == lane && inside(ix)).count()
                });
                let apart = u32::try_from(apart.max().unwrap_or(0)).unwrap_or(u32::MAX);
                let overhead = configurations.iter().find(|c| c.services.covers(services))?.overhead;
                let step = greatest_common_divisor(loads.iter().copied());
                (!loads.is_empty()).then_some(Shape { services, overhead, loads, step, apart })
            })
            .collect();
        let work = units.iter().map(|ix| problem.units[*ix].load).sum();
        let max_shards = model.max_shards.min(u32::try_from(units.len()).unwrap_or(u32::MAX));
        Some(Self { lane, configurations, requirements, shapes, work, max_shards })
    }

    /// Returns how many configurations it has.
    pub(super) fn configurations(&self) -> usize {
        self.configurations.len()
    }

    pub(super) fn model<'p>(&self, problem: &'p Problem) -> &'p LaneModel {
        &problem.lanes[self.lane]
    }

    /// Adds what is asked of the lane for an end of the workflow.
    pub(super) fn ask(&self, problem: &Problem, end: Millis, question: &mut Question) {
        let model = self.model(problem);
        let span = end.saturating_sub(model.head + model.after);
        // No more than all the work is ever used, and sums stay far from overflow; nor is what is left over of the last
        // step, as loads are never cut.
        let capacity = |overhead: Millis, step: u64| {
            let room = model.capacity(span - overhead).min(self.work).0;
            room - room.checked_rem(step).unwrap_or(0)
        };
        let usable = self.configurations.partition_point(|configuration| configuration.overhead <= span);
        question.columns.extend(self.configurations[..usable].iter().map(|configuration| Column {
            lane: self.lane,
            services: configuration.services,
            containers: configuration.containers,
            overhead: configuration.overhead.0,
            billed: problem.at_price(self.lane, configuration.overhead).0,
            capacity: capacity(configuration.overhead, configuration.step),
        }));
        self.ask_work(problem, end, question);
        question.covers.extend(self.shapes.iter().map(|shape| {
            let largest = if shape.overhead <= span { capacity(shape.overhead, shape.step) } else { 0 };
            Cover {
                lane: self.lane,
                services: shape.services,
                shards: shape.apart.max(1).max(packing::at_least(&shape.loads, largest)),
            }
        }));
        question.most_shards.push(self.max_shards);
    }

    /// Adds the work of the lane alone, by who may take it.
    pub(super) fn ask_work(&self, problem: &Problem, end: Millis, question: &mut Question) {
        let model = self.model(problem);
        let span = end.saturating_sub(model.head + model.after);
        for requirement in &self.requirements {
            let usable = requirement.overheads.partition_point(|overhead| *overhead <= span);
            // The longest units fit only what has least overhead. They come first; where there are too many
            // kinds, the last are taken to fit everything.
            let units = requirement.alone.len();
            let (mut from, mut groups) = (0, 0);
            while from < units && usable > 0 {
                // The largest overhead that leaves time for the longest unit, and the units for which it is the last.
                let longest = requirement.alone[from];
                let fitting =
                    requirement.overheads[..usable].partition_point(|overhead| *overhead + longest <= span);
                let at = fitting.max(1) - 1;
                let is_last = groups + 1 == MOST_GROUPS;
                let to = if at + 1 == usable || is_last {
                    units
                } else {
                    let next = span - requirement.overheads[at + 1];
                    requirement.alone.partition_point(|alone| *alone > next)
                };
                question.classes.push(Class {
                    lane: self.lane,
                    needs: requirement.needs,
                    slowest: if is_last { u64::MAX } else { requirement.overheads[at].0 },
                    demand: requirement.load_before[to] - requirement.load_before[from],
                    largest: 0,
                });
                groups += 1;
                from = to;
            }
        }
    }
}

/// Returns the greatest number of which all these are multiples; zero where all are zero.
fn greatest_common_divisor(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, |all, number| all.gcd(&number))
}

/// Returns every union of some of these sets; nothing where finding them all is too much work.
fn unions(sets: &BTreeSet<ServiceSet>) -> Option<BTreeSet<ServiceSet>> {
    let mut unions: BTreeSet<ServiceSet> = BTreeSet::new();
    let mut made = 0;
    for set in sets {
        made += unions.len();
        if made > UNIONS_MADE || unions.len() > MOST_UNIONS {
            return None;
        }
        let with: Vec<ServiceSet> = unions.iter().map(|union| union.union(*set)).collect();
        unions.extend(with);
        unions.insert(*set);
    }
    Some(unions)
}
