//! The whole trade-off: for every number of containers, and of shards within it, the fastest plan.

use std::collections::BTreeMap;

use super::effort::Effort;
use super::planner::{Planner, Start};
use super::question::UNLIMITED_TIME;
use super::runners::{Planners, Ways};
use super::{Solution, at_most, with_containers};
use crate::config::{Origin, Sourced};
use crate::model::{Limits, Problem};
use crate::time::Millis;

/// Plans of which none is better than another in every respect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    /// The plans of which none is better in end, billed minutes and containers, by containers, then by minutes.
    pub points: Vec<FrontierPoint>,
    /// The plans beside these that no plan with as few shards beats: for those whose runners are few.
    pub fewer_shards: Vec<FrontierPoint>,
    /// The position of the plan after which every further step buys least for what it costs.
    pub knee: Option<usize>,
    /// No plan within the other limits ends earlier than this, whatever its containers.
    pub floor: Millis,
}

/// A plan on the frontier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontierPoint {
    /// The limit on containers that it is the best for.
    pub containers: u32,
    /// The plan. No plan with as few containers, shards and billed minutes ends before its bound.
    pub solution: Solution,
}

/// The plans on the same runners.
struct Explored {
    points: Vec<FrontierPoint>,
    /// No plan on these runners ends earlier, whatever its containers.
    floor: Millis,
}

/// Returns the frontier of end, billed minutes, containers and shards within the limits. It is empty where no plan
/// exists.
#[must_use]
pub fn frontier(problem: &Problem, limits: &Limits) -> Frontier {
    let ways = Ways::of(problem);
    let planners = Planners::new(&ways, Effort::COMMAND);
    let explored = planners.each(limits, |planner, limits| explore(problem, planner, limits));
    let explored: Vec<Explored> = explored.into_iter().flatten().collect();
    let Some(floor) = explored.iter().map(|explored| explored.floor).min() else {
        return Frontier::default();
    };
    let all: Vec<FrontierPoint> = explored.into_iter().flat_map(|explored| explored.points).collect();
    let mut on_four = undominated(&all, |solution| solution.shards.len());
    for point in &mut on_four {
        let shards = u32::try_from(point.solution.shards.len()).unwrap_or(u32::MAX);
        let shards = Some(Sourced::new(shards, Origin::Default));
        let limits = Limits { shards, ..with_containers(limits, point.containers) };
        point.solution.bound = planners.bound_beside(&point.solution, &limits);
    }
    let points = undominated(&on_four, |_| 0);
    let fewer_shards = on_four.into_iter().filter(|point| !points.contains(point)).collect();
    let knee = knee(&points);
    Frontier { points, fewer_shards, knee, floor }
}

/// Returns the plans on the runners of a planner with ever more containers; nothing where there are none.
fn explore(problem: &Problem, planner: &Planner<'_>, limits: &Limits) -> Option<Explored> {
    let (_, most) = problem.container_range();
    let most = at_most(limits.containers.as_ref(), most);
    let unlimited = Limits { containers: None, target: None, ..limits.clone() };
    let fewest = planner.master().fewest_containers(Millis(UNLIMITED_TIME), limits, planner.effort())?;
    // With all the containers there are, every plan's end is a bound for those with fewer.
    let mut known = Known::default();
    let fastest = known.with_fewer_and_fewer_shards(planner, &with_containers(&unlimited, most));
    known.plans.clear();
    let fastest = fastest.into_iter().next()?;
    let mut points: Vec<FrontierPoint> = Vec::new();
    for containers in fewest..=most {
        let plans = known.with_fewer_and_fewer_shards(planner, &with_containers(&unlimited, containers));
        let done = plans.iter().any(|solution| solution.end <= fastest.end);
        points.extend(plans.into_iter().map(|solution| FrontierPoint { containers, solution }));
        if done {
            break;
        }
    }
    Some(Explored { points, floor: fastest.bound.at })
}

/// What the questions so far tell of those to come, by the number of shards.
#[derive(Debug, Default)]
struct Known {
    /// The best plans so far. With more containers they still are plans.
    plans: BTreeMap<u32, Solution>,
    /// When a plan with at most so many shards ends at the earliest, with however many containers.
    floors: BTreeMap<u32, Millis>,
}

impl Known {
    /// Returns the fastest plan within the limits, and those with fewer and fewer shards, which bill fewer
    /// minutes. What they tell is kept; floors only where there are none yet, by the most containers.
    fn with_fewer_and_fewer_shards(&mut self, planner: &Planner<'_>, limits: &Limits) -> Vec<Solution> {
        let is_first = self.floors.is_empty();
        let mut limits = limits.clone();
        let mut shards = at_most(limits.shards.as_ref(), u32::MAX);
        let mut at_least = Millis::ZERO;
        let mut found = Vec::new();
        loop {
            if let Some((_, floor)) = self.floors.range(shards..).next() {
                at_least = at_least.max(*floor);
            }
            let known = self.plans.range(..=shards).map(|(_, plan)| plan).min_by_key(|plan| plan.end);
            let Some(solution) = planner.soonest_for(8, &limits, Start { known, at_least }) else { break };
            at_least = solution.bound.at;
            if is_first {
                self.floors.insert(shards, at_least);
            }
            let used = u32::try_from(solution.shards.len()).unwrap_or(u32::MAX);
            self.plans.insert(used, solution.clone());
            found.push(solution);
            let Some(fewer) = used.checked_sub(1) else { break };
            shards = fewer;
            limits.shards = Some(Sourced::new(shards, Origin::Default));
        }
        found
    }
}

/// Returns the points that no other beats in one respect without being worse in another: in end, billed minutes,
/// containers and `shards`.
fn undominated(points: &[FrontierPoint], shards: impl Fn(&Solution) -> usize) -> Vec<FrontierPoint> {
    let rank = |point: &FrontierPoint| {
        let solution = &point.solution;
        (solution.containers, solution.minutes, solution.end, shards(solution))
    };
    let mut kept: Vec<FrontierPoint> = Vec::new();
    for point in points {
        let (containers, minutes, end, shards) = rank(point);
        let beaten = points.iter().any(|other| {
            let other = rank(other);
            other != rank(point)
                && other.0 <= containers
                && other.1 <= minutes
                && other.2 <= end
                && other.3 <= shards
        });
        if !beaten && !kept.iter().any(|kept| rank(kept) == rank(point)) {
            kept.push(point.clone());
        }
    }
    kept.sort_by_key(rank);
    kept
}

/// Returns the point of the curve of best ends over containers (over billed minutes, where containers do not
/// vary) that lies farthest below the line from its first to its last point, both axes scaled to one: the knee
/// of Satopää et al., "Finding a Kneedle in a Haystack" (2011).
fn knee(points: &[FrontierPoint]) -> Option<usize> {
    let by_containers =
        points.windows(2).any(|pair| pair[0].solution.containers != pair[1].solution.containers);
    let cost = |point: &FrontierPoint| {
        if by_containers { u64::from(point.solution.containers) } else { point.solution.minutes }
    };
    let mut curve: Vec<(u64, u64, usize)> = Vec::new();
    for (at, point) in points.iter().enumerate() {
        let (cost, end) = (cost(point), point.solution.end.0);
        if curve.last().is_none_or(|last| end < last.1) {
            if curve.last().is_some_and(|last| last.0 == cost) {
                curve.pop();
            }
            curve.push((cost, end, at));
        }
    }
    let (first, last) = (curve.first()?, curve.last()?);
    if curve.len() < 3 {
        return Some(last.2);
    }
    let (width, height) = ((last.0 - first.0) as f64, (first.1 - last.1) as f64);
    let depth = |point: &(u64, u64, usize)| {
        let across = (point.0 - first.0) as f64 / width;
        let down = (first.1 - point.1) as f64 / height;
        down - across
    };
    let mut best = first;
    for point in &curve {
        if depth(point) > depth(best) {
            best = point;
        }
    }
    Some(best.2)
}
