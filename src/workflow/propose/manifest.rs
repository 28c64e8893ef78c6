//! A proposal as the text of a manifest, with comments.

use std::fmt::Write as _;

use super::{Proposal, ProposedLane, ProposedService};
use crate::ids::ServiceName;

/// Returns the text of the manifest.
#[must_use]
pub fn render(proposal: &Proposal) -> String {
    let mut text = String::from(
        "# How the tests of this project are split. `shardplan suggest` finds the best plan for it.\n\
         # Proposed by `shardplan init` from what the repository says of itself; change what is wrong.\n\
         # docs/manifest.md of shardplan lists every key.\n",
    );
    text.push_str(
        "\n[project]\n# A test that no lane selects is left out, and counted. Make it \"fail\" once the lanes are right.\nunassigned = \"ignore\"\n",
    );
    if let Some((_, file)) = &proposal.file {
        let _ = write!(
            text,
            "\n[workflow]\n# The jobs around the lanes are read from here, and `shardplan emit github` writes the lanes into it.\nfile = {}\n",
            quoted(file)
        );
        if let Some(gate) = &proposal.gate {
            let _ = write!(text, "# Combines the coverage of the lanes.\ngate = {}\n", quoted(gate));
        }
    }
    for service in &proposal.services {
        push_service(&mut text, service);
    }
    for lane in &proposal.lanes {
        let mut part = String::new();
        push_lane(&mut part, lane, proposal);
        if lane.repeats.is_some() {
            part = part
                .lines()
                .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("# {line}\n") })
                .collect();
        }
        text.push_str(&part);
    }
    text
}

fn push_service(text: &mut String, service: &ProposedService) {
    let _ = write!(text, "\n[services.{}]\n", service.name);
    if let Some(image) = &service.image {
        let _ = writeln!(text, "image = {}", quoted(image));
    }
    if !service.remark.is_empty() {
        let _ = writeln!(text, "# {}", comment(&service.remark));
    }
    match (service.markers.is_empty(), service.needed_by) {
        (false, _) => {
            let _ = writeln!(text, "markers = {}", list(&service.markers));
        }
        (true, (0, _)) => text.push_str("# Tests that need it: `markers`, `fixtures` or `paths`.\n"),
        (true, _) => text.push_str(
            "# The sources say which tests need it; `markers`, `fixtures` or `paths` add others.\n",
        ),
    }
}

fn push_lane(text: &mut String, lane: &ProposedLane, proposal: &Proposal) {
    text.push('\n');
    if let Some(other) = &lane.repeats {
        let _ = writeln!(text, "Runs tests that `{other}` runs too; a test is in one lane only.");
    }
    let _ = writeln!(text, "[lanes.{}]", lane.name);
    let _ = writeln!(text, "job = {}", quoted(&lane.job));
    if !lane.paths.is_empty() {
        let _ = writeln!(text, "paths = {}", list(&lane.paths));
    }
    if !lane.exclude.is_empty() {
        let _ = writeln!(text, "exclude = {}", list(&lane.exclude));
    }
    if let Some(markers) = &lane.markers {
        let _ = writeln!(text, "markers = {}", quoted(markers));
    }
    match lane.workers.as_deref() {
        None => {}
        Some("auto") => text.push_str("workers = \"auto\"\n"),
        Some(number) => {
            let _ = writeln!(text, "workers = {number}");
        }
    }
    if lane.rows > 1 {
        let _ = writeln!(
            text,
            "# Every shard runs for each of the {} rows of its job's matrix, and only so many jobs run at once.\nmax_shards = {}",
            lane.rows,
            lane.most_shards()
        );
    }
    let everywhere: Vec<&ServiceName> = lane
        .services
        .iter()
        .filter(|name| proposal.services.iter().any(|service| service.name == **name && !service.is_known()))
        .collect();
    if !everywhere.is_empty() {
        text.push_str(
            "# Nothing says which tests need these, so every shard starts them. Take one out once its tests are known.\n",
        );
        let _ = writeln!(text, "services = {}", list(&everywhere));
    }
    let _ = writeln!(text, "today = {{ services = {}, shards = {} }}", list(&lane.services), lane.shards);
}

/// Returns a TOML string: whatever stands in it, it ends at its own quote.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn list<T: ToString>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(&item.to_string())).collect();
    format!("[{}]", items.join(", "))
}

/// Returns a text that stays on the line of its comment.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
