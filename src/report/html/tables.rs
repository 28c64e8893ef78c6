//! The tables of the page.

use maud::{Markup, html};

use crate::report::page::{AuditSummary, Report, ServiceCost, SlowUnits};
use crate::report::sentences::{change, percent, plural, services};
use crate::report::summary::{FrontierLine, OtherPlan, PlanSummary, ShardLine};
use crate::time::Millis;

/// How many of the slowest units stand in the page; its data has more.
const UNITS: usize = 25;

/// A column: its heading, and whether it holds numbers.
type Column = (&'static str, bool);

/// Returns a table that the script lets people sort. What scrolls can be reached by keyboard.
fn table(name: &str, caption: &str, columns: &[Column], rows: &Markup) -> Markup {
    html! {
        div class="scroll" role="region" tabindex="0" aria-labelledby={ (name) "-caption" } {
            table id=(name) class="sortable" {
                caption id={ (name) "-caption" } { (caption) }
                thead { tr { @for (heading, is_number) in columns { th scope="col" class=[is_number.then_some("number")] { (heading) } } } }
                tbody { (rows) }
            }
        }
    }
}

/// Returns a cell with a number, which is sorted by its value.
fn number(value: impl std::fmt::Display, shown: impl std::fmt::Display) -> Markup {
    html! { td class="number" data-value=(format!("{value}")) { (format!("{shown}")) } }
}

fn time(value: Millis) -> Markup {
    number(value.0, value)
}

/// Returns a path or a node id that may go on in the next line after each of its parts.
fn breakable(name: &str) -> Markup {
    html! { @for part in name.split_inclusive(['/', ':', '_']) { (part) wbr; } }
}

/// What a row of the table of plans says.
struct Choice<'c> {
    key: String,
    name: String,
    role: &'static str,
    containers: u32,
    shards: usize,
    minutes: u64,
    end: Millis,
    gap: Option<f64>,
    faults: &'c [String],
}

/// Returns the table of every plan that is worth a thought.
pub(super) fn plans(report: &Report) -> Markup {
    let Report { plan, frontier, .. } = report;
    let mut choices: Vec<Choice<'_>> = Vec::new();
    let same = |point: &FrontierLine| {
        point.minutes == plan.minutes && point.end == plan.end && point.containers == plan.containers
    };
    if !frontier.points.iter().any(same) {
        choices.push(of_plan(plan));
    }
    for (at, point) in frontier.points.iter().enumerate() {
        let chosen = same(point);
        choices.push(Choice {
            key: if chosen { "plan".to_owned() } else { format!("point-{at}") },
            name: point.shape.clone(),
            role: match (chosen, point.knee) {
                (true, true) => "the plan, at the knee",
                (true, false) => "the plan",
                (false, true) => "knee",
                (false, false) => "",
            },
            containers: point.containers,
            shards: point.shards,
            minutes: point.minutes,
            end: point.end,
            gap: Some(point.gap),
            faults: &[],
        });
    }
    choices.extend(plan.others.iter().enumerate().map(|(at, other)| of_other(at, other)));
    let today = plan.others.iter().find(|other| other.name == "today").map(|today| today.end);
    let rows = html! {
        @for choice in &choices {
            tr data-key=(choice.key) data-containers=(choice.containers) data-minutes=(choice.minutes) data-end=(choice.end.0)
                class=[(choice.key == "plan").then_some("chosen")] {
                th scope="row" {
                    (choice.name)
                    @if !choice.role.is_empty() { " " span class="tag" { (choice.role) } }
                    @if !choice.faults.is_empty() { " " span class="tag" { (plural(choice.faults.len(), "fault")) } }
                }
                (number(choice.containers, choice.containers))
                (number(choice.shards, choice.shards))
                (number(choice.minutes, choice.minutes))
                (time(choice.end))
                @match today {
                    Some(today) => { (number(i128::from(choice.end.0) - i128::from(today.0), change(today, choice.end))) }
                    None => { td class="number" { "—" } }
                }
                @match choice.gap {
                    Some(gap) => { (number(gap, percent(gap))) }
                    None => { td class="number" { "—" } }
                }
            }
        }
    };
    let columns = [
        ("plan", false),
        ("containers", true),
        ("shards", true),
        ("billed min", true),
        ("ends in", true),
        ("against today", true),
        ("gap", true),
    ];
    table("plans", "What if? Every plan that is worth a thought", &columns, &rows)
}

fn of_plan(plan: &PlanSummary) -> Choice<'_> {
    Choice {
        key: "plan".to_owned(),
        name: plural(plan.shards.len(), "shard"),
        role: "the plan",
        containers: plan.containers,
        shards: plan.shards.len(),
        minutes: plan.minutes,
        end: plan.end,
        gap: Some(plan.gap),
        faults: &[],
    }
}

fn of_other(at: usize, other: &OtherPlan) -> Choice<'_> {
    Choice {
        key: format!("other-{at}"),
        name: other.name.clone(),
        role: if other.name == "today" { "" } else { "made by hand" },
        containers: other.containers,
        shards: other.shards,
        minutes: other.minutes,
        end: other.end,
        gap: None,
        faults: &other.faults,
    }
}

/// Returns the table of the plan's shards.
pub(super) fn shards(plan: &PlanSummary) -> Markup {
    let row = |shard: &ShardLine| {
        html! {
            tr {
                th scope="row" class="short" { (shard.name) }
                td { (services(&shard.services)) }
                (number(shard.tests, shard.tests))
                (time(shard.base))
                (time(shard.boot))
                (time(shard.run))
                (time(shard.tail))
                (time(shard.wall))
                (time(shard.p90))
                (time(shard.slack))
            }
        }
    };
    let columns = [
        ("shard", false),
        ("services", false),
        ("tests", true),
        ("set-up", true),
        ("boot", true),
        ("tests run", true),
        ("clean-up", true),
        ("job", true),
        ("p90", true),
        ("slack", true),
    ];
    table(
        "shards",
        "The shards of the plan",
        &columns,
        &html! { @for shard in &plan.shards { (row(shard)) } },
    )
}

/// Returns the table of what services cost.
pub(super) fn service_costs(costs: &[ServiceCost]) -> Markup {
    let rows = html! {
        @for cost in costs.iter().filter(|cost| cost.shards > 0) {
            tr {
                th scope="row" { (cost.name) }
                (number(cost.containers, cost.containers))
                (time(cost.added))
                (time(cost.added_to_end))
                (number(cost.tests, cost.tests))
                (number(cost.tests_beside, cost.tests_beside))
                (time(cost.load))
            }
        }
    };
    let columns = [
        ("service", false),
        ("containers", true),
        ("adds to all shards", true),
        ("adds to the end", true),
        ("tests that need it", true),
        ("tests in its shards", true),
        ("their time", true),
    ];
    table("services", "What every service costs, and for whom", &columns, &rows)
}

/// Returns the table of the slowest units.
pub(super) fn slow_units(units: &SlowUnits) -> Markup {
    let rows = html! {
        @for unit in units.units.iter().take(UNITS) {
            tr {
                th scope="row" class="name" { (breakable(&unit.name)) @if unit.divisible { " " span class="tag" { "can be split" } } }
                td class="short" { (unit.shard) }
                (number(unit.tests, unit.tests))
                (time(unit.load))
                (number(unit.share, format!("{:.1} %", unit.share * 100.0)))
                td { @if unit.services.is_empty() { "—" } @else { (unit.services.join(" ")) } }
            }
        }
    };
    let columns = [
        ("unit", false),
        ("shard", false),
        ("tests", true),
        ("takes", true),
        ("of all", true),
        ("services", false),
    ];
    table("units", "The units that take longest", &columns, &rows)
}

/// Returns in words how much of the suite the table of units shows.
pub(super) fn slow_units_in_words(units: &SlowUnits) -> String {
    let shown = units.units.len().min(UNITS);
    let share: f64 = units.units.iter().take(shown).map(|unit| unit.share).sum();
    format!(
        "{} of {} ({}), with {:.0} % of {} of test time. No shard ends before its longest unit: what is to end sooner starts here.",
        if shown == units.all { "All".to_owned() } else { format!("The slowest {shown}") },
        plural(units.all, "unit"),
        plural(units.tests, "test"),
        share * 100.0,
        units.load
    )
}

/// Returns the table of the rules that found something.
pub(super) fn audit(audit: &AuditSummary) -> Markup {
    let rows = html! {
        @for rule in &audit.rules {
            tr {
                th scope="row" { (rule.code) " " (rule.name) }
                td class="short" { (rule.severity) }
                (number(rule.findings, rule.findings))
                td class="name" { (rule.example) }
            }
        }
    };
    let columns = [("rule", false), ("severity", false), ("findings", true), ("the first of them", false)];
    table("audit", "What the audit found", &columns, &rows)
}
