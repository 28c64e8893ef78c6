//! Findings as GitHub's Markdown, for a comment on a pull request or a step summary.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::{Audit, Finding, Severity};
use crate::inventory::python::Place;
use crate::report::markdown_escaped as escaped;

/// Returns the findings, rule by rule, the gravest first; those of a rule are folded where there are many. What does
/// not fit into a comment is left to [`crate::report::for_comment`], so the gravest are what is kept.
#[must_use]
pub fn render(audit: &Audit) -> String {
    /// More findings of one rule are folded away.
    const SHOWN: usize = 5;
    let mut text = format!("### Audit\n\n{}", escaped_line(&super::text::summary(audit)));
    let mut by_rule: BTreeMap<(Severity, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in &audit.findings {
        by_rule.entry((finding.rule.severity, finding.rule.code)).or_default().push(finding);
    }
    for ((severity, code), findings) in by_rule {
        let Some(rule) = findings.first().map(|finding| finding.rule) else { continue };
        let sign = match severity {
            Severity::Error => "❌",
            Severity::Warning => "⚠️",
            Severity::Note => "ℹ️",
        };
        let _ =
            writeln!(text, "\n#### {sign} {code} {}\n\n{}\n", escaped(rule.name), escaped(rule.summary()));
        let (shown, folded) = findings.split_at(findings.len().min(SHOWN));
        for finding in shown {
            write_item(&mut text, finding);
        }
        if !folded.is_empty() {
            let _ = writeln!(text, "\n<details><summary>{} more</summary>\n", folded.len());
            for finding in folded {
                write_item(&mut text, finding);
            }
            text.push_str("\n</details>\n");
        }
    }
    if !audit.findings.is_empty() {
        text.push_str("\n`shardplan audit --explain CODE` tells more of a rule.\n");
    }
    text
}

fn write_item(text: &mut String, finding: &Finding) {
    let place = finding
        .spot
        .file_and_line()
        .map_or_else(String::new, |(file, line)| format!("**{}:{line}** ", escaped(file)));
    let _ = writeln!(text, "- {place}{}", escaped(&finding.message));
    for note in &finding.notes {
        let at = |place: &Place| format!(" ({}:{})", escaped(&place.file), place.line);
        let place = note.place.as_ref().map(at).unwrap_or_default();
        let _ = writeln!(text, "  - {}{place}", escaped(&note.message));
    }
}

/// The line that counts the findings names an option as code: its backticks are ours.
fn escaped_line(summary: &str) -> String {
    escaped(summary.trim_end()).replace("\\`", "`") + "\n"
}
