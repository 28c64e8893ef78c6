//! When every job of the workflow runs, as a Gantt chart.

use super::scale::{Scale, times};
use super::scene::{TEXT, fitted, width_of};
use super::{Anchor, Chart, Mark, Role, Shape, Width};
use crate::report::page::{PartKind, Row, Timeline};
use crate::time::Millis;

const BAR: f64 = 16.0;

/// Returns the chart.
#[must_use]
pub fn timeline(data: &Timeline, width: Width) -> Chart {
    let wide = width == Width::Wide;
    let total = width.pixels();
    // On a telephone the names stand above the bars.
    let (left, right) = if wide { (196.0, 164.0) } else { (4.0, 8.0) };
    let step = if wide { 26.0 } else { 40.0 };
    let latest = data.rows.iter().filter_map(p90_end).max().unwrap_or_default().max(data.end).max(data.p90);
    let named = times(Millis::ZERO, latest, if wide { 7 } else { 3 });
    let last = latest.max(Millis(1));
    let queue = data.rows.iter().filter(|row| row.start == Millis::ZERO).filter_map(|row| row.queue).max();
    let first = -queue.unwrap_or_default().as_f64();
    let scale = Scale::new((first, last.as_f64()), (left, total - right));
    let mut chart = Chart {
        name: "timeline",
        title: "When every job of the workflow runs".to_owned(),
        description: description(data),
        width: total,
        height: 0.0,
        shapes: Vec::new(),
        marks: Vec::new(),
    };
    let top = legend(&mut chart, data) + 46.0;
    let bottom = top + step * data.rows.len() as f64;
    chart.height = bottom + 26.0 + if data.left_out > 0 { 20.0 } else { 0.0 };
    for at in named.into_iter().filter(|at| *at <= last) {
        let x = scale.time(at);
        chart.line(vec![(x, top - 6.0), (x, bottom)], Role::Grid);
        if wide || x < total - 60.0 {
            chart.text(x, bottom + 16.0, Anchor::Middle, Role::Muted, at.to_string());
        }
    }
    let ends = [(data.end, Role::Axis), (data.p90, Role::Limit)];
    for (at, role) in ends {
        chart.line(vec![(scale.time(at), top - 6.0), (scale.time(at), bottom)], role);
    }
    let (x, p90) = (scale.time(data.end), scale.time(data.p90));
    let (end_text, p90_text) = (format!("ends {}", data.end), format!("p90 {}", data.p90));
    chart.text(x - 4.0, top - 12.0, Anchor::End, Role::Strong, end_text);
    let fits = p90 + 4.0 + width_of(&p90_text) <= total;
    let (at, anchor, y) =
        if fits { (p90 + 4.0, Anchor::Start, top - 12.0) } else { (total, Anchor::End, top - 26.0) };
    chart.text(at, y, anchor, Role::Muted, p90_text);
    for (at, row) in data.rows.iter().enumerate() {
        let y = top + step * at as f64;
        chart.marks.push(mark(row, scale, y, wide, (left, total)));
    }
    if data.left_out > 0 {
        let text = format!("and {} more, all of which end by {}", data.left_out, data.left_out_end);
        chart.text(left, bottom + 40.0, Anchor::Start, Role::Muted, text);
    }
    chart
}

fn p90_end(row: &Row) -> Option<Millis> {
    row.p90.map(|p90| row.start + p90)
}

fn mark(row: &Row, scale: Scale, y: f64, wide: bool, (left, total): (f64, f64)) -> Mark {
    let mut shapes = Vec::new();
    let bar = if wide { y + 2.0 } else { y + 18.0 };
    let base = bar + BAR - 4.0;
    let role = if row.critical { Role::Strong } else { Role::Ink };
    let mut say = |x: f64, y: f64, anchor: Anchor, role: Role, text: String| {
        shapes.push(Shape::Text { x, y, anchor, text, role });
    };
    if wide {
        say(left - 10.0, base, Anchor::End, role, fitted(&row.name, left - 14.0));
        let (end, slack) = match (row.is_timed(), row.critical) {
            (false, _) => (String::new(), NO_TIME.to_owned()),
            (true, true) => (row.end.to_string(), "critical".to_owned()),
            (true, false) => (row.end.to_string(), format!("{} spare", row.slack)),
        };
        say(total - 96.0, base, Anchor::End, role, end);
        say(total, base, Anchor::End, Role::Muted, slack);
    } else {
        let name = fitted(&row.name, total - 90.0);
        let end = match (row.is_timed(), row.critical) {
            (false, _) => NO_TIME.to_owned(),
            (true, critical) => format!("{}{}", row.end, if critical { ", critical" } else { "" }),
        };
        let beside = left + width_of(&name) + 8.0;
        say(left, y + TEXT, Anchor::Start, role, name);
        say(beside, y + TEXT, Anchor::Start, Role::Muted, end);
    }
    if let Some(queue) = row.queue.filter(|queue| *queue > Millis::ZERO) {
        let (to, from) = (scale.time(row.start), scale.at(row.start.as_f64() - queue.as_f64()));
        shapes.push(rectangle(from.max(left), bar, to - from.max(left), Role::Queue));
    }
    let mut at = row.start;
    for part in &row.parts {
        let (from, to) = (scale.time(at), scale.time(at + part.takes));
        at += part.takes;
        if part.takes > Millis::ZERO {
            // A hair between two parts, unless that is all there is.
            let gap = if to - from > 3.0 { 1.0 } else { 0.0 };
            shapes.push(rectangle(from, bar, (to - from - gap).max(0.5), role_of(part.kind, row.critical)));
        }
    }
    if let (Some(p50), Some(p90)) = (row.p50, row.p90) {
        let middle = bar + BAR / 2.0;
        let (from, to) = (scale.time(row.end.min(row.start + p50)), scale.time(row.start + p90));
        let to = to.min(total);
        shapes.push(Shape::Line { points: vec![(from, middle), (to, middle)], role: Role::Spread });
        shapes.push(Shape::Line { points: vec![(to, middle - 4.0), (to, middle + 4.0)], role: Role::Spread });
        let p50 = scale.time(row.start + p50);
        shapes
            .push(Shape::Line { points: vec![(p50, middle - 4.0), (p50, middle + 4.0)], role: Role::Spread });
    }
    Mark { key: row.name.clone(), facts: facts(row), shapes }
}

fn rectangle(x: f64, y: f64, width: f64, role: Role) -> Shape {
    Shape::Rectangle { x, y, width, height: BAR, role }
}

const fn role_of(kind: PartKind, critical: bool) -> Role {
    match (kind, critical) {
        (PartKind::SetUp | PartKind::Tail, _) => Role::Around,
        (PartKind::Boot, _) => Role::Boot,
        (PartKind::Attach, _) => Role::Attach,
        (PartKind::Tests | PartKind::Job, true) => Role::Accent,
        (PartKind::Tests, false) => Role::Soft,
        (PartKind::Job, false) => Role::Job,
    }
}

/// What stands where a job's time would.
const NO_TIME: &str = "no time known";

fn facts(row: &Row) -> Vec<String> {
    if !row.is_timed() {
        return vec![format!("{}: {NO_TIME}, so it counts as none", row.name)];
    }
    let mut facts = vec![format!("{}: {} to {}", row.name, row.start, row.end)];
    if !row.services.is_empty() {
        facts.push(format!("starts {}", row.services.join(", ")));
    }
    facts.extend(row.queue.map(|queue| format!("waits {queue} for a runner, not counted")));
    facts.extend(
        row.parts
            .iter()
            .filter(|part| part.takes > Millis::ZERO && part.kind != PartKind::Job)
            .map(|part| format!("{} {}", part.kind.as_str(), part.takes)),
    );
    if let (Some(p50), Some(p90)) = (row.p50, row.p90) {
        facts.push(format!("takes {p50} in one of two runs, {p90} in nine of ten"));
    }
    facts.push(if row.critical {
        "on the critical path".to_owned()
    } else {
        format!("could take {} longer", row.slack)
    });
    facts
}

/// Draws what the shades mean, in as many lines as it takes, and returns where the last one ends.
fn legend(chart: &mut Chart, data: &Timeline) -> f64 {
    let is_used = |kind: PartKind| {
        let mut parts = data.rows.iter().flat_map(|row| &row.parts);
        parts.any(|part| part.kind == kind && part.takes > Millis::ZERO)
    };
    let mut keys: Vec<(Role, &str)> = Vec::new();
    if data.rows.iter().any(|row| row.queue.is_some_and(|queue| queue > Millis::ZERO)) {
        keys.push((Role::Queue, "queue"));
    }
    let shown = [
        (PartKind::SetUp, Role::Around, "set-up and clean-up"),
        (PartKind::Boot, Role::Boot, "services boot"),
        (PartKind::Attach, Role::Attach, "first contact"),
        (PartKind::Tests, Role::Soft, "tests"),
    ];
    keys.extend(shown.into_iter().filter(|key| is_used(key.0)).map(|(_, role, name)| (role, name)));
    keys.push((Role::Accent, "on the critical path"));
    if is_used(PartKind::Job) {
        keys.push((Role::Job, "other job"));
    }
    let (mut x, mut y) = (0.0, 10.0);
    for (role, name) in keys {
        let needed = 16.0 + width_of(name) + 14.0;
        if x + needed > chart.width && x > 0.0 {
            (x, y) = (0.0, y + 16.0);
        }
        chart.shapes.push(Shape::Rectangle { x: x + 0.5, y: y - 9.5, width: 10.0, height: 10.0, role });
        chart.text(x + 16.0, y, Anchor::Start, Role::Muted, name);
        x += needed;
    }
    y
}

fn description(data: &Timeline) -> String {
    format!(
        "{} bars from the start of the workflow to its end after {}. The critical path is {}. In nine of ten runs it ends within {}.",
        data.rows.len(),
        data.end,
        data.path.join(", then "),
        data.p90
    )
}
