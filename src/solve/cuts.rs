//! Looks for rows that a fractional answer breaks.

use std::collections::BTreeSet;

use super::question::Question;
use super::rows::{ClassSet, Kind, Row, rounded, row};
use crate::ids::LaneIx;
use crate::model::ServiceSet;

/// By how much a row must be broken, as a share of its right side.
const BROKEN: f64 = 1e-7;

/// How many rows are added at once.
const ROWS_AT_ONCE: usize = 12;

/// How many sets of classes are kept in mind.
const MOST_SETS: usize = 800;

/// How many sets are improved class by class.
const MOST_CLIMBS: usize = 12;

/// Sets of classes whose work may find no room.
#[derive(Clone, Debug)]
pub(super) struct Cuts {
    sets: Vec<KnownSet>,
    known: BTreeSet<ClassSet>,
}

/// A condition on the work of a set of classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    set: ClassSet,
    kind: Kind,
}

/// A set of classes with what follows from it alone.
#[derive(Clone, Debug)]
struct KnownSet {
    set: ClassSet,
    work: u64,
    /// The largest capacity of a column that can take any of it.
    largest: u64,
}

/// The part of an answer that matters: the columns it has, with capacity and count.
struct Used<'q> {
    columns: Vec<(usize, u64, f64)>,
    question: &'q Question,
}

impl Cut {
    /// Returns the condition as a row over the columns of the question.
    pub(super) fn row(&self, question: &Question) -> Option<Row> {
        row(question, &self.set, self.kind)
    }
}

impl Cuts {
    /// Starts with the sets that matter most often: by requirement, by service, by pairs of services, and all.
    pub(super) fn new(question: &Question) -> Self {
        let mut cuts = Self { sets: Vec::new(), known: BTreeSet::new() };
        for lane in (0u32..).zip(&question.most_shards).map(|(lane, _)| LaneIx(lane)) {
            let of_lane = || question.classes.iter().filter(|class| class.lane == lane);
            let all = of_lane().fold(ServiceSet::EMPTY, |all, class| all.union(class.needs));
            let mut add = |belongs: &dyn Fn(ServiceSet) -> bool| {
                let mut set = ClassSet::none(question.classes.len());
                for (at, class) in question.classes.iter().enumerate() {
                    if class.lane == lane && belongs(class.needs) {
                        set.insert(at);
                    }
                }
                cuts.learn(question, set);
            };
            add(&|_| true);
            for service in all.iter() {
                add(&|needs| needs.contains(service));
            }
            for class in of_lane() {
                add(&|needs| needs.covers(class.needs));
            }
            for one in all.iter() {
                for other in all.iter().filter(|other| *other > one) {
                    add(&|needs| needs.contains(one) && needs.contains(other));
                    add(&|needs| needs.contains(one) || needs.contains(other));
                }
            }
        }
        cuts
    }

    /// Keeps a set in mind.
    fn learn(&mut self, question: &Question, set: ClassSet) {
        if !set.is_empty() && self.sets.len() < MOST_SETS && self.known.insert(set.clone()) {
            self.sets.push(KnownSet::new(question, set));
        }
    }

    /// Returns about how much work [`Self::broken_by`] is.
    pub(super) fn cost(&self, solution: &[f64]) -> usize {
        self.sets.len() * 40 + solution.len()
    }

    /// Returns the rows that counts break most; those of sets that are not known yet are only looked for when the
    /// known ones hold, and thoroughly only when asked.
    pub(super) fn broken_by(&mut self, question: &Question, solution: &[f64], thoroughly: bool) -> Vec<Cut> {
        let used = Used::new(question, solution);
        let mut broken = self.known_broken(&used);
        if broken.is_empty() {
            if let Some(full) = used.overfull() {
                self.learn(question, used.climbed(full.clone()));
                self.learn(question, full);
            }
            if thoroughly {
                let mut near: Vec<(f64, &ClassSet)> =
                    self.sets.iter().map(|sized| (used.missing(sized, Kind::Rounded), &sized.set)).collect();
                near.sort_by(|a, b| b.0.total_cmp(&a.0));
                let climbed: Vec<ClassSet> =
                    near.into_iter().take(MOST_CLIMBS).map(|(_, set)| used.climbed(set.clone())).collect();
                for set in climbed {
                    self.learn(question, set);
                }
            }
            broken = self.known_broken(&used);
        }
        broken.sort_by(|a, b| b.0.total_cmp(&a.0));
        broken.truncate(ROWS_AT_ONCE);
        broken.into_iter().map(|(_, set, kind)| Cut { set: self.sets[set].set.clone(), kind }).collect()
    }

    fn known_broken(&self, used: &Used<'_>) -> Vec<(f64, usize, Kind)> {
        let mut broken = Vec::new();
        for (at, set) in self.sets.iter().enumerate() {
            let worst = [Kind::Rounded, Kind::Room]
                .into_iter()
                .map(|kind| (used.missing(set, kind), at, kind))
                .find(|(missing, ..)| *missing > BROKEN);
            broken.extend(worst);
        }
        broken
    }
}

impl KnownSet {
    fn new(question: &Question, set: ClassSet) -> Self {
        let (work, largest) = question.work_and_largest(&set);
        Self { set, work, largest }
    }
}

impl<'q> Used<'q> {
    fn new(question: &'q Question, solution: &[f64]) -> Self {
        let columns = solution.iter().enumerate().filter(|(_, count)| **count > 1e-9);
        let columns = columns.map(|(at, count)| (at, question.columns[at].capacity, *count)).collect();
        Self { columns, question }
    }

    /// Returns how much a row misses, as a share of its right side; not positive where it holds.
    fn missing(&self, sized: &KnownSet, kind: Kind) -> f64 {
        let KnownSet { set, work, largest } = sized;
        let (work, largest) = (*work, *largest);
        let (cap, needed) = match kind {
            Kind::Room if work > 0 => (work, 1.0),
            Kind::Room => return 0.0,
            Kind::Rounded => match rounded(work, largest) {
                Some((shards, part)) => (part, shards as f64),
                None => return 0.0,
            },
        };
        let cap_share = 1.0 / cap as f64;
        let have: f64 = self
            .columns
            .iter()
            .filter(|(at, ..)| self.question.takes[*at].meets(set))
            .map(|(_, capacity, count)| (*capacity).min(cap) as f64 * cap_share * count)
            .sum();
        (needed - have) / needed
    }

    /// Returns the classes that find too little room, if there are any.
    fn overfull(&self) -> Option<ClassSet> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both are small")]
        let room =
            |(at, capacity, count): &(usize, u64, f64)| (*at, (*capacity as f64 * count + 1e-3) as u64);
        let capacity: Vec<(usize, u64)> = self.columns.iter().map(room).collect();
        self.question.overfull(&capacity)
    }

    /// Adds and drops single classes as long as the rounded row misses more for it.
    fn climbed(&self, mut set: ClassSet) -> ClassSet {
        let lane =
            self.question.classes.iter().enumerate().find(|(at, _)| set.contains(*at)).map(|(_, c)| c.lane);
        let missing =
            |set: &ClassSet| self.missing(&KnownSet::new(self.question, set.clone()), Kind::Rounded);
        let mut most = missing(&set);
        for _ in 0..2 * self.question.classes.len() {
            let mut best = None;
            for (at, class) in self.question.classes.iter().enumerate() {
                if Some(class.lane) != lane {
                    continue;
                }
                set.flip(at);
                let missing = if set.is_empty() { f64::MIN } else { missing(&set) };
                set.flip(at);
                if missing > most + 1e-9 {
                    most = missing;
                    best = Some(at);
                }
            }
            match best {
                Some(at) => set.flip(at),
                None => break,
            }
        }
        set
    }
}
