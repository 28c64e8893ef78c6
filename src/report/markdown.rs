//! For a pull request or a step summary: GitHub's Markdown.

use std::fmt::Write as _;

use super::explanation::Explanation;
use super::sentences::{change, cheapest, percent, plural, price, runners, services, with_fewer_shards};
use super::summary::{FrontierSummary, PlanSummary};
use super::text::{MAX_MOVES, fullest, headline, setups};
use crate::ids::Printable;

/// Returns a plan as Markdown.
#[must_use]
pub fn plan(summary: &PlanSummary) -> String {
    // The headline is of two lines, and each of them is escaped: a line's end in a name is none of the page's.
    let headline: Vec<String> = headline(summary).lines().map(escaped).collect();
    let mut text = format!("### Plan\n\n{}\n\n", headline.join("\n"));
    let rows = summary.shards.iter().map(|shard| {
        vec![
            shard.name.clone(),
            services(&shard.services),
            shard.tests.to_string(),
            shard.base.to_string(),
            shard.boot.to_string(),
            shard.run.to_string(),
            shard.wall.to_string(),
            shard.p90.to_string(),
        ]
    });
    table(&mut text, &["shard", "services", "tests:", "base:", "boot:", "tests run:", "job:", "p90:"], rows);
    let _ = writeln!(
        text,
        "\n**Critical path:** {}  \n**Proof:** no plan within these limits ends before {}; gap {}. {}",
        escaped(&summary.critical_path.join(" → ")),
        summary.bound,
        percent(summary.gap),
        escaped(&summary.binding)
    );
    if let Some(runners) = runners(summary) {
        let _ = writeln!(text, "\n**Runners:** {}", escaped(&runners));
    }
    if let Some(setups) = setups(summary) {
        let _ = writeln!(text, "\n**Set up:** {}", escaped(&setups));
    }
    if let Some(fullest) = fullest(summary) {
        let _ = writeln!(text, "\n**Memory:** {}", escaped(&fullest));
    }
    if let Some(saving) = &summary.saving {
        let _ = writeln!(text, "\n**Cheapest:** {}", escaped(&cheapest(summary, saving)));
    }
    if let Some(moves) = &summary.moves {
        let _ = writeln!(text, "\n**Against the lock:** {}.", escaped(&moves.sentence()));
        if !moves.lines.is_empty() {
            text.push_str("\n#### Moved against the lock\n\n");
            let rows = moves.lines.iter().take(MAX_MOVES).map(|line| {
                vec![
                    line.unit.clone(),
                    line.from.clone(),
                    line.to.clone(),
                    line.tests.to_string(),
                    line.load.to_string(),
                    line.why.clone(),
                ]
            });
            table(&mut text, &["unit", "from", "to", "tests:", "time:", "why"], rows);
            if moves.lines.len() > MAX_MOVES {
                let more = plural(moves.lines.len() - MAX_MOVES, "unit");
                let _ = writeln!(text, "\nAnd {more} more.");
            }
        }
    }
    if !summary.others.is_empty() {
        text.push_str("\n#### Compared, on the same estimates\n\n");
        let rows = summary.others.iter().map(|other| {
            vec![
                other.name.clone(),
                other.end.to_string(),
                change(summary.end, other.end),
                other.containers.to_string(),
                other.shards.to_string(),
                other.minutes.to_string(),
                other.faults.len().to_string(),
            ]
        });
        let headings = ["", "ends in:", "change:", "containers:", "shards:", "billed minutes:", "faults:"];
        table(&mut text, &headings, rows);
    }
    if !summary.steps.is_empty() {
        text.push_str("\n#### What the next steps buy\n\n");
        let rows = summary.steps.iter().map(|step| {
            vec![
                step.containers.to_string(),
                step.end.to_string(),
                step.gain.to_string(),
                step.minutes.to_string(),
                step.shape.clone(),
            ]
        });
        table(&mut text, &["containers:", "ends in:", "earlier by:", "billed minutes:", "shards"], rows);
    }
    if !summary.notes.is_empty() {
        text.push('\n');
        for note in &summary.notes {
            let _ = writeln!(text, "- {}", escaped(note));
        }
    }
    text
}

/// Returns a frontier as Markdown.
#[must_use]
pub fn frontier(summary: &FrontierSummary) -> String {
    let mut text = "### Trade-off\n\n".to_owned();
    let rows = summary.points.iter().map(|point| {
        vec![
            point.containers.to_string(),
            point.shards.to_string(),
            point.minutes.to_string(),
            point.end.to_string(),
            point.gain.map_or_else(String::new, |gain| gain.to_string()),
            point.price.map_or_else(String::new, price),
            percent(point.gap),
            format!("{}{}", point.shape, if point.knee { " (knee)" } else { "" }),
        ]
    });
    let headings =
        ["containers:", "shards:", "billed minutes:", "ends in:", "earlier by:", "for", "gap:", "lanes"];
    table(&mut text, &headings, rows);
    text.push('\n');
    for sentence in &summary.advice {
        // These sentences are ours: numbers, and back-quotes that are meant.
        let _ = writeln!(text, "{sentence}  ");
    }
    if !summary.fewer_shards.is_empty() {
        let _ = writeln!(text, "{}", with_fewer_shards(summary.fewer_shards.len()));
    }
    text
}

/// Returns an explanation as Markdown.
#[must_use]
pub fn explanation(explanation: &Explanation) -> String {
    let mut text = format!("### {}\n", escaped(&explanation.title));
    for section in &explanation.sections {
        let _ = writeln!(text, "\n**{}**\n", escaped(&section.title));
        for line in &section.lines {
            let _ = writeln!(text, "- {}", escaped(line));
        }
    }
    text
}

/// Writes a table; a heading that ends in a colon is set to the right.
pub(super) fn table(text: &mut String, headings: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let titles: Vec<&str> = headings.iter().map(|heading| heading.trim_end_matches(':')).collect();
    let rules: Vec<&str> =
        headings.iter().map(|heading| if heading.ends_with(':') { "---:" } else { "---" }).collect();
    let _ = writeln!(text, "| {} |\n| {} |", titles.join(" | "), rules.join(" | "));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

/// The most characters that GitHub takes in a comment. A step summary takes 1 MiB, which is more of any text.
const LONGEST: usize = 65_536;

/// Returns a text that fits into a comment: one that does not is cut after a whole line, and says so.
#[must_use]
pub fn for_comment(text: String) -> String {
    if text.chars().count() <= LONGEST {
        return text;
    }
    let end = |left_out: usize| {
        format!(
            "\n*Cut: a comment takes {LONGEST} characters. {} left out; `--format json` has them all.*\n",
            plural(left_out, "line")
        )
    };
    let all = text.lines().count();
    // What closes an open part, and the last sentence, need their place as well.
    let room = LONGEST - end(all).chars().count() - "</details>\n".len() * 4;
    let (mut kept, mut length, mut lines) = (String::new(), 0, 0);
    for line in text.split_inclusive('\n') {
        length += line.chars().count();
        if length > room {
            break;
        }
        kept.push_str(line);
        lines += 1;
    }
    let open = kept.matches("<details>").count().saturating_sub(kept.matches("</details>").count());
    kept + &"</details>\n".repeat(open.min(4)) + &end(all - lines)
}

/// Returns the text with everything escaped that Markdown or HTML would take for markup, in one line.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in Printable(text).to_string().chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '*' | '_' | '[' | ']' | '#' | '\\' | '`' | '~' | '@' | '!' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_become_markup() {
        assert_eq!(escaped("<script>|a|`x`"), "&lt;script&gt;\\|a\\|\\`x\\`");
        assert_eq!(escaped("a\n| b |"), "a\\\\n\\| b \\|");
    }

    proptest::proptest! {
        #[test]
        fn no_name_leaves_its_cell_or_becomes_markup(name in "\\PC*[|<>`\\\\\n\r!@\\[#*_]\\PC*") {
            let mut text = String::new();
            table(&mut text, &["name", "number:"], std::iter::once(vec![name, "1".to_owned()]));
            proptest::prop_assert_eq!(text.lines().count(), 3);
            let row = text.lines().last().unwrap_or_default();
            let bytes = row.as_bytes();
            let escapes = |at: usize| bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
            let bare = |wanted: u8| (0..bytes.len()).filter(|at| bytes[*at] == wanted && !escapes(*at)).count();
            proptest::prop_assert_eq!(bare(b'|'), 3);
            for markup in b"<>`[]*_@!" {
                proptest::prop_assert_eq!(bare(*markup), 0, "{}", row);
            }
        }
    }

    #[test]
    fn what_is_too_long_for_a_comment_is_cut_and_says_so() {
        let text =
            format!("# Long\n<details><summary>all</summary>\n{}</details>\n", "- ä line\n".repeat(20_000));
        let cut = for_comment(text);
        assert!(cut.chars().count() <= LONGEST);
        assert!(cut.contains("lines left out") && cut.matches("</details>").count() == 1);
        assert_eq!(for_comment("short\n".to_owned()), "short\n");
    }
}
