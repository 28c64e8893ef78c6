//! For a terminal: aligned tables and sentences.

use std::fmt::Write as _;

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};

use super::explanation::Explanation;
use super::moves::MovesSummary;
use super::sentences::{
    change, cheapest, listed, percent, plural, price, runners, services, with_fewer_shards,
};
use super::summary::{FrontierSummary, PlanSummary, ShardLine};
use crate::config::Memory;
use crate::ids::Printable;
use crate::time::Millis;

/// How wide a table may be where nobody says.
const USUAL_WIDTH: u16 = 110;

/// How many columns the bar of the longest shard takes.
const BAR: u64 = 24;

/// Returns an empty table with these headings, those in `right` set to the right.
#[must_use]
pub fn table(headings: &[&str], right: &[usize], width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width.unwrap_or(USUAL_WIDTH));
    table.set_header(headings.iter().map(|heading| Cell::new(heading).add_attribute(Attribute::Dim)));
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if at == 0 { 2 } else { 1 }, 1));
        if right.contains(&at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Returns a plan for a terminal of this width.
#[must_use]
pub fn plan(summary: &PlanSummary, width: Option<u16>) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}\n", headline(summary));
    let _ = writeln!(text, "{}\n", trimmed(&shards(summary, width)));

    let _ = writeln!(text, "  Critical path  {}", summary.critical_path.join(" → "));
    let _ = writeln!(
        text,
        "  Proof          no plan within these limits ends before {}; gap {}",
        summary.bound,
        percent(summary.gap)
    );
    let _ = writeln!(text, "                 {}", summary.binding);
    if let Some(runners) = runners(summary) {
        let _ = writeln!(text, "  Runners        {runners}");
    }
    if let Some(setups) = setups(summary) {
        let _ = writeln!(text, "  Set up         {setups}");
    }
    if let Some(fullest) = fullest(summary) {
        let _ = writeln!(text, "  Memory         {fullest}");
    }
    if let Some(saving) = &summary.saving {
        let _ = writeln!(text, "  Cheapest       {}", cheapest(summary, saving));
    }
    if let Some(moves) = &summary.moves {
        let _ = writeln!(text, "  Against lock   {}", moves.sentence());
        if !moves.lines.is_empty() {
            let _ = writeln!(text, "\nMoved against the lock\n\n{}", trimmed(&moved(moves, width)));
            if moves.lines.len() > MAX_MOVES {
                let more = moves.lines.len() - MAX_MOVES;
                let _ = writeln!(text, "  and {} more; `--format json` has them all", plural(more, "unit"));
            }
        }
    }
    if !summary.others.is_empty() {
        let _ = writeln!(text, "\nCompared, on the same estimates\n");
        let _ = writeln!(text, "{}", trimmed(&comparison(summary, width)));
        for other in &summary.others {
            for fault in other.faults.iter().take(MAX_FAULTS) {
                let _ = writeln!(text, "  {}: {fault}", other.name);
            }
            if other.faults.len() > MAX_FAULTS {
                let _ = writeln!(text, "  {}: and {} more", other.name, other.faults.len() - MAX_FAULTS);
            }
        }
    }
    if !summary.steps.is_empty() {
        let _ = writeln!(text, "\nWhat the next steps buy\n");
        let mut steps =
            table(&["containers", "ends in", "earlier by", "billed min", "shards"], &[0, 1, 2, 3], width);
        for step in &summary.steps {
            steps.add_row([
                step.containers.to_string(),
                step.end.to_string(),
                step.gain.to_string(),
                step.minutes.to_string(),
                step.shape.clone(),
            ]);
        }
        let _ = writeln!(text, "{}", trimmed(&steps));
    } else if summary.bound_reason == "containers" {
        let _ = writeln!(
            text,
            "\nA few containers more buy nothing; `shardplan tradeoff` shows the whole frontier."
        );
    }
    if !summary.notes.is_empty() {
        let _ = writeln!(text, "\nNotes\n");
        for note in &summary.notes {
            let _ = writeln!(text, "  · {note}");
        }
    }
    text
}

/// Returns the table of the shards.
fn shards(summary: &PlanSummary, width: Option<u16>) -> Table {
    let wide = width.unwrap_or(USUAL_WIDTH) >= 100;
    // A saved model knows no tests, only units.
    let knows_tests = summary.shards.iter().any(|shard| shard.tests > 0);
    let counted = if knows_tests { "tests" } else { "units" };
    let mut headings = vec!["shard", "services", counted, "base", "boot", "tests run", "job", "p90", "slack"];
    // Where no job can wait, a column that says so would only take room.
    let queues = summary.shards.iter().any(|shard| shard.queue.is_some());
    if queues {
        headings.insert(3, "queue");
    }
    if wide {
        headings.push("");
    }
    let mut shards = table(&headings, &[2, 3, 4, 5, 6, 7, 8, 8 + usize::from(queues)], width);
    let longest = summary.shards.iter().map(|shard| shard.wall).max().unwrap_or_default();
    for shard in &summary.shards {
        let mut row = vec![
            Cell::new(&shard.name),
            Cell::new(services(&shard.services)),
            Cell::new(if knows_tests { shard.tests } else { shard.units }),
            Cell::new(shard.base),
            Cell::new(shard.boot),
            Cell::new(shard.run),
            Cell::new(shard.wall),
            Cell::new(shard.p90),
            Cell::new(if shard.slack == Millis::ZERO { "—".to_owned() } else { shard.slack.to_string() }),
        ];
        if queues {
            row.insert(3, Cell::new(shard.queue.unwrap_or_default()));
        }
        if wide {
            row.push(Cell::new(bar(shard, longest)));
        }
        shards.add_row(row);
    }
    shards
}

/// Returns which shards do which set-ups, where some do.
pub(super) fn setups(summary: &PlanSummary) -> Option<String> {
    let mut done: Vec<(&(String, Millis), Vec<&str>)> = Vec::new();
    for shard in &summary.shards {
        for setup in &shard.setups {
            match done.iter_mut().find(|(known, _)| *known == setup) {
                Some((_, shards)) => shards.push(&shard.name),
                None => done.push((setup, vec![&shard.name])),
            }
        }
    }
    let lines: Vec<String> =
        done.iter().map(|((name, time), shards)| format!("{name} ({time}) in {}", listed(shards))).collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// Returns how full the fullest runner is, where memory is limited.
pub(super) fn fullest(summary: &PlanSummary) -> Option<String> {
    let limited = summary.shards.iter().filter_map(|shard| Some((shard, shard.memory?)));
    let left = |(_, (taken, limit)): &(&ShardLine, (Memory, Memory))| limit.saturating_sub(*taken);
    let (shard, (taken, limit)) = limited.min_by_key(left)?;
    Some(format!("{} takes most of its runner's memory: {taken} of {limit}", shard.name))
}

/// How many units that move are shown.
pub(super) const MAX_MOVES: usize = 20;

fn moved(moves: &MovesSummary, width: Option<u16>) -> Table {
    let mut table = table(&["unit", "from", "to", "tests", "time", "why"], &[3, 4], width);
    for line in moves.lines.iter().take(MAX_MOVES) {
        table.add_row([
            Printable(&line.unit).to_string(),
            line.from.clone(),
            line.to.clone(),
            line.tests.to_string(),
            line.load.to_string(),
            line.why.clone(),
        ]);
    }
    table
}

/// How many faults of another plan are shown.
const MAX_FAULTS: usize = 8;

/// Returns the plan in one line.
pub(super) fn headline(summary: &PlanSummary) -> String {
    let saving = summary
        .others
        .iter()
        .find(|other| other.name == "today")
        .map_or_else(String::new, |today| format!(" ({} against today)", change(today.end, summary.end)));
    let end = if summary.by_count {
        format!(
            "No duration is known. If every test took a second, the workflow would end in {}{saving}.",
            summary.end
        )
    } else {
        format!("The workflow ends in {}{saving}; in nine of ten runs within {}.", summary.end, summary.p90)
    };
    format!(
        "{end}\n{} in {}, {}.",
        plural(summary.containers, "container"),
        plural(summary.shards.len(), "shard"),
        plural(summary.minutes, "billed minute"),
    )
}

fn comparison(summary: &PlanSummary, width: Option<u16>) -> Table {
    let headings = ["", "ends in", "change", "containers", "shards", "billed min", "faults"];
    let mut table = table(&headings, &[1, 2, 3, 4, 5, 6], width);
    table.add_row([
        "this plan".to_owned(),
        summary.end.to_string(),
        String::new(),
        summary.containers.to_string(),
        summary.shards.len().to_string(),
        summary.minutes.to_string(),
        "0".to_owned(),
    ]);
    for other in &summary.others {
        table.add_row([
            other.name.clone(),
            other.end.to_string(),
            change(summary.end, other.end),
            other.containers.to_string(),
            other.shards.to_string(),
            other.minutes.to_string(),
            other.faults.len().to_string(),
        ]);
    }
    table
}

/// Returns what the shard's time goes into as a bar: overheads light, tests dark.
fn bar(shard: &ShardLine, longest: Millis) -> String {
    let columns = |span: Millis| {
        let cells = (span.0 * BAR).checked_div(longest.0).unwrap_or(0);
        usize::try_from(cells).unwrap_or(0)
    };
    let before = columns(shard.base + shard.boot);
    let until = columns(shard.base + shard.boot + shard.run);
    let all = columns(shard.wall);
    format!("{}{}{}", "░".repeat(before), "█".repeat(until - before), "░".repeat(all - until))
}

/// Returns a frontier for a terminal of this width.
#[must_use]
pub fn frontier(summary: &FrontierSummary, width: Option<u16>) -> String {
    let mut text = String::new();
    let headings = ["containers", "shards", "billed min", "ends in", "earlier by", "for", "gap", "", "lanes"];
    let mut table = table(&headings, &[0, 1, 2, 3, 4, 6], width);
    for point in &summary.points {
        table.add_row([
            point.containers.to_string(),
            point.shards.to_string(),
            point.minutes.to_string(),
            point.end.to_string(),
            point.gain.map_or_else(String::new, |gain| gain.to_string()),
            point.price.map_or_else(String::new, price),
            percent(point.gap),
            if point.knee { "← knee".to_owned() } else { String::new() },
            point.shape.clone(),
        ]);
    }
    let _ = writeln!(text, "{}\n", trimmed(&table));
    if let Some(today) = &summary.today {
        let _ = writeln!(
            text,
            "Today, on the same estimates: {}, {}, {}, ends in {}.",
            plural(today.containers, "container"),
            plural(today.shards, "shard"),
            plural(today.minutes, "billed minute"),
            today.end
        );
    }
    for sentence in &summary.advice {
        let _ = writeln!(text, "{sentence}");
    }
    if !summary.fewer_shards.is_empty() {
        let _ = writeln!(text, "{}", with_fewer_shards(summary.fewer_shards.len()));
    }
    text
}

/// Returns an explanation for a terminal.
#[must_use]
pub fn explanation(explanation: &Explanation) -> String {
    let mut text = format!("{}\n", explanation.title);
    for section in &explanation.sections {
        let _ = writeln!(text, "\n{}\n", section.title);
        for line in &section.lines {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

/// Returns the table without the spaces at the ends of its lines.
pub(super) fn trimmed(table: &Table) -> String {
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}
