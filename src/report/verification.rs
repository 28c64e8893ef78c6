//! What `verify` found, for a terminal, a step summary and programs.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::markdown::{escaped, table as markdown_table};
use super::sentences::plural;
use super::text::table;
use crate::ids::Printable;
use crate::plan::verify::{Finding, FindingKind, Note, Verdict, Verification};

/// How many findings of a kind are shown to people.
const SHOWN: usize = 20;

/// `shardplan verify --format json`
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "shardplan verify, version 1")]
pub struct VerifyV1 {
    version: u32,
    /// Whether every test ran exactly once and nothing else is wrong.
    holds: bool,
    passed: usize,
    skipped: usize,
    failed: usize,
    findings: Vec<FindingV1>,
    notes: Vec<NoteV1>,
    shards: Vec<ShardV1>,
}

/// Something that is wrong.
#[derive(Debug, Serialize, JsonSchema)]
struct FindingV1 {
    /// `other-lock`, `unknown-shard`, `shard-missing`, `cut-short`, `collection-error`, `not-run`, `ran-twice`,
    /// `wrong-shard`, `in-no-lane`, `skipped-for-service`, `newly-skipped` or `failed`.
    kind: &'static str,
    shard: Option<String>,
    /// The test, file or shard that it is about.
    subject: String,
    detail: String,
}

/// Something that should be known and is no fault.
#[derive(Debug, Serialize, JsonSchema)]
struct NoteV1 {
    /// `adopted`, `uncovered`, `gone`, `file-skipped` or `not-listed`.
    kind: &'static str,
    subject: String,
    detail: String,
}

/// A shard of the lock.
#[derive(Debug, Serialize, JsonSchema)]
struct ShardV1 {
    name: String,
    attempts: usize,
    tests: usize,
    skipped: usize,
    /// What its tests were expected to take.
    predicted_ms: u64,
    /// What they took, where that is known.
    actual_ms: Option<u64>,
    /// `in-band`, `drifted` or `unknown`.
    verdict: &'static str,
}

/// Returns the machine format.
#[must_use]
pub fn json(verification: &Verification) -> VerifyV1 {
    let finding = |finding: &Finding| FindingV1 {
        kind: finding.kind.as_str(),
        shard: finding.shard.clone(),
        subject: finding.subject.clone(),
        detail: finding.detail.clone(),
    };
    let note = |note: &Note| {
        let (kind, subject, detail) = parts(note);
        NoteV1 { kind, subject: subject.to_owned(), detail }
    };
    let shard = |shard: &crate::plan::verify::VerifiedShard| ShardV1 {
        name: shard.name.clone(),
        attempts: shard.attempts,
        tests: shard.tests,
        skipped: shard.skipped,
        predicted_ms: shard.pace.predicted.0,
        actual_ms: shard.pace.actual.map(|actual| actual.0),
        verdict: shard.pace.verdict.as_str(),
    };
    VerifyV1 {
        version: 1,
        holds: verification.holds(),
        passed: verification.passed,
        skipped: verification.skipped,
        failed: verification.failed,
        findings: verification.findings.iter().map(finding).collect(),
        notes: verification.notes.iter().map(note).collect(),
        shards: verification.shards.iter().map(shard).collect(),
    }
}

/// Returns it for a terminal of this width.
#[must_use]
pub fn text(verification: &Verification, width: Option<u16>) -> String {
    let mut text = format!("{}\n\n", headline(verification));
    let mut shards =
        table(&["shard", "attempts", "tests", "skipped", "expected", "took", ""], &[1, 2, 3, 4, 5], width);
    for row in rows(verification) {
        shards.add_row(row);
    }
    let _ = writeln!(text, "{}", shards.trim_fmt());
    for (kind, findings) in by_kind(&verification.findings) {
        let _ = writeln!(text, "\n{}", title(kind, findings.len()));
        for finding in findings.iter().take(SHOWN) {
            let _ = writeln!(text, "  {}", line(finding));
        }
        if findings.len() > SHOWN {
            let _ = writeln!(text, "  … and {} more (`--format json` lists all)", findings.len() - SHOWN);
        }
    }
    for (heading, notes) in notes_by_kind(&verification.notes) {
        let _ = writeln!(text, "\n{heading}");
        for note in notes.iter().take(SHOWN) {
            let (_, subject, detail) = parts(note);
            let _ = writeln!(text, "  {}: {}", Printable(subject), Printable(&detail));
        }
        if notes.len() > SHOWN {
            let _ = writeln!(text, "  … and {} more", notes.len() - SHOWN);
        }
    }
    text
}

/// Returns it for a step summary.
#[must_use]
pub fn markdown(verification: &Verification) -> String {
    let mut text = format!("### Shards verified\n\n{}\n\n", escaped(&headline(verification)));
    let headings = ["shard", "attempts:", "tests:", "skipped:", "expected:", "took:", ""];
    markdown_table(&mut text, &headings, rows(verification).into_iter());
    for (kind, findings) in by_kind(&verification.findings) {
        let _ = writeln!(text, "\n#### {}\n", escaped(&title(kind, findings.len())));
        for finding in findings.iter().take(SHOWN) {
            let _ = writeln!(text, "- {}", escaped(&line(finding)));
        }
        if findings.len() > SHOWN {
            let _ = writeln!(text, "- … and {} more", findings.len() - SHOWN);
        }
    }
    for (heading, notes) in notes_by_kind(&verification.notes) {
        let _ = writeln!(text, "\n<details><summary>{}</summary>\n", escaped(&heading));
        for note in notes.iter().take(SHOWN) {
            let (_, subject, detail) = parts(note);
            let _ = writeln!(text, "- {}", escaped(&format!("{subject}: {detail}")));
        }
        if notes.len() > SHOWN {
            let _ = writeln!(text, "- … and {} more", notes.len() - SHOWN);
        }
        text.push_str("\n</details>\n");
    }
    text
}

fn headline(verification: &Verification) -> String {
    let tests = verification.passed + verification.skipped + verification.failed;
    let drifted: Vec<&str> = verification
        .shards
        .iter()
        .filter(|shard| shard.pace.verdict == Verdict::Drifted)
        .map(|shard| shard.name.as_str())
        .collect();
    let mut text = if verification.holds() {
        format!(
            "Every test ran exactly once: {} on {}, {} skipped.",
            plural(tests, "test"),
            plural(verification.shards.len(), "shard"),
            verification.skipped
        )
    } else {
        format!(
            "The run fails the check: {} ({} with a result on {}).",
            plural(verification.findings.len(), "finding"),
            plural(tests, "test"),
            plural(verification.shards.len(), "shard")
        )
    };
    if !drifted.is_empty() {
        let verb = if drifted.len() == 1 { "has" } else { "have" };
        let _ = write!(text, " {} {verb} drifted from the forecast: plan again.", drifted.join(", "));
    }
    text
}

fn rows(verification: &Verification) -> Vec<Vec<String>> {
    let row = |shard: &crate::plan::verify::VerifiedShard| {
        vec![
            shard.name.clone(),
            shard.attempts.to_string(),
            shard.tests.to_string(),
            shard.skipped.to_string(),
            shard.pace.predicted.to_string(),
            shard.pace.actual.map_or_else(|| "—".to_owned(), |actual| actual.to_string()),
            match shard.pace.verdict {
                Verdict::Unknown => String::new(),
                Verdict::InBand => "in band".to_owned(),
                Verdict::Drifted => "drifted".to_owned(),
            },
        ]
    };
    verification.shards.iter().map(row).collect()
}

fn by_kind(findings: &[Finding]) -> Vec<(FindingKind, &[Finding])> {
    findings.chunk_by(|one, other| one.kind == other.kind).map(|same| (same[0].kind, same)).collect()
}

fn notes_by_kind(notes: &[Note]) -> Vec<(String, &[Note])> {
    let heading = |notes: &[Note]| {
        let tests = plural(notes.len(), "test");
        match notes[0] {
            Note::Adopted { .. } => {
                format!("{tests} that the lock does not know ran on the shard that the rule gives")
            }
            Note::Uncovered { .. } => {
                format!("{tests} on a shard that does not start what they need: plan again")
            }
            Note::Gone { .. } => format!("{} of the lock whose file is gone", plural(notes.len(), "unit")),
            Note::FileSkipped { .. } => format!("{} that skip as a whole", plural(notes.len(), "file")),
            Note::NotListed { .. } => format!("{tests} that ran and that the inventory does not list"),
        }
    };
    notes
        .chunk_by(|one, other| std::mem::discriminant(one) == std::mem::discriminant(other))
        .map(|same| (heading(same), same))
        .collect()
}

fn parts(note: &Note) -> (&'static str, &str, String) {
    match note {
        Note::Adopted { test, shard } => ("adopted", test, shard.clone()),
        Note::Uncovered { test, services } => ("uncovered", test, services.join(", ")),
        Note::Gone { unit } => ("gone", unit, "no such file".to_owned()),
        Note::FileSkipped { file, reason } => ("file-skipped", file, reason.clone()),
        Note::NotListed { test } => ("not-listed", test, "collect the inventory again".to_owned()),
    }
}

fn line(finding: &Finding) -> String {
    let subject = Printable(&finding.subject);
    let detail = Printable(&finding.detail);
    match &finding.shard {
        Some(shard) if *shard != finding.subject => format!("{subject} ({shard}): {detail}"),
        _ => format!("{subject}: {detail}"),
    }
}

fn title(kind: FindingKind, count: usize) -> String {
    let tests = plural(count, "test");
    let one = count == 1;
    match kind {
        FindingKind::OtherLock => format!("{} of another lock, refused", plural(count, "result")),
        FindingKind::UnknownShard => {
            format!("{} of a shard that the lock does not have", plural(count, "result"))
        }
        FindingKind::ShardMissing => format!("{} without a result", plural(count, "shard")),
        FindingKind::CutShort => format!("{} cut short", plural(count, "shard")),
        FindingKind::CollectionError => {
            format!(
                "{} that could not be collected: {} tests are hidden",
                plural(count, "file"),
                if one { "its" } else { "their" }
            )
        }
        FindingKind::NotRun => format!("{tests} that did not run"),
        FindingKind::RanTwice => format!("{tests} that ran on two shards"),
        FindingKind::WrongShard => format!("{tests} on another shard than the lock says"),
        FindingKind::InNoLane => format!("{tests} that no lane selects"),
        FindingKind::SkippedForService => {
            format!("{} skipped because a service was away", plural(count, "test or file"))
        }
        FindingKind::NewlySkipped => {
            format!("{tests} newly skipped: {} ran before", if one { "it" } else { "they" })
        }
        FindingKind::Failed => format!("{tests} that failed"),
    }
}
