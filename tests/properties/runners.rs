//! What holds where lanes may choose among runners.

use proptest::prelude::*;
use shardplan::config::{Memory, Origin, Sourced};
use shardplan::ids::LaneIx;
use shardplan::model::{Limits, Problem, RunnerModel, SavedModelV1};
use shardplan::plan::{Fault, check};
use shardplan::solve::{self, Before, Clash, Cure, Effort, Solution};
use shardplan::time::{Millis, Tolerance};

use crate::oracle::{self, Best};
use crate::problems::{Draft, bytes, problem, small_problems};
use crate::solver::{assert_sound, figures, solved, the_cures_work};

/// A runner that a lane may take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunnerDraft {
    pub(crate) name: String,
    pub(crate) speed: u64,
    pub(crate) pace: u64,
    pub(crate) price: u64,
    pub(crate) memory: Option<u64>,
}

impl RunnerDraft {
    /// Reads the statement after its first word; returns the runner and its lane.
    pub(crate) fn read<'t>(words: &mut impl Iterator<Item = &'t str>) -> Option<(&'t str, Self)> {
        let name = words.next()?.to_owned();
        let lane = (words.next()? == "of").then(|| words.next())??;
        let mut runner = Self { name, speed: 1000, pace: 1000, price: 1, memory: None };
        while let Some(key) = words.next() {
            match key {
                "speed" => runner.speed = words.next()?.parse().ok()?,
                "pace" => runner.pace = words.next()?.parse().ok()?,
                "price" => runner.price = words.next()?.parse().ok()?,
                "memory" => runner.memory = Some(bytes(words.next()?)?),
                _ => return None,
            }
        }
        Some((lane, runner))
    }

    /// Returns the statement.
    pub(crate) fn written(&self, lane: &str) -> String {
        let Self { name, speed, pace, price, memory } = self;
        let memory =
            memory.map(|bytes| format!(" memory {}MB", bytes / Memory::MEGABYTE.0)).unwrap_or_default();
        format!("runner {name} of {lane} speed {speed} pace {pace} price {price}{memory}")
    }

    pub(crate) fn build(&self) -> RunnerModel {
        RunnerModel {
            name: self.name.parse().unwrap(),
            speed: self.speed,
            pace: self.pace,
            price: self.price,
            memory: self.memory.map(|bytes| limit(Memory(bytes))),
        }
    }
}

/// Small problems in which lanes have none to three runners.
fn with_runners() -> impl Strategy<Value = Draft> {
    let memory = prop_oneof![3 => Just(None), 1 => (1u64..6_000).prop_map(|mega| Some(mega * 1_000_000))];
    let runner = (200u64..4_000, 1u64..=4, 1u64..6, memory);
    let runners = prop::collection::vec(prop::collection::vec(runner, 0..=3), 3);
    (small_problems(), runners, 1u64..=3).prop_map(|(mut draft, runners, parts)| {
        draft.parts = parts;
        for (lane, runners) in draft.lanes.iter_mut().zip(runners) {
            let speed = lane.speed;
            lane.runners = runners
                .into_iter()
                .enumerate()
                .map(|(at, (pace, workers, price, memory))| RunnerDraft {
                    name: format!("r{at}"),
                    speed: (speed * pace * workers / 1000).max(1),
                    pace,
                    price,
                    memory,
                })
                .collect();
        }
        draft
    })
}

fn limit<T>(value: T) -> Sourced<T> {
    Sourced::new(value, Origin::Default)
}

proptest! {
    #![proptest_config(crate::cases(600))]

    #[test]
    fn the_best_of_all_choices_is_found_and_proven(draft in with_runners()) {
        let (problem, limits) = draft.build();
        match (solved(&draft), oracle::best(&problem, &limits)) {
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
    fn a_runner_as_it_was_measured_changes_nothing(draft in small_problems()) {
        let mut named = draft.clone();
        for lane in &mut named.lanes {
            let (speed, memory) = (lane.speed, lane.runner_memory);
            lane.runners = vec![RunnerDraft { name: "usual".to_owned(), speed, pace: 1000, price: 1, memory }];
        }
        match (solved(&draft), solved(&named)) {
            (Ok(plain), Ok(named)) => {
                prop_assert!(named.runners.iter().all(|runner| *runner == Some(0)));
                prop_assert_eq!(Solution { runners: plain.runners.clone(), ..named }, plain);
            }
            (Err(_), Err(_)) => {}
            (plain, named) => prop_assert!(false, "{plain:?} {named:?}"),
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(300))]

    #[test]
    fn one_more_runner_to_choose_from_never_hurts(draft in with_runners(), gone: prop::sample::Index) {
        let mut draft = draft;
        draft.limits.target = None;
        let wide: Vec<usize> = (0..draft.lanes.len()).filter(|at| draft.lanes[*at].runners.len() > 1).collect();
        prop_assume!(!wide.is_empty());
        let mut fewer = draft.clone();
        let lane = &mut fewer.lanes[wide[gone.index(wide.len())]];
        lane.runners.remove(gone.index(lane.runners.len()));
        let Ok(fewer) = solved(&fewer) else { return Ok(()) };
        let more = solved(&draft).unwrap();
        let rank = |solution: &Solution| (solution.end, solution.minutes, solution.containers);
        prop_assert!(rank(&more) <= rank(&fewer), "{more:?} {fewer:?}");
    }

    #[test]
    fn no_plan_in_time_on_any_runner_is_cheaper_or_as_cheap_and_earlier_than_the_cheapest(draft in with_runners(), later in 0u64..60_000) {
        let mut draft = draft;
        draft.limits.target = None;
        let (problem, limits) = draft.build();
        let Ok(best) = solved(&draft) else { return Ok(()) };
        let latest = best.end + Millis(later);
        let found = solve::cheapest(&problem, &limits, &best, latest, &Effort::new(Effort::COMMAND));
        let limits = Limits { target: Some(limit(latest)), ..limits };
        assert_sound(&problem, &limits, &found.solution);
        let cheapest = oracle::cheapest(&problem, &limits).unwrap();
        prop_assert_eq!(figures(&found.solution), cheapest, "{:?}", found.solution);
        prop_assert_eq!(found.least_minutes, cheapest.minutes);
    }

    #[test]
    fn lanes_stay_on_their_runners_as_far_as_the_tolerance_allows(
        draft in with_runners(),
        before in prop::collection::vec(prop::option::weighted(0.8, 0usize..3), 3),
        placed in prop::collection::vec(prop::option::weighted(0.85, 0u32..3), 8),
        later in 0u64..60_000,
    ) {
        let mut draft = draft;
        // So that what a plan is billed is a limit that can be said.
        draft.parts = 1;
        let (problem, limits) = draft.build();
        let Ok(best) = solved(&draft) else { return Ok(()) };
        let units = problem.units.iter_enumerated();
        let units = units.map(|(ix, unit)| placed[ix.0 as usize % placed.len()].map(|at| unit.lane.0 * 10 + at));
        let runners = problem.lanes.indices().map(|lane| before[lane.0 as usize]);
        let before = Before { units: units.collect(), runners: runners.collect() };
        let tolerance = Tolerance::Span(Millis(later));
        let effort = Effort::new(Effort::COMMAND);
        let near = solve::stay_on_runners(&problem, &limits, &best, &before, tolerance, &effort);
        let latest = tolerance.after(best.end);
        let latest = limits.target.as_ref().map_or(latest, |target| latest.min(target.value));
        let as_good = Limits {
            target: Some(limit(latest)),
            minutes: Some(limit(best.minutes)),
            containers: Some(limit(best.containers)),
            ..limits
        };
        assert_sound(&problem, &as_good, &near);
        prop_assert!(near.end <= latest, "{near:?}");
        let changed = oracle::to_other_runners(&problem, &near.runners, &before.runners);
        let fewest = oracle::fewest_to_other_runners(&problem, &as_good, &before.runners);
        prop_assert_eq!(Some(changed), fewest);
        // On these runners the fewest units move.
        let mut settled = problem.clone();
        for (lane, runner) in near.runners.iter_enumerated() {
            let model = &mut settled.lanes[lane];
            model.runners = runner.iter().map(|at| model.runners[*at].clone()).collect();
        }
        let moved = solve::moved(&problem, &near, &before.units);
        let load = moved.iter().map(|unit| problem.units[*unit].load.0).sum();
        prop_assert_eq!(Some((moved.len(), load)), oracle::fewest_moves(&settled, &as_good, &before.units));
    }

    #[test]
    fn the_frontier_goes_over_all_runners_and_its_bounds_hold(draft in with_runners()) {
        let mut draft = draft;
        draft.limits.target = None;
        // So that what a plan is billed is a limit that can be said.
        draft.parts = 1;
        let (problem, limits) = draft.build();
        let frontier = solve::frontier(&problem, &limits);
        let fastest = oracle::best(&problem, &limits);
        let first_to_end = frontier.points.iter().map(|point| point.solution.end.0).min();
        prop_assert_eq!(first_to_end, fastest.map(|best| best.end));
        for point in frontier.points.iter().chain(&frontier.fewer_shards) {
            let solution = &point.solution;
            let shards = u32::try_from(solution.shards.len()).unwrap();
            let containers = Some(limit(point.containers));
            let within =
                Limits { containers, shards: Some(limit(shards)), minutes: Some(limit(solution.minutes)), target: None };
            assert_sound(&problem, &within, solution);
            let best = oracle::best(&problem, &within).unwrap();
            prop_assert!(solution.bound.at.0 <= best.end, "{solution:?} {best:?}");
            prop_assert!(frontier.floor <= solution.end);
        }
    }

    #[test]
    fn the_cures_of_a_conflict_work_on_some_runner(draft in with_runners()) {
        let Err(conflict) = solved(&draft) else { return Ok(()) };
        prop_assert!(!conflict.clashes.is_empty());
        the_cures_work(&draft, &conflict)?;
    }

    #[test]
    fn a_saved_choice_is_read_again(draft in with_runners()) {
        prop_assume!(!draft.units.is_empty());
        let (mut problem, limits) = draft.build();
        let mut used: Vec<bool> = problem.lanes.iter().map(|_| false).collect();
        problem.units.iter().for_each(|unit| used[unit.lane.0 as usize] = true);
        prop_assume!(used.iter().all(|used| *used));
        let saved = SavedModelV1::new(&problem, &limits);
        let (read, _) = SavedModelV1::parse(&saved.render(), "m.json").unwrap().problem("m.json").unwrap();
        prop_assert_eq!(SavedModelV1::new(&read, &limits), saved);
        // What was chosen is no part of the question.
        if let Ok(solution) = solve::solve(&problem, &limits) {
            problem.settle(&solution.runners);
            prop_assert_eq!(SavedModelV1::new(&problem, &limits), SavedModelV1::new(&read, &limits));
        }
    }
}

#[test]
fn a_lane_that_is_not_the_last_takes_the_cheap_runner() {
    let draft = problem(
        "lane heavy base 30s; lane light base 30s; limit shards 2; unit a 300s in heavy; unit b 70s in light; \
         runner small of heavy; runner large of heavy speed 2000 pace 2000 price 2; \
         runner small of light; runner large of light speed 2000 pace 2000 price 2",
    );
    let solution = solved(&draft).unwrap();
    let chosen: Vec<Option<usize>> = solution.runners.iter().copied().collect();
    assert_eq!(chosen, [Some(1), Some(0)]);
    // Three minutes at twice the price, and 100 seconds at the usual one.
    assert_eq!(figures(&solution), Best { end: 180_000, minutes: 8, containers: 0 });
}

#[test]
fn the_checker_sees_through_a_runner_that_was_not_chosen() {
    let (mut problem, limits) = problem(
        "lane all base 30s; unit a 300s; runner small of all; \
         runner large of all speed 2000 pace 2000 price 3 memory 1GB; service db 1s+1s+1s memory 2GB; unit b 5s needs db",
    )
    .build();
    let solution = solve::solve(&problem, &limits).unwrap();
    assert_eq!(solution.runners[LaneIx(0)], Some(0), "the large one has no room for the service");
    let faults = |problem: &Problem, runner: Option<usize>| {
        let mut other = solution.clone();
        other.runners[LaneIx(0)] = runner;
        check(problem, &limits, &other)
    };
    assert_eq!(faults(&problem, Some(0)), []);
    for runner in [None, Some(2)] {
        assert!(faults(&problem, runner).iter().any(|fault| matches!(fault, Fault::WrongRunner { .. })));
    }
    let on_large = faults(&problem, Some(1));
    for what in ["billed minutes", "milliseconds to its end"] {
        let is_wrong =
            |fault: &Fault| matches!(fault, Fault::WrongFigure { what: found, .. } if *found == what);
        assert!(on_large.iter().any(is_wrong), "{what}: {on_large:?}");
    }
    assert!(on_large.iter().any(|fault| matches!(fault, Fault::OverMemory { .. })), "{on_large:?}");
    // A problem whose lanes are on their runners takes no others.
    problem.settle(&solution.runners);
    assert_eq!(faults(&problem, Some(0)), []);
    assert!(faults(&problem, Some(1)).iter().any(|fault| matches!(fault, Fault::WrongRunner { .. })));
}

#[test]
fn a_limit_on_minutes_keeps_lanes_off_the_dear_runner() {
    let text = "lane all base 30s; limit shards 1; unit a 300s; \
                runner small of all; runner large of all speed 2000 pace 2000 price 3";
    let end = |limits: &str| solved(&problem(&format!("{text}; {limits}"))).map(|solution| solution.end);
    assert_eq!(end("limit minutes 9").ok(), Some(Millis::from_secs(180)));
    assert_eq!(end("limit minutes 8").ok(), Some(Millis::from_secs(330)));
    let conflict = end("limit minutes 5").unwrap_err();
    assert!(conflict.proven && matches!(conflict.clashes[..], [Clash::Minutes(_), ..]), "{conflict:?}");
    assert!(conflict.cures.contains(&Cure::Minutes(6)), "{conflict:?}");
}

#[test]
fn more_workers_do_not_make_the_longest_test_shorter() {
    let text = "lane all base 10s; limit shards 1; unit a 100s piece 60s; unit b 100s piece 5s";
    let end = |runner: &str| solved(&problem(&format!("{text}; runner r of all {runner}"))).unwrap().end;
    // Four workers would do 200 seconds in 50, if the longest test did not take 60 by itself.
    assert_eq!(end("speed 4000"), Millis::from_secs(70));
    assert_eq!(end("speed 4000 pace 2000"), Millis::from_secs(60));
}
