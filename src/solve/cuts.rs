//! Looks for rows that a fractional answer breaks.

use std::collections::BTreeSet;

use super::effort::Effort;
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
    /// How much of it one shard of each column can take.
    room: Vec<u64>,
    /// The largest of these.
    largest: u64,
}

/// The part of an answer that matters: the columns it has, with their counts.
struct Used<'q> {
    columns: Vec<(usize, f64)>,
    question: &'q Question,
}

impl Cut {
    /// Returns the condition as a row over the columns of the question.
    pub(super) fn row(&self, question: &Question) -> Option<Row> {
        row(question, &self.set, self.kind)
    }
}

impl Cuts {
    /// Starts with the sets that matter most often: by requirement, by service, by pairs of services, and all. Which
    /// columns to ask about is still to be said, by [`Self::renew`].
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
                if !set.is_empty() && cuts.sets.len() < MOST_SETS && cuts.known.insert(set.clone()) {
                    cuts.sets.push(KnownSet { set, work: 0, room: Vec::new(), largest: 0 });
                }
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

    /// Asks about the columns of this question from now on.
    pub(super) fn renew(&mut self, question: &Question, effort: &Effort) {
        effort.spend(self.sets.len() * question.columns.len() * (2 + question.classes.len() / 16));
        for known in &mut self.sets {
            known.renew(question);
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
        let mut known = Self { set, work: 0, room: Vec::new(), largest: 0 };
        known.renew(question);
        known
    }

    fn renew(&mut self, question: &Question) {
        question.room_into(&self.set, &mut self.room);
        self.largest = self.room.iter().copied().max().unwrap_or(0);
        self.work = question.work_of(&self.set);
    }
}

impl<'q> Used<'q> {
    fn new(question: &'q Question, solution: &[f64]) -> Self {
        let columns = solution.iter().enumerate().filter(|(_, count)| **count > 1e-9);
        Self { columns: columns.map(|(at, count)| (at, *count)).collect(), question }
    }

    /// Returns how much a row misses, as a share of its right side; not positive where it holds.
    fn missing(&self, known: &KnownSet, kind: Kind) -> f64 {
        let room = self.columns.iter().map(|(at, count)| (known.room[*at], *count));
        missing(known.work, known.largest, room, kind)
    }

    /// Returns the classes that find too little room, if there are any.
    fn overfull(&self) -> Option<ClassSet> {
        self.question.overfull(&self.columns)
    }

    /// Adds and drops single classes as long as the rounded row misses more for it.
    fn climbed(&self, mut set: ClassSet) -> ClassSet {
        let classes = &self.question.classes;
        let Some(lane) = classes.iter().enumerate().find(|(at, _)| set.contains(*at)).map(|(_, c)| c.lane)
        else {
            return set;
        };
        let takes = |column: usize| &self.question.takes[column];
        // The work of the set that each used column may take.
        let mut able: Vec<u64> = self
            .columns
            .iter()
            .map(|(at, _)| set.shared_with(takes(*at)).map(|class| classes[class].demand).sum())
            .collect();
        let mut work = self.question.work_of(&set);
        let worth = |work: u64, able: &dyn Fn(usize) -> u64, set: &ClassSet| {
            // No column has more room than this for any of it.
            let largest = set.shared_with(set).map(|class| classes[class].largest).max().unwrap_or(0);
            let room = self.columns.iter().enumerate().map(|(position, (at, count))| {
                (self.question.columns[*at].capacity.min(able(position)), *count)
            });
            missing(work, largest.min(work), room, Kind::Rounded)
        };
        let mut most = worth(work, &|position| able[position], &set);
        for _ in 0..2 * classes.len() {
            let mut best = None;
            for (at, class) in classes.iter().enumerate().filter(|(_, class)| class.lane == lane) {
                let inside = set.contains(at);
                let changed = |whole: u64| if inside { whole - class.demand } else { whole + class.demand };
                set.flip(at);
                let missing = if set.is_empty() {
                    f64::MIN
                } else {
                    let able = |position: usize| {
                        let (column, _) = self.columns[position];
                        if takes(column).contains(at) { changed(able[position]) } else { able[position] }
                    };
                    worth(changed(work), &able, &set)
                };
                set.flip(at);
                if missing > most + 1e-9 {
                    most = missing;
                    best = Some(at);
                }
            }
            let Some(at) = best else { break };
            let (demand, inside) = (classes[at].demand, set.contains(at));
            let change = |whole: &mut u64| if inside { *whole -= demand } else { *whole += demand };
            change(&mut work);
            for (able, (column, _)) in able.iter_mut().zip(&self.columns) {
                if takes(*column).contains(at) {
                    change(able);
                }
            }
            set.flip(at);
        }
        set
    }
}

/// Returns how much a row over columns with so much room, and counts, misses, as a share of its right side.
fn missing(work: u64, largest: u64, room: impl Iterator<Item = (u64, f64)>, kind: Kind) -> f64 {
    let (cap, needed) = match kind {
        Kind::Room if work > 0 => (work, 1.0),
        Kind::Room => return 0.0,
        Kind::Rounded => match rounded(work, largest) {
            Some((shards, part)) => (part, shards as f64),
            None => return 0.0,
        },
    };
    let share = 1.0 / cap as f64;
    let have: f64 = room.map(|(room, count)| room.min(cap) as f64 * share * count).sum();
    (needed - have) / needed
}
