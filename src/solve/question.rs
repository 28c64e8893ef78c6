//! What is asked of the search: configurations, work, and conditions on shard counts.

use super::flow::Transport;
use super::rows::{ClassSet, Row};
use crate::ids::LaneIx;
use crate::model::ServiceSet;

/// The question for one end time: may shard counts do all the work?
#[derive(Clone, Debug, Default)]
pub(super) struct Question {
    /// The configurations that could be useful, with what one shard of each takes and gives, lane by lane.
    pub(super) columns: Vec<Column>,
    /// The work, by who may take it.
    pub(super) classes: Vec<Class>,
    /// For every column the classes that it can take.
    pub(super) takes: Vec<ClassSet>,
    /// Conditions on shard counts that every answer fulfils.
    pub(super) covers: Vec<Cover>,
    /// How many shards make sense in each lane, by position.
    pub(super) most_shards: Vec<u32>,
}

/// A configuration, as seen by one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) lane: LaneIx,
    pub(super) services: ServiceSet,
    pub(super) containers: u32,
    /// What a shard takes before and after its tests, in milliseconds.
    pub(super) overhead: u64,
    /// What it is billed for that time at the price of its runner, in milliseconds of one that costs 1.
    pub(super) billed: u64,
    /// How much load a shard can work off in time, in milliseconds.
    pub(super) capacity: u64,
}

/// Work of one requirement that fits the same configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) lane: LaneIx,
    pub(super) needs: ServiceSet,
    /// The largest overhead that leaves time for each of its units.
    pub(super) slowest: u64,
    /// All its load, in milliseconds.
    pub(super) demand: u64,
    /// The largest capacity of a column that can take it.
    pub(super) largest: u64,
}

/// At least so many shards of a lane start at least these services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cover {
    pub(super) lane: LaneIx,
    pub(super) services: ServiceSet,
    pub(super) shards: u32,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Containers,
    Shards,
    Overhead,
}

/// What an answer may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caps {
    pub(super) containers: u32,
    pub(super) shards: u32,
    /// What all shards together are billed for their overhead.
    pub(super) overhead: u64,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict<T> {
    /// It can be done so.
    Yes(T),
    /// It can not be done: every way was tried or ruled out.
    No,
    /// The search was cut off.
    Unknown,
}

impl<T> Verdict<T> {
    /// Returns the verdict with another answer.
    pub(super) fn map<U>(self, answer: impl FnOnce(T) -> U) -> Verdict<U> {
        match self {
            Self::Yes(found) => Verdict::Yes(answer(found)),
            Self::No => Verdict::No,
            Self::Unknown => Verdict::Unknown,
        }
    }
}

/// Shard counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// A count for every column.
    pub(super) counts: Vec<u32>,
    /// Whether it is proven that there is nothing better. If not, the search for less was cut off.
    pub(super) proven: bool,
}

/// More containers or shards than any plan has.
pub(super) const UNLIMITED: u32 = u32::MAX / 4;

/// More milliseconds than any plan takes.
pub(super) const UNLIMITED_TIME: u64 = u64::MAX / 4;

impl Resource {
    pub(super) const ALL: [Self; 3] = [Self::Containers, Self::Shards, Self::Overhead];
}

impl Column {
    /// Returns what one shard uses.
    pub(super) fn cost(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Containers => self.containers.into(),
            Resource::Shards => 1,
            Resource::Overhead => self.billed,
        }
    }

    /// Returns whether it can take a class of work.
    pub(super) fn takes(&self, class: &Class) -> bool {
        self.lane == class.lane && self.services.covers(class.needs) && self.overhead <= class.slowest
    }
}

impl Caps {
    pub(super) fn of(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Containers => self.containers.into(),
            Resource::Shards => self.shards.into(),
            Resource::Overhead => self.overhead,
        }
    }

    /// Returns whether a cap is worth looking at.
    pub(super) fn limits(&self, resource: Resource) -> bool {
        match resource {
            Resource::Containers => self.containers < UNLIMITED,
            Resource::Shards => self.shards < UNLIMITED,
            Resource::Overhead => self.overhead < UNLIMITED_TIME,
        }
    }
}

impl Question {
    /// Fills in who takes what, once columns and classes are known.
    pub(super) fn linked(mut self) -> Self {
        for class in &mut self.classes {
            class.largest = 0;
        }
        self.takes = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let mut takes = ClassSet::none(self.classes.len());
            for (at, class) in self.classes.iter_mut().enumerate() {
                if column.takes(class) {
                    takes.insert(at);
                    class.largest = class.largest.max(column.capacity);
                }
            }
            self.takes.push(takes);
        }
        self
    }

    /// Returns how much work a set of classes is.
    pub(super) fn work_of(&self, set: &ClassSet) -> u64 {
        set.shared_with(set).map(|class| self.classes[class].demand).sum()
    }

    /// Returns for every column how much of the work of a set of classes one shard can take.
    pub(super) fn room_for(&self, set: &ClassSet) -> Vec<u64> {
        let mut room = Vec::with_capacity(self.columns.len());
        self.room_into(set, &mut room);
        room
    }

    /// Replaces what is there by how much of the work of a set of classes one shard of every column can take.
    pub(super) fn room_into(&self, set: &ClassSet, room: &mut Vec<u64>) {
        room.clear();
        room.extend(self.columns.iter().zip(&self.takes).map(|(column, takes)| {
            // Most shards are full after a few classes.
            let mut able = 0;
            for class in set.shared_with(takes) {
                able += self.classes[class].demand;
                if able >= column.capacity {
                    return column.capacity;
                }
            }
            able
        }));
    }

    /// Returns what the counts use.
    pub(super) fn usage(&self, counts: &[u32], resource: Resource) -> u64 {
        self.columns.iter().zip(counts).map(|(column, count)| column.cost(resource) * u64::from(*count)).sum()
    }

    /// Returns whether work is left that no column can take.
    pub(super) fn is_hopeless(&self) -> bool {
        self.classes.iter().any(|class| class.demand > 0 && class.largest == 0)
            || self
                .covers
                .iter()
                .any(|cover| cover.shards > 0 && !self.columns.iter().any(|column| cover.counts(column)))
    }

    /// Returns nothing where shards, so many of each column, can take all the work; else the classes that find too
    /// little room. A fraction of a shard takes no more than that fraction of any class.
    pub(super) fn overfull(&self, counts: &[(usize, f64)]) -> Option<ClassSet> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        let part = |whole: u64, count: f64| (whole as f64 * count + 1e-3) as u64;
        let able = |class: usize| {
            (0u32..).zip(counts).filter(move |(_, (column, _))| self.takes[*column].contains(class))
        };
        let classes = 0..self.classes.len();
        let allowed = classes.clone().map(|class| able(class).map(|(at, _)| at).collect()).collect();
        let limits = classes
            .map(|class| {
                able(class).map(|(_, (_, count))| part(self.classes[class].demand, *count)).collect()
            })
            .collect();
        let demand = self.classes.iter().map(|class| class.demand).collect();
        let mut transport = Transport::new(allowed, demand).limited(limits);
        let room: Vec<u64> =
            counts.iter().map(|(column, count)| part(self.columns[*column].capacity, *count)).collect();
        let full = transport.overflow(&room)?;
        let mut set = ClassSet::none(self.classes.len());
        for class in full {
            set.insert(class);
        }
        Some(set)
    }

    /// Returns the classes that find too little room on these shards, or nothing where all work fits.
    pub(super) fn overfull_counts(&self, counts: &[u32]) -> Option<ClassSet> {
        let used = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let used: Vec<(usize, f64)> = used.map(|(at, count)| (at, f64::from(*count))).collect();
        self.overfull(&used)
    }

    /// Returns whether the counts keep the caps and the lanes' limits.
    pub(super) fn keeps(&self, counts: &[u32], caps: &Caps) -> bool {
        let of_lane = |lane: usize| -> u32 {
            let of_lane =
                self.columns.iter().zip(counts).filter(|(column, _)| column.lane.0 as usize == lane);
            of_lane.map(|(_, count)| *count).sum()
        };
        Resource::ALL.iter().all(|resource| self.usage(counts, *resource) <= caps.of(*resource))
            && self.most_shards.iter().enumerate().all(|(lane, most)| of_lane(lane) <= *most)
    }

    /// Returns the first condition on shard counts that the counts break.
    pub(super) fn broken_cover(&self, counts: &[u32]) -> Option<&Cover> {
        self.covers.iter().find(|cover| {
            let able = self.columns.iter().zip(counts).filter(|(column, _)| cover.counts(column));
            able.map(|(_, count)| *count).sum::<u32>() < cover.shards
        })
    }

    /// Keeps only some of the columns.
    pub(super) fn keep(&mut self, kept: &[usize]) {
        self.columns = kept.iter().map(|at| self.columns[*at]).collect();
        self.takes = kept.iter().map(|at| self.takes[*at].clone()).collect();
    }
}

impl Cover {
    /// Returns whether a shard of the column counts.
    pub(super) fn counts(&self, column: &Column) -> bool {
        column.lane == self.lane && column.services.covers(self.services)
    }

    /// Returns the condition that at least, or with a negative sign at most, so many shards count.
    pub(super) fn row(&self, columns: &[Column], sign: i64, at_least: i64) -> Row {
        let coefficient = |column: &Column| if self.counts(column) { sign } else { 0 };
        Row::new(columns.iter().map(coefficient).collect(), at_least)
    }
}
