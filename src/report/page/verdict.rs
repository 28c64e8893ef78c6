//! The answer in words: what somebody who has to decide reads first.

use crate::report::sentences::{percent, plural};
use crate::report::summary::{OtherPlan, PlanSummary};
use crate::time::Millis;

/// Returns the answer in one sentence, then what it costs, then how good it is proven to be.
pub(super) fn verdict(plan: &PlanSummary) -> Vec<String> {
    let today = plan.others.iter().find(|other| other.name == "today");
    let mut sentences = vec![answer(plan, today), costs(plan, today), proof(plan)];
    if plan.by_count {
        let doubt = "No duration is known yet: every test counts as a second, so all times here are only proportions.";
        sentences.insert(1, doubt.to_owned());
    }
    sentences
}

fn answer(plan: &PlanSummary, today: Option<&OtherPlan>) -> String {
    match today {
        Some(today) if plan.end < today.end => format!(
            "The workflow ends in {} instead of {}: {} sooner.",
            plan.end,
            today.end,
            today.end - plan.end
        ),
        Some(today) if plan.end == today.end => {
            format!("The workflow ends in {}, as it does today.", plan.end)
        }
        Some(today) => format!(
            "The workflow ends in {} instead of {}: {} later.",
            plan.end,
            today.end,
            plan.end - today.end
        ),
        None => format!("The workflow ends in {}.", plan.end),
    }
}

fn costs(plan: &PlanSummary, today: Option<&OtherPlan>) -> String {
    let parts = [
        (u64::from(plan.containers), today.map(|today| u64::from(today.containers)), "service container"),
        (plan.shards.len() as u64, today.map(|today| today.shards as u64), "shard"),
        (plan.minutes, today.map(|today| today.minutes), "billed minute"),
    ];
    let part = |(now, before, noun): (u64, Option<u64>, &str)| match before {
        Some(before) if before != now => format!("{} (today {before})", plural(now, noun)),
        Some(_) => format!("{} (as today)", plural(now, noun)),
        None => plural(now, noun),
    };
    let [containers, shards, minutes] = parts.map(part);
    format!("It takes {containers}, {shards} and {minutes} a run.")
}

fn proof(plan: &PlanSummary) -> String {
    if plan.gap == 0.0 {
        format!("That is proven to be the earliest end within the limits. {}", plan.binding)
    } else {
        let open = plan.end.saturating_sub(plan.bound).max(Millis(1));
        format!(
            "No plan within the limits can end before {}, so at most {open} ({}) is left to find. {}",
            plan.bound,
            percent(plan.gap),
            plan.binding
        )
    }
}
