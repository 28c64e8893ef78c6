//! Findings as GitHub workflow commands, which show beside the lines of a pull request.

use super::super::{Audit, Finding, Severity};

/// Returns a command per finding.
#[must_use]
pub fn render(audit: &Audit) -> String {
    audit.findings.iter().map(command).collect()
}

fn command(finding: &Finding) -> String {
    let kind = match finding.rule.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some((file, line)) = finding.spot.file_and_line() {
        properties.push(format!("file={}", escaped(file, true)));
        properties.push(format!("line={line}"));
    }
    properties.push(format!("title={} {}", finding.rule.code, escaped(finding.rule.name, true)));
    let mut message = finding.message.clone();
    for note in &finding.notes {
        message.push('\n');
        message.push_str(&note.message);
        if let Some(place) = &note.place {
            message.push_str(&format!(" ({}:{})", place.file, place.line));
        }
    }
    format!("::{kind} {}::{}\n", properties.join(","), escaped(&message, false))
}

/// Returns a text as a command takes it: `%`, line ends, and in properties `:` and `,` are percent signs with codes.
/// Other control characters go.
fn escaped(text: &str, property: bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '%' => out.push_str("%25"),
            '\r' => out.push_str("%0D"),
            '\n' => out.push_str("%0A"),
            ':' if property => out.push_str("%3A"),
            ',' if property => out.push_str("%2C"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_end_a_command_or_start_another() {
        assert_eq!(escaped("a%\n::error::x\r\u{1b}[2J", false), "a%25%0A::error::x%0D[2J");
        assert_eq!(escaped("a:b,c", true), "a%3Ab%2Cc");
    }
}
