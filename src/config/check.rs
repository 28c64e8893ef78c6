//! What only the whole manifest shows: names that nothing bears, circles, contradictions.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graphmap::DiGraphMap;
use toml::Spanned;

use super::Problem;
use super::decode::nearest;
use super::read::Draft;

/// Returns every problem that shows only when the tables are held against each other.
pub(super) fn check(draft: &Draft) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_services(draft, &mut problems);
    check_jobs(draft, &mut problems);
    check_groups(draft, &mut problems);
    check_setups(draft, &mut problems);
    check_inside(draft, &mut problems);
    check_runners(draft, &mut problems);
    problems
}

/// A lane whose tests run in another's job today names one that has a job.
fn check_inside(draft: &Draft, problems: &mut Vec<Problem>) {
    for (lane, host) in &draft.lanes_inside {
        let text = host.get_ref().as_str();
        let named = draft.config.lanes.iter().find(|known| known.name.as_str() == text);
        let (message, hint) = match named {
            None => {
                let known = draft.config.lanes.iter().map(|lane| lane.name.as_str());
                let near = nearest(text, known).map(|near| format!("did you mean `{near}`?"));
                (format!("no lane is called `{text}`"), near)
            }
            Some(named) if named.today.as_ref().is_none_or(|today| today.inside.is_some()) => (
                format!("lane `{text}` has no job of its own today, so `{lane}` can not be inside it"),
                Some(format!("write `today = {{ services = […] }}` in `[lanes.{text}]`")),
            ),
            Some(_) => continue,
        };
        problems.push(Problem { message, span: host.span(), hint });
    }
}

/// Lanes run, and were measured, on runners that are declared; a lane names each once.
fn check_runners(draft: &Draft, problems: &mut Vec<Problem>) {
    let known: Vec<&str> = draft.config.runners.iter().map(|runner| runner.name.as_str()).collect();
    let of_lanes = || draft.lane_runners.iter();
    for runner in of_lanes().map(|(_, runner)| runner).chain(&draft.runners_measured) {
        let text = runner.get_ref().as_str();
        if !known.contains(&text) {
            let hint = nearest(text, known.iter().copied()).map_or_else(
                || format!("declare it with `[runners.{text}]`"),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("no runner is called `{text}`");
            problems.push(Problem { message, span: runner.span(), hint: Some(hint) });
        }
    }
    let mut seen = BTreeSet::new();
    for (lane, runner) in of_lanes() {
        if !seen.insert((lane, runner.get_ref())) {
            let message = format!("lane `{lane}` names runner `{}` twice", runner.get_ref());
            problems.push(Problem { message, span: runner.span(), hint: Some("remove one".to_owned()) });
        }
    }
}

fn check_services(draft: &Draft, problems: &mut Vec<Problem>) {
    let known: Vec<&str> = draft.config.services.iter().map(|service| service.name.as_str()).collect();
    for named in &draft.services_named {
        let text = named.get_ref().as_str();
        if !known.contains(&text) {
            let hint = nearest(text, known.iter().copied()).map_or_else(
                || format!("declare it with `[services.{text}]`"),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("no service is called `{text}`");
            problems.push(Problem { message, span: named.span(), hint: Some(hint) });
        }
    }
}

fn check_jobs(draft: &Draft, problems: &mut Vec<Problem>) {
    let jobs: BTreeSet<&str> = draft.config.workflow.jobs.iter().map(|job| job.name.as_str()).collect();
    let lanes: BTreeSet<&str> = draft.config.lanes.iter().map(|lane| lane.name.as_str()).collect();
    for name in jobs.intersection(&lanes) {
        let span =
            draft.job_spans.iter().find(|(job, _)| job.as_str() == *name).map(|(_, span)| span.clone());
        problems.push(Problem {
            message: format!("`{name}` is both a lane and a job"),
            span: span.unwrap_or(0..0),
            hint: Some("a lane is a job already: remove it from `[workflow.jobs]`".to_owned()),
        });
    }
    let missing = |need: &str| {
        nearest(need, jobs.union(&lanes).copied()).map_or_else(
            || format!("declare it with `[workflow.jobs.{need}]`"),
            |near| format!("did you mean `{near}`?"),
        )
    };
    let mut order = DiGraphMap::<&str, ()>::new();
    for (job, need) in &draft.job_needs {
        let text = need.get_ref().as_str();
        if jobs.contains(text) || lanes.contains(text) {
            order.add_edge(text, job.as_str(), ());
        } else {
            let message = format!("no job or lane is called `{text}`");
            problems.push(Problem { message, span: need.span(), hint: Some(missing(text)) });
        }
    }
    for (lane, need) in &draft.lane_needs {
        let text = need.get_ref().as_str();
        if jobs.contains(text) {
            order.add_edge(text, lane.as_str(), ());
        } else if lanes.contains(text) {
            problems.push(Problem {
                message: format!("lane `{lane}` can not wait for lane `{text}`: lanes run side by side"),
                span: need.span(),
                hint: Some("remove it from `needs`, or make the two one lane".to_owned()),
            });
        } else {
            let message = format!("no job is called `{text}`");
            problems.push(Problem { message, span: need.span(), hint: Some(missing(text)) });
        }
    }
    if let Some(circle) = first_circle(&order) {
        let place = draft.job_needs.iter().find(|(job, _)| circle.contains(&job.as_str()));
        problems.push(Problem {
            message: format!("jobs wait for each other in a circle: {}", circle.join(", ")),
            span: place.map_or(0..0, |(_, need)| need.span()),
            hint: Some("remove one of these `needs`".to_owned()),
        });
    }
    // Two lanes on one path through the other jobs would wait for each other just the same.
    for lane in &lanes {
        for other in &lanes {
            if lane != other && order.contains_node(lane) && order.contains_node(other) {
                let on_path = petgraph::algo::has_path_connecting(&order, *lane, *other, None);
                if on_path && first_circle(&order).is_none() {
                    problems.push(Problem {
                        message: format!("lane `{other}` waits for lane `{lane}` through other jobs"),
                        span: draft
                            .lane_needs
                            .iter()
                            .find(|(name, _)| name.as_str() == *other)
                            .map_or(0..0, |(_, need)| need.span()),
                        hint: Some("lanes run side by side: no job may stand between two of them".to_owned()),
                    });
                }
            }
        }
    }
}

/// Returns the names on some circle, sorted, or nothing where there is none.
fn first_circle<'g>(graph: &DiGraphMap<&'g str, ()>) -> Option<Vec<&'g str>> {
    let mut circles: Vec<Vec<&str>> = petgraph::algo::tarjan_scc(graph)
        .into_iter()
        .filter(|part| part.len() > 1 || graph.contains_edge(part[0], part[0]))
        .map(|mut part| {
            part.sort_unstable();
            part
        })
        .collect();
    circles.sort();
    circles.into_iter().next()
}

fn check_groups(draft: &Draft, problems: &mut Vec<Problem>) {
    let mut inclusion = DiGraphMap::<&str, ()>::new();
    for (group, members) in &draft.group_members {
        for member in members {
            let Some(other) = member.get_ref().strip_prefix('@') else { continue };
            if let Some((other, _)) = draft.group_members.get_key_value(other) {
                inclusion.add_edge(group.as_str(), other.as_str(), ());
            } else {
                let near = nearest(other, draft.group_members.keys().map(String::as_str));
                problems.push(Problem {
                    message: format!("no group is called `{other}`"),
                    span: member.span(),
                    hint: near.map(|near| format!("did you mean `@{near}`?")),
                });
            }
        }
    }
    if let Some(circle) = first_circle(&inclusion) {
        let place = draft.group_members.get(circle[0]).and_then(|members| {
            members
                .iter()
                .find(|member| member.get_ref().strip_prefix('@').is_some_and(|m| circle.contains(&m)))
        });
        problems.push(Problem {
            message: format!("groups include each other in a circle: {}", circle.join(", ")),
            span: place.map_or(0..0, Spanned::span),
            hint: Some("let one group hold the members and the others include it".to_owned()),
        });
    }
}

/// A fixture that stands for a service and does a set-up does both; a name can be only one of them.
fn check_setups(draft: &Draft, problems: &mut Vec<Problem>) {
    for setup in &draft.config.setups {
        if draft.config.services.iter().any(|service| service.name.as_str() == setup.name) {
            problems.push(Problem {
                message: format!("`{}` is both a service and a set-up", setup.name),
                span: draft.setup_spans.get(&setup.name).cloned().unwrap_or(0..0),
                hint: Some("give the set-up another name".to_owned()),
            });
        }
    }
}

/// Returns the patterns of a group, those of the groups it includes among them, sorted.
pub(super) fn flatten(group: &str, members: &BTreeMap<String, Vec<Spanned<String>>>) -> BTreeSet<String> {
    let mut patterns = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![group.to_owned()];
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        for member in members.get(&name).into_iter().flatten() {
            match member.get_ref().strip_prefix('@') {
                Some(other) => open.push(other.to_owned()),
                None => {
                    patterns.insert(member.get_ref().clone());
                }
            }
        }
    }
    patterns
}
