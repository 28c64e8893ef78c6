//! Graphs in the DOT language of Graphviz.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::inventory::Inventory;
use crate::model::{Model, Node};
use crate::time::Millis;
use crate::workflow::{JobNode, Network};

/// Returns the constraint graph, tests drawn as the units they are in; with `around`, only what leads to or from
/// a node whose name contains it, or nothing where there is no such node.
#[must_use]
pub fn constraint_graph(model: &Model, inventory: &Inventory, around: Option<&str>) -> Option<String> {
    let mut unit_of = BTreeMap::new();
    for (ix, facts) in model.units.iter_enumerated() {
        unit_of.extend(facts.tests.iter().map(|test| (*test, ix)));
    }
    let name = |node: &Node| match node {
        Node::Test(test) => unit_of.get(test).map_or_else(
            || inventory.tests[*test].id.to_string(),
            |unit| model.problem.units[*unit].name.clone(),
        ),
        Node::Marker(name) => format!("@{name}"),
        Node::Fixture(name) => format!("{name}()"),
        Node::Service(service) => model.problem.services[*service].name.to_string(),
        Node::Lane(name) => format!("lane {name}"),
    };
    let graph = model.graph.graph();
    let mut edges: BTreeSet<(String, String, String)> = BTreeSet::new();
    let mut shapes: BTreeMap<String, &str> = BTreeMap::new();
    for edge in graph.edge_indices() {
        let Some((from, to)) = graph.edge_endpoints(edge) else { continue };
        let (from_name, to_name) = (name(&graph[from]), name(&graph[to]));
        shapes.insert(from_name.clone(), shape(&graph[from]));
        shapes.insert(to_name.clone(), shape(&graph[to]));
        edges.insert((from_name, to_name, graph[edge].relation.to_string()));
    }
    if let Some(around) = around {
        let near: BTreeSet<String> = edges
            .iter()
            .filter(|(from, to, _)| from.contains(around) || to.contains(around))
            .flat_map(|(from, to, _)| [from.clone(), to.clone()])
            .collect();
        edges.retain(|(from, to, _)| near.contains(from) && near.contains(to));
        shapes.retain(|name, _| near.contains(name));
        if shapes.is_empty() {
            return None;
        }
    }
    let mut text = String::from("digraph needs {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
    for (name, shape) in &shapes {
        let _ = writeln!(text, "  {} [shape={shape}];", quoted(name));
    }
    for (from, to, relation) in &edges {
        let _ = writeln!(text, "  {} -> {} [label={}];", quoted(from), quoted(to), quoted(relation));
    }
    text.push_str("}\n");
    Some(text)
}

/// Returns the jobs of the workflow, the lanes among them.
#[must_use]
pub fn job_graph(model: &Model) -> String {
    let mut text =
        String::from("digraph jobs {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", shape=box];\n");
    for job in model.jobs.jobs() {
        let label = match job {
            JobNode::Job(name, wall) => format!("{name}\n{wall}"),
            JobNode::Lane(name) => {
                let load: Millis = model
                    .problem
                    .units
                    .iter()
                    .filter(|unit| model.problem.lanes[unit.lane].name == *name)
                    .map(|unit| unit.load)
                    .sum();
                format!("{name}\n{load} of tests")
            }
        };
        let style = if matches!(job, JobNode::Lane(_)) { ", style=bold" } else { "" };
        let _ = writeln!(text, "  {} [label={}{style}];", quoted(job.name()), quoted(&label));
    }
    for (from, to) in model.jobs.waits() {
        let _ = writeln!(text, "  {} -> {};", quoted(from.name()), quoted(to.name()));
    }
    text.push_str("}\n");
    text
}

/// Returns the jobs with the time each takes and how much longer it could take; the longest path is drawn bold.
/// `parts` says of a job what its time goes into.
#[must_use]
pub fn critical_path(network: &Network, parts: &BTreeMap<String, String>) -> String {
    let schedule = network.schedule();
    let mut text = format!(
        "digraph critical_path {{\n  rankdir=LR;\n  label={};\n  node [fontname=\"sans-serif\", shape=box];\n",
        quoted(&format!("ends in {}", schedule.end))
    );
    let on_path = |name: &str| schedule.critical.iter().any(|job| job == name);
    for job in &schedule.jobs {
        let mut label = format!("{}\n{}", job.name, job.takes);
        if let Some(parts) = parts.get(&job.name) {
            let _ = write!(label, "\n{parts}");
        }
        let style = if on_path(&job.name) {
            ", style=bold, color=red".to_owned()
        } else {
            let _ = write!(label, "\nslack {}", job.slack);
            String::new()
        };
        let _ = writeln!(text, "  {} [label={}{style}];", quoted(&job.name), quoted(&label));
    }
    for (from, to) in network.waits() {
        let follows = schedule.critical.windows(2).any(|pair| pair[0] == from && pair[1] == to);
        let style = if follows { " [style=bold, color=red]" } else { "" };
        let _ = writeln!(text, "  {} -> {}{style};", quoted(from), quoted(to));
    }
    text.push_str("}\n");
    text
}

fn shape(node: &Node) -> &'static str {
    match node {
        Node::Test(_) => "plaintext",
        Node::Marker(_) => "ellipse",
        Node::Fixture(_) => "component",
        Node::Service(_) => "cylinder",
        Node::Lane(_) => "box",
    }
}

/// Returns a DOT string: quoted, with quotes, backslashes and control characters escaped.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(out, "\\\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_leave_its_quotes() {
        assert_eq!(quoted("a\"]; b\\\n"), "\"a\\\"]; b\\\\\\n\"");
    }
}
