//! What holds of a plan that stays near the one before, and of the cheapest plan near the fastest.

use proptest::prelude::*;
use shardplan::config::{Origin, Sourced};
use shardplan::ids::UnitIx;
use shardplan::model::{Limits, Problem};
use shardplan::plan::check;
use shardplan::solve::{self, Effort, Placement, Solution};
use shardplan::time::{Millis, Tolerance};

use crate::oracle;
use crate::problems::{Draft, large_problems, small_problems};
use crate::solver::figures;

fn tolerances() -> impl Strategy<Value = Tolerance> {
    prop_oneof![
        1 => Just(Tolerance::NONE),
        3 => (1u32..300_000).prop_map(Tolerance::Share),
        2 => (1u64..40_000).prop_map(|span| Tolerance::Span(Millis(span))),
    ]
}

/// Draws a shard for every unit, one of its lane's, or none for one that is new.
fn placements() -> impl Strategy<Value = Vec<Option<u32>>> {
    prop::collection::vec(prop::option::weighted(0.85, 0u32..3), 8)
}

fn placed(problem: &Problem, drawn: &[Option<u32>]) -> Placement {
    let units = problem.units.iter_enumerated();
    let label = |(ix, unit): (UnitIx, &shardplan::model::Unit)| {
        drawn[ix.0 as usize % drawn.len()].map(|label| unit.lane.0 * 10 + label)
    };
    units.map(label).collect()
}

/// Returns where a plan has every unit.
fn placement_of(problem: &Problem, solution: &Solution) -> Placement {
    let mut placement: Placement = problem.units.iter().map(|_| None).collect();
    for (at, shard) in (0u32..).zip(&solution.shards) {
        for unit in &shard.units {
            placement[*unit] = Some(at);
        }
    }
    placement
}

fn moves(problem: &Problem, solution: &Solution, previous: &Placement) -> (usize, u64) {
    let moved = solve::moved(problem, solution, previous);
    let load = moved.iter().map(|unit| problem.units[*unit].load.0).sum();
    (moved.len(), load)
}

fn limit<T>(value: T) -> Sourced<T> {
    Sourced::new(value, Origin::Default)
}

/// What every plan near another must keep.
fn assert_stays(
    problem: &Problem,
    limits: &Limits,
    (best, near): (&Solution, &Solution),
    tolerance: Tolerance,
) -> Result<(), TestCaseError> {
    let faults = check(problem, limits, near);
    prop_assert!(faults.is_empty(), "{:?}", faults.iter().map(ToString::to_string).collect::<Vec<_>>());
    prop_assert!(
        near.end <= tolerance.after(best.end),
        "{} is past {tolerance} after {}",
        near.end,
        best.end
    );
    prop_assert!(near.minutes <= best.minutes && near.containers <= best.containers);
    if let Some(target) = limits.target.as_ref().filter(|target| best.end <= target.value) {
        prop_assert!(near.end <= target.value);
    }
    Ok(())
}

fn solved(draft: &Draft) -> Option<(Problem, Limits, Solution)> {
    let (problem, limits) = draft.build();
    let best = solve::solve(&problem, &limits).ok()?;
    Some((problem, limits, best))
}

proptest! {
    #![proptest_config(crate::cases(700))]

    #[test]
    fn of_a_small_problem_the_fewest_units_move(
        draft in small_problems(),
        drawn in placements(),
        tolerance in tolerances(),
    ) {
        let Some((problem, limits, best)) = solved(&draft) else { return Ok(()) };
        let previous = placed(&problem, &drawn);
        let near = solve::stay(&problem, &limits, &best, &previous, tolerance);
        assert_stays(&problem, &limits, (&best, &near), tolerance)?;
        let latest = tolerance.after(best.end);
        let latest = limits.target.as_ref().map_or(latest, |target| latest.min(target.value));
        let allowed = Limits {
            target: Some(limit(latest)),
            minutes: Some(limit(best.minutes)),
            containers: Some(limit(best.containers)),
            ..limits
        };
        let fewest = oracle::fewest_moves(&problem, &allowed, &previous);
        prop_assert_eq!(Some(moves(&problem, &near, &previous)), fewest);
    }

    #[test]
    fn the_cheapest_plan_in_time_is_found_where_the_problem_is_small(
        draft in small_problems(),
        within in tolerances(),
    ) {
        let mut draft = draft;
        draft.limits.target = None;
        let Some((problem, limits, best)) = solved(&draft) else { return Ok(()) };
        let latest = within.after(best.end);
        let found = solve::cheapest(&problem, &limits, &best, latest, &Effort::new(Effort::COMMAND));
        let solution = found.solution;
        prop_assert!(check(&problem, &limits, &solution).is_empty());
        prop_assert!(solution.end <= latest);
        let cheapest = oracle::cheapest(&problem, &Limits { target: Some(limit(latest)), ..limits });
        prop_assert_eq!(cheapest, Some(figures(&solution)));
        prop_assert_eq!(found.least_minutes, solution.minutes);
    }
}

proptest! {
    #![proptest_config(crate::cases(300))]

    #[test]
    fn nothing_moves_where_nothing_has_changed(
        draft in small_problems(),
        drawn in placements(),
        tolerance in tolerances(),
    ) {
        let Some((problem, limits, best)) = solved(&draft) else { return Ok(()) };
        let first = solve::stay(&problem, &limits, &best, &placed(&problem, &drawn), tolerance);
        for plan in [&best, &first] {
            let previous = placement_of(&problem, plan);
            let again = solve::stay(&problem, &limits, &best, &previous, tolerance);
            prop_assert_eq!(&again.shards, &plan.shards);
        }
    }
}

/// Returns the draft after some time: every tenth unit takes up to half as long again, one is new, one is gone.
fn later(draft: &Draft, seed: u64) -> Draft {
    let mut later = draft.clone();
    for (at, unit) in (0u64..).zip(&mut later.units) {
        let drawn = (at + 1).wrapping_mul(seed | 1) >> 3;
        if drawn.is_multiple_of(10) {
            unit.load += unit.load * (drawn % 50) / 100;
        }
    }
    let mut newcomer = later.units[0].clone();
    "u9999".clone_into(&mut newcomer.name);
    later.units.push(newcomer);
    later.units.remove(1);
    later
}

proptest! {
    #![proptest_config(crate::cases(24))]

    #[test]
    fn a_large_plan_stays_within_its_limits_and_never_moves_more_for_more_time(
        draft in prop_oneof![
            large_problems(20..60, (1u64..120_000).boxed()),
            large_problems(100..900, (1u64..8_000).boxed()),
        ],
        tolerance in tolerances(),
        seed in any::<u64>(),
    ) {
        let Some((problem, _, before)) = solved(&draft) else { return Ok(()) };
        let known: std::collections::BTreeMap<&str, Option<u32>> = problem
            .units
            .iter()
            .map(|unit| unit.name.as_str())
            .zip(placement_of(&problem, &before).iter().copied())
            .collect();
        let Some((problem, limits, best)) = solved(&later(&draft, seed)) else { return Ok(()) };
        let home = |unit: &shardplan::model::Unit| known.get(unit.name.as_str()).copied().flatten();
        let previous: Placement = problem.units.iter().map(home).collect();
        let strict = solve::stay(&problem, &limits, &best, &previous, Tolerance::NONE);
        let near = solve::stay(&problem, &limits, &best, &previous, tolerance);
        assert_stays(&problem, &limits, (&best, &strict), Tolerance::NONE)?;
        assert_stays(&problem, &limits, (&best, &near), tolerance)?;
        prop_assert!(moves(&problem, &near, &previous) <= moves(&problem, &strict, &previous));
        prop_assert!(moves(&problem, &strict, &previous) <= moves(&problem, &best, &previous));
        let again = solve::stay(&problem, &limits, &best, &placement_of(&problem, &near), tolerance);
        prop_assert_eq!(again.shards, near.shards);
    }
}
