//! What holds of every answer of the solver.

use proptest::prelude::*;
use shardplan::ids::{LaneIx, UnitIx};
use shardplan::model::{Limits, Problem, ServiceKind};
use shardplan::plan::check;
use shardplan::solve::{
    self, BoundReason, Clash, Conflict, Cure, Frontier, FrontierPoint, Limiting, Solution,
};
use shardplan::time::Millis;

use crate::oracle::{self, Best};
use crate::problems::{
    Draft, LaneDraft, LimitsDraft, ServiceDraft, UnitDraft, large_problems, problem, small_problems,
};

/// Solves the problem; every answer passes the checker.
pub(crate) fn solved(draft: &Draft) -> Result<Solution, Box<Conflict>> {
    let (problem, limits) = draft.build();
    solved_as_built(&problem, &limits)
}

fn solved_as_built(problem: &Problem, limits: &Limits) -> Result<Solution, Box<Conflict>> {
    let answer = solve::solve(problem, limits);
    if let Ok(solution) = &answer {
        assert_sound(problem, limits, solution);
    }
    answer
}

fn frontier_of(draft: &Draft) -> Frontier {
    let (problem, limits) = draft.build();
    solve::frontier(&problem, &limits)
}

pub(crate) fn assert_sound(problem: &Problem, limits: &Limits, solution: &Solution) {
    let faults = check(problem, limits, solution);
    assert!(faults.is_empty(), "{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
}

fn best_of(draft: &Draft) -> Option<Best> {
    let (problem, limits) = draft.build();
    oracle::best(&problem, &limits)
}

pub(crate) fn figures(solution: &Solution) -> Best {
    Best { end: solution.end.0, minutes: solution.minutes, containers: solution.containers }
}

/// Returns the names of every shard's units: the plan as it is without indices.
fn names(draft: &Draft, solution: &Solution) -> Vec<Vec<String>> {
    let (problem, _) = draft.build();
    let name = |unit: &UnitIx| problem.units[*unit].name.clone();
    solution.shards.iter().map(|shard| shard.units.iter().map(name).collect()).collect()
}

/// Returns the draft with one change.
fn with(draft: &Draft, change: impl FnOnce(&mut Draft)) -> Draft {
    let mut changed = draft.clone();
    change(&mut changed);
    changed
}

fn with_limits(draft: &Draft, change: impl FnOnce(&mut LimitsDraft)) -> Draft {
    with(draft, |draft| change(&mut draft.limits))
}

proptest! {
    #![proptest_config(crate::cases(1500))]

    #[test]
    fn a_small_problem_gets_the_best_plan_there_is(draft in small_problems()) {
        match (solved(&draft), best_of(&draft)) {
            (Ok(solution), Some(best)) => {
                prop_assert_eq!(figures(&solution), best);
                prop_assert_eq!(solution.bound.at, solution.end, "the bound is not closed");
            }
            (Err(conflict), None) => prop_assert!(conflict.proven, "{conflict:?}"),
            (Ok(solution), None) => prop_assert!(false, "the oracle has missed {solution:?}"),
            (Err(conflict), Some(best)) => prop_assert!(false, "{best:?} is missed: {conflict:?}"),
        }
    }

    #[test]
    fn the_order_in_which_things_are_declared_does_not_change_the_plan(
        (draft, shuffled) in small_problems().prop_flat_map(|draft| {
            let parts = (
                Just(draft.services.clone()).prop_shuffle(),
                Just(draft.lanes.clone()).prop_shuffle(),
                Just(draft.units.clone()).prop_shuffle(),
            );
            (Just(draft), parts)
        })
    ) {
        let shuffled = with(&draft, |draft| (draft.services, draft.lanes, draft.units) = shuffled);
        let (in_order, out_of_order) = (solved(&draft), solved(&shuffled));
        prop_assert_eq!(&in_order, &out_of_order);
        if let (Ok(one), Ok(other)) = (in_order, out_of_order) {
            prop_assert_eq!(names(&draft, &one), names(&shuffled, &other));
        }
        // Nor does the order inside the model change how good it is, but where it is that of the suite.
        if draft.lanes.iter().any(|lane| lane.keeps_order) {
            return Ok(());
        }
        let (problem, limits) = shuffled.build_as_declared();
        prop_assert_eq!(
            solved_as_built(&problem, &limits).ok().map(|solution| figures(&solution)),
            solved(&draft).ok().map(|solution| figures(&solution))
        );
    }
}

proptest! {
    #![proptest_config(crate::cases(400))]

    #[test]
    fn one_more_container_or_shard_never_ends_later(draft in small_problems()) {
        let draft = with_limits(&draft, |limits| limits.target = None);
        let Ok(solution) = solved(&draft) else { return Ok(()) };
        for wider in [
            with_limits(&draft, |limits| limits.containers = limits.containers.map(|n| n + 1)),
            with_limits(&draft, |limits| limits.shards = limits.shards.map(|n| n + 1)),
        ] {
            prop_assert!(solved(&wider).unwrap().end <= solution.end);
        }
    }

    #[test]
    fn when_everything_takes_longer_so_does_the_plan(draft in small_problems(), factor in 2u64..50) {
        // Minutes are rounded up, and a worker's share to whole milliseconds; neither scales.
        let draft = with(&draft, |draft| {
            draft.limits.minutes = None;
            for lane in &mut draft.lanes {
                lane.speed = 1000;
            }
        });
        let end = |draft: &Draft| solved(draft).ok().map(|solution| solution.end.0);
        prop_assert_eq!(end(&draft.slower(factor)), end(&draft).map(|end| end * factor));
    }

    #[test]
    fn one_more_runner_never_ends_later_where_no_other_job_takes_one(draft in small_problems()) {
        // With jobs that wait for jobs it may: Graham's anomalies.
        let draft = with(&draft, |draft| {
            draft.jobs.clear();
            draft.lanes.iter_mut().for_each(|lane| lane.waits.clear());
            draft.limits.target = None;
        });
        let Ok(solution) = solved(&draft) else { return Ok(()) };
        let wider = with_limits(&draft, |limits| limits.slots = limits.slots.map(|n| n + 1));
        prop_assert!(solved(&wider).unwrap().end <= solution.end);
        let free = with_limits(&draft, |limits| limits.slots = None);
        prop_assert!(solved(&free).unwrap().end <= solution.end);
    }

    #[test]
    fn an_order_that_is_kept_never_ends_earlier(draft in small_problems()) {
        let draft = with_limits(&draft, |limits| limits.target = None);
        let Ok(solution) = solved(&draft) else { return Ok(()) };
        let free = with(&draft, |draft| draft.lanes.iter_mut().for_each(|lane| lane.keeps_order = false));
        prop_assert!(solved(&free).unwrap().end <= solution.end);
    }

    #[test]
    fn more_memory_never_ends_later(draft in small_problems(), more: prop::sample::Index) {
        let draft = with_limits(&draft, |limits| limits.target = None);
        let Ok(solution) = solved(&draft) else { return Ok(()) };
        let lane = more.index(draft.lanes.len());
        for added in [1, 500_000_000, 1 << 40] {
            let roomier = with(&draft, |draft| {
                let lane = &mut draft.lanes[lane];
                lane.runner_memory = lane.runner_memory.map(|memory| memory + added);
            });
            prop_assert!(solved(&roomier).unwrap().end <= solution.end);
        }
    }

    #[test]
    fn a_unit_that_needs_less_never_makes_the_plan_later(draft in small_problems(), unit: prop::sample::Index) {
        prop_assume!(!draft.units.is_empty());
        // A shorter shard may come to wait in another order: Graham's anomalies.
        let draft = with_limits(&draft, |limits| (limits.target, limits.slots) = (None, None));
        let Ok(solution) = solved(&draft) else { return Ok(()) };
        let unit = unit.index(draft.units.len());
        let relieved = with(&draft, |draft| { draft.units[unit].needs.pop(); });
        prop_assert!(solved(&relieved).unwrap().end <= solution.end);
    }

    #[test]
    fn a_conflict_names_what_clashes_and_its_cures_work(draft in small_problems()) {
        let Err(conflict) = solved(&draft) else { return Ok(()) };
        prop_assert!(!conflict.clashes.is_empty());
        let (problem, _) = draft.build();
        for cure in &conflict.cures {
            if let Cure::Drop { service, .. } = cure {
                prop_assert_eq!(problem.services[*service].kind, ServiceKind::Container);
            }
        }
        the_cures_work(&draft, &conflict)?;
    }

    #[test]
    fn a_conflict_is_over_once_any_of_its_limits_is_gone(draft in small_problems()) {
        let Err(conflict) = solved(&draft) else { return Ok(()) };
        let core = with(&draft, |draft| keep_only(draft, &conflict.clashes));
        prop_assert!(solved(&core).is_err(), "what is named does not clash");
        for clash in &conflict.clashes {
            if let Some(without) = without(&core, clash) {
                prop_assert!(solved(&without).is_ok(), "{clash:?} takes no part");
            }
        }
    }

    #[test]
    fn no_limit_is_named_for_another_that_binds(draft in small_problems()) {
        let draft = with_limits(&draft, |limits| limits.target = None);
        let Ok(solution) = solved(&draft) else { return Ok(()) };
        let BoundReason::Limits(named) = &solution.bound.reason else { return Ok(()) };
        prop_assert!(!named.is_empty());
        let there = limits_of(&draft);
        prop_assert!(named.iter().all(|limit| there.contains(limit)), "{named:?} {there:?}");
        // Those that are asked first, and were not named, do not help by themselves; nor does one of several.
        let before = there.iter().take_while(|limit| Some(*limit) != named.first() || named.len() > 1);
        for limit in before {
            let best = best_of(&unlimited(&draft, *limit)).unwrap();
            prop_assert!(best.end >= solution.bound.at.0, "{limit:?} before {named:?}: {best:?} {solution:?}");
        }
    }

    #[test]
    fn no_point_of_the_frontier_is_worse_than_another(draft in small_problems()) {
        let draft = with_limits(&draft, |limits| limits.target = None);
        let frontier = frontier_of(&draft);
        prop_assert_eq!(frontier.points.is_empty(), solved(&draft).is_err());
        let four = |point: &FrontierPoint| {
            let Best { end, minutes, containers } = figures(&point.solution);
            [u64::from(containers), minutes, end, point.solution.shards.len() as u64]
        };
        let points: Vec<[u64; 4]> = frontier.points.iter().map(four).collect();
        let fewer_shards: Vec<[u64; 4]> = frontier.fewer_shards.iter().map(four).collect();
        prop_assert!(points.is_sorted() && fewer_shards.is_sorted());
        let all = || points.iter().chain(&fewer_shards);
        let no_worse = |one: &[u64], other: &[u64]| one.iter().zip(other).all(|(one, other)| one <= other);
        for one in all() {
            prop_assert_eq!(all().filter(|other| no_worse(*other, one)).count(), 1, "{:?} is beaten", one);
        }
        for one in &fewer_shards {
            prop_assert!(points.iter().any(|other| no_worse(&other[..3], &one[..3])), "{:?} is not for its shards", one);
        }
        for one in &points {
            prop_assert!(!points.iter().any(|other| other != one && no_worse(&other[..3], &one[..3])));
        }
        for point in frontier.points.iter().chain(&frontier.fewer_shards) {
            let draft = with_limits(&draft, |limits| limits.containers = Some(point.containers));
            let (problem, limits) = draft.build();
            assert_sound(&problem, &limits, &point.solution);
            prop_assert!(frontier.floor <= point.solution.end);
        }
        if let Ok(fastest) = solved(&draft) {
            let first_to_end = frontier.points.iter().map(|point| point.solution.end).min();
            prop_assert_eq!(first_to_end, Some(fastest.end));
            prop_assert!(frontier.knee.is_some_and(|knee| knee < frontier.points.len()));
        }
    }
}

/// Asserts that each cure of a conflict helps by itself, or all of them together where they are meant so.
pub(crate) fn the_cures_work(draft: &Draft, conflict: &Conflict) -> Result<(), TestCaseError> {
    if conflict.jointly {
        let cured = conflict.cures.iter().fold(draft.clone(), |draft, cure| cured(&draft, cure));
        prop_assert!(solved(&cured).is_ok(), "{:?} do not help together", conflict.cures);
        return Ok(());
    }
    for cure in &conflict.cures {
        prop_assert!(solved(&cured(draft, cure)).is_ok(), "{cure:?} does not help");
    }
    Ok(())
}

fn cured(draft: &Draft, cure: &Cure) -> Draft {
    let (problem, _) = draft.build();
    with(draft, |draft| match cure {
        Cure::Containers(n) => draft.limits.containers = Some(*n),
        Cure::Shards(n) => draft.limits.shards = Some(*n),
        Cure::Minutes(n) => draft.limits.minutes = Some(*n),
        Cure::Target(end) => draft.limits.target = Some(end.0),
        Cure::LaneShards(lane, n) => {
            let name = problem.lanes[*lane].name.as_str();
            for lane in draft.lanes.iter_mut().filter(|lane| lane.name == name) {
                lane.max_shards = Some(*n);
            }
        }
        Cure::Slots(n) => draft.limits.slots = Some(*n),
        Cure::Memory(lane, memory) => {
            let name = problem.lanes[*lane].name.as_str();
            for lane in draft.lanes.iter_mut().filter(|lane| lane.name == name) {
                let raise = |limit: &mut Option<u64>| *limit = limit.map(|bytes| bytes.max(memory.0));
                raise(&mut lane.runner_memory);
                lane.runners.iter_mut().for_each(|runner| raise(&mut runner.memory));
            }
        }
        Cure::Drop { service, .. } => {
            let name = problem.services[*service].name.as_str();
            draft.units.iter_mut().for_each(|unit| unit.needs.retain(|need| need != name));
            draft.lanes.iter_mut().for_each(|lane| lane.serves.retain(|service| service != name));
        }
    })
}

/// Takes away every limit that the clashes do not name.
fn keep_only(draft: &mut Draft, clashes: &[Clash]) {
    let (problem, _) = draft.build();
    let named = |wanted: fn(&Clash) -> bool| clashes.iter().any(wanted);
    let LimitsDraft { containers, shards, minutes, target, slots } = draft.limits;
    draft.limits = LimitsDraft {
        containers: containers.filter(|_| named(|clash| matches!(clash, Clash::Containers(_)))),
        shards: shards.filter(|_| named(|clash| matches!(clash, Clash::Shards(_)))),
        minutes: minutes.filter(|_| named(|clash| matches!(clash, Clash::Minutes(_)))),
        target: target.filter(|_| named(|clash| matches!(clash, Clash::Target(_)))),
        slots: slots.filter(|_| named(|clash| matches!(clash, Clash::Slots(_)))),
    };
    for lane in &mut draft.lanes {
        let is_named = clashes.iter().any(|clash| {
            matches!(clash, Clash::LaneShards(ix, _) if problem.lanes[*ix].name.as_str() == lane.name)
        });
        lane.max_shards = lane.max_shards.filter(|_| is_named);
        let is_named = clashes.iter().any(
            |clash| matches!(clash, Clash::Memory(ix, _) if problem.lanes[*ix].name.as_str() == lane.name),
        );
        lane.runner_memory = lane.runner_memory.filter(|_| is_named);
        lane.keeps_order &= clashes.iter().any(
            |clash| matches!(clash, Clash::Order(ix, _) if problem.lanes[*ix].name.as_str() == lane.name),
        );
    }
}

/// Returns the draft without the limit that takes part in a clash, where it is one that can be taken away.
fn without(draft: &Draft, clash: &Clash) -> Option<Draft> {
    let (problem, _) = draft.build();
    let mut without = draft.clone();
    match clash {
        Clash::Containers(_) => without.limits.containers = None,
        Clash::Shards(_) => without.limits.shards = None,
        Clash::Minutes(_) => without.limits.minutes = None,
        Clash::Target(_) => without.limits.target = None,
        Clash::LaneShards(lane, _) => {
            let name = problem.lanes[*lane].name.as_str();
            without.lanes.iter_mut().find(|lane| lane.name == name)?.max_shards = None;
        }
        Clash::Slots(_) => without.limits.slots = None,
        Clash::Order(lane, _) => {
            let name = problem.lanes[*lane].name.as_str();
            without.lanes.iter_mut().find(|lane| lane.name == name)?.keeps_order = false;
        }
        Clash::Memory(lane, _) => {
            let name = problem.lanes[*lane].name.as_str();
            without.lanes.iter_mut().find(|lane| lane.name == name)?.runner_memory = None;
        }
        Clash::Apart { group, .. } => {
            without.apart.remove(*group);
        }
        Clash::OtherJobs(_)
        | Clash::OtherMinutes(_)
        | Clash::Unit(..)
        | Clash::UnitMemory(..)
        | Clash::Needs { .. } => return None,
    }
    Some(without)
}

/// Returns the limits that there are, in the order in which they are named.
fn limits_of(draft: &Draft) -> Vec<Limiting> {
    let (problem, limits) = draft.build();
    let mut there = Vec::new();
    there.extend(limits.containers.map(|_| Limiting::Containers));
    there.extend(problem.slots.as_ref().map(|_| Limiting::Slots));
    there.extend(limits.minutes.map(|_| Limiting::Minutes));
    there.extend(limits.shards.map(|_| Limiting::Shards));
    let of_lanes = problem.lanes.iter_enumerated().filter(|(_, lane)| lane.max_shards < u32::MAX);
    there.extend(of_lanes.map(|(ix, _)| Limiting::LaneShards(ix)));
    there
}

/// Returns the draft without a limit.
fn unlimited(draft: &Draft, limit: Limiting) -> Draft {
    let (problem, _) = draft.build();
    with(draft, |draft| match limit {
        Limiting::Containers => draft.limits.containers = None,
        Limiting::Slots => draft.limits.slots = None,
        Limiting::Minutes => draft.limits.minutes = None,
        Limiting::Shards => draft.limits.shards = None,
        Limiting::LaneShards(lane) => {
            let name = problem.lanes[lane].name.as_str();
            draft.lanes.iter_mut().filter(|lane| lane.name == name).for_each(|lane| lane.max_shards = None);
        }
    })
}

fn many_small_loads() -> BoxedStrategy<u64> {
    prop_oneof![Just(0u64), 1u64..2_000, 1u64..2_000, 1u64..8_000].boxed()
}

fn few_big_loads() -> BoxedStrategy<u64> {
    (1u64..120_000).boxed()
}

proptest! {
    #![proptest_config(crate::cases(40))]

    #[test]
    fn many_small_units_come_close_to_the_bound(draft in large_problems(200..2000, many_small_loads())) {
        let Ok(solution) = solved(&draft) else { return Ok(()) };
        prop_assert!(solution.gap() <= 0.01, "{} over {}: {}", solution.end, solution.bound.at, solution.gap());
        prop_assert_eq!(solved(&draft), Ok(solution));
    }

    #[test]
    fn a_long_suite_is_cut_as_well_as_it_can_be(draft in large_problems(20..400, many_small_loads())) {
        // One lane alone: the cuts are exact, whatever its services.
        let draft = with(&draft, |draft| {
            draft.lanes.truncate(1);
            draft.lanes[0].keeps_order = true;
            let lane = draft.lanes[0].name.clone();
            draft.units.iter_mut().for_each(|unit| unit.lane.clone_from(&lane));
        });
        let Ok(solution) = solved(&draft) else { return Ok(()) };
        prop_assert_eq!(solution.bound.at, solution.end);
    }

    #[test]
    fn few_big_units_get_a_sound_plan(draft in large_problems(20..60, few_big_loads())) {
        if let Ok(solution) = solved(&draft) {
            prop_assert!(solution.bound.at <= solution.end);
        }
    }
}

/// Returns a problem whose requirements have more unions than anybody could list.
fn hostile() -> Draft {
    let mut draft = Draft::default();
    let name = |at: usize| format!("s{at:02}");
    draft.services = (0..64)
        .map(|at| ServiceDraft {
            name: name(at),
            containers: 1,
            pull: 1_000 + 37 * at as u64,
            ready: 5_000,
            attach: 0,
            memory: 0,
            is_setup: false,
        })
        .collect();
    draft.lanes = vec![LaneDraft { name: "lane".into(), base: 30_000, speed: 1000, ..LaneDraft::default() }];
    draft.units = (0..500)
        .map(|at| {
            let load = 1_000 + (at as u64 * 7_919) % 20_000;
            let needs = vec![name(at % 64), name((at * 7 + at / 64) % 64), name((at * 13 + 5) % 64)];
            let needs = needs.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
            UnitDraft { name: format!("u{at:03}"), lane: "lane".into(), load, piece: load, needs }
        })
        .collect();
    draft.limits = LimitsDraft { containers: Some(130), shards: Some(20), ..LimitsDraft::default() };
    draft
}

/// Returns what comes of a draft for a hundredth of a command's effort.
fn solved_soon(draft: &Draft) -> Result<Solution, Box<Conflict>> {
    let (problem, limits) = draft.build();
    let solution = solve::solve_within(&problem, &limits, &solve::Effort::new(solve::Effort::COMMAND / 100))?;
    assert_sound(&problem, &limits, &solution);
    Ok(solution)
}

#[test]
fn a_hostile_problem_ends_with_a_plan_and_an_honest_gap() {
    let solution = solved_soon(&hostile()).unwrap();
    assert!(solution.bound.at <= solution.end);
    assert_eq!(solved_soon(&hostile()), Ok(solution));
}

#[test]
fn a_hostile_problem_without_a_plan_ends_with_what_clashes() {
    let draft = with_limits(&hostile(), |limits| limits.containers = Some(10));
    let conflict = solved_soon(&draft).unwrap_err();
    assert!(!conflict.clashes.is_empty());
}

#[test]
fn the_limit_that_binds_is_named() {
    let reason = |text: &str| solved(&problem(text)).unwrap().bound.reason;
    let lanes = "lane a shards 2; lane b shards 7; unit a1 40s in a; unit a2 40s in a; unit a3 40s in a; unit a4 40s in a; \
                 unit b1 50s in b; unit b2 5s in b";
    let narrow = Limiting::LaneShards(LaneIx(0));
    assert_eq!(reason(&format!("{lanes}; limit shards 20")), BoundReason::Limits(vec![narrow]));
    assert_eq!(
        reason(&format!("{lanes}; limit shards 3")),
        BoundReason::Limits(vec![Limiting::Shards, narrow])
    );
    assert_eq!(reason(&format!("{lanes}; limit shards 2")), BoundReason::Limits(vec![Limiting::Shards]));
    assert_eq!(
        reason("lane a; unit a1 40s; unit a2 40s; limit shards 1"),
        BoundReason::Limits(vec![Limiting::Shards])
    );
}

#[test]
fn what_a_shard_can_not_hold_in_whole_steps_is_no_room() {
    // 203 tests of a second on four shards: a quarter of a second less than 51 would do if tests could be cut.
    let units: Vec<String> = (0..203).map(|unit| format!("unit u{unit:03} 1s")).collect();
    let draft = crate::problems::problem(&format!("lane l base 10s; limit shards 4; {}", units.join("; ")));
    let solution = solved(&draft).unwrap();
    assert_eq!((solution.end, solution.bound.at), (Millis::from_secs(61), Millis::from_secs(61)));
}

#[test]
fn the_same_problem_has_the_same_plan_every_time() {
    let draft = crate::problems::problem(
        "service pg 5s+6s+2s; service es 9s+20s+1s; lane l base 30s; limit containers 4; limit shards 5; \
         unit a 61s needs pg; unit b 50s; unit c 47s needs es; unit d 46s needs pg es; unit e 33s; unit f 30s; \
         unit g 29s needs pg; unit h 29s needs pg; unit i 29s needs es; unit j 20s; unit k 11s; unit m 9s; \
         unit n 9s needs pg; unit o 8s; unit p 8s; unit q 5s needs es",
    );
    let first = solved(&draft).unwrap();
    for _ in 0..200 {
        assert_eq!(solved(&draft).as_ref(), Ok(&first));
    }
}

#[test]
fn without_lanes_the_workflow_ends_with_the_other_jobs() {
    let draft = crate::problems::problem("floor 10s; minutes 3");
    let solution = solved(&draft).unwrap();
    assert_eq!(figures(&solution), Best { end: 10_000, minutes: 3, containers: 0 });
    assert_eq!(solution.bound.at, Millis::from_secs(10));
}
