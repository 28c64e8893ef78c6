//! Shard counts of all lanes that keep the limits together.
//!
//! Lanes share only the limits. Of every lane those counts are tried that no others beat in shards, containers
//! and, where billed time is limited, overhead: whatever fits beside others fits beside these. The lane with most
//! configurations comes last, as there a single search for what is left over is enough.

use super::master::Goal;
use super::search::{Caps, Least, Question, UNLIMITED_TIME, Use, Verdict};
use crate::ids::{IxVec, LaneIx};
use crate::model::ServiceSet;

/// For every lane, the services of each shard.
type ShardsOfLanes = IxVec<LaneIx, Vec<ServiceSet>>;

/// The search for the counts of all lanes.
pub(super) struct Combination {
    questions: IxVec<LaneIx, Question>,
    /// How many shards make sense in each lane.
    most_shards: IxVec<LaneIx, u32>,
    /// What every lane takes at the least, of each limit by itself.
    floors: IxVec<LaneIx, Use>,
    /// The lanes, those with few configurations first.
    order: Vec<LaneIx>,
    goal: Goal,
    chosen: IxVec<LaneIx, Vec<u32>>,
}

impl Combination {
    /// Returns the search, or nothing where the lanes' floors already break the caps.
    pub(super) fn new(
        mut questions: IxVec<LaneIx, Question>,
        most_shards: IxVec<LaneIx, u32>,
        caps: Caps,
        goal: Goal,
    ) -> Option<Self> {
        let floor = |(question, most): (&mut Question, &u32)| {
            question.floor(Caps { shards: caps.shards.min(*most), ..caps })
        };
        let floors = questions.iter_mut().zip(most_shards.iter()).map(floor).collect::<Option<_>>()?;
        let mut order: Vec<LaneIx> = questions.indices().collect();
        order.sort_by_key(|lane| (questions[*lane].columns.len(), *lane));
        let chosen = questions.iter().map(|_| Vec::new()).collect();
        Some(Self { questions, most_shards, floors, order, goal, chosen })
    }

    /// Returns counts within the caps with as few containers as there can be.
    pub(super) fn with_fewest_containers(&mut self, mut caps: Caps) -> Verdict<ShardsOfLanes> {
        let mut best = match self.within(caps) {
            Verdict::Yes(shards) => shards,
            other => return other,
        };
        while let Some(fewer) = self.containers().checked_sub(1) {
            caps.containers = fewer;
            match self.within(caps) {
                Verdict::Yes(shards) => best = shards,
                Verdict::No | Verdict::Unknown => break,
            }
        }
        Verdict::Yes(best)
    }

    /// Returns counts within the caps.
    pub(super) fn within(&mut self, caps: Caps) -> Verdict<ShardsOfLanes> {
        self.choose_from(0, caps).map(|()| {
            let lanes = self.questions.iter().zip(self.chosen.iter());
            lanes
                .map(|(question, counts)| {
                    let columns = question.columns.iter().zip(counts);
                    columns
                        .flat_map(|(column, count)| std::iter::repeat_n(column.services, *count as usize))
                        .collect()
                })
                .collect()
        })
    }

    fn containers(&self) -> u32 {
        let lanes = self.questions.iter().zip(self.chosen.iter());
        lanes.map(|(question, counts)| question.usage(counts).containers).sum()
    }

    /// Chooses the counts of the lanes from this position on.
    fn choose_from(&mut self, position: usize, left: Caps) -> Verdict<()> {
        let Some(lane) = self.order.get(position).copied() else { return Verdict::Yes(()) };
        // What the lanes behind this one need at the least is not for it to take.
        let mut later = Use::default();
        for other in &self.order[position + 1..] {
            later = later.plus(self.floors[*other]);
        }
        let Some(mut mine) = left.minus(later) else { return Verdict::No };
        mine.shards = mine.shards.min(self.most_shards[lane]);
        if position + 1 == self.order.len() {
            return self.choose_last(lane, mine);
        }

        let timed = mine.overhead < UNLIMITED_TIME;
        let cost = |used: Use| Use { overhead: if timed { used.overhead } else { 0 }, ..used };
        let question = &mut self.questions[lane];
        let mut unknown = false;
        let mut ideal = Use::default();
        match question.fewest_containers(mine) {
            Verdict::Yes(Least { counts, proven }) => {
                ideal.containers = question.usage(&counts).containers;
                unknown |= !proven;
            }
            Verdict::No => return Verdict::No,
            Verdict::Unknown => return Verdict::Unknown,
        }
        if timed && let Verdict::Yes(Least { counts, proven }) = question.least_overhead(mine) {
            ideal.overhead = question.usage(&counts).overhead;
            unknown |= !proven;
        }
        let mut tried: Vec<Use> = Vec::new();
        for shards in self.floors[lane].shards..=mine.shards {
            let mut caps = Caps { shards, ..mine };
            // With so many shards: from the least overhead to the fewest containers.
            loop {
                let counts = match unbeaten(&mut self.questions[lane], caps) {
                    Verdict::Yes(Least { counts, proven }) => {
                        unknown |= !proven;
                        counts
                    }
                    Verdict::No => break,
                    Verdict::Unknown => {
                        unknown = true;
                        break;
                    }
                };
                let used = self.questions[lane].usage(&counts);
                if !tried.iter().any(|other| other.is_within(cost(used))) {
                    tried.push(cost(used));
                    self.chosen[lane] = counts;
                    let found =
                        left.minus(used).map_or(Verdict::No, |rest| self.choose_from(position + 1, rest));
                    match found {
                        Verdict::Yes(()) => return found,
                        Verdict::Unknown => unknown = true,
                        Verdict::No => {}
                    }
                }
                match used.containers.checked_sub(1) {
                    Some(fewer) if timed => caps.containers = fewer,
                    _ => break,
                }
            }
            // More shards can only save containers or overhead.
            if tried.iter().any(|used| used.containers <= ideal.containers && used.overhead <= ideal.overhead)
            {
                break;
            }
        }
        if unknown { Verdict::Unknown } else { Verdict::No }
    }

    /// Chooses the counts of the last lane, for which nothing need be left over.
    fn choose_last(&mut self, lane: LaneIx, caps: Caps) -> Verdict<()> {
        let question = &mut self.questions[lane];
        let found = match self.goal {
            Goal::Any | Goal::Containers => question.find(caps),
            Goal::Overhead => question.least_overhead(caps).map(|least| least.counts),
        };
        found.map(|counts| self.chosen[lane] = counts)
    }
}

/// Returns counts within the caps of which none is better in both overhead, where it is limited, and
/// containers: the least overhead, and with it the fewest containers.
fn unbeaten(question: &mut Question, mut caps: Caps) -> Verdict<Least> {
    let mut proven = true;
    if caps.overhead < UNLIMITED_TIME {
        match question.least_overhead(caps) {
            Verdict::Yes(least) => {
                proven = least.proven;
                caps.overhead = question.usage(&least.counts).overhead;
            }
            other => return other,
        }
    }
    question.fewest_containers(caps).map(|least| Least { proven: proven && least.proven, ..least })
}
