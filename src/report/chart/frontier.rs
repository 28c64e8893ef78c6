//! What one more shard and one more container buy: when the workflow ends against what is billed.

use super::scale::{Scale, counts, times};
use super::scene::{TEXT, fitted, width_of};
use super::{Anchor, Chart, Mark, Role, Shape, Width};
use crate::report::sentences::plural;
use crate::report::summary::{FrontierSummary, OtherPlan, PlanSummary};
use crate::time::Millis;

/// With more plans than this the numbers in the marks would cover each other.
const MOST_NUMBERED: usize = 24;

/// A plan as a mark.
struct Dot {
    key: String,
    name: Option<String>,
    role: Role,
    minutes: u64,
    end: Millis,
    containers: u32,
    shards: usize,
    facts: Vec<String>,
}

/// Returns the chart.
#[must_use]
pub fn frontier(data: &FrontierSummary, plan: &PlanSummary, width: Width) -> Chart {
    let wide = width == Width::Wide;
    let dots = dots(data, plan);
    let (total, height) = (width.pixels(), if wide { 400.0 } else { 360.0 });
    let (left, right, top, bottom) = (58.0, if wide { 96.0 } else { 14.0 }, 30.0, height - 46.0);
    let minutes = || dots.iter().map(|dot| dot.minutes);
    let (fewest, most) = (minutes().min().unwrap_or(0), minutes().max().unwrap_or(1));
    let latest = dots.iter().map(|dot| dot.end).max().unwrap_or_default();
    let named_minutes = counts(fewest, most, if wide { 8 } else { 4 });
    let named_times = times(Millis::ZERO, latest, 6);
    let ends = |named: &[u64]| (named[0] as f64, named[named.len() - 1] as f64);
    let (from, to) = ends(&named_minutes);
    // Half a step of air, so that no mark lies on an axis.
    let air = (to - from) * 0.06;
    let across = Scale::new((from - air, to + air), (left, total - right));
    let top_time = named_times.last().copied().unwrap_or_default();
    let down = Scale::new((0.0, top_time.as_f64()), (bottom, top));
    let mut chart = Chart {
        name: "frontier",
        title: "When the workflow ends against billed minutes".to_owned(),
        description: description(data, plan),
        width: total,
        height,
        shapes: Vec::new(),
        marks: Vec::new(),
    };
    for at in &named_times {
        let y = down.time(*at);
        chart.line(vec![(left, y), (total - right, y)], Role::Grid);
        chart.text(left - 8.0, y + 4.0, Anchor::End, Role::Muted, at.to_string());
    }
    for at in &named_minutes {
        let x = across.at(*at as f64);
        chart.line(vec![(x, bottom), (x, bottom + 5.0)], Role::Axis);
        chart.text(x, bottom + 19.0, Anchor::Middle, Role::Muted, at.to_string());
    }
    chart.line(vec![(left, bottom), (total - right, bottom)], Role::Axis);
    chart.text(0.0, 12.0, Anchor::Start, Role::Muted, "the workflow ends after");
    chart.text(total - right, bottom + 38.0, Anchor::End, Role::Muted, "billed minutes a run");
    limit(&mut chart, data.floor, down, (left, total - right));
    let numbered = dots.len() <= MOST_NUMBERED;
    let places = places(&dots, across, down, if numbered { 1.0 } else { 0.6 });
    let mut taken: Vec<[f64; 4]> = places.iter().map(|(x, y, r)| [x - r, y - r, x + r, y + r]).collect();
    let curve = steps(&dots, across, down);
    taken.extend(curve.windows(2).map(|ends| {
        let [(a, b), (c, d)] = [ends[0], ends[1]];
        [a.min(c) - 1.0, b.min(d) - 1.0, a.max(c) + 1.0, b.max(d) + 1.0]
    }));
    chart.line(curve, Role::Curve);
    for (dot, place) in dots.into_iter().zip(&places) {
        let label = dot.name.as_deref().map(|name| label(name, *place, total, &mut taken));
        chart.marks.push(mark(dot, *place, numbered, label));
    }
    chart
}

/// Returns where every mark lies, and its radius: the area stands for the containers. Minutes are whole numbers, so
/// marks that would cover each other stand side by side.
fn places(dots: &[Dot], across: Scale, down: Scale, size: f64) -> Vec<(f64, f64, f64)> {
    let most = dots.iter().map(|dot| dot.containers).max().unwrap_or(1).max(1);
    let mut places = vec![None; dots.len()];
    // What matters most keeps its place, then what ends sooner.
    let mut order: Vec<(usize, &Dot)> = dots.iter().enumerate().collect();
    order.sort_by_key(|(_, dot)| (dot.role != Role::Accent, dot.role != Role::Today, dot.end));
    for (at, dot) in order {
        let radius = size * (7.0 + 8.0 * (f64::from(dot.containers) / f64::from(most)).sqrt());
        let (x, y) = (across.at(dot.minutes as f64), down.time(dot.end));
        let is_free = |shift: &f64| {
            let apart = |&(other_x, other_y, other): &(f64, f64, f64)| {
                (x + shift - other_x).hypot(y - other_y) > radius + other
            };
            places.iter().flatten().all(apart)
        };
        let step = radius * 0.5;
        let shifts = (0..=8).flat_map(|count| [f64::from(count) * step, -f64::from(count) * step]);
        places[at] = Some((x + shifts.into_iter().find(is_free).unwrap_or_default(), y, radius));
    }
    places.into_iter().flatten().collect()
}

/// Returns every plan, those that matter last, so that they lie on top.
fn dots(data: &FrontierSummary, plan: &PlanSummary) -> Vec<Dot> {
    let same = |minutes: u64, end: Millis, containers: u32| {
        minutes == plan.minutes && end == plan.end && containers == plan.containers
    };
    let mut dots: Vec<Dot> = Vec::new();
    let mut chosen_is_knee = false;
    for (at, point) in data.points.iter().enumerate() {
        if same(point.minutes, point.end, point.containers) {
            chosen_is_knee = point.knee;
            continue;
        }
        dots.push(Dot {
            key: format!("point-{at}"),
            name: point.knee.then(|| "knee".to_owned()),
            role: Role::Soft,
            minutes: point.minutes,
            end: point.end,
            containers: point.containers,
            shards: point.shards,
            facts: vec![point.shape.clone()],
        });
    }
    for (at, other) in plan.others.iter().enumerate() {
        dots.push(other_dot(at, other));
    }
    let name = if chosen_is_knee { "plan, knee" } else { "plan" };
    dots.push(Dot {
        key: "plan".to_owned(),
        name: Some(name.to_owned()),
        role: Role::Accent,
        minutes: plan.minutes,
        end: plan.end,
        containers: plan.containers,
        shards: plan.shards.len(),
        facts: vec![format!("nine of ten runs end within {}", plan.p90)],
    });
    dots
}

fn other_dot(at: usize, other: &OtherPlan) -> Dot {
    let faults = match other.faults.len() {
        0 => Vec::new(),
        count => vec![format!("has {}", plural(count, "fault"))],
    };
    Dot {
        key: format!("other-{at}"),
        name: Some(other.name.clone()),
        role: if other.name == "today" { Role::Today } else { Role::Other },
        minutes: other.minutes,
        end: other.end,
        containers: other.containers,
        shards: other.shards,
        facts: faults,
    }
}

fn mark(dot: Dot, (x, y, radius): (f64, f64, f64), numbered: bool, label: Option<Shape>) -> Mark {
    let mut shapes = vec![Shape::Circle { centre: (x, y), radius, role: dot.role }];
    if dot.role == Role::Accent {
        shapes.push(Shape::Circle { centre: (x, y), radius: radius + 3.5, role: Role::Ring });
    }
    if numbered {
        let role = match dot.role {
            Role::Accent => Role::OnAccent,
            Role::Soft => Role::OnSoft,
            _ => Role::Ink,
        };
        let text = dot.containers.to_string();
        shapes.push(Shape::Text { x, y: y + TEXT * 0.36, anchor: Anchor::Middle, text, role });
    }
    shapes.extend(label);
    let mut facts = Vec::new();
    facts.push(format!("{}ends in {}", dot.name.map_or_else(String::new, |name| name + ": "), dot.end));
    facts.push(format!(
        "{}, {}, {}",
        plural(dot.containers, "container"),
        plural(dot.shards, "shard"),
        plural(dot.minutes, "billed minute")
    ));
    facts.extend(dot.facts);
    Mark { key: dot.key, facts, shapes }
}

/// Returns a mark's name where it covers the least of what is drawn already.
fn label(name: &str, (x, y, radius): (f64, f64, f64), total: f64, taken: &mut Vec<[f64; 4]>) -> Shape {
    let gap = radius + 8.0;
    let text = fitted(name, total / 3.0);
    let width = width_of(&text);
    let base = y + TEXT * 0.36;
    let places = [
        (x + gap, base, Anchor::Start, x + gap),
        (x - gap, base, Anchor::End, x - gap - width),
        (x, y - gap, Anchor::Middle, x - width / 2.0),
        (x, y + gap + TEXT * 0.8, Anchor::Middle, x - width / 2.0),
    ];
    let covered = |(_, base, _, from): &(f64, f64, Anchor, f64)| {
        let box_of = [*from, base - TEXT, from + width, base + 3.0];
        let overlap = |other: &[f64; 4]| {
            let across = box_of[2].min(other[2]) - box_of[0].max(other[0]);
            let down = box_of[3].min(other[3]) - box_of[1].max(other[1]);
            across.max(0.0) * down.max(0.0)
        };
        let outside = (-box_of[0]).max(0.0) + (box_of[2] - total).max(0.0);
        taken.iter().map(overlap).sum::<f64>() + outside * 1000.0
    };
    let best = places.iter().min_by(|a, b| covered(a).total_cmp(&covered(b))).unwrap_or(&places[0]);
    let (x, y, anchor, from) = *best;
    taken.push([from, y - TEXT, from + width, y + 3.0]);
    Shape::Text { x, y, anchor, text, role: Role::Strong }
}

/// Draws the line below which no plan gets.
fn limit(chart: &mut Chart, floor: Millis, down: Scale, (left, right): (f64, f64)) {
    if floor == Millis::ZERO {
        return;
    }
    let y = down.time(floor);
    chart.line(vec![(left, y), (right, y)], Role::Limit);
    let text = format!("nothing ends it before {floor}");
    chart.text(left + 6.0, y + TEXT + 4.0, Anchor::Start, Role::Muted, text);
}

/// Returns the earliest end that can be had for so many minutes, as stairs.
fn steps(dots: &[Dot], across: Scale, down: Scale) -> Vec<(f64, f64)> {
    let mut order: Vec<(u64, Millis)> = dots
        .iter()
        .filter(|dot| matches!(dot.role, Role::Soft | Role::Accent))
        .map(|dot| (dot.minutes, dot.end))
        .collect();
    order.sort_unstable();
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut best = None;
    for (minutes, end) in order {
        if best.is_none_or(|best| end < best) {
            let (x, y) = (across.at(minutes as f64), down.time(end));
            if let Some((_, before)) = points.last().copied() {
                points.push((x, before));
            }
            points.push((x, y));
            best = Some(end);
        }
    }
    points
}

fn description(data: &FrontierSummary, plan: &PlanSummary) -> String {
    let mut text = format!(
        "{} plans of which none is better than another in every respect, by billed minutes and by when the workflow ends; the number in a mark, and its area, are the service containers. The plan ends in {} for {}.",
        data.points.len(),
        plan.end,
        plural(plan.minutes, "billed minute")
    );
    for other in &plan.others {
        let minutes = plural(other.minutes, "billed minute");
        text += &format!(" {} ends in {} for {minutes}.", other.name, other.end);
    }
    text
}
