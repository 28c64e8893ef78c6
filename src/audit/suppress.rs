//! What of the findings is left alone: by options, by the manifest, by a comment, by the baseline.

use std::collections::BTreeMap;

use super::Audit;
use super::baseline::Baseline;
use super::context::Context;
use super::finding::Finding;
use super::registry::{Rule, RuleName, UnknownRule};
use crate::config::{AuditSettings, Pattern};

/// Which rules are run, and where.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    select: Vec<RuleName>,
    ignore: Vec<RuleName>,
    per_file: Vec<(Pattern, Vec<RuleName>)>,
}

/// How many findings were left alone, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suppressed {
    /// By a comment beside them.
    pub inline: usize,
    /// By the manifest's patterns.
    pub by_file: usize,
    /// By the baseline.
    pub baseline: usize,
}

impl Selection {
    /// Returns the selection that options and manifest make; options win.
    pub fn new(select: &[String], ignore: &[String], settings: &AuditSettings) -> Result<Self, UnknownRule> {
        let names =
            |names: &[String]| names.iter().map(|name| name.parse()).collect::<Result<Vec<RuleName>, _>>();
        let select = if select.is_empty() { names(&settings.select)? } else { names(select)? };
        let mut ignored = names(ignore)?;
        ignored.extend(names(&settings.ignore)?);
        let per_file = settings.per_file_ignores.iter();
        let per_file = per_file.map(|(pattern, codes)| Ok((pattern.clone(), names(codes)?)));
        Ok(Self { select, ignore: ignored, per_file: per_file.collect::<Result<_, UnknownRule>>()? })
    }

    /// Returns whether a rule is run at all.
    #[must_use]
    pub fn runs(&self, rule: &Rule) -> bool {
        let named = |names: &[RuleName]| names.iter().any(|name| name.means(rule));
        (self.select.is_empty() || named(&self.select)) && !named(&self.ignore)
    }

    fn ignores(&self, finding: &Finding) -> bool {
        let Some((file, _)) = finding.spot.file_and_line() else { return false };
        let Ok(id) = file.parse() else { return false };
        self.per_file.iter().any(|(pattern, names)| {
            pattern.matches(&id, file) && names.iter().any(|name| name.means(finding.rule))
        })
    }
}

/// Returns the findings that remain, with the count of the others.
pub(super) fn apply(
    context: &Context<'_>,
    selection: &Selection,
    baseline: &Baseline,
    findings: Vec<Finding>,
) -> Audit {
    let mut audit = Audit::default();
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in findings {
        if selection.ignores(&finding) {
            audit.suppressed.by_file += 1;
        } else if is_commented_away(context, &finding, &mut lines) {
            audit.suppressed.inline += 1;
        } else if baseline.knows(&finding) {
            audit.suppressed.baseline += 1;
        } else {
            audit.findings.push(finding);
        }
    }
    audit
}

/// Returns whether a comment beside the finding, alone in the line above it, or for the whole file says to leave it.
fn is_commented_away(
    context: &Context<'_>,
    finding: &Finding,
    lines: &mut BTreeMap<String, Vec<String>>,
) -> bool {
    let Some((path, at)) = finding.spot.file_and_line() else { return false };
    let text = match context.sources.file(path) {
        Some(source) => &*source.text,
        None => match context.workflows.iter().find(|workflow| workflow.path == path) {
            Some(workflow) => workflow.text.as_str(),
            None => return false,
        },
    };
    if !text.contains("shardplan:") {
        return false;
    }
    let lines = lines.entry(path.to_owned()).or_insert_with(|| text.lines().map(str::to_owned).collect());
    let says = |line: usize, alone: bool, word: &str| {
        let text = lines.get(line.wrapping_sub(1)).map_or("", String::as_str);
        (!alone || text.trim_start().starts_with('#'))
            && ignored_in(text, word).iter().any(|name| name.means(finding.rule))
    };
    says(at, false, "ignore")
        || says(at.wrapping_sub(1), true, "ignore")
        || (1..=lines.len()).any(|line| says(line, true, "ignore-file"))
}

/// A comment that asks to leave findings alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IgnoreComment<'l> {
    /// `ignore` or `ignore-file`.
    pub(super) word: &'l str,
    /// What stands between its brackets, one by one; empty where there are none.
    pub(super) names: Vec<&'l str>,
}

/// Returns what a line asks to leave alone: `# shardplan: ignore[SP101, unstable-ids]`.
pub(super) fn ignore_comment(line: &str) -> Option<IgnoreComment<'_>> {
    let told = |at: usize| line[at + 1..].trim_start().strip_prefix("shardplan:");
    let rest = line.rmatch_indices('#').find_map(|(at, _)| told(at))?.trim_start();
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(rest.len());
    let (word, rest) = rest.split_at(end);
    if !matches!(word, "ignore" | "ignore-file") {
        return None;
    }
    let inside = rest.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let names = inside.map_or("", |(names, _)| names).split(',').map(str::trim);
    Some(IgnoreComment { word, names: names.filter(|name| !name.is_empty()).collect() })
}

/// Returns the rules that a comment names; those that it names wrongly are none.
fn ignored_in(line: &str, word: &str) -> Vec<RuleName> {
    let comment = ignore_comment(line).filter(|comment| comment.word == word);
    let names = comment.map(|comment| comment.names).unwrap_or_default();
    names.into_iter().filter_map(|name| name.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_names_its_rules() {
        assert_eq!(ignored_in("def test_a():  # shardplan: ignore[SP101, unstable-ids]", "ignore").len(), 2);
        assert_eq!(ignored_in("# shardplan: ignore-file[SP1]", "ignore").len(), 0);
        assert_eq!(ignored_in("# shardplan: ignore-file[SP1]", "ignore-file").len(), 1);
        assert_eq!(ignored_in("x = 1  #shardplan:ignore [SP101]  # why", "ignore").len(), 1);
        assert!(ignored_in("# shardplan: ignored[SP101]", "ignore").is_empty());
        assert!(
            ignored_in("# shardplan: ignore", "ignore").is_empty(),
            "a comment that names no rule ignores none"
        );
    }
}
