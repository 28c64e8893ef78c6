//! What past runs took against their forecasts, a strip for every lane.

use super::scale::{Scale, times};
use super::scene::fitted;
use super::{Anchor, Chart, Mark, Role, Shape, Width};
use crate::report::page::RunForecast;
use crate::report::sentences::change;
use crate::time::Millis;

/// How many lanes are drawn, those with the most test time.
const MOST_LANES: usize = 4;
const STRIP: f64 = 132.0;

/// Returns the chart; nothing where no run has a forecast.
#[must_use]
pub fn runs(data: &[RunForecast], width: Width) -> Option<Chart> {
    let mut lanes: Vec<(Option<&str>, Vec<&RunForecast>)> = Vec::new();
    for run in data {
        let lane = run.lane.as_deref();
        match lanes.iter_mut().find(|(known, _)| *known == lane) {
            Some((_, runs)) => runs.push(run),
            None => lanes.push((lane, vec![run])),
        }
    }
    let load = |runs: &[&RunForecast]| runs.iter().map(|run| run.actual).max().unwrap_or_default();
    lanes.sort_by_key(|(name, runs)| (std::cmp::Reverse(load(runs)), *name));
    lanes.truncate(MOST_LANES);
    if lanes.is_empty() {
        return None;
    }
    let total = width.pixels();
    let mut chart = Chart {
        name: "runs",
        title: "Test time of past runs against what earlier runs foretold".to_owned(),
        description: description(&lanes),
        width: total,
        height: 24.0 + STRIP * lanes.len() as f64,
        shapes: Vec::new(),
        marks: Vec::new(),
    };
    legend(&mut chart);
    for (at, (name, runs)) in lanes.iter().enumerate() {
        strip(&mut chart, name.unwrap_or("no lane"), runs, 24.0 + STRIP * at as f64);
    }
    Some(chart)
}

fn strip(chart: &mut Chart, name: &str, runs: &[&RunForecast], top: f64) {
    let (left, right) = (58.0, chart.width - 8.0);
    let (upper, lower) = (top + 30.0, top + STRIP - 18.0);
    let most = runs.iter().map(|run| run.actual.max(run.p90)).max().unwrap_or_default();
    let named = times(Millis::ZERO, most, 3);
    let highest = named.last().copied().unwrap_or_default();
    let down = Scale::new((0.0, highest.as_f64()), (lower, upper));
    for at in named {
        let y = down.time(at);
        chart.line(vec![(left, y), (right, y)], if at == Millis::ZERO { Role::Axis } else { Role::Grid });
        chart.text(left - 8.0, y + 4.0, Anchor::End, Role::Muted, at.to_string());
    }
    chart.text(0.0, top + 14.0, Anchor::Start, Role::Strong, fitted(name, chart.width - 20.0));
    // Few runs stand close together rather than far apart.
    let step = ((right - left) / runs.len() as f64).min(64.0);
    for (at, run) in runs.iter().enumerate() {
        let x = left + step * (at as f64 + 0.5);
        let half = (step * 0.28).min(10.0);
        let (p90, p10, middle) = (down.time(run.p90), down.time(run.p10), down.time(run.forecast));
        let shapes = vec![
            Shape::Rectangle {
                x: x - half,
                y: p90,
                width: half * 2.0,
                height: (p10 - p90).max(1.0),
                role: Role::Soft,
            },
            Shape::Line { points: vec![(x - half, middle), (x + half, middle)], role: Role::Spread },
            Shape::Circle {
                centre: (x, down.time(run.actual)),
                radius: 4.5,
                role: if run.in_band() { Role::Accent } else { Role::Today },
            },
        ];
        chart.marks.push(Mark { key: format!("{name}-{}", run.run), facts: facts(name, run), shapes });
    }
}

fn facts(name: &str, run: &RunForecast) -> Vec<String> {
    let at = run.at.map_or_else(String::new, |at| format!(", {at}"));
    vec![
        format!("{name}{at}: took {}", run.actual),
        format!(
            "forecast {} ({}), eight of ten {} to {}",
            run.forecast,
            change(run.forecast, run.actual),
            run.p10,
            run.p90
        ),
        crate::report::plural(run.tests, "test"),
    ]
}

fn legend(chart: &mut Chart) {
    let swatch = |x: f64| Shape::Rectangle { x, y: 1.0, width: 10.0, height: 10.0, role: Role::Soft };
    chart.shapes.push(swatch(0.5));
    chart.text(16.0, 10.5, Anchor::Start, Role::Muted, "forecast, eight of ten runs");
    chart.shapes.push(Shape::Circle { centre: (196.0, 6.0), radius: 4.5, role: Role::Accent });
    chart.text(206.0, 10.5, Anchor::Start, Role::Muted, "within");
    chart.shapes.push(Shape::Circle { centre: (262.0, 6.0), radius: 4.5, role: Role::Today });
    chart.text(272.0, 10.5, Anchor::Start, Role::Muted, "outside");
}

fn description(lanes: &[(Option<&str>, Vec<&RunForecast>)]) -> String {
    let mut text = String::new();
    for (name, runs) in lanes {
        let within = runs.iter().filter(|run| run.in_band()).count();
        let name = name.unwrap_or("runs without a lane");
        text += &format!("{name}: {within} of {} runs took what was to be expected. ", runs.len());
    }
    text.trim_end().to_owned()
}
