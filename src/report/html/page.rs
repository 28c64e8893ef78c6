//! The page: its order, its headings and its sentences.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::report_v1::ReportV1;
use super::tables;
use crate::ids::Printable;
use crate::report::chart::{self, Chart, Medium, Width, svg};
use crate::report::page::{AuditSummary, Report, RunForecast, ServiceCost};
use crate::report::sentences::{percent, plural};
use crate::report::summary::{OtherPlan, PlanSummary};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Returns the page.
#[must_use]
pub fn render(report: &Report) -> String {
    let style = chart::stylesheet(Medium::Page) + STYLE;
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        digest(&style),
        digest(SCRIPT)
    );
    let title = format!("{}: how to split its tests", report.project);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "shardplan " (env!("CARGO_PKG_VERSION")) };
                title { (Printable(&title).to_string()) }
                style { (PreEscaped(&style)) }
            }
            body {
                a class="skip" href="#plans-heading" { "Skip to the plans" }
                (header(report))
                main {
                    (choice(report))
                    (plan(report))
                    (services(&report.services))
                    (units(report))
                    (runs(&report.runs))
                    (audit(report.audit.as_ref()))
                    (notes(report))
                }
                (footer())
                div id="tip" class="tip" role="status" hidden {}
                script id="shardplan-report" type="application/json" { (PreEscaped(data(report))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// Returns the report's data so that it is the text of a script element and nothing else, whatever it holds.
fn data(report: &Report) -> String {
    let text =
        serde_json::to_string(&ReportV1::from(report)).expect("the machine formats hold no map but structs");
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => safe += &format!("\\u{:04x}", u32::from(c)),
            _ => safe.push(c),
        }
    }
    safe
}

/// Returns the digest by which a content policy knows a style or a script.
fn digest(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut base64 = String::new();
    for three in Sha256::digest(text).chunks(3) {
        let bits = three.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for at in 0..4 {
            let digit = (bits >> (18 - 6 * at)) & 63;
            base64.push(if at > three.len() { '=' } else { char::from(DIGITS[digit as usize]) });
        }
    }
    format!("sha256-{base64}")
}

fn header(report: &Report) -> Markup {
    let Report { plan, verdict, .. } = report;
    let today = plan.others.iter().find(|other| other.name == "today");
    html! {
        header {
            p class="project" { (Printable(&report.project).to_string()) }
            h1 { (verdict.first().map_or("", String::as_str)) }
            @for sentence in verdict.iter().skip(1) { p class="lead" { (with_code(sentence)) } }
            (figures(plan, today))
        }
    }
}

fn figures(plan: &PlanSummary, today: Option<&OtherPlan>) -> Markup {
    let before = |text: Option<String>| text.map_or_else(String::new, |text| format!("today {text}"));
    let shown = [
        ("ends in", plan.end.to_string(), before(today.map(|today| today.end.to_string()))),
        ("nine of ten runs within", plan.p90.to_string(), format!("one of two {}", plan.p50)),
        (
            "service containers",
            plan.containers.to_string(),
            before(today.map(|today| today.containers.to_string())),
        ),
        ("billed minutes", plan.minutes.to_string(), before(today.map(|today| today.minutes.to_string()))),
        ("gap to the proven bound", percent(plan.gap), format!("bound {}", plan.bound)),
    ];
    html! {
        dl class="figures" {
            @for (name, value, beside) in shown {
                div { dt { (name) } dd { (value) @if !beside.is_empty() { small { (beside) } } } }
            }
        }
    }
}

/// Returns a chart in both widths; the style sheet shows the one that fits.
fn drawn(draw: impl Fn(Width) -> Chart) -> Markup {
    html! {
        div class="figure" { (svg::inline(&draw(Width::Wide), "wide")) (svg::inline(&draw(Width::Narrow), "narrow")) }
    }
}

fn choice(report: &Report) -> Markup {
    let Report { plan, frontier, .. } = report;
    html! {
        section aria-labelledby="plans-heading" {
            h2 id="plans-heading" { "What a split buys" }
            @for sentence in &frontier.advice { p { (with_code(sentence)) } }
            (drawn(|width| chart::frontier(frontier, plan, width)))
            p class="caption" {
                "Every mark is a plan; the number in it, and its area, are its service containers. Further down ends sooner, further left bills less; plans that would cover each other stand side by side. Arrow keys go from mark to mark."
            }
            form id="filter" class="filter" hidden {
                label { "at most " input name="containers" type="number" min="0" inputmode="numeric"; " containers" }
                label { "at most " input name="minutes" type="number" min="0" inputmode="numeric"; " billed minutes" }
                label { "ends within " input name="end" type="number" min="0" step="any" inputmode="decimal"; " minutes" }
                button type="reset" { "Show all" }
                output aria-live="polite" {}
            }
            (tables::plans(report))
            @for other in plan.others.iter().filter(|other| !other.faults.is_empty()) {
                (faults(other))
            }
        }
    }
}

/// How many faults of another plan are shown.
const MOST_FAULTS: usize = 5;

fn faults(other: &OtherPlan) -> Markup {
    html! {
        h3 { "What is wrong with " (Printable(&other.name).to_string()) }
        ul {
            @for fault in other.faults.iter().take(MOST_FAULTS) { li { (with_code(fault)) } }
            @if other.faults.len() > MOST_FAULTS { li { "and " (other.faults.len() - MOST_FAULTS) " more, which " code { "shardplan suggest --compare" } " lists" } }
        }
    }
}

fn plan(report: &Report) -> Markup {
    let Report { plan, timeline, .. } = report;
    html! {
        section aria-labelledby="plan-heading" {
            h2 id="plan-heading" { "The plan" }
            p { "Critical path: " strong { (Printable(&timeline.path.join(" → ")).to_string()) } ". Whatever else becomes faster, the workflow does not." }
            (drawn(|width| chart::timeline(timeline, width)))
            p class="caption" {
                "Bars show the expected time; the strokes behind their ends mark what one of two and nine of ten runs take."
                @if timeline.rows.iter().any(|row| row.queue.is_some()) { " Waiting for a runner was measured; the times do not count it." }
            }
            (tables::shards(plan))
            @if let Some(moves) = &plan.moves { p { "Against the pinned plan, " (plural(moves.lines.len(), "unit")) " would move." } }
        }
    }
}

fn services(costs: &[ServiceCost]) -> Markup {
    // The least worth its boot: the most time for the fewest tests.
    let dearest = costs.iter().filter(|cost| cost.shards > 0).max_by(|a, b| {
        let each = |cost: &ServiceCost| cost.added.as_f64() / (cost.tests.max(1) as f64);
        each(a).total_cmp(&each(b))
    });
    html! {
        section aria-labelledby="services-heading" {
            h2 id="services-heading" { "Services" }
            @match dearest {
                Some(dearest) => {
                    p { (Printable(&dearest.sentence).to_string()) @if dearest.tests > 0 { " None costs more for each test that needs it." } }
                    (tables::service_costs(costs))
                    p class="caption" { "What a service adds is what its shards would save without it: a boot that hides behind a longer one adds nothing." }
                }
                None => p { "No shard starts a service." }
            }
            @let notes: Vec<&String> = costs.iter().flat_map(|cost| &cost.notes).collect();
            @if !notes.is_empty() { ul { @for note in notes { li { (with_code(note)) } } } }
        }
    }
}

fn units(report: &Report) -> Markup {
    html! {
        section aria-labelledby="units-heading" {
            h2 id="units-heading" { "The slowest units" }
            p { (tables::slow_units_in_words(&report.units)) }
            (tables::slow_units(&report.units))
        }
    }
}

fn runs(runs: &[RunForecast]) -> Markup {
    let within = runs.iter().filter(|run| run.in_band()).count();
    html! {
        section aria-labelledby="runs-heading" {
            h2 id="runs-heading" { "How good forecasts were" }
            @if runs.is_empty() {
                p { "No lane has two runs in the history yet, so no forecast can be held against what came." }
            } @else {
                p { (within) " of " (runs.len()) " runs of a lane took what the runs before them let expect for eight of ten, on the tests that they ran." }
                (drawn(|width| chart::runs(runs, width).unwrap_or_else(|| unreachable!("there are runs"))))
            }
        }
    }
}

fn audit(audit: Option<&AuditSummary>) -> Markup {
    html! {
        section aria-labelledby="audit-heading" {
            h2 id="audit-heading" { "Audit" }
            @match audit {
                None => p { "There are no Python tests here whose marks and guards could be looked at." },
                Some(audit) => {
                    p {
                        (plural(audit.errors, "error")) ", " (plural(audit.warnings, "warning")) " and " (plural(audit.notes, "note")) " in " (plural(audit.functions, "test function"))
                        @if audit.suppressed > 0 { "; " (plural(audit.suppressed, "finding")) " left alone" }
                        ". " code { "shardplan audit" } " shows each with its source."
                    }
                    @if !audit.rules.is_empty() { (tables::audit(audit)) }
                },
            }
        }
    }
}

fn notes(report: &Report) -> Markup {
    // What is said beside the services is not said again.
    let is_said = |note: &String| report.services.iter().any(|cost| cost.notes.contains(note));
    let notes: Vec<&String> = report.plan.notes.iter().filter(|note| !is_said(note)).collect();
    html! {
        @if !notes.is_empty() {
            section aria-labelledby="notes-heading" {
                h2 id="notes-heading" { "What the plan takes for granted" }
                ul { @for note in notes { li { (with_code(note)) } } }
            }
        }
    }
}

fn footer() -> Markup {
    html! {
        footer {
            p {
                "Made by shardplan " (env!("CARGO_PKG_VERSION")) ". Times are forecasts from the history; the proof holds in the model that "
                code { "models/formulation.md" } " writes out. The data of this page stands in it as JSON (" code { "#shardplan-report" } ")."
            }
            p { button id="save" type="button" hidden { "Save the data" } }
        }
    }
}

/// Returns a sentence of ours with what stands in back-quotes set as code.
fn with_code(sentence: &str) -> Markup {
    let sentence = Printable(sentence).to_string();
    html! {
        @for (at, part) in sentence.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_a_content_policy() {
        assert_eq!(digest(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn code_is_what_stands_in_back_quotes() {
        assert_eq!(with_code("say `<b>` twice").into_string(), "say <code>&lt;b&gt;</code> twice");
    }
}
