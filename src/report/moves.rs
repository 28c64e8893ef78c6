//! What a plan moves against the lock, worked out for all renderers.

use super::sentences::{listed, plural};
use crate::model::Model;
use crate::plan::{ChangedLimit, Move, MoveReason, Moves, Plan, RunnerChange};
use crate::time::Millis;

/// What left the shard that the lock has it on, as it is shown.
#[derive(Clone, Debug)]
pub struct MovesSummary {
    /// The units, those that take longest first.
    pub lines: Vec<MoveLine>,
    /// How many units the lock does not know.
    pub newcomers: usize,
    /// The lanes that go to another runner.
    pub runners: Vec<RunnerChange>,
    /// Whether the best plan is on other runners.
    pub best_is_elsewhere: bool,
    /// How much later the workflow ends than it could, so that fewer units move.
    pub later: Millis,
    /// How much later it was allowed to.
    pub tolerance: String,
}

/// A unit that moves, as it is shown.
#[derive(Clone, Debug)]
pub struct MoveLine {
    /// The unit.
    pub unit: String,
    /// The shard that the lock has it on.
    pub from: String,
    /// The shard that it is on now.
    pub to: String,
    /// How many tests it has.
    pub tests: usize,
    /// What these take, one after the other.
    pub load: Millis,
    /// Why, as a word for machines.
    pub reason: &'static str,
    /// Why.
    pub why: String,
}

impl MovesSummary {
    /// Returns what a plan moves; nothing without a lock.
    pub(super) fn of(model: &Model, plan: &Plan) -> Option<Self> {
        let Moves { moves, newcomers, runners, best_end, best_is_elsewhere } = plan.moves.as_ref()?;
        Some(Self {
            lines: moves.iter().map(|moved| line(model, moved)).collect(),
            newcomers: *newcomers,
            runners: runners.clone(),
            best_is_elsewhere: *best_is_elsewhere,
            later: plan.end.saturating_sub(*best_end),
            tolerance: plan.leeway.tolerance.value.to_string(),
        })
    }

    /// Returns what it comes to, in a sentence or two.
    pub(super) fn sentence(&self) -> String {
        let mut text = match self.lines.len() {
            0 => "nothing moves".to_owned(),
            count => {
                let load: Millis = self.lines.iter().map(|line| line.load).sum();
                let tests = self.lines.iter().map(|line| line.tests).sum::<usize>();
                format!("{} moved: {}, {load}", plural(count, "unit"), plural(tests, "test"))
            }
        };
        if self.newcomers > 0 {
            text += &format!("; {} new", plural(self.newcomers, "unit"));
        }
        for RunnerChange { lane, from, to } in &self.runners {
            text += &format!("; `{lane}` goes from `{from}` to `{to}`");
        }
        if self.later > Millis::ZERO {
            let what = if self.best_is_elsewhere { "other runners" } else { "moving more" };
            text += &format!(
                "; {what} would end it {} earlier (`--tolerance 0s`; {} is allowed)",
                self.later, self.tolerance
            );
        }
        text
    }
}

fn line(model: &Model, moved: &Move) -> MoveLine {
    let unit = &model.problem.units[moved.unit];
    let (reason, why) = match &moved.reason {
        MoveReason::Needs(services) => (
            "need",
            format!(
                "needs {}, which `{}` did not start",
                listed(services.iter().map(|name| format!("`{name}`"))),
                moved.from
            ),
        ),
        MoveReason::ShardGone(limit) => {
            ("shard-gone", format!("`{}` is no more{}", moved.from, because(limit.as_ref())))
        }
        MoveReason::NewShard(limit) => {
            ("new-shard", format!("`{}` is new{}", moved.to, because(limit.as_ref())))
        }
        MoveReason::Limit(limit) => ("limit", changed(limit)),
        MoveReason::Grew(shard, by) => ("grew", format!("balances +{by} of tests on `{shard}`")),
        MoveReason::Shrank(shard, by) => ("shrank", format!("balances −{by} of tests on `{shard}`")),
        MoveReason::Balance => ("balance", format!("balances `{}` and `{}`", moved.from, moved.to)),
    };
    MoveLine {
        unit: unit.name.clone(),
        from: moved.from.to_string(),
        to: moved.to.to_string(),
        tests: model.units[moved.unit].tests.len(),
        load: unit.load,
        reason,
        why,
    }
}

fn because(limit: Option<&ChangedLimit>) -> String {
    limit.map_or_else(String::new, |limit| format!(": {}", changed(limit)))
}

fn changed(limit: &ChangedLimit) -> String {
    let before = limit.then.map_or_else(|| "no limit".to_owned(), |then| then.to_string());
    match limit.now {
        Some(now) => format!("at most {} now, {before} before", plural(now, limit.what)),
        None => format!("no limit on {}s now, {before} before", limit.what),
    }
}
