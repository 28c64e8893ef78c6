//! Findings as SARIF 2.1.0, which code-scanning services read.

use serde_json::{Value, json};

use super::super::registry::RULES;
use super::super::{Audit, Finding, Severity, Spot};

/// Returns the log of one run.
#[must_use]
pub fn render(audit: &Audit) -> String {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.code,
                "name": rule.name,
                "shortDescription": { "text": rule.summary() },
                "fullDescription": { "text": rule.summary() },
                "help": { "text": rule.explanation(), "markdown": rule.explanation() },
                "defaultConfiguration": { "level": level(rule.severity) },
                "properties": { "precision": precision(rule.confidence) },
            })
        })
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "shardplan",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "PROJECT": { "description": { "text": "The project's own folder." } } },
            "results": audit.findings.iter().map(result).collect::<Vec<_>>(),
        }],
    });
    serde_json::to_string_pretty(&log).expect("texts are JSON") + "\n"
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn precision(confidence: super::super::Confidence) -> &'static str {
    match confidence {
        super::super::Confidence::High => "high",
        super::super::Confidence::Medium => "medium",
        super::super::Confidence::Low => "low",
    }
}

fn result(finding: &Finding) -> Value {
    let index = RULES.iter().position(|rule| rule.code == finding.rule.code);
    let mut result = json!({
        "ruleId": finding.rule.code,
        "ruleIndex": index,
        "level": level(finding.rule.severity),
        "message": { "text": finding.message },
        "partialFingerprints": { "identity/v1": blake3::hash(format!("{}\0{}", finding.rule.code, finding.identity).as_bytes()).to_hex().to_string() },
    });
    if let Some(location) = location_of(&finding.spot) {
        result["locations"] = json!([location]);
    }
    let related: Vec<Value> = finding
        .notes
        .iter()
        .filter_map(|note| {
            let mut location = location_of(&Spot::Source(note.place.clone()?))?;
            location["message"] = json!({ "text": note.message });
            Some(location)
        })
        .collect();
    if !related.is_empty() {
        result["relatedLocations"] = json!(related);
    }
    result
}

fn location_of(spot: &Spot) -> Option<Value> {
    let (file, region) = match spot {
        Spot::Source(place) => (
            &*place.file,
            json!({ "startLine": place.line, "startColumn": place.column, "endColumn": place.column + place.width }),
        ),
        Spot::Line { file, line } => (file.as_str(), json!({ "startLine": line })),
        Spot::Project => return None,
    };
    Some(
        json!({ "physicalLocation": { "artifactLocation": { "uri": uri(file), "uriBaseId": "PROJECT" }, "region": region } }),
    )
}

/// Returns a relative path as a URI reference: what is not plain is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
