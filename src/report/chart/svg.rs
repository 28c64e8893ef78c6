//! Charts as SVG: inside a page, where marks can be reached by keyboard, or as a file of their own.

use maud::{Markup, PreEscaped, html};

use super::scene::TEXT;
use super::style::{Medium, class, stylesheet};
use super::{Anchor, Chart, Mark, Shape};
use crate::ids::Printable;

/// The fonts of a chart in a file of its own.
const FONTS: &str =
    "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/// What is left free around a chart in a file of its own, in pixels: in a page the page does it.
const MARGIN: f64 = 12.0;

/// Returns a chart for a page. `width` tells it from the same chart laid out otherwise.
#[must_use]
pub fn inline(chart: &Chart, width: &str) -> Markup {
    let title = format!("{}-{width}-title", chart.name);
    let description = format!("{}-{width}-description", chart.name);
    html! {
        svg class={ "chart " (width) } viewBox=(view_box(chart)) width=(number(chart.width)) height=(number(chart.height))
            role="group" aria-labelledby=(title) aria-describedby=(description) {
            title id=(title) { (chart.title) }
            desc id=(description) { (Printable(&chart.description).to_string()) }
            g aria-hidden="true" { @for shape in &chart.shapes { (drawn(shape)) } }
            @for (at, mark) in chart.marks.iter().enumerate() {
                g class="mark" role="img" tabindex=(if at == 0 { "0" } else { "-1" })
                    data-key=(mark.key) aria-label=(facts(mark, "; ")) {
                    @for shape in &mark.shapes { (drawn(shape)) }
                }
            }
        }
    }
}

/// Returns a chart as the text of a file of its own.
#[must_use]
pub fn file(chart: &Chart, medium: Medium) -> String {
    let (width, height) = (number(chart.width + 2.0 * MARGIN), number(chart.height + 2.0 * MARGIN));
    let corner = number(-MARGIN);
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ (corner) " " (corner) " " (width) " " (height) } width=(width) height=(height)
            role="img" aria-labelledby="title description" {
            title id="title" { (chart.title) }
            desc id="description" { (Printable(&chart.description).to_string()) }
            style { (PreEscaped(stylesheet(medium))) (PreEscaped(format!("text{{font:{TEXT}px {FONTS};font-variant-numeric:tabular-nums}}"))) }
            rect class="paper" x=(corner) y=(corner) width=(width) height=(height) {}
            @for shape in &chart.shapes { (drawn(shape)) }
            @for mark in &chart.marks {
                g { title { (facts(mark, "\n")) } @for shape in &mark.shapes { (drawn(shape)) } }
            }
        }
    };
    markup.into_string() + "\n"
}

fn view_box(chart: &Chart) -> String {
    format!("0 0 {} {}", number(chart.width), number(chart.height))
}

/// Returns the facts of a mark as one text. Control characters are no XML, not even escaped.
fn facts(mark: &Mark, between: &str) -> String {
    mark.facts.iter().map(|fact| Printable(fact).to_string()).collect::<Vec<_>>().join(between)
}

fn drawn(shape: &Shape) -> Markup {
    html! {
        @match shape {
            Shape::Rectangle { x, y, width, height, role } => {
                rect class=(class(*role)) x=(number(*x)) y=(number(*y)) width=(number(*width)) height=(number(*height)) {}
            }
            Shape::Line { points, role } => {
                polyline class=(class(*role)) points=(joined(points)) {}
            }
            Shape::Circle { centre, radius, role } => {
                circle class=(class(*role)) cx=(number(centre.0)) cy=(number(centre.1)) r=(number(*radius)) {}
            }
            Shape::Text { x, y, anchor, text, role } => {
                text class=(class(*role)) x=(number(*x)) y=(number(*y)) text-anchor=[anchor_word(*anchor)] { (Printable(text).to_string()) }
            }
        }
    }
}

const fn anchor_word(anchor: Anchor) -> Option<&'static str> {
    match anchor {
        Anchor::Start => None,
        Anchor::Middle => Some("middle"),
        Anchor::End => Some("end"),
    }
}

fn joined(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect::<Vec<_>>().join(" ")
}

/// Returns a place to a tenth of a pixel.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
