//! Findings for a terminal: each with the line it is about.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::super::{Audit, Finding, Severity, Spot};
use super::Counts;
use crate::ids::Printable;
use crate::inventory::python::{Place, Sources};
use crate::report::plural;

/// Returns the findings, each with an excerpt, and a line that counts them; `others` are names and texts of files that
/// are no sources.
#[must_use]
pub fn render(audit: &Audit, sources: &Sources, others: &[(String, String)], colors: bool) -> String {
    let renderer = if colors { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for finding in &audit.findings {
        text.push_str(&drawn(finding, sources, others, &renderer));
        text.push_str("\n\n");
    }
    text.push_str(&summary(audit));
    text
}

/// Returns the line that counts the findings.
#[must_use]
pub fn summary(audit: &Audit) -> String {
    let Counts { errors, warnings, notes } = Counts::of(audit);
    let suppressed = audit.suppressed.inline + audit.suppressed.by_file + audit.suppressed.baseline;
    let left = if suppressed == 0 {
        String::new()
    } else {
        format!("; {} left alone", plural(suppressed, "finding"))
    };
    if audit.findings.is_empty() {
        return format!("No findings{left}.\n");
    }
    let fixable = audit.findings.iter().filter(|finding| !finding.fix.is_empty()).count();
    let fix = if fixable == 0 { String::new() } else { format!("; `--fix` repairs {fixable}") };
    let counted = [(errors, "error"), (warnings, "warning"), (notes, "note")];
    let counted: Vec<String> =
        counted.iter().filter(|(count, _)| *count > 0).map(|(count, name)| plural(*count, name)).collect();
    format!("{}: {}{fix}{left}.\n", plural(audit.findings.len(), "finding"), counted.join(", "))
}

fn drawn(finding: &Finding, sources: &Sources, others: &[(String, String)], renderer: &Renderer) -> String {
    let level = match finding.rule.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = Printable(&finding.message).to_string();
    let mut lines: Vec<Excerpt> = Vec::new();
    match &finding.spot {
        Spot::Source(place) => lines.extend(Excerpt::of(place, sources, None)),
        Spot::Line { file, line } => {
            let other = others.iter().find(|(name, _)| name == file).map(|(_, text)| text.as_str());
            let text = other.or_else(|| sources.file(file).map(|source| source.text.as_str()));
            let text = text.and_then(|text| text.lines().nth(line - 1)).unwrap_or_default().to_owned();
            lines.push(Excerpt {
                file: file.clone(),
                line: *line,
                column: 1,
                width: text.chars().count().max(1),
                text,
                label: None,
            });
        }
        Spot::Project => {}
    }
    let mut after: Vec<String> = Vec::new();
    for note in &finding.notes {
        match &note.place {
            Some(place) => match Excerpt::of(place, sources, Some(note.message.clone())) {
                Some(excerpt) => lines.push(excerpt),
                None => after.push(format!("{} ({place})", note.message)),
            },
            None => after.push(note.message.clone()),
        }
    }
    let drawn: Vec<(Excerpt, String, std::ops::Range<usize>)> =
        lines.into_iter().map(Excerpt::safe).collect();
    let mut group = Group::with_title(level.primary_title(&title).id(finding.rule.code));
    let labels: Vec<Option<String>> = drawn
        .iter()
        .map(|(excerpt, ..)| excerpt.label.as_ref().map(|label| Printable(label).to_string()))
        .collect();
    let files: Vec<String> = drawn.iter().map(|(excerpt, ..)| Printable(&excerpt.file).to_string()).collect();
    for (at, ((excerpt, text, span), label)) in drawn.iter().zip(&labels).enumerate() {
        let kind = if at == 0 && excerpt.label.is_none() {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let mut annotation = kind.span(span.clone());
        if let Some(label) = label {
            annotation = annotation.label(label);
        }
        group = group.element(
            Snippet::source(text.as_str())
                .path(files[at].as_str())
                .line_start(excerpt.line)
                .annotation(annotation),
        );
    }
    let after: Vec<String> = after.iter().map(|note| Printable(note).to_string()).collect();
    for note in &after {
        group = group.element(Level::NOTE.message(note));
    }
    let help = format!("`shardplan audit --explain {}` tells more", finding.rule.code);
    if finding.fix.is_empty() {
        group = group.element(Level::HELP.message(&help));
    } else {
        group = group.element(Level::HELP.message("`shardplan audit --fix` repairs this"));
    }
    renderer.render(&[group])
}

/// One line of a file with what is pointed at.
struct Excerpt {
    file: String,
    line: usize,
    column: usize,
    width: usize,
    text: String,
    label: Option<String>,
}

impl Excerpt {
    fn of(place: &Place, sources: &Sources, label: Option<String>) -> Option<Self> {
        let source = sources.file(&place.file)?;
        let text = source.text.lines().nth(place.line - 1).unwrap_or_default().to_owned();
        Some(Self {
            file: place.file.to_string(),
            line: place.line,
            column: place.column,
            width: place.width,
            text,
            label,
        })
    }

    /// Returns the line as it can be shown, with the bytes that are pointed at in what is shown.
    fn safe(self) -> (Self, String, std::ops::Range<usize>) {
        /// A longer line is cut: nobody reads it, and a minified one would fill the screen.
        const LONGEST: usize = 160;
        let mut shown = String::new();
        let (mut start, mut end) = (None, 0);
        for (at, c) in self.text.chars().enumerate() {
            if shown.len() > LONGEST {
                shown.push('…');
                break;
            }
            if at + 1 == self.column {
                start = Some(shown.len());
            }
            if c == '\t' {
                shown.push_str("    ");
            } else {
                shown.push_str(&Printable(&c.to_string()).to_string());
            }
            if at + 1 < self.column + self.width {
                end = shown.len();
            }
        }
        let start = start.unwrap_or(0).min(shown.len());
        let range = start..end.max(start).min(shown.len());
        (self, shown, range)
    }
}
