//! When shards start where not all jobs of the workflow find a runner at once.
//!
//! A job is queued when the last job that it waits for has ended, and a runner that is free takes the job that was
//! queued first; of those queued at the same moment the other jobs in their order, then the shards with the longest
//! way to the end of the workflow (list scheduling: Graham, "Bounds on Multiprocessing Timing Anomalies", 1969).

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::ids::LaneIx;
use crate::model::Problem;
use crate::time::Millis;

/// When the shards start, and when the last job of the workflow ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// For every shard, when it starts.
    pub starts: Vec<Millis>,
    /// When the last job ends, the shards and the other jobs.
    pub end: Millis,
}

/// Which of several queued jobs comes first: when it was queued, shards after other jobs, the longer way first, then
/// in order.
type Rank = (Millis, bool, Reverse<Millis>, usize);

/// The jobs while time passes: first the other jobs, then the shards.
struct Jobs<'p> {
    problem: &'p Problem,
    shards: &'p [(LaneIx, Millis)],
    /// How many jobs each still waits for.
    waits: Vec<usize>,
}

/// Returns when shards of these lanes, which take so long, start on that many runners.
#[must_use]
pub fn queue(problem: &Problem, slots: u32, shards: &[(LaneIx, Millis)]) -> Queue {
    let mut jobs = Jobs::new(problem, shards);
    let mut starts = vec![Millis::ZERO; jobs.waits.len()];
    let mut queued: BTreeSet<Rank> = BTreeSet::new();
    let mut running: BTreeSet<(Millis, usize)> = BTreeSet::new();
    queued.extend(
        (0..jobs.waits.len()).filter(|job| jobs.waits[*job] == 0).map(|job| jobs.rank(job, Millis::ZERO)),
    );
    let mut now = Millis::ZERO;
    loop {
        while running.len() < slots.max(1) as usize
            && let Some((_, _, _, job)) = queued.pop_first()
        {
            starts[job] = now;
            if jobs.wall(job) > Millis::ZERO {
                running.insert((now + jobs.wall(job), job));
            } else {
                // What takes no time keeps nobody waiting, and what waits for it is queued before another is started.
                queued.extend(jobs.ended(job).into_iter().map(|freed| jobs.rank(freed, now)));
            }
        }
        let Some((end, _)) = running.first().copied() else { break };
        now = end;
        while let Some((end, job)) = running.first().copied().filter(|(end, _)| *end == now) {
            running.remove(&(end, job));
            queued.extend(jobs.ended(job).into_iter().map(|freed| jobs.rank(freed, now)));
        }
    }
    Queue { starts: starts.split_off(problem.others.len()), end: now }
}

impl<'p> Jobs<'p> {
    fn new(problem: &'p Problem, shards: &'p [(LaneIx, Millis)]) -> Self {
        let of_lane = |lane: &LaneIx| shards.iter().filter(|(of, _)| of == lane).count();
        let others =
            problem.others.iter().map(|job| job.needs.len() + job.lanes.iter().map(of_lane).sum::<usize>());
        let waits = others.chain(shards.iter().map(|(lane, _)| problem.lanes[*lane].needs.len()));
        Self { problem, shards, waits: waits.collect() }
    }

    fn wall(&self, job: usize) -> Millis {
        match job.checked_sub(self.problem.others.len()) {
            None => self.problem.others[job].wall,
            Some(shard) => self.shards[shard].1,
        }
    }

    fn rank(&self, job: usize, queued: Millis) -> Rank {
        match job.checked_sub(self.problem.others.len()) {
            None => (queued, false, Reverse(Millis::ZERO), job),
            Some(shard) => {
                let (lane, wall) = self.shards[shard];
                (queued, true, Reverse(wall + self.problem.lanes[lane].after), job)
            }
        }
    }

    /// Notes that a job has ended; returns those that wait for nothing more.
    fn ended(&mut self, job: usize) -> Vec<usize> {
        let others = self.problem.others.len();
        let lane = job.checked_sub(others).map(|shard| self.shards[shard].0);
        let mut freed = Vec::new();
        for later in 0..self.waits.len() {
            let waited = match (later.checked_sub(others), lane) {
                (None, None) => self.problem.others[later].needs.contains(&job),
                (None, Some(lane)) => self.problem.others[later].lanes.contains(&lane),
                (Some(shard), None) => self.problem.lanes[self.shards[shard].0].needs.contains(&job),
                // Lanes run side by side.
                (Some(_), Some(_)) => false,
            };
            if waited {
                self.waits[later] -= 1;
                if self.waits[later] == 0 {
                    freed.push(later);
                }
            }
        }
        freed
    }
}

impl Problem {
    /// Returns until when runners are taken by the jobs that wait for nothing: these are queued first of all, so that no
    /// shard starts before them. Runners that are left are not among them.
    fn runners_taken_first(&self, slots: u32) -> Vec<Millis> {
        let mut taken: Vec<Millis> = Vec::new();
        for job in self.others.iter().filter(|job| job.needs.is_empty() && job.lanes.is_empty()) {
            if taken.len() < slots as usize {
                taken.push(job.wall);
            } else if let Some(first) = taken.iter_mut().min() {
                *first += job.wall;
            }
        }
        taken
    }

    /// Returns the problem with every lane's shards starting no earlier than any runner is free for one; nothing where
    /// runners are not limited, or one is free at once.
    pub(super) fn behind_other_jobs(&self) -> Option<Self> {
        let slots = self.slots.as_ref()?.value;
        let taken = self.runners_taken_first(slots);
        let first = taken.iter().copied().min().filter(|_| taken.len() == slots as usize)?;
        let mut behind = self.clone();
        for lane in &mut behind.lanes {
            lane.head = lane.head.max(first);
        }
        (first > Millis::ZERO).then_some(behind)
    }

    /// Returns the most work that the shards' jobs may be together for the workflow to end by `end`, where runners are
    /// limited; nothing where they are not, or where the other jobs alone are too much.
    pub(super) fn room_on_runners(&self, end: Millis) -> Option<u64> {
        let slots = self.slots.as_ref()?.value;
        let busy = self.runners_taken_first(slots);
        let slots = u64::from(slots);
        let first = self.lanes.iter().map(|lane| lane.head).min().unwrap_or_default();
        let last = self.lanes.iter().map(|lane| lane.after).min().unwrap_or_default();
        // A runner has time for shards once it is done with what is queued before them.
        let latest = end.saturating_sub(last);
        let idle = (slots - busy.len() as u64).saturating_mul(latest.saturating_sub(first).0);
        let between = busy
            .iter()
            .map(|taken| latest.saturating_sub(first.max(*taken)).0)
            .fold(idle, u64::saturating_add);
        let others: u64 = self.others.iter().map(|job| job.wall.0).fold(0, u64::saturating_add);
        Some(between.min(slots.saturating_mul(end.0).saturating_sub(others)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Memory, Origin};
    use crate::model::{LaneModel, OtherJob, ServiceSet, SuiteOrder};

    fn problem(others: Vec<OtherJob>) -> Problem {
        let lane = LaneModel {
            name: "lane".parse().unwrap(),
            base: Millis::ZERO,
            tail: Millis::ZERO,
            head: Millis::ZERO,
            after: Millis::ZERO,
            speed: 1000,
            services: ServiceSet::EMPTY,
            max_shards: u32::MAX,
            max_shards_origin: Origin::Default,
            memory: Memory(0),
            runner_memory: None,
            runners: Vec::new(),
            runner: None,
            needs: Vec::new(),
            order: SuiteOrder::Free,
        };
        Problem { lanes: [lane].into_iter().collect(), others, ..Problem::default() }
    }

    fn other(name: &str, wall: u64, needs: &[usize], lanes: &[u32]) -> OtherJob {
        OtherJob {
            name: name.parse().unwrap(),
            wall: Millis(wall),
            needs: needs.to_vec(),
            lanes: lanes.iter().copied().map(LaneIx).collect(),
        }
    }

    fn starts(problem: &Problem, slots: u32, walls: &[u64]) -> (Vec<u64>, u64) {
        let shards: Vec<_> = walls.iter().map(|wall| (LaneIx(0), Millis(*wall))).collect();
        let queue = queue(problem, slots, &shards);
        (queue.starts.iter().map(|start| start.0).collect(), queue.end.0)
    }

    #[test]
    fn the_longest_shard_goes_first_and_the_rest_waits_for_a_runner() {
        assert_eq!(starts(&problem(Vec::new()), 2, &[3, 7, 5]), (vec![5, 0, 0], 8));
        assert_eq!(starts(&problem(Vec::new()), 3, &[3, 7, 5]), (vec![0, 0, 0], 7));
    }

    #[test]
    fn work_that_is_queued_first_leaves_less_room_for_shards() {
        let jobs = vec![other("docs", 4, &[], &[]), other("lint", 6, &[], &[]), other("types", 1, &[], &[])];
        let mut problem = problem(jobs);
        problem.slots = Some(crate::config::Sourced::new(2, Origin::Default));
        // Docs and types take one runner until 5, lint the other until 6; three jobs of eleven in all.
        assert_eq!(problem.room_on_runners(Millis(10)), Some(9));
        assert_eq!(problem.behind_other_jobs().unwrap().lanes[LaneIx(0)].head, Millis(5));
        assert_eq!(starts(&problem, 2, &[3, 3]), (vec![5, 6], 9));
        problem.slots = Some(crate::config::Sourced::new(4, Origin::Default));
        assert_eq!(problem.room_on_runners(Millis(10)), Some(29));
        assert!(problem.behind_other_jobs().is_none());
    }

    #[test]
    fn other_jobs_take_runners_and_a_gate_waits_for_the_last_shard() {
        let jobs = vec![other("docs", 4, &[], &[]), other("gate", 2, &[], &[0]), other("late", 1, &[0], &[])];
        // Docs takes one of two runners until 4; what it lets go, `late`, was queued after the second shard.
        assert_eq!(starts(&problem(jobs), 2, &[6, 3]), (vec![0, 4], 9));
    }
}
